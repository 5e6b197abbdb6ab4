"""下到一半被杀掉，重启之后用同一个 id 再下：还是一笔。真的子进程，真的 ccxt。"""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("ccxt")

from crypto_desk import connect, use
from exchange_server import Exchange, Fault

from easytrader.testing.broker import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    one = Exchange()
    yield one
    one.stop()


def kill_and_come_back(exchange: Exchange, name: str, fault: str, *, said: bool = False) -> None:
    if fault:
        exchange.faults.append(Fault("submit", fault))
    child = subprocess.Popen(
        [sys.executable, str(HERE / "crypto_child.py"), exchange.url, name],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        encoding="utf-8",
    )  # fmt: skip
    with child:
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            assert child.stdout.readline()
            if fault != "before":
                child.stdin.write("go\n")
                child.stdin.flush()
                if said:
                    assert child.stdout.readline().strip() == "70001"
                eventually(lambda: exchange.submits() == 1)
        finally:
            child.kill()
    exchange.faults.clear()
    with use(name, exchange) as user:
        connect(user)
        number = user.buy("BTC/USDT", 9.5, Decimal("0.5"), client_order_id="grid-7")["entrust_no"]
        assert number == user.buy("BTC/USDT", 9.5, Decimal("0.5"), client_order_id="grid-7")[
            "entrust_no"
        ]  # fmt: skip
    eventually(lambda: fault != "late" or exchange.late == 1)
    assert [each["id"] for each in exchange.book.orders.values()] == [number]


@pytest.mark.counters
def test_killed_while_the_exchange_is_silent(exchange: Exchange) -> None:
    kill_and_come_back(exchange, "okx", "hang")


@pytest.mark.chaos
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["okx", "htx"])
@pytest.mark.parametrize("fault", ["before", "hang_before", "hang", "late", "drip", ""])
def test_killed_at_every_point(exchange: Exchange, name: str, fault: str) -> None:
    kill_and_come_back(exchange, name, fault, said=not fault)
