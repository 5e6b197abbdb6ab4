"""``easytrader serve init``：自己签的证书，客户端按指纹认它。

``EASYTRADER_HOME/server/tls/current.pem`` 里私钥与证书在一起：换的时候一个文件换一次，不会配错。
``renew`` 另做一张 ``next.pem``，旧的照用；两个指纹都发给客户端之后 ``switch`` 换上去，谁也不用停。
文件只给本人看（0600）；Windows 上靠的是用户目录本来就只有本人能看。

指纹与令牌一样，当面或经可信的渠道交给客户端；客户端不收没有见过的证书。
"""

from __future__ import annotations

import ipaddress
import socket
import ssl
import time
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.basics.private import private_folder, replace_file
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.errors import EasytraderError, UsageError
from easytrader.server.origins import plain_address

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable

__all__ = [
    "Pair", "context", "default_folder", "load", "machine_names", "make", "pending", "read",
    "renew", "switch", "warning",
]  # fmt: skip

_CURRENT: Final = "current.pem"
_NEXT: Final = "next.pem"
_DAYS: Final = 820
"""超过 825 天的，iPhone 不收。"""
_BEFORE: Final = timedelta(days=1)
"""客户端的钟慢一点也认。"""
_AHEAD_S: Final = 30 * 86400.0
_NAMES_S: Final = 2.0
_SHOWN: Final = "%Y-%m-%d"
_NOWHERE: Final = (("192.0.2.1", socket.AF_INET), ("2001:db8::1", socket.AF_INET6))
"""文档用的地址：向它「连」一个 UDP 套接字，什么都不发，只看系统挑了哪个出口。"""


class Pair(NamedTuple):
    """一张证书和它的私钥。

    Attributes:
        cert: 证书的文件，PEM。
        key: 私钥的文件，可以与证书是同一个。
        fingerprint: 证书的 SHA-256，``sha256:aa:bb:…``；客户端的 ``fingerprint=`` 写它。
        expires: 到这时为止，Unix 秒。
        names: 证书里写的名字与地址。
    """

    cert: Path
    key: Path
    fingerprint: str
    expires: float
    names: tuple[str, ...]


def default_folder() -> Path:
    """证书在哪里。"""
    return home() / "server" / "tls"


def make(folder: str | os.PathLike[str], names: Iterable[str] = ()) -> Pair:
    """做第一张证书。

    Args:
        folder: 放在哪里；没有就建，只给本人看。
        names: 别人用什么名字、地址找到这台机器；本机自己的（`machine_names`）总是写上。

    Raises:
        UsageError: 已经有了，或名字不对。
        EasytraderError: 写不了。
    """
    path = Path(folder) / _CURRENT
    if path.exists():
        form = "已经有证书了；要换一张：easytrader serve init --renew"
        raise UsageError("init", str(path), form)
    return _made(path, names)


def renew(folder: str | os.PathLike[str], names: Iterable[str] = ()) -> tuple[Pair, Pair]:
    """另做一张备着：(正在用的, 新的)。两个指纹都发给客户端之后再 `switch`。

    Raises:
        UsageError: 还没有第一张。
        EasytraderError: 读不懂、写不了。
    """
    current = load(folder)
    if current is None:
        raise UsageError("renew", str(folder), "还没有证书：先 easytrader serve init")
    return current, _made(Path(folder) / _NEXT, (*current.names, *names))


def switch(folder: str | os.PathLike[str]) -> Pair:
    """换上备着的那一张；服务器下次启动时用它。

    Raises:
        UsageError: 没有备着的。
        EasytraderError: 读不懂、写不了。
    """
    fresh = pending(folder)
    if fresh is None:
        raise UsageError("switch", str(folder), "没有备着的证书：先 easytrader serve init --renew")
    path = Path(folder) / _CURRENT
    try:
        replace_file(path, fresh.cert.read_bytes())
        fresh.cert.unlink()
    except OSError as exc:
        raise EasytraderError(f"证书 {path} 换不了（{exc}）") from exc
    return read(path, path)


def load(folder: str | os.PathLike[str]) -> Pair | None:
    """正在用的；没有为 None。

    Raises:
        EasytraderError: 读不懂、读不了。
    """
    return _found(Path(folder) / _CURRENT)


def pending(folder: str | os.PathLike[str]) -> Pair | None:
    """备着的；没有为 None。

    Raises:
        EasytraderError: 读不懂、读不了。
    """
    return _found(Path(folder) / _NEXT)


def read(cert: str | os.PathLike[str], key: str | os.PathLike[str]) -> Pair:
    """文件里的证书；有几张的（带着上级）第一张是自己的。

    Raises:
        EasytraderError: 读不懂、读不了。
    """
    path = Path(cert)
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except OSError as exc:
        raise EasytraderError(f"证书 {path} 读不了（{exc}）") from exc
    except ValueError as exc:
        raise EasytraderError(f"{path} 里没有读得懂的证书（PEM）：{exc}") from exc
    return Pair(path, Path(key), _fingerprint(found), _until(found), _names(found))


def context(pair: Pair) -> ssl.SSLContext:
    """服务器的 TLS。

    Raises:
        EasytraderError: 私钥不是这张证书的，或读不了。
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(pair.cert, pair.key, password=_no_password)
    except (OSError, ValueError) as exc:  # ssl.SSLError 是 OSError
        raise EasytraderError(f"证书 {pair.cert} 与私钥 {pair.key} 用不了（{exc}）") from exc
    return made


def warning(pair: Pair, now: float | None = None) -> str:
    """过期了、三十天之内要过期的怎么说；还早为空。"""
    left_s = pair.expires - (time.time() if now is None else now)
    if left_s > _AHEAD_S:
        return ""
    until = beijing.stamp(pair.expires, _SHOWN)
    if left_s <= 0:
        return f"证书 {until} 已经过期，客户端不收：easytrader serve init --renew 做一张新的"
    return (
        f"证书 {until} 过期：easytrader serve init --renew 做一张新的，"
        "把新旧两个指纹都发给客户端，再 easytrader serve init --switch 换上"
    )


def machine_names() -> tuple[str, ...]:
    """别的机器可能用来找到这台机器的：主机名、局域网的地址；还有本机自己的。"""
    found = ["localhost", "127.0.0.1", "::1"]
    with suppress(OSError):
        found.append(socket.gethostname())
    with suppress(OSError, AbandonedError):  # 域名服务器不答的，不等它
        found += call_aside(_own_addresses, _NAMES_S, name="easytrader-names")
    for address, family in _NOWHERE:
        with suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, 9))
            found.append(str(probe.getsockname()[0]))
    return tuple(dict.fromkeys(each for each in map(_name, found) if each))


# ---- 内部


def _own_addresses() -> list[str]:
    told = socket.getaddrinfo(socket.gethostname(), None, type=socket.SOCK_STREAM)
    return [str(each[4][0]) for each in told]


def _found(path: Path) -> Pair | None:
    return read(path, path) if path.exists() else None


def _made(path: Path, names: Iterable[str]) -> Pair:
    wanted = dict.fromkeys((*machine_names(), *map(_checked, names)))
    alternatives = [_alternative(each) for each in wanted]
    key = ec.generate_private_key(ec.SECP256R1())
    title = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "easytrader serve")])
    now = datetime.now(timezone.utc).replace(microsecond=0)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
    made = (
        x509.CertificateBuilder()
        .subject_name(title)
        .issuer_name(title)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BEFORE)
        .not_valid_after(now + timedelta(days=_DAYS))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=False)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ) + made.public_bytes(serialization.Encoding.PEM)
    try:
        private_folder(path.parent, tighten=True)
        replace_file(path, text)
    except OSError as exc:
        raise EasytraderError(f"证书 {path} 写不了（{exc}）") from exc
    return read(path, path)


def _alternative(name: str) -> x509.GeneralName:
    if plain_address(name):
        return x509.IPAddress(ipaddress.ip_address(name))
    return x509.DNSName(name)


def _fingerprint(cert: x509.Certificate) -> str:
    return f"sha256:{cert.fingerprint(hashes.SHA256()).hex(':')}"


def _until(cert: x509.Certificate) -> float:
    return cert.not_valid_after_utc.timestamp()


def _names(cert: x509.Certificate) -> tuple[str, ...]:
    try:
        told = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    hosts = told.get_values_for_type(x509.DNSName)
    return (*hosts, *map(str, told.get_values_for_type(x509.IPAddress)))


def _name(text: str) -> str:
    """写得进证书的名字；写不进的（汉字的主机名、链路本地的地址）为空。"""
    address = plain_address(text)
    if address:
        return "" if ipaddress.ip_address(address).is_link_local else address
    labels = text.lower().rstrip(".").split(".")
    good = text.isascii() and all(each.replace("-", "").isalnum() for each in labels)
    return ".".join(labels) if good and len(text) < 254 else ""


def _checked(name: str) -> str:
    found = _name(name.strip().strip("[]"))
    if not found:
        form = "应为域名或地址，不带 http:// 与端口，例如 trade.example.com、192.168.1.8"
        raise UsageError("public_host", name, form)
    return found


def _no_password() -> str:
    raise ValueError("私钥加了密：请给没有密码的")
