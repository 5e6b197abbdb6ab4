"""一眼看到的：资金、委托几笔、待传几条、最近的错，写进存储的账号那一行；变了才写。

键：``state total_asset market_value cash currency``（元或计价货币）、``open_orders orders trades``
（挂着的、当日的委托与成交几笔）、``spooled``（待传几条）、``clock_offset_s``（这台机器的钟比存储的快几秒）、
``error``（最近一次没有连上的原因）、``version``。

问柜台的只在有过推送之后，最多每 `LOOK_S` 秒一次；没有推送的隔 `IDLE_S` 看一眼。
在账号自己的道上问：一个账号卡住，别的照看；连接的状态变了不等它，当场写。
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader._version import __version__
from easytrader.basics.log import masked
from easytrader.codes import CANCELLABLE_STATUSES
from easytrader.errors import UsageError
from easytrader.fleets.words import FencedError
from easytrader.link.supervisor import State
from easytrader.wire import values, verbs

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Lease
    from easytrader.server.desk import Desk

LOOK_S: Final = 5.0
IDLE_S: Final = 60.0
REPEAT_S: Final = 30.0
"""没有变的，也隔这么久写一次：看得出还活着。"""
_STORE_S: Final = 1.5
_ASK_S: Final = 10.0
_BUSY_S: Final = 60.0


@dataclass(slots=True)
class _Eye:
    """一个账号上次看到的。"""

    epoch: int = 0
    busy_until: float = 0.0
    asked_at: float = float("-inf")
    asked_last: int = -1
    state: str = ""
    money: dict[str, Any] = field(default_factory=dict)
    written: tuple[str, str] = ("", "")
    written_at: float = float("-inf")
    tried_at: float = float("-inf")
    depth: int = 0
    offset_s: float = 0.0
    turn: threading.Lock = field(default_factory=threading.Lock)


class Glances:
    """见模块说明。任何线程。

    Args:
        store: 存储。
        clock: 单调时钟，秒。
    """

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._lock = threading.Lock()
        self._eyes: dict[str, _Eye] = {}

    def look(
        self, desk: Desk, account: str, lease: Lease, *, depth: int = 0, offset_s: float = 0.0
    ) -> None:
        """该看就看，变了就写；每秒叫一次也不多问。状态变了当场写，要问柜台的不等。

        Args:
            desk: 账号。
            account: 它在队里的名字。
            lease: 租约；换了一任的重新写。
            depth: 待传几条。
            offset_s: 存储的钟减去这台机器的钟，秒。

        Raises:
            StoreDownError, StoreUnknownError: 没有写成，下次再写。
        """
        now = self._clock()
        with self._lock:
            eye = self._eyes.setdefault(account, _Eye())
            changed = eye.epoch != lease.epoch or eye.state != desk.trader.state
            asks = now >= eye.busy_until and self._is_due(eye, desk, now, changed)
            if asks:
                eye.busy_until = now + _BUSY_S
            eye.depth, eye.offset_s = depth, offset_s
        if changed or (not asks and now - eye.tried_at >= LOOK_S):
            self._write(desk, account, lease, eye)
        if asks:
            desk.post(lambda: desk.later(lambda: self._ask(desk, account, lease, eye)))

    @staticmethod
    def _is_due(eye: _Eye, desk: Desk, now: float, changed: bool) -> bool:
        if desk.engine.state is not State.CONNECTED:
            return False
        since_s = now - eye.asked_at
        news = eye.asked_last != desk.feed.last
        return changed or since_s >= IDLE_S or (news and since_s >= LOOK_S)

    def _ask(self, desk: Desk, account: str, lease: Lease, eye: _Eye) -> None:
        """问柜台，在账号自己的道上。"""
        try:
            eye.asked_at, eye.asked_last = self._clock(), desk.feed.last
            with desk.until(time.monotonic() + _ASK_S):
                eye.money = _money(desk)
            self._write(desk, account, lease, eye)
        except Exception as exc:  # noqa: BLE001  边界：柜台答不了，下次再看
            logger.debug("账号 {} 的样子没有看成：{!r}", account, exc)
        finally:
            eye.busy_until = 0.0

    def _write(self, desk: Desk, account: str, lease: Lease, eye: _Eye) -> None:
        """变了就写。"""
        with eye.turn:
            state = desk.trader.state
            told = (_hello(desk, account, state), _json(_seen(desk, eye, state)))
            now = eye.tried_at = self._clock()
            known = told == eye.written and eye.epoch == lease.epoch
            if known and now - eye.written_at < REPEAT_S:
                return
            try:
                self._store.publish(lease, *told, time.monotonic() + _STORE_S)
            except (FencedError, UsageError) as exc:
                logger.debug("账号 {} 的样子没有写成：{}", account, exc)
                return
            news = told[0] != eye.written[0]
            eye.written, eye.written_at = told, now
            eye.epoch, eye.state = lease.epoch, state
        if news:
            self._store.hint([f"events:{account}"])


def _seen(desk: Desk, eye: _Eye, state: str) -> dict[str, Any]:
    return {
        **eye.money,
        "state": state,
        "spooled": eye.depth,
        "held": desk.stop.reason(desk.name) or "",
        "clock_offset_s": round(-eye.offset_s, 1),
        "error": _first_line(desk.trader.status.get("last_error")),
        "version": __version__,
    }


def _hello(desk: Desk, account: str, state: str) -> str:
    """同 `wire.words.Hello` 的几项。"""
    return _json(
        {
            "account": account,
            "account_id": masked(desk.account_id),
            "account_key": desk.account_key,
            "account_mark": mark_of(desk),
            "backend": desk.backend(),
            "verbs": [each.name for each in verbs.offered(desk.trader)],
            "state": state,
        }
    )


def mark_of(desk: Desk) -> str:
    """资金账号的摘要，与客户端在哪台机器、哪个文件夹无关；还没有连过为空。"""
    if not desk.account_id:
        return ""
    return blake2b(desk.account_id.encode(), digest_size=8, person=b"fleet").hexdigest()


def _money(desk: Desk) -> dict[str, Any]:
    """资金与当日的委托、成交。"""
    trader = desk.trader
    balance = trader.balance
    entrusts = trader.today_entrusts
    found: dict[str, Any] = {
        "open_orders": sum(each["order_status"] in CANCELLABLE_STATUSES for each in entrusts),
        "orders": len(entrusts),
        "trades": len(trader.today_trades),
    }
    if balance:
        first = balance[0]
        for name in ("total_asset", "cash", "market_value"):
            found[name] = first[name]
        if "currency" in first:
            found["currency"] = first["currency"]
    return found


def _first_line(text: object) -> str:
    return str(text or "").partition("\n")[0][:200]


def _json(value: Any) -> str:
    return values.encode(values.to_plain(value)).decode()
