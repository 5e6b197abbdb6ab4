"""盈透：连不上的各种样子、合约、拒绝与提醒、断线、别的客户号、几种货币，对着本机上的 TWS。"""

from __future__ import annotations

import asyncio
import socket
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("ib_async")

from support import eventually
from tws_server import TwsServer

import easytrader
from easytrader import errors
from easytrader.testing import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


@pytest.fixture
def tws() -> Iterator[TwsServer]:
    one = TwsServer()
    yield one
    one.close()


@pytest.fixture
def heard() -> Recorder:
    return Recorder()


@pytest.fixture
def user(tws: TwsServer, heard: Recorder) -> Iterator[Any]:
    with _connected(tws, callback=heard) as one:
        yield one


def _connected(tws: TwsServer, **options: Any) -> Any:
    one: Any = easytrader.use("ib")
    given = {"host": "127.0.0.1", "port": tws.port, "timeout": 1.5, "reconnect_interval": 0.05}
    try:
        one.connect(**{**given, **options})
    except BaseException:
        one.close()
        raise
    return one


class TestConnect:
    def test_nobody_listens(self, tws: TwsServer) -> None:
        tws.stop()
        with pytest.raises(errors.ConnectFailedError, match="没有人在听"):
            _connected(tws)

    def test_dumb_port_is_left_in_time(self, tws: TwsServer) -> None:
        tws.faults.add("silent")
        with pytest.raises(errors.ConnectFailedError, match="没有握上手"):
            _connected(tws, timeout=0.4)

    def test_closed_before_the_handshake(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as door:
            threading.Thread(target=lambda: door.accept()[0].close(), daemon=True).start()
            one: Any = easytrader.use("ib")
            with pytest.raises(errors.ConnectFailedError, match="断开"):
                one.connect("127.0.0.1", door.getsockname()[1], timeout=3)
            one.close()

    def test_client_id_in_use(self, tws: TwsServer, user: Any) -> None:
        with pytest.raises(errors.ConnectFailedError, match=r"换一个 client_id（326）"):
            _connected(tws)

    def test_wrong_account_and_several_accounts(self, tws: TwsServer) -> None:
        with pytest.raises(errors.ConnectFailedError, match="没有账户"):
            _connected(tws, account="DU1")
        tws.accounts = "DU7788112,DU7788113,"
        with pytest.raises(errors.ConnectFailedError, match="几个账户"):
            _connected(tws)
        with _connected(tws, account="DU7788112") as user:
            assert user.balance[0]["account_id"] == "DU7788112"

    def test_names_of_the_pages(self, tws: TwsServer) -> None:
        with easytrader.use("ib") as user:
            fields = {
                "TWS地址": "127.0.0.1",
                "TWS端口": str(tws.port),
                "客户号": "7",
                "交易账户": "",
            }
            user.connect(**fields, timeout=2)
            assert user.state == "已连接"
            assert tws.links[0].client_id == 7

    @pytest.mark.parametrize(
        ("field", "value"),
        [("port", 0), ("client_id", -1), ("client_id", "x"), ("market_data", "fast"),
         ("host", ""), ("account", 1), ("TWS", 1), ("timeout", 0)],
    )  # fmt: skip
    def test_wrong_fields(self, tws: TwsServer, field: str, value: object) -> None:
        with pytest.raises(errors.UsageError, match=field):
            _connected(tws, **{field: value})
        assert tws.links == []

    def test_inside_a_running_loop(self, tws: TwsServer) -> None:
        """笔记本里：循环正跑着，也不打补丁。"""

        async def main() -> Any:
            with _connected(tws) as user:
                return user.balance[0]["cash"]

        runner = asyncio.run
        assert asyncio.run(main()) == 1_000_000
        assert asyncio.run is runner


class TestContracts:
    @pytest.mark.parametrize(
        ("text", "code"),
        [("aapl.us", "AAPL.US"), ("265598", "AAPL.US"), ("BRK.B.US", "BRK.B.US"),
         ("444", "VUSD.LSEETF.USD.STK"), ("AAPL.SMART.USD.STK", "AAPL.US")],
    )  # fmt: skip
    def test_spelling(self, user: Any, text: str, code: str) -> None:
        number = user.buy(text, 1, 1)["entrust_no"]
        assert user.find_entrust(number)["stock_code"] == code

    def test_forex_and_futures(self, user: Any, tws: TwsServer) -> None:
        user.buy("EURUSD.FX", Decimal("1.05"), Decimal("0.05"))
        user.market_buy("ESZ6.CME.USD.FUT", 1)
        assert {each["contract"].con_id for each in tws.orders} == {12087792, 495512563}
        (trade,) = user.today_trades
        assert trade["traded_amount"] == 6000 * 50

    def test_unknown_and_ambiguous_are_told_before_sending(self, user: Any, tws: TwsServer) -> None:
        with pytest.raises(errors.UsageError, match="没有这个合约"):
            user.buy("NOPE.US", 1, 1)
        with pytest.raises(errors.UsageError, match=r"111（STK TWIN NYSE USD TWIN ONE）"):
            user.buy("TWIN.US", 1, 1)
        with pytest.raises(errors.UsageError, match="amount"):
            user.buy("AAPL.US", 1, Decimal("0.00005"))
        with pytest.raises(errors.UsageError, match=r"VUSD\.LSEETF\.USD\.STK"):
            user.buy("VUSD.US", 1, 1)
        assert tws.placed == 0
        number = user.buy("222", 1, 1)["entrust_no"]
        assert user.find_entrust(number)["stock_code"] == "222"

    def test_same_id_however_it_is_spelt(self, user: Any, tws: TwsServer) -> None:
        tws.faults.add("lose-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("265598", 150, 1, client_order_id="one")
        number = user.buy("AAPL.US", 150, 1, client_order_id="one")["entrust_no"]
        assert user.buy("AAPL.SMART.USD.STK", 150, 1, client_order_id="one")["entrust_no"] == number
        assert tws.placed == 1

    def test_holding_in_dollars_is_not_always_american(self, user: Any, tws: TwsServer) -> None:
        tws.held[444] = 3.0
        codes = {each["stock_code"] for each in user.position}
        assert codes == {"AAPL.US", "VUSD.LSEETF.USD.STK"}

    def test_search_and_quote(self, user: Any) -> None:
        (row,) = user.contracts("apple")
        assert (row["stock_code"], row["con_id"]) == ("AAPL.US", 265598)
        assert user.quote("AAPL.US")["AAPL.US"]["last"] == 200
        with pytest.raises(errors.QueryFailedError, match=r"not subscribed.*354"):
            user.quote("111")


class TestOrders:
    def test_refused_by_number(self, user: Any, tws: TwsServer) -> None:
        tws.refuse = 321
        row = user.buy("AAPL.US", 150, 1)
        assert row["entrust_no"] == -1
        assert "Read-Only" in row["message"]

    def test_refused_order_is_junk_with_its_reason(self, user: Any) -> None:
        user.buy("AAPL.US", 150, 10**6)
        (row,) = user.today_entrusts
        assert row["order_status_name"] == "废单"
        assert "no money" in row["status_msg"]

    def test_refused_id_sent_again_is_not_taken_for_the_refused(
        self, user: Any, tws: TwsServer
    ) -> None:
        row = user.buy("AAPL.US", 150, 10_000, client_order_id="again")
        assert row["entrust_no"] == -1
        tws.cash["USD"] = 1e9
        tws.faults.add("lose-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("AAPL.US", 150, 10_000, client_order_id="again")
        number = user.buy("AAPL.US", 150, 10_000, client_order_id="again")["entrust_no"]
        assert user.find_entrust(number)["order_status_name"] == "已报"
        assert tws.placed == 2

    def test_idle_without_a_refusal_is_not_over(self, user: Any, tws: TwsServer) -> None:
        """``Inactive`` 可能还会再报：有提醒也不是废单。"""
        number = user.buy("AAPL.US", 150, 1)["entrust_no"]
        tws.orders[0]["status"] = "Inactive"
        tws.tell(tws.orders[0], 404, "Shares for this order are not available; it will be held.")
        eventually(lambda: user.find_entrust(number)["status_msg"])
        row = user.find_entrust(number)
        assert row["order_status_name"] == "待报"
        assert "404" in row["status_msg"]

    def test_a_notice_is_no_refusal(self, user: Any, tws: TwsServer) -> None:
        tws.notice = 399
        number = user.buy("AAPL.US", 150, 1)["entrust_no"]
        assert user.find_entrust(number)["order_status_name"] == "已报"

    def test_partly_filled_then_cancelled(self, user: Any, tws: TwsServer) -> None:
        number = user.buy("AAPL.US", 150, 10)["entrust_no"]
        tws.fill(tws.orders[0], 149.5, 4)
        eventually(lambda: user.find_entrust(number)["order_status_name"] == "部成")
        assert user.cancel_entrust(number)["success"]
        row = user.wait(number, timeout=5)
        assert (row["order_status_name"], row["traded_volume"]) == ("部撤", 4)
        assert row["traded_price"] == Decimal("149.5")

    def test_failed_cancel_leaves_a_filled_order_filled(self, user: Any) -> None:
        number = user.buy("AAPL.US", 210, 1)["entrust_no"]
        user.wait(number, timeout=5)
        assert user.cancel_entrust(number)["success"] is False
        assert user.find_entrust(number)["order_status_name"] == "已成"

    def test_other_clients_are_seen_and_not_touched(self, user: Any, tws: TwsServer) -> None:
        with _connected(tws, client_id=2) as other:
            number = other.buy("AAPL.US", 150, 1)["entrust_no"]
            assert [each["order_id"] for each in user.today_entrusts] == [number]
            assert user.cancel_entrust(number)["success"] is False
            assert other.cancel_entrust(number)["success"] is True

    def test_money_in_several_currencies(self, user: Any, tws: TwsServer) -> None:
        tws.cash["HKD"] = 5000.5
        first, second = user.balance
        assert (first["currency"], first["total_asset"]) == ("USD", 1_200_000)
        assert (second["currency"], second["cash"]) == ("HKD", Decimal("5000.5"))


class TestLink:
    def test_orders_of_the_day_are_there_after_a_restart(self, user: Any, tws: TwsServer) -> None:
        done = user.buy("AAPL.US", 210, 1)["entrust_no"]
        rests = user.buy("AAPL.US", 150, 1, client_order_id="mine")["entrust_no"]
        user.close()
        with _connected(tws) as again:
            assert {each["order_id"] for each in again.today_entrusts} == {done, rests}
            assert again.find_entrust(done)["traded_price"] == 200
            assert [each["order_id"] for each in again.today_trades] == [done]
            assert again.buy("AAPL.US", 150, 1, client_order_id="mine")["entrust_no"] == rests
            assert again.cancel_entrust(rests)["success"]
        assert tws.placed == 2

    @pytest.mark.parametrize("fault", ["no-completed", "no-executions"])
    def test_tws_that_never_tells_one_of_the_lists(self, tws: TwsServer, fault: str) -> None:
        """成交过的在另一样里：重启之后照样认得出来，不会再下。"""
        tws.faults.add(fault)
        with _connected(tws) as user:
            number = user.buy("AAPL.US", 210, 1, client_order_id="once")["entrust_no"]
        with _connected(tws) as again:
            row = again.find_entrust("once")
            assert (row["order_id"], row["order_status_name"]) == (number, "已成")
            assert again.buy("AAPL.US", 210, 1, client_order_id="once")["entrust_no"] == number
        assert tws.placed == 1

    def test_tws_that_tells_neither_is_not_believed(self, tws: TwsServer) -> None:
        tws.faults |= {"no-completed", "no-executions"}
        with pytest.raises(errors.ConnectFailedError, match="TWS 都没有说"):
            _connected(tws)

    @pytest.mark.parametrize("code", [1100, 1101, 1300, 2110])
    def test_tws_losing_its_own_link_is_a_lost_link(
        self, user: Any, tws: TwsServer, heard: Recorder, code: int
    ) -> None:
        tws.shout(code, "Connectivity between IB and Trader Workstation has been lost.")
        heard.wait_for("disconnected")
        heard.wait_for("connected", 2)
        eventually(lambda: user.state == "已连接")

    @pytest.mark.parametrize("code", [1102, 2104, 2106, 2158])
    def test_good_news_is_not_a_lost_link(self, user: Any, tws: TwsServer, code: int) -> None:
        tws.shout(code, "Market data farm connection is OK:usfarm")
        assert user.balance
        assert user.state == "已连接"

    def test_broken_in_mid_order_is_one_order(self, user: Any, tws: TwsServer) -> None:
        tws.faults.add("break-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("AAPL.US", 210, 1, client_order_id="once")
        eventually(lambda: user.state == "已连接")
        number = user.buy("AAPL.US", 210, 1, client_order_id="once")["entrust_no"]
        assert user.find_entrust(number)["order_status_name"] == "已成"
        assert tws.placed == 1

    def test_waiting_calls_are_freed_when_it_dies(self, user: Any, tws: TwsServer) -> None:
        failures: list[BaseException] = []

        def ask() -> None:
            try:
                _ = user.position
            except errors.EasytraderError as exc:
                failures.append(exc)

        tws.faults.add("lose-query")
        waiting = threading.Thread(target=ask)
        waiting.start()
        eventually(lambda: not tws.faults)
        tws.stop()
        waiting.join(5)
        assert isinstance(failures[0], (errors.QueryFailedError, errors.NotConnectedError))
