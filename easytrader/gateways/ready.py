"""登录好了没有、断了没有：VeighNa 没有这样的事件，看推来了什么、日志里说什么。"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal

from easytrader.counters.shape import FATAL, LOST
from easytrader.gateways.logs import about_quotes

if TYPE_CHECKING:
    from easytrader.gateways.book import Book

Needs = Literal["account+contract", "account", "contract"]

_REFUSED: Final = re.compile(r"登录失败|认证失败|授权验证失败|login failed", re.IGNORECASE)
_PASSING: Final = re.compile(r"初始化|未就绪|超时|timeout|繁忙|频繁|not ready", re.IGNORECASE)


class Ready:
    """看着一次登录。

    Args:
        book: 推来的东西。
        needs: 见到什么算好了；``account`` 是合约要订阅才有的接口（IB）。
        fatal: 见到这样的日志就不必再等（正则）。
        lost: 见到这样的日志就是断了（正则）。
    """

    def __init__(
        self,
        book: Book,
        needs: Needs = "account+contract",
        fatal: str = FATAL,
        lost: str = LOST,
    ) -> None:
        self._book = book
        self._needs = needs.split("+")
        self._fatal = re.compile(fatal, re.IGNORECASE)
        self._lost = re.compile(lost, re.IGNORECASE)
        self.failed = ""
        """不必再等了：那一行日志。"""

    @property
    def done(self) -> bool:
        """好了。"""
        return not self.missing

    @property
    def missing(self) -> list[str]:
        """还没有见到什么，给人看的。"""
        seen = {"account": self._book.accounts, "contract": self._book.contracts}
        told = {"account": "资金", "contract": "合约"}
        return [told[each] for each in self._needs if not seen[each]]

    def heard(self, text: str) -> None:
        """接口写了一行日志。"""
        if not self.failed and self._fatal.search(text) and not about_quotes(text):
            self.failed = text

    def is_lost(self, text: str) -> bool:
        """这一行说的是交易断了。"""
        return bool(self._lost.search(text)) and not about_quotes(text)


def is_final(text: str) -> bool:
    """再试也一样的失败：密码不对接着试会被柜台锁住。"""
    return bool(_REFUSED.search(text)) and not _PASSING.search(text)


def login_of(gateway: Any) -> bool | None:
    """接口自己记的登录状态；没有记的为 None。

    CTP 一族、XTP、TORA 在 ``td_api.login_status``，IB 在 ``api.status``，
    XT 在 ``td_api.connected``；自己写的接口可以放在 ``connected``。
    """
    for part, name in (("td_api", "login_status"), ("api", "status"), ("td_api", "connected")):
        found = getattr(getattr(gateway, part, None), name, None)
        if isinstance(found, bool):
            return found
    own = getattr(gateway, "connected", None)
    return own if isinstance(own, bool) else None
