"""后端：名字 → 交易口。自带的列在 `registry`，别的包用 entry point 加进来。"""

from easytrader.brokers.registry import GROUP, Backend, installed, make

__all__ = ["GROUP", "Backend", "installed", "make"]
