"""一个世界：一个柜台、一个完整版客户端和里面的中转、坏线、一直开着的交易口。

`InsideWorld` 都在本进程里（快，故障掷得到 passorder 的中间）；`ServedWorld` 是真的进程。
"""

from __future__ import annotations

import os
import random
import sqlite3
import sys
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from bad_proxy import DOWN, UP
from big_client import Inside, Served
from big_plan import ROW_WAIT_S, TIMEOUT_S
from big_proxy import FORGED_TAG, MANNERS_OF_SQUATTERS, Forger, Squatter
from chaos_check import Call, LedgerOrder, Wish
from chaos_ledger import Ledger
from chaos_world import Book, Reader, pause, rich
from remote_serve import free_port
from support import ACCOUNT

import easytrader
from easytrader.basics import paths, tags
from easytrader.bigqmt import agentfile
from easytrader.bigqmt.line import greet
from easytrader.bigqmt.wires import TcpWire, WireError
from easytrader.errors import SimulatorError
from easytrader.records.sqlite import NUMBERS_FILE
from easytrader.sim.config.folder import RECORDS, SimFolder
from easytrader.sim.host.faults import Faults
from easytrader.sim.host.host import Host
from easytrader.sim.terminal.client.manners import MANNERS, Manners

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

__all__ = ["PLAIN", "BigWorld", "InsideWorld", "ServedWorld", "manners_of"]

STOCK, CREDIT = 2, 3
_LAG_S: Final = 0.3
"""缩短了的六秒：缓存最多慢这么久。"""
_PERIOD_MS: Final = 5
_LATE_S: Final = 0.3
"""期限是两个钟对出来的，线程也会被挤开一会儿。"""
_QUICK: Final = {
    "passorder_s": 0.0, "order_lag_s": (0.002, 0.02), "deal_lag_s": (0.002, 0.02),
    "account_lag_s": (0.002, 0.02), "position_lag_s": (0.002, 0.02),
    "callback_lag_s": (0.0, 0.01), "sysid_s": (0.0, 0.02), "cancel_quiet_from": 2400,
}  # fmt: skip
_LAGGING: Final = dict.fromkeys(
    ("order_lag_s", "deal_lag_s", "account_lag_s", "position_lag_s", "callback_lag_s"),
    (0.0, _LAG_S),
)
_SCALED: Final[dict[str, dict[str, Any]]] = {
    "lagging": _LAGGING,
    "slow": {**_LAGGING, "passorder_s": 0.1},
    "late": {"sysid_s": (0.02, _LAG_S)},
    "duplicate": {"callback_lag_s": (0.0, 0.05)},
}


def manners_of(name: str) -> Manners:
    """这个名字的脾气，秒数都缩短了。"""
    return MANNERS[name].changed(**{**_QUICK, **_SCALED.get(name, {})})


PLAIN: Final = (
    "open", "late", "lying", "duplicate", "popup", "lagging", "noloopback", "nofile", "whitelist",
    "credit",
)  # fmt: skip
"""一个世界平常的脾气，轮着来；``noloopback`` 只剩文件夹那条线，``credit`` 是信用账户。"""


class BigWorld(Book):
    """两个世界共有的：交易口、坏线、账。"""

    timeout_s = TIMEOUT_S
    close_s = 5.0
    client: Any

    def __init__(self, folder: Path, *, events: bool, credit: bool = False) -> None:
        super().__init__()
        rich(folder, CREDIT if credit else STOCK, query_lag_s=0.0)
        self.account_type = "CREDIT" if credit else "STOCK"
        self.folder = folder
        self.faults = Faults(folder)
        self.ids: dict[str, int] = {}
        """标记 → 编号：一辈子不变。"""
        self.odd: list[str] = []
        self.busy = 0
        """中转说过几次排满了。"""
        self._foreign: set[str] = set()
        self._until: dict[str, list[float]] = {}
        """备注 → 各次下单的期限（``time.monotonic``）。"""
        self._others: Any = None
        self._events = events
        self._squatter: Squatter | None = None
        self._spare = free_port()
        ports = tuple(free_port() for _ in range(5))
        self.settings = replace_settings(
            agentfile.settings_for(ACCOUNT, self.account_type),
            ports=ports,
            pipe="",
            spool=str(folder.parent / "spool"),
            period_ms=_PERIOD_MS,
            allow_orders=True,
        )
        self.agent = folder.parent / "agent.py"
        self.agent.write_text(agentfile.render(self.settings), encoding="ascii", newline="\n")
        self.proxy = Forger(ports[0], f"{folder}")
        self.proxy.flip = 0x01
        outside = (self._spare, self.proxy.port, *ports[2:])
        self.outside = folder.parent / "outside.py"
        theirs = replace_settings(self.settings, ports=outside)
        self.outside.write_text(agentfile.render(theirs), encoding="ascii", newline="\n")

    def open(self) -> None:
        """都起来之后连上。"""
        self.user = self.new_trader()
        self.connect(self.user, self.ears, wait=20)
        self.reader = Reader(self.user, self.ears) if self._events else None

    # ---- 交易口

    @staticmethod
    def new_trader() -> Any:
        return easytrader.use("bigqmt")

    def connect(self, trader: Any, callback: Any = None, *, wait: bool | float = False) -> None:
        trader.connect(
            str(self.folder),
            ACCOUNT,
            callback,
            account_type=self.account_type,
            agent=str(self.outside),
            row_wait=ROW_WAIT_S,
            reconnect_interval=0.05,
            timeout=TIMEOUT_S,
            wait=wait,
            heartbeat_interval=0.2,
        )

    def child(self, wish: Wish) -> tuple[list[str], dict[str, str]]:
        """另一个进程下这一笔：(命令, 环境)。"""
        given = [str(self.folder), ACCOUNT, self.account_type, str(self.outside)]
        arguments = [*given, wish.cid, wish.key]
        return [sys.executable, "-c", _CHILD, *arguments], dict(os.environ)

    def submit(self, wish: Wish, send: Callable[..., Any]) -> Call:
        """下一次；什么时候到期记下。"""
        self._until.setdefault(wish.key, []).append(time.monotonic() + self.timeout_s)
        return super().submit(wish, send)

    def foreign(self, dice: random.Random) -> None:
        """同一个账号的 MiniQMT 那边下一笔；备注短，截到 23 字节也还在。"""
        with self._lock:
            if self._others is None:
                self._others = easytrader.use("miniqmt")
                with suppress(easytrader.EasytraderError):
                    self._others.connect(
                        str(self.folder),
                        ACCOUNT,
                        account_type=self.account_type,
                        timeout=TIMEOUT_S,
                        reconnect_interval=0.05,
                    )
            key = f"f{self.current}.{len(self._foreign)}"
            self._foreign.add(key)
        code, price = dice.choice((("600036", 32.5), ("510300", 4.22)))
        with suppress(easytrader.EasytraderError):
            self._others.buy(code, price, 100, remark=key)

    def squat(self) -> None:
        """占住交易口先去的那个端口，冒充中转。"""
        if self._squatter is None:
            dice = random.Random(self._spare)
            manner = dice.choice(list(MANNERS_OF_SQUATTERS))
            with suppress(OSError):
                self._squatter = Squatter(dice, manner, self._spare)
        self.proxy.cut()

    def calm(self) -> None:
        """故障全收，谁都醒着活着。"""
        with self.ears.changed:
            self.ears.slow_s = 0.0
            self.ears.doing = []
        if self._squatter is not None:
            self._squatter.close()
            self._squatter = None
        self.proxy.calm()
        self.calm_counter()
        self.client.ensure()
        for _ in range(20):
            with suppress(SimulatorError, OSError):
                self.faults.clear()
                return
            pause(0.1)
        raise AssertionError("模拟的柜台一直没有回应")

    def calm_counter(self) -> None:
        """柜台活着。"""

    def close(self) -> list[str]:
        """全关掉；返回关的时候出的岔子。"""
        found = []
        call, _ = self.call("close", self.close_s, self.user.close)
        if call.outcome != "ok":
            found.append(f"close() 抛了 {call.error}")
        if self.reader is not None and not self.reader.join(5):
            found.append("close() 之后 events() 没有结束")
        if self._others is not None:
            self._others.close()
        self.proxy.close()
        if self._squatter is not None:
            self._squatter.close()
        self.client.kill()
        return found

    # ---- 账

    def note_ids(self, rows: Any) -> None:
        """看到的编号记下；同一笔前后不是一个就是岔子。"""
        for row in rows if isinstance(rows, list) else ():
            key = row["order_remark"]
            if key and self.ids.setdefault(key, row["order_id"]) != row["order_id"]:
                self.odd.append(f"{key} 的编号从 {self.ids[key]} 变成了 {row['order_id']}")

    def books(self) -> list[str]:
        """passorder 至多一次，没有伪造的，编号一笔一个。"""
        found, self.odd = self.odd, []
        for tag, count in self.client.calls().items():
            if count > 1:
                found.append(f"{tag} 叫了 {count} 次 passorder")
            if tag == FORGED_TAG:
                found.append("伪造的委托放进去了")
        return found + self._late()

    def called_in_vain(self, there: set[str]) -> list[Wish]:
        """结果未知、叫过 passorder、柜台上没有的。"""
        remarks = {key[1:]: remark for key, _, remark in self._read_journal() if key[:1] == "~"}
        called = {tags.split(each)[0] for each in self.client.calls()}
        wishes = [self.wishes.get(remarks.get(tag, "")) for tag in called - there]
        return [each for each in wishes if each is not None and each.in_doubt]

    def _late(self) -> list[str]:
        """过了期限才叫 passorder 的。"""
        found = []
        remarks = {f"{key}~": remark for key, _, remark in self._read_journal()}
        for tag, at in list(self.client.called_at.items()):
            key = remarks.get(tag, "")
            until = self._until.get(key, [])
            if not until or len(until) < len(self.wishes[key].calls):
                continue  # 别的进程下的
            if at > max(until) + _LATE_S:
                found.append(f"{key} 过了期限 {at - max(until):.2f} 秒才叫 passorder")
        return found

    def translated(self, ledger: Ledger) -> tuple[Ledger, list[str]]:
        """柜台的账换成交易口的编号与备注；对不上的说出来。"""
        rows = self.user.today_entrusts
        self.note_ids(rows)
        found: list[str] = []
        by_number = {row["order_id"]: row for row in rows}
        if len(by_number) != len(rows):
            found.append(f"today_entrusts 里有重的编号：{sorted(r['order_id'] for r in rows)}")
        if len(rows) != len(ledger.orders):
            found.append(f"账上 {len(ledger.orders)} 笔，today_entrusts {len(rows)} 笔")
        places = self._numbers_of(ledger, found)
        orders = []
        for order in ledger.orders:
            number = places.get(order.order_id, 0)
            row = by_number.get(number)
            if row is None:
                found.append(f"账上的 {order} 在 today_entrusts 里没有")
                continue
            if (row["order_status"], row["traded_volume"]) != (order.status, order.traded_volume):
                found.append(f"账上是 {order}，today_entrusts 说 {row}")
            key = tags.split(row["order_remark"])[1] or order.key
            if key in self._foreign:
                told = Call("foreign", 0.0, 0.0, "ok", number=number)
                self.wishes.setdefault(key, Wish(key, "foreign")).calls = [told]
            orders.append(LedgerOrder(number, order.tag, key, order.status, order.traded_volume))
        trades = [t._replace(order_id=places.get(t.order_id, 0)) for t in ledger.trades]
        return Ledger(orders, trades), found

    def _numbers_of(self, ledger: Ledger, found: list[str]) -> dict[int, int]:
        """柜台的编号 → 我们的：照标记在编号的记录里找，每个标记恰好一个。"""
        kept: dict[str, set[int]] = {}
        for key, number, _ in self._read_journal():
            kept.setdefault(key, set()).add(number)
        places = {}
        for order in ledger.orders:
            numbers = kept.get(f"~{order.tag}", set())
            if len(numbers) != 1:
                found.append(f"标记 {order.tag} 在记录里有编号 {sorted(numbers)}")
            for number in numbers:
                places[order.order_id] = number
        ours = [each for key, numbers in kept.items() if key[:1] == "~" for each in numbers]
        if len(ours) != len(set(ours)):
            found.append("记录里两个标记用了同一个编号")
        return places

    def _read_journal(self) -> list[tuple[str, int, str]]:
        """委托编号的记录：（键, 编号, 备注）；一笔都没有下过的没有文件。"""
        kept = self.folder / RECORDS / "bigqmt" / paths.folder_name(ACCOUNT)
        path = kept / NUMBERS_FILE
        if not path.exists():
            return []
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5)) as db:
            return db.execute("SELECT key, number, remark FROM numbers").fetchall()


def replace_settings(settings: Any, **changes: Any) -> Any:
    """改几项。"""
    return (
        settings._replace(**changes)
        if hasattr(settings, "_replace")
        else replace(settings, **changes)
    )


class InsideWorld(BigWorld):
    """柜台、客户端、交易口都在本进程里。"""

    client: Inside

    def __init__(self, folder: Path, *, events: bool, manners: str) -> None:
        super().__init__(folder, events=events, credit=manners == "credit")
        self._power = threading.Lock()
        self.host: Host | None = None
        self.calm_counter()
        self.client = Inside(
            folder, self.agent, manners_of(manners), account_type=self.account_type
        )
        self.client.start()
        self.open()

    def calm_counter(self) -> None:
        with self._power:
            if self.host is None or self.host.closed:
                self.host = Host(SimFolder.open(self.folder), kind="serve")

    def restart_counter(self, down_s: float) -> None:
        """柜台重启：客户端断了线，回来之后当天的行再推一遍。"""
        with self._power:
            if self.host is not None:
                self.host.close()
        pause(down_s)
        self.calm_counter()
        self.client.revive()

    def close(self) -> list[str]:
        found = super().close()
        with self._power:
            if self.host is not None:
                self.host.close()
        return found


class ServedWorld(BigWorld):
    """真的进程。"""

    client: Served

    def __init__(self, folder: Path, *, events: bool, manners: str, python: str | None) -> None:
        super().__init__(folder, events=events)
        self.client = Served(folder, self.agent, python, manners=manners)
        self.client.start()
        self.open()

    def kill_serve(self, down_s: float) -> None:
        """占着文件夹的那个被杀：3.6 的跟着没了。"""
        self.client.kill()
        pause(down_s)
        self.client.ensure()

    def kill_client(self, down_s: float) -> None:
        """只杀 3.6 的。"""
        self.client.kill_client()
        pause(down_s)
        self.client.ensure()


def _swallow(world: BigWorld, ways: tuple[str, ...], fresh: bool = False) -> None:
    for way in ways:
        world.proxy.swallow(way, fresh=fresh)


def _refuse(world: BigWorld, times: int) -> None:
    world.proxy.refuse(times)
    world.proxy.cut()


def _kill(world: InsideWorld, down_s: float) -> None:
    world.client.kill()
    pause(down_s)
    world.client.revive()


def _flood(world: BigWorld, count: int) -> None:
    """另一个程序一下子问这么多，也不等应答：排队的地方只有 256 格。"""
    deadline = time.monotonic() + TIMEOUT_S
    with suppress(WireError, easytrader.EasytraderError):
        wire = TcpWire(world.settings.ports[0], deadline)
        line = greet(wire, world.settings.token, ACCOUNT, deadline, lambda: False)
        try:
            asked = [line.ask("rows", {"kind": "DEAL", "since": 0}, deadline) for _ in range(count)]
            while not asked[-1].wait(0.0) and time.monotonic() < deadline:
                line.receive(0.05)
            world.busy += sum("busy" in str(each.error) for each in asked)
        finally:
            line.fail("问完了")


def _slow_ears(world: BigWorld, seconds: float) -> None:
    world.ears.slow_s = seconds


def _trap(where: str, what: str) -> Callable[[InsideWorld, dict[str, Any]], None]:
    return lambda world, detail: world.client.trap(where, what, **detail)


_LINE: Final[dict[str, Callable[[Any, dict[str, Any]], object]]] = {
    "none": lambda world, detail: None,
    "cut": lambda world, detail: world.proxy.cut(),
    "cut_reset": lambda world, detail: world.proxy.cut(rst=True),
    "cut_and_refuse": lambda world, detail: _refuse(world, **detail),
    "delay_up": lambda world, detail: world.proxy.delay(**detail),
    "delay_down": lambda world, detail: world.proxy.delay(**detail),
    "late_up": lambda world, detail: world.proxy.delay(**detail),
    "late_down": lambda world, detail: world.proxy.delay(**detail),
    "held_up": lambda world, detail: world.proxy.hold(**detail),
    "swallow_up": lambda world, detail: _swallow(world, **detail),
    "swallow_down": lambda world, detail: _swallow(world, **detail),
    "swallow_both": lambda world, detail: _swallow(world, **detail),
    "swallow_fresh": lambda world, detail: _swallow(world, **detail),
    "duplicate_up": lambda world, detail: world.proxy.duplicate(**detail),
    "duplicate_down": lambda world, detail: world.proxy.duplicate(**detail),
    "truncate_up": lambda world, detail: world.proxy.truncate(**detail),
    "truncate_down": lambda world, detail: world.proxy.truncate(**detail),
    "garble_up": lambda world, detail: world.proxy.garble(**detail),
    "garble_down": lambda world, detail: world.proxy.garble(**detail),
    "drip": lambda world, detail: (world.proxy.drip(UP), world.proxy.drip(DOWN)),
    "forge_up": lambda world, detail: world.proxy.forge(**detail),
    "forge_down": lambda world, detail: world.proxy.forge(**detail),
    "squatter": lambda world, detail: world.squat(),
    "slow_callback": lambda world, detail: _slow_ears(world, **detail),
}

InsideWorld.blows = {
    **_LINE,
    "killed_before": _trap("before", "kill"),
    "killed_inside": _trap("inside", "kill"),
    "killed_after": _trap("after", "kill"),
    "rerun_inside": _trap("inside", "rerun"),
    "client_kill": lambda world, detail: _kill(world, **detail),
    "client_rerun": lambda world, detail: world.client.rerun(),
    "client_hang": lambda world, detail: world.client.hang(**detail),
    "client_hang_long": lambda world, detail: world.client.hang(**detail),
    **dict.fromkeys(
        (f"manners_{name}" for name in ("lagging", "late", "lying", "duplicate", "slow", "popup")),
        lambda world, detail: world.client.behave(manners_of(detail["name"])),
    ),
    "counter_restart": lambda world, detail: world.restart_counter(**detail),
    "counter_hang": lambda world, detail: world.faults.hang(**detail),
    "counter_drop": lambda world, detail: world.faults.account_status(3),
    "queue_full": lambda world, detail: _flood(world, **detail),
}

ServedWorld.blows = {
    **_LINE,
    "client_kill": lambda world, detail: world.kill_client(**detail),
    "client_suspend": lambda world, detail: world.client.suspend(**detail),
    "serve_kill": lambda world, detail: world.kill_serve(**detail),
}

_CHILD: Final = """
import sys, easytrader
folder, account, kind, agent, cid, key = sys.argv[1:]
user = easytrader.use("bigqmt")
user.connect(folder, account, account_type=kind, agent=agent, timeout=3)
print("connected", flush=True)
try:
    print(user.buy("600036", 32.5, 100, remark=key, client_order_id=cid), flush=True)
except easytrader.EasytraderError as exc:
    print(repr(exc), flush=True)
sys.stdin.read()
"""
