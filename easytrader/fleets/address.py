"""存储的地址：``postgresql://…`` 或 ``sqlite:///路径``，给出来的 `Store`。

密码不写出来；别的机器上的 PostgreSQL 一定要认证书的 TLS。
"""

from __future__ import annotations

import ipaddress
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote, unquote

from easytrader import arguments
from easytrader.basics import references, scrub
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.fleets.store import Store

FORM: Final = (
    "应为 postgresql://用户@主机:5432/库（密码写在 env:变量名、keyring:服务/用户名 取来的地址里，"
    "或 PGPASSWORD、pgpass 文件里），一台机器的写 sqlite:///路径"
)
_POSTGRES: Final = ("postgresql://", "postgres://")
_SQLITE: Final = "sqlite://"
_SAFE: Final = ("verify-full", "verify-ca")
_URI: Final = re.compile(
    r"postgres(?:ql)?://(?:(?P<user>[^@/?#]*)@)?(?P<hosts>[^/?#@]*)(?:/(?P<dbname>[^/?#@]*))?"
    r"(?:\?(?P<query>[^#]*))?"
)
_USERINFO: Final = re.compile(r"//.*@", re.DOTALL)
_HOST: Final = re.compile(r"(?P<host>\[[0-9A-Fa-f:.%]+\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")


class Postgres(NamedTuple):
    """一个 PostgreSQL 的地址。

    Attributes:
        options: libpq 的各项，连同密码；``sslmode`` 已经定好。
        where: 给人看，没有密码。
    """

    options: dict[str, str]
    where: str

    def __repr__(self) -> str:
        return f"Postgres({self.where})"

    @property
    def uri(self) -> str:
        """同一个地址写成一行，连同密码。"""
        query = "&".join(f"{key}={quote(value, safe='')}" for key, value in self.options.items())
        return f"postgresql://?{query}"


def open_store(dsn: object, timeout_s: float = 5.0) -> Store:
    """地址 → 存储；还没有连。

    Args:
        dsn: ``postgresql://用户@主机:端口/库?sslmode=verify-full``；
            ``env:变量名``、``keyring:服务/用户名`` 也行；``sqlite:///路径`` 只给一台机器用。
        timeout_s: 连接最多等这么久。

    Raises:
        UsageError: 写得不对，明文连别的机器。
        MissingDependencyError: 没有装 psycopg。
    """
    timeout_s = arguments.seconds("timeout_s", timeout_s)
    found = resolved(dsn)
    if isinstance(found, Path):
        from easytrader.fleets.sqlite import SqliteStore

        return SqliteStore(found)
    try:
        from easytrader.fleets.postgres import PostgresStore
    except ImportError as exc:
        told = f'PostgreSQL 的存储要另装几个包（{exc}）：pip install "easytrader[fleet]"'
        raise MissingDependencyError(told) from exc
    return PostgresStore(found.uri, found.where, timeout_s)


def resolved(dsn: object) -> Postgres | Path:
    """地址 → 连 PostgreSQL 的各项，或 SQLite 的文件；``env:``、``keyring:`` 的去取。

    Raises:
        UsageError: 同 `open_store`；错误里没有密码。
    """
    if not isinstance(dsn, str):
        raise UsageError("dsn", _shown(dsn), FORM)
    found = str(references.resolved(dsn, "dsn", "一队账号的存储"))
    found = found.strip()
    if found.startswith(_POSTGRES):
        return _postgres(found)
    if found.startswith(_SQLITE):
        return _sqlite(found)
    raise UsageError("dsn", _shown(found), FORM)


def where(dsn: object) -> str:
    """地址给人看的样子：没有密码，认不得的只剩几个点。"""
    try:
        found = resolved(dsn)
    except (UsageError, MissingDependencyError):
        return str(_shown(dsn)) or "…"
    return f"SQLite {found}" if isinstance(found, Path) else found.where


def _shown(dsn: Any) -> object:
    """写错了的地址，给人看的样子：里面也许有密码。"""
    if not isinstance(dsn, str):
        return f"{type(dsn).__name__} 类型的值"
    if references.is_reference(dsn) or dsn.startswith(_SQLITE):
        return dsn
    if "://" not in dsn:
        return "…" if "=" in dsn else dsn
    return _USERINFO.sub("//***@", dsn.partition("?")[0])


def _sqlite(dsn: str) -> Path:
    path = dsn.removeprefix(f"{_SQLITE}/")
    right = "应为 sqlite:///路径：sqlite:///fleet.sqlite、sqlite:////srv/fleet.sqlite、"
    right += "sqlite:///D:/交易/fleet.sqlite"
    if path == dsn or not path or path == ":memory:" or path[-1] in "/\\" or "\0" in path:
        raise UsageError("dsn", dsn, right)
    try:
        found = Path(path).expanduser().absolute()
        folder = found.is_dir()
    except (OSError, RuntimeError) as exc:
        raise UsageError("dsn", dsn, f"{right}（{exc}）") from None
    if folder:
        raise UsageError("dsn", dsn, f"这是文件夹；后面写上文件名，例如 {dsn}/fleet.sqlite")
    return found


def _postgres(dsn: str) -> Postgres:
    parts = _URI.fullmatch(dsn)
    if parts is None:
        escapes = "密码里的 @ / ? # % 要写成 %40 %2F %3F %23 %25"
        raise UsageError("dsn", _shown(dsn), f"{FORM}；{escapes}")
    user, colon, password = (parts["user"] or "").partition(":")
    if colon:
        scrub.remember(unquote(password))
    options = dict(map(_pair, filter(None, (parts["query"] or "").split("&"))))
    scrub.remember(options.get("password", ""))
    hosts = [_HOST.fullmatch(each) for each in parts["hosts"].split(",")]
    if any(each is None for each in hosts):
        raise UsageError("dsn", _shown(dsn), FORM)
    for refused in ("service", "servicefile"):
        if refused in options:
            raise UsageError("dsn", _shown(dsn), f"不认 {refused}：主机写在地址里，看得出连到哪里")
    ports = [each["port"] or "" for each in hosts if each]
    told = {
        "host": ",".join(unquote(each["host"]).strip("[]") for each in hosts if each),
        "port": ",".join(ports) if any(ports) else "",
        "user": unquote(user),
        "password": unquote(password),
        "dbname": unquote(parts["dbname"] or ""),
    }
    options = {**{key: value for key, value in told.items() if value}, **options}
    shown = _where(options)
    _secure(options, shown)
    return Postgres(options, shown)


def _pair(text: str) -> tuple[str, str]:
    key, _, value = text.partition("=")
    return unquote(key), unquote(value)  # libpq 不把 + 当空格


def _where(options: dict[str, str]) -> str:
    user = f"{options['user']}@" if "user" in options else ""
    port = f":{options['port']}" if "port" in options else ""
    return f"postgresql://{user}{options.get('host', '')}{port}/{options.get('dbname', '')}"


def _secure(options: dict[str, str], shown: str) -> None:
    """别的机器上的：一定要认证书。"""
    number = options.get("hostaddr") or os.environ.get("PGHOSTADDR", "")
    hosts = (number or options.get("host") or os.environ.get("PGHOST", "")).split(",")
    mode = options.get("sslmode")
    if _are_here(hosts):
        return
    if mode is None:
        options["sslmode"] = "verify-full"
    elif mode not in _SAFE:
        raise UsageError(
            "dsn", f"{shown}?sslmode={mode}",
            "连别的机器要认证书：sslmode=verify-full（自己签的证书再加 sslrootcert=证书的文件），"
            "不然路上的人看得到、改得了委托",
        )  # fmt: skip
    if "sslrootcert" not in options and not _own_root().exists():
        options["sslrootcert"] = "system"  # libpq 不说就只认那个文件
        options["sslmode"] = "verify-full"  # 系统的证书谁都申请得到，名字一定要对


def _own_root() -> Path:
    """Libpq 自己去找的根证书。"""
    if os.name == "nt":
        return Path(os.environ.get("APPDATA", ""), "postgresql", "root.crt")
    return Path("~/.postgresql/root.crt").expanduser()


def _are_here(hosts: Sequence[str]) -> bool:
    """都在本机：没有写、套接字文件、回环地址。"""
    return all(_is_here(each) for each in hosts)


def _is_here(host: str) -> bool:
    if host in ("", "localhost") or host.startswith(("/", "@")):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
