"""一队账号：包、存储的地址、连一次、时钟、账号有没有活着的主人。什么都不写，不下单。"""

from __future__ import annotations

import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.checkup.case import Case
from easytrader.checkup.run import Check
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.fleets import words
from easytrader.fleets.address import open_store, resolved
from easytrader.fleets.line import state_of, why_not
from easytrader.fleets.words import StoreDownError, StoreUnknownError
from easytrader.link.supervisor import State
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, Verdict

if TYPE_CHECKING:
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import AccountRow, Greeting

_OFF_S: Final = 2.0
_PACKAGES: Final = ("psycopg", "msgspec", "websockets")
_STATUS: Final = "easytrader fleet status"


@dataclass
class FleetCase(Case):
    """一次体检。

    Attributes:
        dsn: 存储的地址；没有给为 None。
        store: 打开了的；打不开为 None。
        greeting: 它说的；没有应答为 None。
        offset_s: 存储的钟比这里的快几秒。
    """

    dsn: Any = None
    store: Store | None = None
    greeting: Greeting | None = None
    offset_s: float = 0.0

    def find_folder(self) -> None:
        """不看文件夹。"""


def look_packages(case: FleetCase) -> Verdict:
    """要的几个包。"""
    found = {name: _version(name) for name in _PACKAGES}
    told = "，".join(f"{name} {each or '没有'}" for name, each in found.items())
    needs_driver = not str(case.dsn).startswith("sqlite:")
    lacks = [name for name in found if not found[name] and (needs_driver or name != "psycopg")]
    if lacks:
        return Verdict(BAD, told, 'python -m pip install "easytrader[fleet]"')
    return Verdict(OK, told)


def look_address(case: FleetCase) -> Verdict:
    """地址写得对不对、让不让连。"""
    if case.dsn is None:
        form = "写上存储的地址：easytrader doctor postgresql://用户@主机/库 --broker fleet"
        return Verdict(BAD, "没有给存储的地址", form)
    try:
        place = resolved(case.dsn)
        if isinstance(place, Path) and not place.is_file():
            return Verdict(
                BAD, f"没有这个文件：{place}", "代理第一次起来时建：easytrader fleet agent"
            )
        case.store = open_store(case.dsn, case.timeout_s)
    except UsageError as exc:
        return Verdict(BAD, f"地址不对（{exc.argument}）", exc.expected)
    except MissingDependencyError as exc:
        return Verdict(BAD, str(exc), 'python -m pip install "easytrader[fleet]"')
    return Verdict(OK, case.store.where)


def look_store(case: FleetCase) -> Verdict:
    """连一次：版本、身份。"""
    assert case.store is not None
    before = time.time()
    try:
        greeting = case.store.greet(time.monotonic() + case.timeout_s)
    except UsageError as exc:
        return Verdict(BAD, str(exc), exc.expected)
    except (StoreDownError, StoreUnknownError) as exc:
        return Verdict(BAD, f"没有应答：{exc}", "看它起来没有、网络、防火墙、密码")
    case.greeting = greeting
    case.offset_s = greeting.now - (before + time.time()) / 2
    roles = "、".join(greeting.roles) or "没有"
    told = f"{greeting.kind}，表说第 {greeting.protocol} 版，登录名 {greeting.login}，身份：{roles}"
    if greeting.protocol != words.PROTOCOL:
        return Verdict(NOTE, f"{told}；这里是第 {words.PROTOCOL} 版", "easytrader fleet migrate")
    if not greeting.roles:
        return Verdict(BAD, told, "管理的人给它一个身份：easytrader fleet login add")
    return Verdict(OK, told)


def look_clock(case: FleetCase) -> Verdict:
    """与存储的钟差多少。"""
    told = f"比存储的钟{'慢' if case.offset_s > 0 else '快'} {abs(case.offset_s):.1f} 秒"
    if abs(case.offset_s) > _OFF_S:
        return Verdict(NOTE, told, "打开系统的校时；差了不会错，只是日志里的时刻对不上")
    return Verdict(OK, told)


def look_account(case: FleetCase) -> Verdict:
    """账号在不在、有没有活着的主人、连着柜台没有。"""
    assert case.store is not None
    names = None if case.account_id is None else [case.account_id]
    try:
        rows = case.store.accounts(time.monotonic() + case.timeout_s, names)
    except (StoreDownError, StoreUnknownError) as exc:
        return Verdict(BAD, f"没有应答：{exc}", _STATUS)
    if not rows:
        what = "没有看得见的账号" if names is None else f"没有账号 {names[0]}，或看不到它"
        return Verdict(BAD, what, "那台机器上起 easytrader fleet agent；登录名有没有这个账号")
    bad = [each for each in rows if state_of(each) != State.CONNECTED.value]
    told = "；".join(map(_shown, rows))
    if bad:
        return Verdict(BAD if names else NOTE, told, f"{bad[0].account} {why_not(bad[0])}")
    return Verdict(OK, told)


def _shown(row: AccountRow) -> str:
    lease = f"租约还剩 {row.lease_left_s:.0f} 秒" if row.alive else "没有活着的主人"
    return f"{row.account}：{row.box or '—'}，第 {row.epoch} 任，{lease}，{state_of(row)}"


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


CHECKS: Final = (
    Check("packages", "依赖包", look_packages),
    Check("path", "存储的地址", look_address, ("packages",)),
    Check("session", "存储", look_store, ("path",), limit_s=None),
    Check("clock", "时钟", look_clock, ("path", "session")),
    Check("connect", "账号与代理", look_account, ("path", "session"), limit_s=None),
)
"""全部检查，按查的顺序。"""
