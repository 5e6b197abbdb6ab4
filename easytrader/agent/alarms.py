"""报警：柜台上的委托与命令对不对得上，时钟差多少；要人看的记成事件，进日志，最要紧的停掉账号。

- ``duplicate``：同一个标记两笔活的委托。停掉账号。
- ``late_order``：说过没有（`ABSENT`）、没有发（`UNSENT`）的命令，柜台上又有了它的委托：
  停在最后一次检查与柜台的接口之间的旧主人，醒来会这样，谁也拦不住，只能报警。停掉账号。
- ``stranger``：不是队里下的委托，一笔说一次。
- ``clock``：这台机器的钟与存储的差了 `CLOCK_S` 以上。

看的是账号的推送（连上之后的补交也在内），连同接手时柜台上已有的；
以前的主人下的，从存储里今天的事件认出来。推送也从这里记进待传的：重新启动、接手之后的补交，
与今天记过的一样的不再记，中间漏掉的补上。
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast

from loguru import logger

from easytrader import rows
from easytrader.backend.records import Connected, Disconnected, GaveUp, OrderChanged
from easytrader.basics import beijing, boot_clock, tags
from easytrader.codes import CANCELLABLE_STATUSES, STATUS_RANK, OrderStatus
from easytrader.errors import UsageError
from easytrader.fleets.words import (
    ABSENT,
    ALARMS,
    OPEN,
    PLACED,
    UNKNOWN,
    UNSENT,
    StoreDownError,
    StoreUnknownError,
)
from easytrader.push.event_log import EVENT_NAMES
from easytrader.wire import values

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.agent.spool import Spool
    from easytrader.backend.records import OrderLike, PushEvent
    from easytrader.basics.numbers import OrderId
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Command, Lease, Outcome
    from easytrader.server.desk import Desk

CLOCK_S: Final = 2.0
_CALM_S: Final = 1.0
SUSPECT_S: Final = 3.0
"""不认得的委托等这么久再说：它的应答也许还在路上。"""
_IN_FLIGHT_S: Final = 15.0
"""带不了标记的柜台上，还有委托在办：多等这么久。"""
SETTLED: Final = "settled"
"""事件：结果未知的命令核对清楚了。"""

TITLES: Final = {
    "duplicate": "同一个标记两笔委托",
    "late_order": "说过没有的委托又有了",
    "stranger": "不是队里下的委托",
    "stale_lease": "上一任主人不见了",
    "clock": "时钟差得多",
    "spool_full": "待传的存不下了",
}
_DAY_S: Final = 86400.0
_STORE_S: Final = 5.0
_LOOK_S: Final = 10.0
_DRAIN_S: Final = 10.0
_LOOKING_S: Final = 60.0
_AGAIN_S: Final = 3.0
_PAGE: Final = 1000
_HELD: Final = 20_000
_COMMANDS: Final = 2000
"""说一笔委托外来之前，看最近这么多条命令。"""
_FURTHEST: Final = 50_000
"""接手时最多往回读这么多条事件。"""
_ORDER_EVENTS: Final = frozenset({"order", "trade", "order_error", "stranger"})
_RECALLED: Final = _ORDER_EVENTS | {SETTLED, "late_order", "duplicate"}
_GONE: Final = frozenset({ABSENT, UNSENT})


@dataclass(slots=True)
class _Suspect:
    """一笔还不认得的委托。"""

    since: float
    tag: str
    told: dict[str, Any]


@dataclass(slots=True, eq=False)
class _Watch:
    """一个账号：认得哪些委托。"""

    account: str
    desk: Desk
    lease: Lease
    tagged: bool
    day: int
    # 今天的事件读过了；柜台上已有的看过了；正在读、在看
    read: bool = False
    learned: bool = False
    looking: float = 0.0
    # 读过之前来的推送
    held: list[dict[str, Any]] = field(default_factory=list)
    # 委托编号 → 最近记下的样子；记下过的成交
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    trades: set[tuple[str, str]] = field(default_factory=set)
    # 标记 → 命令；委托编号 → 命令，空的是已经说过的外来户
    tags: dict[str, str] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)
    # 标记 → {委托编号: 是废单}
    by_tag: dict[str, dict[str, bool]] = field(default_factory=dict)
    ends: dict[str, str] = field(default_factory=dict)  # 命令 → 它的结果
    strategies: dict[str, str] = field(default_factory=dict)  # 命令 → 策略
    flying: set[str] = field(default_factory=set)  # 还没有结果的委托
    # 在办的、刚办完的一批申购与智能算法：它们的委托不算外来的
    moving: set[str] = field(default_factory=set)
    moved_until: float = 0.0
    suspects: dict[str, _Suspect] = field(default_factory=dict)
    told: set[tuple[str, str]] = field(default_factory=set)


class Alarms:
    """见模块说明。任何线程；除了 `tick` 叫起的查询，谁都不等。

    Args:
        spool: 待传的：报警与结果从这里走。
        store: 存储。
        changed: 一个账号连上、断开了时调用，不得阻塞。
        clock: 开机以来的秒数。
        wall: Unix 秒。
    """

    def __init__(
        self,
        spool: Spool,
        store: Store,
        changed: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = boot_clock.now,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._spool = spool
        self._store = store
        self._changed = changed
        self._clock = clock
        self._wall = wall
        self._lock = threading.Lock()
        self._watches: dict[str, _Watch] = {}
        self._skewed = False
        self._ahead: float | None = None  # 存储的钟比开机时钟多多少
        self.offset_s = 0.0
        """存储的钟减去这台机器的钟，秒。"""

    # ---- 账号

    def watch(self, desk: Desk, account: str, lease: Lease) -> None:
        """从此看着一个账号；拿到租约之后。它的推送从此也记进待传的。"""
        able = desk.trader.capabilities
        fresh = _Watch(account, desk, lease, bool(able.tags), able.day.day_of(self._now()))
        with self._lock:
            watch = self._watches.get(account)
            if watch is None or watch.desk is not desk or not _follows(watch.lease, lease):
                watch = self._watches[account] = fresh
            watch.lease = lease  # 还是我接着管：认得的照旧
        desk.feed.also = partial(self._heard, watch)
        self._look_again(watch)

    def unwatch(self, account: str) -> None:
        """换了主人：不看了，推送归新的主人记。"""
        with self._lock:
            watch = self._watches.pop(account, None)
        if watch is not None:
            watch.desk.feed.also = None

    def expect(self, account: str, command: Command) -> None:
        """就要做这条命令，或要核对它：它的委托是队里的。"""
        if command.effect == "cancel":
            return
        with self._lock:
            watch = self._watches.get(account)
            if watch is None:
                return
            self._new_day(watch)
            if command.effect == "move":
                watch.moving.add(command.command_id)
                return
            watch.flying.add(command.command_id)
            watch.strategies[command.command_id] = command.strategy
            watch.ends.pop(command.command_id, None)
            if watch.tagged:
                watch.tags[self._tag(watch, command.command_id)] = command.command_id

    def outcome(self, account: str, command: Command, outcome: Outcome) -> None:
        """一条命令的结果：记进待传的；未知的核对清楚了的另有一条事件。"""
        alarms: list[tuple[str, str, dict[str, Any]]] = []
        with self._lock:
            watch = self._watches.get(account)
            before = command.state
            if watch is not None and command.effect == "move" and outcome.state not in OPEN:
                self._moved(watch, command)
            if watch is not None and command.effect == "order":
                before = watch.ends.get(command.command_id, before)
                alarms = self._ended(watch, command.command_id, outcome)
        self._spool.outcome(outcome, command.epoch, command.host)
        if before == UNKNOWN and outcome.state not in OPEN:
            self._spool.event(account, self._settled(outcome), command.command_id)
        self._raise(account, alarms)

    def _moved(self, watch: _Watch, command: Command) -> None:
        """一批申购做完了，它的委托还会来一会儿；智能算法的一整天都会来。"""
        watch.moving.discard(command.command_id)
        rest_s = _DAY_S if command.verb.startswith("algo.") else SUSPECT_S
        watch.moved_until = max(watch.moved_until, self._clock() + rest_s)

    def late(self, outcome: Outcome) -> None:
        """换过任才传到的结果，是有委托的：后来的主人说过没有吗。"""
        account, command_id = outcome.account, outcome.command_id
        try:
            row = self._store.find(account, command_id, time.monotonic() + _STORE_S)
        except (StoreDownError, StoreUnknownError, UsageError) as exc:
            logger.warning("账号 {} 的命令 {} 没有查到：{}", account, command_id, exc)
            return
        if row is None or row.order_id == outcome.order_id:
            return
        # 同一个编号又来过一次的：这一次那时说的是没有
        if row.attempt == outcome.attempt and row.state not in _GONE:
            return
        with self._lock:
            watch = self._watches.get(account)
            told = f"{command_id}/{outcome.order_id}"
            if watch is not None and not self._first(watch, "late_order", told):
                return
        self.tell(
            account, "late_order",
            f"命令 {command_id} 记着没有委托，其实柜台上有：{outcome.order_id}",
            command_id=command_id, order_id=outcome.order_id,
        )  # fmt: skip

    def learned(self, account: str) -> bool:
        """以前的主人下的、柜台上已有的，都看过了。"""
        with self._lock:
            watch = self._watches.get(account)
            return watch is not None and watch.learned

    def flying(self, account: str) -> frozenset[str]:
        """还没有结果的委托，命令的编号。"""
        with self._lock:
            watch = self._watches.get(account)
            return frozenset() if watch is None else frozenset(watch.flying)

    def open_orders(self, account: str, strategy: str) -> list[OrderId]:
        """一个策略挂着的委托，按记下的推送；不知道是谁的，问存储。

        Raises:
            StoreDownError, StoreUnknownError: 问不到。
        """
        with self._lock:
            watch = self._watches.get(account)
            if watch is None:
                return []
            alive = {
                number: row["order_id"] for number, row in watch.rows.items()
                if row.get("order_status") in CANCELLABLE_STATUSES
            }  # fmt: skip
            names = {number: watch.orders.get(number, "") for number in alive}
            known = dict(watch.strategies)
        deadline = time.monotonic() + _STORE_S
        found = []
        for number, name in names.items():
            if name and name not in known:
                row = self._store.find(account, name, deadline)
                known[name] = "" if row is None else row.strategy
            if name and known[name] == strategy:
                found.append(alive[number])
        return found

    # ---- 报警

    def tell(self, account: str, kind: str, text: str, **data: Any) -> None:
        """报一次警：事件、日志。

        Args:
            account: 账号。
            kind: `fleets.words.ALARMS` 里的。
            text: 说给人的一句话。
            **data: 其余。
        """
        assert kind in ALARMS, kind
        logger.error("账号 {} 报警（{}）：{}", account, kind, text)
        command_id = str(data.get("command_id", ""))
        told = {
            "event": kind,
            "event_name": TITLES[kind],
            "time": self._wall(),
            "data": values.to_plain({"text": text, **data}),
        }
        self._spool.event(account, told, command_id)

    def beat(self, before: float, after: float, now: float) -> None:
        """存储的钟与这台机器的钟。

        Args:
            before: 问之前这台机器的钟，Unix 秒。
            after: 有了回答时的。
            now: 存储说的。
        """
        middle = (before + after) / 2
        self._ahead = now - self._clock()
        self.offset_s = now - middle
        wrong_s = abs(self.offset_s) - abs(after - before) / 2
        if wrong_s <= _CALM_S:
            self._skewed = False
        if wrong_s <= CLOCK_S or self._skewed:
            return
        self._skewed = True
        ours, theirs = beijing.beijing_day(middle), beijing.beijing_day(now)
        days = f"，日子也不同：这里 {ours}，存储 {theirs}" if ours != theirs else ""
        side = "慢" if self.offset_s > 0 else "快"
        text = f"这台机器的钟比存储的{side} {abs(self.offset_s):.1f} 秒{days}；请校准"
        with self._lock:
            accounts = list(self._watches)
        for account in accounts:
            self.tell(
                account, "clock", text, offset_s=round(self.offset_s, 3),
                box_day=str(ours), store_day=str(theirs),
            )  # fmt: skip

    def tick(self) -> None:
        """每隔一秒左右：等够了还不认得的，问过存储也不是队里的，就是外来的；没有认完的接着认。"""
        with self._lock:
            watches = list(self._watches.values())
        for watch in watches:
            if not watch.learned:
                self._look_again(watch)
                continue
            with self._lock:
                due = self._due(watch)
            if due:
                self._identify(watch, due)

    def _due(self, watch: _Watch) -> dict[str, _Suspect]:
        """等够了的。"""
        now = self._clock()
        waits_s = _IN_FLIGHT_S if not watch.tagged and watch.flying else SUSPECT_S
        return {
            number: each for number, each in watch.suspects.items() if now - each.since >= waits_s
        }

    def _identify(self, watch: _Watch, due: dict[str, _Suspect]) -> None:
        """说它外来之前：别的机器、以前的主人领走的命令，存储都有。"""
        account = watch.account
        try:
            commands = self._store.commands(
                time.monotonic() + _STORE_S, account=account, most=_COMMANDS
            )
        except (StoreDownError, StoreUnknownError) as exc:
            logger.debug("账号 {} 有 {} 笔不认得的委托，存储不在，等它：{}", account, len(due), exc)
            return
        except UsageError as exc:  # 没有权限看：照外来的说
            logger.debug("账号 {} 的命令看不了：{}", account, exc)
            commands = []
        orders = [each for each in commands if each.effect == "order"]
        by_order = {each.order_id: each for each in orders if each.order_id}
        by_tag = {self._tag(watch, each.command_id): each for each in orders if watch.tagged}
        for number, suspect in due.items():
            command = by_tag.get(suspect.tag) or by_order.get(number)
            alarms: list[tuple[str, str, dict[str, Any]]] = []
            with self._lock:
                if watch.suspects.pop(number, None) is None:
                    continue  # 正好认得了
                if command is None:
                    watch.orders[number] = ""
                    alarms = [("stranger", _about(suspect.told), suspect.told)]
                else:
                    alarms = self._recognized(watch, number, suspect.tag, command)
            self._raise(account, alarms)

    def _recognized(
        self, watch: _Watch, number: str, tag: str, command: Command
    ) -> list[tuple[str, str, dict[str, Any]]]:
        name = command.command_id
        watch.orders[number] = name
        if tag:
            watch.tags[tag] = name
        junk = watch.by_tag.get(tag, {}).get(number, False)
        if command.state in _GONE and not junk:
            return self._late_order(watch, name, number)
        return []

    def _raise(self, account: str, alarms: list[tuple[str, str, dict[str, Any]]]) -> None:
        for kind, text, data in alarms:
            self.tell(account, kind, text, **data)

    # ---- 推送：交付的线程上

    def _heard(self, watch: _Watch, told: dict[str, Any], event: PushEvent | None) -> None:
        if isinstance(event, OrderChanged):
            self._saw(watch, event.order)
        elif isinstance(event, (Connected, Disconnected, GaveUp)):
            self._changed()
            if isinstance(event, Connected) and not watch.learned:
                self._look_again(watch)
        with self._lock:
            if not watch.read and len(watch.held) < _HELD:
                watch.held.append(told)
                return
        self._record(watch, told)

    def _record(self, watch: _Watch, told: dict[str, Any]) -> None:
        """记进待传的；记过一样的委托、成交不再记。"""
        kind, data = told["event"], told["data"]
        command_id = ""
        if kind in _ORDER_EVENTS:
            number = _number(data.get("order_id"))
            with self._lock:
                if self._known(watch, kind, number, data):
                    return
                command_id = watch.orders.get(number, "")
        self._spool.event(watch.account, told, command_id)

    @staticmethod
    def _known(watch: _Watch, kind: str, number: str, data: dict[str, Any]) -> bool:
        if kind == "trade":
            key = (number, str(data.get("traded_id")))
            known = key in watch.trades
            watch.trades.add(key)
            return known
        if kind == "order":
            known = watch.rows.get(number) == data
            watch.rows[number] = data
            return known
        return False

    def _saw(self, watch: _Watch, order: OrderLike) -> None:
        """柜台上的一笔委托。"""
        number, tag = _number(order.order_id), rows.tag_of(order)
        if not number:
            return
        junk = order.order_status == OrderStatus.JUNK
        with self._lock:
            self._new_day(watch)
            alarms = self._compare(watch, tag, number, junk) if tag else []
            command_id = watch.tags.get(tag) if tag else None
            if command_id is not None:
                watch.orders[number] = command_id
                watch.suspects.pop(number, None)
            elif number in watch.orders or number in watch.suspects:
                pass
            elif watch.moving or self._clock() < watch.moved_until:
                watch.orders[number] = ""  # 一批申购、智能算法下的，没有编号可对
            else:
                watch.suspects[number] = _Suspect(self._clock(), tag, _told(order, number, tag))
        self._raise(watch.account, alarms)

    def _compare(
        self, watch: _Watch, tag: str, number: str, junk: bool
    ) -> list[tuple[str, str, dict[str, Any]]]:
        """同一个标记的几笔；命令说没有而它有。废单不算：同一个编号可以再发。"""
        same = watch.by_tag.setdefault(tag, {})
        same[number] = junk or same.get(number, False)
        alive = [each for each, is_junk in same.items() if not is_junk]
        command_id = watch.tags.get(tag, "")
        found = []
        if len(alive) > 1 and self._first(watch, "duplicate", ",".join(sorted(alive))):
            told = f"标记 {tag} 在柜台上有 {len(alive)} 笔委托：{'、'.join(alive)}"
            found.append(
                ("duplicate", told, {"command_id": command_id, "tag": tag, "order_ids": alive})
            )
        if command_id and alive and watch.ends.get(command_id) in _GONE:
            found += self._late_order(watch, command_id, alive[-1])
        return found

    def _late_order(
        self, watch: _Watch, command_id: str, number: str
    ) -> list[tuple[str, str, dict[str, Any]]]:
        if not self._first(watch, "late_order", f"{command_id}/{number}"):
            return []
        told = f"命令 {command_id} 记着没有委托，柜台上却有了：{number}"
        return [("late_order", told, {"command_id": command_id, "order_id": number})]

    def _ended(
        self, watch: _Watch, command_id: str, outcome: Outcome
    ) -> list[tuple[str, str, dict[str, Any]]]:
        if outcome.state in OPEN and outcome.state != UNKNOWN:
            return []  # 只是补上序号
        watch.ends[command_id] = outcome.state
        if outcome.state != UNKNOWN:
            watch.flying.discard(command_id)
        if outcome.state == PLACED and outcome.order_id:
            watch.orders[outcome.order_id] = command_id
            watch.suspects.pop(outcome.order_id, None)
        if outcome.state == ABSENT and watch.tagged:
            same = watch.by_tag.get(self._tag(watch, command_id), {})
            alive = [number for number, junk in same.items() if not junk]
            if alive:
                return self._late_order(watch, command_id, alive[-1])
        return []

    @staticmethod
    def _first(watch: _Watch, kind: str, what: str) -> bool:
        """没有说过；说过的不再说。"""
        if (kind, what) in watch.told:
            return False
        watch.told.add((kind, what))
        return True

    @staticmethod
    def _tag(watch: _Watch, command_id: str) -> str:
        return tags.tag_for(watch.desk.engine.key.account_id, command_id)

    def _now(self) -> float:
        """此刻，照存储的钟；还没有听过的照这台机器的。"""
        return self._wall() if self._ahead is None else self._clock() + self._ahead

    def _new_day(self, watch: _Watch) -> None:
        """换了一天：柜台的编号会重来。还在办的留着。"""
        day = watch.desk.trader.capabilities.day.day_of(self._now())
        if day == watch.day:
            return
        watch.day = day
        kept = watch.flying
        watch.tags = {tag: name for tag, name in watch.tags.items() if name in kept}
        watch.ends = {name: state for name, state in watch.ends.items() if name in kept}
        for each in (watch.strategies, watch.orders, watch.by_tag, watch.suspects, watch.rows):
            each.clear()
        watch.told.clear()
        watch.trades.clear()

    # ---- 接手时：在账号自己的道上，卡住了不连累别的

    def _look_again(self, watch: _Watch) -> None:
        with self._lock:
            now = self._clock()
            if now < watch.looking:
                return
            watch.looking = now + _LOOKING_S  # 排不上、被丢掉了的，过这么久再来
        desk = watch.desk
        desk.post(lambda: desk.later(lambda: self._learn(watch)))

    def _learn(self, watch: _Watch) -> None:
        """以前的主人下的，从今天的事件里认；柜台上已有的，一笔一笔看，没有记过的补上。"""
        try:
            if not watch.read:
                self._drain(watch.account)
                self._read(watch)
                self._release(watch)
            deadline = time.monotonic() + _LOOK_S
            session = watch.desk.engine.session
            with session.until(deadline):
                orders, trades = list(session.orders()), list(session.trades())
            if self._watches.get(watch.account) is not watch:
                return  # 换了一份
            for order in orders:
                self._saw(watch, order)
                row = rows.order_row(order)
                if not self._is_behind(watch, row):
                    self._record(watch, self._push("order", row))
            for trade in trades:
                self._record(watch, self._push("trade", rows.trade_row(trade)))
            watch.learned = True
            watch.looking = 0.0
        except Exception as exc:  # noqa: BLE001  边界：后端抛什么都可能，过一会儿再看
            logger.debug("账号 {} 柜台上的委托还没有认完：{!r}", watch.account, exc)
            watch.looking = self._clock() + _AGAIN_S

    def _release(self, watch: _Watch) -> None:
        """读过了：攒着的推送记下，此后来的直接记。"""
        while True:
            with self._lock:
                held, watch.held = watch.held, []
                if not held:
                    watch.read = True
                    return
            for told in held:
                self._record(watch, told)

    def _is_behind(self, watch: _Watch, row: Any) -> bool:
        """问的时候它又走了一步，推送先到了。"""
        with self._lock:
            known = watch.rows.get(_number(row["order_id"]))
        return known is not None and _rank(row) < _rank(values.from_plain(known))

    def _push(self, kind: str, row: Any) -> dict[str, Any]:
        told = {"event": kind, "event_name": EVENT_NAMES[kind], "time": self._wall(), "data": row}
        return cast("dict[str, Any]", values.to_plain(told))

    def _drain(self, account: str) -> None:
        """等自己待传的先到：里面有自己以前下的。"""
        deadline = time.monotonic() + _DRAIN_S
        pause = threading.Event()
        while self._spool.depth_of(account) and time.monotonic() < deadline:
            pause.wait(0.05)

    def _read(self, watch: _Watch) -> None:
        """今天的事件，从最近的往回一页一页看。"""
        day_of = watch.desk.trader.capabilities.day.day_of
        deadline = time.monotonic() + _STORE_S
        self._ahead = self._store.greet(deadline).now - self._clock()
        with self._lock:
            self._new_day(watch)
        last = end = self._store.bump(watch.account, deadline)
        while end > max(0, last - _FURTHEST):
            after = max(0, end - _PAGE)
            found = self._store.read(watch.account, after, end - after, deadline)
            today = [each for each in found if day_of(each.at) == watch.day]
            for each in reversed(today):
                self._recall(watch, each.kind, each.data, each.command_id)
            if len(today) < len(found) or not found:
                return
            end = after

    def _recall(self, watch: _Watch, kind: str, data: str, command_id: str) -> None:
        if kind not in _RECALLED:
            return
        try:
            told = values.decode(data)["data"]
            number = _number(told.get("order_id"))
        except (ValueError, KeyError, TypeError, AttributeError):
            return  # 别的版本写的，读不懂
        with self._lock:
            if command_id:
                self._recall_command(watch, kind, told, command_id)
            if number and (command_id or kind == "stranger"):
                watch.orders.setdefault(number, command_id)
                watch.suspects.pop(number, None)
            if kind == "trade":
                watch.trades.add((number, str(told.get("traded_id"))))
            elif kind == "order":
                watch.rows.setdefault(number, told)
            elif kind == "duplicate":  # 说过、人也看过的，重新启动之后不再停一遍
                watch.told.add((kind, ",".join(sorted(map(str, told.get("order_ids", ()))))))

    def _recall_command(
        self, watch: _Watch, kind: str, told: dict[str, Any], command_id: str
    ) -> None:
        if watch.tagged:
            watch.tags.setdefault(self._tag(watch, command_id), command_id)
        if kind == SETTLED:
            watch.ends.setdefault(command_id, str(told.get("state", "")))
        elif kind == "order":
            watch.ends.setdefault(command_id, PLACED)  # 说过没有之后又发过一次的
        elif kind == "late_order":
            watch.told.add((kind, f"{command_id}/{_number(told.get('order_id'))}"))

    def _settled(self, outcome: Outcome) -> dict[str, Any]:
        return {
            "event": SETTLED,
            "event_name": "核对清楚了",
            "time": self._wall(),
            "data": {
                "command_id": outcome.command_id,
                "attempt": outcome.attempt,
                "state": outcome.state,
                "order_id": outcome.order_id,
            },
        }


def _follows(before: Lease, lease: Lease) -> bool:
    """中间没有过别的主人，存储也还是那一份。"""
    return lease.timeline == before.timeline and lease.epoch == before.epoch + 1


def _rank(row: Any) -> tuple[int, Any]:
    """委托走到了哪里：只进不退。"""
    return STATUS_RANK.get(row.get("order_status"), -1), row.get("traded_volume", 0)


def _number(order_id: object) -> str:
    """委托编号的文字；没有的为空。"""
    return "" if order_id in (None, "", 0, -1) else str(order_id)


def _told(order: OrderLike, number: str, tag: str) -> dict[str, Any]:
    return {
        "order_id": number,
        "stock_code": order.stock_code,
        "order_type": order.order_type,
        "volume": order.order_volume,
        "price": order.price,
        "ours": bool(tag),
    }


def _about(told: dict[str, Any]) -> str:
    what = "用本库、不经过队里下的" if told["ours"] else "别处下的"
    return f"委托 {told['order_id']}（{told['stock_code']} {told['volume']}）是{what}"
