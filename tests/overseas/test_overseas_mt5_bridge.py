"""MT5 的桥出故障时：有界、说得清、不重不漏；以及连接的参数、行情、品种。"""

from __future__ import annotations

import json
import socket
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from fake_ea import FakeEa
from support import eventually

import easytrader
from easytrader import errors
from easytrader.testing import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.overseas.mt5.trader import Mt5Trader


@pytest.fixture
def ea() -> Iterator[FakeEa]:
    one = FakeEa({"EURUSD": 1.1, "XAUUSD.m": 2400.0})
    yield one
    one.close()


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
def user(ea: FakeEa, heard: Recorder) -> Iterator[Mt5Trader]:
    one = _connected(ea, heard)
    yield one
    one.close()


def _connected(ea: FakeEa, callback: Any = None, **options: Any) -> Mt5Trader:
    one: Any = easytrader.use("mt5")
    given = {"timeout": 0.6, "reconnect_interval": 0.05, **options}
    one.connect("127.0.0.1", ea.req_port, ea.sub_port, callback, **given)
    found: Mt5Trader = one
    return found


def _refuses(ea: FakeEa, error: type[Exception], match: str, **options: Any) -> None:
    one: Any = easytrader.use("mt5")
    fields = {"server_host": "127.0.0.1", "req_port": ea.req_port, "sub_port": ea.sub_port}
    try:
        with pytest.raises(error, match=match):
            one.connect(**{**fields, "timeout": 0.4, **options})
        assert one.state == "未连接"
    finally:
        one.close()


def _closed_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


class TestConnect:
    def test_a_dead_port_is_told_in_time(self, ea: FakeEa) -> None:
        _refuses(ea, errors.ConnectFailedError, "没有应答", req_port=_closed_port())

    def test_a_silent_push_port_is_told_apart(self, ea: FakeEa) -> None:
        ea.silent = True
        _refuses(ea, errors.ConnectFailedError, "订阅端口.*没有声音")

    def test_a_port_that_is_no_ea(self, ea: FakeEa) -> None:
        with socket.socket() as dumb:
            dumb.bind(("127.0.0.1", 0))
            dumb.listen()
            _refuses(ea, errors.ConnectFailedError, "没有应答", req_port=dumb.getsockname()[1])

    def test_garbage_instead_of_contracts(self, ea: FakeEa) -> None:
        ea.faults.add("garbage-query")
        _refuses(ea, errors.ConnectFailedError, "没有应答")

    def test_another_account_is_not_connected(self, ea: FakeEa) -> None:
        _refuses(ea, errors.ConnectFailedError, "另一个账户", account="REAL-1")

    @pytest.mark.parametrize(
        ("field", "value"),
        [("req_port", 0), ("sub_port", "x"), ("server_host", "tcp://a/b"), ("currency", 1),
         ("server_utc_offset", 99), ("timeout", -1), ("Server Hots", "a"), ("通讯地址 ", "a")],
    )  # fmt: skip
    def test_wrong_fields(self, ea: FakeEa, field: str, value: object) -> None:
        _refuses(ea, errors.UsageError, field.strip(), **{field: value})

    @pytest.mark.parametrize(
        "names", [("Server Host", "REQ Port", "SUB Port"), ("通讯地址", "请求端口", "订阅端口")]
    )
    def test_names_of_the_pages(self, ea: FakeEa, names: tuple[str, str, str]) -> None:
        values = ("127.0.0.1", str(ea.req_port), str(ea.sub_port))
        with easytrader.use("mt5") as user:
            user.connect(**dict(zip(names, values, strict=True)), timeout=2, currency="usd")
            (row,) = user.balance
        assert (row["account_id"], row["currency"]) == (ea.account, "USD")


class TestOrders:
    def test_symbols_lots_and_quotes(self, user: Mt5Trader, ea: FakeEa) -> None:
        assert [each["stock_code"] for each in user.contracts("xau")] == ["XAUUSD.m"]
        quote = user.quote("EURUSD")["EURUSD"]
        assert float(quote["last"]) == pytest.approx(1.1)
        with pytest.raises(errors.UsageError, match="security"):
            user.buy("EURUSB", 1.0, 1)
        with pytest.raises(errors.UsageError, match="amount"):
            user.buy("EURUSD", 1.0, 0.001)
        with pytest.raises(errors.QueryFailedError, match="没有这个品种"):
            user.quote("NOPE")
        assert not [each for each in ea.requests if each["type"] == 4]

    def test_market_order_without_a_comment_is_one_order(
        self, user: Mt5Trader, heard: Recorder
    ) -> None:
        number = user.market_buy("XAUUSD.m", 2)["entrust_no"]
        row = user.wait(number, timeout=5)
        assert (row["order_status_name"], row["traded_volume"]) == ("已成", 2)
        assert [each["order_id"] for each in user.today_entrusts] == [number]
        heard.wait_for("trade")
        assert [each.order_id for each in heard.of("trade")] == [number]
        assert {each.order_id for each in heard.of("order")} == {number}

    def test_refused_after_it_was_accepted(self, user: Mt5Trader, ea: FakeEa) -> None:
        ea.refuse_later = 10018
        number = user.buy("EURUSD", 1.0, 1)["entrust_no"]
        row = user.wait(number, timeout=5)
        assert (row["order_status_name"], row["status_msg"]) == ("废单", "休市（10018）")

    def test_partly_filled_then_cancelled(self, user: Mt5Trader, ea: FakeEa) -> None:
        number = user.buy("EURUSD", 1.0, 2)["entrust_no"]
        ea.fill(next(iter(ea.open)), 0.5)
        eventually(lambda: user.find_entrust(number)["order_status_name"] == "部成")
        assert user.cancel_entrust(number)["success"]
        row = user.wait(number, timeout=5)
        assert (row["order_status_name"], float(row["traded_volume"])) == ("部撤", 0.5)

    def test_order_placed_by_hand(self, user: Mt5Trader, ea: FakeEa) -> None:
        ticket = str(ea.place_by_hand("EURUSD", 1.0, 1))
        eventually(lambda: user.find_entrust(ticket) is not None)
        assert user.cancel_entrust(ticket)["success"]
        assert user.wait(ticket, timeout=5)["order_status_name"] == "已撤"


class TestFaults:
    def test_late_answer_is_not_taken_for_the_next(self, user: Mt5Trader, ea: FakeEa) -> None:
        ea.late_s = 0.8
        ea.faults.add("late-query")
        with pytest.raises(errors.QueryFailedError):
            _ = user.today_entrusts
        for _ in range(3):
            assert user.today_entrusts == []
        assert user.buy("EURUSD", 1.0, 1)["entrust_no"]

    @pytest.mark.parametrize(
        "raw", [b"", b"{", b"[1]", b'{"type":"order","data":{"order":5,"trans_type":0}}',
                b'{"type":"account","data":{"balance":true}}', b'{"type":"order"}', b"\xff\xfe"],
    )  # fmt: skip
    def test_bad_push_does_not_stop_the_next(
        self, user: Mt5Trader, ea: FakeEa, heard: Recorder, raw: bytes
    ) -> None:
        ea.push(raw)
        number = user.buy("EURUSD", 1.2, 1)["entrust_no"]
        heard.wait_for("trade")
        assert user.find_entrust(number)["order_status_name"] == "已成"
        assert user.balance

    def test_vanished_without_a_word_is_unknown_not_done(self, user: Mt5Trader, ea: FakeEa) -> None:
        number = user.buy("EURUSD", 1.0, 1)["entrust_no"]
        eventually(lambda: user.find_entrust(number)["order_status_name"] == "已报")
        ea.silent = True
        ea.move("EURUSD", 0.9)
        row = user.find_entrust(number)
        assert row["order_status_name"] == "未知"
        assert "没有收到推送" in row["status_msg"]

    def test_filled_while_away_is_never_sent_again(self, ea: FakeEa, user: Mt5Trader) -> None:
        """成交了的不在挂单里，查不到不等于没有到。"""
        ea.silent = True
        ea.faults.add("break-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("EURUSD", 1.2, 1, client_order_id="once")
        ea.silent = False
        eventually(lambda: user.state == "已连接")
        with pytest.raises((errors.OutcomeUnknownError, errors.QueryFailedError)):
            user.buy("EURUSD", 1.2, 1, client_order_id="once")
        with pytest.raises(errors.QueryFailedError):
            user.find_entrust("once")
        user.close()
        again = _connected(ea)
        try:
            with pytest.raises((errors.OutcomeUnknownError, errors.QueryFailedError)):
                again.buy("EURUSD", 1.2, 1, client_order_id="once")
        finally:
            again.close()
        assert len(ea.everything) == 1

    def test_never_arrived_is_told_and_may_be_sent_again(self, ea: FakeEa, user: Mt5Trader) -> None:
        """EA 从来没有收到：之后的推送、挂单里都没有它。"""
        ea.faults.add("drop-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("EURUSD", 1.0, 1, client_order_id="lost")
        eventually(lambda: _found_or_none(user, "lost"))
        user.buy("EURUSD", 1.0, 1, client_order_id="lost")
        assert len(ea.everything) == 1

    def test_resting_order_is_known_after_a_restart(self, ea: FakeEa, user: Mt5Trader) -> None:
        number = user.buy("EURUSD", 1.0, 1, client_order_id="rests")["entrust_no"]
        user.close()
        again = _connected(ea)
        try:
            assert again.buy("EURUSD", 1.0, 1, client_order_id="rests")["entrust_no"] == number
            assert again.cancel_entrust(number)["success"]
            assert again.wait(number, timeout=5)["order_status_name"] == "已撤"
        finally:
            again.close()
        assert len(ea.everything) == 1

    def test_a_dead_terminal_frees_everyone_at_once(self, ea: FakeEa, user: Mt5Trader) -> None:
        failures: list[BaseException] = []
        ea.faults.add("lose-query")

        def ask() -> None:
            try:
                _ = user.today_entrusts
            except errors.EasytraderError as exc:
                failures.append(exc)

        waiting = threading.Thread(target=ask)
        waiting.start()
        eventually(lambda: not ea.faults)
        ea.stop()
        waiting.join(5)
        assert isinstance(failures[0], (errors.QueryFailedError, errors.NotConnectedError))
        eventually(lambda: user.state != "已连接")


def _found_or_none(user: Mt5Trader, key: str) -> bool:
    try:
        return user.find_entrust(key) is None
    except errors.QueryFailedError:
        return False


def test_server_clock_and_decimals() -> None:
    """MT5 的时刻是服务器的钟；小数不经过浮点。"""
    from decimal import Decimal

    from easytrader.overseas.mt5 import words
    from easytrader.overseas.mt5.book import Book

    book = Book("USD", 3 * 3600)
    row = {"order": 7, "symbol": "EURUSD", "order_type": 2, "order_price": 1.10045,
           "order_volume_initial": 0.3, "order_volume_current": 0.1, "order_state": 3,
           "order_comment": "someone", "order_time_setup": 1_700_000_000}  # fmt: skip
    packet = {"type": "order", "data": {**row, "trans_type": 0, "trans_state": 3}}
    (event,) = book.take(words.unpacked(json.dumps(packet).encode()))
    order = event.order
    assert order.order_time == 1_700_000_000 - 3 * 3600 < time.time()
    assert order.price == Decimal("1.10045")
    assert order.traded_volume == Decimal("0.2")
    assert order.order_id == "7"
