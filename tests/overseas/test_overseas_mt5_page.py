"""文档「MetaTrader 5」里的例子照着跑得通。"""

from __future__ import annotations

from fake_ea import FakeEa
from page_script import script_of


def test_page_script_runs() -> None:
    ea = FakeEa({"EURUSD": 1.1})
    try:
        script = script_of("mt5").replace("6888", str(ea.req_port))
        script = script.replace("8666", str(ea.sub_port)).replace("localhost", "127.0.0.1")
        told: list[object] = []
        exec(script, {"print": told.append})
        assert told[-1] == "已撤"
    finally:
        ea.close()
