"""``sim run``：子进程也接上；``-m``；客户端被杀掉之后死透了。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from cli_helpers import easytrader, environment
from test_cli_run import write

from easytrader.sim.config.folder import create
from easytrader.sim.host import hub
from easytrader.sim.host.links import UnreachableError

if TYPE_CHECKING:
    from pathlib import Path

CONNECT = """
import sys
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
trader = XtQuantTrader(sys.argv[1], int(sys.argv[2]), XtQuantTraderCallback())
trader.start()
print(sys.argv[3], trader.connect(), flush=True)
trader.stop()
"""


def test_python_children_are_simulated_and_their_children(tmp_path: Path, folder: Path) -> None:
    pytest.importorskip("xtquant")
    child = write(tmp_path, CONNECT, "child.py")
    middle = write(
        tmp_path,
        """
        import subprocess, sys
        sys.exit(subprocess.run([sys.executable, *sys.argv[1:]]).returncode)
        """,
        "middle.py",
    )
    script = write(
        tmp_path,
        """
        import subprocess, sys
        middle, child, folder = sys.argv[1:]
        subprocess.run([sys.executable, child, folder, "1", "child"], check=True)
        subprocess.run([sys.executable, middle, child, folder, "2", "grandchild"], check=True)
        """,
    )
    done = easytrader("sim", "run", script, middle, child, folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["child", "0", "grandchild", "0"]


def test_children_see_what_python_would_show_them(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "sitecustomize.py").write_text("print('自己的')", encoding="utf-8")
    script = write(
        tmp_path,
        """
        import subprocess, sys
        code = "import sys; print([p for p in sys.path if 'startup' in p])"
        subprocess.run([sys.executable, "-c", code], check=True)
        """,
    )
    paths = environment()["PYTHONPATH"] + os.pathsep + str(tmp_path / "own")
    done = easytrader("sim", "run", script, env=environment(PYTHONPATH=paths))
    assert done.stdout.split() == ["自己的", "自己的", "[]"], "原有的 sitecustomize 照样执行"
    assert done.returncode == 0


def test_a_child_without_easytrader_is_left_alone(tmp_path: Path) -> None:
    script = write(
        tmp_path,
        """
        import os, subprocess, sys
        startup = os.environ["PYTHONPATH"].split(os.pathsep)[0]
        code = "import sys; sys.modules['easytrader'] = None; print(1)"
        env = {**os.environ, "PYTHONPATH": startup}
        print(subprocess.run([sys.executable, "-S", "-c", "print(2)"], env=env).returncode)
        """,
    )
    done = easytrader("sim", "run", script)
    assert done.stdout.split() == ["2", "0"]


PACKAGE = """
import sys, os, __main__
from strategies import NAME
print(__name__, __package__, __spec__.name, NAME, sys.argv[1:], sys.path[0] == os.getcwd())
print(os.path.basename(sys.argv[0]), __main__.__file__ == sys.argv[0])
"""


def test_a_package_runs_like_python_m(tmp_path: Path) -> None:
    package = tmp_path / "strategies"
    package.mkdir()
    (package / "__init__.py").write_text("NAME = '包'", encoding="utf-8")
    (package / "__main__.py").write_text(PACKAGE, encoding="utf-8")
    (package / "daily.py").write_text(PACKAGE, encoding="utf-8")
    arguments = ["--flag", "-m", "--", "x y"]
    for name, spec in (("strategies", "strategies.__main__"), ("strategies.daily",) * 2):
        done = easytrader("sim", "run", "-m", name, *arguments, cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.split("\n")[0] == f"__main__ strategies {spec} 包 {arguments} True"
        assert done.stdout.split("\n")[1].endswith("True")


def test_a_script_keeps_its_own_m(tmp_path: Path) -> None:
    script = write(tmp_path, "import sys; print(sys.argv[1:])")
    done = easytrader("sim", "run", script, "-m", "x")
    assert done.stdout.strip() == "['-m', 'x']"


def test_a_module_that_fails(tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("def f():\n    1 / 0\nf()\n", encoding="utf-8")
    done = easytrader("sim", "run", "-m", "broken", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("File ") == 2
    assert "runpy" not in done.stderr
    done = easytrader("sim", "run", "-m", "no_such_module", cwd=tmp_path)
    assert done.returncode == 1
    assert "No module named no_such_module" in done.stderr
    done = easytrader("sim", "run", "-m")
    assert done.returncode == 2


def test_a_killed_client_stays_dead(tmp_path: Path, folder: Path) -> None:
    pytest.importorskip("xtquant")
    child = write(tmp_path, CONNECT, "child.py")
    script = write(
        tmp_path,
        """
        import subprocess, sys
        from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
        child, folder, other = sys.argv[1:]
        client = subprocess.Popen(
            [sys.executable, "-m", "easytrader", "sim", "serve", folder],
            stdout=subprocess.PIPE, text=True, encoding="utf-8",
        )
        client.stdout.readline()
        def connect(session):
            trader = XtQuantTrader(folder, session, XtQuantTraderCallback())
            trader.start()
            result = trader.connect()
            trader.stop()
            return result
        print(connect(1))
        client.kill()
        client.wait()
        client.stdout.close()
        print(connect(2))
        subprocess.run([sys.executable, child, folder, "3", "child"], check=True)
        # 别的文件夹没有见过客户端，照样放在进程里
        subprocess.run([sys.executable, child, other, "4", "other"], check=True)
        """,
    )
    other = tmp_path / "other"
    create(other, [], connect_wait_s=0.3)
    done = easytrader("sim", "run", script, child, folder, other)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split() == ["0", "-1", "child", "-1", "other", "0"]


def test_what_a_child_saw_its_parent_knows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from easytrader.sim.install import RUN_VARIABLE

    notes = tmp_path / "notes.txt"
    notes.touch()
    monkeypatch.setenv(RUN_VARIABLE, str(notes))
    assert RUN_VARIABLE == hub._RUN
    seer, other = hub.Hub(), hub.Hub()
    entry = seer._entry(tmp_path)
    assert seer._may_embed(tmp_path, entry)
    seer._saw_served(tmp_path, entry)
    seer._saw_served(tmp_path, entry)
    assert not seer._may_embed(tmp_path, entry)
    assert not other._may_embed(tmp_path, other._entry(tmp_path))
    notes.unlink()
    assert not seer._may_embed(tmp_path, entry), "记事文件没有了，自己还记得"
    other.allow_embed(tmp_path)
    assert other._may_embed(tmp_path, other._entry(tmp_path)), "use('sim') 自己要的算数"
    monkeypatch.delenv(RUN_VARIABLE)
    with pytest.raises(UnreachableError):
        hub.Hub().open_link(tmp_path, 1, print, print)
