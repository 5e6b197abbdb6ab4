"""一致性测试：内存柜台，以及本事不同的几种。"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from easytrader import arguments
from easytrader.testing.memory import Counter, MemoryTrader
from easytrader.testing.memory_broker import MemoryBroker
from easytrader.testing.suite import *  # noqa: F403

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = MemoryTrader.capabilities


def trader_type(**capabilities: Any) -> type[MemoryTrader]:
    return type("Varied", (MemoryTrader,), {"capabilities": replace(USUAL, **capabilities)})


class Silent(Counter):
    def _tell(self, event: Any) -> None:
        """不推送。"""


class IntIds(Counter):
    id_type = int


class Polled(MemoryBroker):
    counter_type = Silent
    trader_type = trader_type(pushes=False, poll_s=0.05)


class Untagged(MemoryBroker):
    trader_type = trader_type(tag_in="none")


class Numbered(MemoryBroker):
    counter_type = IntIds
    trader_type = trader_type(id_type=int)


class Lots(MemoryBroker):
    """整数手，代码像期货。"""

    security, amount = "rb2501.SHFE", 2
    trader_type = trader_type(instruments=replace(USUAL.instruments, amount=arguments.amount))


class Floats(MemoryBroker):
    amount = 0.25


KINDS = (MemoryBroker, Polled, Untagged, Numbered, Lots, Floats)


@pytest.fixture(params=KINDS, ids=lambda kind: kind.__name__)
def broker(request: pytest.FixtureRequest) -> Iterator[MemoryBroker]:
    one: MemoryBroker = request.param()
    yield one
    one.close()
