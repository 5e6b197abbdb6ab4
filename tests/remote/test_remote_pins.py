"""证书按指纹认：在握手里面，令牌还没有出门。"""

from __future__ import annotations

import socket
import ssl
import threading
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from server.server_world import World

import easytrader
from easytrader.errors import ConnectFailedError, UsageError
from easytrader.remote import pins
from easytrader.testing.memory_broker import MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime.now(timezone.utc).replace(microsecond=0)
OTHER = "ab" * 32


class Certificate:
    """自己签的一张。"""

    def __init__(self, until: datetime, key: Any = None, issuer: str = "测试") -> None:
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)])
        made = (
            x509.CertificateBuilder(name, name, self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(until - timedelta(days=800))
            .not_valid_after(until)
            .sign(self.key, hashes.SHA256())
        )
        self.der = made.public_bytes(serialization.Encoding.DER)
        self.pem = made.public_bytes(serialization.Encoding.PEM)
        self.pin = made.fingerprint(hashes.SHA256()).hex(":")

    def context(self, folder: Path) -> ssl.SSLContext:
        whole = folder / "cert.pem"
        private = self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        whole.write_bytes(private + self.pem)
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(whole)
        return found


GOOD = Certificate(NOW + timedelta(days=400))


class Ear:
    """TLS 的端口，记下解开之后听到的每一个字节。"""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self.heard = b""
        self.ended = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._run, name="ear", daemon=True).start()

    def _run(self) -> None:
        with suppress(OSError):
            line, _ = self._listener.accept()
            line.settimeout(5)
            with suppress(OSError), self._context.wrap_socket(line, server_side=True) as secure:
                while data := secure.recv(4096):
                    self.heard += data
        self.ended.set()

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[Any]:
    """https 的服务器，一个内存柜台的账号 ``main``；给出 (端口, 令牌)。"""
    broker = MemoryBroker()
    inner = broker.trader()
    broker.connect(inner, timeout=5)
    world = World(tmp_path / "server", {"main": inner}, tls=GOOD.context(tmp_path))
    yield world.port, world.token
    world.close()
    inner.close()


def connect(port: int, token: str, **options: Any) -> Any:
    user = easytrader.use("remote")
    try:
        user.connect(f"https://127.0.0.1:{port}", token=token, account="main", timeout=5, **options)
    except BaseException:
        user.close()
        raise
    return user


@pytest.mark.parametrize(
    "fingerprint",
    [GOOD.pin, f"sha256:{GOOD.pin}", [OTHER, GOOD.pin.upper()]],
    ids=["原样", "带名字", "几个"],
)
def test_the_pinned_certificate(secure: Any, fingerprint: Any) -> None:
    port, token = secure
    user = connect(port, token, fingerprint=fingerprint)
    assert user.balance[0]["cash"] == 1_000_000
    number = user.buy("BTC/USDT", 10.5, 1)["entrust_no"]
    assert user.wait(number)["order_status_name"] == "已成"
    user.close()


def test_only_account_over_tls(secure: Any) -> None:
    port, token = secure
    user = easytrader.use("remote")
    user.connect(f"https://127.0.0.1:{port}", token=token, fingerprint=GOOD.pin)
    assert user.state == "已连接"
    user.close()


@pytest.mark.parametrize("account", ["main", None])
@pytest.mark.parametrize("fingerprint", [OTHER, None], ids=["别的指纹", "没有给指纹"])
def test_another_certificate_hears_nothing(
    tmp_path: Path, fingerprint: str | None, account: str | None
) -> None:
    ear = Ear(GOOD.context(tmp_path))
    user = easytrader.use("remote")
    with pytest.raises(ConnectFailedError, match="fingerprint"):
        user.connect(
            f"https://127.0.0.1:{ear.port}", token="et_1_canary", account=account,
            fingerprint=fingerprint, timeout=5,
        )  # fmt: skip
    user.close()
    assert ear.ended.wait(10)
    assert ear.heard == b""
    ear.close()


def test_the_right_certificate_hears_the_token(tmp_path: Path) -> None:
    """上面的测试看得出来：认得的那一张，听得到。"""
    ear = Ear(GOOD.context(tmp_path))
    user = easytrader.use("remote")
    with pytest.raises(ConnectFailedError):
        user.connect(
            f"https://127.0.0.1:{ear.port}", token="et_1_canary", account="main",
            fingerprint=GOOD.pin, timeout=1,
        )  # fmt: skip
    user.close()
    assert ear.ended.wait(10)
    assert b"et_1_canary" in ear.heard
    ear.close()


def test_an_expired_certificate_is_refused(tmp_path: Path) -> None:
    old = Certificate(NOW - timedelta(days=1))
    ear = Ear(old.context(tmp_path))
    user = easytrader.use("remote")
    with pytest.raises(ConnectFailedError, match="过期"):
        user.connect(
            f"https://127.0.0.1:{ear.port}", token="et_1_canary", account="main",
            fingerprint=old.pin, timeout=5,
        )  # fmt: skip
    user.close()
    assert ear.ended.wait(10)
    assert ear.heard == b""
    ear.close()


def test_a_certificate_near_its_end_is_told_once(logged: list[str]) -> None:
    soon = Certificate(NOW + timedelta(days=20))
    pin = bytes.fromhex(soon.pin.replace(":", ""))
    for _ in range(3):
        pins.check(soon.der, frozenset({pin}))
    assert sum("过期" in line for line in logged) == 1


def test_a_plain_port_under_https(wire: Any) -> None:
    user = easytrader.use("remote")
    with pytest.raises(ConnectFailedError, match="TLS"):
        user.connect(
            f"https://127.0.0.1:{wire.world.port}", token="et_1_x", account="main",
            fingerprint=OTHER, timeout=5,
        )  # fmt: skip
    user.close()


def test_a_fingerprint_without_tls_is_a_mistake() -> None:
    user = easytrader.use("remote")
    with pytest.raises(UsageError, match="fingerprint"):
        user.connect("http://127.0.0.1:1", token="et_1_x", account="main", fingerprint=OTHER)
    user.close()


@given(
    days=st.integers(1300, 2_932_000),
    issuer=st.text(
        st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=60
    ),
)
def test_expiry_of_any_certificate(days: int, issuer: str) -> None:
    until = datetime(1950, 1, 1, tzinfo=timezone.utc) + timedelta(days=days)
    try:
        made = Certificate(until, GOOD.key, issuer)
    except ValueError:
        return  # 它做不出这样的名字
    assert pins.expiry(made.der) == x509.load_der_x509_certificate(made.der).not_valid_after_utc


def test_expiry_of_a_big_key() -> None:
    made = Certificate(NOW, rsa.generate_private_key(65537, 2048))
    assert pins.expiry(made.der) == NOW


@given(st.binary(max_size=200))
def test_expiry_of_garbage_is_unknown(data: bytes) -> None:
    assert pins.expiry(data) is None or data[0] == 0x30


@given(st.integers(0, len(GOOD.der)))
def test_expiry_of_half_a_certificate(size: int) -> None:
    assert pins.expiry(GOOD.der[:size]) in (None, NOW + timedelta(days=400))
