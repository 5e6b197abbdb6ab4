"""一个代理照规矩看着的几样，合在一起：报警、额度、停单开关、一眼看到的；`station` 只认识它。

每秒一遍的在自己的线程上；要问柜台的都在账号自己的道上。
"""

from __future__ import annotations

import threading
import time
import traceback
from functools import partial
from typing import TYPE_CHECKING, Final

from loguru import logger

from easytrader.agent import budgets
from easytrader.agent.alarms import Alarms
from easytrader.agent.budgets import Budgets
from easytrader.agent.glance import Glances
from easytrader.agent.switches import CancelOpen, Switches
from easytrader.basics import waits
from easytrader.errors import UsageError
from easytrader.fleets.words import RENEW_S, StoreDownError, StoreUnknownError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.agent.spool import Spool
    from easytrader.backend.records import OrderRequest
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Beat, Command, Lease, Outcome
    from easytrader.risk.rules import MarketView
    from easytrader.server.desk import Desk

STEP_S: Final = 1.0
_STORE_S: Final = 2.0
_GONE: Final = (StoreDownError, StoreUnknownError)


class Duties:
    """见模块说明。任何线程。

    Args:
        store: 存储。
        spool: 待传的。
        box: 这台机器在队里的名字。
        groups: 这些账号在哪几组。
    """

    def __init__(self, store: Store, spool: Spool, *, box: str, groups: Sequence[str] = ()) -> None:
        self._store = store
        self._spool = spool
        self._box = box
        self._groups = tuple(groups)
        self._bell = waits.Bell()
        self.alarms = Alarms(spool, store, changed=self._bell.ring)
        self.budgets = Budgets(store, box)
        self.switches = Switches()
        self.glances = Glances(store)
        self._cancels = CancelOpen(spool)
        self._lock = threading.Lock()
        self._held: dict[str, tuple[Desk, Lease]] = {}
        self._heard = threading.Event()  # 续过租：存储在
        self._refreshed = float("-inf")
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="easytrader-agent-duties", daemon=True
        )

    def start(self) -> None:
        """开始每秒一遍。"""
        self._thread.start()

    def close(self) -> None:
        """不看了；可重复调用，最多一两秒。"""
        self._closing.set()
        self._bell.ring()
        waits.join(self._thread, _STORE_S + STEP_S)
        for account in list(self._held):
            self.lost(account)

    # ---- 租约

    def gained(self, desk: Desk, lease: Lease, before: str = "") -> None:
        """拿到了一个账号。

        Args:
            desk: 账号。
            lease: 租约。
            before: 从哪台机器接过来的：它的租约过期了，没有自己放开；不是的为空。
        """
        with self._lock:
            self._held[lease.account] = desk, lease
        self.alarms.watch(desk, lease.account, lease)
        self._bell.ring()
        if before and before != self._box:
            self.alarms.tell(
                lease.account, "stale_lease",
                f"主人 {before} 的租约过期了，由 {self._box} 接过来（第 {lease.epoch} 任）",
                before=before, box=self._box, epoch=lease.epoch,
            )  # fmt: skip

    def lost(self, account: str) -> None:
        """一个账号不归自己了。"""
        with self._lock:
            self._held.pop(account, None)
        self.alarms.unwatch(account)

    def beat(self, beat: Beat, before: float, after: float) -> None:
        """续租有了回答；不等。

        Args:
            beat: 回答。
            before: 问之前这台机器的钟，Unix 秒。
            after: 有了回答时的。
        """
        self.switches.seen(beat.switches)
        self.budgets.beat(beat.now)
        self.alarms.beat(before, after, beat.now)
        self._heard.set()

    # ---- 命令

    def begin(self, command: Command) -> None:
        """就要做、就要核对一条命令；交给账号之前。"""
        self.alarms.expect(command.account, command)

    def record(self, command: Command, outcome: Outcome) -> None:
        """一条命令的结果，记进待传的。"""
        self.alarms.outcome(command.account, command, outcome)

    def check_switches(self, account: str, strategy: str) -> None:
        """停着就不许。

        Raises:
            RiskRefusedError: 停着；什么都没有发出。
        """
        self.switches.check(account, self._groups, strategy)

    def admit(
        self, key: str, account: str, strategy: str, request: OrderRequest, view: MarketView,
        deadline: float,
    ) -> None:  # fmt: skip
        """占住额度。

        Raises:
            RiskRefusedError: 不够；什么都没有发出。
        """
        places = budgets.scopes(account, self._groups, strategy)
        self.budgets.admit(key, places, request, view, deadline)

    def not_sent(self, key: str) -> None:
        """确知没有发出：退额度。"""
        self.budgets.not_sent(key)

    def stop(self, account: str, why: str) -> None:
        """报警要停的账号（`spool.Uploader`）：存储的开关打开，这里马上算数。

        Raises:
            StoreDownError, StoreUnknownError: 没有打开，过一会儿再来。
        """
        scope = f"account:{account}"
        if self.switches.is_on(scope):
            return  # 已经停着的不动它：人按下的也许还说了连同撤单
        try:
            self._store.set_switch(scope, True, time.monotonic() + _STORE_S, why=why)
        except UsageError as exc:
            logger.error("账号 {} 的停单开关开不了（{}），请马上在队里停掉它", account, exc)
        self.switches.press(scope, why, self._box)

    # ---- 每秒一遍

    def _run(self) -> None:
        while not self._closing.is_set():
            self._bell.wait(STEP_S)
            try:
                self._step()
            except Exception as exc:  # noqa: BLE001  边界：一遍出错，下一遍照看
                where = "".join(traceback.format_tb(exc.__traceback__))
                logger.error("代理每秒一遍的出了意外的错：{!r}\n{}", exc, where)

    def _step(self) -> None:
        with self._lock:
            held = list(self._held.items())
        for account, (desk, _) in held:
            flying = self.alarms.flying(account)
            switches = self.switches.to_cancel(account, self._groups)
            strategies = self.switches.to_cancel_strategies()
            self._cancels.ended(account, [*switches, *strategies])
            self._cancels.look(desk, account, switches, flying)
            # 柜台上挂着的还没有看过：等看过，不能当作一笔也没有
            learned = self.alarms.learned(account)
            for switch in strategies if learned else ():
                find = partial(self.alarms.open_orders, account, switch.scope.partition(":")[2])
                self._cancels.of_strategy(desk, account, switch, flying, find)
        self.alarms.tick()
        self._refresh()
        try:
            for account, (desk, lease) in held:
                self.glances.look(
                    desk, account, lease,
                    depth=self._spool.depth_of(account), offset_s=self.alarms.offset_s,
                )  # fmt: skip
        except _GONE as exc:  # 存储不在：不一个一个账号地等
            logger.debug("账号的样子没有写成：{}", exc)

    def _refresh(self) -> None:
        """续过租的，跟着问一遍设了哪些额度。"""
        if not self._heard.is_set() or time.monotonic() - self._refreshed < RENEW_S:
            return
        self._heard.clear()
        self._refreshed = time.monotonic()
        try:
            self.budgets.refresh(time.monotonic() + _STORE_S)
        except _GONE as exc:
            logger.debug("额度没有问到：{}", exc)
