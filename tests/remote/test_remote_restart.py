"""服务器进程被杀、又起来：在途的一笔说得清，断着的时候的事各来一次。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from remote_serve import ServeProcess
from support import ACCOUNT, Recorder, eventually, make_folder

import easytrader
from easytrader.errors import NotConnectedError
from easytrader.server.tokens import Tokens
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServeProcess]:
    one = ServeProcess(make_folder(tmp_path / "userdata_mini"), tmp_path / "home")
    one.start()
    yield one
    one.kill()


@pytest.fixture
def user(server: ServeProcess, recorder: Recorder) -> Iterator[Any]:  # type: ignore[override]
    token = Tokens(server.home / "server" / "tokens.json").add("t", ["trade"])
    trader = easytrader.use("remote")
    trader.connect(
        f"http://127.0.0.1:{server.port}", recorder, token=token, account=ACCOUNT, timeout=20,
        reconnect_interval=0.2,
    )  # fmt: skip
    yield trader
    trader.close()


def test_killed_in_the_middle_of_an_order(
    server: ServeProcess, user: Any, recorder: Recorder
) -> None:
    price = round(user.quote("600000")["600000"]["bids"][0][0] - 0.3, 2)
    first = user.buy("600000", price, 100)["entrust_no"]
    Faults(server.folder).drop_answer("submit")
    results: list[Any] = []

    def buy() -> None:
        try:
            results.append(user.buy("600000", price, 200)["entrust_no"])
        except NotConnectedError as exc:
            results.append(exc)

    thread = threading.Thread(target=buy, name="buyer")
    thread.start()
    threading.Event().wait(0.5)
    server.kill()
    server.start()
    thread.join(30)
    eventually(lambda: user.state == "已连接")
    found = [each["order_id"] for each in user.today_entrusts]
    assert found == [first, *(each for each in results if isinstance(each, int))]
    assert len(results) == 1
    eventually(lambda: recorder.numbers() == found)
    last = user.buy("600000", price, 300)["entrust_no"]
    eventually(lambda: last in recorder.numbers())
    states = [(each.order_id, each.order_status) for each in recorder.of("order")]
    assert len(states) == len(set(states))
