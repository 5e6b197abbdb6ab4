"""行情：五档、涨跌停、昨收，变了的才报；没有行情的一只不耽误别的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import eventually
from veighna_floor import sim_setting

from easytrader.errors import QueryFailedError

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters


def test_a_tick_has_everything(qmt: Any) -> None:
    qmt.subscribe("600036.SH")
    eventually(lambda: qmt.main.get_tick("600036.SSE"))
    tick = qmt.main.get_tick("600036.SSE")
    assert tick.name == "招商银行"
    assert tick.limit_down < tick.bid_price_5 < tick.bid_price_1 < tick.ask_price_1
    assert tick.ask_price_1 < tick.ask_price_5 < tick.limit_up
    assert min(tick.bid_volume_1, tick.ask_volume_5, tick.pre_close, tick.turnover) > 0
    assert tick.datetime.utcoffset().total_seconds() == 8 * 3600
    assert tick.low_price <= tick.last_price <= tick.high_price


def test_subscribed_before_connecting(floor: Any, sim_folder: Path) -> None:
    from veighna_floor import EasytraderGateway

    floor.main.add_gateway(EasytraderGateway, "QMT")
    floor.subscribe("510300.SH")
    floor.main.connect(sim_setting(sim_folder, 行情间隔="0.2"), "QMT")
    eventually(lambda: floor.main.get_tick("510300.SSE"))


class Asked:
    """只答得出一样的行情的交易口；一批里有 ``lacking`` 就整批不答，像柜台那样。"""

    def __init__(self, floor: Any, lacking: str = "") -> None:
        self.found = floor.main.get_gateway("QMT").user.quote("600036")["600036"]
        self.lacking = lacking
        self.batches: list[list[str]] = []

    def quote(self, codes: list[str]) -> dict[str, Any]:
        self.batches.append(codes)
        if self.lacking in codes:
            raise QueryFailedError(f"没有行情：{self.lacking}")
        return {each: {**self.found, "stock_code": each} for each in codes}


def test_one_without_a_quote_does_not_starve_the_rest(qmt: Any) -> None:
    feed = qmt.main.get_gateway("QMT")._feed
    codes = ["600036.SH", "000300.SH", "600000.SH"]
    feed._codes.update(dict.fromkeys(codes))
    asked = Asked(qmt, "000300.SH")
    feed._round(asked)
    feed._round(asked)
    assert asked.batches == [codes, *([each] for each in codes), ["600036.SH", "600000.SH"]]
    eventually(lambda: len(qmt.seen["tick"]) == 2)
    assert "000300.SH" in qmt.hears("没有行情")


def test_only_changes_are_told(qmt: Any) -> None:
    feed = qmt.main.get_gateway("QMT")._feed
    feed._codes["600036.SH"] = None
    asked = Asked(qmt)
    feed._round(asked)
    feed._round(asked)
    asked.found = {**asked.found, "volume": asked.found["volume"] + 100}
    feed._round(asked)
    eventually(lambda: len(qmt.seen["tick"]) == 2)
    assert qmt.seen["tick"][1].volume == qmt.seen["tick"][0].volume + 100
