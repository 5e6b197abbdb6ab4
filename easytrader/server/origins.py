"""谁在问、从哪个网页问的：Host、Origin、转发的头，每个请求认人之前先过这里。

浏览器里别的网页也连得到本机的端口：把自己的域名指到 127.0.0.1（Host 认出来），
直接向这个端口发请求、开 WebSocket（Origin 认出来）。比的都是解析过的整个值，不看开头结尾。

- Host 恰好一个；只认本机的名字、连接这一头自己的地址、声明过的名字。端口不看：
  ``ssh -L 9000:…`` 也行。
- Origin 没有的是脚本；有的必须与 Host 同协议、同名、同端口。
- 转发的头（``X-Forwarded-For`` 等）只信声明过的反向代理，只看最后一跳：前面的谁都写得进去。
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["Caller", "Front", "is_loopback_name", "plain_address"]

_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([1-9]\d{0,4}))?", re.IGNORECASE)
_ORIGIN: Final = re.compile(r"(https?)://([^/?#@\\\s]+)", re.IGNORECASE)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_SAFE: Final = ("GET", "HEAD")

_WANTED: Final = (
    b"host", b"origin", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"sec-fetch-site", b"sec-fetch-mode",
)  # fmt: skip


class Caller(NamedTuple):
    """过了关的请求。

    Attributes:
        address: 从哪个地址来；经声明过的代理的，是代理说的。
        secure: 浏览器那头是不是 https。
        host: 它用的名字，小写；IPv6 不带方括号。
        port: 它用的端口。
        origin: 哪个网页，已经与 Host 对过；脚本没有，为空。
    """

    address: str
    secure: bool
    host: str
    port: int
    origin: str = ""


@dataclass(frozen=True, slots=True)
class Front:
    """这个服务器对外的样子；用 `of` 得到。

    Attributes:
        hosts: 声明过的名字与地址，小写。
        proxies: 声明过的反向代理的地址。
    """

    hosts: frozenset[str] = frozenset()
    proxies: frozenset[str] = frozenset()

    @classmethod
    def of(cls, hosts: Iterable[str] = (), proxies: Iterable[str] = ()) -> Front:
        """用户写的 → 比较用的样子。

        Args:
            hosts: 域名或地址，不带端口；IPv6 带不带方括号都行。
            proxies: 反向代理的地址。
        """
        names = (each.strip().strip("[]").lower() for each in hosts)
        return cls(
            frozenset(plain_address(each) or each for each in names),
            frozenset(filter(None, map(plain_address, proxies))),
        )

    def examine(
        self,
        headers: Iterable[tuple[bytes, bytes]],
        *,
        peer: str,
        local: str,
        secure: bool,
        method: str = "GET",
        websocket: bool = False,
    ) -> Caller:
        """过一遍。

        Args:
            headers: 请求的头，名字小写（ASGI 的样子）。
            peer: 套接字那一头的地址。
            local: 套接字这一头的地址。
            secure: 套接字上是不是 TLS。
            method: ``GET`` 等。
            websocket: 是不是升级成 WebSocket。

        Raises:
            UsageError: 不许；``argument`` 是哪个头。
        """
        told = _read(headers)
        address = plain_address(peer) or peer
        host_header, scheme = _one(told, "Host", b"host"), "https" if secure else "http"
        if address in self.proxies:
            address = _last_address(told) or address
            host_header = _last(told, b"x-forwarded-host") or host_header
            scheme = _last(told, b"x-forwarded-proto").lower() or scheme
            if scheme not in _DEFAULT_PORTS:
                raise UsageError("X-Forwarded-Proto", scheme, "应为 http 或 https")
        host, port = _split(host_header, scheme)
        self._check_host(host, host_header, plain_address(local) or local)
        origin = _check_origin(told, scheme, host, port)
        _check_fetch(told, method, websocket)
        return Caller(address, scheme == "https", host, port, origin)

    def _check_host(self, host: str, given: str, local: str) -> None:
        known = plain_address(host) or host
        if known in self.hosts or known == local or is_loopback_name(known):
            return
        form = (
            "不是这个服务器的名字：只认 localhost、127.0.0.1、连到的那个地址，"
            "和 easytrader serve --public-host 写的"
        )
        raise UsageError("Host", given, form)


@lru_cache(maxsize=1024)
def plain_address(text: str) -> str:
    """地址的唯一写法；不是地址为空。带网卡名的去掉网卡名，IPv4 写成 IPv6 的还原。"""
    try:
        found = ipaddress.ip_address(text.strip().strip("[]").partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def is_loopback_name(host: str) -> bool:
    """只可能是本机：``localhost``、127.0.0.0/8、``::1``。``127.evil.com`` 不是。"""
    if host == "localhost":
        return True
    address = plain_address(host)
    return bool(address) and ipaddress.ip_address(address).is_loopback


# ---- 各个头


def _read(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[str]]:
    found: dict[bytes, list[str]] = {}
    for name, value in headers:
        if name in _WANTED:
            found.setdefault(name, []).append(value.decode("latin-1"))
    return found


def _one(told: dict[bytes, list[str]], title: str, name: bytes) -> str:
    values = told.get(name, [])
    if len(values) != 1:
        raise UsageError(title, values, f"要有一个 {title} 头，只能有一个")
    return values[0]


def _last(told: dict[bytes, list[str]], name: bytes) -> str:
    """最后一跳说的；没有为空。"""
    return ",".join(told.get(name, [])).rpartition(",")[2].strip()


def _last_address(told: dict[bytes, list[str]]) -> str:
    """``X-Forwarded-For`` 的最后一跳，可能带着端口；读不懂为空。"""
    text = _last(told, b"x-forwarded-for")
    if text.startswith("["):
        text = text.partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return plain_address(text)


def _split(text: str, scheme: str, title: str = "Host") -> tuple[str, int]:
    match = _HOST.fullmatch(text)
    if match is None:
        raise UsageError(title, text, "应为 名字 或 名字:端口，例如 127.0.0.1:7788")
    host = match[1].strip("[]").lower()
    if match[1].startswith("[") and (":" not in host or not plain_address(host)):
        raise UsageError(title, text, "方括号里应为 IPv6 地址")
    port = int(match[2] or _DEFAULT_PORTS[scheme])
    if port > 65535:
        raise UsageError(title, text, "没有这样的端口")
    return host, port


def _check_origin(told: dict[bytes, list[str]], scheme: str, host: str, port: int) -> str:
    if b"origin" not in told:
        return ""
    given = _one(told, "Origin", b"origin")
    match = _ORIGIN.fullmatch(given)
    if match is not None:
        own = match[1].lower()
        try:
            found = (own, *_split(match[2], own, "Origin"))
        except UsageError:
            found = ("", "", 0)
        if found == (scheme, host, port):
            return given
    wanted = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
    form = f"只许自己的网页（{wanted}）：别的网页不许用这个服务器"
    raise UsageError("Origin", given, form)


def _check_fetch(told: dict[bytes, list[str]], method: str, websocket: bool) -> None:
    """浏览器自己说的（网页改不了）：别的网页来的，只许点链接打开。"""
    sites = told.get(b"sec-fetch-site", [])
    if not sites or sites in (["same-origin"], ["none"]):
        return
    navigating = told.get(b"sec-fetch-mode") == ["navigate"]
    if not navigating or method not in _SAFE or websocket:
        raise UsageError("Sec-Fetch-Site", sites[0], "别的网页不许用这个服务器")
