"""README 与文档里的代码块是真的：能跑的跑，输出核对；只能在真客户端上跑的至少编译得过。"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from docs_helpers import EXAMPLES, PAGES, ROOT, blocks

HERE = Path(__file__).parent


def _name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


RUNNING = [page for page in PAGES if any(block.runs for block in blocks(page))]
TWICE = {"README.md", "quickstart.md"}
"""照着再做一遍也要行：平时试这两页，手工试全部。"""


@pytest.mark.parametrize("page", RUNNING, ids=_name)
def test_page_runs(page: Path, tmp_path: Path) -> None:
    _run(page, tmp_path, times=1 + (page.name in TWICE))


@pytest.mark.soak
@pytest.mark.parametrize("page", RUNNING, ids=_name)
def test_page_runs_again(page: Path, tmp_path: Path) -> None:
    if page.name == "miniqmt.md":
        pytest.skip("资金是刚开户的样子，只能做一遍")
    _run(page, tmp_path, times=2)


def _run(page: Path, tmp_path: Path, times: int) -> None:
    for _ in range(times):
        done = subprocess.run(
            [sys.executable, "-X", "utf8", str(HERE / "docs_run_page.py"), str(page)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=100,
        )
        assert done.returncode == 0, f"{_name(page)}\n{done.stdout}\n{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_python_block_compiles(page: Path) -> None:
    for block in blocks(page):
        if block.language == "python" and not block.is_snippet:
            compile(block.source, f"{_name(page)}:{block.line}", "exec")


def test_snippets_name_existing_examples() -> None:
    named = [
        block.source.split('"')[1] for page in PAGES for block in blocks(page) if block.is_snippet
    ]
    assert named
    rooms = EXAMPLES.parent, ROOT / "easytrader" / "testing"
    for name in named:
        path, _, lines = name.partition(":")
        [found] = [room / path for room in rooms if (room / path).is_file()]
        if lines:  # 引用一段的，正好是一个类
            first, last = map(int, lines.split(":"))
            text = found.read_text(encoding="utf-8").splitlines()
            assert text[first - 1].startswith("class "), name
            assert text[last - 1].startswith("    "), name
            assert last == len(text) or not any(text[last : last + 2]), name


def test_the_main_pages_run() -> None:
    """别因为写错了标记而一块都没跑。"""
    running = {page.name for page in PAGES if sum(block.runs for block in blocks(page)) >= 2}
    assert {"quickstart.md", "miniqmt.md", "errors.md", "simulator.md", "faults.md"} <= running
