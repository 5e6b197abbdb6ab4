"""`Logs`：接口写的日志。多数接口说不出话的地方（没登录上、委托为什么被拒），原因只在这里。"""

from __future__ import annotations

import re
import threading
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.basics.scrub import scrubbed

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader.basics.log import Log

_KEPT: Final = 1000
_LONGEST: Final = 300
"""一次网络错误有的接口写四千字，连请求头都在里面。"""
_HEAD: Final = 140
_SEARCHED: Final = 10_000
_LOUDEST: Final = 20
"""一次会话里，失败的最多这么多行写成警告。"""
_FAILURE: Final = re.compile(r"失败|错误|断开|拒绝|fail|error|disconnect", re.IGNORECASE)
_QUOTES: Final = re.compile(r"行情|market data|md_?api", re.IGNORECASE)
_TRADING: Final = re.compile(r"交易|trad|td_?api", re.IGNORECASE)


class LogLine(NamedTuple):
    """一行；``seq`` 从 1 起，越后越大。"""

    seq: int
    text: str


class Logs:
    """一次会话里接口写的日志，最近 1000 行。

    Args:
        log: 我们自己的日志口：失败的行写成警告，其余 DEBUG。
        title: 接口的名字。
        secrets: 密码、授权码：换成星号。
    """

    def __init__(self, log: Log, title: str, secrets: Iterable[str] = ()) -> None:
        self._log = log
        self._title = title
        self._secrets = sorted({each for each in secrets if each}, key=len, reverse=True)
        self._lines: deque[LogLine] = deque(maxlen=_KEPT)
        self._seq = 0
        self._loud = 0
        self._lock = threading.Lock()

    def take(self, text: object) -> LogLine:
        """记下一行，返回它（盖住密码、截短过的）。"""
        shown = self._shown(str(text))
        with self._lock:
            self._seq += 1
            line = LogLine(self._seq, shown)
            self._lines.append(line)
        if self._loud < _LOUDEST and _FAILURE.search(shown):
            self._loud += 1
            more = "（后面的不再写成警告）" if self._loud == _LOUDEST else ""
            self._log.warning("{} 接口：{}{}", self._title, shown, more)
        else:
            self._log.debug("{} 接口：{}", self._title, shown)
        return line

    def mark(self) -> int:
        """此刻最后一行的序号。"""
        return self._seq

    def since(self, mark: int) -> list[str]:
        """这个序号之后的，旧的在前。"""
        with self._lock:
            return [each.text for each in self._lines if each.seq > mark]

    def last(self, count: int) -> list[str]:
        """最后几行，旧的在前。"""
        with self._lock:
            return [each.text for each in list(self._lines)[-count:]]

    def shown(self, text: str) -> str:
        """能写进错误里的样子：没有密码，不太长。"""
        return self._shown(text)

    def _shown(self, text: str) -> str:
        # 几兆的一行不必整个去找密码；中间那一刀可能劈开密码，反正不留
        if len(text) > 2 * _SEARCHED:
            text = text[:_SEARCHED] + text[-_SEARCHED:]
        for each in self._secrets:
            text = text.replace(each, "***")
        text = " ".join(text.split())
        if len(text) <= _LONGEST:
            return scrubbed(text)
        # 回溯要紧的在最后。只在两头找令牌：那个正则对长的一行很慢，这里是事件线程
        head, tail = scrubbed(text[:_LONGEST])[:_HEAD], scrubbed(text[-_LONGEST:])
        return f"{head}…{tail[_HEAD + 1 - _LONGEST :]}"


def about_quotes(text: str) -> bool:
    """只说行情那一边的：有的接口行情与交易分开登录，行情不好不碍下单。"""
    return bool(_QUOTES.search(text)) and not _TRADING.search(text)
