"""命令行 ``easytrader fleet``：看、停、交接、由人来定；写错的先说，存储倒了也停得下来。"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from fleets.pg_server import execute
from server.server_world import memory_world

from easytrader import cli
from easytrader.cli import fleet_boxes, fleet_command
from easytrader.codes import OrderStatus
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.words import AccountRow, Lease, NewEvent, Outcome, Wish
from easytrader.testing.memory_broker import FaultySession, MemoryBroker

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from server.server_world import World

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgresql://u:geheim-42@127.0.0.1:1/fleet"


def soon() -> float:
    return time.monotonic() + 10.0


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """跑一条：(退出码, 标准输出, 标准错误)。"""

    def once(*words: object) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main(["fleet", *map(str, words)])
        told = capsys.readouterr()
        return code, told.out, told.err

    return once


class Fleet:
    """SQLite 的一队：一个账号、一个代理。"""

    def __init__(self, path: Path) -> None:
        self.dsn = f"sqlite:///{path}"
        self.store = SqliteStore(path)
        got = self.store.acquire(
            "A", owner="o1", box="win-1", broker="sim", groups=["g"], takeover="manual",
            previous="", address="http://127.0.0.1:9", deadline=soon(),
        )  # fmt: skip
        assert isinstance(got, Lease)
        self.lease = got

    def post(self, number: str, **more: Any) -> None:
        arguments = json.dumps({"args": ["600036", 35.5, 100], "kwargs": {"client_order_id": "x"}})
        wish = Wish("A", number, f"r-{number}", "buy", "order", arguments, number, 60.0, **more)
        self.store.post(wish, soon())

    def unknown(self, number: str) -> None:
        self.post(number)
        self.store.claim([self.lease], 10, soon())
        outcome = Outcome("A", number, 1, "unknown")
        self.store.settle([self.lease], [outcome], [], soon())


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    made = Fleet(tmp_path / "一 队.sqlite")
    monkeypatch.setenv("EASYTRADER_FLEET", made.dsn)
    yield made
    made.store.close()


def test_status_shows_a_line_an_account(fleet: Fleet, run: Any) -> None:
    glance = {"total_asset": 123456.5, "spooled": 3, "state": "已连接"}
    hello = json.dumps({"state": "已连接"})
    fleet.store.publish(fleet.lease, hello, json.dumps(glance), soon())
    fleet.store.set_switch("account:A", True, soon(), why="吃饭去")
    fleet.post("k1")
    code, out, _ = run("status")
    assert code == 0
    for each in ("A", "win-1", "已连接", "123,456.50", "吃饭去"):
        assert each in out
    code, out, _ = run("status", fleet.dsn, "--json")
    [row] = json.loads(out)
    assert (row["account"], row["box"], row["open"], row["spooled"]) == ("A", "win-1", 1, 3)
    code, out, _ = run("box", "list", "--json")
    assert json.loads(out)[0]["address"] == "http://127.0.0.1:9"


def test_what_a_box_holds_by_itself_is_seen_and_not_called_released(fleet: Fleet, run: Any) -> None:
    glance = json.dumps({"state": "已连接", "held": "由 kill 停止下单"})
    fleet.store.publish(fleet.lease, json.dumps({"state": "已连接"}), glance, soon())
    assert "win-1 自己的：由 kill 停止下单" in run("status", "--json")[1]
    assert "停单开关停着" in run("check")[1]
    fleet.store.set_switch("fleet", True, soon())
    code, out, err = run("resume", "fleet")
    assert (code, "存储里的已放开" in out, "resume fleet --direct" in err) == (1, True, True)
    assert fleet.store.switches(soon()) == []


def test_a_switch_is_released_though_nobody_is_in_the_group_any_more(
    fleet: Fleet, run: Any
) -> None:
    fleet.store.set_switch("group:散了", True, soon())
    assert run("resume", "group:散了")[0] == 0
    assert fleet.store.switches(soon()) == []
    code, _, err = run("resume", "group:散了")
    assert (code != 0, "没有账号在这一组" in err) == (True, True)


def test_a_misspelt_scope_or_file_is_no_success(fleet: Fleet, run: Any, tmp_path: Path) -> None:
    for words in (
        ("pause", "account:a", "--why", "x"),
        ("kill", "group:gg"),
        ("resume", "account:B"),
    ):
        code, _, err = run(*words)
        assert (code, "什么都没有改" in err) == (2, True), words
    assert fleet.store.switches(soon()) == []
    typo = tmp_path / "没有.sqlite"
    for words in (("status",), ("check",), ("kill",), ("commands",)):
        code, _, err = run(*words, "--dsn", f"sqlite:///{typo}")
        assert (code, "没有文件" in err, typo.exists()) == (2, True, False), words


def test_pause_and_resume_reach_the_store(fleet: Fleet, run: Any) -> None:
    assert run("pause", "group:g", "--why", "看不懂")[0] == 0
    [switch] = fleet.store.switches(soon())
    assert (switch.scope, switch.why, switch.cancel_open) == ("group:g", "看不懂", False)
    code, out, _ = run("kill", "account:A", "--cancel-open", "--json")
    assert (code, json.loads(out)["switch"]) == (0, "set")
    assert {s.scope: s.cancel_open for s in fleet.store.switches(soon())} == {
        "group:g": False, "account:A": True,
    }  # fmt: skip
    assert run("resume", "group:g")[0] == 0
    assert run("resume", "account:A", "--why", "好了")[0] == 0
    assert fleet.store.switches(soon()) == []


def test_commands_events_and_the_operators_word(fleet: Fleet, run: Any) -> None:
    fleet.unknown("k1")
    fleet.post("k2", strategy="动量")
    data = json.dumps({"event": "order", "data": {"x": "成了"}})
    event = NewEvent("A", "order", data, "s", 1)
    fleet.store.settle([fleet.lease], [], [event], soon())
    code, out, _ = run("commands", "--state", "unknown")
    assert code == 0
    assert "k1" in out
    assert "600036 35.5 100" in out
    assert "k2" not in out
    code, out, _ = run("commands", "--account", "A", "--json")
    assert [each["command_id"] for each in json.loads(out)] == ["k2", "k1"]
    code, out, _ = run("events", "A")
    assert "成了" in out
    code, out, _ = run("events", "A", "--after", "0", "--json")
    assert json.loads(out)[0]["data"] == {"x": "成了"}
    assert run("settle", "A", "k1", "--as", "placed=9001", "--why", "看到了")[0] == 0
    found = fleet.store.find("A", "k1", soon())
    assert found is not None
    assert (found.state, found.order_id, found.reason) == ("placed", "9001", "operator")
    code, _, err = run("settle", "A", "k1", "--as", "absent", "--why", "又看了")
    assert code == 2
    assert "placed" in err


def test_take_over_says_the_danger(fleet: Fleet, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_command, "_TAKEN_S", 0.1)
    code, _, err = run("take-over", "A", "--box", "win-2")
    assert code == 2
    assert "force" in err
    code, out, _ = run("take-over", "A", "--box", "win-2", "--force")
    assert (code, "win-2" in out) == (1, True)  # 许可了，没有人来接
    [row] = fleet.store.accounts(soon())
    assert row.takeover_to == "win-2"
    fleet.store.acquire(
        "A", owner="o2", box="win-2", broker="sim", groups=["g"], takeover="manual",
        previous="", address="", deadline=soon(),
    )  # fmt: skip
    assert run("take-over", "A", "--box", "win-2", "--force")[0] == 0


def test_budgets(fleet: Fleet, run: Any) -> None:
    assert run("budget", "set", "fleet", "yuan", "5000000")[0] == 0
    _, out, _ = run("budget", "list", "--json")
    assert json.loads(out) == [{"scope": "fleet", "kind": "yuan", "allowed": 5_000_000, "taken": 0}]
    assert "5,000,000" in run("budget", "list")[1]
    assert run("budget", "set", "fleet", "yuan", "none")[0] == 0
    assert fleet.store.budgets(soon()) == []


def test_check_exits_by_what_it_found(
    fleet: Fleet, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.store.publish(fleet.lease, json.dumps({"state": "已连接"}), "", soon())
    code, out, _ = run("check")
    assert (code, out.splitlines()[-1]) == (0, "都好")
    fleet.unknown("k1")
    code, out, _ = run("check", "--json")
    found = json.loads(out)
    assert (code, found["ok"]) == (1, False)
    assert [each["kind"] for each in found["problems"]] == ["unknown"]
    told = tmp_path / "told.txt"
    notes = tmp_path / "note.py"
    notes.write_text(
        f"import sys\nopen({str(told)!r}, 'w', encoding='utf-8').write(sys.stdin.buffer.read()"
        ".decode('utf-8'))\n",
        "utf-8",
    )
    profile = tmp_path / "watch.toml"
    profile.write_text(
        'broker = "sim"\n[connect]\npath = "x"\naccount = "1"\n[[notify]]\nkind = "命令"\n'
        f"command = [{json.dumps(sys.executable)}, {json.dumps(str(notes))}]\n",
        "utf-8",
    )
    assert run("check", "--notify", profile)[0] == 1
    assert "k1" in told.read_text("utf-8")
    monkeypatch.setenv("EASYTRADER_FLEET", NOWHERE)
    code, out, err = run("check", "--json")
    assert code == 1
    assert json.loads(out)["problems"][0]["kind"] == "store"
    assert "geheim-42" not in out + err


WRONG = (
    (["pause", "fleet"], "--why"),
    (["pause", "foo", "--why", "x"], "account:账号"),
    (["pause", "account:", "--why", "x"], "account:账号"),
    (["kill", "strategy:z", "--direct"], "策略去掉 --direct"),
    (["settle", "A", "k", "--as", "placed", "--why", "x"], "placed=委托编号"),
    (["settle", "A", "k", "--as", "absent=1", "--why", "x"], "placed=委托编号"),
    (["settle", "A", "k", "--as", "done", "--why", "x"], "placed=委托编号"),
    (["settle", "A", "k", "--as", "absent", "--why", "  "], "为什么"),
    (["budget", "set", "fleet", "orders", "-1"], "参数"),
    (["budget", "set", "fleet", "orders", "1.5"], "整数"),
    (["budget", "set", "fleet", "sheep", "1"], "orders"),
    (["commands", "--state", "lost"], "unknown"),
    (["events", "A", "--after", "-1"], "整数"),
    (["take-over", "A"], "--box"),
    (["statsu"], "是不是 status"),
    (["login", "add", "x", "--role", "agent", "--account", "A"], "只有 PostgreSQL"),
    (["login", "add", "x", "--role", "agent", "--all", "--account", "A"], "--account"),
    (["login", "add", "x", "--role", "agent", "--all", "--password", "geheim-42"], "env:"),
    (["box", "set", "b", "--token", "not a token"], "token"),
    (["check", "--notify", "没有这个"], "没有这个"),
    (["status", "--dsn", "mysql://u:geheim-42@h/x"], "postgresql://"),
)


def test_wrong_words_exit_2_before_anything_is_done(fleet: Fleet, run: Any) -> None:
    for words, told in WRONG:
        code, out, err = run(*words)
        assert (words, code, out) == (words, 2, "")
        assert told in err, words
        assert "geheim-42" not in err
    assert fleet.store.switches(soon()) == []
    assert fleet.store.budgets(soon()) == []


def test_no_address_is_told(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("EASYTRADER_FLEET", raising=False)
    code, _, err = run("status")
    assert code == 2
    assert "EASYTRADER_FLEET" in err


# ---- 存储倒了也停得下来


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with memory_world(tmp_path / "server", count=2) as found:
        yield found


def _known(world: World, *names: str, port: int = 0) -> None:
    blank = dict.fromkeys(AccountRow._fields, "")
    rows = [
        AccountRow(**{**blank, "account": each, "box": f"box-{each}", "groups": ("g",),  # type: ignore[arg-type]
                      "address": f"http://127.0.0.1:{port or world.port}"})
        for each in names
    ]  # fmt: skip
    fleet_boxes.remember(rows)


def test_kill_direct_stops_every_box_with_the_store_gone(
    world: World, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(world, "a", "b")
    monkeypatch.setenv("BOX_TOKEN", world.token)
    assert run("box", "set", "--token", "env:BOX_TOKEN")[0] == 0
    code, out, err = run("kill", "--direct", "--why", "着火了", "--dsn", NOWHERE, "--json")
    told = json.loads(out)
    assert (code, [each["error"] for each in told["boxes"]]) == (0, ["", ""])
    assert "geheim-42" not in out + err
    assert "连不上" in told["switch"]
    for name in ("a", "b"):
        assert "着火了" in str(world.stop.reason(name))
    code, out, _ = run("resume", "fleet", "--direct", "--why", "灭了", "--dsn", NOWHERE)
    assert code == 0
    assert "box-a a" in out
    assert world.stop.stopped() == []


def test_kill_direct_says_which_box_was_not_reached(
    world: World, fleet: Fleet, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    _known(world, "a")
    _known(world, "b", port=1)
    monkeypatch.setenv("BOX_TOKEN", world.token)
    run("box", "set", "--token", "env:BOX_TOKEN")
    code, out, _ = run("kill", "group:g", "--direct", "--cancel-open")
    assert code == 1
    lines = out.splitlines()
    assert "已按" in lines[0]
    assert any(line.startswith("box-a a") and "到了：已停" in line for line in lines)
    assert any(line.startswith("box-b b") and "没有到" in line for line in lines)
    assert [each.scope for each in fleet.store.switches(soon())] == ["group:g"]
    assert world.stop.reason("a")
    assert not world.stop.reason("b")


class _Slow(MemoryBroker):
    """第二笔卡在柜台的接口里，开始撤头一笔的时候才挂上去。"""

    class session_type(FaultySession):  # noqa: N801
        entered, freed = threading.Event(), threading.Event()

        def submit(self, request: Any, reply: Any) -> None:
            if self.counter.orders:
                self.entered.set()
                self.freed.wait(10)
            super().submit(request, reply)

        def cancel(self, target: Any, reply: Any) -> None:
            super().cancel(target, reply)
            self.freed.set()


def test_kill_direct_cancels_what_was_on_its_way(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with memory_world(tmp_path / "server", kind=_Slow) as world, world.socket("a") as socket:
        _known(world, "a")
        monkeypatch.setenv("BOX_TOKEN", world.token)
        run("box", "set", "--token", "env:BOX_TOKEN")
        socket.order("buy", "BTC/USDT", 9.5, 1)
        number = socket.start("buy", "BTC/USDT", 9.5, 1, request="r" + "9" * 31)
        assert _Slow.session_type.entered.wait(10)
        code, out, _ = run("kill", "account:a", "--direct", "--cancel-open", "--dsn", NOWHERE)
        assert (code, "result" in socket.answer(number)) == (0, True), out
        orders = world.brokers["a"].counter.orders.values()
        assert [each.order_status for each in orders] == [OrderStatus.CANCELED] * 2


def test_kill_direct_without_a_token_or_an_address(world: World, fleet: Fleet, run: Any) -> None:
    _known(world, "a")
    code, out, _ = run("kill", "account:a", "--direct")
    assert (code, "fleet box set box-a" in out) == (1, True)
    code, out, _ = run("kill", "account:没见过", "--direct")
    assert (code, "没有记着它的地址" in out) == (1, True)
    path = fleet_boxes.file()
    path.write_bytes(b"\xff rubbish")
    code, out, err = run("kill", "--direct")
    assert (code, "fleet status" in err) == (0, True)  # 开关按下了


def test_the_token_file_is_private_and_tokens_are_not_shown(run: Any) -> None:
    token = "et_abc_" + "x" * 30
    assert run("box", "set", "b1", "--token", token)[0] == 0
    _, out, err = run("box", "list")
    assert token not in out + err
    if os.name != "nt":
        assert fleet_boxes.file().stat().st_mode & 0o077 == 0


# ---- 真的进程


def test_bare_environment_no_terminal_and_a_gbk_console(fleet: Fleet, tmp_path: Path) -> None:
    fleet.post("k1")
    env = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "gbk",
           "EASYTRADER_HOME": str(tmp_path / "home"),
           "SYSTEMROOT": os.environ.get("SYSTEMROOT", "")}  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "easytrader", "fleet", "status", "--dsn", fleet.dsn],
        stdin=subprocess.DEVNULL, capture_output=True, env=env, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("gbk", "replace")
    assert "win-1" in done.stdout.decode("gbk")


# ---- 只有 PostgreSQL 要的


def test_init_logins_and_upkeep(pg_dsn: str, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLEET_ADMIN", pg_dsn)
    monkeypatch.setenv("EASYTRADER_FLEET", "env:FLEET_ADMIN")
    name = f"cli{os.getpid()}"
    assert run("init", "env:FLEET_ADMIN")[0] == 0
    assert run("migrate", pg_dsn)[0] == 0
    code, out, err = run("login", "add", name, "--role", "strategy", "--account", "A，B",
                         "--may", "trade")  # fmt: skip
    assert code == 0
    [password] = out.split()
    assert len(password) == 32
    assert f"postgresql://{name}@127.0.0.1" in err
    assert password not in err
    monkeypatch.setenv("NEW_PASSWORD", "another-one-1234")
    code, out, err = run("login", "add", name, "--role", "strategy", "--account", "A", "--may",
                         "read", "--update", "--password", "env:NEW_PASSWORD")  # fmt: skip
    assert (code, "another-one-1234" in out + err) == (0, False)
    code, out, _ = run("login", "list", "--json")
    assert json.loads(out)[0]["accounts"] == {"A": ["read"]}
    assert "A read" in run("login", "list")[1]
    code, out, _ = run("maintain", "--json")
    assert (code, json.loads(out)["remembered_days"]) == (0, 400)
    assert "sha256" in run("maintain")[1]
    assert run("login", "remove", name)[0] == 0
    assert execute(pg_dsn, "SELECT count(*) FROM pg_roles WHERE rolname = %s", name) == [(0,)]
    code, _, err = run("login", "remove", name)
    assert (code, "没有这个登录名" in err) == (2, True)


def test_operators_commands_work_over_postgresql_too(
    pg_dsn: str, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASYTRADER_FLEET", pg_dsn)
    assert run("pause", "fleet", "--why", "试")[0] == 0
    assert "试" in run("status")[1]
    code, out, _ = run("check")
    assert (code, "一个账号也看不见" in out) == (1, True)
    assert run("commands", "--state", "unknown", "--json")[1].strip() == "[]"
    assert run("resume", "fleet", "--why", "试完")[0] == 0
