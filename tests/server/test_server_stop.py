"""停单开关：停委托不停撤单，重启之后还停着，别的进程马上看见，坏了的当作停着。"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from support import eventually

from easytrader.errors import EasytraderError, RiskRefusedError, UsageError
from easytrader.server.stop import ALL, StopSwitch, stops
from easytrader.wire import verbs

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """不等那 2 毫秒：改了文件马上问。"""
    monkeypatch.setattr("easytrader.server.statefile._LOOK_S", 0.0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "server" / "stopped.json"


def test_nothing_is_stopped_at_first(file: Path) -> None:
    switch = StopSwitch(file)
    assert switch.reason("main") is None
    switch.check("main")
    assert not file.exists()


def test_one_account(file: Path) -> None:
    switch = StopSwitch(file)
    switch.stop("main", "策略\n失控\x1b[0m", "alice")
    why = switch.reason("main")
    assert why is not None
    assert "alice" in why
    assert "策略 失控" in why
    assert "\x1b" not in why
    assert switch.reason("other") is None
    with pytest.raises(RiskRefusedError, match="什么都没有发出") as caught:
        switch.check("main")
    assert caught.value.rule == "stop_switch"
    switch.allow("main", "bob")
    switch.check("main")


def test_all_accounts(file: Path) -> None:
    switch = StopSwitch(file)
    switch.stop(ALL, "", "alice")
    assert switch.reason("main")
    assert switch.reason("other")
    with pytest.raises(UsageError, match="全部账号一起停"):
        switch.allow("main", "bob")
    assert switch.reason("main")
    switch.allow(ALL, "bob")
    assert switch.reason("main") is None


def test_an_account_stays_stopped_when_all_are_allowed(file: Path) -> None:
    switch = StopSwitch(file)
    switch.stop("main", "自己的", "alice")
    switch.stop(ALL, "大家的", "alice")
    switch.allow(ALL, "alice")
    assert "自己的" in (switch.reason("main") or "")
    assert switch.reason("other") is None


def test_its_own_change_counts_at_once_and_anothers_within_a_moment(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # 照平常的样子
    switch, other = StopSwitch(file), StopSwitch(file)
    for _ in range(50):
        assert switch.reason("main") is None
        other.stop("main", "", "a")
        assert other.reason("main")
        eventually(lambda: switch.reason("main"))
        switch.allow("main", "b")
        assert switch.reason("main") is None
        eventually(lambda: other.reason("main") is None)


def test_another_process_and_a_restart_see_it(file: Path) -> None:
    switch = StopSwitch(file)
    assert switch.reason("main") is None
    code = (
        "import sys; from easytrader.server.stop import StopSwitch;"
        "StopSwitch(sys.argv[1]).stop('main', 'x', 'other')"
    )
    subprocess.run([sys.executable, "-c", code, str(file)], check=True, timeout=60)
    assert switch.reason("main")
    assert StopSwitch(file).reason("main")


def test_who_when_and_why_are_kept(file: Path) -> None:
    switch = StopSwitch(file)
    for number in range(3):
        switch.stop("main", f"第 {number} 次", "alice")
        switch.allow("main", "bob")
    told = [(each.who, each.stopped, each.reason) for each in switch.history()]
    assert told[-2:] == [("alice", True, "第 2 次"), ("bob", False, "")]
    assert len(told) == 6
    assert all(each.when > 1e9 for each in switch.history())
    assert switch.stopped() == []


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 1}', '{"version": 1, "stopped": [{}], "history": []}',
     '{"version": 2, "stopped": [], "history": []}'],
)  # fmt: skip
def test_an_unreadable_file_stops_everything(file: Path, text: str) -> None:
    switch = StopSwitch(file)
    switch.stop("other", "", "a")
    file.write_text(text, encoding="utf-8")
    with pytest.raises(RiskRefusedError):
        switch.check("main")
    with pytest.raises(EasytraderError, match="读不懂"):
        switch.stop("main", "", "a")
    file.unlink()
    switch.check("main")


@pytest.mark.parametrize("account", ["", None])
def test_an_account_must_be_named(file: Path, account: str) -> None:
    with pytest.raises(UsageError):
        StopSwitch(file).stop(account, "", "a")


def test_which_verbs_it_stops() -> None:
    goes = {each.name for each in verbs.TABLE if each.effect.changes and not stops(each)}
    assert goes == {
        "cancel_entrust", "cancel_entrust_async", "cancel_all", "client.cancel_sysid",
        "client.cancel_sysid_async", "lending.appointment_cancel_async", "algo.cancel_task_async",
    }  # fmt: skip
    assert not any(stops(each) for each in verbs.TABLE if not each.effect.changes)
