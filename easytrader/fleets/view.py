"""一队账号一行一个：``fleet.status()``、``easytrader fleet status``、``serve`` 与网页都看它。"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.beijing import day_of, midnight
from easytrader.errors import NotConnectedError, UsageError
from easytrader.fleets.words import FLEET, StoreDownError, StoreUnknownError
from easytrader.rows.titles import Column, Kind, also
from easytrader.wire import values

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import AccountRow, StoredEvent, Switch

NO_OWNER: Final = "没有主人"
STALE: Final = "没有消息"
"""租约过期了：那台机器关了、断了网，或代理没有在跑。"""

KIND: Final = Kind(
    "fleet",
    "一队账号",
    (
        Column("account", "账号"),
        Column("broker", "柜台"),
        Column("groups", "组"),
        Column("box", "机器"),
        Column("state", "状态"),
        Column("alive", "在", "flag"),
        Column("lease_left_s", "租约还剩（秒）", "count"),
        Column("open", "没有结果的", "count"),
        Column("total_asset", "总资产", "money"),
        Column("market_value", "持仓市值", "money"),
        Column("cash", "可用资金", "money"),
        Column("orders", "委托", "count"),
        Column("trades", "成交", "count"),
        Column("spooled", "待传", "count"),
        Column("alarms", "报警", "count"),
        Column("stopped", "停单"),
        Column("age_s", "几秒以前", "count"),
        Column("error", "上一次的错误"),
        Column("clock_offset_s", "钟差（秒）"),
        Column("version", "版本"),
        Column("epoch", "第几任", "count"),
        Column("takeover", "接手"),
        Column("takeover_to", "许给"),
        Column("address", "网址"),
    ),
    ("account", "box", "state", "open", "total_asset", "spooled", "stopped", "alarms", "age_s"),
)
also(KIND)

_GLANCE: Final = (
    "total_asset", "market_value", "cash", "orders", "trades", "spooled", "error",
    "clock_offset_s", "version",
)  # fmt: skip

_ALARMS: Final = 1000
"""今天的报警最多数到这么多。"""


class Look(NamedTuple):
    """看一眼。

    Attributes:
        rows: 见 `rows`。
        switches: 开着的开关。
    """

    rows: list[dict[str, Any]]
    switches: list[Switch]


def look(store: Store, deadline: float) -> Look:
    """问存储：账号、开关、今天（北京时间，存储的钟）的报警。

    Raises:
        NotConnectedError: 连不上存储。
    """
    try:
        since = midnight(day_of(store.greet(deadline).now))  # 密码不对、没有身份的它说得清
        accounts, switches = store.accounts(deadline), store.switches(deadline)
        alarms = store.alarms(deadline, since=since, most=_ALARMS)
    except (StoreDownError, StoreUnknownError) as exc:
        raise down(store.where, exc) from exc
    return Look(rows(accounts, switches, alarms), switches)


def down(where: str, exc: Exception) -> NotConnectedError:
    """连不上存储怎么说。"""
    return NotConnectedError(f"{unreachable(where, exc)}；什么都没有发出，请稍后再试")


def unreachable(where: str, exc: Exception) -> str:
    """连不上哪里、为什么；异常里已经说过哪里的不再说一遍。"""
    told = str(exc)
    return told if where in told else f"连不上 {where}：{told}"


def rows(
    accounts: Iterable[AccountRow],
    switches: Iterable[Switch] = (),
    alarms: Iterable[StoredEvent] = (),
) -> list[dict[str, Any]]:
    """一个账号一个字典，照名字排，键同 `KIND`；数是代理 ``age_s`` 秒以前说的，没有说过为 None。

    Args:
        accounts: 账号。
        switches: 开着的开关。
        alarms: 要数的报警，多半是今天的。
    """
    told = Counter(each.account for each in alarms)
    shut = list(switches)
    return [
        _row(each, shut, told[each.account])
        for each in sorted(accounts, key=lambda row: row.account)
    ]


def stopped(row: AccountRow, switches: Iterable[Switch]) -> str:
    """这个账号为什么不收新的委托；没有停为空。策略的开关不在内：它只管那个策略。"""
    scopes = {FLEET, f"account:{row.account}", *(f"group:{each}" for each in row.groups)}
    told = [
        f"{scope_name(each.scope)}：{each.why}（{each.by}）"
        for each in switches
        if each.scope in scopes
    ]
    if own := held(row):
        told.append(f"{row.box} 自己的：{own}")
    return "；".join(told)


def held(row: AccountRow) -> str:
    """那台机器自己的停单开关为什么停着（``kill --direct``、它自己的网页）；没有停为空。"""
    return str(plain(row.glance).get("held") or "")


def known(scope: str, store: Store, deadline: float) -> str:
    """``account:``、``group:`` 要真的有：写错的名字不能像是停好了。已经停着的总是有：要放得开。

    Raises:
        UsageError: 没有这个账号、没有账号在这一组。
    """
    kind, _, name = scope.partition(":")
    if kind not in ("account", "group"):
        return scope
    accounts = store.accounts(deadline)
    have = {each.account for each in accounts}
    if kind == "group":
        have = {each for row in accounts for each in row.groups}
    if name not in have and all(each.scope != scope for each in store.switches(deadline)):
        what = "没有这个账号" if kind == "account" else "没有账号在这一组"
        told = "、".join(sorted(have)) or "（没有）"
        raise UsageError("scope", scope, f"{what}，什么都没有改；有的是：{told}")
    return scope


def scope_name(scope: str) -> str:
    """开关、额度的一格给人看：``全部账号``、``账号 甲``、``组 成长``、``策略 z``。"""
    kind, _, name = scope.partition(":")
    title = {"account": "账号", "group": "组", "strategy": "策略"}.get(kind, kind)
    return "全部账号" if scope == FLEET else f"{title} {name}"


def state_of(row: AccountRow) -> str:
    """账号的连接状态；代理没有消息的说没有消息，那时别的数都是旧的。"""
    if not row.box:
        return NO_OWNER
    return str(plain(row.hello).get("state") or "") if row.alive else STALE


def _row(row: AccountRow, switches: list[Switch], alarms: int) -> dict[str, Any]:
    glance = plain(row.glance)
    return {
        "account": row.account,
        "broker": row.broker,
        "groups": "、".join(row.groups),
        "box": row.box,
        "state": state_of(row),
        "alive": row.alive,
        "lease_left_s": round(row.lease_left_s, 1),
        "open": row.open,
        **{key: glance.get(key) for key in _GLANCE},
        "alarms": alarms,
        "stopped": stopped(row, switches),
        "age_s": round(row.glance_age_s, 1) if glance else None,
        "epoch": row.epoch,
        "takeover": row.takeover,
        "takeover_to": row.takeover_to,
        "address": row.address,
    }


def plain(text: str) -> Mapping[str, Any]:
    """代理写的一份（`wire.values` 的 JSON）；没有的、读不懂的为空。"""
    try:
        found = values.from_plain(values.decode(text or "{}"))
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
