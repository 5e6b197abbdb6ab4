"""``easytrader demo``。"""

from __future__ import annotations


def register(rooms):
    pass
