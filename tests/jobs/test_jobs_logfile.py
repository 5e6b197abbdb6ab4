"""日志：与 `logging` 两个方向接上，一行只出来一次，口令不落进去。"""

from __future__ import annotations

import logging
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from loguru import logger
from support import ROOT

from easytrader.basics.beijing import beijing_now
from easytrader.basics.log import Log
from easytrader.errors import UsageError
from easytrader.jobs.logfile import bridge, logging_to, to_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def _screen() -> Iterator[None]:
    """日志的处理器是全进程的：还给别的测试。"""
    yield
    logger.remove()
    logger.add(sys.__stderr__)


def _say(text: str) -> None:
    """像本库的一个模块那样说。"""
    code = compile("log.warning(text)", "supervisor.py", "exec")
    exec(code, {"__name__": "easytrader.link.supervisor", "log": Log(True), "text": text})


def test_our_lines_reach_logging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG", logger="easytrader"), bridge():
        _say("断开了 token=hunter2")
        logger.warning("脚本自己说的")
    assert [(each.name, each.levelname) for each in caplog.records] == [
        ("easytrader.link.supervisor", "WARNING")
    ]
    assert caplog.messages == ["断开了 token=***"]
    _say("已经收起来")
    assert len(caplog.records) == 1


def test_a_script_that_writes_the_time_itself_is_not_stamped_twice(tmp_path: Path) -> None:
    file = tmp_path / "run.log"
    with logging_to(file, screen=False):
        to_file("没有时刻")
        now = f"{beijing_now():%Y-%m-%d %H:%M:%S}"
        to_file(f"{now}.780 | INFO | 脚本说的")
        to_file("2020-01-01 00:00:00 别的时刻")
    plain, own, other = file.read_text(encoding="utf-8").splitlines()
    assert plain.endswith("| INFO    | 没有时刻")
    assert own == f"{now}.780 | INFO | 脚本说的"
    assert other.endswith("| INFO    | 2020-01-01 00:00:00 别的时刻")


def test_levels_of_logging_count(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("ERROR", logger="easytrader"), bridge():
        _say("不够级别")
    assert not caplog.records


def test_an_exception_comes_along_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    def fail() -> None:
        secret = "hunter2"  # 变量的值不印
        raise ValueError(f"坏了 fund_pwd={secret}")

    code = compile("log.exception('出错')", "x.py", "exec")
    names = {"__name__": "easytrader.x", "log": Log()}
    with caplog.at_level("DEBUG"), bridge():
        try:
            fail()
        except ValueError:
            exec(code, names)
    assert caplog.records[0].exc_info is not None
    text = logging.Formatter("%(name)s %(message)s").format(caplog.records[0])
    assert "ValueError: 坏了 fund_pwd=***" in text
    assert "hunter2" not in text.replace('secret = "hunter2"', "")


def test_both_ways_without_going_round(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    with caplog.at_level("DEBUG"), bridge(back=True):
        number = logger.add(heard.append, format="{level} {message}")
        _say("我们的")
        logging.getLogger("别的库").warning("它的")
        logging.getLogger("别的库").info("不够级别")
        logger.remove(number)
    assert heard == ["WARNING 我们的\n", "WARNING 别的库: 它的\n"]
    assert [each.getMessage() for each in caplog.records] == ["我们的", "它的", "不够级别"]


@pytest.mark.parametrize("level", ["debug", "TRACE", 10, None])
def test_wrong_levels(level: object) -> None:
    with pytest.raises(UsageError):
        bridge(level)  # type: ignore[arg-type]


def test_closing_twice_and_after_the_user_took_them_down() -> None:
    made = bridge(back=True)
    logger.remove()
    made.close()
    made.close()


_SCRIPT = """
import logging
logging.basicConfig(format="%(levelname)s %(name)s %(message)s")
from easytrader.jobs.logfile import bridge
bridge()
import easytrader
user = easytrader.use("sim")
user.connect(timeout=5)
user.close()
logging.getLogger("easytrader").setLevel("INFO")
user = easytrader.use("sim")
user.connect(timeout=5)
user.close()
"""


def test_a_program_with_logging_sees_every_line_once() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _SCRIPT],
        capture_output=True, text=True, encoding="utf-8", timeout=60, check=True, cwd=ROOT,
    )  # fmt: skip
    lines = [line for line in done.stderr.splitlines() if "成功连接" in line]
    assert len(lines) == 1, done.stderr  # 第一次的 INFO 不够级别
    assert lines[0].startswith("INFO easytrader.miniqmt.trader ✓ 成功连接到 MiniQMT")


def test_the_file_of_a_job_without_the_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "日志" / "job.log"
    with logging_to(file, screen=False):
        _say("进文件")
    assert "进文件" in file.read_text(encoding="utf-8")
    assert capsys.readouterr().err == ""
