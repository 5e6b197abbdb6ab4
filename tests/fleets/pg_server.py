"""测试用的 PostgreSQL：自己建一个集群，可以杀、可以冻住、可以重启；每个测试一个新的库。

程序在哪里：``EASYTRADER_TEST_POSTGRES``（放 initdb 的文件夹，或一个现成的管理员地址）、PATH、
``/usr/lib/postgresql/*/bin``；都没有的跳过。别处这样用::

    from fleets.pg_server import pg_dsn, pg_session  # 写在 conftest.py 里：每个测试一个新的库
    from fleets.pg_server import PgServer, binaries  # 自己要一个能杀的

集群默认不管断电（``fsync=off``）；要看断电之后还在不在的，``PgServer(settings={"fsync": "on"})``。
"""

from __future__ import annotations

import glob
import itertools
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

VARIABLE = "EASYTRADER_TEST_POSTGRES"
_PLACES = (
    "/usr/lib/postgresql/*/bin",
    "/usr/pgsql-*/bin",
    "/opt/homebrew/opt/postgresql@*/bin",
    "C:/Program Files/PostgreSQL/*/bin",
)
_TEMPLATE = "fleet_template"
_UP_S = 30.0
_SETTINGS = {
    "listen_addresses": "'127.0.0.1'",
    "unix_socket_directories": "''",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "max_connections": "120",
    "shared_buffers": "'32MB'",
    "max_wal_size": "'256MB'",
    "autovacuum_naptime": "'30s'",
    "dynamic_shared_memory_type": "mmap",  # 在它自己的文件夹里：被杀的不在 /dev/shm 里留下什么
    "jit": "off",  # 存储自己也关（test_fleets_postgres），这里关是为了测试自己问的
    "log_min_messages": "warning",
    "log_line_prefix": "'%m [%p] %u %d '",
    "logging_collector": "off",
}
_KEEPER = '"$@" </dev/null & pid=$!; cat >/dev/null; kill -INT $pid; wait $pid'
"""起它的进程没了，管子就断了，它跟着停：测试被杀也不留下一个服务器。"""


@lru_cache(None)
def binaries() -> Path | None:
    """放 initdb、postgres 的文件夹；没有为 None。"""
    told = os.environ.get(VARIABLE, "")
    found = [told] if told and "://" not in told else []
    for name in ("initdb", "initdb.exe"):
        where = shutil.which(name)
        found += [str(Path(where).resolve().parent)] if where else []
    for place in _PLACES:
        found += sorted(glob.glob(place), key=_version, reverse=True)  # noqa: PTH207  绝对路径
    names = ("initdb.exe", "postgres.exe") if os.name == "nt" else ("initdb", "postgres")
    return next((Path(one) for one in found if all(Path(one, n).is_file() for n in names)), None)


def _version(path: str) -> tuple[int, ...]:
    digits = "".join(each if each.isdigit() else " " for each in path)
    return tuple(int(each) for each in digits.split())


def missing() -> str:
    """这里用不了 PostgreSQL 的原因；用得了为空。"""
    try:
        import psycopg  # noqa: F401
    except ImportError as exc:
        return f"没有 psycopg（{exc}）"
    if "://" in os.environ.get(VARIABLE, "") or binaries() is not None:
        return ""
    return f"没有 PostgreSQL 的程序；设 {VARIABLE}"


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


@lru_cache(None)
def _account() -> dict[str, Any]:
    """它不肯以 root 运行：换成 postgres，没有的换成 nobody。"""
    if sys.platform == "win32" or os.getuid() != 0:
        return {}
    import pwd

    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
    return {}


def _give(path: Path) -> None:
    """归那个用户。"""
    if sys.platform != "win32" and _account():
        os.chown(path, _account()["user"], _account()["group"])


def _alive(process: psutil.Process) -> bool:
    """还在跑；等着收尸的不算。"""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


class PgServer:
    """一个自己的集群；用完 `remove`。也是上下文：进去就起好了。

    Args:
        settings: ``postgresql.conf`` 的几项，盖过默认的。
        hba: ``pg_hba.conf`` 的几行；不给的谁都不要密码。
        files: 放进数据目录的文件（证书），名字 → 内容，只有它自己读得了。
        port: 端口；不给的找一个空着的。
    """

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        hba: Sequence[str] = ("host all all 127.0.0.1/32 trust",),
        files: Mapping[str, bytes] | None = None,
        port: int = 0,
    ) -> None:
        found = binaries()
        assert found is not None, missing()
        self.bin = found
        self.port = port or _free_port()
        self._settings = {**_SETTINGS, **(settings or {}), "port": str(self.port)}
        self._hba = hba
        self._files = files or {}
        self._keeper: subprocess.Popen[bytes] | None = None
        self._names = itertools.count(1)
        self._lock = threading.Lock()
        self._has_template = False
        self._strategy = ""
        self._made = False
        place = None if os.name == "nt" else "/tmp"  # 测试自己的文件夹别的用户进不去
        self.folder = Path(tempfile.mkdtemp(prefix="easytrader-pg-", dir=place))
        _give(self.folder)

    def __enter__(self) -> PgServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()

    # ---- 起停

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> str:
        """服务器的日志。"""
        return (self.folder / "log").read_text("utf-8", errors="replace")

    def start(self) -> None:
        """起来，等到连得上；第一次先建集群。"""
        if not self._made:
            self._initdb()
        command = [str(self.bin / "postgres"), "-D", str(self.data)]
        if os.name != "nt":
            command = ["sh", "-c", _KEEPER, "sh", *command]
        with (self.folder / "log").open("ab") as log:
            self._keeper = subprocess.Popen(
                command,
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                env={**os.environ, "LC_ALL": "C"},
                start_new_session=os.name != "nt",
                **_account(),
            )
        self.await_up()

    def await_up(self, within_s: float = _UP_S) -> None:
        """等到连得上。"""
        import psycopg

        deadline = time.monotonic() + within_s
        pause = threading.Event()
        while True:
            with suppress(psycopg.OperationalError):
                psycopg.connect(self.dsn("postgres"), connect_timeout=5).close()
                return
            assert self._keeper is not None
            if self._keeper.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"PostgreSQL 没有起来：\n{self.log[-2000:]}")
            pause.wait(0.02)

    def stop(self) -> None:
        """照规矩停：断开每一个连接，写好检查点。"""
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        assert keeper.stdin is not None
        if os.name == "nt":
            subprocess.run(
                [self.bin / "pg_ctl", "-D", self.data, "-m", "fast", "stop"], check=False
            )
        keeper.stdin.close()
        keeper.wait(_UP_S)

    def kill(self) -> None:
        """SIGKILL，连同每一个子进程：与断电一样，什么都来不及做。"""
        family = self.processes()
        if os.name != "nt" and family:
            with suppress(psutil.NoSuchProcess):
                family[0].suspend()  # 不让它再生
            family = self.processes()
        for each in family:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        keeper, self._keeper = self._keeper, None
        if keeper is not None:  # 它收尸，收完了才算没有了
            assert keeper.stdin is not None
            keeper.stdin.close()
            keeper.wait(_UP_S)
        deadline = time.monotonic() + _UP_S
        pause = threading.Event()
        while any(map(_alive, family)) and time.monotonic() < deadline:
            pause.wait(0.005)

    def restart(self) -> None:
        """照规矩停（已经被杀的不用停），再起来。"""
        self.stop()
        self.start()

    def pause(self) -> None:
        """冻住，连同每一个子进程：连接还在，谁也不答。"""
        frozen: set[int] = set()
        while fresh := [each for each in self.processes() if each.pid not in frozen]:
            for each in fresh:
                frozen.add(each.pid)
                with suppress(psutil.NoSuchProcess):
                    each.suspend()

    def resume(self) -> None:
        """接着跑。"""
        for each in reversed(self.processes()):
            with suppress(psutil.NoSuchProcess):
                each.resume()

    def processes(self) -> list[psutil.Process]:
        """主进程在前，子进程在后；没有起来的为空。"""
        try:
            first = (self.data / "postmaster.pid").read_text("utf-8").splitlines()[0]
            master = psutil.Process(int(first))
            return [master, *master.children(recursive=True)]
        except (OSError, ValueError, IndexError, psutil.NoSuchProcess):
            return []

    def cpu_s(self) -> float:
        """此刻活着的进程一共用了多少秒 CPU。"""
        total = 0.0
        for each in self.processes():
            with suppress(psutil.NoSuchProcess):
                spent = each.cpu_times()
                total += spent.user + spent.system
        return total

    def remove(self) -> None:
        """不要了；可重复调用。"""
        self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- 库

    def dsn(self, database: str, user: str = "postgres") -> str:
        """地址；默认是管理员。"""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def fresh(self) -> str:
        """一个新的库，表已经建好；返回管理员的地址。"""
        with self._lock:
            if not self._has_template:
                self._build_template()
            name = f"t{os.getpid()}_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}{self._strategy}")
        return self.dsn(name)

    def empty(self) -> str:
        """一个新的库，什么都没有。"""
        name = f"e{os.getpid()}_{next(self._names)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.dsn(name)

    def drop(self, dsn: str) -> None:
        """不要这个库了，连着它的都断开。"""
        self.execute(f"DROP DATABASE IF EXISTS {dsn.rpartition('/')[2]} WITH (FORCE)")

    def execute(self, sql: str, *given: object, dsn: str = "") -> list[tuple[Any, ...]]:
        """以管理员的身份做一句；给出查到的行。"""
        return execute(dsn or self.dsn("postgres"), sql, *given)

    def _build_template(self) -> None:
        from easytrader.fleets import migrate

        if not self.execute("SELECT 1 FROM pg_database WHERE datname = %s", _TEMPLATE):
            self.execute(f"CREATE DATABASE {_TEMPLATE}")
            migrate.prepare(self.dsn(_TEMPLATE))
        ((number,),) = self.execute("SELECT current_setting('server_version_num')::int")
        # 15 起默认写进预写日志，慢三分之一
        self._strategy = " STRATEGY file_copy" if number >= 150_000 else ""
        self._has_template = True

    def _initdb(self) -> None:
        self._run(
            "initdb", "-D", self.data, "-U", "postgres", "--auth=trust", "--no-sync",
            "-E", "UTF8", "--no-locale",
        )  # fmt: skip
        lines = "".join(f"{key} = {value}\n" for key, value in self._settings.items())
        with (self.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
            conf.write(lines)
        (self.data / "pg_hba.conf").write_text("\n".join((*self._hba, "")), "utf-8")
        for name, content in self._files.items():
            path = self.data / name
            path.write_bytes(content)
            path.chmod(0o600)
            _give(path)
        self._made = True

    def _run(self, program: str, *arguments: str | Path) -> None:
        done = subprocess.run(
            [self.bin / program, *arguments],
            cwd=self.folder,
            capture_output=True,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
            **_account(),
        )
        assert done.returncode == 0, done.stderr.decode("utf-8", "replace")


class _Given:
    """`VARIABLE` 给的现成的服务器：只建库、删库，不起不停。"""

    fresh = PgServer.fresh
    empty = PgServer.empty
    drop = PgServer.drop
    execute = PgServer.execute
    _build_template = PgServer._build_template

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._names = itertools.count(1)
        self._lock = threading.Lock()
        self._has_template = False
        self._strategy = ""

    def dsn(self, database: str) -> str:
        address, mark, query = self._dsn.partition("?")
        return f"{address.rpartition('/')[0]}/{database}{mark}{query}"

    def remove(self) -> None:
        """不是我们的。"""


def execute(dsn: str, sql: str, *given: object) -> list[tuple[Any, ...]]:
    """连上做一句；给出查到的行。"""
    import psycopg

    with psycopg.connect(dsn, autocommit=True, connect_timeout=10) as connection:
        done = connection.execute(sql, given or None)
        return done.fetchall() if done.description else []


_shared: list[Any] = []


def shared() -> Any:
    """这个进程里大家共用的；不要杀它、冻住它。"""
    if not _shared:
        told = os.environ.get(VARIABLE, "")
        if "://" in told:
            _shared.append(_Given(told))
        else:
            server = PgServer()
            _shared.append(server)
            server.start()
    return _shared[0]


@pytest.fixture(scope="session")
def pg_session() -> Iterator[Callable[[], Any]]:
    """用到才起的共用的服务器。"""
    yield shared
    while _shared:
        _shared.pop().remove()


@pytest.fixture
def pg_dsn(pg_session: Callable[[], Any]) -> Iterator[str]:
    """一个新的库，表已经建好；管理员的地址。没有 PostgreSQL 的跳过。"""
    told = missing()
    if told:
        pytest.skip(told)
    server = pg_session()
    dsn = server.fresh()
    yield dsn
    server.drop(dsn)


@pytest.fixture
def pg_server() -> Iterator[PgServer]:
    """一个自己的，可以杀、可以冻住。"""
    told = missing()
    if told or binaries() is None:
        pytest.skip(told or "现成的服务器杀不得")
    with PgServer() as server:
        yield server
