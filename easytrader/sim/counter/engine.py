"""引擎：文件夹 + 时钟 + 行情 + 柜台 + 账本。不是线程安全的，由服务进程的一个线程独占。

每次调用先把市场推进到现在，再做事，再落盘；落盘不成就从账本重读，内存不会走在磁盘前面。

隔了很久没有人看时，补撮合（见 `sweep`）分段做：一次 `advance` 一段、落盘一次，没有做完时
`next_wakeup` 为 0。别的调用肯多等一会儿；还没有做完，查询答的是做到的那一刻的样子，
下单与撤单不受理（-1，说明原因）。怎么分段不影响结果。
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import ACCOUNT_STATUS_NAMES
from easytrader.errors import SimulatorError
from easytrader.market.notice import warn_if_ending
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import parse_security
from easytrader.sim.business import businesses_for
from easytrader.sim.config.instruments import load_book
from easytrader.sim.config.market import market_for
from easytrader.sim.counter import views
from easytrader.sim.counter.counter import Counter, find_account
from easytrader.sim.counter.sweep import Budget
from easytrader.sim.exchange.clock import Clock, WallClock
from easytrader.sim.exchange.hours import day_code, hours_for
from easytrader.sim.ledger.account import Account, Position
from easytrader.sim.ledger.events import (
    AccountQuery,
    AccountStatusChanged,
    BusinessQuery,
    CancelOrder,
    OrdersQuery,
    Outcome,
    Receipt,
    SubmitOrder,
)
from easytrader.sim.ledger.state import CounterState, Progress
from easytrader.sim.storage.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from easytrader.sim.config.folder import AccountConfig, SimFolder
    from easytrader.sim.exchange.screen import Own


_SLICE_WORK: Final = 20_000
"""`advance` 一段做多少活，约 0.2 秒。"""
_CALL_WORK: Final = 60_000
"""下单、撤单、查询之前最多补多少，约 0.6 秒；一组调用合起来也只有这么多。"""

_BACKWARDS_S: Final = 86400.0
"""时钟比账本早这么多就不肯开工：多半是系统时间错了，或拿错了文件夹。"""


class Engine:
    """一个模拟 MiniQMT 的全部业务。

    Args:
        folder: 模拟文件夹。
        clock: 时间来源，缺省为真实时间。

    Raises:
        SimulatorError: 账本打不开、不是本程序的、版本太新，或时钟比账本早太多。
    """

    def __init__(self, folder: SimFolder, clock: Clock | None = None) -> None:
        self.folder = folder
        self.clock: Clock = WallClock() if clock is None else clock
        config = folder.config
        self._hours = hours_for(config.clock)
        warned = not config.replay
        self._book = load_book(folder.path, self._hours.previous, warned=warned)
        self._market = market_for(config, folder.path, self._hours, self._book)
        self._businesses = businesses_for(folder)
        self._fees = FeeSchedule(config.commission_ppm, config.commission_min_li)
        self._broker = config.broker
        self._query_lag_s = self._broker.query_lag_s
        # 委托编号 → 什么时候下的：客户端的查询是缓存，新委托过一会儿才查得到
        self._fresh: dict[int, float] = {}
        self._grouped = False
        self._budget = Budget(0)
        self._stale = False
        self._looked = 0
        self.cost_basis = self._broker.cost_basis
        self._status_of: Callable[[str], int] = lambda _: 0
        self._store = Store(folder.store_path)
        try:
            self._counter = self._restore()
            self._open_accounts(config.accounts)
            self._check_clock()
            self.advance()
        except BaseException:
            self._store.close()
            raise

    def submit(self, args: SubmitOrder) -> Outcome:
        """下单。应答 `Receipt`。"""
        status = self._status_of(args.account_id)
        if status:
            told = ACCOUNT_STATUS_NAMES.get(status, str(status))
            return Outcome(Receipt(0, f"账号状态是「{told}」，不能下单"))
        outcome = self._step(
            lambda now, budget: self._counter.handle(args, now, budget), _CALL_WORK
        )
        if self._query_lag_s and outcome.answer.order_id > 0:
            self._fresh[outcome.answer.order_id] = self.clock.now()
        return outcome

    def cancel(self, args: CancelOrder) -> Outcome:
        """撤单。应答 `Receipt`。"""
        return self._step(lambda now, budget: self._counter.handle(args, now, budget), _CALL_WORK)

    def advance(self) -> Outcome:
        """把市场往现在推进一段。应答：还没有到（应当再来）为真。"""
        return self._advance(_SLICE_WORK)

    def walk(self) -> Outcome:
        """同 `advance`；到了就把走到的时刻也落盘：单步的时钟重新打开时从这里接着走。"""
        return self._advance(_SLICE_WORK, keep=True)

    def asset(self, args: AccountQuery) -> Outcome:
        """资金。应答 0 或 1 个 `Asset`。"""
        return self._query(args, lambda account: [self._counter.asset(account)])

    def orders(self, args: OrdersQuery) -> Outcome:
        """当日委托：`OrderSnapshot`。"""
        found = self._query(
            args,
            lambda account: views.orders(
                self._counter.state.orders_of[account.account_id],
                args.order_id,
                args.cancelable_only,
            ),
        )
        hidden = self._too_fresh()
        if not hidden:
            return found
        return found._replace(answer=[row for row in found.answer if row.order_id not in hidden])

    def trades(self, args: AccountQuery) -> Outcome:
        """当日成交：`TradeSnapshot`。"""
        return self._query(
            args, lambda account: list(self._counter.state.trades_of[account.account_id])
        )

    def positions(self, args: AccountQuery) -> Outcome:
        """持仓：`Holding`；``stock_code`` 非空时只要那一只。"""
        return self._query(
            args,
            lambda account: views.positions(
                account, args.stock_code, self._counter.quote, self._basis_of
            ),
        )

    def asset_now(self, account_type: int, account_id: str) -> list[views.Asset]:
        """做到的这一刻的资金，不推进市场；没有这个账号为空。"""
        account = find_account(self._counter.state.accounts, account_type, account_id)
        return [] if account is None else [self._counter.asset(account)]

    def positions_now(self, account_type: int, account_id: str) -> list[views.Holding]:
        """做到的这一刻的持仓，同上。"""
        account = find_account(self._counter.state.accounts, account_type, account_id)
        if account is None:
            return []
        return views.positions(account, "", self._counter.quote, self._basis_of)

    def statuses(self) -> list[AccountStatusChanged]:
        """全部账号与此刻的状态。"""
        return [
            AccountStatusChanged((each.account_type, name), self._status_of(name))
            for name, each in self._counter.state.accounts.items()
        ]

    def ask(self, verb: str, args: AccountQuery | BusinessQuery) -> Outcome:
        """各项业务（`plugin`）的查询。"""
        events = self._advance(_CALL_WORK).events
        return Outcome(self._counter.ask(verb, args), events)

    def ask_now(self, verb: str, args: AccountQuery | BusinessQuery) -> list[Any]:
        """同 `ask`，答的是做到的这一刻，不推进市场。"""
        return self._counter.ask(verb, args)

    def act(self, verb: str, args: BusinessQuery) -> Outcome:
        """委托之外要办的事（`plugin` 里的划拨、转账、约券）。"""
        return self._step(
            lambda now, budget: self._counter.act(verb, args, now, budget), _CALL_WORK
        )

    def status_of(self, account_id: str) -> int:
        """这个账号此刻的状态，见 `codes.ACCOUNT_STATUS_NAMES`。"""
        return self._status_of(account_id)

    def trading_day(self) -> int:
        """账本走到了哪一天，序数。"""
        return self._counter.state.progress.day

    def market_time(self) -> float:
        """行情走到了几点，Unix 秒：不倒流的现在。"""
        return max(self.clock.now(), self._counter.state.progress.now)

    def books(self) -> dict[str, Own]:
        """各证券上文件夹里挂着的，与吃掉还没有补回来的。"""
        return self._counter.books()

    def last_li(self, stock_code: str) -> Outcome:
        """最新价，厘；没有这只证券、不模拟它，或补撮合还没有做到现在，为 None。"""
        events = self._advance(_CALL_WORK).events
        if self._counter.lagging:
            return Outcome(None, events)
        return Outcome(views.last_li(stock_code, self._counter.quote), events)

    def has_account(self, account_type: int, account_id: str) -> bool:
        """有没有这个账号（类型也要对）。"""
        return find_account(self._counter.state.accounts, account_type, account_id) is not None

    def next_wakeup(self) -> float | None:
        """多少秒以后值得再 `advance`；补撮合没有做完为 0，没有挂单为 None。"""
        return self._counter.wakeup(self.clock.now())

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """若干次调用合成一次落盘。退出之前得到的 `Outcome` 都还不算数。

        Raises:
            SimulatorError: 退出时没有写成，或其中某一步出过错；其中的一切都当没有发生。
        """
        if self._grouped:
            raise SimulatorError("transaction() 不能嵌套。")
        self._refresh()
        self._grouped = True
        self._budget = Budget(_CALL_WORK)
        try:
            yield
            if self._stale:
                raise SimulatorError("这一组里有一步出错，整组作废。")
            self._flush()
        except BaseException:
            self._stale = True
            raise
        finally:
            self._grouped = False

    def ask_disk(self, is_full: Callable[[], bool]) -> None:
        """此后每次落盘前问一声 ``is_full``：为真时按磁盘满处理（故障注入用）。"""
        self._store.disk_is_full = is_full

    def ask_status(self, status_of: Callable[[str], int]) -> None:
        """此后问 ``status_of(资金账号)`` 账号的状态；不正常时不收委托（故障注入用）。"""
        self._status_of = status_of

    def close(self) -> None:
        """关闭账本。"""
        self._store.close()

    def _advance(self, work: int, *, keep: bool = False) -> Outcome:
        def action(now: float, budget: Budget) -> Outcome:
            events = self._counter.advance(now, budget)
            day = self._counter.state.progress.day
            if day != self._looked and self.folder.config.clock != "always":
                warn_if_ending(date.fromordinal(day), simulated=True)
            self._looked = day
            if keep and not self._counter.lagging:
                self._counter.changes.progress = True
            return Outcome(self._counter.lagging, events)

        return self._step(action, work)

    def _step(self, action: Callable[[float, Budget], Outcome], work: int) -> Outcome:
        """做一步，落盘；出了任何岔子，下一步之前先回到账本里的样子。"""
        if not self._grouped:
            self._refresh()
            self._budget = Budget(work)
        try:
            outcome = action(self.clock.now(), self._budget)
            if not self._grouped:
                self._flush()
        except BaseException:
            self._stale = True
            raise
        return outcome

    def _refresh(self) -> None:
        if self._stale:
            self._counter = self._restore()
            self._stale = False

    def _too_fresh(self) -> dict[int, float]:
        """还查不到的新委托。"""
        since = self.clock.now() - self._query_lag_s
        for order_id, at in list(self._fresh.items()):
            if at <= since or at > since + 2 * self._query_lag_s:  # 后一种是时钟拨过
                del self._fresh[order_id]
        return self._fresh

    def _query(
        self, args: AccountQuery | OrdersQuery, rows: Callable[[Account], list[Any]]
    ) -> Outcome:
        events = self._advance(_CALL_WORK).events
        account = find_account(self._counter.state.accounts, args.account_type, args.account_id)
        return Outcome([] if account is None else rows(account), events)

    def _basis_of(self, held: Position) -> int:
        """持仓成本按哪一种算，厘。"""
        if self.cost_basis == "average":
            return held.cost_li
        if self.cost_basis == "diluted":
            return held.spent_li
        return self._counter.break_even(held)

    def _flush(self) -> None:
        counter = self._counter
        changes = counter.changes
        if changes:
            self._store.save(changes, counter.state.progress)
            changes.clear()

    def _restore(self) -> Counter:
        state = self._store.load()
        if state is None:
            now = self.clock.now()
            state = CounterState(Progress(self._hours.day(now), self._market.tick_at(now), now))
        return Counter(
            state,
            self._market,
            self._hours,
            self._fees,
            self._book,
            self._businesses,
            self._broker,
            self.folder.config.impact_s,
        )

    def _open_accounts(self, accounts: tuple[AccountConfig, ...]) -> None:
        """配置里有而账本里没有的账号，按配置开户。"""
        state, changes = self._counter.state, self._counter.changes
        for config in accounts:
            if config.account_id in state.accounts:
                continue
            account = Account(config.account_id, config.account_type, config.cash_li)
            opened = day_code(state.progress.day)
            for code, volume, cost_li in config.held:
                if cost_li is None:
                    pre_close_li = self._counter.quote(parse_security(code)).pre_close_li
                    cost_li = volume * pre_close_li
                held = Position(
                    code, volume, volume, cost_li=cost_li, open_date=opened, spent_li=cost_li
                )
                account.positions[code] = held
                changes.positions[account.account_id, code] = held
            state.add_account(account)
            changes.accounts[account.account_id] = account
        changes.progress = changes.progress or bool(changes.accounts)
        self._flush()

    def _check_clock(self) -> None:
        self.clock.resume(self._counter.state.progress.now)
        ahead = self._counter.state.progress.now - self.clock.now()
        if ahead > _BACKWARDS_S:
            raise SimulatorError(
                f"账本 {self.folder.store_path} 已经走到 {ahead / 3600:.0f} 小时以后："
                "请核对系统时间；如果它是测试留下的，换一个文件夹，"
                f'或从头来过：easytrader sim reset "{self.folder.path}"'
            )
