"""机队的交易口：命令记下没有、有没有结果，说的都是实话；同一个编号只有一笔；事件一条不缺。"""

from __future__ import annotations

import gc
import threading
import weakref
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from fleets.faulty_store import AFTER, BROKEN, DOWN, NEVER, FaultyStore
from fleets.fleet_broker import FleetMemory, sqlite_dsn
from support import Recorder, eventually

import easytrader
from easytrader import errors
from easytrader.fleets import words
from easytrader.fleets.address import open_store
from easytrader.fleets.line import _Wanted, digest
from easytrader.remote.line import Asked
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[FleetMemory]:
    one = FleetMemory(tmp_path, sqlite_dsn(tmp_path))
    yield one
    one.close()


@pytest.fixture
def store(broker: FleetMemory) -> Iterator[FaultyStore]:
    one = FaultyStore(open_store(broker.dsn))
    yield one
    one.inner.close()


@pytest.fixture
def user(broker: FleetMemory, store: FaultyStore) -> Iterator[Any]:
    trader = broker.trader()
    trader.connect(store, account="main", timeout=3, wait=10, reconnect_interval=0.05)
    yield trader
    trader.close()


def _buy(user: Any, broker: FleetMemory, **options: Any) -> Any:
    return user.buy(broker.security, broker.resting_price, broker.amount, **options)


def _orders(broker: FleetMemory) -> list[Any]:
    return [each["order_id"] for each in broker.inner.today_entrusts]


# ---- 记下没有


def test_nothing_recorded_is_not_connected(user: Any, broker: FleetMemory, store: Any) -> None:
    store.faults["post"] = [DOWN]
    with pytest.raises(errors.NotConnectedError, match="什么都没有发出"):
        _buy(user, broker, client_order_id="a")
    assert _orders(broker) == []
    number = _buy(user, broker, client_order_id="a")["entrust_no"]
    assert _orders(broker) == [number]


def test_recorded_without_an_answer_is_asked_for(
    user: Any, broker: FleetMemory, store: Any
) -> None:
    store.faults["post"] = [AFTER]
    number = _buy(user, broker, client_order_id="a")["entrust_no"]
    assert _orders(broker) == [number]


def test_never_arrived_is_voided_for_good(user: Any, broker: FleetMemory, store: Any) -> None:
    store.faults["post"] = [NEVER]
    with pytest.raises(errors.NotConnectedError, match="以后再到也不做了"):
        _buy(user, broker, client_order_id="a")
    (wish,) = [args[0] for name, args in store.calls if name == "post"]
    with pytest.raises(words.StoreDownError):  # 路上的那一句这时候才到
        store.inner.post(wish, _soon())
    assert _orders(broker) == []


def test_nothing_can_be_asked_is_unknown_and_the_same_id_finds_it(
    user: Any, broker: FleetMemory, store: Any
) -> None:
    store.faults["post"] = [AFTER]
    store.all_down("withdraw", "find", fault=NEVER)
    with pytest.raises(errors.OutcomeUnknownError) as caught:
        _buy(user, broker, client_order_id="a")
    assert not isinstance(caught.value, OSError)
    assert caught.value.client_order_id == "a"
    store.heal()
    number = _buy(user, broker, client_order_id="a")["entrust_no"]
    assert _orders(broker) == [number]
    assert user.fleet.settle("a")["order_id"] == number


def test_unclaimed_is_taken_back_and_never_sent(user: Any, broker: FleetMemory) -> None:
    broker.station.close()
    with pytest.raises(errors.NotConnectedError, match="什么都没有发出"):
        _buy(user, broker, client_order_id="late")
    broker.station = broker.start_station()
    eventually(lambda: user.state == "已连接", within_s=20)
    assert _buy(user, broker)["entrust_no"]
    assert len(_orders(broker)) == 1
    assert user.fleet.settle("late")["state"] in ("unsent", "never")


def test_again_while_unknown_does_not_say_nothing_was_sent(
    user: Any, broker: FleetMemory, store: Any
) -> None:
    """先前那一笔代理领走了、没有结果：再来一次也是未知，不能说什么都没有发出。"""
    wish = words.Wish(
        "main", "a", "r0", "buy", "order", '{"args":[],"kwargs":{}}', _digest(broker), 30.0
    )  # fmt: skip
    posted = store.inner.post(wish, _soon())
    stuck = posted.command._replace(state=words.SENDING, epoch=1)

    def seen(*_: Any) -> Any:
        return [stuck]

    store.inner = _Answering(store.inner, stuck)
    with pytest.raises(errors.OutcomeUnknownError, match="领走了"):
        user.buy(
            broker.security, broker.resting_price, broker.amount, client_order_id="a"
        )  # fmt: skip
    assert seen() == [stuck]


class _Answering:
    """``post outcomes find`` 都说那一条领走了。"""

    def __init__(self, inner: Any, row: words.Command) -> None:
        self._inner, self._row = inner, row

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def post(self, wish: words.Wish, deadline: float) -> words.Posted:
        return words.Posted(self._row, False, "")

    def outcomes(self, numbers: Any, deadline: float) -> list[words.Command]:
        return [self._row]

    def find(self, account: str, command_id: str, deadline: float) -> words.Command:
        return self._row

    def withdraw(self, account: str, request: str, deadline: float) -> None:
        return None


# ---- 同一个编号


def test_same_id_other_wish_is_a_usage_error(user: Any, broker: FleetMemory) -> None:
    _buy(user, broker, client_order_id="a")
    with pytest.raises(errors.UsageError) as caught:
        user.buy(broker.security, broker.resting_price, 2, client_order_id="a")
    assert caught.value.argument == "client_order_id"
    assert len(_orders(broker)) == 1


def test_same_id_other_wish_that_never_arrived_is_not_the_first(
    user: Any, broker: FleetMemory, store: Any
) -> None:
    """要得不一样的第二笔没有到：第一笔的结果不是它的。"""
    _buy(user, broker, client_order_id="a")
    store.faults["post"] = [NEVER]
    with pytest.raises(errors.NotConnectedError, match="什么都没有发出"):
        user.buy(broker.security, broker.resting_price, 2, client_order_id="a")
    store.faults["post"] = [NEVER]
    assert _buy(user, broker, client_order_id="a")["entrust_no"] == _orders(broker)[0]


def test_same_wish_written_otherwise_is_the_same(user: Any, broker: FleetMemory) -> None:
    code, price = broker.security, broker.resting_price
    first = user.buy(code, price, Decimal(2), client_order_id="a")
    assert user.buy(security=code, price=price, amount=2, client_order_id="a") == first
    assert user.buy(code, Decimal(str(price)), 2.0, client_order_id="a") == first
    assert len(_orders(broker)) == 1


def test_wrong_ids_say_which_argument(user: Any, broker: FleetMemory) -> None:
    wrong: list[Any] = ["", " a", "x" * 65, 3, "a\n"]
    for each in wrong:
        with pytest.raises(errors.UsageError) as caught:
            _buy(user, broker, client_order_id=each)
        assert caught.value.argument == "client_order_id"
    assert _orders(broker) == []


def test_digest_tells_wishes_apart() -> None:
    buy, sell, later = (verbs.find(each) for each in ("buy", "sell", "buy_async"))
    assert buy is not None
    assert sell is not None
    assert later is not None
    one = digest(buy, ["600036", 10, 100], {})
    assert digest(later, ["600036"], {"price": 10.0, "amount": {"$": "decimal", "v": "100"}}) == one
    others = [
        digest(sell, ["600036", 10, 100], {}),
        digest(buy, ["600036", 10.01, 100], {}),
        digest(buy, ["600036", 10, 200], {}),
        digest(buy, ["600036", 10, 100], {"remark": "x"}),
        digest(buy, ["600036", "10", 100], {}),
        digest(buy, ["600036", True, 100], {}),
    ]
    assert one not in others
    assert len(set(others)) == len(others)


def test_every_answer_is_said_once_and_in_order() -> None:
    """几个线程同时看到同一行：序号一次，结果一次，序号在前。"""
    row = _command(seq=7)
    placed = row._replace(state=words.PLACED, answer='{"result":{"entrust_no":1}}')
    for _ in range(50):
        heard: list[Any] = []
        wanted = _Wanted(Asked(heard.append), 1, fresh=True, is_question=False)
        gate = threading.Barrier(3)

        def look(each: words.Command, gate: Any = gate, wanted: Any = wanted) -> None:
            gate.wait()
            wanted.look(each)

        threads = [threading.Thread(target=look, args=(each,)) for each in (row, placed, placed)]
        for each in threads:
            each.start()
        for each in threads:
            each.join()
        assert heard in (
            [{"seq": 7}, {"result": {"entrust_no": 1}}],
            [{"result": {"entrust_no": 1}}],
        )


# ---- 事件


def test_events_are_durable_and_numbered(user: Any, broker: FleetMemory) -> None:
    first = _buy(user, broker)["entrust_no"]
    eventually(lambda: _told_of(user, first))
    seen = list(user.fleet.events(timeout=0))
    assert [each["number"] for each in seen] == list(range(1, len(seen) + 1))
    at = seen[-1]["number"]
    user.close()
    broker.inner.buy(broker.security, broker.crossing_price, broker.amount)  # 没有人听的时候

    other = broker.trader()
    broker.connect(other)
    try:
        eventually(lambda: "trade" in _kinds(other, at))
        later = list(other.fleet.events(after=at, timeout=0))
        assert [each["number"] for each in later] == list(range(at + 1, at + 1 + len(later)))
    finally:
        other.close()


def _kinds(user: Any, after: int) -> list[str]:
    return [each["event"] for each in user.fleet.events(after=after, timeout=0)]


def test_reconnecting_misses_nothing(broker: FleetMemory, store: FaultyStore) -> None:
    heard = Recorder()
    trader = broker.trader()
    trader.connect(store, heard, account="main", timeout=2, wait=10, reconnect_interval=0.05)
    try:
        store.all_down()
        eventually(lambda: trader.state != "已连接", within_s=20)
        with pytest.raises(errors.NotConnectedError, match="什么都没有发出"):
            _buy(trader, broker)
        number = broker.inner.buy(broker.security, broker.crossing_price, broker.amount)
        store.heal()
        eventually(lambda: trader.state == "已连接", within_s=20)
        heard.wait_for("trade")
        assert [each.order_id for each in heard.of("trade")] == [number["entrust_no"]]
        assert trader.status["reconnects"] == 1
    finally:
        trader.close()


def test_gap_only_where_events_are_no_longer_kept(
    user: Any, broker: FleetMemory, store: Any, logged: list[str]
) -> None:
    for _ in range(3):
        _buy(user, broker)
    eventually(lambda: len(_kinds(user, 0)) >= 3)
    assert "gap" not in _kinds(user, 0)
    store.inner = _Trimmed(store.inner, 2)
    first, second, *_ = user.fleet.events(timeout=0)
    assert (first["event"], first["number"], first["data"]) == ("gap", 2, {"missed": 2})
    assert second["number"] == 3
    store.faults["accounts"] = [BROKEN]  # 断一次
    store.inner.upto = 10**6
    broker.inner.buy(broker.security, broker.crossing_price, broker.amount)
    eventually(lambda: any("事件有遗漏" in each for each in logged), within_s=20)
    eventually(lambda: user.state == "已连接", within_s=20)


class _Trimmed:
    """到 ``upto`` 为止的事件已经不留了。"""

    def __init__(self, inner: Any, upto: int) -> None:
        self._inner, self.upto = inner, upto

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def read(self, account: str, after: int, most: int, deadline: float) -> Any:
        return self._inner.read(account, max(after, self.upto), most, deadline)


def test_what_cannot_be_read_loses_the_line_and_comes_back(
    user: Any, broker: FleetMemory, store: Any
) -> None:
    """看存储的线程遇到想不到的：断开重连，不会悄悄没有人看。"""
    store.faults["accounts"] = [BROKEN]
    eventually(lambda: user.status["reconnects"] == 1 and user.state == "已连接", within_s=20)
    store.faults["outcomes"] = [BROKEN]
    number = _buy(user, broker)["entrust_no"]
    assert _orders(broker) == [number]


# ---- 开关、风控、账号的样子


def test_switch_stops_orders_but_not_cancels(user: Any, broker: FleetMemory) -> None:
    number = _buy(user, broker)["entrust_no"]
    told = user.server.stop_orders("盘中异常")
    assert told["reason"] == "盘中异常"
    assert told["scope"] == "account:main"
    with pytest.raises(errors.RiskRefusedError):
        _buy(user, broker)
    assert user.cancel_entrust(number)["success"]
    assert user.server.allow_orders() is None
    eventually(lambda: _is_allowed(user, broker))  # 那台机器下一次续租才知道
    assert len(_orders(broker)) == 2


def test_guard_of_this_connection_is_kept_on_the_box(user: Any, broker: FleetMemory) -> None:
    user.guard = {"max_order_value": 1.0}
    with pytest.raises(errors.RiskRefusedError) as caught:
        _buy(user, broker)
    assert caught.value.rule == "max_order_value"
    assert user.status["guard"]["refused"] == 1
    user.guard = None
    _buy(user, broker)


def test_row_and_status_say_which_box(user: Any) -> None:
    row = user.fleet.row
    assert (row["account"], row["box"], row["alive"]) == ("main", "box-1", True)
    assert row["hello"]["state"] == "已连接"
    assert user.server.status()["box"] == "box-1"
    assert "机队" in user.capabilities.name


def test_lost_owner_is_told_with_what_to_look_at(user: Any, broker: FleetMemory) -> None:
    broker.station.close()
    eventually(lambda: user.state != "已连接", within_s=20)
    eventually(lambda: "easytrader fleet status" in user.status["last_error"], within_s=20)
    assert user.fleet.row["alive"] is False
    broker.station = broker.start_station()
    eventually(lambda: user.state == "已连接", within_s=20)
    _buy(user, broker)


# ---- 连接


@pytest.mark.parametrize(
    ("argument", "wrong"),
    [
        ("account", ""), ("account", 3), ("account", "a\nb"), ("account", "x" * 200),
        ("strategy", None), ("strategy", "a\0"),
        ("timeout", 0), ("wait", "yes"), ("reconnect_interval", -1), ("on_health", 3),
    ],
)  # fmt: skip
def test_wrong_options_say_what_would_be_right(
    tmp_path: Path, argument: str, wrong: object
) -> None:
    options: dict[str, Any] = {"account": "main", argument: wrong}
    with easytrader.use("fleet") as trader, pytest.raises(errors.UsageError) as caught:
        trader.connect(sqlite_dsn(tmp_path), **options)
    assert caught.value.argument == argument
    assert caught.value.expected


def test_wrong_addresses_say_what_would_be_right() -> None:
    wrong: list[Any] = [None, "", 3, "mysql://x/y", "host=a dbname=b"]
    with easytrader.use("fleet") as trader:
        for each in wrong:
            with pytest.raises(errors.UsageError):
                trader.connect(each, account="main")


def test_a_mistyped_path_makes_no_file(tmp_path: Path) -> None:
    file = tmp_path / "错了.sqlite"
    with easytrader.use("fleet") as trader:
        with pytest.raises(errors.ConnectFailedError, match="没有这个文件"):
            trader.connect(f"sqlite:///{file.as_posix()}", account="main", timeout=1)
        with pytest.raises(errors.ConnectFailedError, match="没有这个文件"):
            trader.connect(f"sqlite:///{file.as_posix()}", timeout=1)
    assert list(tmp_path.iterdir()) == []


def test_before_connecting_there_is_no_fleet() -> None:
    with (
        easytrader.use("fleet") as trader,
        pytest.raises(errors.NotConnectedError, match="connect"),
    ):
        _ = trader.fleet


def test_no_such_account_leaves_nothing(broker: FleetMemory) -> None:
    with broker.trader() as trader:
        with pytest.raises(errors.ConnectFailedError, match="没有账号 other"):
            trader.connect(broker.dsn, account="other", timeout=1)
        mine = ("easytrader-fleet-answers", "easytrader-fleet-events")
        eventually(lambda: not [each for each in threading.enumerate() if each.name in mine])
        trader.connect(broker.dsn, timeout=3, wait=10)  # 只有一个账号的不必写
        assert trader.fleet.row["account"] == "main"


def test_a_trader_nobody_holds_lets_go(
    broker: FleetMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[FaultyStore] = []

    def recorded(dsn: Any, timeout_s: float) -> Any:
        opened.append(FaultyStore(open_store(dsn, timeout_s)))
        return opened[-1]

    monkeypatch.setattr("easytrader.fleets.trader.open_store", recorded)
    trader = broker.trader()
    with pytest.raises(errors.ConnectFailedError):
        trader.connect(broker.dsn, account="other", timeout=1)
    broker.connect(trader)
    broker.connect(trader)  # 再连一次：换了新的
    held = weakref.ref(trader)
    mine = {each for each in threading.enumerate() if each.name.startswith("easytrader-fleet-ev")}
    assert mine
    del trader
    gc.collect()
    assert held() is None
    eventually(lambda: not any(each.is_alive() for each in mine))
    assert len(opened) == 3
    eventually(lambda: all("close" in [name for name, _ in each.calls] for each in opened))


def test_a_store_that_was_given_is_not_closed(broker: FleetMemory, store: FaultyStore) -> None:
    with broker.trader() as one, broker.trader() as other:
        one.connect(store, account="main", timeout=3, wait=10, reconnect_interval=0.05)
        other.connect(store, account="main", timeout=3, wait=10, reconnect_interval=0.05)
        one.close()
        _buy(other, broker)
    assert "close" not in [name for name, _ in store.calls]


# ---- 做在上面的


def test_receipt_has_a_number_before_its_answer(user: Any, broker: FleetMemory) -> None:
    receipt = user.buy_async(broker.security, broker.resting_price, broker.amount)
    assert receipt.seq > 0
    assert receipt.result()["entrust_no"] in _orders(broker)


def test_preview_is_answered_by_the_box(user: Any, broker: FleetMemory) -> None:
    told = user.server.preview(
        "buy",
        {"security": broker.security, "price": broker.resting_price, "amount": broker.amount},
    )
    assert told["ok"]
    assert _orders(broker) == []


def _is_allowed(user: Any, broker: FleetMemory) -> bool:
    try:
        _buy(user, broker)
    except errors.RiskRefusedError:
        return False
    return True


def _soon() -> float:
    import time

    return time.monotonic() + 5


def _told_of(user: Any, number: Any) -> bool:
    found = [each["data"] for each in user.fleet.events(timeout=0) if each["event"] == "order"]
    return any(each["order_id"] == number for each in found)


def _digest(broker: FleetMemory) -> str:
    buy = verbs.find("buy")
    assert buy is not None
    return digest(
        buy, [broker.security, broker.resting_price, {"$": "decimal", "v": str(broker.amount)}],
        {"client_order_id": "a"},
    )  # fmt: skip


def _command(**fields: Any) -> words.Command:
    made = words.Command("A", "c", "r", "buy_async", "order", "{}", "d", 1, state=words.SENDING)
    return made._replace(**fields)
