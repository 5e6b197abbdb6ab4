"""由规则的表写出文档页 ``docs/zh/rules.md``，测试核对两边一致::

python tests/market/rules/rules_page.py > docs/zh/rules.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.market.rules import (
    accrual,
    after_hours,
    bands,
    cage,
    exrights,
    fees,
    halts,
    issues,
    phases,
    quantities,
    repo,
    trading,
)
from easytrader.market.rules import credit as terms
from easytrader.market.rules.sources import CHECKED_ON, SOURCES
from easytrader.market.rules.tables import BOURSES, Dated, Note, Scope
from easytrader.market.symbols import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ["CREDIT_TABLES", "TABLES", "all_rows", "render"]

INTRO: Final = f"""# 交易规则

模拟柜台按这些规则收单、拒单、计费。**这一页由程序里的表生成**，不要手改；每一行有编号、从哪天起、依据什么，
最后一次与出处核对是 {CHECKED_ON}。规则按交易日取：同一段程序跑在哪一天，就用那一天的规则。

- 「起始日」是「{BOURSES}」的，是一向如此、没有去查最早的日子。
- 标「待核」的没有定论，或只有一个二手来源；其中几条可以在 `rules.json` 里改，
  见[没有定论的](#没有定论的)。
- 标「说明」的只给人看，程序不读那一格；其余每一行改了，柜台就跟着变（测试里逐行核对）。
- 编号就是测试里的编号：`tests/market/rules` 里每条规则至少有一笔收下的和一笔拒绝的委托
  （两融的在 `tests/sim/business/credit`，盘后固定价格的在 `tests/sim/business/after_hours`）。
- 代码看不出来的事（风险警示、上市日、停牌、20% 的基金）要写在[证券清单](simulator.md#证券清单)里，
  没有写的按普通证券。
- 拒绝的文字与编号见[废单的文字](#废单的文字)。
"""

REFUSALS: Final = """
## 废单的文字

真实柜台各家不同，**判断请用状态，不要匹配文字**。这里的文字取自公开的真实记录；
没有见过 QMT 样本的，用同类柜台的编号与说法。

| 不合什么 | 编号 | 文字 |
|---|---|---|
| 没有这只证券，未上市，已摘牌 | -990221020 | 无此证券代码 |
| 停牌 | 1232 | 证券停牌 |
| 时间不对 | 12313 | 当前时间不允许此类证券交易 |
| 市价类型、时段 | 1224 | 该证券不支持市价委托；该市场不支持此市价委托方式；当前时段不支持市价委托 |
| 不设涨跌幅时的市价 | 1223 | 无涨停价市价委托失败 |
| 单笔上限 | 1218 | 委托数量超过单笔上限 |
| 盘后固定价格：没有 | 12314 | 该证券没有盘后固定价格交易 |
| 盘后固定价格：不是限价 | 1224 | 盘后固定价格只收限价 |
| 盘后固定价格：15:05 起报的，限价容不下收盘价 | 1221 | 委托价格比收盘价差，不能按收盘价成交 |
| 价位 | 1222 | 委托价格的小数价格应为…位 |
| 涨跌幅 | -990265060 | 委托价格超过涨停价格；委托价格超过跌停价格 |
| 可卖数量 | 251005 | 证券可用数量不足 |
| 数量单位 | -150904070 | 委托数量必须是每手股(张)数的倍数；委托数量不能少于 |
| 每日买入上限 | 1229 | 未通过限购检查 |
| 资金 | 260200 | 可用资金不足 |
| 申购的价格、数量 | 1221、1218 | 价格不在合法区间内；委托数量不在合法区间内 |
| 申购的额度、重复 | 1229 | 未通过限购检查 |
| 价格笼子、集合竞价的有效范围 | 1024 | 申报价格超出有效申报价格范围 |

一笔委托有几处不合时，大体按表里的次序报第一条；价格笼子由交易所查，在柜台的检查都通过之后。
"""

_MARKET_NAMES: Final = {
    PriceType.SH_CONVERT_5_CANCEL: "最优五档即时成交剩余撤销",
    PriceType.SH_CONVERT_5_LIMIT: "最优五档即时成交剩余转限价",
    PriceType.PEER_PRICE_FIRST: "对手方最优",
    PriceType.MINE_PRICE_FIRST: "本方最优",
    PriceType.SZ_INSTBUSI_RESTCANCEL: "即时成交剩余撤销",
    PriceType.SZ_CONVERT_5_CANCEL: "最优五档即时成交剩余撤销",
    PriceType.SZ_FULL_OR_CANCEL: "全额成交或撤销",
}


class Table(NamedTuple):
    """页上的一节：标题、说明、行、值怎么写。"""

    title: str
    lead: str
    rows: tuple[Dated[Any], ...]
    shown: Callable[[Any], str]


def _count(number: int) -> str:
    if number % 100_000_000 == 0:
        return f"{number // 100_000_000} 亿"
    return f"{number // 10_000} 万" if number % 10_000 == 0 else str(number)


def _percent(bp: int) -> str:
    return f"{bp / 100:g}%"


def _tick(value: int) -> str:
    return f"{value / 1000:g} 元"


def _lot(value: quantities.Lot) -> str:
    return f"{value.minimum} 起，{value.step} 递增"


def _size(value: quantities.Size) -> str:
    return f"限价 {_count(value.limit)}，市价 {_count(value.market)}"


def _band(value: bands.Band | bands.WideBand) -> str:
    if isinstance(value, bands.WideBand):
        return f"{_band(value.band)}：{'、'.join(value.codes)}"
    if value.down_bp == value.up_bp:
        return f"±{_percent(value.up_bp)}"
    return f"−{_percent(value.down_bp)} / +{_percent(value.up_bp)}"


def _sessions(value: int) -> str:
    return "首日不设" if value == 1 else f"前 {value} 个交易日不设"


def _cage(value: cage.Cage) -> str:
    ticks = f"，或 {value.ticks} 个价位（取宽的）" if value.ticks else ""
    return f"基准价 ±{_percent(value.ratio_bp)}{ticks}"


def _halting(value: halts.Halting) -> str:
    base = "对开盘价" if value.from_open else "对前收盘（上市首日是发行价）"
    steps = (
        f"±{step.bp / 100:g}% 停到 14:57"
        if not step.seconds
        else f"±{step.bp / 100:g}% 停 {step.seconds // 60} 分钟"
        for step in value.steps
    )
    only = "，只在不设涨跌幅的日子" if value.free_only else ""
    return f"{base}首次 {'、'.join(steps)}{only}"


def _rounding(value: bands.Rounding) -> str:
    return value.value


def _coupon(value: accrual.Coupon | int) -> str:
    if isinstance(value, int):
        return f"一年 {value} 天"
    every = {1: "一年", 2: "半年", 4: "一季"}[value.per_year]
    return f"年息 {_ppm(value.rate_ppm)}，{every}付一次，从 {value.starts} 起"


def _call(value: cage.CallRange) -> str:
    low = f"{_percent(value.open_low_bp)}–" if value.open_low_bp else "不高于 "
    close = f"；收盘 ±{_percent(value.close_bp)}" if value.close_bp else "；收盘不限"
    return f"开盘 {low}{_percent(value.open_high_bp)}{close}"


def _market(value: frozenset[int]) -> str:
    return "、".join(f"{code} {_MARKET_NAMES[PriceType(code)]}" for code in sorted(value))


def _same_day(value: trading.SameDay) -> str:
    if value.codes:
        return f"{len(value.codes)} 只当日可卖：" + "、".join(sorted(value.codes))
    if not value.kinds:
        return "次日可卖"
    return "、".join(sorted(kind.value for kind in value.kinds)) + "当日可卖"


def _yes(value: object) -> str:
    return "是" if value else "否"


def _ppm(value: object) -> str:
    return f"{value / 10_000:g}%" if isinstance(value, int) else str(value)


def _repo_fees(value: repo.RepoFees) -> str:
    terms = "，".join(f"{days} 天 {_ppm(ppm)}" for days, ppm in value.ppm)
    return f"{terms}；一笔最多 {value.cap_li // 1000} 元"


def _days(value: int) -> str:
    return f"实际占款天数，一年 {value} 天"


def _term(value: int) -> str:
    if isinstance(value, bool):
        return _yes(value)
    return _ppm(value) if value >= 1_000_000 else f"{value} 天"


def _listed(value: frozenset[str]) -> str:
    codes = sorted(code[:6] for code in value)
    return f"{len(codes)} 只：{' '.join(codes)}"


def _ex_right(value: object) -> str:
    if not isinstance(value, tuple):
        return str(value)
    tiers = "，".join(f"持股 {months} 个月以内 {_ppm(ppm)}" for months, ppm in value)
    return f"{tiers}，更久的不扣"


def _cap(value: int) -> str:
    return f"{_count(value)}股"


def _unit(value: issues.Unit) -> str:
    need = f"每 {value.value_li // 1000} 元市值" if value.value_li else "不要市值，"
    return f"{need}一个单位 {value.shares} 股（张）"


def _kinds(value: frozenset[Kind]) -> str:
    return "、".join(kind.value for kind in Kind if kind in value)


def _spans(value: after_hours.Spans) -> str:
    return "、".join(f"{_clock(start)}–{_clock(end)}" for start, end in value)


TABLES: Final = (
    Table(
        "不再有的代码",
        "从起始日起，以这些开头的委托是废单。",
        trading.RETIRED,
        "、".join,
    ),
    Table("最小变动价位", "不是整数倍的是废单。", quantities.TICKS, _tick),
    Table(
        "数量单位与零股",
        "买入不足、或不是递增单位的是废单。卖出时不足一手的部分要一次卖完："
        "递增大于 1 的可以和整手一起卖（持有 232，可以卖 32、132、232，不能卖 50）；"
        "递增为 1 的只有在总数不足最少数量时才能一次卖完（科创板持有 232，可以卖 200 再卖 32）。",
        quantities.LOTS,
        _lot,
    ),
    Table("单笔上限", "", quantities.SIZES, _size),
    Table(
        "风险警示股票的每日买入上限",
        "同一账户同一只：今天买到的，加上还挂着的买单，再加这一笔，不能超过。",
        quantities.BUY_CAPS,
        _cap,
    ),
    Table(
        "涨跌幅",
        "以前收盘价计；越过的是废单，不会改到边上。没有行的品种"
        "（其他债券，2022-08-01 以前的可转债，逆回购）不设涨跌幅。",
        (*bands.BANDS, *bands.RISK_BANDS, *bands.WIDE_FUNDS),
        _band,
    ),
    Table("涨跌停价的取整", "", bands.ROUNDINGS, _rounding),
    Table(
        "不设涨跌幅的日子",
        "连续竞价仍有价格笼子。哪只证券哪天上市、哪天进入退市整理期，要写在清单里。",
        (*bands.FREE_SESSIONS, *bands.DELISTING),
        _sessions,
    ),
    Table("首日的特别幅度", "", (*bands.FIRST_DAY, *bands.REIT_FIRST_DAY), _band),
    Table(
        "价格笼子",
        "连续竞价的限价委托（含最新价委托）：买入不高于、卖出不低于边界，另一个方向不限。"
        "基准价：买入看最优卖价，没有看最优买价，再没有看最近成交价，当日没有成交看前收盘；卖出相反。"
        "市价委托、集合竞价、盘后不查。没有行的品种（基金、可转债、债券、逆回购）不设。",
        cage.CAGES,
        _cage,
    ),
    Table("价格笼子的取整", "", cage.CAGE_ROUNDINGS, _rounding),
    Table(
        "集合竞价的有效范围",
        "只对不设涨跌幅的证券（与上市首日的可转债）：开盘对前收盘（新股、新债是发行价），"
        "收盘对最近成交价。",
        (*cage.CALL_RANGES, *cage.FIRST_CALLS),
        _call,
    ),
    Table(
        "盘中临时停牌",
        "停牌时收限价与撤单，不收市价；复牌先集中撮合一次。跨过 14:57 的到那时为止，"
        "一步越过两档只停一次。",
        halts.HALTINGS,
        _halting,
    ),
    Table(
        "市价委托",
        "只在连续竞价收。没有行的品种（可转债、债券、逆回购）不收市价。",
        trading.MARKET_TYPES,
        _market,
    ),
    Table(
        "市价委托的保护限价",
        "买入的成交价与转成的限价不高于它，卖出不低于它。报 0 时按涨跌停价；"
        "不设涨跌幅的日子必须自己报。没有行的（深市）没有保护限价，报多少都不看，"
        "不设涨跌幅的日子不收市价。",
        trading.PROTECTED,
        _yes,
    ),
    Table(
        "收盘集合竞价",
        "14:57–15:00；没有行的、写「否」的品种一直连续竞价。",
        (*trading.CLOSING_CALLS, *trading.SZ_BOND_CALLS),
        _yes,
    ),
    Table(
        "连续竞价到 15:30",
        "没有行的品种 15:00 收盘。",
        trading.LATE_CLOSES,
        _yes,
    ),
    Table(
        "盘后固定价格",
        "15:05–15:30 按收盘价撮合，只看时间先后；15:00–15:05 不成交。"
        "只收限价：买入的限价低于收盘价、卖出的高于收盘价无效。"
        "没有行的品种没有；北交所的没有启用。",
        after_hours.KINDS,
        _kinds,
    ),
    Table(
        "盘后固定价格的申报时间",
        "没成交的在同样的时候可以撤，15:30 之后到期。",
        after_hours.WINDOWS,
        _spans,
    ),
    Table(
        "盘后固定价格的单笔上限",
        "数量单位与零股照竞价交易，涨跌幅照查，没有价格笼子。",
        after_hours.SIZES,
        _count,
    ),
    Table(
        "逆回购的利息",
        "价是年利率，卖出是借出；到期的本息当日可用、次一交易日可取。",
        (repo.DAY_COUNT,),
        _days,
    ),
    Table(
        "债券的应计利息",
        "可转债以外的债券报净价；买卖的金额、冻结、成交金额、持仓成本里都另加应计利息，"
        "付息日早上按前一个交易日收市时的持有量付息（不扣税），见[证券清单](simulator.md#证券清单)。"
        "市值按净价。",
        (*accrual.DAY_COUNT, *accrual.USUAL),
        _coupon,
    ),
    Table("逆回购的佣金", "一笔委托的各次成交合起来算。", (repo.FEES,), _repo_fees),
    Table(
        "当日回转",
        "没有行的品种（股票 ETF、LOF、REIT）次日才能卖。清单里可以补充单只的基金。",
        trading.SAME_DAY,
        _same_day,
    ),
    Table(
        "费用",
        "各项对一笔委托的累计成交额计算，四舍五入到分。",
        (
            *fees.STAMPS,
            *fees.TRANSFERS,
            fees.COMMISSION_CAP,
            fees.BOND_COMMISSION,
            fees.MONEY_FUND_COMMISSION,
        ),
        _ppm,
    ),
    Table("含在佣金里的", "佣金是「全佣」，下面这些不另收。", fees.INCLUDED, _ppm),
    Table(
        "除权除息",
        "照文件夹里的 `corporate_actions.json` 发生，见[公司行为](corporate_actions.md)。",
        (exrights.EX_RIGHT, exrights.DIVIDEND_TAX),
        _ex_right,
    ),
    Table(
        "申购单位与市值",
        "照文件夹里的 `ipo.json` 发生，见[新股申购](ipo.md)。"
        "T−2 日（含）之前 20 个交易日的日均市值不足 1 万元的没有额度；"
        "沪、深分开算，科创板用沪市的。",
        issues.UNITS,
        _unit,
    ),
    Table("申购的办法", "", issues.TERMS, str),
)

CREDIT_TABLES: Final = (
    Table(
        "两融：保证金最低比例",
        "融资买入、融券卖出时占用的保证金。比例变了，已有的合约不变。",
        (*terms.FIN_MARGINS, *terms.SLO_MARGINS),
        _ppm,
    ),
    Table(
        "两融：其他",
        "怎样算、怎样拒绝见[信用账号](credit.md)。",
        (*terms.PRICE_FLOORS, *terms.RETURN_NEXT_DAY, *terms.TERMS, *terms.WITHDRAWALS),
        _term,
    ),
    Table(
        "两融：折算率",
        "充抵保证金的上限；券商可以更低（`credit.json` 的 `haircuts`）。几类都是的取最低。",
        tuple(row for rows in terms.HAIRCUTS.values() for row in rows),
        _ppm,
    ),
    Table(
        "两融：名单",
        "没有在 `credit.json` 里另写时用的。",
        (*terms.INDEX_MEMBERS, *terms.NO_EARNINGS, *terms.ETF_SUBJECTS),
        _listed,
    ),
)
"""两融的规则：测试在 ``tests/sim/business/credit``。"""


def all_rows() -> Iterator[Dated[Any]]:
    """全部规则。"""
    for table in (*TABLES, *CREDIT_TABLES):
        yield from table.rows


def render() -> str:
    """整页的文字。"""
    parts = [
        INTRO,
        *map(_section, (*TABLES, *CREDIT_TABLES)),
        _day(),
        REFUSALS,
        _unsure(),
        _sources(),
    ]
    return "\n".join(part.strip("\n") + "\n" for part in parts)


def _section(table: Table) -> str:
    lines = [f"## {table.title}", ""]
    if table.lead:
        lines += [table.lead, ""]
    lines += ["| 编号 | 适用 | 起始日 | 规则 | 依据 | 说明 |", "|---|---|---|---|---|---|"]
    lines += [_line(row, table.shown(row.value)) for row in table.rows]
    return "\n".join(lines)


def _line(row: Dated[Any], shown: str) -> str:
    scopes = "全部" if row.scopes == tuple(Scope) else "、".join(each.value for each in row.scopes)
    marks = ("" if row.sure else "**待核**。") + ("**说明**。" if isinstance(row, Note) else "")
    note = marks + row.note
    return f"| {row.rule} | {scopes} | {row.since} | {shown} | {row.source} | {note} |"


def _clock(second: int) -> str:
    return f"{second // 3600}:{second % 3600 // 60:02d}"


def _day() -> str:
    lines = ["## 一天的时段", "", "| 时间 | 时段 | 起始日 | 依据 |", "|---|---|---|---|"]
    lines += [
        f"| {_clock(each.start)}–{_clock(each.end)} | {each.phase.value} | {each.since} "
        f"| {each.source} |"
        for each in phases.WINDOWS
    ]
    return "\n".join(lines)


def _unsure() -> str:
    lines = [
        "## 没有定论的",
        "",
        "程序里都是单独的一行，核到原文就改。其中几条可以在模拟文件夹的 `rules.json` 里改，"
        '如 `{"bse_cage": "inward"}`：',
        "",
        "| 键 | 值 | 默认 |",
        "|---|---|---|",
        '| bse_cage | `"half_up"` 四舍五入，`"inward"` 上限截断、下限进位 | 照 C7 |',
        "| convertible_first_call | 可转债首日的开盘集合竞价限于发行价 ±30%（N10） | `true` |",
        "| no_limit_calls | 不设涨跌幅的证券在集合竞价里有范围（N8、N9） | `true` |",
        "| bse_protected | 北交所的市价委托带保护限价（M8） | `true` |",
        "| bse_after_hours | 北交所盘后固定价格的启用日，如 `2027-03-01`（H8） | 没有启用 |",
        "| sz_repo_tick | 深市逆回购的最小变动价位：`0.001`、`0.005`、`0.01`（T6） | 照 T6 |",
        "| sz_bonds_late | 深市债券也到 15:30（A7、A8） | `true` |",
        "",
    ]
    for table in (*TABLES, *CREDIT_TABLES):
        for row in table.rows:
            if not row.sure:
                scopes = "、".join(each.value for each in row.scopes)
                lines.append(f"- {row.rule}（{table.title}，{scopes}）：{row.note}")
    return "\n".join(lines)


def _sources() -> str:
    lines = [
        "## 出处",
        "",
        "给了网址的对过原文；只写「规则库」的，条文来自两个以上的公开整理，没有逐字对过；"
        "写着「没有对过」的，只知道有这份文件。",
        "",
        "| 缩写 | 全称 | 施行日 | 官方文件 | 在哪里 |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {tag} | {each.title} | {each.since} | {_yes(each.official)} | {each.where} |"
        for tag, each in SOURCES.items()
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # 真的标准输出都有
    sys.stdout.write(render())
