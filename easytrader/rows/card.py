"""一个交易口在笔记本里的样子：一张小卡片。不抛异常，最多等一秒，什么都转义。"""

from __future__ import annotations

import weakref
from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING, Final, Protocol

from easytrader.basics.beijing import beijing_now, stamp
from easytrader.basics.threads import AbandonedError, Aside
from easytrader.codes import FINAL_STATUSES
from easytrader.errors import EasytraderError
from easytrader.rows import html, titles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from threading import Thread

    from easytrader import types

LIMIT_S: Final = 1.0
"""最多等查询这么多秒。"""
_BACKS: Final = (timedelta(days=3), timedelta(days=15))
"""往回找这么多天：先过周末，再过长假。"""
_TOP: Final = 5
_AMOUNTS: Final = ("total_asset", "market_value", "cash", "frozen_cash")
_HELD: Final = ("stock_code", "security_name", "volume", "avg_price", "market_value", "profit")
_CONNECTED: Final = "已连接"
COLOURS: Final = {_CONNECTED: html.GREEN, "已断开": html.RED}
"""状态 → 色点；别的灰。"""


class Facade(Protocol):
    """要看一个交易口的哪几样。"""

    @property
    def state(self) -> types.StateName: ...  # noqa: D102
    @property
    def status(self) -> types.Status: ...  # noqa: D102
    @property
    def balance(self) -> list[types.Asset]: ...  # noqa: D102
    @property
    def position(self) -> list[types.Position]: ...  # noqa: D102
    @property
    def today_entrusts(self) -> list[types.Entrust]: ...  # noqa: D102
    def history(self, start: date, end: date) -> types.History: ...  # noqa: D102


class _Look:
    """看一遍；各样看到了就填上，到期时有什么写什么。"""

    def __init__(self) -> None:
        self.status: types.Status | None = None
        self.balance: types.Asset | None = None
        self.position: Sequence[types.Position] | None = None
        self.entrusts: Sequence[types.Entrust] | None = None
        self.before: types.PastAsset | None = None
        """今天以前最近一次记下的资金。"""
        self.lacking = ""
        """没有查到全部的原因。"""

    def look(self, user: Facade) -> None:
        self.status = user.status
        if self.status["state"] != _CONNECTED:
            return
        try:
            self.balance = user.balance[0]
            self.position = user.position
            self.entrusts = user.today_entrusts
        except EasytraderError as exc:
            self.lacking = str(exc)
            return
        with suppress(EasytraderError):  # 没有往日的账，不说就是
            last = beijing_now().date() - timedelta(days=1)
            for back in _BACKS:
                found = user.history(last - back, last)["assets"]
                if found:
                    self.before = found[-1]
                    break


_looking: Final[weakref.WeakKeyDictionary[Facade, Thread]] = weakref.WeakKeyDictionary()
"""还没有看完的：柜台不答话时，显示几次也只有一个线程在等。线程做完了就不再拿着交易口。"""


def card(user: Facade) -> str:
    """状态、账号、资金、盈亏、持仓前几名、挂单、风控、上一次的错误。

    连着才查询，一共最多等 ``LIMIT_S`` 秒；没有查到的写明，不抛异常。
    """
    try:
        return html.box(*_parts(user))
    except Exception as exc:  # noqa: BLE001  边界：显示一个对象不该抛异常
        return html.box(html.small(f"{user!r}：画不出来（{type(exc).__name__}）"))


def _parts(user: Facade) -> list[str]:
    state = user.state
    found = _looked(user)
    status = found.status
    account = f"账号 {status['account_id']}" if status and status["account_id"] else ""
    parts = [
        html.headline(f"{type(user).__name__} {state}", account, COLOURS.get(state, html.GREY))
    ]
    parts += _money(found)
    if found.lacking:
        parts.append(html.small(f"没有查到全部：{found.lacking}"))
    if status is not None:
        parts.append(html.facts(_health(status)))
        if status["last_error"] and state != _CONNECTED:
            parts.append(html.small(f"上一次的错误：{status['last_error']}"))
    return parts


def _looked(user: Facade) -> _Look:
    """看到的。"""
    found = _Look()
    before = _looking.get(user)
    if before is not None and before.is_alive():
        found.lacking = "上一次的查询还没有应答"
        return found
    one = Aside(lambda: found.look(user), "easytrader-card")
    _looking[user] = one.thread
    try:
        one.start().result(LIMIT_S)
    except AbandonedError:
        if found.entrusts is None:  # 只差往日的账，不算没有查到
            found.lacking = f"{LIMIT_S:g} 秒里没有应答完"
    except RuntimeError as exc:  # 开不出线程
        found.lacking = str(exc)
    return found


def _money(found: _Look) -> list[str]:
    money: list[tuple[str, str]] = []
    tables = []
    if found.balance is not None:
        money += html.pairs(titles.KINDS["balance"].pick(_AMOUNTS), found.balance)
        money += _change(found.balance, found.before)
    if found.position is not None:
        profits = [each["profit"] for each in found.position if each["profit"] is not None]
        if profits:
            total = sum(profits)
            money.append(("浮动盈亏", html.coloured(titles.cell("money", total), total)))
        held = [each for each in found.position if each["volume"]]  # 今天卖光的还在查询里
        held.sort(key=_value, reverse=True)
        caption = f"持仓，市值最大的 {_TOP} 只" if len(held) > _TOP else "持仓"
        tables = [html.table(titles.KINDS["position"], held[:_TOP], _HELD, caption=caption)]
    if found.entrusts is not None:
        waiting = sum(each["order_status"] not in FINAL_STATUSES for each in found.entrusts)
        money += [("当日委托", str(len(found.entrusts))), ("没有了结的", str(waiting))]
    return [html.facts(money), *tables] if money else tables


def _change(now: types.Asset, before: types.PastAsset | None) -> list[tuple[str, str]]:
    """总资产比上一次记下的；银证转账也算在里面，所以写明是比哪一刻。"""
    if before is None:
        return []
    change = now["total_asset"] - before["total_asset"]
    when = stamp(before["time"], "%m-%d %H:%M")
    return [(f"比 {when}", html.coloured(f"{change:+,.2f}", change))]


def _value(row: types.Position) -> float:
    return row["market_value"] or 0.0


def _health(status: types.Status) -> list[tuple[str, str]]:
    guard = status["guard"]
    if guard is None:
        shown = "没有开"
    elif guard["kill_switch"]:
        shown = f'<span style="color:{html.RED}">停止交易</span>'
    else:
        shown = html.escaped(f"开着，拒绝过 {guard['refused']} 笔")
    found = [("风控", shown)]
    if status["open_intents"]:
        found.append(("结果未知的委托", html.escaped(status["open_intents"])))
    if status["reconnects"]:
        found.append(("重连过", html.escaped(f"{status['reconnects']} 次")))
    return found
