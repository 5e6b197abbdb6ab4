"""`FleetTrader`：账号在一队里的交易口：怎样连；队里才有的那几样（`Fleet`）。"""

from __future__ import annotations

import threading
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
)
from easytrader.fleets import checks, words
from easytrader.fleets.address import open_store, resolved
from easytrader.fleets.door import TableDoor
from easytrader.fleets.line import event_dict, row_dict, said_of
from easytrader.fleets.words import StoreDownError, StoreUnknownError
from easytrader.push.event_log import EVENT_NAMES
from easytrader.remote.line import answer
from easytrader.remote.served import ServedTrader, only_account
from easytrader.rows import empties
from easytrader.rows.titles import Column, Kind, also
from easytrader.trader import seconds_to_wait

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Command, StoredEvent
    from easytrader.types import Status

_MOST: Final = 500
_COMMANDS: Final = Kind(
    "fleet_commands",
    "命令",
    (
        Column("number", "流水号", "number"),
        Column("command_id", "编号"),
        Column("verb", "动词"),
        Column("state", "状态"),
        Column("reason", "为什么没有发出"),
        Column("order_id", "委托编号"),
        Column("strategy", "策略"),
        Column("login", "登录名"),
        Column("epoch", "第几任", "count"),
        Column("attempt", "第几次", "count"),
        Column("created_at", "记下的时刻", "moment"),
        Column("settled_at", "有结果的时刻", "moment"),
    ),
    ("number", "command_id", "verb", "state", "reason", "order_id", "created_at"),
)
also(_COMMANDS)
_AGAIN_S: Final = 0.2
"""存储没有应答，隔这么久再问。"""


class FleetTrader(ServedTrader):
    """账号在一队里：``easytrader.use("fleet")``。

    委托先记进存储（PostgreSQL，或本机的 SQLite），账号那台机器上的代理
    （``easytrader fleet agent``）领走、交给柜台，结果与事件写回来。动词、参数、返回、异常、事件
    都与在那台机器上用的一样；断了线自动重连，断线期间的事件一条不缺地补来。

    每笔委托都有 ``client_order_id``（没有给的自动带一个）：结果未知的，用**同一个**再下一次，
    得到的是第一笔的结果，绝不会有第二笔。一条命令只在 ``timeout`` 秒之内有效，晚了就不发了。

    Args:
        debug: 是否记 DEBUG 日志。
    """

    _where = "机队"
    _before = Capabilities("机队", journal=False)

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._door: TableDoor | None = None

    def connect(
        self,
        dsn: str | Store,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        *,
        account: str | None = None,
        strategy: str = "",
        timeout: float = words.WAIT_S,
        wait: bool | float = False,
        heartbeat_interval: float = 30,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
    ) -> None:
        """连接队里的一个账号。已经连着时先断开旧的再连。

        Args:
            dsn: ``postgresql://用户@主机/库``，只有一台机器的 ``sqlite:///路径``；
                ``env:变量名``、``keyring:服务/用户名`` 也行。也收打开了的存储：几个交易口合用一份，
                谁打开的谁关。
            trader_callback: 回调对象，同 `MiniqmtTrader.connect`，以下三项也是。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            account: 账号在队里的名字；只看得见一个账号的可以不写。
            strategy: 策略名，记在每条命令上，停单开关、额度可以按它设。
            timeout: 每个会阻塞的调用的期限，秒；命令也只在这么久之内有效。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            on_health: 同 `MiniqmtTrader.connect`，下同。
            on_give_up: 同上；登录名没有权限了也会放弃。

        Raises:
            UsageError: 参数不对，什么都没有做。
            MissingDependencyError: 没有装 ``easytrader[fleet]``。
            ConnectFailedError: 没连上：存储不应答、没有这个账号、账号没有主人、主人没有连上柜台；
                信息里有是哪台机器、看什么。不会留下后台重连。
            ClosedError: 这个 trader 已经关闭。
        """
        from easytrader.miniqmt.callback import check_callback

        self._engine.check_usable()
        check_callback(trader_callback)
        name = None if account is None else checks.name("account", account)
        plan = checks.name("strategy", strategy, empty=True)
        timeout_s = arguments.seconds("timeout", timeout)
        interval_s = arguments.seconds("reconnect_interval", reconnect_interval)
        wait_s = seconds_to_wait(wait)
        store, is_mine = _opened(dsn, timeout_s)
        place = resolved(dsn) if is_mine else None
        file = place if isinstance(place, Path) else None
        door = TableDoor(store, name or "", timeout_s, plan, file)
        options = {
            "callback": trader_callback,
            "reconnect_enabled": reconnect_enabled,
            "reconnect_interval": reconnect_interval,
            "max_reconnect_attempts": max_reconnect_attempts,
            "heartbeat_interval": heartbeat_interval,
            "wait": wait,
            "on_health": on_health,
            "on_give_up": on_give_up,
        }
        try:
            if name is None:
                door.account = only_account(door, wait_s, interval_s)
            self._enter(door, options)
        except BaseException:
            if is_mine:
                store.close()
            raise
        self._door = door
        self._engine.hold(store.close if is_mine else _leave)

    @property
    def fleet(self) -> Fleet:
        """队里才有的：账号的那一行、事件的历史、一条命令怎样了。"""
        if self._door is None:
            raise NotConnectedError("还没有连接：先调用 connect()")
        return Fleet(self._door)


class Fleet:
    """``user.fleet``：直接问存储，账号没有主人的时候也能用。"""

    __slots__ = ("_door",)

    def __init__(self, door: TableDoor) -> None:
        self._door = door

    def __repr__(self) -> str:
        return f"<user.fleet {self._door.account}>"

    @property
    def row(self) -> dict[str, Any]:
        """账号的那一行：哪台机器、第几任、租约还剩几秒、一眼看到的资金，见 `words.AccountRow`。

        Raises:
            QueryFailedError: 存储没有应答，或没有这个账号了。
        """
        account = self._door.account
        rows = _asked(lambda limit: self._door.store.accounts(limit, [account]), self._limit())
        if not rows:
            raise QueryFailedError(f"队里没有账号 {account} 了")
        return row_dict(rows[0])

    def events(self, after: int = 0, timeout: float = 30.0) -> Iterator[dict[str, Any]]:
        """事件的历史，一条不缺，接着等新的。

        自己记着最近一条的 ``number``，下次从它之后接着要，就不会漏，也不会重。

        Args:
            after: 从这个编号之后要起；0 是留着的全部。
            timeout: 安静这么多秒就结束。

        Yields:
            ``{'number': 编号, 'event': 种类, 'event_name': 中文名, 'time': Unix 秒,
            'data': 字典}``；不留了的那一段是一条 ``gap``，``data`` 里 ``missed`` 是几条。

        Raises:
            UsageError: 参数不对。
            QueryFailedError: 存储一直没有应答。
        """
        first = arguments.count("after", after)
        quiet_s = arguments.seconds("timeout", timeout, allow_zero=True)
        return self._events(first, quiet_s)

    def _events(self, at: int, quiet_s: float) -> Iterator[dict[str, Any]]:
        account, store = self._door.account, self._door.store
        deadline = time.monotonic() + quiet_s
        while True:
            found = _asked(partial(store.read, account, at, _MOST), self._limit())
            if found and found[0].number > at + 1:
                yield _gap(found[0], found[0].number - 1 - at)
            for each in found:
                told = event_dict(each)
                told["number"] = told.pop("seq")
                yield told
                at = each.number
            left_s = deadline - time.monotonic()
            if found:
                deadline = time.monotonic() + quiet_s
            elif left_s <= 0:
                return
            else:
                store.wait(f"events:{account}", min(left_s, words.POLL_S))

    def commands(self, states: Collection[str] = (), most: int = 100) -> list[dict[str, Any]]:
        """这个账号最近的命令，新的在前，谁下的都在内。

        Args:
            states: 只要这些状态的，如 ``("unknown",)``；空着是全部。见 `settle`。
            most: 最多这么多条。

        Returns:
            每条一个字典：``number command_id verb state reason order_id strategy login epoch
            attempt created_at settled_at``，时刻是 Unix 秒（存储的钟）。

        Raises:
            UsageError: 没有这种状态，数目不对。
            QueryFailedError: 存储没有应答。
        """
        door, count = self._door, arguments.count("most", most)
        rows = _asked(
            lambda limit: door.store.commands(
                limit, account=door.account, states=states, most=count
            ),
            self._limit(),
        )
        found = [{name: getattr(each, name) for name in _COMMANDS.keys} for each in rows]
        return empties.noted(_COMMANDS.name, found)

    def settle(self, command_id: str) -> dict[str, Any]:
        """一条命令怎样了：``client_order_id``，或请求号。只看，不作废。

        Returns:
            ``{'state': 状态, 'reason': 为什么没有发出, 'order_id': 委托编号（文字）,
            'result': 那个动词的返回}``；没有这条命令的 ``{'state': 'never', ...}``。
            状态见 `fleets.words`：``placed done refused unsent absent`` 是有了结果的，
            ``queued sending unknown`` 还没有。

        Raises:
            QueryFailedError: 存储没有应答。
        """
        account = self._door.account
        wanted = checks.name("command_id", command_id)
        row = _asked(lambda limit: self._door.store.find(account, wanted, limit), self._limit())
        if row is None:
            return {"state": "never", "reason": "", "order_id": "", "result": None}
        return {
            "state": row.state,
            "reason": row.reason,
            "order_id": row.order_id,
            "result": _result(row),
        }

    def _limit(self) -> float:
        return time.monotonic() + self._door.timeout_s


def _gap(first: StoredEvent, missed: int) -> dict[str, Any]:
    told = {"event": "gap", "event_name": EVENT_NAMES["gap"], "time": first.at}
    return {**told, "data": {"missed": missed}, "number": first.number - 1}


def _result(row: Command) -> Any:
    try:
        return answer(said_of(row) or {})
    except EasytraderError:
        return None


def _asked(ask: Callable[[float], Any], deadline: float) -> Any:
    """问存储一句，没有应答的到期之前再问。"""
    pause = threading.Event()
    while True:
        found, why = _once(ask, deadline)
        if not why:
            return found
        if time.monotonic() + _AGAIN_S >= deadline:
            raise QueryFailedError(f"存储没有应答：{why}") from None
        pause.wait(_AGAIN_S)


def _once(ask: Callable[[float], Any], deadline: float) -> tuple[Any, str]:
    try:
        return ask(deadline), ""
    except (StoreDownError, StoreUnknownError) as exc:
        return None, str(exc) or type(exc).__name__


def _opened(dsn: object, timeout_s: float) -> tuple[Store, bool]:
    """(存储, 是不是这里打开的)。"""
    if not isinstance(dsn, str) and hasattr(dsn, "greet"):
        return cast("Store", dsn), False
    return open_store(dsn, timeout_s), True


def _leave() -> None:
    """别人打开的，不归这里关。"""
