"""脾气按名字挑，单项盖过它；写错了说得清楚。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from easytrader.__main__ import main
from easytrader.errors import UsageError
from easytrader.sim.config.folder import CONFIG_NAME, AccountConfig, SimConfig, SimFolder, create
from easytrader.sim.config.profile import PROFILES, VARIABLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _nothing_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE)


def test_default_is_near_the_measured() -> None:
    broker = SimConfig().broker
    assert broker is not PROFILES["instant"]
    assert (broker.answer_s, broker.reject_s, broker.fill_s) == (0.02, 0.011, 0.11)
    assert (broker.cancel_answer_s, broker.cancel_done_s) == (0.041, 0.067)


def test_environment_names_one_for_folders_that_name_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "instant")
    assert SimConfig().broker == PROFILES["instant"]
    assert SimConfig(profile="poll").broker == PROFILES["poll"]
    monkeypatch.setenv(VARIABLE, "x")
    with pytest.raises(UsageError, match="push poll minimal instant"):
        SimConfig().broker  # noqa: B018


def test_single_settings_override(tmp_path: Path) -> None:
    folder = create(tmp_path, [AccountConfig("1")], profile="poll", fill_s=0.3)
    create(tmp_path, [], query_lag_s=1)
    again = SimFolder.open(folder.path).config
    assert (again.profile, again.manners) == ("poll", {"fill_s": 0.3, "query_lag_s": 1})
    assert (again.broker.fill_s, again.broker.sysid_delay_s) == (0.3, 1.5)
    written = json.loads((tmp_path / CONFIG_NAME).read_text(encoding="utf-8"))
    assert written["fill_s"] == 0.3, "文件里也是平铺的"
    assert "manners" not in written


def test_stepped_market_waits_for_nothing_unless_told() -> None:
    told = {"cancel_done_s": 60}
    broker = SimConfig(clock="step", start="2026-03-02 09:30", manners=told).broker
    assert (broker.answer_s, broker.fill_s, broker.query_lag_s) == (0, 0, 0)
    assert broker.cancel_done_s == 60
    assert broker.shows_early


@pytest.mark.parametrize(
    ("settings", "argument"),
    [
        ({"profile": "x"}, "profile"),
        ({"profile": 3}, "profile"),
        ({"fill_s": -1}, "fill_s"),
        ({"fill_s": True}, "fill_s"),
        ({"fill_s": float("nan")}, "fill_s"),
        ({"answer_s": 61}, "answer_s"),
        ({"shows_early": 1}, "shows_early"),
        ({"cost_basis": "x"}, "cost_basis"),
    ],
)
def test_bad_settings(tmp_path: Path, settings: dict[str, object], argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        create(tmp_path, [AccountConfig("1")], **settings)
    assert caught.value.argument == argument


def test_manners_only_hold_known_names() -> None:
    with pytest.raises(UsageError, match="shows_early"):
        SimConfig(manners={"speed": 1})


def test_init_takes_a_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    where = str(tmp_path / "q")
    assert main(["sim", "init", where, "--account", "1", "--profile", "minimal"]) == 0
    assert SimFolder.open(where).config.broker == PROFILES["minimal"]
    assert main(["sim", "init", where, "--account", "2", "--profile", "x"]) == 2
    assert "可选" in capsys.readouterr().err
