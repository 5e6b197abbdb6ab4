"""回放数据的周期与数量单位。"""

from __future__ import annotations

from typing import Final

__all__ = ["PERIODS", "VOLUME_UNITS"]

PERIODS: Final = {"tick": 0, "1m": 60, "5m": 300, "15m": 900, "30m": 1800, "1h": 3600}
"""周期 → 一根线多少秒；快照是 0。"""

VOLUME_UNITS: Final = ("hand", "share")
"""手（厂商的样子），股（张）。"""
