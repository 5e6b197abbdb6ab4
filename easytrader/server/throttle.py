"""错的令牌答得慢：一个地址错得越多，下一次「不对」等得越久才答。

只有答「不对」的才等：有效的令牌从不排队、从不锁住，别人在同一个地址上错一千次也一样。
256 位的令牌本来就猜不出来，这里要挡的是占着服务器猛试、把日志刷满的。
"""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import OrderedDict
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from easytrader.server.origins import plain_address

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["Throttle", "network_of"]

_FREE: Final = 5
"""手滑几次不等。"""
_FIRST_S: Final = 0.1
_MOST_S: Final = 5.0
_FORGET_S: Final = 600.0
_MOST_KNOWN: Final = 10_000


class Throttle:
    """见模块说明。线程安全；只记最近错过的一万个地方。

    Args:
        clock: 单调时钟，秒。
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        # 哪里 → (错了几次, 最近一次)，最近的在后
        self._known: OrderedDict[str, tuple[int, float]] = OrderedDict()

    def failed(self, address: str) -> float:
        """又错了一次；答「不对」之前该等几秒（等的时候不要占着线程）。"""
        place, now = network_of(address), self._clock()
        with self._lock:
            times, last = self._known.pop(place, (0, now))
            if now - last >= _FORGET_S:
                times = 0
            times += 1
            self._known[place] = (times, now)
            if len(self._known) > _MOST_KNOWN:
                self._known.popitem(last=False)
        over = times - _FREE
        return 0.0 if over <= 0 else min(_MOST_S, _FIRST_S * 2.0 ** min(over - 1, 16))

    def times(self, address: str) -> int:
        """这个地方最近错了几次；日志只在第一次与整百次写一行。"""
        with self._lock:
            return self._known.get(network_of(address), (0, 0.0))[0]

    def __len__(self) -> int:
        return len(self._known)


@lru_cache(maxsize=4096)
def network_of(address: str) -> str:
    """算作一个地方：IPv4 的一个地址，IPv6 的前 64 位（后面的一台机器想有多少有多少）。"""
    plain = plain_address(address)
    if ":" not in plain:
        return plain or address
    return str(ipaddress.ip_network((plain, 64), strict=False))
