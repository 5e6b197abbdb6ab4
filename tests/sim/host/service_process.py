"""真实的进程边界：``python -m easytrader …`` 起的子进程，一律有期限、一律收干净。"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[3]
DEADLINE_S = 40.0


def environment(**changes: str) -> dict[str, str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8", **changes}
    env.pop("PYTHONWARNINGS", None)
    return env


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "easytrader", *map(str, arguments)]


class Service:
    """一个正在运行的 ``easytrader sim serve``。"""

    def __init__(self, path: Path) -> None:
        self.process = subprocess.Popen(
            command("sim", "serve", path),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            encoding="utf-8",
            env=environment(),
        )
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        assert self.process.stdout is not None
        assert self.process.stderr is not None
        self._stdout, self._stderr = self.process.stdout, self.process.stderr
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self.ready_line = self.line()

    def _read(self) -> None:
        for line in self._stdout:
            self._lines.put(line.rstrip("\n"))

    def line(self) -> str:
        return self._lines.get(timeout=DEADLINE_S)

    def wait(self) -> int:
        return self.process.wait(DEADLINE_S)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        self._stdout.close()
        self._stderr.close()

    def errors(self) -> str:
        return self._stderr.read()


@contextmanager
def served(path: Path) -> Iterator[Service]:
    service = Service(path)
    try:
        yield service
    finally:
        service.close()
