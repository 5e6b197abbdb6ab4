"""`Portfolio`：``user.portfolio``，目标持仓的几种说法。

- `plan`、`execute`：先看计划再执行；`order_target_portfolio` 是两步并一步。
- ``order_value`` 等五个：研究平台上叫惯了的一句话下单，意思与那里一样，一次至多一笔限价委托。
"""

from __future__ import annotations

import inspect
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loguru import logger

from easytrader import arguments
from easytrader.basics import numbers, pace
from easytrader.basics.beijing import beijing_day
from easytrader.basics.keywords import guarded_class
from easytrader.codes import OrderType
from easytrader.errors import QueryFailedError, UsageError
from easytrader.market.rules import RuleBook
from easytrader.market.rules.fees import FeeSchedule
from easytrader.market.symbols import parse_security
from easytrader.rebalance import planning
from easytrader.rebalance import targets as goals
from easytrader.rebalance.planning import best_li, buyable, money_li, price_li, sellable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from easytrader import types
    from easytrader.market.rules import Rules
    from easytrader.market.symbols import Security
    from easytrader.rebalance.model import Account, Facade
    from easytrader.rebalance.planfile import Plan
    from easytrader.rebalance.report import Report

_CODE: Final = re.compile(r"\d{6}\.[A-Z]{2}")
_ROUNDS: Final = 200


def look(user: Facade, codes: Iterable[str]) -> tuple[Account, dict[str, types.Quote]]:
    """算计划要的：账户，与持仓、``codes`` 的行情；行情一次问完。

    Args:
        user: 交易口。
        codes: 目标里的代码（目标的字典也可以）。

    Returns:
        ``(账户, {代码: 行情})``，直接交给 `planning.plan`；没有行情的那几只不在里面。

    Raises:
        UsageError: 代码不对。
        QueryFailedError: 没有应答。
    """
    account: Account = {
        "balance": user.balance,
        "position": user.position,
        "entrusts": user.today_entrusts,
    }
    wanted = {goals.code_of(each).stock_code for each in codes}
    held = (row["stock_code"] for row in account["position"] if row["volume"])
    wanted.update(code for code in held if _known(code))
    return account, quotes(user, sorted(wanted))


def quotes(user: Facade, codes: list[str]) -> dict[str, types.Quote]:
    """一批行情；没有的那几只略过，其余照给。

    Raises:
        QueryFailedError: 没有应答；不是哪一只没有，是都问不到。
    """
    left = list(codes)
    for _ in range(_ROUNDS):
        if not left:
            return {}
        try:
            return user.quote(left)
        except QueryFailedError as exc:
            # 错误里列着没有行情的代码（很多的时候只列前几只）
            missing = set(_CODE.findall(str(exc))) & set(left)
            if not missing:
                raise
            left = [code for code in left if code not in missing]
    raise QueryFailedError(f"没有行情的太多，问了 {_ROUNDS} 遍还没有问完")


def _known(code: str) -> bool:
    try:
        return parse_security(code).tradable
    except UsageError:
        return False


class Portfolio:
    """``user.portfolio``。

    五个一句话下单的共同之处：

    - ``price`` 不给时，按对手方最优价报**限价**（买报卖一、卖报买一）：不用市价，
      因为市价各交易所、各品种不一样（可转债没有），冻结的钱按涨停价算，满仓的账户会下不了单；
    - 数量向下取到整手；卖出只在清掉时带零股；
      可卖的不够（当天买的、冻结的）就卖可卖的，日志里说一声；
    - 返回 `buy` / `sell` 的 ``{'entrust_no': int}``；没有什么要做的（不足一手）返回 None；
    - ``client_order_id`` 照传：同一个 id 已经下过的，返回那一笔，不再算一遍；
      那一笔是别的证券、或方向相反的，抛 `UsageError`。

    异常同 `buy`；行情问不到抛 `QueryFailedError`。
    """

    __slots__ = ("_user",)

    def __init__(self, user: Facade) -> None:
        self._user = user

    # ---- 计划

    def plan(self, targets: Mapping[str, object], **options: Any) -> Plan:
        """照现在的账户与行情做计划，什么都不发。

        Args:
            targets: ``{代码: 权重}``，或 `rebalance.Target`，见 `targets.of`。
            **options: ``by cash_buffer others min_turnover cushion commission min_commission
                risk_warned``，见 `planning.Options`。

        Raises:
            UsageError: 目标、选项不对；账户里没有资产。
            QueryFailedError: 没有应答。
        """
        wanted = goals.of(targets, planning.Options.of(options).by)
        account, found = look(self._user, wanted)
        return planning.plan(account, found, targets, now=pace.current().now(), **options)

    def execute(self, plan: Plan, **options: Any) -> Report:
        """照计划下单，见 `rebalance.run`。"""
        from easytrader.rebalance.run import run  # 只做计划的不必带着它

        return run(self._user, plan, **options)

    def order_target_portfolio(self, targets: Mapping[str, object], **options: Any) -> Report:
        """调到这个组合：做计划，马上执行；没有写的持仓清掉。

        Args:
            targets: 同 `plan`。
            **options: `plan` 的与 `execute` 的都可以。

        Returns:
            报告，见 `rebalance.Report`。
        """
        from easytrader.rebalance.run import run

        runs = inspect.signature(run).parameters
        for name, value in options.items():
            if name not in planning.OPTIONS and (name not in runs or name in ("user", "plan")):
                usable = "、".join([*planning.OPTIONS, *list(runs)[2:]])
                raise UsageError(name, value, f"没有这个选项，有 {usable}")
        plans = {name: options.pop(name) for name in [*options] if name in planning.OPTIONS}
        return self.execute(self.plan(targets, **plans), **options)

    # ---- 一句话下单

    def order_value(
        self,
        security: str,
        value: float | Decimal,
        price: float | Decimal | None = None,
        *,
        client_order_id: str | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> types.EntrustResult | None:
        """买（卖）这么多钱的。

        Args:
            security: 证券代码。
            value: 金额，元：正的买，连费用不超过它，也不超过可用资金；负的卖。
            price: 委托价，元；默认对手方最优价。
            client_order_id: 同 `buy`，以下两项也是。
            strategy_name: 同上。
            remark: 同上。
        """
        desk = self._desk(security, price, client_order_id, strategy_name, remark)
        money = _yuan("value", value)
        return desk.done(money) or desk.trade(money)

    def order_percent(
        self,
        security: str,
        percent: float | Decimal,
        price: float | Decimal | None = None,
        *,
        client_order_id: str | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> types.EntrustResult | None:
        """买（卖）总资产的这个比例：``percent`` 在 -1 到 1 之间，其余同 `order_value`。"""
        desk = self._desk(security, price, client_order_id, strategy_name, remark)
        share = _share("percent", percent, -1)
        return desk.done(share) or desk.trade(desk.part(share))

    def order_target(
        self,
        security: str,
        amount: float | Decimal,
        price: float | Decimal | None = None,
        *,
        client_order_id: str | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> types.EntrustResult | None:
        """调到这么多股（份、张）：``amount`` 不小于 0，0 是清掉；其余同 `order_value`。

        钱不够也照样报，由柜台拒绝。
        """
        desk = self._desk(security, price, client_order_id, strategy_name, remark)
        wanted = numbers.whole(amount)
        if wanted is None or not 0 <= wanted <= arguments.MAX_VOLUME:
            raise UsageError("amount", amount, "应为不小于 0 的整数（股/份/张），清掉写 0")
        return desk.done() or desk.reach(wanted)

    def order_target_value(
        self,
        security: str,
        value: float | Decimal,
        price: float | Decimal | None = None,
        *,
        client_order_id: str | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> types.EntrustResult | None:
        """调到这么多市值：``value`` 不小于 0，元，0 是清掉；其余同 `order_value`。"""
        desk = self._desk(security, price, client_order_id, strategy_name, remark)
        wanted = _yuan("value", value)
        if wanted < 0:
            raise UsageError("value", value, "不能小于 0，清掉写 0")
        return desk.done() or desk.worth(wanted)

    def order_target_percent(
        self,
        security: str,
        percent: float | Decimal,
        price: float | Decimal | None = None,
        *,
        client_order_id: str | None = None,
        strategy_name: str = "",
        remark: str = "",
    ) -> types.EntrustResult | None:
        """调到总资产的这个比例：``percent`` 在 0 到 1 之间，0 是清掉；其余同 `order_value`。"""
        desk = self._desk(security, price, client_order_id, strategy_name, remark)
        share = _share("percent", percent, 0)
        return desk.done() or desk.worth(desk.part(share))

    def _desk(
        self,
        security: str,
        price: float | Decimal | None,
        client_order_id: str | None,
        strategy_name: str,
        remark: str,
    ) -> _Desk:
        target = arguments.security(security)
        if target.kind not in planning.PLANNED_KINDS:
            told = f"{target.kind.value}不能用一句话下单，请用 buy / sell"
            raise UsageError("security", security, told)
        limit = None if price is None else arguments.price(price, target)
        texts = _Texts(client_order_id, strategy_name, remark)
        return _Desk(self._user, target, limit, texts)


guarded_class(Portfolio)


def _yuan(argument: str, value: object) -> int:
    """元 → 厘，向零取整。"""
    number = numbers.real(value)
    if number is None or abs(number) > goals.MAX_VALUE:
        raise UsageError(argument, value, "应为金额（元），如 50000")
    found = money_li(abs(value if isinstance(value, Decimal) else number))
    return -found if number < 0 else found


def _share(argument: str, value: object, least: int) -> float:
    number = numbers.real(value)
    if number is None or not least <= number <= 1:
        told = f"应为 {least} 到 1 之间的比例：30% 写 0.3"
        raise UsageError(argument, value, told)
    return number


class _Texts(NamedTuple):
    client_order_id: str | None
    strategy_name: str
    remark: str


class _Desk:
    """一次一句话下单：看一眼，算数量，下一笔。金额都是厘。"""

    def __init__(
        self, user: Facade, security: Security, limit: float | None, texts: _Texts
    ) -> None:
        self._user = user
        self._security = security
        self._limit = limit
        self._texts = texts

    def done(self, wanted: float = 0) -> types.EntrustResult | None:
        """这个 ``client_order_id`` 下过的那一笔；没有为 None。

        Args:
            wanted: 正的要买，负的要卖；0 是还不知道（调到多少的，做成了再算方向就反了）。

        Raises:
            UsageError: 那一笔是别的证券，或方向相反：同一个 id 用在了两件事上。
        """
        if self._texts.client_order_id is None:
            return None
        row = self._user.find_entrust(self._texts.client_order_id)
        if row is None:
            return None
        buys = row["order_type"] == OrderType.BUY
        if row["stock_code"] != self._security.stock_code or (wanted and (wanted > 0) != buys):
            told = (
                f"这个 id 已经用于另一笔：{'买入' if buys else '卖出'} {row['stock_code']} "
                f"{row['order_volume']}（委托 {row['order_id']}）；换一个 id，什么都没有发出"
            )
            raise UsageError("client_order_id", self._texts.client_order_id, told)
        return {"entrust_no": row["order_id"]}

    def part(self, share: float) -> int:
        """总资产的这个比例，厘。"""
        total = money_li(self._user.balance[0]["total_asset"])
        return int(abs(share) * total) * (1 if share > 0 else -1)

    def trade(self, value: int) -> types.EntrustResult | None:
        """买（负的卖）这么多钱的。"""
        if value == 0:
            return None
        quote = self._quote()
        if value > 0:
            return self._buy(quote, self._affordable(quote, value))
        price = self._price(quote, buys=False)
        held, usable = self._held()
        wanted = -value // price
        return self._sell(quote, wanted, usable, clears=wanted >= held)

    def worth(self, value: int) -> types.EntrustResult | None:
        """调到这么多市值。"""
        held, usable = self._held()
        quote = self._quote()
        if not value:
            return self._sell(quote, held, usable, clears=True)
        last = price_li(quote["last"]) or price_li(quote["pre_close"])
        more = value - held * last
        if more > 0:
            return self._buy(quote, self._affordable(quote, more))
        return self._sell(quote, -more // self._price(quote, buys=False), usable, clears=False)

    def reach(self, amount: int) -> types.EntrustResult | None:
        """调到这么多股。"""
        held, usable = self._held()
        if amount == held:
            return None
        quote = self._quote()
        if amount > held:
            return self._buy(quote, amount - held)
        return self._sell(quote, held - amount, usable, clears=not amount)

    # ---- 看

    def _quote(self) -> types.Quote:
        code = self._security.stock_code
        return self._user.quote([code])[code]

    def _held(self) -> tuple[int, int]:
        """持有与可卖。"""
        rows = [
            each for each in self._user.position if each["stock_code"] == self._security.stock_code
        ]
        held = sum(int(each["volume"] or 0) for each in rows)
        usable = sum(int(each["can_use_volume"] or 0) for each in rows)
        return held, max(0, min(usable, held))

    def _price(self, quote: types.Quote, *, buys: bool) -> int:
        """委托价，厘：给了的，或对手方最优价；没有盘口是最新价。"""
        if self._limit is not None:
            return price_li(self._limit)
        found = best_li(quote["asks" if buys else "bids"])
        found = found or price_li(quote["last"]) or price_li(quote["pre_close"])
        if not found:
            code = self._security.stock_code
            raise QueryFailedError(f"{code} 没有价格，请给出 price")
        return found

    def _rules(self) -> Rules:
        day = beijing_day(pace.current().now())
        found = RuleBook().rules(self._security, day)
        assert found is not None  # 进来时看过品种
        return found

    # ---- 算、下

    def _affordable(self, quote: types.Quote, value: int) -> int:
        """连费用不超过 ``value``、也不超过可用资金的最大数量。"""
        value = min(value, money_li(self._user.balance[0]["cash"]))
        price, lot = self._price(quote, buys=True), self._rules().lot
        day = beijing_day(pace.current().now())
        rates = FeeSchedule().rates(self._security, True, day)
        [ladder] = buyable(max(value // price, 0), *lot)
        for volume in reversed(ladder):
            if volume * price + rates.total(volume * price) <= value:
                return volume
        return 0

    def _buy(self, quote: types.Quote, wanted: int) -> types.EntrustResult | None:
        rules = self._rules()
        [ladder] = buyable(wanted, *rules.lot)
        if not ladder:
            self._tell(f"不够买一手（{rules.lot.minimum}），没有下单")
            return None
        volume = self._within(ladder[-1], rules)
        price = self._price(quote, buys=True) / 1000
        return self._user.buy(self._security.stock_code, price, volume, **self._texts._asdict())

    def _sell(
        self, quote: types.Quote, wanted: int, usable: int, *, clears: bool
    ) -> types.EntrustResult | None:
        rules = self._rules()
        if wanted > usable:
            then = "卖可卖的" if usable else "没有下单"
            self._tell(f"要卖 {wanted}，可卖 {usable}（当天买的、冻结的不能卖），{then}")
        ladders = sellable(usable, *rules.lot)
        most = usable if clears else min(wanted, usable)
        if not clears:
            ladders = ladders[:1]  # 不带零股
        volumes = [volume for ladder in ladders if (volume := _largest(ladder, most))]
        if not volumes:
            if wanted and usable:
                self._tell(f"要卖 {wanted}，不足一手，没有下单")
            return None
        volume = self._within(max(volumes), rules)
        price = self._price(quote, buys=False) / 1000
        return self._user.sell(self._security.stock_code, price, volume, **self._texts._asdict())

    def _within(self, volume: int, rules: Rules) -> int:
        most = rules.size.limit
        if volume > most:
            told = f"一笔最多 {most}，要分成几笔的用 order_target_portfolio 或 adjust_weights"
            raise UsageError("amount", volume, told)
        return volume

    def _tell(self, text: str) -> None:
        logger.warning("{}：{}", self._security.stock_code, text)


def _largest(ladder: range, most: int) -> int:
    """这一列里不超过 ``most`` 的最大的；没有为 0。"""
    end = min(ladder.stop, most + 1)
    return range(ladder.start, end, ladder.step)[-1] if end > ladder.start else 0
