"""往屏幕上写：GBK 终端、管道、被关掉的输出都不出错；也在这里问一声。"""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Literal, TextIO

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from loguru import Message

_AUTO: Final = "LOGURU_AUTOINIT"
_LEVELS: Final = {"WARNING": "警告", "ERROR": "出错", "CRITICAL": "出错"}


def prepare_streams() -> None:
    """终端的编码里没有的字符用 ``?`` 代替，不抛异常。"""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            with suppress(OSError, ValueError):
                reconfigure(errors="replace")


def say(text: str) -> bool:
    """写一行到标准输出，立刻可见；对方已经不读了为假。"""
    return _write(sys.stdout, text)


def complain(text: str) -> None:
    """写一行到标准错误。"""
    _write(sys.stderr, text)


def say_json(value: object) -> bool:
    """写一个 JSON；标准输出的编码写不出的字写成转义，没有的数（NaN）写成 null。返回同 `say`。"""
    text = json.dumps(_plain(value), ensure_ascii=False, default=str)
    if not speaks(text, sys.stdout):
        text = json.dumps(_plain(value), default=str)
    return say(text)


def speaks(text: str, stream: TextIO | None) -> bool:
    """这个输出的编码写得出这些字。"""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def is_terminal(stream: TextIO | None) -> bool:
    """是终端：有人看着。"""
    try:
        return stream is not None and stream.isatty()
    except ValueError:  # 已经关了
        return False


def confirmed(question: str) -> bool:
    """问一声，答了 yes 为真。

    Raises:
        UsageError: 没有终端可以问，也没有写 ``--yes``。
    """
    if not (is_terminal(sys.stdin) and is_terminal(sys.stderr)):
        raise UsageError("--yes", None, f"{question}没有终端可以问：加上 --yes 就是确定")
    sys.stderr.write(f"{question}确定就输入 yes：")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() in {"y", "yes"}


@contextmanager
def quiet_log(debug: bool, level: Literal["WARNING", "ERROR"] = "WARNING") -> Iterator[None]:
    """这一段里的日志只把 ``level`` 以上的写到标准错误，一条一行；``debug`` 时什么都不管。

    loguru 自带的处理器会印出连接的每一步，盖住要看的那一张表；去掉就不装回来：命令行的
    进程是自己的。
    """
    if debug:
        yield
        return
    if "loguru" not in sys.modules:
        with _without_own_handler():
            import loguru  # noqa: F401
    from loguru import logger

    with suppress(ValueError):
        logger.remove(0)
    sink = logger.add(_complain_of, level=level, format="{message}", backtrace=False)
    try:
        yield
    finally:
        logger.remove(sink)


@contextmanager
def _without_own_handler() -> Iterator[None]:
    """这一段里导入的 loguru 不装自己的处理器：装一个要花十来毫秒，装了又去掉。"""
    before = os.environ.get(_AUTO)
    os.environ[_AUTO] = "False"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_AUTO]  # 子进程照常
        else:
            os.environ[_AUTO] = before


def _complain_of(message: Message) -> None:
    record = message.record
    complain(f"{_LEVELS.get(record['level'].name, '')}：{record['message']}")


def _plain(value: Any) -> Any:
    """JSON 里没有 NaN、无穷。"""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and value - value != 0 else value


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


def _write(stream: TextIO | None, text: str) -> bool:
    if stream is None:  # pythonw，或启动时就没有这个输出
        return True
    try:
        stream.write(text + "\n")
        stream.flush()
    except (OSError, ValueError):
        return False
    return True


def _discard(stream: TextIO) -> None:
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
