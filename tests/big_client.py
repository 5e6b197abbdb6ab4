"""完整版客户端的电源：杀、停住、重跑、再起。一个在本进程的线程里，一个是真的 3.6 进程。"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING, Final

import psutil
from support import ACCOUNT, ROOT, eventually

from easytrader.sim.host.lease import service_of
from easytrader.sim.terminal.client.link import Killed, Link, LinkError
from easytrader.sim.terminal.client.terminal import Terminal
from easytrader.sim.terminal.client.trading import Desk

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.sim.terminal.client.manners import Manners

__all__ = ["Inside", "Served", "pause"]

_START_S: Final = 60.0


def pause(seconds: float) -> None:
    """等一会儿。"""
    if seconds > 0:
        threading.Event().wait(seconds)


class Inside:
    """在一个线程里的客户端；``agent``：中转的文件。哪个线程都可以用。"""

    def __init__(
        self,
        folder: Path,
        agent: Path,
        manners: Manners,
        *,
        mode: str = "live",
        account_type: str = "STOCK",
        bars: int = 5,
    ) -> None:
        self._folder, self._agent = folder, agent
        self._plain = manners
        self._mode, self._kind, self._bars = mode, account_type, bars
        self._lock = threading.RLock()
        self._terminal: Terminal | None = None
        self._thread: threading.Thread | None = None
        self._left = 0
        self._trap: tuple[str, str] = ("", "")
        self._calls: list[str] = []
        self.starts = 0
        self.called_at: dict[str, float] = {}
        """标记 → 叫 passorder 的时刻（``time.monotonic``）。"""

    # ---- 起停

    def start(self) -> None:
        """起一个，装上中转。"""
        with self._lock:
            info = service_of(self._folder)
            assert info is not None
            link = Link("127.0.0.1", info.port, info.token)
            terminal = Terminal(link, self._plain, Desk, folder=str(self._folder))
            terminal.set_probe(self._probe)
            self._terminal = terminal
            terminal.load(
                self._agent.read_bytes(),
                "agent",
                mode=self._mode,
                account=ACCOUNT,
                account_type=self._kind,
                replay_bars=self._bars,
            )
            self._thread = threading.Thread(
                target=_run, args=(terminal,), name="big-client", daemon=True
            )
            self._thread.start()
            self.starts += 1

    def kill(self) -> None:
        """什么都不说就没了。"""
        with self._lock:
            terminal, self._terminal = self._terminal, None
            thread, self._thread = self._thread, None
        if terminal is None:
            return
        terminal.kill()
        if thread is not None and thread is not threading.current_thread():
            thread.join(10)
            assert not thread.is_alive(), "客户端的线程杀不掉"
        with self._lock:
            self._calls += [tag for tag, _ in terminal.calls]

    def ensure(self) -> None:
        """醒着、活着、脾气平常。"""
        self._left = 0
        with self._lock:
            terminal, thread = self._terminal, self._thread
            if terminal is not None and thread is not None and thread.is_alive():
                terminal.manners = self._plain
                return
        self.kill()
        self.start()

    def revive(self) -> None:
        """起得来就起；柜台正好不在的，以后再说。"""
        with suppress(AssertionError, OSError, LinkError):
            self.ensure()

    # ---- 故障

    def trap(self, where: str, what: str, call: int, down_s: float = 0.0) -> None:
        """接下来第 ``call`` 次 passorder 的 ``where``（before inside after）：kill 或 rerun。"""
        with self._lock:
            self._trap, self._left, self._down_s = (where, what), call, down_s

    def hang(self, seconds: float) -> None:
        """主线程停住，套接字都还在。"""
        if (terminal := self._terminal) is not None:
            terminal.hang(seconds)

    def rerun(self) -> None:
        """同一个进程里重跑。"""
        if (terminal := self._terminal) is not None:
            _rerun(terminal)

    def behave(self, manners: Manners) -> None:
        """换一份脾气。"""
        if (terminal := self._terminal) is not None:
            terminal.manners = manners

    def calls(self) -> Counter[str]:
        """标记 → 策略叫过几次 passorder，历次的都算。"""
        with self._lock:
            told = list(self._calls)
            if self._terminal is not None:
                told += [tag for tag, _ in self._terminal.calls]
        return Counter(told)

    def _probe(self, where: str) -> None:
        """在客户端的主线程上。"""
        if where == "before" and (running := self._terminal) is not None:
            self.called_at[running.calls[-1][0]] = time.monotonic()
        if self._left <= 0 or self._trap[0] != where:
            return
        self._left -= 1
        terminal = self._terminal
        if self._left or terminal is None:
            return
        if self._trap[1] == "rerun":
            terminal.soon(lambda: _rerun(terminal))  # 手上的做完才轮到
            return
        threading.Thread(target=self._again, args=(self._down_s,), daemon=True).start()
        terminal.kill()

    def _again(self, down_s: float) -> None:
        self.kill()
        pause(down_s)
        self.revive()


def _rerun(terminal: Terminal) -> None:
    with suppress(Killed, LinkError):  # 重跑到一半被杀
        for each in list(terminal.strategies):
            terminal.rerun(each)


def _run(terminal: Terminal) -> None:
    with suppress(BaseException):  # 被杀的地方各式各样
        terminal.run()


_SENT: Final = re.compile(r"send order to tradeModule .*remark=(\S+)")


class Served:
    """``easytrader sim serve … --terminal big``：一个 3.6 的进程，与占着文件夹的主机。"""

    def __init__(self, folder: Path, agent: Path, python: str | None, *, manners: str) -> None:
        self.folder = folder
        self._command = [
            *(sys.executable, "-m", "easytrader", "sim", "serve", str(folder)),
            *("--terminal", "big", "--strategy", str(agent), "--manners", manners),
            *("--account", ACCOUNT),
        ]
        if python is not None:
            self._command += ["--python", python]
        self.called_at: dict[str, float] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.RLock()
        self._log = folder / "serve.out"
        self.starts = 0

    def start(self) -> None:
        """起来，装好中转才回来。"""
        with self._lock, self._log.open("ab") as out:
            at = self._log.stat().st_size
            self._process = subprocess.Popen(
                self._command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
            )  # fmt: skip
            self.starts += 1
        eventually(lambda: self.pid or self._process is None or self._dead(at), _START_S)

    def _dead(self, at: int) -> bool:
        process = self._process
        if process is not None and process.poll() is not None:
            raise AssertionError(f"sim serve 没有起来：{self._log.read_text('utf-8')[at:]}")
        return False

    @property
    def pid(self) -> int:
        """3.6 那个进程；没有是 0。"""
        process = self._process
        if process is None:
            return 0
        with suppress(psutil.Error):
            for child in psutil.Process(process.pid).children(recursive=True):
                return int(child.pid)
        return 0

    def kill(self) -> None:
        """全杀。"""
        with self._lock:
            process, self._process = self._process, None
            if process is not None:
                process.kill()
                process.wait(30)

    def kill_client(self) -> None:
        """只杀 3.6 那个；占着文件夹的跟着退，等它退完（不然看着还像活着）。"""
        process = self._process
        with suppress(psutil.Error):
            if pid := self.pid:
                psutil.Process(pid).kill()
        with suppress(subprocess.TimeoutExpired):
            if process is not None:
                process.wait(10)

    def suspend(self, seconds: float) -> None:
        """冻住 3.6 那个。"""
        with suppress(psutil.Error):
            if pid := self.pid:
                process = psutil.Process(pid)
                process.suspend()
                pause(seconds)
                process.resume()

    def ensure(self) -> None:
        """醒着、活着。"""
        with self._lock:
            process = self._process
            if process is None or process.poll() is not None or not self.pid:
                self.kill()
                self.start()
                return
        with suppress(psutil.Error):
            psutil.Process(self.pid).resume()

    def calls(self) -> Counter[str]:
        """标记 → 叫过几次，照客户端的日志。"""
        told: Counter[str] = Counter()
        for path in self.folder.glob("userdata/log/XtClient_Formula_*.log"):
            told.update(_SENT.findall(path.read_bytes().decode("gbk", "replace")))
        return told
