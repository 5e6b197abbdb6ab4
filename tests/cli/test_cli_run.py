from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest
from cli_helpers import ACCOUNT, DEADLINE_S, easytrader, environment

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, source: str, name: str = "策略 1.py") -> Path:
    script = tmp_path / name
    script.write_text(textwrap.dedent(source), encoding="utf-8")
    return script


@pytest.mark.parametrize(
    ("ending", "code", "stderr"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(0)", 0, ""),
        ("sys.exit(7)", 7, ""),
        ("sys.exit(True)", 1, ""),
        ("sys.exit('出错了')", 1, "出错了"),
        ("raise SystemExit(5)", 5, ""),
        ("import os; os._exit(9)", 9, ""),
        ("raise KeyboardInterrupt", 130, "KeyboardInterrupt"),
    ],
)
def test_exit_codes_are_the_scripts_own(
    tmp_path: Path, ending: str, code: int, stderr: str
) -> None:
    done = easytrader("sim", "run", write(tmp_path, f"import sys\n{ending}\n"))
    assert done.returncode == code
    assert stderr in done.stderr
    if not stderr:
        assert done.stderr == ""


PROBE = """
import __main__, os, sys, helper
def here(): pass
print(__name__, __main__.__file__ == __file__ == os.path.abspath(sys.argv[0]))
print(sys.argv[1:])
print(sys.path[0], helper.NAME)
print(__main__.here is here, __package__, __spec__, __doc__)
print(sorted(k for k in globals() if k.startswith("__")))
"""


def test_the_script_sees_what_python_would_show_it(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("NAME = '旁边的模块'", encoding="utf-8")
    script = write(tmp_path, PROBE)
    arguments = ["--debug", "-h", "--", "x y", "中文"]
    ours = easytrader("sim", "run", script, *arguments)
    theirs = subprocess.run(
        [sys.executable, str(script), *arguments],
        capture_output=True,
        encoding="utf-8",
        env=environment(),
        timeout=DEADLINE_S,
        check=False,
    )
    assert ours.stderr == theirs.stderr == ""
    assert ours.stdout == theirs.stdout


def test_an_uncaught_error_shows_the_scripts_own_traceback_only(tmp_path: Path) -> None:
    script = write(tmp_path, "def f():\n    raise ValueError('坏了')\nf()\n")
    done = easytrader("sim", "run", script)
    assert done.returncode == 1
    assert "ValueError: 坏了" in done.stderr
    assert done.stderr.count("File ") == 2
    assert "run_script" not in done.stderr
    script = write(tmp_path, "x = (\n")
    done = easytrader("sim", "run", script)
    assert done.returncode == 1
    assert "SyntaxError" in done.stderr
    assert "run_script" not in done.stderr


def test_no_such_script_and_no_script_at_all(tmp_path: Path) -> None:
    done = easytrader("sim", "run", tmp_path / "没有.py")
    assert done.returncode == 2
    assert "没有这个文件" in done.stderr
    assert easytrader("sim", "run").returncode == 2
    assert easytrader("sim", "run", tmp_path).returncode == 2


def test_threads_the_script_leaves_behind_finish_first(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import __main__, sys, threading
        WORD = "线程做完了"
        def work():
            threading.Event().wait(0.3)
            print(__main__.WORD)
        threading.Thread(target=work).start()
        sys.exit(4)
        """,
    )
    done = easytrader("sim", "run", script)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (4, "线程做完了", "")


def test_source_encoding_cookie(tmp_path: Path) -> None:
    script = tmp_path / "gbk.py"
    script.write_bytes("# -*- coding: gbk -*-\nprint('国金')\n".encode("gbk"))
    assert easytrader("sim", "run", script).stdout == "国金\n"


TRADE = """
import sys, threading
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
from xtquant.xttype import StockAccount
from xtquant import xtconstant

class Callback(XtQuantTraderCallback):
    def on_stock_order(self, order):
        seen.set()

seen = threading.Event()
path, account_id = sys.argv[1:]
trader = XtQuantTrader(path, 123456)
trader.register_callback(Callback())
trader.start()
assert trader.connect() == 0, "connect"
account = StockAccount(account_id)
assert trader.subscribe(account) == 0, "subscribe"
order_id = trader.order_stock(
    account, "600036.SH", xtconstant.STOCK_BUY, 100, xtconstant.LATEST_PRICE, 0, "策略", "备注"
)
assert order_id > 0, order_id
assert seen.wait(30)
print(len(trader.query_stock_orders(account)))
{ending}
"""


@pytest.mark.parametrize("ending", ["trader.stop()", "sys.exit(0)"])
def test_a_vendor_script_trades_and_its_folder_remembers(folder: Path, ending: str) -> None:
    pytest.importorskip("xtquant")
    script = write(folder.parent, TRADE.replace("{ending}", ending))
    for orders in ("1", "2"):
        done = easytrader("sim", "run", script, folder, ACCOUNT)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.strip() == orders
    assert not (folder / "service.json").exists()
