"""客户端给人看的：权重、新股、风险警示；环境变量与交易口说的不是一个市场。"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest
from loguru import logger
from support import make_folder

from easytrader.basics.beijing import BEIJING
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.config.instruments import load_book
from easytrader.sim.host import hub
from easytrader.sim.market import universe
from easytrader.sim.market.anchors import ANCHORS_LI
from easytrader.sim.quotes.board import Board

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRIDAY = date(2026, 11, 20)
NOW = datetime(2026, 11, 20, 10, tzinfo=BEIJING).timestamp()
IPO = (
    '{"issues": {"787801.SH": {"name": "模拟", "listed_code": "688801.SH", "price": 25.60, '
    '"date": "2026-11-16", "max": 9000, "wins": 1, "listing": "2026-11-25"}}}'
)


@pytest.fixture
def said() -> Iterator[list[str]]:
    found: list[str] = []
    number = logger.add(lambda message: found.append(message.record["message"]), level="WARNING")
    yield found
    logger.remove(number)


def warned() -> list[str]:
    return [code for code in universe.codes() if universe.warned_since(code) is not None]


class TestWeights:
    @pytest.mark.parametrize(("code", "name"), [("000300.SH", "沪深300"), ("000016.SH", "上证50")])
    def test_they_are_the_sector(self, embedded: Any, code: str, name: str) -> None:
        found = embedded.get_index_weight(code)
        assert list(found) == embedded.get_stock_list_in_sector(name)
        assert sum(found.values()) == pytest.approx(100, abs=0.05)
        assert list(found.values()) == sorted(found.values(), reverse=True)
        assert min(found.values()) > 0

    def test_no_such_index(self, embedded: Any) -> None:
        assert embedded.get_index_weight("600036.SH") == {}
        assert embedded.get_index_weight("乱写") == {}


class TestIssues:
    def test_what_is_written(self, embedded: Any, sim_folder: Path) -> None:
        (sim_folder / "ipo.json").write_text(IPO, encoding="utf-8")
        [row] = embedded.get_ipo_info()
        assert row["securityCode"] == "688801"
        assert row["onlineSubCode"] == "787801"
        assert row["publishPrice"] == 25.6
        assert (row["startDate"], row["listedDate"]) == ("20261116", "20261125")
        assert row["industryPe"] is None
        assert embedded.get_ipo_info("20261116", "20261116") == [row]
        assert embedded.get_ipo_info("20261117") == embedded.get_ipo_info("", "20261115") == []

    def test_none(self, embedded: Any) -> None:
        assert embedded.get_ipo_info() == []


class TestWarned:
    def test_a_few_on_the_main_boards(self) -> None:
        found = warned()
        main = [
            code for code in universe.codes() if parse_security(code).board.name.endswith("_MAIN")
        ]
        assert 0.02 < len(found) / len(main) < 0.05
        assert set(found) <= set(main)
        assert not set(found) & set(ANCHORS_LI)
        names = {code: universe.instrument_name(code) for code in universe.codes()}
        assert {code for code, name in names.items() if "ST" in name} == set(found)
        assert {name.startswith("*ST") for name in map(names.get, found) if name} == {True, False}

    def test_band_and_cap(self, tmp_path: Path) -> None:
        """2026-07-06 以前 5%，以后 10%；买入有每日上限。"""
        code = warned()[0]
        book = load_book(make_folder(tmp_path / "模拟"), lambda day: day - 1)
        security = parse_security(code)
        old, new = book.rules(security, date(2026, 7, 3)), book.rules(security, FRIDAY)
        assert old is not None and new is not None  # noqa: PT018
        assert (old.band_bp, new.band_bp) == (500, 1000)
        assert old.risk_warned and new.buy_cap == 500_000  # noqa: PT018

    def test_the_quote_keeps_the_band(self, tmp_path: Path) -> None:
        folder = make_folder(tmp_path / "模拟", clock="exchange")
        quotes = Board(SimFolder.open(folder))
        then = datetime(2026, 6, 30, 10, tzinfo=BEIJING).timestamp()
        code = warned()[0]
        detail = quotes.detail(code, then)
        assert detail is not None
        assert detail["UpStopPrice"] == pytest.approx(detail["PreClose"] * 1.05, abs=0.006)
        assert "ST" in detail["InstrumentName"]

    def test_what_is_written_wins(self, tmp_path: Path) -> None:
        code, folder = warned()[0], make_folder(tmp_path / "模拟")
        (folder / "instruments.json").write_text(f'{{"{code}": {{}}}}', encoding="utf-8")
        rules = load_book(folder, lambda day: day - 1).rules(parse_security(code), FRIDAY)
        assert rules is not None
        assert not rules.risk_warned

    def test_not_among_real_data(self, tmp_path: Path) -> None:
        folder = make_folder(tmp_path / "模拟")
        book = load_book(folder, lambda day: day - 1, warned=False)
        rules = book.rules(parse_security(warned()[0]), FRIDAY)
        assert rules is not None
        assert not rules.risk_warned


def test_two_markets_are_said_once(
    embedded: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    """环境变量说了行情连哪个，交易口连着别的：不跟，但要说。"""
    embedded.get_full_tick(["600036.SH"])
    assert not [each for each in said if "不是同一个市场" in each]
    other = make_folder(tmp_path / "另一个")
    monkeypatch.setattr(hub.HUB, "latest", str(other))
    for _ in range(3):
        embedded.get_full_tick(["600036.SH"])
    [line] = [each for each in said if "不是同一个市场" in each]
    assert str(other) in line


def test_the_same_market_is_not_mentioned(
    embedded: Any, sim_folder: Path, monkeypatch: pytest.MonkeyPatch, said: list[str]
) -> None:
    monkeypatch.setattr(hub.HUB, "latest", str(sim_folder))
    embedded.get_full_tick(["600036.SH"])
    assert not [each for each in said if "不是同一个市场" in each]
