"""``user.after_hours``：收盘之后按收盘价买卖，走真的厂商代码。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder, make_folder

import easytrader
from easytrader.errors import RiskRefusedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def late(tmp_path: Path, recorder: Recorder) -> Iterator[Any]:
    """14:50 的普通账号。"""
    folder = make_folder(tmp_path / "late", clock="step", start="2026-11-20 14:50")
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT, recorder, timeout=5)
    yield user
    user.close()


def test_sells_at_the_close(late: Any) -> None:
    lowest = late.quote("600000")["600000"]["limit_down"]
    number = late.after_hours.sell("600000", lowest, 1000, remark="尾盘")["entrust_no"]
    late.sim.goto("2026-11-20 15:04")
    row = late.find_entrust(number)
    assert (row["order_type_name"], row["order_status_name"]) == ("盘后定价卖出", "已报")
    assert row["order_remark"] == "尾盘"
    late.sim.goto("2026-11-20 15:30")
    close = late.quote("600000")["600000"]["last"]
    trades = [each for each in late.today_trades if each["order_id"] == number]
    assert trades
    assert {each["traded_price"] for each in trades} == {close}


def test_buys_asynchronously_once_and_can_be_cancelled(late: Any) -> None:
    late.sim.goto("2026-11-20 14:59")
    highest = late.quote("000001")["000001"]["limit_up"]
    receipts = [
        late.after_hours.buy_async("000001", highest, 100, client_order_id="x-1") for _ in range(2)
    ]
    numbers = {each.result()["entrust_no"] for each in receipts}
    assert len(numbers) == 1, "同一个 client_order_id 只有一笔"
    [number] = numbers
    late.sim.goto("2026-11-20 15:01")
    assert late.cancel_entrust(number)["success"]
    assert late.find_entrust(number)["order_status_name"] == "已撤"


def test_the_counter_refuses_before_it_opens(late: Any, recorder: Recorder) -> None:
    late.sim.goto("2026-11-20 20:00")
    number = late.after_hours.buy("600000", 10, 100)["entrust_no"]
    assert late.find_entrust(number)["order_status_name"] == "废单"
    assert recorder.wait_for("order_error")


@pytest.mark.parametrize(
    ("security", "amount", "argument", "told"),
    [
        ("430047", 100, "security", "只有沪深"),
        ("113050", 10, "security", "只有沪深"),
        ("508000", 100, "security", "只有沪深"),
        ("000300.SH", 100, "security", ""),
        ("600000", 1_000_001, "amount", "不超过 1000000"),
        ("600000", 0, "amount", ""),
        ("600000", 100.5, "amount", ""),
    ],
)
def test_bad_input_is_told_and_nothing_is_sent(
    late: Any, security: str, amount: Any, argument: str, told: str
) -> None:
    for verb in ("buy", "sell", "buy_async", "sell_async"):
        with pytest.raises(UsageError) as caught:
            getattr(late.after_hours, verb)(security, 10.0, amount)
        assert caught.value.argument == argument
        assert told in str(caught.value)
    assert late.today_entrusts == []


def test_only_limits_and_only_plain_accounts(late: Any, credit_user: Any) -> None:
    with pytest.raises(UsageError):
        late.after_hours.buy("600000", None, 100)
    with pytest.raises(UsageError, match=r"after_hours\.sell 只能用于 STOCK"):
        credit_user.after_hours.sell("600036", 30, 100)


def test_guards_count_it_too(late: Any) -> None:
    late.guard = easytrader.Guard(max_order_value=1000)
    with pytest.raises(RiskRefusedError):
        late.after_hours.buy("600000", 11.0, 100)
