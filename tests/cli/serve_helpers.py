"""一个在跑的 ``easytrader serve`` 进程，它说的每一行，向它问一句。"""

from __future__ import annotations

import http.client
import json
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from cli_helpers import ACCOUNT, DEADLINE_S, command, environment
from support import eventually, sigint_restored

from easytrader.server.tokens import Tokens, default_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Served:
    """一个在跑的 ``easytrader serve``。"""

    def __init__(self, *arguments: object, **changes: str) -> None:
        with sigint_restored():
            self.process = subprocess.Popen(
                command("serve", *arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding=changes.get("PYTHONIOENCODING", "utf-8"),
                errors="replace",
                env=environment(**changes),
            )
        self.out: list[str] = []
        self.err: list[str] = []
        self._readers = [
            threading.Thread(target=self._read, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for each in self._readers:
            each.start()
        self.port = 0

    def _read(self, stream: Any, lines: list[str]) -> None:
        with stream:
            for line in stream:
                lines.append(line)  # noqa: PERF402  一行一行地看得见

    def ready(self) -> Served:
        eventually(lambda: any("停：" in line for line in self.out) or not self.alive, 60)
        assert self.alive, "".join(self.err)
        self.port = int(self.out[0].split()[0].rpartition(":")[2])
        return self

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def ended(self) -> int:
        code = self.process.wait(DEADLINE_S)
        for each in self._readers:
            each.join(DEADLINE_S)
        return code


@contextmanager
def serving(*arguments: object, **changes: str) -> Iterator[Served]:
    served = Served(*arguments, **changes)
    try:
        yield served
    finally:
        served.process.kill()
        served.ended()


def sim(folder: Path, *more: object) -> tuple[object, ...]:
    return ("--broker", "sim", "--path", folder, "--account", ACCOUNT, "--port", 0, *more)


def get(port: int, path: str, token: str = "") -> tuple[int, Any]:
    return _ask(port, "GET", path, token)


def post(port: int, path: str, token: str, body: object) -> tuple[int, Any]:
    return _ask(port, "POST", path, token, body)


def _ask(port: int, method: str, path: str, token: str, body: object = None) -> tuple[int, Any]:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    try:
        line.request(method, path, data, headers)
        answer = line.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        line.close()


def a_token(*accounts: str) -> str:
    return Tokens(default_file()).add("测试", ["trade"], accounts=accounts)
