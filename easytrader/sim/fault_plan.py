"""故障计划：下一次什么动作出什么岔子。纯状态，只由主机线程使用。

一条故障是一个普通字典（跨进程时就是这个形状），``kind`` 决定其余字段::

    drop_answer     verb, times            不回答
    delay_answer    verb, seconds, times   晚回答
    refuse_connect  times                  拒绝连接
    disconnect_after calls                 该会话的第 calls 个请求答完之后断开它
    disconnect_on   verb, when, times      处理到一半断开发出请求的会话
    duplicate_push  push, times            推送送两遍
    reorder_push    push, times            推送与紧跟着它的那一条对调
    disk_full       times                  账本写不下；times 为 0 时一直到取消
    hang            seconds                主机线程停住
    clock_jump      seconds                柜台的时钟跳过去（负数往回）
    account_status  status                 账号状态变成这样，推给会话；0 是恢复正常
    crash_on        verb, when, times      处理到一半进程猝死

``when``：``before`` 柜台还没看到请求；``after`` 柜台已经受理并落盘，还没有应答。
``hang``、``clock_jump``、``account_status`` 加入的时候就发生了，不留在计划里，由主机自己办。
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.codes import ACCOUNT_STATUS_NAMES
from easytrader.errors import UsageError
from easytrader.sim.verbs import VERBS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import TypeGuard

__all__ = ["CALM", "PUSHES", "TARGETS", "WHENS", "Fault", "FaultPlan", "Ruling", "parse_fault"]

TARGETS: Final = (*VERBS, "query", "any")
"""``verb`` 能写什么：一个动作（见 `verbs`），``query`` 任何查询，``any`` 任何请求。"""
WHENS: Final = ("before", "after")
PUSHES: Final = ("order", "trade", "order_error", "cancel_error", "account_status", "any")

_FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "drop_answer": ("verb", "times"),
    "delay_answer": ("verb", "seconds", "times"),
    "refuse_connect": ("times",),
    "disconnect_after": ("calls",),
    "disconnect_on": ("verb", "when", "times"),
    "duplicate_push": ("push", "times"),
    "reorder_push": ("push", "times"),
    "disk_full": ("times",),
    "hang": ("seconds",),
    "clock_jump": ("seconds",),
    "crash_on": ("verb", "when", "times"),
    "account_status": ("status",),
}
_EXAMPLES: Final = {
    "delay_answer": "延迟应答要说延迟几秒，例如 2.5",
    "hang": "要说停住几秒，例如 2.5",
    "clock_jump": "要说跳几秒，例如 3600（往前一小时）、-60（往回一分钟）",
}
_MAX_DELAY_S: Final = 3600.0
_MAX_JUMP_S: Final = 366 * 86400.0


@dataclass(slots=True)
class Fault:
    """一条故障；``times`` / ``calls`` 随触发递减，到 0 即失效。"""

    kind: str
    verb: str = "any"
    when: str = "before"
    push: str = "any"
    times: int = 1
    seconds: float = 0.0
    calls: int = 1
    status: int = 0

    def row(self) -> dict[str, Any]:
        """只含这一种故障用得到的字段。"""
        values = asdict(self)
        return {"kind": self.kind, **{name: values[name] for name in _FIELDS[self.kind]}}

    def matches(self, verb: str) -> bool:
        """这个动作在不在范围里。"""
        return self.verb in ("any", verb) or (self.verb == "query" and VERBS[verb].is_query)


class Ruling(NamedTuple):
    """对一个请求的裁决。``before`` / ``after`` 为空、``disconnect`` 或 ``crash``。"""

    before: str = ""
    after: str = ""
    drop: bool = False
    delay_s: float = 0.0
    hang_up: bool = False
    """应答送出之后断开。"""


CALM: Final = Ruling()
"""没有故障。"""


class FaultPlan:
    """还没用完的故障，按加入的先后。"""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self.status = 0
        """账号状态，见 `codes.ACCOUNT_STATUS_NAMES`。"""

    @property
    def armed(self) -> bool:
        """还有没有故障在等着（没有时主机走快路）。"""
        return bool(self._faults)

    def add(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """加一条；写错了抛 UsageError。"""
        fault = parse_fault(spec)
        self._faults.append(fault)
        return fault.row()

    def clear(self) -> None:
        """全部作废。"""
        self._faults.clear()
        self.status = 0

    def account_status(self, account_id: str) -> int:
        """这个账号此刻的状态；全部账号一样，断的是柜台。"""
        return self.status

    def active(self) -> list[dict[str, Any]]:
        """还没用完的，剩余次数也在里面。"""
        rows = [fault.row() for fault in self._faults]
        return rows + [{"kind": "account_status", "status": self.status}] * bool(self.status)

    def refuses_connect(self) -> bool:
        """这次连接要不要拒绝（用掉一次）。"""
        for fault in self._faults:
            if fault.kind == "refuse_connect":
                self._use(fault)
                return True
        return False

    def rule(self, verb: str) -> Ruling:
        """这个请求怎么处理；命中的故障各用掉一次。"""
        ruling = CALM
        for fault in list(self._faults):
            if fault.kind == "disconnect_after":
                fault.calls -= 1
                if fault.calls <= 0:
                    self._faults.remove(fault)
                    ruling = ruling._replace(hang_up=True)
            elif fault.kind in _REQUEST_KINDS and fault.matches(verb):
                self._use(fault)
                ruling = _with(ruling, fault)
        return ruling

    def copies(self, kind: str) -> int:
        """这条推送送几遍。"""
        return 2 if self._takes("duplicate_push", kind) else 1

    def reorders(self, kind: str) -> bool:
        """这条推送要不要扣住，等下一条先走（用掉一次）。"""
        return self._takes("reorder_push", kind)

    def disk_is_full(self) -> bool:
        """这次落盘是不是写不下（用掉一次）。"""
        for fault in self._faults:
            if fault.kind == "disk_full":
                if fault.times:
                    self._use(fault)
                return True
        return False

    def _takes(self, kind: str, push: str) -> bool:
        for fault in self._faults:
            if fault.kind == kind and fault.push in ("any", push):
                self._use(fault)
                return True
        return False

    def _use(self, fault: Fault) -> None:
        fault.times -= 1
        if fault.times <= 0:
            self._faults.remove(fault)


_REQUEST_KINDS: Final = frozenset({"drop_answer", "delay_answer", "disconnect_on", "crash_on"})


def _with(ruling: Ruling, fault: Fault) -> Ruling:
    if fault.kind == "drop_answer":
        return ruling._replace(drop=True)
    if fault.kind == "delay_answer":
        return ruling._replace(delay_s=max(ruling.delay_s, fault.seconds))
    struck = "crash" if fault.kind == "crash_on" else "disconnect"
    # 两种都中了，猝死更重
    if fault.when == "before":
        return ruling._replace(before="crash" if ruling.before == "crash" else struck)
    return ruling._replace(after="crash" if ruling.after == "crash" else struck)


def parse_fault(spec: Mapping[str, Any]) -> Fault:
    """字典 → Fault；任何一处不对都抛 UsageError，说出正确的写法。"""
    kind = spec.get("kind")
    if not isinstance(kind, str) or kind not in _FIELDS:
        raise UsageError("kind", kind, f"可用的故障：{'、'.join(_FIELDS)}")
    allowed = _FIELDS[kind]
    for name in spec:
        if name != "kind" and name not in allowed:
            raise UsageError(name, spec[name], f"{kind} 的参数是：{'、'.join(allowed)}")
    checks = {**_CHECKS, **_OWN_CHECKS.get(kind, {})}
    given = {name: checks[name](name, spec[name]) for name in allowed if name in spec}
    if "seconds" in allowed and "seconds" not in given:
        raise UsageError("seconds", None, _EXAMPLES[kind])
    if kind == "disk_full":
        given.setdefault("times", 0)
    return Fault(kind, **given)


def _one_of(choices: tuple[str, ...]) -> Any:
    def check(name: str, value: object) -> str:
        if not isinstance(value, str) or value not in choices:
            raise UsageError(name, value, f"可选：{'、'.join(choices)}")
        return value

    return check


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise UsageError(name, value, "应为不小于 1 的整数")
    return value


def _count_or_zero(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise UsageError(name, value, "应为不小于 0 的整数，0 为一直到取消")
    return value


def _seconds(name: str, value: object) -> float:
    if not _is_finite(value) or not 0 < value <= _MAX_DELAY_S:
        raise UsageError(name, value, f"应为大于 0、不超过 {_MAX_DELAY_S:g} 的秒数")
    return float(value)


def _jump(name: str, value: object) -> float:
    if not _is_finite(value) or not 0 < abs(value) <= _MAX_JUMP_S:
        raise UsageError(name, value, "应为不等于 0、前后不超过 366 天的秒数；负数是往回")
    return float(value)


def _is_finite(value: object) -> TypeGuard[float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def _status(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value not in ACCOUNT_STATUS_NAMES:
        told = "、".join(f"{code} {label}" for code, label in ACCOUNT_STATUS_NAMES.items())
        raise UsageError(name, value, f"可选：{told}")
    return value


_CHECKS: Final[dict[str, Any]] = {
    "status": _status,
    "verb": _one_of(TARGETS),
    "when": _one_of(WHENS),
    "push": _one_of(PUSHES),
    "times": _count,
    "calls": _count,
    "seconds": _seconds,
}
_OWN_CHECKS: Final[dict[str, dict[str, Any]]] = {
    "disk_full": {"times": _count_or_zero},
    "clock_jump": {"seconds": _jump},
}
