"""合约：品种、最小变动价位、一笔最少多少都照规则表，名称照名称表，用到的都报过。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")

from support import eventually
from veighna_floor import Floor, sim_setting
from vnpy.trader.constant import Product

from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.veighna import convert

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters


@pytest.mark.parametrize(
    ("code", "vt_symbol", "product", "tick", "least"),
    [
        ("600036.SH", "600036.SSE", Product.EQUITY, 0.01, 100),
        ("300750.SZ", "300750.SZSE", Product.EQUITY, 0.01, 100),  # vnpy_xt 当成指数
        ("688981.SH", "688981.SSE", Product.EQUITY, 0.01, 200),
        ("689009.SH", "689009.SSE", Product.EQUITY, 0.01, 200),
        ("920799.BJ", "920799.BSE", Product.EQUITY, 0.01, 100),
        ("510300.SH", "510300.SSE", Product.ETF, 0.001, 100),
        ("562500.SH", "562500.SSE", Product.ETF, 0.001, 100),  # vnpy_xt 当成指数
        ("588000.SH", "588000.SSE", Product.ETF, 0.001, 100),  # 同上
        ("159915.SZ", "159915.SZSE", Product.ETF, 0.001, 100),
        ("518880.SH", "518880.SSE", Product.ETF, 0.001, 100),
        ("161725.SZ", "161725.SZSE", Product.FUND, 0.001, 100),
        ("508000.SH", "508000.SSE", Product.FUND, 0.001, 100),
        ("113050.SH", "113050.SSE", Product.BOND, 0.001, 10),
        ("123001.SZ", "123001.SZSE", Product.BOND, 0.001, 10),
        ("204001.SH", "204001.SSE", Product.BOND, 0.005, 10),
        ("000300.SH", "000300.SSE", Product.INDEX, 0.001, 100),
    ],
)
def test_each_kind(code: str, vt_symbol: str, product: Any, tick: float, least: int) -> None:
    made = convert.contract(parse_security(code), "", "QMT")
    assert made.vt_symbol == vt_symbol
    assert made.product is product
    assert (made.pricetick, made.min_volume, made.size) == (tick, least, 1)
    assert made.net_position
    assert not made.stop_supported
    assert not made.history_data


def test_what_is_held_ordered_subscribed_or_written_has_a_contract(qmt: Any) -> None:
    names = {each.vt_symbol: each.name for each in qmt.main.get_all_contracts()}
    assert names == {
        "600036.SSE": "招商银行",
        "600000.SSE": "浦发银行",
        "000001.SZSE": "平安银行",
    }
    qmt.subscribe("510300.SH")
    eventually(lambda: qmt.main.get_contract("510300.SSE"))
    qmt.main.get_gateway("QMT").add_contracts(["688981", "920799.BSE"])
    eventually(lambda: qmt.main.get_contract("920799.BSE"))
    with pytest.raises(UsageError):
        qmt.main.get_gateway("QMT").add_contracts("招商银行")
    qmt.send("113050.SH", 10, 100.0)
    eventually(lambda: qmt.main.get_contract("113050.SSE"))


def test_everything_the_counter_knows_when_none_is_written(floor: Any, sim_folder: Path) -> None:
    floor.add(sim_setting(sim_folder, 合约=""))
    eventually(lambda: len(floor.main.get_all_contracts()) > 5000)
    assert floor.main.get_contract("300750.SZSE").name
    vt_symbols = [each.vt_symbol for each in floor.seen["contract"]]
    assert len(vt_symbols) == len(set(vt_symbols))


def test_another_exchange_is_refused_with_a_sentence(qmt: Any) -> None:
    from vnpy.trader.constant import Exchange
    from vnpy.trader.object import SubscribeRequest

    qmt.main.subscribe(SubscribeRequest("rb2701", Exchange.SHFE), "QMT")
    assert "SSE、SZSE 或 BSE" in qmt.hears("订阅不了")


def test_no_dots_in_the_name(floor: Any) -> None:
    assert isinstance(floor, Floor)
    from veighna_floor import EasytraderGateway

    with pytest.raises(UsageError, match="点"):
        floor.main.add_gateway(EasytraderGateway, "我的.账户")
