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
import os
import socket
import sys
from dataclasses import dataclass, field, fields
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.errors import UsageError, is_secret
from easytrader.risk import Guard
from easytrader.wire.words import DEFAULT_PORT

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]  # 3.10 才装

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

LOOPBACK: Final = "127.0.0.1"
_LONGEST_NAME: Final = 64
OURS: Final = ("wait", "trader_callback", "on_health", "on_give_up")
"""connect 的选项里，服务器自己要用的。"""
_NAME_FORM: Final = "应为 1 到 64 个字母、数字、汉字、- 或 _，例如 main"


@dataclass(frozen=True)
class AccountSpec:
    """要给出去的一个账号。

    Args:
        broker: 后端，同 `easytrader.use`。
        name: 在服务器上的名字；None 就是资金账号。
        connect: 交给 ``connect()`` 的选项。
        guard: 这个账号的风控，同 `easytrader.use`。

    Raises:
        UsageError: 哪一项不对。
    """

    broker: str
    name: str | None = None
    connect: Mapping[str, Any] = field(default_factory=dict, repr=False)  # 里面可能有密码
    guard: Guard | dict[str, Any] | bool | None = None

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name)
        for each in self.connect:
            if each in OURS:
                raise UsageError(f"connect.{each}", "…", "这一项由服务器自己定，去掉它")
        if self.guard is False:
            object.__setattr__(self, "guard", None)
        object.__setattr__(self, "guard", Guard.of(self.guard))


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
    log_file: str | None = None

    def __post_init__(self) -> None:
        if not self.accounts:
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
    file = Path(path).expanduser()
    try:
        told = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as exc:
        raise UsageError("config", str(file), f"应为读得了的文件：{exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise UsageError("config", str(file), "应为 UTF-8 编码的文件：另存为 UTF-8") from None
    except tomllib.TOMLDecodeError as exc:
        raise UsageError("config", str(file), f"应为 TOML：{exc}（路径用单引号）") from None
    rows = told.pop("account", [])
    if not isinstance(rows, list) or not all(isinstance(each, dict) for each in rows):
        raise UsageError("account", rows, "写成 [[account]]，一个账号一段")
    accounts = tuple(_account(each) for each in rows)
    if any(_holds_secret(each.connect) for each in accounts):
        _check_private(file)
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


def check_name(name: object) -> str:
    """账号在服务器上的名字：也写在网址里。"""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise UsageError("name", name, _NAME_FORM)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError("name", name, _NAME_FORM)
    return name


def _settings(told: dict[str, Any]) -> dict[str, Any]:
    known = {each.name for each in fields(ServerConfig)} - {"accounts"}
    _check_keys(told, known, "")
    for name in ("public_hosts", "proxies"):
        if name in told:
            told[name] = _texts(name, told[name])
    for name in ("cert", "key", "log_file"):
        if name in told and not isinstance(told[name], str):
            raise UsageError(name, told[name], "应为文件的路径")
    return told


def _account(row: dict[str, Any]) -> AccountSpec:
    _check_keys(row, {each.name for each in fields(AccountSpec)}, "account.")
    broker = row.get("broker")
    if not isinstance(broker, str):
        raise UsageError("account.broker", broker, "写一个后端，例如 broker = 'miniqmt'")
    connect = row.get("connect", {})
    if not isinstance(connect, dict):
        raise UsageError("account.connect", connect, "写成 [account.connect]，一行一个选项")
    return AccountSpec(broker, row.get("name"), connect, row.get("guard"))


def _check_keys(told: dict[str, Any], known: set[str], where: str) -> None:
    for each in told:
        if each not in known:
            near = get_close_matches(each, known, 1)
            asked = f"是不是 {near[0]}？" if near else ""
            listed = "、".join(sorted(known))
            raise UsageError(f"{where}{each}", told[each], f"没有这一项。{asked}有的是：{listed}")


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


def _holds_secret(options: Mapping[str, Any]) -> bool:
    return any(is_secret(name) or name.lower().endswith("key") for name in options)


def _check_private(file: Path) -> None:
    """里面有密码：别人读得到的不收（Windows 上看文件夹的权限，这里不看）。"""
    if os.name != "nt" and file.stat().st_mode & 0o077:
        raise UsageError("config", str(file), f'里面有密码，不能让别人读到：chmod 600 "{file}"')
