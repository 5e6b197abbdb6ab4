"""连接对话框里的字段 → 用哪个后端、怎样连、报哪些合约。VeighNa 给的是一个字典，值多半是文字。"""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments, profiles
from easytrader.codes import MARKET_ORDER_TYPES
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.profiles import AccountSpec, Profile

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.market.symbols import Security

MARKET_TYPES: Final = list(dict.fromkeys(name for of in MARKET_ORDER_TYPES.values() for name in of))
"""市价类型；第一个是默认的，各交易所都有。"""

FIELDS: Final[dict[str, Any]] = {
    "账号设置": "",
    "后端": ["miniqmt", "bigqmt", "remote", "sim"],
    "路径": "",
    "资金账号": "",
    "账号类型": ["STOCK", "CREDIT"],
    "服务器地址": "",
    "令牌": "",
    "指纹": "",
    "合约": "",
    "市价类型": MARKET_TYPES,
    "行情间隔": "1",
}
"""VeighNa 的 ``default_setting``：列表是下拉框，第一个是默认的。"""

_ALL: Final = "全部"
_LEAST_S: Final = 0.2
_OPTIONS: Final = {
    "路径": "miniqmt_path",
    "资金账号": "stock_account",
    "服务器地址": "address",
    "令牌": "token",
    "指纹": "fingerprint",
}
_REMOTE: Final = ("remote", "远程")
_TYPED: Final = ("miniqmt", "qmt", "sim", "模拟", "bigqmt", "大qmt")
"""分普通与信用账号的。"""
_LOCAL_ONLY: Final = ("路径",)
_REMOTE_ONLY: Final = ("服务器地址", "令牌", "指纹")


@dataclass(frozen=True)
class Settings:
    """读好的设置。

    Attributes:
        profile: 后端与怎样连。
        codes: 连上就报的合约。
        every_code: 后端的名称表里的全部也报。
        market_type: 市价委托的类型。
        interval_s: 隔几秒问一次行情。
    """

    profile: Profile
    codes: tuple[Security, ...]
    every_code: bool
    market_type: str
    interval_s: float


def read(setting: Mapping[str, Any]) -> Settings:
    """字典 → 设置；没有写的字段用默认的。

    Raises:
        UsageError: 不认得的字段、不对的值；什么都没有做。
    """
    for each in setting:
        if each not in FIELDS:
            near = get_close_matches(str(each), FIELDS, 1, 0.5)
            asked = f"是不是 {near[0]}？" if near else ""
            raise UsageError(str(each), "…", f"{asked}有的字段：{'、'.join(FIELDS)}")
    given = {name: _text(name, setting.get(name, default)) for name, default in FIELDS.items()}
    kind = given["市价类型"]
    if kind not in MARKET_TYPES:
        raise UsageError("市价类型", kind, f"应为：{'、'.join(MARKET_TYPES)}")
    interval_s = arguments.seconds("行情间隔", _number(given["行情间隔"]))
    words = [each for each in re.split(r"[\s,，;；、]+", given["合约"]) if each]
    return Settings(
        _profile(given),
        tuple(parse_security(each) for each in words if each != _ALL),
        not words or _ALL in words,
        kind,
        max(_LEAST_S, interval_s),
    )


def _profile(given: Mapping[str, str]) -> Profile:
    if given["账号设置"]:
        both = [each for each in _OPTIONS if given[each]]
        if both:
            form = f"写了账号设置，就不要再写{'、'.join(both)}：从设置里来"
            raise UsageError("账号设置", given["账号设置"], form)
        return profiles.find(given["账号设置"])
    broker = given["后端"]
    if broker.lower() in ("vnpy", "veighna"):
        raise UsageError("后端", broker, "VeighNa 的接口直接加进主引擎，不必绕过来")
    options = {_OPTIONS[each]: given[each] for each in _OPTIONS if given[each]}
    wrong = _LOCAL_ONLY if broker in _REMOTE else _REMOTE_ONLY
    for each in wrong:
        if given[each]:
            raise UsageError(each, "…", f"后端 {broker} 没有这一项，空着")
    if broker in _REMOTE:
        if not given["服务器地址"]:
            raise UsageError("服务器地址", "", "后端 remote 要写，例如 https://192.168.1.5:7788")
        if "stock_account" in options:
            options["account"] = options.pop("stock_account")
    elif broker.lower() in _TYPED:
        options["account_type"] = given["账号类型"]
    return Profile("VeighNa", AccountSpec(broker, connect=options))


def _text(name: str, value: object) -> str:
    """一个字段的文字；下拉框的默认是第一个。"""
    if isinstance(value, list):
        value = value[0] if value else ""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        return str(value).strip()
    shown = "…" if name == "令牌" else value
    raise UsageError(name, shown, "应为文字")


def _number(text: str) -> object:
    try:
        return float(text)
    except ValueError:
        return text
