"""新股新债：额度、当日数据、一次申购完。"""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader.basics.beijing import stamp
from easytrader.codes import PURCHASE_MARKET_NAMES, OrderStatus, OrderType
from easytrader.errors import NotConnectedError, OutcomeUnknownError, RiskRefusedError, UsageError
from easytrader.miniqmt.groups.base import STOCKS, Group
from easytrader.orders import Extras, ticket
from easytrader.rows import empties
from easytrader.rows.business import ipo_row

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from easytrader import types
    from easytrader.backend.records import OrderLike
    from easytrader.backend.session import Session
    from easytrader.basics.log import Log
    from easytrader.miniqmt.session import QmtSession
    from easytrader.orders import Router
    from easytrader.rows import Row

_BOND_LIMIT: Final = 10_000
"""厂商手册：额度查询只管股票，债券固定 10000 张。"""

_STAR_PREFIXES: Final = ("787", "789")
"""科创板的申购代码（789 是存托凭证）。"""

STATUS_NAMES: Final[dict[str, str]] = {
    "placed": "已申购",
    "already": "早已申购",
    "skipped": "跳过",
    "refused": "被拒绝",
    "unknown": "结果未知",
    "not_sent": "没有发出",
}
"""`subscribe_all` 每一只的结果 → 中文名。"""


class Ipo(Group):
    """新股新债：``user.ipo``。"""

    __slots__ = ("_today",)
    _kinds = STOCKS

    def __init__(
        self, desk: Callable[[], QmtSession], ordering: Router, log: Log, today: Callable[[], str]
    ) -> None:
        super().__init__(desk, ordering, log)
        self._today = today  # 交易所的今天，YYYYMMDD

    def limits(self) -> dict[str, int]:
        """新股申购额度，股：``{'KCB': 科创板, 'SH': 上海, 'SZ': 深圳}``，没有的市场不在里面。

        只管新股；新债的额度固定 10000 张。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        desk = self._desk_for("limits")
        found = desk.query("新股申购额度", "query_new_purchase_limit", desk.account)
        return dict(found or {})

    def data(self) -> list[types.IpoIssue]:
        """当日的新股新债，每只一个字典；``stock_code`` 是申购代码，数量为股/张，价格为元。

        Raises:
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        found = self._desk.query("新股数据", "query_ipo_data")
        rows = [ipo_row(code, issue) for code, issue in (found or {}).items()]
        return empties.noted("ipo.data", rows)

    def subscribe_all(self) -> list[types.IpoResult]:
        """申购当日全部新股新债，各按能申购的最大数量。同一天再跑什么都不会再下。

        每只用自己的 ``client_order_id``（``ipo-日期-申购代码``），所以同一天里跑几次、
        几个程序一起跑、半途断线再跑，每只都只有一笔；手工申购过的也认得。废单可以再来。

        Returns:
            每只一个字典：``stock_code name type type_name issue_price volume status status_name
            entrust_no message``。``status`` 见 `STATUS_NAMES`：没有额度、不是今天的、北交所的跳过；
            某一只出错不影响其余的。没有新股为空列表。

        Raises:
            UsageError: 账号类型不对，什么都没有发出。
            QueryFailedError: 新股数据、额度或当日委托查不到，什么都没有发出。
            NotConnectedError: 没有可用会话，什么都没有发出。
            JournalError: 委托记录写不下来，没有发出。
        """
        desk = self._desk_for("subscribe_all")
        issues = self.data()
        if not issues:
            return empties.noted("ipo.subscribe_all", [])
        limits = self.limits()
        orders = cast("Session", desk).orders()
        today = self._today()
        results = []
        for issue in issues:
            result = self._apply(issue, limits, orders, today)
            result["status_name"] = STATUS_NAMES[result["status"]]
            self._log.info(
                "新股申购 {} {}：{} {}",
                issue["stock_code"], issue["name"], result["status_name"], result["message"],
            )  # fmt: skip
            results.append(_in_order(issue, result))
        return results

    def _apply(
        self,
        issue: types.IpoIssue,
        limits: Mapping[str, int],
        orders: Sequence[OrderLike],
        today: str,
    ) -> Row:
        done, junk = _applied(orders)
        code = issue["stock_code"]
        volume, why = purchase_volume(issue, limits, today)
        if code in done:
            return _result("already", volume, done[code], f"今天已经申购过，委托 {done[code]}")
        if why:
            return _result("skipped", volume, None, why)
        # 废掉的（开市前就下了等）可以再来，所以 id 里带着第几次
        attempt = f"-{junk[code]}" if junk[code] else ""
        client_order_id = f"ipo-{today}-{code}{attempt}"
        return self._subscribe(code, float(issue["issue_price"]), volume, client_order_id)

    def _subscribe(self, code: str, price: float, volume: int, client_order_id: str) -> Row:
        known = set(self._ordering.recent)
        try:
            extras = Extras("", "", client_order_id)
            row = self._ordering.run(ticket.limit(OrderType.BUY, code, price, volume, extras))
        except OutcomeUnknownError as exc:
            return _result("unknown", volume, None, str(exc))
        except NotConnectedError as exc:
            return _result("not_sent", volume, None, str(exc))
        except RiskRefusedError as exc:
            return _result("refused", volume, None, str(exc))
        except UsageError as exc:
            # 这个 id 已经用于数量不同的另一笔：额度在两次之间变了，早先的那笔算数
            again = exc.argument == "client_order_id"
            return _result("already" if again else "refused", volume, None, str(exc))
        number = row["entrust_no"]
        if number < 0:
            return _result("refused", volume, None, str(row.get("message", "")))
        if number in known:  # 刚下的，客户端的查询里还没有
            return _result("already", volume, number, f"今天已经申购过，委托 {number}")
        return _result("placed", volume, number, "")


def exchange_today() -> str:
    """交易所的今天，``YYYYMMDD``。"""
    return stamp(time.time(), "%Y%m%d")


def purchase_volume(
    issue: Mapping[str, Any], limits: Mapping[str, int], today: str
) -> tuple[int, str]:
    """这一只能申购多少，股/张；不能为 0 和原因。"""
    code = str(issue["stock_code"])
    day = str(issue["purchase_date"] or "").replace("-", "")
    if day and day != today:
        return 0, f"申购日是 {day}，不是今天"
    exchange = code.partition(".")[2]
    if exchange not in ("SH", "SZ"):
        return 0, "北交所等市场的申购要全额缴款，不自动申购"
    if not issue["issue_price"] or issue["issue_price"] <= 0:
        return 0, "还没有发行价"
    if issue["type"] == "BOND":
        quota = _BOND_LIMIT
    else:
        market = "KCB" if code.startswith(_STAR_PREFIXES) else exchange
        quota = int(limits.get(market, 0))
        if quota <= 0:
            return 0, f"{PURCHASE_MARKET_NAMES[market]}没有新股申购额度"
    step = max(int(issue["min_purchase_num"] or 0), 1)
    most = min(int(issue["max_purchase_num"] or 0), quota)
    volume = most - most % step
    if volume <= 0:
        return 0, f"能申购 {most}，不足最小申购单位 {step}"
    return volume, ""


def _applied(orders: Iterable[OrderLike]) -> tuple[dict[str, int], Counter[str]]:
    """今天申购过的代码 → 委托编号；各有几笔废单。"""
    done: dict[str, int] = {}
    junk: Counter[str] = Counter()
    for order in orders:
        if order.order_status == OrderStatus.JUNK:
            junk[order.stock_code] += 1
        else:
            done[order.stock_code] = int(order.order_id)
    return done, junk


def _result(status: str, volume: int, entrust_no: int | None, message: str) -> Row:
    return {"volume": volume, "status": status, "entrust_no": entrust_no, "message": message}


def _in_order(issue: types.IpoIssue, result: Row) -> types.IpoResult:
    return {
        "stock_code": issue["stock_code"],
        "name": issue["name"],
        "type": issue["type"],
        "type_name": issue["type_name"],
        "issue_price": issue["issue_price"],
        "volume": result["volume"],
        "status": result["status"],
        "status_name": result["status_name"],
        "entrust_no": result["entrust_no"],
        "message": result["message"],
    }
