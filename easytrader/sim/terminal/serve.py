"""前台服务一个完整版客户端：跑着一个策略，直到 Ctrl-C、它自己退出，或主机停了。

没有人服务这个文件夹，就自己开主机；已经有了（``easytrader sim serve``，或嵌在脚本里），就接上去：
同一个账户，MiniQMT 与完整版一起看着。
"""

from __future__ import annotations

import time
from pathlib import Path
from queue import Empty
from threading import Event
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import AccountType
from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.host.host import Host
from easytrader.sim.host.lease import holder_of, service_of
from easytrader.sim.host.serve import stop_signals
from easytrader.sim.terminal import python36
from easytrader.sim.terminal.client.manners import MANNERS
from easytrader.sim.terminal.launch import TerminalProcess, TerminalSettings

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager
    from queue import SimpleQueue

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.host.lease import ServiceInfo
    from easytrader.sim.terminal.python36 import Interpreter


MODES: Final = ("live", "sim", "editor")
_LOOK_S: Final = 0.2
_READY_S: Final = 30.0


class Served(NamedTuple):
    """装好了的样子，给人看的那一行用。"""

    process: TerminalProcess
    interpreter: Interpreter
    settings: TerminalSettings
    service: ServiceInfo
    joined: bool
    """主机是别人的，接上去的。"""


def settings_for(
    folder: SimFolder,
    strategy: str,
    *,
    account: str = "",
    manners: str = "open",
    mode: str = "live",
) -> TerminalSettings:
    """校验过的设置。

    Args:
        folder: 模拟文件夹。
        strategy: 策略文件。
        account: 策略绑定的资金账号；空是文件夹里的第一个。
        manners: 脾气的名字，见 `MANNERS`。
        mode: `MODES` 里的一个。

    Raises:
        UsageError: 哪一项不对，应当是什么。
    """
    path = Path(strategy)
    if not path.is_file():
        raise UsageError(
            "--strategy", strategy, "应为策略文件，例如 easytrader bigqmt agent 写的那个"
        )
    if manners not in MANNERS:
        raise UsageError("--manners", manners, f"可选：{'、'.join(MANNERS)}")
    if mode not in MODES:
        raise UsageError("--mode", mode, f"可选：{'、'.join(MODES)}")
    accounts = {each.account_id: each.account_type for each in folder.config.accounts}
    if not accounts:
        raise UsageError("PATH", str(folder.path), "里面还没有账号：easytrader sim init 加一个")
    bound = account or next(iter(accounts))
    if bound not in accounts:
        raise UsageError("--account", account, f"这个文件夹里的账号：{'、'.join(accounts)}")
    credit = accounts[bound] == AccountType.CREDIT
    return TerminalSettings(
        str(folder.path),
        str(path.resolve()),
        bound,
        "CREDIT" if credit else "STOCK",
        manners,
        mode,
    )


def serve_terminal(
    folder: SimFolder,
    settings: TerminalSettings,
    announce: Callable[[Served], None],
    *,
    python: str | None = None,
    signals: Callable[[], AbstractContextManager[SimpleQueue[int]]] = stop_signals,
) -> None:
    """服务到被叫停为止；策略装好时调用 ``announce``。

    Args:
        folder: 模拟文件夹。
        settings: 见 `settings_for`。
        announce: 装好了。
        python: 用哪个 Python；None 自己找 3.6。
        signals: 怎样听「停」。

    Raises:
        SimulatorError: 主机开不了、策略装不进去、客户端中途退出，或主机停了。
        UsageError: ``python`` 不能用。
    """
    interpreter = python36.find(python)
    with signals() as stop:
        host, service = _host(folder)
        process = None
        try:
            process = TerminalProcess(interpreter, service, settings)
            announce(Served(process, interpreter, settings, service, host is None))
            _watch(process, host, stop)
        finally:
            if process is not None:
                process.stop()
            if host is not None:
                host.close()


def _host(folder: SimFolder) -> tuple[Host | None, ServiceInfo]:
    """自己开的主机（接上别人的为 None），与它的服务信息。"""
    deadline = time.monotonic() + _READY_S
    while True:
        service = service_of(folder.path)
        if service is not None:
            return None, service
        try:
            host = Host(folder, kind="serve")
        except SimulatorError:
            # 别人正在开它的主机：等它开好，接上去
            if holder_of(folder.path) is None or time.monotonic() > deadline:
                raise
            Event().wait(_LOOK_S)
        else:
            return host, host.info


def _watch(process: TerminalProcess, host: Host | None, stop: SimpleQueue[int]) -> None:
    while True:
        try:
            stop.get(timeout=_LOOK_S)
        except Empty:
            pass
        else:
            return
        code = process.exit_code
        if code is not None:
            raise SimulatorError(_why(process, code))
        if host is not None and host.stopped.is_set():
            if host.crashed is not None:
                raise SimulatorError(f"模拟柜台出错停止：{host.crashed!r}") from host.crashed
            return


_ENDS: Final = {
    3: "与柜台断开了（服务这个文件夹的进程停了）",
    137: "被杀了",
    -9: "被杀了",
}


def _why(process: TerminalProcess, code: int) -> str:
    told = _ENDS.get(code, f"自己退出了，退出码 {code}")
    said = process.complaint()
    return f"完整版客户端{told}" + (f"：{said}" if said else "")
