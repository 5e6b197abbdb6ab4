"""一队账号的页：照着页上的几条命令真的走一遍，SQLite 的，有 PostgreSQL 的也走。"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from docs_helpers import DOCS, EXAMPLES, ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="命令是给 Linux 的终端写的"
)


@pytest.fixture
def shell(tmp_path: Path) -> dict[str, str]:
    """``easytrader`` 与 ``python`` 都是这一份。"""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, more in (("easytrader", " -m easytrader"), ("python", "")):
        (folder / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{more} "$@"\n')
        (folder / name).chmod(0o755)
    path = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT), "PYTHONUTF8": "1",
            "PYTHONUNBUFFERED": "1"}  # fmt: skip


def lines(note: str) -> list[str]:
    """页上有这个标记的那几条命令。"""
    [block] = [each for each in blocks(DOCS / "fleet.md") if each.note == note]
    return block.source.splitlines()


def run(line: str, folder: Path, env: dict[str, str]) -> str:
    done = subprocess.run(
        ["bash", "-c", line.replace("docs/zh/examples", EXAMPLES.as_posix())],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, encoding="utf-8",
        timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def agent(line: str, folder: Path, env: dict[str, str]) -> Iterator[None]:
    """占着的那个终端：起好了才往下，最后 Ctrl-C 那样停。"""
    with subprocess.Popen(
        ["bash", "-c", f"exec {line} --port 0"], cwd=folder, env=env, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8",
    ) as process:  # fmt: skip
        try:
            assert process.stdout is not None
            assert "已就绪" in process.stdout.readline()
            yield
            process.terminate()
            assert process.wait(60) == 0
        finally:
            process.kill()


def walk(init: list[str], serve: str, script: str, folder: Path, env: dict[str, str]) -> None:
    """准备、起代理、跑脚本两遍；策略的例子再起一遍也是那几笔。"""
    for line in init:
        run(line, folder, env)
    strategy = script.replace("fleet.py", "fleet_strategy.py") + " 2026-11-30"
    with agent(serve, folder, env):
        check(run(script, folder, env))
        assert "还是同一笔 True" in run(script, folder, env)
        first, again = run(strategy, folder, env), run(strategy, folder, env)
    placed = [line for line in first.splitlines() if line.startswith(("600036 ", "000001 "))]
    assert len(placed) == 2
    assert all(line in again.splitlines() for line in placed)
    assert "成交" in first
    assert "成交" not in again


def check(out: str) -> None:
    """第三条说的。"""
    for told in ("可用资金", "已成 100", "还是同一笔 True", "事件 True"):
        assert told in out, out


def test_the_three_commands_of_the_fleet_page(tmp_path: Path, shell: dict[str, str]) -> None:
    init, serve, script = lines("三条命令")
    run(init, tmp_path, shell)
    with agent(serve, tmp_path, shell):
        check(run(script, tmp_path, shell))


@pytest.mark.soak
def test_the_three_commands_and_the_strategy_again(tmp_path: Path, shell: dict[str, str]) -> None:
    init, serve, script = lines("三条命令")
    walk([init], serve, script, tmp_path, shell)


@pytest.mark.soak
def test_the_commands_with_postgresql(tmp_path: Path, shell: dict[str, str], postgres: Any) -> None:
    prepare, _, _ = lines("三条命令")
    init, serve, script = lines("有 PostgreSQL 的时候跑")
    walk([prepare, init], serve, script, tmp_path, {**shell, "DSN": postgres.empty()})


@pytest.fixture
def postgres() -> Iterator[Any]:
    """一个自己的 PostgreSQL；没有装的跳过。"""
    from fleets.pg_server import PgServer, binaries, missing

    if told := missing() or ("" if binaries() else "现成的服务器不归这里建库"):
        pytest.skip(told)
    with PgServer() as server:
        yield server
