"""信用账号（两融）：担保品、融资、融券、还款还券，五项信用查询。

`plugin` 接进柜台；`contracts` 合约与融券所得；`margin` 保证金与维持担保比例；`policy` 名单与比例；
`context` 走法们共用的；`ways` 各种委托的钱券走法；`queries` 五项查询；`refusals` 拒绝的文字。
带日期的规则在 `rules.credit`，文件夹里的 ``credit.json`` 在 `config.credit`。
"""
