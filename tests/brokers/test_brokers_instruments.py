"""A 股以外的品种：币、期货；后端自己的方向放在有名字的组里。"""

from __future__ import annotations

import pickle
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader import arguments, types
from easytrader.backend.capabilities import ANY_INSTRUMENTS, Capabilities
from easytrader.backend.records import Side
from easytrader.codes import AccountType
from easytrader.errors import OutcomeUnknownError, RiskRefusedError, UsageError
from easytrader.orders import Extras
from easytrader.orders.verb import Ticket, order_verb
from easytrader.risk import Guard
from easytrader.testing.memory import Counter, MemorySession, MemoryTrader
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator


class FuturesCounter(Counter):
    account_type = AccountType.FUTURE


class FuturesSession(MemorySession):
    account_type = "FUTURE"


class Futures:
    """``user.futures``：期货才有的方向。"""

    def __init__(self, trader: FuturesTrader) -> None:
        self._trader = trader

    @order_verb
    def short(
        self, security: str, price: float, lots: int, *, client_order_id: str | None = None
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """卖出开仓。"""
        extras = Extras("", "", client_order_id)
        return self._trader._limit(Side.SHORT, security, price, lots, extras)

    short_async = short.twin

    @order_verb
    def cover(
        self, security: str, price: float, lots: int, *, client_order_id: str | None = None
    ) -> Ticket[types.EntrustResult, types.EntrustResult]:
        """买入平仓。"""
        extras = Extras("", "", client_order_id)
        return self._trader._limit(Side.COVER, security, price, lots, extras)

    cover_async = cover.twin


class FuturesTrader(MemoryTrader):
    capabilities = Capabilities(
        "期货",
        id_type=str,
        markets=frozenset({"SHFE"}),
        accounts=frozenset({"FUTURE"}),
        instruments=replace(ANY_INSTRUMENTS, amount=arguments.amount),
    )

    @property
    def futures(self) -> Futures:
        return Futures(self)


@pytest.fixture
def futures() -> Iterator[FuturesTrader]:
    broker = MemoryBroker()
    broker.session_type = type("Session", (FuturesSession, broker.session_type), {})
    broker.trader_type = FuturesTrader
    broker.counter = FuturesCounter("shfe", 10**6, {"rb2501.SHFE": 3500}, {})
    with broker.trader() as user:
        broker.connect(user)
        user.broker = broker
        yield user


class TestFutures:
    def test_short_and_cover(self, futures: FuturesTrader) -> None:
        number = futures.futures.short("rb2501.SHFE", 3500, 2)["entrust_no"]
        row = futures.wait(number, 30)
        assert (row["security"], row["order_type_name"]) == ("rb2501", "卖出开仓")
        assert (row["offset_flag_name"], row["direction_name"]) == ("开仓", "空")
        [held] = futures.position
        assert (held["volume"], held["direction"]) == (2, row["direction"])
        covered = futures.futures.cover_async("rb2501.SHFE", 3500, 2).result()["entrust_no"]
        assert futures.wait(covered, 30)["order_status_name"] == "已成"
        assert [each["volume"] for each in futures.position] == [0]

    def test_covering_what_is_not_there_is_refused(self, futures: FuturesTrader) -> None:
        assert futures.futures.cover("rb2501.SHFE", 3500, 2)["entrust_no"] == -1

    def test_exactly_once(self, futures: FuturesTrader) -> None:
        short = futures.futures.short
        first = short("rb2501.SHFE", 3600, 1, client_order_id="a")
        assert short("rb2501.SHFE", 3600, 1, client_order_id="a") == first
        with pytest.raises(UsageError, match="client_order_id"):
            futures.futures.cover("rb2501.SHFE", 3600, 1, client_order_id="a")
        assert len(futures.today_entrusts) == 1

    @pytest.mark.parametrize(
        ("argument", "terms"),
        [
            ("amount", ("rb2501.SHFE", 3500, 0.5)),
            ("security", ("rb2501.DCE", 3500, 1)),
            ("security", ("", 3500, 1)),
            ("price", ("rb2501.SHFE", 0, 1)),
        ],
    )
    def test_what_is_wrong_is_named(
        self, futures: FuturesTrader, argument: str, terms: tuple[Any, ...]
    ) -> None:
        for verb in (futures.buy, futures.futures.short, futures.futures.cover_async):
            with pytest.raises(UsageError, match=f"参数 {argument} "):
                verb(*terms)
        assert futures.today_entrusts == []

    def test_misspelt_argument(self, futures: FuturesTrader) -> None:
        with pytest.raises(UsageError, match="lots"):
            futures.futures.short("rb2501.SHFE", 3500, lot=1)


class TestGuard:
    """``block`` 里的代码，照后端认。"""

    def test_codes_of_the_backend_are_blocked(self, futures: FuturesTrader) -> None:
        futures.guard = Guard(block=["rb2501.SHFE"])
        with pytest.raises(RiskRefusedError, match="block") as caught:
            futures.futures.short("rb2501.SHFE", 3500, 1)
        assert (caught.value.rule, caught.value.limit) == ("block", ["rb2501.SHFE"])
        futures.guard = {"block": ["rb2505.SHFE"]}
        assert futures.futures.short("rb2501.SHFE", 3500, 1)["entrust_no"] != -1

    def test_digits_are_what_the_backend_says_they_are(self) -> None:
        broker = MemoryBroker()
        broker.counter.prices["600036"] = 10
        with broker.trader() as user:
            guard = Guard(block=["600036"])
            user.guard = replace(pickle.loads(pickle.dumps(guard)), max_per_second=10)
            broker.connect(user)
            with pytest.raises(RiskRefusedError, match="block"):
                user.buy("600036", 9, 1)

    def test_codes_the_backend_does_not_know_are_told_at_once(self) -> None:
        kept = easytrader.use("sim", guard={"block": ["600036"]})
        for guard in (Guard(block=["rb2501.SHFE"]), {"block": ["60003"]}):
            with pytest.raises(UsageError, match="block"):
                easytrader.use("sim", guard=guard)
            with pytest.raises(UsageError, match="block"):
                kept.guard = guard
            assert kept.guard == Guard(block=["600036"])


class TestCoins:
    def test_decimals_come_back_as_they_went(self) -> None:
        broker = MemoryBroker()
        with broker.trader() as user:
            broker.connect(user)
            amount, price = Decimal("0.0015"), Decimal("10.10")
            number = user.buy("BTC/USDT", price, amount)["entrust_no"]
            assert number == "000001"
            row = user.wait(number, 30)
            assert (row["order_volume"], row["price"]) == (amount, price)
            assert str(row["price"]) == "10.10"
            assert user.today_trades[0]["traded_amount"] == 10 * amount
            resting = user.buy("BTC/USDT", 9, 0.25)["entrust_no"]
            broker.counter.move("BTC/USDT", 8)
            assert user.wait(resting, 30)["order_status_name"] == "已成"

    def test_no_lot_warnings(self, logged: list[str]) -> None:
        broker = MemoryBroker()
        with broker.trader() as user:
            broker.connect(user)
            user.buy("BTC/USDT", 9.123456, 0.0015)
        assert not [line for line in logged if "柜台可能拒绝" in line]

    @pytest.mark.parametrize("ttype", ["最新价", 5, "x"])
    def test_the_only_market_order_takes_no_type(self, ttype: Any) -> None:
        with pytest.raises(UsageError, match="ttype"):
            arguments.only_market_type(ttype, arguments.symbol("BTC/USDT"))

    @pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("1E+200000"), "1", True, 0, -0.1])
    def test_not_a_quantity(self, value: Any) -> None:
        with pytest.raises(UsageError, match="amount"):
            arguments.quantity(value)

    @pytest.mark.parametrize("value", [Decimal("0.10"), 0.25, 3])
    def test_a_quantity_keeps_its_type(self, value: Any) -> None:
        assert repr(arguments.quantity(value)) == repr(value)

    def test_lost_cancel_keeps_its_number(self) -> None:
        broker = MemoryBroker()
        with broker.trader() as user:
            broker.connect(user)
            number = user.buy("BTC/USDT", 9, 1)["entrust_no"]
            broker.lose_answer("cancel")
            with pytest.raises(OutcomeUnknownError) as caught:
                user.cancel_entrust(number)
        assert caught.value.entrust_no == number

    def test_without_a_tag_nobody_is_sent_to_find_it(self) -> None:
        broker = MemoryBroker()
        kind = replace(MemoryTrader.capabilities, tag_in="none")
        broker.trader_type = type("Untagged", (MemoryTrader,), {"capabilities": kind})
        with broker.trader() as user:
            broker.connect(user)
            broker.lose_answer("submit")
            with pytest.raises(OutcomeUnknownError) as caught:
                user.buy("BTC/USDT", 9, 1)
        assert caught.value.tag == ""
        assert "find_entrust" not in str(caught.value)


def test_a_shares_are_what_they_were() -> None:
    with easytrader.use("sim") as user:
        user.connect()
        for wrong in ("BTC/USDT", "rb2501.SHFE"):
            with pytest.raises(UsageError, match="security"):
                user.buy(wrong, 10, 100)
        with pytest.raises(UsageError, match="amount"):
            user.buy("600036", 10, 0.5)


def test_a_broken_session_is_closed() -> None:
    """断了的会话自己不收尾的，由看护线程收。"""
    broker = MemoryBroker()
    with broker.trader() as user:
        broker.connect(user)
        [first] = broker.counter.sessions
        first.listener.lost(first, "断了")
        assert user.wait(user_number(user), 30)["order_status_name"] == "已成"
        assert first not in broker.counter.sessions


def user_number(user: Any) -> Any:
    from easytrader.testing import eventually

    eventually(lambda: user.state == "已连接")
    return user.buy("BTC/USDT", 11, 1)["entrust_no"]
