"""VeighNa 接口的期货：开平四个动词；上期所的平仓拆成平今平昨，合成一笔；只报出一部分的说清楚。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy")

from gateway_orders_gear import REBAR, connected, counter_of
from support import eventually

from easytrader.errors import OutcomeUnknownError
from easytrader.testing.broker import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sim_gateway import SimCounter

pytestmark = pytest.mark.counters

INDEX = "IF2512.CFFEX"


@pytest.fixture
def counter() -> Iterator[SimCounter]:
    with counter_of(rb2510=4) as made:
        made.hold("rb2510", 4, yesterday=1)  # 今 3 昨 1
        yield made


@pytest.fixture
def user(counter: SimCounter) -> Iterator[Any]:
    with connected(counter) as made:
        yield made


def _sent(counter: SimCounter) -> list[tuple[str, str, float]]:
    return [(each.direction.name, each.offset.name, each.volume) for each in counter.sends]


def test_four_verbs_open_and_close(user: Any, counter: SimCounter) -> None:
    rows = []
    for verb, price in (
        (user.buy, 4000),
        (user.sell, 4000),
        (user.short, 4000),
        (user.cover, 4000),
    ):
        number = verb(INDEX, price, 1)["entrust_no"]
        rows.append(user.wait(number, 5))
    assert _sent(counter) == [
        ("LONG", "OPEN", 1),
        ("SHORT", "CLOSE", 1),
        ("SHORT", "OPEN", 1),
        ("LONG", "CLOSE", 1),
    ]
    assert [(r["order_type_name"], r["offset_flag_name"], r["direction_name"]) for r in rows] == [
        ("买入", "开仓", "多"),
        ("卖出", "平仓", "多"),
        ("卖出开仓", "开仓", "空"),
        ("买入平仓", "平仓", "空"),
    ]
    assert {each["order_status_name"] for each in rows} == {"已成"}


def test_offset_overrides(user: Any, counter: SimCounter) -> None:
    number = user.sell(REBAR, 3600, 1, offset="平昨")["entrust_no"]
    found = user.find_entrust(number)
    assert found is not None
    assert found["offset_flag_name"] == "平昨"
    user.sell(REBAR, 3600, 2, offset="close_today")
    user.buy(INDEX, 3000, 1, offset="开仓")
    assert _sent(counter) == [
        ("SHORT", "CLOSEYESTERDAY", 1),
        ("SHORT", "CLOSETODAY", 2),
        ("LONG", "OPEN", 1),
    ]


def test_close_is_split_and_is_one_order(counter: SimCounter) -> None:
    recorder = Recorder()
    with connected(counter, recorder) as user:
        number = user.sell(REBAR, 3500, 4, remark="全平", strategy_name="双均线")["entrust_no"]
        assert number == "1_1+1_2"
        row = user.wait(number, 5)
        assert _sent(counter) == [("SHORT", "CLOSETODAY", 3), ("SHORT", "CLOSEYESTERDAY", 1)]
        assert (row["order_volume"], row["traded_volume"], row["traded_price"]) == (4, 4, 3500)
        assert (row["order_status_name"], row["offset_flag_name"]) == ("已成", "平仓")
        assert (row["order_remark"], row["strategy_name"]) == ("全平", "双均线")
        assert [each["order_id"] for each in user.today_entrusts] == [number]
        trades = user.today_trades
        assert [(each["order_id"], each["traded_volume"]) for each in trades] == [
            (number, 3),
            (number, 1),
        ]
        recorder.wait_for("trade", 2)
        eventually(lambda: recorder.of("order")[-1].order_status == 56)
        assert {each.order_id for each in recorder.of("order")} == {number}
        assert {each.order_id for each in recorder.of("trade")} == {number}


def test_cancel_takes_all_parts_back(user: Any) -> None:
    number = user.sell(REBAR, 3600, 4)["entrust_no"]
    assert user.cancel_entrust(number)["success"] is True
    row = user.wait(number, 5)
    assert (row["order_status_name"], row["order_volume"]) == ("已撤", 4)


def test_partly_done_split_is_partly_cancelled(user: Any, counter: SimCounter) -> None:
    counter.partial["rb2510"] = 2
    number = user.sell(REBAR, 3500, 4)["entrust_no"]
    eventually(lambda: (user.find_entrust(number) or {}).get("traded_volume") == 3)
    found = user.find_entrust(number)
    assert found is not None
    assert found["order_status_name"] == "部成"
    assert user.cancel_entrust(number)["success"] is True
    assert user.wait(number, 5)["order_status_name"] == "部撤"


def test_closing_too_much_tells_what_is_held(user: Any, counter: SimCounter) -> None:
    row = user.sell(REBAR, 3600, 5)
    assert row["entrust_no"] == -1
    assert "今 3、昨 1" in row["message"]
    row = user.cover(REBAR, 3600, 1)
    assert row["entrust_no"] == -1
    assert "没有空头持仓" in row["message"]
    assert counter.sends == []


def test_second_part_refused_is_told_precisely(user: Any, counter: SimCounter) -> None:
    send = type(counter.gateways[0]).send_order
    calls = []

    def second_is_refused(request: object) -> str:
        calls.append(request)
        if len(calls) == 2:
            counter.faults.refuse_sends = 1
        return send(counter.gateways[0], request)

    counter.gateways[0].send_order = second_is_refused
    row = user.sell(REBAR, 3600, 4)
    assert row["entrust_no"] == "1_1"
    assert "另有 1 没有报出：网关说：委托被拒绝" in row["message"]
    found = user.find_entrust("1_1")
    assert found is not None
    assert (found["order_volume"], found["order_status_name"]) == (4, "已报")
    counter.move("rb2510", 3600)
    row = user.wait("1_1", 5)
    assert (row["traded_volume"], row["order_status_name"]) == (3, "部撤")
    assert "没有报出" in row["status_msg"]


def test_first_part_rejected_stops_there(user: Any, counter: SimCounter) -> None:
    counter.hold("rb2510", 1, yesterday=1)  # 柜台上的今仓刚被别处平掉
    row = user.sell(REBAR, 3600, 4)
    assert row["entrust_no"] == "1_1"
    assert "没有接着报" in row["message"]
    assert len(counter.sends) == 1
    assert user.wait("1_1", 5)["order_status_name"] == "废单"


def test_first_part_unanswered_is_unknown(user: Any, counter: SimCounter) -> None:
    counter.faults.lose_order_acks = 1
    with pytest.raises(OutcomeUnknownError, match="1_1") as caught:
        user.sell(REBAR, 3600, 4, client_order_id="全平")
    assert len(counter.sends) == 1
    found = user.find_entrust(caught.value.tag)
    assert found is not None
    assert (found["order_id"], found["order_volume"]) == ("1_1", 4)


def test_same_id_is_one_split_order(user: Any, counter: SimCounter) -> None:
    first = user.sell(REBAR, 3600, 4, client_order_id="全平")
    with connected(counter) as other:
        assert other.sell(REBAR, 3600, 4, client_order_id="全平") == first
        assert [each["order_id"] for each in other.today_entrusts] == [first["entrust_no"]]
        assert other.cancel_entrust(first["entrust_no"])["success"] is True
    assert len(counter.sends) == 2
