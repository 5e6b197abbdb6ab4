"""``easytrader rebalance``：从目标文件到柜台；写错的一笔都不发，被杀了接着做。"""

from __future__ import annotations

import dataclasses
import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cli_helpers import command, environment
from shell_helpers import Shell
from sim.replay_script.replay_desk import BANK, dailies, trading_days
from support import ACCOUNT, eventually, make_folder, sigint_restored

import easytrader
from easytrader.basics.beijing import beijing_now
from easytrader.cli import build_parser, main
from easytrader.cli.account_options import chosen
from easytrader.cli.job_frame import gate_of
from easytrader.jobs import unfinished
from easytrader.jobs.lock import key_of, only_one
from easytrader.market import calendar
from easytrader.profiles import AccountSpec
from easytrader.profiles import folder as profile_folder
from easytrader.rebalance.planfile import Plan
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from remote_brokers import RemoteMemory
    from shell_helpers import Done

SMALL = "code,shares\n600036,300\n600000,1000\n000001,200\n"
"""很小的目标：买 300 股 600036，卖 300 股 000001（原有 500），600000 不动。"""


@pytest.fixture(autouse=True)
def _fresh_calendar() -> Iterator[None]:
    calendar.reload()
    yield
    calendar.reload()


@pytest.fixture
def targets(tmp_path: Path) -> Path:
    file = tmp_path / "我的 目标.csv"
    file.write_text(SMALL, encoding="utf-8")
    return file


def held(folder: Path, account: str = ACCOUNT) -> dict[str, int]:
    with easytrader.use("sim") as user:
        user.connect(str(folder), account, timeout=5)
        return {row["security"]: row["volume"] for row in user.position if row["volume"]}


def sent(shell: Shell) -> list[tuple[str, int, int]]:
    """柜台上的每一笔：代码、数量、成交。"""
    rows = shell("entrusts", "--json").json
    return sorted((row["security"], row["order_volume"], row["traded_volume"]) for row in rows)


def closed_today(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "交易日.json"
    today = str(beijing_now().date())
    told = {"source": "测试", "as_of": "2026-01-01", "closed": [today]}
    file.write_text(json.dumps(told), encoding="utf-8")
    monkeypatch.setenv("EASYTRADER_TRADING_DAYS", str(file))


def test_dry_run_then_the_same_for_real_then_nothing_left(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    page = tmp_path / "报告.md"
    dry = shell("rebalance", str(targets), "--dry-run", "--json")
    assert dry.code == 0, dry.err
    assert dry.json["dry_run"] is True
    assert sent(shell) == []

    shown = shell("rebalance", str(targets), "--dry-run").out
    assert "调仓计划" in shown
    assert "试算，什么都没有发出" in shown

    done = shell("rebalance", str(targets), "--json", "--report", str(page))
    assert done.code == 0, done.err
    document = done.json
    assert document["report"]["result"] == "done"
    first = [
        (each["stock_code"], each["side"], each["volume"]) for each in dry.json["report"]["orders"]
    ]
    planned = [
        (row["stock_code"], row["side"], row["planned"]) for row in document["report"]["rows"]
    ]
    assert first == planned == [("000001.SZ", "sell", 300), ("600036.SH", "buy", 300)]
    assert held(sim_folder) == {"600036": 300, "600000": 1000, "000001": 200}
    assert "| 600036.SH | 买入 | 300 | 300 |" in page.read_text(encoding="utf-8")

    again = shell("rebalance", str(targets), "--json")
    assert (again.code, again.json["reason"]) == (0, "已经合乎目标，没有要下的单")
    assert sent(shell) == [("000001", 300, 300), ("600036", 300, 300)]


def test_a_plan_is_made_approved_and_executed_once(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "计划.json"
    made = shell("rebalance", str(targets), "--plan", str(file))
    assert made.code == 0, made.err
    assert sent(shell) == []
    assert Plan.load(file).orders

    done = shell("rebalance", "--execute", str(file))
    assert done.code == 0, done.err
    assert held(sim_folder) == {"600036": 300, "600000": 1000, "000001": 200}
    again = shell("rebalance", "--execute", str(file), "--json")
    assert again.code == 0, again.err
    assert "以前已经做完了" in again.json["reason"]
    assert len(sent(shell)) == 2


@pytest.fixture
def plan_file(shell: Shell, targets: Path, tmp_path: Path) -> Path:
    file = tmp_path / "计划.json"
    assert shell("rebalance", str(targets), "--plan", str(file)).code == 0
    return file


def test_an_edited_plan_is_refused(shell: Shell, plan_file: Path) -> None:
    text = plan_file.read_text(encoding="utf-8")
    plan_file.write_text(text.replace('"volume": 300', '"volume": 3000'), encoding="utf-8")
    refused(shell, shell("rebalance", "--execute", str(plan_file)), 2, "被改过")


def test_a_plan_of_another_account_is_refused(
    shell: Shell, plan_file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = create(tmp_path / "另一个", [AccountConfig("10002")]).path
    stranger = Shell(capsys, "--broker", "sim", "--path", str(other), "--account", "10002")
    refused(stranger, stranger("rebalance", "--execute", str(plan_file)), 1, "计划是账号")


def test_a_plan_of_yesterday_is_refused(shell: Shell, plan_file: Path) -> None:
    dataclasses.replace(Plan.load(plan_file), day="2026-01-05").save(plan_file)
    refused(shell, shell("rebalance", "--execute", str(plan_file)), 1, "2026-01-05")


def test_even_an_empty_plan_is_checked(shell: Shell, targets: Path, tmp_path: Path) -> None:
    targets.write_text("code,shares\n600000,1000\n000001,500\n", encoding="utf-8")
    file = tmp_path / "空的.json"
    assert shell("rebalance", str(targets), "--plan", str(file)).code == 0
    plan = Plan.load(file)
    assert plan.orders == []
    dataclasses.replace(plan, day="2026-01-05").save(file)
    assert shell("rebalance", "--execute", str(file)).code == 1


def test_a_plan_is_refused_when_holdings_drifted(
    shell: Shell, plan_file: Path, sim_folder: Path
) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        user.wait(user.market_sell("600000", 100)["entrust_no"])
    done = shell("rebalance", "--execute", str(plan_file), "--json")
    assert (done.code, done.json["result"]) == (1, "failed")
    assert "600000.SH 应为 1000 现在 900" in done.json["reason"]
    assert len(sent(shell)) == 1


def refused(shell: Shell, done: Done, code: int, *says: str) -> None:
    """以 ``code`` 退出，说了这些，柜台上一笔也没有。"""
    assert done.code == code, done.err
    for each in says:
        assert each in done.err
    assert "Traceback" not in done.err
    assert sent(shell) == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("code,weight\n600036,0.5\n600000,abc\n", ["第 3 行第 2 列（weight）", "'abc'"]),
        ("code,weight\n600036,0.5\n600000\n", ["第 3 行第 2 列（weight）", "没有写权重"]),
        ("code;weight\n600036;0.5\n", ["用半角的逗号"]),
        ("code,weight,weight\n600036,1,1\n", ["应有一列 code"]),
        ('code,weight\n600036,"0.5\n', ["读不懂"]),
        ("code,weight\n600036,0.7\n600000,0.7\n", ["合计 1.4", "不能超过 1"]),
        ("code,weight\n600036,30\n", ["第 2 行第 2 列", "30% 写 0.3"]),
        ("code,weight\n600036,-0.1\n", ["不能小于 0"]),
        ("code,weight\n999999,0.5\n", ["第 2 行第 1 列（code）", "'999999'"]),
        ("code,weight\n1,0.5\n", ["丢了开头的 0"]),
        ("code,weight\n600036,0.1\n600036.SH,0.2\n", ["第 3 行", "第 2 行已经写过"]),
        ("code,shares\n600036,1.5\n", ["股数应为整数"]),
        ("code,weight\n", ["一只也没有"]),
        ("", ["文件是空的"]),
    ],
)
def test_a_bad_file_names_line_and_column(
    shell: Shell, targets: Path, text: str, says: Sequence[str]
) -> None:
    targets.write_text(text, encoding="utf-8")
    refused(shell, shell("rebalance", str(targets)), 2, *says)


def test_a_bad_file_is_one_json_document_too(shell: Shell, targets: Path) -> None:
    targets.write_text("code,weight\n600036,x\n", encoding="utf-8")
    done = shell("rebalance", str(targets), "--json")
    assert (done.code, done.json["exit_code"], done.json["result"]) == (2, 2, "usage")
    assert "第 2 行第 2 列" in done.json["reason"]
    assert done.json["plan"] is done.json["report"] is done.json["gate"] is None


def test_no_file_a_folder_and_other_encodings(shell: Shell, targets: Path, tmp_path: Path) -> None:
    refused(shell, shell("rebalance", str(tmp_path / "没有.csv")), 2, "读不到")
    refused(shell, shell("rebalance", str(tmp_path)), 2, "读不到")
    for encoding in ("gbk", "utf-8-sig", "utf-16"):
        targets.write_bytes("代码,股数,名称\n600036,300,招商银行\n".encode(encoding))
        done = shell("rebalance", str(targets), "--keep", "--dry-run", "--json")
        assert done.code == 0, done.err
        assert [each["volume"] for each in done.json["plan"]["orders"]] == [300]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "写目标文件"),
        (["T", "--execute", "x.json"], "只能写一样"),
        ([], "参数 TARGETS 没有写"),
        (["--execute", "x.json", "--keep"], "--others"),
        (["T", "--price", "随便"], "--price"),
        (["T", "--deadline", "25:00"], "--deadline"),
        (["T", "--deadline", "早点"], "--deadline"),
        (["T", "--slices", "很多"], "--slices"),
        (["T", "--twap", "30"], "--slices"),
        (["T", "--cash-buffer", "-1"], "--cash-buffer"),
        (["T", "--keep", "--close"], "--close"),
        (["T", "--cash-buffer", "1.5x"], "--cash-buffer"),
        (["--execute", "没有.json"], "读不到"),
        (["T", "--log-file", "没有这个/a.log"], "--log-file"),
        (["T", "--report", "没有这个/a.md"], "--report"),
        (["T", "--plan", "没有这个/a.json"], "--plan"),
        (["T", "--report", "."], "--report"),
    ],
)
def test_usage_errors(shell: Shell, targets: Path, words: list[str], says: str) -> None:
    given = [str(targets) if each == "T" else each for each in words]
    refused(shell, shell("rebalance", *given), 2, says)
    assert not Path("没有这个").exists()
    told = shell("rebalance", *given, "--json").json
    assert told.keys() >= {"job", "result_name", "gate", "plan", "report", "resumed", "dry_run"}
    assert (told["result"], told["exit_code"]) == ("usage", 2)


def test_options_change_the_plan(shell: Shell, targets: Path) -> None:
    targets.write_text("code,weight\n600036,20%\n", encoding="utf-8")
    kept = shell("rebalance", str(targets), "--keep", "--dry-run", "--json").json
    closed = shell("rebalance", str(targets), "--dry-run", "--json").json
    assert {each["side"] for each in kept["plan"]["orders"]} == {"buy"}
    assert {each["side"] for each in closed["plan"]["orders"]} == {"buy", "sell"}
    poor = shell("rebalance", str(targets), "--cash-buffer", "95%", "--dry-run", "--json").json
    assert poor["plan"]["scale"] < 1


def test_suspended_targets_are_skipped_and_told(
    shell: Shell, targets: Path, sim_folder: Path
) -> None:
    told = {"600036": {"suspended": [["2020-01-01", "2099-12-31"]]}}
    (sim_folder / "instruments.json").write_text(json.dumps(told), encoding="utf-8")
    targets.write_text("code,shares\n600036,300\n", encoding="utf-8")
    alone = shell("rebalance", str(targets), "--keep")
    refused(shell, alone, 1, "600036.SH 停牌")
    targets.write_text(SMALL, encoding="utf-8")
    rest = shell("rebalance", str(targets), "--json")
    assert (rest.code, rest.json["result"]) == (4, "partly")
    assert "600036.SH 停牌" in rest.json["reason"]
    assert sent(shell) == [("000001", 300, 300)]


def test_an_empty_account(
    targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = create(tmp_path / "空的", [AccountConfig("10002", cash=Decimal("0.01"))]).path
    empty = Shell(capsys, "--broker", "sim", "--path", str(path), "--account", "10002")
    targets.write_text("code,weight\n600036,0.5\n", encoding="utf-8")
    done = empty("rebalance", str(targets), "--json")
    assert done.code in (0, 1, 2)
    assert done.json["reason"]
    assert sent(empty) == []


@pytest.fixture
def by_calendar(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """按交易所日历走的模拟账户。"""
    folder = make_folder(tmp_path / "按日历", clock="exchange")
    return Shell(capsys, "--broker", "sim", "--path", str(folder), "--account", ACCOUNT)


def test_closed_days_send_nothing(
    by_calendar: Shell, targets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed_today(monkeypatch, tmp_path)
    done = by_calendar("rebalance", str(targets), "--json")
    assert (done.code, done.json["result"]) == (3, "closed")
    assert "不是交易日" in done.json["reason"]
    assert done.json["gate"]["open"] is False
    dry = by_calendar("rebalance", str(targets), "--dry-run")
    assert dry.code == 0
    assert "调仓计划" in dry.out
    assert "不是交易日" in dry.err
    assert sent(by_calendar) == []


def test_an_unknown_day_is_not_a_closed_day(
    live: tuple[Shell, RemoteMemory],
    targets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """日历不知道的一天：1，不是 3，说出怎么办；--assume-open 才当作开市。"""
    monkeypatch.setenv("EASYTRADER_TRADING_DAYS", str(tmp_path / "没有.json"))
    shell, _ = live
    done = shell("rebalance", str(targets), "--yes", "--json")
    assert (done.code, done.json["result"]) == (1, "failed")
    assert done.json["gate"]["known"] is False
    for each in ("没有.json", "--assume-open", "什么都没有发出"):
        assert each in done.json["reason"]
    words = ("rebalance", str(targets), *shell.account, "--assume-open", "--ignore-hours")
    arguments = build_parser("rebalance").parse_args(words)
    gate = gate_of(chosen(arguments, ordering=True), arguments)
    assert (gate.open, gate.known) == (True, False)


def test_two_at_once(shell: Shell, targets: Path, sim_folder: Path) -> None:
    spec = AccountSpec("sim", connect={"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT})
    with only_one("rebalance", key_of(spec)):
        done = shell("rebalance", str(targets), "--json")
        assert (done.code, done.json["result"]) == (1, "busy")
        assert "正在跑" in done.json["reason"]
        assert shell("rebalance", str(targets), "--dry-run").code == 0  # 看看不用等
    assert sent(shell) == []


def test_a_live_account_asks_first(
    live: tuple[Shell, RemoteMemory],
    targets: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """没有终端、没有 --yes：连接之前就说，退出码 2。"""
    closed_today(monkeypatch, tmp_path)
    shell, _ = live
    monkeypatch.setattr(sys, "stdin", None)
    done = shell("rebalance", str(targets))
    assert done.code == 2
    assert "加上 --yes" in done.err
    assert shell("rebalance", str(targets), "--yes").code == 3
    nowhere = ("--path", str(tmp_path / "没有"), "--account", "1")
    for broker, says in (("sim", "不存在"), ("foo", "foo")):  # 写错了的先说，不劝人加 --yes
        wrong = shell.bare("rebalance", str(targets), "--broker", broker, *nowhere)
        assert wrong.code == 2
        assert says in wrong.err
        assert "--yes" not in wrong.err


def test_a_code_without_any_quote_stops_everything(
    targets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """代码多半写错了：其余的也不做。"""
    bars = dailies(tmp_path / "bars.csv", (BANK,), trading_days("2025-03-03", "2025-03-07"))
    told = {"clock": "step", "start": "2025-03-04 10:00", "replay_period": "1d"}
    folder = create(tmp_path / "回放", [AccountConfig("10002")], replay=str(bars), **told).path
    shell = Shell(capsys, "--broker", "sim", "--path", str(folder), "--account", "10002")
    targets.write_text("code,shares\n600036,100\n601318,100\n", encoding="utf-8")
    done = shell("rebalance", str(targets), "--json")
    assert (done.code, done.json["result"]) == (2, "usage"), done.err
    assert "601318" in done.json["reason"]
    assert "没有行情" in done.json["reason"]
    assert sent(shell) == []


def test_a_profile_brings_account_defaults_log_and_report(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    folder = profile_folder()
    folder.mkdir(parents=True)
    hook, told = tmp_path / "hook.py", tmp_path / "通知.txt"
    text = "import sys; open(sys.argv[1], 'ab').write(sys.stdin.buffer.read())"
    hook.write_text(text, encoding="utf-8")
    rows = [
        'broker = "sim"',
        f"log_file = '{tmp_path / '调仓.log'}'",
        "[connect]",
        f"miniqmt_path = '{sim_folder}'",
        f'stock_account = "{ACCOUNT}"',
        "[job]",
        'others = "keep"',
        f"report = '{tmp_path / '报告.md'}'",
        "[[notify]]",
        'kind = "命令"',
        f"command = ['{sys.executable}', '{hook}', '{told}']",
        'on = ["finish", "failure", "fill"]',
    ]
    (folder / "main.toml").write_text("\n".join(rows), encoding="utf-8")
    targets.write_text("code,shares\n600036,300\n", encoding="utf-8")
    for words in (("--profile", "main", "--dry-run"), ("--account", "main")):
        done = shell.bare("rebalance", str(targets), *words, "--json")
        assert done.code == 0, done.err
        assert done.json["profile"] == "main"
        assert [each["stock_code"] for each in done.json["plan"]["orders"]] == ["600036.SH"]
        if "--dry-run" in words:
            assert not told.exists()  # 试一下，不惊动别人
    log = (tmp_path / "调仓.log").read_text(encoding="utf-8")
    assert "发出 买入 600036.SH 300" in log
    assert "rebalance 办成了" in log
    assert ACCOUNT not in log
    assert "600036.SH" in (tmp_path / "报告.md").read_text(encoding="utf-8")
    targets.write_text("code,shares\n600036,x\n", encoding="utf-8")
    assert shell.bare("rebalance", str(targets), "--profile", "main").code == 2
    news = told.read_text(encoding="utf-8")
    for each in ("rebalance 办成了（main）", "买入 600036.SH 300 @", "用法不对", "第 2 行第 2 列"):
        assert each in news
    assert ACCOUNT not in news
    unknown = shell.bare("rebalance", str(targets), "--account", "nobody")
    assert unknown.code == 2
    assert "main" in unknown.err
    document = shell.bare("rebalance", str(targets), "--profile", "nobody", "--json")
    assert (document.code, document.json["result"], document.json["plan"]) == (2, "usage", None)
    silent = shell.bare("rebalance", str(targets))
    assert silent.code == 2  # 没有说是哪个账号：不许落到自带的模拟账户上


def test_without_any_stream(
    sim_folder: Path, targets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pythonw：没有标准输出，没有标准错误。"""
    for name in ("stdin", "stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    account = ("--broker", "sim", "--path", str(sim_folder), "--account", ACCOUNT)
    assert main(["rebalance", str(targets), *account]) == 0
    assert main(["rebalance", str(targets), *account, "--json"]) == 0
    targets.write_text("x", encoding="utf-8")
    assert main(["rebalance", str(targets), *account]) == 2
    monkeypatch.undo()
    assert held(sim_folder)["600036"] == 300


def test_killed_in_the_middle_and_started_again(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    """挂着不会成交的一笔时被硬杀：别的目标不接，--new 也不许；再跑一次做完同一个计划。"""
    targets.write_text("code,shares\n600036,300\n600000,1000\n000001,500\n", encoding="utf-8")
    words = ("rebalance", targets, *shell.account)
    process = subprocess.Popen(
        command(*words, "--price", "本方价-20", "--patience", 600),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=tmp_path,
    )
    mark = sim_folder / "easytrader_records"
    try:
        eventually(lambda: any('"placed"' in text for text in logs(mark)), 60)
    finally:
        process.kill()
        process.wait(30)
    other = tmp_path / "别的.csv"
    other.write_text("code,shares\n600036,100\n", encoding="utf-8")
    refusal = shell("rebalance", str(other), "--json")
    assert (refusal.code, refusal.json["result"]) == (1, "failed")
    assert "没有做完" in refusal.json["reason"]
    new = shell("rebalance", str(other), "--new", "--json")
    assert new.code == 1
    assert "委托没有完" in new.json["reason"]
    assert "easytrader cancel --all" in new.json["reason"]

    looked = shell("rebalance", str(targets), "--dry-run", "--json").json
    done = shell("rebalance", str(targets), "--json", "--patience", "0.5")
    assert done.code == 0, done.err
    assert done.json["resumed"] is looked["resumed"] is True
    assert done.json["plan"]["plan_id"] == looked["plan"]["plan_id"]
    assert held(sim_folder) == {"600036": 300, "600000": 1000, "000001": 500}
    assert sum(filled for code, _, filled in sent(shell) if code == "600036") == 300
    assert shell("rebalance", str(other), "--keep", "--json").code == 0  # 做完了：别的目标可以了


def test_while_another_is_running_and_stopped_in_the_middle(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    """正在跑的时候看别的目标：说另一份正在跑，不劝人放弃它；叫停了的，JSON 里有计划与做到哪里。"""
    group = subprocess.CREATE_NEW_PROCESS_GROUP if os.name == "nt" else 0
    targets.write_text("code,shares\n600036,300\n600000,1000\n000001,300\n", encoding="utf-8")
    with sigint_restored():
        process = subprocess.Popen(
            command("rebalance", targets, *shell.account, "--json", "--price", "本方价-20"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
            cwd=tmp_path,
            creationflags=group,
        )
    try:
        mark = sim_folder / "easytrader_records"
        eventually(lambda: sum(text.count('"placed"') for text in logs(mark)) >= 2, 60)
        other = tmp_path / "别的.csv"
        other.write_text("code,shares\n600036,100\n", encoding="utf-8")
        for words in (["--dry-run"], ["--dry-run", "--new"], ["--plan", str(tmp_path / "p.json")]):
            looked = shell("rebalance", str(other), *words, "--json")
            assert (looked.code, looked.json["result"]) == (1, "busy")
            assert str(process.pid) in looked.json["reason"]
            assert "--new" not in looked.json["reason"]
        process.send_signal(signal.CTRL_BREAK_EVENT if os.name == "nt" else signal.SIGTERM)
        out, _ = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait(30)
    assert process.returncode == 130
    document = json.loads(out)
    assert document["result"] == "interrupted"
    assert document["reason"].startswith("收到 SIG")
    assert len(document["plan"]["orders"]) == 2
    report = document["report"]
    assert report["plan_id"] == document["plan"]["plan_id"]
    assert [(row["filled"], row["why"]) for row in report["rows"]] == [(0, "被打断")] * 2
    assert document["gate"]["open"] is True


def test_a_killed_one_that_cannot_go_on_tells_the_way_out(
    shell: Shell, targets: Path, sim_folder: Path, tmp_path: Path
) -> None:
    """被杀了又自己买了：说清挂着的还会成交、怎样撤；照着做就走得通，不绕圈子。"""
    words = ("rebalance", targets, *shell.account)
    process = subprocess.Popen(
        command(*words, "--price", "本方价-20", "--patience", 600),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment(),
        cwd=tmp_path,
    )
    mark = sim_folder / "easytrader_records"
    try:
        eventually(lambda: any('"placed"' in text for text in logs(mark)), 60)
    finally:
        process.kill()
        process.wait(30)
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        user.wait(user.market_buy("601318", 100)["entrust_no"])
    stale = shell("rebalance", str(targets), "--json")
    assert stale.code == 1
    for each in ("持仓变了", "照样会成交", "easytrader cancel --all", "--new"):
        assert each in stale.json["reason"]
    new = shell("rebalance", str(targets), "--new", "--json")
    assert (new.code, "不加 --new" in new.json["reason"]) == (1, False)
    assert shell("cancel", "--all", "--yes").code == 0
    again = shell("rebalance", str(targets), "--json").json
    assert "它的委托都完了" in again["reason"]
    assert shell("rebalance", str(targets), "--new").code == 0


def logs(folder: Path) -> list[str]:
    return [each.read_text(encoding="utf-8") for each in folder.glob("*/rebalance/*.jsonl")]


def test_an_old_or_unreadable_mark(shell: Shell, targets: Path, sim_folder: Path) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        folder = Path(user._folder) / "rebalance"
    folder.mkdir(parents=True)
    old = unfinished.Unfinished("0123456789", "x", "2026-01-05", "旧的.csv", 0.0)
    (folder / "unfinished.json").write_text(json.dumps(dataclasses.asdict(old)), encoding="utf-8")
    assert shell("rebalance", str(targets), "--dry-run").code == 0
    (folder / "unfinished.json").write_text("{", encoding="utf-8")
    refused(shell, shell("rebalance", str(targets)), 1, "读不懂", "--new")
    assert shell("rebalance", str(targets), "--new").code == 0
    assert unfinished.find(folder) is None


def test_the_same_purpose_whatever_the_order_or_the_file() -> None:
    first: dict[str, Any] = {"600036.SH": "weight 0.5", "600000.SH": "weight 0.2"}
    second = dict(reversed(first.items()))
    purpose = unfinished.purpose_of
    assert purpose(first, {"others": "keep"}) == purpose(second, {"others": "keep"})
    assert purpose(first, {}) != purpose(first, {"others": "keep"})
    assert purpose(first, {}) != purpose({**first, "600000.SH": "weight 0.3"}, {})
