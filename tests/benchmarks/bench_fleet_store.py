"""一队账号的 PostgreSQL 存法：每一步与一次落盘的插入（C）交替着比。手工运行，不是测试::

    python tests/benchmarks/bench_fleet_store.py                  # 全部，约三分钟
    python tests/benchmarks/bench_fleet_store.py steps batches    # 只跑几项
    python tests/benchmarks/bench_fleet_store.py explain idle     # 一百万条里领；一千个闲着的账号

集群是自己建的，``fsync=on``。报中位数与比值；机器上别的程序会抖动结果。
"""

from __future__ import annotations

import itertools
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import psycopg
from fleets.pg_server import PgServer

from easytrader.fleets.address import open_store
from easytrader.fleets.words import RENEW_S, Command, Lease, NewEvent, Outcome, Wish

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.fleets.store import Store

_ARGUMENTS = '{"args":["600036",33.5,100],"kwargs":{"client_order_id":"2026-11-21-600036-1"}}'
_DATA = '{"event":"trade","event_name":"成交","time":1,"data":{"entrust_no":123,"amount":100}}'
_BARE = "INSERT INTO bare (what) VALUES (%s)"
_TABLE = "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text)"
_numbers = itertools.count(1)


def soon() -> float:
    return time.monotonic() + 5


def wish(account: str, host: str = "host") -> Wish:
    number = next(_numbers)
    return Wish(
        account, f"c{number}", f"r-{number:032d}", "buy", "order", _ARGUMENTS, "d" * 32, 60.0,
        "z", host,
    )  # fmt: skip


def own(store: Store, account: str, owner: str = "owner", box: str = "box") -> Lease:
    lease = store.acquire(
        account, owner=owner, box=box, broker="sim", groups=["g"], takeover="auto", previous="",
        address="", deadline=soon(),
    )  # fmt: skip
    assert isinstance(lease, Lease), lease
    return lease


def keep_alive(store: Store, leases: list[Lease], over: threading.Event) -> threading.Thread:
    def renew() -> None:
        while not over.wait(RENEW_S):
            store.renew(leases, soon())

    thread = threading.Thread(target=renew)
    thread.start()
    return thread


def outcome(command: Command) -> Outcome:
    return Outcome(command.account, command.command_id, command.attempt, "placed", "", "123",
                   '{"result":{"entrust_no":123}}')  # fmt: skip


def event(account: str) -> NewEvent:
    return NewEvent(account, "trade", _DATA, "spool", next(_numbers))


def await_placed(store: Store, number: int, topic: str) -> None:
    while (state := store.outcomes([number], soon())[0].state) != "placed":
        assert state in ("queued", "sending"), state
        store.wait(topic, 1.0)


def show(name: str, took: list[float], unit: float) -> None:
    took.sort()
    middle, late = statistics.median(took), took[len(took) * 99 // 100]
    told = f"p50 {middle * 1000:7.3f} ms  p99 {late * 1000:7.3f} ms  {middle / unit:6.2f} C"
    print(f"{name:<34} {told}", flush=True)


def timed(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def steps(server: PgServer) -> None:
    """一步一步，交替着。"""
    dsn = server.fresh()
    bare = psycopg.connect(dsn, autocommit=True)
    bare.execute(
        "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text)"
    )
    store: Any = open_store(dsn)
    lease = own(store, "A")
    took: dict[str, list[float]] = {}

    def note(name: str, call: Callable[..., Any], *given: Any) -> Any:
        found: list[Any] = []
        took.setdefault(name, []).append(timed(lambda: found.append(call(*given))))
        return found[0]

    for turn in range(1100):
        if turn == 100:
            took.clear()
        note("一次落盘的插入 C", bare.execute, _BARE, [_ARGUMENTS])
        note("SELECT 1", bare.execute, "SELECT 1")
        posted = note("post", store.post, wish("A"), soon())
        (command,) = note("claim", store.claim, [lease], 32, soon())
        given = [lease], [outcome(command)], [event("A")], soon()
        note("settle（一个结果、一条事件）", store.settle, *given)
        (seen,) = note("outcomes", store.outcomes, [posted.command.number], soon())
        assert seen.state == "placed"
        note("claim（空的）", store.claim, [lease], 32, soon())
        note("idle", store.idle, [lease], soon())
        note("renew", store.renew, [lease], soon())
        note("read（100 条）", store.read, "A", max(0, turn - 100), 100, soon())
        note("accounts（一个）", store.accounts, soon(), ["A"])
    unit = statistics.median(took["一次落盘的插入 C"])
    for name, each in took.items():
        show(name, each, unit)
    whole = [sum(each) for each in zip(
        took["post"], took["claim"], took["settle（一个结果、一条事件）"], took["outcomes"],
        strict=True)]  # fmt: skip
    show("一圈 post→claim→settle→outcomes", whole, unit)
    store.close()
    bare.close()


def trip(server: PgServer) -> None:
    """一圈，两个线程各一个存储，靠提示叫醒。"""
    dsn = server.fresh()
    bare = psycopg.connect(dsn, autocommit=True)
    bare.execute(
        "CREATE TABLE bare (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, what text)"
    )
    box, host = open_store(dsn), open_store(dsn)
    lease = own(box, "A")
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            found = box.claim([lease], 32, soon())
            if found:
                box.settle([lease], [outcome(each) for each in found], [event("A")], soon())
                box.hint({each.host for each in found})
            elif not box.idle([lease], soon()):
                box.wait("box", 1.0)

    agent = threading.Thread(target=serve)
    agent.start()
    keep_alive(box, [lease], over)
    host.wait("host", 0.5)
    took, units = [], []
    for _ in range(1000):
        units.append(timed(lambda: bare.execute(_BARE, [_ARGUMENTS])))
        began = time.perf_counter()
        posted = host.post(wish("A"), soon())
        if posted.box:
            host.hint([posted.box])
        await_placed(host, posted.command.number, "host")
        took.append(time.perf_counter() - began)
    over.set()
    agent.join()
    unit = statistics.median(units)
    show("C", units, unit)
    show("一圈，两头靠提示叫醒", took, unit)
    for each in (box, host):
        each.close()
    bare.close()


def batches(server: PgServer) -> None:
    """一次领、结算一条，与一次 32 条。"""
    dsn = server.fresh()
    store = open_store(dsn)
    lease = own(store, "A")
    over = threading.Event()
    keep_alive(store, [lease], over)
    rates = {}
    for size in (1, 32):
        count = 640
        for _ in range(count):
            store.post(wish("A"), soon())
        began = time.perf_counter()
        done = 0
        while found := store.claim([lease], size, soon()):
            news = [event("A") for _ in found]
            store.settle([lease], [outcome(each) for each in found], news, soon())
            done += len(found)
        rates[size] = done / (time.perf_counter() - began)
        assert done == count, done
        print(f"领与结算，一次 {size:>2} 条                {rates[size]:8.0f} 条/秒", flush=True)
    print(f"一次 32 条是一次 1 条的 {rates[32] / rates[1]:.1f} 倍（目标 2）", flush=True)
    over.set()
    store.close()


def crowd(server: PgServer) -> None:
    """8 个策略线程 × 4 个账号，一个代理。"""
    dsn = server.fresh()
    box = open_store(dsn)
    leases = [own(box, f"A{each}") for each in range(4)]
    over = threading.Event()

    def serve() -> None:
        while not over.is_set():
            found = box.claim(leases, 32, soon())
            if found:
                news = [event(each.account) for each in found]
                box.settle(leases, [outcome(each) for each in found], news, soon())
                box.hint({each.host for each in found})
            elif not box.idle(leases, soon()):
                box.wait("box", 1.0)

    agent = threading.Thread(target=serve)
    agent.start()
    keep_alive(box, leases, over)
    each_does = 200

    def trade(number: int) -> None:
        host = open_store(dsn)
        topic = f"host{number}"
        for turn in range(each_does):
            posted = host.post(wish(f"A{(number + turn) % 4}", topic), soon())
            if posted.box:
                host.hint([posted.box])
            await_placed(host, posted.command.number, topic)
        host.close()

    began = time.perf_counter()
    traders = [threading.Thread(target=trade, args=(each,)) for each in range(8)]
    for each in traders:
        each.start()
    for each in traders:
        each.join()
    rate = 8 * each_does / (time.perf_counter() - began)
    over.set()
    agent.join()
    print(f"8 个策略 × 4 个账号（一个进程里）  {rate:8.0f} 条/秒", flush=True)
    box.close()


def explain(server: PgServer) -> None:
    """一百万条有了结果的里领：只走索引。"""
    dsn = server.fresh()
    bare = psycopg.connect(dsn, autocommit=True)
    store = open_store(dsn)
    leases = [own(store, f"A{each:03d}") for each in range(100)]
    bare.execute(
        "INSERT INTO fleet.command (account_id, command_id, request, verb, effect, arguments,"
        " digest, strategy, host, limits, login, may, state, epoch, valid_until)"
        " SELECT format('A%%s', to_char(i %% 100, 'FM000')), 'h' || i, 'h' || i, 'buy', 'order',"
        " %s, 'd', 'z', 'h', '', 'postgres', '{read,trade}', 'placed', 1, now()"
        " FROM generate_series(1, 1000000) i", [_ARGUMENTS],
    )  # fmt: skip
    for name, fresh in (("没有统计", False), ("有统计", True)):
        if fresh:
            bare.execute("VACUUM ANALYZE fleet.command")
        took = []
        for _ in range(200):
            store.renew(leases, soon())
            store.post(wish("A007"), soon())
            took.append(timed(lambda: store.claim(leases, 32, soon())))
        show(f"一百万条里领（100 个账号），{name}", took, statistics.median(took))
        took = [timed(lambda: store.renew(leases, soon())) for _ in range(200)]
        show(f"　续租（100 个账号），{name}", took, statistics.median(took))
    told = bare.execute(
        "SELECT relname, seq_scan, idx_scan FROM pg_stat_user_tables"
        " WHERE relname IN ('command', 'account') ORDER BY 1"
    ).fetchall()
    print("整张表扫过几次：", {name: scans for name, scans, _ in told})
    for query in (
        "SELECT command_id FROM fleet.command c WHERE c.account_id = 'A007' AND c.state = 'queued'"
        " ORDER BY c.effect <> 'cancel', c.command_no LIMIT 32",
        "SELECT 1 FROM fleet.command WHERE state = 'queued' AND account_id = ANY ('{A001,A002}')",
    ):
        print(*(row[0] for row in bare.execute(f"EXPLAIN {query}")), sep="\n")
    store.close()
    bare.close()


def idle(server: PgServer) -> None:
    """1,000 个闲着的账号在 20 台机器上：服务器用掉多少 CPU。"""
    dsn = server.fresh()
    boxes = []
    for number in range(20):
        store = open_store(dsn)
        leases = [
            own(store, f"A{number:02d}{each:02d}", f"o{number}", f"b{number}") for each in range(50)
        ]
        store.idle(leases, soon())
        boxes.append((store, leases))
    over = threading.Event()

    def live(number: int) -> None:
        store, leases = boxes[number]
        over.wait(number / 20 * RENEW_S)
        turn = 0
        while not over.is_set():
            store.renew(leases, soon())
            if turn % 3 == 0:  # 样子变了的，几秒写一次
                store.publish(leases[turn % 50], "{}", '{"total_asset":1}', soon())
            turn += 1
            store.wait(f"b{number}", RENEW_S / 2)
            over.wait(RENEW_S / 2)

    threads = [threading.Thread(target=live, args=(each,)) for each in range(20)]
    for each in threads:
        each.start()
    over.wait(3)
    before, began = server.cpu_s(), time.monotonic()
    over.wait(20)
    spent = (server.cpu_s() - before) / (time.monotonic() - began)
    print(
        f"1,000 个闲着的账号，20 台机器，{RENEW_S:g} 秒续一次：{spent:.1%} 个核（目标 ≤ 5%）",
        flush=True,
    )
    over.set()
    for each in threads:
        each.join()
    for store, _ in boxes:
        store.close()


def main() -> None:
    chosen = sys.argv[1:] or ["steps", "trip", "batches", "crowd", "explain", "idle"]
    with PgServer(settings={"fsync": "on", "full_page_writes": "on"}) as server:
        for name in chosen:
            print(f"—— {name}")
            globals()[name](server)


if __name__ == "__main__":
    main()
