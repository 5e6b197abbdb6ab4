"""一个对外服务的账号：它的交易口、几条道、事件。

调用从循环上来，在道上做，回答回到循环上；循环的线程上什么都不等。
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import traceback
from functools import partial
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from loguru import logger

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
from easytrader.risk import Guard
from easytrader.server.calls import Answer
from easytrader.server.events import Feed
from easytrader.server.lanes import Lane
from easytrader.trader import engine_of
from easytrader.wire import values, verbs
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from easytrader.orders.receipt import Receipt
    from easytrader.risk import GuardPost
    from easytrader.server.calls import Call
    from easytrader.server.lanes import Mailbox
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Verb

_T = TypeVar("_T")

NOTHING_SENT: Final = "什么都没有发出"
_STOPPING: Final = "服务器正在停止"
_UNSEEN: Final = "服务器上没有这个账号，或这个令牌看不到它"
_LANES: Final = {"委托": (8, 256), "撤单": (4, 256), "查询": (4, 256)}
"""道 → (最多几个线程, 最多排几件)。"""
_LONG: Final = {"today_entrusts": ("order_id",), "today_trades": ("order_id", "traded_id")}
"""长列表 → 认得出一行的键。"""
_CLOSE_S: Final = 2.0


class Desk:
    """一个账号。

    Args:
        name: 它在服务器上的名字。
        trader: 交易口；可以还没有连上。
    """

    def __init__(self, name: str, trader: Trader) -> None:
        self.name = name
        self.trader = trader
        self.engine = engine_of(trader)
        self.feed = Feed()
        self.stopping = False
        """不再收委托、撤单等会改变什么的；查询照常。"""
        self.flying: set[_Flight[Any]] = set()
        """还没有回答的。"""
        self._lanes = {each: Lane(each, *size) for each, size in _LANES.items()}
        self._mailbox: Mailbox | None = None
        self._rows = {name: Rows(*keys) for name, keys in _LONG.items()}
        self._offered = {each.name for each in verbs.offered(trader)}

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
        }

    def summary(self) -> dict[str, Any]:
        """``GET /v1/accounts`` 的一项。"""
        return {
            "name": self.name,
            "account_id": masked(self.account_id),
            "account_key": self.account_key,
            "state": self.trader.state,
            "backend": self.trader.capabilities.name,
        }

    @property
    def account_key(self) -> str:
        """同一个账号永远是同一个；看不出账号。"""
        return paths.key_folder(self.engine.key).name

    # ---- 调用，都在循环的线程上

    async def call(self, call: Call, sent: Callable[[int], None] | None = None) -> Any:
        """做完，返回结果。

        Args:
            call: 要做什么。
            sent: 异步的动词已经发出时，给它序号。

        Raises:
            EasytraderError: 动词抛的，或没有权限、排不上、到期。
        """
        answer = await self.answer(call, _same, sent)
        if answer.error is not None:
            raise answer.error
        return answer.result

    async def answer(
        self,
        call: Call,
        shape: Callable[[Answer], Answer],
        sent: Callable[[int], None] | None = None,
    ) -> Answer:
        """同 `call`；``shape`` 在别的线程上把回答写好，异常也是一个回答。"""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def heard(answer: Answer) -> None:
            if answer.seq is not None:
                if sent is not None:
                    sent(answer.seq)
            elif not future.done():
                future.set_result(answer)

        self.submit(call, shape, heard)
        return await future

    def encoded(self, verb: Verb, result: Any) -> bytes:
        """结果的字节；委托、成交这样的长列表，没变的行不再写一遍。任何线程。"""
        rows = self._rows.get(verb.name)
        if rows is not None and type(result) is list:
            return rows.encode(result)
        return values.encode(values.to_plain(result))

    def submit(
        self, call: Call, shape: Callable[[Answer], _T], heard: Callable[[_T], None]
    ) -> None:
        """同 `call`，不等：有了回答，``shape`` 在别的线程上把它写好，``heard`` 在循环上收下。"""
        flight = _Flight(self, call, shape, heard)
        refusal = self.refusal(call)
        if refusal is not None:
            flight.end(shape(Answer(error=refusal)))
            return
        flight.lane = lane = self._lanes[_lane_of(call)]
        why = lane.put(flight.run)
        if why:
            flight.end(shape(Answer(error=busy(call, why))))
            return
        self.flying.add(flight)
        assert self._mailbox is not None, "还没有 open"
        flight.timer = self._mailbox.loop.call_at(call.latest, flight.expire)

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

    def work(self, call: Call) -> Any:
        """做一次调用；异步的动词给出回执。"""
        if call.work is not None:
            with self.until(call.deadline):
                return call.work(self.trader)
        if call.verb.group == verbs.SERVER:
            with self.until(call.deadline):
                return _CONTROLS[call.verb.method](self, call)
        return self.invoke(call)

    def invoke(self, call: Call) -> Any:
        """期限之内，在交易口上做这个动词。"""
        verb = call.verb
        if call.args or call.kwargs:
            _, member = verbs.member_of(self.trader, verb)
            if isinstance(member, property):
                raise UsageError(verb.name, call.args or call.kwargs, "没有参数")
        with self.until(call.deadline):
            return verbs.invoke(self.trader, verb, call.args, call.kwargs)

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
        self.engine.tap(self.feed.heard)

    def post(self, job: Callable[[], None]) -> None:
        """让循环做一件事。任何线程。"""
        if self._mailbox is not None:
            self._mailbox.put(job)

    def close(self, limit_s: float = _CLOSE_S) -> None:
        """不再服务；交易口不归它关。最多等 ``limit_s`` 秒，卡住的线程丢下。"""
        self.engine.tap(None)
        deadline = time.monotonic() + limit_s
        for lane in self._lanes.values():
            if not lane.close(max(0.1, deadline - time.monotonic())):
                logger.warning("账号 {}：{}的线程还没有回来，不再等它", self.name, lane.name)


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


class _Flight(Generic[_T]):
    """一次还没有回答的调用。`run` 在道上，`expire`、`end` 在循环上。"""

    __slots__ = ("_begun", "_call", "_desk", "_done", "_heard", "_hung", "_shape", "lane", "timer")

    def __init__(
        self,
        desk: Desk,
        call: Call,
        shape: Callable[[Answer], _T],
        heard: Callable[[_T], None],
    ) -> None:
        self._desk = desk
        self._call = call
        self._shape = shape
        self._heard = heard
        self._begun = False
        self._done = False
        self._hung = False
        self.lane: Lane | None = None
        self.timer: asyncio.TimerHandle | None = None

    def run(self) -> None:
        """轮到了。"""
        call = self._call
        self._begun = True  # 先举手再看钟：看过钟还没有举手的时候到期，会说成「什么都没有发出」
        if time.monotonic() >= call.deadline:
            self._answer(Answer(error=busy(call, "在服务器上排队，到期还没有轮到")))
            return
        try:
            found = self._desk.work(call)
        except EasytraderError as exc:
            self._answer(Answer(error=exc))
        except BaseException as exc:  # noqa: BLE001  边界：后端抛什么都要有个回答
            self._answer(Answer(error=broken(call, exc)))
        else:
            if call.verb.is_async and call.work is None:
                self._promised(found)
            else:
                self._answer(Answer(found))

    def _promised(self, receipt: Receipt[Any]) -> None:
        seq = self._shape(Answer(seq=receipt.seq))
        self._desk.post(partial(self._sent, seq))
        receipt.then(lambda done: self._answer(_settled(done)))

    def _answer(self, answer: Answer) -> None:
        try:
            told = self._shape(answer)
        except Exception as exc:  # noqa: BLE001  边界：写不出来的结果也要有个回答
            told = self._shape(Answer(error=broken(self._call, exc)))
        self._desk.post(partial(self.end, told))

    # ---- 在循环上

    def _sent(self, told: _T) -> None:
        if not self._done:
            self._heard(told)

    def expire(self) -> None:
        """到期了还没有回来：不再等它。"""
        call = self._call
        if not self._begun:
            error = busy(call, "在服务器上排队，到期还没有轮到")
        else:
            self._hung = True
            if self.lane is not None:
                self.lane.hung += 1
            error = late(call)
        self._done = True
        self._desk.flying.discard(self)
        self._heard(self._shape(Answer(error=error)))

    def end(self, told: _T) -> None:
        """有了回答。"""
        if self._hung and self.lane is not None:
            self.lane.hung -= 1
        if self._done:
            return
        self._done = True
        self._desk.flying.discard(self)
        if self.timer is not None:
            self.timer.cancel()
        self._heard(told)


def _same(answer: Answer) -> Answer:
    return answer


def _settled(receipt: Receipt[Any]) -> Answer:
    error = receipt.error
    return Answer(receipt.value()) if error is None else Answer(error=error)


def _lane_of(call: Call) -> str:
    if call.verb.effect is Effect.QUERY:
        return "查询"
    return "撤单" if call.verb.effect is Effect.CANCEL else "委托"


def busy(call: Call, why: str) -> EasytraderError:
    """排不上、没有轮到：肯定什么都没有发出。"""
    if call.verb.effect.changes:
        return NotConnectedError(f"{why}；{NOTHING_SENT}，可以稍后再来")
    return QueryFailedError(f"{why}；可以稍后再问")


def late(call: Call) -> EasytraderError:
    """做了而到期没有回来。"""
    if not call.verb.effect.changes:
        return QueryFailedError(f"{call.verb.name} 到期没有回来；可以再问")
    return OutcomeUnknownError(
        f"{call.verb.name} 已经交给柜台的接口，到期没有回来：可能已经生效，先核对",
        client_order_id=str(call.kwargs.get("client_order_id") or ""),
    )


def broken(call: Call, exc: BaseException) -> EasytraderError:
    """不是本库的异常：原委进日志，说给调用的人的没有细节。"""
    text = "".join(traceback.format_exception(exc))
    for name, value in call.kwargs.items():
        if name.endswith("_pwd") and isinstance(value, str) and value:
            text = text.replace(value, "***")
    logger.error("{} 出了意外的错：\n{}", call.verb.name, text)
    told = f"{call.verb.name}：服务器上出了意外的错（{type(exc).__name__}），详情在服务器的日志里"
    if not call.verb.effect.changes:
        return EasytraderError(told)
    return OutcomeUnknownError(
        f"{told}；可能已经生效，先核对",
        client_order_id=str(call.kwargs.get("client_order_id") or ""),
    )


# ---- 服务器自己做的动词


def _status(desk: Desk, call: Call) -> dict[str, Any]:
    _check(call, ())
    return {
        **desk.summary(),
        "trader": dict(desk.trader.status),
        "scopes": [each for each in verbs.SCOPES if call.grant.may(each)],
        "server_time": time.time(),
        "boot": desk.feed.boot,
        "last": desk.feed.last,
        "listeners": desk.feed.listeners,
    }


def _unready(desk: Desk, call: Call) -> Any:
    raise UsageError("verb", call.verb.name, "这个服务器没有")


_CONTROLS: Final[dict[str, Callable[[Desk, Call], Any]]] = {
    "status": _status,
    **dict.fromkeys(
        ("events", "guard", "search", "settle", "preview", "stop_orders", "allow_orders"), _unready
    ),
}


def _check(call: Call, names: tuple[str, ...]) -> dict[str, Any]:
    """服务器自己的动词的参数：按位置或按名字，不多不少。"""
    given = dict(zip(names, call.args, strict=False))
    extra = call.args[len(names) :] or sorted(call.kwargs.keys() - set(names))
    if extra or given.keys() & call.kwargs.keys():
        form = f"{call.verb.name} 的参数：{'、'.join(names) or '没有'}"
        raise UsageError(call.verb.name, extra or call.kwargs, form)
    return {**dict.fromkeys(names), **given, **call.kwargs}


def new_post(desk: Desk, limits: object) -> GuardPost | None:
    """一条连接自己的风控；None 是不要。阻塞。"""
    guard = Guard.of(limits)
    return None if guard is None else desk.engine.new_post(guard)
