"""异常在线上的样子：类型、话、属性，到了另一头原样抛出。"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from easytrader import errors
from easytrader.errors import EasytraderError, UsageError
from easytrader.wire import values


class _Kind(NamedTuple):
    status: int
    fields: tuple[str, ...] = ()


KINDS: Final[dict[type[EasytraderError], _Kind]] = {
    errors.UsageError: _Kind(422, ("argument", "value", "expected")),
    errors.RiskRefusedError: _Kind(409, ("rule", "actual", "limit")),
    errors.PlanStaleError: _Kind(409, ("rule", "codes")),
    errors.RebalanceBusyError: _Kind(409),
    errors.OrdersNotAllowedError: _Kind(403),
    errors.UnsupportedError: _Kind(501),
    errors.NotConnectedError: _Kind(503),
    errors.ConnectFailedError: _Kind(503, ("code",)),
    errors.ClosedError: _Kind(503),
    errors.JournalError: _Kind(503),
    errors.QueryFailedError: _Kind(502),
    errors.SimulatorError: _Kind(502),
    errors.MissingDependencyError: _Kind(501),
    errors.OutcomeUnknownError: _Kind(504, ("tag", "entrust_no", "client_order_id")),
    errors.WaitTimeoutError: _Kind(504, ("row",)),
    errors.EasytraderError: _Kind(502),
}
"""类型 → REST 的状态码、要带的属性。"""

_BY_NAME: Final = {each.__name__: each for each in KINDS}


class _Shown:
    """写出来就是这几个字：用户给的值过不了线，它的样子过得了。"""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


def status_of(error: EasytraderError) -> int:
    """REST 的状态码。"""
    return KINDS[_known(type(error))].status


def to_wire(error: EasytraderError) -> dict[str, Any]:
    """异常 → ``{"type": 类型名, "text": 话, 属性…}``。"""
    kind = _known(type(error))
    told: dict[str, Any] = {"type": kind.__name__, "text": str(error)}
    for name in KINDS[kind].fields:
        value = getattr(error, name)
        if kind is UsageError and name == "value":
            value = errors.shown_as(told["argument"], value)
        told[name] = value
    return values.to_plain(told)  # type: ignore[no-any-return]  # 字典进，字典出


def from_wire(told: Any) -> EasytraderError:
    """`to_wire` 的反面；没见过的类型是 `EasytraderError`。"""
    if not isinstance(told, dict):
        return EasytraderError(f"服务器说了读不懂的话：{told!r}")
    plain: dict[str, Any] = values.from_plain(told)
    text = str(plain.get("text", ""))
    kind = _BY_NAME.get(str(plain.get("type")), EasytraderError)
    given = {name: plain.get(name) for name in KINDS[kind].fields}
    if kind is UsageError:
        shown = _Shown(str(given["value"]))
        return UsageError(str(given["argument"]), shown, str(given["expected"]))
    if kind is errors.ConnectFailedError:
        return errors.ConnectFailedError(text, given["code"])
    if kind is errors.WaitTimeoutError:
        return errors.WaitTimeoutError(text, given["row"])
    if kind is errors.RiskRefusedError:
        return errors.RiskRefusedError(
            text, rule=str(given["rule"]), actual=given["actual"], limit=given["limit"]
        )
    if kind is errors.PlanStaleError:
        return errors.PlanStaleError(text, rule=str(given["rule"]), codes=given["codes"] or ())
    if kind is errors.OutcomeUnknownError:
        return errors.OutcomeUnknownError(
            text,
            tag=str(given["tag"] or ""),
            entrust_no=given["entrust_no"],
            client_order_id=str(given["client_order_id"] or ""),
        )
    return kind(text)


def _known(kind: type[EasytraderError]) -> type[EasytraderError]:
    """子类按最近的、表里有的上级说。"""
    return next(each for each in kind.__mro__ if each in KINDS)
