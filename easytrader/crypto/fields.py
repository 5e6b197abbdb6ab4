"""连接的字段：旧文档（fcs-trade、VeighNa 的 OKX）里的叫法 → 这里的参数。"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any, Final

from easytrader.errors import UsageError

_NAMES: Final = {
    "API秘钥": "api_key", "API密钥": "api_key", "API Key": "api_key", "apiKey": "api_key",
    "用户ID": "api_key", "ID": "api_key",
    "密码秘钥": "secret", "Secret Key": "secret", "Secret": "secret", "API Secret": "secret",
    "密码": "password", "Passphrase": "password", "passphrase": "password",
    "代理地址": "proxy_host", "Proxy Host": "proxy_host",
    "代理端口": "proxy_port", "Proxy Port": "proxy_port",
    "会话数": "sessions",
    "服务器": "server", "Server": "server",
    "Spread Trading": "spread", "Margin Currency": "margin",
}  # fmt: skip
_SERVERS: Final = {
    "": False, "REAL": False, "实盘": False, "TESTNET": True, "DEMO": True, "测试": True,
    "模拟": True,
}  # fmt: skip

_LACKING: Final = {"spread": "Spread Trading", "margin": "Margin Currency"}
"""VeighNa 的 OKX 里有、这里没有做的：默认的值收下不管。"""
_OFF: Final = ("", "False", "false", False, None)


def fold(given: dict[str, Any], known: frozenset[str]) -> dict[str, Any]:
    """旧的叫法换成这里的参数名；不认识的、说了两遍的不收。

    Args:
        given: 用户多给的。
        known: 本来就收的名字，认错了的时候提示用。

    Raises:
        UsageError: 不认识的名字，信息里说多半是哪一个；值不写出来，可能是密钥。
    """
    found: dict[str, Any] = {}
    for name, value in given.items():
        own = _NAMES.get(name)
        if own is None:
            near = get_close_matches(name, [*known, *_NAMES], 1)
            asked = f"，是不是 {near[0]}？" if near else ""
            raise UsageError(name, "（不写出来）", f"connect() 不收这个参数{asked}")
        if own in found:
            raise UsageError(name, "（不写出来）", f"与 {own} 是一回事，说了两遍")
        found[own] = value
    host, port = found.pop("proxy_host", ""), found.pop("proxy_port", "")
    if host:
        shown = str(host) if "://" in str(host) else f"http://{host}"
        found["proxy"] = f"{shown}:{port}" if port else shown
    if "server" in found:
        found["sandbox"] = _sandbox(found.pop("server"))
    for each, shown in _LACKING.items():
        if found.pop(each, "") not in _OFF:
            raise UsageError(shown, "（不写出来）", "这里没有做，请不要给，或照默认的写 False、空")
    found.pop("sessions", None)  # 那时是同时几个请求；这里一个下单、一个查询，不用选
    return found


def _sandbox(server: object) -> bool:
    key = server.strip().upper() if isinstance(server, str) else None
    if key not in _SERVERS:
        raise UsageError("服务器", server, "应为 REAL（实盘）或 TESTNET（测试，okx 叫 DEMO）")
    return _SERVERS[key]


def text(argument: str, value: object, *, secret: bool = False) -> str:
    """一个字符串，前后的空白不要；错误里不写出密钥。"""
    if not isinstance(value, str) or not value.isprintable():
        shown = "（不写出来）" if secret else value
        raise UsageError(argument, shown, "应为字符串")
    return value.strip()
