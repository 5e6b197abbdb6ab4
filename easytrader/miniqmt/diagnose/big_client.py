"""完整版（大）QMT 客户端：认出它的文件夹，读它的日志。只看文件，不改任何东西。

它与 MiniQMT 常装在同一个安装目录里：完整版用 ``userdata``，MiniQMT 用 ``userdata_mini``。
内置 Python 的日志在 ``userdata/log/``：``XtClient_Formula_<日期>.log`` 是引擎的，
``XtClient_FormulaOutput_<日期>.log`` 是策略自己打印的，都是 GBK。
"""

from __future__ import annotations

import contextlib
import os
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics.beijing import day_of, midnight

if TYPE_CHECKING:
    from datetime import date
    from pathlib import Path

EXE: Final = "XtItClient.exe"
"""完整版的程序，在安装目录的 ``bin.x64`` 里。"""

USE_BIG: Final = (
    'MiniQMT 权限已不再给散户；登录的是完整版 QMT 的，用 easytrader.use("bigqmt")：'
    "内置 Python 里贴一个中转文件，脚本只改 use() 里的名字"
)
"""说给连错了、或没有 MiniQMT 权限的人。"""

_USERDATA: Final = "userdata"
_MINI: Final = "userdata_mini"
_ENGINE: Final = "XtClient_Formula_*.log"
_ANY_LOG: Final = "XtClient_Formula*.log"
_TAIL_BYTES: Final = 1_000_000
"""只读日志的末尾：一天能有几百兆。"""

_LIVE: Final = "[trade]start trading mode"
_SIGNAL: Final = "[trade]signal only mode"
_SENT: Final = "send order to tradeModule"
_REFUSED: Final = re.compile(
    r"Forbidden: Module|Foribdden|非法IP|PermissionError|not in whitelist|SyntaxError|ImportError"
)
_CLOCK: Final = re.compile(r"\b(\d{2}):(\d{2}):(\d{2})\b")
_NEAR_S: Final = 60.0
"""客户端在模型起来之后一秒左右写下模式；远过这么久的不是它的。"""
_MOST_LINES: Final = 3
_LONGEST: Final = 400


def userdata_of(folder: Path) -> Path | None:
    """完整版的 ``userdata``：给的是安装目录、它的 ``userdata`` 或 ``userdata_mini``、模拟的文件夹。

    Returns:
        ``userdata``；没有为 None。
    """
    places = [folder / _USERDATA, folder, folder.parent / _USERDATA]
    if folder.name.lower() == _USERDATA:
        places = [folder]
    for place in places:
        if place.name.lower() == _USERDATA and place.is_dir():
            return place
    return None


def looks_big(folder: Path) -> bool:
    """这里（或外面一层）装着完整版的客户端：有它的程序，或有内置 Python 的日志。"""
    with contextlib.suppress(OSError):
        if any((place / "bin.x64" / EXE).is_file() for place in (folder, folder.parent)):
            return True
        home = userdata_of(folder)
        return home is not None and any((home / "log").glob(_ANY_LOG))
    return False


def looks_mini(folder: Path) -> bool:
    """这就是（或里面有）MiniQMT 的文件夹：名字是 userdata_mini，或有 ``up_queue…xtquant``。"""
    with contextlib.suppress(OSError):
        return (
            folder.name.lower() == _MINI
            or (folder / _MINI).is_dir()
            or any(folder.glob("up_queue*xtquant"))
        )
    return False


class Seen(NamedTuple):
    """从日志里看到的；日志没有、读不了的全是空的。

    Attributes:
        name: 哪个日志；没有为空。
        mode: 最后一次是 ``live``（实盘）、``sim``（模拟，只出信号），不知道为空。
        orders: 送往柜台的委托有几笔。
        refusals: 客户端不许的、载入不了的，原文，最近的在后。
    """

    name: str = ""
    mode: str = ""
    orders: int = 0
    refusals: tuple[str, ...] = ()


def read_log(folder: Path, day: date | None = None, near: float | None = None) -> Seen:
    """读内置 Python 的日志。

    Args:
        folder: 同 `userdata_of`。
        day: 哪一天的；None 为最新的那天。
        near: 哪一刻起来的模型，Unix 秒：一个日志里有几个模型的，看离这一刻最近的一行；
            None、行上看不出时刻、都离得远的，看最后一行。
    """
    home = userdata_of(folder)
    if home is None:
        return Seen()
    try:
        engine = _newest(home / "log", _ENGINE, day)
        printed = _newest(home / "log", "XtClient_FormulaOutput_*.log", day)
        lines = _tail(engine) if engine is not None else []
        told = _tail(printed) if printed is not None else []
    except OSError:
        return Seen()
    modes = [line for line in lines if _LIVE in line or _SIGNAL in line]
    told_mode = _nearest(modes, near) if near is not None else None
    last = told_mode or (modes[-1] if modes else "")
    mode = "" if not last else "live" if _LIVE in last else "sim"
    orders = sum(_SENT in line for line in lines)
    refused = [line.strip()[:_LONGEST] for line in lines + told if _REFUSED.search(line)]
    unique = list(dict.fromkeys(refused))[-_MOST_LINES:]
    named = engine or printed
    return Seen(named.name if named is not None else "", mode, orders, tuple(unique))


def _nearest(lines: list[str], near: float) -> str | None:
    """离这一刻最近的一行；日期不写在行上的也认，看不出、都离得远的为 None。"""
    second = near - midnight(day_of(near))
    found: tuple[float, str] | None = None
    for line in lines:
        clock = _CLOCK.search(line)
        if clock is None:
            continue
        hour, minute, rest = (int(each) for each in clock.groups())
        away = abs(hour * 3600 + minute * 60 + rest - second)
        if found is None or away <= found[0]:
            found = away, line
    return None if found is None or found[0] > _NEAR_S else found[1]


def _newest(logs: Path, pattern: str, day: date | None) -> Path | None:
    """名字里带日期，所以名字最大的就是最新的；引擎的日志太大时客户端会分成几个。"""
    wanted = "" if day is None else f"{day:%Y%m%d}"
    found = sorted(path for path in logs.glob(pattern) if wanted in path.name)
    return found[-1] if found else None


def _tail(path: Path) -> list[str]:
    with path.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL_BYTES))
        return stream.read(_TAIL_BYTES).decode("gbk", errors="replace").splitlines()
