"""北京时间：UTC+8，1991 年后没有夏令时，所以不用时区数据库。"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Final

BEIJING: Final = timezone(timedelta(hours=8))


def beijing_now() -> datetime:
    """现在。"""
    return datetime.now(BEIJING)
