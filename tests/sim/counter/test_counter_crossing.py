"""同一个文件夹里的账户在一本簿子上：别的账户的挂单碰得到、按挂单的价成交；自己吃掉的盘口慢慢补回来。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import ACCOUNT, BUY, SELL, Desk
from support import in_li

from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import SimConfig, SimFolder, create
from easytrader.sim.ledger.events import AccountQuery, CancelOrder, OrdersQuery, SubmitOrder
from easytrader.sim.ledger.orders import SimOrder
from easytrader.sim.ledger.resting import RestingBook

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

OTHER = "880000002"
CODE = "600519.SH"  # 买一卖一之间隔着许多个价位
HELD = ((CODE, 100_000, 10**11),)


class Two(Desk):
    """两个账户的柜台。"""

    def __init__(self, path: Path, **settings: Any) -> None:
        super().__init__(path, cash_li=10**13, positions=HELD, **settings)
        create(path, [in_li(OTHER, 2, 10**13, HELD)])
        self.folder = SimFolder.open(path)
        self.reopen()

    def place(
        self, account: str, side: int, price_li: int, volume: int = 100, kind: int = 11
    ) -> Any:
        args = SubmitOrder(2, account, CODE, side, volume, kind, price_li / 1000, "", "")
        return self.engine.submit(args)

    def trades_of(self, account: str) -> list[tuple[int, float, int]]:
        rows = self.engine.trades(AccountQuery(2, account)).answer
        return [(row.order_id, round(row.traded_price * 1000), row.traded_volume) for row in rows]

    def state_of(self, account: str, order_id: int) -> int:
        [row] = self.engine.orders(OrdersQuery(2, account, order_id)).answer
        status: int = row.order_status
        return status

    def money(self) -> list[int]:
        accounts = self.engine._counter.state.accounts
        return [accounts[each].cash_li + accounts[each].frozen_li for each in (ACCOUNT, OTHER)]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Two]]:
    made: list[Two] = []

    def build(**settings: Any) -> Two:
        made.append(Two(tmp_path / f"两个 {len(made)}", **settings))
        return made[-1]

    yield build
    for desk in made:
        desk.engine.close()


def inside(desk: Two) -> int:
    """买一与卖一之间的一个价。"""
    quote = desk.quote(CODE)
    assert quote.asks[0].price_li - quote.bids[0].price_li > 40
    return quote.bids[0].price_li + 20


def test_an_order_inside_the_spread_is_hit_at_its_own_price(make: Callable[..., Two]) -> None:
    desk = make()
    price = inside(desk)
    resting = desk.place(ACCOUNT, BUY, price, 300).answer.order_id
    hit = desk.place(OTHER, SELL, price - 20, 200)
    seller = hit.answer.order_id
    assert desk.trades_of(OTHER) == [(seller, price, 200)]
    assert desk.trades_of(ACCOUNT) == [(resting, price, 200)]
    assert desk.state_of(OTHER, seller) == 56
    assert desk.state_of(ACCOUNT, resting) == 55
    assert [event.kind for event in hit.events].count("trade") == 2
    before = desk.money()
    desk.reopen()
    assert desk.money() == before
    more = desk.place(OTHER, SELL, price, 200).answer.order_id  # 剩下的一百股，再碰得到的是盘口
    assert desk.trades_of(OTHER)[1:] == [(more, price, 100)]
    assert desk.state_of(ACCOUNT, resting) == 56


def test_what_two_accounts_trade_counts_once(make: Callable[..., Two]) -> None:
    """互相成交的两笔是市场的一笔；重新打开以后一样。回放的成交量取自数据，不加。"""
    desk = make()
    price = inside(desk)
    desk.place(ACCOUNT, BUY, price, 300)
    desk.place(OTHER, SELL, price, 200)
    tick = desk.engine._counter.state.progress.tick
    shown = (200, 200 * price, price, price, price, tick)
    assert desk.engine.books()[CODE].printed == shown
    ask = desk.quote(CODE).asks[0].price_li
    desk.place(OTHER, BUY, ask, 100)
    more = (300, 200 * price + 100 * ask, price, ask, ask, tick)
    assert desk.engine.books()[CODE].printed == more
    desk.reopen()
    assert desk.engine.books()[CODE].printed == more
    desk.engine._counter.state.start_day(desk.engine._counter.state.progress.day + 1)
    assert CODE not in desk.engine.books()


def test_price_then_time_then_the_crowd(make: Callable[..., Two]) -> None:
    """价格优先；同价时先是行情显示的，再是别的账户先挂的。"""
    desk = make()
    price = inside(desk)
    bid = desk.quote(CODE).bids[0]
    late = desk.place(ACCOUNT, BUY, price, 100).answer.order_id
    best = desk.place(ACCOUNT, BUY, price + 10, 100).answer.order_id
    behind = desk.place(ACCOUNT, BUY, bid.price_li, 100).answer.order_id
    desk.place(OTHER, SELL, bid.price_li, 200 + bid.volume - 100)
    assert desk.trades_of(ACCOUNT) == [(best, price + 10, 100), (late, price, 100)]
    desk.place(OTHER, SELL, bid.price_li, 200)
    assert desk.trades_of(ACCOUNT)[2:] == [(behind, bid.price_li, 100)]


def test_market_orders_see_the_other_account(make: Callable[..., Two]) -> None:
    """对手方最优、最优五档看得到别的账户；本方最优排在它的价上。"""
    desk = make()
    price = inside(desk)
    resting = desk.place(ACCOUNT, SELL, price, 100).answer.order_id
    taker = desk.place(OTHER, BUY, 0, 100, 44).answer.order_id
    assert desk.trades_of(OTHER) == [(taker, price, 100)]
    assert desk.trades_of(ACCOUNT) == [(resting, price, 100)]
    desk.place(ACCOUNT, SELL, price + 10, 100)
    joined = desk.place(OTHER, SELL, 0, 100, 45).answer.order_id
    assert desk.engine._counter.state.orders[joined].limit_li == price + 10


def test_the_same_account_skips_itself(make: Callable[..., Two]) -> None:
    """自己的买单与卖单互不成交：柜台事前就拦自成交。撤掉的也碰不到。"""
    desk = make()
    price = inside(desk)
    mine = desk.place(ACCOUNT, BUY, price, 100).answer.order_id
    seller = desk.place(ACCOUNT, SELL, price, 100).answer.order_id
    assert desk.trades_of(ACCOUNT) == []
    assert desk.state_of(ACCOUNT, seller) == 50
    desk.engine.cancel(CancelOrder(2, ACCOUNT, mine))
    desk.place(OTHER, SELL, price, 100)
    assert desk.trades_of(OTHER) == []


def test_accounts_meet_in_the_call(make: Callable[..., Two]) -> None:
    """集合竞价里也在一本簿子上：两边都在涨跌停价上，多出来的推动价格。"""
    start = 1795140000.0 - 44 * 60  # 9:16
    desk = make(start=start, clock="exchange")
    quote = desk.quote(CODE)
    buyer = desk.place(ACCOUNT, BUY, quote.limit_up_li, 100).answer.order_id
    seller = desk.place(OTHER, SELL, quote.limit_down_li, 100).answer.order_id
    desk.clock.set(1795140000.0 - 35 * 60)
    desk.engine.advance()
    [(bought, price, _)] = desk.trades_of(ACCOUNT)
    [(sold, same, _)] = desk.trades_of(OTHER)
    assert (bought, sold) == (buyer, seller)
    assert price == same


def test_only_what_can_be_hit_is_looked_at() -> None:
    """十万笔挂着，碰得到的只有一笔：不会看完整本簿子。"""
    book = RestingBook(parse_security(CODE))
    looked = 0

    class Counted(SimOrder):
        @property
        def is_working(self) -> bool:
            nonlocal looked
            looked += 1
            return True

    for index in range(100_000):
        order = Counted(
            index, 1, ACCOUNT, 2, CODE, parse_security(CODE), SELL, 100, 11, 0, 0, "", ""
        )
        order.limit_li = 1000 + 10 * index
        book.add(order)
    looked = 0
    assert [each.order_id for each in book.against(True, 1000, OTHER)] == [0]
    assert looked == 1


@pytest.mark.parametrize(
    ("impact_s", "left"),
    [(0.0, [0, 100]), (30.0, [0, 10, 20, 50, 90, 100])],
)
def test_what_was_taken_comes_back_evenly(tmp_path: Path, impact_s: float, left: list[int]) -> None:
    """吃掉的盘口过 ``impact_s`` 秒均匀地补回来；重新打开也一样。"""
    desk = Desk(tmp_path / "盘", cash_li=10**13, impact_s=impact_s)
    floor, state = desk.engine._counter._floor, desk.engine._counter.state
    tick = state.progress.tick
    order = next(iter(_orders(desk)))
    ask = desk.quote(order.stock_code).asks[0]
    assert order.traded_volume == ask.volume
    steps = {0: 0, 10: 1, 20: 2, 50: 5, 90: 9, 100: 10 if impact_s else 1}
    for again in (False, True):
        if again:
            desk.reopen()
            state = desk.engine._counter.state
        for part in left:
            used = state.taken(order.stock_code, tick + steps[part], floor._recovery)
            rest = ask.volume - used.get((True, ask.price_li), 0)
            assert rest == ask.volume * part // 100
        if not again:
            desk.engine._flush()
    desk.engine.close()


def _orders(desk: Desk) -> list[Any]:
    quote = desk.quote("600036.SH")
    desk.buy("600036.SH", quote.asks[0].volume, quote.asks[0].price_li / 1000)
    return list(desk.engine._counter.state.orders.values())


def test_a_second_order_finds_what_is_left(tmp_path: Path) -> None:
    """一跳之后再买同样多：卖一只补回来一点，余下的要去更贵的价位。"""
    desk = Desk(tmp_path / "盘", cash_li=10**13, impact_s=300.0, tick_s=3.0)
    first, second = desk.quote("600036.SH").asks[:2]
    desk.buy("600036.SH", first.volume, first.price_li / 1000)
    again = desk.buy("600036.SH", first.volume, second.price_li / 1000)
    assert {row.traded_price for row in desk.trades()} >= {first.price_li / 1000}
    filled = [event.row.traded_price for event in again.events if event.kind == "trade"]
    assert filled
    assert first.price_li / 1000 not in filled
    desk.engine.close()


@pytest.mark.parametrize("value", [-1, 3601, "30", True])
def test_impact_is_checked(value: object) -> None:
    with pytest.raises(UsageError, match="impact_s"):
        SimConfig(impact_s=value)  # type: ignore[arg-type]
