"""实盘、模拟、编辑器、回测：各自有什么、没有什么。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT
from terminal_desk import desk_client
from terminal_stubs import formula, manual, printed

if TYPE_CHECKING:
    from pathlib import Path

SOURCE = """#coding:gbk
print(sorted({'account', 'accountType'} & set(globals())))
def init(C):
    %s
    C.run_time('ring', '1nSecond', '2020-01-01 00:00:00')
def handlebar(C): print('bar', C.barpos, C.is_last_bar())
def ring(C): print('ring')
def order_callback(C, order): print('order', order)
def stop(C): print('stop')
"""
INJECTED = "['account', 'accountType']"


def life(mode: str, set_account: bool = True, **fields: object) -> tuple[list[str], list[str]]:
    terminal = manual(**fields)
    source = SOURCE % ("C.set_account('1')" if set_account else "pass")
    strategy = terminal.load(source.encode("gbk"), mode=mode, account="1", replay_bars=2)
    terminal.advance(0.5)
    trading = strategy.trading
    terminal.link.push("order", 7)
    terminal.advance(3)
    terminal.stop()
    trade = [each for each in formula(terminal) if each.startswith("[trade]")]
    assert trading == (trade == ["[trade]start trading mode"])
    return printed(terminal), trade


def test_live() -> None:
    said, trade = life("live")
    assert said[0] == INJECTED
    assert said[1:3] == ["bar 0 False", "bar 1 False"]
    assert sorted(said[3:]) == ["bar 2 True", "order 7", *["ring"] * 4, "stop"]
    assert trade == ["[trade]start trading mode"]


def test_signals_only() -> None:
    """模拟：定时器照走，没有回调，日志里只有这一句说明是哪一种。"""
    said, trade = life("sim")
    assert said[0] == INJECTED
    assert said.count("ring") == 4
    assert "order 7" not in said
    assert trade == ["[trade]signal only mode"]


def test_run_from_the_editor() -> None:
    said, trade = life("editor")
    assert said[0] == "[]"
    assert said.count("ring") == 4
    assert "order 7" not in said
    assert trade == []


def test_backtest_has_neither_timers_nor_callbacks() -> None:
    said, trade = life("backtest")
    assert said == ["[]", "bar 0 False", "bar 1 False", "bar 2 True", "stop"]
    assert trade == []


@pytest.mark.parametrize(
    ("needs", "called", "trades"),
    [("callbacks", False, True), ("trading", False, False), ("no", True, True)],
)
def test_without_set_account(needs: str, called: bool, trades: bool) -> None:
    said, trade = life("live", set_account=False, needs_account=needs)
    assert ("order 7" in said, bool(trade)) == (called, trades)
    assert said.count("ring") == 4


def test_engine_that_takes_the_script_for_timer_driven() -> None:
    said, _ = life("live", handlebar="never")
    assert not [each for each in said if each.startswith("bar")]
    assert said.count("ring") == 4


def test_unknown_mode_is_named() -> None:
    terminal = manual()
    with pytest.raises(ValueError, match=r"live.*sim.*editor.*backtest.*'paper'"):
        terminal.load(b"", mode="paper")
    terminal.stop()


ORDERS = b"""#coding:gbk
def init(C):
    C.set_account(globals().get('account', '2'))
    C.run_time('ring', '3600nSecond', '2020-01-01 00:00:00')
def order(C, tag): passorder(23, 1101, WHO, '600036.SH', 11, 35.0, 100, 's', 2, tag, C)
def ring(C): order(C, 'ring')
def stop(C):
    order(C, 'stop')
    print(get_trade_detail_data(WHO, 'STOCK', 'ACCOUNT'))
seen = []
"""


@pytest.mark.parametrize(
    ("mode", "sent"), [("live", ["ring"]), ("sim", []), ("editor", []), ("backtest", [])]
)
def test_what_really_reaches_the_counter(mode: str, sent: list[str], tmp_path: Path) -> None:
    """停的时候交易的线已经断了：下的单不出去，查的是空的，不报错。"""
    source = ORDERS.replace(b"WHO", repr(ACCOUNT).encode())
    with desk_client(tmp_path, source=source, mode=mode) as client:
        client.wait(0.5)
        client.strategy.stop()
        client.wait()
        query = {"account_id": ACCOUNT, "account_type": 2, "kind": "ORDER"}
        rows = client.terminal.link.ask("rows", **query)
        assert [each["m_strRemark"] for each in rows] == sent
        assert [tag for tag, _ in client.terminal.calls][-1:] == ["stop"]
