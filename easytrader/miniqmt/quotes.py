"""最新价：模拟的客户端直接问柜台，真的客户端问厂商的行情接口 ``xtdata``。

行情接口没有期限，行情服务没有起来时会一直等，所以放到一次性的线程上，到期就丢下它。
"""

from __future__ import annotations

import math
import threading
import time
from numbers import Real
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from easytrader.miniqmt.loader import Vendor

__all__ = ["last_price"]

_MAX_ASKING: Final = 16
_free: Final = threading.BoundedSemaphore(_MAX_ASKING)
"""行情接口僵死时，丢下的线程最多这么多；再多就直接当作没有行情。"""


def last_price(
    vendor_trader: Any, stock_code: str, timeout_s: float, vendor: Vendor
) -> float | None:
    """一只证券的最新价，元；到期没有回答、没有行情、还没有成交都是 None。

    Args:
        vendor_trader: 厂商的 ``XtQuantTrader``；它的客户端自己会报价（模拟的）就问它。
        stock_code: 厂商写法，如 ``600036.SH``。
        timeout_s: 最多等多少秒。
        vendor: 厂商包。
    """
    own = getattr(getattr(vendor_trader, "async_client", None), "last_price", None)
    if callable(own):
        return _sane(own(stock_code, timeout_s))
    return _ask_aside(vendor, stock_code, timeout_s)


def _ask_aside(vendor: Vendor, stock_code: str, timeout_s: float) -> float | None:
    deadline = time.monotonic() + timeout_s
    if not _free.acquire(timeout=max(0.0, timeout_s)):
        return None
    answer: SimpleQueue[Any] = SimpleQueue()

    def ask() -> None:
        price: Any = None
        try:
            price = _tick_price(vendor.full_tick()([stock_code]), stock_code)
        except BaseException:  # noqa: BLE001, S110  边界：行情接口抛什么都只是「没有行情」
            pass
        finally:
            _free.release()
            answer.put(price)

    try:
        threading.Thread(target=ask, name="easytrader-quote", daemon=True).start()
    except RuntimeError:  # 系统开不出新线程
        _free.release()
        return None
    try:
        return _sane(answer.get(timeout=max(0.0, deadline - time.monotonic())))
    except Empty:
        return None


def _tick_price(ticks: Any, stock_code: str) -> Any:
    return ticks[stock_code]["lastPrice"]


def _sane(price: Any) -> float | None:
    """正的有限数；0、NaN、别的东西都不是价格。"""
    if isinstance(price, bool) or not isinstance(price, Real):
        return None
    number = float(price)
    return number if math.isfinite(number) and number > 0 else None
