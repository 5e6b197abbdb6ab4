"""起一个内置 Python 的进程，看着它：我们走它就走，它走我们知道。

它是 `client` 那个文件夹，由 3.6 跑，不认识 easytrader。设置是标准输入的一行 JSON（口令不进
命令行），装好了它回一行 JSON；标准输入一断（我们没了，怎么没的都算），它自己退出，不留孤儿。
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import SimulatorError
from easytrader.sim.terminal.python36 import QUIET, complaints

if TYPE_CHECKING:
    from easytrader.sim.host.lease import ServiceInfo
    from easytrader.sim.terminal.python36 import Interpreter


CLIENT: Final = Path(__file__).with_name("client")
_START_S: Final = 60.0
_LEAVE_S: Final = 5.0
_KILL_S: Final = 5.0
_TAIL_BYTES: Final = 4000
_OWN_GROUP: Final = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


class TerminalSettings(NamedTuple):
    """一个客户端怎样起。

    Attributes:
        folder: 模拟文件夹；客户端的日志写在它下面的 ``userdata/log``。
        strategy: 策略文件。
        manners: 脾气的名字。
        mode: ``live`` 实盘，``sim`` 模拟，``editor`` 编辑器里运行。
        account: 策略绑定的资金账号。
        account_type: ``STOCK`` 或 ``CREDIT``。
        period: 主图周期。
        code: 主图代码。
    """

    folder: str
    strategy: str
    account: str
    account_type: str = "STOCK"
    manners: str = "open"
    mode: str = "live"
    period: str = "1m"
    code: str = "000300.SH"


class TerminalProcess:
    """一个客户端进程。

    Args:
        interpreter: 用哪个 Python。
        service: 连哪个主机。
        settings: 怎样起。

    Raises:
        SimulatorError: 起不来、策略装不进去（说出客户端的话），或期限内没有装好。
    """

    def __init__(
        self, interpreter: Interpreter, service: ServiceInfo, settings: TerminalSettings
    ) -> None:
        if not interpreter.real:
            _check(settings.strategy)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  进程活着就开着
        self._first: list[bytes] = []
        self._told = threading.Event()
        try:
            self._process = _start(interpreter, settings.folder, self._errors)
        except OSError as error:
            self._errors.close()
            raise SimulatorError(f"{interpreter.path} 起不来：{error}") from error
        self._reader = threading.Thread(
            target=self._listen, name="easytrader-terminal-out", daemon=True
        )
        self._reader.start()
        try:
            self._tell({**settings._asdict(), "host": "127.0.0.1", "port": service.port}, service)
            self.loaded = self._answer()
        except BaseException:
            self.stop()
            raise

    @property
    def pid(self) -> int:
        """进程号。"""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """退出码；还在跑为 None。"""
        return self._process.poll()

    def wait(self, timeout_s: float) -> bool:
        """等它退出；到期还在跑为假。"""
        try:
            self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self) -> None:
        """叫它退出（策略的 stop 会跑），限时不走就杀。可重复调用。"""
        stdin = self._process.stdin
        if stdin is not None:
            with suppress(OSError):
                stdin.close()
        if not self.wait(_LEAVE_S):
            with suppress(OSError):
                self._process.kill()
            self.wait(_KILL_S)
        self._reader.join(_KILL_S)
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()

    def complaint(self) -> str:
        """它在标准错误上最后说的话；没有为空。"""
        with suppress(OSError, ValueError):
            self._errors.seek(0, os.SEEK_END)
            self._errors.seek(max(0, self._errors.tell() - _TAIL_BYTES))
            return self._errors.read().decode(errors="replace").strip()
        return ""

    def _tell(self, settings: dict[str, Any], service: ServiceInfo) -> None:
        assert self._process.stdin is not None
        line = json.dumps({**settings, "token": service.token}) + "\n"
        # 它起来就死的话，下面等应答的会说
        with suppress(OSError):
            self._process.stdin.write(line.encode("ascii"))
            self._process.stdin.flush()

    def _listen(self) -> None:
        stdout = self._process.stdout
        assert stdout is not None
        with suppress(OSError, ValueError):
            self._first.append(stdout.readline())
            self._told.set()
            while stdout.read(4096):
                pass  # 不读它就会卡在写上
        self._told.set()

    def _answer(self) -> dict[str, Any]:
        if not self._told.wait(_START_S):
            raise SimulatorError(f"完整版客户端 {_START_S:g} 秒内没有装好策略")
        line = self._first[0] if self._first else b""
        try:
            told = json.loads(line)
            if told["loaded"]:
                return dict(told)
            why = str(told.get("why", ""))
        except (ValueError, KeyError, TypeError):
            self.wait(1.0)
            why = self.complaint() or f"它没有说原因，退出码 {self.exit_code}"
        raise SimulatorError(f"策略没有装进去：{why}")


def _start(interpreter: Interpreter, folder: str, errors: Any) -> subprocess.Popen[bytes]:
    # 自己成一组：Ctrl-C 只到我们这里，由我们好好地叫它走
    return subprocess.Popen(  # noqa: S603  `python36` 找到的解释器，参数都是我们的
        [interpreter.path, "-E", "-s", "-B", "-u", os.fspath(CLIENT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        cwd=folder,
        creationflags=QUIET | _OWN_GROUP,
        start_new_session=True,
    )


def _check(strategy: str) -> None:
    """没有 3.6 可用：替它查。"""
    try:
        found = complaints(Path(strategy).read_bytes(), Path(strategy).name)
    except OSError as error:
        raise SimulatorError(f"策略文件读不出来：{error}") from error
    if found:
        told = "；".join(found[:5])
        raise SimulatorError(f"策略没有装进去：客户端的 Python 是 3.6，这份文件它不认。{told}")
