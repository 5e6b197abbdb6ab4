"""代码表与装着的 xtquant、它带的手册逐个核对：多了、少了、改了哪个常量，按名字报出来。"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import pytest
from names_left_out import LEFT_OUT, STRUCTURES

from easytrader import codes
from easytrader.basics.vendor_import import quiet_vendor_import
from easytrader.codes.page import TABLE, XTCONSTANT

PAGE = "docs/zh/reference/codes.md（python -m easytrader.codes.page 重写）"


class Known(NamedTuple):
    """我们以为的一个常量。"""

    value: int | str
    home: str


def known() -> dict[str, Known]:
    """全部认识的常量：代码表里的，和有意不收的。"""
    found: dict[str, Known] = {}
    for each in TABLE:
        for value, member, _, names in each.rows:
            for name in names:
                assert name not in found, f"{name} 收了两次"
                found[name] = Known(value, f"easytrader.codes.{each.kind.__name__}.{member}")
    for _, text in LEFT_OUT.values():
        for pair in text.split():
            name, _, value = pair.partition("=")
            assert name not in found, f"{name} 已经在 {found[name].home} 里，不该再列为不收的"
            found[name] = Known(int(value), "tests/codes/names_left_out.py")
    return found


def drift(values: dict[str, Any], known: dict[str, Known]) -> list[str]:
    """厂商的常量与我们认识的差在哪里，每处一句：是哪个、怎么办。"""
    public = {name: value for name, value in values.items() if not name.startswith("_")}
    told = [
        f"xtconstant 多了 {name} = {public[name]!r}：在手册里查它的含义，加进 easytrader/codes"
        f"（带中文名）与其中的 literals.py，重写 {PAGE}；"
        "与交易接口无关的写进 tests/codes/names_left_out.py，写明理由"
        for name in sorted(public.keys() - known.keys() - STRUCTURES.keys())
    ]
    for name in sorted((known.keys() | STRUCTURES.keys()) - public.keys()):
        home = known[name].home if name in known else "tests/codes/names_left_out.py"
        told.append(
            f"xtconstant 没有 {name} 了（见 {home}）：看更新日志是改名还是取消；"
            f"旧客户端还会返回它的话留着代码，只去掉名字，重写 {PAGE}"
        )
    told.extend(
        f"xtconstant 的 {name} 从 {known[name].value!r} 改成了 {public[name]!r}"
        f"（见 {known[name].home}）：旧客户端送来的还是旧值，先弄清哪一端变了再改"
        for name in sorted(known.keys() & public.keys())
        if public[name] != known[name].value
    )
    return told


@pytest.fixture(scope="module")
def xtconstant() -> ModuleType:
    quiet_vendor_import()
    from xtquant import xtconstant

    assert isinstance(xtconstant, ModuleType)
    return xtconstant


def test_every_constant_of_the_installed_vendor_is_known(xtconstant: ModuleType) -> None:
    told = drift(vars(xtconstant), known())
    assert not told, "\n" + "\n".join(told)


def test_drift_is_told_by_name() -> None:
    values = {name: each.value for name, each in known().items()} | dict.fromkeys(STRUCTURES)
    assert drift(values, known()) == []
    assert drift({**values, "_private": 1}, known()) == []
    (added,) = drift({**values, "CREDIT_NEW_WAY": 46}, known())
    assert "多了 CREDIT_NEW_WAY = 46" in added
    (added,) = drift({**values, "OPT_NEW": 2000}, known())
    assert "多了 OPT_NEW" in added
    (added,) = drift({**values, "NEW_DICT": {}}, known())
    assert "NEW_DICT" in added
    (removed,) = drift({k: v for k, v in values.items() if k != "CREDIT_FIN_BUY"}, known())
    assert "没有 CREDIT_FIN_BUY 了（见 easytrader.codes.OrderType.FIN_BUY）" in removed
    (changed,) = drift({**values, "ORDER_JUNK": 58}, known())
    assert "ORDER_JUNK 从 57 改成了 58" in changed
    (changed,) = drift({**values, "OCS_STOPPED": 50}, known())
    assert "OCS_STOPPED 从 5 改成了 50" in changed


def test_vendor_structures_agree(xtconstant: ModuleType) -> None:
    assert {each.value: each.name for each in codes.AccountType} == xtconstant.ACCOUNT_TYPE_DICT
    markets = {each.value: codes.Market[each.value].value for each in codes.MarketSuffix}
    assert markets == xtconstant.MARKET_STR_TO_ENUM_MAPPING
    assert [each.name for each in codes.MarketSuffix] == [each.name for each in codes.Market]
    stock = {
        each.value
        for each in codes.OrderType
        if any(name.startswith(("STOCK_BUY", "STOCK_SELL", "CREDIT_")) for name in each.vendor)
    }
    assert stock == xtconstant.ORDER_TYPE_SET


def test_left_out_constants_have_a_reason() -> None:
    for prefix, (reason, text) in LEFT_OUT.items():
        assert reason
        assert all(pair.startswith(f"{prefix}_") for pair in text.split())


# ---- 手册


def manual() -> str:
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "doc" / "xttrader.md").read_text(encoding="utf-8")


NOT_THERE = {"ETF_ETFBUY", "ETF_ETFSELL"}
"""手册写了而 ``xtconstant`` 里没有的：真正的名字是 ETF_PURCHASE、ETF_REDEMPTION。"""


def test_every_constant_of_the_manual_is_in_the_table() -> None:
    mentioned = set(re.findall(r"xtconstant\.(\w+)", manual()))
    assert len(mentioned) > 100
    covered = {name for each in TABLE for *_, names in each.rows for name in names}
    assert mentioned - covered == NOT_THERE


OUR_NAMES = {
    # 单独看也要懂，短一些；厂商的错别字不抄
    "ACCOUNT_STATUSING": "登陆中",
    "ACCOUNT_STATUS_CORRECTING": "数据刷新校正中",
    "ACCOUNT_STATUS_ASSIS_FAIL": "穿透副链接断开",
    "ACCOUNT_STATUS_DISABLEBYSYS": "系统停用（总线使用-密码错误超限）",
    "ACCOUNT_STATUS_DISABLEBYUSER": "用户停用（总线使用）",
    "STOCK_OPTION_BUY_OPEN": "买入开仓，以下用于个股期权交易业务",
    "FIX_PRICE": "指定价",
    # easytrader 一直这样叫
    "MARKET_SH_CONVERT_5_LIMIT": "最优五档即时成交剩转限价",
    "MARKET_PEER_PRICE_FIRST": "对手方最优价格委托",
    "MARKET_MINE_PRICE_FIRST": "本方最优价格委托",
    "MARKET_SZ_INSTBUSI_RESTCANCEL": "即时成交剩余撤销委托",
    "MARKET_SZ_FULL_OR_CANCEL": "全额成交或撤销委托",
    # 手册靠小标题区分，名字里要带上
    "FUTURE_ARBITRAGE_OPEN": "开仓",
    "FUTURE_ARBITRAGE_CLOSE_HISTORY_FIRST": "平，优先平昨",
    "FUTURE_ARBITRAGE_CLOSE_TODAY_FIRST": "平，优先平今",
    "FUTURE_RENEW_LONG_CLOSE_HISTORY_FIRST": "看多，优先平昨",
    "FUTURE_RENEW_LONG_CLOSE_TODAY_FIRST": "看多，优先平今",
    "FUTURE_RENEW_SHORT_CLOSE_HISTORY_FIRST": "看空，优先平昨",
    "FUTURE_RENEW_SHORT_CLOSE_TODAY_FIRST": "看空，优先平今",
    # 按账号类型不同的，见 test_codes_table
    "CREDIT_BUY": "担保品买入",
    "CREDIT_SELL": "担保品卖出",
    "OFFSET_FLAG_OPEN": "买入，开仓",
    "OFFSET_FLAG_CLOSE": "卖出，平仓",
}
"""有意与手册不同的名字：常量 → 手册里的。"""


def test_chinese_names_are_the_manuals() -> None:
    text = manual().split("## XtQuant数据字典")[1].split("### XtQuant数据结构说明")[0]
    told = dict(re.findall(r"- (.+?) - `xtconstant\.(\w+) *`", text))
    found = {name: label for label, name in re.findall(r"- (.+?) - `xtconstant\.(\w+) *`", text)}
    table = re.findall(r"xtconstant\.(\w+) *\| *-?\d+ *\| *(.+?) *(?:\||$)", text, re.MULTILINE)
    found.update(table)
    assert told
    assert len(table) > 30
    ours = {name: row[2] for each in TABLE for row in each.rows for name in row[3]}
    different = {
        name: label.replace(", ", "，").strip()
        for name, label in found.items()
        if name in ours and ours[name] != label.replace(", ", "，").strip()
    }
    assert different == OUR_NAMES


def test_sources_are_told() -> None:
    for each in TABLE:
        has_vendor = all(names for *_, names in each.rows)
        if each.source == XTCONSTANT and each.kind not in (codes.OffsetFlag, codes.OrderType):
            assert has_vendor, each.title
        elif each.source != XTCONSTANT:
            assert not any(names for *_, names in each.rows), each.title
