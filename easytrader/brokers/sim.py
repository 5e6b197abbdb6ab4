"""模拟与真实的接合处：`use('sim')` 的交易口，以及让 `use('miniqmt')` 认得模拟文件夹。

`miniqmt` 和 `sim` 两间屋子互不相识，只在这里碰面。
"""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as LateError
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from easytrader import arguments
from easytrader.basics import pace, paths, replaying
from easytrader.basics.beijing import moment
from easytrader.errors import QueryFailedError, SimulatorError, UsageError
from easytrader.history.past import Counter
from easytrader.market.calendar import is_trading_day
from easytrader.miniqmt.diagnose.preflight import check_path
from easytrader.miniqmt.trader import MiniqmtTrader
from easytrader.records.sqlite import SqliteStorage
from easytrader.sim import install
from easytrader.sim.config.folder import (
    ACCOUNT_TYPES,
    DEFAULT_ACCOUNT,
    DEFAULT_CASH,
    RECORDS,
    AccountConfig,
    SimFolder,
    create,
    is_sim_folder,
)
from easytrader.sim.config.folder import default_folder as default_folder
from easytrader.sim.host import hub
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from datetime import date, datetime

    from typing_extensions import Unpack

    from easytrader.basics.paths import AccountKey
    from easytrader.bigqmt.trader import BigqmtTrader
    from easytrader.push.courier import Courier
    from easytrader.types import ConnectOptions

_Trader = TypeVar("_Trader", bound=MiniqmtTrader)
_STOCK: Final = 2
_SETTLE_S: Final = 10.0
"""走完一步，最多等回调这么久。"""


def miniqmt_trader(debug: bool = False) -> MiniqmtTrader:
    """`use('miniqmt')`：路径是模拟文件夹就连模拟的 MiniQMT，否则连真的。"""
    return _made(MiniqmtTrader, debug)


def bigqmt_trader(debug: bool = False) -> BigqmtTrader:
    """`use('bigqmt')`：路径是模拟文件夹就连模拟的完整版客户端，否则连真的。"""
    from easytrader.bigqmt.trader import BigqmtTrader  # 只用 MiniQMT 的不必带上它

    return BigqmtTrader(
        debug,
        trading_day=_trading_day,
        always_open=_always_open,
        storage_of=_big_storage_of,
    )


def sim_trader(debug: bool = False) -> SimTrader:
    """`use('sim')`。"""
    return _made(SimTrader, debug)


def replay_trader(debug: bool = False) -> ReplayTrader:
    """回放时的 `use('remote')` 与别的包的后端。"""
    return _made(ReplayTrader, debug)


def _made(kind: type[_Trader], debug: bool) -> _Trader:
    install.install()
    user = kind(debug, **_hooks())
    replay = replaying.current()
    if replay is not None:
        courier = user._engine.courier  # noqa: SLF001  交易口的内部，同一家
        settle = partial(_settle_pushes, courier)
        replay.guests.append(replaying.Guest(settle, user.close))
    return user


def _settle_pushes(courier: Courier, timeout_s: float, last: bool) -> bool:
    return courier.settle(timeout_s, last=last)


class SimTrader(MiniqmtTrader):
    """模拟账户的交易口：与 `MiniqmtTrader` 完全一样，只是什么都不用准备。

    文件夹正被 ``easytrader sim serve`` 服务时连上它，否则把模拟柜台放在本进程里。
    """

    _host: Any = None
    _quiet: tuple[Any, int] = (None, 0)
    """上次等完时的柜台，和它那时一共送出了多少条。"""

    def connect(
        self,
        miniqmt_path: str | None = None,
        stock_account: str | None = None,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        **options: Unpack[ConnectOptions],
    ) -> None:
        """连接模拟账户；不给参数时用默认的文件夹和账户，第一次用时开户，100 万元。

        Args:
            miniqmt_path: 模拟文件夹；默认在用户数据目录（或 ``EASYTRADER_HOME``）下，没有就建。
            stock_account: 资金账号；不给就用文件夹里的第一个账户。默认的文件夹里没有这个账户时
                以 100 万元开一个；自己指定的文件夹要先 ``easytrader sim init`` 开户。
            trader_callback: 同 `MiniqmtTrader.connect`，以下各项也是。
            reconnect_enabled: 同上。
            reconnect_interval: 同上。
            max_reconnect_attempts: 同上。
            **options: ``account_type session_id timeout wait heartbeat_interval xtquant``。
        """
        _check_account_type(options.get("account_type", "STOCK"))
        path = self._prepare_folder(miniqmt_path, stock_account, options.get("account_type"))
        account = stock_account or SimFolder.open(path).config.accounts[0].account_id
        hub.allow_embed(path)
        stepped = SimFolder.open(path).config.clock == "step"
        self._engine.now = _SteppedNow(path) if stepped else _wall_now
        super().connect(
            path,
            account,
            trader_callback,
            reconnect_enabled,
            reconnect_interval,
            max_reconnect_attempts,
            **options,
        )
        self._host = None
        # 嵌着的柜台随最后一个会话关掉；占住它，断线重连之间账本和故障计划都还在
        self._engine.hold(hub.HUB.hold(path))

    @property
    def sim(self) -> Stepper:
        """单步的时钟（文件夹的 ``clock`` 是 ``step``）：``user.sim.step(minutes=1)``。

        每一步返回之前，其间的推送都已交给这个 trader 的回调和 `events()`。
        """
        if not self._path:
            raise SimulatorError("还没有连接：先调用 connect()")
        return Stepper(self._path, before=self._may_step, settle=self._settle, host=self._hosting)

    def _hosting(self) -> Any:
        """嵌在本进程里的柜台；没有为 None。走一步要问两次，记着比每次按路径找快。"""
        if self._host is None or self._host.stopped.is_set():
            self._host = hub.HUB.embedded(self._path)
        return self._host

    def _may_step(self) -> None:
        if self._engine.courier.in_callback:
            raise SimulatorError("不能在回调里走时钟：走一步要等回调做完。记下来，回到主线程再走。")

    def _settle(self) -> None:
        """等到没有推送在路上：柜台 → 厂商的执行器 → 分发线程，问一圈没有新的为止。"""
        deadline = time.monotonic() + _SETTLE_S
        while not self._is_quiet(deadline):
            if time.monotonic() >= deadline:
                raise SimulatorError(f"时间已经走到了，而回调 {_SETTLE_S:g} 秒还没有做完。")
        if self._hosting() is None and isinstance(self._engine.now, _SteppedNow):
            self._engine.now.ask()

    def _today(self) -> str:
        if SimFolder.open(self._path).config.clock == "step":
            return f"{self.sim.now():%Y%m%d}"
        return super()._today()

    def _is_quiet(self, deadline: float) -> bool:
        """等送出的都交付；其间没有送出新的为真。"""
        before = self._engine.courier.handed
        session = self._session
        host = self._hosting()
        sent = 0 if host is None else host.handed
        if host is None:
            session.asset()  # 应答排在已经送出的推送后面
        elif (host, sent) == self._quiet:
            return True  # 多数的一步里什么也没有发生
        executor = getattr(session.raw_trader, "executor", None)
        if executor is not None:
            with suppress(LateError):
                executor.submit(_nothing).result(max(deadline - time.monotonic(), 0.0))
        settled = self._engine.courier.settle(max(deadline - time.monotonic(), 0.0))
        if host is None:
            return settled and self._engine.courier.handed == before
        owes = host.owes()  # 送推送的是主机线程：回调里交的请求到这时都办了
        if settled:
            self._quiet = host, sent
        elif not owes and host.handed == sent:
            # 柜台没有别的要说了：压着等前后文的（日终到期的撤单没有「待撤」）不必等到期
            self._engine.courier.settle(max(deadline - time.monotonic(), 0.0), last=True)
        return settled and bool(host.handed == sent)

    @staticmethod
    def _prepare_folder(given: str | None, stock_account: str | None, kind: object) -> str:
        if stock_account is not None:
            stock_account = arguments.account(stock_account)
        replay = replaying.current()
        if replay is not None:  # 写的是哪个文件夹、哪个账号都一样
            return replay.folder
        path = default_folder() if given is None else Path(check_path(given))
        wanted = AccountConfig(
            account_id=stock_account or DEFAULT_ACCOUNT,
            account_type=3 if isinstance(kind, str) and kind.upper() == "CREDIT" else _STOCK,
            cash=DEFAULT_CASH,
        )
        if not is_sim_folder(path):
            if given is not None and any(path.iterdir()):
                raise UsageError(
                    "miniqmt_path",
                    given,
                    "文件夹不空，又不是模拟文件夹，不敢往里写。"
                    f'请先建一个：easytrader sim init "{given}" --account {wanted.account_id}',
                )
            create(path, (wanted,))
        elif stock_account is not None:
            known = {each.account_id for each in SimFolder.open(path).config.accounts}
            if stock_account not in known and given is None:
                create(path, (wanted,))
        return str(path)


def _hooks() -> dict[str, Any]:
    """交易口向模拟文件夹问的几件事。"""
    return {
        "prepare": install.install,
        "trading_day": _trading_day,
        "always_open": _always_open,
        "storage_of": _storage_of,
        "past_of": _past_of,
    }


class _SteppedNow:
    """单步的柜台此刻是几点，不等它：嵌在本进程里的看它的钟，别的进程里的只在连上与走完一步时问。"""

    def __init__(self, path: str) -> None:
        self._path = path
        self._host: Any = None
        self._asked: float | None = None

    def __call__(self) -> float:
        if self._host is None or self._host.stopped.is_set():
            self._host = hub.HUB.embedded(self._path)
        if self._host is not None:
            return float(self._host.now())
        return self.ask() if self._asked is None else self._asked

    def ask(self) -> float:
        """问别的进程里的柜台；走过一步之后再问一次。"""
        self._asked = Stepper(self._path).now().timestamp()
        return self._asked


def _wall_now() -> float:
    return pace.current().now()


class ReplayTrader(SimTrader):
    """回放时代替连到别处去的后端（``remote``、别的包带来的）：怎么连都是回放的账户。"""

    def connect(self, *place: Any, **options: Any) -> None:
        """连接回放的账户；``place`` 与 ``options`` 是那个后端自己的，只用得上下面几样。

        账号（``account``、``stock_account``）、回调（有 ``on_stock_order`` 之类方法的那个）、
        ``timeout heartbeat_interval on_health on_give_up``。
        """
        told = options.get("stock_account", options.get("account"))
        given = (*place, *options.values())
        callback = next((each for each in given if hasattr(each, "on_stock_order")), None)
        kept = {name: each for name, each in options.items() if name in _KEPT}
        super().connect(None, told if isinstance(told, str) else None, callback, **kept)

    connect.accepted = frozenset()  # type: ignore[attr-defined]  # 名字由那个后端定，这里都收


_KEPT: Final = ("timeout", "heartbeat_interval", "on_health", "on_give_up")


def _check_account_type(value: object) -> None:
    """模拟柜台只有普通与信用账户：别的说清楚，不要等到连不上。"""
    kind = arguments.account_type(value)
    if kind not in ACCOUNT_TYPES.values():
        have = "、".join(ACCOUNT_TYPES.values())
        raise UsageError("account_type", value, f"模拟的 MiniQMT 只有 {have} 账户，没有 {kind}")


def _nothing() -> None:
    """排在执行器里的推送都做完了的记号。"""


def _storage_of(key: AccountKey) -> SqliteStorage:
    """模拟账户的委托记录跟着模拟文件夹走：删了重开，旧的 id 不该还算数。"""
    if is_sim_folder(key.place):
        return SqliteStorage(Path(key.place) / RECORDS / paths.folder_name(key.account_id))
    return SqliteStorage(paths.key_folder(key))


def _big_storage_of(key: AccountKey) -> SqliteStorage:
    """同上；键里的是客户端的 ``userdata``，与 MiniQMT 的编号不同，另放一处。"""
    folder = Path(key.place).parent
    if is_sim_folder(folder):
        return SqliteStorage(folder / RECORDS / "bigqmt" / paths.folder_name(key.account_id))
    return SqliteStorage(paths.key_folder(key))


def _always_open(path: str) -> bool:
    return is_sim_folder(path) and SimFolder.open(path).config.clock == "always"


def _past_of(key: AccountKey, first: date, last: date, deadline: float) -> Counter | None:
    """模拟柜台自己的历史；真的客户端没有。"""
    if not is_sim_folder(key.place):
        return None
    from easytrader.sim.gateway import history  # 用到才带上它们
    from easytrader.types import Asset

    wanted = [
        day for day in history.days(key.place) if first.isoformat() <= day <= last.isoformat()
    ]
    found = Counter([], [], [])
    for day in wanted:
        if time.monotonic() > deadline:
            raise QueryFailedError(f"期限内只读到 {day} 以前")
        found.orders.extend({"day": day, **row} for row in history.orders(key.place, day, key[1]))
        found.trades.extend({"day": day, **row} for row in history.trades(key.place, day, key[1]))
    for row in history.assets(key.place, key.account_id):
        day = row["date"]
        if day in wanted:
            closed = moment(f"{day} 23:59:59")  # 换日时的样子
            kept = {name: row[name] for name in Asset.__annotations__ if name in row}
            found.assets.append({"day": day, "time": closed, **kept})
    return found


def _trading_day(path: str, now: datetime) -> bool | None:
    """模拟文件夹默认天天开市，单步的什么时候都可能在走；其余问交易日历。"""
    if is_sim_folder(Path(path)) and SimFolder.open(Path(path)).config.clock != "exchange":
        return True
    return is_trading_day(now.date())
