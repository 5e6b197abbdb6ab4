"""柜台说的是自己的事件：厂商的形状只在翻译里，换一个前端照样用。"""

from __future__ import annotations

import json
import socket
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from json_front import JsonFront

from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.exchange.clock import ManualClock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ACCOUNT = {"account_type": 2, "account_id": "880000001"}
ORDER = {"do": "submit", **ACCOUNT, "stock_code": "600036.SH", "order_volume": 100}
BUY = {**ORDER, "order_type": 23}
LIMIT, MARKET = 11, 44


class Client:
    """套接字另一头：发一个请求，收它的回执与事件。"""

    def __init__(self, address: tuple[str, int]) -> None:
        self._sock = socket.create_connection(address, timeout=10)
        self._lines = self._sock.makefile("rw", encoding="utf-8", newline="\n")

    def ask(self, **request: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        self._lines.write(json.dumps(request) + "\n")
        self._lines.flush()
        told: list[dict[str, Any]] = []
        while (line := self._lines.readline()) != "\n":
            told.append(json.loads(line))
        return told[0]["receipt"], told[1:]

    def close(self) -> None:
        self._lines.close()
        self._sock.close()


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT["account_id"])])
    front = JsonFront(folder, ManualClock(1795140000.0))
    with closing(front), closing(Client(front.address)) as made:
        yield made


def names(events: list[dict[str, Any]]) -> list[str]:
    return [event["event"] for event in events]


def test_a_marketable_order_is_accepted_then_filled(client: Client) -> None:
    receipt, events = client.ask(**BUY, price_type=MARKET, price=0)
    assert receipt["order_id"] > 0
    assert names(events) == ["Accepted", "Filled"]
    filled = events[1]
    assert filled["order"]["traded_volume"] == filled["trade"]["volume"] == 100
    assert isinstance(filled["trade"]["price_li"], int), "钱是整数厘，不是厂商的 float 元"


def test_a_resting_order_can_be_cancelled_once(client: Client) -> None:
    receipt, events = client.ask(**BUY, price_type=LIMIT, price=32.5)
    assert names(events) == ["Accepted"]
    cancel = {"do": "cancel", **ACCOUNT, "order_id": receipt["order_id"]}
    assert names(client.ask(**cancel)[1]) == ["CancelRequested", "Cancelled"]
    _, [refused] = client.ask(**cancel)
    assert refused["event"] == "CancelRefused"
    assert refused["reject"] == {"code": 251020, "text": "委托状态错误不能撤单", "detail": ""}


def test_a_refusal_carries_its_whole_reason(client: Client) -> None:
    _, [refused] = client.ask(**{**BUY, "order_volume": 1_000_000}, price_type=LIMIT, price=36.2)
    assert refused["event"] == "Refused"
    assert refused["reject"]["text"] == "可用资金不足"
    assert refused["order"]["reason"].startswith("[260200][可用资金不足][p_occur_balance=")


def test_what_the_counter_never_took_gets_a_reason_and_no_event(client: Client) -> None:
    receipt, events = client.ask(**{**BUY, "account_id": "没有"}, price_type=LIMIT, price=36.2)
    assert (receipt["order_id"], events) == (0, [])
    assert "不存在" in receipt["reason"]
