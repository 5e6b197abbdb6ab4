"""故障：下一次什么动作出什么岔子（`FaultPlan`，纯状态，只由主机线程使用），和按下它的开关（`Faults`）。

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
    terminal        do, …                  完整版客户端的（见 `TERMINAL_FAULTS`）

``when``：``before`` 柜台还没看到请求；``after`` 柜台已经受理并落盘，还没有应答。
``hang``、``clock_jump``、``account_status`` 加入的时候就发生了，不留在计划里，由主机自己办；
``terminal`` 由主机转给连着的客户端，也不留。
"""

from __future__ import annotations

import math
import os
import socket
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.codes import ACCOUNT_STATUS_NAMES
from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.gateway.verbs import VERBS
from easytrader.sim.gateway.wire import PROTOCOL_VERSION
from easytrader.sim.host.framing import FrameSocket
from easytrader.sim.host.lease import service_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import TypeGuard


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
        return self._takes("refuse_connect")

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
        return self._takes("disk_full")

    def _takes(self, kind: str, push: str = "any") -> bool:
        for fault in self._faults:
            if fault.kind == kind and fault.push in ("any", push):
                self._use(fault)
                return True
        return False

    def _use(self, fault: Fault) -> None:
        if fault.kind == "disk_full" and not fault.times:
            return  # 一直到取消
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


def _at_least(least: int, told: str = "") -> Any:
    def check(name: str, value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise UsageError(name, value, f"应为不小于 {least} 的整数{told}")
        return value

    return check


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
    "times": _at_least(1),
    "calls": _at_least(1),
    "seconds": _seconds,
}
_OWN_CHECKS: Final[dict[str, dict[str, Any]]] = {
    "disk_full": {"times": _at_least(0, "，0 为一直到取消")},
    "clock_jump": {"seconds": _jump},
}


def _up(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UsageError(name, value, "应为 True（恢复）或 False（断开）")
    return value


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise UsageError(name, value, "应为脾气的名字，见 easytrader sim serve --help 的 --manners")
    return value


def _fields(name: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or not value or not all(isinstance(key, str) for key in value):
        raise UsageError(name, value, '应为要改的各项，例如 {"passorder_s": 0.2}')
    return dict(value)


TERMINAL_FAULTS: Final[dict[str, dict[str, Any]]] = {
    "profile": {"name": _text},
    "set": {"fields": _fields},
    "hang": {"seconds": _seconds},
    "kill": {},
    "rerun": {},
    "relogin": {},
    "quotes": {"up": _up},
    "counter": {"up": _up},
}
"""``do`` → 还要给什么。

``profile`` 换一份脾气，``set`` 只改几项，``hang`` 主线程停住（套接字都还在），``kill`` 猝死，
``rerun`` 在同一个进程里重跑策略，``relogin`` 清早重新登录，``quotes`` ``counter`` 行情、柜台断开
或恢复。
"""


def parse_terminal_fault(spec: Mapping[str, Any]) -> dict[str, Any]:
    """``{"kind": "terminal", "do", …}`` → 送给客户端的那一行；写错了抛 UsageError。"""
    do = spec.get("do")
    if not isinstance(do, str) or do not in TERMINAL_FAULTS:
        raise UsageError("do", do, f"可选：{'、'.join(TERMINAL_FAULTS)}")
    checks = TERMINAL_FAULTS[do]
    for name in spec:
        if name not in ("kind", "do", *checks):
            told = "、".join(checks) or "没有参数"
            raise UsageError(name, spec[name], f"terminal {do} 的参数：{told}")
    return {"do": do, **{name: check(name, spec.get(name)) for name, check in checks.items()}}


_CONTROL_WAIT_S: Final = 10.0


class Faults:
    """一个正被服务的文件夹的故障开关；每次调用各自连一次服务，本身没有要关的东西。

    Args:
        path: 模拟 MiniQMT 的文件夹（`easytrader sim serve` 着，或嵌在某个进程里）。
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Faults({str(self.path)!r})"

    def drop_answer(self, verb: str = "submit", times: int = 1) -> None:
        """接下来 ``times`` 个这种请求照办而不回答。"""
        self.add({"kind": "drop_answer", "verb": verb, "times": times})

    def delay_answer(self, verb: str, seconds: float, times: int = 1) -> None:
        """接下来 ``times`` 个这种请求晚 ``seconds`` 秒才回答；别的会话不受影响。"""
        self.add({"kind": "delay_answer", "verb": verb, "seconds": seconds, "times": times})

    def refuse_connect(self, times: int = 1) -> None:
        """接下来 ``times`` 次连接都拒绝。"""
        self.add({"kind": "refuse_connect", "times": times})

    def disconnect(self) -> None:
        """现在就断开所有会话。"""
        self.add({"kind": "disconnect"})

    def disconnect_after(self, calls: int) -> None:
        """从现在起第 ``calls`` 个请求答完之后，断开发出它的会话。"""
        self.add({"kind": "disconnect_after", "calls": calls})

    def disconnect_on(self, verb: str = "submit", when: str = "before", times: int = 1) -> None:
        """处理这种请求时断开发出它的会话：``before`` 柜台没看到，``after`` 已受理而没应答。"""
        self.add({"kind": "disconnect_on", "verb": verb, "when": when, "times": times})

    def duplicate_push(self, kind: str = "any", times: int = 1) -> None:
        """接下来 ``times`` 条这种推送各送两遍。"""
        self.add({"kind": "duplicate_push", "push": kind, "times": times})

    def reorder_push(self, kind: str = "any", times: int = 1) -> None:
        """接下来 ``times`` 条这种推送，各与同一会话里紧跟着的那一条对调；没有下一条时稍晚照送。"""
        self.add({"kind": "reorder_push", "push": kind, "times": times})

    def disk_full(self, times: int = 0) -> None:
        """接下来 ``times`` 次落盘写不下；0 为一直到 `clear`。已经写下的不受影响，照样查得到。"""
        self.add({"kind": "disk_full", "times": times})

    def hang(self, seconds: float) -> None:
        """服务停住 ``seconds`` 秒：连接都还在，什么也不受理、不回答；`clear` 让它立刻醒来。

        停住的是主机线程；柜台嵌在本进程里时，脚本自己的线程照常。
        """
        self.add({"kind": "hang", "seconds": seconds})

    def clock_jump(self, seconds: float) -> None:
        """柜台的时钟从现在起快 ``seconds`` 秒（负数为慢），可以叠加；`clear` 拨回来。

        往前跳过零点就换日。柜台的时间从不倒流：往回跳之后停在见过的最晚时刻，直到时钟追上。
        拨快不落盘：进程重启之后又是真实时间，账本若已在一天多以后，就不肯开工。
        """
        self.add({"kind": "clock_jump", "seconds": seconds})

    def account_status(self, status: int) -> None:
        """账号状态变成 ``status``（见 `codes.ACCOUNT_STATUS_NAMES`）：推给会话，查询也是这样。

        不正常时下单当场退回（-1）；撤单、查询照常。0 或 `clear` 恢复正常，也推送。
        """
        self.add({"kind": "account_status", "status": status})

    def crash(self) -> None:
        """占着文件夹的进程立刻猝死（退出码 137，什么都不收拾）；嵌在本进程里的话就是本进程。"""
        self.add({"kind": "crash"})

    def crash_on(self, verb: str = "submit", when: str = "before") -> None:
        """处理这种请求时进程猝死：``before`` 柜台没看到，``after`` 已受理落盘而没应答。"""
        self.add({"kind": "crash_on", "verb": verb, "when": when})

    def terminal(self, do: str, **details: Any) -> None:
        """连着的完整版客户端出故障，立刻发生，`clear` 管不着；有哪些见 `TERMINAL_FAULTS`。

        例如 ``terminal("hang", seconds=3)``、``terminal("set", fields={"passorder_s": 0.2})``。

        Raises:
            UsageError: 不认识，或参数不对。
            SimulatorError: 没有客户端连着。
        """
        self.add({"kind": "terminal", "do": do, **details})

    def clear(self) -> None:
        """取消所有还没用完的故障；停住的醒来，拨过的时钟回到真实时间。"""
        control(self.path, "clear")

    def active(self) -> list[dict[str, Any]]:
        """还没用完的故障，每条一个字典，次数是剩下的。"""
        rows: list[dict[str, Any]] = control(self.path, "faults")
        return rows

    def add(self, spec: dict[str, Any]) -> None:
        """按字典加一条（见模块说明）；写错了抛 UsageError，什么都不发。"""
        if spec.get("kind") == "terminal":
            parse_terminal_fault(spec)
        elif spec.get("kind") not in ("crash", "disconnect"):
            parse_fault(spec)
        elif len(spec) > 1:
            raise UsageError("kind", spec["kind"], "这种故障没有参数")
        control(self.path, "fault", spec)


def control(path: str | os.PathLike[str], command: str, spec: Any = None) -> Any:
    """给占着文件夹的进程发一条控制命令，取回结果。

    Raises:
        SimulatorError: 没有人服务这个文件夹，或它在期限内没有回应、回答了错误。
    """
    with _connected(path) as frames:
        frames.send([command] if spec is None else [command, spec])
        try:
            outcome, data = frames.receive()
        except (EOFError, ConnectionResetError):
            if spec == {"kind": "crash"}:
                return None  # 猝死就是它的回答
            raise
    if outcome != "ok":
        raise SimulatorError(str(data))
    return data


@contextmanager
def _connected(path: str | os.PathLike[str]) -> Iterator[FrameSocket]:
    info = service_of(path)
    if info is None:
        raise SimulatorError(
            f'{path} 现在没有人服务；先启动：easytrader sim serve "{path}"（或在脚本里连接它）'
        )
    try:
        sock = socket.create_connection(("127.0.0.1", info.port), timeout=_CONTROL_WAIT_S)
    except OSError as error:
        raise SimulatorError(f"连不上 {info.describe()}：{error}") from error
    frames = FrameSocket(sock)
    try:
        frames.settimeout(_CONTROL_WAIT_S)
        frames.send(["hello", PROTOCOL_VERSION, info.token, "control", 0, os.getpid()])
        greeting, detail = frames.receive()
        if greeting != "welcome":
            raise SimulatorError(f"{info.describe()} 拒绝了控制连接：{detail}")
        yield frames
    except (OSError, EOFError, ValueError) as error:
        raise SimulatorError(f"{info.describe()} 没有回应控制命令：{error}") from error
    finally:
        frames.close()
