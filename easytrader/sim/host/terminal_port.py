"""完整版客户端连到主机的口：它的内置 Python 下单、撤单、问行，发生了的事原样告诉它。

与 MiniQMT 的会话连的是同一个柜台、同一本账。这里说的是柜台的事实，落盘之后立刻说；
晚多久看得到、看到几遍，是客户端那一侧的脾气。话是这样说的（帧见 `framing`）::

    客户端 → 主机   ["ask", 序号, 动作, {参数}]、["bye"]
    主机 → 客户端   ["answer", 序号, 值] | ["error", 序号, 文字]
                    ["event", 种类, 行]

种类：``order deal account position order_refused cancel_refused control``；行见 `terminal_rows`，
后两种拒绝的是委托的行加上 ``_code``、``_text``。先送应答，再送它引起的事；行的应答之后送来的事，
都比那些行新。``control`` 的 ``do``：``day`` 换了一天，``counter`` 柜台断开或恢复；其余是故障
（见 `faults` 的 ``terminal``）。
"""

from __future__ import annotations

import threading
import time
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NamedTuple, Protocol

from easytrader.basics.beijing import stamp
from easytrader.codes import AccountType
from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.exchange.hours import day_code
from easytrader.sim.gateway import terminal_rows as made
from easytrader.sim.gateway.translator import business_rows
from easytrader.sim.ledger.events import (
    AccountQuery,
    AccountStatusChanged,
    BusinessQuery,
    CancelOrder,
    CancelRefused,
    Filled,
    OrdersQuery,
    Outcome,
    Refused,
    SubmitOrder,
)
from easytrader.sim.quotes.bars import bar_row
from easytrader.sim.quotes.board import Board
from easytrader.sim.quotes.calendar import moment
from easytrader.sim.quotes.details import lot_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.exchange.screen import Own
    from easytrader.sim.gateway.terminal_rows import Row
    from easytrader.sim.gateway.translator import Translator

    Args = dict[str, Any]


_BARS_S: Final = 8.0
"""取一次历史最多算这么久：客户端的主线程在等。"""


class _Host(Protocol):
    """口要用到的主机。"""

    def work(
        self,
        verb: str,
        function: Callable[[Translator], Outcome],
        told: Callable[[Any], None],
        hang_up: Callable[[], None],
    ) -> None: ...


class Terminals:
    """连着的客户端。`board` 以外都只由主机线程调用。"""

    def __init__(self, folder: SimFolder) -> None:
        self._folder = folder
        self._ports: list[TerminalPort] = []
        self._board: Board | None = None
        self._making = threading.Lock()
        self._day = 0

    def __bool__(self) -> bool:
        return bool(self._ports)

    @property
    def board(self) -> Board:
        """行情板；第一次有人问行情时才造，各客户端共用。"""
        with self._making:
            if self._board is None:
                self._board = Board(self._folder)
            return self._board

    def add(self, port: TerminalPort, desk: Translator) -> None:
        """一个客户端进来了。"""
        self._day = desk.engine.trading_day()
        self._ports.append(port)

    def drop(self, port: TerminalPort) -> None:
        """它走了。"""
        if port in self._ports:
            self._ports.remove(port)

    def lose_all(self) -> None:
        """主机停了：都断开。"""
        for port in self._ports:
            port.lost()
        self._ports.clear()

    def describe(self) -> list[dict[str, Any]]:
        """连着谁。"""
        return [{"pid": each.pid, "since": each.since, **each.about} for each in self._ports]

    def command(self, row: Row) -> int:
        """把一条 ``control`` 送给每一个；返回送给了几个。"""
        self._send([("control", row)])
        return len(self._ports)

    def tell(self, happened: Iterable[Any], desk: Translator) -> None:
        """柜台里发生了这些事，已经落盘；没有人连着时什么都不做。"""
        if not self._ports:
            return
        engine = desk.engine
        now = engine.market_time()
        told: list[tuple[str, Row]] = []
        touched: dict[tuple[int, str], set[str]] = {}
        for event in happened:
            codes = touched.setdefault(event.account, set())
            if isinstance(event, AccountStatusChanged):
                told.append(("control", {"do": "counter", "up": not event.status}))
                continue
            codes.add(event.order.stock_code)
            told += _rows_of(event)
        for account, codes in touched.items():
            told += [("account", row) for row in _account_rows(desk, *account)]
            for held in engine.positions_now(*account) if codes else ():
                if held.stock_code in codes:
                    told.append(("position", made.position_row(held, now)))
        day = engine.trading_day()
        if day != self._day:
            self._day = day
            told.append(("control", {"do": "day", "day": day_code(day)}))
        self._send(told)

    def _send(self, told: list[tuple[str, Row]]) -> None:
        for port in self._ports:
            for kind, row in told:
                port.deliver(["event", kind, row])


def _rows_of(event: Any) -> Iterator[tuple[str, Row]]:
    row = made.order_row(event.order)
    if isinstance(event, CancelRefused):
        yield "cancel_refused", _refused(row, event.reject)
        return
    yield "order", row
    if isinstance(event, Filled):
        yield "deal", made.deal_row(event.trade, event.order.price_type)
    if isinstance(event, Refused):
        yield "order_refused", _refused(row, event.reject)


def _refused(row: Row, reject: Any) -> Row:
    return {**row, "_code": reject.code, "_text": f"[COUNTER]{reject}"}


def _account_rows(desk: Translator, account_type: int, account_id: str) -> list[Row]:
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


class TerminalPort:
    """一个连着的客户端在主机这一侧的样子。

    Args:
        host: 主机。
        terminals: 登记处。
        pid: 客户端的进程号。
        deliver: 送一帧，不许阻塞；也可以给一个函数，轮到发的时候才造这一帧。
        lost: 断开。
    """

    def __init__(
        self,
        host: _Host,
        terminals: Terminals,
        pid: int,
        deliver: Callable[[Any], None],
        lost: Callable[[], None],
    ) -> None:
        self._host = host
        self._terminals = terminals
        self.pid = pid
        self.deliver = deliver
        self.lost = lost
        self.since = time.time()
        self.about: dict[str, Any] = {}
        """客户端自己说的：跑着哪个策略、什么模式、哪个 Python。"""

    def ask(self, seq: int, verb: str, args: Args) -> None:
        """办一件事，回答从 ``deliver`` 走；在连接自己的线程上调用，办完才返回。"""
        try:
            if verb in _COUNTER:
                self._at_the_counter(seq, _COUNTER[verb], args)
                return
            answer = _QUOTES[verb](self, args)
        except EasytraderError as error:
            self.deliver(["error", seq, str(error)])
        except KeyError as error:
            told = f"没有 {error}" if verb in _VERBS else "没有这个动作"
            self.deliver(["error", seq, f"{verb}：{told}"])
        except (TypeError, ValueError) as error:
            self.deliver(["error", seq, f"{verb} 的参数不对：{error}"])
        else:
            self.deliver(["answer", seq, answer])

    def _at_the_counter(self, seq: int, item: _Item, args: Args) -> None:
        account = _account_of(args) if item.named else (0, "")
        asked = item.ask(account, args)

        def told(found: Any) -> None:
            # 几千行在发送的线程上才变成字典：不占主机的线程，次序还是这里的次序
            self.deliver(lambda: ["answer", seq, item.shape(found, args)])

        self._host.work(item.verb, asked, told, self.lost)

    def seen(self, *, own: bool = True) -> tuple[float, dict[str, Own]]:
        """行情走到了几点，各证券上文件夹里挂着的与吃掉的。"""
        found: list[Any] = []

        def look(desk: Translator) -> Outcome:
            return Outcome((desk.engine.market_time(), desk.engine.books() if own else {}))

        self._host.work("quote", look, found.append, self.lost)
        if not found:
            raise SimulatorError("主机没有回应")
        return found[0]  # type: ignore[no-any-return]

    @property
    def board(self) -> Board:
        """行情板。"""
        return self._terminals.board


# 柜台的动作：在主机线程上办（ask），在发送的线程上变成字典（shape） ------------------


class _Item(NamedTuple):
    verb: str
    """故障认的名字，见 `verbs`。"""
    ask: Callable[[tuple[int, str], Args], Callable[[Translator], Outcome]]
    shape: Callable[[Any, Args], Any]
    named: bool = True
    """要说明是哪个账号。"""


def _account_of(args: Args) -> tuple[int, str]:
    return int(args["account_type"]), str(args["account_id"])


def _accounts(_: tuple[int, str], __: Args) -> Callable[[Translator], Outcome]:
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


def _now(_: tuple[int, str], __: Args) -> Callable[[Translator], Outcome]:
    return lambda desk: Outcome(desk.engine.market_time())


def _submit(account: tuple[int, str], args: Args) -> Callable[[Translator], Outcome]:
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


def _cancel(account: tuple[int, str], args: Args) -> Callable[[Translator], Outcome]:
    order_id, sysid = int(args.get("order_id", 0)), str(args.get("sysid", ""))
    if not (order_id or sysid):
        raise ValueError("要给 sysid（合同编号）")
    order = CancelOrder(*account, order_id, "", sysid)

    def go(desk: Translator) -> Outcome:
        found = desk.engine.cancel(order)
        return desk.told(found, found.answer)

    return go


def _ask_rows(account: tuple[int, str], args: Args) -> Callable[[Translator], Outcome]:
    ask = _KINDS[str(args["kind"])][0]
    return lambda desk: ask(desk, account)


def _shape_rows(found: Any, args: Args) -> list[Row]:
    return _KINDS[str(args["kind"])][1](found)


def _account_kind(desk: Translator, account: tuple[int, str]) -> Outcome:
    engine = desk.engine
    found = engine.asset(AccountQuery(*account))
    rows = _account_rows(desk, *account)
    if not rows:  # 账号类型不对：一行零
        for other in engine.statuses():
            if other.account[1] == account[1]:
                rows = [
                    made.zero_row(each, account[1]) for each in _account_rows(desk, *other.account)
                ]
    return desk.told(found, rows)


def _order_kind(desk: Translator, account: tuple[int, str]) -> Outcome:
    found = desk.engine.orders(OrdersQuery(*account))
    return desk.told(found, found.answer)


def _deal_kind(desk: Translator, account: tuple[int, str]) -> Outcome:
    found = desk.engine.trades(AccountQuery(*account))
    orders = desk.engine.orders(OrdersQuery(*account)).answer
    return desk.told(found, (found.answer, {each.order_id: each.price_type for each in orders}))


def _deal_rows(found: Any) -> list[Row]:
    trades, price_types = found
    return [made.deal_row(each, price_types.get(each.order_id, 0)) for each in trades]


def _position_kind(desk: Translator, account: tuple[int, str]) -> Outcome:
    found = desk.engine.positions(AccountQuery(*account))
    return desk.told(found, (found.answer, desk.engine.market_time()))


def _statistics_kind(desk: Translator, account: tuple[int, str]) -> Outcome:
    return desk.ask("position_statistics", BusinessQuery(*account))


_Kind = tuple["Callable[[Translator, tuple[int, str]], Outcome]", "Callable[[Any], list[Row]]"]
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


def _business(verb: str) -> Callable[[tuple[int, str], Args], Callable[[Translator], Outcome]]:
    return lambda account, _: lambda desk: desk.ask(verb, AccountQuery(*account))


def _contracts(*, closed: bool) -> Any:
    """合约：没有了结的，或今天了结的。"""

    def ask(account: tuple[int, str], _: Args) -> Callable[[Translator], Outcome]:
        query = AccountQuery(*account)

        def go(desk: Translator) -> Outcome:
            found = desk.engine.ask("stk_compacts", query)
            kept = [each for each in found.answer if each.closed is closed]
            return desk.told(found, business_rows("stk_compacts", query, kept))

        return go

    return ask


def _vendor(struct: str) -> Callable[[Any, Args], list[Row]]:
    return lambda found, _: [made.vendor_row(each, struct) for each in found]


def _subjects(account: tuple[int, str], _: Args) -> Callable[[Translator], Outcome]:
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


_COUNTER: Final[dict[str, _Item]] = {
    "accounts": _Item("account_infos", _accounts, _account_list, named=False),
    "now": _Item("quote", _now, lambda found, _: found, named=False),
    "submit": _Item(
        "submit",
        _submit,
        lambda found, _: {
            "order_id": found.order_id,
            "reason": found.reason,
            "sysid": found.sysid,
        },
    ),
    "cancel": _Item("cancel", _cancel, lambda found, _: {"reason": found.reason}),
    "rows": _Item("orders", _ask_rows, _shape_rows),
    "ipo_data": _Item(
        "ipo_data",
        lambda _, __: lambda desk: desk.ask("ipo_data", AccountQuery(0, "")),
        _issues,
        named=False,
    ),
    "purchase_limit": _Item(
        "new_purchase_limit",
        _business("new_purchase_limit"),
        lambda found, _: {each[0]: each[1] for each in found},
    ),
    "compacts": _Item("stk_compacts", _contracts(closed=False), _vendor("StkCompacts")),
    "closed_compacts": _Item("stk_compacts", _contracts(closed=True), _vendor("StkCompacts")),
    "assure": _Item("credit_subjects", _subjects, _subject_rows),
    "short": _Item("credit_slo_code", _business("credit_slo_code"), _vendor("CreditSloCode")),
    "credit_account": _Item("credit_detail", _business("credit_detail"), _detail_of_credit),
}


# 行情：问一声走到了几点，其余在连接自己的线程上算 --------------------------------


def _about(port: TerminalPort, args: Args) -> None:
    port.about = {str(name): value for name, value in args.items()}


def _full_tick(port: TerminalPort, args: Args) -> dict[str, Any]:
    now, books = port.seen()
    ticks = port.board.snapshot([str(each) for each in args["codes"]], now, books)
    return {code: {**tick, "timetag": _tag(tick["time"])} for code, tick in ticks.items()}


def _tag(time_ms: int) -> str:
    return stamp(time_ms / 1000, "%Y%m%d %H:%M:%S")


def _detail(port: TerminalPort, args: Args) -> dict[str, Any] | None:
    return port.board.detail(str(args["code"]), port.seen(own=False)[0])


def _bars(port: TerminalPort, args: Args) -> list[dict[str, Any]]:
    now, _ = port.seen(own=False)
    span = args.get("start", ""), args.get("end", ""), int(args.get("count", -1))
    code, period = str(args["code"]), str(args["period"])
    deadline = time.monotonic() + _BARS_S
    if period == "tick":
        return port.board.ticks(code, span, now, deadline)
    found = port.board.bars(code, period, span, now, deadline, args.get("dividend", "none"))
    security = port.board.find(code)
    lot = 1 if security is None else lot_of(security)
    return [{**bar_row(each, lot), "timetag": _tag(each.time * 1000)} for each in found]


def _trading_dates(port: TerminalPort, args: Args) -> list[str]:
    now, _ = port.seen(own=False)
    if port.board.find(args["code"]) is None:  # 要证券代码；给市场的，什么都不说
        return []
    first = moment(args.get("start", ""), last=False)
    last = moment(args.get("end", ""), last=True)
    days = [day_code(day) for day in port.board.calendar.days(now, first, last)][::-1]
    count = int(args.get("count", -1))
    return days[-count:] if count > 0 else days


def _sector(port: TerminalPort, args: Args) -> list[str]:
    now, _ = port.seen(own=False)
    today = date.fromordinal(port.board.calendar.day(now))
    return port.board.sectors.members(str(args["name"]), today)


_QUOTES: Final[dict[str, Callable[[TerminalPort, Args], Any]]] = {
    "about": _about,
    "full_tick": _full_tick,
    "detail": _detail,
    "bars": _bars,
    "trading_dates": _trading_dates,
    "sector": _sector,
}
_VERBS: Final = frozenset({*_COUNTER, *_QUOTES})
