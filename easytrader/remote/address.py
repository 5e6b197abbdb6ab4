"""连哪里、拿什么连：地址、证书指纹、令牌；写得不对的在这里就说。"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from easytrader.errors import UsageError
from easytrader.wire import words

_VARIABLE: Final = "EASYTRADER_TOKEN"
_LONGEST: Final = 200
"""令牌最多这么多个字。"""
_HIDDEN: Final = "（不显示）"

_FORM: Final = (
    f"应为 easytrader serve 的地址，如 'https://win-box:{words.DEFAULT_PORT}'；"
    f"明文的 http 只能连本机，如 'http://127.0.0.1:{words.DEFAULT_PORT}'"
)
_PINS: Final = (
    "应为证书的 SHA-256 指纹（easytrader serve init 会打印），64 位十六进制，"
    "如 'sha256:ab:cd:…'；换证书的时候可以给几个"
)
_SHA256: Final = 32
_NOT_HEX: Final = re.compile(r"[\s:\-]+")


class Address(NamedTuple):
    """服务器的地址；用 `of` 得到。

    Attributes:
        secure: 是 https。
        host: 主机名，或 IP（没有方括号）。
        port: 端口。
    """

    secure: bool
    host: str
    port: int

    @classmethod
    def of(cls, value: object) -> Address:
        """``https://win-box:7788`` → 地址。

        Raises:
            UsageError: 不是地址，里面有多余的东西，或明文连的不是本机。
        """
        if not isinstance(value, str) or not value.strip():
            raise UsageError("address", value, _FORM)
        text = value.strip()
        try:
            parts = urlsplit(text)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise UsageError("address", _HIDDEN, _FORM) from None
        if parts.username is not None or parts.query or parts.fragment:
            told = "地址里不能有用户名、? 或 # 之后的东西；令牌另写 token="
            raise UsageError("address", _HIDDEN, told)  # 里面多半是令牌
        if parts.scheme not in ("http", "https") or not host or parts.path not in ("", "/"):
            raise UsageError("address", value, _FORM)
        secure = parts.scheme == "https"
        found = cls(secure, host, port or (443 if secure else 80))
        if not secure and not found.is_loopback:
            told = f"明文的 http 只能连本机：令牌和委托会被路上的人看到、改掉。{_FORM}"
            raise UsageError("address", value, told)
        return found

    @property
    def is_loopback(self) -> bool:
        """写的就是本机。"""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def authority(self) -> str:
        """``win-box:7788``。"""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}"

    def websocket(self, account: str) -> str:
        """一个账号的 WebSocket。"""
        scheme = "wss" if self.secure else "ws"
        name = quote(account, safe="")
        return f"{scheme}://{self.authority}{words.PREFIX}/accounts/{name}/ws"


def fingerprints(value: object) -> tuple[bytes, ...]:
    """用户给的一个或几个指纹，怎么写都行；None 是没有给。

    Raises:
        UsageError: 不是指纹。
    """
    if value is None:
        return ()
    if isinstance(value, str):
        return (_pin(value),)
    if isinstance(value, (bytes, dict)) or not isinstance(value, Iterable):
        raise UsageError("fingerprint", value, _PINS)
    found = tuple(_pin(each) for each in value)
    if not found:
        raise UsageError("fingerprint", value, _PINS)
    return found


def _pin(value: object) -> bytes:
    if not isinstance(value, str):
        raise UsageError("fingerprint", value, _PINS)
    text = value.strip().lower()
    for prefix in ("sha256 fingerprint=", "sha256:", "sha-256:", "sha256=", "sha256 "):
        text = text.removeprefix(prefix)
    try:
        pin = bytes.fromhex(_NOT_HEX.sub("", text))
    except ValueError:
        raise UsageError("fingerprint", value, _PINS) from None
    if len(pin) != _SHA256:
        raise UsageError("fingerprint", value, _PINS)
    return pin


def token_of(value: object) -> str:
    """用户给的令牌，没有给的取环境变量；错误里不写出它。

    Raises:
        UsageError: 没有令牌，或不像令牌。
    """
    form = f"应为服务器上 easytrader token add 打印的令牌；不写在脚本里的，放环境变量 {_VARIABLE}"
    if value is None:
        value = os.environ.get(_VARIABLE, "")
        if not value:
            raise UsageError("token", None, form)
    if not isinstance(value, str):
        raise UsageError("token", _HIDDEN, form)
    text = value.strip()
    odd = not text.isascii() or not text.isprintable() or " " in text
    if not text or odd or len(text) > _LONGEST:
        raise UsageError("token", _HIDDEN, form)
    return text
