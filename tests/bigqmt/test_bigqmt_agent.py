"""中转文件：握手、一笔委托最多一次、期限、限额、表、事件。终端是记账的替身，定时器一下一下拨。"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import ACCOUNT, settings, submit
from hypothesis import given
from hypothesis import settings as settings_for_tests
from hypothesis import strategies as st

from easytrader.bigqmt import agent

if TYPE_CHECKING:
    from agent_world import Outside, Rig
    from conftest import Rigs


TAG = "~000000001~"


# ---- 编解码


@given(st.binary(max_size=200), st.binary(max_size=300))
def test_mac_is_the_standard_hmac(key: bytes, data: bytes) -> None:
    mine = agent._Keyed(key).digest(data)  # type: ignore[attr-defined]
    assert mine == hmac.new(key, data, hashlib.sha256).digest()


@given(
    st.lists(st.dictionaries(st.text(), st.integers() | st.text() | st.floats(allow_nan=False))),
    st.integers(1, 7),
)
@settings_for_tests(max_examples=40)
def test_messages_come_back_however_they_are_cut(messages: list[Any], size: int) -> None:
    one, other = agent.Framer(True), agent.Framer(False)
    one.key = other.key = b"k"
    data = b"".join(one.pack(each) for each in messages)
    found = []
    for start in range(0, len(data), size):
        other.feed(data[start : start + size])
        while (message := other.take()) is not None:
            found.append(message)
    assert found == messages


@pytest.mark.parametrize("what", ["flip", "repeat", "skip", "reflect", "key", "length", "list"])
def test_a_frame_that_is_not_ours_ends_the_channel(what: str) -> None:
    one, other = agent.Framer(True), agent.Framer(False)
    one.key = other.key = b"k"
    first, second = one.pack({"a": 1}), one.pack({"a": 2})
    data = {
        "flip": first[:-2] + b"2}",
        "repeat": first + first,
        "skip": second,
        "reflect": other.pack({"a": 1}),  # 自己说的话被送了回来
        "key": agent.Framer(True).pack({"a": 1}),
        "length": (agent.MAX_FRAME + 1).to_bytes(4, "big") + first[4:],
        "list": _frame_of(b"[1]", b"k"),
    }[what]
    other.feed(data)
    if what == "repeat":
        assert other.take() == {"a": 1}
    with pytest.raises(agent.FrameError):
        other.take()
    other.feed(second)
    with pytest.raises(agent.FrameError):  # 一直到最后
        other.take()


def _frame_of(text: bytes, key: bytes) -> bytes:
    mac = hmac.new(key, b"A" + bytes(8) + text, hashlib.sha256).hexdigest()[:32].encode()
    return (len(text) + 32).to_bytes(4, "big") + mac + text


# ---- 握手


def test_hello_and_ok_say_what_is_here(rig: Rig, world: Rigs) -> None:
    outside = world.reach(rig)
    assert outside.hello["v"] == agent.PROTOCOL
    assert outside.hello["agent"] == agent.AGENT_VERSION
    greeting = outside.enter()
    assert greeting["t"] == "ok"
    assert (greeting["account"], greeting["account_type"], greeting["orders"]) == (
        ACCOUNT,
        "STOCK",
        True,
    )
    assert greeting["mode"] == "live"
    assert "passorder" in greeting["caps"]
    assert "cancel_task" in greeting["missing"]
    assert greeting["wires"]["tcp"] == "ok"
    assert greeting["wires"]["spool"] == "no folder given"


@pytest.mark.parametrize(
    ("changes", "code"),
    [({"token": "0" * 64}, "token"), ({"account": "99"}, "account"), ({"v": 99}, "version")],
)
def test_a_stranger_is_told_why_and_let_go(
    rig: Rig, world: Rigs, changes: dict[str, Any], code: str
) -> None:
    outside = world.reach(rig, **changes)
    answer = outside.enter()
    assert (answer["t"], answer["code"]) == ("no", code)
    assert ACCOUNT not in answer["msg"]
    assert outside.gone()


@pytest.mark.parametrize(
    "auth",
    [
        {"nonce": "\ud800" * 32},
        {"who": "\ud800" * 64},
        {"proof": "\ud800" * 64},
        {"nonce": ["0" * 32]},
        {"v": {}},
        {"t": 1},
    ],
)
def test_what_one_stranger_says_harms_nobody_else(
    rig: Rig, outside: Outside, world: Rigs, auth: dict[str, Any]
) -> None:
    stranger = world.reach(rig)
    plain = {"t": "auth", "v": 1, "nonce": "0" * 32, "who": "0" * 64, "proof": "0" * 64}
    stranger.send({**plain, **auth})
    assert stranger.gone()
    assert outside.ask("submit", **submit())["v"]["state"] == "dispatched"


def test_a_stranger_may_not_say_much(rig: Rig, world: Rigs) -> None:
    """3.6 读一个一兆字节的数要几秒，占的是所有策略的线程。"""
    stranger = world.reach(rig)
    stranger.send({"t": "auth", "v": "9" * agent.AUTH_BYTES})
    assert stranger.gone()
    assert rig.agent.trouble == ""


@pytest.mark.parametrize("what", ["hello", "auth", "ok"])
def test_a_changed_greeting_shows_at_the_first_frame_after(what: str) -> None:
    theirs, mine = agent.Framer(True), agent.Framer(False)
    said: dict[str, Any] = {"hello": {"boot": "1"}, "auth": {"account": "1"}, "ok": {"mono": 1.0}}
    for name, value in said.items():
        one, other = (mine, theirs) if name == "auth" else (theirs, mine)
        data = one.pack(value)
        if name == what:  # 中间的人改一个字，重新算了校验
            forged = agent.Framer(name != "auth")
            for before in list(said)[: list(said).index(name)]:
                if (before == "auth") == (name == "auth"):
                    forged.pack({})
            data = forged.pack({**value, "x": 1})
        other.feed(data)
        assert other.take() is not None
    theirs.key = mine.key = b"k"
    mine.feed(theirs.pack({"t": "b"}))
    with pytest.raises(agent.FrameError):
        mine.take()


def test_an_empty_token_lets_nobody_in(world: Rigs) -> None:
    rig = world.rig(settings(token=""))
    assert world.reach(rig).enter()["code"] == "token"


def test_a_silent_stranger_is_let_go(rig: Rig, world: Rigs) -> None:
    assert world.reach(rig).gone()
    assert rig.agent._channels == []


def test_requests_before_auth_end_the_channel(rig: Rig, world: Rigs) -> None:
    outside = world.reach(rig)
    outside.post("submit", **submit())
    assert outside.gone()
    assert rig.calls == []


def test_more_channels_than_there_is_room(rig: Rig, world: Rigs) -> None:
    for _ in range(agent.CHANNELS):
        world.inside(rig)
    extra = world.reach(rig)
    assert (extra.hello["t"], extra.hello["code"]) == ("no", "full")


def test_strangers_do_not_take_the_room(rig: Rig, world: Rigs) -> None:
    for _ in range(agent.CHANNELS * 2):
        world.reach(rig)
    assert world.inside(rig).ask("find", tags=[])["ok"]
    assert len(rig.agent._channels) <= agent.CHANNELS


# ---- 委托：最多一次


def test_passorder_gets_the_eleven_arguments(rig: Rig, outside: Outside) -> None:
    answer = outside.ask("submit", **submit())
    assert answer["v"]["state"] == "dispatched"
    assert rig.calls == [(23, 1101, ACCOUNT, "600036.SH", 11, 35.5, 100, "s", 2, TAG, rig.context)]
    assert rig.calls[0][-1] is rig.context


def test_a_tag_passes_once(rig: Rig, outside: Outside, world: Rigs) -> None:
    outside.ask("submit", **submit())
    again = world.inside(rig).ask("submit", **submit(volume=200))
    assert again["v"]["again"] is True
    assert again["v"]["state"] == "dispatched"
    assert len(rig.calls) == 1


def test_a_call_that_raised_is_not_repeated(rig: Rig, outside: Outside) -> None:
    def broken() -> None:
        raise RuntimeError("柜台没有应答")

    rig.on_passorder = broken
    answer = outside.ask("submit", **submit())
    assert (answer["ok"], answer["code"]) == (False, "raised")
    assert "柜台没有应答" in answer["msg"]
    assert outside.ask("submit", **submit())["v"]["state"] == "raised"
    assert outside.ask("find", tags=[TAG])["v"][TAG]["state"] == "raised"
    assert len(rig.calls) == 1


def test_a_client_that_dies_inside_leaves_dispatching(rig: Rig, outside: Outside) -> None:
    class Killed(BaseException):
        pass

    def killed() -> None:
        raise Killed

    rig.on_passorder = killed
    outside.post("submit", **submit())
    with pytest.raises(Killed):
        rig.tick(3)
    rig.on_passorder = lambda: None
    assert outside.ask("find", tags=[TAG])["v"][TAG]["state"] == "dispatching"
    assert outside.ask("submit", **submit())["v"]["state"] == "dispatching"
    assert len(rig.calls) == 1


def test_a_rerun_in_the_same_process_remembers(rig: Rig, outside: Outside, world: Rigs) -> None:
    outside.ask("submit", **submit())
    boot = outside.hello["boot"]
    rig.load()
    assert outside.gone()
    after = world.inside(rig)
    assert after.hello["boot"] == boot
    assert after.ask("submit", **submit())["v"]["again"] is True
    assert len(rig.calls) == 1


def test_the_predecessor_stays_quiet(rig: Rig) -> None:
    old = rig.module
    rig.load()
    old["_et_tick"](rig.context)  # 旧的定时器可能还响着
    assert old["_agent"].tick_number == 0


def test_a_new_process_has_a_new_boot(rig: Rig, outside: Outside, world: Rigs) -> None:
    outside.ask("submit", **submit())
    rig.forget()
    rig.load()
    after = world.inside(rig)
    assert after.hello["boot"] != outside.hello["boot"]
    assert after.ask("find", tags=[TAG])["v"] == {TAG: None}


def test_a_timer_that_fires_inside_passorder_does_nothing(rig: Rig, outside: Outside) -> None:
    seen: list[tuple[int, int]] = []

    def pumping() -> None:  # 终端在 passorder 里转消息循环
        before = rig.agent.tick_number
        rig.tick(3)
        seen.append((before, rig.agent.tick_number))

    rig.on_passorder = pumping
    outside.post("submit", **submit())
    outside.post("submit", **submit(tag="~000000002~"))
    outside.ask("rows", kind="ORDER")
    assert [call[9] for call in rig.calls] == [TAG, "~000000002~"]
    assert all(before == after for before, after in seen)


# ---- 委托：不发


def test_a_request_that_lay_too_long_is_never_placed(rig: Rig, outside: Outside) -> None:
    outside.post("submit", by=rig.now + 1.0, **submit())
    rig.now += 5.0  # 终端卡住了，套接字里的话还在
    answer = outside.wait("r")
    assert answer["code"] == "expired"
    assert rig.calls == []
    assert outside.ask("find", tags=[TAG])["v"] == {TAG: None}
    assert outside.ask("submit", **submit())["v"]["state"] == "dispatched"


def test_the_deadline_is_looked_at_again_right_before(rig: Rig, world: Rigs) -> None:
    rig.forget()
    slow = world.rig(settings(caps={"max_value": 1e6}))

    def detail(code: str) -> dict[str, float]:
        slow.now += 10.0  # 问涨停价用掉了期限
        return {"UpStopPrice": 1.0}

    slow.context.get_instrument_detail = detail  # type: ignore[method-assign]
    outside = world.inside(slow)
    answer = outside.ask("submit", by=slow.now + 5.0, **submit(pr=5))
    assert answer["code"] == "expired"
    assert slow.calls == []


def test_an_order_without_deadline_is_refused(rig: Rig, outside: Outside) -> None:
    outside.send({"t": "q", "id": 7, "m": "submit", "a": submit()})
    assert outside.wait("r")["code"] == "args"
    outside.send({"t": "q", "id": 8, "m": "find", "a": {"tags": []}})
    assert outside.wait("r")["ok"]  # 查询可以没有
    assert rig.calls == []


def test_readonly_places_and_cancels_nothing(world: Rigs) -> None:
    rig = world.rig(settings(allow_orders=False))
    outside = world.inside(rig)
    assert outside.greeting["orders"] is False
    for method, args in (
        ("submit", submit()),
        ("algo", submit(rest=["VWAP"])),
        ("cancel", {"sysid": "1", "account": ACCOUNT, "account_type": "STOCK"}),
        ("task", {"do": "cancel", "id": 1}),
    ):
        assert outside.ask(method, **args)["code"] == "readonly", method
    assert rig.calls == rig.cancels == []
    assert outside.ask("rows", kind="ORDER")["ok"]


@pytest.mark.parametrize(("mode", "told"), [("editor", "editor"), ("backtest", "backtest")])
def test_where_orders_lead_nowhere_none_is_placed(world: Rigs, mode: str, told: str) -> None:
    rig = world.rig(**({"account": None} if mode == "editor" else {}))
    rig.context.do_back_test = mode == "backtest"  # type: ignore[attr-defined]
    outside = world.inside(rig)
    assert outside.greeting["mode"] == told
    assert outside.ask("submit", **submit())["code"] == "mode"
    assert rig.calls == []


@pytest.mark.parametrize(
    "wrong",
    [
        {"op": 40},  # 期货的号
        {"op": 3},
        {"op": True},
        {"op": "23"},
        {"order_type": 1102},
        {"code": "600036"},
        {"code": ""},
        {"code": "600036.sh"},
        {"pr": 99},
        {"pr": None},
        {"price": float("nan")},
        {"price": float("inf")},
        {"price": -1},
        {"price": "1"},
        {"volume": 0},
        {"volume": 1.5},
        {"volume": True},
        {"strategy": "换\n行"},
        {"strategy": "策略🚀"},  # 客户端的编码里没有
        {"strategy": ["x"]},
        {"tag": ""},
        {"tag": "~" * 24},
        {"tag": "备注"},
        {"tag": None},
    ],
)
def test_arguments_that_are_not_right_never_leave(
    rig: Rig, outside: Outside, wrong: dict[str, Any]
) -> None:
    answer = outside.ask("submit", **submit(**wrong))
    assert answer["code"] == "args"
    assert answer["msg"].startswith(next(iter(wrong)))
    assert rig.calls == []


@pytest.mark.parametrize(
    "wrong", [{"account": "99"}, {"account_type": "CREDIT"}, {"account": None}]
)
def test_another_account_is_not_touched(rig: Rig, outside: Outside, wrong: dict[str, Any]) -> None:
    assert outside.ask("submit", **submit(**wrong))["code"] == "account"
    assert outside.ask("cancel", **{**submit(**wrong), "sysid": "1"})["code"] == "account"
    assert rig.calls == rig.cancels == []


def test_a_terminal_without_passorder(world: Rigs) -> None:
    rig = world.rig(passorder=None)
    outside = world.inside(rig)
    assert "passorder" in outside.greeting["missing"]
    assert outside.ask("submit", **submit())["code"] == "missing"


def test_caps_hold(world: Rigs) -> None:
    rig = world.rig(settings(caps={"max_value": 10_000, "max_per_minute": 2}))
    rig.context.details["600036.SH"] = {"UpStopPrice": 39.0}
    outside = world.inside(rig)

    def code(number: int, **changes: Any) -> Any:
        return outside.ask("submit", **submit(tag=f"~{number:09d}~", **changes)).get("code")

    assert code(1, price=100.01) == "caps"
    assert code(2, pr=5, price=0, volume=300) == "caps"  # 按涨停价算
    assert code(3, pr=5, price=0, code="000001.SZ") == "caps"  # 没有价，没法算
    assert code(4, price=100) is None
    assert code(5, pr=5, price=0) is None
    assert code(6) == "caps"
    rig.load()  # 重新运行模型，记着的笔数还在
    rig.context.details["600036.SH"] = {"UpStopPrice": 39.0}
    outside = world.inside(rig)
    assert code(6) == "caps"
    rig.now += 61
    assert code(7) is None
    assert [call[9] for call in rig.calls] == ["~000000004~", "~000000005~", "~000000007~"]


@pytest.mark.parametrize(
    "caps",
    [
        {"codes": "600036.SH"},
        {"codes": []},
        {"max_value": "1000"},
        {"max_per_minute": 0},
        {"max_value": True},
    ],
)
def test_limits_that_cannot_be_read_let_nothing_through(world: Rigs, caps: dict[str, Any]) -> None:
    rig = world.rig(settings(caps=caps))
    assert world.inside(rig).ask("submit", **submit())["code"] == "caps"
    assert rig.calls == []


def test_only_the_codes_in_the_file(world: Rigs) -> None:
    rig = world.rig(settings(caps={"codes": ["600036.SH"]}))
    outside = world.inside(rig)
    assert outside.ask("submit", **submit(code="600519.SH"))["code"] == "caps"
    assert outside.ask("submit", **submit())["v"]["state"] == "dispatched"


def test_the_queue_is_bounded(rig: Rig, outside: Outside) -> None:
    rig.on_passorder = lambda: setattr(rig, "now", rig.now + 0.2)  # 一格只来得及一笔
    for number in range(agent.QUEUE + 40):
        outside.post("submit", **submit(tag=f"~{number:09d}~"))
    answers = []
    while len(answers) < agent.QUEUE + 40:
        answers.append(outside.wait("r"))
    busy = [each for each in answers if each.get("code") == "busy"]
    done = [each for each in answers if each["ok"]]
    assert busy
    assert len(busy) + len(done) + sum(e.get("code") == "expired" for e in answers) == len(answers)
    assert len(rig.calls) == len(done)


def test_what_a_gone_peer_asked_for_is_dropped(rig: Rig, outside: Outside, world: Rigs) -> None:
    rig.on_passorder = lambda: setattr(rig, "now", rig.now + 0.2)
    for number in range(5):
        outside.post("submit", **submit(tag=f"~{number:09d}~"))
    rig.tick()
    outside.close()
    rig.tick(10)
    assert len(rig.calls) == 1
    found = world.inside(rig).ask("find", tags=["~000000000~", "~000000004~"])["v"]
    assert found["~000000000~"]["state"] == "dispatched"
    assert found["~000000004~"] is None


def test_asking_with_seal_burns_the_tag(rig: Rig, outside: Outside, world: Rigs) -> None:
    assert outside.ask("find", tags=[TAG])["v"] == {TAG: None}
    assert outside.ask("find", tags=[TAG, "~000000002~"], seal=True)["v"][TAG] is None
    late = outside.ask("submit", **submit())
    assert late["code"] == "sealed"
    assert outside.ask("find", tags=[TAG], seal=True)["v"] == {TAG: None}
    assert rig.calls == []


# ---- 撤单


def test_cancel_passes_the_contract_number(rig: Rig, outside: Outside) -> None:
    told = {"account": ACCOUNT, "account_type": "STOCK"}
    assert outside.ask("cancel", sysid="12345", **told)["v"] == {"ret": True}
    assert rig.cancels == [("12345", ACCOUNT, "STOCK", rig.context)]
    for wrong in ("", None, 12, "换\n行"):
        assert outside.ask("cancel", sysid=wrong, **told)["code"] == "args"
    assert len(rig.cancels) == 1
