"""实盘、模拟、编辑器、回测：各自有什么、没有什么。"""

from __future__ import annotations

import pytest
from terminal_stubs import formula, manual, printed

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
