"""买卖之外的查询的列名：信用、新股、账号、划拨、银行、约券、算法。

一张表四样：动词（也是它的英文名）、中文名、各列（``键 列名 装的是什么``，不写是文字）、
屏幕窄时只看的几个键。由 `rows.titles` 做成表，写法与装的是什么见那里。
"""

from __future__ import annotations

from typing import Final

TABLES: Final[tuple[tuple[str, str, str, str], ...]] = (
    (
        "credit.detail",
        "信用资产",
        """
status          账号状态代码  number
status_name     账号状态
update_time     更新时间     number
calc_config     计算参数     number
balance         总资产       money
available       可用金额     money
frozen_cash     冻结金额     money
fetch_balance   可取金额     money
market_value    总市值       money
stock_value     股票市值     money
fund_value      基金市值     money
position_profit 持仓盈亏     money
assure_asset    净资产       money
total_debt      总负债       money
enable_bail_balance 可用保证金   money
per_assurescale_value 维持担保比例  ratio
fin_debt        融资负债     money
fin_deal_avl    融资本金     money
fin_fee         融资息费     money
slo_debt        融券负债     money
slo_market_value 融券市值     money
slo_fee         融券息费     money
other_fare      其它费用     money
fin_max_quota   融资授信额度  money
fin_enable_quota 融资可用额度  money
fin_used_quota  融资冻结额度  money
slo_max_quota   融券授信额度  money
slo_enable_quota 融券可用额度  money
slo_used_quota  融券冻结额度  money
slo_sell_balance 融券卖出资金  money
used_slo_sell_balance 已用融券卖出资金  money
surplus_slo_sell_balance 剩余融券卖出资金  money
account_type    账号类型代码  number
account_type_name 账号类型
account_id      资金账号
""",
        "balance available total_debt assure_asset enable_bail_balance per_assurescale_value",
    ),
    (
        "credit.compacts",
        "负债合约",
        """
security        代码
stock_code      证券代码
exchange_id     市场代码     number
exchange_id_name 市场
compact_id      合约编号
compact_type    合约类型代码  number
compact_type_name 合约类型
cashgroup_prop  头寸来源代码  number
cashgroup_prop_name 头寸来源
open_date       开仓日期     date
ret_end_date    到期日       date
business_vol    合约数量     count
real_compact_vol 未还数量     count
business_balance 合约金额     money
real_compact_balance 未还金额     money
business_fare   合约息费     money
real_compact_fare 未还息费     money
repaid_fare     已还息费     money
repaid_balance  已还金额     money
position_str    定位串
account_type    账号类型代码  number
account_type_name 账号类型
account_id      资金账号
""",
        "stock_code compact_type_name cashgroup_prop_name open_date ret_end_date real_compact_vol "
        "real_compact_balance real_compact_fare",
    ),
    (
        "credit.subjects",
        "融资融券标的",
        """
security        代码
stock_code      证券代码
exchange_id     市场代码     number
exchange_id_name 市场
fin_status      融资状态代码  number
fin_status_name 融资状态
fin_ratio       融资保证金比例  ratio
slo_status      融券状态代码  number
slo_status_name 融券状态
slo_ratio       融券保证金比例  ratio
account_type    账号类型代码  number
account_type_name 账号类型
account_id      资金账号
""",
        "stock_code fin_status_name fin_ratio slo_status_name slo_ratio",
    ),
    (
        "credit.slo_codes",
        "可融券",
        """
security        代码
stock_code      证券代码
exchange_id     市场代码     number
exchange_id_name 市场
cashgroup_prop  头寸来源代码  number
cashgroup_prop_name 头寸来源
enable_amount   可融数量     count
account_type    账号类型代码  number
account_type_name 账号类型
account_id      资金账号
""",
        "stock_code cashgroup_prop_name enable_amount",
    ),
    (
        "credit.assure",
        "担保品",
        """
security        代码
stock_code      证券代码
exchange_id     市场代码     number
exchange_id_name 市场
assure_status   可做担保代码  number
assure_status_name 可做担保
assure_ratio    折算比例     ratio
account_type    账号类型代码  number
account_type_name 账号类型
account_id      资金账号
""",
        "stock_code assure_status_name assure_ratio",
    ),
    (
        "ipo.data",
        "新股新债",
        """
security        代码
stock_code      申购代码
name            名称
type            类型代码
type_name       类型
min_purchase_num 最少申购     count
max_purchase_num 最多申购     count
purchase_date   申购日期     date
issue_price     发行价       price
""",
        "stock_code name type_name issue_price min_purchase_num max_purchase_num purchase_date",
    ),
    (
        "ipo.subscribe_all",
        "申购结果",
        """
stock_code      申购代码
name            名称
type            类型代码
type_name       类型
issue_price     发行价       price
volume          申购数量     count
status          结果代码
status_name     结果
entrust_no      委托编号     number
message         说明
""",
        "stock_code name issue_price volume status_name entrust_no message",
    ),
    (
        "cancel_all",
        "撤单结果",
        """
entrust_no      委托编号     number
success         已收下       flag
message         说明
""",
        "entrust_no success message",
    ),
    (
        "client.account_infos",
        "资金账号",
        """
account_id      资金账号
account_type    账号类型代码  number
account_type_name 账号类型
login_status    登录状态代码  number
login_status_name 登录状态
broker_type     券商类型     number
broker_id       券商编号
broker_name     券商
platform_id     平台编号     number
product_id      产品编号     number
product_name    产品
product_code    产品代码
""",
        "account_id account_type_name login_status_name broker_name",
    ),
    (
        "client.account_status",
        "账号状态",
        """
status          状态代码     number
status_name     状态
account_id      资金账号
account_type    账号类型代码  number
""",
        "account_id status_name",
    ),
    (
        "client.secu_accounts",
        "股东账户",
        """
market          市场
secu_account    股东账户
main            主账户       flag
""",
        "market secu_account main",
    ),
    (
        "client.position_statistics",
        "持仓统计",
        """
account_id      资金账号
exchange_id     市场
exchange_name   市场名称
product_id      品种
instrument_id   合约代码
instrument_name 合约名称
direction       多空代码     number
direction_name  多空
hedge_flag      投保代码     number
hedge_flag_name 投保
position        持仓         count
yesterday_position 昨仓         count
today_position  今仓         count
can_close_vol   可平         count
position_cost   持仓成本     money
avg_price       持仓均价     price
position_profit 持仓盈亏     money
float_profit    浮动盈亏     money
open_price      开仓均价     price
used_margin     占用保证金   money
used_commission 手续费       money
frozen_margin   冻结保证金   money
frozen_commission 冻结手续费   money
instrument_value 合约价值     money
open_times      开仓次数     count
open_volume     开仓数量     count
cancel_times    撤单次数     count
last_price      最新价       price
rise_ratio      涨跌幅       ratio
product_name    品种名称
royalty         权利金       money
expire_date     到期日       date
assest_weight   资产占比     ratio
increase_by_settlement 结算涨跌     price
margin_ratio    保证金占比   ratio
float_profit_divide_by_used_margin 浮盈比保证金  ratio
float_profit_divide_by_balance 浮盈比权益   ratio
today_profit_loss 当日盈亏     money
yesterday_init_position 昨夜持仓     count
frozen_royalty  冻结权利金   money
today_close_profit_loss 当日平仓盈亏  money
close_profit    平仓盈亏     money
ft_product_name 期货品种名称
open_cost       开仓成本     money
""",
        "instrument_id instrument_name direction_name position can_close_vol open_price "
        "last_price float_profit used_margin",
    ),
    (
        "transfer.com_fund",
        "普通柜台资金",
        """
current_balance 当前余额     money
enable_balance  可用余额     money
fetch_balance   可取余额     money
interest        利息         money
asset_balance   总资产       money
fetch_cash      可取现金     money
market_value    市值         money
debt            负债         money
""",
        "asset_balance enable_balance fetch_balance market_value debt",
    ),
    (
        "transfer.com_position",
        "普通柜台持仓",
        """
security        代码
stock_code      证券代码
stock_name      证券名称
exchange_type   市场
secu_account    股东账户
total_amount    持有数量     count
enable_amount   可用数量     count
last_price      最新价       price
cost_price      成本价       price
income          盈亏         money
income_rate     盈亏比例     price
market_value    市值         money
cost_balance    成本金额     money
on_the_way_volume 在途数量     count
pr_enable_volume 可申赎数量   count
""",
        "stock_code stock_name total_amount enable_amount last_price cost_price market_value "
        "income",
    ),
    (
        "bank.info",
        "签约银行",
        """
bank_no         银行编号
bank_name       银行
bank_account    银行账号
money_type      币种代码
money_type_name 币种
""",
        "bank_no bank_name bank_account money_type_name",
    ),
    (
        "bank.amount",
        "银行余额",
        """
account_id      资金账号
bank_account    银行账号
money_type      币种代码
money_type_name 币种
balance         余额         money
enable_balance  可用余额     money
""",
        "bank_account money_type_name balance enable_balance",
    ),
    (
        "bank.transfer_stream",
        "转账流水",
        """
date            日期         date
time            时间
transfer_no     流水号
transfer_direction 方向代码
transfer_direction_name 方向
bank_no         银行编号
bank_name       银行
bank_account    银行账号
money_type      币种代码
money_type_name 币种
account_id      资金账号
balance         金额         money
remark          备注
transfer_status 状态
""",
        "date time transfer_direction_name bank_name balance transfer_status remark",
    ),
    (
        "lending.quoters",
        "券源行情",
        """
code            代码
code_name       名称
exchange_type   市场
src_group_id    来源组编号
apply_mode      申请方式代码
apply_mode_name 申请方式
date            最长天数     number
low_date        最短天数     number
init_date       发生日期     date
end_date        截止日期     date
enable_slo_amount_t0 当日可约数量  count
enable_slo_amount_t3 三日可约数量  count
fin_type        资券类型
stock_type      证券类别
occupied_rate   占用利率     ratio
fine_rate       罚息利率     ratio
preend_rate     提前归还利率  ratio
used_rate       使用利率     ratio
unused_rate     未使用利率   ratio
""",
        "code code_name apply_mode_name date enable_slo_amount_t0 occupied_rate",
    ),
    (
        "lending.orders",
        "约券申请",
        """
apply_id        申请编号
code            代码
code_name       名称
exchange_type   市场
src_group_id    来源组编号
com_group_id    资券组合编号
cash_compact_id 合约编号
apply_mode      申请方式代码
apply_mode_name 申请方式
apply_status    申请状态
entrust_no      委托编号
init_date       发生日期     date
curr_date       当前日期     date
curr_time       当前时间     number
date            天数         number
apply_rate      申请利率     ratio
entrust_amount  申请数量     count
entrust_balance 申请金额     money
business_amount 成交数量     count
business_balance 成交金额     money
valid_date      有效日期     date
date_clear      清算日期     date
fin_type        资券类型
used_rate       使用利率     ratio
unused_rate     未使用利率   ratio
""",
        "apply_id code code_name apply_mode_name apply_status date apply_rate entrust_amount "
        "business_amount",
    ),
    (
        "lending.compacts",
        "约券合约",
        """
cash_compact_id 合约编号
ori_cash_compact_id 原合约编号
apply_id        申请编号
code            代码
code_name       名称
exchange_type   市场
src_group_id    来源组编号
src_group_name  来源组
com_group_id    资券组合编号
apply_mode      申请方式代码
apply_mode_name 申请方式
compact_type    合约类型
compact_status  合约状态代码
compact_status_name 合约状态
create_date     创建日期     date
date            天数         number
begin_compact_amount 期初数量     count
begin_compact_balance 期初金额     money
compact_amount  合约数量     count
compact_balance 合约金额     money
return_amount   归还数量     count
return_balance  归还金额     money
real_buy_amount 实际买入数量  count
used_amount     已用数量     count
used_balance    已用金额     money
occupied_rate   占用利率     ratio
used_rate       使用利率     ratio
unused_rate     未使用利率   ratio
fine_rate       罚息利率     ratio
preend_rate     提前归还利率  ratio
compact_interest 合约利息     money
compact_fine_interest 罚息         money
repaid_interest 已还利息     money
repaid_fine_interest 已还罚息     money
pre_occupied_interest 预占利息     money
total_interest  总利息       money
postpone_times  展期次数     count
postpone_status 展期状态代码
postpone_status_name 展期状态
enable_postpone_amount 可展期数量   count
last_interest_date 上次结息日期  date
interest_end_date 计息截止日期  date
valid_date      有效日期     date
date_clear      清算日期     date
repaid_date     归还日期     date
fin_type        资券类型
""",
        "cash_compact_id code code_name compact_status_name date compact_amount used_amount "
        "occupied_rate total_interest",
    ),
    (
        "algo.params",
        "算法参数",
        """
key             键
name            名称
data_type       数据类型
value_range     取值范围     list
default_value   默认值       list
enum_name       选项名称     list
enum_value      选项的值     list
unit            单位
value_range_by_name 按名称的取值范围  list
default_value_by_name 按名称的默认值  list
""",
        "key name data_type value_range default_value unit",
    ),
    (
        "algo.tasks",
        "算法任务",
        """
task_id         任务编号     number
task_status     状态
task_msg        说明
start_time      开始时间     moment
end_time        结束时间     moment
cancel_time     撤销时间     moment
order_num       委托数量     count
business_num    成交数量
group_id        组编号
algo_id         算法
account_id      资金账号
account_type    账号类型代码  number
strategy_name   策略名
order_remark    备注
order_id_list   委托编号     list
""",
        "task_id algo_id task_status start_time end_time order_num business_num",
    ),
)
