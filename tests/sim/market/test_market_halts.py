"""盘中临时停牌：新股 ±30%、±60% 各 10 分钟，可转债 ±20% 半小时、±30% 到 14:57。"""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest
from counter_desk import ACCOUNT, BUY, SELL, Desk, kinds

from easytrader.market.rules import rules_for
from easytrader.market.symbols import parse_security
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.counter.engine import Engine
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import CancelOrder, SubmitOrder
from easytrader.sim.quotes.board import Board, new_deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

SHANGHAI = timezone(timedelta(hours=8))
NEW, MAIN_BOARD, SH_BOND, SZ_BOND = "301801.SZ", "600801.SH", "113050.SH", "123107.SZ"
DAY = "2026-11-20"


def at(clock: str, day: str = DAY) -> float:
    form = "%Y-%m-%d %H:%M:%S"
    return datetime.strptime(f"{day} {clock}", form).replace(tzinfo=SHANGHAI).timestamp()


def minutes() -> list[str]:
    found = []
    for index in range(240):
        minute = 9 * 60 + 31 + index if index < 120 else 13 * 60 + 1 + index - 120
        found.append(f"{minute // 60:02d}:{minute % 60:02d}")
    return found


class Halts:
    """一只证券一天的分钟线：``moves`` 是从哪一分钟起在什么价；``base`` 前收盘。"""

    def __init__(self, path: Path, code: str, base: float, moves: Sequence[tuple[str, float]]):
        data = path / "分钟线"
        data.mkdir()
        lines = ["time,open,high,low,close,volume,preClose"]
        price = moves[0][1]
        for clock in minutes():
            price = next((value for since, value in moves if since == clock), price)
            row = f"{price:.3f},{price:.3f},{price - 0.02:.3f},{price:.3f},40000,{base:.3f}"
            lines.append(f"{DAY}{clock}00,{row}".replace("-", "").replace(":", ""))
        (data / f"{code}.csv").write_text("\n".join(lines), encoding="utf-8")
        first_day = max(price for _, price in moves) > base * 1.21  # 上市首日才到得了
        facts = {code: {"listed": DAY}} if first_day else {}
        folder = path / "盘"
        accounts = [AccountConfig(ACCOUNT, cash=10**8, positions={code: (10_000, base)})]
        settings = {"clock": "step", "start": f"{DAY} 09:00", "replay": str(data)}
        self.folder = create(folder, accounts, **settings)
        (folder / "instruments.json").write_text(json.dumps(facts), encoding="utf-8")
        self.code, self.security = code, parse_security(code)
        self.clock = ManualClock(at("09:00:00"))
        self.engine = Engine(self.folder, self.clock)
        self.board = Board(self.folder)

    def go(self, clock: str) -> list[Any]:
        self.clock.set(at(clock))
        seen: list[Any] = []
        while True:
            outcome = self.engine.advance()
            seen += outcome.events
            if not outcome.answer:
                return seen

    def status(self, clock: str) -> int:
        self.go(clock)
        status: int = self.board.snapshot([self.code], at(clock))[self.code]["openInt"]
        return status

    def order(self, side: int, price: float, volume: int = 1000, kind: int = 11) -> Any:
        return self.engine.submit(
            SubmitOrder(2, ACCOUNT, self.code, side, volume, kind, price, "", "")
        )

    def spans(self) -> list[tuple[str, str]]:
        market = self.engine._market
        halts = market.halts(self.security, market.tick_at(at("10:00:00")))
        return [
            tuple(  # type: ignore[misc]
                f"{datetime.fromtimestamp(market.tick_time(tick), SHANGHAI):%H:%M:%S}"
                for tick in halt[:2]
            )
            for halt in halts
        ]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[..., Halts]]:
    made: list[Halts] = []

    def build(code: str, base: float, *moves: tuple[str, float]) -> Halts:
        made.append(Halts(tmp_path, code, base, moves))
        return made[-1]

    yield build
    for each in made:
        each.engine.close()


@pytest.mark.parametrize(
    ("code", "base", "moves", "spans"),
    [
        pytest.param(NEW, 10, [("09:31", 20), ("10:00", 25.9)], [], id="新股-差一分不到三成"),
        pytest.param(
            NEW,
            10,
            [("09:31", 20), ("10:00", 26.0)],
            [("09:59:06", "10:09:06")],
            id="新股-到三成停十分钟",
        ),
        pytest.param(
            MAIN_BOARD,
            10,
            [("09:31", 20), ("10:00", 13.9), ("10:30", 7.9)],
            [("09:59:06", "10:09:06"), ("10:29:06", "10:39:06")],
            id="主板-跌三成再跌六成",
        ),
        pytest.param(
            NEW,
            10,
            [("09:31", 20), ("10:00", 32.5)],
            [("09:59:06", "10:09:06")],
            id="一步到六成只停一次",
        ),
        pytest.param(
            NEW,
            10,
            [("09:31", 20), ("14:51", 26.5)],
            [("14:50:06", "14:57:00")],
            id="跨过1457的到那时为止",
        ),
        pytest.param(
            NEW,
            10,
            [("09:31", 20), ("11:26", 26.5)],
            [("11:25:06", "13:05:06")],
            id="午休不算",
        ),
        pytest.param(SH_BOND, 100, [("09:31", 100), ("10:00", 119.9)], [], id="转债-不到两成"),
        pytest.param(
            SH_BOND,
            100,
            [("09:31", 100), ("10:00", 120.02)],
            [("09:59:06", "10:29:06")],
            id="转债-两成停半小时",
        ),
        pytest.param(
            SZ_BOND,
            100,
            [("09:31", 100), ("10:00", 130.02)],
            [("09:59:06", "14:57:00")],
            id="转债-三成停到1457",
        ),
        pytest.param(
            SH_BOND,
            100,
            [("09:31", 125)],
            [("09:30:00", "10:00:00")],
            id="转债-开盘就到两成",
        ),
    ],
)
def test_when_trading_halts(
    make: Callable[..., Halts],
    code: str,
    base: float,
    moves: list[tuple[str, float]],
    spans: list[tuple[str, str]],
) -> None:
    """新股对开盘价，可转债对前收盘；首次到才停。V1、V2。"""
    assert make(code, base, *moves).spans() == spans


def test_a_halt_from_inside(make: Callable[..., Halts]) -> None:
    """停牌里价格不动、没有盘口、状态 17；收限价与撤单，不收市价；复牌一次撮合，接着连续交易。"""
    desk = make(NEW, 10, ("09:31", 20), ("10:00", 26.0), ("10:05", 26.5), ("10:10", 26.4))
    assert desk.status("09:50:00") == 13
    desk.go("10:03:00")
    assert desk.status("10:03:00") == 17
    tick = desk.board.snapshot([NEW], at("10:03:00"))[NEW]
    assert tick["lastPrice"] == 26.0
    assert tick["askPrice"] == tick["bidPrice"] == [0.0] * 5
    detail = desk.board.detail(NEW, at("10:03:00"))
    assert detail is not None
    assert (detail["InstrumentStatus"], detail["IsTrading"]) == (1, False)
    eager = desk.order(BUY, 27.0)
    assert [type(each).__name__ for each in eager.events] == ["Accepted"]
    assert desk.order(SELL, 35.0).events[0].__class__.__name__ == "Refused"  # 离最近成交超过一成
    assert desk.order(BUY, 0.0, kind=44).events[0].__class__.__name__ == "Refused"
    late = desk.order(BUY, 24.0)
    number = late.answer.order_id
    assert [type(each).__name__ for each in desk.engine.cancel(
        CancelOrder(2, ACCOUNT, number)
    ).events] == ["CancelRequested", "Cancelled"]  # fmt: skip
    assert desk.go("10:09:03") == []
    [fill] = [each for each in desk.go("10:09:06") if type(each).__name__ == "Filled"]
    assert fill.order.order_id == eager.answer.order_id
    market = desk.engine._market
    resumed = market.quote(desk.security, market.tick_at(at("10:09:06"))).last_li
    assert fill.trade.price_li == resumed == 26_390  # 复牌那一刻的价，不是自己的限价
    assert desk.status("10:10:00") == 13
    detail = desk.board.detail(NEW, at("10:10:00"))
    assert detail is not None
    assert (detail["InstrumentStatus"], detail["IsTrading"]) == (0, True)
    bars = desk.board.bars(NEW, "1m", ("", "", -1), at("10:20:00"), new_deadline())
    still = bars[30:38]
    assert {bar.close_li for bar in still} == {26_000}


@pytest.mark.parametrize(("code", "resumes"), [(SZ_BOND, "15:00:00"), (SH_BOND, "14:57:00")])
def test_a_bond_halted_to_the_end(make: Callable[..., Halts], code: str, resumes: str) -> None:
    """停到 14:57：深市接着是收盘集合竞价，15:00 一次成交；沪市没有，14:57 复牌撮合。"""
    desk = make(code, 100, ("09:31", 100), ("10:00", 131.0), ("14:57", 130.0), ("14:58", 131.0))
    assert desk.spans()[-1] == ("09:59:06", "14:57:00")
    desk.go("14:56:57")
    number = desk.order(BUY, 135.0, 100).answer.order_id
    before = f"{resumes[:-5]}{int(resumes[3:5]) - 1:02d}:57" if resumes[3:5] != "00" else "14:59:57"
    assert desk.go(before) == []
    [fill] = [each for each in desk.go(resumes) if type(each).__name__ == "Filled"]
    assert fill.order.order_id == number


def test_a_halt_in_synthetic_days(tmp_path: Path) -> None:
    """``limit_days``：不设涨跌幅的新股大起大落，可转债封在两成，都要停；停牌前后接得上。"""
    desk = Desk(
        tmp_path / "盘", start=at("09:00:00"), cash_li=10**12, clock="exchange", limit_days=1.0
    )
    issue = {
        "name": "新股", "price": 20.0, "date": "2026-11-10",
        "max": 9000, "listing": DAY, "wins": 1,
    }  # fmt: skip
    (desk.folder.path / "ipo.json").write_text(
        json.dumps({"issues": {NEW: issue}}), encoding="utf-8"
    )
    desk.reopen()
    market = desk.engine._market
    for code in (NEW, SH_BOND):
        security = parse_security(code)
        halts = market.halts(security, market.tick_at(at("10:00:00")))
        assert halts
        for halt in halts:
            path = market.path(security, halt.start - 1, halt.stop)
            assert set(path[:-1]) == {halt.price_li}
            low, high = market.span(security, halt.start, halt.stop)
            assert low <= min(path)
            assert max(path) <= high
            assert market.prints(security, halt.stop).volume == 0
    halt = market.halts(parse_security(NEW), market.tick_at(at("10:00:00")))[0]
    jump(desk, market.tick_time(halt.start) + 3)
    assert kinds(desk.buy(NEW, 1000, desk.quote(NEW).last_li / 1000)) == [50]
    refused = desk.buy(NEW, 1000, 0.0, 44)
    assert any("市价" in each.row.error_msg for each in refused.events if "error" in each.kind)


def jump(desk: Desk, until: float) -> list[Any]:
    """走到 ``until``；返回推送。"""
    desk.clock.set(until)
    seen: list[Any] = []
    while True:
        outcome = desk.engine.advance()
        seen += outcome.events
        if not outcome.answer:
            return seen


@pytest.mark.parametrize(
    ("code", "day", "session", "halts"),
    [
        (NEW, "2026-11-20", 1, True),
        (NEW, "2026-11-20", None, False),  # 有涨跌幅的日子没有
        (MAIN_BOARD, "2023-04-07", 1, False),
        (MAIN_BOARD, "2023-04-10", 1, True),
        ("920002.BJ", "2026-11-20", 1, True),
        ("920002.BJ", "2026-11-20", 2, False),
        (SH_BOND, "2022-07-29", None, False),
        (SH_BOND, "2022-08-01", None, True),
        ("510300.SH", "2026-11-20", 1, False),
    ],
)
def test_which_days_have_halts(code: str, day: str, session: int | None, halts: bool) -> None:
    """V1：各板块从注册制起，只在不设涨跌幅的日子；V2：可转债 2022-08-01 起。"""
    when = datetime.strptime(day, "%Y-%m-%d").replace(tzinfo=SHANGHAI).date()
    from easytrader.market.rules.facts import Facts

    facts = Facts() if session is None else Facts(listed=when - timedelta(days=session - 1))
    rules = rules_for(parse_security(code), when, facts, session)
    assert rules is not None
    assert (rules.halting is not None) is halts
