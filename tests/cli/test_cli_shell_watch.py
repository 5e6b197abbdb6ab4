"""``watch``：变了才写，断线时留着最后看到的；终端里在原地刷新。"""

from __future__ import annotations

import json
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest
from shell_helpers import Screen
from support import eventually

from easytrader.cli import main

if TYPE_CHECKING:
    from remote_brokers import RemoteMemory
    from shell_helpers import Shell


def test_a_pipe_gets_one_block_for_each_change(shell: Shell) -> None:
    done = shell("watch", "position", "--for", "0.5", "--interval", "0.2")
    assert done.code == 0
    head, titles, *_ = done.out.splitlines()
    assert head.split()[::2] == ["持仓", "已连接"]
    assert titles.split()[:2] == ["证券代码", "证券名称"]
    assert "\x1b" not in done.out
    same = shell("watch", "entrusts", "--for", "0.7", "--interval", "0.2", "--json")
    assert len(same.out.splitlines()) == 1  # 没有变就不写
    rows = [
        json.loads(line)
        for line in shell("watch", "balance", "--for", "0.1", "--json").out.splitlines()
    ]
    assert [set(row) for row in rows][:1] == [{"time", "state", "problem", "kind", "rows"}]
    assert rows[0]["rows"][0]["total_asset"] > 0


def test_head_ends_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Screen(1))
    words = ["watch", "quote", "600036", "--interval", "0.2", "--json", "--for", "60"]
    assert main([*words, *shell.account]) == 0


def test_a_terminal_is_refreshed_in_place(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen(tty=True)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    words = ["watch", "position", "--interval", "0.2", "--for", "0.5"]
    assert main([*words, *shell.account]) == 0
    assert "\x1b[1A" in screen.getvalue()  # 光标回到上面，盖着写
    assert "证券代码" in screen.getvalue()


def test_a_lost_link_is_told_and_watching_goes_on(
    live: tuple[Shell, RemoteMemory], monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, broker = live
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)
    codes: list[int] = []
    words = ["watch", "balance", "--json", "--interval", "0.2", "--for", "120"]
    watching = threading.Thread(target=lambda: codes.append(main([*words, *shell.account])))
    watching.start()

    def told() -> list[dict[str, Any]]:
        return [json.loads(line) for line in screen.getvalue().splitlines()]

    eventually(lambda: told())
    broker.break_link()
    eventually(lambda: told()[-1]["problem"])
    assert told()[-1]["rows"] == told()[0]["rows"]
    broker.restore_link()
    eventually(lambda: not told()[-1]["problem"])
    screen.most = 0  # 不读了：下一次变就结束
    broker.counter.cash += 1
    watching.join(30)
    assert codes == [0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("quote",), "参数 CODE 没有写。quote 后面写证券代码"),
        (("position", "600036"), "参数 CODE 不对：['600036']"),
        (("moon",), "参数 WHAT 不对：'moon'。可选："),
        (("position", "--interval", "0"), "参数 --interval 不对：'0'"),
        (("quote", "12345"), "参数 CODE 不对：'12345'"),
    ],
)
def test_bad_watch(words: tuple[str, ...], told: str, shell: Shell) -> None:
    done = shell("watch", *words, "--for", "0.1")
    assert (done.code, done.out) == (2, "")
    assert told in done.err
