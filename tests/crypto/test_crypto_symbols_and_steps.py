"""交易对的写法、最小变动：不用 ccxt 的那些规矩；旧文档的字段；客户编号。"""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader import errors
from easytrader.backend.records import Order, Side
from easytrader.codes import OrderStatus
from easytrader.crypto import client, fields, table
from easytrader.crypto.ledger import Ledger
from easytrader.crypto.markets import Markets

if TYPE_CHECKING:
    from pathlib import Path

TICK, PLACES, DIGITS = 4, 2, 3


def market(symbol: str, code: str, kind: str = "spot", **more: Any) -> dict[str, Any]:
    return {
        "symbol": symbol, "id": code, "type": kind, "active": True, "quote": "USDT",
        "precision": {"amount": Decimal("0.001"), "price": Decimal("0.05")},
        "limits": {"amount": {"min": Decimal("0.01"), "max": 1000}, "cost": {"min": 5}}, **more,
    }  # fmt: skip


FOUND = {
    each["symbol"]: each
    for each in (
        market("BTC/USDT", "BTC-USDT"), market("ETH/USDT", "ethusdt"),
        market("BTC/USDT:USDT", "BTC-USDT-SWAP", "swap", contractSize=Decimal("0.01")),
        market("BTC/USD:BTC", "BTC-USD-SWAP", "swap", contractSize=100, inverse=True),
        market("OLD/USDT", "OLD-USDT", active=False),
    )
}  # fmt: skip


@pytest.mark.parametrize("text", ["BTC/USDT", "btc/usdt", "BTC-USDT", "btcusdt", "BTC_USDT"])
def test_one_pair_many_spellings(text: str) -> None:
    assert Markets(FOUND, "spot", TICK).security(text).stock_code == "BTC/USDT"


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        ("spot", "BTC/USDC", "BTC/USDT"), ("spot", "OLD/USDT", "不开放"), ("spot", "??", "没有"),
        ("spot", "BTC/USDT:USDT", "没有"), ("swap", "BTC/USDT", "BTC/USDT:USDT"),
        ("spot", "  BTC/USDT", "空白"), ("spot", "", "security"), ("spot", None, "security"),
    ],
)  # fmt: skip
def test_wrong_pairs_are_told(kind: str, text: Any, told: str) -> None:
    with pytest.raises(errors.UsageError, match=told):
        Markets(FOUND, kind, TICK).security(text)


@pytest.mark.parametrize(
    ("mode", "precision", "good", "bad", "near"),
    [
        (TICK, Decimal("0.05"), "9.55", "9.52", "9.5 或 9.55"),
        (TICK, 1e-08, "0.00000012", "0.000000001", "0.00000001"),
        (PLACES, 3, "1.234", "1.2345", "1.234 或 1.235"),
        (DIGITS, 5, "12345", "12345.6", "12345 或 12346"),
        (DIGITS, 5, "0.0012345", "0.00123456", "0.0012345 或 0.0012346"),
    ],
)
def test_steps_are_exact(mode: int, precision: Any, good: str, bad: str, near: str) -> None:
    found = {"A/B": market("A/B", "ab", precision={"amount": precision}, limits={})}
    markets = Markets(found, "spot", mode)
    assert markets.check("A/B", Decimal(good), None) == (Decimal(good), Decimal(0))
    assert markets.check("A/B", float(good), None)[0] == Decimal(good)
    with pytest.raises(errors.UsageError, match=f"最近的是 {near}") as caught:
        markets.check("A/B", Decimal(bad), None)
    assert caught.value.argument == "amount"


@pytest.mark.parametrize(
    ("amount", "price", "told"),
    [("0.009", "10", "至少 0.01"), ("1001", "10", "最多 1000"), ("0.01", "10", "一笔至少 5"),
     ("1", "10.01", "价格")],
)  # fmt: skip
def test_limits(amount: str, price: str, told: str) -> None:
    with pytest.raises(errors.UsageError, match=told):
        Markets(FOUND, "spot", TICK).check("BTC/USDT", Decimal(amount), Decimal(price))


def test_value_of_contracts() -> None:
    markets = Markets(FOUND, "swap", TICK)
    assert markets.value("BTC/USDT:USDT", Decimal(50_000), Decimal(2)) == 1000
    assert markets.value("BTC/USD:BTC", Decimal(50_000), Decimal(2)) == Decimal("0.004")
    (row,) = markets.rows("usdt")
    assert (row["contract_size"], row["amount_step"]) == (Decimal("0.01"), Decimal("0.001"))


def test_fields_of_the_old_pages() -> None:
    given = {"API秘钥": "k", "Secret Key": "s", "密码": "p", "会话数": 3, "服务器": "TESTNET",
             "代理地址": "127.0.0.1", "代理端口": 1080}  # fmt: skip
    assert fields.fold(given, frozenset()) == {
        "api_key": "k", "secret": "s", "password": "p", "sandbox": True,
        "proxy": "http://127.0.0.1:1080",
    }  # fmt: skip
    assert fields.fold({"代理地址": "", "代理端口": "", "Server": "REAL"}, frozenset()) == {
        "sandbox": False
    }


def test_wrong_fields_do_not_show_their_values() -> None:
    with pytest.raises(errors.UsageError, match="是不是 api_key") as caught:
        fields.fold({"apikey": "my-secret-value"}, frozenset({"api_key"}))
    assert "my-secret" not in str(caught.value)
    with pytest.raises(errors.UsageError, match="说了两遍"):
        fields.fold({"密码": "a", "Passphrase": "b"}, frozenset())
    with pytest.raises(errors.UsageError, match="TESTNET"):
        fields.fold({"服务器": "MOON"}, frozenset())
    assert fields.fold({"Spread Trading": "False", "Margin Currency": ""}, frozenset()) == {}
    with pytest.raises(errors.UsageError, match="Spread Trading"):
        fields.fold({"Spread Trading": "True"}, frozenset())


def test_client_ids() -> None:
    name = table.client_id("abc123xyz")
    assert name.isalnum()
    assert len(name) <= 18  # kraken 最多 18 个字
    assert table.tag_of(name) == table.tag_of(f"t-{name}") == "abc123xyz"
    for other in ("", None, "et123", "etABC123XYZ", "brokeretabc123xyz", 12):
        assert table.tag_of(other) == ""


@pytest.mark.parametrize("name", ["okx", "OKEX", "火币", "htx", "huobi"])
def test_doors(name: str) -> None:
    user = easytrader.use("ccxt", exchange=name)
    assert user.capabilities.tag_in == "client_id"
    with pytest.raises(errors.NotConnectedError):
        user.buy("BTC/USDT", 1, 1)


def test_closed_exchange_says_so() -> None:
    with pytest.raises(errors.UnsupportedError, match="2026-09-23 关闭"):
        easytrader.use("ccxt", exchange="bitmex")


@pytest.mark.parametrize("url", ["127.0.0.1:80", "ftp://a", "", 80])
def test_wrong_server(url: Any) -> None:
    with pytest.raises(errors.UsageError, match="base_url"):
        easytrader.use("okx", base_url=url)


def test_ccxt_is_imported_only_to_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import sys, easytrader; easytrader.use('okx'); easytrader.use('htx'); "
        "sys.exit('ccxt' in sys.modules or 'requests' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    monkeypatch.setitem(sys.modules, "ccxt", None)
    with pytest.raises(errors.MissingDependencyError, match=r"easytrader\[crypto\]"):
        client.library()


def order(number: str, status: OrderStatus, when: int) -> Order:
    return Order(
        stock_code="BTC/USDT", order_id=number, side=Side.BUY, order_volume=1, price=1,
        order_status=status, order_time=when,
    )  # fmt: skip


def test_ledger_keeps_what_the_exchange_forgets(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_796_000_000.0  # 2026-11-30 00:53 UTC
    monkeypatch.setattr("easytrader.crypto.ledger.time.time", lambda: now)
    ledger, today = Ledger(None), int(now)
    ledger.met([order("1", OrderStatus.CANCELED, today), order("2", OrderStatus.REPORTED, today)])
    ledger.met([order("1", OrderStatus.REPORTED, today)])  # 慢一步的列表
    ledger.met([order("3", OrderStatus.REPORTED, today - 86_400)])  # 昨天下的，还挂着
    ledger.met([order("4", OrderStatus.SUCCEEDED, today - 86_400)])
    assert {str(each.order_id): each.order_status for each in ledger.orders()} == {
        "1": 54, "2": 50, "3": 50,
    }  # fmt: skip
    assert ledger.unfinished().keys() == {"2", "3"}


def test_ledger_says_when_an_order_is_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("easytrader.crypto.ledger.time.monotonic", lambda: clock[0])
    ledger = Ledger(None)
    ledger.placed("1", "BTC/USDT")
    ledger.met([order("1", OrderStatus.REPORTED, 2_000_000_000)])
    ledger.missing("1")  # 刚下的：查询慢
    assert ledger.unfinished().keys() == {"1"}
    clock[0] = 61.0
    ledger.missing("1")
    (row,) = ledger.orders()
    assert (row.order_status, row.status_msg) == (255, "交易所查不到它了")
    assert not ledger.unfinished()


def test_traded_pairs_survive_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "账户 甲" / "symbols.txt"
    first = Ledger(path)
    for symbol in ("BTC/USDT", "ETH/USDT", "BTC/USDT"):
        first.begin(symbol)
    assert list(Ledger(path).traded) == ["BTC/USDT", "ETH/USDT"]
