"""一个对外服务的账号：它的交易口、几条道、事件。

调用从循环上来，在道上做，回答回到循环上；循环的线程上什么都不等。
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import threading
import time
import traceback
from collections.abc import Mapping
from functools import lru_cache, partial
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loguru import logger

from easytrader.backend.records import AccountChanged, Connected
from easytrader.basics import paths
from easytrader.basics.log import masked
from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.link.supervisor import State
from easytrader.risk import Guard
from easytrader.server import preview, search
from easytrader.server.calls import Answer
from easytrader.server.caps import TokenGate
from easytrader.server.events import Feed
from easytrader.server.lanes import Lane
from easytrader.server.mutations import Mutations
from easytrader.server.stop import ALL
from easytrader.sim.config.folder import is_sim_folder
from easytrader.trader import engine_of
from easytrader.wire import errors, values, verbs
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from easytrader.backend.records import PushEvent
    from easytrader.basics.paths import AccountKey
    from easytrader.risk import GuardPost
    from easytrader.server.audit import Audit
    from easytrader.server.calls import Call
    from easytrader.server.caps import Caps
    from easytrader.server.lanes import Mailbox
    from easytrader.server.stop import StopSwitch
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Verb

NOTHING_SENT: Final = "什么都没有发出"
_STOPPING: Final = "服务器正在停止"
_UNSEEN: Final = "服务器上没有这个账号，或这个令牌看不到它"
_CHORES, _SETTLE = "杂事", "核对"
_LANES: Final = {
    "委托": (8, 256),
    "撤单": (4, 256),
    "查询": (4, 256),
    _SETTLE: (2, 64),
    _CHORES: (1, 4096),
}
"""道 → (最多几个线程, 最多排几件)。"""
_ROWS: Final = {
    "balance": ("account_id",),
    "position": ("stock_code", "direction"),
    "today_entrusts": ("order_id",),
    "today_trades": ("order_id", "traded_id"),
}
"""问得最多的列表 → 认得出一行的键。"""
_OF_EVERY_ACCOUNT: Final = frozenset({"client.account_infos", "client.account_status"})
"""客户端里登录的每个账号一行的。"""
_CLOSE_S: Final = 2.0
_RECOVER_S: Final = 60.0
_LOOK_S: Final = 0.02
"""隔这么久看一遍有没有到期的。"""
_LATE: Final = "在服务器上排队，到期还没有轮到"


class Desk:
    """一个账号。

    Args:
        name: 它在服务器上的名字。
        trader: 交易口；可以还没有连上。
        caps: 令牌的限额。
        stop: 停单开关。
        audit: 审计记录。
        folder: 请求的记录放在哪里；不给是默认的地方。
    """

    def __init__(
        self,
        name: str,
        trader: Trader,
        *,
        caps: Caps,
        stop: StopSwitch,
        audit: Audit,
        folder: Path | None = None,
    ) -> None:
        self.name = name
        self.trader = trader
        self.engine = engine_of(trader)
        self.feed = Feed()
        self.caps = caps
        self.stop = stop
        self.mutations = Mutations(
            name, trader, self.feed.boot, caps=caps, stop=stop, audit=audit, folder=folder
        )
        self._audit = audit
        self._recovered = False
        self._names: dict[str, tuple[str, ...]] = {}
        self.stopping = False
        """不再收委托、撤单等会改变什么的；查询照常。"""
        self.flying: set[_Flight] = set()
        """还没有回答的；放进去在循环上，拿出来哪个线程都可能。"""
        self._lanes = {each: Lane(each, *size) for each, size in _LANES.items()}
        self._mailbox: Mailbox | None = None
        self._leave: Callable[[], None] = lambda: None
        self._watching: asyncio.TimerHandle | None = None
        self._rows = {name: Rows(*keys) for name, keys in _ROWS.items()}
        offered = verbs.offered(trader)
        self._offered = {each.name for each in offered}
        # 交易口上的属性：没有参数
        self._facts = {each.name for each in offered if _is_property(trader, each)}

    # ---- 这个账号

    @property
    def account_id(self) -> str:
        """资金账号；还没有连过为空。"""
        return self.engine.key.account_id

    def seen_by(self, grant: Grant) -> bool:
        """这个令牌能不能用它。"""
        return grant.sees(self.name, self.account_id)

    def verbs_for(self, grant: Grant) -> list[str]:
        """这个令牌在这里能用的动词。"""
        return [
            each.name
            for each in verbs.TABLE
            if each.name in self._offered and grant.may(each.scope)
        ]

    def backend(self) -> dict[str, Any]:
        """后端的本事，见 `wire.words.Hello`。"""
        able = self.trader.capabilities
        try:
            lag_s = self.engine.session.cache_lag_s
        except EasytraderError:
            lag_s = 0.0
        return {
            "name": able.name,
            "id_type": able.id_type.__name__,
            "kinds": sorted(able.kinds),
            "tag_in": able.tag_in,
            "markets": sorted(able.markets),
            "cache_lag_s": lag_s,
            "always_open": able.always_open,
            "simulated": self.is_simulated,
        }

    @property
    def is_simulated(self) -> bool:
        """连的是模拟的 MiniQMT。"""
        return _is_simulated(self.engine.key.place)

    def summary(self) -> dict[str, Any]:
        """``GET /v1/accounts`` 的一项。"""
        return {
            "name": self.name,
            "account_id": masked(self.account_id),
            "account_key": self.account_key,
            "state": self.trader.state,
            "backend": self.trader.capabilities.name,
            "simulated": self.is_simulated,
        }

    @property
    def account_key(self) -> str:
        """同一个账号永远是同一个；看不出账号。"""
        return _digest(self.engine.key)

    # ---- 调用，都在循环的线程上

    async def call(self, call: Call, sent: Callable[[int], None] | None = None) -> Any:
        """做完，返回结果。

        Args:
            call: 要做什么。
            sent: 异步的动词已经发出时，给它序号。

        Raises:
            EasytraderError: 动词抛的，或没有权限、排不上、到期。
        """
        answer = await self.answer(call, sent=sent)
        if answer.error is not None:
            raise answer.error
        return answer.result

    async def answer(
        self,
        call: Call,
        shape: Callable[[Answer], Answer] | None = None,
        sent: Callable[[int], None] | None = None,
    ) -> Answer:
        """同 `call`，异常也是一个回答；``shape`` 在道上先把它写好。"""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def heard(answer: Answer) -> None:
            if answer.seq is not None:
                if sent is not None:
                    sent(answer.seq)
            elif not future.done():
                future.set_result(answer)

        def tell(answer: Answer) -> None:
            self.post(partial(heard, answer if shape is None else shape(answer)))

        self.submit(call, tell)
        return await future

    def submit(self, call: Call, tell: Callable[[Answer], None]) -> None:
        """做一次调用，不等。

        Args:
            call: 要做什么。
            tell: 有了回答时调用，恰好一次；异步的动词先另给一次序号。哪个线程都可能，不得阻塞。
        """
        refusal = self.refusal(call)
        if refusal is not None:
            tell(Answer(error=refusal))
            self.later(partial(self.note, call, Answer(error=refusal)))
            return
        lane = self._lanes[_lane_of(call)]
        flight = _Flight(self, call, tell)
        self.flying.add(flight)
        why = lane.put(flight)
        if why:
            flight.give_up(busy(call, why))
        elif self._watching is None:
            self._watching = self.loop.call_later(_LOOK_S, self._watch)

    def _watch(self) -> None:
        """到期还没有回来的，不再等；没有在做的就不看了。"""
        self._watching = None
        now = time.monotonic()
        for each in list(self.flying):
            each.watch(now)
        if self.flying:
            self._watching = self.loop.call_later(_LOOK_S, self._watch)

    def encoded(self, verb: Verb, result: Any) -> bytes:
        """结果的字节；委托、成交这样的列表，没变的行不再写一遍。任何线程。"""
        rows = self._rows.get(verb.name)
        if rows is not None and type(result) is list:
            return rows.encode(result)
        return values.encode(values.to_plain(result))

    def refusal(self, call: Call) -> EasytraderError | None:
        """没有轮到就拒绝的。"""
        verb, grant = call.verb, call.grant
        if not self.seen_by(grant):
            return UsageError("account", self.name, _UNSEEN)
        if verb.name not in self._offered:
            return UsageError("verb", verb.name, f"{self.trader.capabilities.name} 没有这个动词")
        if not grant.may(verb.scope):
            return RiskRefusedError(
                f"令牌 {grant.name} 没有 {verb.scope} 权限，不能用 {verb.name}；{NOTHING_SENT}",
                rule="token_scope",
                actual=list(grant.scopes),
                limit=verb.scope,
            )
        if self.stopping and verb.effect.changes:
            return busy(call, _STOPPING)
        return None

    # ---- 在道上

    def work(self, call: Call, heard: Callable[[Answer], None]) -> None:
        """做一次调用，回答给 ``heard``；异步的动词发出就返回，抛的异常也是回答。"""
        if call.verb.effect.changes:
            self.mutations.run(call, heard)
            return
        with self.until(call.deadline):
            if call.work is not None:
                found = call.work(self.trader)
            elif call.verb.group == verbs.SERVER:
                found = CONTROLS[call.verb.name].work(self, call)
            else:
                found = self._query(call)
        heard(Answer(found))

    def _query(self, call: Call) -> Any:
        verb = call.verb
        if verb.name not in self._facts:
            found = verbs.invoke(self.trader, verb, call.args, call.kwargs)
            if verb.name in _OF_EVERY_ACCOUNT:
                # 客户端里登录的别的账号，与这个令牌无关
                return [each for each in found if each["account_id"] == self.account_id]
            return found
        if call.args or call.kwargs:
            raise UsageError(verb.name, call.args or call.kwargs, "没有参数")
        owner = getattr(self.trader, verb.group) if verb.group else self.trader
        return getattr(owner, verb.method)

    def note(self, call: Call, answer: Answer) -> None:
        """审计：一次没有走到「会改变什么」那一步的调用；写不下去的只记日志。"""
        if not call.grant.id:
            return  # 服务器自己问的
        error = answer.error
        kind = "refused" if call.verb.effect.changes else "query"
        names = self._names_of(call.verb)
        given = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
        if len(call.args) > len(names):  # 动词不会收，里面可能有写错了地方的密码
            given["more"] = len(call.args) - len(names)
        try:
            self._audit.write(
                event=kind,
                token=call.grant.name,
                account=self.name,
                verb=call.verb.name,
                source=call.source,
                address=call.address,
                arguments=given,
                outcome="ok" if error is None else errors.to_wire(error),
            )
        except OSError as exc:
            logger.error("审计记录写不下去：{}", exc)

    def _names_of(self, verb: Verb) -> tuple[str, ...]:
        """参数的名字：按位置给的，写进审计时也有名字，密码认得出来。"""
        names = self._names.get(verb.name)
        if names is None:
            names = self._names[verb.name] = _parameters(self.trader, verb)
        return names

    def later(self, work: Callable[[], None], lane: str = _CHORES) -> None:
        """在道上做一件没有人等的事；排不上的丢掉。"""
        self._lanes[lane].put(_Chore(work))

    def until(self, deadline: float) -> AbstractContextManager[None]:
        """这一段里、本线程上对柜台的调用最晚到 ``deadline``；没有会话的由动词自己说。"""
        try:
            return self.engine.session.until(deadline)
        except EasytraderError:
            return contextlib.nullcontext()

    # ---- 开与关

    def open(self, mailbox: Mailbox) -> None:
        """循环开始了：从此可以调用。"""
        self._mailbox = mailbox
        self.feed.open(mailbox)
        self._leave = self.engine.tap(self._heard)
        if self.engine.state is State.CONNECTED:
            self._recover()

    def _heard(self, event: PushEvent) -> None:
        """交付的一条（交付的线程上）。"""
        if isinstance(event, AccountChanged) and event.status.account_id != self.account_id:
            return  # 客户端里登录的别的账号
        if isinstance(event, Connected) and not self._recovered:
            self.post(self._recover)
        try:
            self.feed.heard(event)
        except Exception:  # noqa: BLE001  边界：一条写不出来的事件不能耽误回调
            logger.error("事件写不出来，订阅的人会看到有遗漏：\n{}", traceback.format_exc())
            self.feed.skip()

    def _recover(self) -> None:
        """连上了：核对上一次启动留下的。"""
        if not self._recovered:
            self._recovered = True
            self.later(lambda: self.mutations.recover(time.monotonic() + _RECOVER_S), _SETTLE)

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """服务器的循环；`open` 之后才有。"""
        assert self._mailbox is not None
        return self._mailbox.loop

    def post(self, job: Callable[[], None]) -> None:
        """让循环做一件事。任何线程。"""
        if self._mailbox is not None:
            self._mailbox.put(job)

    def close(self, limit_s: float = _CLOSE_S) -> None:
        """不再服务；交易口不归它关。最多等 ``limit_s`` 秒，卡住的线程丢下。"""
        self._leave()
        deadline = time.monotonic() + limit_s
        for lane in self._lanes.values():
            if not lane.close(max(0.1, deadline - time.monotonic())):
                logger.warning("账号 {}：{}的线程还没有回来，不再等它", self.name, lane.name)
        self.mutations.close()


@lru_cache(maxsize=256)
def _is_simulated(place: str) -> bool:
    return bool(place) and is_sim_folder(Path(place))


@lru_cache(maxsize=256)
def _digest(key: AccountKey) -> str:
    return paths.key_folder(key).name


class Rows:
    """一种列表的行写成的字节：没有变的不再写。

    Args:
        keys: 认得出一行的键。
    """

    def __init__(self, *keys: str) -> None:
        self._key = itemgetter(*keys)
        # 一行是谁 → (上次的样子, 字节)；只留最近一次列表里有的
        self._known: dict[Any, tuple[dict[str, Any], bytes]] = {}

    def encode(self, rows: list[dict[str, Any]]) -> bytes:
        """整个列表的字节。"""
        known, kept, parts = self._known, {}, []
        for row in rows:
            key = self._key(row)
            last = known.get(key)
            if last is None or last[0] != row:
                last = (row, values.encode(values.to_plain(row)))
            kept[key] = last
            parts.append(last[1])
        self._known = kept
        return b"[%s]" % b",".join(parts)


class _Flight:
    """一次还没有回答的调用。`run` 在道上，`watch` 在循环上；谁先说算谁的，只说一次。"""

    __slots__ = ("_begun", "_call", "_desk", "_gate", "_tell", "latest")

    def __init__(self, desk: Desk, call: Call, tell: Callable[[Answer], None]) -> None:
        self.latest = call.latest
        self._desk = desk
        self._call = call
        self._tell = tell
        self._begun = False
        self._gate = threading.Lock()  # 拿到的说

    def run(self) -> None:
        """轮到了。"""
        call = self._call
        # 先举手再看钟：看过钟还没有举手的时候到期，会说成「什么都没有发出」。
        # 会改变什么的，过了期限也交出去：那边记下「没有做」
        self._begun = True
        try:
            if time.monotonic() >= call.deadline and not call.verb.effect.changes:
                self._heard(Answer(error=busy(call, _LATE)))
            else:
                self._desk.work(call, self._heard)
        except EasytraderError as exc:
            self._heard(Answer(error=exc))
        except BaseException as exc:  # noqa: BLE001  边界：后端抛什么都要有个回答
            self._heard(Answer(error=broken(call, exc)))

    def watch(self, now: float) -> None:
        """到期了还没有回来：不再等它。"""
        if now < self.latest:
            return
        call = self._call
        if not self._begun:
            self.give_up(busy(call, _LATE))
        else:
            self.give_up(late(call, self._desk.mutations.client_order_id(call)))

    def give_up(self, error: EasytraderError) -> None:
        """不等了；在循环上。"""
        answer = Answer(error=error)
        if self._end(answer) and not (self._begun and self._call.verb.effect.changes):
            self._desk.later(partial(self._desk.note, self._call, answer))

    def _end(self, answer: Answer) -> bool:
        """有了回答；已经说过的不再说，为假。"""
        if not self._gate.acquire(blocking=False):
            return False
        self._desk.flying.discard(self)
        try:
            self._tell(answer)
        except Exception as exc:  # noqa: BLE001  边界：写不出来的结果也要有个回答
            self._tell(Answer(error=broken(self._call, exc)))
        return True

    def _heard(self, answer: Answer) -> None:
        if answer.seq is not None:
            if not self._gate.locked():
                self._tell(answer)
        elif self._end(answer) and not self._call.verb.effect.changes:
            self._desk.note(self._call, answer)


class _Chore:
    """一件没有人等的事。"""

    latest = math.inf

    def __init__(self, work: Callable[[], None]) -> None:
        self.run = work


def _is_property(trader: Trader, verb: Verb) -> bool:
    return verb.group != verbs.SERVER and isinstance(verbs.member_of(trader, verb)[1], property)


def _parameters(trader: Trader, verb: Verb) -> tuple[str, ...]:
    if verb.name in CONTROLS:
        return CONTROLS[verb.name].names
    try:
        signature, _ = verbs.signature_of(trader, verb)
    except AttributeError:  # 这个后端没有
        return ()
    return tuple(each for each in signature.parameters if each != "self")


def _lane_of(call: Call) -> str:
    if call.verb.effect is Effect.QUERY:
        return _SETTLE if call.verb.name == "server.settle" else "查询"
    return "撤单" if call.verb.effect is Effect.CANCEL else "委托"


def busy(call: Call, why: str) -> EasytraderError:
    """排不上、没有轮到：肯定什么都没有发出。"""
    if call.verb.effect.changes:
        return NotConnectedError(f"{why}；{NOTHING_SENT}，可以稍后再来")
    return QueryFailedError(f"{why}；可以稍后再问")


def late(call: Call, client_order_id: str) -> EasytraderError:
    """做了而到期没有回来。"""
    if not call.verb.effect.changes:
        return QueryFailedError(f"{call.verb.name} 到期没有回来；可以再问")
    told = f"{call.verb.name} 已经交给柜台的接口，到期没有回来：可能已经生效，先核对"
    number = None
    if call.verb.effect is Effect.CANCEL:
        number = call.kwargs.get("entrust_no", call.args[0] if call.args else None)
    return OutcomeUnknownError(
        told,
        entrust_no=number if isinstance(number, (int, str)) else None,
        client_order_id=client_order_id,
    )


def broken(call: Call, exc: BaseException) -> EasytraderError:
    """不是本库的异常：原委进日志，说给调用的人的没有细节。"""
    # 不用 loguru 自己的：它会印出局部变量；也不写异常的话：里面可能有密码
    where = "".join(traceback.format_tb(exc.__traceback__))
    kind = type(exc).__name__
    logger.error("{} 出了意外的错：{}\n{}", call.verb.name, kind, where)
    told = f"{call.verb.name}：服务器上出了意外的错（{kind}），详情在服务器的日志里"
    if call.verb.effect.changes:
        return OutcomeUnknownError(f"{told}；可能已经生效，先核对")
    return EasytraderError(told)


# ---- 服务器自己做的动词


class Control(NamedTuple):
    """一个服务器自己做的动词；在道上做。

    Attributes:
        told: 说明。
        work: 怎样做。
        names: 参数。
        optional: 其中可以不给的。
    """

    told: str
    work: Callable[[Desk, Call], Any]
    names: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()


def _given(call: Call) -> list[Any]:
    """参数的值：按位置或按名字，不多不少；可以不给而没有给的是 None。"""
    control = CONTROLS[call.verb.name]
    names = control.names
    placed = dict(zip(names, call.args, strict=False))
    form = f"参数：{'、'.join(names) or '没有'}"
    extra = [*call.args[len(names) :], *sorted(call.kwargs.keys() - set(names))]
    if extra or placed.keys() & call.kwargs.keys():
        raise UsageError(call.verb.name, extra or call.kwargs, form)
    found = {**placed, **call.kwargs}
    for name in names:
        if name not in found and name not in control.optional:
            raise UsageError(name, None, f"要给；{form}")
    return [found.get(name) for name in names]


def _status(desk: Desk, call: Call) -> dict[str, Any]:
    _given(call)
    return {
        **desk.summary(),
        "trader": dict(desk.trader.status),
        "stop": stopped(desk),
        "flying": desk.mutations.flying,
        "scopes": [each for each in verbs.SCOPES if call.grant.may(each)],
        "server_time": time.time(),
        "boot": desk.feed.boot,
        "last": desk.feed.last,
        "listeners": desk.feed.listeners,
    }


def stopped(desk: Desk) -> dict[str, Any] | None:
    """停单开关此刻的样子：``reason who time``；没有停为 None。"""
    for each in desk.stop.stopped():
        if each.account in (ALL, desk.name):
            return {"reason": each.reason, "who": each.who, "time": each.when}
    return None


def _search(desk: Desk, call: Call) -> Any:
    (text,) = _given(call)
    return search.search(desk.trader, text)


def _settle(desk: Desk, call: Call) -> dict[str, Any]:
    (request,) = _given(call)
    return desk.mutations.settle(request, call.grant, call.deadline)


def _preview(desk: Desk, call: Call) -> Any:
    verb, kwargs = _given(call)
    gate = TokenGate(desk.caps, desk.stop, call.grant, desk.name, "")
    guards = () if call.guard is None else (call.guard,)
    return preview.preview(desk.trader, verb, kwargs, gate, guards)


def _guard(desk: Desk, call: Call) -> GuardPost | None:
    """这条连接自己的风控：岗交给连接，它放在以后的调用上。"""
    (limits,) = _given(call)
    if isinstance(limits, Mapping) and limits.get("kill_switch") is not None:
        form = "服务器上的文件不从别的机器看；停单用 server.stop_orders"
        raise UsageError("kill_switch", limits["kill_switch"], form)
    guard = Guard.of(limits)
    return None if guard is None else desk.engine.new_post(guard)


def _stop_orders(desk: Desk, call: Call) -> dict[str, Any] | None:
    (reason,) = _given(call)
    desk.stop.stop(desk.name, "" if reason is None else str(reason), call.grant.name)
    return stopped(desk)


def _allow_orders(desk: Desk, call: Call) -> dict[str, Any] | None:
    _given(call)
    desk.stop.allow(desk.name, call.grant.name)
    return stopped(desk)


def _only_socket(desk: Desk, call: Call) -> Any:
    raise UsageError("verb", call.verb.name, "只能在 WebSocket 上用")


ONLY_SOCKET: Final = frozenset({"server.events", "server.guard"})
"""属于一条连接的：只能在 WebSocket 上用。"""

CONTROLS: Final = {
    "server.status": Control("账号与服务器的状况", _status),
    "server.search": Control("查询合约：代码、名称、拼音首字母的一段", _search, ("text",)),
    "server.settle": Control(
        "一个请求怎样了；没有来过的从此作废", _settle, ("request",)
    ),
    "server.preview": Control(
        "下单之前先看：费用、哪里不对、风控许不许；什么都不发出", _preview, ("verb", "kwargs")
    ),
    "server.stop_orders": Control(
        "停止下单，撤单照常", _stop_orders, ("reason",), frozenset({"reason"})
    ),
    "server.allow_orders": Control("放开下单", _allow_orders),
    "server.guard": Control("这条连接自己的风控；null 是不要", _guard, ("limits",)),
    "server.events": Control(
        "从这个编号之后接着收事件", _only_socket, ("boot", "after"), frozenset({"boot", "after"})
    ),
}  # fmt: skip
"""动词表里 ``server`` 那一组。"""
