"""公开的每一样在文档里都有：名字、异常、命令与选项、字典的键、代码表。"""

from __future__ import annotations

import argparse
import inspect
import re
import shlex
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from docs_helpers import DOCS, ROOT, all_text, blocks

import easytrader
from easytrader import codes, errors, rows
from easytrader._version import __version__
from easytrader.brokers.sim import SimTrader
from easytrader.cli import build_parser
from easytrader.miniqmt import DefaultXtQuantTraderCallback, MiniqmtTrader
from easytrader.push import event_log
from easytrader.sim.config import profile
from easytrader.sim.config.folder import SimConfig
from easytrader.sim.host import faults as fault_plan
from easytrader.sim.host.faults import Faults
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCUMENTATION = all_text()


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def table(text: str) -> list[list[str]]:
    lines = [line for line in text.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if not set("".join(row)) <= {"-"}][1:]


@pytest.mark.parametrize("name", easytrader.__all__)
def test_public_name(name: str) -> None:
    assert re.search(rf"\b{name}\b", DOCUMENTATION)


@pytest.mark.parametrize("name", errors.__all__)
def test_error_has_a_section_and_a_row(name: str) -> None:
    text = page("errors.md")
    assert f"\n## {name}\n" in text
    if name != "EasytraderError":
        assert f"| [`{name}`](#{name.lower()}) |" in text


def test_error_table_says_what_else_each_error_is() -> None:
    found = {row[0].split("`")[1]: row[1].strip("`") for row in table(page("errors.md"))}
    for name, base in found.items():
        bases = [each.__name__ for each in getattr(errors, name).__bases__]
        assert bases == ["EasytraderError", *([base] if base else [])]


def _public(cls: type) -> list[str]:
    return [name for name in vars(cls) if not name.startswith("_")]


@pytest.mark.parametrize("name", _public(Trader))
def test_trader_verb_is_on_the_contract_page(name: str) -> None:
    text = page("miniqmt.md") + page("connection.md")
    assert re.search(rf"\b{name}\b", text)


def test_connect_table_has_every_parameter_with_its_default() -> None:
    signature = inspect.signature(MiniqmtTrader.connect)
    parameters = [each for name, each in signature.parameters.items() if name != "self"]
    listed = [
        (row[0].strip("`"), row[1].strip("`")) for row in table(section(page("miniqmt.md"), "连接"))
    ]
    assert listed == [
        (each.name, "必填" if each.default is each.empty else str(each.default))
        if not isinstance(each.default, str)
        else (each.name, f'"{each.default}"')
        for each in parameters
    ]


def test_sim_connect_takes_the_same_parameters() -> None:
    names = list(inspect.signature(SimTrader.connect).parameters)[:7]
    assert names == list(inspect.signature(MiniqmtTrader.connect).parameters)[:7]


@pytest.mark.parametrize(
    ("title", "row", "build"),
    [
        ("资金", "asset", rows.asset_row),
        ("持仓", "position", rows.position_row),
        ("委托", "order", rows.order_row),
        ("成交", "trade", rows.trade_row),
        ("行情", "quote", rows.quote_row),
    ],
)
def test_dictionary_keys_in_order(title: str, row: str, build: Any) -> None:
    built = build(_Anything())
    listed = [cells[0].strip("`") for cells in table(section(page("reference/fields.md"), title))]
    assert listed == list(built)


class _Anything(SimpleNamespace):
    currency = ""

    def __getattr__(self, name: str) -> Any:
        numbers = ("order_type", "price_type", "order_status", "offset_flag", "direction")
        return (
            {"order_type": 23, "price_type": 50, "order_status": 50}.get(name, 48)
            if (name in numbers)
            else "600036.SH"
        )


@pytest.mark.parametrize(
    ("title", "names"),
    [
        ("委托状态", codes.ORDER_STATUS_NAMES),
        ("交易操作", codes.OFFSET_FLAG_NAMES),
        ("多空", codes.DIRECTION_NAMES),
        ("账号状态", codes.ACCOUNT_STATUS_NAMES),
    ],
)
def test_code_table(title: str, names: dict[int, str]) -> None:
    text = section(page("reference/fields.md"), title)
    listed = {int(row[0]): row[1] for row in table(text) if row[0].lstrip("-").isdigit()}
    assert listed == names


def test_price_type_table() -> None:
    listed = table(section(page("reference/fields.md"), "报价类型"))
    assert {int(row[0]): int(row[2]) for row in listed} == codes.BROKER_PRICE_TYPES
    names = {int(code): name for row in listed for code, name in (row[:2], row[2:])}
    assert names == {code: codes.PRICE_TYPE_NAMES[code] for code in names}


def test_status_table_marks_final_and_cancellable() -> None:
    listed = table(section(page("reference/fields.md"), "委托状态"))
    assert {int(row[0]) for row in listed if row[2] == "是"} == codes.FINAL_STATUSES
    assert {int(row[0]) for row in listed if row[3] == "是"} == codes.CANCELLABLE_STATUSES


def test_event_table() -> None:
    listed = table(section(page("reference/fields.md"), "事件"))
    assert {row[0].strip("`"): row[1] for row in listed} == event_log.EVENT_NAMES
    keys = {row[0].strip("`"): row[2].split("`")[1].split() for row in listed if "`" in row[2]}
    built = {
        "order_error": rows.order_error_row(_Anything()),
        "cancel_error": rows.cancel_error_row(_Anything()),
        "account_status": rows.account_status_row(_Anything(status=0)),
    }
    for kind, row in built.items():
        assert keys[kind] == list(row)


def test_status_table() -> None:
    text = section(page("connection.md"), "健康状况")
    listed = [name for row in table(text) for name in re.findall(r"`(\w+)`", row[0])]
    user = easytrader.use("sim")
    assert sorted(listed) == sorted(user.status)


def test_market_type_tables() -> None:
    listed = {
        row[0].strip("`"): dict(zip(("SH", "SZ", "BJ"), row[1:], strict=True))
        for row in table(section(page("reference/fields.md"), "市价类型"))
    }
    for exchange, types in codes.MARKET_ORDER_TYPES.items():
        assert {name: int(row[exchange]) for name, row in listed.items() if row[exchange]} == types
    columns = list(zip(*table(section(page("miniqmt.md"), "市价买入、卖出")), strict=True))
    for exchange, column in zip(("SZ", "SH", "BJ"), columns, strict=True):
        assert [name for name in column if name] == list(codes.MARKET_ORDER_TYPES[exchange])


def test_account_types_and_exchanges() -> None:
    text = page("reference/fields.md")
    listed = {row[0].strip("`"): int(row[1]) for row in table(section(text, "账号类型"))}
    assert listed == {each.name: each.value for each in codes.AccountType}
    listed = {row[0].strip("`"): int(row[2]) for row in table(section(text, "交易所"))}
    assert listed == codes.MARKET_CODES


def _commands(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, Any]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, inner in action.choices.items():
                yield from _commands(inner, f"{name} {word}".strip())
        else:
            yield name, action


def test_every_command_and_option_is_in_the_reference() -> None:
    text = page("reference/cli.md")
    missing = []
    for command, action in _commands(build_parser()):
        room = " ".join(command.split()[:2])
        home = text if room in ("", "sim", "token") else section(text, room)
        if "(#账号与输出)" in home:  # 大家都有的选项只写一处
            home += section(text, "账号与输出")
        if command.startswith("sim fault ") and f"`{command.split()[2]}`" not in home:
            missing.append(command)
        for option in action.option_strings:
            everywhere = option in ("-h", "--help", "--debug", "--version")
            if f"`{option}" not in (text if everywhere else home):
                missing.append(f"{command} {option}")
    assert not missing


def test_command_lines_in_the_docs_parse() -> None:
    parser = build_parser()
    lines = [
        line
        for each in (ROOT / "README.md", *sorted(DOCS.rglob("*.md")))
        for block in blocks(each)
        if block.language == "bash"
        for line in re.findall(r"(?<![\w/])easytrader (?!\[)([^|&()>\n]+)", block.source)
    ]
    assert len(lines) > 10
    for line in lines:
        if line.strip() != "--version":
            parser.parse_args(shlex.split(line))


def test_faults_page_has_every_fault_method_and_verb() -> None:
    text = page("faults.md")
    for name in set(_public(Faults)) - {"add"}:
        assert f"`{name}(" in text
    for word in (*fault_plan.TARGETS, *fault_plan.WHENS, *fault_plan.PUSHES):
        assert f"`{word}`" in text


def test_folder_settings_are_listed_with_their_defaults() -> None:
    listed = {
        row[0].strip("`"): row[1].strip("`") for row in table(section(page("simulator.md"), "设置"))
    }
    fields = {
        name: field
        for name, field in SimConfig.__dataclass_fields__.items()
        if name not in ("accounts", "manners")
    }
    assert list(listed) == list(fields)
    for name, shown in listed.items():
        assert shown.strip('"') == str(fields[name].default)


def test_profiles_and_their_settings_are_listed() -> None:
    text = section(page("simulator.md"), "券商的脾气")
    assert [name for name in (*profile.PROFILES, *profile.NAMES) if f"`{name}`" not in text] == []


def test_callback_methods_of_the_contract() -> None:
    names = [name for name in _public(DefaultXtQuantTraderCallback) if "async" not in name]
    text = page("miniqmt.md") + page("connection.md") + page("reference/api.md")
    assert "DefaultXtQuantTraderCallback" in text
    shown = [name for name in names if name in text]
    assert {"on_connected", "on_disconnected", "on_stock_order", "on_stock_trade"} <= set(shown)
    assert {"on_order_error", "on_cancel_error"} <= set(shown)


def test_changelog_begins_with_this_version() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = re.search(r"^## \[(.+?)\]", text, re.MULTILINE)
    assert first
    assert first[1] == __version__
