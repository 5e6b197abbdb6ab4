"""停单开关：一个账号的，或全部账号的；委托都不许，撤单照常。

记在 ``EASYTRADER_HOME/server/stopped.json`` 里：重启之后还停着，另一个进程按下的马上算数。
读不懂、读不了时当作全都停着。谁、什么时候、为什么，最近的留着。
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.errors import RiskRefusedError, UsageError
from easytrader.server.statefile import StateFile
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from easytrader.wire.verbs import Verb

__all__ = ["ALL", "Change", "StopSwitch", "default_file", "stops"]

ALL: Final = "*"
"""全部账号。"""

_VERSION: Final = 1
_KEPT: Final = 200
_LONGEST: Final = 200


def default_file() -> Path:
    """停单开关的文件在哪里。"""
    return home() / "server" / "stopped.json"


class Change(NamedTuple):
    """按了一次。

    Attributes:
        account: 账号在服务器上的名字；`ALL` 是全部。
        stopped: 停（真），还是放开。
        reason: 为什么。
        who: 谁：令牌的名字，或 ``console``。
        when: Unix 秒。
    """

    account: str
    stopped: bool
    reason: str
    who: str
    when: float

    def __str__(self) -> str:
        what = "全部账号" if self.account == ALL else "这个账号"
        told = f"{what}在 {beijing.stamp(self.when, '%m-%d %H:%M:%S')} 由 {self.who} 停止下单"
        return f"{told}：{self.reason}" if self.reason else told


@dataclass(slots=True)
class _State:
    stopped: dict[str, Change] = field(default_factory=dict)
    history: list[Change] = field(default_factory=list)


_UNKNOWN: Final = _State(
    {ALL: Change(ALL, True, "停单开关的文件读不了，见日志；当作停着", "服务器", 0.0)}
)


class StopSwitch:
    """见模块说明。线程安全；每笔委托问一次，文件没有变时只看一眼。

    Args:
        path: 文件；没有就是都没有停。
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._file: StateFile[_State] = StateFile(
            path,
            "停单开关的文件",
            _parsed,
            _plain,
            _UNKNOWN,
            "在它好之前不收任何委托：移走它就是全都放开",
        )

    def reason(self, account: str) -> str | None:
        """为什么停着；没有停为 None。"""
        stopped = self._file.current().stopped
        if not stopped:
            return None
        found = stopped.get(ALL) or stopped.get(account)
        return None if found is None else str(found)

    def check(self, account: str) -> None:
        """停着就不许。

        Raises:
            RiskRefusedError: 停着；什么都没有发出。
        """
        why = self.reason(account)
        if why is not None:
            raise RiskRefusedError(
                f"风控拒绝（stop_switch）：{why}；撤单照常，什么都没有发出", rule="stop_switch"
            )

    def stop(self, account: str, reason: str, who: str) -> None:
        """停。已经停着的，换成这一次的原因。

        Raises:
            EasytraderError: 写不下来：没有停成，要马上想别的办法。
        """
        change = Change(_checked(account), True, _told(reason), who, time.time())
        with self._file.changing() as state:
            state.stopped[account] = change
            _note(state, change)

    def allow(self, account: str, who: str) -> None:
        """放开。全部账号停着的，只放开一个账号不管用。

        Raises:
            UsageError: 它本来就没有单独停着。
            EasytraderError: 写不下来：还停着。
        """
        with self._file.changing() as state:
            if state.stopped.pop(_checked(account), None) is None:
                also = "；是全部账号一起停的，要一起放开" if ALL in state.stopped else ""
                raise UsageError("account", account, f"没有停着{also}")
            _note(state, Change(account, False, "", who, time.time()))

    def stopped(self) -> list[Change]:
        """此刻停着的。"""
        return list(self._file.current().stopped.values())

    def history(self) -> list[Change]:
        """最近按过的，旧的在前。

        Raises:
            EasytraderError: 读不懂、读不了。
        """
        return self._file.read().history


def stops(verb: Verb) -> bool:
    """停着的时候做不了的：会改变什么、又不是撤的，都做不了（转账、约券也是）。"""
    return verb.effect.changes and verb.effect is not Effect.CANCEL and "cancel" not in verb.method


def _note(state: _State, change: Change) -> None:
    state.history.append(change)
    del state.history[:-_KEPT]


def _checked(account: str) -> str:
    if not isinstance(account, str) or not account:
        raise UsageError("account", account, f"应为账号在服务器上的名字，或 {ALL}（全部）")
    return account


def _told(reason: object) -> str:
    text = " ".join(str(reason or "").split())
    return "".join(each for each in text if each.isprintable())[:_LONGEST]


# ---- 文件里的样子


def _plain(state: _State) -> dict[str, Any]:
    return {
        "version": _VERSION,
        "stopped": [each._asdict() for each in state.stopped.values()],
        "history": [each._asdict() for each in state.history],
    }


def _parsed(body: Any) -> _State:
    if body is None:
        return _State()
    if body["version"] != _VERSION:
        raise ValueError("不是这个版本的文件")
    stopped = [_change(each) for each in body["stopped"]]
    return _State({each.account: each for each in stopped}, list(map(_change, body["history"])))


def _change(row: Any) -> Change:
    found = Change(**row)
    if not isinstance(found.account, str) or not found.account:
        raise ValueError("没有账号")
    return found._replace(when=float(found.when))
