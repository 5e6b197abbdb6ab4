"""一个心愿给几个账号：分、记、一起发、一家一行；再来一次不会多，一家慢不耽误别家。"""

from __future__ import annotations

import itertools
import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from fleets.store_worlds import claimed, leased, outcome, soon

from easytrader import ClosedError, NotConnectedError, OutcomeUnknownError, UsageError
from easytrader.fleets import quotas, view
from easytrader.fleets.joint import Joint, Share
from easytrader.fleets.many import Accounts, Fleet
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.words import (
    ABSENT,
    PLACED,
    SENDING,
    UNKNOWN,
    StoreDownError,
    StoreUnknownError,
    Wish,
)
from easytrader.testing.memory import Counter, MemoryTrader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.trader import Trader

CODE, PRICE = "600036", 30.0


class World:
    """几个内存柜台，一份 SQLite 的存储；没有代理：这里要看的是分与发。"""

    def __init__(self, folder: Path) -> None:
        self.users: dict[str, Trader] = {}
        self.counters: dict[str, Counter] = {}
        for name in ("甲", "乙", "丙"):
            user = MemoryTrader()
            counter = Counter(f"{folder}-{name}", 10**6, {"600036.SH": 30}, {"600036.SH": 0})
            user.connect(counter)
            self.users[name], self.counters[name] = user, counter
        self.store = SqliteStore(folder / "fleet.sqlite")
        self.fleet = Fleet(self.store, timeout=5.0)

    def accounts(self, *names: str, **lost: str) -> Accounts:
        users: Any = {name: self.users[name] for name in names or self.users}
        return Accounts(self.fleet, users, lost, "skip" if lost else "raise")

    def volumes(self, name: str, code: str = "600036.SH") -> list[int]:
        rows = self.users[name].today_entrusts
        return [int(row["order_volume"]) for row in rows if row["stock_code"] == code]

    def close(self) -> None:
        self.fleet.close()
        for user in self.users.values():
            user.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    found = World(tmp_path)
    yield found
    found.close()


class Broken:
    """一个交易口，下单时照吩咐出错；别的照旧。"""

    def __init__(self, user: Trader, act: Callable[[], Any]) -> None:
        self._user, self._act = user, act

    def __getattr__(self, name: str) -> Any:
        return getattr(self._user, name)

    def buy(self, *args: Any, **kwargs: Any) -> Any:
        """先办了再出错，或不办就出错，看 ``act``。"""
        told = self._act()
        if told == "办了再说不知道":
            self._user.buy(*args, **kwargs)
            raise OutcomeUnknownError("应答丢了")
        return self._user.buy(*args, **kwargs)


def broken(world: World, name: str, act: Callable[[], Any]) -> None:
    world.users[name] = Broken(world.users[name], act)  # type: ignore[assignment]


def unwrap(world: World) -> None:
    """都不出错了。"""
    for name, user in world.users.items():
        if isinstance(user, Broken):
            world.users[name] = user._user


def states(report: Any) -> dict[str, str]:
    return {row["account"]: row["state"] for row in report.rows}


def test_a_total_is_split_sent_and_told(world: World) -> None:
    report = world.accounts().buy(CODE, PRICE, 1000, client_order_id="一")
    assert {row["account"]: row["asked"] for row in report.rows} == {
        "丙": 400, "乙": 300, "甲": 300,
    }  # fmt: skip
    for row in report.rows:
        assert row["placed"] == row["asked"]
        found = world.users[row["account"]].find_entrust(f"一.{row['account']}")
        assert found is not None
        assert (found["order_id"], found["order_volume"]) == (row["entrust_no"], row["asked"])
    assert report.ok
    assert report.totals["placed_amount"] == 1000


def test_the_same_call_again_orders_nothing_more(world: World) -> None:
    first = world.accounts().buy(CODE, PRICE, 1000, allocate="assets", client_order_id="一")
    world.counters["甲"].cash -= 500_000  # 资产变了，分法不变
    again = world.accounts().buy(CODE, PRICE, 1000, allocate="assets", client_order_id="一")
    assert [row["entrust_no"] for row in again.rows] == [row["entrust_no"] for row in first.rows]
    assert [len(world.volumes(name)) for name in world.users] == [1, 1, 1]


def test_a_crash_between_two_accounts_is_continued_with_the_first_split(world: World) -> None:
    """第一次只发到一家就没有了；再来的时候资产已经不同，照第一次的分。"""

    def gone() -> None:
        raise SystemExit

    broken(world, "乙", gone)
    broken(world, "丙", gone)
    world.counters["甲"].cash = 500_000
    terms: Any = {"allocate": "assets", "client_order_id": "一"}
    world.accounts().buy(CODE, PRICE, 1000, **terms)
    unwrap(world)
    world.counters["甲"].cash = 3_000_000
    report = world.accounts().buy(CODE, PRICE, 1000, **terms)
    assert report.ok
    assert {name: world.volumes(name) for name in world.users} == {
        "甲": [200], "乙": [400], "丙": [400],
    }  # fmt: skip


def test_another_wish_under_the_same_id_is_refused_before_anything_is_sent(world: World) -> None:
    world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    with pytest.raises(UsageError, match="amount 那时是 300"):
        world.accounts().buy(CODE, PRICE, 600, client_order_id="一")
    with pytest.raises(UsageError, match="price 那时是 30"):
        world.accounts().buy(CODE, 31.0, 300, client_order_id="一")
    assert [len(world.volumes(name)) for name in world.users] == [1, 1, 1]


def test_two_processes_with_one_id_share_one_split(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """同时来、各自算出不同的分法，存储只认先记下的那一份：合起来恰好是总数。"""
    split, turns = quotas.shared, itertools.count()

    def turned(*args: Any, **kwargs: Any) -> quotas.Shared:
        found, turn = split(*args, **kwargs), next(turns)
        amounts = dict(
            zip(found.amounts, ([900, 0, 0], [0, 900, 0], [0, 0, 900])[turn], strict=True)
        )
        return found._replace(amounts=amounts)

    monkeypatch.setattr(quotas, "shared", turned)
    reports = []

    def go() -> None:
        reports.append(world.accounts().buy(CODE, PRICE, 900, client_order_id="一"))

    threads = [threading.Thread(target=go) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert next(turns) == len(reports) == 3
    assert [each for name in world.users for each in world.volumes(name)] == [900]


def test_a_lost_answer_is_unknown_and_retry_finds_the_order(world: World) -> None:
    broken(world, "乙", lambda: "办了再说不知道")
    report = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert states(report) == {"丙": "placed", "乙": "unknown", "甲": "placed"}
    assert not report.ok
    assert report.totals["unknown_amount"] == 100
    assert "结果未知：乙" in str(report)
    unwrap(world)
    fixed = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert fixed.ok
    assert world.volumes("乙") == [100]
    assert fixed.retry().rows == fixed.rows


def noted(world: World, name: str, own: str, state: str) -> None:
    """存储里记着：领走了，成了这样。"""
    lease = leased(world.store, name)
    wish = Wish(name, own, f"q-{name}", "buy", "order", "{}", "d", 5.0, "", "h", "")
    world.store.post(wish, soon())
    (command,) = claimed(world.store, [lease])
    if state != SENDING:
        world.store.settle([lease], [outcome(command, state)], [], soon())


@pytest.mark.parametrize(
    ("state", "told"),
    [("", "unknown"), (SENDING, "unknown"), (UNKNOWN, "unknown"), (PLACED, "placed"),
     (ABSENT, "unsent"), ("down", "unknown")],
)  # fmt: skip
def test_what_was_unknown_is_not_called_unsent_because_asking_failed(
    world: World, monkeypatch: pytest.MonkeyPatch, state: str, told: str
) -> None:
    """先前结果未知，再问的时候断着线：「什么都没有发出」说的是这一次，先前的看存储里记着的。"""
    errors: list[Exception] = [NotConnectedError("断着线"), OutcomeUnknownError("应答丢了")]

    def act() -> None:
        raise errors.pop()

    broken(world, "乙", act)
    report = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert states(report)["乙"] == "unknown"
    if state == "down":
        monkeypatch.setattr(world.store, "find", failing)
    elif state:
        noted(world, "乙", "一.乙", state)
    again = {row["account"]: row for row in report.retry().rows}["乙"]
    assert again["state"] == told
    assert again["entrust_no"] == (7 if told == "placed" else None)
    assert "断着线" in again["message"] or told == "placed"


def test_the_same_call_again_tells_the_order_of_who_is_away_now(world: World) -> None:
    world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    noted(world, "乙", "一.乙", PLACED)
    noted(world, "丙", "一.丙", SENDING)
    report = world.accounts("甲", 乙="关机了", 丙="关机了").buy(
        CODE, PRICE, 300, client_order_id="一"
    )
    assert states(report) == {"甲": "placed", "乙": "placed", "丙": "unknown"}


@pytest.mark.parametrize("length", [1, 64])
def test_who_is_away_and_may_carry_no_id_is_unknown(world: World, length: int) -> None:
    """带不了标记的，存储里凭 id 查不到它：不等于没有；合起来太长的也报得出来。"""
    leased(world.store, "乙")
    report = Joint(
        "买", "w" * length, CODE, {"乙": Share(100, "", None, "没有连上：关机了")}, 1.0,
        lambda account, own: world.store.find(account, own, soon()),
    ).send(0, [], lambda _: None, again=True)  # fmt: skip
    assert states(report) == {"乙": "unknown"}
    assert "关机了" in report.unknown[0]["message"]


def failing(*_: Any) -> None:
    raise StoreDownError("连不上（测试）")


@pytest.mark.parametrize("told", ["超时", "连不上 db：超时"])
def test_where_is_told_once(told: str) -> None:
    assert str(view.down("db", StoreDownError(told))).startswith("连不上 db：超时；什么都没有发出")


def test_an_unforeseen_error_of_one_account_counts_as_unknown(world: World) -> None:
    def boom() -> None:
        raise ZeroDivisionError("没有料到")

    broken(world, "乙", boom)
    report = world.accounts().buy(CODE, PRICE, 300)
    assert states(report)["乙"] == "unknown"
    assert report.unknown[0]["error"] == "ZeroDivisionError"


def test_nothing_sent_is_told_apart_and_retried(world: World) -> None:
    down = [True]

    def act() -> None:
        if down[0]:
            raise NotConnectedError("断着线；什么都没有发出")

    broken(world, "丙", act)
    report = world.accounts().buy(CODE, PRICE, 300)
    assert states(report)["丙"] == "unsent"
    assert report.unknown == []
    assert report.failed[0]["message"] == "断着线；什么都没有发出"
    down[0] = False
    assert report.retry().ok


def test_a_slow_account_does_not_hold_the_others_back(world: World) -> None:
    release = threading.Event()
    broken(world, "甲", lambda: release.wait(30) and None)
    world.fleet._limit_s = 0.0
    began = time.monotonic()
    report = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert time.monotonic() - began < 20  # 不等 30 秒
    assert states(report) == {"丙": "placed", "乙": "placed", "甲": "unknown"}
    assert "期限之内没有回答" in report.unknown[0]["message"]
    release.set()
    assert report.retry().ok
    assert world.volumes("甲") == [100]


def test_ctrl_c_tells_what_is_unknown(world: World, logged: list[str]) -> None:
    release, seen = threading.Event(), threading.Event()

    def slow() -> None:
        seen.set()
        release.wait(30)

    broken(world, "甲", slow)
    accounts = world.accounts()

    def interrupt() -> None:
        import _thread

        seen.wait(20)
        _thread.interrupt_main()

    helper = threading.Thread(target=interrupt)
    helper.start()
    with pytest.raises(KeyboardInterrupt):
        accounts.buy(CODE, PRICE, 300, client_order_id="一")
    helper.join()
    release.set()
    assert accounts.last is not None
    assert states(accounts.last)["甲"] == "unknown"
    assert "被打断的时候" in accounts.last.unknown[0]["message"]
    assert any("被打断" in line and "结果未知：" in line for line in logged)


def test_a_wish_that_was_never_sent_leaves_no_report_of_the_one_before(world: World) -> None:
    """没有到发的那一步就停了（Ctrl-C 也是）：``last`` 里不是上一次的，叫人当成这一次的。"""
    accounts = world.accounts()
    accounts.buy(CODE, PRICE, 300)
    assert accounts.last is not None
    with pytest.raises(UsageError):
        accounts.buy(CODE, PRICE, 300, allocate={"甲": 1})
    assert accounts.last is None


def test_who_is_not_connected_is_told_and_left_out_of_the_split(world: World) -> None:
    accounts = world.accounts("甲", "乙", 丁="连不上")
    report = accounts.buy(CODE, PRICE, 400, client_order_id="一")
    assert {row["account"]: row["asked"] for row in report.rows} == {"甲": 200, "乙": 200}
    assert accounts.missing == {"丁": "连不上"}


def test_who_was_in_the_first_split_and_is_away_now_is_a_row_not_a_silence(world: World) -> None:
    world.accounts("甲", "乙").buy(CODE, PRICE, 400, client_order_id="一")
    report = world.accounts("甲", "丙", 乙="关机了").buy(CODE, PRICE, 400, client_order_id="一")
    rows = {row["account"]: row for row in report.rows}
    assert rows["乙"]["state"] == "unknown"  # 第一次发过，存储里查不到它：不说没有委托
    assert "关机了" in rows["乙"]["message"]
    assert rows["丙"]["state"] == "nothing"
    assert world.volumes("丙") == []


@pytest.mark.parametrize("error", [StoreDownError, StoreUnknownError])
def test_a_split_that_was_not_recorded_sends_nothing(
    world: World, error: type[Exception], monkeypatch: pytest.MonkeyPatch
) -> None:
    def keep(*_: Any) -> str:
        raise error("断了")

    monkeypatch.setattr(world.store, "keep", keep)
    with pytest.raises(NotConnectedError, match="什么都没有发出"):
        world.accounts().buy(CODE, PRICE, 300)
    assert all(world.volumes(name) == [] for name in world.users)


def test_an_unknown_record_of_the_split_is_asked_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = world.store.keep
    calls: list[str] = []

    def once(name: str, text: str, deadline: float) -> str:
        calls.append(name)
        found = keep(name, text, deadline)
        if len(calls) == 1:
            raise StoreUnknownError("应答丢了")
        return found

    monkeypatch.setattr(world.store, "keep", once)
    assert world.accounts().buy(CODE, PRICE, 300, client_order_id="一").ok
    assert calls == ["一", "一"]


def test_every_form_of_the_report_names_every_account(world: World) -> None:
    report = world.accounts().buy(CODE, PRICE, 350, client_order_id="一")
    assert json.loads(json.dumps(report.to_dict()))["totals"]["left"] == 50
    for text in (str(report), report.to_markdown(), report._repr_html_(), report.to_csv()):
        assert all(name in text for name in world.users)
    assert report.to_csv().count("\n") == 4


def test_queries_are_one_table_with_the_account(world: World) -> None:
    accounts = world.accounts()
    accounts.market_buy(CODE, 300)
    assert [row["account"] for row in accounts.balance] == accounts.names == ["丙", "乙", "甲"]
    assert [row["volume"] for row in accounts.position] == [100] * 3
    assert {row["account"] for row in accounts.today_entrusts} == set(world.users)
    assert next(iter(accounts.today_trades[0])) == "account"


def test_cancel_all_reaches_every_account(world: World) -> None:
    accounts = world.accounts()
    accounts.buy(CODE, 29.0, 300)
    rows = accounts.cancel_all()
    assert [row["account"] for row in rows] == ["丙", "乙", "甲"]
    assert all(row["success"] for row in rows)


def test_wrong_arguments_are_told_before_anything_is_sent(world: World) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({"allocate": "平均"}, "allocate"),
        ({"allocate": {}}, "allocate"),
        ({"allocate": {"甲": 1}}, "allocate"),
        ({"allocate": {"甲": 1, "乙": 1, "丙": -1}}, "allocate"),
        ({"allocate": {"甲": 1, "乙": 1, "丙": 1, "丁": 1}}, "allocate"),
        ({"client_order_id": ""}, "client_order_id"),
        ({"client_order_id": "长" * 21}, "client_order_id"),
        ({"within_cash": 1}, "within_cash"),
        ({"spill": "是"}, "spill"),
        ({"lot": 0}, "lot"),
        ({"alocate": "equal"}, "alocate"),
        ({"security": "BTC/USDT"}, "security"),
        ({"amount": 0}, "amount"),
        ({"price": -1}, "price"),
        ({"strategy_name": "长" * 9}, "strategy_name"),
        ({"remark": "长" * 99}, "remark"),
    ]
    for options, argument in cases:
        given = {"security": CODE, "price": PRICE, "amount": 300, **options}
        with pytest.raises(UsageError) as caught:
            world.accounts().buy(**given)
        assert caught.value.argument == argument
    assert all(world.volumes(name) == [] for name in world.users)


def test_a_refusal_of_the_counter_is_only_retried_when_asked(world: World) -> None:
    accounts = world.accounts()
    world.counters["甲"].cash -= 999_999
    report = accounts.buy(CODE, PRICE, 3000, client_order_id="一")
    assert states(report) == {"丙": "placed", "乙": "placed", "甲": "refused"}
    assert report.totals["placed_amount"] == 2000
    assert report.retry().rows == report.rows
    world.counters["甲"].cash += 999_999
    assert report.retry(refused=True).ok


def test_a_counter_without_tags_is_never_sent_to_twice(world: World) -> None:
    class Bare(Broken):
        capabilities = replace(MemoryTrader.capabilities, tag_in="none")

    world.users["乙"] = Bare(world.users["乙"], lambda: None)  # type: ignore[assignment]
    report = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert report.ok
    assert {row["account"]: row["client_order_id"] for row in report.rows}["乙"] == ""
    again = world.accounts().buy(CODE, PRICE, 300, client_order_id="一")
    assert states(again) == {"丙": "placed", "乙": "unknown", "甲": "placed"}
    assert again.retry().rows == again.rows
    assert world.volumes("乙") == [100]


def test_a_sentence_with_an_id_is_refused_where_no_id_can_be_carried(world: World) -> None:
    """各家自己算数量的不记分法：同一个 id 再来，带不了标记的会再下一笔。"""

    class Bare(Broken):
        capabilities = replace(MemoryTrader.capabilities, tag_in="none")

    world.users["乙"] = Bare(world.users["乙"], lambda: None)  # type: ignore[assignment]
    with pytest.raises(UsageError, match="乙 的柜台带不了标记") as caught:
        world.accounts().order_target_value(CODE, 4000, client_order_id="一")
    assert caught.value.argument == "client_order_id"
    assert all(world.volumes(name) == [] for name in world.users)


def test_a_closed_fleet_says_so(world: World) -> None:
    world.fleet.close()
    with pytest.raises(ClosedError):
        world.fleet.accounts()
    with pytest.raises(ClosedError):
        world.fleet.status()
