"""``easytrader.fleet(地址)``：一队账号，一个心愿给其中许多个。

::

    with easytrader.fleet("postgresql://strategy@db/fleet", strategy="z") as fleet:
        group = fleet.accounts(group="成长")
        report = group.buy("600036", 35.5, 100_000, allocate="assets", client_order_id="z-1130-1")
        print(report)
        if report.unknown:
            report = report.retry()
"""

from __future__ import annotations

import threading
import time
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, cast

from loguru import logger

from easytrader import arguments
from easytrader.basics.keywords import guarded, guarded_class
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
    UsageError,
)
from easytrader.fleets import fleet_trader, quotas, view
from easytrader.fleets.address import open_store
from easytrader.fleets.joint import SLACK_S, Joint, Share, decide, own_id, wish_id
from easytrader.fleets.joint_rebalance import execute
from easytrader.fleets.together import together
from easytrader.fleets.words import WAIT_S, StoreDownError, StoreUnknownError
from easytrader.orders import ticket
from easytrader.rebalance import planning
from easytrader.rows import empties

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from decimal import Decimal

    from typing_extensions import Self

    from easytrader.basics.numbers import Number
    from easytrader.fleets.joint_rebalance import JointRebalance
    from easytrader.fleets.joint_report import JointReport
    from easytrader.fleets.quotas import Facts, Order
    from easytrader.fleets.store import Store
    from easytrader.fleets.together import Answer
    from easytrader.fleets.words import AccountRow, Command
    from easytrader.rebalance import Plan
    from easytrader.trader import Trader

Missing: TypeAlias = Literal["raise", "skip"]
Allocate: TypeAlias = "Literal['equal', 'assets', 'each'] | Mapping[str, float | Decimal]"

_CONNECTED: Final = "已连接"
_CLOSED: Final = "已关闭"


@guarded
def fleet(
    dsn: object, *, strategy: str = "", timeout: float = WAIT_S, debug: bool = False
) -> Fleet:
    """一队账号；用到才连。用完 ``close()``，或写成 ``with``。

    Args:
        dsn: 存储的地址，同 ``use("fleet").connect()``：``postgresql://用户@主机/库``、
            ``sqlite:///路径``、``env:变量名``、``keyring:服务/用户名``。
        strategy: 策略名：额度、开关、审计认它。
        timeout: 每个会阻塞的调用的期限，秒；命令也只在这么久之内有效。
        debug: 是否记 DEBUG 日志。

    Raises:
        UsageError: 地址写得不对。
        MissingDependencyError: 没有装 ``easytrader[fleet]``。
    """
    limit_s = arguments.seconds("timeout", timeout)
    if not isinstance(strategy, str) or not strategy.isprintable():
        raise UsageError("strategy", strategy, '应为策略名，如 "z"')
    store = open_store(dsn, limit_s)
    return Fleet(store, strategy=strategy, timeout=limit_s, debug=arguments.flag("debug", debug))


class Fleet:
    """一队账号，见模块说明；由 `fleet` 得到。线程安全。"""

    def __init__(
        self, store: Store, *, strategy: str = "", timeout: float = WAIT_S, debug: bool = False
    ) -> None:
        self._store = store
        self._strategy = strategy
        self._limit_s = timeout
        self._debug = debug
        self._users: dict[str, Trader] = {}
        self._lock = threading.Lock()
        self._closed = False

    @property
    def where(self) -> str:
        """存储在哪里，没有密码。"""
        return self._store.where

    def status(self) -> list[dict[str, Any]]:
        """一个账号一个字典，只问存储：账号所在的机器关着也看得到。

        键：``account broker groups box state alive lease_left_s open total_asset market_value
        cash orders trades spooled error clock_offset_s version alarms stopped age_s epoch takeover
        takeover_to address``。资金、笔数是那台机器 ``age_s`` 秒以前说的，没有说过为 None；
        ``open`` 是还没有结果的命令，``stopped`` 是为什么停单，``alarms`` 是今天几次报警。

        Raises:
            NotConnectedError: 连不上存储。
        """
        self._check_open()
        return view.look(self._store, time.monotonic() + self._limit_s).rows

    def accounts(
        self, *names: str, group: str | None = None, missing: Missing = "raise", **options: Any
    ) -> Accounts:
        """其中几个账号，连上（一起连，总共最多 ``timeout`` 秒多一点）；已经连上的沿用。

        Args:
            *names: 账号的名字；一个也不写是看得见的全部。
            group: 只要这一组的。
            missing: 有连不上的：``"raise"`` 抛异常，``"skip"`` 略过，写在 `Accounts.missing`。
            **options: 交给 ``connect()`` 的，如 ``trader_callback=``、``reconnect_interval=``。

        Raises:
            UsageError: 没有这个账号、没有这一组。
            ConnectFailedError: 有连不上的。
            NotConnectedError: 连不上存储。
        """
        if missing not in ("raise", "skip"):
            raise UsageError("missing", missing, '应为 "raise"（抛异常）或 "skip"（略过，说出来）')
        rows = self._ask(lambda: self._store.accounts(time.monotonic() + self._limit_s))
        wanted = _chosen(rows, names, group)
        found = together(
            {name: partial(self._user, name, options) for name in wanted}, self._limit_s + SLACK_S
        )
        lost = {name: each for name, each in found.items() if not each.back or each.error}
        if lost and missing == "raise":
            raise ConnectFailedError(_all_told(lost, "没有连上", 'missing="skip" 略过它们'))
        for name, each in lost.items():
            logger.warning("账号 {} 没有连上，略过：{}", name, each.error)
        users = {name: each.value for name, each in found.items() if name not in lost}
        why = {name: str(each.error) for name, each in lost.items()}
        return Accounts(self, users, why, missing)

    def __getitem__(self, name: str) -> Trader:
        """一个账号的交易口，连上；同 ``accounts(name)`` 的那一个。"""
        return self.accounts(name)[name]

    def close(self) -> None:
        """断开全部；可重复调用，最多几秒。"""
        with self._lock:
            self._closed = True
            users, self._users = self._users, {}
        together({name: each.close for name, each in users.items()}, self._limit_s)
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Fleet {self.where}：连着 {len(self._users)} 个账号>"

    def _repr_html_(self) -> str:
        from easytrader.rows import html

        try:
            rows = self.status()
        except EasytraderError as exc:
            return html.box(html.headline(repr(self), str(exc), html.RED))
        keys = view.KIND.brief
        return html.box(html.headline(repr(self)), html.table(view.KIND, rows, keys))

    # ---- 内部

    def _user(self, name: str, options: Mapping[str, Any]) -> Trader:
        self._check_open()
        user = self._users.get(name)
        if user is not None and user.state != _CLOSED:
            if user.state != _CONNECTED:
                raise NotConnectedError(f"{user.state}，正在重连")
            return user
        fresh = fleet_trader(self._debug)
        terms = {"strategy": self._strategy, "timeout": self._limit_s, **options}
        fresh.connect(self._store, account=name, **terms)
        with self._lock:  # 两个线程一起要同一个：先到的留下
            kept = self._users.get(name)
            if kept is user and not self._closed:
                kept = self._users[name] = fresh
        if kept is not fresh:
            fresh.close()
        self._check_open()
        assert kept is not None
        return kept

    def _check_open(self) -> None:
        if self._closed:
            raise ClosedError("这一队已经 close() 了；请重新 easytrader.fleet(...)")

    def _keep(self, name: str, text: str) -> str:
        """记下一份写了就不再改的；没有记成的什么都没有发出，可以再来。"""
        self._check_open()
        deadline = time.monotonic() + self._limit_s
        try:
            return self._store.keep(name, text, deadline)
        except StoreUnknownError:  # 再记一次：已经记下的给记着的那一份
            return cast("str", self._ask(lambda: self._store.keep(name, text, deadline)))
        except StoreDownError as exc:
            raise view.down(self.where, exc) from exc

    def _find(self, name: str, command_id: str) -> Command | None:
        """一家的一条命令；没有为 None。"""
        found = self._ask(lambda: self._store.find(name, command_id, time.monotonic() + SLACK_S))
        return cast("Command | None", found)

    def _ask(self, call: Callable[[], Any]) -> Any:
        self._check_open()
        try:
            return call()
        except (StoreDownError, StoreUnknownError) as exc:
            raise view.down(self.where, exc) from exc


class Accounts:
    """几个账号，当作一个来用；由 `Fleet.accounts` 得到。可以逐个取：``for user in accounts``。

    查询：有一个没有应答就抛 `QueryFailedError`，说出是谁；``missing="skip"`` 的略过，
    写在 `missing`，不会不说。会改变什么的从不因为一家而不给别家，结果一家一行。

    Attributes:
        missing: 略过了谁、为什么：没有连上的，与最近一次查询没有应答的。
        last: 最近一次下单的报告；还没有、那一次没有到发的那一步就停了的为 None。Ctrl-C 打断的
            也在这里，没有回答的是结果未知。
        rebalanced: 最近一次调仓的报告，同上。
    """

    def __init__(
        self, fleet: Fleet, users: Mapping[str, Trader], lost: Mapping[str, str], missing: Missing
    ) -> None:
        self._fleet = fleet
        self._users = {name: users[name] for name in sorted(users)}
        self._lost = dict(lost)
        self._policy = missing
        self.missing = dict(lost)
        self.last: JointReport | None = None
        self.rebalanced: JointRebalance | None = None

    # ---- 有谁

    @property
    def names(self) -> list[str]:
        """连着的，照名字排。"""
        return list(self._users)

    def __iter__(self) -> Iterator[Trader]:
        return iter(self._users.values())

    def __len__(self) -> int:
        return len(self._users)

    def __getitem__(self, name: str) -> Trader:
        found = self._users.get(name)
        if found is None:
            have = "、".join(self._users) or "（没有）"
            raise UsageError("account", name, f"这里没有这个账号，有：{have}")
        return found

    def __repr__(self) -> str:
        lost = f"，没有连上 {'、'.join(self._lost)}" if self._lost else ""
        return f"<Accounts {'、'.join(self._users)}{lost}>"

    # ---- 查询：合成一张表，多一个 account

    @property
    def balance(self) -> list[dict[str, Any]]:
        """资金：行同 `Trader.balance`，前面多一个 ``account``。"""
        return self._table("balance")

    @property
    def position(self) -> list[dict[str, Any]]:
        """持仓：行同 `Trader.position`，前面多一个 ``account``。"""
        return self._table("position")

    @property
    def today_entrusts(self) -> list[dict[str, Any]]:
        """当日委托：行同 `Trader.today_entrusts`，前面多一个 ``account``。"""
        return self._table("today_entrusts")

    @property
    def today_trades(self) -> list[dict[str, Any]]:
        """当日成交：行同 `Trader.today_trades`，前面多一个 ``account``。"""
        return self._table("today_trades")

    # ---- 下单

    def buy(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        allocate: Allocate = "equal",
        client_order_id: str | None = None,
        within_cash: bool = False,
        spill: bool = True,
        lot: float | Decimal | tuple[float, float] | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> JointReport:
        """限价买入，分给各个账号，一起发；等到都有了结果，或到期。

        Args:
            security: 证券代码。
            price: 委托价，元。
            amount: 总数（股/份/张）；``allocate="each"`` 是每家的。
            allocate: 怎样分：``"equal"`` 一样多，``"assets"`` 照总资产，
                ``{"A": 2, "B": 1}`` 照权重，``"each"`` 不分，每家都是这个数。
                整手，最大余数；分不出去的写在报告里。
            client_order_id: 整个心愿的 id，各家的是 ``<id>.<账号>``。给了就**恰好一次**：
                同样的调用带着它再来（被杀之后、另一台机器上），照第一次分好的接着做，不会重复。
            within_cash: 各家不超过自己的可用资金（连估算的费用）。
            spill: 到顶了的（钱、可卖的、一笔的上限），多出来的分给别家；False 就算没有分出去。
            lot: 别的市场的代码：最小的一份，或 (最少, 递增)。
            strategy_name: 同 `Trader.buy`。
            remark: 同上。

        Returns:
            报告：一家一行，``report.unknown`` 是结果未知的，``report.retry()`` 接着做。
            有一家不成不抛异常。

        Raises:
            UsageError: 参数不对，或这个 id 已经用于另一件事；什么都没有发出。
            QueryFailedError: 分的时候要看的资金、持仓没有应答；什么都没有发出。
            NotConnectedError: 分法没有记成；什么都没有发出。
        """
        order = quotas.order("buy", security, price, amount, lot)
        limits = _limits(spill, within_cash=within_cash)
        return self._send(order, allocate, client_order_id, limits, _texts(strategy_name, remark))

    def sell(
        self,
        security: str,
        price: float | Decimal,
        amount: float | Decimal,
        *,
        allocate: Allocate = "equal",
        client_order_id: str | None = None,
        within_position: bool = True,
        spill: bool = True,
        lot: float | Decimal | tuple[float, float] | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> JointReport:
        """限价卖出，分给各个账号；各家不超过可卖的（当天买的不能卖），其余同 `buy`。

        Args:
            security: 同 `buy`，以下没有写的也是。
            price: 同上。
            amount: 同上。
            allocate: 同上。
            client_order_id: 同上。
            within_position: False：不看可卖多少，由柜台拒绝。
            spill: 同上。
            lot: 同上。
            strategy_name: 同上。
            remark: 同上。
        """
        order = quotas.order("sell", security, price, amount, lot)
        limits = _limits(spill, within_position=within_position)
        return self._send(order, allocate, client_order_id, limits, _texts(strategy_name, remark))

    def market_buy(
        self,
        security: str,
        amount: float | Decimal,
        ttype: str | int | None = None,
        *,
        allocate: Allocate = "equal",
        client_order_id: str | None = None,
        spill: bool = True,
        lot: float | Decimal | tuple[float, float] | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> JointReport:
        """市价买入，分给各个账号；``ttype`` 同 `Trader.market_buy`，其余同 `buy`。"""
        order = quotas.order("market_buy", security, None, amount, lot)
        texts = {**_texts(strategy_name, remark), **_ttype(ttype)}
        return self._send(order, allocate, client_order_id, _limits(spill), texts)

    def market_sell(
        self,
        security: str,
        amount: float | Decimal,
        ttype: str | int | None = None,
        *,
        allocate: Allocate = "equal",
        client_order_id: str | None = None,
        within_position: bool = True,
        spill: bool = True,
        lot: float | Decimal | tuple[float, float] | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> JointReport:
        """市价卖出，分给各个账号；``ttype`` 同 `Trader.market_sell`，其余同 `sell`。"""
        order = quotas.order("market_sell", security, None, amount, lot)
        texts = {**_texts(strategy_name, remark), **_ttype(ttype)}
        limits = _limits(spill, within_position=within_position)
        return self._send(order, allocate, client_order_id, limits, texts)

    def order_target(
        self, security: str, amount: float, price: float | Decimal | None = None, **options: Any
    ) -> JointReport:
        """每家各自调到这么多股，同 ``user.portfolio.order_target``；id 同 `buy`。

        Raises:
            UsageError: 参数不对；给了 id 而有的柜台带不了标记（再来一次会下两笔）。
        """
        return self._one_line("order_target", security, amount, price, options)

    def order_target_value(
        self, security: str, value: float, price: float | Decimal | None = None, **options: Any
    ) -> JointReport:
        """每家各自调到这么多市值（元），同 ``user.portfolio.order_target_value``。"""
        return self._one_line("order_target_value", security, value, price, options)

    def order_target_percent(
        self, security: str, percent: float, price: float | Decimal | None = None, **options: Any
    ) -> JointReport:
        """每家各自调到自己总资产的这个比例，同 ``user.portfolio.order_target_percent``。"""
        return self._one_line("order_target_percent", security, percent, price, options)

    # ---- 调仓：各家照自己的资产

    def plan(self, targets: Mapping[str, object], **options: Any) -> dict[str, Plan]:
        """各家照自己的账户做计划，什么都不发；参数、异常同 ``user.portfolio.plan``。

        Returns:
            账号 → 计划；``plan.save(路径)`` 存下，被杀了也能接着做。
        """
        return self._asked("账户、行情", lambda user: user.portfolio.plan(targets, **options), 5)

    def execute(self, plans: Mapping[str, Plan], **options: Any) -> JointRebalance:
        """各家照自己的计划下单，一起做，都做完（或到期）才返回；``options`` 同 `rebalance.run`。

        被杀了用同样的计划再来一次就接着做。Ctrl-C：各家撤掉这一次挂着的（最多几秒），
        再抛 ``KeyboardInterrupt``。有一家不成不抛异常，写在报告里。

        Args:
            plans: `plan` 给的；没有连上的账号写「没有连上」。
            **options: 同上。
        """
        users = {name: self._users.get(name) for name in plans}
        self.rebalanced = None
        return execute(users, plans, options, self._note_rebalance)

    def rebalance(self, targets: Mapping[str, object], **options: Any) -> JointRebalance:
        """各家都调到这个组合（权重是各自总资产的比例）：做计划，马上执行。

        Args:
            targets: 同 `plan`。
            **options: `plan` 的与 `execute` 的都可以。

        Returns:
            报告：一家一行，``report.plans`` 是计划，拿它们 `execute` 就是接着做。
        """
        self.rebalanced = None
        plans = {key: options.pop(key) for key in [*options] if key in planning.OPTIONS}
        return self.execute(self.plan(targets, **plans), **options)

    # ---- 撤单

    def cancel_all(self) -> list[dict[str, Any]]:
        """各家撤掉当日所有可撤的；一家没有撤成不耽误别家，也不抛异常。

        Returns:
            行同 `Trader.cancel_all`，前面多一个 ``account``；整家没有撤成的一行，
            ``entrust_no`` 为 None，``message`` 是为什么。
        """
        found = self._all(lambda user: user.cancel_all())
        rows: list[dict[str, Any]] = []
        for name, each in found.items():
            if each.back and each.error is None:
                rows += [{"account": name, **row} for row in each.value]
            else:
                told = str(each.error) if each.back else "期限之内没有回答，撤了没有不知道"
                rows.append(
                    {"account": name, "entrust_no": None, "success": False, "message": told}
                )
        return empties.noted("cancel_all", rows)

    # ---- 内部

    def _all(self, ask: Callable[[Trader], Any], calls: int = 1) -> dict[str, Answer]:
        jobs = {name: partial(ask, user) for name, user in self._users.items()}
        return together(jobs, calls * self._fleet._limit_s + SLACK_S)  # noqa: SLF001  同一个模块

    def _asked(self, what: str, ask: Callable[[Trader], Any], calls: int = 1) -> dict[str, Any]:
        """各家的回答；没有应答的抛异常，或略过、记下。``calls``：一家要问几次。"""
        found = self._all(ask, calls)
        lost = {name: each for name, each in found.items() if not each.back or each.error}
        for each in lost.values():
            if isinstance(each.error, UsageError):
                raise each.error
        if lost and self._policy == "raise":
            raise QueryFailedError(_all_told(lost, f"{what}没有应答", "可以再问"))
        self.missing = {**self._lost, **{name: str(each.error) for name, each in lost.items()}}
        for name, each in lost.items():
            logger.warning("账号 {} 的{}没有应答，略过：{}", name, what, each.error)
        return {name: each.value for name, each in found.items() if name not in lost}

    def _table(self, verb: str) -> list[dict[str, Any]]:
        found = self._asked(verb, lambda user: getattr(user, verb))
        table = [{"account": name, **row} for name, rows in found.items() for row in rows]
        return empties.noted(verb, table)

    def _send(
        self,
        order: Order,
        allocate: object,
        given: str | None,
        limits: dict[str, bool],
        texts: dict[str, Any],
    ) -> JointReport:
        """一笔总数：定下各家多少，记下，一起发。"""
        self.last = None
        way = quotas.way_of(allocate, self._users)
        whole = wish_id(given)
        ids = {name: self._id(whole, name) for name in self._users}
        facts = self._facts(order, way, limits)
        split = quotas.shared(order, way, facts, **limits)
        wish = {
            "verb": order.verb,
            "security": order.code,
            "price": _written(order.price),
            "amount": _written(order.amount),
            "allocate": way if isinstance(way, str) else ",".join(
                f"{name}={_written(way[name])}" for name in sorted(way)
            ),
            **{key: str(value) for key, value in texts.items()},
        }  # fmt: skip
        done = decide(self._fleet._keep, whole, wish, split.amounts, split.left, split.notes)  # noqa: SLF001
        terms = {"security": order.code, **texts}
        if order.price is not None:
            terms["price"] = order.price
        shares = {
            name: self._share(name, amount, ids.get(name, ""), order.verb, terms)
            for name, amount in done.amounts.items()
        }
        shares.update(
            (name, Share(0, "", None, "第一次分的时候没有它"))
            for name in self._users
            if name not in shares
        )
        title = f"{order.verb} {order.code} {_written(order.price)}".strip()
        return self._joint(title, whole, order.code, shares).send(
            done.left, done.notes, self._note, again=not done.fresh
        )

    def _share(
        self, name: str, amount: Number, own: str, verb: str, terms: dict[str, Any]
    ) -> Share:
        user = self._users.get(name)
        if user is None:
            why = self._lost.get(name, "不在这几个账号里")
            return Share(amount, own, None, f"没有连上：{why}")
        tag = {"client_order_id": own} if own else {}
        return Share(amount, own, partial(getattr(user, verb), amount=amount, **terms, **tag))

    def _facts(self, order: Order, way: object, limits: dict[str, bool]) -> dict[str, Facts]:
        money = way == quotas.ASSETS or limits.get("within_cash", False)
        held = not order.buys and limits.get("within_position", True)
        if way == quotas.EACH or not (money or held):
            return dict.fromkeys(self._users, quotas.Facts())
        look = partial(quotas.look, code=order.code, money=money, held=held)
        return self._asked("资金、持仓", look, calls=2)

    def _one_line(
        self, verb: str, security: str, value: object, price: object, options: dict[str, Any]
    ) -> JointReport:
        """一句话下单：各家自己算多少。"""
        self.last = None
        options = dict(options)
        given = options.pop("client_order_id", None)
        bare = [name for name, user in self._users.items() if not user.capabilities.tags]
        if given is not None and bare:  # 分法不记下来的，再来一次认不出发过没有
            told = f"{'、'.join(sorted(bare))} 的柜台带不了标记，再来一次会下两笔"
            raise UsageError("client_order_id", given, f"{told}；不写它，或用写明数量的 buy、sell")
        whole = wish_id(given)
        code = arguments.security(security).stock_code
        shares = {}
        for name, user in self._users.items():
            own = self._id(whole, name)
            tag = {"client_order_id": own} if own else {}
            act = partial(getattr(user.portfolio, verb), code, value, price, **options, **tag)
            shares[name] = Share(None, own, act)
        title = f"{verb} {code} {value}"
        joint = self._joint(title, whole, code, shares, seen=given is not None, looks=True)
        return joint.send(0, [], self._note)

    def _joint(
        self, title: str, whole: str, code: str, shares: Mapping[str, Share], **ways: bool
    ) -> Joint:
        fleet = self._fleet
        return Joint(title, whole, code, shares, fleet._limit_s, fleet._find, **ways)  # noqa: SLF001

    def _id(self, whole: str, name: str) -> str:
        return own_id(whole, name) if self._users[name].capabilities.tags else ""

    def _note(self, report: JointReport) -> None:
        self.last = report

    def _note_rebalance(self, report: JointRebalance) -> None:
        self.rebalanced = report


for _kind in (Fleet, Accounts):
    guarded_class(_kind)


def _chosen(rows: Iterable[AccountRow], names: tuple[str, ...], group: str | None) -> list[str]:
    """要哪几个，照名字排。"""
    have = {each.account: each for each in rows}
    for name in names:
        if name not in have:
            near = get_close_matches(str(name), have, 1)
            guess = f"，是不是 {near[0]}？" if near else "。"
            told = f"看不见这个账号{guess}看得见的：{'、'.join(sorted(have)) or '（没有）'}"
            raise UsageError("account", name, told)
    chosen = set(names or have)
    if group is not None:
        groups = sorted({one for each in have.values() for one in each.groups})
        if group not in groups:
            raise UsageError("group", group, f"没有这一组，有：{'、'.join(groups) or '（没有）'}")
        chosen = {name for name in chosen if group in have[name].groups}
    if not chosen:
        told = "一个账号也没有：先在有客户端的机器上运行 easytrader fleet agent"
        raise UsageError("accounts", list(names), told)
    return sorted(chosen)


def _all_told(lost: Mapping[str, Answer], what: str, then: str) -> str:
    told = "；".join(f"{name}：{each.error}" for name, each in lost.items())
    return f"{len(lost)} 个账号{what}（{told}）；{then}"


def _written(value: object) -> str:
    """数写成文字：同一个数永远一样（35.5 与 Decimal("35.50")）。"""
    if value is None:
        return ""
    from decimal import Decimal

    text = f"{Decimal(str(value)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _texts(strategy_name: str, remark: str) -> dict[str, Any]:
    found = ticket.checked(ticket.Extras(strategy_name, remark, None))
    return {"strategy_name": found.strategy_name, "remark": found.remark}


def _limits(spill: object, **limits: object) -> dict[str, bool]:
    return {name: arguments.flag(name, value) for name, value in {"spill": spill, **limits}.items()}


def _ttype(ttype: object) -> dict[str, Any]:
    return {} if ttype is None else {"ttype": ttype}
