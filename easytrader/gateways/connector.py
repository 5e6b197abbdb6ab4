"""怎样开一次会话：造一个新的 ``MainEngine``，登录，等到推来资金与合约。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.basics.threads import Aside
from easytrader.codes import AccountType, OtherAccountType
from easytrader.counters import ports
from easytrader.errors import ConnectFailedError
from easytrader.gateways import convert, ready
from easytrader.gateways.engine import Desk
from easytrader.gateways.logs import Logs
from easytrader.gateways.mends import Mended
from easytrader.gateways.orders import OrderDesk
from easytrader.gateways.ready import Ready
from easytrader.gateways.session import GatewaySession

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from easytrader.backend.session import Listener
    from easytrader.basics.days import DayBoundary
    from easytrader.basics.log import Log
    from easytrader.basics.paths import AccountKey
    from easytrader.counters.shape import Counter
    from easytrader.gateways.book import Book
    from easytrader.gateways.exactly import Notes
    from easytrader.gateways.offsets import OrderPolicy

SETTLE_S: Final = 5.0
"""登录之后等持仓推来：资金与持仓轮着查，各 2 秒；没有持仓的账户什么都不推，只能等到期。"""
_BEFORE_S: Final = 5.0
"""等断了的那个接口关好，最多这么久。"""
_PORT_S: Final = 5.0
_RESYNC_SHARE: Final = 0.1
_LINES: Final = 3
_LOOKED: Final = 50
"""接口一秒重连一次，同一行写几十遍：一样的只说一次。"""
_SILENT: Final = "接口一行日志都没有写：多半是地址、端口不通，或还没有开门"

_claims: Final[dict[str, dict[int, AccountKey]]] = {}
"""这个进程里开着的：接口 → 会话 → 账号。"""
_claiming: Final = threading.Lock()


class Plan(NamedTuple):
    """怎样登录。

    Attributes:
        title: 接口的名字，给人看的。
        gateway_type: ``BaseGateway`` 的子类。
        setting: 交给 ``gateway.connect`` 的。
        secrets: 里面的密码：日志里换成星号。
        counter: 登记的哪一家；没有登记的为 None。
        key: 哪个账号。
        policy: 下单的规矩。
        notes: 账号的委托记录。
        day: 一天从何时算起。
        timeout_s: 每个调用的期限，秒。
        login_s: 登录的期限，秒。
        settle_s: 登录之后最多等多久持仓，秒。
    """

    title: str
    gateway_type: type[Any]
    setting: dict[str, Any]
    secrets: Sequence[str]
    counter: Counter | None
    key: AccountKey
    policy: OrderPolicy
    notes: Notes
    day: DayBoundary
    timeout_s: float
    login_s: float
    settle_s: float


class GatewayConnector:
    """怎样开一次会话。"""

    session_id = 0
    session_type = GatewaySession

    def __init__(self, plan: Plan, log: Log) -> None:
        self._plan = plan
        self._log = log
        self._cancelled = False
        self._opening: GatewaySession | None = None
        self._before: Desk | None = None

    @property
    def timeout_s(self) -> float:
        """登录的期限，秒。"""
        return self._plan.login_s

    def open(self, listener: Listener, deadline: float) -> GatewaySession:
        """登录；见 `backend.session.Connector.open`。"""
        plan = self._plan
        if self._before is not None:  # 两个接口同时写一份流文件，CTP 会乱
            self._before.close(min(_BEFORE_S, (deadline - time.monotonic()) / 4))
        session = self.session_type(listener, plan.timeout_s, plan.day)
        try:
            session.let_go = _claim(plan, id(session))
            logs = Logs(self._log, plan.title, plan.secrets)
            session.desk = desk = self._before = Desk(plan.gateway_type, logs, session)
            if isinstance(desk.gateway, Mended):
                desk.gateway.limit_s = plan.timeout_s
            session.ready = _ready(plan.counter, desk)
            self._opening = session
            left_s = deadline - time.monotonic()
            by = deadline - left_s * _RESYNC_SHARE
            self._log_in(session, by)
            session.knows_login = ready.login_of(desk.gateway) is True
            self._settle(session, min(by, time.monotonic() + plan.settle_s))
            kind = _kind_of(plan.counter, desk)
            if plan.counter is not None:
                session.cash_is_balance = plan.counter.cash_note == "balance"
                session.answers = 2 * (plan.counter.ready == "account+contract")
            desk.account_id = _account_id(desk, kind, plan.key)
            words = OrderDesk(
                session,
                desk,
                plan.policy,
                plan.notes,
                lambda event: listener.pushed(session, event),
                self._log,
            )
            if plan.counter is None and ready.tells_all(desk.gateway):
                words.replay_s = 0.0
            session.opened(words, kind)
            if not session.logged_in:  # 等持仓的时候断的
                raise ConnectFailedError(f"{plan.title} 刚登录上就断了。{_told(logs)}")
        except BaseException:
            session.lose("没有连上")
            session.close(0.0)
            raise
        finally:
            self._opening = None
        return session

    def cancel(self) -> None:
        """不等了。"""
        self._cancelled = True
        opening = self._opening
        if opening is not None:
            opening.book.wake()

    def _log_in(self, session: GatewaySession, deadline: float) -> None:
        """让接口去连，等到登录好为止。"""
        book, watch = session.book, session.ready
        if self._plan.counter is not None and self._plan.counter.freezes:
            check_reachable(self._plan.title, self._plan.setting, deadline)
        failed: list[Exception] = []
        returned = threading.Event()

        def connect() -> None:
            try:
                session.desk.gateway.connect(dict(self._plan.setting))
                returned.set()
            except Exception as exc:  # noqa: BLE001  边界：带回等着的线程
                failed.append(exc)
            book.wake()

        def over() -> bool:
            # 推来了资金而 connect() 还卡着的（MT5 的推送口通、请求口不通），不算好
            done = watch.done and returned.is_set()
            return bool(self._cancelled or failed or watch.failed or done)

        began = time.monotonic()
        # 在一次性的线程上：有的接口连不通会卡到永远
        Aside(connect, "easytrader-vnpy-connect").start()
        while not over() and time.monotonic() < self._quiet_by(book, deadline):
            _wait_for_news(book, over, self._quiet_by(book, deadline))
        if over():
            if self._cancelled or failed or watch.failed:
                raise self._failure(session, failed)
        elif time.monotonic() >= deadline:
            took_s, missing = time.monotonic() - began, "、".join(watch.missing)
            lacks = f"还没有推来：{missing}" if missing else "connect() 没有返回"
            told = f"{self._plan.title} {took_s:.3g} 秒没有登录好，{lacks}"
            raise ConnectFailedError(f"{told}。{_told(session.desk.logs)}")
        else:
            told = "{} 推来了资金，没有推来合约：没有合约的下不了单"
            self._log.warning(told, self._plan.title)

    def _failure(self, session: GatewaySession, failed: list[Exception]) -> ConnectFailedError:
        """不必等到期的失败。"""
        title, watch = self._plan.title, session.ready
        if self._cancelled:
            return ConnectFailedError(f"不再连接 {title}")
        if failed:
            told = f"{title} 的 connect() 出错：{session.desk.logs.shown(repr(failed[0]))}"
            return ConnectFailedError(f"{told}。{_told(session.desk.logs)}")
        error = ConnectFailedError(f"{title} 没有登录上：{watch.failed}")
        # 密码不对接着试，柜台会把账号锁住
        error.final = ready.is_final(watch.failed)  # type: ignore[attr-defined]
        return error

    def _quiet_by(self, book: Book, deadline: float) -> float:
        """没有登记的接口可能不推合约：有了资金，安静到这时就算登录好了。"""
        if self._plan.counter is not None or not book.accounts:
            return deadline
        return min(deadline, book.heard_at + self._plan.settle_s)

    def _settle(self, session: GatewaySession, deadline: float) -> None:
        """等持仓推来，安静一会儿：查完了没有，接口不说。"""
        book, quiet_s = session.book, min(0.3, self._plan.settle_s / 10)
        while not self._cancelled and (now := time.monotonic()) < deadline:
            silent_s = now - book.heard_at
            if book.position_at > float("-inf") and silent_s >= quiet_s:
                return
            by = deadline if book.position_at == float("-inf") else book.heard_at + quiet_s
            _wait_for_news(book, lambda: self._cancelled, min(by, deadline))


def check_reachable(title: str, setting: Mapping[str, Any], deadline: float) -> None:
    """登录卡住会停住整个进程的：先试着连一下。

    Raises:
        ConnectFailedError: 地址、端口连不上。
    """
    for name, (host, port) in ports.addresses(setting).items():
        why = ports.unreachable(host, port, min(_PORT_S, max(0.1, deadline - time.monotonic())))
        if why:
            told = f"{title} 的{name} {host}:{port} 连不上（{why}），没有登录"
            raise ConnectFailedError(told)


def _wait_for_news(book: Book, over: Callable[[], bool], deadline: float) -> None:
    """等到 ``over``，或推来了什么。"""
    heard_at = book.heard_at
    book.wait_for(lambda: over() or book.heard_at != heard_at, deadline)


def _ready(counter: Counter | None, desk: Desk) -> Ready:
    if counter is None:
        return Ready(desk.book)
    return Ready(desk.book, counter.ready, counter.fatal, counter.lost)


def _told(logs: Logs) -> str:
    """接口最后说了什么。"""
    lines = list(dict.fromkeys(logs.last(_LOOKED)))[-_LINES:]
    return f"接口最后的日志：{'；'.join(lines)}" if lines else _SILENT


def _kind_of(counter: Counter | None, desk: Desk) -> int:
    """资金行的账号类型：登记的照登记，没有登记的看有哪些合约。"""
    if counter is not None:
        for codes in (AccountType, OtherAccountType):
            if counter.account_type in codes.__members__:
                return int(codes[counter.account_type])
    found = {
        convert.account_type_of(each, each.exchange.name)
        for each in list(desk.book.contracts.values())
    }
    for kind in (AccountType.STOCK, AccountType.FUTURE, AccountType.STOCK_OPTION):
        if kind in found:
            return int(kind)
    return min(found, default=int(OtherAccountType.OVERSEAS))


def _account_id(desk: Desk, kind: int, key: AccountKey) -> str:
    """接口推来的账号；加密货币的一种货币一项，账号是我们这边的叫法。"""
    pushed = next(iter(desk.book.accounts), "")
    if kind == OtherAccountType.CRYPTO or not pushed:
        return key.account_id
    return convert.account_of(pushed)[0]


def _claim(plan: Plan, session: int) -> Any:
    """占着这个接口，返回放手；一个进程里不能并存的说清楚。

    Raises:
        ConnectFailedError: 不能并存；什么都没有做。
    """
    name = plan.gateway_type.__qualname__ if plan.counter is None else plan.counter.name
    counter = plan.counter
    with _claiming:
        if counter is not None:
            if counter.one_per_process and _claims.get(name):
                told = "它的模块里有公用的表，流文件也是一份；另一个账号请另起一个进程"
                raise _for_good(f"{plan.title} 一个进程里只能连一个：{told}")
            busy = [each for each in counter.conflicts if _claims.get(each)]
            if busy:
                told = f"不能与 {'、'.join(busy)} 在同一个进程里；请另起一个进程"
                raise _for_good(f"{plan.title} {told}")
        _claims.setdefault(name, {})[session] = plan.key

    def let_go() -> None:
        with _claiming:
            _claims.get(name, {}).pop(session, None)

    return let_go


def _for_good(told: str) -> ConnectFailedError:
    error = ConnectFailedError(told)
    error.final = True  # type: ignore[attr-defined]
    return error
