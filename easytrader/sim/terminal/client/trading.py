"""内置 Python 的交易函数：``passorder cancel get_trade_detail_data …``，一个客户端一张桌子。

策略里的都是模块的全局名字，不是 ``ContextInfo`` 的方法。查询只看客户端的缓存，离开主线程就是空的；
委托、撤单经连接到柜台，返回值照脾气，什么也证明不了。
"""

import datetime as dt
import random

from . import cache as kinds
from . import objects
from .algo import AlgoDesk
from .cache import ACCOUNT, DEAL, ORDER, POSITION, TASK, Cache
from .credit import CreditDesk
from .link import ASK_S, LinkError
from .passorder import (
    ACCOUNT_TYPES,
    Arguments,
    Counterpart,
    Refusal,
    not_logged_in,
    precheck,
    read,
    resolve,
)
from .pushes import LETTERS_HEAD, Pushes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .cache import Account, Row
    from .manners import Manners
    from .terminal import Strategy, Terminal

BEIJING = dt.timezone(dt.timedelta(hours=8))
_REFRESH_S = 1.0
"""有人看的资金、持仓，多久向柜台取一次。"""
_LOGGED_IN, _CONNECTING = "登录成功", "连接中"
"""``m_strStatus``。"""
_DOWN_S = 0.3
"""柜台不应声时，下单、撤单在主线程上最多等多久：真的客户端把它交给别的线程，自己接着走。"""
_QUERY_S = 3.0
"""别的话最多等多久：主线程在等。"""
_STALE_S = 3.0
"""``get_last_order_id`` 停着的时候，停多久。"""
_SWALLOWED = (
    "order_lots",
    "order_value",
    "order_percent",
    "order_target_value",
    "order_target_percent",
    "order_shares",
)
"""回测用的下单函数：实盘里等于 ``quickTrade=0``，在定时器里什么也不发。"""


class Desk:
    """一个客户端的交易。

    Attributes:
        cache: 查得到的一切。
        popups: 弹过的窗，文字。
        cancels: 发出去的撤单，``(合同编号, 柜台的话)``，话空着是收下了。
    """

    def __init__(self, terminal: "Terminal") -> None:
        self._terminal = terminal
        self._random = random.Random(terminal.manners.seed)  # noqa: S311  只为延迟
        self.cache = Cache(self._make)
        self.pushes = Pushes(terminal, self.cache, self._random, self._deliver)
        self.popups = []  # type: list[str]
        self.cancels = []  # type: list[tuple[str, str]]
        self._strategies = []  # type: list[Strategy]
        self._accounts = {}  # type: dict[str, int]
        self._signals = {}  # type: dict[Strategy, list[Arguments]]
        self._refreshed = {}  # type: dict[Account, float]
        self._zeros = {}  # type: dict[tuple[Account, str], list[Any]]
        self._last_ids = {}  # type: dict[tuple[Any, ...], tuple[float, str]]
        self._details = {}  # type: dict[str, dict[str, Any]]
        self._sent = 0
        self._algo = AlgoDesk(terminal, self)
        self._credit = CreditDesk(terminal, self)

    # ---- 循环叫的

    def started(self) -> None:
        """连上柜台以后：谁登录着。"""
        found = self._ask("accounts", wait_s=ASK_S)
        if found is None:  # 不知道，不是没有
            return
        self._accounts = {each["account_id"]: each["account_type"] for each in found}
        for account in self._accounts.items():
            self._load(account)

    def globals_for(self, strategy: "Strategy") -> "dict[str, Callable[..., Any]]":
        """给一个策略的全局名字；这个版本没有的不在里面。"""
        if strategy not in self._strategies:
            self._strategies.append(strategy)
        names = {
            "passorder": lambda *args: self.passorder(strategy, *args),
            "cancel": lambda *args: self.cancel(strategy, *args),
            "get_trade_detail_data": self.get_trade_detail_data,
            "get_value_by_order_id": self.get_value_by_order_id,
            "get_last_order_id": self.get_last_order_id,
            "get_history_trade_detail_data": self.get_history_trade_detail_data,
            "get_ipo_data": self.get_ipo_data,
            "get_new_purchase_limit": self.get_new_purchase_limit,
        }  # type: dict[str, Callable[..., Any]]
        names.update((name, self._swallower(strategy, name)) for name in _SWALLOWED)
        names.update(self._credit.globals_for(strategy))
        if self._manners.algo:
            names.update(self._algo.globals_for(strategy))
        for name in self._manners.missing_globals:
            names.pop(name, None)
        return names

    def event(self, kind: str, row: "Row") -> None:
        """柜台主动说的一件事；在交易回调的线程上。"""
        if kind == "cancel_refused":
            self._log("cancel failed sysid=%s %s" % (row["m_strOrderSysID"], row["_text"]))
        elif kind != "order_refused":  # 废单的那一行已经说了
            self.pushes.event(kind, row)
            if kind == "order":
                self._algo.order_event(row)

    def new_tick(self, strategy: "Strategy") -> None:
        """主图的一跳：同一根 K 线里前几跳的信号不算了。"""
        self._signals.pop(strategy, None)

    def bar_closed(self, strategy: "Strategy") -> None:
        """一根 K 线走完：最后一跳里 ``quickTrade=0`` 的现在发。"""
        for call in self._signals.pop(strategy, []):
            self._send(strategy, call)

    def idle(self) -> None:
        """主线程空着：异步的查询有结果的，现在交给策略。"""
        self._credit.idle()

    def stopped(self, strategy: "Strategy") -> None:
        """策略停了：它的交易链路先断。"""
        self._signals.pop(strategy, None)
        if strategy in self._strategies:
            self._strategies.remove(strategy)

    def dropped(self) -> None:
        """与柜台断了：查到的都停住，只有资金那一行说得出来。"""
        self.pushes.dropped()
        self._say_status(_CONNECTING)

    def reconnected(self) -> None:
        """又连上了。"""
        self.pushes.reconnected()
        self._say_status(_LOGGED_IN)
        self._terminal.native.at(self._terminal.clock.monotonic(), self.started)

    def new_day(self) -> None:
        """换日：昨天的委托与成交不再查得到。"""
        self.cache.clear()
        self.pushes.clear()
        self._details.clear()
        self._last_ids.clear()
        self.started()

    # ---- 下单

    def passorder(self, strategy: "Strategy", *args: "Any") -> "int | None":
        """见 `passorder.read` 的三种写法；最后一个必须是策略自己的 ContextInfo。"""
        call, context = read("passorder", args)
        self._terminal.calls.append((call.userOrderId, args[:-1]))
        self._terminal.probe("before")
        if context is not strategy.context:
            context.request_id  # noqa: B018  客户端读它：不是 ContextInfo 的在这里抛
            raise RuntimeError("passorder: 不认识的 ContextInfo")
        if not self.goes_now(strategy, call):
            return self._returned(sent=False)
        self._send(strategy, call)
        return self._returned(sent=True)

    def goes_now(self, strategy: "Strategy", call: "Arguments") -> bool:
        """这一笔现在就发；要等 K 线走完的记下来，不发的写一行日志。"""
        quick, why = call.quickTrade, ""
        if strategy.mode != "live" or not strategy.trading:
            return False
        if strategy.phase == "stopped":
            why = "stopped"
        elif strategy.phase == "replay":
            why = "" if quick == 2 and self._manners.replay_orders else "isLastBar:false"
        elif quick == 1:
            why = "" if strategy.context.is_last_bar() else "isLastBar:false"
        elif quick != 2:
            if strategy.in_handlebar and strategy.period != "1d":
                self._signals.setdefault(strategy, []).append(call)
                return False
            why = "isLastBar:false"
        if why:
            self._log("skip passorder remark=%s quickTrade=%d %s" % (call.userOrderId, quick, why))
        return not why

    def _send(self, strategy: "Strategy", call: "Arguments") -> None:
        """从策略到柜台；占住线程的时间一半在发出之前，一半在之后。"""
        cost = self._manners.passorder_s / 2
        try:
            account, order = self.resolved(call)
        except Refusal as refusal:
            self.refuse(strategy, call, str(refusal))
            self._terminal.clock.wait(cost * 2)
            return
        self._log(
            "send order to tradeModule account=%s opType=%d code=%s price=%s volume=%s remark=%s"
            % (
                _masked(call.accountID),
                call.opType,
                call.orderCode,
                order["price"],
                order["volume"],
                call.userOrderId,
            )
        )
        self._terminal.probe("inside")
        self._terminal.clock.wait(cost)
        why = precheck(order, self._counterpart(account)) if self._manners.popup else ""
        if why:
            self.popup(why)
        else:
            self.submit(account, order, call.strategyName, call.userOrderId)
        self._terminal.clock.wait(cost)
        self._terminal.probe("after")

    def resolved(self, call: "Arguments") -> "tuple[Account, dict[str, Any]]":
        """哪个账号，柜台的什么委托。不收的是 `Refusal`。"""
        kind = self._accounts.get(call.accountID)
        if kind is None:
            raise not_logged_in(call.accountID)
        account = call.accountID, kind
        plain = self._manners.plain_on_credit == "collateral"
        return account, resolve(call, kind, self._counterpart(account), plain)

    def submit(self, account: "Account", order: "dict[str, Any]", name: str, remark: str) -> int:
        """发给柜台；给出柜台的委托编号，当场退回的弹窗、给 0。"""
        self._load(account)
        try:
            answer = self._terminal.link.ask(
                "submit",
                account_id=account[0],
                account_type=account[1],
                strategy=name,
                remark=remark,
                **order,
            )
        except LinkError as error:
            self._log("send order failed: %s" % error)
            return 0
        if not answer["order_id"]:
            self.popup(answer["reason"])
        return int(answer["order_id"])

    def popup(self, text: str) -> None:
        """弹窗：除了人，谁也不知道。"""
        self.popups.append(text)
        self._terminal.popup(text)

    def refuse(self, strategy: "Strategy", call: "Arguments", text: str) -> None:
        """参数不收：回调告诉绑着这个账号的策略。"""
        self._log("passorder refused: %s" % text)
        if call.accountID != strategy.account:
            return
        due = self._terminal.clock.monotonic() + self._manners.callback_lag_s[1]
        told = objects.make("ARGUMENTS", call.told())
        self._terminal.native.at(due, strategy.call_back, "orderError_callback", told, text)

    def _returned(self, sent: bool) -> "int | None":
        kind = self._manners.passorder_returns
        self._sent += 1
        if kind == "positive":
            return self._sent if sent else 0
        return 0 if kind == "zero" else None

    def _swallower(self, strategy: "Strategy", name: str) -> "Callable[..., None]":
        def swallow(*args: "Any") -> None:
            self._log("skip %s isLastBar:false" % name)

        return swallow

    # ---- 撤单

    def cancel(self, strategy: "Strategy", *args: "Any") -> bool:
        """``cancel(合同编号, 资金账号, 账号类型, C)`` → 信号发出去了没有；真假照脾气。"""
        sysid, account_id, type_name = _texts("cancel", args[:3], len(args) == 4)
        if strategy.mode != "live" or strategy.phase == "stopped":
            return False
        clock = dt.datetime.fromtimestamp(self._terminal.clock.now(), BEIJING)
        if clock.hour * 100 + clock.minute >= self._manners.cancel_quiet_from:
            self.cancels.append((sysid, ""))
            return True
        reason = self._cancelled(sysid, account_id, ACCOUNT_TYPES.get(type_name.upper(), 0))
        self.cancels.append((sysid, reason))
        if reason:
            self._log("cancel failed sysid=%s %s" % (sysid, reason))
        return {"truth": not reason, "lies": bool(reason), "true": True, "false": False}[
            self._manners.cancel_returns
        ]

    def _cancelled(self, sysid: str, account_id: str, account_type: int) -> str:
        if sysid.startswith(LETTERS_HEAD):
            sysid = sysid[len(LETTERS_HEAD) :]
        if not sysid:
            return "合同编号是空的"
        self.pushes.cancelled.add(sysid)
        try:
            answer = self._order(
                "cancel", account_id=account_id, account_type=account_type, sysid=sysid
            )
        except LinkError as error:
            return str(error) or "没有回答"
        if answer["reason"]:
            self.pushes.cancelled.discard(sysid)
        return str(answer["reason"])

    # ---- 查询

    def get_trade_detail_data(self, *args: "Any") -> "list[Any]":
        """``(资金账号, 账号类型, 数据, 策略名="")`` → 对象的列表。

        不在主线程、没有登录、不认识的数据是空的；账号类型不对是一行零。
        """
        if len(args) not in (3, 4):
            raise TypeError("get_trade_detail_data() takes 3 or 4 arguments")
        self._terminal.clock.wait(self._manners.query_s)
        account_id, type_name, kind = args[0], str(args[1]).upper(), str(args[2]).upper()
        strategy = args[3] if len(args) == 4 else ""
        account_type = ACCOUNT_TYPES.get(type_name)
        if not self._terminal.on_main() or account_id not in self._accounts:
            return []
        if kind not in objects.CLASSES or account_type is None:
            return []
        account = account_id, account_type
        if account_type != self._accounts[account_id]:
            return self._zero_rows(account, kind)
        if kind == TASK:
            return self._algo.tasks(account)
        if kind not in kinds.LOADED:
            return self.made(kind, self._ask("rows", account, kind=kind))
        return self.rows(account, kind, strategy if kind in (ORDER, DEAL) else "")

    def rows(self, account: "Account", kind: str, strategy: str = "") -> "list[Any]":
        """缓存里的对象；没有取过这个账号的先取。"""
        self._load(account)
        now = self._terminal.clock.monotonic()
        self.cache.apply(now)
        live = kind in (ACCOUNT, POSITION) and not self.cache.frozen
        if live and now - self._refreshed[account] >= _REFRESH_S:
            self._refreshed[account] = now
            self._terminal.native.at(now, self._refresh, account)
        return self.cache.objects_of(account, kind, strategy)

    def get_value_by_order_id(self, *args: "Any") -> "Any":
        """``(合同编号, 资金账号, 账号类型, 'ORDER' | 'DEAL')`` → 对象；没有为 None。"""
        sysid = str(args[0])
        for each in self.get_trade_detail_data(*args[1:4]):
            if sysid and getattr(each, "m_strOrderSysID", None) == sysid:
                return each
        return None

    def get_last_order_id(self, *args: "Any") -> str:
        """``(资金账号, 账号类型, 'order' | 'deal', 策略名="")`` → 最后一笔的合同编号。

        没有是 ``'-1'``；废单不算；脾气如此的停在几秒以前。
        """
        now = self._terminal.clock.monotonic()
        stopped_at, value = self._last_ids.get(args, (-_STALE_S, ""))
        if self._manners.last_order_id_stale and now - stopped_at < _STALE_S:
            return value
        found = "-1"
        for each in self.get_trade_detail_data(*args):
            if getattr(each, "m_nOrderStatus", 0) != 57 and each.m_strOrderSysID:
                found = each.m_strOrderSysID
        self._last_ids[args] = now, found
        return found

    def get_history_trade_detail_data(self, *args: "Any") -> "list[tuple[int, list[Any]]]":
        """``(资金账号, 账号类型, 数据, 开始, 结束)`` → ``[(毫秒, [对象])]``；这里只有当天的。"""
        account_id, type_name, kind, start, end = args[:5]
        now = dt.datetime.fromtimestamp(self._terminal.clock.now(), BEIJING)
        if not str(start) <= now.strftime("%Y%m%d") <= (str(end) or "99999999"):
            return []
        found = self.get_trade_detail_data(account_id, type_name, kind)
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return [(int(midnight.timestamp() * 1000), found)] if found else []

    def get_ipo_data(self, *args: "Any") -> "dict[str, Any]":
        """``(类型='')`` → ``{代码: {…}}``，今天能申购的。"""
        account = next(iter(self._accounts.items()), ("", 0))
        if not self._terminal.on_main():
            return {}
        return self._ask("ipo_data", account, type=args[0] if args else "") or {}

    def get_new_purchase_limit(self, account_id: str) -> "dict[str, int]":
        """``{市场: 数量}``。"""
        if not self._terminal.on_main():
            return {}
        account = account_id, self._accounts.get(account_id, 0)
        return self._ask("purchase_limit", account) or {}

    # ---- 自己用的

    def made(self, kind: str, rows: "list[Row] | None") -> "list[Any]":
        """柜台的行 → 对象。"""
        return [self._make(kind, row) for row in rows or []]

    def account_type(self, account_id: str) -> int:
        """登录着的账号的类型；没有登录为 0。"""
        return self._accounts.get(account_id, 0)

    def ask(self, verb: str, account: "Account", **args: "Any") -> "Any":
        """问柜台一句与账号有关的；不答应的写一行日志，给 None。"""
        return self._ask(verb, account, **args)

    def _ask(self, verb: str, account: "Account | None" = None, **args: "Any") -> "Any":
        if account is not None:
            args.update(account_id=account[0], account_type=account[1])
        if not self._terminal.clock.manual:
            args.setdefault("wait_s", _QUERY_S)
        try:
            return self._terminal.link.ask(verb, **args)
        except LinkError as error:
            self._terminal.log.formula("[query]%s failed: %s" % (verb, error))
            return None

    def _order(self, verb: str, **args: "Any") -> "Any":
        """交给柜台，不久等；手动的钟不看真的时间，等到底。"""
        if not self._terminal.clock.manual:
            args["wait_s"] = _DOWN_S
        return self._terminal.link.ask(verb, **args)

    def _load(self, account: "Account") -> None:
        if self.cache.knows(account):
            return
        self._refreshed[account] = self._terminal.clock.monotonic()
        for kind in (POSITION, ORDER, DEAL, ACCOUNT):
            found = self._ask("rows", account, kind=kind, wait_s=ASK_S)
            if found is None:
                return
            if kind == ORDER:
                for row in found:
                    self.pushes.loaded(row)
            self.cache.load(account, kind, [self.pushes.dressed(kind, row) for row in found])

    def _say_status(self, text: str) -> None:
        """连没连着，客户端自己知道，不必等柜台说。"""
        for account in self._accounts.items():
            rows = [dict(row, m_strStatus=text) for row in self.cache.rows(account, ACCOUNT)]
            self.cache.load(account, ACCOUNT, rows)

    def _refresh(self, account: "Account") -> None:
        manners = self._manners
        lags = (ACCOUNT, manners.account_lag_s), (POSITION, manners.position_lag_s)
        for kind, lag in lags:
            found = self._ask("rows", account, kind=kind)
            if found is not None:
                due = self._terminal.clock.monotonic() + self._random.uniform(*lag)
                self.cache.put_all(account, kind, found, due)

    def _zero_rows(self, account: "Account", kind: str) -> "list[Any]":
        found = self._zeros.get((account, kind))
        if not found:
            found = self._zeros[account, kind] = self.made(
                kind, self._ask("rows", account, kind=kind)
            )
        return found[:1]

    def _make(self, kind: str, row: "Row") -> "Any":
        return objects.make(kind, row, self._manners.missing_attributes)

    def _deliver(self, account: "Account", name: str, made: "Any") -> None:
        for strategy in list(self._strategies):
            if strategy.account == account[0]:
                strategy.call_back(name, made)

    def _counterpart(self, account: "Account") -> "Counterpart":
        def first(kind: str, code: str = "") -> "Row":
            self.rows(account, kind)
            for row in self.cache.rows(account, kind):
                if not code or code == "%s.%s" % (row["m_strInstrumentID"], row["m_strExchangeID"]):
                    return row
            return {}

        return Counterpart(
            self.book, self._detail, lambda: first(ACCOUNT), lambda code: first(POSITION, code)
        )

    def book(self, code: str) -> "dict[str, Any]":
        """盘口；没有为空。"""
        found = self._ask("full_tick", codes=[code]) or {}
        return found.get(code) or {}

    def _detail(self, code: str) -> "dict[str, Any]":
        found = self._details.get(code)
        if not found:
            found = self._details[code] = self._ask("detail", code=code) or {}
        return found

    def _log(self, text: str) -> None:
        self._terminal.log.formula("[trade]" + text)

    @property
    def _manners(self) -> "Manners":
        return self._terminal.manners


def _texts(name: str, args: "tuple[Any, ...]", good: bool) -> "tuple[Any, ...]":
    if not good or not all(isinstance(each, str) for each in args):
        raise TypeError("Python argument types in %s did not match C++ signature" % name)
    return args


def _masked(account: str) -> str:
    return "***" + account[-4:]
