"""变异检查：把一行改坏，跑说好的测试，没有一个失败的就是漏网的。手工运行，不在默认的测试里。

    python tests/mutants/run.py                      # 全部
    python tests/mutants/run.py doubts journal       # 名单文件或源文件的名字里有这些字的
    python tests/mutants/run.py --first doubts       # 只跑每组的第一处测试：快，漏网的再全跑

名单是本目录的 ``*.txt``，每份管几个源文件；格式见 `read`。要加一条：照着写一段，先跑一次，
漏网的补上测试再提交。在一份临时的副本上改，不动工作区；退出码是漏网与过时的个数。
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
LIMIT_S = 300
"""改出死循环、死等的也要停下来：那也算被发觉了。"""


class Mutant(NamedTuple):
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    where: str


def read(path: Path) -> list[Mutant]:
    """一份名单。

    ``@ 源文件 : 测试 …`` 开始一组（测试照 pytest 的写法）；每条是 ``- 原文`` 与 ``+ 改成``，
    都可以接着写几行，接着的行以空格开头、照抄源文件。原文在源文件里必须恰好出现一次；首尾空白不算。
    ``#`` 开头的是注释。
    """
    found: list[Mutant] = []
    file, tests, where = "", (), ""
    parts: dict[str, list[str]] = {}
    kind = ""

    def finish() -> None:
        if "+" in parts:
            old, new = ("\n".join(parts[each]).strip() for each in "-+")
            found.append(Mutant(file, old, new, tests, where))
        parts.clear()

    for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        if kind in parts and (line.startswith(" ") or not line):
            parts[kind].append(line)
            continue
        kind, rest = line[:1], line[1:].strip()
        if kind != "+":
            finish()
        if kind == "@":
            file, _, told = rest.partition(" : ")
            tests = tuple(told.split())
        elif kind in ("-", "+"):
            parts[kind] = [rest]
            where = f"{path.name}:{number}"
        elif kind not in ("", "#"):
            raise SystemExit(f"{path}:{number} 读不懂：{line}")
    finish()
    return found


def main(words: list[str]) -> int:
    first = "--first" in words
    words = [each for each in words if each != "--first"]
    mutants = [each for path in sorted(HERE.glob("*.txt")) for each in read(path)]
    if first:
        mutants = [each._replace(tests=each.tests[:1]) for each in mutants]
    wanted = [m for m in mutants if not words or any(w in m.file or w in m.where for w in words)]
    survivors = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copy = Path(folder) / "copy"
        ignored = shutil.ignore_patterns(".git", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, copy, ignore=ignored)
        stale = [each for each in wanted if not _fits(copy, each)]
        for each in stale:
            print("过时（原文应恰好出现一次）", _shown(each))
            wanted.remove(each)
        for tests in {each.tests for each in wanted}:
            if not _passes(copy, tests):
                raise SystemExit(f"没有改过就通不过：{' '.join(tests)}")
        for number, mutant in enumerate(wanted, 1):
            began = time.monotonic()
            survived = _survives(copy, mutant)
            if survived:
                survivors.append(mutant)
            told = "漏网" if survived else "发觉"
            took_s = time.monotonic() - began
            print(f"[{number}/{len(wanted)}] {told} {took_s:5.1f}s {_shown(mutant)}", flush=True)
    print(f"\n{len(wanted)} 个，漏网 {len(survivors)} 个")
    for each in survivors:
        print("  漏网", _shown(each))
    return len(survivors) + len(stale)


def _fits(copy: Path, mutant: Mutant) -> bool:
    path = copy / mutant.file
    return path.is_file() and path.read_text("utf-8").count(mutant.old) == 1


def _survives(copy: Path, mutant: Mutant) -> bool:
    path = copy / mutant.file
    text = path.read_text("utf-8")
    path.write_text(text.replace(mutant.old, mutant.new), "utf-8")
    try:
        return _passes(copy, mutant.tests)
    finally:
        path.write_text(text, "utf-8")


def _passes(copy: Path, tests: tuple[str, ...]) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "0", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        [*command, "--timeout", "60", *tests],
        cwd=copy,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        return process.wait(LIMIT_S) == 0
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return False


def _shown(mutant: Mutant) -> str:
    return f"{mutant.where} {mutant.file}\n        - {mutant.old}\n        + {mutant.new}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
