"""用户的脚本：写错的地方，每一处 mypy 都要指出来。只检查类型，不执行。"""

from __future__ import annotations

import easytrader
from easytrader.codes import OrderType
from easytrader.types import Entrust

user = easytrader.use("miniqmt")
user.conect("D:/qmt", "10001")  # 错: attr-defined
user.connect("D:/qmt", "10001", account_type="CREDITS")  # 错: arg-type
user.connect("D:/qmt", "10001", timeout="10")  # 错: arg-type
user.connect("D:/qmt", "10001", tiemout=10)  # 错: call-arg
user.market_buy("600036", 100, ttype="对手方最优")  # 错: arg-type
user.market_sell("600036", 100, "市价")  # 错: arg-type
user.market_buy_async("600036", 100, ttype="对手方最优")  # 错: arg-type
user.buy("600036", 35.5, "100")  # 错: arg-type
user.buy(600036, 35.5, 100)  # 错: arg-type
user.buy("600036", "35.5", 100)  # 错: arg-type
user.buy("600036", amount=100)  # 错: call-arg
user.buy("600036", 35.5, 100, remrak="调仓")  # 错: call-arg
user.sell_async("600036", 35.5, 100, client_order_id=1)  # 错: arg-type
user.wait("1")  # 错: arg-type
user.quote(600036)  # 错: arg-type
print(user.balance[0]["total"])  # 错: typeddict-item
print(user.balance["cash"])  # 错: call-overload
print(user.position[0]["amount"])  # 错: typeddict-item
print(user.find_entrust(1)["price"])  # 错: index
print(user.quote("600036")["600036"]["last"] * 2)  # 错: operator
print(user.status["latncy_ms"])  # 错: typeddict-item
print(user.status["guard"]["refused"])  # 错: index
print(easytrader.doctor()[0]["satus"])  # 错: typeddict-item
print(user.buy("600036", 35.5, 100)["order_id"])  # 错: misc
print(user.buy_async("600036", 35.5, 100).result()["order_id"])  # 错: misc
print(user.bank.info()[0]["bank"])  # 错: typeddict-item
user.transfer.fund("普通到极速", 100.0)  # 错: arg-type
user.transfer.secu(520, "600036", "100")  # 错: arg-type
user.credit.fin_buy("600036", 35.5, 100, remrak="调仓")  # 错: call-arg
user.credit.slo_sell("600036", None, 100, ttype="最新")  # 错: arg-type
user.credit.direct_cash_repay(1000, amount_in="money")  # 错: arg-type
print(user.credit.detail()["totalDebt"])  # 错: typeddict-item
print(user.credit.compacts()[0]["businessFare"])  # 错: typeddict-item
print(user.state == "连上了")  # 错: comparison-overlap
print(OrderType.FIN_BY)  # 错: attr-defined


def filled(order: Entrust) -> bool:
    order["price"].strip()  # 错: attr-defined
    return order["order_status_name"] == "全部成交"  # 错: comparison-overlap


for event in user.events():
    if event["event"] == "trade":
        print(event["data"]["order_status_name"])  # 错: typeddict-item
    if event["event"] == "order":
        print(event["data"]["traded_id"])  # 错: typeddict-item
    if event["event"] == "orders":  # 错: comparison-overlap
        print(event["data"])

sim = easytrader.use("sim")
sim.connect(tiemout=5)  # 错: call-arg
sim.sim.step(minute=1)  # 错: call-arg
easytrader.frame(sim.position, names="cn")  # 错: call-overload
easytrader.notebook.live(sim, "positions")  # 错: arg-type
