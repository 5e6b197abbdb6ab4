"""代理：领命令、交给账号去做、把结果写回去。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from station_world import AMOUNT, CODE, RESTING, wish

from easytrader.fleets.words import DONE, PLACED, REFUSED, UNSENT

if TYPE_CHECKING:
    from station_world import StationWorld


def test_an_order_is_placed_and_its_number_comes_back(fleet: StationWorld) -> None:
    row = fleet.strategy.buy(command_id="one")
    assert row.state == PLACED
    (order,) = fleet.broker.orders_at_counter()
    assert json.loads(row.answer) == {"result": {"entrust_no": order["order_id"]}}
    assert row.order_id == str(order["order_id"])
    again = fleet.strategy.do(wish("buy", CODE, RESTING, AMOUNT, command_id="one"))
    assert again.order_id == row.order_id
    assert len(fleet.broker.orders_at_counter()) == 1


def test_refused_cancelled_and_wrong_ones_each_have_their_state(fleet: StationWorld) -> None:
    refused = fleet.strategy.buy(amount=fleet.broker.refused_amount)
    assert refused.state == REFUSED
    row = fleet.strategy.buy()
    done = fleet.strategy.do(wish("cancel_entrust", row.order_id, effect="cancel"))
    assert done.state == DONE
    assert json.loads(done.answer)["result"]["success"] is True
    wrong = fleet.strategy.buy(amount=-1)
    assert (wrong.state, wrong.reason) == (UNSENT, "usage")
    guarded = fleet.strategy.buy(limits={"max_order_value": 1})
    assert (guarded.state, guarded.reason) == (UNSENT, "guard")


def test_queries_are_answered(fleet: StationWorld) -> None:
    told = fleet.strategy.ask("balance")
    assert told["result"]
    assert fleet.strategy.ask("server.guard", None)["error"]["type"] == "UsageError"
    assert fleet.strategy.ask("find_entrust")["error"]
