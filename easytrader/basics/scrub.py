"""口令不落进日志、错误与通知：令牌、密码、机器人网址里的钥匙换成星号。

在最后写出去的地方换：不靠每一处都记得。
"""

from __future__ import annotations

import re
import threading
from typing import Final

_SECRETS: Final = re.compile(
    r"(et_[0-9A-Za-z]+_)[0-9A-Za-z_-]{6,}"
    r"|((?:Bearer|X-Token:?|token=|[a-z_]*pwd=|[?&](?:key|sign|secret)=)\s*)[^\s'\",;&]+"
    r"|(/(?:bot/v\d|bot)/hook/|/hooks?/)[0-9A-Za-z_-]{6,}"
)
_SHORTEST: Final = 6
"""更短的不记：把日志里每一个「1000」都换掉，日志就读不懂了。"""

_known: set[str] = set()
_lock: Final = threading.Lock()


def remember(secret: str) -> None:
    """这是一个口令：以后凡是写出去的文字里都换掉它。"""
    if len(secret) >= _SHORTEST:
        with _lock:
            _known.add(secret)


def scrubbed(text: str) -> str:
    """令牌、口令换成星号。"""
    with _lock:
        known = sorted((each for each in _known if each in text), key=len, reverse=True)
    for each in known:
        text = text.replace(each, "***")
    return _SECRETS.sub(lambda found: f"{found[1] or found[2] or found[3]}***", text)
