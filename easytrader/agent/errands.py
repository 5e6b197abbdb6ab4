"""一条领来的命令：怎样变成一次调用，发出之前再问什么，回答怎样变成结果。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import boot_clock
from easytrader.errors import (
    NOTHING_SENT,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.fleets import checks, words
from easytrader.server.calls import Answer, Call, deadlines
from easytrader.server.desk import ONLY_SOCKET
from easytrader.server.tokens import Grant
from easytrader.wire import errors, values, verbs
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from easytrader.backend.records import OrderRequest
    from easytrader.fleets.words import Command, Outcome, Question
    from easytrader.risk import GuardPost
    from easytrader.risk.rules import MarketView
    from easytrader.server.desk import Desk

PREFIX: Final = "fleet-"
"""队里来的命令，在本机的请求记录、审计里的令牌名，后面是登录名。"""
LEAST_S: Final = 5.0
"""活最少给这么久：早一点发出靠「最晚几时发」，等应答可以久一点，说得清总比未知好。"""
_NOTHING: Final = "什么都没有发出"
_SWITCHES: Final = frozenset({"fleet_switch", "stop_switch"})


class Rules(NamedTuple):
    """发出之前问的几样；不许的抛异常。

    Attributes:
        lease: (账号, 第几任) 还是自己的、最近续上过。
        switches: (账号, 策略) 没有停。
        sound: (账号) 待传的记得下、没有要人看的警报。
        admit: (这一笔的键, 账号, 策略, 委托, 行情, 期限)：占额度。
        not_sent: (这一笔的键)：退额度。
    """

    lease: Callable[[str, int], None]
    switches: Callable[[str, str], None]
    sound: Callable[[str], None]
    admit: Callable[[str, str, str, OrderRequest, MarketView, float], None]
    not_sent: Callable[[str], None]


class Errand:
    """一条命令发出之前的关口（`server.calls.Permit`）；几个钟都是 `basics.boot_clock`。

    Args:
        command: 哪一条。
        rules: 问什么。
        asked: 去领它的那一刻：路上耽搁的算在里面。
    """

    def __init__(self, command: Command, rules: Rules, asked: float) -> None:
        self.command = command
        self._rules = rules
        self._valid_until = asked + command.left_s
        self._send_by = min(self._valid_until, asked + words.SEND_BY_S)
        self._key = f"{command.account}/{command.command_id}/{command.attempt}"
        self._cancelling = False
        self.why = ""
        """不许的原因（`words.Command.reason`）；没有说过不许为空。"""

    def admit(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """占全队的额度；先看还来不来得及，来不及的不占。"""
        self.last(Effect.ORDER)
        command = self.command
        self._rules.admit(
            self._key, command.account, command.strategy, request, view, deadline
        )  # fmt: skip

    def last(self, effect: Effect) -> None:
        """就要发出了。撤单只看还有效没有：停单、租约都不拦它；一撤一批的，开始了就撤完。

        Raises:
            NotConnectedError: 过期了，不是主人了。
            RiskRefusedError: 停着。
        """
        command = self.command
        if self._cancelling:
            return
        if effect is not Effect.CANCEL:
            self._rules.sound(command.account)
            self._rules.switches(command.account, command.strategy)
            try:
                self._rules.lease(command.account, command.epoch)
            except NotConnectedError:
                self.why = "fenced"
                raise
        now = boot_clock.now()  # 一切之后：上面的也花时间
        what = f"{command.verb}（{command.command_id}）"
        if now > self._valid_until:
            self.why = "expired"
            late_s = now - self._valid_until
            raise NotConnectedError(f"{what}轮到的时候过期了 {late_s:.3g} 秒，{_NOTHING}")
        if effect is not Effect.CANCEL and now > self._send_by:
            self.why = "busy"
            told = f"领走之后 {words.SEND_BY_S:g} 秒之内没有轮到（这台机器、这个柜台太忙）"
            raise NotConnectedError(f"{what}{told}，{_NOTHING}")
        self._cancelling = effect is Effect.CANCEL

    def not_sent(self) -> None:
        """确知没有发出：退额度。"""
        self._rules.not_sent(self._key)


def grant_of(login: str, may: Sequence[str]) -> Grant:
    """登录名在这里当作哪个令牌；存储已经查过它有没有权限用这个账号。"""
    name = f"{PREFIX}{login}"
    return Grant(name, name, tuple(may))


def call_of(desk: Desk, errand: Errand, post_of: Callable[[Desk, str], GuardPost | None]) -> Call:
    """一条命令 → 一次调用。

    Raises:
        UsageError: 动词、参数、风控写得不对。
        NotConnectedError: 还没有连过，建不了它的风控。
    """
    command = errand.command
    verb = _verb(command.verb)
    if verb.effect.value != command.effect or not verb.effect.changes:
        raise UsageError("effect", command.effect, f"{verb.name} 是 {verb.effect.value}")
    args, kwargs = _arguments(command.arguments)
    if verb.effect is Effect.ORDER and desk.trader.capabilities.tags:
        kwargs["client_order_id"] = command.command_id
    deadline, latest = deadlines(max(command.left_s, LEAST_S) * 1000)
    return Call(
        verb, args, kwargs, command.request, deadline, grant_of(command.login, command.may),
        "fleet", command.host, post_of(desk, command.limits), latest, permit=errand,
    )  # fmt: skip


def query_of(question: Question) -> Call:
    """一句查询 → 一次调用。

    Raises:
        UsageError: 动词、参数不对，或会改变什么。
    """
    verb = _verb(question.verb)
    if verb.effect.changes or verb.name in ONLY_SOCKET:
        raise UsageError("verb", verb.name, "会改变什么的、属于一条连接的，不能当查询问")
    args, kwargs = _arguments(question.arguments)
    deadline, latest = deadlines(question.left_s * 1000)
    return Call(
        verb, args, kwargs, "", deadline, grant_of(question.login, question.may),
        "fleet", question.host, None, latest,
    )  # fmt: skip


def outcome_of(command: Command, answer: Answer, why: str = "") -> Outcome:
    """回答 → 结果；``why`` 是关口不许的原因。"""
    if answer.seq is not None:
        return _outcome(command, words.SENDING)._replace(seq=answer.seq)
    told = written(answer)
    error = answer.error
    if error is None:
        return _done(command, answer.result, told)
    if isinstance(error, NOTHING_SENT):
        return _outcome(command, words.UNSENT, told)._replace(reason=why or reason_of(error))
    if command.effect == Effect.ORDER.value or isinstance(error, OutcomeUnknownError):
        return _outcome(command, words.UNKNOWN, told)
    return _outcome(command, words.DONE, told)  # 撤单、转账说了错，那就是结果


def unsent(command: Command, error: EasytraderError) -> Outcome:
    """没有交出去。"""
    return outcome_of(command, Answer(error=error))


def absent(command: Command, told: str) -> Outcome:
    """核对清楚了：没有到柜台。"""
    return _outcome(command, words.ABSENT, written(Answer(error=NotConnectedError(told))))


def unknown(command: Command, error: OutcomeUnknownError) -> Outcome:
    """还说不清。"""
    return _outcome(command, words.UNKNOWN, written(Answer(error=error)))


def reason_of(error: EasytraderError) -> str:
    """没有发出的为什么，见 `words.Command.reason`。"""
    if isinstance(error, RiskRefusedError):
        return "switch" if error.rule in _SWITCHES else "guard"
    if isinstance(error, UsageError):
        return "usage"
    if isinstance(error, NotConnectedError):
        return "not_connected"
    return type(error).__name__.removesuffix("Error").lower()


def written(answer: Answer) -> str:
    """回答 → JSON：``{"result": …}`` 或 ``{"error": …}``。"""
    if answer.error is not None:
        return values.encode({"error": errors.to_wire(answer.error)}).decode()
    return values.encode({"result": values.to_plain(answer.result)}).decode()


def reply_of(answer: Answer) -> str:
    """查询的回答；存储不收的换成一句说得清的，不连累同一批的别的。"""
    told = written(answer)
    try:
        return checks.text("answer", told, checks.LONGEST_REPLY)
    except UsageError:
        why = f"回答有 {len(told)} 字，队里一次最多 {checks.LONGEST_REPLY} 字；一次少问一些"
        return written(Answer(error=QueryFailedError(why)))


def read(told: dict[str, Any]) -> Answer:
    """`Mutations.settle` 的一句 ``done`` → 回答。"""
    if "error" in told:
        return Answer(error=errors.from_wire(told["error"]))
    return Answer(told["result"])


def number_in(told: bytes) -> str:
    """写下的回答里的委托编号；没有为空。"""
    try:
        result = values.decode(told)["result"]
        number = result.get("entrust_no", -1)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return "" if number == -1 else str(number)


def _done(command: Command, result: Any, told: str) -> Outcome:
    if command.effect != Effect.ORDER.value:
        return _outcome(command, words.DONE, told)
    number = result.get("entrust_no") if isinstance(result, dict) else None
    if number == -1:
        return _outcome(command, words.REFUSED, told)
    return _outcome(command, words.PLACED, told)._replace(
        order_id="" if number is None else str(number)
    )


def _outcome(command: Command, state: str, told: str = "") -> Outcome:
    return words.Outcome(command.account, command.command_id, command.attempt, state, answer=told)


def _verb(name: str) -> verbs.Verb:
    found = verbs.find(name)
    if found is None:
        raise UsageError("verb", name, "这台机器上的 easytrader 没有这个动词，请升级它")
    return found


def _arguments(text: str) -> tuple[list[Any], dict[str, Any]]:
    try:
        found = values.from_plain(values.decode(text))
        return list(found["args"]), dict(found["kwargs"])
    except (ValueError, KeyError, TypeError) as exc:
        raise UsageError("arguments", text[:80], f"读不懂：{exc}") from None
