"""VeighNa 的 MT5 接口（已发布的 vnpy_mt5）：委托事件打不死它，没有应答有期限；对面是假的 EA。"""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy_mt5")

sys.path.append(str(Path(__file__).resolve().parents[1] / "overseas"))

from fake_ea import FakeEa

import easytrader
from easytrader import errors
from easytrader.testing import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


@pytest.fixture
def ea() -> Iterator[FakeEa]:
    yield (one := FakeEa({"EURUSD": 1.1}))
    one.close()


def opened(ea: FakeEa, **options: Any) -> Any:
    user: Any = easytrader.use("vnpy", gateway="MT5")
    given = {
        "Server Host": "127.0.0.1", "REQ Port": str(ea.req_port), "SUB Port": str(ea.sub_port),
        "timeout": 1.0, "login_timeout": 4.0, "settle": 0.2, "reconnect_interval": 0.05,
    }  # fmt: skip
    try:
        user.connect(**{**given, **options})
    except BaseException:
        user.close()
        raise
    return user


def test_orders_reach_the_end(ea: FakeEa) -> None:
    ea.place_by_hand("EURUSD", 1.0, 0.5)  # 连上的时候已经有挂单：原来的 connect() 抛异常
    with opened(ea) as user:
        number = user.buy("EURUSD", 1.0, 0.1)["entrust_no"]
        assert user.cancel_entrust(number)["success"]
        filled = user.buy("EURUSD", 1.2, 0.1)["entrust_no"]
        market = user.market_buy("EURUSD", 0.1)["entrust_no"]
        eventually(lambda: {each["order_id"] for each in user.today_trades} >= {filled, market})
        eventually(lambda: [float(each["volume"]) for each in user.position] == [0.2])
        assert all(isinstance(each["traded_id"], str) for each in user.today_trades)
        assert len(ea.everything) == 4


def test_lost_answer_is_unknown_and_it_comes_back(ea: FakeEa) -> None:
    with opened(ea) as user:
        ea.faults.add("lose-submit")
        with pytest.raises(errors.OutcomeUnknownError):
            user.buy("EURUSD", 1.0, 0.2)
        eventually(lambda: len(ea.requests) >= 5)  # 断了重连，重新查过
        eventually(lambda: user.state == "已连接")
        assert user.buy("EURUSD", 1.0, 0.3)["entrust_no"] != -1
        assert [each["order_volume_initial"] for each in ea.everything] == [0.2, 0.3]


def test_rubbish_pushed_does_not_kill_the_receiver(ea: FakeEa) -> None:
    with opened(ea) as user:
        for each in (b"junk", b"[]", b'{"type": "order", "data": {"order": 5, "trans_type": 1}}'):
            ea.push(each)
        assert user.buy("EURUSD", 1.0, 0.1)["entrust_no"] != -1


@pytest.mark.parametrize("is_dumb", [False, True])
def test_closed_and_dumb_ports_are_bounded(ea: FakeEa, is_dumb: bool) -> None:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        if is_dumb:
            listening.listen()
        began = time.monotonic()
        port = str(listening.getsockname()[1])
        with pytest.raises(errors.ConnectFailedError, match="EA"):
            opened(ea, timeout=0.3, login_timeout=1.0, **{"REQ Port": port})
        assert time.monotonic() - began < 60
    eventually(lambda: not [each for each in threading.enumerate() if "(run)" in each.name])
