"""另一个进程里跑的脚本与服务器。"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from support import ROOT


def run(code: str, **changed: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        capture_output=True, text=True, encoding="utf-8", timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT), **changed},
    )  # fmt: skip


class Running:
    """一个在跑的服务器；``code`` 里的端口写 0。"""

    def __init__(self, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-X", "utf8", "-c", code],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8",
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert self.process.stdout is not None
        lines = [self.process.stdout.readline().rstrip() for _ in range(3)]
        self.ready, self.account, self.told = lines
        self.url = self.ready.removeprefix("就绪：")
        self.port = int(self.url.rpartition(":")[2])

    @property
    def token(self) -> str:
        """屏幕上写出的令牌。"""
        return self.told.rpartition("：")[2]

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(40)
        assert self.process.stdout is not None
        self.process.stdout.close()
