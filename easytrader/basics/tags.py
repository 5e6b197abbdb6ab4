"""委托备注里的唯一标记：结果未知的委托靠它找回来。

厂商的备注有两份：短的 23 字节、长的 127 字节，都按字节截断，截在汉字中间时读取会抛异常
（应答因此丢失）。所以标记在最前、全是 ASCII，必要时垫几个字符，让第 23 字节不落在一个字中间。
形如 ``~k3j9x0a2b~用户的备注``；用户在 `today_entrusts` 里看到的仍是自己的备注。
"""

from __future__ import annotations

import hashlib
import os
import re
from typing import Final

from easytrader.errors import UsageError

SHORT_BYTES: Final = 23
"""短备注、策略名可用的字节数。"""

LONG_BYTES: Final = 127
"""长备注可用的字节数。"""

_CHARS: Final = "0123456789abcdefghijklmnopqrstuvwxyz"
_PAIRS: Final = tuple(first + second for first in _CHARS for second in _CHARS)
_BASE: Final = len(_PAIRS)
_TAG_LENGTH: Final = 9
_MAX_PAD: Final = 3
_OVERHEAD: Final = _TAG_LENGTH + 2
MAX_REMARK_BYTES: Final = LONG_BYTES - _OVERHEAD - _MAX_PAD

MAX_CLIENT_ORDER_ID_BYTES: Final = 64

_TAGGED: Final = re.compile(r"~{1,4}([0-9a-z]{9})~(.*)", re.DOTALL)


_OF_BYTE: Final = bytes(map(ord, (_CHARS * 8)[:256]))
"""一个随机字节 → 一个字：前四个字的机会多一分，不碍事。"""
_BATCH: Final = 256


class _Fresh:
    """随机的标记，一次做一批：每笔委托向系统要一次随机数，比算别的都慢。"""

    def __init__(self) -> None:
        self._pid = 0
        self._tags: list[str] = []

    def take(self) -> str:
        """一个，不会给出第二次；fork 出来的进程另做一批。"""
        if os.getpid() != self._pid:
            self._tags = []
            self._pid = os.getpid()
        while True:
            try:
                return self._tags.pop()
            except IndexError:  # noqa: PERF203  两个线程同时来要，多做一批也无妨
                text = os.urandom(_TAG_LENGTH * _BATCH).translate(_OF_BYTE).decode()
                starts = range(0, len(text), _TAG_LENGTH)
                self._tags += [text[start : start + _TAG_LENGTH] for start in starts]


new_tag: Final = _Fresh().take
"""一个新标记：9 位小写字母或数字，约 46 比特随机。"""


def tag_for(account_id: str, client_order_id: str) -> str:
    """用户自己的委托 id 对应的标记：只由账号和 id 决定，换进程、换机器算出来都一样。

    46 比特：一个账号一天 20,000 个 id，其中有两个撞上的机会约百万分之三；撞上时对不上委托的
    证券、方向、数量，会报错而不是当成同一笔。
    """
    text = f"{account_id}\0{client_order_id}".encode()
    return _spelled(int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big") >> 2)


def _spelled(value: int) -> str:
    """46 比特的数 → 9 位 36 进制。"""
    value, first = divmod(value, _BASE)
    value, second = divmod(value, _BASE)
    value, third = divmod(value, _BASE)
    value, fourth = divmod(value, _BASE)
    return f"{_PAIRS[first]}{_PAIRS[second]}{_PAIRS[third]}{_PAIRS[fourth]}{_CHARS[value]}"


def tagged(tag: str, remark: str) -> str:
    """把标记和用户的备注合成要送出的备注。"""
    text = f"~{tag}~{remark}"
    if remark.isascii():
        return text
    raw = text.encode()
    if len(raw) <= SHORT_BYTES:
        return text
    pad = 0
    while (raw[SHORT_BYTES - pad] & 0xC0) == 0x80:  # 第 24 字节是某个字的中间：整体右移
        pad += 1
    return "~" * pad + text


def split(remark: str) -> tuple[str, str]:
    """送出的备注 → (标记, 用户的备注)；不是本库的委托时标记为空。"""
    if remark[:1] != "~":
        return "", remark
    if remark[_OVERHEAD - 1 : _OVERHEAD] == "~" and _plain(remark[1 : _OVERHEAD - 1]):
        return remark[1 : _OVERHEAD - 1], remark[_OVERHEAD:]  # 没有垫字符的，占绝大多数
    match = _TAGGED.fullmatch(remark)
    return (match[1], match[2]) if match else ("", remark)


def _plain(tag: str) -> bool:
    return tag.isascii() and tag.isalnum() and tag == tag.lower()


def check_remark(remark: object) -> str:
    """校验用户的备注。

    Raises:
        UsageError: 不是字符串、含换行等控制字符，或超过长度。
    """
    text = _plain_text("remark", remark)
    if len(text.encode()) > MAX_REMARK_BYTES:
        raise UsageError("remark", remark, f"最多 {MAX_REMARK_BYTES} 字节（UTF-8，汉字 3 字节）")
    return text


def check_client_order_id(value: object) -> str:
    """校验 ``client_order_id``：非空、可打印、前后没有空白、不超过 64 字节。"""
    form = f'应为非空字符串，如 "2026-11-21-600036-1"，最多 {MAX_CLIENT_ORDER_ID_BYTES} 字节'
    if not isinstance(value, str) or not value or value != value.strip():
        raise UsageError("client_order_id", value, f"{form}，前后不能有空白")
    text = _plain_text("client_order_id", value)
    try:
        size = len(text.encode())
    except UnicodeEncodeError:  # 半个代理对
        size = MAX_CLIENT_ORDER_ID_BYTES + 1
    if size > MAX_CLIENT_ORDER_ID_BYTES:
        raise UsageError("client_order_id", value, form)
    return text


def check_strategy_name(name: object) -> str:
    """校验策略名：厂商的缓冲区只有 23 字节，超出会被截断。"""
    text = _plain_text("strategy_name", name)
    if len(text.encode()) > SHORT_BYTES:
        raise UsageError("strategy_name", name, f"最多 {SHORT_BYTES} 字节（UTF-8，汉字 3 字节）")
    return text


def _plain_text(argument: str, value: object) -> str:
    if not isinstance(value, str):
        raise UsageError(argument, value, "应为字符串")
    if not value.isprintable():
        raise UsageError(argument, value, "不能含换行、制表符等控制字符")
    return value
