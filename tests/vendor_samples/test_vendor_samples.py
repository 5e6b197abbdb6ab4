"""厂商手册里的示例程序原样跑在 ``easytrader sim run`` 下，只换路径和账号。

示例取自装着的 xtquant 自带的手册 ``doc/xttrader.md``；老手册的示例与它的差别只是
``StockAccount`` 从 ``xtquant.xtquant`` 导入、回调里没有 ``on_account_status``，用替换得到。
"""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from support import ACCOUNT, ROOT, SimProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

FENCE = re.compile(r"^[ ]*```[ ]*([Pp]ython)?[ ]*\n(.*?)^[ ]*```[ ]*$", re.DOTALL | re.MULTILINE)
PATH_LINE = re.compile(r"path = 'D:\\\\[^']*'")


def manual() -> str:
    spec = importlib.util.find_spec("xtquant")
    assert spec is not None
    assert spec.submodule_search_locations
    folder = Path(next(iter(spec.submodule_search_locations)))
    return (folder / "doc" / "xttrader.md").read_text(encoding="utf-8")


def blocks() -> list[str]:
    return [textwrap.dedent(match[2]) for match in FENCE.finditer(manual()) if match[1]]


def sample_program() -> str:
    (found,) = [each for each in blocks() if '__name__ == "__main__"' in each]
    return found


def old_sample_program() -> str:
    """老手册（v1.0）的写法。"""
    text = sample_program().replace(
        "from xtquant.xttype import StockAccount", "from xtquant.xtquant import StockAccount"
    )
    start, end = text.index("    def on_account_status"), text.index("if __name__")
    return text[:start] + "\n" + text[end:]


def placed(text: str, folder: Path) -> str:
    """只换路径和账号。"""
    changed, count = PATH_LINE.subn(lambda _: f"path = {str(folder)!r}", text)
    assert count == 1
    return changed.replace("1000000365", ACCOUNT)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[object]:
    """跑一个示例，收到指定的一行就停（示例以 run_forever 结尾，永远不会自己退出）。"""
    processes: list[subprocess.Popen[str]] = []

    def start(text: str, last: str) -> list[str]:
        script = tmp_path / "厂商 示例.py"
        script.write_text(text, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-u", "-m", "easytrader", "sim", "run", str(script)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8",
            cwd=ROOT, env={**os.environ, "PYTHONIOENCODING": "utf-8"},
        )  # fmt: skip
        processes.append(process)
        assert process.stdout is not None
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            if last in line:
                return lines
        raise AssertionError("示例提前结束：\n" + "\n".join(lines))

    yield start
    for process in processes:
        process.kill()
        process.wait(30)
        assert process.stdout is not None
        process.stdout.close()


def check(lines: list[str]) -> None:
    text = "\n".join(lines)
    assert "Traceback" not in text
    assert lines[:3] == ["demo test", "0", "0"], "connect 与 subscribe 都返回 0"
    assert len(set(re.findall(r"10821304\d\d", text))) == 2, "有委托编号"
    assert "cash " in text
    assert "orders: 2" in text
    assert "last order:" in text
    assert "600000.SH 200 10.5" in text


@pytest.mark.parametrize(
    "program", [sample_program, old_sample_program], ids=["现在的手册", "老手册"]
)
def test_sample_program_on_the_embedded_counter(program, run, sim_folder: Path) -> None:  # type: ignore[no-untyped-def]
    check(run(placed(program(), sim_folder), "query position:"))


def test_sample_program_on_a_served_folder(run, served: SimProcess) -> None:  # type: ignore[no-untyped-def]
    check(run(placed(sample_program(), served.folder), "query position:"))


def test_every_runnable_snippet_of_the_manual(run, sim_folder: Path) -> None:  # type: ignore[no-untyped-def]
    """手册里逐个接口的示例，连成一个程序跑完。"""
    snippets = []
    for each in blocks():
        if "xt_trader." not in each or "__main__" in each or "……" in each:
            continue
        if "xt_trader.stop()" in each or "run_forever" in each or "register_callback" in each:
            continue
        try:
            compile(each, "snippet", "exec")
        except SyntaxError:
            continue
        snippets.append(each)
    assert len(snippets) >= 15
    body = "\n".join(snippets)
    text = f"""
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
from xtquant.xttype import StockAccount
from xtquant import xtconstant
xt_trader = XtQuantTrader({str(sim_folder)!r}, 123456)
xt_trader.register_callback(XtQuantTraderCallback())
account = acc = StockAccount({ACCOUNT!r})
callback = print
xt_trader.start(); print(xt_trader.connect(), xt_trader.subscribe(account))
xt_trader.start = xt_trader.connect = lambda: 0
SNIPPETS = {snippets!r}
for number, snippet in enumerate(SNIPPETS, 1):
    try:
        exec(snippet, globals())
    except Exception as exc:
        print("FAILED", number, type(exc).__name__, exc, "IN", snippet.splitlines())
print("ALL DONE")
""".replace("1000000365", ACCOUNT)
    lines = run(text, "ALL DONE")
    assert lines[0] == "0 0"
    unexpected = [
        line
        for line in lines
        # 手册自己的笔误：定义 algoParam，传的是 algo_param
        if line.startswith("FAILED") and "暂不支持" not in line and "algo_param" not in line
    ]
    assert unexpected == [], body


SPAWNED = """
import multiprocessing, sys
from xtquant.xttrader import XtQuantTrader
from xtquant.xttype import StockAccount

def ask(path, account, session):
    import threading
    box = []
    def work():
        trader = XtQuantTrader(path, session)
        trader.start()
        box.append((trader.connect(), trader.query_stock_asset(StockAccount(account)).account_id))
        trader.stop()
    thread = threading.Thread(target=work); thread.start(); thread.join()
    return box[0]

if __name__ == "__main__":
    context = multiprocessing.get_context(sys.argv[3])
    with context.Pool(1) as pool:
        print("CHILD", pool.apply(ask, (sys.argv[1], sys.argv[2], 11)), flush=True)
    print("ARGV", sys.argv[4:], flush=True)
"""


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_children_of_a_script_are_simulated_too(
    method: str, served: SimProcess, tmp_path: Path
) -> None:
    """spawn 是 Windows、macOS 的默认：子进程重新导入脚本，也要接得上。"""
    import multiprocessing

    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"本平台没有 {method}")
    script = tmp_path / "多进程.py"
    script.write_text(SPAWNED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "easytrader", "sim", "run", str(script), str(served.folder),
         ACCOUNT, method, "--", "--n", "3"],
        capture_output=True, text=True, encoding="utf-8", cwd=ROOT, timeout=60, check=False,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert f"CHILD (0, '{ACCOUNT}')" in done.stdout
    assert "ARGV ['--', '--n', '3']" in done.stdout
