"""docs/fleet 的那几个文件真的起一个服务器：加密的、认证书的、密码对的进得来，别的都进不来。

另起一个服务器，平常不跑：``python -m pytest -m soak tests/fleets/test_fleets_roles_tls.py``。
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from fleets.pg_server import PgServer, binaries, execute, missing

from easytrader.errors import ConnectFailedError, UsageError
from easytrader.fleets import admin, migrate, roles
from easytrader.fleets.address import open_store
from easytrader.fleets.words import StoreDownError

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "fleet"
PASSWORD = "a-long-password-42"
pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(os.name == "nt", reason="证书的脚本要 sh 与 openssl"),
]


def certificates(folder: Path, *names: str) -> Path:
    """照脚本做一套证书。"""
    folder.mkdir()
    shutil.copy(FOLDER / "certificates.sh", folder)
    done = subprocess.run(
        ["sh", folder / "certificates.sh", *names], capture_output=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder / "certificates"


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if missing() or binaries() is None or shutil.which("openssl") is None:
        pytest.skip(missing() or "没有 openssl，或是现成的服务器")
    found = binaries()
    assert found is not None
    asked = [found / "pg_config", "--configure"]
    told = subprocess.run(asked, capture_output=True, check=False, encoding="utf-8").stdout
    if "ssl" not in told:
        pytest.skip("这个 PostgreSQL 编译时没有带 TLS")
    return certificates(tmp_path_factory.mktemp("tls") / "证 书", "localhost", "::1")


@pytest.fixture(scope="module")
def server(ca: Path) -> Iterator[PgServer]:
    hba = (FOLDER / "pg_hba.conf").read_text("utf-8")
    assert "10.0.0.0/8" in hba
    lines = [
        "local all all trust", "host all postgres 127.0.0.1/32 trust",
        *hba.replace("10.0.0.0/8", "127.0.0.1/32").splitlines(),
    ]  # fmt: skip
    settings = {
        "include": f"'{FOLDER / 'postgresql.conf'}'",
        # 容器里才有的地方换成这里的，别的都照文件
        "listen_addresses": "'127.0.0.1'",
        "ssl_cert_file": "'server.crt'", "ssl_key_file": "'server.key'",
        "archive_command": "'true'", "shared_buffers": "32MB", "logging_collector": "off",
    }  # fmt: skip
    files = {each: (ca / each).read_bytes() for each in ("server.crt", "server.key")}
    made = PgServer(settings=settings, hba=lines, files=files)
    # 同名的项后写的算：include 要在改的那几项前面，默认的后面
    made._settings = {
        **{key: each for key, each in made._settings.items() if key not in settings},
        **settings, "hba_file": f"'{made.data / 'pg_hba.conf'}'", "port": str(made.port),
    }  # fmt: skip
    with made:
        made.execute("CREATE DATABASE fleet")
        migrate.prepare(made.dsn("fleet"))
        with admin.opened(made.dsn("fleet")) as connection:
            roles.add(connection, "tls_one", "agent", ["A"], password=PASSWORD)
        yield made


def address(server: PgServer, ca: Path, host: str = "localhost", **more: str) -> str:
    options = {"sslmode": "verify-full", "sslrootcert": str(ca / "ca.crt"), **more}
    query = "&".join(f"{key}={quote(each)}" for key, each in options.items())
    return f"postgresql://tls_one:{PASSWORD}@{host}:{server.port}/fleet?{query}"


def test_the_right_certificate_and_password_come_in_over_tls_1_3(
    server: PgServer, ca: Path
) -> None:
    url = address(server, ca, hostaddr="127.0.0.1")
    rows = execute(url, "SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    assert rows == [(True, "TLSv1.3")]
    store = open_store(url)
    try:
        assert store.greet(time.monotonic() + 10).roles == ("agent",)
    finally:
        store.close()
    durable = execute(url, "SELECT current_setting(x) FROM unnest(ARRAY['fsync',"
                      " 'synchronous_commit', 'full_page_writes', 'archive_mode']) x")  # fmt: skip
    assert {each for (each,) in durable} == {"on"}
    assert server.log.count("could not") == 0


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"sslmode": "disable"}, "no encryption|pg_hba|rejects"),
        ({"sslmode": "require", "password": "wrong-password-1"}, "password authentication failed"),
        ({"host": "127.0.0.1"}, "certificate|does not match"),
        ({"ca": "other"}, "certificate verify failed"),
        ({"ssl_max_protocol_version": "TLSv1.2", "ssl_min_protocol_version": "TLSv1.2"},
         "protocol version|alert|SSL"),
    ],
)  # fmt: skip
def test_everybody_else_stays_outside(
    server: PgServer, ca: Path, tmp_path: Path, more: dict[str, str], told: str
) -> None:
    given = {"hostaddr": "127.0.0.1", **more}
    if given.pop("ca", ""):
        ca = certificates(tmp_path / "other", "localhost")
    host = given.pop("host", "localhost")
    with (
        pytest.raises(ConnectFailedError, match=told),
        admin.opened(address(server, ca, host, **given)),
    ):
        pass


def test_a_store_over_a_wrong_certificate_tells_and_sends_nothing(
    server: PgServer, tmp_path: Path
) -> None:
    other = certificates(tmp_path / "other", "localhost")
    store = open_store(address(server, other, hostaddr="127.0.0.1"))
    try:
        with pytest.raises((StoreDownError, UsageError), match="certificate") as caught:
            store.greet(time.monotonic() + 10)
        assert PASSWORD not in str(caught.value)
    finally:
        store.close()


def test_the_certificate_script_keeps_its_ca_and_refuses_no_name(ca: Path, tmp_path: Path) -> None:
    before = (ca / "ca.crt").read_bytes()
    script = ca.parent / "certificates.sh"
    subprocess.run(["sh", script, "db.example", "10.8.0.1"], check=True, capture_output=True)
    assert (ca / "ca.crt").read_bytes() == before
    shown = subprocess.run(
        ["openssl", "x509", "-in", ca / "server.crt", "-noout", "-text"],
        check=True, capture_output=True, encoding="utf-8",
    ).stdout  # fmt: skip
    assert "DNS:db.example, IP Address:10.8.0.1" in shown
    assert (ca / "server.key").stat().st_mode & 0o077 == 0
    refused = subprocess.run(["sh", script], check=False, capture_output=True)
    assert refused.returncode == 2
