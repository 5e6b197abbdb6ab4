"""存储的地址：怎么写、写错了怎么说、密码不露出来、别的机器要认证书。"""

from __future__ import annotations

from pathlib import Path

import pytest

from easytrader.basics import scrub
from easytrader.errors import UsageError
from easytrader.fleets import address
from easytrader.fleets.address import Postgres
from easytrader.fleets.sqlite import SqliteStore

SECRET = "p@ss/wörd%"
ESCAPED = "p%40ss%2Fw%C3%B6rd%25"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("PGHOST", "PGHOSTADDR", "PGSSLMODE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("APPDATA", str(tmp_path))
    monkeypatch.setattr(scrub, "_known", set())


def _postgres(dsn: str) -> Postgres:
    found = address.resolved(dsn)
    assert isinstance(found, Postgres)
    return found


@pytest.mark.parametrize(
    "dsn",
    [
        "postgresql://bot@127.0.0.1:5433/fleet",
        "postgres://bot@localhost:5433/fleet",
        "postgresql://bot@[::1]:5433/fleet",
        "postgresql://bot@:5433/fleet?host=/var/run/postgresql",
    ],
)
def test_this_machine_needs_no_certificate(dsn: str) -> None:
    options = _postgres(dsn).options
    assert (options["user"], options["port"], options["dbname"]) == ("bot", "5433", "fleet")
    assert "sslmode" not in options


def test_another_machine_gets_a_verified_connection(tmp_path: Path) -> None:
    options = _postgres("postgresql://bot@db.example.com/fleet").options
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-full", "system")
    dsn = "postgresql://bot@10.0.0.5/fleet?sslmode=verify-ca&sslrootcert=D%3A/%E8%AF%81.crt"
    options = _postgres(dsn).options
    assert (options["sslmode"], options["sslrootcert"]) == ("verify-ca", "D:/证.crt")
    for folder in (".postgresql", "postgresql"):  # libpq 自己找得到的就不说
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "root.crt").write_text("x")
    assert "sslrootcert" not in _postgres("postgresql://bot@db.example.com/fleet").options


@pytest.mark.parametrize("mode", ["disable", "allow", "prefer", "require", "", "Verify-Full"])
@pytest.mark.parametrize("host", ["db.example.com", "127.0.0.1,10.0.0.5", "10.0.0.5"])
def test_weaker_is_refused(mode: str, host: str) -> None:
    with pytest.raises(UsageError, match="verify-full"):
        address.resolved(f"postgresql://bot@{host}/fleet?sslmode={mode}")


def test_no_side_way_to_another_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for dsn in (
        "postgresql://bot@localhost/f?hostaddr=10.0.0.5&sslmode=disable",
        "postgresql://bot@localhost/f?host=10.0.0.5&sslmode=disable",
        "postgresql://bot@localhost/f?service=x",
    ):
        with pytest.raises(UsageError):
            address.resolved(dsn)
    monkeypatch.setenv("PGHOST", "db.example.com")
    with pytest.raises(UsageError):
        address.resolved("postgresql:///f?sslmode=disable")
    assert _postgres("postgresql:///f").options["sslmode"] == "verify-full"


def test_the_password_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    dsn = f"postgresql://bot:{ESCAPED}@127.0.0.1/fleet"
    found = _postgres(dsn)
    assert found.options["password"] == SECRET
    assert _postgres(found.uri) == found._replace(where=_postgres(found.uri).where)
    shown = [repr(found), str(found), found.where, address.where(dsn), repr(address.where(dsn))]
    for wrong in (
        f"postgresql://bot:{ESCAPED}@127.0.0.1:x/fleet",
        f"postgresql://bot:{ESCAPED}@db/fleet?sslmode=disable",
        f"postgresql://bot:{SECRET}@127.0.0.1/fleet",
        f"host=127.0.0.1 password={SECRET}",
        f"mysql://bot:{ESCAPED}@h/f",
    ):
        with pytest.raises(UsageError) as caught:
            address.resolved(wrong)
        shown += [str(caught.value), repr(caught.value.value), address.where(wrong)]
    for each in shown:
        assert "p%40ss" not in each
        assert "p@ss" not in each
        assert "wörd" not in each
    assert SECRET not in scrub.scrubbed(f"连不上：{SECRET}")


def test_keyword_strings_get_the_right_form() -> None:
    with pytest.raises(UsageError, match="postgresql://用户@主机:5432/库"):
        address.open_store("host=db dbname=fleet user=bot")


@pytest.mark.parametrize("dsn", ["env:FLEET_DSN", " postgresql://bot@127.0.0.1/fleet "])
def test_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch, dsn: str) -> None:
    monkeypatch.setenv("FLEET_DSN", "postgresql://bot@127.0.0.1/fleet")
    assert _postgres(dsn).where == "postgresql://bot@127.0.0.1/fleet"


def test_a_missing_variable_is_named() -> None:
    with pytest.raises(UsageError, match="NOT_SET_ANYWHERE"):
        address.open_store("env:NOT_SET_ANYWHERE")


def test_sqlite_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = address.open_store("sqlite:///机 队/fleet.sqlite")
    assert isinstance(store, SqliteStore)
    assert store.path == tmp_path / "机 队" / "fleet.sqlite"
    assert not store.path.parent.exists()  # 还没有连
    assert address.resolved(f"sqlite:///{tmp_path}/a.sqlite") == tmp_path / "a.sqlite"
    assert address.resolved("sqlite:///~/a.sqlite") == Path("~/a.sqlite").expanduser()
    assert address.where("sqlite:///a.sqlite") == f"SQLite {tmp_path / 'a.sqlite'}"


@pytest.mark.parametrize(
    "dsn",
    [
        "sqlite://a.sqlite", "sqlite:a.sqlite", "sqlite:///", "sqlite:///:memory:", "sqlite:///a/",
        "", "a.sqlite", "/srv/a.sqlite", "C:\\a.sqlite", None, 3, b"postgresql://h/d",
        "sqlite:///.", "postgresql://h:port/d", "postgresql://u@v@h/d", "http://h/d",
    ],
)  # fmt: skip
def test_wrong_addresses(dsn: object) -> None:
    with pytest.raises(UsageError) as caught:
        address.open_store(dsn)
    assert caught.value.argument == "dsn"
    assert address.where(dsn)


@pytest.mark.parametrize("timeout_s", [0, -1, "5", float("inf")])
def test_a_wrong_limit(timeout_s: object) -> None:
    with pytest.raises(UsageError, match="timeout_s"):
        address.open_store("sqlite:///a.sqlite", timeout_s)  # type: ignore[arg-type]
