"""完整版 QMT 的体检：看文件夹的样子、日志、中转的设置，和中转自己说的。"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader.bigqmt import agentfile
from easytrader.checkup import big
from easytrader.checkup.case import Case
from easytrader.checkup.run import BIG_CHECKS
from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose import big_client
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED

if TYPE_CHECKING:
    from pathlib import Path

HELLO: dict[str, Any] = {
    "agent": 1, "python": "3.6.8", "orders": True, "mode": "live", "cadence_ms": 101.0,
    "wires": {"tcp": "ok", "pipe": "", "spool": "PermissionError: Foribdden FileIO"},
    "missing": [],
}  # fmt: skip


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    root = tmp_path / "国金证券 QMT交易端"
    (root / "bin.x64").mkdir(parents=True)
    (root / "bin.x64" / big_client.EXE).touch()
    (root / "userdata" / "log").mkdir(parents=True)
    return root


def case_of(folder: Path, *lines: str) -> Case:
    if lines:
        log = folder / "userdata" / "log" / "XtClient_Formula_20261130.log"
        log.write_bytes("\n".join(lines).encode("gbk"))
    made = Case(given=str(folder))
    made.find_folder()
    return made


def test_the_looks_of_the_folder_decide_and_the_keys_stay(installed: Path) -> None:
    rows = easytrader.doctor(installed, network=False)
    assert [row["check"] for row in rows] == [each.name for each in BIG_CHECKS]
    found = {row["check"]: row for row in rows}
    assert "完整版 QMT" in found["path"]["detail"]
    assert "xtquant" in found["packages"]["detail"]
    assert found["permission"]["status"] == NOTE
    assert "实盘" in found["permission"]["fix"]
    assert found["session"]["status"] == SKIPPED  # 没有给资金账号


def test_both_clients_in_one_folder_can_be_asked_for(installed: Path) -> None:
    mini = installed / "userdata_mini"
    mini.mkdir()
    (mini / "up_queue_win_xtquant").touch()
    titles = {row["title"] for row in easytrader.doctor(mini, network=False)}
    assert "极简模式与权限" in titles
    titles = {row["title"] for row in easytrader.doctor(mini, network=False, broker="bigqmt")}
    assert "模型与日志" in titles
    with pytest.raises(UsageError, match="broker"):
        easytrader.doctor(mini, broker="sim")


def test_a_folder_of_minis_only_asked_as_big_names_miniqmt(tmp_path: Path) -> None:
    mini = tmp_path / "userdata_mini"
    mini.mkdir()
    rows = {r["check"]: r for r in easytrader.doctor(mini, network=False, broker="bigqmt")}
    assert rows["path"]["status"] == BAD
    assert 'use("miniqmt")' in rows["path"]["fix"]


def test_what_the_log_says_and_what_to_click(installed: Path) -> None:
    live = "[trade]start trading mode"
    assert big.look_mode(case_of(installed, live)).status == OK
    signal = big.look_mode(case_of(installed, "[trade]signal only mode"))
    assert signal.status == BAD
    assert "改成「实盘」" in signal.fix
    editor = big.look_mode(case_of(installed, "什么别的"))
    assert editor.status == NOTE
    assert "模型交易" in editor.fix
    refused = big.look_mode(case_of(installed, live, "PermissionError: Foribdden FileIO"))
    assert refused.status == NOTE
    assert "Foribdden FileIO" in refused.detail
    assert "券商" in refused.fix


def test_the_agents_settings_and_its_ports(installed: Path) -> None:
    case = case_of(installed)
    case.account_id = "1000000365"
    never = big.look_agent(case)
    assert never.status == BAD
    assert "easytrader bigqmt agent" in never.fix
    assert agentfile.known("1000000365") is None  # 看看而已，没有做一份
    settings = agentfile.settings_for("1000000365")
    deaf = big.look_agent(case)
    assert deaf.status == NOTE
    with socket.create_server(("127.0.0.1", settings.ports[1])):
        heard = big.look_agent(case)
    assert heard.status == OK
    assert str(settings.ports[1]) in heard.detail
    assert settings.token not in f"{never}{deaf}{heard}"
    assert "1000000365" not in f"{never}{deaf}{heard}"


@pytest.mark.parametrize(
    ("said", "status", "told"),
    [
        ({}, OK, "文件夹不通（PermissionError: Foribdden FileIO）"),
        ({"orders": False}, NOTE, "只读"),
        ({"mode": "editor"}, BAD, "编辑器"),
        ({"cadence_ms": 2000.0}, NOTE, "sleep"),
        ({"missing": ["get_ipo_data"]}, OK, "没有 get_ipo_data"),
        ({"wires": {"tcp": "非法IP:127.0.0.1", "spool": "ok"}}, OK, "本机端口不通（非法IP"),
    ],
)
def test_what_the_agent_says_of_itself(said: dict[str, Any], status: str, told: str) -> None:
    found = big.judge({**HELLO, **said}, 1e6, "账号 ****0365")
    assert found.status == status
    assert told in f"{found.detail}{found.fix}"
