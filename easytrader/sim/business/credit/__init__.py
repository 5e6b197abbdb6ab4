"""信用账号（两融）：担保品、融资、融券、还款还券，五项信用查询。

- `terms` 带日期的规则；`settings` 文件夹里的 ``credit.json``；`contracts` 一份合约；
  `debts` 账号的合约与融券所得；`margin` 保证金与维持担保比例；`refusals` 拒绝的文字；
  `policy` 名单与比例；`context` 走法们共用的；`Way`、`short` 各种委托的钱券走法；
  `off_book` 直接还券、直接还款；`queries` 五项查询；`line` 接进柜台。
"""
