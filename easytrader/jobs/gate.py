"""现在开不开市：没有人看着的任务先问它。

哪天开市照交易日历（改正文件 → 客户端自己的 → 内置的，见 `market.calendar`），不知道的一天不许，
说出怎么办；几点开市照 `market.rules.phases` 的表。模拟账户默认的时钟天天、随时开市，不归日历管；
文件夹的 ``clock`` 是 ``exchange`` 的照日历。
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from easytrader.basics import beijing, pace, references
from easytrader.basics.days import A_SHARES
from easytrader.basics.log import Log
from easytrader.errors import ConnectFailedError, NotConnectedError
from easytrader.market import calendar
from easytrader.market.rules.phases import CONTINUOUS, WINDOWS, Phase, clock_phase

if TYPE_CHECKING:
    from easytrader.profiles import AccountSpec, Profile

State = Literal[
    "未开盘", "集合竞价", "连续竞价", "午休", "收盘", "休市", "不知道", "随时"
]  # fmt: skip
_STATES: Final[dict[Phase, State]] = {
    Phase.OPEN_CALL: "集合竞价",
    Phase.OPEN_CALL_FIXED: "集合竞价",
    Phase.PRE_OPEN: "集合竞价",
    Phase.CONTINUOUS: "连续竞价",
    Phase.LUNCH: "午休",
    Phase.CLOSE_CALL: "集合竞价",
    Phase.AFTER_HOURS: "收盘",
}
_TRADING: Final = frozenset(
    {Phase.OPEN_CALL, Phase.OPEN_CALL_FIXED, Phase.CONTINUOUS, Phase.CLOSE_CALL}
)
"""收委托的时段；开盘竞价撮合之后到 9:30，沪、北的主机不收。"""
_WEEKDAYS: Final = "一二三四五六日"
_A_SHARE: Final = frozenset(
    {"miniqmt", "qmt", "sim", "模拟", "remote", "远程", "fleet", "bigqmt", "大qmt"}
)
"""自带的后端，做的都是沪深北。"""
_CLIENTS: Final = frozenset({"miniqmt", "qmt"})
"""客户端有自己的日历的。"""
_SIMULATED: Final = frozenset({"sim", "模拟"})


@dataclass(frozen=True)
class Gate:
    """一次的回答。

    Attributes:
        open: 可以开始。
        state: 此刻是什么时段；``休市`` 是那天不开市，``随时`` 是不看日历的账号。
        reason: 给人看的一句话：哪天、几点、为什么。
        known: 日历知道这一天；不知道而用了 ``assume_open`` 的也为假。
        now: 问的是哪一刻，Unix 秒。
        source: 时段的出处；不看时段的为空。
    """

    open: bool
    state: State
    reason: str
    known: bool
    now: float
    source: str = ""

    def to_dict(self) -> dict[str, object]:
        """键：``open state reason known now``。"""
        return {
            "open": self.open, "state": self.state, "reason": self.reason,
            "known": self.known, "now": self.now,
        }  # fmt: skip


def market_gate(
    now: float | None = None,
    *,
    assume_open: bool = False,
    hours: bool = True,
    past_end: bool = False,
) -> Gate:
    """沪深北此刻开不开市。

    Args:
        now: Unix 秒；默认是现在（`basics.pace` 的）。
        assume_open: 日历不知道的一天也当作开市；知道休市的还是休市。
        hours: 也看几点；假的只看是不是交易日（盘前备货、盘后对账）。
        past_end: 日历的末日之后，周一至周五都算（按交易所时间走的模拟盘）。
    """
    moment = pace.current().now() if now is None else now
    calendar.reload()  # 一直开着的排程：改正文件改过就用新的
    number = beijing.day_of(moment)
    day = date.fromordinal(number)
    trading = calendar.is_trading_day(day, past_end)
    if trading is None and calendar.coverage() is not None and calendar.never_opens(day):
        trading = False
    shown = f"{day}（周{_WEEKDAYS[day.weekday()]}）"
    if trading is None and not assume_open:
        told = f"{calendar.explain(day)}；确知开市的话加 --assume-open"
        return Gate(False, "不知道", told, False, moment)
    if trading is False:
        following = calendar.next_trading_day(day, past_end)
        later = "" if following is None else f"，下一个交易日是 {following}"
        return Gate(False, "休市", f"{shown}不是交易日{later}", True, moment)
    second = moment - beijing.midnight(number)
    clock = beijing.stamp(moment, "%H:%M:%S")
    phase = clock_phase(second)
    state = _STATES.get(phase) or ("未开盘" if second < CONTINUOUS[0][0] else "收盘")
    if not hours:
        return Gate(True, state, f"{shown}是交易日", trading is True, moment)
    source = next((each.source for each in WINDOWS if each.start <= second < each.end), "")
    told = f"{shown} {clock} {state}{_later(phase, second)}"
    return Gate(phase in _TRADING, state, told, trading is True, moment, source)


def account_gate(
    account: AccountSpec,
    now: float | None = None,
    *,
    assume_open: bool = False,
    hours: bool = True,
) -> Gate:
    """这个账号此刻能不能开始，不连它：模拟账户随时开市的不问日历，别的市场的也不问。

    Args:
        account: 账号的设置。
        now: 同 `market_gate`，以下两项也是。
        assume_open: 同上。
        hours: 同上。

    Raises:
        UsageError: 没有这个后端，路径取不到。
        MissingDependencyError: 别的包的后端装得不全。
    """
    moment = pace.current().now() if now is None else now
    clock = _simulated_clock(account)
    if clock in ("always", "step"):
        return Gate(True, "随时", "模拟账户随时开市", True, moment)
    if account.broker not in _A_SHARE and _another_market(account):
        return Gate(True, "随时", f"{account.broker} 不按沪深北的日历", True, moment)
    past_end = clock == "exchange"
    return market_gate(moment, assume_open=assume_open, hours=hours, past_end=past_end)


def profile_gate(
    profile: Profile,
    now: float | None = None,
    *,
    assume_open: bool = False,
    hours: bool = True,
) -> Gate:
    """同 `account_gate`；日历不知道这一天的，连上客户端问它自己的日历，最多一分钟左右。

    连不上、客户端也不知道的，照旧答不知道（``assume_open`` 的当作开市）。
    远程的日历在那台机器上，问不到。

    Args:
        profile: 账号的设置。
        now: 同 `market_gate`，以下两项也是。
        assume_open: 同上。
        hours: 同上。

    Raises:
        UsageError: 没有这个后端，密码取不到。
        MissingDependencyError: 后端装得不全。
    """
    found = account_gate(profile.account, now, hours=hours)
    if found.state != "不知道":
        return found
    if profile.broker in _CLIENTS and not calendar.trouble():
        _ask_client(profile)
    return account_gate(profile.account, found.now, assume_open=assume_open, hours=hours)


def _ask_client(profile: Profile) -> None:
    """连一次：连上之后，快到头的日历会问客户端。"""
    from easytrader.miniqmt.vendor import client_calendar

    try:
        with profile.open():
            client_calendar.wait_answer()
    except (ConnectFailedError, NotConnectedError) as exc:
        Log().warning("日历不知道今天是否开市，想问客户端，没有连上：{}", exc)


def _later(phase: Phase, second: float) -> str:
    """还不收委托的，什么时候收。"""
    if phase is Phase.PRE_OPEN:
        return "已经撮合，9:30 开始连续竞价"
    if phase is Phase.LUNCH:
        return "，13:00 开市"
    if phase is Phase.CLOSED and second < CONTINUOUS[0][0]:
        return "，9:15 开始集合竞价"
    return ""


def _simulated_clock(account: AccountSpec) -> str:
    """模拟文件夹的 ``clock``；不是模拟文件夹的为空，还没有建的默认文件夹是 ``always``。"""
    if account.broker not in _A_SHARE:
        return ""
    from easytrader.sim.config.folder import SimFolder, default_folder, is_sim_folder

    told = account.connect.get("miniqmt_path")
    if told is None:
        if account.broker not in _SIMULATED:
            return ""
        path = default_folder()
    else:
        told = references.resolved(told, "connect.miniqmt_path", account.name or account.broker)
        path = Path(str(told)).expanduser()
    if is_sim_folder(path):
        return SimFolder.open(path).config.clock
    return "always" if account.broker in _SIMULATED else ""


def _another_market(account: AccountSpec) -> bool:
    """别的包的后端：做的是不是沪深北以外的市场。"""
    trader = account.make(guard=False)
    try:
        able = trader.capabilities
        return able.always_open or able.day != A_SHARES
    finally:
        trader.close()
