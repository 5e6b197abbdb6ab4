"""由 `coverage_table` 写出文档页 ``docs/zh/reference/manual.md``，测试核对两边一致::

python tests/miniqmt/coverage_page.py > docs/zh/reference/manual.md
"""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from coverage_table import CALLBACKS, METHODS, OLD_MANUAL, ORDER_TYPES

from easytrader.codes import AccountType, OrderType, order_type_name
from easytrader.miniqmt.vendor.versions import OLDEST, SINCE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from coverage_table import Row

__all__ = ["manual_text", "render"]

_HEAD: Final = f"""\
# 厂商手册对照

迅投手册（老手册 v1.0.4 与当前 `xtquant` 自带的 `doc/xttrader.md`）里的每个方法、每个回调，
在这里叫什么，由哪个测试经真正的厂商代码（`xttrader.py`）跑过。由源码里的表写出；
装着的 `xtquant` 或手册多了什么，测试会按名字报出来。

- 「手册」：老、新各是哪一本写到的；「代码」是手册没有写、`xtquant` 里有的。
- 「起始」：第一个有它的版本，见 [xtquant 的版本](vendor_versions.md)；
  {OLDEST} 是包索引上最老的。
- 「easytrader」：交易口的方法或属性，见 [Python 接口](api.md)；
  `user.trader.…` 是经厂商对象用的；「—」的，「说明」里有原因。
- 「测试」：在源码的 `tests` 文件夹里。
"""


def manual_text() -> str:
    """装着的 xtquant 自带的手册。"""
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    return (folder / "doc" / "xttrader.md").read_text(encoding="utf-8")


def mentioned(text: str, name: str) -> bool:
    """手册写到了这个名字。"""
    return (
        re.search(rf"(?:(?<![\w.])|xt_trader\.){name}\(|`(?:\w+\.)?{name}(?:\(\))?`", text)
        is not None
    )


def render() -> str:
    """整页的文字。"""
    text = manual_text()
    parts = [_HEAD]
    for title, rows in METHODS.items():
        lines = [_line(each, text, _facade(each)) for each in rows]
        parts.append(
            _section(title, "| 厂商的方法 | 手册 | 起始 | easytrader | 测试 | 说明 |", lines)
        )
    events = [_line(each, text, f"`{each.facade}`") for each in CALLBACKS]
    parts.append(
        _section(
            "回调",
            "| 厂商的回调 | 手册 | 起始 | 事件 | 测试 | 说明 |",
            events,
            "回调对象里写同名的方法，参数是厂商的对象；或者用 `events()`，一条一个字典，"
            "`event` 是事件的种类。",
        )
    )
    types = [_order_type(each) for each in ORDER_TYPES]
    lead = (
        "手册里股票与信用的委托类型。期货、期权、ETF 申赎的也都有中文名（见"
        "[代码与中文名](codes.md)），没有下单的动词：那些账号能连接、能查询，"
        "下单经 `user.trader.order_stock`。"
    )
    parts.append(
        _section("委托类型", "| 厂商的常量 | 名字 | easytrader | 测试 | 说明 |", types, lead)
    )
    return "\n".join(parts)


def _section(title: str, head: str, lines: Iterable[str], lead: str = "") -> str:
    rule = "|---" * (head.count("|") - 1) + "|"
    body = "\n".join((head, rule, *lines))
    return f"## {title}\n\n" + (f"{lead}\n\n" if lead else "") + f"{body}\n"


def _line(row: Row, text: str, facade: str) -> str:
    cells = (f"`{row.vendor}`", _where(row.vendor, text), SINCE.get(row.vendor, OLDEST), facade)
    return _joined((*cells, _test(row.test), row.note))


def _order_type(row: Row) -> str:
    code = next(each for each in OrderType if row.vendor in each.vendor)
    kind = AccountType.CREDIT if row.vendor.startswith("CREDIT") else AccountType.STOCK
    label = order_type_name(code, kind)
    return _joined((f"`{row.vendor}`", label, _facade(row), _test(row.test), row.note))


def _joined(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _where(vendor: str, text: str) -> str:
    found = list(_manuals(vendor, text))
    return "、".join(found) or "代码"


def _manuals(vendor: str, text: str) -> Iterator[str]:
    if vendor in OLD_MANUAL:
        yield "老"
    if mentioned(text, vendor):
        yield "新"


def _facade(row: Row) -> str:
    names = (f"user.{each}" if each.startswith("trader.") else each for each in row.facade.split())
    return " ".join(f"`{each}`" for each in names) or "—"


def _test(tests: str) -> str:
    shown = (each.partition("::")[::2] for each in tests.split())
    return "；".join(f"`{path}` `{name}`" for path, name in shown)


def main() -> None:
    """写到标准输出，UTF-8。"""
    sys.stdout.buffer.write(render().encode())


if __name__ == "__main__":
    main()
