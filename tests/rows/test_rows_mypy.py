"""用户用 mypy --strict 检查自己的脚本：对的没有话说，错的每一处都指出来，一处不多。"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.resources import files
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCRIPTS = ("good.py", "bad.py")

_FOUND = re.compile(r"^(?P<file>[^:]+\.py):(?P<line>\d+): error: (?P<text>.*)\[(?P<code>[\w-]+)\]$")
_MARK = re.compile(r"# 错: ([\w-]+)$")


@pytest.fixture(scope="module")
def complaints(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[int, list[str]]]:
    """每个脚本：行号 → 错误的种类。像用户那样检查：只有他自己的脚本，没有本项目的设置。"""
    folder = tmp_path_factory.mktemp("脚本")
    for name in SCRIPTS:
        (folder / name).write_bytes((HERE / "user_scripts" / name).read_bytes())
    done = subprocess.run(
        [
            sys.executable, "-m", "mypy", "--strict", "--config-file=", "--no-pretty",
            "--follow-imports=silent", "--no-error-summary", "--hide-error-context",
            "--cache-dir", str(folder / "cache"), *SCRIPTS,
        ],
        cwd=folder,
        env={**os.environ, "MYPYPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=110,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found: dict[str, dict[int, list[str]]] = {name: {} for name in SCRIPTS}
    for line in done.stdout.splitlines():
        match = _FOUND.match(line)
        if match:
            found[match["file"]].setdefault(int(match["line"]), []).append(match["code"])
        else:
            assert ": note: " in line, line
    return found


def test_a_good_script_passes(complaints: dict[str, dict[int, list[str]]]) -> None:
    assert complaints["good.py"] == {}


def test_every_mistake_is_found_where_it_is(complaints: dict[str, dict[int, list[str]]]) -> None:
    lines = (HERE / "user_scripts" / "bad.py").read_text(encoding="utf-8").splitlines()
    marked = {
        number: [mark[1]] for number, line in enumerate(lines, 1) if (mark := _MARK.search(line))
    }
    assert len(marked) > 30
    assert complaints["bad.py"] == marked


def test_py_typed_is_shipped() -> None:
    assert files("easytrader").joinpath("py.typed").is_file()
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert "py.typed" in re.search(r"package-data\]\n(.+)", settings)[1]  # type: ignore[index]


def test_types_are_light() -> None:
    program = (
        "import sys, easytrader.types; "
        "print(sorted({'xtquant', 'numpy', 'loguru', 'easytrader.trader'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.strip() in ("[]", "['loguru']"), done.stderr
