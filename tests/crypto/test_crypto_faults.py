"""网络与交易所出的各种故障：没有发出、明说不收、结果未知分得清，绝不多出一笔，说的话里没有密钥。"""

from __future__ import annotations

import contextlib
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ccxt")

from crypto_desk import connect, use
from exchange_server import KEY, PASSPHRASE, SECRET, Exchange, Fault
from loguru import logger

from easytrader import errors
from easytrader.testing.broker import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.crypto.trader import CryptoTrader

pytestmark = pytest.mark.counters

HALF = Decimal("0.5")


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    one = Exchange()
    yield one
    one.stop()


@pytest.fixture
def opened(exchange: Exchange) -> Iterator[CryptoTrader]:
    with use("okx", exchange) as trader:
        connect(trader, timeout=1.0)
        yield trader


@pytest.mark.parametrize(
    ("kind", "booked"),
    [
        ("hang_before", 0), ("hang", 1), ("late", 0), ("500", 1), ("reset", 1), ("garbage", 1),
        ("drip", 1), ("429", 0), ("503", 0),
    ],
)  # fmt: skip
def test_no_clear_answer_is_unknown_and_never_doubled(
    exchange: Exchange, opened: CryptoTrader, kind: str, booked: int
) -> None:
    exchange.slow_s = 0.2
    exchange.faults.append(Fault("submit", kind))
    with pytest.raises(errors.OutcomeUnknownError) as caught:
        opened.buy("BTC/USDT", 9.5, HALF, client_order_id="grid-1")
    assert caught.value.client_order_id == "grid-1"
    assert exchange.submits() == 1
    assert len(exchange.book.orders) == booked
    number: Any = opened.buy("BTC/USDT", 9.5, HALF, client_order_id="grid-1")["entrust_no"]
    # 「迟」的那一笔这时才到：它带着同一个客户编号，交易所不收
    eventually(lambda: kind != "late" or exchange.late == 1)
    (order,) = exchange.book.orders.values()
    assert order["id"] == number


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_refused_by_the_exchange_says_why(exchange: Exchange, name: str) -> None:
    with use(name, exchange) as user:
        connect(user)
        row = user.buy("BTC/USDT", 9.5, 10_000_000, client_order_id="poor")
        assert row["entrust_no"] == -1
        assert "InsufficientFunds" in row["message"]
        exchange.book.free["USDT"] = Decimal(10**9)
        assert user.buy("BTC/USDT", 9.5, 10_000_000, client_order_id="poor")["entrust_no"] != -1


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_refusals_unknown_to_ccxt(exchange: Exchange, name: str) -> None:
    """委托的错误码，ccxt 不认得的也是明说不收；别的不认得的，不敢说没有收下。"""
    with use(name, exchange) as user:
        connect(user)
        exchange.book.refuse = "odd"
        assert user.buy("BTC/USDT", 9.5, HALF)["entrust_no"] == -1
        exchange.book.refuse = "odder"
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("BTC/USDT", 9.5, HALF)


def test_nobody_listening_is_not_sent(exchange: Exchange, opened: CryptoTrader) -> None:
    exchange.stop()
    row = opened.buy("BTC/USDT", 9.5, HALF)
    assert row["entrust_no"] == -1
    assert exchange.submits() == 0
    exchange.start(exchange.port)
    eventually(lambda: opened.state == "已连接" and opened.balance)
    row = opened.buy("BTC/USDT", 9.5, HALF)
    assert str(row["entrust_no"]) == "70001"


def test_server_restarted_is_reconnected(exchange: Exchange, opened: CryptoTrader) -> None:
    number: Any = opened.buy("BTC/USDT", 9.5, HALF)["entrust_no"]
    exchange.stop()
    eventually(lambda: opened.state != "已连接")
    exchange.start(exchange.port)
    eventually(lambda: opened.state == "已连接")
    assert opened.cancel_entrust(number)["success"] is True
    assert opened.wait(number, timeout=5)["order_status_name"] == "已撤"


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_two_machines_at_once_are_one_order(
    exchange: Exchange, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with use(name, exchange) as first, use(name, exchange) as second:
        connect(first)
        monkeypatch.setenv("EASYTRADER_HOME", str(tmp_path))  # 另一台机器：没有那边的记录
        connect(second)
        slow = Fault("orders", "hang", float("inf"))
        exchange.faults.append(slow)  # 列表慢，来不及看到
        number = _place(first, "abcdefghi")
        assert _place(second, "abcdefghi") == number
        assert exchange.submits() == 2
        exchange.faults.clear()
    assert len(exchange.book.orders) == 1


def _place(user: CryptoTrader, tag: str) -> Any:
    """绕开「恰好一次」的记录，直接交给会话：交易所自己认客户编号。"""
    from easytrader.backend.records import OrderRequest
    from easytrader.codes import PriceType
    from easytrader.crypto.markets import security_of
    from easytrader.orders.receipt import Receipt

    session: Any = user._session
    receipt: Receipt[Any] = Receipt("委托", 2.0, awaited=True)
    where, price = security_of("BTC/USDT"), Decimal("9.5")
    request = OrderRequest(where, 23, HALF, PriceType.FIX, price, "", f"~{tag}~", tag)
    session.submit(request, receipt)
    return receipt.value().order_id


def test_hung_queries_do_not_hold_up_orders(exchange: Exchange, opened: CryptoTrader) -> None:
    exchange.faults.append(Fault("orders", "hang", float("inf")))
    with pytest.raises(errors.QueryFailedError):
        _ = opened.today_entrusts
    for _ in range(3):  # 查询的线路此刻正卡着
        assert opened.buy("BTC/USDT", 9.5, HALF)["entrust_no"] != -1
    assert len(exchange.book.orders) == 3


def test_dripping_answer_does_not_hold_the_line(exchange: Exchange, opened: CryptoTrader) -> None:
    exchange.slow_s = 0.2
    exchange.faults.append(Fault("submit", "drip"))  # 二十多秒才说得完
    with pytest.raises(errors.OutcomeUnknownError):
        opened.buy("BTC/USDT", 9.5, HALF)
    assert opened.buy("BTC/USDT", 9.5, HALF)["entrust_no"] != -1


def test_a_page_from_some_proxy_is_not_the_exchange_speaking(exchange: Exchange) -> None:
    with use("htx", exchange) as user:  # ccxt 把它的 429 认作「太密」
        connect(user)
        exchange.faults.append(Fault("submit", "429"))
        with pytest.raises(errors.OutcomeUnknownError, match="RateLimitExceeded"):
            user.buy("BTC/USDT", 9.5, HALF)


def test_cancel_what_cannot_be_cancelled(exchange: Exchange, opened: CryptoTrader) -> None:
    assert opened.cancel_entrust(_any("123456"))["success"] is False
    number: Any = opened.buy("BTC/USDT", 10.5, HALF)["entrust_no"]
    assert opened.cancel_entrust(number)["success"] is False
    assert exchange.book.orders[number]["state"] == "filled"


def test_cancel_after_a_restart_finds_the_symbol(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user)
        number: Any = user.buy("BTC/USDT", 9.5, HALF)["entrust_no"]
    with use("okx", exchange) as again:
        connect(again)
        assert again.cancel_entrust(number)["success"] is True
    assert exchange.book.orders[number]["state"] == "canceled"


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_secrets_are_nowhere(exchange: Exchange, name: str) -> None:
    told: list[str] = []
    sink = logger.add(told.append, level="TRACE")
    try:
        with use(name, exchange) as user:
            user._log.debug_on = True
            connect(user, timeout=0.5)
            for verb in ("submit", "cancel", "orders"):
                for kind in ("reset", "garbage"):
                    exchange.faults.append(Fault(verb, kind))
                    with contextlib.suppress(errors.EasytraderError):
                        user.buy("BTC/USDT", 9.5, HALF)
                    with contextlib.suppress(errors.EasytraderError):
                        told.append(str(user.cancel_entrust(_any("70001"))))
                    try:
                        told.append(str(user.today_entrusts))
                    except errors.EasytraderError as exc:
                        told += [str(exc), repr(exc), repr(exc.__context__), repr(exc.__cause__)]
            told += [repr(user), str(user.status)]
        with use(name, exchange) as wrong, pytest.raises(errors.ConnectFailedError) as caught:
            wrong.connect(KEY[::-1], SECRET, PASSPHRASE)
        told += [str(caught.value), str(caught.getrepr())]
    finally:
        logger.remove(sink)
    text = "\n".join(told)
    assert "AuthenticationError" in text
    for secret in (SECRET, PASSPHRASE, KEY, KEY[::-1], "Signature=", "AccessKeyId="):
        assert secret not in text.replace("wrong.connect(KEY[::-1], SECRET, PASSPHRASE)", "")


def test_environment_proxies_are_not_used(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with use("okx", exchange) as user:
        connect(user)
        assert user.balance[0]["currency"] == "USDT"


def _any(number: Any) -> Any:
    """字符串的编号。"""
    return number
