"""替别人下单时另加的关口：服务器的令牌上限、停单开关、远程脚本自己的风控。

只管这一段里、本线程上发出的委托与撤单::

    with admission.through(gate):
        user.buy(...)

交易口自己的风控照样在：关口的 `Gate.admit` 在它之前，`Gate.last` 在一切之后、发出之前。
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

    from easytrader.backend.records import OrderRequest
    from easytrader.risk.rules import MarketView


class Gate(Protocol):
    """一道关口；不许的抛 `RiskRefusedError`，什么都没有发出。"""

    def admit(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """一笔校验过的委托；最晚到 ``deadline``（``time.monotonic``）。"""

    def last(self, request: OrderRequest | None) -> None:
        """就要发出了；``None`` 是撤单。"""


_here: Final[ContextVar[Gate | None]] = ContextVar("easytrader_gate", default=None)

current: Final = _here.get
"""此刻的关口；没有为 None。"""


@contextmanager
def through(gate: Gate) -> Iterator[None]:
    """这一段里的委托与撤单都要过它。"""
    token = _here.set(gate)
    try:
        yield
    finally:
        _here.reset(token)
