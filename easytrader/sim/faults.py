"""按需出故障：给测试、用户和命令行用的一个小对象。

::

    faults = Faults(path)  # 正被服务（或嵌在某个进程里）的文件夹
    faults.drop_answer("submit")  # 下一笔委托没有应答
    faults.disconnect_on("submit", when="after")  # 柜台受理之后、应答之前断线
    faults.clear()
"""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.fault_plan import parse_fault
from easytrader.sim.service.framing import FrameSocket
from easytrader.sim.service.owner import service_of
from easytrader.sim.wire import PROTOCOL_VERSION

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Faults", "control"]

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

    def clear(self) -> None:
        """取消所有还没用完的故障；停住的醒来，拨过的时钟回到真实时间。"""
        control(self.path, "clear")

    def active(self) -> list[dict[str, Any]]:
        """还没用完的故障，每条一个字典，次数是剩下的。"""
        rows: list[dict[str, Any]] = control(self.path, "faults")
        return rows

    def add(self, spec: dict[str, Any]) -> None:
        """按字典加一条（见 `easytrader.sim.fault_plan`）；写错了抛 UsageError，什么都不发。"""
        if spec.get("kind") not in ("crash", "disconnect"):
            parse_fault(spec)
        elif len(spec) > 1:
            raise UsageError("kind", spec["kind"], "这种故障没有参数")
        control(self.path, "fault", spec)


def control(path: str | os.PathLike[str], command: str, spec: Any = None) -> Any:
    """给文件夹的主人发一条控制命令，取回结果。

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
