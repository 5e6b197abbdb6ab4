"""应急手册的每一节真的造出那个故障，走一遍写着的步骤。

要 PostgreSQL 的、久的：``pytest -m chaos tests/fleets_chaos``。
"""

from __future__ import annotations

import json
import re
import shutil
import threading
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

import pytest
from fleet_judge import Told, Wish, judge, judge_events
from fleet_plan import Job
from fleet_world import DURABLE, Disk, World
from support import ROOT, eventually

import easytrader
from easytrader.basics.tags import tag_for
from easytrader.errors import (
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    RiskRefusedError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from fleet_judge import Entry

    Stage = Callable[..., World]

PAGE = ROOT / "docs" / "zh" / "fleet_runbook.md"
slow = pytest.mark.chaos


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """几节合用的：一台机器，各用各的账号，SQLite；柜台 0.1 秒才答。"""
    place = tmp_path_factory.mktemp("fleet")
    dsn = f"sqlite:///{place / 'fleet.db'}"
    world = World(place, "1", dsn=dsn, delays_ms=(100, 100), boxes=1, strategies=0,
                  accounts=(*"ABCDKL",))  # fmt: skip
    try:
        world.start()
        yield world
    finally:
        world.close()


# ---- 每一节


@slow
def test_engine_down(stage: Stage, engine: Any) -> None:
    """存储停了：新的委托进不来，推送存着；起来之后补上，编号不缺。"""
    world = stage(engine)
    with user_of(world) as user:
        rests = user.buy("600036", 9.5, 100, client_order_id="before")["entrust_no"]
        before = world.events("A")[1]
        engine.stop()
        with pytest.raises((NotConnectedError, OutcomeUnknownError)):
            user.buy("600036", 10.5, 100, client_order_id="during")
        world.counter_line("A").ask(5, do="cancel", number=rests)  # 停着的时候，挂着的那笔变了
        engine.start()
        assert told(user, "during", 10.5) > 0
        eventually(lambda: any(row["order_status"] == 54 for row in orders_of(world, rests)))
        assert_exact(world, {"before": 9.5, "during": 10.5})
        assert world.events("A")[1] > before


@slow
@pytest.mark.skipif(not Disk.possible(), reason="要能挂一个小盘")
def test_power_cut(stage: Stage, tmp_path: Path) -> None:
    """存储断电：冻住的一刻只留下盘上真的有的，从它起来；说过记下了的都在。"""
    from fleets.pg_server import PgServer, missing

    if told_why := missing():
        pytest.skip(told_why)
    disk = Disk(tmp_path / "disk.img")
    engine = PgServer(settings=DURABLE)
    disk.mount(engine.folder)
    try:
        engine.start()
        world = stage(engine)
        disk.sync()  # 建集群的时候没有落盘
        with user_of(world) as user:
            numbers = cut_while_buying(user, engine)
            left = disk.cut(tmp_path / "cut.img")
            engine.kill()
            disk.unmount()
            disk = left
            disk.mount(engine.folder)
            (engine.data / "postmaster.pid").unlink(missing_ok=True)
            engine.start()
            world.wait_served()
            for name, number in numbers.items():
                assert told(user, name, 10.5) == number
            last = f"w{len(numbers)}"  # 停电的时候正在路上的那一笔
            told(user, last, 10.5)
            assert_exact(world, dict.fromkeys([*numbers, last], 10.5))
    finally:
        engine.kill()
        disk.unmount()
        engine.remove()


def cut_while_buying(user: Any, engine: Any) -> dict[str, int]:
    """一笔接一笔，做到一半冻住；返回听到了的。"""
    numbers: dict[str, int] = {}

    def keep_buying() -> None:
        with suppress(easytrader.EasytraderError):
            for n in range(10_000):
                row = user.buy("600036", 10.5, 100, client_order_id=f"w{n}")
                numbers[f"w{n}"] = row["entrust_no"]

    thread = threading.Thread(target=keep_buying)
    thread.start()
    eventually(lambda: len(numbers) > 20)
    engine.pause()
    thread.join(30)
    assert not thread.is_alive()
    return numbers


@slow
def test_restored_backup(stage: Stage, engine: Any) -> None:
    """恢复到早先的备份：表上没有了的那几笔，用原来的编号再说，得到原来的委托，柜台上一笔不多。"""
    world = stage(engine)
    with user_of(world) as user:
        old = user.buy("600036", 10.5, 100, client_order_id="old")["entrust_no"]
        engine.stop()
        backup = engine.folder / "backup"
        copy_tree(engine.data, backup)
        engine.start()
        world.wait_served()
        fresh = told(user, "fresh", 10.5)
        assert fresh > 0
        engine.stop()
        shutil.rmtree(engine.data)
        backup.rename(engine.data)
        engine.start()
        world.wait_served()
        assert told(user, "fresh", 10.5) == fresh
        assert told(user, "old", 10.5) == old
        assert sorted(each.order_id for each in world.ledger()) == [old, fresh]


@slow
def test_a_lagging_standby(stage: Stage, tmp_path: Path) -> None:
    """换到落后的备机：最近几笔不在它那里；原来的编号再说，得到原来的委托，柜台上一笔不多。"""
    from fleets.pg_server import PgServer, missing

    if told_why := missing():
        pytest.skip(told_why)
    hba = [f"host {each} all 127.0.0.1/32 trust" for each in ("all", "replication")]
    with PgServer(settings=DURABLE, hba=hba) as primary:
        world = stage(primary)
        standby = PgServer(settings=DURABLE, hba=hba)
        try:
            with user_of(world) as user:
                old = told(user, "old", 10.5)
                follow(standby, primary)
                standby.stop()  # 从此落后
                fresh_ = told(user, "fresh", 10.5)
                primary.kill()
                standby.start()
                world.move(standby)
                assert state_of(world, "fresh") == ""
                assert told(user, "fresh", 10.5) == fresh_
                assert told(user, "old", 10.5) == old
                assert told(user, "after", 10.5) > fresh_
                assert len(world.ledger()) == 3
        finally:
            standby.remove()


def follow(standby: Any, primary: Any) -> None:
    """做成 ``primary`` 的备机，跟上了为止。"""
    source = primary.dsn("postgres")
    standby._run("pg_basebackup", "-D", standby.data, "-R", "-X", "stream", "-c", "fast",
                 "-d", source)  # fmt: skip
    with (standby.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"port = {standby.port}\n")
    standby._made = True
    standby.start()
    eventually(lambda: primary.execute("SELECT 1 FROM pg_stat_replication WHERE state='streaming'"))


def test_agent_dies(shared: World) -> None:
    """代理死了：同一台机器上再起，先核对，再领新的；三个账号一起下着的时候，账上一笔不多、一笔不少。"""
    accounts, wishes = ("A", "K", "L"), {}
    ready = threading.Barrier(len(accounts) + 1)

    def trade(account: str) -> None:
        with user_of(shared, account) as user:
            ready.wait(60)
            for n in range(6):
                wish = Wish(account, f"w{n}", tag_for(account, f"w{n}"))
                wishes[account, wish.cid] = wish
                wish.calls.append(Told("placed", told(user, wish.cid, 10.5)))

    trading = [aside(lambda name=each: trade(name)) for each in accounts]  # type: ignore[misc]
    ready.wait(60)
    eventually(lambda: len(shared.ledger()) >= 4)
    eventually(lambda: any(state_of(shared, w.cid, w.account) == "sending" for w in fresh(wishes)))
    shared.boxes[0].kill()
    shared.boxes[0].start()
    for result in trading:
        result()
    shared.look(list(wishes.values()))
    booked = [each for each in shared.ledger() if each.account in accounts]
    assert len(booked) == 18
    assert not judge(wishes.values(), booked)
    for each in accounts:
        assert_exact(shared, {f"w{n}": 10.5 for n in range(6)}, each)


def fresh(wishes: dict[Any, Wish]) -> list[Wish]:
    """还没有听到结果的。"""
    return [each for each in list(wishes.values()) if not each.calls]


@slow
def test_agent_paused(stage: Stage, engine: Any) -> None:
    """代理停住了：别的机器接手、核对；醒来的一条都不发。"""
    world = stage(engine, boxes=2)
    with user_of(world) as user:
        owner = owner_of(world)
        owner.pause()
        with pytest.raises((OutcomeUnknownError, NotConnectedError)):
            user.buy("600036", 10.5, 100, client_order_id="hurt")
        eventually(lambda: owner_of(world) is not owner, 40)
        owner.resume()
        assert told(user, "hurt", 10.5) > 0
        assert_exact(world, {"hurt": 10.5})
        assert not [each for each in alarms_of(world) if each in ("late_order", "duplicate")]


@slow
def test_the_hole_raises_its_alarm(stage: Stage, engine: Any) -> None:
    """停在最后一看与柜台之间：别人说过没有之后醒来，拦不住，报警、停单。"""
    world = stage(engine, boxes=2)
    with user_of(world) as user:
        owner = owner_of(world)
        owner.stop_at.touch()
        eventually(lambda: not bought(user, "hole") and not owner.stop_at.exists(), 60)
        eventually(lambda: state_of(world, "hole") == "absent", 60)
        assert not world.ledger()
        owner.resume()
        eventually(lambda: {"late_order", "duplicate"} & set(alarms_of(world)), 30)
        assert [each.scope for each in world.store.switches(soon())] == ["account:A"]
        world.store.set_switch("account:A", False, soon())
        assert told(user, "again", 10.5) > 0  # 代理下一次续租才看到放开


@slow
def test_strategy_dies(stage: Stage) -> None:
    """策略死了：再起，同样的编号再说一遍，得到第一次的结果。"""
    world = stage(strategies=1)
    strategy = world.strategies[0]
    jobs = [Job("A", f"w{n}", 10.5, again=True, cancel=False) for n in range(40)]
    for job in jobs:
        world.give(job)
    eventually(lambda: len(world.ledger()) > 10)
    strategy.kill()
    first = set(world.ledger())
    for job in jobs:
        strategy.give(job)
    strategy.start()
    eventually(lambda: strategy.idle, 60)
    assert not world.settle()
    assert first <= set(world.ledger())
    assert_exact(world, {job.cid: 10.5 for job in jobs})


@slow
def test_box_cut_from_the_engine(stage: Stage, engine: Any) -> None:
    """代理与存储之间断了：推送存着，连回来补上，不缺不重。"""
    world = stage(engine)
    with user_of(world) as user:
        rests = user.buy("600036", 9.5, 100, client_order_id="before")["entrust_no"]
        world.proxies["agent"].swallow("up", fresh=True)
        world.proxies["agent"].swallow("down", fresh=True)
        with pytest.raises((OutcomeUnknownError, NotConnectedError)):
            user.buy("600036", 10.5, 100, client_order_id="during")
        world.counter_line("A").ask(5, do="cancel", number=rests)
        world.proxies["agent"].calm()
        assert told(user, "during", 10.5) > 0
        eventually(lambda: any(row["order_status"] == 54 for row in orders_of(world, rests)))
        assert_exact(world, {"before": 9.5, "during": 10.5})


def test_counter_silent(shared: World) -> None:
    """柜台不答：说不清的由代理核对出来，不用人。"""
    with user_of(shared, "B") as user:
        shared.mute(True)
        with pytest.raises(OutcomeUnknownError):
            user.buy("600036", 10.5, 100, client_order_id="mute")
        shared.mute(False)
        eventually(lambda: state_of(shared, "mute", "B") == "placed", 60)
        assert [told(user, "mute", 10.5)] == [each.order_id for each in book(shared, "B")]
        assert_exact(shared, {"mute": 10.5}, "B")


@slow
def test_clocks_wrong(stage: Stage, engine: Any) -> None:
    """钟不对：一台快十分钟、一台慢十分钟，照常；报警。"""
    world = stage(engine, boxes=2, skewed=True, accounts=("A", "B"))
    with user_of(world, "A") as first, user_of(world, "B") as second:
        for n in range(5):
            assert told(first, f"w{n}", 10.5) > 0
            assert told(second, f"w{n}", 10.5) > 0
        eventually(lambda: "clock" in alarms_of(world) + alarms_of(world, "B"), 30)
        owner = owner_of(world)
        owner.kill()
        eventually(lambda: owner_of(world) not in (owner, None), 40)
        assert told(first, "after", 10.5) > 0
        assert_exact(world, {**{f"w{n}": 10.5 for n in range(5)}, "after": 10.5})


def test_other_wish_same_id(shared: World) -> None:
    """同一个编号，要做的不同：拒绝，什么都没有发出。"""
    with user_of(shared, "C") as user:
        number = told(user, "one", 10.5)
        with pytest.raises(UsageError) as caught:
            user.buy("600036", 10.6, 100, client_order_id="one")
        assert caught.value.argument == "client_order_id"
        assert told(user, "one", 10.5) == number
        assert_exact(shared, {"one": 10.5}, "C")


def test_foreign_orders(shared: World) -> None:
    """别处下的委托：每笔报警一次，账号照常。"""
    order = {"code": "600036.SH", "side": 23, "tag": "", "volume": 100, "price": 10.5,
             "remark": "手工"}  # fmt: skip
    number = shared.counter_line("D").ask(5, do="submit", order=order)
    eventually(lambda: "stranger" in alarms_of(shared, "D"), 30)
    with user_of(shared, "D") as user:
        assert told(user, "mine", 10.5) > number
    strange = [each for each in shared.events("D")[0] if each.kind == "stranger"]
    assert [each.order_id for each in strange] == [number]


@slow
@pytest.mark.skipif(not Disk.possible(), reason="要能挂一个小盘")
def test_disk_full(stage: Stage) -> None:
    """盘满了：委托没有发出，撤单照常；腾出来自己好。"""
    world = stage(small_spool=True)
    with user_of(world) as user:
        rests = user.buy("600036", 9.5, 100, client_order_id="before")["entrust_no"]
        box = world.boxes[0]
        ballast = box.home / "ballast"
        fill(ballast)
        failed = None
        for n in range(50):  # 打开着的文件里也许还有一点余地
            try:
                user.buy("600036", 10.5, 100, client_order_id=f"full{n}")
            except easytrader.EasytraderError as exc:
                failed = exc
                break
            fill(ballast)
        assert failed is not None
        assert not isinstance(failed, OutcomeUnknownError)
        assert user.cancel_entrust(rests)["success"]
        ballast.unlink()
        assert told(user, "after", 10.5) > 0
        assert not judge_events("A", *world.events("A"), world.ledger())


# ---- 手册自己


def test_every_row_of_the_failures_has_a_section_and_a_test() -> None:
    """故障表的每一行都有一节，每一节说齐四件事，节末的测试真的在。"""
    text = PAGE.read_text(encoding="utf-8")
    sections = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    assert list(sections) == FAILURES
    for title, said in sections.items():
        for part in ("**看到**", "**账号**", "**做**", "**复原**"):
            assert part in said, f"{title} 没有说{part}"
        names = re.findall(r"`(test_\w+)`", said.rpartition("测试：")[2])
        assert names, title
        for name in names:
            assert callable(globals()[name]), name
        anchor = re.sub(r"[^\w-]", "", title)
        assert f"](#{anchor})" in text, f"开头的表里没有 {title}"


def test_the_commands_of_the_runbook_parse() -> None:
    """手册里写的命令都认得。"""
    from easytrader.cli import build_parser

    found = re.findall(r"(?<=`)easytrader (fleet [^`]*?)(?=`)", PAGE.read_text(encoding="utf-8"))
    assert len(found) > 6
    for line in found:
        if line != "fleet box set":  # 说的是哪个命令，不是整条
            build_parser().parse_args(line.split())


FAILURES = [
    "存储停了", "存储断电", "换到落后的备机，或恢复了备份", "代理死了", "代理停住了", "策略死了",
    "代理与存储之间断了", "柜台不答", "钟不对", "同一个编号，要做的不同", "盘满了", "别处下的委托",
]  # fmt: skip


# ---- 帮手


@contextmanager
def user_of(world: World, account: str = "A") -> Iterator[Any]:
    """这个进程里的策略，经坏网线。"""
    user = easytrader.use("fleet")
    user.connect(
        world.seen_from("strategy"), account=account, timeout=3, reconnect_interval=0.2, wait=30
    )
    try:
        yield user
    finally:
        user.close()


def told(user: Any, cid: str, price: float, within_s: float = 60.0) -> int:
    """同一个编号问到有结果为止。"""
    found: list[int] = []

    def once() -> bool:
        with suppress(OutcomeUnknownError, NotConnectedError, JournalError, RiskRefusedError):
            row = user.buy("600036", price, 100, client_order_id=cid)
            found.append(int(row["entrust_no"]))
        return bool(found)

    eventually(once, within_s)
    return found[0]


def bought(user: Any, cid: str) -> bool:
    """说一遍，成了没有。"""
    with suppress(OutcomeUnknownError, NotConnectedError):
        user.buy("600036", 9.5, 100, client_order_id=cid)
        return True
    return False


def aside(work: Callable[[], Any]) -> Callable[[], Any]:
    """在另一个线程上做；返回等它结果的。"""
    found: list[Any] = []

    def run() -> None:
        try:
            found.append(work())
        except Exception as exc:
            found.append(exc)

    thread = threading.Thread(target=run)
    thread.start()

    def result() -> Any:
        thread.join(60)
        if isinstance(found[0], Exception):
            raise found[0]
        return found[0]

    return result


def soon() -> float:
    return time.monotonic() + 5


def state_of(world: World, cid: str, account: str = "A") -> str:
    row = world.store.find(account, cid, soon())
    return "" if row is None else row.state


def owner_of(world: World, account: str = "A") -> Any:
    row = world.store.accounts(soon(), [account])[0]
    found = [each for each in world.boxes if each.name == row.box]
    return found[0] if found and row.alive else None


def alarms_of(world: World, account: str = "A") -> list[str]:
    return [each.kind for each in world.alarms(account, world.events(account)[0])]


def orders_of(world: World, number: int) -> list[dict[str, Any]]:
    """事件里说的这一笔的各个样子。"""
    rows = world.store.read("A", 0, 10_000, soon())
    data = [json.loads(each.data)["data"] for each in rows if each.kind == "order"]
    return [each for each in data if each["order_id"] == number]


def book(world: World, account: str = "A") -> list[Entry]:
    return [each for each in world.ledger() if each.account == account]


def assert_exact(world: World, wishes: dict[str, float], account: str = "A") -> None:
    """这个账号上正好是这几笔，一笔一次，表上都是 placed，事件不缺。"""
    eventually(lambda: all(state_of(world, each, account) == "placed" for each in wishes), 60)
    mine = book(world, account)
    assert sorted(each.tag for each in mine) == sorted(tag_for(account, each) for each in wishes)
    eventually(lambda: not judge_events(account, *world.events(account), mine), 30)


def copy_tree(source: Any, target: Any) -> None:
    """连同属主。"""
    import subprocess

    subprocess.run(["cp", "-a", str(source), str(target)], check=True)


def fill(ballast: Any) -> None:
    try:
        with ballast.open("ab", buffering=0) as out:
            while True:
                out.write(b"\0" * 4096)
    except OSError:
        return
