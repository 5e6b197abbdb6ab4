"""算计划：账户、行情、目标 → 要下的单、跳过的与为什么。纯的：不问谁，不看钟。

一只一只地：目标是多少市值 → 往哪个方向（在目标之下只买，之上只卖）→ 有没有做不了的原因 →
可以做哪些数量（手数、零股、可卖、每日上限、最小金额）→ 一起取整（`lots`）→ 拆成不超过一笔上限的单。

价：估值用最新价；买按卖一、卖按买一估算成交，算够不够钱时再各加一点余地（`cushion`）。
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader import arguments
from easytrader.basics import numbers
from easytrader.basics.beijing import OFFSET_S, beijing_day
from easytrader.codes import BUY_TYPES, FINAL_STATUSES
from easytrader.errors import UsageError
from easytrader.market.rules import RuleBook
from easytrader.market.rules.facts import Facts, Period
from easytrader.market.rules.tables import STOCKS
from easytrader.market.symbols import Kind, Security, parse_security
from easytrader.rebalance import targets as goals
from easytrader.rebalance.lots import Choice, choose
from easytrader.rebalance.model import CASH, SIDE_NAMES
from easytrader.rebalance.planfile import Plan, schedule_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from easytrader import types
    from easytrader.market.rules import Lot, Rules
    from easytrader.market.rules.fees import FeeSchedule
    from easytrader.rebalance.model import (
        Account,
        By,
        Others,
        PlanOrder,
        Rule,
        Side,
        Skipped,
        WeightRow,
    )

CUSHION: Final = 0.002
"""买按卖一加千分之二、卖按买一减千分之二算够不够钱：从做计划到成交，价格会走一点。"""

PLANNED_KINDS: Final = frozenset(
    {
        Kind.STOCK, Kind.CDR, Kind.ETF, Kind.BOND_ETF, Kind.MONEY_ETF, Kind.GOLD_ETF,
        Kind.CROSS_BORDER_ETF, Kind.COMMODITY_ETF, Kind.LOF, Kind.CLOSED_FUND, Kind.REIT,
        Kind.CONVERTIBLE,
    }
)  # fmt: skip
"""B 股不是人民币，债券是净价，逆回购、申购代码不是持仓：都不在内。"""

_NOTED_SCALE: Final = 0.9995
_MOST_ASKED: Final = Fraction(105, 100)
"""股数、金额的目标合计最多是总资产的几倍：写的时候与做的时候价格会差一些。"""
_OPEN_S: Final = 9 * 3600 + 1800
_CLOSE_S: Final = 15 * 3600


@dataclass(frozen=True, slots=True)
class Options:
    """怎样算；都写进计划里。

    Attributes:
        by: 只给了数的目标，单位是什么；写进计划的是真的用了的单位，不止一种是 ``mixed``。
        cash_buffer: 要留的现金：小于 1 是占总资产的比例，不小于 1 是元。
        others: 目标里没有写的持仓，``close`` 清掉，``keep`` 留着。
        min_turnover: 一只的金额不到这么多就不调：小于 1 是占总资产的比例，不小于 1 是元。
        cushion: 算够不够钱时，价格往坏处放宽多少（比例）。
        commission: 佣金的比例，含规费。
        min_commission: 每笔最低佣金，元。
        risk_warned: 风险警示股票的代码（持仓里名称带 ST 的不必写），有每日买入上限。
    """

    by: By = "weight"
    cash_buffer: float = 0.0
    others: Others = "close"
    min_turnover: float = 0.0
    cushion: float = CUSHION
    commission: float = 0.00025
    min_commission: float = 5.0
    risk_warned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.others not in ("close", "keep"):
            raise UsageError("others", self.others, "应为 'close'（清掉）或 'keep'（留着）")
        for name, most in (
            ("cash_buffer", 1e12), ("min_turnover", 1e12), ("cushion", 0.1),
            ("commission", 0.01), ("min_commission", 1000.0),
        ):  # fmt: skip
            number = numbers.real(getattr(self, name))
            if number is None or not 0 <= number <= most:
                raise UsageError(name, getattr(self, name), f"应为 0 到 {most:g} 之间的数")
            object.__setattr__(self, name, number)
        warned: tuple[str, ...] = ()
        if self.risk_warned:
            warned = tuple(each.stock_code for each in arguments.codes(self.risk_warned).values())
        object.__setattr__(self, "risk_warned", tuple(sorted(set(warned))))

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Options:
        """关键字参数 → 选项；认不得的名字不收。"""
        for name, value in told.items():
            if name not in OPTIONS:
                raise UsageError(name, value, f"没有这个选项，有 {'、'.join(OPTIONS)}")
        return cls(**told)

    def schedule(self) -> FeeSchedule:
        """收费标准。"""
        return schedule_of(self.commission, self.min_commission)


OPTIONS: Final = tuple(each.name for each in fields(Options))
"""选项的名字。"""


def plan(
    account: Account,
    quotes: Mapping[str, types.Quote],
    targets: object,
    *,
    now: float,
    **options: Any,
) -> Plan:
    """目标 → 计划。

    Args:
        account: ``{"balance": user.balance, "position": user.position,
            "entrusts": user.today_entrusts}``。
        quotes: `user.quote` 的返回；少了的那几只跳过（``no_quote``）。
        targets: ``{代码: 数}`` 或 ``{代码: Target}``，见 `targets.of`。
        now: 现在，Unix 秒。
        **options: 见 `Options`：``by cash_buffer others min_turnover cushion commission
            min_commission risk_warned``。

    Raises:
        UsageError: 目标、选项不对；账户里没有资产。
    """
    chosen = Options.of(options)
    return _Planning(account, quotes, goals.of(targets, chosen.by), now, chosen).run()


@dataclass(slots=True)
class _Line:
    """一只证券。价格、金额都是整数厘。"""

    security: Security
    goal: goals.Target | None = None
    held: int = 0
    usable: int = 0
    book: int = 0
    """柜台给的市值：没有行情时用它。"""
    last: int = 0
    buy_at: int = 0
    sell_at: int = 0
    up: int = 0
    down: int = 0
    rules: Rules | None = None
    target: int = 0
    """目标市值。要的比有的多时，是缩小以后的。"""
    fixed: bool = False
    """这次不动它。"""
    side: Side = "buy"
    after: int = 0
    choice: Choice | None = None

    @property
    def code(self) -> str:
        return self.security.stock_code

    @property
    def lot(self) -> Lot:
        return cast("Rules", self.rules).lot

    @property
    def most(self) -> int:
        """一笔的上限：限价、市价取小的，用哪一种下单都行。"""
        return min(cast("Rules", self.rules).size)

    def capped(self, price: int) -> int:
        """不越过涨跌停的价。"""
        return max(min(price, self.up or price), self.down, 1)

    @property
    def value(self) -> int:
        return self.last * self.held if self.last else self.book

    @property
    def stuck(self) -> int:
        """卖不掉的那些的市值。"""
        return self.last * (self.held - self.usable)

    @property
    def exact(self) -> float:
        """正好合乎目标的数量，没有取整。"""
        if self.last:
            return self.target / self.last
        return 0.0 if not self.target else float(self.held)

    @property
    def wanted(self) -> int:
        """与现在差多少股，取整。"""
        return round(abs(self.exact - self.held))


class _Planning:
    def __init__(
        self,
        account: Account,
        quotes: Mapping[str, types.Quote],
        wanted: Mapping[str, tuple[Security, goals.Target]],
        now: float,
        options: Options,
    ) -> None:
        self._options = options
        self._now = now
        self._day = beijing_day(now)
        self._schedule = options.schedule()
        self._quotes = {each["stock_code"]: each for each in quotes.values()}
        self._skipped: list[Skipped] = []
        self._notes: list[str] = []
        self._share = 1.0
        units = {goal.by for _, goal in wanted.values()}
        self._unit = units.pop() if len(units) == 1 else "mixed"
        self._read_account(account)
        self._open, self._bought = _orders_of(account.get("entrusts") or ())
        self._lines = self._read_lines(account["position"], wanted)

    # ---- 读

    def _read_account(self, account: Account) -> None:
        rows = account["balance"]
        if not rows:
            raise UsageError("account", rows, "没有资金的记录")
        row = rows[0]
        self._account_id = row["account_id"]
        self._total = money_li(row["total_asset"])
        self._cash = money_li(row["cash"])
        self._frozen = money_li(row["frozen_cash"])
        if self._total <= 0:
            raise UsageError("account", row["total_asset"], "账户里没有资产，没有什么可以调")
        self._buffer = self._part(self._options.cash_buffer)
        if self._buffer > self._total:
            told = f"要留的比总资产 {self._total / 1000:,.2f} 元还多；小于 1 是比例，不小于 1 是元"
            raise UsageError("cash_buffer", self._options.cash_buffer, told)
        self._least = self._part(self._options.min_turnover)

    def _part(self, amount: float) -> int:
        """小于 1 是占总资产的比例，否则是元 → 厘。"""
        share = Fraction(repr(amount))
        return math.floor(share * (self._total if amount < 1 else 1000))

    def _read_lines(
        self,
        position: Iterable[types.Position],
        wanted: Mapping[str, tuple[Security, goals.Target]],
    ) -> list[_Line]:
        found = {code: _Line(security, goal) for code, (security, goal) in wanted.items()}
        warned = set(self._options.risk_warned)
        for row in position:
            volume, code = int(row["volume"] or 0), row["stock_code"]
            if volume <= 0:
                continue
            if code not in found:
                try:
                    found[code] = _Line(parse_security(code))
                except UsageError:
                    self._notes.append(f"不认得持仓里的 {code}，没有动它")
                    continue
            line = found[code]
            line.held += volume
            line.usable += max(0, min(int(row["can_use_volume"] or 0), volume))
            line.book += money_li(row["market_value"])
            if "ST" in (row.get("security_name") or "").upper():
                warned.add(code)
        book, marked = RuleBook(), RuleBook(dict.fromkeys(warned, _WARNED))
        for code, line in found.items():
            line.rules = (marked if code in warned else book).rules(line.security, self._day)
        return list(found.values())

    # ---- 一步一步

    def run(self) -> Plan:
        for line in self._lines:
            self._price(line)
            self._aim(line)
        self._check_asked()
        self._scale()
        active = [line for line in self._lines if self._ready(line)]
        chosen = choose([cast("Choice", line.choice) for line in active], self._cash - self._buffer)
        if not chosen.enough:
            self._notes.append("现金留不足要留的：能卖的都卖，一笔也不买")
        for line, volume in zip(active, chosen.volumes, strict=True):
            line.after = line.held + (volume if line.side == "buy" else -volume)
            self._tell_left(line, volume)
        return self._plan(math.sqrt(chosen.error), math.sqrt(chosen.bound))

    def _price(self, line: _Line) -> None:
        """行情里的价。"""
        line.after = line.held
        quote = self._quotes.get(line.code)
        if quote is None:
            return
        line.last = price_li(quote["last"]) or price_li(quote["pre_close"])
        line.up, line.down = price_li(quote["limit_up"]), price_li(quote["limit_down"])
        line.buy_at = line.capped(best_li(quote["asks"]) or line.last)
        line.sell_at = line.capped(best_li(quote["bids"]) or line.last)

    def _aim(self, line: _Line) -> None:
        """目标市值，与这只动不动得了。"""
        goal = line.goal
        if goal is None and self._options.others == "keep":
            line.target, line.fixed = line.value, True
            self._skip(line, "not_named", "目标里没有写，留着", "sell", line.held)
            return
        if goal is None:
            line.target = 0
        elif goal.by == "shares":
            line.target = line.last * int(goal.amount)
        else:
            line.target = math.floor(goal.amount * (1000 if goal.by == "value" else self._total))
        self._block(line)

    def _block(self, line: _Line) -> None:
        """动不了的定下来，说为什么。"""
        line.side = "buy" if line.target > line.value else "sell"
        found = self._obstacle(line)
        if found is None:
            return
        line.fixed = True
        if line.target != line.value:
            self._skip(line, *found)

    def _obstacle(self, line: _Line) -> tuple[Rule, str] | None:
        quote = self._quotes.get(line.code)
        if line.security.kind not in PLANNED_KINDS or line.rules is None:
            return "untradable", f"{line.security.kind.value}不能这样买卖"
        if not line.rules.exists:
            return "untradable", "没有这只证券了（换了代码或摘牌）"
        if line.code in self._open:
            return "open_order", "还有没完的委托，先撤掉或等它做完"
        if quote is None or not line.last:
            return "no_quote", "没有行情"
        asks, bids = best_li(quote["asks"]), best_li(quote["bids"])
        if not asks and not bids and self._dealing(quote):
            return "suspended", "停牌"
        if line.side == "buy" and not asks and 0 < line.up <= line.last:
            return "limit_up", "涨停，没有人卖"
        if line.side == "sell" and not bids and line.down > 0 and line.last <= line.down:
            return "limit_down", "跌停，没有人买"
        return None

    def _dealing(self, quote: types.Quote) -> bool:
        """两边都没有盘口，是不是停牌：有开盘价而没有成交，或正在交易的时间里。"""
        if quote["open"] is not None and not quote["volume"]:
            return True
        return _OPEN_S <= (self._now + OFFSET_S) % 86400 < _CLOSE_S

    def _check_asked(self) -> None:
        """股数、金额合计远多于总资产的不收：多半是给另一个账户写的，照比例缩了会把钱都买进去。"""
        asked = sum(line.target for line in self._lines if line.goal is not None)
        if self._unit == "weight" or asked <= self._total * _MOST_ASKED:
            return
        told = (
            f"比总资产 {self._total / 1000:,.2f} 元多出 {asked / self._total - 1:.0%}，"
            f"超过 {float(_MOST_ASKED - 1):.0%} 的不收：照这个账户写，或者写权重"
        )
        raise UsageError("targets", f"合计 {asked / 1000:,.2f} 元", told)

    def _scale(self) -> None:
        """要的比有的多（留了现金、有卖不掉的）时，各只按比例少要一些。"""
        movable = [line for line in self._lines if not line.fixed]
        room = self._cash - self._buffer + sum(line.value for line in movable)
        share, free = Fraction(1), movable
        while asked := sum(line.target for line in free):
            share = min(Fraction(max(room, 0), asked), Fraction(1))
            low = [line for line in free if line.target * share < line.stuck]
            if not low:
                break
            # 卖不掉的比该有的还多：占着它的，其余的分剩下的
            room -= sum(line.stuck for line in low)
            free = [line for line in free if line.target * share >= line.stuck]
        if share == 1:
            return
        if share < _NOTED_SCALE:
            self._notes.append(
                f"要的比可用的多（留的现金、动不了的也占着），各只按 {float(share):.2%} 配"
            )
        self._share = float(share)
        for line in movable:
            line.target = math.floor(line.target * share)
            self._block(line)

    def _ready(self, line: _Line) -> bool:
        """这只可以做哪些数量；不做的返回假。"""
        need = abs(line.target - line.value)
        if line.fixed or not need:
            return False
        if need < self._least:
            rule, word = ("threshold", "") if line.target else ("dust", "清仓也")
            told = f"{word}不到最小金额 {self._least / 1000:,.2f} 元"
            self._skip(line, cast("Rule", rule), told)
            return False
        buys, lot, most = line.side == "buy", line.lot, line.most
        ladders = buyable(self._allowed(line), *lot) if buys else sellable(line.usable, *lot)
        rates = self._schedule.rates(line.security, buys, self._day)
        cushion = Fraction(repr(self._options.cushion))
        cost = line.capped(
            math.ceil(line.buy_at * (1 + cushion)) if buys
            else math.floor(line.sell_at * (1 - cushion))
        )  # fmt: skip
        line.choice = Choice(
            line.last,
            need,
            buys,
            cost,
            _until(ladders, need, line.last, -(-self._least // line.last)),
            lambda volume: sum(rates.total(part * cost) for part in parts(volume, most, lot.step)),
            (
                rates.commission_ppm / 1e6,
                rates.commission_min_li,
                (rates.stamp_ppm + rates.transfer_ppm) / 1e6,
            ),
        )
        return True

    def _allowed(self, line: _Line) -> int:
        """最多还能买多少。"""
        cap = cast("Rules", line.rules).buy_cap
        return _MOST if cap is None else max(cap - self._bought.get(line.code, 0), 0)

    def _tell_left(self, line: _Line, volume: int) -> None:
        """没有做足的说为什么；只差取整的不说。"""
        choice = cast("Choice", line.choice)
        best, wanted, lot = choice.at(0), line.wanted, line.lot
        if line.side == "sell" and wanted > line.usable:
            # 都能卖的话会卖多少：不足一手的零头本来就不卖
            free = choice.with_ladders(_until(sellable(line.held, *lot), choice.need, line.last, 0))
            if (more := free.at(0) - best) > 0:
                told = f"可卖 {line.usable}（当天买的、冻结的不能卖）"
                self._skip(line, "t1", told, wanted=more)
        if line.side == "buy" and wanted > self._allowed(line):
            cap = cast("Rules", line.rules).buy_cap
            told = f"风险警示股票每天至多买入 {cap}"
            self._skip(line, "buy_cap", told, wanted=wanted - self._allowed(line))
        elif volume < best:
            self._skip(line, "cash", "钱不够", wanted=best - volume)
        elif line.goal is not None and line.goal.by == "shares" and volume:
            # 说了要多少股的，差一股也要说
            missed = round(line.exact - line.after)
            if missed and self._share == 1 and line.usable >= wanted * (line.side == "sell"):
                told = f"目标 {round(line.exact)} 不成整手，做到 {line.after}"
                self._skip(line, "below_lot", told, wanted=abs(missed))
        elif not best and self._matters(line):
            self._skip(line, "below_lot", f"只差 {wanted}，不足一手", wanted=wanted)

    def _matters(self, line: _Line) -> bool:
        """没有动的值不值得说：一点没有、或差到半手以上的；手里有而只差零头的，是平常的取整。"""
        if line.side == "sell" and not line.usable:
            return False
        return bool(line.wanted) and (not line.held or 2 * line.wanted >= line.lot.minimum)

    def _skip(
        self,
        line: _Line,
        rule: Rule,
        reason: str,
        side: Side | None = None,
        wanted: int | None = None,
    ) -> None:
        self._skipped.append(
            {
                "stock_code": line.code,
                "security": line.security.code,
                "side": side or line.side,
                "wanted": line.wanted if wanted is None else wanted,
                "reason": reason,
                "rule": rule,
            }
        )

    # ---- 写成计划

    def _plan(self, error: float, bound: float) -> Plan:
        orders = self._orders()
        bought = sum(money_li(each["value"]) for each in orders if each["side"] == "buy")
        sold = sum(money_li(each["value"]) for each in orders if each["side"] == "sell")
        fees = sum(money_li(each["fee"]) for each in orders)
        after = self._cash + sold - bought - fees
        return Plan.made(
            created=self._now,
            day=self._day.isoformat(),
            account_id=self._account_id,
            options={
                **asdict(self._options),
                "by": self._unit,
                "risk_warned": list(self._options.risk_warned),
            },
            orders=orders,
            skipped=self._skipped,
            weights=self._weights(after),
            holdings={line.code: line.held for line in self._lines if line.held},
            total_asset=self._total / 1000,
            cash_before=self._cash / 1000,
            cash_after=after / 1000,
            cash_buffer=self._buffer / 1000,
            fees=fees / 1000,
            turnover=_share(bought + sold, self._total),
            tracking_error=_share(error, self._total),
            bound=_share(bound, self._total),
            scale=self._share,
            notes=self._notes,
        )

    def _orders(self) -> list[PlanOrder]:
        """卖出在前；同一边金额大的在前。"""
        moved = [line for line in self._lines if line.after != line.held]
        moved.sort(key=lambda line: (line.side == "buy", -abs(line.after - line.held) * line.last))
        found: list[PlanOrder] = []
        for line in moved:
            buys = line.side == "buy"
            price = line.buy_at if buys else line.sell_at
            rates = self._schedule.rates(line.security, buys, self._day)
            for volume in parts(abs(line.after - line.held), line.most, line.lot.step):
                found.append(
                    {
                        "id": len(found),
                        "stock_code": line.code,
                        "security": line.security.code,
                        "side": line.side,
                        "side_name": SIDE_NAMES[line.side],
                        "volume": volume,
                        "price": price / 1000,
                        "value": price * volume / 1000,
                        "fee": rates.total(price * volume) / 1000,
                        "reason": _reason(line),
                        "before": line.held,
                        "target": round(line.exact, 2),
                        "after": line.after,
                    }
                )
        return found

    def _weights(self, cash_after: int) -> list[WeightRow]:
        keep = self._options.others == "keep"
        found: list[WeightRow] = []
        for line in self._lines:
            after = line.last * line.after if line.last else line.value
            found.append(
                {
                    "stock_code": line.code,
                    "before": _share(line.value, self._total),
                    "target": None
                    if line.goal is None and keep
                    else _share(line.target, self._total),
                    "after": _share(after, self._total),
                }
            )
        found.append(
            {
                "stock_code": CASH,
                "before": _share(self._cash + self._frozen, self._total),
                "target": None,
                "after": _share(cash_after + self._frozen, self._total),
            }
        )
        return found


_WARNED: Final = Facts(risk_warning=(Period(date.min),))
_MOST: Final = arguments.MAX_VOLUME


def buyable(most: int, minimum: int, step: int) -> list[range]:
    """可以买的数量：从最少的起，一步一步到 ``most``。"""
    return [range(minimum, most + 1, step)]


def sellable(usable: int, minimum: int, step: int) -> list[range]:
    """可以卖的数量：一手一手的，零股一次卖完、可以和整手一起；一股一股递增的，不足最少时一次卖完。

    Args:
        usable: 可卖的，股/份/张。
        minimum: 最少。
        step: 递增。
    """
    if step == 1:
        return [range(min(minimum, usable) or 1, usable + 1)]
    odd = usable % step
    return [range(step, usable + 1, step), *([range(odd, usable + 1, step)] if odd else [])]


def _until(ladders: Iterable[range], need: int, price: int, least: int) -> list[range]:
    """各列只留到刚好够的那一个为止；``least`` 以下的不要。"""
    enough = -(-need // price)
    reached = [
        ladder.start + max(-(-(enough - ladder.start) // ladder.step), 0) * ladder.step
        for ladder in ladders
    ]
    there = [last for last, ladder in zip(reached, ladders, strict=True) if last in ladder]
    end = min(there, default=_MOST)
    found = []
    for ladder in ladders:
        skipped = max(-(-(least - ladder.start) // ladder.step), 0)
        start = ladder.start + skipped * ladder.step
        found.append(range(start, min(ladder.stop, end + 1), ladder.step))
    return found


def parts(volume: int, most: int, step: int) -> list[int]:
    """一笔装不下的分成差不多大的几笔；零股在最后一笔。"""
    count = -(-volume // most)
    if count <= 1:
        return [volume] if volume else []
    whole, odd = divmod(volume, step)
    each, more = divmod(whole, count)
    found = [(each + (k < more)) * step for k in range(count)]
    found[-1] += odd
    return found


def _orders_of(entrusts: Iterable[types.Entrust]) -> tuple[set[str], dict[str, int]]:
    """还有没完的委托的证券；今天各买了多少。"""
    alive: set[str] = set()
    bought: dict[str, int] = {}
    for row in entrusts:
        code = row["stock_code"]
        if row["order_status"] not in FINAL_STATUSES:
            alive.add(code)
        if row["order_type"] in BUY_TYPES:
            bought[code] = bought.get(code, 0) + int(row["traded_volume"])
    return alive, bought


def _reason(line: _Line) -> str:
    if line.goal is None:
        return "目标里没有写，清掉"
    if not line.goal.amount:
        return "目标是 0，清掉"
    amount = line.goal.amount
    if line.goal.by == "weight":
        return f"目标 {float(amount * 100):g}%"
    if line.goal.by == "value":
        return f"目标 {amount:,.2f} 元"
    kind = line.security.kind
    unit = "张" if kind is Kind.CONVERTIBLE else "股" if kind in STOCKS else "份"
    return f"目标 {int(amount)} {unit}"


def best_li(levels: Iterable[tuple[Any, Any]]) -> int:
    """最好的一档的价，厘；没有为 0。"""
    for price, volume in levels:
        if price and volume:
            return price_li(price)
    return 0


def price_li(price: Any) -> int:
    """价格，元 → 厘；没有的为 0。"""
    number = numbers.real(price)
    return round(number * 1000) if number is not None and number > 0 else 0


def money_li(yuan: Any) -> int:
    """元 → 厘，向下取整（浮点的尾差先抹去）；不是数的算 0。"""
    return math.floor(round(Decimal(numbers.exact(yuan)) * 1000, 3))


def _share(part: float, whole: int) -> float:
    return round(part / whole, 10)
