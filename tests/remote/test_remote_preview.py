"""隔着服务器先看一笔委托：什么都不发出，两头都是。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from remote_brokers import RemoteMemory

from easytrader.errors import UsageError
from easytrader.server.preview import can_preview, preview

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORDER = {"security": "BTC/USDT", "price": Decimal("50.5"), "amount": 2}


class _Open:
    def look(self, request: Any, view: Any, /) -> list[Any]:
        return []


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[RemoteMemory]:
    one = RemoteMemory(tmp_path / "server")
    yield one
    one.close()


def test_the_server_looks_and_nothing_is_sent(broker: RemoteMemory) -> None:
    with broker.trader() as user:
        broker.connect(user)
        told = user.server.preview("buy", ORDER)
        assert (told["ok"], told["stock_code"], told["value"]) == (True, "BTC/USDT", 101)
        wrong = user.server.preview("buy", {**ORDER, "amount": -1})
        assert not wrong["ok"]
        assert wrong["problems"][0]["rule"] == "amount"
    assert broker.inner.today_entrusts == []


def test_a_verb_that_cannot_be_stopped_is_not_looked_at(broker: RemoteMemory) -> None:
    """远程的动词一调就到了服务器上：本机的先看停不住它，所以不做。"""
    assert can_preview(broker.inner, "buy")
    with broker.trader() as user:
        broker.connect(user)
        assert not can_preview(user, "buy")
        with pytest.raises(UsageError, match="RemoteTrader 自己写了它，先看不了"):
            preview(user, "buy", dict(ORDER), _Open())
    assert broker.inner.today_entrusts == []


def test_a_dry_run_asks_the_guard_over_there(broker: RemoteMemory) -> None:
    """试算问的是那台机器上的风控，什么都不发。"""
    broker.inner.guard = {"max_order_value": 60}
    with broker.trader() as user:
        broker.connect(user)
        assert "max_order_value" in user._refusal("buy", dict(ORDER))
        assert user._refusal("buy", {**ORDER, "amount": 1}) == ""
    assert broker.inner.today_entrusts == []
