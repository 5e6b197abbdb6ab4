"""字典的键 → 中文列名、列的次序、怎样写成字：终端、网页、Markdown、DataFrame 的表都看这里。

::

    kind = titles.of_rows(user.position)  # 或 titles.KINDS["position"]
    head = [column.title for column in kind.brief_columns]
    body = [[column.text(row[column.key]) for column in kind.brief_columns] for row in found]

同一个键在不同的表里可以有不同的名字（``volume`` 是持有数量，也是成交量），所以按表写。
每张表的键与 `easytrader.types` 的逐个相同，有测试看着。
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, cast

from easytrader.basics.beijing import stamp
from easytrader.errors import UsageError
from easytrader.rows.business_titles import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

Measure: TypeAlias = Literal[
    "text", "number", "count", "price", "money", "ratio", "bp", "moment", "date", "flag",
    "side", "levels", "list",
]  # fmt: skip
"""一列装的是什么：文字、编号与代码、数量（股/份/张/次）、价格（元）、金额（元）、
比例（0.05 是 5%）、万分之一、时刻（Unix 秒）、日期（``2026-11-30`` 或 ``20261130``）、是否、
买卖（``buy sell``）、几档价量、别的。"""

Number: TypeAlias = "int | float | Decimal"
_SIDES: Final = {"buy": "买入", "sell": "卖出"}
_RIGHT: Final = frozenset({"count", "price", "money", "ratio", "bp"})


@dataclass(frozen=True, slots=True)
class Column:
    """一列。"""

    key: str
    title: str
    measure: Measure = "text"

    @property
    def right(self) -> bool:
        """数，靠右排。"""
        return self.measure in _RIGHT

    def text(self, value: object) -> str:
        """一格写成字：``1,234.50``、``5.00%``、``14:50:01``（北京时间）；没有的为空。"""
        return cell(self.measure, value)


@dataclass(frozen=True, slots=True)
class Kind:
    """一种表。

    Attributes:
        name: 英文名，`easytrader.frame` 的 ``kind`` 用它。
        title: 中文名。
        columns: 全部的列，次序与字典的键一致。
        brief: 屏幕窄时只看的几个键，次序照这里。
        verb: ``user`` 上的哪个查询给的（``today_entrusts``）；不是查询给的为空。
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    brief: tuple[str, ...]
    verb: str = ""

    @property
    def keys(self) -> tuple[str, ...]:
        """全部的键。"""
        return tuple(column.key for column in self.columns)

    @property
    def brief_columns(self) -> tuple[Column, ...]:
        """屏幕窄时只看的几列。"""
        return self.pick(self.brief)

    def columns_for(self, rows: Iterable[Mapping[str, object]]) -> tuple[Column, ...]:
        """全部的列；有的行另有账号、货币的，在最前面。"""
        own = [
            each
            for key, each in _OPTIONAL.items()
            if key not in self.keys and any(row.get(key) for row in rows)
        ]
        return (*own, *self.columns)

    def pick(self, keys: Iterable[str]) -> tuple[Column, ...]:
        """照给的键与次序取列；没见过的键，列名就是键。"""
        known = {column.key: column for column in self.columns}
        return tuple(known.get(key) or _OPTIONAL.get(key) or Column(key, key) for key in keys)


_OPTIONAL: Final = {
    "account": Column("account", "账号"),
    "currency": Column("currency", "货币"),
}
"""有的行才有的键。"""


def cell(measure: Measure, value: object) -> str:
    """一格写成字，见 `Column.text`；装的不是这一列该有的（文字的编号等）照原样写。"""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if not isinstance(value, (int, float, Decimal)):
        return _SIDES.get(str(value), str(value)) if measure == "side" else str(value)
    if not math.isfinite(value):
        return ""
    return _WRITTEN.get(measure, str)(value)


def _count(value: Number) -> str:
    return f"{value:,}" if value == int(value) else f"{value:,f}".rstrip("0")


def _price(value: Number) -> str:
    """至少两位小数，至多三位；不到一角的（数字货币）八位。"""
    places = 8 if -0.1 < value < 0.1 else 3
    whole, _, fraction = f"{value:,.{places}f}".partition(".")
    return f"{whole}.{fraction.rstrip('0'):0<2}"


def _moment(value: Number) -> str:
    return stamp(float(value), "%H:%M:%S") if value > 0 else ""


_WRITTEN: Final[dict[Measure, Callable[[Number], str]]] = {
    "count": _count,
    "price": _price,
    "money": "{:,.2f}".format,
    "ratio": "{:.2%}".format,
    "bp": "{:.1f}".format,
    "moment": _moment,
}


def _kind(name: str, title: str, listed: str, brief: str, verb: str = "") -> Kind:
    """一行一列：``键 列名 装的是什么``，不写是文字。"""
    columns = []
    for line in listed.strip().splitlines():
        key, column_title, *measure = line.split()
        columns.append(
            Column(key, column_title, cast("Measure", measure[0] if measure else "text"))
        )
    return Kind(name, title, tuple(columns), tuple(brief.split()), verb)


_ACCOUNT: Final = """
account_type    账号类型        number
account_id      资金账号
"""

_BALANCE: Final = _kind(
    "balance",
    "资金",
    f"""
total_asset     总资产          money
market_value    持仓市值        money
cash            可用资金        money
frozen_cash     冻结资金        money
{_ACCOUNT.strip()}
""",
    "total_asset market_value cash frozen_cash account_id",
    "balance",
)

_POSITION: Final = _kind(
    "position",
    "持仓",
    f"""
security        代码
stock_code      证券代码
volume          持有数量        count
can_use_volume  可用数量        count
open_price      开仓价          price
market_value    市值            money
frozen_volume   冻结数量        count
on_road_volume  在途数量        count
yesterday_volume 昨夜数量       count
avg_price       成本价          price
direction       多空            number
{_ACCOUNT.strip()}
security_name   证券名称
profit          浮动盈亏        money
profit_ratio    盈亏比例        ratio
""",
    "stock_code security_name volume can_use_volume avg_price market_value profit profit_ratio",
    "position",
)

_ENTRUSTS: Final = _kind(
    "entrusts",
    "委托",
    f"""
security        代码
stock_code      证券代码
order_id        委托编号        number
order_sysid     合同编号
order_time      委托时间        moment
order_type      委托类型代码    number
order_type_name 委托类型
order_volume    委托数量        count
price_type      报价类型代码    number
price_type_name 报价类型
price           委托价          price
traded_volume   成交数量        count
traded_price    成交均价        price
order_status    委托状态代码    number
order_status_name 委托状态
status_msg      状态说明
offset_flag     交易操作代码    number
offset_flag_name 交易操作
strategy_name   策略名
order_remark    备注
direction       多空代码        number
direction_name  多空
{_ACCOUNT.strip()}
""",
    "order_time order_id stock_code order_type_name price order_volume traded_volume "
    "traded_price order_status_name status_msg",
    "today_entrusts",
)

_TRADES: Final = _kind(
    "trades",
    "成交",
    """
security        代码
stock_code      证券代码
traded_id       成交编号
traded_time     成交时间        moment
traded_price    成交价          price
traded_volume   成交数量        count
traded_amount   成交金额        money
order_id        委托编号        number
order_type      委托类型代码    number
order_type_name 委托类型
offset_flag     交易操作代码    number
offset_flag_name 交易操作
account_id      资金账号
account_type    账号类型        number
order_sysid     合同编号
strategy_name   策略名
order_remark    备注
""",
    "traded_time stock_code order_type_name traded_price traded_volume traded_amount "
    "order_id traded_id",
    "today_trades",
)

_QUOTE: Final = _kind(
    "quote",
    "行情",
    """
security        代码
stock_code      证券代码
last            最新价          price
open            今开            price
high            最高            price
low             最低            price
pre_close       昨收            price
limit_up        涨停价          price
limit_down      跌停价          price
volume          成交量          count
amount          成交额          money
time            行情时间        moment
bids            买盘            levels
asks            卖盘            levels
""",
    "stock_code last pre_close open high low limit_up limit_down volume amount time",
    "quote",
)

_PLAN: Final = _kind(
    "plan",
    "调仓计划",
    """
id              序号            number
stock_code      证券代码
security        代码
side            方向代码
side_name       方向
volume          数量            count
price           估价            price
value           估算金额        money
fee             估算费用        money
reason          原因
before          现有数量        count
target          目标数量        count
after           调仓后数量      count
""",
    "id stock_code side_name volume price value fee before after reason",
)

_SKIPPED: Final = _kind(
    "skipped",
    "没有调的",
    """
stock_code      证券代码
security        代码
side            方向            side
wanted          想要的数量      count
reason          原因
rule            规则
""",
    "stock_code side wanted reason",
)

_WEIGHTS: Final = _kind(
    "weights",
    "权重",
    """
stock_code      证券代码
before          调仓前          ratio
target          目标            ratio
after           调仓后          ratio
""",
    "stock_code before target after",
)

_REPORT: Final = _kind(
    "report",
    "调仓报告",
    """
id              序号            number
stock_code      证券代码
side            方向代码
side_name       方向
planned         计划数量        count
filled          成交数量        count
left            剩余数量        count
avg_price       成交均价        price
arrival_price   到达价          price
slippage_bp     滑点（万分之）  bp
slippage_value  滑点金额        money
fee             费用            money
attempts        次数            count
why             没有成的原因
""",
    "id stock_code side_name planned filled avg_price arrival_price slippage_bp fee attempts why",
)

_FILLS: Final = _kind(
    "fills",
    "调仓成交",
    """
time            成交时间        moment
stock_code      证券代码
side            方向            side
volume          成交数量        count
price           成交价          price
""",
    "time stock_code side volume price",
)

_DAY: Final = Column("day", "日期", "date")
_TIME: Final = Column("time", "时刻", "moment")
_SOURCE: Final = Column("source", "来源")
"""记录、柜台。"""


def _dated(kind: Kind, name: str, title: str, *more: Column) -> Kind:
    """往日的：日期在最前，来源在最后。"""
    first = (_DAY, *more)
    brief = (*(column.key for column in first), *kind.brief)
    return Kind(name, title, (*first, *kind.columns, _SOURCE), brief)


_LISTED: Final = (
    _BALANCE, _POSITION, _ENTRUSTS, _TRADES, _QUOTE, _PLAN, _SKIPPED, _WEIGHTS, _REPORT, _FILLS,
    *(_kind(name, title, listed, brief, name) for name, title, listed, brief in TABLES),
    _dated(_ENTRUSTS, "history_orders", "往日委托"),
    _dated(_TRADES, "history_trades", "往日成交"),
    _dated(_BALANCE, "history_assets", "往日资金", _TIME),
)  # fmt: skip

KINDS: Final[Mapping[str, Kind]] = {kind.name: kind for kind in _LISTED}
"""英文名 → 表。"""


_MORE: Final[dict[str, Kind]] = {}


def also(kind: Kind) -> None:
    """别处的一种表：`named`、`of`、`of_row` 从此也认得它。"""
    _MORE[kind.name] = kind


BY_VERB: Final[Mapping[str, Kind]] = {kind.verb: kind for kind in _LISTED if kind.verb}
"""查询的动词 → 表。"""


def named(name: object) -> Kind | None:
    """按英文名，或查询的动词，取一种表；没有为 None。"""
    if not isinstance(name, str):
        return None
    return KINDS.get(name) or BY_VERB.get(name) or _MORE.get(name)


def of(name: object) -> Kind:
    """按英文名，或查询的动词，取一种表。

    Raises:
        UsageError: 没有这种表；信息里列出有哪些。
    """
    found = named(name)
    if found is None:
        raise UsageError("kind", name, f"应为其中之一：{choices()}")
    return found


def of_row(row: Mapping[str, object]) -> Kind | None:
    """这一行是哪种表的：键全都有的表里，列最多的那种；都不是为 None。"""
    keys = row.keys()
    fitting = [kind for kind in (*_LISTED, *_MORE.values()) if keys >= set(kind.keys)]
    return max(fitting, key=lambda kind: len(kind.columns), default=None)


def choices() -> str:
    """有哪些表，写在错误信息里。"""
    return " ".join(f"{kind.name}（{kind.title}）" for kind in (*_LISTED, *_MORE.values()))
