"""用户的脚本：mypy --strict 没有话说。只检查类型，不执行。"""

from __future__ import annotations

import easytrader
from easytrader.codes import OrderStatus, OrderType, PriceType
from easytrader.types import (
    AccountTypeName,
    CancelResult,
    Entrust,
    EntrustResult,
    Event,
    MarketTypeName,
    Quote,
    Status,
    Trade,
)


def spend(orders: list[Entrust]) -> float:
    return sum(each["traded_price"] * each["traded_volume"] for each in orders)


def told(event: Event) -> str:
    """判断了 event 的种类，data 的类型就定了。"""
    if event["event"] == "order":
        return event["data"]["order_status_name"]
    if event["event"] == "trade":
        return f"{event['data']['traded_price']:.2f}"
    if event["event"] == "order_error" or event["event"] == "cancel_error":
        return event["data"]["error_msg"]
    if event["event"] == "gap":
        return f"丢了 {event['data']['missed']:d} 条"
    if event["event"] == "order_response":
        return str(event["data"]["seq"] + 1)
    return event["event_name"]


def on_health(status: Status) -> None:
    guard = status["guard"]
    if guard is not None and guard["sent_today"] is not None:
        print(guard["sent_today"] + 1)


def main(kind: AccountTypeName = "CREDIT", ttype: MarketTypeName = "对手方最优价格委托") -> None:
    user = easytrader.use("miniqmt", guard={"max_order_value": 100_000})
    user.connect(r"D:\qmt\userdata_mini", "10001", account_type=kind, on_health=on_health)
    cash: float = user.balance[0]["cash"]
    held: dict[str, int] = {each["stock_code"]: each["can_use_volume"] for each in user.position}
    result: EntrustResult = user.buy("600036", 35.5, 100, remark="调仓", entrust_prop="limit")
    if result["entrust_no"] < 0:
        print(result["message"].strip())
    user.market_sell("600036", 100, ttype)
    user.market_sell("600036", 100, ttype="最优五档即时成交剩余撤销")
    user.market_sell("600036", 100, PriceType.PEER_PRICE_FIRST)
    done: Entrust = user.wait(result["entrust_no"])
    if done["order_status"] == OrderStatus.SUCCEEDED or done["order_status_name"] == "已成":
        print(OrderType(done["order_type"]).label, done["order_type_name"] == "担保品买入")
    again = user.find_entrust(result["entrust_no"])
    if again is not None:
        print(again["price"] * 2)
    cancelled: CancelResult = user.cancel_entrust(done["order_id"])
    trades: list[Trade] = user.today_trades
    quotes: dict[str, Quote] = user.quote(["600036"])
    last = quotes["600036"]["last"]
    if last is not None:
        print(last + cash, held, cancelled["success"], len(trades), spend(user.today_entrusts))
    for event in user.events(timeout=5):
        print(told(event))
    receipt = user.buy_async("600036", 35.5, 100)
    print(receipt.seq, receipt.result(30)["entrust_no"] + 1)
    print([each["message"] for each in user.cancel_all()], user.state == "已连接")
    user.credit.fin_buy("600036", None, 100, ttype="最新价", client_order_id="融资-1")
    user.credit.direct_cash_repay(1000.5, amount_in="price", special=True, check_debt=False)
    repaid = user.credit.direct_secu_repay_async("600036", 100, remark="还券").result(30)[
        "entrust_no"
    ]
    owed = sum(each["real_compact_balance"] for each in user.credit.compacts())
    print(repaid, owed, user.credit.detail()["total_debt"] - owed)
    print([each["fix"] for each in easytrader.doctor() if each["status"] == "有问题"])


def simulated() -> None:
    with easytrader.use("sim") as user:
        user.connect(account_type="STOCK", timeout=5)
        table = easytrader.frame(user.position, names="zh")
        print(len(table), easytrader.frame(user.quote("600036"), engine="polars").columns)
        view = easytrader.notebook.live(user, ("position", "trades"), interval=2)
        print(view.running, view.rounds + 1)
        print(user.sim.now, user.status["latency_ms"].get("submit", 0.0))
