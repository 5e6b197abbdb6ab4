"""``install()``：新开的解释器里试，导入 xtquant 不联网、不打印、不碰全局。"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


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
    assert done.wait(30)
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


BROKEN = """
    native = sys.modules["xtquant.xtpythonclient"]
    from easytrader.errors import MissingDependencyError
    ours = native.XtQuantAsyncClient(sys.argv[1].encode("gb18030"), "xtquant", 5)
    assert type(ours).__module__ == "easytrader.sim.native.client"
    assert native.XtOrder().order_id == 0
    for _ in range(2):
        try:
            native.XtQuantAsyncClient("C:/x".encode("gb18030"), "xtquant", 5)
        except MissingDependencyError as exc:
            told = str(exc)
        else:
            raise SystemExit("替身顶替了真的客户端")
    print(told)
"""


@pytest.mark.parametrize("windows", [True, False])
def test_a_real_module_that_does_not_load_is_never_replaced(windows_like, folder, windows):
    """真的二进制加载不了：模拟文件夹照样能用，真的文件夹抛它的错误，说怎么办。"""
    (windows_like / "xtquant" / "xtpythonclient.py").write_text(
        "raise ImportError('DLL load failed')\n", encoding="utf-8"
    )
    version = "".join(map(str, sys.version_info[:2]))
    name = f"xtpythonclient.cp{version}-win_amd64.pyd"
    (windows_like / "xtquant" / name).write_text("", encoding="utf-8")
    done = run(
        f"from easytrader.sim import install\ninstall._WINDOWS = {windows}\ninstall.install()\n"
        "import xtquant.xttrader\n" + textwrap.dedent(BROKEN),
        folder,
        path=[windows_like],
    )
    assert "DLL load failed" in done.stdout
    assert ("vc_redist" in done.stdout) == windows
    assert ("Windows 机器" in done.stdout) != windows


def test_on_windows_a_wheel_without_this_python_says_which_it_has(windows_like, folder):
    package = windows_like / "xtquant"
    (package / "xtpythonclient.py").unlink()
    for version in ("cp36", "cp39"):
        name = f"xtpythonclient.{version}-win_amd64.pyd"
        (package / name).write_text("", encoding="utf-8")
    done = run(
        "from easytrader.sim import install\ninstall._WINDOWS = True\ninstall.install()\n"
        "import xtquant.xttrader\n" + textwrap.dedent(BROKEN),
        folder,
        path=[windows_like],
    )
    assert "3.6、3.9" in done.stdout
    assert "换一个这样的 64 位 Python" in done.stdout


def test_connecting_a_real_folder_says_why_the_binary_does_not_load(windows_like, tmp_path):
    """``use('miniqmt')`` 一路上都带着钩子：真的文件夹照样得到二进制自己的错误。"""
    (windows_like / "xtquant" / "xtpythonclient.py").write_text(
        "raise ImportError('DLL load failed')\n", encoding="utf-8"
    )
    (windows_like / "xtquant" / "xttrader.py").write_text(
        textwrap.dedent("""
            from . import xtpythonclient as _XTQC_
            class XtQuantTrader:
                def __init__(self, path, session, callback=None):
                    self.client = _XTQC_.XtQuantAsyncClient(path.encode("gb18030"), "xtquant", 1)
        """),
        encoding="utf-8",
    )
    (windows_like / "xtquant" / "xttype.py").write_text(
        "class StockAccount:\n    def __init__(self, *a): pass\n", encoding="utf-8"
    )
    (tmp_path / "userdata_mini").mkdir()
    done = run(
        """
        from loguru import logger
        logger.remove()
        import easytrader
        from easytrader.sim import install
        install._WINDOWS = True
        user = easytrader.use("miniqmt")
        try:
            user.connect(sys.argv[1], "1")
        except easytrader.MissingDependencyError as exc:
            print(exc)
        """,
        str(tmp_path / "userdata_mini"),
        path=[windows_like],
    )
    assert "DLL load failed" in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上 xtquant 用自己的二进制")
def test_importing_easytrader_is_enough_off_windows():
    done = run("""
        import easytrader
        assert "xtquant" not in sys.modules and "easytrader.sim.native" not in sys.modules
        assert "loguru" not in sys.modules
        from xtquant.xttrader import XtQuantTrader
        from xtquant.xtquant import StockAccount
        import xtquant.xtdata
        assert sum(type(f).__module__ == "easytrader.sim.install" for f in sys.meta_path) == 1
    """)
    assert done.stdout == done.stderr == ""
