"""``easytrader serve --stop``：找到正在跑的服务器，叫它停下；Windows 上结束进程不带信号，只能这样。

跑着的服务器在 ``EASYTRADER_HOME/server/run`` 里占着自己的端口，便条上写着进程号、口令、
听停的端口（只在本机的回环地址上）。便条只有本人读得到：读得到的就是本人。
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import paths, waits
from easytrader.basics.claims import Claim, TakenError, holder
from easytrader.basics.private import private_folder
from easytrader.errors import EasytraderError, UsageError
from easytrader.server.config import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_LINE: Final = 512
"""要停的人说的一行，最多这么长。"""
_TALK_S: Final = 2.0
_LOOK_S: Final = 0.05
_STOP: Final = "stop"
_DONE: Final = b"ok\n"


class Running(NamedTuple):
    """一个正在跑的服务器。

    Attributes:
        port: 它的端口。
        pid: 进程号；不知道为 0。
        control: 听停的端口；还在启动为 0。
        secret: 口令。
    """

    port: int
    pid: int
    control: int
    secret: str


class Control:
    """占着端口，听人叫停。

    Args:
        port: 服务器的端口。
        stop: 有人叫停时调用，参数是谁。

    Raises:
        EasytraderError: 这个端口已经有服务器在用。
        OSError: 文件夹写不了。
    """

    def __init__(self, port: int, stop: Callable[[str], None]) -> None:
        self._stop = stop
        self._secret = secrets.token_hex(32)
        self._port = port
        self._since = time.time()
        folder = private_folder(_folder(), tighten=True)
        try:
            self._claim = Claim(folder / f"{port}.lock", self._note(0))
        except TakenError as exc:
            who = exc.note.get("pid", "不知道")
            raise EasytraderError(
                f"端口 {port} 上已经有一个 easytrader serve（进程 {who}）："
                f"先停掉它 easytrader serve --stop --port {port}，或换一个 --port"
            ) from None
        self._listener: socket.socket | None = None
        self._thread: threading.Thread | None = None

    def open(self) -> None:
        """开始听；从这时起 ``--stop`` 叫得到。"""
        listener = socket.create_server((LOOPBACK, 0))
        self._listener = listener
        self._thread = threading.Thread(
            target=self._listen, args=(listener,), name="easytrader-serve-control", daemon=True
        )
        self._thread.start()
        self._claim.write(self._note(listener.getsockname()[1]))

    def close(self) -> None:
        """不听了，端口让给别人；可重复调用。"""
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError), socket.create_connection(listener.getsockname(), _TALK_S):
                pass  # Windows 上关掉套接字叫不醒正等着的 accept：连一下
            listener.close()
        if self._thread is not None:
            waits.join(self._thread, 2 * _TALK_S)
        self._claim.release()

    def _note(self, control: int) -> dict[str, Any]:
        return {
            "pid": os.getpid(),
            "port": self._port,
            "control": control,
            "secret": self._secret,
            "since": self._since,
        }

    def _listen(self, listener: socket.socket) -> None:
        while self._listener is listener:
            try:
                line, _ = listener.accept()
            except OSError:
                return  # 关了
            with suppress(OSError), line:
                line.settimeout(_TALK_S)
                self._answer(line)

    def _answer(self, line: socket.socket) -> None:
        asked = _read_line(line)
        try:
            told: Any = json.loads(asked)
            secret, what, who = str(told["secret"]), told["do"], int(told["pid"])
        except (ValueError, KeyError, TypeError):
            return
        if hmac.compare_digest(secret.encode(), self._secret.encode()) and what == _STOP:
            self._stop(f"进程 {who} 的 serve --stop")
            line.sendall(_DONE)


def running(port: int | None = None) -> list[Running]:
    """本人正在跑的服务器；给了端口只看那一个。"""
    folder = _folder()
    found = []
    for lock in sorted(folder.glob("*.lock")) if port is None else [folder / f"{port}.lock"]:
        note = holder(lock)
        if note is not None and lock.stem.isdecimal():
            found.append(
                Running(
                    int(lock.stem),
                    int(note.get("pid", 0)),
                    int(note.get("control", 0)),
                    str(note.get("secret", "")),
                )
            )
    return found


def stop(which: Running, limit_s: float) -> None:
    """叫它停下，等到它放开端口。

    Raises:
        EasytraderError: 它没有回应，或到期还没有停完。
    """
    deadline = time.monotonic() + limit_s
    _ask(which, deadline)
    lock = _folder() / f"{which.port}.lock"

    def gone(seconds: float) -> bool:
        note = holder(lock)
        if note is None or note.get("secret", which.secret) != which.secret:
            return True  # 停了；或停了之后又有人起了一个
        threading.Event().wait(seconds)
        return False

    if not waits.sliced(gone, max(0.0, deadline - time.monotonic()), slice_s=_LOOK_S):
        raise EasytraderError(
            f"进程 {which.pid} 已经在停，{limit_s:g} 秒还没有停完：再等等，或结束那个进程"
        )


def only(found: list[Running]) -> Running:
    """唯一的那一个。

    Raises:
        UsageError: 不止一个。
    """
    if len(found) > 1:
        ports = "、".join(str(each.port) for each in found)
        raise UsageError("--port", None, f"正在跑的不止一个，要说停哪个端口：{ports}")
    return found[0]


def _ask(which: Running, deadline: float) -> None:
    mute = f"进程 {which.pid}（端口 {which.port}）没有回应：结束那个进程"
    if not which.control:
        raise EasytraderError(f"进程 {which.pid}（端口 {which.port}）还在启动，过几秒再停")
    asked = {"do": _STOP, "secret": which.secret, "pid": os.getpid()}
    limit_s = max(0.1, min(2 * _TALK_S, deadline - time.monotonic()))
    try:
        with socket.create_connection((LOOPBACK, which.control), limit_s) as line:
            line.settimeout(limit_s)
            line.sendall(json.dumps(asked).encode() + b"\n")
            answer = _read_line(line)
    except OSError as exc:
        raise EasytraderError(f"{mute}（{exc}）") from None
    if answer + b"\n" != _DONE:
        raise EasytraderError(mute)


def _read_line(line: socket.socket) -> bytes:
    """一行，最多 `_LINE` 个字节、`_TALK_S` 秒；没有读完的为空。"""
    deadline = time.monotonic() + _TALK_S
    found = b""
    while len(found) < _LINE and time.monotonic() < deadline:
        piece = line.recv(_LINE - len(found))
        if not piece:
            return b""
        found += piece
        if b"\n" in found:
            return found.partition(b"\n")[0]
    return b""


def _folder() -> Path:
    return paths.home() / "server" / "run"
