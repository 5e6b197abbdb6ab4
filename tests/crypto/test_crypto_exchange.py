"""真的 ccxt 连着记账的交易所：资金、持仓、翻页、合约、行情、连接的选项。"""

from __future__ import annotations

import gc
import json
import time
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ccxt")

from crypto_desk import connect, use
from exchange_server import KEY, PASSPHRASE, SECRET, Exchange

import easytrader
from easytrader import errors
from easytrader.crypto import session, table
from easytrader.crypto.client import Client
from easytrader.crypto.trader import CryptoTrader

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters

HALF = Decimal("0.5")


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    one = Exchange()
    yield one
    one.stop()


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_money_is_decimal_and_adds_up(exchange: Exchange, name: str) -> None:
    exchange.book.free.update(USDT=Decimal("1000.3"), BTC=Decimal("0.7"))
    with use(name, exchange) as user:
        connect(user)
        number = user.buy("btcusdt", 9.5, HALF)["entrust_no"]
        main, coins = user.balance
        assert [main["currency"], coins["currency"]] == ["USDT", "BTC"]
        assert main["cash"] == Decimal("1000.3") - Decimal("4.75")
        assert main["frozen_cash"] == Decimal("4.75")
        assert main["total_asset"] == Decimal("1000.3") + 7
        assert main["market_value"] == 7
        (held,) = user.position
        assert held["stock_code"] == "BTC/USDT"
        assert str(held["volume"]) == "0.7"
        assert held["market_value"] == 7
        assert all(isinstance(main[key], Decimal) for key in ("cash", "total_asset"))
        assert user.cancel_entrust(number)["success"] is True
        sold = user.market_sell("BTC/USDT", Decimal("0.2"))["entrust_no"]
        user.wait(sold, timeout=5)
        assert user.position[0]["volume"] == HALF
        assert user.balance[0]["cash"] == Decimal("1002.3")
        json.dumps([user.balance, user.position, user.today_trades], default=str)


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_long_lists_are_read_to_the_end(
    exchange: Exchange, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "_PAGE", 3)
    exchange.page = 3
    place = exchange.book.place
    for _ in range(8):
        place("BTC-USDT", "buy", "limit", HALF, Decimal(11), "")
    for _ in range(7):
        exchange.book.cancel(place("BTC-USDT", "buy", "limit", HALF, Decimal(9), ""))
    with use(name, exchange) as user:
        connect(user)
        states = [each["order_status_name"] for each in user.today_entrusts]
        assert (states.count("已成"), states.count("已撤")) == (8, 7)
        assert len({each["traded_id"] for each in user.today_trades}) == 8


def test_list_that_cannot_be_read_whole_is_no_answer(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    with use("htx", exchange) as user:
        connect(user)
        monkeypatch.setattr(session, "_PAGE", 3)
        exchange.page = 3
        for _ in range(4):
            exchange.book.place("BTC-USDT", "buy", "limit", HALF, Decimal(11), "")
        for each in exchange.book.orders.values():
            each["time"] = int(time.time() * 1000)  # 同一毫秒里的超过一页
        with pytest.raises(errors.QueryFailedError, match="不完整"):
            _ = user.today_entrusts


def test_orders_placed_by_hand_are_seen_and_never_taken_for_ours(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user)
        exchange.book.place("BTC-USDT", "buy", "limit", HALF, Decimal(9), "etnotours0000001")
        (row,) = user.today_entrusts
        assert row["order_remark"] == ""
        assert user.cancel_all() == [
            {"entrust_no": row["order_id"], "success": True, "message": "success"}
        ]


def test_exchange_that_lists_by_pair_remembers_the_pairs(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    """像 binance：查委托要给交易对。买卖过的记在文件里，重启之后还去那里看。"""
    monkeypatch.setattr("easytrader.crypto.trader._needs_symbols", lambda *_: True)
    needed = {"symbolRequired": True, "limit": 100}
    monkeypatch.setattr(session.CryptoSession, "_feature", lambda *_: needed)
    with use("okx", exchange) as user:
        connect(user)
        number = user.buy("BTC/USDT", 9.5, HALF, client_order_id="a")["entrust_no"]
    with use("okx", exchange) as again:
        connect(again)
        assert [each["order_id"] for each in again.today_entrusts] == [number]
        assert again.cancel_entrust(number)["success"] is True
    with use("okx", exchange) as other:
        connect(other, account="别的名字")
        assert other.today_entrusts == []
        connect(other, account="别的名字", symbols=["BTC/USDT"])
        assert [each["order_id"] for each in other.today_entrusts] == [number]


def test_swap_counts_contracts(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user, market_type="swap")
        (contract,) = user.contracts("btc")
        assert contract["stock_code"] == "BTC/USDT:USDT"
        assert contract["contract_size"] == Decimal("0.01")
        with pytest.raises(errors.UsageError, match="BTC/USDT:USDT"):
            user.buy("BTC/USDT", 10.5, 2)
        with pytest.raises(errors.UsageError, match="整数倍"):
            user.buy("BTC-USDT-SWAP", 10.5, HALF)
        number = user.sell("BTC-USDT-SWAP", 9.5, 2)["entrust_no"]
        assert user.wait(number, timeout=5)["order_status_name"] == "已成"
        (held,) = user.position
        assert held["volume"] == 2
        assert held["direction"] == 49
        (trade,) = user.today_trades
        assert trade["traded_amount"] == Decimal("0.2")  # 2 张 × 0.01 × 10


@pytest.mark.parametrize("name", ["okx", "htx"])
def test_quote_and_last_price(exchange: Exchange, name: str) -> None:
    with use(name, exchange) as user:
        connect(user)
        row = user.quote("btc-usdt")["btc-usdt"]
        assert row["stock_code"] == "BTC/USDT"
        assert row["last"] == 10
        assert row["bids"][0][0] == Decimal("9.9")
        user.guard = {"max_order_value": 4}
        with pytest.raises(errors.RiskRefusedError):
            user.market_buy("BTC/USDT", HALF)


def test_remark_and_strategy_of_this_process_come_back(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user)
        number = user.buy("BTC/USDT", 10.5, HALF, remark="网格 3", strategy_name="grid")
        row: Any = user.wait(number["entrust_no"], timeout=5)
        (trade,) = user.today_trades
        assert [row["order_remark"], row["strategy_name"]] == ["网格 3", "grid"]
        assert [trade["order_remark"], trade["strategy_name"]] == ["网格 3", "grid"]


def test_the_proxy_given_is_used(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        with pytest.raises(errors.ConnectFailedError):
            connect(user, proxy="http://127.0.0.1:9")
        for wrong in ("127.0.0.1:9", "ftp://a:1", 9):
            with pytest.raises(errors.UsageError, match="proxy"):
                connect(user, proxy=wrong)
        for name in ("options", "symbols"):
            with pytest.raises(errors.UsageError, match=name):
                connect(user, **{name: 3})
        assert exchange.requests == []


def test_amounts_are_refused_not_rounded(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user)
        with pytest.raises(errors.UsageError, match=r"0\.1 的整数倍，最近的是 9\.5 或 9\.6"):
            user.buy("BTC/USDT", 9.55, HALF)
        with pytest.raises(errors.UsageError, match=r"最近的是 0\.3 或 0\.30000001"):
            user.buy("BTC/USDT", 9.5, 0.1 + 0.2)
        with pytest.raises(errors.UsageError, match=r"至少 0\.00001"):
            user.market_buy("BTC/USDT", Decimal("0.000001"))
        with pytest.raises(errors.UsageError, match="不开放"):
            user.buy("LUNA/USDT", 9.5, 1)
        with pytest.raises(errors.UsageError, match="BTC/USDT"):
            user.buy("BTC/USTD", 9.5, 1)
        assert exchange.submits() == 0


def test_sandbox(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        connect(user, 服务器="TESTNET")
        assert exchange.simulated
    with use("htx", exchange) as none, pytest.raises(errors.UnsupportedError, match="模拟盘"):
        connect(none, sandbox=True)


def test_seed_fields_connect(exchange: Exchange) -> None:
    with easytrader.use("OKX", base_url=exchange.url) as user:
        user.connect(
            API秘钥=KEY, 密码秘钥=SECRET, 密码=PASSPHRASE, 会话数=3, 代理地址="", 代理端口="",
            服务器="REAL",
        )  # fmt: skip
        assert user.state == "已连接"
        assert isinstance(user, CryptoTrader)


def test_nobody_holding_it_disconnects(exchange: Exchange) -> None:
    user = use("okx", exchange)
    connect(user)
    gone = weakref.ref(user)
    del user
    gc.collect()
    assert gone() is None  # 引擎不拿着交易口；没有人要的会自己断开


def test_missing_credentials_are_told_before_the_network(exchange: Exchange) -> None:
    with use("okx", exchange) as user:
        with pytest.raises(errors.UsageError, match="password"):
            user.connect(KEY, SECRET)
        with pytest.raises(errors.UsageError, match="api_key"):
            user.connect(secret=SECRET, password=PASSPHRASE)
        assert exchange.requests == []


def test_every_name_of_ccxt(exchange: Exchange) -> None:
    assert easytrader.use("ccxt", exchange="Huobi").capabilities.name == "加密货币（htx）"
    assert easytrader.use("ccxt", exchange="kraken").capabilities.tag_in == "none"
    with pytest.raises(errors.UnsupportedError, match="2026-09-23"):
        easytrader.use("ccxt", exchange="BitMEX")
    with pytest.raises(errors.UsageError, match="binance"):
        easytrader.use("ccxt", exchange="binanse")
    lacking = easytrader.use("ccxt", exchange="upbit")  # 没有成交明细
    with pytest.raises(errors.UnsupportedError, match="fetchMyTrades"):
        lacking.connect(KEY, SECRET)
    with use("okx", exchange) as user, pytest.raises(errors.UsageError, match="maxRetries"):
        connect(user, options={"maxRetriesOnFailure": 3})


@pytest.mark.parametrize("name", sorted(table.KNOWN))
def test_our_client_id_really_goes_out(name: str) -> None:
    """表里写着带得了客户编号的：ccxt 造的请求里真的有它。"""
    client = Client(name, {"apiKey": "a" * 32, "secret": "YWFh", "password": "p"}, "", [])
    exchange, sent = client.exchange, []
    symbol = "BTC/USDT:USDT" if name == "binanceusdm" else "BTC/USDT"
    kind = "swap" if ":" in symbol else "spot"
    market = {
        "id": "BTCUSDT", "symbol": symbol, "base": "BTC", "quote": "USDT", "baseId": "BTC",
        "quoteId": "USDT", "type": kind, kind: True, "active": True, "contract": kind == "swap",
        "linear": kind == "swap", "settle": "USDT", "settleId": "USDT", "contractSize": 1,
        "precision": {"amount": 0.001, "price": 0.1}, "limits": {},
        "info": {"orderTypes": ["LIMIT"]},
    }  # fmt: skip
    exchange.set_markets([exchange.safe_market_structure(market)])
    exchange.accounts = [{"id": "7", "type": "spot", "info": {}}]
    exchange.options.update(enableUnifiedAccount=False, enableUnifiedMargin=False, uta=False)

    def fetch(url: str, method: str = "GET", headers: Any = None, body: Any = None) -> Any:
        sent.append(f"{url} {body}")
        raise RuntimeError("没有网")

    exchange.fetch = fetch
    params = {"clientOrderId": table.client_id("abc123xyz")}
    with pytest.raises(RuntimeError):
        exchange.create_order(symbol, "limit", "buy", "0.5", "9.5", params)
    assert "etabc123xyz" in sent[-1]
    client.close()


@pytest.mark.parametrize("written", ["BTC-USDT", "btcusdt", "BTC/USDT"])
def test_block_list_is_known_however_it_is_written(exchange: Exchange, written: str) -> None:
    with use("okx", exchange) as user:
        user.guard = {"block": [written]}
        connect(user)
        with pytest.raises(errors.RiskRefusedError, match="BTC/USDT"):
            user.buy("btcusdt", 9.5, HALF)
        assert exchange.book.orders == {}


def test_real_and_sandbox_at_once_is_refused(exchange: Exchange) -> None:
    with use("okx", exchange) as user, pytest.raises(errors.UsageError, match="sandbox"):
        connect(user, sandbox=True, 服务器="REAL")
