"""只看的命令：表、JSON、CSV，与 SDK 返回的一样。"""

from __future__ import annotations

import json
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest
from shell_helpers import Screen
from support import ACCOUNT

import easytrader
from easytrader.cli import main
from easytrader.cli.output import say_json
from easytrader.profiles import folder as profile_folder
from easytrader.rows.titles import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from remote_brokers import RemoteMemory
    from shell_helpers import Shell

QUERIES = {
    "balance": "balance",
    "position": "position",
    "entrusts": "today_entrusts",
    "trades": "today_trades",
}


@pytest.fixture
def traded(shell: Shell, sim_folder: Path) -> dict[str, Any]:
    """买过、挂着，每一样都有行；返回 SDK 看到的。"""
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        user.wait(user.market_buy("600036", 200)["entrust_no"])
        user.wait(user.market_buy("000001", 100)["entrust_no"])
        low = user.quote("600036")["600036"]["limit_down"]
        user.buy("600036", low, 100, remark="挂着")
        return {name: getattr(user, verb) for name, verb in QUERIES.items()}


def test_json_is_exactly_what_the_sdk_returns(shell: Shell, traded: dict[str, Any]) -> None:
    for name in ("entrusts", "trades"):
        assert shell(name, "--json").json == json.loads(json.dumps(traded[name]))
    [row] = shell("balance", "--json").json
    assert list(row) == list(traded["balance"][0])
    rows = shell("position", "--json").json
    assert [row["stock_code"] for row in rows] == [row["stock_code"] for row in traded["position"]]


def test_table_has_chinese_titles_and_filters(shell: Shell, traded: dict[str, Any]) -> None:
    done = shell("entrusts")
    head, _, *lines = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert head.split()[:3] == ["委托时间", "委托编号", "证券代码"]
    assert "策略名" not in head
    assert len(lines) == 3
    assert all(line == line.rstrip() for line in lines)
    wide = shell("entrusts", "--wide").out.splitlines()[0].split()
    assert wide == [column.title for column in KINDS["entrusts"].columns]
    [waiting] = shell("entrusts", "--open", "--json").json
    assert waiting["order_remark"] == "挂着"
    codes = [row["stock_code"] for row in shell("trades", "--code", "sz000001", "--json").json]
    assert codes == ["000001.SZ"]
    [found] = shell("entrusts", "--find", str(waiting["order_id"]), "--json").json
    assert found == waiting
    missing = shell("entrusts", "--find", "77", "--json")
    assert (missing.code, missing.json) == (1, [])


@pytest.mark.parametrize("colour", [True, False])
def test_profits_are_red_on_a_terminal_with_colours(
    colour: bool, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Screen(tty=True)
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    assert main(["position", *shell.account]) == 0
    assert bool(re.search(r"\x1b\[3[12]m", screen.getvalue())) is colour
    assert "平安银行" in screen.getvalue()


def test_csv_and_sort(shell: Shell, traded: dict[str, Any]) -> None:
    rows = shell("position", "--csv", "--sort=-volume").csv
    assert [row["volume"] for row in rows] == ["1000", "600", "200"]
    assert list(rows[0]) == list(KINDS["position"].keys)
    rows = shell("position", "--csv", "--names", "zh", "--sort", "持有数量").csv
    assert [row["持有数量"] for row in rows] == ["200", "600", "1000"]
    assert list(rows[0]) == [column.title for column in KINDS["position"].columns]
    wrong = shell("position", "--sort", "价钱")
    assert (wrong.code, wrong.out) == (2, "")
    assert "参数 --sort 不对：'价钱'。没有这一列。有的是：" in wrong.err


def test_nothing_yet(shell: Shell) -> None:
    assert shell("entrusts").out == "没有委托\n"
    assert shell("entrusts", "--json").out == "[]\n"
    assert shell("entrusts", "--csv").out == ",".join(KINDS["entrusts"].keys) + "\n"


def test_quote_of_one_draws_five_levels(shell: Shell) -> None:
    lines = [line.split() for line in shell("quote", "600036").out.splitlines()]
    assert lines[0][0] == "600036.SH"
    levels = [line[0] for line in lines if line and line[0][:1] in "买卖"]
    assert levels == [f"{side}{n}" for side, order in (("卖", "五四三二一"), ("买", "一二三四五"))
                      for n in order]  # fmt: skip
    prices = [float(line[1]) for line in lines if line and line[0][:1] in "买卖"]
    assert prices == sorted(prices, reverse=True)
    found = shell("quote", "sh600036", "510300", "--json").json
    assert [row["stock_code"] for row in found.values()] == ["600036.SH", "510300.SH"]
    assert list(found) == ["sh600036", "510300"]
    assert "\n600036.SH" in shell("quote", "600036", "510300").out
    wrong = shell("quote", "12345")
    assert (wrong.code, wrong.out) == (2, "")
    assert "参数 CODE 不对：'12345'" in wrong.err


def test_status(shell: Shell) -> None:
    done = shell("status", "--json")
    assert (done.code, done.json["state"]) == (0, "已连接")
    assert "状态：已连接\n" in shell("status").out


def test_status_of_a_dead_server(live: tuple[Shell, RemoteMemory]) -> None:
    shell, broker = live
    broker.world.close()
    done = shell("status", "--json")
    assert (done.code, done.json["state"]) == (1, "未连接")
    assert done.err.startswith("错误：")


# ---- 用哪个账号


def test_no_account_given_looks_at_the_simulator_and_says_so(shell: Shell) -> None:
    done = shell.bare("balance", "--json")
    assert (done.code, done.json[0]["total_asset"]) == (0, 1_000_000)
    assert done.err == "没有说是哪个账号，用的是自带的模拟账户（自己的：--profile NAME）\n"


@pytest.mark.parametrize(
    "words",
    [("buy", "600036", "35", "100"), ("sell", "600036", "35", "100"), ("cancel", "1"),
     ("cancel", "--all")],
)  # fmt: skip
def test_orders_never_guess_the_account(shell: Shell, words: tuple[str, ...]) -> None:
    done = shell.bare(*words)
    assert (done.code, done.out) == (2, "")
    assert "参数 --broker 没有写。要说是哪个账号：--profile NAME" in done.err


@pytest.mark.parametrize("way", ["profile", "account", "variable", "default"])
def test_a_profile(
    way: str, shell: Shell, sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "default" if way == "default" else "main"
    file = profile_folder() / f"{name}.toml"
    file.parent.mkdir(parents=True)
    told = f"[connect]\nminiqmt_path = '{sim_folder}'\nstock_account = '{ACCOUNT}'\n"
    file.write_text(f"broker = 'sim'\n{told}", encoding="utf-8")
    if way == "variable":
        monkeypatch.setenv("EASYTRADER_PROFILE", "main")
    words = [f"--{way}", "main"] if way in ("profile", "account") else []
    done = shell.bare("balance", "--json", *words)
    assert (done.code, done.err) == (0, "")
    assert done.json[0]["account_id"] == ACCOUNT


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--profile", "no"], "'no'。没有这个设置"),
        (["--account", "no"], "参数 --account 不对：'no'。只给 --account 是账号设置的名字"),
        (["--profile", "a", "--broker", "sim"], "参数 --profile 不对：'a'。与 --broker 只能写一样"),
        (
            ["--broker", "miniqmt", "--account", "1"],
            "参数 --path 没有写。--broker miniqmt 还要",
        ),
        (["--broker", "remote", "--path", "http://x", "--type", "STOCK"], "参数 --type 不对"),
        (["--broker", "nobody"], "参数 --broker 不对：'nobody'。可用的后端"),
        (["--broker", "sim", "--path", "/没有"], "参数 --path 不对：'/没有'"),
        (["--broker", "sim", "--type", "月亮"], "参数 --type 不对：'月亮'"),
        (["--path", "x"], "参数 --broker 没有写。要说是哪个账号"),
        (["--timeout", "nan"], "参数 --timeout 不对：'nan'，应为大于 0 的秒数"),
        (["--json", "--csv"], "参数 --csv 不能与 --json 同用"),
    ],
)
def test_wrong_account_options(words: list[str], told: str, shell: Shell) -> None:
    done = shell.bare("balance", *words)
    assert done.code == 2
    assert told in done.err
    assert told in done.json["reason"] if "--json" in words else not done.out


def test_json_has_no_nan(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"a": [float("nan"), float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"a": [None, None, 1.5]}
