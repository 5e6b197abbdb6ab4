"""由代码的表写出文档页 ``docs/zh/reference/codes.md``，测试核对两边一致::

python -m easytrader.codes.page > docs/zh/reference/codes.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from easytrader.codes.table import TABLE, XTCONSTANT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.codes.table import Enumeration

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
