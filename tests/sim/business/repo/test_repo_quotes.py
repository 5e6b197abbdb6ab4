"""逆回购的行情：快照、K 线、分笔、合约信息都有，成交额是本金。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from repo_helpers import GC001, R001, at

from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from pathlib import Path

NOW = at("2026-11-20 14:00")


@pytest.fixture
def board(tmp_path: Path) -> Board:
    return Board(create(tmp_path / "行情", [AccountConfig("1")], clock="exchange"))


@pytest.mark.parametrize("code", [GC001, R001])
def test_snapshot(board: Board, code: str) -> None:
    tick = board.snapshot([code], NOW)[code]
    assert 1.0 < tick["low"] <= tick["lastPrice"] <= tick["high"] < 2.5
    assert tick["amount"] == pytest.approx(tick["pvolume"] * 100)
    assert len(tick["bidPrice"]) == 5
    detail = board.detail(code, NOW)
    assert detail is not None
    assert detail["PriceTick"] == (0.005 if code == GC001 else 0.001)
    assert detail["InstrumentName"] in ("GC001", "R-001")


@pytest.mark.parametrize("period", ["1m", "1d", "1w"])
def test_bars(board: Board, period: str) -> None:
    bars = board.bars(GC001, period, ("", "", 5), NOW, new_deadline())
    assert len(bars) == 5
    for bar in bars:
        assert bar.low_li <= bar.close_li <= bar.high_li
        assert bar.amount == pytest.approx(bar.volume * 100)


def test_ticks(board: Board) -> None:
    ticks = board.ticks(R001, ("20261120135900", "20261120140000", -1), NOW, new_deadline())
    assert len(ticks) > 10
    assert all(1.0 < tick["lastPrice"] < 2.5 for tick in ticks)
