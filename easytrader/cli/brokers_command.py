"""``easytrader brokers``：登记的柜台。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse


def register(rooms: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """命令的参数。"""
    rooms.add_parser("brokers")
