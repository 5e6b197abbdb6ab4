"""完整版 QMT 的文件夹：认得出，日志读得出；`use('miniqmt')` 指着它时说该用 bigqmt。"""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pytest

import easytrader
from easytrader.bigqmt import place
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.miniqmt.diagnose import big_client, file_checks, preflight
from easytrader.miniqmt.session_ids import SessionIds

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """完整版的安装目录：路径带空格和汉字。"""
    root = tmp_path / "国金证券 QMT交易端"
    (root / "bin.x64").mkdir(parents=True)
    (root / "bin.x64" / big_client.EXE).touch()
    (root / "userdata" / "log").mkdir(parents=True)
    return root


def write(root: Path, name: str, *lines: str) -> None:
    (root / "userdata" / "log" / name).write_bytes("\n".join(lines).encode("gbk"))


def test_the_install_folder_is_refused_before_anything_is_made(installed: Path) -> None:
    before = sorted(installed.rglob("*"))
    with pytest.raises(UsageError, match=r'use\("bigqmt"\)') as caught:
        easytrader.use("miniqmt").connect(str(installed), "10001")
    assert caught.value.argument == "miniqmt_path"
    assert sorted(installed.rglob("*")) == before


def test_a_failed_connection_to_its_userdata_names_bigqmt(installed: Path) -> None:
    with pytest.raises(ConnectFailedError, match=r'这里装着完整版 QMT.+use\("bigqmt"\)'):
        easytrader.use("miniqmt").connect(str(installed / "userdata"), "10001", timeout=5)


@pytest.mark.parametrize("windows", [True, False])
def test_minus_one_without_the_permission_names_bigqmt(installed: Path, windows: bool) -> None:
    mini = installed / "userdata_mini"
    mini.mkdir()
    (mini / "down_queue_win_1").touch()
    lease = SessionIds(str(mini), "10001").take(None, float("inf"))  # type: ignore[arg-type]
    try:
        text = preflight.failure_text(str(mini), lease, -1, "不是模拟的", windows=windows)
        assert 'use("bigqmt")' in text
        (mini / "up_queue_win_xtquant").touch()  # 极简模式开着：不再提
        assert "bigqmt" not in preflight.failure_text(str(mini), lease, -1, windows=windows)
    finally:
        lease.release()


def test_no_permission_file_alone_is_enough_to_name_bigqmt(tmp_path: Path) -> None:
    assert 'use("bigqmt")' in file_checks.look_permission(tmp_path).fix


def test_the_folder_with_both_clients_is_sent_one_level_in(installed: Path) -> None:
    (installed / "userdata_mini").mkdir()
    with pytest.raises(UsageError, match="再往里一层"):
        preflight.check_path(installed)


def test_every_spelling_of_the_folder_leads_to_the_same_userdata(installed: Path) -> None:
    (installed / "userdata_mini").mkdir()
    home = installed / "userdata"
    for given in (installed, home, installed / "userdata_mini"):
        assert big_client.userdata_of(given) == home
        assert big_client.looks_big(given)
    assert big_client.looks_mini(installed / "userdata_mini")
    assert not big_client.looks_mini(home)


def test_a_folder_of_nothing_is_neither(tmp_path: Path) -> None:
    assert not big_client.looks_big(tmp_path)
    assert not big_client.looks_mini(tmp_path)
    assert big_client.userdata_of(tmp_path) is None
    assert big_client.read_log(tmp_path) == big_client.Seen()


def test_a_log_alone_shows_a_big_client(tmp_path: Path) -> None:
    (tmp_path / "userdata" / "log").mkdir(parents=True)
    assert not big_client.looks_big(tmp_path)
    write(tmp_path, "XtClient_Formula_20261130.log", "x")
    assert big_client.looks_big(tmp_path)


def test_the_log_tells_mode_orders_and_refusals(installed: Path) -> None:
    assert big_client.read_log(installed) == big_client.Seen()
    write(installed, "XtClient_Formula_20261127.log", "[trade]signal only mode")
    write(
        installed, "XtClient_Formula_20261130.log",
        "[trade]signal only mode", "[trade]start trading mode",
        "[trade]send order to tradeModule account=**1 remark=~a~",
        "错误：ImportError: Forbidden: Module<redis> not in whitelist!",
    )  # fmt: skip
    write(
        installed, "XtClient_FormulaOutput_20261130.log",
        "PermissionError: Foribdden FileIO", "非法IP:127.0.0.1", "非法IP:127.0.0.1",
    )  # fmt: skip
    seen = big_client.read_log(installed)
    assert (seen.name, seen.mode, seen.orders) == ("XtClient_Formula_20261130.log", "live", 1)
    assert [("whitelist" in line, "FileIO" in line) for line in seen.refusals] == [
        (True, False), (False, True), (False, False),
    ]  # fmt: skip
    assert big_client.read_log(installed, date(2026, 11, 27)).mode == "sim"
    assert big_client.read_log(installed, date(2026, 11, 26)) == big_client.Seen()


def test_only_the_end_of_a_huge_log_is_read(installed: Path) -> None:
    path = installed / "userdata" / "log" / "XtClient_Formula_20261130.log"
    path.write_bytes(
        b"[trade]start trading mode\n" + b"x" * 2_000_000 + b"\n[trade]signal only mode"
    )
    assert big_client.read_log(installed).mode == "sim"


def test_with_several_models_the_line_of_this_one_counts(installed: Path) -> None:
    write(
        installed, "XtClient_Formula_20261130.log",
        "[2026-11-30 09:20:01.120][trade]start trading mode",
        "[2026-11-30 09:31:07.000][trade]signal only mode",
        "10:05:00 [trade]start trading mode",
    )  # fmt: skip

    def mode(clock: str) -> str:
        near = datetime.fromisoformat(f"2026-11-30T{clock}+08:00").timestamp()
        return big_client.read_log(installed, near=near).mode

    assert mode("09:20:00") == "live"
    assert mode("09:31:06") == "sim"
    assert mode("10:04:59") == "live"
    assert mode("14:00:00") == "live"  # 都离得远：最后一行
    assert big_client.read_log(installed).mode == "live"
    write(installed, "XtClient_Formula_20261130.log", "[trade]signal only mode")
    assert mode("09:20:00") == "sim"  # 看不出时刻


def test_inner_spellings_of_a_simulated_folder_lead_to_it(tmp_path: Path) -> None:
    folder = tmp_path / "我的 模拟"
    folder.mkdir()
    (folder / "easytrader_sim.json").touch()
    for given in (folder, folder / "userdata", folder / "userdata_mini", f"{folder}/userdata_mini"):
        assert place.check_path(given) == folder
    with pytest.raises(UsageError, match="不存在"):
        place.check_path(folder / "别的")
    for bad in (3, None, "", "a\0b", b"userdata_mini"):
        with pytest.raises(UsageError, match="miniqmt_path"):
            place.check_path(bad)
