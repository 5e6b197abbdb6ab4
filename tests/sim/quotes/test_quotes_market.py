"""行情板自己的性质：快的算法与市场逐位相同，当日的高低与量只增不减，历史与实时说的是一回事。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import make_folder

from easytrader.errors import SimulatorError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.exchange.hours import hours_for
from easytrader.sim.market.closes import Conditions
from easytrader.sim.market.synthetic import SyntheticMarket
from easytrader.sim.quotes import board as board_module
from easytrader.sim.quotes.board import Board, new_deadline
from easytrader.sim.quotes.tape import Paths

if TYPE_CHECKING:
    from pathlib import Path

CODES = ["600036.SH", "601288.SH", "113050.SH", "511880.SH", "300001.SZ", "920002.BJ"]
NOON = 1_795_149_000.0  # 2026-11-20 12:30，上海，星期五的午休
SECONDS = {"always": ((0, 86400),), "exchange": ((34200, 41400), (46800, 54000))}


def board(tmp_path: Path, **settings: Any) -> Board:
    return Board(SimFolder.open(make_folder(tmp_path / "模拟", **settings)))


@pytest.mark.parametrize("clock", SECONDS)
@pytest.mark.parametrize("conditions", [Conditions(), Conditions(0.3, 0.3, 0.2, 0.3)])
def test_the_fast_path_is_the_path(clock: str, conditions: Conditions) -> None:
    market = SyntheticMarket(7, hours_for(clock), 3.0, conditions)
    paths = Paths(market, SECONDS[clock])
    for code in CODES:
        security = parse_security(code)
        for back in (0, 1, 30):
            last = market.tick_at(NOON - 86400 * back)
            found = [int(each) for each in paths.of(security, last - 3000, last)]
            assert found == market.path(security, last - 3000, last)
    assert paths._trusted


def test_a_changed_formula_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    market = SyntheticMarket(7, hours_for("always"), 3.0)
    honest = market.path
    monkeypatch.setattr(market, "path", lambda *a: [each + 10 for each in honest(*a)])
    paths = Paths(market, SECONDS["always"])
    security = parse_security("600036.SH")
    last = market.tick_at(NOON)
    assert list(paths.of(security, last - 100, last)) == market.path(security, last - 100, last)
    assert paths._trusted is False


def test_the_day_only_widens(tmp_path: Path) -> None:
    quotes = board(tmp_path)
    seen: dict[str, Any] = {}
    for step in range(200):
        tick = quotes.snapshot(["600036.SH"], NOON + 3 * step)["600036.SH"]
        if seen:
            assert tick["high"] >= seen["high"]
            assert tick["low"] <= seen["low"]
            assert tick["pvolume"] >= seen["pvolume"]
            assert tick["amount"] >= seen["amount"]
            assert tick["open"] == seen["open"]
        assert tick["low"] <= tick["lastPrice"] <= tick["high"]
        seen = tick


def test_how_often_one_asks_does_not_matter(tmp_path: Path) -> None:
    often, once = board(tmp_path / "一"), board(tmp_path / "二")
    for step in range(50):
        often.snapshot(["600036.SH"], NOON + 3 * step)
    assert often.snapshot(["600036.SH"], NOON + 150) == once.snapshot(["600036.SH"], NOON + 150)


def test_history_agrees_with_the_snapshot(tmp_path: Path) -> None:
    quotes = board(tmp_path, clock="exchange")
    now = NOON + 2 * 3600
    tick = quotes.snapshot(["600036.SH"], now)["600036.SH"]
    [daily] = quotes.bars("600036.SH", "1d", ("", "", 1), now, new_deadline())
    assert (daily.open_li, daily.high_li, daily.low_li, daily.close_li) == tuple(
        round(tick[key] * 1000) for key in ("open", "high", "low", "lastPrice")
    )
    assert daily.volume == tick["pvolume"]
    [last] = quotes.ticks("600036.SH", ("", "", 1), now, new_deadline())
    assert last == tick


@pytest.mark.parametrize(
    ("hours", "status"),
    [
        (-5.0, 11),
        (-3.2, 12),
        (-2.0, 13),
        (-1.0, 14),
        (0.0, 14),
        (1.0, 13),
        (2.46, 18),
        (2.55, 15),
        (3.0, 23),
    ],
)
def test_the_phases_of_a_day(tmp_path: Path, hours: float, status: int) -> None:
    """证券状态：厂商文档的数据字典。"""
    quotes = board(tmp_path, clock="exchange")
    tick = quotes.snapshot(["600036.SH"], NOON + hours * 3600)["600036.SH"]
    assert tick["openInt"] == status
    assert (tick["volume"] > 0) is (status not in (11, 12))
    assert (tick["askPrice"][0] > 0) is (status != 11)


def test_exchange_bars(tmp_path: Path) -> None:
    """四小时的 240 根一分钟线；午休没有，周末没有。"""
    quotes = board(tmp_path, clock="exchange")
    now = NOON + 86400  # 星期六
    for period, count in (("1m", 240), ("5m", 48), ("30m", 8), ("60m", 4)):
        bars = quotes.bars("600036.SH", period, ("20261120", "20261120", -1), now, new_deadline())
        assert len(bars) == count
    assert not quotes.bars("600036.SH", "1m", ("20261121", "20261121", -1), now, new_deadline())


def test_too_much_at_once_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    quotes = board(tmp_path)
    monkeypatch.setattr(board_module, "_LIMIT_S", -1.0)
    with pytest.raises(SimulatorError, match="请少取一些"):
        quotes.bars("600036.SH", "1d", ("", "", -1), NOON, board_module.new_deadline())


def test_suspended_days(tmp_path: Path) -> None:
    quotes = board(tmp_path, halt_days=1.0, seed=1)
    seen = set()
    for code in CODES[:2]:
        for back in range(12):
            tick = quotes.snapshot([code], NOON - 86400 * back)[code]
            seen.add(tick["openInt"])
            if tick["openInt"] == 20:
                assert tick["volume"] == 0
                assert tick["askPrice"] == [0.0] * 5
    assert 20 in seen
