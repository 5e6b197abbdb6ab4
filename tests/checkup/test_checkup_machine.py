"""Python、依赖包、时钟、交易日，以及体检本身：隔离、期限、跳过。"""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from support import ROOT, make_folder

import easytrader
from easytrader.basics.threads import call_aside
from easytrader.checkup import clock, environment
from easytrader.checkup.case import Case
from easytrader.checkup.run import CHECKS, Check, examine
from easytrader.errors import UsageError
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict

BEIJING = timezone(timedelta(hours=8))
NAMES = (
    "python", "packages", "path", "permission", "session",
    "disk", "clock", "trading_day", "connect",
)  # fmt: skip
REAL = Case(folder=Path("userdata_mini"))
EMPTY = Case()


# ---- Python 与依赖包


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({}, OK),
        ({"python": (3, 9)}, BAD),
        ({"python": (3, 14)}, NOTE),
        ({"bits": 32}, BAD),
        ({"implementation": "PyPy"}, NOTE),
    ],
)
def test_python(options: dict[str, Any], status: str) -> None:
    settings = {"python": (3, 11), "bits": 64, "implementation": "CPython", **options}
    found = environment.look_python(Case(), **settings)
    assert found.status == status
    assert bool(found.fix) is (status != OK)


def test_a_real_client_needs_windows_and_a_python_the_vendor_knows() -> None:
    settings = {"python": (3, 11), "bits": 64, "implementation": "CPython"}
    assert environment.look_python(REAL, **settings, system="Windows").status == OK
    assert environment.look_python(REAL, **settings, system="Linux").status == BAD
    settings["python"] = (3, 14)
    assert environment.look_python(REAL, **settings, system="Windows").status == BAD


@pytest.fixture
def vendor(tmp_path: Path) -> Path:
    (tmp_path / "__init__.py").write_text('__version__ = "xtquant_250807"\n', encoding="utf-8")
    return tmp_path


def test_packages(vendor: Path) -> None:
    versions = {"loguru": "1", "tenacity": "9", "xtquant": "250807.1.2"}

    def look(case: Case = EMPTY, folder: Path | None = vendor) -> Verdict:
        return environment.look_packages(
            case, version_of=versions.get, vendor_folder=lambda: folder
        )

    assert look().status == OK
    assert "只能连模拟" in look().detail
    assert look(REAL).status == BAD
    (vendor / f"xtpythonclient{environment.EXTENSION_SUFFIXES[0]}").touch()
    assert look(REAL).status == OK
    versions["xtquant"] = "240119.3"
    assert look().status == NOTE
    del versions["xtquant"]  # 从客户端目录里拷来的，没有安装记录
    assert "xtquant 250807（" in look().detail
    del versions["tenacity"]
    assert "pip install tenacity" in look().fix
    missing = look(folder=None)
    assert missing.status == BAD
    assert "xtquant" in missing.fix


def test_the_installed_vendor_is_found_without_importing_it() -> None:
    code = (
        "import sys\n"
        "from easytrader.checkup import environment\n"
        "from easytrader.checkup.case import Case\n"
        "print(environment.look_packages(Case()).detail)\n"
        "assert 'xtquant' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", code],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60, check=True,
    )  # fmt: skip
    assert "xtquant 2" in done.stdout


# ---- 时钟


@pytest.mark.parametrize(
    ("skews", "status"),
    [
        ((0.4, -0.3, 0.2), OK),
        ((5.0, 6.0, 90.0), NOTE),
        ((-5.0, -5.0, -5.0), NOTE),
        ((400.0, 401.0, 500.0), BAD),
        ((0.1, 900.0, 900.0), OK),
    ],
)
def test_clock_skew(skews: tuple[float, ...], status: str) -> None:
    told = dict(zip(clock.HOSTS, skews, strict=True))
    found = clock.look_clock(
        Case(), fetch=lambda host, _: told[host], utc_offset=timedelta(hours=8)
    )
    assert found.status == status
    if status != OK:
        assert ("快" in found.detail) is (min(skews, key=abs) > 0)
        assert "自动设置时间" in found.fix


def test_another_time_zone_is_explained_not_an_error() -> None:
    found = clock.look_clock(
        Case(), fetch=lambda host, _: 0.0, utc_offset=timedelta(hours=-5, minutes=-30)
    )
    assert found.status == NOTE
    assert "UTC-5.5" in found.detail
    assert "order_time" in found.fix


def test_no_network_is_skipped_and_bounded() -> None:
    released = threading.Event()

    def refused(host: str, limit_s: float) -> float:
        raise OSError("没有网")

    def hung(host: str, limit_s: float) -> float:
        released.wait(600)
        return 0.0

    eight = timedelta(hours=8)
    assert clock.look_clock(Case(), fetch=refused, utc_offset=eight).status == SKIPPED
    found = clock.look_clock(Case(), fetch=hung, utc_offset=eight, total_s=0.2)
    released.set()
    assert found.status == SKIPPED
    assert found.detail
    offline = clock.look_clock(Case(network=False), fetch=hung, utc_offset=eight)
    assert (offline.status, offline.fix) == (SKIPPED, "")


def test_one_host_that_hangs_does_not_hide_the_others() -> None:
    released = threading.Event()

    def fetch(host: str, limit_s: float) -> float:
        if host == clock.HOSTS[0]:
            released.wait(600)
        return 7.0

    found = clock.look_clock(Case(), fetch=fetch, utc_offset=timedelta(hours=8), total_s=0.3)
    released.set()
    assert "7.0 秒" in found.detail


def test_the_date_header_is_what_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """真的走一次 HTTP：本机的服务器，时钟慢一小时，还把人往别处转。"""
    from email.utils import formatdate
    from http.server import BaseHTTPRequestHandler, HTTPServer

    class Slow(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(302)
            self.send_header("Date", formatdate(time.time() - 3600, usegmt=True))
            self.send_header("Location", "http://127.0.0.1:1/")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with HTTPServer(("127.0.0.1", 0), Slow) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        skew = clock._ask(f"127.0.0.1:{server.server_port}", 5.0)
        thread.join()
    assert skew == pytest.approx(3600, abs=3)


# ---- 交易日


@pytest.mark.parametrize(
    ("moment", "status", "told"),
    [
        (datetime(2026, 10, 20, 10, 0, tzinfo=BEIJING), OK, "连续竞价（上午）"),
        (datetime(2026, 10, 20, 9, 20, tzinfo=BEIJING), OK, "开盘集合竞价"),
        (datetime(2026, 10, 20, 12, 0, tzinfo=BEIJING), OK, "午间休市"),
        (datetime(2026, 10, 20, 14, 58, tzinfo=BEIJING), OK, "收盘集合竞价"),
        (datetime(2026, 10, 20, 20, 0, tzinfo=BEIJING), OK, "收盘后"),
        (datetime(2026, 10, 20, 2, 0, tzinfo=timezone.utc), OK, "连续竞价（上午）"),
        (datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING), NOTE, "下一个交易日 2026-11-23；日历只到"),
        (datetime(2026, 10, 1, 10, 0, tzinfo=BEIJING), NOTE, "下一个交易日 2026-10-0"),
        (datetime(2099, 1, 5, 10, 0, tzinfo=BEIJING), NOTE, "不知道是不是交易日"),
    ],
)
def test_trading_day(moment: datetime, status: str, told: str) -> None:
    found = clock.look_trading_day(Case(), now=moment)
    assert found.status == status
    assert told in found.detail
    assert bool(found.fix) is (status != OK)


def test_a_calendar_about_to_end_is_noted() -> None:
    found = clock.look_trading_day(Case(), now=datetime(2026, 11, 2, 10, tzinfo=BEIJING))
    assert found.status == NOTE
    assert "日历只到 2026-12-31" in found.detail
    assert "trading_days.json" in found.fix


def test_a_simulated_folder_may_trade_every_day(tmp_path: Path) -> None:
    saturday = datetime(2026, 11, 21, 10, 0, tzinfo=BEIJING)
    for setting, status in (("always", OK), ("exchange", NOTE)):
        folder = make_folder(tmp_path / setting, clock=setting)
        case = Case(folder=folder, simulated=True)
        assert clock.look_trading_day(case, now=saturday).status == status
    late = clock.look_trading_day(case, now=datetime(2027, 1, 4, 10, tzinfo=BEIJING))
    assert "交易日，连续竞价（上午）；日历只到" in late.detail  # 末日之后周一至周五照常开市


def test_a_stepped_folder_has_its_own_time(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "step", clock="step", start="2026-11-20 10:00")
    found = clock.look_trading_day(Case(folder=folder, simulated=True))
    assert (found.status, "时钟由脚本走" in found.detail) == (OK, True)


# ---- 体检本身


def test_the_nine_checks_in_order() -> None:
    rows = easytrader.doctor(network=False)
    assert tuple(row["check"] for row in rows) == NAMES
    for row in rows:
        assert list(row) == ["check", "title", "status", "detail", "fix"]
        assert row["status"] in (OK, NOTE, BAD, SKIPPED)
        assert all(isinstance(value, str) for value in row.values())
    found = {row["check"]: row["status"] for row in rows}
    assert [found[name] for name in ("path", "permission", "session", "connect")] == [SKIPPED] * 4
    assert found["disk"] != SKIPPED


def test_a_wrong_path_makes_the_rest_pointless(tmp_path: Path) -> None:
    rows = {row["check"]: row for row in easytrader.doctor(tmp_path / "没有", network=False)}
    assert rows["path"]["status"] == BAD
    for name in ("permission", "session", "connect"):
        assert rows[name]["status"] == SKIPPED
        assert "客户端路径" in rows[name]["detail"]
        assert "不存在" in rows[name]["fix"]


def test_a_check_that_fails_is_a_row_and_one_that_hangs_is_bounded() -> None:
    released = threading.Event()

    def broken(case: Case) -> Verdict:
        raise ZeroDivisionError("想不到的")

    def hung(case: Case) -> Verdict:
        released.wait(600)
        return Verdict(OK, "")

    checks = (
        Check("a", "坏的", broken),
        Check("b", "卡住的", hung, limit_s=0.2),
        Check("c", "靠它的", broken, ("b",)),
        Check("d", "好的", lambda case: Verdict(OK, "好")),
    )
    rows = examine(Case(), checks)
    released.set()
    assert [row["status"] for row in rows] == [BAD, BAD, SKIPPED, OK]
    assert "ZeroDivisionError: 想不到的" in rows[0]["detail"]
    assert "0.2 秒没有结果" in rows[1]["detail"]
    assert all("Traceback" not in row["detail"] for row in rows)


def test_within_hands_back_results_and_errors() -> None:
    assert call_aside(lambda: 3, 5) == 3
    with pytest.raises(KeyError):
        call_aside(lambda: {}["没有"], 5)


def test_every_check_names_earlier_ones() -> None:
    seen: set[str] = set()
    for check in CHECKS:
        assert set(check.needs) <= seen
        seen.add(check.name)


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        ("miniqmt_path", {"miniqmt_path": 5}),
        ("miniqmt_path", {"miniqmt_path": ""}),
        ("stock_account", {"stock_account": 10001}),
        ("account_type", {"account_type": "股票"}),
        ("timeout", {"timeout": 0}),
        ("network", {"network": "no"}),
    ],
)
def test_wrong_arguments(argument: str, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        easytrader.doctor(**options)
    assert caught.value.argument == argument


NO_VENDOR = """
import sys, importlib.abc
class Blocker(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition('.')[0] == 'xtquant':
            raise ModuleNotFoundError(name=name)
sys.meta_path.insert(0, Blocker())
import easytrader
rows = {{row['check']: row for row in easytrader.doctor({path!r}, network=False)}}
assert rows['packages']['status'] == '有问题', rows
assert 'xtquant' in rows['packages']['fix']
assert rows['connect']['status'] == '跳过', rows
assert '依赖包' in rows['connect']['detail']
assert rows['path']['status'] == '正常', rows
"""


def test_it_runs_without_the_vendor_package(sim_folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", NO_VENDOR.format(path=str(sim_folder))],
        cwd=ROOT, capture_output=True, encoding="utf-8", timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
