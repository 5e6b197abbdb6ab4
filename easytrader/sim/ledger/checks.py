"""下单前的检查：一串小问题，第一个不满足的就是废单的理由；和这个时段收不收（依据见 `phases`）。

柜台的编号与文字取自公开的真实记录；没有见过 QMT 样本的（数量、价位、上限、市价类型、停牌、限购）
用同类柜台（宽睿 OES）的编号与文字，有效申报价格范围的文字取自客户端的说明。
次序照真的：先是柜台查的（证券、时间、价格、数量、资金），价格笼子随盘口变，由交易所查，放在最后。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.codes import PriceType
from easytrader.market.rules.accrual import interest_li
from easytrader.market.rules.cage import cage_limit, call_limits, reference_price
from easytrader.market.rules.fees import to_fen
from easytrader.market.rules.phases import CALL_PHASES, CANCEL_PHASES, PRE_OPEN_EXCHANGES, Phase
from easytrader.sim.ledger.events import Reject

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.market.rules import Rules
    from easytrader.market.rules.fees import FeeRates
    from easytrader.market.symbols import Exchange
    from easytrader.sim.exchange.depth import Quote


LIMIT_TYPES: Final = frozenset({PriceType.FIX, PriceType.LATEST})
# 每笔委托都问的：取一个枚举的成员比比较它贵得多
_FIX: Final = PriceType.FIX
_LATEST: Final = PriceType.LATEST
_CONTINUOUS: Final = Phase.CONTINUOUS
_CLOSED_NOW: Final = Phase.CLOSED


NO_SUCH: Final = Reject(-990221020, "无此证券代码")
WRONG_STATUS: Final = Reject(251020, "委托状态错误不能撤单")


class Ticket(NamedTuple):
    """一笔待检查的委托。

    Attributes:
        price_li: 报的价，厘；报价不是整厘时 ``whole`` 为假。
        limit_li: 实际起作用的限价，见 `working_limit`。
        protects: 市价委托带保护限价（沪、北）。
        bought: 今天已经买入的加上还挂着的买单；只在有每日买入上限时需要。
        cash: 钱够不够，由委托的走法（`Way`）回答。
        shares: 证券够不够，同上。
        phase: 进来的时候是哪个时段。
        is_limit: 限价委托（最新价由客户端换成限价）。
    """

    buy: bool
    volume: int
    price_type: int
    price_li: int
    whole: bool
    limit_li: int
    protects: bool
    rules: Rules
    quote: Quote
    rates: FeeRates
    cash_li: int
    sellable: int
    cash: Callable[[Ticket], Reject | None]
    shares: Callable[[Ticket], Reject | None]
    bought: int = 0
    phase: Phase = Phase.CONTINUOUS
    is_limit: bool = True

    @property
    def amount_li(self) -> int:
        """按限价全部成交的金额，厘；债券含应计利息。"""
        amount = to_fen(self.limit_li * self.volume)
        each = self.rules.accrued_e8
        return amount + interest_li(each, self.volume) if each else amount


def working_limit(price_type: int, buy: bool, price_li: int, protects: bool, quote: Quote) -> int:
    """不能越过的价格：限价取报价，最新价取最新价，市价取保护限价（没有则涨跌停价）。"""
    if price_type == _FIX:
        return price_li
    if price_type == _LATEST:
        return quote.last_li
    edge = quote.limit_up_li if buy else quote.limit_down_li
    if not protects or price_li <= 0:
        return edge
    return min(price_li, edge) if buy else max(price_li, edge)


def _security(ticket: Ticket) -> Reject | None:
    if not ticket.rules.exists:
        return NO_SUCH
    if ticket.phase is _CLOSED_NOW:
        return None  # 下一个交易日停不停牌，到时候再看
    if ticket.rules.suspended or ticket.quote.suspended:
        return Reject(1232, "证券停牌")
    return None


def _market_type(ticket: Ticket) -> Reject | None:
    if ticket.is_limit:
        return None
    if not ticket.rules.market_types:
        return Reject(1224, "该证券不支持市价委托")
    if ticket.price_type not in ticket.rules.market_types:
        return Reject(1224, "该市场不支持此市价委托方式", f"price_type={ticket.price_type}")
    if ticket.phase is not _CONTINUOUS:
        return Reject(1224, "当前时段不支持市价委托")
    if ticket.rules.band is None and not (ticket.protects and ticket.price_li > 0):
        # 不设涨跌幅的日子：深市不收市价（SZSE26 3.3.5）；沪、北要自己报保护限价（OES）
        return Reject(1223, "无涨停价市价委托失败")
    return None


def _lot(ticket: Ticket) -> Reject | None:
    minimum, step = ticket.rules.lot
    volume = ticket.volume
    if volume >= minimum and (volume - minimum) % step == 0:
        return None
    if not ticket.buy and _clears_odd_lot(volume, ticket.sellable, minimum, step):
        return None
    if volume < minimum:
        return Reject(-150904070, f"委托数量不能少于{minimum}", f"entrust_amount={volume}")
    return Reject(-150904070, f"委托数量必须是每手股(张)数{step}的倍数", f"entrust_amount={volume}")


def _clears_odd_lot(volume: int, sellable: int, minimum: int, step: int) -> bool:
    """不足一手的零头只能一次卖完；100 股一手的可以和整手一起卖。"""
    if step > 1:
        odd = sellable % step
        return odd > 0 and volume % step == odd
    return sellable < minimum and volume == sellable


def _size(ticket: Ticket) -> Reject | None:
    most = ticket.rules.size.limit if ticket.is_limit else ticket.rules.size.market
    if ticket.volume <= most:
        return None
    return Reject(1218, f"委托数量超过单笔上限{most}", f"entrust_amount={ticket.volume}")


def _has_price(ticket: Ticket) -> bool:
    """报价有意义：限价委托，或带保护限价的市价委托。"""
    if ticket.is_limit:
        return ticket.price_type != _LATEST
    return ticket.protects and ticket.price_li > 0


def _tick(ticket: Ticket) -> Reject | None:
    tick = ticket.rules.tick_li
    if not _has_price(ticket) or (ticket.whole and ticket.price_li % tick == 0):
        return None
    if tick not in (1, 10):
        return Reject(1222, f"委托价格应为{tick / 1000:.3f}的整数倍")
    digits = 2 if tick % 10 == 0 else 3
    return Reject(1222, f"委托价格的小数价格应为{digits}位")


def _band(ticket: Ticket) -> Reject | None:
    if ticket.rules.band is None or not _has_price(ticket) or ticket.phase is _CLOSED_NOW:
        return None  # 休市时收下的是下一个交易日的，涨跌停到时候再看
    low, high = ticket.quote.limit_down_li, ticket.quote.limit_up_li
    price = ticket.price_li
    # 市价委托的保护限价：买高于涨停、卖低于跌停无妨，按涨跌停冻结；反方向越界才无效
    if price > high and (ticket.is_limit or not ticket.buy):
        return Reject(-990265060, "委托价格超过涨停价格", f"up_limit={high / 1000:.3f}")
    if price < low and (ticket.is_limit or ticket.buy):
        return Reject(-990265060, "委托价格超过跌停价格", f"down_limit={low / 1000:.3f}")
    return None


def enough_cash(ticket: Ticket) -> Reject | None:
    """买：可用资金够付限价成交时的金额（债券含应计利息）与费用。"""
    if not ticket.buy:
        return None
    amount = ticket.limit_li * ticket.volume
    need = ticket.amount_li + ticket.rates.total(amount)
    return None if need <= ticket.cash_li else money_short(need, ticket.cash_li)


def money_short(need_li: int, has_li: int, name: str = "v_enable_balance_t") -> Reject:
    """钱不够。"""
    detail = f"p_occur_balance={need_li / 1000:.2f},{name}={has_li / 1000:.2f}"
    return Reject(260200, "可用资金不足", detail)


def enough_shares(ticket: Ticket) -> Reject | None:
    """卖：可用数量够。"""
    if ticket.buy or ticket.volume <= ticket.sellable:
        return None
    return shares_short(ticket.volume, ticket.sellable)


def shares_short(wanted: int, sellable: int) -> Reject:
    """券不够。"""
    detail = f"v_occur_amount={wanted}.00,p_enable_amount={sellable}.00"
    return Reject(251005, "证券可用数量不足", detail)


def _buy_cap(ticket: Ticket) -> Reject | None:
    cap = ticket.rules.buy_cap
    if cap is None or not ticket.buy or ticket.bought + ticket.volume <= cap:
        return None
    return Reject(1229, "未通过限购检查", f"buy_limit={cap},bought={ticket.bought}")


def _effective_range(ticket: Ticket) -> Reject | None:
    """连续竞价：价格笼子；集合竞价：不设涨跌幅的证券、首日的可转债的范围。市价委托不受限。"""
    if not ticket.is_limit:
        return None
    if ticket.phase is _CONTINUOUS:
        return _cage(ticket)
    if ticket.phase not in CALL_PHASES or ticket.rules.call_range is None:
        return None
    quote = ticket.quote
    low, high = call_limits(
        ticket.rules.call_range,
        ticket.phase not in (Phase.CLOSE_CALL, Phase.HALTED),
        quote.pre_close_li,
        quote.last_li,
        ticket.rules.tick_li,
    )
    if ticket.price_li < low:
        return _out_of_range(f"min={low / 1000:.3f}")
    if high is not None and ticket.price_li > high:
        return _out_of_range(f"max={high / 1000:.3f}")
    return None


def _cage(ticket: Ticket) -> Reject | None:
    cage, quote = ticket.rules.cage, ticket.quote
    if cage is None:
        return None
    reference = reference_price(ticket.buy, quote.asks, quote.bids, quote.last_li)
    if ticket.price_li <= reference if ticket.buy else ticket.price_li >= reference:
        return None  # 多数委托到这里为止
    rules = ticket.rules
    edge = cage_limit(ticket.buy, reference, cage, rules.tick_li, rules.cage_rounding)
    if ticket.buy and ticket.price_li > edge:
        return _out_of_range(f"max={edge / 1000:.3f}")
    if not ticket.buy and ticket.price_li < edge:
        return _out_of_range(f"min={edge / 1000:.3f}")
    return None


def _out_of_range(detail: str) -> Reject:
    return Reject(1024, "申报价格超出有效申报价格范围", detail)


_CHAIN: Final[tuple[Callable[[Ticket], Reject | None], ...]] = (
    _security,
    _market_type,
    _size,
    _tick,
    _band,
    lambda ticket: ticket.shares(ticket),
    _lot,
    _buy_cap,
    lambda ticket: ticket.cash(ticket),
    _effective_range,
)


def check(ticket: Ticket) -> Reject | None:
    """依次检查；全部通过为 None。"""
    for question in _CHAIN:
        reject = question(ticket)
        if reject is not None:
            return reject
    return None


CLOSED: Final = Reject(12313, "当前时间不允许此类证券交易")
_NO_MARKET: Final = Reject(1224, "当前时段不支持市价委托")
NO_CANCEL: Final = Reject(-990297020, "当前时间不允许做该项业务")
"""公开记录里「时间不对」的一种原话；撤单被拒的原话各家不同，没有见过 QMT 的样本。"""


def order_refused(phase: Phase, exchange: Exchange, price_type: int, reason: str) -> Reject | None:
    """这个时段不收这笔委托的理由；收为 None。``reason`` 是休市的特别原因。"""
    if phase is Phase.CONTINUOUS:
        return None
    waits = phase is Phase.PRE_OPEN and exchange in PRE_OPEN_EXCHANGES
    if phase in CALL_PHASES or waits:
        return None if price_type in LIMIT_TYPES else _NO_MARKET
    if phase is Phase.AFTER_HOURS:
        reason = "盘后请用1043、1044"
    return CLOSED._replace(detail=reason) if reason else CLOSED


def cancel_refused(phase: Phase, exchange: Exchange) -> Reject | None:
    """这个时段不接受撤单的理由；接受（或 9:30 再处理）为 None。"""
    if phase in CANCEL_PHASES:
        return None
    if phase is Phase.PRE_OPEN and exchange in PRE_OPEN_EXCHANGES:
        return None
    detail = f"{phase.value.partition('（')[0]}不接受撤单" if phase in CALL_PHASES else ""
    return NO_CANCEL._replace(detail=detail)
