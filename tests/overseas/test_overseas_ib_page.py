"""文档「盈透证券」里的例子照着跑得通。"""

from __future__ import annotations

import pytest

pytest.importorskip("ib_async")

from page_script import script_of
from tws_server import TwsServer

pytestmark = pytest.mark.counters


def test_page_script_runs() -> None:
    tws = TwsServer()
    try:
        told: list[object] = []
        exec(script_of("ib").replace("7497", str(tws.port)), {"print": told.append})
        assert told[-1] == "已撤"
    finally:
        tws.close()
