"""VeighNa 自己的毛病都挡在里面：打得死的事件线程、不出声的前置、重连之后的旧账、慢的关闭。"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy")

from gateway_brokers import connect, sim_trader
from sim_gateway import BEIJING, OldSimGateway, SimCounter, SimGateway
from support import eventually
from vnpy.trader.constant import Direction, Exchange, OrderType, Status
from vnpy.trader.object import ContractData, OrderData, OrderRequest

import easytrader
from easytrader import counters, errors
from easytrader.gateways import connector as connectors
from easytrader.testing.broker import Recorder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.gateways.trader import GatewayTrader

pytestmark = pytest.mark.counters


@pytest.fixture
def counter() -> Iterator[SimCounter]:
    yield (one := SimCounter(**{"600036": 1000, "rb2510": 5}))
    one.close()


@pytest.fixture
def user(counter: SimCounter) -> Iterator[GatewayTrader]:
    trader = sim_trader()
    try:
        yield connect(trader, counter)
    finally:
        trader.close()


class TestOpening:
    def test_by_class_and_the_working_folder_stays(self, counter: SimCounter) -> None:
        before, path = Path.cwd(), sys.path.copy()
        with easytrader.use("vnpy", gateway=SimGateway) as user:
            connect(user, counter)  # type: ignore[arg-type]
            assert Path.cwd() == before
            assert sys.path == path
            assert user.trader.get_gateway("SIM") is user.account

    def test_old_gateway_takes_one_argument(self, counter: SimCounter) -> None:
        with connect(sim_trader(OldSimGateway), counter) as user:
            number = user.buy("600036", 39, 100)["entrust_no"]
            assert user.trader.get_order(f"OLDSIM.{number}") is not None

    def test_no_dots_in_the_name(self, counter: SimCounter) -> None:
        class Dotted(SimGateway):
            default_name = "SIM.1"

        with connect(sim_trader(Dotted), counter) as user:
            assert user.account.gateway_name == "SIM_1"
            assert user.buy("600036", 39, 100)["entrust_no"]

    def test_fields_are_resolved(self, user: GatewayTrader) -> None:
        setting = user.account.setting
        assert setting["柜台环境"] == "实盘"
        assert setting["端口"] == 0

    @pytest.mark.parametrize(
        ("field", "value"), [("用戶名", "1"), ("柜台环境", "仿真"), ("端口", "x"), ("timeuot", 5)]
    )
    def test_wrong_fields_are_told(self, counter: SimCounter, field: str, value: Any) -> None:
        with sim_trader() as user:
            with pytest.raises(errors.UsageError, match=field):
                connect(user, counter, **{field: value})
            assert user.state == "未连接"

    def test_veighnas_own_file_and_a_dictionary(
        self, counter: SimCounter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "我的 策略" / ".vntrader"
        folder.mkdir(parents=True)
        text = f'{{"用户名": "1", "密码": "2", "柜台": "{counter.name}", "柜台环境": "测试"}}'
        (folder / "connect_sim.json").write_text(text, encoding="utf-8")
        monkeypatch.chdir(folder.parent)
        with sim_trader() as user:
            user.connect("connect_sim.json", login_timeout=4, settle=0.5)
            assert user.account.setting["柜台环境"] == "测试"
        with sim_trader() as user:
            user.connect({"柜台": counter.name}, 用户名="3", login_timeout=4, settle=0.5)
            assert user.account.setting["用户名"] == "3"

    def test_class_that_is_no_gateway(self) -> None:
        with pytest.raises(errors.UsageError, match="gateway"):
            easytrader.use("vnpy", gateway=dict)

    def test_gateway_whose_constructor_fails(self, counter: SimCounter) -> None:
        class Broken(SimGateway):
            def __init__(self, event_engine: Any, gateway_name: str) -> None:
                raise RuntimeError("没有许可证")

        with sim_trader(Broken) as user, pytest.raises(errors.UsageError, match="没有许可证"):
            connect(user, counter)

    def test_account_with_nothing_waits_for_the_positions_to_settle(self) -> None:
        counter = SimCounter()
        try:
            with connect(sim_trader(), counter, settle=0.3) as user:
                assert user.position == []
        finally:
            counter.close()

    def test_positions_that_come_late_are_not_reported_as_none(self, counter: SimCounter) -> None:
        class Late(SimGateway):
            """登录时只推资金，持仓晚一点。"""

            def push_funds(self) -> None:
                self._push_account()
                threading.Timer(0.3, self._push_positions).start()

        with connect(sim_trader(Late), counter, settle=3) as user:
            assert {each["stock_code"] for each in user.position} == {"600036.SH", "rb2510.SHFE"}

    def test_gateway_without_contracts_still_opens(self, counter: SimCounter) -> None:
        counter.faults.no_contracts = True
        with connect(sim_trader(), counter, settle=0.3) as user:
            assert user.contracts() == []
            assert user.balance[0]["cash"] == 1e7


class TestFailing:
    def test_silent_front(self, counter: SimCounter) -> None:
        counter.faults.silent_front = True
        began = time.monotonic()
        with (
            sim_trader() as user,
            pytest.raises(errors.ConnectFailedError, match=r"资金、合约.*一行日志都没有"),
        ):
            connect(user, counter, login_timeout=0.5)
        assert time.monotonic() - began < 10

    def test_wrong_password_is_not_tried_again(self, counter: SimCounter) -> None:
        counter.faults.login_told = "交易服务器登录失败，代码：3，信息：不合法的登录 hunter2-secret"
        with sim_trader() as user, pytest.raises(errors.ConnectFailedError) as caught:
            connect(user, counter, wait=True)  # 一直等，也不再试
        assert "不合法的登录" in str(caught.value)
        assert "hunter2" not in str(caught.value)

    def test_starting_up_is_tried_again(self, counter: SimCounter) -> None:
        counter.faults.login_told = "交易服务器登录失败，代码：7，信息：CTP:还没有初始化"
        with sim_trader() as user:
            threading.Timer(0.3, lambda: setattr(counter.faults, "login_told", "")).start()
            connect(user, counter, wait=10, login_timeout=1)
            assert user.state == "已连接"

    def test_connect_that_never_returns(self, counter: SimCounter) -> None:
        counter.faults.connect_blocks = threading.Event()
        with sim_trader() as user, pytest.raises(errors.ConnectFailedError, match="没有登录好"):
            connect(user, counter, login_timeout=0.5)

    def test_connect_that_raises(self, counter: SimCounter) -> None:
        class Broken(SimGateway):
            def connect(self, setting: dict[str, Any]) -> None:
                raise OSError("端口不对")

        with sim_trader(Broken) as user, pytest.raises(errors.ConnectFailedError, match="端口不对"):
            connect(user, counter)

    def test_closing_stops_the_waiting(self, counter: SimCounter) -> None:
        counter.faults.silent_front = True
        user = sim_trader()
        threading.Timer(0.3, user.close).start()
        began = time.monotonic()
        with pytest.raises((errors.ConnectFailedError, errors.ClosedError)):
            connect(user, counter, login_timeout=60)
        assert time.monotonic() - began < 20

    def test_bad_pushes_do_not_kill_the_dispatcher(self, counter: SimCounter) -> None:
        counter.faults.bad_pushes = 3
        with connect(sim_trader(), counter) as user:
            number = user.buy("600036", 41, 100)["entrust_no"]
            assert user.wait(number, 5)["order_status_name"] == "已成"

    def test_handler_of_the_users_own_that_raises(self, user: GatewayTrader) -> None:
        def fail(_: Any) -> None:
            raise RuntimeError("用户的处理函数出错")

        user.trader.event_engine.register("eOrder.", fail)
        number = user.buy("600036", 41, 100)["entrust_no"]
        assert user.wait(number, 5)["order_status_name"] == "已成"

    def test_dead_dispatcher_is_noticed_and_replaced(self, counter: SimCounter) -> None:
        recorder = Recorder()
        with connect(sim_trader(), counter, trader_callback=recorder) as user:
            dead = user.trader

            def exit_thread(_: Any) -> None:
                raise SystemExit

            dead.event_engine.register("eTrade.", exit_thread)
            with contextlib.suppress(errors.OutcomeUnknownError):  # 回报与线程没了，谁先到都行
                user.buy("600036", 41, 100)
            recorder.wait_for("disconnected")
            eventually(lambda: user.state == "已连接")
            assert user.trader is not dead
            (row,) = user.today_entrusts
            assert row["order_status_name"] == "已成"
            assert len(counter.sends) == 1

    def test_waiting_on_the_dispatcher_itself_is_refused(self, user: GatewayTrader) -> None:
        told: list[Exception] = []
        done = threading.Event()

        def trade(_: Any) -> None:
            for act in (
                lambda: user.buy("600036", 39, 100),
                lambda: user.cancel_entrust("1_1"),
                lambda: user.quote("600036"),
            ):
                try:
                    act()
                except errors.EasytraderError as exc:  # noqa: PERF203
                    told.append(exc)
            done.set()

        user.trader.event_engine.register("eMine", trade)
        user.trader.event_engine.put(user._session.desk.vt.Event("eMine"))
        assert done.wait(10)
        assert [type(each) for each in told] == [errors.NotConnectedError] * 3
        assert "事件线程" in str(told[0])
        assert user.today_entrusts == []

    def test_looking_from_the_dispatcher_is_fine(self, user: GatewayTrader) -> None:
        found: list[Any] = []
        done = threading.Event()

        def look(_: Any) -> None:
            found.extend([user.balance, user.position, user.today_entrusts])
            done.set()

        user.trader.event_engine.register("eMine", look)
        user.trader.event_engine.put(user._session.desk.vt.Event("eMine"))
        assert done.wait(10)
        assert len(found) == 3


class TestLosing:
    def test_log_line_of_the_quotes_side_is_not_a_loss(self, user: GatewayTrader) -> None:
        user.account.write_log("行情服务器连接断开，原因：4097")
        user.account.write_log("交易心跳断开警告")  # 登录状态还是真的
        assert user._session.desk.drain(5)
        assert user.state == "已连接"

    def test_login_status_that_changes_silently(
        self, counter: SimCounter, user: GatewayTrader
    ) -> None:
        before = user.trader
        user.account.td_api.login_status = False
        with pytest.raises(errors.NotConnectedError):
            user.buy("600036", 39, 100)
        eventually(lambda: user.state == "已连接" and user.trader is not before)
        assert counter.sends == []

    def test_deaf_front_is_found_by_the_heartbeat(
        self, counter: SimCounter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("easytrader.gateways.session._FRESH_S", 0.05)
        with connect(sim_trader(), counter, heartbeat_interval=0.1, timeout=0.3) as user:
            before = user.trader
            eventually(lambda: user._session.answers >= 2)  # type: ignore[attr-defined]
            counter.faults.deaf_queries = True
            eventually(lambda: user.status["reconnects"] >= 1)
            counter.faults.deaf_queries = False
            eventually(lambda: user.state == "已连接" and user.trader is not before)

    def test_what_was_sold_and_traded_elsewhere_is_new_after_reconnecting(
        self, counter: SimCounter, user: GatewayTrader
    ) -> None:
        counter.drop()
        eventually(lambda: user.state in ("已断开", "连接中"))
        counter.holdings.clear()
        counter.restore()
        eventually(lambda: user.state == "已连接")
        assert user.position == []

    def test_sold_out_holding_is_gone(self, user: GatewayTrader) -> None:
        number = user.sell("600036", 40, 1000)["entrust_no"]
        user.wait(number, 5)
        assert [each["stock_code"] for each in user.position] == ["rb2510.SHFE"]

    def test_position_after_a_trade_is_the_new_one(self, counter: SimCounter) -> None:
        counter.polled = True  # 只在查询时推
        with connect(sim_trader(), counter) as user:
            user.wait(user.buy("600036", 41, 100)["entrust_no"], 5)
            (row,) = [each for each in user.position if each["stock_code"] == "600036.SH"]
            assert row["volume"] == 1100

    def test_yesterdays_orders_are_dropped(self, counter: SimCounter) -> None:
        for number, days in (("9_1", 3), ("9_2", 0)):
            counter.orders[number] = OrderData(
                symbol="600036", exchange=Exchange.SSE, orderid=number, price=39, volume=100,
                direction=Direction.LONG, status=Status.CANCELLED, gateway_name="?",
                datetime=datetime.now(BEIJING) - timedelta(days=days),
            )  # fmt: skip
        with connect(sim_trader(), counter) as user:
            assert [each["order_id"] for each in user.today_entrusts] == ["9_2"]

    def test_close_is_bounded_when_the_gateway_is_stuck(self, counter: SimCounter) -> None:
        user = connect(sim_trader(), counter)
        counter.faults.close_blocks = threading.Event()
        began = time.monotonic()
        user.close()
        assert time.monotonic() - began < 20
        counter.faults.close_blocks.set()

    def test_log_flood_does_not_hold_up_an_order(self, counter: SimCounter) -> None:
        with connect(sim_trader(), counter) as user:
            counter.faults.log_flood = 500
            number = user.buy("600036", 41, 100)["entrust_no"]
            assert user.wait(number, 5)["order_status_name"] == "已成"


class TestTwoGateways:
    def test_same_codes_do_not_get_in_each_others_way(self, counter: SimCounter) -> None:
        class Other(SimGateway):
            default_name = "OTHER"

        second = SimCounter(**{"000001": 700})
        try:
            with connect(sim_trader(), counter) as one, connect(sim_trader(Other), second) as two:
                assert len(one.contracts()) == len(two.contracts())
                assert one.buy("600036", 39, 100)["entrust_no"]
                assert two.today_entrusts == []
                assert {each["stock_code"] for each in two.position} == {"000001.SZ"}
        finally:
            second.close()

    def test_things_of_another_gateway_are_not_mine(self, user: GatewayTrader) -> None:
        foreign = ContractData("OTHER", "600036", Exchange.SSE, "冒名", None, 7, 7)
        user.account.on_contract(foreign)
        assert user._session.desk.drain(5)
        (row,) = user.contracts("600036")
        assert row["name"] == "招商银行"

    def test_one_account_per_process(
        self, counter: SimCounter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ctp = counters.find("CTP")
        assert ctp is not None
        row = ctp._replace(name="SIM", fields=(), conflicts=("别家",), ready="account+contract")
        monkeypatch.setattr("easytrader.gateways.trader._registered", lambda _: row)
        second = SimCounter()
        try:
            with connect(sim_trader(), counter) as user, sim_trader() as other:
                with pytest.raises(errors.ConnectFailedError, match="只能连一个"):
                    connect(other, second, wait=True)
                user.close()
                connect(other, second)
                other.close()
                monkeypatch.setitem(connectors._claims, "别家", {1: other._engine.key})
                with sim_trader() as third, pytest.raises(errors.ConnectFailedError, match="别家"):
                    connect(third, counter)
        finally:
            second.close()


class TestLooking:
    def test_quotes(self, counter: SimCounter, user: GatewayTrader) -> None:
        found = user.quote(["600036.SSE", "rb2510"])
        assert found["600036.SSE"]["last"] == 40.0
        assert found["rb2510"]["stock_code"] == "rb2510.SHFE"
        counter.move("rb2510", 3501)
        eventually(lambda: user.quote("rb2510")["rb2510"]["last"] == 3501)

    def test_market_value_of_the_stocks_only(self, user: GatewayTrader) -> None:
        (row,) = user.balance
        assert row["market_value"] == 40_000.0  # 期货的名义价值不算
        assert row["total_asset"] >= row["cash"] + row["market_value"]

    def test_rebalancing_on_a_stock_account(self) -> None:
        counter = SimCounter(**{"600036": 1000})
        try:
            with connect(sim_trader(), counter) as user:
                user.adjust_weights(
                    {"000001": 0.002, "600036": 0.003}, assume_open=True, deadline=15
                )
                held = {each["stock_code"]: each["volume"] for each in user.position}
                assert held == {"600036.SH": 800, "000001.SZ": 1700}
        finally:
            counter.close()

    def test_quotes_that_never_come(
        self, counter: SimCounter, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        del counter.prices["m2601"]
        with (
            connect(sim_trader(), counter, timeout=0.3) as user,
            pytest.raises(errors.QueryFailedError, match=r"m2601\.DCE"),
        ):
            user.quote(["600036", "m2601"])

    def test_holdings_and_money_do_not_wait_for_quotes(
        self, user: GatewayTrader, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        session: Any = user._session
        session.book.ticks.clear()  # 一只都没有推来过
        asked: list[Any] = []
        monkeypatch.setattr(session, "quotes", lambda codes: asked.extend(codes) or [])
        assert user.position
        assert user.balance
        assert asked == []

    def test_contracts(self, user: GatewayTrader) -> None:
        assert [each["stock_code"] for each in user.contracts("if")] == ["IF2512.CFFEX"]
        assert {each["security"] for each in user.contracts("螺纹")} == {"rb2510", "rb2601"}
        (option,) = user.contracts("IO2512-C")
        assert option["option_strike"] == 4000.0
        with pytest.raises(errors.UsageError, match="text"):
            user.contracts(1)  # type: ignore[arg-type]

    def test_rows_are_the_same_whatever_the_language(self, user: GatewayTrader) -> None:
        assert user.balance[0]["account_type"] == 2
        rows = {each["stock_code"]: each for each in user.position}
        assert rows["rb2510.SHFE"]["account_type"] == 1
        assert rows["600036.SH"]["can_use_volume"] == 1000

    @pytest.mark.parametrize(
        ("code", "price", "amount", "argument"),
        [
            ("600036", 39.001, 100, "price"),
            ("600036", 39, 150, "amount"),
            ("rb2510", 3500.5, 1, "price"),
            ("rb9999.SHFE", 3500, 1, "security"),
        ],
    )
    def test_checked_against_the_contract_before_sending(
        self, user: GatewayTrader, counter: SimCounter, code: str, price: Any, amount: Any,
        argument: str,
    ) -> None:  # fmt: skip
        with pytest.raises(errors.UsageError, match=argument):
            user.buy(code, price, amount)
        assert counter.sends == []

    def test_counter_that_brings_the_reference_back(
        self, counter: SimCounter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Back(SimGateway):
            reference_back = True

        with connect(sim_trader(Back), counter) as user:
            number = user.buy("600036", 39, 100, remark="网格 3", client_order_id="a")
        monkeypatch.setenv("EASYTRADER_HOME", str(tmp_path))  # 别的机器，没有我们的记录
        with connect(sim_trader(Back), counter) as user:
            (row,) = user.today_entrusts
            assert row["order_remark"] == "网格 3"
            assert user.find_entrust(number["entrust_no"]) == row
        assert len(counter.sends) == 1

    def test_order_placed_by_hand_is_seen(self, user: GatewayTrader, counter: SimCounter) -> None:
        request = OrderRequest("600036", Exchange.SSE, Direction.LONG, OrderType.LIMIT, 100, 39)
        user.trader.send_order(request, "SIM")
        eventually(lambda: user.today_entrusts)
        (row,) = user.today_entrusts
        assert user.cancel_entrust(row["order_id"])["success"] is True


def test_secrets_are_nowhere(counter: SimCounter, capfd: pytest.CaptureFixture[str]) -> None:
    with connect(sim_trader(), counter) as user:
        user.account.write_log("登录失败：密码 hunter2-secret 不对")
        assert user._session.desk.drain(5)
        shown = repr(user) + str(user.status)
    out = capfd.readouterr()
    assert "hunter2" not in shown + out.out + out.err
    assert "hunter2" not in "".join(map(str, os.environ.values()))
