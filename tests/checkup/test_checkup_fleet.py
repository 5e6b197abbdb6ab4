"""体检：一队账号，存储在不在、身份、钟、账号的代理。"""

from __future__ import annotations

import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from fleets.fleet_broker import FleetMemory, sqlite_dsn
from support import eventually

import easytrader
from easytrader.checkup import doctor, fleet
from easytrader.cli import main
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[FleetMemory]:
    one = FleetMemory(tmp_path, sqlite_dsn(tmp_path))
    with easytrader.use("fleet") as user:
        one.connect(user)  # 代理说过话了
    yield one
    one.close()


def _looked(dsn: Any, **options: Any) -> dict[str, Any]:
    return {each["check"]: each for each in doctor(broker="fleet", config=dsn, **options)}


def test_a_healthy_fleet(broker: FleetMemory) -> None:
    found = _looked(broker.dsn, stock_account="main")
    assert [each["status"] for each in found.values()] == ["正常"] * 5
    assert list(found) == ["packages", "path", "session", "clock", "connect"]
    assert "box-1" in found["connect"]["detail"]
    assert "strategy" in found["session"]["detail"]
    assert _looked({"dsn": broker.dsn, "account": "main"})["connect"]["status"] == "正常"


def test_no_agent_says_what_to_do(broker: FleetMemory) -> None:
    assert _looked(broker.dsn, stock_account="other")["connect"]["status"] == "有问题"
    broker.break_link()
    eventually(lambda: _looked(broker.dsn)["connect"]["status"] == "注意")
    broker.station.close()
    found = _looked(broker.dsn, stock_account="main")["connect"]
    assert found["status"] == "有问题"
    assert "easytrader fleet" in found["fix"]


def test_nothing_there_is_skipped_not_made(tmp_path: Path) -> None:
    found = _looked(sqlite_dsn(tmp_path))
    assert [each["status"] for each in found.values()] == ["正常", "有问题", "跳过", "跳过", "跳过"]
    assert list(tmp_path.iterdir()) == []
    for wrong in (None, "mysql://x", "postgresql://far.example.com/x?sslmode=disable"):
        told = _looked(wrong)["path"]
        assert told["status"] == "有问题"
        assert told["fix"]


def test_secrets_are_not_shown() -> None:
    told = json.dumps(
        _looked("postgresql://u:hunter2@127.0.0.1:1/x", timeout=1), ensure_ascii=False
    )
    assert "有问题" in told
    assert "hunter2" not in told


@pytest.mark.parametrize("shift_s", [600.0, -600.0])
def test_a_clock_that_is_off_is_a_note(
    broker: FleetMemory, monkeypatch: pytest.MonkeyPatch, shift_s: float
) -> None:
    shifted = SimpleNamespace(monotonic=time.monotonic, time=lambda: time.time() + shift_s)
    monkeypatch.setattr(fleet, "time", shifted)
    case = fleet.FleetCase(dsn=broker.dsn, timeout_s=3)
    assert fleet.look_address(case).status == "正常"
    assert case.store is not None
    here = case.store.greet(time.monotonic() + 3)
    case.store.close()
    case.store = _Fixed(here._replace(now=time.time()))
    assert fleet.look_store(case).status == "正常"
    verdict = fleet.look_clock(case)
    assert verdict.status == "注意"
    assert ("快" if shift_s > 0 else "慢") in verdict.detail


class _Fixed:
    def __init__(self, greeting: Any) -> None:
        self._greeting = greeting

    def greet(self, deadline: float) -> Any:
        return self._greeting


def test_on_the_command_line(broker: FleetMemory, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["doctor", broker.dsn, "--broker", "fleet", "--account", "main", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)) == 5
    with pytest.raises(UsageError):
        doctor(broker="fleet", config=broker.dsn, stock_account=" ")
