"""VeighNa 的对象怎样变成我们的：不要 VeighNa，假的对象只有名字。"""

from __future__ import annotations

import socket
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from easytrader.backend.records import Side
from easytrader.basics.beijing import BEIJING
from easytrader.basics.log import Log
from easytrader.codes import AccountType, Direction, OrderStatus, OtherAccountType
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.gateways import convert, instruments, package
from easytrader.gateways.book import Book
from easytrader.gateways.connector import check_reachable
from easytrader.gateways.logs import Logs, about_quotes
from easytrader.gateways.ready import Ready, is_final, login_of

DBL_MAX = 1.7976931348623157e308


class Named:
    """枚举成员：``value`` 随语言变，``name`` 不变。"""

    def __init__(self, name: str) -> None:
        self.name, self.value = name, f"译文-{name}"


def contract(
    symbol: str = "600036", exchange: str = "SSE", product: str = "EQUITY", **more: Any
) -> SimpleNamespace:
    given = {
        "name": f"{symbol}的名称", "size": 1, "pricetick": 0.01, "min_volume": 100,
        "max_volume": None, "stop_supported": False, "net_position": product == "EQUITY",
        "option_strike": None, "option_underlying": None, "option_type": None,
        "option_expiry": None, "gateway_name": "SIM", **more,
    }  # fmt: skip
    return SimpleNamespace(symbol=symbol, exchange=Named(exchange), product=Named(product), **given)


def order(**more: Any) -> SimpleNamespace:
    given = {
        "symbol": "600036", "exchange": Named("SSE"), "orderid": "1_1", "type": Named("LIMIT"),
        "direction": Named("LONG"), "offset": Named("NONE"), "price": 40.0, "volume": 100.0,
        "traded": 0.0, "status": Named("NOTTRADED"), "datetime": None, "reference": "",
        "extra": None, "gateway_name": "SIM", **more,
    }  # fmt: skip
    return SimpleNamespace(**given)


def position(**more: Any) -> SimpleNamespace:
    given = {
        "symbol": "600036", "exchange": Named("SSE"), "direction": Named("NET"), "volume": 1000,
        "frozen": 300, "price": 40.0, "pnl": 500.0, "yd_volume": 800, "gateway_name": "SIM", **more,
    }  # fmt: skip
    return SimpleNamespace(**given)


def trade(**more: Any) -> SimpleNamespace:
    given = {
        "symbol": "rb2510", "exchange": Named("SHFE"), "orderid": "1_1", "tradeid": "7",
        "direction": Named("LONG"), "offset": Named("OPEN"), "price": 3500.5, "volume": 3,
        "datetime": None, "vt_symbol": "rb2510.SHFE", "gateway_name": "SIM", **more,
    }  # fmt: skip
    return SimpleNamespace(**given)


def account(**more: Any) -> SimpleNamespace:
    given = {
        "accountid": "100", "balance": 1000.0, "frozen": 100.0, "available": 700.0,
        "gateway_name": "SIM", **more,
    }  # fmt: skip
    return SimpleNamespace(**given)


def book_of(*contracts: Any) -> Book:
    book = Book("SIM")
    for each in contracts:
        book.take("contract", each)
    return book


class TestOrders:
    @pytest.mark.parametrize(
        ("status", "traded", "expected"),
        [
            ("SUBMITTING", 0, OrderStatus.WAIT_REPORTING),
            ("NOTTRADED", 0, OrderStatus.REPORTED),
            ("PARTTRADED", 50, OrderStatus.PART_SUCC),
            ("ALLTRADED", 100, OrderStatus.SUCCEEDED),
            ("CANCELLED", 0, OrderStatus.CANCELED),
            ("CANCELLED", 50, OrderStatus.PART_CANCEL),
            ("REJECTED", 0, OrderStatus.JUNK),
            ("将来的", 0, OrderStatus.UNKNOWN),
        ],
    )
    def test_status_is_read_by_name(self, status: str, traded: float, expected: int) -> None:
        found = convert.order(order(status=Named(status), traded=traded), contract(), "1")
        assert found.order_status == expected

    @pytest.mark.parametrize(
        ("direction", "offset", "side", "holds"),
        [
            ("LONG", "OPEN", Side.BUY, Direction.LONG),
            ("SHORT", "OPEN", Side.SHORT, Direction.SHORT),
            ("SHORT", "CLOSE", Side.SELL, Direction.LONG),
            ("SHORT", "CLOSETODAY", Side.SELL, Direction.LONG),
            ("LONG", "CLOSEYESTERDAY", Side.COVER, Direction.SHORT),
        ],
    )
    def test_futures_have_four_sides(
        self, direction: str, offset: str, side: Side, holds: Direction
    ) -> None:
        data = order(
            symbol="rb2510", exchange=Named("SHFE"), direction=Named(direction),
            offset=Named(offset),
        )  # fmt: skip
        found = convert.order(data, contract("rb2510", "SHFE", "FUTURES"), "1")
        assert (found.side, found.direction) == (side, holds)
        assert found.account_type == AccountType.FUTURE

    def test_stock_that_wants_open_and_close_still_only_buys_and_sells(self) -> None:
        found = convert.order(order(direction=Named("SHORT"), offset=Named("OPEN")), None, "1")
        assert found.side is Side.SELL

    def test_time_may_be_missing_naive_or_aware(self) -> None:
        naive = datetime(2026, 11, 30, 9, 30)  # noqa: DTZ001  有的接口就给这样的
        aware = naive.replace(tzinfo=BEIJING)
        assert convert.epoch(naive) == int(aware.timestamp())
        assert convert.epoch(aware.astimezone(timezone(timedelta(hours=-5)))) == int(
            aware.timestamp()
        )
        assert convert.order(order(), None, "1", seen_at=123.0).order_time == 123

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Shanghai", "America/New_York"])
    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="Windows 换不了进程的时区")
    def test_naive_time_is_the_latest_that_is_not_ahead(
        self, zone: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        try:
            seen_at = 1_796_000_000.0
            for tz in (BEIJING, None):  # 北京的钟，这台机器的钟
                naive = datetime.fromtimestamp(seen_at - 5, tz).replace(tzinfo=None)
                assert convert.epoch(naive, seen_at) == seen_at - 5
            ahead = datetime.fromtimestamp(seen_at + 3 * 86400).replace(tzinfo=None)  # noqa: DTZ006
            assert convert.epoch(ahead, seen_at) == seen_at
        finally:
            monkeypatch.undo()
            time.tzset()

    def test_market_order_has_no_price(self) -> None:
        found = convert.order(order(type=Named("MARKET"), price=0), contract(), "1")
        assert found.price == 0.0
        assert found.price_type != convert.order(order(), contract(), "1").price_type

    def test_absent_numbers_are_zero(self) -> None:
        found = convert.order(order(price=DBL_MAX, traded=float("nan")), contract(), "1")
        assert (found.price, found.traded_volume) == (0.0, 0)

    def test_whole_volumes_are_integers_and_decimals_stay(self) -> None:
        assert repr(convert.number(100.0)) == "100"
        assert convert.number(0.5) == 0.5
        assert convert.number(Decimal("0.10")) == Decimal("0.10")

    def test_trade_amount_counts_the_multiplier(self) -> None:
        found = convert.trade(trade(), contract("rb2510", "SHFE", "FUTURES", size=10), "1")
        assert found.traded_amount == 105015.0
        assert found.stock_code == "rb2510.SHFE"


class TestPositionsAndAssets:
    def test_net_position_of_a_stock(self) -> None:
        found = convert.position(position(), contract(), "1")
        assert (found.volume, found.can_use_volume, found.yesterday_volume) == (1000, 700, 800)
        assert found.stock_code == "600036.SH"
        assert found.market_value == 40_500.0  # 成本加浮动盈亏
        assert found.instrument_name == "600036的名称"

    def test_last_price_wins_over_the_profit(self) -> None:
        assert convert.position(position(), contract(), "1", 41.0).market_value == 41_000.0

    def test_negative_net_is_short(self) -> None:
        found = convert.position(position(volume=-2, frozen=0), None, "1")
        assert (found.volume, found.direction) == (2, Direction.SHORT)

    def test_frozen_more_than_held_is_nothing_left(self) -> None:
        assert convert.position(position(frozen=5000), contract(), "1").can_use_volume == 0

    def test_available_is_what_the_gateway_says(self) -> None:
        found = convert.asset(account(), int(AccountType.STOCK), 300.0, "x")
        assert (found.total_asset, found.cash, found.market_value) == (1000.0, 700.0, 300.0)

    def test_tora_subtracts_twice(self) -> None:
        found = convert.asset(
            account(available=900.0), int(AccountType.STOCK), 300.0, "x", cash_is_balance=True
        )
        assert (found.total_asset, found.cash) == (1400.0, 1000.0)

    @pytest.mark.parametrize(
        ("accountid", "kind", "expected"),
        [
            ("DU123.USD", OtherAccountType.OVERSEAS, ("DU123", "USD")),
            ("USDT", OtherAccountType.CRYPTO, ("mine", "USDT")),
            ("8888", AccountType.FUTURE, ("8888", "")),
            ("8888.CNY", AccountType.FUTURE, ("8888", "")),
        ],
    )
    def test_currency_of_an_account(
        self, accountid: str, kind: int, expected: tuple[str, str]
    ) -> None:
        found = convert.asset(account(accountid=accountid), int(kind), 0.0, "mine")
        assert (found.account_id, found.currency) == expected


class TestBook:
    def test_other_gateways_are_not_mine(self) -> None:
        book = Book("SIM")
        assert not book.take("order", order(gateway_name="CTP"))
        assert book.orders == {}

    def test_sold_out_holdings_are_gone(self) -> None:
        book = Book("SIM")
        book.take("position", position())
        book.take("position", position(volume=0))
        assert book.positions() == []

    @pytest.mark.parametrize(("apart_s", "left"), [(3.0, 0), (0.1, 1)])
    def test_last_lot_that_is_never_mentioned_again_is_gone(
        self, monkeypatch: pytest.MonkeyPatch, apart_s: float, left: int
    ) -> None:
        now = [100.0]
        clock = SimpleNamespace(monotonic=lambda: now[0], time=time.time)
        monkeypatch.setattr("easytrader.gateways.book.time", clock)
        book, held = Book("SIM"), position(symbol="rb2510", exchange=Named("SHFE"))
        book.take("position", held)
        now[0] += apart_s
        book.take("trade", trade(offset=Named("CLOSE"), direction=Named("SHORT")))
        assert len(book.positions()) == 1
        assert len(book.positions(now[0] + 1)) == left
        book.take("position", held)
        assert len(book.positions(now[0] + 1)) == 1

    def test_gateway_may_keep_changing_its_object(self) -> None:
        book, data = Book("SIM"), order()
        book.take("order", data)
        data.status = Named("ALLTRADED")
        assert book.orders["1_1"].status.name == "NOTTRADED"

    def test_same_trade_twice_counts_once(self) -> None:
        book = Book("SIM")
        book.take("trade", trade(price=10.0, volume=1))
        book.take("trade", trade(price=10.0, volume=1))
        book.take("trade", trade(price=13.0, volume=2, tradeid="8"))
        assert book.average_of("1_1") == 12.0
        assert book.average_of("2") == 0.0

    def test_waiting_ends_when_it_comes(self) -> None:
        book = Book("SIM")
        thread = threading.Timer(0.01, lambda: book.take("order", order()))
        thread.start()
        assert book.wait_for(lambda: book.orders, time.monotonic() + 5)
        thread.join()


class TestReady:
    def test_account_and_contract(self) -> None:
        book = Book("SIM")
        ready = Ready(book)
        assert ready.missing == ["资金", "合约"]
        book.take("account", account())
        assert not ready.done
        book.take("contract", contract())
        assert ready.done

    def test_account_alone_where_contracts_are_asked_for(self) -> None:
        book = Book("SIM")
        book.take("account", account())
        assert Ready(book, "account").done

    @pytest.mark.parametrize(
        ("line", "fatal"),
        [
            ("交易服务器登录失败，代码：3，信息：CTP:不合法的登录", True),
            ("交易服务器授权验证失败，代码：63", True),
            ("行情服务器登录失败，代码：3", False),
            ("登录失败", True),
            ("Login Failed: bad key", True),
            ("交易服务器登录成功", False),
        ],
    )
    def test_fatal_lines(self, line: str, fatal: bool) -> None:
        ready = Ready(Book("SIM"))
        ready.heard(line)
        assert bool(ready.failed) is fatal

    @pytest.mark.parametrize(
        ("line", "lost"),
        [
            ("交易服务器连接断开，原因：4097", True),
            ("行情服务器连接断开，原因：4097", False),
            ("Websocket disconnected", True),
            ("合约信息查询成功", False),
        ],
    )
    def test_lost_lines(self, line: str, lost: bool) -> None:
        assert Ready(Book("SIM")).is_lost(line) is lost

    def test_wrong_password_is_for_good_and_starting_up_is_not(self) -> None:
        assert is_final("交易服务器登录失败，代码：3，信息：CTP:不合法的登录")
        assert not is_final("交易服务器登录失败，代码：7，信息：CTP:还没有初始化")

    def test_login_status_wherever_it_is(self) -> None:
        assert login_of(SimpleNamespace(td_api=SimpleNamespace(login_status=True))) is True
        assert login_of(SimpleNamespace(api=SimpleNamespace(status=False))) is False
        assert login_of(SimpleNamespace()) is None
        assert login_of(SimpleNamespace(connected=False)) is False
        assert login_of(SimpleNamespace(td_api=SimpleNamespace(login_status="?"))) is None


class TestLogs:
    def test_secrets_and_length(self) -> None:
        logs = Logs(Log(), "SIM", ["hunter2-secret"])
        line = logs.take(f"登录 hunter2-secret 成功\n{'x' * 5000}")
        assert "hunter2" not in line.text
        assert len(line.text) <= 300
        assert "\n" not in line.text

    def test_long_line_keeps_both_ends(self) -> None:
        logs = Logs(Log(), "SIM", ["hunter2-secret"])
        middle = "x" * 9_995 + "hunter2-secret" + "y" * 3_000_000
        line = logs.take(f"请求失败 {middle} ConnectionError: 拒绝连接")
        assert line.text.startswith("请求失败 xxx")
        assert line.text.endswith("ConnectionError: 拒绝连接")
        assert len(line.text) == 300
        assert "hunter" not in line.text

    def test_only_what_came_after_the_mark(self) -> None:
        logs = Logs(Log(), "SIM")
        logs.take("以前的")
        mark = logs.mark()
        logs.take("以后的")
        assert logs.since(mark) == ["以后的"]
        assert logs.last(1) == ["以后的"]

    def test_flood_keeps_the_last_thousand(self) -> None:
        logs = Logs(Log(), "SIM")
        for number in range(3000):
            logs.take(f"失败 {number}")
        assert len(logs.since(0)) == 1000
        assert logs.last(1) == ["失败 2999"]

    def test_both_sides_in_one_line_is_not_only_quotes(self) -> None:
        assert about_quotes("行情服务器登录失败")
        assert not about_quotes("交易与行情服务器登录失败")


RB = contract("rb2510", "SHFE", "FUTURES", min_volume=1, pricetick=1.0, max_volume=500)
IF = contract("IF2512", "CFFEX", "FUTURES", min_volume=1, pricetick=0.2)
STAR = contract("688001", min_volume=200)


class TestSymbols:
    @pytest.mark.parametrize(
        ("text", "code"),
        [
            ("600036", "600036.SH"),
            ("600036.SH", "600036.SH"),
            ("600036.sse", "600036.SH"),
            ("rb2510.SHFE", "rb2510.SHFE"),
            ("RB2510.shf", "rb2510.SHFE"),
            ("rb2510", "rb2510.SHFE"),
            ("if2512", "IF2512.CFFEX"),
        ],
    )
    def test_spellings(self, text: str, code: str) -> None:
        found = instruments.parse(text, book_of(contract(), RB, IF))
        assert found.stock_code == code
        assert convert.stock_code(*convert.vt_symbol(found)) == code

    def test_without_contracts_only_the_form_counts(self) -> None:
        assert instruments.parse("rb2510.SHFE", None).stock_code == "rb2510.SHFE"
        assert instruments.parse("600036", None).stock_code == "600036.SH"
        with pytest.raises(UsageError, match="security"):
            instruments.parse("rb2510", None)

    def test_two_exchanges_must_be_told_apart(self) -> None:
        both = book_of(RB, contract("rb2510", "DCE", "FUTURES"))
        with pytest.raises(UsageError, match="几个交易所都有"):
            instruments.parse("rb2510", both)

    def test_unknown_contract_says_which_are_like_it(self) -> None:
        with pytest.raises(UsageError, match=r"rb2510\.SHFE"):
            instruments.parse("rb2511.SHFE", book_of(RB))
        with pytest.raises(UsageError, match="没有叫这个的合约"):
            instruments.parse("zz9999", book_of(RB))

    @pytest.mark.parametrize("text", ["", " ", None, 600036, [], "不是代码 \n", "600036.SZ"])
    def test_wrong_ones(self, text: object) -> None:
        with pytest.raises(UsageError, match="security"):
            instruments.parse(text, book_of(contract()))

    @given(st.text(max_size=20), st.booleans())
    def test_anything_is_a_security_or_a_usage_error(self, text: str, connected: bool) -> None:
        try:
            instruments.parse(text, book_of(contract(), RB) if connected else None)
        except UsageError as exc:
            assert exc.argument == "security"  # noqa: PT017  两种都对


class TestSizes:
    def _check(self, which: Any, side: Side, price: Any, volume: Any) -> None:
        code = convert.stock_code(which.symbol, which.exchange.name)
        security = instruments.parse(code, book_of(which))
        instruments.check(security, side, price, volume, which)

    @pytest.mark.parametrize(
        ("which", "price", "volume"),
        [
            (contract(), 40.01, 200),
            (STAR, 30.0, 201),
            (RB, 3500, 1),
            (RB, Decimal(3500), 500),
            (IF, 4000.2, 1),
            (IF, 0, 1),
        ],
    )
    def test_right_ones(self, which: Any, price: Any, volume: Any) -> None:
        self._check(which, Side.BUY, price, volume)

    @pytest.mark.parametrize(
        ("which", "price", "volume", "argument"),
        [
            (contract(), 40.001, 200, "price"),
            (contract(), 40, 150, "amount"),
            (contract(), 40, 1.5, "amount"),
            (STAR, 30.0, 199, "amount"),
            (RB, 3500.5, 1, "price"),
            (RB, 3500, 501, "amount"),
            (RB, 3500, 0.5, "amount"),
            (IF, 4000.1, 1, "price"),
        ],
    )
    def test_wrong_ones(self, which: Any, price: Any, volume: Any, argument: str) -> None:
        with pytest.raises(UsageError) as caught:
            self._check(which, Side.BUY, price, volume)
        assert caught.value.argument == argument

    def test_odd_lots_can_be_sold(self) -> None:
        self._check(contract(), Side.SELL, 40, 50)
        with pytest.raises(UsageError, match="整数"):
            self._check(contract(), Side.SELL, 40, 50.5)


def test_option_row_has_its_terms() -> None:
    row = convert.contract_row(
        contract(
            "IO2512-C-4000", "CFFEX", "OPTION", option_type=Named("CALL"), option_strike=4000.0,
            option_underlying="IO2512.CFFEX",
            option_expiry=datetime(2025, 12, 19, tzinfo=BEIJING),
        )
    )  # fmt: skip
    assert row["option_type_name"] == "认购"
    assert row["option_expiry"] == "2025-12-19"
    assert row["product_name"] == "期权"


@pytest.mark.parametrize(
    ("product", "exchange", "kind"),
    [
        ("EQUITY", "SSE", AccountType.STOCK),
        ("OPTION", "SZSE", AccountType.STOCK_OPTION),
        ("OPTION", "CFFEX", AccountType.FUTURE),
        ("FUTURES", "CME", AccountType.OUTTER_FUTURE),
        ("SWAP", "GLOBAL", OtherAccountType.CRYPTO),
        ("FOREX", "OTC", OtherAccountType.CFD),
        ("EQUITY", "SMART", OtherAccountType.OVERSEAS),
    ],
)
def test_account_type_of_a_product(product: str, exchange: str, kind: int) -> None:
    assert convert.account_type(product, exchange) == kind


def test_a_dead_port_is_told_before_the_login_that_would_freeze_everything() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    setting = {
        "账号": "1",
        "交易地址": "127.0.0.1",
        "交易端口": port,
        "行情地址": "",
        "行情端口": 0,
    }
    with pytest.raises(ConnectFailedError, match=f"中泰XTP 的交易地址 127.0.0.1:{port} 连不上"):
        check_reachable("中泰XTP", setting, time.monotonic() + 5)
    with socket.create_server(("127.0.0.1", 0)) as open_:
        setting["交易端口"] = open_.getsockname()[1]
        check_reachable("中泰XTP", setting, time.monotonic() + 5)


@pytest.mark.parametrize("text", ["sh600036", "SH600036", "600036.SSE", "600036"])
def test_stock_codes_as_everywhere_else(text: str) -> None:
    assert instruments.parse(text, None).stock_code == "600036.SH"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 的 GBK 路径打得开")
def test_a_folder_that_kills_the_process_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    utility = SimpleNamespace(TEMP_DIR=Path("/home/张三/.vntrader"))
    monkeypatch.setitem(sys.modules, "vnpy.trader.utility", utility)
    with pytest.raises(ConnectFailedError, match="张三"):
        package.check_flow_folder("CTP")
    utility.TEMP_DIR = Path("/home/zhang/.vntrader")
    package.check_flow_folder("CTP")
