"""登记的与装着的对得上：真的导入（在子进程里），字段、名字、交易所与那个类自己说的一样。"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from easytrader import counters
from easytrader.checkup import counter as checks
from easytrader.checkup.counter import CounterCase
from easytrader.counters import locale, status

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters
pytest.importorskip("vnpy")

PURE = ("IB", "OKEX", "MT5")
NATIVE = ("CTP", "MINI", "SOPT", "XTP")
OWN = ("OKEX", "IB", "FUTU", "TIGER", "MT5")

LOOK = """
import importlib, json, sys
kind = getattr(importlib.import_module(sys.argv[1]), sys.argv[2])
print(json.dumps({
    "setting": kind.default_setting,
    "name": getattr(kind, "default_name", ""),
    "exchanges": [each.name for each in kind.exchanges],
}))
"""
DEAD = """
import json, os, sys
import easytrader
user = easytrader.use(sys.argv[1])
try:
    user.connect(json.loads(sys.argv[2]), timeout=2, login_timeout=3)
except easytrader.EasytraderError as exc:
    print(type(exc).__name__, os.getcwd())
user.close()
"""


def of(name: str) -> Any:
    found = counters.find(name)
    assert found is not None
    return found


def looked_at(name: str, folder: Path) -> dict[str, Any]:
    """那个类自己说的；没有装就跳过。"""
    counter = of(name)
    if not status.is_installed(counter, through_veighna=True):
        pytest.skip(f"没有装 {counter.package}：tests/counters/install.py --more 或 --native")
    (folder / ".vntrader").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", LOOK, counter.module, counter.class_name],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=110, check=True, cwd=folder,
        encoding="utf-8",
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def check_the_same(name: str, folder: Path) -> None:
    counter, found = of(name), looked_at(name, folder)
    assert list(found["setting"]) == [each.name for each in counter.fields]
    for each in counter.fields:
        value = found["setting"][each.name]
        choices = tuple(value) if isinstance(value, list) else ()
        assert each.choices == choices
        assert each.default == (choices[0] if choices else value)
    assert found["name"] == (counter.default_name if name != "MT5" else "")
    assert set(counter.exchanges) <= set(found["exchanges"])


@pytest.mark.parametrize("name", PURE)
def test_a_pure_gateway_is_what_the_register_says(name: str, tmp_path: Path) -> None:
    check_the_same(name, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", NATIVE)
def test_a_compiled_gateway_is_what_the_register_says(name: str, tmp_path: Path) -> None:
    """装：``python tests/counters/install.py --native``；跑：``pytest -m "counters and soak"``。"""
    check_the_same(name, tmp_path)


@pytest.mark.soak
@pytest.mark.parametrize("name", NATIVE)
def test_the_doctor_says_the_same(name: str) -> None:
    counter = of(name)
    if not status.is_installed(counter):
        pytest.skip(f"没有装 {counter.package}：python tests/counters/install.py --native")
    case = CounterCase(counter=counter, timeout_s=60)
    assert checks.look_python(case).status == "正常"
    assert checks.look_packages(case).status == "正常"
    assert checks.look_native(case).status == "正常"


@pytest.mark.soak
@pytest.mark.parametrize("name", NATIVE)
def test_a_closed_port_ends_in_an_error_not_in_a_hang(name: str, tmp_path: Path) -> None:
    """真的 C++ 库，对面没有人听：说没有连上，进程好好地退出，密码哪里都没有。"""
    counter = of(name)
    if not status.is_installed(counter):
        pytest.skip(f"没有装 {counter.package}：python tests/counters/install.py --native")
    given: dict[str, Any] = {each.name: "1" for each in counter.fields if each.required}
    given |= {"密码": "SECRET-hunter2"}
    if "交易地址" in given:
        given |= {"交易地址": "127.0.0.1", "交易端口": 1, "行情地址": "127.0.0.1", "行情端口": 1}
    else:
        given |= {"交易服务器": "tcp://127.0.0.1:1", "行情服务器": "tcp://127.0.0.1:1"}
    locale.ensure()
    done = subprocess.run(
        [sys.executable, "-c", DEAD, name, json.dumps(given)],
        capture_output=True, stdin=subprocess.DEVNULL, timeout=110, check=False, cwd=tmp_path,
        encoding="utf-8", env={**os.environ, "HOME": str(tmp_path), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0
    assert f"ConnectFailedError {tmp_path}" in done.stdout.splitlines()  # CTP Mini 的库也往这里印
    assert "SECRET" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", OWN)
def test_the_package_of_our_own_door_is_importable(name: str) -> None:
    counter = of(name)
    if not status.is_installed(counter):
        pytest.skip(f"没有装 {status.own_module(counter)}：python tests/counters/install.py")
    case = CounterCase(counter=counter, timeout_s=60)
    assert checks.look_packages(case).status == "正常"
    assert checks.look_native(case).status == "正常"
    assert checks.look_python(case).status == "正常"


@pytest.mark.soak
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="只有 Linux 上要做")
def test_a_locale_made_without_root_is_found_by_a_child(tmp_path: Path) -> None:
    """真的做一个（十来秒 CPU）；在没有它的进程里用得了。"""
    folder = locale.make()
    assert locale.made() == folder
    program = (
        "from easytrader.counters import locale\n"
        "before = locale.is_there()\n"
        "found = locale.ensure()\n"
        "print(before, locale.is_there())\n"
    )
    env = {"EASYTRADER_HOME": str(folder.parent), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, timeout=110, check=True,
        encoding="utf-8", env={**env, "PYTHONPATH": ":".join(sys.path)},
    )  # fmt: skip
    assert done.stdout.split()[-1] == "True"
