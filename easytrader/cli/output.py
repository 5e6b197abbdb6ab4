"""往屏幕上写：GBK 终端、管道、被关掉的输出都不出错。"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TextIO


def prepare_streams() -> None:
    """终端的编码里没有的字符用 ``?`` 代替，不抛异常。"""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with suppress(OSError, ValueError):
                reconfigure(errors="replace")


def say(text: str) -> None:
    """写一行到标准输出，立刻可见。"""
    _write(sys.stdout, text)


def complain(text: str) -> None:
    """写一行到标准错误。"""
    _write(sys.stderr, text)


def finish_streams() -> None:
    """把没写出去的写出去；对方已经不读了（``| head``）就算了，不在退出时报错。"""
    for stream in (sys.stdout, sys.stderr):
        if stream is None:
            continue
        try:
            stream.flush()
        except ValueError:
            pass  # 已经关了
        except OSError:
            _discard(stream)


def _write(stream: TextIO | None, text: str) -> None:
    if stream is None:  # pythonw，或启动时就没有这个输出
        return
    with suppress(OSError, ValueError):
        stream.write(text + "\n")
        stream.flush()


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
