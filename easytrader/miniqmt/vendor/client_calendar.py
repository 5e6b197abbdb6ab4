"""内置的交易日历快到头时，问连着的客户端要它自己的（``xtdata.get_trading_calendar``）。

厂商的接口没有期限，要下载节假日，行情服务没有起来会一直等：放在旁边的线程上，到期丢下它；
问不到只是没有，不影响连接。
"""

from __future__ import annotations

import threading
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import waits
from easytrader.basics.beijing import beijing_now
from easytrader.basics.threads import call_aside
from easytrader.market import calendar
from easytrader.market.notice import warn_if_ending

if TYPE_CHECKING:
    from easytrader.basics.log import Log
    from easytrader.miniqmt.vendor.loader import Vendor

_LIMIT_S: Final = 20.0
_THREAD: Final = "easytrader-calendar"
_lock: Final = threading.Lock()
_asked_on: date | None = None
_asking: threading.Thread | None = None


def ask_soon(vendor_trader: Any, vendor: Vendor, log: Log) -> threading.Thread | None:
    """连上之后调用：日历还够用，或连的是模拟的客户端，什么都不做；不等结果，不抛异常。

    一天问一次。问到了记进 `calendar`；问不到，或问到了还是快到头，记一条 WARNING。

    Returns:
        在旁边问的线程；不必问为 None。
    """
    global _asked_on, _asking
    today = beijing_now().date()
    native = getattr(vendor_trader, "async_client", None)
    if callable(getattr(native, "last_price", None)) or calendar.ending(today) is None:
        return None
    with _lock:
        if _asked_on == today:
            return None
        _asked_on = today
    thread = threading.Thread(target=_ask, args=(vendor, log, today), name=_THREAD, daemon=True)
    try:
        thread.start()
    except RuntimeError:  # 系统开不出新线程
        return None
    _asking = thread
    return thread


def wait_answer(limit_s: float = _LIMIT_S + 1) -> None:
    """在旁边问的，等它问完；没有在问的马上回来。"""
    thread = _asking
    if thread is not None:
        waits.join(thread, limit_s)


def _ask(vendor: Vendor, log: Log, today: date) -> None:
    known = calendar.coverage()
    if known is not None:
        first = known[1] + timedelta(days=1)
        try:
            days = call_aside(lambda: _days(vendor, first), _LIMIT_S, name=_THREAD)
            if days and calendar.learn(first, date(days[-1].year, 12, 31), days):
                log.info("交易日历：{} 以后的照客户端说的，到 {} 年底", first, days[-1].year)
        except Exception as exc:  # noqa: BLE001  边界：问不到只是没有
            log.debug("客户端没有给交易日历：{!r}", exc)
    warn_if_ending(today)


def _days(vendor: Vendor, first: date) -> list[date]:
    """``first`` 以后的交易日，到客户端知道的那一年为止。"""
    if vendor.quotes_are_simulated():
        return []
    told = vendor.trading_calendar()("SH", f"{first:%Y%m%d}", "")
    return sorted(datetime.strptime(str(each), "%Y%m%d").date() for each in told)  # noqa: DTZ007
