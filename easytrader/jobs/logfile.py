"""文字日志：屏幕与文件，写满了换一个，口令不落进去；与标准库的 `logging` 接上。

本库用 loguru 说话，不安装处理器。两种接法：

- `logging_to`：本库管整个进程的日志（``easytrader serve``、定时的任务）；别的库用 `logging`
  说的警告也在里面。
- `bridge`：用户的程序管日志。本库说的交给 `logging`，记录器的名字是 ``easytrader`` 与它下面的
  模块；要的话，反过来别的库说的也交给 loguru。

令牌在最后写出去的地方换成星号：不靠每一处都记得。回溯里不带变量的值。
"""

from __future__ import annotations

import logging
import sys
import traceback
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader import arguments
from easytrader.basics.beijing import BEIJING
from easytrader.basics.private import private_file, private_folder
from easytrader.basics.scrub import scrubbed
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import TracebackType

    from loguru import Message, Record
    from typing_extensions import Self

ROTATE: Final = "20 MB"
KEEP: Final = 10
NAME: Final = "easytrader"
"""本库在 `logging` 里的名字。"""
_PLAIN: Final = frozenset({"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"})
_BACK: Final = "from_logging"
"""从 `logging` 来的，不再送回去。"""
_FORTH: Final = "from_loguru"
_FILE_ONLY: Final = "file_only"
_SAME: Final = timedelta(minutes=1)


@contextmanager
def logging_to(file: Path | None, *, debug: bool = False, screen: bool = True) -> Iterator[None]:
    """这一段里的日志写到标准错误（有的话）与文件；别的库用 `logging` 说的警告也在里面。

    Args:
        file: 文件，写满 `ROTATE` 换一个，留 `KEEP` 个；None 不写。
        debug: 是否记 DEBUG 日志。
        screen: 是否也写到标准错误。

    Raises:
        UsageError: 文件写不了。
    """
    logger.remove()
    level = "DEBUG" if debug else "INFO"
    if screen and sys.stderr is not None:  # pythonw 没有
        logger.add(
            sys.stderr, format=_line, level=level, filter=_on_screen, diagnose=False, catch=True
        )
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


def to_file(text: str) -> None:
    """一行只写进日志文件：屏幕上已经有了的（脚本自己的输出）。"""
    logger.bind(**{_FILE_ONLY: True}).info("{}", text)


def _on_screen(record: Record) -> bool:
    return _FILE_ONLY not in record["extra"]


class bridge:  # noqa: N801  用起来像一个函数
    """把本库的日志交给标准库的 `logging`，到 `close` 为止；也可以 ``with bridge(): ...``。

    记录器的名字是 ``easytrader`` 与它下面的模块（``easytrader.link.supervisor``），级别、处理器、
    格式都由你的 `logging` 设置定。loguru 自带的、写到屏幕的处理器会摘掉：不然一行出来两次；
    你自己加的不动。

    Args:
        level: 低于这个级别的不交。
        back: 反过来也接：别的库用 `logging` 说的（``back_level`` 起）交给 loguru 的处理器；
            从本库来的不会绕回去。
        back_level: 见上。

    Raises:
        UsageError: 没有这个级别。
    """

    def __init__(
        self, level: str = "DEBUG", *, back: bool = False, back_level: str = "WARNING"
    ) -> None:
        for name, told in (("level", level), ("back_level", back_level)):
            if told not in _PLAIN:
                raise UsageError(name, told, f"应为 {'、'.join(sorted(_PLAIN))}")
        arguments.flag("back", back)
        with suppress(ValueError):  # 已经摘掉了
            logger.remove(0)
        self._number: int | None = logger.add(
            _to_logging, level=level, format="{message}", filter=_is_ours, catch=True
        )
        self._forward = _Forward(getattr(logging, back_level)) if back else None
        if self._forward is not None:
            logging.getLogger().addHandler(self._forward)

    def close(self) -> None:
        """不再交；可重复调用。"""
        number, self._number = self._number, None
        if number is not None:
            with suppress(ValueError):  # 用户自己都摘掉了
                logger.remove(number)
        if self._forward is not None:
            logging.getLogger().removeHandler(self._forward)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


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
    at = record["time"].astimezone(BEIJING)  # 与本库说的别的时刻一样，电脑在哪个时区都是
    text = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d} | {record['level'].name:<7} | "
    if _FILE_ONLY in record["extra"] and _is_stamped(record["message"], at):
        text = ""
    text += record["message"]
    if told := _trace(record):
        text += f"\n{told}"
    record["extra"]["line"] = scrubbed(text.rstrip("\n"))
    return "{extra[line]}\n"


def _is_stamped(text: str, at: datetime) -> bool:
    """脚本自己写了时刻，也是北京时间：不写两遍。"""
    try:
        told = datetime.fromisoformat(text[:19])
    except ValueError:
        return False
    return abs(at.replace(tzinfo=None) - told.replace(tzinfo=None)) < _SAME


def _trace(record: Record) -> str:
    """异常与回溯，不带变量的值；没有为空。"""
    told = record["exception"]
    if told is None or told.type is None:
        return ""
    return "".join(traceback.format_exception(told.type, told.value, told.traceback))


def _is_ours(record: Record) -> bool:
    name = record["name"] or ""
    return name.partition(".")[0] == NAME and _BACK not in record["extra"]


def _to_logging(message: Message) -> None:
    """本库的一条 → `logging`。"""
    record = message.record
    target = logging.getLogger(record["name"] or NAME)
    number = record["level"].no
    if not target.isEnabledFor(number):
        return
    told, text = record["exception"], scrubbed(record["message"])
    info: Any = (told.type, told.value, told.traceback) if told is not None and told.type else None
    made = target.makeRecord(
        target.name, number, record["file"].path, record["line"], text, (), info,
        record["function"], {_FORTH: True},
    )  # fmt: skip
    if info is not None:
        made.exc_text = scrubbed(_trace(record).rstrip("\n"))  # 格式化的人照抄它
    target.handle(made)


class _Forward(logging.Handler):
    """`logging` 说的 → loguru。"""

    def emit(self, record: logging.LogRecord) -> None:
        if hasattr(record, _FORTH):
            return
        told: Any = record.exc_info
        log = logger.bind(**{_BACK: True}).opt(exception=told if told and told[0] else None)
        level = record.levelname if record.levelname in _PLAIN else "WARNING"
        log.log(level, "{}: {}", record.name, record.getMessage())
