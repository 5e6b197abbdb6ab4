"""划拨：普通柜台与极速柜台之间的资金、股份；期权与期货之间的资金。"""

from __future__ import annotations

import json
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT
from vendor_fakes import Counter

import easytrader
from easytrader.errors import OutcomeUnknownError, QueryFailedError, UsageError
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator

COM = {"cash": 50_000, "positions": {"600036.SH": {"volume": 300, "cost": 9000}}}


@pytest.fixture
def rich(sim_folder: Any) -> Iterator[Any]:
    """普通柜台里有钱有股份的账户。"""
    (sim_folder / "transfers.json").write_text(json.dumps({"com": COM}), encoding="utf-8")
    user = easytrader.use("sim")
    user.connect(str(sim_folder), ACCOUNT, timeout=5)
    yield user
    user.close()


def volumes(user: Any) -> dict[str, int]:
    return {row["security"]: row["volume"] for row in user.position if row["volume"]}


def test_com_fund(rich: Any) -> None:
    row = rich.transfer.com_fund()
    assert (row["current_balance"], row["enable_balance"], row["debt"]) == (50_000, 50_000, 0)
    assert row["asset_balance"] == row["current_balance"] + row["market_value"]
    assert "success" not in row


def test_com_position(rich: Any) -> None:
    [row] = rich.transfer.com_position()
    assert (row["security"], row["stock_code"]) == ("600036", "600036.SH")
    assert (row["total_amount"], row["enable_amount"], row["cost_price"]) == (300, 300, 30.0)
    assert row["stock_name"] == "招商银行"


def test_funds_move_between_the_counters(rich: Any) -> None:
    cash = rich.balance[0]["cash"]
    assert rich.transfer.fund(510, 20_000)["success"] is True
    assert rich.transfer.com_fund()["current_balance"] == 30_000
    assert rich.balance[0]["cash"] == cash + 20_000
    assert rich.transfer.fund("资金划拨-极速柜台到普通柜台", 500.5)["success"] is True
    assert rich.transfer.com_fund()["current_balance"] == 30_500.5
    assert "资金不足" in rich.transfer.fund(510, 10**9)["message"]
    assert "资金不足" in rich.transfer.fund(511, 10**9)["message"]
    assert "只有一个节点" in rich.transfer.fund(512, 1)["message"]
    assert rich.transfer.com_fund()["current_balance"] == 30_500.5


def test_shares_move_between_the_counters(rich: Any) -> None:
    assert rich.transfer.secu(520, "600036", 200)["success"] is True
    assert volumes(rich)["600036"] == 200
    assert rich.transfer.com_position()[0]["total_amount"] == 100
    [row] = [each for each in rich.position if each["security"] == "600036"]
    assert (row["can_use_volume"], row["open_price"]) == (200, 30.0)
    assert rich.sell("600036", row["market_value"] / 200 * 0.95, 100)["entrust_no"] > 0
    assert rich.transfer.secu(521, "600000", 400)["success"] is True
    assert volumes(rich)["600000"] == 600
    assert {row["security"] for row in rich.transfer.com_position()} == {"600036", "600000"}
    assert "股份不足" in rich.transfer.secu(520, "600036", 101)["message"]
    assert "股份不足" in rich.transfer.secu(521, "300750", 100)["message"]


def test_what_was_moved_survives_a_crash(served: Any, connect: Any, sim_folder: Any) -> None:
    user = connect()
    assert user.transfer.fund(511, 1000)["success"] is True
    assert user.transfer.secu(521, "600000", 100)["success"] is True
    served.kill()
    served.start()
    user = connect()
    assert user.transfer.com_fund()["current_balance"] == 1000
    assert [row["total_amount"] for row in user.transfer.com_position()] == [100]


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ((520, 1), "direction"),
        ((0, 1), "direction"),
        (("往外转", 1), "direction"),
        ((True, 1), "direction"),
        ((510, 0), "amount"),
        ((510, 0.001), "amount"),
        ((510, None), "amount"),
    ],
)
def test_bad_fund_transfers_are_never_sent(
    user: Any, given: tuple[Any, ...], argument: str
) -> None:
    counter = Counter(user, "transfer", None)
    with pytest.raises(UsageError) as caught:
        user.transfer.fund(*given)
    assert caught.value.argument == argument
    assert counter.requests == []


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        ((510, "600036", 100), "direction"),
        ((520, "xx", 100), "security"),
        ((520, "600036", 0), "volume"),
        ((520, "600036", 1.5), "volume"),
        ((520, "600036", 2**31), "volume"),
        ((520, "600036", 100, 9), "transfer_type"),
        ((520, "600036", 100, 2), "transfer_type"),  # 普通账号不能用信用的
    ],
)
def test_bad_share_transfers_are_never_sent(
    user: Any, given: tuple[Any, ...], argument: str
) -> None:
    counter = Counter(user, "transfer", None)
    with pytest.raises(UsageError) as caught:
        user.transfer.secu(*given)
    assert caught.value.argument == argument
    assert counter.requests == []


def test_the_wrong_account_type(user: Any) -> None:
    user._session._account_type = "FUTURE"
    for call in (
        user.transfer.com_fund,
        user.transfer.com_position,
        lambda: user.transfer.fund(510, 1),
        lambda: user.transfer.secu(520, "600036", 100),
    ):
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.argument == "account_type"
        assert "STOCK" in str(caught.value)


def test_an_unanswered_transfer_is_unknown(user: Any, sim_folder: Any) -> None:
    user._session._replies._timeout_s = 0.3
    Faults(sim_folder).drop_answer("transfer")
    with pytest.raises(OutcomeUnknownError, match="不要重发"):
        user.transfer.fund(511, 1000)
    assert user.transfer.com_fund()["current_balance"] == 1000  # 柜台其实办了


def test_a_counter_without_this_business(user: Any) -> None:
    Counter(user, "queryComFund", [])
    with pytest.raises(QueryFailedError, match="普通柜台资金"):
        user.transfer.com_fund()
    blank = (False, "没有开通划拨", "", *[0.0] * 8)
    Counter(user, "queryComFund", [blank])
    with pytest.raises(QueryFailedError, match="没有开通划拨"):
        user.transfer.com_fund()


def test_com_position_works_although_the_vendor_forgot_to_bind_it(user: Any) -> None:
    client = user.trader.async_client
    assert "QueryComPositionResp" in client._callbacks
    assert user.transfer.com_position() == []


def test_ctp_transfers(user: Any) -> None:
    counter = Counter(user, "ctpInternalTransfer", ("60016061", "10001951", True, "内转成功"))
    for verb, direction in (
        (user.transfer.option_to_future, 515),
        (user.transfer.future_to_option, 516),
    ):
        assert verb("60016061", "10001951", 10) == {"success": True, "message": "内转成功"}
        request = counter.requests[-1]
        assert (request.opt_account_id, request.ft_account_id) == ("60016061", "10001951")
        assert (request.direction, request.balance) == (direction, 10.0)


def test_ctp_transfers_async(user: Any) -> None:
    Counter(user, "ctpInternalTransfer", ("1", "2", False, "资金不足"))
    for verb in (
        user.transfer.option_to_future_async,
        user.transfer.future_to_option_async,
    ):
        receipt = verb("1", "2", 10)
        assert receipt.result(30) == {
            "seq": receipt.seq,
            "success": False,
            "message": "资金不足",
        }


@pytest.mark.parametrize(
    ("given", "argument"),
    [
        (("", "2", 1), "opt_account_id"),
        (("1", 2, 1), "ft_account_id"),
        (("1", "1", 1), "ft_account_id"),
        (("1", "2", -1), "amount"),
    ],
)
def test_bad_ctp_transfers_are_never_sent(user: Any, given: tuple[Any, ...], argument: str) -> None:
    counter = Counter(user, "ctpInternalTransfer", None)
    for name in ("transfer.option_to_future", "transfer.future_to_option"):
        for verb in (attrgetter(name)(user), attrgetter(f"{name}_async")(user)):
            with pytest.raises(UsageError) as caught:
                verb(*given)
            assert caught.value.argument == argument
    assert counter.requests == []


def test_what_the_simulator_does_not_do_is_refused_clearly(user: Any) -> None:
    answer = user.transfer.option_to_future("1", "2", 1)
    assert answer["success"] is False
    assert "暂不支持" in answer["message"]
