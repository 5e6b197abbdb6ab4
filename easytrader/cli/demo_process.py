"""演示用的模拟 MiniQMT 进程：起、等就绪、杀、收。"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

import easytrader
from easytrader.errors import SimulatorError

if TYPE_CHECKING:
    from types import TracebackType

    from typing_extensions import Self

_START_S: Final = 15.0
_STOP_S: Final = 5.0


class MiniqmtProcess:
    """``easytrader sim serve`` 的一个子进程；离开 ``with`` 时一定不在了。"""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.kill()

    @property
    def pid(self) -> int:
        """进程号；没有在运行时为 0。"""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """启动并等到可以连。

        Raises:
            SimulatorError: 起不来，或期限内没有就绪。
        """
        from easytrader.sim.host.lease import service_of

        command = [sys.executable, "-m", "easytrader", "sim", "serve", str(self._path)]
        self._process = subprocess.Popen(  # noqa: S603  只运行自己
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=_environment()
        )
        deadline = time.monotonic() + _START_S
        pause = threading.Event()
        while (info := service_of(self._path)) is None or info.pid != self.pid:
            code = self._process.poll()
            if code is not None:
                raise SimulatorError(f"模拟 MiniQMT 没有起来，退出码 {code}")
            if time.monotonic() > deadline:
                raise SimulatorError(f"模拟 MiniQMT {_START_S:g} 秒内没有就绪")
            pause.wait(0.05)

    def kill(self) -> None:
        """杀掉（不给它收尾的机会），等它真的不在了；可重复调用。"""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait(_STOP_S)


def _environment() -> dict[str, str]:
    """子进程要能导入同一份 easytrader，不论它装没装。"""
    home = str(Path(easytrader.__file__).resolve().parent.parent)
    paths = [home, os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}
