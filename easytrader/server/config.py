r"""一个服务器的设置：听在哪里、给哪些账号；来自命令行，或一个 TOML 文件。

```toml
host = "0.0.0.0"
port = 7788

[[account]]
name = "main"
broker = "miniqmt"
guard = { max_order_value = 50000 }

[account.connect]
miniqmt_path = 'D:\国金证券QMT交易端\\userdata_mini'
stock_account = "12345678"
```
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.basics.scrub import scrubbed
from easytrader.errors import UsageError
from easytrader.profiles import tomlfile
from easytrader.profiles.account import account_of
from easytrader.wire.words import DEFAULT_PORT

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

    from easytrader.profiles import AccountSpec

LOOPBACK: Final = "127.0.0.1"


@dataclass(frozen=True)
class ServerConfig:
    """一个服务器。

    Args:
        accounts: 给出去的账号。
        host: 听在哪个地址；默认只有本机连得到。
        port: 端口；0 由系统挑一个。
        qka: 也给 QKA 的客户端用。
        page: 要不要网页。
        page_connect: 网页上能不能填表连接（默认不能）。
        public_hosts: 别人用什么名字找到这台机器（域名、局域网的地址），Host 头里只认这些与本机的。
        proxies: 前面的反向代理的地址：只信它们转来的头；非本机的地址上，别的来处一律不收。
        cert: 证书；None 用 ``easytrader serve init`` 做的那一张。
        key: 证书的私钥。
        fleet: 一队账号的存储在哪里，``postgresql://…``；有它，``/v1/fleet`` 与网页上能看到整队，
            自己可以一个账号也没有。密码写成 ``env:变量名``、``keyring:服务/用户名`` 取来的地址。
        log_file: 日志也写进这个文件，写满了换一个；None 只写到屏幕上。

    Raises:
        UsageError: 哪一项不对。
    """

    accounts: tuple[AccountSpec, ...]
    host: str = LOOPBACK
    port: int = DEFAULT_PORT
    qka: bool = False
    page: bool = True
    page_connect: bool = False
    public_hosts: tuple[str, ...] = ()
    proxies: tuple[str, ...] = ()
    cert: str | None = None
    key: str | None = None
    fleet: str | None = None
    log_file: str | None = None

    def __post_init__(self) -> None:
        if not self.accounts and self.fleet is None:
            raise UsageError("account", None, "至少一个账号：--broker sim，或 --config 文件")
        if not isinstance(self.host, str) or not self.host.strip():
            raise UsageError("host", self.host, f"应为一个地址，例如 {LOOPBACK}")
        _check_port(self.port)
        for name in ("qka", "page", "page_connect"):
            arguments.flag(name, getattr(self, name))
        for each in self.proxies:
            _check_address(each)
        _check_hosts(self.public_hosts)
        if self.proxies and not self.public_hosts:
            told = "有反向代理时，还要说别人用什么名字找到它：--public-host trade.example.com"
            raise UsageError("public_host", None, told)
        if (self.cert is None) != (self.key is None):
            missing = "key" if self.key is None else "cert"
            raise UsageError(missing, None, "证书与私钥要一起给：--cert 文件 --key 文件")
        _check_names(each.name for each in self.accounts)

    @property
    def is_local(self) -> bool:
        """只有本机连得到。"""
        return is_loopback(self.host)


def read(path: str | os.PathLike[str], **given: Any) -> ServerConfig:
    """TOML 文件 → 设置。

    Args:
        path: 文件。
        **given: 命令行上写了的，盖过文件里的；``accounts`` 是另加的账号。

    Raises:
        UsageError: 文件读不了、不是 TOML、有不认得的名字，或值不对。
    """
    told = tomlfile.read(path, "config")
    rows = told.pop("account", [])
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise UsageError("account", rows, "写成 [[account]]，一个账号一段")
    accounts = tuple(account_of(row, _which(row, n)) for n, row in enumerate(rows, 1))
    dsn = str(told.get("fleet", ""))
    if scrubbed(dsn) != dsn or any(tomlfile.holds_secret(each.connect) for each in accounts):
        tomlfile.check_private(path, "config")
    settings = {**_settings(told), **given}
    settings["accounts"] = (*accounts, *given.get("accounts", ()))
    return ServerConfig(**settings)


def is_loopback(host: str) -> bool:
    """这个地址（或名字）只指本机。"""
    bare = host.strip("[]")
    try:
        return ipaddress.ip_address(bare.partition("%")[0]).is_loopback
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(bare, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    return bool(found) and all(
        ipaddress.ip_address(str(each[4][0]).partition("%")[0]).is_loopback for each in found
    )


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    known = {each.name for each in fields(ServerConfig)} - {"accounts"}
    tomlfile.check_keys(told, known)
    for name in ("public_hosts", "proxies"):
        if name in told:
            told[name] = _texts(name, told[name])
    for name in ("cert", "key", "log_file"):
        if name in told and not isinstance(told[name], str):
            raise UsageError(name, told[name], "应为文件的路径")
    if not isinstance(told.get("fleet", ""), str):
        raise UsageError("fleet", told["fleet"], "应为存储的地址，如 env:EASYTRADER_FLEET")
    return told


def _which(row: dict[str, Any], number: int) -> str:
    """第几段，写了名字的连名字。"""
    name = row.get("name")
    return f"第 {number} 个 [[account]]{f'：{name}' if isinstance(name, str) else ''}"


def _texts(name: str, value: object) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise UsageError(name, value, "应为文字，或文字的列表")


def _check_port(port: object) -> None:
    if type(port) is not int or not 0 <= port <= 65535:
        raise UsageError("port", port, f"应为 1 到 65535 的整数，例如 {DEFAULT_PORT}")


def _check_address(text: str) -> None:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        raise UsageError("proxy", text, "应为反向代理的地址，例如 127.0.0.1") from None


def _check_hosts(names: Iterable[str]) -> None:
    for each in names:
        bare = each.strip("[]")
        try:
            ipaddress.ip_address(bare)
            continue
        except ValueError:
            pass
        labels = bare.split(".")
        if not bare.isascii() or not all(_is_label(label) for label in labels):
            told = "应为域名或地址，不带 http:// 与端口，例如 trade.example.com、192.168.1.8"
            raise UsageError("public_host", each, told)


def _is_label(label: str) -> bool:
    return 0 < len(label) <= 63 and label.replace("-", "").replace("_", "").isalnum()


def _check_names(names: Iterable[str | None]) -> None:
    seen: set[str] = set()
    for each in names:
        if each is None:
            continue
        if each.casefold() in seen:
            raise UsageError("name", each, "每个账号要有不同的名字")
        seen.add(each.casefold())
