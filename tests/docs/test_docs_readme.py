"""README 的命令、链接，与 .ci/run 一致。"""

from __future__ import annotations

import os
import re

import pytest
from docs_helpers import PAGES, README, ROOT, blocks

TEXT = README.read_text(encoding="utf-8")
UNIX_DEMO = (
    'python3 -m venv --clear .venv && .venv/bin/python -m pip install ".[miniqmt]"'
    " && .venv/bin/easytrader demo"
)
UNIX_TESTS = (
    'python3 -m venv --clear .venv && .venv/bin/python -m pip install -e ".[dev]"'
    " && .venv/bin/python -m pytest"
)


def test_each_command_is_one_line_and_has_a_windows_twin() -> None:
    marked = {block.note: block.source for block in blocks(README) if block.language == "bash"}
    assert marked["演示命令"] == UNIX_DEMO + "\n"
    assert marked["测试命令"] == UNIX_TESTS + "\n"
    windows = [block.source for block in blocks(README) if block.language == "bat"]
    assert len(windows) == 2
    for unix, line in zip((UNIX_DEMO, UNIX_TESTS), windows, strict=True):
        assert line.count("\n") == 1
        assert _as_unix(line) == unix


def _as_unix(line: str) -> str:
    inner = re.fullmatch(r'cmd /c "(.+)"\n', line)
    assert inner
    text = inner[1].replace("\\Scripts\\", "/bin/").replace("py -m venv", "python3 -m venv")
    return re.sub(r"(\.\[\w+\])", r'"\1"', text)


def test_ci_runs_the_command_of_the_readme() -> None:
    """.ci/run 不抄命令，从 README 里取。"""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    pattern = re.search(r're\.search\(r"(.+?)", readme\)', script)
    assert pattern
    found = re.search(pattern[1], TEXT)
    assert found
    assert found[1] == UNIX_TESTS
    assert "-m pytest" not in script.replace(pattern[0], "")


@pytest.mark.skipif(os.name == "nt", reason="Windows 没有可执行位")
def test_ci_run_is_executable() -> None:
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_links_to_files_exist() -> None:
    """mkdocs --strict 不看 README，也不看页面里指到仓库别处的链接。"""
    missing = []
    for page in PAGES:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            path = target.partition("#")[0]
            if path and "://" not in path and not (page.parent / path).exists():
                missing.append(f"{page.name}: {target}")
    assert not missing


def test_the_index_of_the_tests_has_every_folder() -> None:
    text = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
    hidden = ("_", ".")
    folders = [each for each in (ROOT / "tests").iterdir() if not each.name.startswith(hidden)]
    rooms = [
        each for each in (ROOT / "tests" / "sim").iterdir() if not each.name.startswith(hidden)
    ]
    missing = [each.name for each in (*folders, *rooms) if f"`{each.name}`" not in text]
    assert not [name for name in missing if "test_" not in name and name != "README.md"]
