"""一队账号有没有要人管的：``easytrader fleet check``；只看存储里的，不问柜台。"""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.fleets import view
from easytrader.fleets.words import PROTOCOL, SENDING, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import AccountRow, Command, Greeting, StoredEvent, Switch

CLOCK_S: Final = 2.0
"""钟差得比这多就要管。"""
GLANCE_S: Final = 60.0
"""这么久没有新的样子：代理在续租，却没有在干活。"""
SPOOLED: Final = 500
"""待传的这么多条：存储跟不上，或连不上。"""
SENDING_S: Final = 30.0
"""领走这么久还没有结果。"""
_DISK: Final = 0.05
_DISK_LEAST: Final = 1 << 30
"""磁盘剩得比两个都少才要管。"""
_CONNECTED: Final = "已连接"


_EMPTY: Final = "一个账号也看不见：地址、登录名对不对，代理起过没有"


class Problem(NamedTuple):
    """一件事。

    Attributes:
        kind: ``store empty lease unknown alarm spool clock version disk idle state switch``。
        account: 哪个账号；全队的为空。
        told: 怎么了，怎么办。
        bad: 要人管；不然只是留意。
    """

    kind: str
    account: str
    told: str
    bad: bool = True

    def __str__(self) -> str:
        return f"{self.account} {self.told}" if self.account else self.told


def look(
    store: Store, soon: Callable[[], float], wall: Callable[[], float] = time.time
) -> list[Problem]:
    """看一遍。

    Args:
        store: 存储。
        soon: 给出一个调用的期限。
        wall: 这台机器墙上的钟。

    Raises:
        StoreDownError: 连不上；`StoreUnknownError` 同。
    """
    before = wall()
    greeting = store.greet(soon())
    here_s = (before + wall()) / 2 - greeting.now
    accounts = store.accounts(soon())
    midnight = float(beijing.midnight(beijing.day_of(greeting.now)))
    return [
        *_of_store(greeting, here_s),
        *(() if accounts else (Problem("empty", "", _EMPTY),)),
        *(each for row in accounts for each in _of_account(row)),
        *_of_commands(store.commands(soon(), states=(UNKNOWN, SENDING)), greeting.now),
        *_of_alarms(store.alarms(soon(), since=midnight)),
        *_of_versions(accounts),
        *_of_switches(store.switches(soon())),
        *_of_disk(),
    ]


def _of_store(greeting: Greeting, here_s: float) -> Iterator[Problem]:
    if greeting.protocol != PROTOCOL:
        told = f"存储的表说第 {greeting.protocol} 版，这里说第 {PROTOCOL} 版：升级还没有做完"
        yield Problem("version", "", told, bad=abs(greeting.protocol - PROTOCOL) > 1)
    if abs(here_s) > CLOCK_S:
        told = f"这台机器的钟比存储的{_ahead(here_s)}：校时（下单的期限不看它，人看的时间会错）"
        yield Problem("clock", "", told)


def _ahead(seconds: float) -> str:
    return f"{'快' if seconds > 0 else '慢'} {abs(seconds):.1f} 秒"


def _of_account(row: AccountRow) -> Iterator[Problem]:
    name = row.account
    if not row.alive:
        who = f"{row.box} 的租约过期 {-row.lease_left_s:.0f} 秒" if row.box else "没有机器管它"
        told = f"{who}，不收新的委托：看那台机器，或 easytrader fleet take-over {name} --box …"
        yield Problem("lease", name, told)
        return
    if abs(row.protocol - PROTOCOL) > 1:
        yield Problem("version", name, f"{row.box} 说第 {row.protocol} 版：升级那台机器")
    if row.glance_age_s > GLANCE_S:
        told = f"{row.box} 在续租，{row.glance_age_s:.0f} 秒没有写新的样子：看它的日志"
        yield Problem("idle", name, told)
    glance = _dict(row.glance)
    state = glance.get("state") or _dict(row.hello).get("state")
    if state and state != _CONNECTED:
        yield Problem("state", name, f"在 {row.box} 上{state}：看客户端登录着没有")
    if held := view.held(row):
        told = (
            f"{row.box} 自己的停单开关停着（{held}）：放开要 fleet resume account:{name} --direct"
        )
        yield Problem("switch", name, told, bad=False)
    spooled = _number(glance.get("spooled"))
    if spooled >= SPOOLED:
        yield Problem("spool", name, f"{row.box} 上有 {spooled:.0f} 条还没有传上来")
    offset_s = _number(glance.get("clock_offset_s"))
    if abs(offset_s) > CLOCK_S:
        yield Problem("clock", name, f"{row.box} 的钟比存储的{_ahead(offset_s)}：校时")


def _of_commands(commands: Sequence[Command], now: float) -> Iterator[Problem]:
    for each in commands:
        age_s = now - each.created_at
        if each.state == SENDING and age_s <= SENDING_S:
            continue
        what = "结果未知" if each.state == UNKNOWN else "领走了还没有结果"
        yield Problem(
            "unknown", each.account,
            f"{each.command_id}（{each.verb}）{what} {age_s:.0f} 秒：代理在核对；核对不了的，看过"
            f"柜台之后 easytrader fleet settle {each.account} {each.command_id} --as …",
        )  # fmt: skip


def _of_alarms(events: Sequence[StoredEvent]) -> Iterator[Problem]:
    for each in events:
        data = _dict(each.data)
        inner = data.get("data")
        told = (inner if isinstance(inner, dict) else data).get("text", "")
        when = beijing.stamp(each.at, "%H:%M:%S")
        yield Problem("alarm", each.account, f"{when} 报警 {each.kind} {told}".rstrip())


def _of_versions(accounts: Sequence[AccountRow]) -> Iterator[Problem]:
    found = {
        str(version): row.box
        for row in accounts
        if row.alive and (version := _dict(row.glance).get("version"))
    }
    if len(found) > 1:
        told = "、".join(f"{box} {version}" for version, box in sorted(found.items()))
        yield Problem("version", "", f"各台机器的 easytrader 不一样：{told}", bad=False)


def _of_switches(switches: Sequence[Switch]) -> Iterator[Problem]:
    for each in switches:
        when = beijing.stamp(each.at, "%m-%d %H:%M:%S")
        yield Problem("switch", "", f"{each.scope} 停着（{each.by} {when}）{each.why}", bad=False)


def _of_disk() -> Iterator[Problem]:
    folder = home()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    usage = shutil.disk_usage(folder)
    if usage.free < min(_DISK * usage.total, _DISK_LEAST):
        yield Problem("disk", "", f"{folder} 所在的磁盘只剩 {usage.free >> 20:,} MB")


def _dict(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
