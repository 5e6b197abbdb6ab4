"""下单之前先看：要多少钱、哪里不对、风控和令牌许不许。什么都不发出，什么都不占用。

把那个动词真的做到风控之前为止：参数的校验、能不能做这种委托，与真的下单是同一段代码。
其后的检查只问不占：风控的规则与剩余的笔数、令牌的上限、停单开关。费用、价格笼子照
`easytrader.market.rules` 的带日期表（纯计算，模拟柜台收费也是它）；真的收多少以柜台为准。
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, Protocol, TypedDict

from easytrader.basics import numbers
from easytrader.basics.beijing import beijing_now
from easytrader.codes import BUY_TYPES, OrderType, PriceType, order_type_name
from easytrader.errors import EasytraderError, QueryFailedError, RiskRefusedError, UsageError
from easytrader.jobs.gate import market_gate
from easytrader.market.rules import rules_for
from easytrader.market.rules.cage import cage_limit, reference_price
from easytrader.market.rules.fees import FeeSchedule, yuan
from easytrader.market.rules.tables import scope_of
from easytrader.market.symbols import Kind
from easytrader.market.units import units_of
from easytrader.orders import admission
from easytrader.orders.router import MarketView
from easytrader.risk.rules import Rules as GuardRules
from easytrader.risk.rules import order_value
from easytrader.sim.config.folder import SimFolder, is_sim_folder
from easytrader.trader import Trader, engine_of
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from easytrader.backend.records import OrderRequest, Quote
    from easytrader.backend.session import Session
    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security
    from easytrader.risk import GuardPost

_USUAL: Final = FeeSchedule()


class Problem(TypedDict):
    """一处不对。

    ``stops`` 为真：一定下不成，按了也是白按；为假：柜台、交易所多半会拒绝，由人决定。
    """

    rule: str
    text: str
    stops: bool


class Fees(TypedDict):
    """估算的费用，元。"""

    commission: float
    stamp: float
    transfer: float
    total: float
    told: str


class Preview(TypedDict, total=False):
    """`preview` 的返回；参数还不对时只有 ``ok`` 与 ``problems``。"""

    ok: bool
    problems: list[Problem]
    stock_code: str
    side: Literal["buy", "sell"]
    side_name: str
    volume: int | float
    price: float
    """成交在这个价时的估算：限价是委托价，市价是对手方最优价，没有盘口是最新价。"""
    value: float
    value_told: str
    fees: Fees | None
    net: float
    """买入要付、卖出到手多少，元，连费用。"""
    cash: float | None
    usable: int | float | None
    last: float | None
    limit_up: float | None
    limit_down: float | None


class Gate(Protocol):
    """令牌与停单开关的关口（`caps.TokenGate`）。"""

    def look(self, request: OrderRequest, view: MarketView, /) -> list[RiskRefusedError]:
        """真的下单时会拒绝的，一样也不占。"""


class _SeenError(EasytraderError):
    """走到关口了：带回校验过的委托，不再往下。"""

    def __init__(self, request: OrderRequest) -> None:
        super().__init__("只是看看")
        self.request = request


class _Look:
    """一道谁也不放过的关口。"""

    def admit(self, request: OrderRequest, view: object, deadline: float) -> None:
        """到这里为止。"""
        raise _SeenError(request)

    def last(self, request: OrderRequest | None) -> None:
        """撤单没有什么要先看的。"""
        raise UsageError("verb", "撤单", "只能先看委托")


class _Known(NamedTuple):
    """查到的；查不到的为 None，各有一句为什么。"""

    quote: Quote | None
    cash: Decimal | None
    usable: Any
    account_type: int
    why: list[str]


def preview(
    user: Trader,
    verb: object,
    kwargs: object,
    gate: Gate,
    guards: Sequence[GuardPost] = (),
    day: date | None = None,
) -> Preview:
    """一笔委托，先看看。

    Args:
        user: 交易口。
        verb: 动词的名字，如 ``buy``。
        kwargs: 它的参数，与真的下单时一样。
        gate: 令牌与停单开关的关口。
        guards: 另外的风控岗（连接自己的）；交易口自己的不必给。
        day: 哪一天的规则；默认是今天（北京时间）。

    Raises:
        UsageError: 不是一个下单的动词，``kwargs`` 不是字典，或这个后端先看不了（`can_preview`）。
        NotConnectedError: 没有可用会话。
    """
    found = verbs.find(verb)
    if found is None or found.effect is not verbs.Effect.ORDER or found.is_async:
        raise UsageError("verb", verb, "应为一个下单的动词，如 'buy'、'market_sell'")
    if not isinstance(kwargs, dict) or not all(isinstance(each, str) for each in kwargs):
        raise UsageError("kwargs", kwargs, "应为参数的字典，如 {'security': '600036', ...}")
    if not can_preview(user, found.name):
        raise UsageError("verb", verb, f"{type(user).__name__} 自己写了它，先看不了")
    session = engine_of(user).session
    try:
        request = _look(user, found, kwargs)
    except UsageError as exc:
        return {"ok": False, "problems": [_problem(exc.argument, str(exc), stops=True)]}
    day = day or beijing_now().date()
    view, known = MarketView(session), _ask(session, request)
    size = view.multiplier(request.security.stock_code)
    told = _sums(request, known, day, _schedule(user), size)
    problems = [
        *(_problem(each.rule, str(each), stops=True) for each in gate.look(request, view)),
        *_guarded(user, request, view, guards),
        *_board_problems(user, request, known, day),
        *_short(request, told, known),
        *_closed(user, request, found),
        *(_problem("unknown", why) for why in known.why),
    ]
    told["problems"] = problems
    told["ok"] = not any(each["stops"] for each in problems)
    return told


def can_preview(user: Trader, verb: str) -> bool:
    """做到风控之前就停得住：动词是引擎的那一份。

    后端自己写的（远程的发到服务器上去）停不住，看一看就真的下了单。
    """
    group, _, name = verb.rpartition(".")
    if group:
        return getattr(type(user), "server", None) is None
    return getattr(type(user), name, None) is getattr(Trader, name)


def _look(user: Trader, verb: verbs.Verb, kwargs: dict[str, Any]) -> OrderRequest:
    # 没有 client_order_id：不碰委托记录
    given = {name: value for name, value in kwargs.items() if name != "client_order_id"}
    try:
        with admission.through(_Look()):
            verbs.invoke(user, verb, [], given)
    except _SeenError as seen:
        return seen.request
    except TypeError as exc:
        raise UsageError("kwargs", given, f"{verb.name} 的参数：{exc}") from None
    raise AssertionError(f"{verb.name} 没有经过关口")


def _problem(rule: str, text: str, *, stops: bool = False) -> Problem:
    return {"rule": rule, "text": text, "stops": stops}


# ---- 查


def _ask(session: Session, request: OrderRequest) -> _Known:
    code, why = request.security.stock_code, list[str]()

    def ask(what: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except QueryFailedError as exc:
            why.append(f"查不到{what}，这一项没有核对：{exc}")
            return None

    quotes = ask("行情", lambda: session.quotes([code]))
    asset = ask("资金", session.asset)
    rows = None if _buys(request) else ask("持仓", session.positions)
    usable = None
    if rows is not None:
        usable = sum(numbers.exact(row.can_use_volume) for row in rows if row.stock_code == code)
    cash = None if asset is None else Decimal(numbers.exact(asset.cash))
    kind = 0 if asset is None else asset.account_type
    return _Known(quotes[0] if quotes else None, cash, usable, kind, why)


# ---- 算


def _buys(request: OrderRequest) -> bool:
    return request.order_type in BUY_TYPES


def _is_limit(request: OrderRequest) -> bool:
    return request.price_type == PriceType.FIX


def _exact(value: Any) -> Decimal:
    return Decimal(numbers.exact(value))


def _likely_price(request: OrderRequest, quote: Quote | None) -> tuple[Decimal | None, str]:
    """按什么价估算，怎么说。"""
    if _is_limit(request):
        return _exact(request.price), "委托价"
    if quote is None:
        return None, ""
    best = (quote.asks if _buys(request) else quote.bids)[:1]
    for price, told in ((best[0][0] if best else 0, "对手方最优价"), (quote.last, "最新价")):
        if price:
            return _exact(price), told
    return None, ""


def _value(request: OrderRequest, price: Decimal | None, size: Number) -> Decimal | None:
    if price is None and request.money is None and request.security.kind is not Kind.REPO:
        return None
    return order_value(request, lambda: (price or Decimal(0), ""), size)[0]


def _sums(
    request: OrderRequest, known: _Known, day: date, fees: FeeSchedule, size: Number
) -> Preview:
    quote, buys = known.quote, _buys(request)
    price, how = _likely_price(request, quote)
    value = _value(request, price, size)
    told: Preview = {
        "stock_code": request.security.stock_code,
        "side": "buy" if buys else "sell",
        "side_name": order_type_name(request.order_type, known.account_type),
        "volume": request.volume if isinstance(request.volume, int) else float(request.volume),
        "fees": None,
        "cash": None if known.cash is None else float(known.cash),
        "usable": None if known.usable is None else float(known.usable),
        "last": _plain(quote and quote.last),
        "limit_up": _plain(quote and quote.limit_up),
        "limit_down": _plain(quote and quote.limit_down),
    }
    if price is not None:
        told["price"] = float(price)
    if value is not None:
        told["value"] = float(round(value, 2))
        told["value_told"] = how
        cost = told["fees"] = _fees(request.security, value, buys, day, fees)
        extra = Decimal(repr(cost["total"])) if cost else Decimal(0)
        told["net"] = float(round(value + extra if buys else value - extra, 2))
    return told


def _plain(value: Any) -> float | None:
    return None if value is None else float(value)


def _fees(
    security: Security, value: Decimal, buys: bool, day: date, schedule: FeeSchedule
) -> Fees | None:
    if scope_of(security) is None:
        return None  # 期货、数字货币……这张表里没有
    rates = schedule.rates(security, buys, day)
    amount = int(value * 1000)
    total = rates.total(amount)
    commission = rates._replace(stamp_ppm=0, transfer_ppm=0).total(amount)
    stamp = rates._replace(commission_ppm=0, commission_min_li=0, transfer_ppm=0).total(amount)
    ppm, least = rates.commission_ppm, yuan(rates.commission_min_li)
    told = f"佣金按万分之 {ppm / 100:g}" + (f"、最低 {least:g} 元" if least else "") + "估算"
    return {
        "commission": yuan(commission),
        "stamp": yuan(stamp),
        "transfer": yuan(total - commission - stamp),
        "total": yuan(total),
        "told": f"{told}，以券商实收为准",
    }


def _schedule(user: Trader) -> FeeSchedule:
    """模拟的柜台照它自己的佣金；真的客户端不说，按常见的估。"""
    path = engine_of(user).path
    if not path or not is_sim_folder(Path(path)):
        return _USUAL
    config = SimFolder.open(Path(path)).config
    return FeeSchedule(config.commission_ppm, config.commission_min_li)


# ---- 风控：只问，不占


def _guarded(
    user: Trader, request: OrderRequest, view: MarketView, guards: Sequence[GuardPost]
) -> Iterable[Problem]:
    engine = engine_of(user)
    parse = engine.capabilities.instruments.security
    for post in (engine.orders.post, *guards):
        if post is None:
            continue
        try:
            GuardRules(post.guard, parse).check(request, view)
        except RiskRefusedError as exc:
            yield _problem(exc.rule, str(exc), stops=True)
        yield from _used_up(post)


def _used_up(post: GuardPost) -> Iterable[Problem]:
    """笔数满了没有；一秒的不算：等一等就有。"""
    guard, now = post.guard, post.status()
    for rule, used, most, what in (
        ("max_orders_per_minute", now["orders_this_minute"], guard.max_orders_per_minute, "一分钟"),
        ("max_per_day", now["sent_today"], guard.max_orders_per_day, "今天"),
    ):
        if most is not None and used is not None and used >= most:
            text = f"风控（{rule}）：{what}已经发了 {used} 笔，上限 {most} 笔"
            yield _problem(rule, text, stops=True)


# ---- 柜台、交易所多半会拒绝的


def _board_problems(
    user: Trader, request: OrderRequest, known: _Known, day: date
) -> Iterable[Problem]:
    if request.money is not None:
        return
    doubts = engine_of(user).capabilities.instruments.doubts
    for text in doubts(request.order_type, request.security, request.price, request.volume):
        yield _problem("board", text)
    yield from _odd_lot(request, known)
    if known.quote is not None and _is_limit(request):
        yield from _price_problems(request, known.quote, day)
    rules = rules_for(request.security, day)
    if rules is None:
        return
    most = rules.size.limit if _is_limit(request) else rules.size.market
    if request.volume > most:
        yield _problem("size", f"一笔最多 {most}，要分成几笔")
    if not _is_limit(request) and not rules.market_types:
        yield _problem("market", f"{request.security.stock_code} 没有市价委托")


def _odd_lot(request: OrderRequest, known: _Known) -> Iterable[Problem]:
    """卖出的零头只能一次卖完。"""
    if _buys(request) or known.usable is None or scope_of(request.security) is None:
        return
    lot, step, _ = units_of(request.security)
    volume = request.volume
    if volume >= lot and (volume - lot) % step == 0:
        return
    odd = known.usable % step if step > 1 else known.usable
    sold = volume % step if step > 1 else volume
    if not (odd and sold == odd and (step > 1 or known.usable < lot)):
        text = f"不足 {lot} 的零头只能一次卖完（可用 {known.usable}），柜台可能拒绝"
        yield _problem("odd_lot", text)


def _price_problems(request: OrderRequest, quote: Quote, day: date) -> Iterable[Problem]:
    price = _exact(request.price)
    low, high = quote.limit_down, quote.limit_up
    if high is not None and price > _exact(high):
        yield _problem("price_limit", f"委托价 {price} 高于涨停价 {high:g}，会成废单")
        return
    if low is not None and price < _exact(low):
        yield _problem("price_limit", f"委托价 {price} 低于跌停价 {low:g}，会成废单")
        return
    yield from _cage_problem(request, quote, day)


def _cage_problem(request: OrderRequest, quote: Quote, day: date) -> Iterable[Problem]:
    rules = rules_for(request.security, day)
    if rules is None or rules.cage is None:
        return
    buys, price = _buys(request), _li(request.price)
    last = _li(quote.last or quote.pre_close or 0)
    asks, bids = (_levels(side) for side in (quote.asks, quote.bids))
    reference = reference_price(buys, asks, bids, last)
    if not reference or (price <= reference if buys else price >= reference):
        return
    edge = cage_limit(buys, reference, rules.cage, rules.tick_li, rules.cage_rounding)
    if price > edge if buys else price < edge:
        word = "买入不高于" if buys else "卖出不低于"
        text = f"超出价格笼子：此刻{word} {edge / 1000:g}（连续竞价），交易所会拒绝"
        yield _problem("cage", text)


def _levels(side: Iterable[tuple[Any, Any]]) -> list[tuple[int, int]]:
    return [(_li(price), int(volume)) for price, volume in side if price]


def _li(price: Any) -> int:
    return round(_exact(price) * 1000)


def _short(request: OrderRequest, told: Preview, known: _Known) -> Iterable[Problem]:
    """钱、券够不够；信用账户的融资融券用的是额度，不看现金。"""
    if _buys(request):
        need = told.get("net")
        plain = request.order_type == OrderType.BUY
        if plain and need is not None and known.cash is not None and _exact(need) > known.cash:
            text = f"可用资金 {known.cash:,.2f} 元，要 {need:,.2f} 元，柜台会拒绝"
            yield _problem("cash", text)
    elif request.order_type == OrderType.SELL and _over(request.volume, known.usable):
        text = f"可用 {known.usable}，要卖 {request.volume}，柜台会拒绝"
        yield _problem("shares", f"{text}（股票当天买的次日才能卖）")


def _closed(user: Trader, request: OrderRequest, verb: verbs.Verb) -> Iterable[Problem]:
    """不在交易时段：多半收得下，可是要到开市才报，钱和券先冻结着。"""
    engine = engine_of(user)
    if user.capabilities.always_open or scope_of(request.security) is None:
        return
    gate = market_gate(engine.now())
    if not gate.open and verb.group != "after_hours":
        yield _problem("closed", f"{gate.reason}：现在下的单，柜台多半先收着，开市才报")


def _over(volume: Any, usable: Any) -> bool:
    return usable is not None and _exact(volume) > usable
