"""服务器的文字日志：屏幕与文件，写满了换一个；口令不落进去。

令牌在最后写出去的地方换成星号：不靠每一处都记得。回溯里不带变量的值。
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.private import private_file, private_folder
from easytrader.basics.scrub import scrubbed
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from loguru import Record

ROTATE: Final = "20 MB"
KEEP: Final = 10
_LEVELS: Final = frozenset({"WARNING", "ERROR", "CRITICAL"})


@contextmanager
def logging_to(file: Path | None, *, debug: bool = False) -> Iterator[None]:
    """这一段里的日志写到标准错误（有的话）与文件；别的库用 `logging` 说的警告也在里面。

    Args:
        file: 文件；None 不写。
        debug: 是否记 DEBUG 日志。

    Raises:
        UsageError: 文件写不了。
    """
    logger.remove()
    level = "DEBUG" if debug else "INFO"
    if sys.stderr is not None:  # pythonw 没有
        logger.add(sys.stderr, format=_line, level=level, diagnose=False, catch=True)
    if file is not None:
        _add_file(file, level)
    root = logging.getLogger()
    forward = _Forward(logging.WARNING)
    root.addHandler(forward)
    try:
        yield
    finally:
        root.removeHandler(forward)
        logger.complete()
        logger.remove()


def _add_file(file: Path, level: str) -> None:
    try:
        private_folder(file.parent)
        private_file(file)
        logger.add(
            str(file),
            format=_line,
            level=level,
            rotation=ROTATE,
            retention=KEEP,
            encoding="utf-8",
            errors="backslashreplace",
            diagnose=False,
            catch=True,
        )
    except OSError as exc:
        told = f"应为写得了的文件：{exc.strerror or exc}"
        raise UsageError("log_file", str(file), told) from None


def _line(record: Record) -> str:
    """一条 → 写出去的样子（loguru 的格式；自己写好的放在 extra 里）。"""
    text = f"{record['time']:YYYY-MM-DD HH:mm:ss.SSS} | {record['level'].name:<7} | "
    text += record["message"]
    told = record["exception"]
    if told is not None and told.type is not None:
        text += "\n" + "".join(traceback.format_exception(told.type, told.value, told.traceback))
    record["extra"]["line"] = scrubbed(text.rstrip("\n"))
    return "{extra[line]}\n"


class _Forward(logging.Handler):
    """`logging` 说的 → loguru。"""

    def emit(self, record: logging.LogRecord) -> None:
        told: Any = record.exc_info
        log = logger.opt(exception=told if told and told[0] else None)
        level = record.levelname if record.levelname in _LEVELS else "WARNING"
        log.log(level, "{}: {}", record.name, record.getMessage())
