"""体检登记的柜台：系统、包、区域设置、在子进程里导入、字段、端口；不登录，密码不写出来。"""

from __future__ import annotations

import json
import socket
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader import counters
from easytrader.checkup import counter as checks
from easytrader.checkup.counter import CounterCase
from easytrader.cli import main
from easytrader.counters import locale, ports, status
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAMES = ("python", "packages", "locale", "native", "fields", "ports", "clock")
GOOD = {"账号": "1", "密码": "SECRET1", "交易地址": "127.0.0.1"}


def examined(name: str, **options: Any) -> dict[str, dict[str, str]]:
    rows = easytrader.doctor(broker=name, network=False, **options)
    assert tuple(row["check"] for row in rows) == NAMES
    assert "SECRET" not in str(rows)
    return {row["check"]: dict(row) for row in rows}


@contextmanager
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def xtp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """装着一个 vnpy 与 vnpy_xtp 的样子；``vnpy_xtp`` 里写什么由测试定。"""
    site = tmp_path / "site"
    (site / "vnpy").mkdir(parents=True)
    (site / "vnpy" / "__init__.py").touch()
    (site / "vnpy_xtp").mkdir()
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", str(site))
    return site / "vnpy_xtp" / "__init__.py"


def test_nothing_installed_here() -> None:
    rows = examined("中泰XTP")
    if status.is_there("vnpy_xtp"):
        pytest.skip("这里真的装着")
    assert rows["packages"]["status"] == "有问题"
    assert "pip install --no-deps vnpy_xtp" in rows["packages"]["fix"]
    assert rows["native"]["status"] == "跳过"
    assert rows["fields"]["status"] == rows["ports"]["status"] == "跳过"
    assert "connect_xtp.json" in rows["fields"]["fix"]


@pytest.mark.parametrize(("name", "told"), [("BITMEX", "2026-09-23"), ("DA", "pyda")])
def test_what_is_not_to_be_had(name: str, told: str) -> None:
    rows = examined(name)
    assert rows["python"]["status"] == "有问题"
    assert told in rows["python"]["fix"]
    assert rows["packages"]["status"] == rows["native"]["status"] == "跳过"


@pytest.mark.parametrize(
    ("code", "verdict", "told"),
    [
        ("class XtpGateway: pass", "正常", "XtpGateway"),
        ("", "有问题", "AttributeError"),
        ("raise OSError('libxtp.so: 没有')", "有问题", "libxtp.so"),
        ("import os; os.abort()", "有问题", "进程被终止"),
        ("import threading; threading.Event().wait()", "有问题", "秒还没有完"),
    ],
    ids=["好", "没有类", "少库", "终止", "卡住"],
)
def test_import_in_a_child(
    xtp: Path, code: str, verdict: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    xtp.write_text(code, encoding="utf-8")
    found = counters.find("XTP")
    assert found is not None
    case = CounterCase(counter=found, timeout_s=2.0 if "threading" in code else 30.0)
    verdict_found = checks.look_native(case)
    if sys.platform == "win32" and "abort" in code:
        told = "导入失败"
    assert (verdict_found.status, told in verdict_found.detail) == (verdict, True)
    assert "vnpy_xtp" not in sys.modules


class TestFields:
    def test_good_ones_and_the_ports_are_tried(self) -> None:
        with listening() as port, listening() as quotes:
            given = {**GOOD, "交易端口": port, "行情地址": "127.0.0.1", "行情端口": quotes}
            rows = examined("XTP", config=given)
        assert rows["fields"]["status"] == "正常"
        assert "空着的：授权码" in rows["fields"]["detail"]
        assert rows["ports"]["status"] == "正常"
        assert f"交易地址 127.0.0.1:{port} 通" in rows["ports"]["detail"]

    def test_a_dead_port(self) -> None:
        with listening() as port:
            pass
        rows = examined("XTP", config={**GOOD, "交易端口": port})
        assert rows["ports"]["status"] == "有问题"
        assert f"127.0.0.1:{port} 连不上" in rows["ports"]["detail"]

    def test_only_the_quotes_are_dead(self) -> None:
        with listening() as dead:
            pass
        with listening() as port:
            given = {**GOOD, "交易端口": port, "行情地址": "127.0.0.1", "行情端口": dead}
            rows = examined("XTP", config=given)
        assert rows["ports"]["status"] == "注意"

    def test_wrong_ones(self, tmp_path: Path) -> None:
        file = tmp_path / "connect_xtp.json"
        file.write_text(json.dumps({**GOOD, "交易端囗": 1}), encoding="utf-8")
        rows = examined("XTP", config=file)
        assert rows["fields"]["status"] == "有问题"
        assert "是不是 交易端口" in rows["fields"]["detail"]
        assert rows["ports"]["status"] == "跳过"

    def test_our_own_door_looks_at_the_default_port(self, monkeypatch: Any) -> None:
        tried = []
        monkeypatch.setattr(
            ports, "unreachable", lambda host, port, _: tried.append((host, port)) or ""
        )
        rows = examined("盈透证券")
        assert tried == [("127.0.0.1", 7497)]
        assert "use('ib')" in rows["python"]["detail"]


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ({"交易服务器": "tcp://1.2.3.4:41205"}, {"交易服务器": ("1.2.3.4", 41205)}),
        ({"交易服务器": "ssl://a.b:1"}, {"交易服务器": ("a.b", 1)}),
        ({"交易服务器": "1.2.3.4:41205"}, {"交易服务器": ("1.2.3.4", 41205)}),
        ({"交易地址": "h", "交易端口": 6001}, {"交易地址": ("h", 6001)}),
        ({"TWS地址": "127.0.0.1", "TWS端口": 7497}, {"TWS地址": ("127.0.0.1", 7497)}),
        ({"地址": "h", "端口": 11111}, {"地址": ("h", 11111)}),
        (
            {"Server Host": "h", "REQ Port": "1", "SUB Port": "2"},
            {"REQ Port": ("h", 1), "SUB Port": ("h", 2)},
        ),
        ({"交易服务器": "[::1]:80"}, {"交易服务器": ("::1", 80)}),
        ({"交易地址": "", "交易端口": 1}, {}),
        ({"交易地址": "h", "交易端口": 0}, {}),
        ({"交易服务器": "h:99999"}, {}),
        ({"Server": "REAL", "Proxy Host": "", "Proxy Port": 0}, {}),
        ({"用户名": "1.2.3.4:5"}, {}),
    ],
)
def test_addresses(values: dict[str, object], found: dict[str, tuple[str, int]]) -> None:
    assert ports.addresses(values) == found


class TestLocale:
    def test_not_needed_is_fine(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locale, "is_needed", lambda: False)
        assert examined("CTP")["locale"]["status"] == "正常"
        assert locale.ensure() is None

    def test_missing_is_told_and_made_on_request(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        made: list[Path] = []
        monkeypatch.setattr(locale, "is_needed", lambda: True)
        monkeypatch.setattr(locale, "is_there", lambda: bool(made))
        monkeypatch.setenv("LOCPATH", "/从前的")
        rows = examined("CTP")
        assert rows["locale"]["status"] == "注意"
        assert "--fix-locale" in rows["locale"]["fix"]

        def make() -> Path:
            folder = tmp_path / "locale"
            made.append(folder)
            return folder

        monkeypatch.setattr(locale, "make", make)
        assert examined("CTP", fix_locale=True)["locale"]["status"] == "正常"
        assert len(made) == 1
        assert locale.os.environ["LOCPATH"] == f"{tmp_path / 'locale'}:/从前的"

    def test_no_localedef(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(locale, "is_needed", lambda: True)
        monkeypatch.setattr(locale, "is_there", lambda: False)
        monkeypatch.setattr(locale.shutil, "which", lambda _: None)
        rows = examined("CTP", fix_locale=True)
        assert rows["locale"]["status"] == "有问题"
        assert "apt install locales" in rows["locale"]["fix"]
        with pytest.raises(MissingDependencyError, match="localedef"):
            locale.ensure()

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="只有 Linux 上有")
    def test_a_localedef_that_fails(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        bad = tmp_path / "localedef"
        bad.write_text("#!/bin/sh\necho 没有字符集 >&2\nexit 4\n", encoding="utf-8")
        bad.chmod(0o755)
        monkeypatch.setattr(locale.shutil, "which", lambda _: str(bad))
        with pytest.raises(MissingDependencyError, match="没有字符集"):
            locale.make()
        assert list((locale.home() / "locale").iterdir()) == []


class TestCommand:
    def test_json_and_the_exit_code(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        file = tmp_path / "connect_xtp.json"
        file.write_text(json.dumps(GOOD), encoding="utf-8")
        code = main(["doctor", str(file), "--broker", "中泰XTP", "--no-network", "--json"])
        rows = json.loads(capsys.readouterr().out)
        assert tuple(row["check"] for row in rows) == NAMES
        assert code == int(any(row["status"] == "有问题" for row in rows))
        assert rows[4]["status"] == "正常"

    def test_a_profile(
        self, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert main(["profile", "init", "main", "--broker", "中泰XTP"]) == 0
        monkeypatch.setenv("TRADE_SECRET", "SECRET1")
        capsys.readouterr()
        main(["doctor", "--profile", "main", "--no-network"])
        shown = capsys.readouterr().out
        assert "必要的是：账号、密码、交易地址" in shown.replace("\n", "")
        assert "SECRET1" not in shown

    @pytest.mark.parametrize(
        "arguments",
        [["--broker", "XPT"], ["--broker", ""], ["--profile", "没有"], ["--profile", "a", "路径"]],
    )
    def test_wrong_usage_is_2(
        self, arguments: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["doctor", *arguments]) == 2
        assert "错误" in capsys.readouterr().err

    def test_close_names(self) -> None:
        with pytest.raises(UsageError, match="是不是 XTP"):
            easytrader.doctor(broker="XPT")
