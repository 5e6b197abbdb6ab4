"""全部代码的表：有哪些枚举，各出现在哪里。

由它写出文档页 ``docs/zh/reference/codes.md``，测试核对两边一致::

python -m easytrader.codes.page > docs/zh/reference/codes.md
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from easytrader import codes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from easytrader.codes import Code, TextCode

XTCONSTANT: Final = "xtconstant"
OURS: Final = "本库"
MANUAL: Final = "厂商手册的正文"
BIG_QMT: Final = "厂商的大 QMT 文档"


@dataclass(frozen=True)
class Enumeration:
    """一种代码。

    Attributes:
        title: 中文标题。
        kind: 枚举类。
        where: 出现在哪里：字典的键、方法的参数。
        source: 数值与含义的出处。
        others: 另一种账号类型下不同的名字：(哪些账号, 代码 → 中文名)。
        note: 别的要说的。
    """

    title: str
    kind: type[Code] | type[TextCode]
    where: str
    source: str = XTCONSTANT
    others: tuple[tuple[str, Mapping[int, str]], ...] = field(default=())
    note: str = ""

    @property
    def rows(self) -> list[tuple[int | str, str, str, tuple[str, ...]]]:
        """每个成员：代码、成员名、中文名、``xtconstant`` 里的名字。"""
        return [(each.value, each.name, each.label, each.vendor) for each in self.kind]


TABLE: Final[tuple[Enumeration, ...]] = (
    Enumeration("账号类型", codes.AccountType, "`connect(account_type=…)`、`account_type`"),
    Enumeration("别的后端的账号类型", codes.OtherAccountType, "`account_type`", OURS),
    Enumeration("账号状态", codes.AccountStatus, "`status`、`login_status`"),
    Enumeration(
        "委托类型",
        codes.OrderType,
        "`order_type`",
        others=(("信用账户（`CREDIT`）", {c: codes.CREDIT_ORDER_TYPE_NAMES[c] for c in (23, 24)}),),
        note="手册里的 `ETF_ETFBUY`、`ETF_ETFSELL` 在厂商的包里不存在，"
        "真正的名字是 `ETF_PURCHASE`、`ETF_REDEMPTION`。",
    ),
    Enumeration(
        "报价类型（送出的）",
        codes.PriceType,
        "下单时送的 `price_type`",
        note="`MARKET_…` 的 18–24 是期货的；12 只有智能算法下单用；"
        "42、43 用于沪市与北交所，46–48 用于深市，44、45 三个交易所都可以。",
    ),
    Enumeration("报价类型（别的后端送出的）", codes.OtherPriceType, "`ttype`", OURS),
    Enumeration(
        "报价类型（柜台返回的）",
        codes.BrokerPriceType,
        "查询、推送里的 `price_type`",
        BIG_QMT,
        note="与送出的是两套，数值不重叠：限价送 11，查回来是 50。",
    ),
    Enumeration("委托状态", codes.OrderStatus, "`order_status`"),
    Enumeration("多空", codes.Direction, "`direction`", note="股票恒为 48，不能用来分买卖。"),
    Enumeration(
        "交易操作",
        codes.OffsetFlag,
        "`offset_flag`",
        others=(
            (
                "期货、期权账户（`FUTURE FUTURE_OPTION STOCK_OPTION OUTTER_FUTURE`）",
                {c: codes.OPEN_CLOSE_FLAG_NAMES[c] for c in (48, 49)},
            ),
        ),
        note="66、67、81 出自厂商的大 QMT 文档。",
    ),
    Enumeration("交易市场", codes.Market, "`exchange_id`、按柜台合同编号撤单的 `market`"),
    Enumeration("代码后缀", codes.MarketSuffix, "`stock_code` 的后缀、`market`"),
    Enumeration("划拨方向", codes.TransferDirection, "资金、股份划拨的 `transfer_direction`"),
    Enumeration("股份划拨类型", codes.TransferType, "股份划拨的 `transfer_type`"),
    Enumeration("银证转账方向", codes.BankTransferDirection, "`transfer_direction`", MANUAL),
    Enumeration(
        "币种",
        codes.MoneyType,
        "`money_type`",
        "通行的柜台取值",
        note="手册没有列出取值，没有在真实客户端上核对过；别的值显示为「未知」。",
    ),
    Enumeration("合约类型", codes.CompactType, "`compact_type`", BIG_QMT),
    Enumeration(
        "合约状态",
        codes.CompactStatus,
        "`compact_status`",
        BIG_QMT,
        note="负债合约查询不返回它，列在这里备查。",
    ),
    Enumeration("头寸来源", codes.CashgroupProp, "`cashgroup_prop`", BIG_QMT),
    Enumeration(
        "标的状态", codes.SubjectStatus, "`fin_status`、`slo_status`、`assure_status`", BIG_QMT
    ),
    Enumeration("投保标志", codes.HedgeFlag, "`hedge_flag`", BIG_QMT),
    Enumeration("资券申请方式", codes.SmtApplyMode, "约券的 `apply_mode`", MANUAL),
    Enumeration("约券合约状态", codes.SmtCompactStatus, "约券的 `compact_status`", MANUAL),
    Enumeration("约券展期状态", codes.SmtPostponeStatus, "约券的 `postpone_status`", MANUAL),
    Enumeration("申购额度的品种", codes.PurchaseMarket, "新股申购额度的键", MANUAL),
    Enumeration("新股的品种", codes.IpoType, "新股信息的 `type`", MANUAL),
)
"""全部代码，按文档页的顺序。"""

_HEAD: Final = """\
# 代码与中文名

字典里的每个代码都另有一个 `…_name` 的中文名，这一页是全部的对照。由源码里的表写出，
与装着的 `xtquant` 逐个核对：厂商的新版增、删、改了常量，测试会按名字报出来。

没见过的代码显示为「未知」，并在日志里警告一次。

代码里不必写数字，用枚举：`easytrader.codes` 的每个枚举都是 `int`（或 `str`）的子类，
可以直接与字典里的代码比较；`label` 是中文名，`vendor` 是它在 `xtconstant` 里的名字。

```python
from easytrader.codes import OrderStatus, OrderType, order_type_name

assert OrderStatus.SUCCEEDED == 56
assert OrderStatus(56).label == "已成"
assert OrderType.FIN_BUY.vendor == ("CREDIT_FIN_BUY",)
assert order_type_name(23) == "买入"
```

同一个数在两种账号里意思不同的有两处：[委托类型](#委托类型)的 23、24 与
[交易操作](#交易操作)的 48、49。字典里的中文名已经按账号类型取好；自己取用
`order_type_name(代码, 账号类型)`、`offset_flag_name(代码, 账号类型)`。

```python
from easytrader.codes import AccountType, offset_flag_name

assert order_type_name(23, AccountType.CREDIT) == "担保品买入"
assert offset_flag_name(48) == "买入"
assert offset_flag_name(48, AccountType.FUTURE) == "开仓"
```
"""


def render() -> str:
    """整页的文字。"""
    return _HEAD + "".join(f"\n{line}\n" for each in TABLE for line in _section(each))


def _section(item: Enumeration) -> Iterator[str]:
    yield f"## {item.title}"
    lead = f"`easytrader.codes.{item.kind.__name__}`，出现在：{item.where}。"
    if item.source != XTCONSTANT:
        lead += f"出处：{item.source}。"
    yield lead + (f"\n{item.note}" if item.note else "")
    vendor = any(names for *_, names in item.rows)
    lines = ["| 代码 | 名字 | 枚举成员 |" + (" xtconstant |" if vendor else "")]
    lines.append("|---" * (4 if vendor else 3) + "|")
    for value, member, label, names in item.rows:
        line = f"| {_shown(value)} | {label} | `{member}` |"
        lines.append(line + (f" {'、'.join(f'`{each}`' for each in names)} |" if vendor else ""))
    yield "\n".join(lines)
    for whom, labels in item.others:
        told = "，".join(f"{code} 是「{label}」" for code, label in labels.items())
        yield f"{whom}：{told}。"


def _shown(value: int | str) -> str:
    return str(value) if isinstance(value, int) else f'`"{value}"`'


def main() -> None:
    """写到标准输出，UTF-8。"""
    sys.stdout.buffer.write(render().encode())


if __name__ == "__main__":
    main()
