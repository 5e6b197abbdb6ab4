"""日志：loguru，默认 INFO；`debug=True` 才有 DEBUG。不安装任何处理器。

loguru 自带的处理器会印出 DEBUG，所以 DEBUG 在这里拦：没有要求就不发出。
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

if TYPE_CHECKING:
    from loguru import Logger

_SHOW: Final = "EASYTRADER_SHOW_ACCOUNTS"

_here: Logger = logger.opt(depth=1)


class Log:
    """一个 trader 的日志口。"""

    __slots__ = ("debug_on",)

    def __init__(self, debug: bool = False) -> None:
        self.debug_on = debug

    def debug(self, message: str, *args: Any) -> None:
        """细节：每次调用、每次推送、有歧义的代码取了哪个。"""
        if self.debug_on:
            _here.debug(message, *args)

    def info(self, message: str, *args: Any) -> None:
        """正常的进展。"""
        _here.info(message, *args)

    def warning(self, message: str, *args: Any) -> None:
        """需要人知道、但程序能继续。"""
        _here.warning(message, *args)

    def error(self, message: str, *args: Any) -> None:
        """失败。"""
        _here.error(message, *args)

    def exception(self, message: str, *args: Any) -> None:
        """失败，带当前异常的回溯。"""
        _here.exception(message, *args)


def masked(account_id: str) -> str:
    """只露出末四位的账号；环境变量 ``EASYTRADER_SHOW_ACCOUNTS=1`` 时是整个。

    日志、异常信息、``status`` 与 ``repr`` 里的账号都经过这里：它们会被贴到群里、传到日志服务器上。
    """
    if os.environ.get(_SHOW, "").strip() not in ("", "0"):
        return account_id
    return account_id if len(account_id) <= 4 else "*" * (len(account_id) - 4) + account_id[-4:]
