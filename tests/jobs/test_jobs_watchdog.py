"""任务的总期限：叫得停的像 Ctrl-C 那样停，叫不停的硬退，退出码都是 1。"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import pytest
from support import ROOT

from easytrader.errors import UsageError
from easytrader.jobs.watchdog import JobExpired, Watchdog


def ran(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-X", "utf8", "-c", script],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=False, cwd=ROOT,
    )  # fmt: skip


def test_in_time_nothing_happens() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Watchdog(600) as dog:
        assert signal.getsignal(signal.SIGINT) != before
    assert not dog.expired
    assert signal.getsignal(signal.SIGINT) is before
    with Watchdog(None):
        assert signal.getsignal(signal.SIGINT) is before


def test_an_expired_job_stops_like_ctrl_c() -> None:
    asked: list[int] = []
    with (
        pytest.raises(JobExpired, match="期限"),
        Watchdog(0.05, ask=lambda: asked.append(1)) as dog,
    ):
        threading.Event().wait(60)
    assert dog.expired
    assert asked == [1]


def test_a_job_that_watches_for_itself_is_not_interrupted() -> None:
    stop = threading.Event()
    with Watchdog(0.05, ask=stop.set, interrupt=False) as dog:
        assert stop.wait(30)
    assert dog.expired


def test_ctrl_c_is_still_ctrl_c() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt) as caught, Watchdog(600):
            signal.raise_signal(signal.SIGINT)
        assert not isinstance(caught.value, JobExpired)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        with Watchdog(600):
            signal.raise_signal(signal.SIGINT)  # 后台跑的忽略 Ctrl-C，照旧
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_it_only_asks() -> None:
    asked = threading.Event()
    finished = threading.Event()

    def work() -> None:
        with Watchdog(0.05, grace_s=0.05, ask=asked.set):
            asked.wait(30)
            threading.Event().wait(0.3)  # 过了宽限也不硬退
        finished.set()

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(30)
    assert finished.is_set()


_SWALLOWS = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.SIG_IGN)  # 后台起的
from easytrader.jobs.watchdog import Watchdog
with Watchdog(0.2, grace_s=0.3, last_words=lambda: print("交代", flush=True)):
    while True:
        try:
            time.sleep(60)
        except BaseException:
            print("不停", flush=True)
"""

_CLEAN = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
from easytrader.jobs.watchdog import JobExpired, Watchdog
try:
    with Watchdog(0.2, grace_s=30):
        try:
            time.sleep(60)
        except Exception:
            print("接住了")
except JobExpired:
    print("停了")
    raise SystemExit(1)
"""


def test_what_cannot_be_stopped_is_left() -> None:
    done = ran(_SWALLOWS)
    assert done.returncode == 1, done.stderr
    assert done.stdout.splitlines() == ["不停", "交代"]
    assert "还没有停下，退出" in done.stderr


def test_a_script_that_catches_exceptions_stops_as_well() -> None:
    done = ran(_CLEAN)
    assert (done.returncode, done.stdout) == (1, "停了\n"), done.stderr


@pytest.mark.parametrize("value", [0, -1, "x", True])
def test_wrong_seconds(value: object) -> None:
    with pytest.raises(UsageError):
        Watchdog(value)  # type: ignore[arg-type]
