"""从表里写出文档的那一页：``docs/zh/reference/counters.md``。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader import counters
from easytrader.counters import status
from easytrader.counters.shape import EVERY_PYTHON

if TYPE_CHECKING:
    from easytrader.counters.shape import Counter, Field

POSITIONS: Final = {
    "net": "一只一行",
    "two-way": "多、空分开",
    "mixed": "股票一只一行，期权多、空分开",
}
FLAGS: Final = {
    "none": "不看开平",
    "required": "要写开平",
    "credit": "现金账户不写，两融与期权要写",
}
"""`Counter.offset` → 中文。"""
_READY: Final = {"account+contract": "收到资金与合约", "account": "收到资金"}
_HEAD: Final = """\
# 登记的柜台

<!-- 这一页从 easytrader/counters/table.py 生成：python -m easytrader.counters.page -->

三十四家，来自两页文档：001 是 VeighNa 的「交易接口」，000 是它 2019 年的一个分支。怎样选、怎样装见
[哪个柜台走哪个门](../brokers.md)；在你的机器上能不能用，`easytrader brokers` 说得准。

- **没有一家在真的柜台上登录过。**「可以用」的用真的包对着我们自己的假柜台走过下单、成交、撤单；
  「装得上」的只装过、导入过（Linux x86_64、CPython 3.11），Windows 的 wheel 打开看过，没有跑。
- 字段、价格类型、开平是从 PyPI 上发布的包里读来的（2026-11-30）。「也叫」里的名字一样收。
- 「装得上」之后的标记：`编译` 要现场编译，`补一步` 编译之后还要改，见各家的一节。

| 名字 | 柜台 | 打开 | Windows | Linux | 品种 |
|---|---|---|---|---|---|
"""


def page() -> str:
    """整页。"""
    rows = "".join(_row(each) for each in counters.everyone())
    return _HEAD + rows + "".join(_section(each) for each in counters.everyone())


def _row(counter: Counter) -> str:
    opened = status.how_to_open(counter)
    opened = f"`{opened.removeprefix('easytrader.')}`" if opened else _why_not(counter)
    cells = [
        f"[{counter.name}](#{_anchor(counter)})", counter.seed, opened,
        _at(counter, "Windows"), _at(counter, "Linux"), "、".join(counter.products),
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _why_not(counter: Counter) -> str:
    return "已关闭" if counter.closed else "没有公开的 SDK"


def _at(counter: Counter, system: str) -> str:
    if counter.closed or counter.unavailable:
        return ""
    if counter.own:
        return "可以用"
    found = [each for each in counter.runs if each.system == system]
    if not found:
        return "不行"
    if not set(found[0].pythons) & set(EVERY_PYTHON):
        return f"不行（只有 Python {'、'.join(found[0].pythons)} 的）"
    how = {"build": "，编译", "fix": "，编译后补一步"}.get(found[0].how, "")
    pythons = "、".join(found[0].pythons)
    return f"装得上（{pythons}{how}）"


def _section(counter: Counter) -> str:
    lines = [f"\n## {counter.name}\n", f"\n{counter.seed}：{'、'.join(counter.products)}。"]
    notes = (counter.closed, counter.unavailable, counter.install_note)
    lines += [f"{told.removesuffix('。')}。" for told in notes if told]
    lines.append("\n\n")
    lines += [f"- {title}：{text}\n" for title, text in _facts(counter) if text]
    lines.append("\n| 字段 | 默认、可选 | 也叫 |\n|---|---|---|\n")
    lines += [_field_row(each) for each in counter.fields]
    lines += [f"| {each.name} | 文档里有，现在不用；收下 | |\n" for each in counter.dropped]
    if counter.defects:
        lines.append("\n已知的毛病，与这里怎样对付：\n\n")
        lines += [f"- {each.what}：{each.answer}。\n" for each in counter.defects]
    lines.append(f"\n依据：{'；'.join(counter.sources)}。\n")
    return "".join(lines)


def _facts(counter: Counter) -> list[tuple[str, str]]:
    installs = [] if counter.closed or counter.unavailable else status.install_lines(counter)
    return [
        ("文档", counter.page),
        ("别的叫法", "、".join(counter.aliases)),
        ("包", f"`{counter.package}`（`{counter.class_name}`）" if counter.package else ""),
        ("安装", "；".join(f"`{each}`" for each in installs)),
        ("哪里能用", "；".join(map(status.told_of, counter.runs))),
        ("交易所", " ".join(counter.exchanges)),
        ("账号类型", counter.account_type),
        ("持仓", POSITIONS[counter.positions]),
        ("开平", FLAGS[counter.offset]),
        ("价格类型", " ".join(counter.order_types)),
        ("就绪", _READY[counter.ready]),
        ("历史行情", "有" if counter.history else ""),
        ("不能同时加载", "、".join(counter.conflicts)),
        ("一个进程一个账号", "是" if counter.one_per_process else ""),
        ("Linux 上要", "`zh_CN.GB18030`" if counter.locale else ""),
    ]


def _field_row(field: Field) -> str:
    told = []
    if field.choices:
        told.append("、".join(map(str, field.choices)))
    elif field.default != "":
        told.append(str(field.default))
    if field.required:
        told.append("必要")
    if field.secret:
        told.append("密码")
    return f"| {field.name} | {'；'.join(told)} | {'、'.join(field.aliases)} |\n"


def _anchor(counter: Counter) -> str:
    return counter.name.lower()


if __name__ == "__main__":
    import sys

    sys.stdout.reconfigure(encoding="utf-8", newline="\n")  # type: ignore[union-attr]
    sys.stdout.write(page())
