"""五种最常见的外来程序：只用厂商的接口，各在自己的进程里用 ``easytrader sim run`` 跑完。"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT, ROOT, SimProcess, make_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent


def command(name: str, *arguments: object, options: Sequence[object] = ()) -> list[str]:
    script = [*map(str, options), str(HERE / name), *map(str, arguments)]
    return [sys.executable, "-m", "easytrader", "sim", "run", *script]


def environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name != "EASYTRADER_SIM"}
    return {**kept, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT), **more}


def run(
    name: str, *arguments: object, options: Sequence[object] = (), **more: str
) -> tuple[dict[str, str], str]:
    """跑完：``{冒号前: 冒号后}``，与标准错误。"""
    done = subprocess.run(
        command(name, *arguments, options=options),
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=environment(**more),
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = dict(line.split(": ", 1) for line in done.stdout.splitlines())
    return said, done.stderr


@pytest.fixture(autouse=True)
def _vendor() -> None:
    pytest.importorskip("xtquant")
    pytest.importorskip("pandas")


def test_a_gateway_collecting_sectors(sim_folder: Path) -> None:
    said, _ = run("gateway.py", sim_folder, ACCOUNT, options=("--qmt", sim_folder))
    assert said["stocks"] == "True True"
    assert said["contracts"] == "True ['ETF', '债券', '指数', '股票']"
    assert said["complete"] == "True"
    assert said["subscribed"] == "True True True"
    assert said["account"] == "True ['000001.SZ', '600000.SH']"
    assert said["filled"] == "True"
    assert said["near the quote"] == "True"


class TestQuotesFirst:
    def test_told_which(self, sim_folder: Path) -> None:
        said, errors = run("quote_first.py", sim_folder, ACCOUNT, options=("--qmt", sim_folder))
        assert said["first"] == said["then"] == str(sim_folder)
        assert said["same market"] == said["order"] == said["filled at the quote"] == "True"
        assert "现在跟到交易口连着的" not in errors

    def test_not_told(self, tmp_path: Path) -> None:
        """没有人说过是哪一个：先是默认的，连上交易就跟过去，说一声。"""
        folder = make_folder(tmp_path / "模拟", seed=7)
        said, errors = run("quote_first.py", folder, ACCOUNT)
        assert said["then"] == str(folder) != said["first"]
        assert said["order"] == said["filled at the quote"] == "True"
        assert errors.count("现在跟到交易口连着的") == 1


def test_the_whole_market_with_indices(sim_folder: Path) -> None:
    said, _ = run("whole_market.py", options=("--qmt", sim_folder))
    assert said["everything"] == said["breadth"] == said["ticks"] == said["weak"] == "True"
    assert said["listed"] == "['000300.SH', '600036.SH', '510300.SH']"


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="不能换时区")
@pytest.mark.parametrize("clock", ["always", "exchange", "step"])
@pytest.mark.parametrize("zone", ["Asia/Shanghai", "UTC"])
def test_a_holiday_check(tmp_path: Path, clock: str, zone: str) -> None:
    settings = {"start": "2026-09-29 10:00"} if clock == "step" else {}
    folder = make_folder(tmp_path / "模拟", clock=clock, **settings)
    said, _ = run("holiday.py", options=("--qmt", folder), TZ=zone)
    assert said.pop("dates") == "10 True"
    assert set(" ".join(said.values()).split()) == {"True"}


@pytest.mark.parametrize("told", [False, True])
def test_kill_and_reconnect(tmp_path: Path, told: bool) -> None:
    """被杀的客户端死透：不许自己在进程里另开一个；重新开起来才连得上。行情指着它也一样。"""
    folder = make_folder(tmp_path / "模拟", connect_wait_s=2.0)
    server = SimProcess(folder)
    server.start()
    program = subprocess.Popen(
        command("reconnect.py", folder, ACCOUNT, options=("--qmt", folder) if told else ()),
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment(),
    )
    try:
        assert program.stdout is not None
        lines = iter(program.stdout.readline, "")
        assert next(lines).strip() == "connected True"
        assert next(lines).strip() == "quotes 1"
        server.kill()
        assert next(lines).strip() == "lost True"
        assert next(lines).strip() == "waiting"
        server.start()
        assert next(lines).strip() == "again True True"
        assert next(lines).strip() == "quotes 2"
        assert program.wait(60) == 0
    finally:
        program.kill()
        program.wait()
        program.stdout.close()
        server.kill()
