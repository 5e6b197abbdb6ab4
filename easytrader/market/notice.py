"""日历快到头了：趁早说。（`calendar` 自己是纯计算，不写日志。）"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Final

from loguru import logger

from easytrader.market import calendar

if TYPE_CHECKING:
    from datetime import date

_lock: Final = threading.Lock()
_said: Final[set[tuple[date, bool, bool]]] = set()


def warn_if_ending(today: date, simulated: bool = False) -> None:
    """日历快到头、已经到头时各记一条 WARNING；同一个末日一个进程只说一次。"""
    last = calendar.ending(today)
    if last is None:
        return
    what = (last, today > last, simulated)
    with _lock:
        if what in _said:
            return
        _said.add(what)
    after = (
        "此后模拟盘把周一至周五都当作交易日，节假日也开市" if simulated else "此后不知道哪天开市"
    )
    logger.warning("交易日历只到 {}：{}；{}", last, after, calendar.remedy())
