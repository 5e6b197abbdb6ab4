"""证书：做、续、换；浏览器与手机收得下；真的握手里指纹对得上。"""

from __future__ import annotations

import hashlib
import os
import socket
import ssl
import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from easytrader.errors import EasytraderError, UsageError
from easytrader.server import tls

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.server.tls import Pair


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "带 空格" / "tls"


def certificate(pair: Pair) -> x509.Certificate:
    return x509.load_pem_x509_certificate(pair.cert.read_bytes())


def presented(pair: Pair) -> bytes:
    """真的握一次手，拿到对面出示的证书（DER）。"""
    ours, theirs = socket.socketpair()
    context = tls.context(pair)

    def serve() -> None:
        with context.wrap_socket(theirs, server_side=True) as server:
            server.sendall(b"x")

    thread = threading.Thread(target=serve)
    thread.start()
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    with client.wrap_socket(ours) as wrapped:
        assert wrapped.version() == "TLSv1.3"
        assert wrapped.recv(1) == b"x"
        found = wrapped.getpeercert(binary_form=True)
    thread.join(30)
    assert found is not None
    return found


def shown(der: bytes) -> str:
    return "sha256:" + hashlib.sha256(der).hexdigest()


def test_made_to_be_accepted(folder: Path) -> None:
    pair = tls.make(folder, ["Trade.Example.com", "192.168.1.8", "[2001:db8::8]"])
    cert = certificate(pair)
    assert isinstance(cert.public_key(), ec.EllipticCurvePublicKey)
    assert cert.not_valid_after_utc - cert.not_valid_before_utc <= timedelta(days=825)
    names = cert.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    hosts = names.get_values_for_type(x509.DNSName)
    addresses = [str(each) for each in names.get_values_for_type(x509.IPAddress)]
    assert {"localhost", "trade.example.com"} <= set(hosts)
    assert {"127.0.0.1", "::1", "192.168.1.8", "2001:db8::8"} <= set(addresses)
    assert set(pair.names) == {*hosts, *addresses}
    constraints = cert.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
    assert tls.load(folder) == pair
    assert tls.warning(pair) == ""


def test_the_fingerprint_is_that_of_the_handshake(folder: Path) -> None:
    pair = tls.make(folder)
    assert pair.fingerprint.replace(":", "") == shown(presented(pair)).replace(":", "")
    assert pair.fingerprint.startswith("sha256:")


@pytest.mark.skipif(os.name != "posix", reason="Windows 靠用户目录")
def test_the_key_is_private(folder: Path) -> None:
    tls.make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert [each.stat().st_mode & 0o777 for each in folder.iterdir()] == [0o600]


def test_a_client_that_trusts_it_checks_names_and_dates(folder: Path) -> None:
    """当作根证书来信的客户端也收：名字、用途、有效期都对。"""
    pair = tls.make(folder)
    ours, theirs = socket.socketpair()
    server = tls.context(pair)
    thread = threading.Thread(target=lambda: server.wrap_socket(theirs, server_side=True).close())
    thread.start()
    text = pair.cert.read_text(encoding="ascii")
    only = text[text.index("-----BEGIN CERTIFICATE") :]
    client = ssl.create_default_context(cadata=only)
    with client.wrap_socket(ours, server_hostname="localhost"):
        pass
    thread.join(30)


def test_twice_is_refused(folder: Path) -> None:
    pair = tls.make(folder)
    with pytest.raises(UsageError, match="--renew"):
        tls.make(folder)
    assert tls.load(folder) == pair


def test_renewing_keeps_the_old_one_until_switched(folder: Path) -> None:
    with pytest.raises(UsageError, match="还没有证书"):
        tls.renew(folder)
    first = tls.make(folder, ["trade.example.com"])
    with pytest.raises(UsageError, match="没有备着的"):
        tls.switch(folder)
    old, fresh = tls.renew(folder, ["new.example.com"])
    assert old == first
    assert old.fingerprint != fresh.fingerprint
    assert {"trade.example.com", "new.example.com"} <= set(fresh.names)
    assert tls.load(folder) == first  # 还用着旧的
    assert presented(first) != presented(fresh)
    assert tls.pending(folder) == fresh
    now = tls.switch(folder)
    assert now.fingerprint == fresh.fingerprint
    assert tls.load(folder) == now
    assert tls.pending(folder) is None
    assert shown(presented(now)).removeprefix("sha256:") == now.fingerprint[7:].replace(":", "")


def test_warned_in_time(folder: Path) -> None:
    pair = tls.make(folder)
    day = 86400.0
    assert tls.warning(pair, pair.expires - 31 * day) == ""
    assert "--renew" in tls.warning(pair, pair.expires - 29 * day)
    assert "已经过期" in tls.warning(pair, pair.expires)
    assert pair.expires > time.time() + 800 * day


@pytest.mark.parametrize(
    "name", ["", "http://a.com", "a.com:443", "a b", "-", "交易.example.com", "*.example.com"]
)
def test_names_written_wrong(folder: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        tls.make(folder, [name])
    assert caught.value.argument == "public_host"
    assert tls.load(folder) is None


def test_broken_files_are_said(folder: Path, tmp_path: Path) -> None:
    assert tls.load(folder) is None
    folder.mkdir(parents=True)
    (folder / "current.pem").write_text("x", encoding="ascii")
    with pytest.raises(EasytraderError, match="没有读得懂的证书"):
        tls.load(folder)
    with pytest.raises(EasytraderError, match="读不了"):
        tls.read(tmp_path / "没有", tmp_path / "没有")


def test_another_certificate_s_key_is_refused(folder: Path, tmp_path: Path) -> None:
    one, other = tls.make(folder), tls.make(tmp_path / "other")
    with pytest.raises(EasytraderError, match="用不了"):
        tls.context(one._replace(key=other.key))
    with pytest.raises(EasytraderError, match="用不了"):
        tls.context(one._replace(key=tmp_path / "没有"))


def test_names_of_this_machine() -> None:
    names = tls.machine_names()
    assert {"localhost", "127.0.0.1", "::1"} <= set(names)
    assert len(set(names)) == len(names)
    assert not any("%" in each or each.startswith("fe80") for each in names)
