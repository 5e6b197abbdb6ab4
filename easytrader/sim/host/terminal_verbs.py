"""完整版客户端问得到的动作：一个动作一行，怎样向柜台要，要来的怎样变成它的行。

`COUNTER` 的在主机线程上办（``ask``），在发送的线程上变成字典（``shape``）；`QUOTES` 的只问主机
行情走到了几点，其余在连接自己的线程上算。参数不对：KeyError、TypeError、ValueError。
"""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from easytrader.basics.beijing import stamp
from easytrader.codes import AccountType, OrderType
from easytrader.sim.business.credit.contracts import SLO
from easytrader.sim.exchange.hours import day_code
from easytrader.sim.gateway import terminal_rows as made
from easytrader.sim.gateway.translator import business_rows
from easytrader.sim.ledger.events import (
    AccountQuery,
    BusinessQuery,
    CancelOrder,
    OrdersQuery,
    Outcome,
    SubmitOrder,
)
from easytrader.sim.quotes.bars import bar_row
from easytrader.sim.quotes.calendar import moment
from easytrader.sim.quotes.details import lot_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.exchange.screen import Own
    from easytrader.sim.gateway.terminal_rows import Row
    from easytrader.sim.gateway.translator import Translator
    from easytrader.sim.quotes.board import Board

    Args = dict[str, Any]
    Account = tuple[int, str]
    Ask = Callable[[Translator], Outcome]


_BARS_S: Final = 8.0
"""取一次历史最多算这么久：客户端的主线程在等。"""


class Screen(Protocol):
    """看得到行情的地方。"""

    @property
    def board(self) -> Board:
        """行情板。"""
        ...

    def seen(self, *, own: bool = True) -> tuple[float, dict[str, Own]]:
        """行情走到了几点，各证券上文件夹里挂着的与吃掉的。"""
        ...


class Item(NamedTuple):
    """柜台的一个动作。

    Attributes:
        verb: 故障认的名字，见 `verbs`。
        ask: （账号，参数）→ 在主机线程上办的函数。
        shape: （要来的，参数）→ 回答。
        named: 要说明是哪个账号。
    """

    verb: str
    ask: Callable[[Account, Args], Ask]
    shape: Callable[[Any, Args], Any]
    named: bool = True

    def asked(self, args: Args) -> Ask:
        """照这些参数去办的函数。"""
        account = (int(args["account_type"]), str(args["account_id"])) if self.named else (0, "")
        return self.ask(account, args)


def account_rows(desk: Translator, account_type: int, account_id: str) -> list[Row]:
    """ACCOUNT 的行，做到的这一刻的；信用账号的带着两融的那些。"""
    engine, credit = desk.engine, {}
    if account_type == AccountType.CREDIT:
        query = AccountQuery(account_type, account_id)
        for detail in desk.business_now("credit_detail", query):
            credit = made.credit_part(detail)
    status, now = engine.status_of(account_id), engine.market_time()
    return [
        {**made.account_row(asset, status, now), **credit}
        for asset in engine.asset_now(account_type, account_id)
    ]


def _accounts(_: Account, __: Args) -> Ask:
    return lambda desk: Outcome([each.account for each in desk.engine.statuses()])


def _account_list(found: Any, _: Args) -> list[dict[str, Any]]:
    return [
        {
            "account_id": account_id,
            "account_type": int(account_type),
            "type": "CREDIT" if account_type == AccountType.CREDIT else "STOCK",
        }
        for account_type, account_id in found
    ]


def _now(_: Account, __: Args) -> Ask:
    return lambda desk: Outcome(desk.engine.market_time())


def _submit(account: Account, args: Args) -> Ask:
    order = SubmitOrder(
        *account,
        str(args["stock_code"]),
        int(args["order_type"]),
        int(args["volume"]),
        int(args["price_type"]),
        float(args["price"]),
        str(args.get("strategy", "")),
        str(args.get("remark", "")),
    )

    def go(desk: Translator) -> Outcome:
        found = desk.engine.submit(order)
        return desk.told(found, found.answer)

    return go


def _cancel(account: Account, args: Args) -> Ask:
    order_id, sysid = int(args.get("order_id", 0)), str(args.get("sysid", ""))
    if not (order_id or sysid):
        raise ValueError("要给 sysid（合同编号）")
    order = CancelOrder(*account, order_id, "", sysid)

    def go(desk: Translator) -> Outcome:
        found = desk.engine.cancel(order)
        return desk.told(found, found.answer)

    return go


def _ask_rows(account: Account, args: Args) -> Ask:
    ask = _KINDS[str(args["kind"])][0]

    def go(desk: Translator) -> Outcome:
        if not desk.has_account(*account):
            known = (each.account[1] for each in desk.engine.statuses())
            return Outcome(_WRONG_TYPE if account[1] in known else _UNKNOWN)
        return ask(desk, account)

    return go


_WRONG_TYPE: Final = "wrong type"
_UNKNOWN: Final = "unknown"


def _shape_rows(found: Any, args: Args) -> list[Row]:
    """``found`` 是文字：没有这个账号为空，账号类型不对是一行零。"""
    kind = str(args["kind"])
    if isinstance(found, str):
        zeros = found == _WRONG_TYPE and kind != "TASK"
        return [made.zero_row(kind, str(args["account_id"]))] if zeros else []
    return _KINDS[kind][1](found)


def _account_kind(desk: Translator, account: Account) -> Outcome:
    found = desk.engine.asset(AccountQuery(*account))
    return desk.told(found, account_rows(desk, *account))


def _order_kind(desk: Translator, account: Account) -> Outcome:
    found = desk.engine.orders(OrdersQuery(*account))
    return desk.told(found, found.answer)


def _deal_kind(desk: Translator, account: Account) -> Outcome:
    orders = desk.engine.orders(OrdersQuery(*account))
    trades = desk.engine.trades(AccountQuery(*account))
    price_types = {each.order_id: each.price_type for each in orders.answer}
    happened = Outcome(None, orders.events + trades.events)  # 问一次就可能往前走一步
    return desk.told(happened, (trades.answer, price_types))


def _deal_rows(found: Any) -> list[Row]:
    trades, price_types = found
    return [made.deal_row(each, price_types.get(each.order_id, 0)) for each in trades]


def _position_kind(desk: Translator, account: Account) -> Outcome:
    found = desk.engine.positions(AccountQuery(*account))
    return desk.told(found, (found.answer, desk.engine.market_time()))


def _statistics_kind(desk: Translator, account: Account) -> Outcome:
    return desk.ask("position_statistics", BusinessQuery(*account))


_Kind = tuple["Callable[[Translator, Account], Outcome]", "Callable[[Any], list[Row]]"]
_KINDS: Final[dict[str, _Kind]] = {
    "ACCOUNT": (_account_kind, list),
    "POSITION": (
        _position_kind,
        lambda found: [made.position_row(each, found[1]) for each in found[0]],
    ),
    "ORDER": (_order_kind, lambda found: [made.order_row(each) for each in found]),
    "DEAL": (_deal_kind, _deal_rows),
    "POSITION_STATISTICS": (
        _statistics_kind,
        lambda found: [made.vendor_row(each, "PositionStatistics") for each in found],
    ),
    "TASK": (lambda _, __: Outcome([]), list),
}


def _business(verb: str) -> Callable[[Account, Args], Ask]:
    return lambda account, _: lambda desk: desk.ask(verb, AccountQuery(*account))


def _contracts(*, closed: bool) -> Any:
    """合约：没有了结的，或今天了结的。"""

    def ask(account: Account, _: Args) -> Ask:
        query = AccountQuery(*account)

        def go(desk: Translator) -> Outcome:
            found = desk.engine.ask("stk_compacts", query)
            kept = [each for each in found.answer if each.closed is closed]
            return desk.told(found, business_rows("stk_compacts", query, kept))

        return go

    return ask


def _compact_rows(found: Any, _: Args) -> list[Row]:
    more = {"m_nBrokerType": int(AccountType.CREDIT), "m_strEntrustNo": ""}
    return [{**made.vendor_row(each, "StkCompacts"), **more} for each in found]


def _short_rows(found: Any, _: Args) -> list[Row]:
    rows = [made.vendor_row(each, "CreditSloCode") for each in found]
    return [{**row, "m_eQuerySloType": row["m_eCashgroupProp"]} for row in rows]


def _subjects(account: Account, _: Args) -> Ask:
    """标的与担保品，按代码并成一行。"""
    query = AccountQuery(*account)

    def go(desk: Translator) -> Outcome:
        found = desk.ask("credit_subjects", query)
        return found._replace(answer=(found.answer, desk.business_now("credit_assure", query)))

    return go


def _subject_rows(found: Any, _: Args) -> list[Row]:
    merged: dict[tuple[str, str], Row] = {}
    blank = {"m_dFinRatio": 0.0, "m_dSloRatio": 0.0, "m_eFinStatus": _VOID, "m_eSloStatus": _VOID}
    blank |= {"m_dAssureRatio": 0.0, "m_eAssureStatus": _VOID}
    for rows, struct in zip(found, ("CreditSubjects", "CreditAssure"), strict=True):
        for each in rows:
            row = made.vendor_row(each, struct)
            key = row["m_strInstrumentID"], row["m_strExchangeID"]
            merged[key] = {**merged.get(key, blank), **row}
    return list(merged.values())


_VOID: Final = 50


def _issues(found: Any, args: Args) -> dict[str, Row]:
    kind = str(args.get("type", ""))
    return {
        each.ipo_code: {
            "name": each.ipo_name,
            "type": each.ipo_type,
            "issuePrice": each.issue_price,
            "maxPurchaseNum": each.max_purchase_num,
            "minPurchaseNum": each.min_purchase_num,
            "purchaseDate": each.purchase_date,
        }
        for each in found
        if kind in ("", each.ipo_type)
    }


def _detail_of_credit(found: Any, _: Args) -> Row | None:
    return next((made.credit_part(each) for each in found), None)


_LOT: Final = 100


def _opvolume(account: Account, args: Args) -> Ask:
    """信用账号此刻能做多少：每只一个数，股；32 直接还款是元。"""
    codes = [str(each) for each in args["codes"]]
    order_type, price = int(args["order_type"]), float(args.get("price", 0))

    def go(desk: Translator) -> Outcome:
        query = AccountQuery(*account)
        lasts = {code: desk.engine.last_li(code) for code in codes}
        able = _Able(desk, query)
        found = {}
        for code, last in lasts.items():
            at = price if price > 0 else (last.answer or 0) / 1000
            found[code] = able.volume(order_type, code, at) if at > 0 else 0
        happened = Outcome(None, tuple(each for last in lasts.values() for each in last.events))
        return desk.told(happened, found)

    return go


class _Able:
    """信用账号的余力。"""

    def __init__(self, desk: Translator, query: AccountQuery) -> None:
        [self._detail] = desk.business_now("credit_detail", query) or [None]
        self._held = {
            each.stock_code: each.sellable for each in desk.engine.positions_now(*query[:2])
        }
        self._subjects = {_code(each): each for each in desk.business_now("credit_subjects", query)}
        self._sources: dict[str, int] = {}
        for each in desk.business_now("credit_slo_code", query):
            self._sources[_code(each)] = self._sources.get(_code(each), 0) + each.enable_amount
        self._owed: dict[str, int] = {}
        for each in desk.business_now("stk_compacts", query):
            if each.compact_type == SLO:
                self._owed[_code(each)] = self._owed.get(_code(each), 0) + each.real_compact_vol

    def volume(self, order_type: int, code: str, price: float) -> int:
        """这种委托、这个价，最多多少。"""
        detail, subject = self._detail, self._subjects.get(code)
        if detail is None:
            return 0
        held, owed = self._held.get(code, 0), self._owed.get(code, 0)
        if order_type in (OrderType.BUY, _COLLATERAL_BUY):
            return _lots(detail.available / price)
        if order_type in (OrderType.SELL, _COLLATERAL_SELL, OrderType.SELL_SECU_REPAY):
            return held
        if order_type == OrderType.FIN_BUY and subject is not None and subject.fin_ratio:
            margin = detail.enable_bail_balance / subject.fin_ratio
            return _lots(min(margin, detail.fin_enable_quota) / price)
        if order_type == OrderType.SLO_SELL and subject is not None and subject.slo_ratio:
            margin = detail.enable_bail_balance / subject.slo_ratio
            most = _lots(min(margin, detail.slo_enable_quota) / price)
            return min(most, self._sources.get(code, 0))
        if order_type == OrderType.BUY_SECU_REPAY:
            return min(owed, _lots((detail.available + detail.surplus_slo_sell_balance) / price))
        if order_type == OrderType.DIRECT_SECU_REPAY:
            return min(owed, held)
        if order_type == OrderType.DIRECT_CASH_REPAY:
            return int(min(detail.available, detail.fin_debt))
        return 0


def _code(row: Any) -> str:
    return f"{row.instrument_id}.{made.MARKETS.get(row.exchange_id, '')}"


def _lots(volume: float) -> int:
    return max(int(volume) // _LOT * _LOT, 0)


_COLLATERAL_BUY: Final = 33
_COLLATERAL_SELL: Final = 34


COUNTER: Final[dict[str, Item]] = {
    "accounts": Item("account_infos", _accounts, _account_list, named=False),
    "now": Item("quote", _now, lambda found, _: found, named=False),
    "submit": Item(
        "submit",
        _submit,
        lambda found, _: {
            "order_id": found.order_id,
            "reason": found.reason,
            "sysid": found.sysid,
        },
    ),
    "cancel": Item("cancel", _cancel, lambda found, _: {"reason": found.reason}),
    "rows": Item("orders", _ask_rows, _shape_rows),
    "ipo_data": Item(
        "ipo_data",
        lambda _, __: lambda desk: desk.ask("ipo_data", AccountQuery(0, "")),
        _issues,
        named=False,
    ),
    "purchase_limit": Item(
        "new_purchase_limit",
        _business("new_purchase_limit"),
        lambda found, _: {each[0]: each[1] for each in found},
    ),
    "compacts": Item("stk_compacts", _contracts(closed=False), _compact_rows),
    "closed_compacts": Item("stk_compacts", _contracts(closed=True), _compact_rows),
    "assure": Item("credit_subjects", _subjects, _subject_rows),
    "short": Item("credit_slo_code", _business("credit_slo_code"), _short_rows),
    "opvolume": Item("credit_detail", _opvolume, lambda found, _: found),
    "credit_account": Item("credit_detail", _business("credit_detail"), _detail_of_credit),
}


# 行情：问一声走到了几点，其余在连接自己的线程上算 --------------------------------


def _full_tick(screen: Screen, args: Args) -> dict[str, Any]:
    now, books = screen.seen()
    ticks = screen.board.snapshot([str(each) for each in args["codes"]], now, books)
    return {code: {**tick, "timetag": _tag(tick["time"])} for code, tick in ticks.items()}


def _tag(time_ms: int) -> str:
    return stamp(time_ms / 1000, "%Y%m%d %H:%M:%S")


def _detail(screen: Screen, args: Args) -> dict[str, Any] | None:
    return screen.board.detail(str(args["code"]), screen.seen(own=False)[0])


def _bars(screen: Screen, args: Args) -> list[dict[str, Any]]:
    now, _ = screen.seen(own=False)
    span = args.get("start", ""), args.get("end", ""), int(args.get("count", -1))
    code, period = str(args["code"]), str(args["period"])
    deadline = time.monotonic() + _BARS_S
    if period == "tick":
        return screen.board.ticks(code, span, now, deadline)
    found = screen.board.bars(code, period, span, now, deadline, args.get("dividend", "none"))
    security = screen.board.find(code)
    lot = 1 if security is None else lot_of(security)
    return [{**bar_row(each, lot), "timetag": _tag(each.time * 1000)} for each in found]


def _trading_dates(screen: Screen, args: Args) -> list[str]:
    now, _ = screen.seen(own=False)
    if screen.board.find(args["code"]) is None:  # 要证券代码；给市场的，什么都不说
        return []
    first = moment(args.get("start", ""), last=False)
    last = moment(args.get("end", ""), last=True)
    days = [day_code(day) for day in screen.board.calendar.days(now, first, last)][::-1]
    count = int(args.get("count", -1))
    return days[-count:] if count > 0 else days


def _sector(screen: Screen, args: Args) -> list[str]:
    now, _ = screen.seen(own=False)
    today = date.fromordinal(screen.board.calendar.day(now))
    return screen.board.sectors.members(str(args["name"]), today)


QUOTES: Final[dict[str, Callable[[Screen, Args], Any]]] = {
    "full_tick": _full_tick,
    "detail": _detail,
    "bars": _bars,
    "trading_dates": _trading_dates,
    "sector": _sector,
}
