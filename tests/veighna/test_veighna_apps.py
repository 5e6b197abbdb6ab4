"""VeighNa 自己的应用跑在我们的接口上：脚本策略、投资组合管理、模拟账户。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy.trader.gateway")
pytest.importorskip("vnpy_scripttrader")
pytest.importorskip("vnpy_portfoliomanager")
pytest.importorskip("vnpy_paperaccount")

from importlib import import_module

from support import eventually
from veighna_floor import Direction, Exchange, Offset, OrderType, Status, sim_setting

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters

SCRIPT = """
from threading import Event

from vnpy.trader.constant import OrderType


def until(check):
    while not check():
        Event().wait(0.01)


def run(engine):
    engine.subscribe(["600036.SSE"])
    until(lambda: engine.get_tick("600036.SSE"))
    tick = engine.get_tick("600036.SSE")
    resting = engine.buy("600036.SSE", price=round(tick.bid_price_1 - 0.5, 2), volume=100)
    until(lambda: engine.get_order(resting))  # 引擎的事件在另一个线程上
    engine.cancel_order(resting)
    engine.buy("600036.SSE", price=0, volume=200, order_type=OrderType.MARKET)
    engine.sell("600000.SSE", price=0, volume=100, order_type=OrderType.MARKET)
    engine.write_log("脚本做完了")
"""


def test_the_script_trader(qmt: Any, tmp_path: Path) -> None:
    scripttrader = import_module("vnpy_scripttrader")
    engine = qmt.main.add_app(scripttrader.ScriptTraderApp)
    said: list[str] = []
    qmt.events.register("eScriptLog", lambda event: said.append(event.data.msg))
    (tmp_path / "my_script.py").write_text(SCRIPT, encoding="utf-8")
    engine.init()
    engine.start_strategy(str(tmp_path / "my_script.py"))
    eventually(lambda: "脚本做完了" in said or any("异常" in each for each in said))
    engine.stop_strategy()
    assert "脚本做完了" in said, said
    ours = [each.vt_orderid for each in qmt.main.get_all_orders()]
    eventually(lambda: not engine.get_all_active_orders())
    assert [qmt.main.get_order(each).status for each in ours] == [
        Status.CANCELLED, Status.ALLTRADED, Status.ALLTRADED,
    ]  # fmt: skip
    assert {each.reference for each in qmt.main.get_all_orders()} == {"ScriptTrader"}
    eventually(lambda: qmt.position("600036.SH"))
    held = engine.get_position_by_symbol("600036.SSE", Direction.NET)
    assert (held.volume, held.frozen) == (200, 200)


def test_the_portfolio_manager_keeps_each_strategys_result(qmt: Any) -> None:
    portfolio = import_module("vnpy_portfoliomanager")
    engine = qmt.main.add_app(portfolio.PortfolioManagerApp)
    number = qmt.send("600036.SH", 200, None, offset=Offset.OPEN, reference="策略甲")
    qmt.until(number, Status.ALLTRADED)
    eventually(lambda: ("策略甲", "600036.SSE") in engine.contract_results)
    (trade,) = qmt.main.get_all_trades()
    assert trade.reference == "策略甲"
    result = engine.contract_results[("策略甲", "600036.SSE")]
    assert result.last_pos == 200
    # 它按合约订阅行情来算盈亏
    eventually(lambda: qmt.main.get_tick("600036.SSE"))
    result.calculate_pnl()
    # size 是 1：盈亏是股数乘价差，不是再乘 100
    tick = qmt.main.get_tick("600036.SSE")
    spread = abs(tick.ask_price_5 - tick.bid_price_5)
    assert abs(result.total_pnl) <= spread * 200


def test_the_paper_account_matches_on_our_ticks_and_sends_nothing(
    floor: Any, sim_folder: Path
) -> None:
    paper = import_module("vnpy_paperaccount")
    engine = floor.main.add_app(paper.PaperAccountApp)
    engine.set_instant_trade(True)
    floor.add(sim_setting(sim_folder))
    floor.subscribe("600036.SH")
    eventually(lambda: floor.main.get_tick("600036.SSE"))
    assert floor.main.get_contract("600036.SSE").gateway_name == "PAPER"
    price = floor.main.get_tick("600036.SSE").limit_up
    number = floor.send("600036.SH", 100, price, offset=Offset.OPEN)
    floor.until(number, Status.ALLTRADED)
    assert number.startswith("PAPER.")
    assert floor.main.get_gateway("QMT").user.today_entrusts == []
    assert floor.main.get_contract("600036.SSE").exchange is Exchange.SSE
    assert OrderType.LIMIT is floor.main.get_order(number).type
