"""``install()``：新开的解释器里试，导入 xtquant 不联网、不打印、不碰全局。"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def run(script, *args, path=(), expect=0):
    """在干净的解释器里执行；警告即错误，任何联网都当场失败。"""
    guard = """
        import socket, sys, warnings
        warnings.filterwarnings("ignore", ".*utcfromtimestamp", DeprecationWarning, "xtquant")
        def refuse(*a, **k):
            print("NETWORK", a, file=sys.stderr); raise SystemExit(9)
        socket.socket.connect = socket.getaddrinfo = refuse
    """
    code = textwrap.dedent(guard) + textwrap.dedent(script)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *args],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([*map(str, path), str(ROOT)]),
             "PYTHONIOENCODING": "utf-8"},
        encoding="utf-8", cwd=Path(sys.prefix),
    )  # fmt: skip
    assert done.returncode == expect, done.stderr
    return done


def test_the_vendor_module_imports_quietly():
    done = run("""
        from easytrader.sim.install import install
        install(); install()
        assert "xtquant" not in sys.modules
        assert "easytrader.sim.native" not in sys.modules
        from xtquant import xttrader, xttype, xtconstant
        import xtquant
        assert "requests" not in sys.modules and "pkg_resources" not in sys.modules
        assert xtquant.check_for_update is not None
        assert type(xttrader._XTQC_.XtOrder()).__module__ == "xtquant.xtpythonclient"
        assert "XtOrder" in dir(xttrader._XTQC_)
        import builtins
        assert xtquant.__dict__["__builtins__"] is vars(builtins)
        ours = [type(f).__module__ == "easytrader.sim.install" for f in sys.meta_path]
        assert sum(ours) == 1
        import inspect, importlib.util
        assert "check_for_update" in inspect.getsource(xtquant)
        assert importlib.util.find_spec("xtquant").submodule_search_locations
        import importlib.resources
        assert importlib.resources.files("xtquant").joinpath("xttrader.py").is_file()
    """)
    assert done.stdout == ""
    assert done.stderr == ""


def test_other_modules_may_still_import_what_xtquant_may_not(tmp_path):
    (tmp_path / "requests.py").write_text("VALUE = 1\n", encoding="utf-8")
    run(
        """
        from easytrader.sim.install import install
        install()
        import xtquant
        assert "requests" not in sys.modules
        import requests
        assert requests.VALUE == 1
        """,
        path=[tmp_path],
    )


def test_it_works_after_a_failed_import():
    run("""
        sys.modules["requests"] = None  # 让第一次导入不联网
        try:
            from xtquant import xttrader
        except ImportError:
            pass
        else:
            raise SystemExit("这台机器上有真的原生模块")
        from easytrader.sim.install import install
        install()
        from xtquant import xttrader
        assert xttrader._XTQC_.XtQuantAsyncClient.__module__ == "easytrader.sim.native.client"
    """)


def test_threads_import_it_once():
    run("""
        import threading
        from easytrader.sim.install import install
        got = []
        def go():
            install()
            from xtquant import xttrader
            got.append(xttrader._XTQC_)
        threads = [threading.Thread(target=go) for _ in range(8)]
        [t.start() for t in threads]; [t.join() for t in threads]
        assert len(got) == 8 and len(set(map(id, got))) == 1
    """)


@pytest.fixture
def windows_like(tmp_path):
    """一个带「真的」原生模块的 xtquant。"""
    package = tmp_path / "lib" / "xtquant"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("", encoding="utf-8")
    (package / "xttrader.py").write_text(
        "from . import xtpythonclient as _XTQC_\n", encoding="utf-8"
    )
    (package / "xtpythonclient.py").write_text(
        textwrap.dedent("""
            class OrderStockReq:
                m_nAccountType = 2
                m_strAccountID = m_strAccountID1 = "10001"
                m_strStockCode = m_strStockCode1 = "600036.SH"
                m_nOrderType, m_nOrderVolume, m_nPriceType, m_dPrice = 23, 100, 11, 10.5
                m_strStrategyName = m_strOrderRemark = m_strOrderRemarkNew = ""
            class XtQuantAsyncClient:
                def __init__(self, path, name, session):
                    self.args = path, name, session
            only_real = 1
        """),
        encoding="utf-8",
    )
    return package.parent


CHOOSES = """
    native = sys.modules["xtquant.xtpythonclient"]
    from xtquant import xttrader
    assert xttrader._XTQC_ is native
    assert native.only_real == 1
    assert native.OrderStockReq.__module__ == "xtquant.xtpythonclient"
    real = native.XtQuantAsyncClient("C:/x".encode("gb18030"), "xtquant", 5)
    assert real.args == (b"C:/x", "xtquant", 5)
    ours = native.XtQuantAsyncClient(sys.argv[1].encode("gb18030"), "xtquant", 5)
    assert type(ours).__module__ == "easytrader.sim.native.client"
    import threading
    got, done = [], threading.Event()
    ours.bindOnOrderStockRespCallback(lambda seq, resp: (got.append((seq, resp)), done.set()))
    ours.start()
    assert ours.orderStockWithSeq(4, native.OrderStockReq()) == 4
    assert done.wait(5)
    assert got[0][0] == 4 and got[0][1].order_id == -1
    ours.stop()
"""


def test_the_real_client_serves_other_paths(windows_like, folder):
    run(
        "from easytrader.sim.install import install\ninstall()\n"
        "import xtquant.xttrader\n" + textwrap.dedent(CHOOSES),
        folder,
        path=[windows_like],
    )


def test_a_real_client_already_imported_is_wrapped_too(windows_like, folder):
    run(
        "import xtquant.xttrader\n"
        "from easytrader.sim.install import install\ninstall(); install()\n"
        + textwrap.dedent(CHOOSES),
        folder,
        path=[windows_like],
    )


def test_a_real_module_that_does_not_load_falls_back(windows_like, folder):
    (windows_like / "xtquant" / "xtpythonclient.py").write_text(
        "raise ImportError('DLL load failed')\n", encoding="utf-8"
    )
    done = run(
        """
        from easytrader.sim.install import install
        install()
        from xtquant import xttrader
        assert xttrader._XTQC_.XtOrder().order_id == 0
        """,
        path=[windows_like],
    )
    assert "DLL load failed" in done.stderr
