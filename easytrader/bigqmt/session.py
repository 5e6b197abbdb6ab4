"""一次会话：与中转的一条线，一个读的线程。

下单的函数什么都不证明；证明一笔委托到了的，只有带着它标记的一行。所以 `submit` 先记下，交给中转，
然后等那一行、等中转肯定地说没有下、等终端说不收；都没有的，到期就是结果未知。
委托与成交来自两处（回调、查询的列表），都经过 `reducer`。
"""

from __future__ import annotations

import threading
import time
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend.records import (
    Answered,
    AssetChanged,
    CancelRefused,
    ContractNumber,
    OrderChanged,
    OrderRefused,
    PositionChanged,
    Refusal,
    SubmitAnswer,
)
from easytrader.backend.session import BaseSession
from easytrader.basics import tags, waits
from easytrader.basics.beijing import stamp
from easytrader.bigqmt import convert, ids
from easytrader.bigqmt.desk import Desk
from easytrader.bigqmt.flights import CERTAIN, CancelFlight, Flight, wire_tag
from easytrader.bigqmt.line import Asked, RefusedError
from easytrader.bigqmt.operations import op_terms
from easytrader.bigqmt.reducer import Reducer
from easytrader.bigqmt.shaped import ShapedTrader, StockAccount
from easytrader.bigqmt.wires import WireError
from easytrader.codes import MARKET_CODES, AccountType, OrderStatus, PriceType
from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    QueryFailedError,
    UnsupportedError,
)
from easytrader.miniqmt.quotes import read_quotes

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.records import Asset, OrderRequest, PushEvent, Quote, Trade
    from easytrader.backend.session import Listener, Reply
    from easytrader.basics.log import Log
    from easytrader.bigqmt.convert import Deal, HeldPosition, PlacedOrder, Row
    from easytrader.bigqmt.flights import Watch
    from easytrader.bigqmt.ids import Numbering
    from easytrader.bigqmt.line import Line, Message
    from easytrader.records.storage import Numbered

_CACHE_LAG_S: Final = 7.0
"""客户端的缓存最慢 6 秒刷新一次：隔这么久看两眼，默认的期限里放得下。"""
STALE_S: Final = 3.0
"""终端这么久没有跳一下，就当作断了。"""
_POLL_S: Final = 1.0
_HURRY_S: Final = 0.1
"""有在途的，隔这么久看一次。"""
_IDLE_SHARE: Final = 5.0
"""看一次要占终端多久，至少隔它的这么多倍再看：终端的那个线程是所有策略共用的。"""
_ACCOUNT_S: Final = 3.0
_GIVE_UP_POLL_S: Final = 5.0
_SLICE_S: Final = 0.05
_MARGIN_S: Final = 0.12
_DAY: Final = "%Y%m%d"
_KINDS: Final = {"ACCOUNT": "资金", "POSITION": "持仓", "TASK": "任务"}
_CODES: Final = 200
"""一次最多问这么多只的合约信息。"""
_NAMED: Final = 10
"""错误里最多列出这么多个代码。"""
_MAX_DETAILS: Final = 20_000

_ANSWER_S: Final = 0.5
_ANSWER_SHARE: Final = 0.15
"""交给中转的期限比等应答的早这么多：排队没有排到的，等的人还来得及知道没有下。"""
_SAME_NIGHT_S: Final = 6 * 3600.0
"""隔着半夜的，这么久以内算同一天交过的。"""
_TAKEN: Final = frozenset({51, 52, 53, 54})
_LATE: Final = frozenset({56, 57})

_ORDERED: Final = "order_response"
_CANCELLED: Final = "cancel_response"

_INFERRED: Final = (
    "推断没有下成：中转调用了下单的函数，{:g} 秒没有出现委托，多半被客户端的弹窗拦下"
    "（钱、持仓、价格、权限），到客户端里看一眼；以后出现的话会更正"
)
_TWICE: Final = (
    "这个 client_order_id 的委托今天已经交给过客户端（{}），当日委托里没有它；为免重复没有再交。"
    "核对过要再下，请换一个 client_order_id"
)
_READ_ONLY: Final = (
    "客户端里的中转只许看：要下单，写一份许下单的重新贴进去"
    "（easytrader bigqmt agent --account 资金账号 --allow-orders）。什么都没有发出"
)


class Table:
    """终端的一张表，按位置对照着更新。"""

    def __init__(self) -> None:
        self.rev = 0
        self.rows: list[Row] = []
        self.at = 0.0
        """最近一次快照，中转的钟。"""

    def apply(self, parts: list[Any], last: Message) -> list[int]:
        """换上变了的；返回变了的位置。别的线程可能正看着旧的：它们看到的是一份整的。"""
        count = int(last["count"])
        rows = [] if last.get("full") else self.rows[:count]
        rows += [{} for _ in range(count - len(rows))]
        changed: list[int] = []
        for part in parts:
            cols = part["cols"]
            for index, *values in part["rows"]:
                rows[index] = dict(zip(cols, values, strict=False))
                changed.append(index)
        self.rows = rows
        self.rev, self.at = int(last["rev"]), float(last["at"])
        return changed


class BigqmtSession(BaseSession):
    """见模块说明；实现 `backend.session.Session`。

    Args:
        line: 认过人的线。
        account: （资金账号，类型）。
        numbering: 委托的编号。
        watch: 看着的委托，跨会话。
        listener: 往上报给谁。
        log: 日志口。
        timeout_s: 每个调用的期限，秒。
        row_wait_s: 下单之后最慢几秒看得到，秒。
    """

    def __init__(
        self,
        line: Line,
        account: tuple[str, str],
        numbering: Numbering,
        watch: Watch,
        listener: Listener,
        log: Log,
        timeout_s: float,
        row_wait_s: float,
    ) -> None:
        super().__init__(timeout_s)
        self.tags_once = True
        self.account_id, self.account_type = account
        self.hello: Message = line.hello
        """中转的自我介绍：``mode caps missing wires cadence_ms python`` 等。"""
        self.cache_lag_s = min(row_wait_s, _CACHE_LAG_S)
        self.hears: dict[str, Callable[[Any], None]] = {}
        """别的事件（``credit task``）→ 谁听；在读的线程上，不得阻塞。"""
        self._line = line
        self.desk = Desk(self, self)
        """普通买卖之外的动词问谁、办谁。"""
        self.raw_trader = ShapedTrader(self, log)
        self.raw_account = StockAccount(*account)
        self._account = account
        self._numbering = numbering
        self._watch = watch
        self._listener = listener
        self._log = log
        self._row_wait_s = row_wait_s
        self._tables = {kind: Table() for kind in ("ACCOUNT", "POSITION", "ORDER", "DEAL", "TASK")}
        self._reducer = Reducer(numbering.name_trade, self._today)
        self._number_at: dict[int, int] = {}
        self._deal_at: dict[int, str] = {}
        # 读不懂的行：位置 → (哪一笔，为什么)；别人的编号为 0
        self._unread: dict[str, dict[int, tuple[int, QueryFailedError]]] = {"ORDER": {}, "DEAL": {}}
        # 没有我们标记的委托 → 何时第一次看到
        self._strangers: dict[int, float] = {}
        self._cancels: list[CancelFlight] = []
        self._gate = threading.RLock()
        self._primed = {"ORDER": False, "DEAL": False}
        self._asking: dict[str, float] = {}
        """自己问的，还没有答的：哪张表 → 何时问的。"""
        self._cost_s: dict[str, float] = {}
        """看一次各占终端多久。"""
        self._next_poll = 0.0
        self._next_account = 0.0
        self._no_account = 0
        self._account_ok = True
        self._ticked = (-1, time.monotonic())
        self._beat = float(line.hello["mono"])
        self._details: dict[tuple[str, str], Any] = {}
        self._names: dict[str, str] = {}
        self._told: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="easytrader-bigqmt", daemon=True)

    def start(self) -> None:
        """开始读；同一次启动的中转，漏了的事件补来。

        Raises:
            ConnectFailedError: 系统开不出新线程，或线刚接上就断了。
        """
        try:
            self._thread.start()
        except RuntimeError as exc:
            raise ConnectFailedError(f"系统开不出新线程，没有连接：{exc}") from exc
        watch, boot = self._watch, self._line.boot
        if watch.meet(boot, int(self.hello["seq"])):
            self._send("since", {"seq": watch.seq}, Asked(self._caught_up))
            silent = [each for each in watch.flights.values() if not each.answered]
            found = {wire_tag(each.request.tag): each for each in silent if each.boot == boot}
            if found:
                self._send("find", {"tags": list(found)}, Asked(partial(self._found, found)))

    # ---- 查询

    def asset(self) -> Asset:
        """资金。"""
        rows = self.table("ACCOUNT")
        if not rows:
            raise QueryFailedError("终端没有给出资金：账号没有登录，或客户端刚启动、还没有装载完")
        return convert.asset(rows[0], *self._account)

    def positions(self) -> list[HeldPosition]:
        """持仓。"""
        found = [convert.position(row, *self._account) for row in self.table("POSITION")]
        held = [each for each in found if each is not None]
        self._names.update({each.stock_code: each.instrument_name for each in held})
        return held

    def orders(self) -> list[PlacedOrder]:
        """当日委托。"""
        self._refresh("ORDER", "当日委托")
        self._check_read("ORDER")
        return self._reducer.orders()

    def order(self, order_id: int) -> PlacedOrder | None:
        """一笔当日委托。"""
        self._refresh("ORDER", "委托")
        for number, error in list(self._unread["ORDER"].values()):
            if number == order_id:
                raise error
        return self._reducer.order(order_id)

    def trades(self) -> list[Trade]:
        """当日成交。"""
        self._refresh("DEAL", "当日成交")
        self._check_read("DEAL")
        return self._reducer.trades()

    def _check_read(self, kind: str) -> None:
        """我们自己的有读不懂的，就是没有查到；别人的少一行，日志里说。"""
        for number, error in list(self._unread[kind].values()):
            if number:
                raise error

    def table(self, kind: str) -> list[Row]:
        """终端的一张表（``ACCOUNT POSITION TASK`` 等），每行一个字典，不要改它。

        Raises:
            QueryFailedError: 没有应答，或终端说不。
        """
        self._refresh(kind, _KINDS.get(kind, kind))
        return list(self._tables[kind].rows)

    def call(self, fn: str, *args: Any) -> Any:
        """调用终端里只读的函数，见中转的 ``CALLS``；对象成了字典（``m_`` 开头的属性）。

        Raises:
            UnsupportedError: 终端没有它。
            QueryFailedError: 没有应答，或终端说不。
        """
        return self.ask("call", {"fn": fn, "args": list(args)}, fn)

    def ask(self, method: str, args: Message, what: str = "") -> Any:
        """问中转一句，等到结果；分几段来的（列表、字典）拼好。

        Raises:
            NotConnectedError: 已经断了，什么都没有发出。
            UnsupportedError: 终端没有这个函数。
            QueryFailedError: 没有应答，或终端说不。
        """
        asked = self._request(method, args, what or method)
        value = asked.value
        shape = value.get("as") if isinstance(value, dict) else None
        if shape == "value":
            return value["value"]
        if shape == "dict":
            return {name: each for part in asked.parts for name, each in part.items()}
        return [each for part in asked.parts for each in part] if shape == "list" else value

    @property
    def account(self) -> str:
        """还款还券发出之前的核对拿会话当 `desk` 用：这是它要的账号。"""
        return self.account_id

    def query(self, what: str, name: str, *args: Any) -> Any:
        """同上，`Desk.query`。"""
        return self.desk.query(what, name, *args)

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元；拿不到为 None。"""
        try:
            return self.quotes([stock_code])[0].last  # type: ignore[return-value]  # 浮点
        except QueryFailedError:
            return None

    def quotes(self, stock_codes: list[str]) -> list[Quote]:
        """一批证券此刻的行情。"""
        unique = list(dict.fromkeys(stock_codes))
        ticks: dict[str, Any] = {}
        for start in range(0, len(unique), _CODES):
            some = unique[start : start + _CODES]
            found = self.ask("full_tick", {"codes": some}, "行情")
            ticks.update({str(code).upper(): tick for code, tick in dict(found or {}).items()})
        wanted = [code for code in unique if code in ticks]
        if not wanted:
            named = "、".join(unique[:_NAMED])
            raise QueryFailedError(
                f"没有行情：{named}。客户端一只都没有给：行情可能断着；也核对代码"
            )
        return read_quotes(stock_codes, ticks, self._details_of(wanted))

    def names(self) -> dict[str, str]:
        """代码 → 名称：见过的。"""
        return self._names

    def _details_of(self, codes: list[str]) -> dict[str, Any]:
        today = self._today()
        missing = [code for code in codes if (today, code) not in self._details]
        if len(self._details) > _MAX_DETAILS:
            self._details.clear()
        for start in range(0, len(missing), _CODES):
            found = self.ask("detail", {"codes": missing[start : start + _CODES]}, "合约信息")
            for code, detail in dict(found or {}).items():
                self._details[today, code] = detail
                if isinstance(detail, dict) and detail.get("InstrumentName"):
                    self._names[code] = str(detail["InstrumentName"])
        return {code: self._details.get((today, code)) for code in codes}

    def _refresh(self, kind: str, what: str) -> None:
        """等到一次新的快照用上。"""
        table = self._tables.get(kind)
        if table is None:
            raise UnsupportedError(f"完整版 QMT 的中转查不了「{kind}」")
        asked = Asked(partial(self._apply, kind))
        self._request("rows", {"kind": kind, "since": table.rev}, what, asked)

    def _request(self, method: str, args: Message, what: str, asked: Asked | None = None) -> Asked:
        limit_s, began = self.timeout_s, time.monotonic()
        deadline = began + limit_s
        asked = self._send(method, args, asked or Asked(), deadline)
        if not asked.wait(limit_s):
            self._line.forget(asked)
            if self.vitals is not None:
                self.vitals.expired()
            raise QueryFailedError(f"查询{what}，{limit_s:.3g} 秒内没有应答")
        error = asked.error
        if self.vitals is not None and not isinstance(error, WireError):
            self.vitals.answered("query", time.monotonic() - began)
        if isinstance(error, RefusedError) and error.code == "missing":
            raise UnsupportedError(
                f"这个客户端的内置 Python 没有 {error.words or what}，查不了{what}"
            )
        if isinstance(error, RefusedError):
            raise QueryFailedError(f"查询{what}，终端说不：{error}") from error
        if isinstance(error, WireError):
            raise QueryFailedError(f"查询{what}的时候断线了（{error}）")
        if error is not None:
            raise error
        return asked

    def _send(
        self, method: str, args: Message, asked: Asked, deadline: float | None = None
    ) -> Asked:
        if self._lost:
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        limit = time.monotonic() + _GIVE_UP_POLL_S if deadline is None else deadline
        try:
            return self._line.ask(method, args, limit, asked)
        except WireError as exc:
            raise NotConnectedError(f"没有发出：{exc}") from exc

    # ---- 下单

    def submit(self, request: OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        """下单：先记下，再交给中转。

        Raises:
            NotConnectedError: 没有连着。
            OrdersNotAllowedError: 中转只许看。
            UnsupportedError: 终端下不了这一种。
            JournalError: 记不下来。以上都是什么都没有发出。
        """
        self.may_order()
        terms = op_terms(int(request.order_type), int(request.price_type), self.account_type)
        limit_s = self.timeout_s
        deadline = time.monotonic() + limit_s
        today, boot = self._today(), self._line.boot
        earlier = self._numbering.before(request.tag, deadline)
        if earlier is not None and self._is_spent(earlier):
            self._answer_spent(request, earlier, reply)
            return
        remark = tags.split(request.remark)[1]
        number = self._numbering.begin(
            today, request.tag, remark, request.strategy_name, boot, deadline
        )
        latest = deadline - min(_ANSWER_S, _ANSWER_SHARE * limit_s)
        flight = Flight(request, number, reply, boot, self._line.clock.at(latest))
        self._watch.add(flight)
        try:
            self.depart(reply)
            asked = Asked(partial(self._submitted, flight))
            self._send("submit", self._terms(request, terms), asked, latest)
        except NotConnectedError:
            self._clear(flight)
            raise

    def may_order(self) -> None:
        """能不能下单。

        Raises:
            NotConnectedError: 断了。
            OrdersNotAllowedError: 中转只许看。都是什么都没有发出。
        """
        if self._lost:
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        if not self.hello.get("orders"):
            raise OrdersNotAllowedError(_READ_ONLY)

    def _is_spent(self, earlier: Numbered) -> bool:
        """今天交给过中转、不能再交的：终端不收的，或中转换过一次启动（它不记得了）。"""
        apart_s = abs(time.time() - earlier.at)
        if stamp(earlier.at, _DAY) != self._today() and apart_s > _SAME_NIGHT_S:
            return False
        if earlier.state == ids.SENT:
            return bool(earlier.boot != self._line.boot)
        return earlier.state in (ids.REFUSED, ids.INFERRED)

    def _answer_spent(
        self, request: OrderRequest, earlier: Numbered, reply: Reply[SubmitAnswer]
    ) -> None:
        """以前交给过的：有那笔委托就是它，终端不收的再说一遍，别的还是未知；都不再交。"""
        number = earlier.number
        try:
            self._refresh("ORDER", "当日委托")
        except QueryFailedError as exc:
            told = f"这个 client_order_id 的委托今天交给过客户端，此刻查不到当日委托（{exc}）"
            raise NotConnectedError(f"{told}，这一次什么都没有发出") from exc
        self.depart(reply)
        if self._reducer.order(number) is not None:
            self._answer(request, reply, SubmitAnswer(number))
            return
        told = _TWICE.format(f"编号 {number}")
        if earlier.state == ids.REFUSED:
            self._answer(request, reply, SubmitAnswer(-1, told))
        else:
            reply.fail(OutcomeUnknownError(told))

    def _terms(self, request: OrderRequest, terms: tuple[int, int]) -> Message:
        op, pr = terms
        volume: Any = request.volume if request.money is None else request.money
        fixed = request.price_type == PriceType.FIX
        price = float(request.price) if fixed or request.price > 0 else 0.0
        return {
            "tag": wire_tag(request.tag),
            "op": op,
            "order_type": 1101,
            "account": self.account_id,
            "account_type": self.account_type,
            "code": request.security.stock_code,
            "pr": pr,
            "price": price,
            "volume": volume,
            "strategy": request.strategy_name,
        }

    def _submitted(self, flight: Flight, asked: Asked) -> None:
        """中转回话了（或断线了）。"""
        error = asked.error
        if isinstance(error, WireError):
            return
        flight.answered = True
        if error is None:
            flight.dispatched = True
            if asked.value.get("again"):  # 以前就交过：早就在的一样的，也可能是它
                flight.began = 0.0
            self._hurry()
            return
        if not isinstance(error, RefusedError) or error.code not in CERTAIN:
            self._log.warning("下单的函数出错（{}）：有没有下成还不知道，接着看", error)
            self._hurry()
            return
        self._clear(flight)
        if error.code in ("readonly", "mode"):
            flight.reply.fail(OrdersNotAllowedError(f"{_READ_ONLY}（终端：{error}）"))
        elif error.code == "missing":
            flight.reply.fail(UnsupportedError(f"这个客户端的内置 Python 没有 {error.words}"))
        else:
            told = f"中转没有下这一笔（{_SAID.get(error.code, error.code)}）：{error.words}"
            self._answer(flight.request, flight.reply, SubmitAnswer(-1, told))

    def _found(self, flights: dict[str, Flight], asked: Asked) -> None:
        """断线时没有回话的，中转说得出下单的函数调用过没有。"""
        for tag, state in (asked.value or {}).items() if asked.error is None else ():
            if state is not None and tag in flights:
                flights[tag].answered = flights[tag].dispatched = True

    def _clear(self, flight: Flight) -> None:
        """肯定没有下。"""
        self._watch.take(flight.request.tag)
        self._numbering.mark(flight.request.tag, ids.CLEAR)

    def _answer(
        self, request: OrderRequest, reply: Reply[SubmitAnswer], answer: SubmitAnswer
    ) -> None:
        if reply.put(answer) and not reply.quiet:
            response = SimpleNamespace(
                seq=reply.seq,
                account_id=self.account_id,
                account_type=AccountType[self.account_type].value,
                order_id=answer.order_id,
                error_msg=answer.message,
                strategy_name=request.strategy_name,
                order_remark=request.remark,
            )
            self._push([Answered(_ORDERED, response)])

    def still_sending(self, tag: str) -> bool:
        """放弃等待之后还可能被下出去。"""
        return self._watch.still_sending(tag, self._line.boot, self._beat)

    def _met(self, orders: list[PlacedOrder]) -> None:
        """看到了这些委托：在途的有了下文。"""
        for order in orders:
            tag = tags.split(order.order_remark)[0]
            if not tag:
                self._strangers.setdefault(int(order.order_id), time.monotonic())
            flight = self._watch.take(tag) if tag else None
            if flight is None:
                continue
            if flight.inferred:
                told = "委托 {} 出现了：以前推断它没有下成，以现在的为准"
                self._log.warning(told, flight.number)
                self._numbering.mark(tag, ids.SENT)
            self._answer(flight.request, flight.reply, SubmitAnswer(int(order.order_id)))
            if order.order_status == OrderStatus.JUNK:
                self._push([OrderRefused(_refusal(order))])

    def _infer(self, at: float) -> None:
        """又一次快照：下单的函数调用过了、一直没有出现的，推断没有下成。

        客户端与柜台断着的时候表是不动的，不算。
        """
        if not self._account_ok:
            return
        for tag, flight in list(self._watch.flights.items()):
            if not flight.dispatched or flight.inferred or flight.boot != self._line.boot:
                continue
            enough = flight.missing_since(at) + self._row_wait_s
            if at < enough or flight.twin:
                continue
            if self._tables["ACCOUNT"].at < enough:  # 等的时候断过没有，要等完了再看
                self._next_account = 0.0
                continue
            flight.twin = self._twin(flight)
            if flight.twin:
                told = (
                    "委托 {} 没有出现，而有一笔一样的委托 {}，备注不是我们写的："
                    "说不准是不是这一笔，请自己核对"
                )
                self._log.warning(told, flight.number, flight.twin)
                continue
            flight.inferred = True
            self._numbering.mark(tag, ids.INFERRED)
            # 推断不是拒绝：说成 -1，写着「没下成就再来」的脚本会再下一笔
            why = _INFERRED.format(self._row_wait_s)
            flight.reply.fail(OutcomeUnknownError(why))
            self._push([OrderRefused(flight.refusal(why, self._account))])

    def _twin(self, flight: Flight) -> int:
        """交给中转以后才出现的、一样而没有我们标记的一笔；没有为 0。客户端可能改写了备注。"""
        request = flight.request
        for order in self._reducer.orders():
            number = int(order.order_id)
            same = (
                self._strangers.get(number, -1.0) >= flight.began
                and order.stock_code == request.security.stock_code
                and order.order_volume == request.volume
                and order.order_type == request.order_type
            )
            if same and (request.price_type != PriceType.FIX or order.price == request.price):
                return number
        return 0

    def _refuse(self, flight: Flight, why: str) -> None:
        self._answer(flight.request, flight.reply, SubmitAnswer(-1, why))
        self._push([OrderRefused(flight.refusal(why, self._account))])

    # ---- 撤单

    def cancel(self, target: int | ContractNumber, reply: Reply[bool]) -> None:
        """撤单：等到有合同编号，交给中转，看委托的状态断定。"""
        self.may_order()
        deadline = time.monotonic() + self.timeout_s
        order = self._target(target)
        if order is None:
            try:
                self.orders()
            except QueryFailedError as exc:
                told = f"撤单之前查不到委托（{exc}），什么都没有发出"
                raise NotConnectedError(told) from exc
            order = self._target(target)
        self.depart(reply)
        flight = CancelFlight(target, reply, deadline)
        if order is None:
            self._end_cancel(flight, done=False, why="当日委托里没有这个编号，撤单没有发出")
            return
        flight.before = order.submit_status
        self._cancels.append(flight)
        self._judge(flight)
        self._hurry()

    def _target(self, target: int | ContractNumber) -> PlacedOrder | None:
        if not isinstance(target, ContractNumber):
            return self._reducer.order(target)
        same = (each for each in self._reducer.orders() if each.order_sysid == target.order_sysid)
        return next((each for each in same if _market(each.exchange) == target.market), None)

    def _judge(self, flight: CancelFlight) -> None:
        """照委托现在的样子断定；有了合同编号就发。"""
        with self._gate:
            if flight in self._cancels:
                self._judge_now(flight)

    def _judge_now(self, flight: CancelFlight) -> None:
        order = self._target(flight.target)
        if order is None:  # 换了日子，列表里没有了
            return
        if order.order_status in _TAKEN:
            self._end_cancel(flight, done=True)
            return
        if order.order_status in _LATE:
            name = OrderStatus(order.order_status).label
            self._end_cancel(flight, done=False, why=f"委托{name}，撤不了", order=order)
            return
        rejected = order.submit_status == convert.CANCEL_REJECTED
        if flight.sent and rejected and flight.before != convert.CANCEL_REJECTED:
            why = order.status_msg or "柜台拒绝撤单"
            self._end_cancel(flight, done=False, why=why, order=order)
            return
        sysid = order.order_sysid
        if sysid and not flight.sent:
            flight.sent = True
            args = {"sysid": sysid, "account": self.account_id, "account_type": self.account_type}
            asked = Asked(partial(self._cancelled, flight))
            try:
                self._send("cancel", args, asked, flight.deadline)
            except NotConnectedError as exc:
                flight.reply.fail(exc)

    def _cancelled(self, flight: CancelFlight, asked: Asked) -> None:
        error = asked.error
        if isinstance(error, RefusedError) and error.code in CERTAIN:
            if error.code in ("readonly", "mode"):
                self._forget_cancel(flight)
                flight.reply.fail(OrdersNotAllowedError(f"{_READ_ONLY}（终端：{error}）"))
                return
            why = f"中转没有撤（{_SAID.get(error.code, error.code)}）：{error.words}"
            self._end_cancel(flight, done=False, why=why)
        self._hurry()

    def _end_cancel(
        self,
        flight: CancelFlight,
        *,
        done: bool,
        why: str = "",
        order: PlacedOrder | None = None,
    ) -> None:
        self._forget_cancel(flight)
        if not flight.reply.put(done):
            return
        sysid = "" if order is None else order.order_sysid
        if not done:
            self._log.warning("撤单 {} 没有成：{}", flight.target, why)
            refusal = Refusal(
                order_id=flight.number if order is None else order.order_id,
                error_msg=why,
                order_sysid=sysid,
                account_id=self.account_id,
                account_type=AccountType[self.account_type].value,
            )
            self._push([CancelRefused(refusal)])
        if not flight.reply.quiet:
            response = SimpleNamespace(
                seq=flight.reply.seq,
                account_id=self.account_id,
                account_type=AccountType[self.account_type].value,
                order_id=flight.number,
                order_sysid=sysid,
                cancel_result=0 if done else -1,
                error_msg=why,
            )
            self._push([Answered(_CANCELLED, response)])

    def _forget_cancel(self, flight: CancelFlight) -> None:
        with self._gate:
            if flight in self._cancels:
                self._cancels.remove(flight)

    # ---- 断

    def lose(self, reason: str) -> None:
        """断了。"""
        super().lose(reason)
        self._line.fail(reason)

    def close(self, limit_s: float = 3.0) -> None:
        """收尾。"""
        self.lose("会话已关闭")
        waits.join(self._thread, limit_s)

    # ---- 读的线程

    def _run(self) -> None:
        why = "与中转的线断了"
        try:
            for message in self._line.drain():  # 与自我介绍一起来的
                self._take(message)
            while not self._lost:
                for message in self._line.receive(_SLICE_S):
                    self._take(message)
                why = self._look(time.monotonic())
                if why:
                    break
        except WireError as exc:
            why = str(exc)
        except Exception as exc:  # noqa: BLE001  边界：这个线程没了，什么都收不到了
            self._log.exception("读完整版 QMT 的线程出错")
            why = f"读的线程出错：{exc!r}"
        if not self._lost:
            self._listener.lost(self, why or "会话已关闭")
        self._line.fail(why)

    def _take(self, message: Message) -> None:
        if message["t"] == "b":
            tick = int(message["tick"])
            if tick != self._ticked[0]:
                self._ticked = tick, time.monotonic()
            self._beat = float(message["mono"])
            return
        if not self._watch.accept(int(message["seq"])):
            return
        try:
            self._event(str(message["k"]), message["v"])
        except (EasytraderError, KeyError, TypeError, ValueError) as exc:
            self._complain(f"读不懂终端推来的「{message['k']}」：{exc}")
            self._hurry()

    def _caught_up(self, asked: Asked) -> None:
        """补来的都来了；中转没有留着的就没有了，表里都有。"""
        if asked.error is None:
            self._watch.caught_up(int(asked.value["seq"]))
            self._hurry()

    def _event(self, kind: str, value: Any) -> None:
        if kind == "error":
            self._refused(value)
            return
        hear = self.hears.get(kind)
        if hear is not None:
            hear(value)
        if kind not in ("order", "deal", "account", "position"):
            return
        row: Row = dict(zip(value["cols"], value["row"], strict=False))
        if kind == "order":
            self._order_pushed(row)
        elif kind == "deal":
            if convert.text(row, "m_strTradeID"):
                deal = convert.deal(row, self._today(), *self._account)
                self._push(self._reducer.add_deals([deal], time.monotonic()))
            else:
                self._hurry()  # 没有编号的，分不清是第几笔：等列表
        elif kind == "account":
            self._push([AssetChanged(convert.asset(row, *self._account))])
        else:
            position = convert.position(row, *self._account)
            if position is not None:
                self._push([PositionChanged(position)])

    def _order_pushed(self, row: Row) -> None:
        who = convert.naming(row, self._today())
        # 别人的，还没有合同编号的：回调里的内部序号与列表里的可能不同，等列表
        named = self._numbering.name(who) if who.tag or who.sysid else None
        if named is None:
            self._hurry()
            return
        order = convert.order(row, who, named, *self._account)
        self._changed([order], self._reducer.push_order(order))

    def _refused(self, value: Message) -> None:
        """``orderError_callback``：终端不收。"""
        if self.desk.hear_refusal(value):
            return
        tag = tags.split(str(value.get("tag") or ""))[0]
        why = str(value.get("msg") or "终端不收，没有说明原因")
        flight = self._watch.take(tag) if tag else None
        if flight is not None:
            self._numbering.mark(tag, ids.REFUSED)
            self._refuse(flight, why)
            return
        refusal = Refusal(
            order_id=0,
            error_msg=why,
            order_remark=str(value.get("tag") or ""),
            strategy_name=str(value.get("strategy") or ""),
            account_id=self.account_id,
            account_type=AccountType[self.account_type].value,
        )
        self._push([OrderRefused(refusal)])

    def _look(self, now: float) -> str:
        """该做的做了；断了返回为什么。"""
        if now - self._ticked[1] > STALE_S:
            return f"终端 {STALE_S:g} 秒没有动静：客户端卡住了，或模型停了"
        if self._no_account > 1:
            down = [convert.trouble(row) for row in self._tables["ACCOUNT"].rows[:1]]
            return f"客户端与柜台断开了（{down[0]}）" if down else "账号在客户端里没有登录了"
        if not all(self._primed.values()):
            return ""
        if now >= self._next_account:
            # 有看着的：客户端与柜台断着的时候，没有出现不说明什么
            self._next_account = now + (_POLL_S if self._watch.flights else _ACCOUNT_S)
            self._poll("ACCOUNT", now)
        self._end_unsent(now)
        if now >= self._next_poll:
            base_s = _HURRY_S if self._is_waiting() else _POLL_S
            self._next_poll = now + max(base_s, _IDLE_SHARE * self._look_s)
            self._poll("ORDER", now)
            self._poll("DEAL", now)
        return ""

    def _end_unsent(self, now: float) -> None:
        """到期还没有合同编号的撤单：没有发出，不是未知。"""
        for flight in list(self._cancels):
            if not flight.sent and now >= flight.deadline - _MARGIN_S:
                why = "委托还没有合同编号，期限内没有等到，撤单没有发出"
                self._end_cancel(flight, done=False, why=why)

    def _is_waiting(self) -> bool:
        with self._gate:
            self._cancels = [each for each in self._cancels if not each.reply.done()]
        flights = list(self._watch.flights.values())
        return bool(self._cancels) or any(not each.reply.done() for each in flights)

    def _hurry(self) -> None:
        """马上看；看一次很费的，按它的节奏。"""
        if self._look_s < _HURRY_S:
            self._next_poll = 0.0

    @property
    def _look_s(self) -> float:
        """看一次委托与成交占终端多久。"""
        return self._cost_s.get("ORDER", 0.0) + self._cost_s.get("DEAL", 0.0)

    def _poll(self, kind: str, now: float) -> None:
        asked_at = self._asking.get(kind)
        if asked_at is not None and now - asked_at < _GIVE_UP_POLL_S:
            return
        self._asking[kind] = now

        def heard(asked: Asked) -> None:
            self._asking.pop(kind, None)
            self._apply(kind, asked)
            if asked.error is not None and not isinstance(asked.error, WireError):
                self._complain(f"补查「{kind}」没有查成：{asked.error}")

        try:
            self._send("rows", {"kind": kind, "since": self._tables[kind].rev}, Asked(heard))
        except NotConnectedError as exc:
            raise WireError(str(exc)) from exc

    def _apply(self, kind: str, asked: Asked) -> None:
        """一次快照来了：用上。出错的记在 ``asked`` 里。"""
        if asked.error is not None:
            return
        try:
            changed = self._tables[kind].apply(asked.parts, asked.value)
            self._cost_s[kind] = float(asked.value.get("age_ms") or 0.0) / 1000
            if kind == "ORDER":
                self._apply_orders(changed)
            elif kind == "DEAL":
                self._apply_deals(changed)
            elif kind == "ACCOUNT":
                rows = self._tables[kind].rows
                self._account_ok = bool(rows) and not convert.trouble(rows[0])
                self._no_account = 0 if self._account_ok else self._no_account + 1
        except EasytraderError as exc:
            asked.error = exc
        except Exception as exc:  # noqa: BLE001  边界：终端的行里有什么都可能，读的线程不能死
            asked.error = QueryFailedError(f"终端给的「{kind}」读不懂：{exc!r}")
            self._tables[kind].rev = 0  # 下次整个再要一遍

    def _apply_orders(self, changed: list[int]) -> None:
        table, today = self._tables["ORDER"], self._today()
        rows, unread = table.rows, self._unread["ORDER"]
        named = {index: convert.naming(rows[index], today) for index in changed}
        self._numbering.learn(named.values())
        orders: list[PlacedOrder] = []
        renamed: set[int] = set()
        for index, who in named.items():
            unread.pop(index, None)
            name = self._numbering.name(who)
            if name is None:
                continue
            renamed.add(self._number_at.get(index, name.number))
            self._number_at[index] = name.number
            try:
                orders.append(convert.order(rows[index], who, name, *self._account))
            except QueryFailedError as exc:
                unread[index] = (name.number if _is_ours(name.remark) else 0, exc)
                self._complain(f"有一行委托读不懂，没有算它：{exc}")
        quiet, self._primed["ORDER"] = not self._primed["ORDER"], True
        for number in renamed - set(self._number_at.values()):
            self._reducer.drop_order(number)
        events = self._reducer.list_orders(orders, quiet=quiet)
        if len(self._number_at) > len(rows):
            _forget_from(self._number_at, len(rows))
            _forget_from(unread, len(rows))
            self._reducer.keep_orders(set(self._number_at.values()))
        events += self._reducer.adopt(time.monotonic())
        self._changed(orders, events)
        if not unread:
            self._infer(table.at)

    def _apply_deals(self, changed: list[int]) -> None:
        rows, today = self._tables["DEAL"].rows, self._today()
        ordinals, unread = _ordinals(rows) if changed else {}, self._unread["DEAL"]
        deals: list[Deal] = []
        for index in changed:
            unread.pop(index, None)
            try:
                deal = convert.deal(rows[index], today, *self._account, ordinals.get(index, 0))
            except QueryFailedError as exc:
                sysid = convert.text(rows[index], "m_strOrderSysID")
                unread[index] = (self._our_number(sysid), exc)
                self._complain(f"有一行成交读不懂，没有算它：{exc}")
                continue
            self._deal_at[index] = deal.key
            deals.append(deal)
        quiet, self._primed["DEAL"] = not self._primed["DEAL"], True
        self._push(self._reducer.add_deals(deals, time.monotonic(), quiet=quiet))
        if len(self._deal_at) > len(rows):
            _forget_from(self._deal_at, len(rows))
            _forget_from(unread, len(rows))
            self._reducer.keep_trades(set(self._deal_at.values()))

    def _our_number(self, sysid: str) -> int:
        """这个合同编号是我们的哪一笔；别人的为 0。"""
        for each in self._reducer.orders():
            if each.order_sysid == sysid and _is_ours(each.order_remark):
                return int(each.order_id)
        return 0

    def _changed(self, orders: list[PlacedOrder], events: list[PushEvent]) -> None:
        """委托有了新的样子：先推，再给等着的人。"""
        if orders:
            events += self._reducer.adopt(time.monotonic())
        self._push(events)
        for event in events:
            if isinstance(event, OrderChanged) and event.order.order_status == OrderStatus.JUNK:
                self._push([OrderRefused(_refusal(event.order))])
        self._met(orders)
        for flight in list(self._cancels):
            self._judge(flight)

    def note_task(self, tag: str, strategy: str, remark: str) -> None:
        """智能算法的标记是谁的，先记下再发；记不下来抛 `JournalError`。"""
        deadline = time.monotonic() + self.timeout_s
        self._numbering.begin(self._today(), tag, remark, strategy, self._line.boot, deadline)

    def noted_task(self, tag: str) -> tuple[str, str] | None:
        """记下的（策略名，备注）；没有为 None。"""
        found = self._numbering.before(tag, time.monotonic() + self.timeout_s)
        return None if found is None else (found.strategy, found.remark)

    def push(self, event: PushEvent) -> None:
        """往上报一件事。"""
        self._listener.pushed(self, event)

    def _push(self, events: list[PushEvent]) -> None:
        for event in events:
            self._listener.pushed(self, event)

    def _complain(self, told: str) -> None:
        if told not in self._told:
            self._told.add(told)
            self._log.warning("{}", told)

    def _today(self) -> str:
        """北京日期，``20261130``。"""
        return stamp(time.time(), _DAY)


_SAID: Final = {
    "expired": "期限过了才轮到它",
    "busy": "中转太忙",
    "account": "账号不是中转的那个",
    "args": "参数不对",
    "caps": "超过了中转文件里的限额",
    "sealed": "这个标记作废了",
}
"""中转的代码 → 中文。"""


_COUNTER_REFUSED: Final = -61
"""MiniQMT 的废单也是这个代码：脚本里认它的不必改。"""


def _refusal(order: Any) -> Refusal:
    """废单 → 「下单失败」。"""
    return Refusal(
        order_id=order.order_id,
        error_msg=order.status_msg or "柜台拒绝，没有说明原因",
        error_id=_COUNTER_REFUSED,
        order_sysid=order.order_sysid,
        order_remark=order.order_remark,
        strategy_name=order.strategy_name,
        account_id=order.account_id,
        account_type=order.account_type,
    )


def _is_ours(remark: str) -> bool:
    return bool(tags.split(remark)[0])


def _forget_from(table: dict[int, Any], count: int) -> None:
    """第 ``count`` 行起的没有了。"""
    for index in [each for each in table if each >= count]:
        del table[index]


def _market(exchange: str) -> int | None:
    codes: dict[Any, int] = MARKET_CODES
    return codes.get(exchange)


def _ordinals(rows: list[Row]) -> dict[int, int]:
    """没有成交编号的：别的都一样的里面第几笔。"""
    seen: dict[tuple[Any, ...], int] = {}
    found: dict[int, int] = {}
    for index, row in enumerate(rows):
        if not convert.text(row, "m_strTradeID"):
            names = ("m_strOrderSysID", "m_strTradeTime", "m_nVolume", "m_dPrice")
            key = tuple(row.get(each) for each in names)
            found[index] = seen[key] = seen.get(key, -1) + 1
    return found
