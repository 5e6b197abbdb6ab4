"""队里的停单开关在这台机器上：续租、领命令时听来的，下单之前再问一次；连同挂着的一起撤。

开关开着时存储一条委托都不给领，这里管的是已经领了还没有发的。撤单从来不问它。
存储不在也停得了：这台机器自己的端口与文件（`server.stop`）照常；存储一声不吭地过了
`FENCE_S`，不等谁来按，自己就不领了。

一次按下只撤一遍：用的请求号由开关与账号算出来，本机的请求记录认得，重新启动也不会再撤。
按下的时候已经交给柜台的接口、还没有回来的，撤完那一遍才会挂上去：等它们回来，再撤一遍。
"""

from __future__ import annotations

import threading
import time
from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.errors import EasytraderError, OutcomeUnknownError, RiskRefusedError
from easytrader.fleets.words import FLEET, StoreDownError, StoreUnknownError, Switch
from easytrader.link.supervisor import State
from easytrader.risk.rules import NOTHING_SENT
from easytrader.server.calls import Call
from easytrader.server.tokens import Grant
from easytrader.wire import values, verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.agent.spool import Spool
    from easytrader.basics.numbers import OrderId
    from easytrader.server.calls import Answer
    from easytrader.server.desk import Desk

RULE: Final = "fleet_switch"
CANCEL_OPEN: Final = "cancel_open"
"""事件：开关说连同挂着的一起撤，撤得怎样。"""
CANCEL_S: Final = 30.0
TRIES: Final = 3
"""没有撤成、结果未知的再来（那时只剩还挂着的），一共最多这么多次。"""
_AGAIN_S: Final = 2.0
_SHOWN: Final = 50
_GRANT: Final = Grant("fleet", "fleet-switch", (verbs.TRADE,))


def covers(switch: Switch, account: str, groups: Iterable[str], strategy: str = "") -> bool:
    """这个开关管不管它。"""
    kind, _, name = switch.scope.partition(":")
    if switch.scope == FLEET:
        return True
    if kind == "group":
        return name in groups
    return name == (account if kind == "account" else strategy) and bool(name)


class Switches:
    """此刻开着的开关。任何线程。"""

    def __init__(self) -> None:
        self._on: tuple[Switch, ...] = ()
        self._lock = threading.Lock()
        self._pressed: dict[str, Switch] = {}  # 这里刚按下的，存储还没有说起

    def seen(self, switches: Iterable[Switch]) -> None:
        """听存储说的（`Beat.switches`）。"""
        found = tuple(switches)
        with self._lock:
            scopes = {each.scope for each in found}
            self._pressed = {
                scope: each for scope, each in self._pressed.items()
                if scope not in scopes and time.monotonic() < each.at
            }  # fmt: skip
            self._on = (*found, *self._pressed.values())

    def press(self, scope: str, why: str, by: str, hold_s: float = 10.0) -> None:
        """这里按下的，存储已经收下：不等下一次续租说起就算数。"""
        with self._lock:
            switch = Switch(scope, False, why, by, time.monotonic() + hold_s)
            self._pressed[scope] = switch
            self._on = (*(each for each in self._on if each.scope != scope), switch)

    def is_on(self, scope: str) -> bool:
        """这一格开着。"""
        return any(each.scope == scope for each in self._on)

    def current(self, account: str, groups: Iterable[str], strategy: str = "") -> Switch | None:
        """管着它的一个开关；没有为 None。"""
        held = tuple(groups)
        return next((each for each in self._on if covers(each, account, held, strategy)), None)

    def check(self, account: str, groups: Iterable[str], strategy: str = "") -> None:
        """停着就不许；撤单不问。

        Raises:
            RiskRefusedError: 停着；什么都没有发出。
        """
        if not self._on:
            return
        found = self.current(account, groups, strategy)
        if found is not None:
            raise RiskRefusedError(
                f"风控拒绝（{RULE}）：{told(found)}；{NOTHING_SENT}，撤单照常", rule=RULE
            )

    def to_cancel(self, account: str, groups: Iterable[str]) -> list[Switch]:
        """要把这个账号挂着的一起撤的开关；``strategy:`` 的另有 `CancelOpen.of_strategy`。"""
        held = tuple(groups)
        return [each for each in self._on if each.cancel_open and covers(each, account, held)]

    def to_cancel_strategies(self) -> list[Switch]:
        """要撤一个策略挂着的委托的开关。"""
        return [
            each for each in self._on if each.cancel_open and each.scope.startswith("strategy:")
        ]


def told(switch: Switch) -> str:
    """给人看的一句。"""
    who = f"由 {switch.by} " if switch.by else ""
    what = "全队" if switch.scope == FLEET else f" {switch.scope} "
    return f"队里的停单开关（{what}）{who}开着" + (f"：{switch.why}" if switch.why else "")


class CancelOpen:
    """开关说连同挂着的一起撤：一次按下、一个账号撤一遍，撤得怎样记一条事件。

    Args:
        spool: 待传的。
        clock: 单调时钟，秒。
        wall: Unix 秒。
    """

    def __init__(
        self,
        spool: Spool,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._spool = spool
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._jobs: dict[tuple[str, str, float], _Job] = {}

    def look(
        self, desk: Desk, account: str, switches: Iterable[Switch], flying: frozenset[str]
    ) -> None:
        """该撤而没有撤的就撤；每次续租之后。没有连上的等连上。

        Args:
            desk: 账号。
            account: 它在队里的名字。
            switches: 说要撤的开关。
            flying: 此刻还没有结果的委托（`Alarms.flying`）。
        """
        for each in switches:
            job = self._begin(desk, account, each, flying)
            if job is not None:
                desk.post(partial(self._all, desk, account, job))

    def of_strategy(
        self,
        desk: Desk,
        account: str,
        switch: Switch,
        flying: frozenset[str],
        find: Callable[[], list[OrderId]],
    ) -> None:
        """只撤一个策略的；``find`` 给出它挂着的委托，在撤单的道上问。其余同 `look`。"""
        job = self._begin(desk, account, switch, flying)
        if job is not None:
            work = partial(self._each, desk, account, job, find)
            desk.post(lambda: desk.later(work, "撤单"))

    def ended(self, account: str, switches: Iterable[Switch]) -> None:
        """放开了的、又按了一次的：那一次不再撤，撤得怎样还是记下。

        Args:
            account: 账号在队里的名字；归自己的。
            switches: 此刻说要撤的全部开关。
        """
        on, now = {(each.scope, each.at) for each in switches}, self._clock()
        with self._lock:
            gone = [
                job for key, job in self._jobs.items()
                if key[0] == account and key[1:] not in on and not job.over
            ]  # fmt: skip
            for job in gone:
                job.ended = True
            told = [job for job in gone if now >= job.again]  # 正在撤的，撤完那一遍由它说
            for job in told:
                job.over = True
        for job in told:
            self._spool.event(account, self._event(job))

    def _begin(
        self, desk: Desk, account: str, switch: Switch, flying: frozenset[str]
    ) -> _Job | None:
        key, now = (account, switch.scope, switch.at), self._clock()
        with self._lock:
            job = self._jobs.get(key)
            if job is None:
                job = self._jobs[key] = _Job(switch, flying, now + CANCEL_S)
            if job.over or now < job.again or desk.engine.state is not State.CONNECTED:
                return None
            if not job.flying & flying or now >= job.until:
                job.flying = frozenset()  # 都回来了，或不再等：这一遍是最后一遍
            elif job.clean:
                return None
            job.again = now + CANCEL_S + _AGAIN_S  # 排不上、被丢掉了的，过这么久再来
            job.tried += 1
            return job

    def _all(self, desk: Desk, account: str, job: _Job) -> None:
        call = _call("cancel_all", [], _request(account, job))
        desk.submit(call, lambda answer: self._over(account, job, answer.result, answer.error))

    def _each(self, desk: Desk, account: str, job: _Job, find: Callable[[], list[OrderId]]) -> None:
        try:
            found = [_cancelled(desk, account, job, each) for each in find()]
        except (StoreDownError, StoreUnknownError) as exc:
            self._over(account, job, None, EasytraderError(f"存储连不上（{exc}）"))
        else:
            self._over(account, job, found, None)

    def _over(self, account: str, job: _Job, found: Any, error: EasytraderError | None) -> None:
        rows = found if isinstance(found, list) else []
        with self._lock:
            if job.over:
                return
            job.done += [each for each in rows if each.get("success")]
            job.failed = [each for each in rows if not each.get("success")]
            job.error = "" if error is None else str(error)
            job.clean = error is None and not job.failed
            job.over = job.ended or ((job.clean or job.tried >= TRIES) and not job.flying)
            job.again = self._clock() + _AGAIN_S
            over = job.over
        if error is not None:
            unknown = "，结果未知" if isinstance(error, OutcomeUnknownError) else ""
            logger.error("账号 {}：开关要撤挂着的委托，没有撤成{}：{}", account, unknown, error)
        if over:
            self._spool.event(account, self._event(job))

    def _event(self, job: _Job) -> dict[str, Any]:
        data = {
            "scope": job.switch.scope,
            "why": job.switch.why,
            "cancelled": len(job.done),
            "failed": len(job.failed),
            "rows": [*job.failed, *job.done][:_SHOWN],
            "error": job.error,
        }
        return {
            "event": CANCEL_OPEN,
            "event_name": "停单连同撤单",
            "time": self._wall(),
            "data": values.to_plain(data),
        }


class _Job:
    """一次按下、一个账号。"""

    __slots__ = (
        "again", "clean", "done", "ended", "error", "failed", "flying", "over", "switch", "tried",
        "until",
    )  # fmt: skip

    def __init__(self, switch: Switch, flying: frozenset[str], until: float) -> None:
        self.switch = switch
        self.flying = flying  # 第一次看到它按下的时候还没有结果的委托
        self.until = until  # 最晚等它们到这时
        self.over = False
        self.ended = False  # 放开了
        self.clean = False  # 上一遍都撤成了
        self.failed: list[Any] = []  # 上一遍没有撤成的
        self.error = "放开的时候还没有撤"
        self.done: list[Any] = []
        self.tried = 0
        self.again = 0.0


def _request(account: str, job: _Job, number: str = "") -> str:
    """同一次按下、同一次尝试永远是同一个。"""
    text = f"{job.switch.scope}\0{job.switch.at!r}\0{account}\0{job.tried}\0{number}"
    return f"cancel-open-{blake2b(text.encode(), digest_size=16).hexdigest()}"


def _call(verb: str, args: list[Any], request: str) -> Call:
    found = verbs.find(verb)
    assert found is not None
    deadline = time.monotonic() + CANCEL_S
    return Call(found, args, {}, request, deadline, _GRANT, "fleet", "")


def _cancelled(desk: Desk, account: str, job: _Job, number: OrderId) -> dict[str, Any]:
    answers: list[Answer] = []
    call = _call("cancel_entrust", [number], _request(account, job, str(number)))
    desk.mutations.run(call, answers.append)
    answer = answers[0]
    if answer.error is not None:
        return {"entrust_no": number, "success": False, "message": str(answer.error)}
    return {"entrust_no": number, **answer.result}
