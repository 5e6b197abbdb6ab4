"""``easytrader brokers``：表格、JSON、一家的全部、写错的名字。"""

from __future__ import annotations

import json
from typing import Any
from unicodedata import east_asian_width

import pytest
from cli_helpers import easytrader, environment

from easytrader import counters
from easytrader.cli import main
from easytrader.counters import status

KEYS = {"name", "seed", "package", "status", "systems", "pythons", "fields", "use", "installed"}


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    assert main(["brokers", *arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_json_has_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    rows = printed(capsys)
    assert [row["name"] for row in rows] == [each.name for each in counters.everyone()]
    assert all(row.keys() >= KEYS for row in rows)
    xtp = next(row for row in rows if row["name"] == "XTP")
    assert xtp["seed"] == "中泰XTP"
    assert xtp["package"] == "vnpy_xtp"
    assert xtp["fields"]["密码"]["secret"] is True
    assert xtp["fields"]["行情协议"]["choices"] == ["TCP", "UDP"]
    bitmex = next(row for row in rows if row["name"] == "BITMEX")
    assert (bitmex["status"], bitmex["use"], bitmex["systems"]) == ("closed", "", [])
    assert "2026-09-23" in bitmex["note"]


@pytest.mark.parametrize("state", [*status.NAMES, *status.NAMES.values()])
def test_one_status(capsys: pytest.CaptureFixture[str], state: str) -> None:
    rows = printed(capsys, "--status", state)
    assert {row["status"] for row in rows} | {row["status_name"] for row in rows} >= {state}
    assert len({row["status"] for row in rows}) == 1


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_the_table_fits_eighty_columns(encoding: str) -> None:
    env = environment(PYTHONIOENCODING=encoding, COLUMNS="80")
    done = easytrader("brokers", env=env, encoding=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    for each in lines[:36]:
        assert sum(2 if east_asian_width(one) in "WF" else 1 for one in each) <= 80
    assert "?" not in done.stdout
    assert "中亿汇达Comstar XBond" in done.stdout
    assert "已关闭" in done.stdout


def test_one_in_full(capsys: pytest.CaptureFixture[str]) -> None:
    for counter in counters.everyone():
        assert main(["brokers", counter.name.lower()]) == 0
        shown = capsys.readouterr().out
        assert shown.startswith(f"{counter.seed}（{counter.name}）：")
        for each in (*counter.fields, *counter.dropped):
            assert each.name in shown
        assert all(each.what in shown for each in counter.defects)
        assert status.refusal(counter) in shown
        assert (status.how_to_open(counter) or "use(") in shown


def test_one_as_json_by_its_chinese_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert printed(capsys, "华鑫奇点股票")["name"] == "TORASTOCK"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["XPT"], "是不是 XTP"),
        (["没有"], "没有登记这一家"),
        (["--status", "good"], "works、loads"),
    ],
)
def test_wrong_usage_is_2(
    capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["brokers", *arguments]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["balance", "--broker", "中泰XTP", "--account", "1"],
        ["serve", "--broker", "中泰XTP", "--account", "1"],
    ],
)
def test_other_commands_take_the_config_file_only(
    capsys: pytest.CaptureFixture[str], arguments: list[str]
) -> None:
    assert main(arguments) == 2
    assert "--account" in capsys.readouterr().err


def test_a_closed_counter_is_a_sentence_everywhere(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["balance", "--broker", "BitMEX", "--path", "connect_bitmex.json"]) == 1
    assert "2026-09-23" in capsys.readouterr().err
