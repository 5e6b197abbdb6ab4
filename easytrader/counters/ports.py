"""字段里的地址与端口：是哪些，TCP 连不连得上。"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING, Final

from easytrader.basics.threads import call_aside

if TYPE_CHECKING:
    from collections.abc import Mapping

_ADDRESS_WORDS: Final = ("地址", "服务器", "host", "_server")
_PORT_WORDS: Final = ("端口", "port")
_ADDRESS: Final = re.compile(r"^(?:\w+://)?(?P<host>\[[^\]]+\]|[^:/\s]+)(?::(?P<port>\d{1,5}))?/?$")


def addresses(values: Mapping[str, object]) -> dict[str, tuple[str, int]]:
    """字段 → 名字与 (主机, 端口)；``tcp://主机:端口``，或地址与端口分开两个字段。"""
    found: dict[str, tuple[str, int]] = {}
    for name, value in values.items():
        if not any(word in name.casefold() for word in _ADDRESS_WORDS):
            continue
        matched = _ADDRESS.match(str(value).strip())
        if matched is None:
            continue
        host, port = matched["host"].strip("[]"), matched["port"]
        if port is not None:
            found[name] = host, int(port)
            continue
        for other, number in _ports_of(name, values):
            found[name if other.startswith(_stem(name)) else other] = host, number
    return {name: place for name, place in found.items() if 0 < place[1] < 65536}


def unreachable(host: str, port: int, limit_s: float) -> str:
    """连不上的原因；连上为空。域名解析没有期限，放在一旁的线程里。"""

    def connect() -> None:
        socket.create_connection((host, port), timeout=limit_s).close()

    try:
        call_aside(connect, limit_s + 1, name="easytrader-port")
    except TimeoutError:
        return f"{limit_s:g} 秒没有应答"
    except OSError as exc:
        return exc.strerror or str(exc) or type(exc).__name__
    return ""


def _stem(name: str) -> str:
    """``行情地址`` → ``行情``。"""
    plain = name
    for word in (*_ADDRESS_WORDS, *_PORT_WORDS):
        plain = re.sub(re.escape(word), "", plain, flags=re.IGNORECASE)
    return plain.strip()


def _ports_of(name: str, values: Mapping[str, object]) -> list[tuple[str, int]]:
    """这个地址的端口：同一个开头的；没有的话，别的地址都不要的。"""
    ports = [
        (each, int(str(value)))
        for each, value in values.items()
        if any(word in each.casefold() for word in _PORT_WORDS) and str(value).isdecimal()
    ]
    same = [(each, number) for each, number in ports if _stem(each) == _stem(name)]
    is_proxy = "代理" in name or "proxy" in name.casefold()
    shared = [] if is_proxy or len(_hosts(values)) != 1 else ports
    return same or shared


def _hosts(values: Mapping[str, object]) -> list[str]:
    return [name for name in values if any(word in name.casefold() for word in _ADDRESS_WORDS)]
