"""一眼看到的：资金、委托几笔、待传几条、最近的错，写进存储的账号那一行；变了才写。

键：``state total_asset market_value cash currency``（元或计价货币）、``open_orders orders trades``
（挂着的、当日的委托与成交几笔）、``spooled``（待传几条）、``clock_offset_s``（这台机器的钟比存储的快几秒）、
``error``（最近一次没有连上的原因）、``version``。

问柜台的只在有过推送之后，最多每 `LOOK_S` 秒一次；没有推送的隔 `IDLE_S` 看一眼。
都在账号自己的道上做：一个账号卡住，别的照写。
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader._version import __version__
from easytrader.basics.log import masked
from easytrader.codes import CANCELLABLE_STATUSES
from easytrader.errors import UsageError
from easytrader.fleets.words import FencedError, StoreDownError, StoreUnknownError
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
_STORE_S: Final = 3.0
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
        """该看就看，变了就写；每秒叫一次也不多问。不等。

        Args:
            desk: 账号。
            account: 它在队里的名字。
            lease: 租约；换了一任的重新写。
            depth: 待传几条。
            offset_s: 存储的钟减去这台机器的钟，秒。
        """
        now = self._clock()
        with self._lock:
            eye = self._eyes.setdefault(account, _Eye())
            if now < eye.busy_until:
                return
            state = desk.trader.state
            changed = eye.epoch != lease.epoch or eye.state != state
            asks = self._is_due(eye, desk, now, changed)
            if not (asks or changed or now - eye.written_at >= LOOK_S):
                return
            eye.busy_until = now + _BUSY_S
        rest = {
            "state": state,
            "spooled": depth,
            "clock_offset_s": round(-offset_s, 1),
            "error": _first_line(desk.trader.status.get("last_error")),
            "version": __version__,
        }
        desk.post(lambda: desk.later(lambda: self._work(desk, account, lease, eye, rest, asks)))

    @staticmethod
    def _is_due(eye: _Eye, desk: Desk, now: float, changed: bool) -> bool:
        if desk.engine.state is not State.CONNECTED:
            return False
        since_s = now - eye.asked_at
        news = eye.asked_last != desk.feed.last
        return changed or since_s >= IDLE_S or (news and since_s >= LOOK_S)

    def _work(
        self, desk: Desk, account: str, lease: Lease, eye: _Eye, rest: dict[str, Any], asks: bool
    ) -> None:
        """在账号自己的道上。"""
        try:
            if asks:
                eye.asked_at, eye.asked_last = self._clock(), desk.feed.last
                with desk.until(time.monotonic() + _ASK_S):
                    eye.money = _money(desk)
            self._write(desk, account, lease, eye, {**eye.money, **rest})
        except (StoreDownError, StoreUnknownError, FencedError, UsageError) as exc:
            logger.debug("账号 {} 的样子没有写成：{}", account, exc)
        except Exception as exc:  # noqa: BLE001  边界：柜台答不了，下次再看
            logger.debug("账号 {} 的样子没有看成：{!r}", account, exc)
        finally:
            eye.busy_until = 0.0

    def _write(
        self, desk: Desk, account: str, lease: Lease, eye: _Eye, seen: dict[str, Any]
    ) -> None:
        told = (_hello(desk, account), _json(seen))
        now = self._clock()
        if told == eye.written and eye.epoch == lease.epoch and now - eye.written_at < REPEAT_S:
            return
        self._store.publish(lease, *told, time.monotonic() + _STORE_S)
        eye.written, eye.written_at = told, now
        eye.epoch, eye.state = lease.epoch, str(seen["state"])


def _hello(desk: Desk, account: str) -> str:
    """同 `wire.words.Hello` 的几项。"""
    return _json(
        {
            "account": account,
            "account_id": masked(desk.account_id),
            "account_key": desk.account_key,
            "backend": desk.backend(),
            "verbs": [each.name for each in verbs.offered(desk.trader)],
            "state": desk.trader.state,
        }
    )


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
