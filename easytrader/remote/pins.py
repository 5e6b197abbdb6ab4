"""认证书：自签的按指纹认，在握手里面就比，令牌还没有出门；别的由系统的根证书认。

按指纹认的不看主机名；过没过期自己看（不验证的上下文不管它）。
"""

from __future__ import annotations

import hashlib
import ssl
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Final, cast

from loguru import logger

from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Sequence

_AHEAD: Final = timedelta(days=30)
_SEQUENCE, _VERSION, _UTC_TIME, _TIME = 0x30, 0xA0, 0x17, 0x18

_warned: Final[set[bytes]] = set()


def context_of(pins: Sequence[bytes] = ()) -> ssl.SSLContext:
    """客户端的 TLS。

    Args:
        pins: 认这几张证书（SHA-256）；空的由系统的根证书认，并且核对主机名。
    """
    if not pins:
        return ssl.create_default_context()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    kind = type("PinnedSocket", (_PinnedSocket,), {"pins": frozenset(pins)})
    context.sslsocket_class = cast("type[ssl.SSLSocket]", kind)
    return context


class _PinnedSocket(ssl.SSLSocket):
    """握手做完、一个字节还没有发的时候比指纹。"""

    pins: frozenset[bytes]

    def do_handshake(self, block: bool = False) -> None:
        """握手。

        Raises:
            ConnectFailedError: 证书不是给的那一张，或过期了；已经断开。
        """
        super().do_handshake(block)
        try:
            check(self.getpeercert(binary_form=True) or b"", self.pins)
        except ConnectFailedError:
            self.close()
            raise


def check(certificate: bytes, pins: frozenset[bytes]) -> None:
    """一张 DER 证书认不认。

    Raises:
        ConnectFailedError: 不认，或过期了。
    """
    pin = hashlib.sha256(certificate).digest()
    if pin not in pins:
        raise ConnectFailedError(
            f"服务器的证书不是给的那一张（它的指纹 {shown(pin)}），什么都没有发给它。"
            "换过证书的，到服务器上看一眼指纹，写进 fingerprint=；没有换过的，路上有人冒充"
        )
    until = expiry(certificate)
    if until is None:
        return
    left = until - datetime.now(timezone.utc)
    if left <= timedelta(0):
        told = f"服务器的证书 {until:%Y-%m-%d} 过期了：到服务器上 easytrader serve init --renew"
        raise ConnectFailedError(told)
    if left < _AHEAD and pin not in _warned:
        _warned.add(pin)
        logger.warning(
            "服务器的证书 {:%Y-%m-%d} 过期：先到服务器上 easytrader serve init --renew，"
            "新旧两个指纹都写进 fingerprint=",
            until,
        )


def shown(pin: bytes) -> str:
    """指纹给人看的写法。"""
    return f"sha256:{pin.hex(':')}"


def expiry(certificate: bytes) -> datetime | None:
    """DER 证书到哪一刻为止；读不懂的为 None。

    只走到有效期为止：证书 → 主体 → （版本）、编号、算法、签发人、有效期。
    """
    try:
        body = _inside(_inside(certificate, _SEQUENCE)[0], _SEQUENCE)[0]
        if body[0] == _VERSION:
            body = _after(body)
        for _ in range(3):
            body = _after(body)
        dates = _inside(body, _SEQUENCE)[0]
        return _time(_after(dates))
    except (IndexError, ValueError):
        return None


def _inside(der: bytes, tag: int | None = None) -> tuple[bytes, bytes]:
    """开头那一项的（内容, 后面的）。"""
    if tag is not None and der[0] != tag:
        raise ValueError(tag)
    size, start = der[1], 2
    if size & 0x80:
        start += size & 0x7F
        size = int.from_bytes(der[2:start], "big")
    if len(der) < start + size:
        raise ValueError(size)
    return der[start : start + size], der[start + size :]


def _after(der: bytes) -> bytes:
    return _inside(der)[1]


def _time(der: bytes) -> datetime:
    text = _inside(der)[0].decode("ascii")
    if der[0] == _UTC_TIME:  # 两位的年：50 以前是 20xx
        text = ("20" if text[:2] < "50" else "19") + text
    elif der[0] != _TIME:
        raise ValueError(der[0])
    return datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=timezone.utc)
