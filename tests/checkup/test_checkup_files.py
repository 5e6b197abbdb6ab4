"""只看文件的检查：好的说正常，坏的说出怎么修；连接失败的异常用的是同一批。"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections import namedtuple
from typing import TYPE_CHECKING

import pytest

from easytrader.basics.log import Log
from easytrader.checkup import case as folder_looks
from easytrader.checkup.case import Case
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.miniqmt import session_ids
from easytrader.miniqmt.diagnose import file_checks, preflight
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED
from easytrader.miniqmt.session_ids import POOL_SIZE, SessionIds

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.miniqmt.session_ids import Lease

Usage = namedtuple("Usage", "total used free")
GB = 10**9


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """像真的客户端目录：有权限文件，路径带空格和汉字。"""
    folder = tmp_path / "国金证券 QMT交易端" / "userdata_mini"
    folder.mkdir(parents=True)
    for name in ("up_queue_win_xtquant", "lock_up_queue_win_xtquant", "winsemaphore_flag_xtquant"):
        (folder / name).touch()
    return folder


def case(given: object, **options: object) -> Case:
    made = Case(given=str(given), **options)  # type: ignore[arg-type]
    made.find_folder()
    return made


def free(count: int):  # type: ignore[no-untyped-def]
    return lambda folder: Usage(100 * GB, 0, count)


# ---- 路径


def test_a_good_path(real: Path) -> None:
    found = folder_looks.look_path(case(real))
    assert found.status == OK
    assert "真的客户端" in found.detail
    assert str(real) in found.detail


def test_a_missing_path_a_file_and_one_level_up(real: Path, tmp_path: Path) -> None:
    file = tmp_path / "文件"
    file.touch()
    told = {
        real / "没有": "不存在",
        file: "不是文件夹",
        real.parent: f"再往里一层：{real}",
    }
    for path, fix in told.items():
        found = folder_looks.look_path(case(path))
        assert found.status == BAD
        assert fix in found.fix


def test_a_path_the_vendor_cannot_encode(tmp_path: Path) -> None:
    try:
        (tmp_path / "\udce9坏").mkdir()
    except (OSError, UnicodeError):
        pytest.skip("这个文件系统不许这样的名字")
    assert "GB18030" in folder_looks.look_path(case(tmp_path / "\udce9坏")).fix


def test_a_strange_name_is_only_noted_without_permission_files(real: Path, tmp_path: Path) -> None:
    renamed = real.rename(tmp_path / "别的名字")
    assert file_checks.look_path(renamed).status == OK
    (renamed / "up_queue_win_xtquant").unlink()
    assert file_checks.look_path(renamed).status == NOTE


def test_no_path_means_the_default_simulated_folder() -> None:
    from easytrader.brokers.sim import default_folder
    from easytrader.sim.config.folder import AccountConfig, create

    nothing = Case()
    nothing.find_folder()
    found = folder_looks.look_path(nothing)
    assert found.status == SKIPPED
    assert "给出路径" in found.fix
    create(default_folder(), (AccountConfig("1"),))
    there = Case()
    there.find_folder()
    found = folder_looks.look_path(there)
    assert found.status == OK
    assert "模拟" in found.detail


def test_drive_c_wants_an_administrator() -> None:
    from pathlib import PureWindowsPath

    class OnC(PureWindowsPath):
        def glob(self, pattern: str) -> list[object]:
            return []

    folder = OnC(r"C:\国金证券QMT交易端\userdata_mini")
    for admin, status in ((False, NOTE), (True, OK)):
        found = file_checks.look_path(folder, windows=True, is_admin=lambda a=admin: a)  # type: ignore[arg-type]
        assert found.status == status
        assert ("管理员" in found.fix) is not admin
    elsewhere = OnC(r"D:\国金证券QMT交易端\userdata_mini")
    assert file_checks.look_path(elsewhere, windows=True, is_admin=lambda: False).status == OK  # type: ignore[arg-type]


# ---- 极简模式与权限


def test_permission_files(real: Path) -> None:
    found = file_checks.look_permission(real)
    assert found.status == OK
    assert "up_queue_win_xtquant" in found.detail
    (real / "up_queue_win_xtquant").unlink()
    found = file_checks.look_permission(real)
    assert found.status == BAD
    assert "极简模式" in found.fix
    assert "lock_up_queue_win_xtquant" in found.detail


def test_a_read_only_folder(real: Path) -> None:
    found = file_checks.look_permission(real, write_problem=lambda folder: "拒绝访问")
    assert found.status == BAD
    assert found.detail == "文件夹不可写：拒绝访问"
    assert "管理员" in found.fix


def test_writability_is_really_tried(real: Path) -> None:
    before = set(real.iterdir())
    assert file_checks._write_problem(real) == ""
    assert file_checks._write_problem(real / "没有") != ""
    assert set(real.iterdir()) == before


# ---- 会话 id


def take(real: Path, account: str = "10001") -> Lease:
    return SessionIds(str(real), account).take(threading.Event(), time.monotonic())


def test_session_ids_in_use_and_cooling_are_told_without_taking_any(real: Path) -> None:
    assert file_checks.look_sessions(real, "10001").detail == "没有会话 id 在使用"
    first, second = take(real), take(real)
    found = file_checks.look_sessions(real, "10001")
    assert found.status == OK
    assert f"{first.session_id}（本进程）" in found.detail
    second.release()
    found = file_checks.look_sessions(real)
    assert f"冷却中：{second.session_id}" in found.detail
    states = session_ids.survey(str(real), "10001")
    assert len(states) == POOL_SIZE
    assert [state.pid for state in states if state.held] == [os.getpid()]
    third = take(real)  # 看过之后别的 id 照样能占
    assert third.session_id not in (first.session_id, second.session_id)
    first.release()
    third.release()


def test_every_session_id_taken(real: Path) -> None:
    leases = [take(real) for _ in range(POOL_SIZE)]
    found = file_checks.look_sessions(real, "10001")
    assert found.status == BAD
    assert "全部被占用" in found.fix
    leases[0].release()
    found = file_checks.look_sessions(real, "10001")
    assert found.status == NOTE
    assert "再连" in found.fix
    for lease in leases[1:]:
        lease.release()


def test_a_holder_that_died_is_not_in_use(real: Path) -> None:
    lease = take(real)
    lease._lock.release()  # 进程没了：锁由系统放开，记录还写着占用
    assert not any(use.held for use in session_ids.survey(str(real), "10001"))


def test_queue_files_pile_up(real: Path) -> None:
    for number in range(40):
        with (real / f"down_queue_win_{number}").open("wb") as file:
            file.truncate(75_497_752)
        (real / f"down_queue_win_{number}__mutex").touch()
    found = file_checks.look_sessions(real)
    assert found.status == NOTE
    assert "40 个，3020 MB" in found.detail
    assert "down_queue*" in found.fix


# ---- 磁盘


@pytest.mark.parametrize(
    ("left", "status"), [(100_000_000, BAD), (GB, NOTE), (2 * GB, OK), (75_000_000_000, OK)]
)
def test_free_space_of_a_real_client(real: Path, left: int, status: str) -> None:
    found = file_checks.look_disk(real, usage=free(left))
    assert found.status == status
    assert bool(found.fix) is (status != OK)


def test_the_worse_of_the_two_disks_counts(real: Path) -> None:
    looked = case(real)

    def usage(folder: Path) -> Usage:
        return Usage(100 * GB, 0, 10 * GB if folder == real else 10_000_000)

    found = folder_looks.look_disk(looked, usage=usage)
    assert found.status == BAD
    assert "剩 10.0 GB" in found.detail
    assert "剩 10 MB" in found.detail


# ---- 连接失败的异常


def test_the_failure_text_quotes_the_checks_and_names_the_command(real: Path) -> None:
    lease = take(real)
    text = preflight.failure_text(str(real), lease, -1)
    assert text.splitlines()[-1].endswith(f'easytrader doctor "{real}" --account 资金账号')
    assert "没有运行" in text
    assert "up_queue" not in text
    (real / "up_queue_win_xtquant").unlink()
    for number in range(40):
        (real / f"down_queue_win_{number}").touch()
    text = preflight.failure_text(str(real), lease, -1)
    lease.release()
    permission = file_checks.look_permission(real)
    assert f"1. {permission.detail}：{permission.fix}" in text
    assert "down_queue 文件 40 个" in text


def test_a_conflict_of_session_ids_is_named_only_for_an_id_the_user_chose(real: Path) -> None:
    ours = take(real)
    assert "会话 id" not in preflight.failure_text(str(real), ours, -1)
    ours.release()
    chosen = SessionIds(str(real), "10001", 424242).take(threading.Event(), time.monotonic())
    assert "会话 id 424242 是你指定的" in preflight.failure_text(str(real), chosen, -1)
    chosen.release()


def test_off_windows_a_real_clients_folder_is_sent_to_its_windows_machine(real: Path) -> None:
    lease, told = take(real), "不是模拟 MiniQMT 的文件夹；先建一个：easytrader sim init"
    text = preflight.failure_text(str(real), lease, -1, told, windows=False)
    assert "Windows 机器" in text
    assert "sim init" not in text
    assert "sim init" in preflight.failure_text(str(real), lease, -1, told, windows=True)
    (real / "easytrader_sim.json").touch()
    assert "sim init" in preflight.failure_text(str(real), lease, -1, told, windows=False)
    lease.release()


@pytest.mark.skipif(os.name == "nt", reason="这里就是 Windows")
def test_off_windows_a_windows_path_says_where_the_client_runs() -> None:
    with pytest.raises(UsageError, match="只在 Windows 上运行"):
        preflight.check_path(r"D:\国金证券QMT交易端\userdata_mini")


# ---- 会话 id 的锁：一个客户端一把，谁都看得到


def test_two_spellings_of_one_folder_never_get_the_same_id(real: Path, tmp_path: Path) -> None:
    other = tmp_path / "另一种写法"
    other.symlink_to(real, target_is_directory=True)
    lease = SessionIds(str(real), "10001", 5).take(threading.Event(), time.monotonic())
    for spelling in (str(other), f"{real}{os.sep}", str(real / ".." / real.name)):
        with pytest.raises(ConnectFailedError, match="5"):
            SessionIds(spelling, "10001", 5).take(threading.Event(), time.monotonic())
    lease.release()


def test_the_locks_are_where_every_user_of_the_machine_sees_them(
    real: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    root = session_ids.lock_root()
    lease = take(real)
    if os.name != "nt":
        assert stat.S_IMODE(root.stat().st_mode) == 0o1777
        [folder] = root.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o1777
        assert {stat.S_IMODE(each.stat().st_mode) for each in folder.iterdir()} == {0o666}
    lease.release()
    monkeypatch.delenv("EASYTRADER_LOCKS")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    assert tmp_path not in session_ids.lock_root().parents, "不随各人的临时目录走"


def test_a_planted_link_is_not_followed(
    real: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str]
) -> None:
    victim = tmp_path / "别人的"
    victim.mkdir()
    planted = tmp_path / "锁"
    planted.symlink_to(victim, target_is_directory=True)
    monkeypatch.setenv("EASYTRADER_LOCKS", str(planted))
    lease = SessionIds(str(real), "10001", log=Log()).take(threading.Event(), time.monotonic())
    lease.release()
    assert not list(victim.iterdir())
    assert any("别的用户的程序看不到" in line for line in logged)


def test_when_every_id_is_taken_the_culprit_is_named(real: Path) -> None:
    leases = [take(real) for _ in range(POOL_SIZE)]
    with pytest.raises(ConnectFailedError) as caught:
        take(real)
    assert f"本进程（{os.getpid()}）占着 16 个" in str(caught.value)
    assert "锁文件" not in str(caught.value)
    for lease in leases:
        lease.release()


def test_an_id_whose_teardown_hung_is_the_last_one_to_be_used_again(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_ids, "QUARANTINE_S", 0.0)
    first = take(real)
    first.release(stuck=True)
    second = take(real)
    assert second.session_id != first.session_id
    second.release()
