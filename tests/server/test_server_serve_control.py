"""占着端口与账号、叫停、systemd、日志里没有口令。"""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from loguru import logger
from support import eventually

from easytrader.basics import paths
from easytrader.basics.claims import Claim, TakenError, holder
from easytrader.basics.paths import AccountKey
from easytrader.basics.scrub import scrubbed
from easytrader.errors import EasytraderError, UsageError
from easytrader.jobs import logfile
from easytrader.server import control, systemd
from easytrader.server.claims import claim_account
from easytrader.server.control import Control

if TYPE_CHECKING:
    from collections.abc import Iterator

HOLD = """
import sys
from pathlib import Path
from easytrader.basics.claims import Claim
claim = Claim(Path(sys.argv[1]), {"pid": 1234567})
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def stopped() -> list[str]:
    return []


@pytest.fixture
def served(stopped: list[str]) -> Iterator[Control]:
    door = Control(7001, stopped.append)
    door.open()
    yield door
    door.close()


def test_stop_is_heard_and_waits_until_the_port_is_free(
    served: Control, stopped: list[str]
) -> None:
    [which] = control.running()
    assert (which.port, which.pid) == (7001, os.getpid())
    asking = threading.Thread(target=control.stop, args=(which, 30.0))
    asking.start()
    eventually(lambda: stopped)
    asking.join(0.5)
    assert asking.is_alive()  # 叫了停，还没有停完
    served.close()
    asking.join(30)
    assert not asking.is_alive()
    assert control.running() == []
    assert str(os.getpid()) in stopped[0]


def test_a_wrong_secret_stops_nothing(served: Control, stopped: list[str]) -> None:
    [which] = control.running(7001)
    for wrong in ("", "0" * 64, which.secret[:-1]):
        with pytest.raises(EasytraderError, match="没有回应"):
            control.stop(which._replace(secret=wrong), 5.0)
    assert stopped == []


@pytest.mark.parametrize("noise", [b"", b"\n", b"x" * 512, b"[]\n", b'{"do": "stop"}\n', b"\xff\n"])
def test_noise_at_the_door_changes_nothing(
    served: Control, stopped: list[str], noise: bytes
) -> None:
    [which] = control.running()
    with socket.create_connection(("127.0.0.1", which.control), 5) as line:
        line.sendall(noise)
        line.shutdown(socket.SHUT_WR)
        line.settimeout(10)
        assert line.recv(10) == b""
    assert stopped == []
    asking = threading.Thread(target=control.stop, args=(which, 30.0))
    asking.start()
    eventually(lambda: stopped)
    served.close()
    asking.join(30)


def test_a_silent_caller_does_not_keep_others_out(served: Control, stopped: list[str]) -> None:
    [which] = control.running()
    with socket.create_connection(("127.0.0.1", which.control), 5):
        asking = threading.Thread(target=control.stop, args=(which, 30.0))
        asking.start()
        eventually(lambda: stopped)
        served.close()
        asking.join(30)


def test_stopping_one_that_is_still_starting(stopped: list[str]) -> None:
    door = Control(7002, stopped.append)
    try:
        [which] = control.running(7002)
        with pytest.raises(EasytraderError, match="还在启动"):
            control.stop(which, 1.0)
    finally:
        door.close()


def test_several_need_a_port(served: Control, stopped: list[str]) -> None:
    other = Control(7002, stopped.append)
    try:
        with pytest.raises(UsageError, match="7001、7002"):
            control.only(control.running())
        assert control.only(control.running(7002)).port == 7002
    finally:
        other.close()


def test_same_port_twice_names_the_process(served: Control) -> None:
    with pytest.raises(EasytraderError, match=f"进程 {os.getpid()}"):
        Control(7001, print)


@pytest.mark.skipif(os.name == "nt", reason="Windows 上看文件夹的权限")
def test_the_secret_is_for_the_owner_only(served: Control) -> None:
    folder = paths.home() / "server" / "run"
    assert folder.stat().st_mode & 0o077 == 0
    for each in folder.iterdir():
        assert each.stat().st_mode & 0o077 == 0, each


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    lock = tmp_path / "一个.lock"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(lock)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        with pytest.raises(TakenError) as caught:
            Claim(lock, {})
        assert caught.value.note == {"pid": 1234567}
        assert holder(lock) == {"pid": 1234567}
    finally:
        process.kill()
        process.communicate()
    assert holder(lock) is None
    claim = Claim(lock, {"pid": 2})
    assert holder(lock) == {"pid": 2}
    claim.release()
    claim.release()
    assert holder(lock) is None


def test_an_account_is_claimed_across_homes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = AccountKey.of(tmp_path, "1000000365")
    first = claim_account(key)
    monkeypatch.setenv("EASYTRADER_HOME", str(tmp_path / "另一个"))
    with pytest.raises(TakenError, match=f"0365 .*进程 {os.getpid()}") as caught:
        claim_account(key)
    assert "1000000365" not in str(caught.value)
    other = claim_account(AccountKey.of(tmp_path, "2"))
    other.release()
    first.release()
    claim_account(key).release()


# systemd ------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="systemd 只在 Linux 上")
@pytest.mark.parametrize("abstract", [False, True])
def test_systemd_hears_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, abstract: bool) -> None:
    told = f"@easytrader-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(told.replace("@", "\0", 1) if abstract else told)
        ear.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", told)
        assert systemd.notify(systemd.READY)
        assert ear.recv(64) == b"READY=1"
    if not abstract:
        Path(told).unlink()
        assert not systemd.notify(systemd.ALIVE)


def test_without_systemd_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    assert not systemd.notify(systemd.READY)


@pytest.mark.parametrize(
    ("environment", "seconds"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "30000000"}, 15.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "abc"}, None),
    ],
)
def test_watchdog_period(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], seconds: float | None
) -> None:
    for name in ("WATCHDOG_USEC", "WATCHDOG_PID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NOTIFY_SOCKET", "/nowhere")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert systemd.watchdog_s() == seconds


# 日志 -----------------------------------------------------------------------


@pytest.fixture
def screen() -> Iterator[None]:
    """日志的处理器是全进程的：还给别的测试。"""
    yield
    logger.add(sys.__stderr__)


CANARY = "et_0123456789abcdef_Zz09-_abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"


@pytest.mark.parametrize(
    "text",
    [CANARY, f"Authorization: Bearer {CANARY}", f"token='{CANARY}'", f"/ws?token={CANARY}&a=1"],
)
def test_tokens_are_starred(text: str) -> None:
    assert "Zz09" not in scrubbed(text)


@pytest.mark.parametrize("text", ["Bearer abcdef", "X-Token: hunter2", "fund_pwd=hunter2"])
def test_other_secrets_are_starred(text: str) -> None:
    assert scrubbed(text).endswith("***")


def _fail(token: str) -> None:
    secret = token
    raise ValueError(f"坏了 {secret}")


@pytest.mark.usefixtures("screen")
def test_the_log_file_has_no_secret_and_takes_other_libraries_in(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "日志 文件夹" / "serve.log"
    with logfile.logging_to(file):
        logger.info("令牌 {} {{}}", CANARY)
        logging.getLogger("别的库").warning("请求 %s", CANARY)
        logging.getLogger("别的库").log(35, "别的级别")
        try:
            _fail(CANARY)
        except ValueError:
            logger.exception("出错")
    text = file.read_text(encoding="utf-8")
    assert "别的库: 请求 et_" in text
    assert "别的级别" in text
    assert "ValueError: 坏了 et_" in text
    assert "{}" in text
    for each in (text, capfd.readouterr().err):
        assert "Zz09" not in each
    if os.name != "nt":
        assert file.stat().st_mode & 0o077 == 0


@pytest.mark.usefixtures("screen")
def test_the_log_file_rotates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "ROTATE", "2 KB")
    monkeypatch.setattr(logfile, "KEEP", 3)
    file = tmp_path / "serve.log"
    with logfile.logging_to(file):
        for number in range(300):
            logger.info("第 {} 行", number)
    assert 2 <= len(list(tmp_path.iterdir())) <= 5
    assert "第 299 行" in file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("screen")
def test_a_log_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="写得了"), logfile.logging_to(tmp_path):
        pass


@pytest.mark.usefixtures("screen")
def test_without_any_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """pythonw：没有标准输出，也没有标准错误。"""
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "stdout", None)
    with logfile.logging_to(tmp_path / "serve.log"):
        logger.info("还在")
    assert "还在" in (tmp_path / "serve.log").read_text(encoding="utf-8")


def test_notes_are_json(served: Control) -> None:
    note = json.loads((paths.home() / "server" / "run" / "7001.json").read_text(encoding="utf-8"))
    assert (note["pid"], note["port"]) == (os.getpid(), 7001)
