"""插头：同形的模块也能用，而且同样不会挂住；名字表与装着的 xtquant 逐个核对；重连的节奏。"""

from __future__ import annotations

import threading
from datetime import datetime, timedelta, timezone
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest
from support import eventually
from vendor_shim import ShimAccount, ShimTrader

import easytrader
from easytrader import codes
from easytrader.backend.capabilities import Capabilities
from easytrader.basics.log import Log
from easytrader.errors import ConnectFailedError, OutcomeUnknownError, QueryFailedError
from easytrader.link.backoff import ReconnectOptions
from easytrader.link.heartbeat import Vitals
from easytrader.link.supervisor import Supervisor
from easytrader.market.calendar import is_trading_day

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def shim() -> Iterator[ModuleType]:
    module = ModuleType("other_qmt")
    module.XtQuantTrader = ShimTrader  # type: ignore[attr-defined]
    module.StockAccount = ShimAccount  # type: ignore[attr-defined]
    ShimTrader.instances.clear()
    yield module
    for each in ShimTrader.instances:
        each.hang.set()


def test_a_module_of_the_same_shape_trades(shim: ModuleType, tmp_path: Path) -> None:
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim)
        assert user.balance[0]["cash"] == 1.0
        assert user.today_entrusts == []
        assert user.buy("600036", 35.5, 100) == {"entrust_no": 77}
        (_, code, side, volume, kind, price, _, _) = ShimTrader.instances[0].sent[0]
        assert (code, side, volume, kind, price) == ("600036.SH", 23, 100, 11, 35.5)
        assert type(user.trader) is ShimTrader
    assert ShimTrader.instances[0].stopped


def test_a_shim_that_hangs_does_not_hang_us(shim: ModuleType, tmp_path: Path) -> None:
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim, timeout=0.3)
        backend = ShimTrader.instances[0]
        backend.hang.clear()
        with pytest.raises(QueryFailedError):
            _ = user.balance
        with pytest.raises(OutcomeUnknownError) as caught:
            user.buy("600036", 35.5, 100)
        assert caught.value.tag
        assert len(backend.sent) == 1
        backend.hang.set()


class Decorated(ShimTrader):
    """带着厂商内部方法的名字，同步调用却不从它走。"""

    cbs: ClassVar[dict[int, Any]] = {}

    def common_op_sync_with_seq(self, seq: int, callable: Any) -> Any:
        self.cbs[seq] = callable
        return callable[0](*callable[1:])


def routed(self: Any, *request: Any) -> Any:
    return self.common_op_sync_with_seq(1, (ShimTrader.order_stock, self, *request))


class Dressed(ShimTrader):
    """同步调用也从那个名字走、也提到 ``cbs``，发出的却是一个会等应答的函数。"""

    def __init__(self, path: str, session: int) -> None:
        super().__init__(path, session)
        self.cbs: dict[int, Any] = {}

    def common_op_sync_with_seq(self, seq: int, callable: Any) -> Any:
        self.cbs[seq] = callable
        return callable[0](*callable[1:])

    def order_stock(self, *request: Any) -> Any:
        return self.common_op_sync_with_seq(1, (super().order_stock, *request))

    def cancel_order_stock(self, account: Any, order_id: int) -> Any:
        return self.common_op_sync_with_seq(2, (self.hang.wait, 30))

    def query_stock_asset(self, account: Any) -> Any:
        return self.common_op_sync_with_seq(3, (super().query_stock_asset, account))

    def query_stock_orders(self, account: Any) -> Any:
        return self.common_op_sync_with_seq(4, (list,))

    query_stock_positions = query_stock_trades = query_stock_orders

    def subscribe(self, account: Any) -> Any:
        return self.common_op_sync_with_seq(5, (int,))

    def smart_algo_order_async(self, *request: Any) -> Any:
        self.hang.wait(30)
        return 9


HALF = type("Half", (Decorated,), {"order_stock": routed})


@pytest.mark.parametrize("kind", [Decorated, HALF, Dressed], ids=["none", "half", "dressed"])
def test_a_shim_with_the_vendors_names_is_still_bounded(
    shim: ModuleType, tmp_path: Path, kind: type[Any]
) -> None:
    """认厂商看调用真的从哪里走，不看有没有那个名字：不然期限加不上，永远挂住。"""
    shim.XtQuantTrader = kind  # type: ignore[attr-defined]
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim, timeout=0.3)
        assert type(user.trader) is kind
        backend = ShimTrader.instances[0]
        backend.hang.clear()
        with pytest.raises(QueryFailedError):
            _ = user.balance
        with pytest.raises(OutcomeUnknownError) as caught:
            user.buy("600036", 35.5, 100)
        assert caught.value.tag
        assert len(backend.sent) == 1
        backend.hang.set()


def test_asynchronous_calls_of_a_dressed_shim_are_bounded_too(
    shim: ModuleType, tmp_path: Path
) -> None:
    """只有厂商的名字的（cfquant 那样的）：异步的动词也不挂，回执到期说结果未知，只发一次。"""
    shim.XtQuantTrader = Dressed  # type: ignore[attr-defined]
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim, timeout=0.3)
        backend = ShimTrader.instances[0]
        backend.hang.clear()
        receipt = user.buy_async("600036", 35.5, 100)
        with pytest.raises(OutcomeUnknownError):
            receipt.result()
        with pytest.raises(OutcomeUnknownError):
            user.algo.order_async(
                "买入", "600036", 100, 35.5, "VWAP", "10:00:00", "11:00:00", {"a": 1}
            )
        with pytest.raises(OutcomeUnknownError):
            user.cancel_entrust(1)
        assert len(backend.sent) == 1
        backend.hang.set()


def test_the_vendor_is_recognised() -> None:
    easytrader.use("sim")
    from xtquant.xttrader import XtQuantTrader

    from easytrader.miniqmt.vendor.bounded import is_vendor

    assert is_vendor(XtQuantTrader)
    assert is_vendor(type("Mine", (XtQuantTrader,), {}))
    assert not is_vendor(ShimTrader)
    assert not is_vendor(Dressed)
    assert not is_vendor(type("Cut", (XtQuantTrader,), {"query_stock_orders": lambda *_: []}))


def test_connect_that_hangs_is_bounded(shim: ModuleType, tmp_path: Path) -> None:
    released = threading.Event()
    shim.XtQuantTrader = type(  # type: ignore[attr-defined]
        "Hung", (ShimTrader,), {"connect": lambda self: released.wait(600) and 0}
    )
    user = easytrader.use("miniqmt")
    with pytest.raises(ConnectFailedError, match="僵死"):
        user.connect(str(tmp_path), "1", xtquant=shim, timeout=0.3)
    released.set()


def test_names_match_the_installed_vendor() -> None:
    """厂商新版加了委托状态、委托类型、报价类型的常量，这里按名字报出来。"""
    easytrader.use("sim")
    from xtquant import xtconstant

    values = vars(xtconstant)
    assert {key: codes.AccountType[name] for key, name in xtconstant.ACCOUNT_TYPE_DICT.items()} == {
        key: codes.AccountType(key) for key in xtconstant.ACCOUNT_TYPE_DICT
    }
    statuses = {
        name: value for name, value in values.items()
        if name.startswith("ORDER_") and isinstance(value, int)
    }  # fmt: skip
    assert {
        name: value for name, value in statuses.items() if value not in codes.ORDER_STATUS_NAMES
    } == {}
    types = {
        name: value for name, value in values.items()
        if name.startswith(("STOCK_BUY", "STOCK_SELL", "CREDIT_")) and isinstance(value, int)
        and not name.startswith("CREDIT_ACCOUNT")
    }  # fmt: skip
    assert {
        name: value for name, value in types.items() if value not in codes.ORDER_TYPE_NAMES
    } == {}
    markets = {
        name: value for name, value in values.items()
        if name.startswith(("MARKET_SH_", "MARKET_SZ_", "MARKET_PEER", "MARKET_MINE"))
        and isinstance(value, int)
    }  # fmt: skip
    assert {value for each in codes.MARKET_ORDER_TYPES.values() for value in each.values()} == {
        value for name, value in markets.items() if value in range(42, 49)
    }
    assert values["FIX_PRICE"] == codes.PriceType.FIX
    assert values["LATEST_PRICE"] == codes.PriceType.LATEST
    for exchange, number in codes.MARKET_CODES.items():
        assert xtconstant.MARKET_STR_TO_ENUM_MAPPING[exchange] == number


def test_unknown_codes_are_named_unknown_and_warned_once(logged: list[str]) -> None:
    from easytrader import rows

    order = SimpleNamespace(
        stock_code="600036.SH", order_id=1, order_sysid="", order_time=0, order_type=9001,
        order_volume=1, price_type=9002, price=1.0, traded_volume=0, traded_price=0.0,
        order_status=9003, status_msg="", offset_flag=9004, strategy_name="", order_remark="",
        direction=9005, account_type=2, account_id="1",
    )  # fmt: skip
    for _ in range(3):
        row = rows.order_row(order)
    names = (
        "order_type_name",
        "price_type_name",
        "order_status_name",
        "offset_flag_name",
        "direction_name",
    )
    assert {row[name] for name in names} == {"未知"}
    assert len([line for line in logged if "900" in line]) == 5


def test_text_the_vendor_cut_inside_a_character_reads_as_empty() -> None:
    from easytrader import rows

    class Cut(SimpleNamespace):
        @property
        def status_msg(self) -> str:
            return b"\xe5\x8f".decode()

    order = Cut(
        stock_code="600036.SH", order_id=1, order_sysid="", order_time=0, order_type=23,
        order_volume=1, price_type=50, price=1.0, traded_volume=0, traded_price=0.0,
        order_status=57, offset_flag=48, strategy_name="", order_remark="", direction=48,
        account_type=2, account_id="1",
    )  # fmt: skip
    assert rows.order_row(order)["status_msg"] == ""
    assert rows.OrderRows().rows([order])[0]["order_status_name"] == "废单"


def test_changed_orders_are_never_shown_stale() -> None:
    from easytrader import rows

    remembered = rows.OrderRows()
    order = SimpleNamespace(
        stock_code="600036.SH", order_id=1, order_sysid="", order_time=5, order_type=23,
        order_volume=200, price_type=50, price=1.0, traded_volume=0, traded_price=0.0,
        order_status=50, status_msg="", offset_flag=48, strategy_name="", direction=48,
        order_remark="~k3j9x0a2b~甲", account_type=2, account_id="1",
    )  # fmt: skip
    (first,) = remembered.rows([order])
    first["order_status_name"] = "用户改了"
    (again,) = remembered.rows([order])
    assert (again["order_status_name"], again["order_remark"]) == ("已报", "甲")
    order.order_status, order.traded_volume = 55, 100
    (later,) = remembered.rows([order])
    assert (later["order_status_name"], later["traded_volume"]) == ("部成", 100)
    assert later == rows.order_row(order)


# ---- 重连的节奏


class Failing:
    """永远连不上的后端；记下每次尝试。"""

    timeout_s = 5.0
    session_id = 0

    def __init__(self) -> None:
        self.attempts = 0

    def cancel(self) -> None:
        pass

    def open(self, listener: Any, deadline: float) -> Any:
        self.attempts += 1
        raise ConnectFailedError("连不上")


def supervisor(connector: Any, **options: Any) -> Supervisor:
    return Supervisor(
        connector,
        ReconnectOptions(**options),
        Capabilities("试"),
        resync=lambda session: None,
        recheck=lambda session: None,
        finish=lambda deadline: None,
        deliver=lambda event: None,
        tend=lambda: False,
        vitals=Vitals(),
        log=Log(),
        account=("", ""),
    )


@pytest.mark.parametrize(("trading", "slow"), [(False, True), (True, False), (None, False)])
def test_reconnect_slows_down_on_a_day_without_trading_and_says_so_once(
    logged: list[str], trading: bool | None, slow: bool
) -> None:
    connector = Failing()
    watched = supervisor(connector, interval_s=0.01, trading_day=lambda now: trading)
    looking = threading.Thread(target=watched._reconnect, name="easytrader-test")
    looking.start()
    if slow:
        eventually(lambda: any("不是交易日" in line for line in logged))
    else:
        eventually(lambda: connector.attempts > 20)
    seen = connector.attempts
    watched.stop_reconnect()
    looking.join(30)
    assert not looking.is_alive()
    if slow:
        assert seen == connector.attempts == 3
        assert len([line for line in logged if "不是交易日" in line]) == 1
    else:
        assert not any("不是交易日" in line for line in logged)


def test_trading_days() -> None:
    beijing = timezone(timedelta(hours=8))
    assert is_trading_day(datetime(2026, 11, 20, tzinfo=beijing).date()) is True
    assert is_trading_day(datetime(2026, 11, 21, tzinfo=beijing).date()) is False
    assert is_trading_day(datetime(2026, 10, 1, tzinfo=beijing).date()) is False
    assert is_trading_day(datetime(2099, 1, 4, tzinfo=beijing).date()) is None


def test_the_watch_thread_survives_whatever_the_backend_throws(
    shim: ModuleType, tmp_path: Path, logged: list[str]
) -> None:
    """心跳里厂商接口抛出任何异常：不是悄悄停掉看护，而是断开、重连。"""
    with easytrader.use("miniqmt") as user:
        user.connect(
            str(tmp_path), "1", xtquant=shim, heartbeat_interval=0.05, reconnect_interval=0.05
        )
        first = ShimTrader.instances[0]

        def fail(account: Any) -> Any:
            raise ConnectionResetError("同形模块的连接断了")

        first.query_stock_asset = fail  # type: ignore[method-assign]
        eventually(lambda: any("重连成功" in line for line in logged))
        assert user.balance
        assert len(ShimTrader.instances) > 1


def test_a_broken_calendar_does_not_stop_reconnecting(logged: list[str]) -> None:
    def broken(now: datetime) -> bool:
        raise ValueError("日历坏了")

    connector = Failing()
    watched = supervisor(connector, interval_s=0.01, trading_day=broken)
    looking = threading.Thread(target=watched._reconnect, name="easytrader-test")
    looking.start()
    eventually(lambda: connector.attempts > 10)
    watched.stop_reconnect()
    looking.join(30)


def test_an_exception_after_sending_is_an_unknown_outcome(shim: ModuleType, tmp_path: Path) -> None:
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim)
        backend = ShimTrader.instances[0]

        def broken(*request: Any) -> int:
            backend.sent.append(request)
            raise TimeoutError("管道超时")

        backend.order_stock = backend.cancel_order_stock = broken  # type: ignore[attr-defined]
        with pytest.raises(OutcomeUnknownError, match="管道超时") as caught:
            user.buy("600036", 35.5, 100)
        assert caught.value.tag in backend.sent[0][-1]
        with pytest.raises(OutcomeUnknownError) as caught:
            user.cancel_entrust(5)
        assert caught.value.entrust_no == 5
        assert len(backend.sent) == 2
        backend.query_stock_orders = broken  # type: ignore[method-assign]
        with pytest.raises(QueryFailedError, match="管道超时"):
            _ = user.today_entrusts


def test_a_fresh_order_the_clients_cache_does_not_show_yet(
    shim: ModuleType, tmp_path: Path
) -> None:
    """客户端的查询是缓存：刚下的委托查不到，`wait` 等它出现。"""
    asked: list[int] = []

    def query_stock_order(self: Any, account: Any, number: int) -> Any:
        asked.append(number)
        if len(asked) < 3:
            return None
        return SimpleNamespace(
            stock_code="600036.SH", order_id=number, order_sysid="1", order_time=5, order_type=23,
            order_volume=100, price_type=50, price=35.5, traded_volume=100, traded_price=35.5,
            order_status=56, status_msg="", offset_flag=48, strategy_name="", direction=48,
            order_remark="", account_type=2, account_id="1",
        )  # fmt: skip

    shim.XtQuantTrader = type(  # type: ignore[attr-defined]
        "Cached", (ShimTrader,), {"query_stock_order": query_stock_order}
    )
    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=shim)
        number = user.buy("600036", 35.5, 100)["entrust_no"]
        assert user.wait(number, 30)["order_status_name"] == "已成"
        asked.clear()
        with pytest.raises(easytrader.UsageError, match="entrust_no"):
            user.wait(number + 1, 30)
        assert len(asked) == 1, "不是自己下的编号，查不到就是没有"


def test_one_connect_has_one_deadline(shim: ModuleType, tmp_path: Path) -> None:
    """订阅和四个补查都慢：加起来也不超过 timeout。"""

    def slow(self: Any, account: Any) -> Any:
        threading.Event().wait(0.25)
        return ShimTrader.query_stock_orders(self, account)

    slow_names = ("query_stock_positions", "query_stock_orders", "query_stock_trades", "subscribe")
    shim.XtQuantTrader = type(  # type: ignore[attr-defined]
        "Slow", (ShimTrader,), {**dict.fromkeys(slow_names, slow), "subscribe": lambda *_: 0}
    )
    with pytest.raises(ConnectFailedError):
        easytrader.use("miniqmt").connect(str(tmp_path), "1", xtquant=shim, timeout=0.4)
