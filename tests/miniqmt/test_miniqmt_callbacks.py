"""当前版本的每个回调：到得了用户的回调对象，也是 `events()` 里有名有姓的一种事件。"""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from vendor_fakes import push

from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback
from easytrader.push.event_log import EVENT_NAMES
from easytrader.push.table import TABLE
from easytrader.sim.gateway.rows import AssetRow, PositionRow

KINDS = {each.callback: each.kind for each in TABLE}
NEVER_CALLED = {"on_connected"}  # 厂商有这个方法而从不调用；easytrader 补上


def vendor_callbacks() -> list[str]:
    """读源文件而不导入：收集用例时不碰厂商的代码。"""
    found = importlib.util.find_spec("xtquant").submodule_search_locations[0]
    tree = ast.parse((Path(found) / "xttrader.py").read_text(encoding="utf-8"))
    [kind] = [each for each in tree.body if getattr(each, "name", "") == "XtQuantTraderCallback"]
    return [each.name for each in kind.body if isinstance(each, ast.FunctionDef)]


@pytest.mark.parametrize("name", vendor_callbacks())
def test_every_vendor_callback_has_an_event_and_a_default(name: str) -> None:
    assert EVENT_NAMES[KINDS[name]]
    assert callable(getattr(DefaultXtQuantTraderCallback, name))


class Everything:
    """什么回调都记下。"""

    def __init__(self) -> None:
        self.seen: list[tuple[str, Any]] = []

    def on_stock_order(self, order: Any) -> None:
        self.seen.append(("on_stock_order", order))

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *args: self.seen.append((name, *args))


RESPONSE = SimpleNamespace(
    seq=5, success=True, msg="好", apply_id="A1", account_id="1", account_type=2, task_id=9,
    strategy_name="s", order_remark="r", error_msg="", operate_reason="撤", order_id=7,
    order_sysid="8", cancel_result=0, status=0, error_id=1, market=0, cash=1.0, frozen_cash=0.0,
    market_value=0.0, total_asset=1.0,
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    sorted(
        set(vendor_callbacks())
        - NEVER_CALLED
        - {"on_disconnected", "on_stock_order", "on_stock_trade", "on_stock_position"}
    ),
)
def test_what_the_vendor_calls_is_delivered(sim_folder: Any, name: str) -> None:
    import easytrader

    callback = Everything()
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), trader_callback=callback)
        getattr(user.trader.callback, name)(RESPONSE)
        event = next(each for each in user.events(5) if each["event"] == KINDS[name])
    assert event["event_name"] == EVENT_NAMES[KINDS[name]]
    assert event["data"]
    assert (name, RESPONSE) in callback.seen


def test_asset_and_position_pushes(user: Any, recorder: Any) -> None:
    recorder.on_stock_asset = lambda each: recorder._take("asset", each)
    recorder.on_stock_position = lambda each: recorder._take("position", each)
    push(user, "StockAsset", "XtAsset", AssetRow(2, "1", 5.0, 0.0, 1.0, 6.0, 5.0, 5.0))
    row = PositionRow(
        2, "1", "600036.SH", 300, 200, 10.0, 3150.0, 100, 0, 300, 10.1, 48, 120.0, 10.5,
        0.04, "A100", "招商银行", "20211015", 120.0,
    )  # fmt: skip
    push(user, "StockPosition", "XtPosition", row)
    recorder.wait_for("asset")
    recorder.wait_for("position")
    events = {each["event"]: each["data"] for each in user.events(0)}
    assert events["asset"]["total_asset"] == 6.0
    assert (events["position"]["security"], events["position"]["volume"]) == ("600036", 300)


def test_answers_to_requests_made_on_the_raw_object_do_not_pile_up(user: Any) -> None:
    pending = user._session.pending
    for seq in range(3000):
        pending.arrived(SimpleNamespace(seq=100_000 + seq))
    assert len(pending._early) == 1000
    pending.arrived(SimpleNamespace(seq="x"))
    pending.arrived(object())
    assert not pending.waiting


def test_an_answer_faster_than_its_number(user: Any) -> None:
    from easytrader.orders import Receipt

    pending = user._session.pending
    pending.arrived(SimpleNamespace(seq=77))
    receipt: Receipt[Any] = Receipt("测试", 5)
    receipt.build = lambda each: {"seq": each.seq}
    receipt.depart(77)
    pending.add(receipt)
    assert receipt.result(0) == {"seq": 77}
