"""券商的脾气：一家柜台多快、推送什么、夜里收不收委托、拒绝时怎么说。按名字挑一份，单项可以另设。

各家不同而规则管不着的都在这里；数字取自公开的真实记录（xtquant 规格表 §7），没有样本的取保守的。
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT: Final = "push"
"""文件夹没有说、环境变量也没有说时用的。"""
VARIABLE: Final = "EASYTRADER_SIM_PROFILE"
"""环境变量：没有指名 ``profile`` 的文件夹都用它；``instant`` 是给测试的一个总开关。"""
COST_BASES: Final = ("average", "diluted", "breakeven")
_MOST_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Profile:
    """一家券商的客户端与柜台。以秒计的都是时间：``clock=step`` 的市场自己不走，那里默认全是 0。

    Attributes:
        title: 给人看的一句话。
        answer_s: 下单请求到应答。
        reject_s: 应答到废单的推送，至少隔这么久。
        report_s: 应答到「已报」的推送。
        fill_s: 成交发生到推送；应答之后至少也隔这么久。
        sysid_delay_s: 「已报」到有合同编号；0 是「已报」里就有，否则先推一次编号为空的。
        cancel_answer_s: 撤单请求到应答。
        cancel_done_s: 撤单请求到撤掉；其间成交了就撤不成。
        query_lag_s: 新委托多久之后才查得到（查询是缓存）。
        lost_s: 客户端死了到 ``on_disconnected``：心跳几次没有回音才知道，其间的请求石沉大海。
        shows_early: 推不推「未报」「待报」（48、49）。
        shows_cancelling: 推不推「已报待撤」「部成待撤」（51、52）。
        duplicate_part: 「部成」是不是推两遍。
        trade_first: 成交推送在委托推送之前，否则在之后。
        error_first: 下单失败的推送在「废单」之前，否则在之后。
        error_before_answer: 下单失败的推送还跑在下单的应答之前。
        repushes: 柜台断了又好，把当天的委托与成交全部再推一遍。
        long_remark: 推送与查询里的备注是长的（127 字节）；否则是短的（23 字节）。
        strict_text: 文字截在半个汉字上时，读它抛 UnicodeDecodeError（厂商的代码因此会一直等下去）；
            否则连那半个字一起去掉。
        account_pushes: 推不推资金（厂商说「目前不生效」）。
        position_pushes: 推不推持仓，同上。
        queues_when_closed: 夜里、开盘前、午休先收下，到点再报；否则是废单。
        refused_locally: 客户端当场退回（-1，没有记录、没有推送）的柜台拒绝编号。
        order_error_id: 下单失败推送的 ``error_id``。
        cancel_error_id: 撤单失败推送的 ``error_id``。
        wording: 拒绝编号 → （``error_id``，原话）；没有写的照恒生的样子。原话里 ``{名字}`` 取自
            那次拒绝附带的数字。
        cost_basis: 持仓成本：``average`` 买入均价，``diluted`` 摊薄成本，``breakeven`` 保本价。
    """

    title: str
    answer_s: float = 0.0
    reject_s: float = 0.0
    report_s: float = 0.0
    fill_s: float = 0.0
    sysid_delay_s: float = 0.0
    cancel_answer_s: float = 0.0
    cancel_done_s: float = 0.0
    query_lag_s: float = 0.0
    lost_s: float = 0.0
    shows_early: bool = False
    shows_cancelling: bool = True
    duplicate_part: bool = False
    trade_first: bool = True
    error_first: bool = True
    error_before_answer: bool = False
    repushes: bool = False
    long_remark: bool = True
    strict_text: bool = False
    account_pushes: bool = False
    position_pushes: bool = False
    queues_when_closed: bool = False
    refused_locally: tuple[int, ...] = ()
    order_error_id: int = -61
    cancel_error_id: int = -54
    wording: Mapping[int, tuple[int, str]] = field(default_factory=dict)
    cost_basis: str = "average"


_NEED: Final = "[COUNTER] [资金可用余额]不足，尚需[{p_occur_balance}]，其中预留金额[0.000]"
_BAND: Final = -990265060
_CASH: Final = 260200
_CLOSED: Final = 12313

PROFILES: Final[dict[str, Profile]] = {
    "push": Profile(
        "有推送的柜台：应答约 20 毫秒，状态推得全，夜里先收下委托",
        answer_s=0.02,
        reject_s=0.011,
        report_s=0.015,
        fill_s=0.11,
        cancel_answer_s=0.041,
        cancel_done_s=0.067,
        lost_s=4.5,
        shows_early=True,
        duplicate_part=True,
        trade_first=False,
        queues_when_closed=True,
    ),
    "poll": Profile(
        "靠轮询的柜台：合同编号晚到，查询慢几秒，推送慢而少，夜里先收下委托",
        answer_s=0.02,
        reject_s=0.5,
        report_s=0.5,
        fill_s=1.0,
        sysid_delay_s=1.5,
        cancel_answer_s=0.041,
        cancel_done_s=1.0,
        query_lag_s=3.0,
        lost_s=4.5,
        error_first=False,
        repushes=True,
        long_remark=False,
        queues_when_closed=True,
    ),
    "minimal": Profile(
        "最省的柜台：没有中间状态，价格越界当场退回，闭市时是废单",
        answer_s=0.02,
        reject_s=0.011,
        fill_s=0.11,
        cancel_answer_s=0.041,
        cancel_done_s=0.067,
        query_lag_s=0.05,
        lost_s=4.5,
        long_remark=False,
        shows_cancelling=False,
        refused_locally=(_BAND,),
        order_error_id=-59,
        wording={
            _CLOSED: (-59, "当前时间不允许委托"),
            _CASH: (-59, _NEED),
        },
    ),
    "instant": Profile("什么都不用等：给测试用，次序照旧"),
}
"""按名字。"""

_SECONDS: Final = tuple(each.name for each in fields(Profile) if each.name.endswith("_s"))
_SWITCHES: Final = tuple(each.name for each in fields(Profile) if each.type == "bool")
NAMES: Final = (*_SECONDS, *_SWITCHES, "cost_basis")
"""文件夹里可以单项另设的。"""


def check_manners(given: Mapping[str, Any]) -> dict[str, Any]:
    """核对单项的设置。

    Raises:
        UsageError: 名字或取值不对。
    """
    for name, value in given.items():
        if name in _SECONDS:
            plain = isinstance(value, (int, float)) and not isinstance(value, bool)
            # 缓存的柜台有慢得多的，其余的再慢就是没有回音了
            most = 3600.0 if name == "query_lag_s" else _MOST_S
            if not plain or not 0 <= value <= most:
                raise UsageError(name, value, f"应为 0–{most:g} 之间的秒数。")
        elif name in _SWITCHES:
            if not isinstance(value, bool):
                raise UsageError(name, value, "应为 True 或 False。")
        elif name != "cost_basis":
            raise UsageError("profile", name, f"没有这一项；有：{' '.join(NAMES)}。")
        elif value not in COST_BASES:
            raise UsageError(name, value, f"应为 {' 或 '.join(COST_BASES)}。")
    return dict(given)


def check_name(argument: str, name: object) -> str:
    """核对名字；空串是没有指名。

    Raises:
        UsageError: 没有这一份。
    """
    if not isinstance(name, str) or (name and name not in PROFILES):
        raise UsageError(argument, name, f"没有这家的脾气；有：{' '.join(PROFILES)}。")
    return name


def resolve(name: str, manners: Mapping[str, Any], *, stepped: bool) -> Profile:
    """此刻生效的脾气：``manners`` 里的单项盖过名字说的。

    Args:
        name: 文件夹指的名字；空串看环境变量，再没有是 `DEFAULT`。
        manners: 单项的设置。
        stepped: 市场的时间由脚本来走：自己不走的时间里等不到什么，名字带来的秒数都算 0。

    Raises:
        UsageError: 环境变量里的名字不对。
    """
    told = name or check_name(VARIABLE, os.environ.get(VARIABLE, "")) or DEFAULT
    changes: dict[str, Any] = dict.fromkeys(_SECONDS, 0.0) if stepped else {}
    return replace(PROFILES[told], **{**changes, **manners})
