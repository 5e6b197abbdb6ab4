"""一个真的 ``easytrader serve`` 进程：可以杀、可以冻、可以好好地停、可以在同一个端口再起。"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psutil
from raw_ws import RawWs, http
from support import ACCOUNT, ROOT

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["ServeProcess", "free_port"]

_START_S = 60.0
_STOP_S = 30.0
_ACCOUNT = """
[[account]]
name = "{}"
broker = "sim"
connect = {{ miniqmt_path = '{}', stock_account = "{}" }}
"""


def free_port() -> int:
    """现在没有人用的端口。"""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class ServeProcess:
    """``folder`` 是模拟 MiniQMT 的；``home`` 是服务器的 EASYTRADER_HOME。

    ``others``：另外几个账号，名字 → (文件夹, 资金账号)；有它就写一个设置文件。
    """

    def __init__(
        self,
        folder: Path,
        home: Path,
        *,
        account: str = ACCOUNT,
        broker: str = "sim",
        options: tuple[str, ...] = (),
        profile: str = "instant",
        others: dict[str, tuple[Path, str]] | None = None,
    ) -> None:
        self.folder, self.home, self.account = folder, home, account
        self.port = free_port()
        self.starts = 0
        self.fingerprint = ""
        self._options = options
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        home.mkdir(parents=True, exist_ok=True)
        places = {"EASYTRADER_HOME": str(home), "EASYTRADER_LOCKS": str(home / "locks")}
        kept = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
        self.env = {**kept, **places, "EASYTRADER_SIM_PROFILE": profile}
        self.log = home / "serve.out"
        self._served = ["--broker", broker, "--path", str(folder), "--account", account]
        if others:
            accounts = {account: (folder, account), **others}
            text = "".join(_ACCOUNT.format(name, *each) for name, each in accounts.items())
            (home / "serve.toml").write_text(text, encoding="utf-8")
            self._served = ["--config", str(home / "serve.toml")]

    def secure(self) -> None:
        """做一张证书，之后都走 TLS；指纹在 `fingerprint`。"""
        found = re.search(r"sha256:[0-9a-f:]+", self.run("serve", "init"))
        assert found is not None
        self.fingerprint = found.group()
        pem = str(self.home / "server" / "tls" / "current.pem")
        self._options = (*self._options, "--cert", pem, "--key", pem)

    # ---- 令牌

    def token(self, name: str, scope: str = "trade", *options: str) -> str:
        """``easytrader token add``：最后一行就是令牌。"""
        given = ["token", "add", name, "--scope", scope, "--accounts", self.account, *options]
        return self.run(*given).strip().splitlines()[-1]

    def run(self, *arguments: str) -> str:
        """跑一条命令，返回它说的。"""
        done = subprocess.run(
            [sys.executable, "-m", "easytrader", *arguments],
            env=self.env, cwd=ROOT, capture_output=True, timeout=_START_S, check=False,
        )  # fmt: skip
        if done.returncode != 0:
            raise AssertionError(
                f"{arguments[:2]} 退出码 {done.returncode}：{done.stderr.decode()}"
            )
        return done.stdout.decode("utf-8")

    # ---- 起停

    def start(self, *, ready: bool = True) -> None:
        """起一个；``ready``：等 /healthz 说 200。"""
        command = [
            *(sys.executable, "-m", "easytrader", "serve", *self._served),
            *("--port", str(self.port), *self._options),
        ]
        with self._lock, self.log.open("ab") as out:
            self._process = subprocess.Popen(
                command, env=self.env, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )
            self.starts += 1
        if ready:
            self.wait_ready()

    def wait_ready(self, within_s: float = _START_S) -> None:
        deadline = time.monotonic() + within_s
        pause = threading.Event()
        while not self.healthy():
            assert self.running, f"服务器退出了：{self.said()}"
            assert time.monotonic() < deadline, f"{within_s:g} 秒没有起来：{self.said()}"
            pause.wait(0.05)

    def healthy(self) -> bool:
        """/healthz 是不是 200。"""
        try:
            secure = bool(self.fingerprint)
            return http(self.port, "GET", "/healthz", timeout=2, secure=secure)[0] == 200
        except (OSError, ValueError):
            return False

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def process(self) -> psutil.Process:
        return psutil.Process(self.pid)

    def kill(self) -> None:
        """SIGKILL（Windows 上是 TerminateProcess）。"""
        with self._lock:
            if self._process is not None:
                with suppress(psutil.Error):
                    psutil.Process(self._process.pid).resume()
                self._process.kill()
                self._process.wait(_STOP_S)

    def stop(self) -> int:
        """好好地停；返回退出码。"""
        with self._lock:
            assert self._process is not None
            self._process.terminate()
            return self._process.wait(_STOP_S)

    def ensure(self) -> None:
        """醒着、活着、说 200。"""
        if self.running:
            with suppress(psutil.Error):
                self.process.resume()
        else:
            self.start(ready=False)
        self.wait_ready()

    def suspend(self, seconds: float) -> None:
        """冻一会儿。"""
        with suppress(psutil.Error, AssertionError):
            process = self.process
            process.suspend()
            threading.Event().wait(seconds)
            process.resume()

    # ---- 看

    def said(self) -> str:
        """它印的与记的，最后一段。"""
        return self.log.read_text(encoding="utf-8", errors="replace")[-3000:]

    @property
    def rss(self) -> int:
        return int(self.process.memory_info().rss)

    @property
    def descriptors(self) -> int:
        process = self.process
        return int(process.num_handles() if sys.platform == "win32" else process.num_fds())

    def ws(self, token: str | None, **options: Any) -> RawWs:
        secure = bool(self.fingerprint)
        return RawWs(self.port, self.account, token, secure=secure, **options)

    def url(self, verb: str) -> str:
        return f"/v1/accounts/{self.account}/{verb}"
