"""笔记本里看：表、会动的视图；卡片与图在 `rows`，对象自己会显示。"""

from __future__ import annotations

from easytrader.notebook.frames import frame
from easytrader.notebook.liveview import LiveView, live

__all__ = ["LiveView", "frame", "live"]
