"""中转文件：终端的表怎样一片一片读、只送变了的；回调怎样成为不缺不重的事件；别的只读的查询。"""

from __future__ import annotations

import itertools
import threading
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import ACCOUNT, Row, order_row, settings, submit

from easytrader.bigqmt import agent

if TYPE_CHECKING:
    from agent_world import Outside, Rig
    from conftest import Rigs


UNSET = 1.7976931348623157e308


class Copy:
    """脚本那头照着 ``rows`` 的回答维护的一份。"""

    def __init__(self, outside: Outside, kind: str = "ORDER") -> None:
        self.outside = outside
        self.kind = kind
        self.rows: dict[int, dict[str, Any]] = {}
        self.rev = 0
        self.sent = 0

    def refresh(self) -> dict[str, Any]:
        answer = self.outside.ask("rows", kind=self.kind, since=self.rev)
        assert answer["ok"], answer
        last: dict[str, Any] = answer["v"]
        if last["full"]:
            self.rows.clear()
        self.sent = 0
        for part in self.outside.parts:
            for index, *values in part["rows"]:
                self.rows[index] = dict(zip(part["cols"], values, strict=True))
                self.sent += 1
        self.rows = {index: row for index, row in self.rows.items() if index < last["count"]}
        self.rev = last["rev"]
        return last

    def column(self, name: str) -> list[Any]:
        return [self.rows[index][name] for index in sorted(self.rows)]


# ---- 表


def test_only_what_changed_is_sent_again(rig: Rig, outside: Outside) -> None:
    orders = [order_row(number) for number in range(250)]
    rig.tables["ORDER"] = orders
    copy = Copy(outside)
    assert copy.refresh()["full"] is True
    assert copy.sent == 250
    assert copy.refresh()["full"] is False
    assert copy.sent == 0
    orders[7].m_nOrderStatus = 56
    orders.append(order_row(250))
    copy.refresh()
    assert copy.sent == 2
    assert copy.rows[7]["m_nOrderStatus"] == 56
    assert copy.column("m_strOrderSysID") == [str(number) for number in range(251)]
    del orders[100:]
    copy.refresh()
    assert copy.column("m_strOrderSysID") == [str(number) for number in range(100)]


def test_the_values_are_what_the_attributes_gave(rig: Rig, outside: Outside) -> None:
    rig.tables["ORDER"] = [order_row(1, m_nErrorID=2147483647, m_dTradedPrice=UNSET)]
    copy = Copy(outside)
    copy.refresh()
    row = copy.rows[0]
    assert row["m_dLimitPrice"] == 10.040000000000001
    assert row["m_nErrorID"] == 2147483647
    assert row["m_dTradedPrice"] == UNSET
    assert row["m_strInstrumentName"] == "招商银行"


def test_attributes_this_build_lacks_are_not_in_cols(rig: Rig, outside: Outside) -> None:
    rig.tables["DEAL"] = [Row(m_strTradeID="1", m_dComssion=5.0, m_strOrderSysID="9")]
    copy = Copy(outside, "DEAL")
    copy.refresh()
    assert copy.rows[0] == {"m_strTradeID": "1", "m_strOrderSysID": "9", "m_dComssion": 5.0}


def test_an_attribute_that_breaks_in_one_row_is_none(rig: Rig, outside: Outside) -> None:
    class Broken(Row):
        def __getattr__(self, name: str) -> str:
            raise UnicodeDecodeError("gbk", b"\xff", 0, 1, "截断在汉字中间")

    plain = vars(order_row(2)).copy()
    del plain["m_strCancelInfo"]
    broken = Broken(**plain)
    rig.tables["ORDER"] = [order_row(1), broken, order_row(3)]
    copy = Copy(outside)
    copy.refresh()
    assert copy.column("m_strCancelInfo") == ["", None, ""]
    assert copy.column("m_strOrderSysID") == ["1", "2", "3"]


def test_enumerations_become_numbers(rig: Rig, outside: Outside) -> None:
    class Status:
        def __int__(self) -> int:
            return 56

    rig.tables["ORDER"] = [order_row(1, m_nOrderStatus=Status(), m_strRemark=b"\xd5\xd0")]
    copy = Copy(outside)
    copy.refresh()
    assert copy.rows[0]["m_nOrderStatus"] == 56
    assert copy.rows[0]["m_strRemark"] == "招"


def test_a_query_that_fails_says_so_and_is_never_an_empty_table(rig: Rig, outside: Outside) -> None:
    def broken() -> Any:
        raise RuntimeError("没有登录")

    rig.tables["POSITION"] = broken
    answer = outside.ask("rows", kind="POSITION")
    assert (answer["code"], answer["msg"]) == ("failed", "RuntimeError: 没有登录")
    rig.tables["POSITION"] = None
    assert outside.ask("rows", kind="POSITION")["code"] == "failed"
    rig.tables["POSITION"] = []
    assert outside.ask("rows", kind="POSITION")["v"]["count"] == 0


def test_a_table_that_failed_is_sent_whole_again(rig: Rig, outside: Outside) -> None:
    rig.tables["ORDER"] = [order_row(1)]
    copy = Copy(outside)
    copy.refresh()
    rig.tables["ORDER"] = None
    outside.ask("rows", kind="ORDER", since=copy.rev)
    rig.tables["ORDER"] = [order_row(2)]
    assert copy.refresh()["full"] is True
    assert copy.column("m_strOrderSysID") == ["2"]


def test_another_load_does_not_continue_old_numbers(
    rig: Rig, outside: Outside, world: Rigs
) -> None:
    rig.tables["ORDER"] = [order_row(1)]
    copy = Copy(outside)
    copy.refresh()
    rig.load()
    rig.tables["ORDER"] = [order_row(2)]
    copy.outside = world.inside(rig)
    assert copy.refresh()["full"] is True
    assert copy.column("m_strOrderSysID") == ["2"]


def test_one_snapshot_is_shared_by_all_who_ask_in_a_tick(
    rig: Rig, outside: Outside, world: Rigs
) -> None:
    other = world.inside(rig)
    before = len(rig.queries)
    for each in (outside, other, other):
        each.post("rows", kind="ORDER")
    assert outside.wait("r")["ok"]
    assert other.wait("r")["ok"]
    assert other.wait("r")["ok"]
    assert len(rig.queries) == before + 1


def test_who_asks_while_it_is_read_gets_a_newer_one(rig: Rig, outside: Outside) -> None:
    rig.tables["ORDER"] = [order_row(number) for number in range(500)]
    clock = _Stepping(rig)
    clock.step = agent.CONVERT_S / 3  # 一格只转换得了两三百行
    first = outside.post("rows", kind="ORDER")
    rig.tick()
    outside.post("rows", kind="ORDER")
    answers = {}
    while len(answers) < 2:
        answer = outside.wait("r")
        answers[answer["id"]] = answer["v"]
    asked = answers.pop(first)
    (later,) = answers.values()
    assert later["at"] > asked["at"]
    assert later["tick"] > asked["tick"]


class _Stepping:
    """每看一眼就走一点的钟：转换花时间。"""

    def __init__(self, rig: Rig) -> None:
        self.step = 0.0
        self.looks: list[float] = []

        def look() -> float:
            rig.now += self.step
            self.looks.append(rig.now)
            return rig.now

        rig.module["_clock"] = look


def test_five_thousand_orders_take_many_short_ticks(rig: Rig, outside: Outside) -> None:
    rig.tables["ORDER"] = [order_row(number) for number in range(5000)]
    clock = _Stepping(rig)
    outside.post("rows", kind="ORDER")
    clock.step = 0.002  # 一百行两毫秒
    ticks = 0
    answer = None
    while answer is None:
        clock.looks.clear()
        rig.tick()
        ticks += 1
        assert clock.looks[-1] - clock.looks[0] < 0.05
        outside.pull()
        while (message := outside.take()) is not None:
            answer = message if message["t"] == "r" else answer
    assert answer["v"]["count"] == 5000
    assert ticks >= 5


def test_a_slow_client_gets_time_for_its_other_strategies(rig: Rig, outside: Outside) -> None:
    reads: list[float] = []

    def slow() -> list[Any]:
        reads.append(rig.now)
        rig.now += 0.5
        return [order_row(1)]

    rig.tables["ORDER"] = slow
    for _ in range(3):
        assert outside.ask("rows", kind="ORDER")["v"]["count"] == 1
    gaps = [after - before for before, after in itertools.pairwise(reads)]
    assert all(gap >= 1.5 for gap in gaps)  # 半秒读，一秒歇


def test_a_peer_that_does_not_read_holds_nobody_up(rig: Rig, outside: Outside, world: Rigs) -> None:
    rig.tables["ORDER"] = [order_row(number, m_strCancelInfo="理" * 500) for number in range(5000)]
    lazy = world.inside(rig)
    for _ in range(3):
        lazy.post("rows", kind="ORDER")
    copy = Copy(outside)
    copy.refresh()
    assert len(copy.rows) == 5000
    assert all(len(each._out) < agent.OUT_BYTES for each in rig.agent._channels)
    lazy.close()
    rig.tick(20)
    assert not rig.agent._work


def test_a_peer_that_never_reads_is_let_go(rig: Rig, outside: Outside, world: Rigs) -> None:
    lazy = world.inside(rig)
    rig.module["OUT_BYTES"] = 1_000_000
    for number in range(20_000):
        rig.call_back("order_callback", order_row(number, m_strCancelInfo="理" * 300))
        if number % 100 == 99:
            rig.tick()
            outside.pull()  # 读的那个
            while outside.take() is not None:
                pass
        if len(rig.agent._channels) == 1:
            break
    assert len(rig.agent._channels) == 1
    assert lazy.end
    assert outside.ask("find", tags=[])["ok"]


# ---- 事件


def test_callbacks_become_numbered_events(rig: Rig, outside: Outside) -> None:
    rig.call_back("order_callback", order_row(1))
    rig.call_back("deal_callback", Row(m_strTradeID="7", m_strOrderSysID="1"))
    rig.call_back("account_callback", Row(m_strAccountID=ACCOUNT, m_dAvailable=5.0))
    first, second, third = outside.events()
    assert [each["k"] for each in (first, second, third)] == ["order", "deal", "account"]
    assert [each["seq"] for each in (first, second, third)] == [1, 2, 3]
    told = dict(zip(second["v"]["cols"], second["v"]["row"], strict=True))
    assert told == {"m_strTradeID": "7", "m_strOrderSysID": "1"}


def test_another_accounts_callback_is_not_ours(rig: Rig, outside: Outside) -> None:
    rig.call_back("order_callback", order_row(1, m_strAccountID="99"))
    assert outside.events() == []


def test_the_refusal_of_the_client_carries_the_tag(rig: Rig, outside: Outside) -> None:
    args = SimpleNamespace(
        opType=23, orderType=1101, accountID=ACCOUNT, orderCode="600036.SH", prType=11,
        modelPrice=35.5, modelVolume=100, strategyName="网格_&&&_~000000001~",
    )  # fmt: skip
    rig.call_back("orderError_callback", args, "[函数交易] 指定价 无效, 无法下单!")
    (event,) = outside.events()
    assert event["k"] == "error"
    assert event["v"] == {
        "op": 23, "order_type": 1101, "account": ACCOUNT, "code": "600036.SH", "pr": 11,
        "price": 35.5, "volume": 100, "strategy": "网格", "tag": "~000000001~",
        "msg": "[函数交易] 指定价 无效, 无法下单!",
    }  # fmt: skip


@pytest.mark.parametrize(
    "name", ["order_callback", "deal_callback", "orderError_callback", "credit_account_callback"]
)
def test_nothing_escapes_a_callback(rig: Rig, name: str) -> None:
    class Hostile:
        def __dir__(self) -> list[str]:
            raise RuntimeError

        def __getattr__(self, name: str) -> Any:
            raise RuntimeError

    two = ("orderError_callback", "credit_account_callback")
    rig.call_back(name, *[Hostile()] * (2 if name in two else 1))
    rig.call_back("credit_opvolume_callback", ACCOUNT, 1, -4, Hostile())
    rig.tick(3)


def test_callbacks_come_from_another_thread(rig: Rig, outside: Outside) -> None:
    def push() -> None:
        for number in range(300):
            rig.call_back("order_callback", order_row(number))

    thread = threading.Thread(target=push, name="native")
    thread.start()
    while thread.is_alive():
        rig.tick()
    thread.join()
    rig.tick(3)
    seqs = [each["seq"] for each in outside.events()]
    assert seqs == list(range(1, 301))


def test_since_replays_what_was_missed(rig: Rig, outside: Outside, world: Rigs) -> None:
    for number in range(5):
        rig.call_back("order_callback", order_row(number))
    rig.tick()
    after = world.inside(rig)
    assert after.greeting["seq"] == 5
    assert after.ask("since", seq=2)["v"] == {"seq": 5, "count": 3}
    assert [each["seq"] for each in after.events()] == [3, 4, 5]
    assert after.ask("since", seq=5)["v"] == {"seq": 5, "count": 0}
    assert after.ask("since", seq=9)["v"]["gap"] is True  # 不是这个进程的号


def test_events_survive_a_rerun(rig: Rig, outside: Outside, world: Rigs) -> None:
    rig.call_back("order_callback", order_row(1))
    rig.tick()
    rig.load()
    rig.call_back("order_callback", order_row(2))
    after = world.inside(rig)
    assert after.ask("since", seq=0)["v"] == {"seq": 2, "count": 2}


def test_what_the_ring_forgot_is_a_gap(rig: Rig, outside: Outside) -> None:
    rig.module["RING"] = 50
    for number in range(60):
        rig.call_back("order_callback", order_row(number))
        rig.tick()
    answer = outside.ask("since", seq=0)["v"]
    assert answer == {"seq": 60, "count": 50, "gap": True}
    assert "gap" not in outside.ask("since", seq=10)["v"]


def test_a_flood_between_two_ticks_leaves_a_hole_in_the_numbers(rig: Rig, outside: Outside) -> None:
    rig.module["RING"] = 250
    for number in range(260):
        rig.call_back("order_callback", order_row(number))
    seqs = [each["seq"] for each in outside.events()]
    assert seqs == list(range(11, 261))
    assert outside.ask("since", seq=0)["v"]["gap"] is True


# ---- 心跳


def test_beats_tell_the_agents_clock(rig: Rig, outside: Outside) -> None:
    rig.tick(20)
    outside.events()
    beats = [each for each in outside.seen if each["t"] == "b"]
    assert len(beats) >= 6
    assert beats[-1]["tick"] > beats[0]["tick"]
    assert 0 < rig.now - beats[-1]["mono"] < 0.6
    assert beats[-1]["age_ms"] == pytest.approx(100)


def test_the_observed_cadence_is_published(world: Rigs) -> None:
    rig = world.rig()
    rig.period = 0.25
    rig.tick(100)
    outside = world.inside(rig)
    assert outside.greeting["cadence_ms"] == pytest.approx(250, rel=0.1)


# ---- 别的查询


def test_quotes_and_details(rig: Rig, outside: Outside) -> None:
    rig.context.ticks["600036.SH"] = {"lastPrice": 35.5, "askPrice": [35.5, 35.6]}
    rig.context.details["600036.SH"] = {"InstrumentName": "招商银行", "UpStopPrice": 39.0}
    found = outside.ask("full_tick", codes=["600036.SH", "000001.SZ"])
    assert found["v"] == {"600036.SH": {"lastPrice": 35.5, "askPrice": [35.5, 35.6]}}
    answer = outside.ask("detail", codes=["600036.SH", "000001.SZ"])
    assert answer["v"] == {"as": "dict", "count": 2}
    assert outside.parts == [
        {"600036.SH": {"InstrumentName": "招商银行", "UpStopPrice": 39.0}, "000001.SZ": None}
    ]
    assert outside.ask("dates", code="600036.SH", count=2)["v"] == {
        "dates": ["20260302", "20260303"]
    }
    for method in ("full_tick", "detail"):
        assert outside.ask(method, codes=["600036"])["code"] == "args"
        assert outside.ask(method, codes=["600036.SH"] * 501)["code"] == "args"


def test_only_the_listed_functions_are_called(world: Rigs) -> None:
    called: list[Any] = []

    def ask(*args: Any) -> Any:
        called.append(args)
        return [Row(m_strCompactId="1", m_dBusinessBalance=2.0)] * 45

    rig = world.rig(get_unclosed_compacts=ask, get_ipo_data=lambda kind: {"301001": {"name": "新"}})
    outside = world.inside(rig)
    answer = outside.ask("call", fn="get_unclosed_compacts", args=[ACCOUNT, "CREDIT"])
    assert answer["v"] == {"as": "list", "count": 45}
    assert sum(map(len, outside.parts)) == 45
    assert outside.parts[0][0] == {"m_strCompactId": "1", "m_dBusinessBalance": 2.0}
    assert outside.ask("call", fn="get_ipo_data", args=[""])["v"] == {"as": "dict", "count": 1}
    assert outside.parts == [{"301001": {"name": "新"}}]
    assert outside.ask("call", fn="get_assure_contract", args=[ACCOUNT])["code"] == "missing"
    for wrong in ("passorder", "eval", "print", "__import__", None, ["get_ipo_data"]):
        assert outside.ask("call", fn=wrong, args=[ACCOUNT])["code"] in ("args", "failed")
    assert outside.ask("call", fn="get_unclosed_compacts", args=["99"])["code"] == "account"
    assert called == [(ACCOUNT, "CREDIT")]
    assert rig.calls == []


def test_slow_credit_queries_answer_as_an_event(world: Rigs) -> None:
    asked: list[Any] = []
    rig = world.rig(query_credit_account=lambda *args: asked.append(args))
    outside = world.inside(rig)
    answer = outside.ask("credit", what="account")
    assert answer["v"] == {"seq": 1}
    assert asked == [(ACCOUNT, 1, rig.context)]
    again = outside.ask("credit", what="account")
    assert again["code"] == "busy"
    assert 0 < again["wait_s"] <= 180
    rig.call_back("credit_account_callback", 1, Row(m_dPerAssurescaleValue=2.5))
    (event,) = outside.events()
    assert event["k"] == "credit"
    assert event["v"] == {
        "what": "account",
        "seq": 1,
        "ret": 1,
        "value": {"m_dPerAssurescaleValue": 2.5},
    }


def test_smart_orders_follow_the_same_rule(world: Rigs) -> None:
    placed: list[Any] = []
    stopped: list[Any] = []
    rig = world.rig(
        smart_algo_passorder=lambda *args: placed.append(args),
        cancel_task=lambda *args: stopped.append(args) or True,
    )
    outside = world.inside(rig)
    order = submit(rest=["VWAP", 20, 1000])
    assert outside.ask("algo", **order)["v"]["state"] == "dispatched"
    assert outside.ask("algo", **order)["v"]["again"] is True
    assert outside.ask("submit", **submit())["v"]["again"] is True
    assert len(placed) == 1
    assert placed[0][9:] == ("~000000001~", "VWAP", 20, 1000, rig.context)
    for wrong in (None, [], [1] * 9):
        assert outside.ask("algo", **submit(tag="~2~", rest=wrong))["code"] == "args"
    told = {"account": ACCOUNT, "account_type": "STOCK"}
    assert outside.ask("task", do="cancel", id=12, **told)["v"] == {"ret": True}
    assert stopped == [("12", ACCOUNT, "STOCK", rig.context)]
    assert outside.ask("task", do="pause", id=12, **told)["code"] == "missing"
    assert outside.ask("task", do="kill", id=12, **told)["code"] == "args"


def test_hostile_requests_get_an_answer_and_hurt_nobody(rig: Rig, outside: Outside) -> None:
    for method, args in (
        ("__init__", {}),
        (None, {}),
        (["rows"], {}),
        ("rows", {"kind": "EVERYTHING"}),
        ("rows", {"kind": []}),
        ("rows", {"kind": "ORDER", "since": "x"}),
        ("find", {"tags": "x"}),
        ("find", {"tags": [1]}),
        ("since", {}),
        ("full_tick", {"codes": None}),
        ("dates", {"code": 1}),
        ("call", {"fn": {}, "args": {}}),
        ("credit", {"what": "money"}),
    ):
        assert outside.ask(method, **args)["ok"] is False, (method, args)  # type: ignore[arg-type]
    assert outside.ask("rows", kind="ORDER")["ok"]


# ---- 起停


def test_init_binds_the_account_and_asks_for_ticks(rig: Rig) -> None:
    assert rig.context.bound == [(ACCOUNT,)]
    assert rig.context.timers == [("_et_tick", "100nMilliSecond", "2020-01-01 09:00:00")]
    (line,) = rig.output
    assert ACCOUNT not in line
    assert rig.settings.token not in line


def test_a_credit_account_is_bound_with_its_type(world: Rigs) -> None:
    rig = world.rig(settings(account_type="CREDIT"))
    assert rig.context.bound == [(ACCOUNT, "CREDIT")]


def test_bars_stand_in_for_a_dead_timer(rig: Rig) -> None:
    for _ in range(5000):  # 回放
        rig.module["handlebar"](rig.context)
    assert rig.agent.tick_number == 0
    rig.context.last_bar = True
    rig.module["handlebar"](rig.context)
    assert rig.agent.tick_number == 1
    rig.module["handlebar"](rig.context)  # 定时器还活着的样子
    assert rig.agent.tick_number == 1
    rig.now += 10
    rig.module["handlebar"](rig.context)
    assert rig.agent.tick_number == 2


def test_without_run_time_another_timer_is_asked_for(world: Rigs) -> None:
    rig = world.rig()
    asked: list[Any] = []

    class Other(type(rig.context)):  # type: ignore[misc]
        def run_time(self, *args: Any) -> None:
            raise TypeError("没有这个函数")

        def schedule_run(self, *args: Any) -> int:
            asked.append(args)
            return 1

    rig.context = Other()
    rig.module["init"](rig.context)
    assert asked[0][0] is rig.module["_et_tick"]
    assert asked[0][2] == -1
    assert asked[0][3].total_seconds() == pytest.approx(0.1)
    assert "schedule_run" in rig.output[-1]


def test_nothing_is_kept_on_the_context(rig: Rig, outside: Outside) -> None:
    before = set(vars(rig.context))
    outside.ask("submit", **submit())
    outside.ask("rows", kind="ORDER")
    assert set(vars(rig.context)) == before


def test_stop_closes_and_keeps_the_tags(rig: Rig, outside: Outside, world: Rigs) -> None:
    outside.ask("submit", **submit())
    rig.module["stop"](rig.context)
    assert outside.gone()
    rig.load()
    assert world.inside(rig).ask("submit", **submit())["v"]["again"] is True


def test_an_entry_point_never_raises(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(rig.module, "_clock", None)
    rig.module["_et_tick"](rig.context)
    rig.module["handlebar"](rig.context)
    assert "NoneType" in rig.agent.trouble
    monkeypatch.setitem(rig.module, "_clock", time.monotonic)


def test_before_init_every_entry_point_is_quiet() -> None:
    for name in ("_et_tick", "handlebar", "stop"):
        getattr(agent, name)(None)
    agent.order_callback(None, None)
