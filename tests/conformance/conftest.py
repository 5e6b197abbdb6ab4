"""这里的 ``user``、``recorder`` 是一致性测试自己的，不是最外层连着模拟的那几个。"""

from __future__ import annotations

from easytrader.testing import recorder, user

__all__ = ["recorder", "user"]
