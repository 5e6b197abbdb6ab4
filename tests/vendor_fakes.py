"""模拟柜台不做的业务：在原生这一层替它回答，上面都是厂商的代码。"""

from __future__ import annotations

from typing import Any

from easytrader.sim.native.calls import CALLS
from easytrader.sim.native.structs import build


class Counter:
    """替一个原生请求回答；记下收到的请求。

    Args:
        user: 已经连上的 trader（柜台嵌着或另有进程都可以）。
        name: 原生名，如 ``queryIPOData``。
        payload: 柜台的应答（行、行的列表、JSON 文本），或「请求 → 应答」；None 为不回答。
    """

    def __init__(self, user: Any, name: str, payload: Any) -> None:
        self.requests: list[Any] = []
        self.payload = payload
        self._call = CALLS[name]
        self._client = user.trader.async_client

        def with_seq(seq: int, request: Any, *more: Any) -> int:
            self.requests.append((request, *more) if more else request)
            if self.payload is not None:
                found = self.payload(request) if callable(self.payload) else self.payload
                self._client._io.post(lambda: self.answer(seq, found))
            return seq

        with_seq.__name__ = f"{name}WithSeq"
        setattr(self._client, with_seq.__name__, with_seq)

    def answer(self, seq: int, payload: Any) -> None:
        self._client._respond(seq, self._call, self._call.answer(payload))


def push(user: Any, binder: str, struct: str, row: tuple[Any, ...]) -> None:
    """原生这一层推送一条。"""
    client = user.trader.async_client
    client._io.post(lambda: client._callbacks[binder](build(struct, row)))
