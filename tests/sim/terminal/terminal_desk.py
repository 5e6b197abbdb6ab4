"""测试用的：真的主机、真的连接、手动的钟，一个记下全部回调的策略；测试的线程就是主线程。"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from support import ACCOUNT

from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host.host import Host
from easytrader.sim.terminal.client.link import Link
from easytrader.sim.terminal.client.manners import MANNERS, Manners
from easytrader.sim.terminal.client.terminal import Terminal
from easytrader.sim.terminal.client.timers import ManualClock
from easytrader.sim.terminal.client.trading import Desk

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.sim.terminal.client.terminal import Strategy

CODE = "600036.SH"
BUY, SELL = 23, 24

SOURCE = b"""#coding:gbk
seen = []
ticks = []

def init(C):
    C.set_account(globals().get('account', ''))

def after_init(C):
    for each in list(todo_after_init):
        passorder(*(each + (C,)))

def handlebar(C):
    ticks.append(C.is_last_bar())
    for each in list(todo):
        passorder(*(each + (C,)))

def order_callback(C, order):
    seen.append(("order", order))

def deal_callback(C, deal):
    seen.append(("deal", deal))

def account_callback(C, row):
    seen.append(("account", row))

def position_callback(C, row):
    seen.append(("position", row))

def task_callback(C, row):
    seen.append(("task", row))

def orderError_callback(C, args, msg):
    seen.append(("error", args, msg))

def credit_account_callback(C, seq, result):
    seen.append(("credit_account", seq, result))

def credit_opvolume_callback(C, accid, seq, ret, result):
    seen.append(("opvolume", accid, seq, ret, result))

todo = []
todo_after_init = []
"""


class DeskClient:
    """一个客户端与它跑着的策略。"""

    def __init__(self, host: Host, manners: Manners, **settings: Any) -> None:
        self.host = host
        link = Link("127.0.0.1", host.info.port, host.info.token)
        self.clock = ManualClock()
        self.terminal = Terminal(link, manners, Desk, clock=self.clock)
        self.desk = self.terminal.desk
        settings.setdefault("account", ACCOUNT)
        source = settings.pop("source", SOURCE)
        settings.setdefault("replay_bars", 3)
        try:
            self.strategy: Strategy = self.terminal.load(source, **settings)
        except BaseException:
            self.terminal.stop()
            raise
        self.account = settings["account"]
        self.type = settings.get("account_type", "STOCK")

    @property
    def seen(self) -> list[tuple[Any, ...]]:
        """策略收到的回调。"""
        found: list[tuple[Any, ...]] = self.strategy.globals["seen"]
        return found

    def told(self, kind: str) -> list[Any]:
        """一种回调的对象。"""
        return [each[1] for each in self.seen if each[0] == kind]

    def statuses(self) -> list[tuple[int, str]]:
        """委托回调里的（状态，合同编号），按先后。"""
        return [(each.m_nOrderStatus, each.m_strOrderSysID) for each in self.told("order")]

    def call(self, name: str, *args: Any) -> Any:
        """叫策略看得见的一个全局函数。"""
        return self.strategy.globals[name](*args)

    def order(
        self,
        volume: float = 100,
        price: float = 1.0,
        *,
        op: int = BUY,
        pr: int = 11,
        code: str = CODE,
        tag: str = "~aaaaaaaaa~",
        quick: int = 2,
        kind: int = 1101,
        name: str = "s",
        account: str = "",
    ) -> Any:
        """十一个参数的 ``passorder``。"""
        args = (op, kind, account or self.account, code, pr, price, volume, name, quick, tag)
        return self.call("passorder", *args, self.strategy.context)

    def rows(self, kind: str = "ORDER", *more: Any) -> list[Any]:
        """查得到的。"""
        found: list[Any] = self.call("get_trade_detail_data", self.account, self.type, kind, *more)
        return found

    def wait(self, seconds: float = 0.0) -> None:
        """柜台说的都到了，再走过这么多秒。"""
        self.terminal.link.ask("now")
        self.terminal.advance(seconds)

    def cancel(self, sysid: str) -> Any:
        """撤单。"""
        return self.call("cancel", sysid, self.account, self.type, self.strategy.context)

    def lines(self, text: str) -> list[str]:
        """引擎的日志里有这几个字的。"""
        return [line for _, line in self.terminal.log.lines if text in line]

    @property
    def last(self) -> float:
        """最新价。"""
        return float(self.desk.book(CODE)["lastPrice"])


@contextmanager
def desk_client(
    path: Path,
    manners: str | Manners = "instant",
    *,
    accounts: list[AccountConfig] | None = None,
    sim: dict[str, Any] | None = None,
    files: dict[str, Any] | None = None,
    **settings: Any,
) -> Iterator[DeskClient]:
    """开一个主机与一个客户端；``files`` 是文件夹里另外的 JSON。"""
    held = [(CODE, 1000, 30.0)]
    listed = accounts or [AccountConfig(ACCOUNT, cash=1_000_000, positions=held)]
    folder = create(path / "大 QMT", listed, **(sim or {}))
    for name, content in (files or {}).items():
        (folder.path / name).write_text(json.dumps(content), encoding="utf-8")
    host = Host(folder)
    try:
        found = MANNERS[manners] if isinstance(manners, str) else manners
        client = DeskClient(host, found, **settings)
        try:
            yield client
        finally:
            client.terminal.stop()
    finally:
        host.close()
