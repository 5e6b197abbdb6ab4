"""信用账号（两融）：担保品、融资、融券、还款还券，五项信用查询。

`plugin` 接进柜台，五项查询；`contracts` 合约与融券所得；`margin` 名单与比例、保证金与维持担保比例；
`orders` 各种委托怎样检查、钱券怎样走。
带日期的规则在 `rules.credit`，文件夹里的 ``credit.json`` 在 `config.credit`。
"""
