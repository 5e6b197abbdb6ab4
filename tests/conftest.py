"""公用：隔离的用户目录、线程泄漏检查、模拟 MiniQMT 的文件夹与进程。"""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from loguru import logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

settings.register_profile(
    "ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("long", max_examples=10_000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

ACCOUNT = "1000000365"
ROOT = Path(__file__).resolve().parent.parent


def eventually(check: Callable[[], object], within_s: float = 10.0) -> None:
    """等一个条件成立；到期就失败。轮询之间让出线程，不靠运气。"""
    pause = threading.Event()
    deadline = time.monotonic() + within_s
    while not check():
        if time.monotonic() > deadline:
            raise AssertionError(f"{within_s:g} 秒内没有等到 {check}")
        pause.wait(0.01)


@pytest.fixture(autouse=True)
def _own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """默认的模拟账户不落在开发者自己的目录里。"""
    monkeypatch.setenv("EASYTRADER_HOME", str(tmp_path_factory.mktemp("home")))


def _our_threads() -> set[threading.Thread]:
    names = ("easytrader", "ThreadPoolExecutor")
    return {each for each in threading.enumerate() if each.name.startswith(names)}


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    """每个测试结束后不许留下本库或厂商执行器的线程。"""
    before = _our_threads()
    yield
    deadline = time.monotonic() + 5
    pause = threading.Event()
    while (left := _our_threads() - before) and time.monotonic() < deadline:
        pause.wait(0.02)
    assert not left, f"留下了线程：{[each.name for each in left]}"


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """收集日志：每条一个 ``LEVEL - 文字``。"""
    lines: list[str] = []
    handler = logger.add(lines.append, format="{level} - {message}", level="DEBUG")
    yield lines
    logger.remove(handler)


class SimProcess:
    """一个真实的模拟 MiniQMT 进程，可以杀、可以再起。"""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "easytrader", "sim", "serve", str(self.folder)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
            env={**os.environ, "PYTHONIOENCODING": "utf-8"},
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline(), "模拟 MiniQMT 没有起来"

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(10)
            assert self.process.stdout is not None
            self.process.stdout.close()
            self.process = None


@pytest.fixture
def sim_folder(tmp_path: Path) -> Path:
    """一个模拟 MiniQMT 文件夹：路径带空格和汉字，连接失败只等 0.3 秒。"""
    return make_folder(tmp_path / "国金 QMT交易端" / "userdata_mini")


def make_folder(path: Path, **options: object) -> Path:
    from easytrader.sim.folder import AccountConfig, create

    account = AccountConfig(
        ACCOUNT, positions=(("600000.SH", 1000, 10_000_000), ("000001.SZ", 500, 5_500_000))
    )
    settings_ = {"connect_wait_s": 0.3, **options}
    create(path, (account,), **settings_)
    return path


@pytest.fixture
def served(sim_folder: Path) -> Iterator[SimProcess]:
    """正在服务 `sim_folder` 的进程。"""
    process = SimProcess(sim_folder)
    process.start()
    yield process
    process.kill()
