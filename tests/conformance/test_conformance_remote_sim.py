"""一致性测试：远程的交易口，``easytrader serve --broker sim`` 在另一个进程里。

手工跑：``pytest -m soak tests/conformance/test_conformance_remote_sim.py``。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import pytest
from bad_proxy import BadProxy
from remote_brokers import MANY
from remote_serve import ServeProcess
from sim_brokers import SimBroker
from support import ACCOUNT

import easytrader
from easytrader.server.tokens import Tokens
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.trader import Trader

pytestmark = pytest.mark.soak  # 一个测试起一个服务器进程，几分钟


class RemoteSim(SimBroker):
    """``easytrader serve --broker sim`` 的进程；断的是这里与服务器之间，应答丢在柜台。"""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.server = ServeProcess(self.folder, folder / "server home")
        self.token = Tokens(self.server.home / "server" / "tokens.json").add("suite", ["trade"])
        self.server.start()
        self.proxy = BadProxy(self.server.port)

    def trader(self) -> Trader:
        return easytrader.use("remote")

    def connect(self, trader: Any, callback: Any = None, **options: Any) -> None:
        given = {"timeout": 3, "reconnect_interval": 0.2, **options}
        where = f"http://127.0.0.1:{self.proxy.port}"
        trader.connect(where, callback, token=self.token, account=ACCOUNT, **given)

    def break_link(self) -> None:
        self.proxy.refuse(MANY)
        self.proxy.cut(rst=True)

    def restore_link(self) -> None:
        self.proxy.calm()

    def lose_answer(self, verb: Literal["submit", "cancel", "query"]) -> None:
        self.faults.drop_answer(verb)

    def close(self) -> None:
        self.proxy.close()
        self.server.kill()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RemoteSim]:
    one = RemoteSim(tmp_path)
    yield one
    one.close()
