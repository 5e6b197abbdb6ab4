"""一条规则一张柜台：手动时钟 + 引擎，日期、持仓、清单由用例给。"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from support import VendorEngine as Engine
from support import in_li

from easytrader.market.rules.cage import cage_limit, reference_price
from easytrader.market.symbols import Security, parse_security
from easytrader.sim.config.folder import create
from easytrader.sim.config.instruments import FILE_NAME, RULES_NAME
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import Outcome, SubmitOrder

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.market.rules import Rules
    from easytrader.sim.exchange.depth import Quote

ACCOUNT = "880000001"
TODAY = "2026-11-20"
LIMIT, LATEST = 11, 5
ACCEPTED = 0
_SHANGHAI = timezone(timedelta(hours=8))
_SIDES = {"买": 23, "卖": 24}


def at(day: str, clock: str) -> float:
    moment = datetime.fromisoformat(f"{day}T{clock}").replace(tzinfo=_SHANGHAI)
    return moment.timestamp()


@dataclass(frozen=True)
class Case:
    """一笔委托该不该收。

    ``price`` 是元，或相对盘口的说法：``last`` 最新价、``up``/``down`` 涨跌停价、``cage`` 笼子边界、
    ``ask``/``bid`` 一档价，``pre`` 前收盘（新债是发行价），``130%``/``70%`` 是它的几成；
    后面可以带 ``+1``、``-1``：往高往低几个价位。``code`` 为 0 是收下，
    否则是柜台的编号。
    """

    rule: str
    security: str
    side: str
    volume: int
    price: float | str
    code: int = ACCEPTED
    text: str = ""
    kind: int = LIMIT
    day: str = TODAY
    clock: str = "10:00"
    hours: str = "always"
    held: int = 0
    facts: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def id(self) -> str:
        verdict = "收" if self.code == ACCEPTED else "拒"
        words = (self.rule, verdict, self.security, self.side, str(self.volume), str(self.price))
        return "-".join((*words, self.day, self.note)).rstrip("-")


class RuleDesk:
    def __init__(self, path: Path, case: Case, cash_li: int = 10**13) -> None:
        self.case = case
        held = ((case.security, case.held, case.held * 10_000),) if case.held else ()
        account = in_li(ACCOUNT, 2, cash_li, held)
        folder = create(path, [account], clock=case.hours)
        if case.facts:
            text = json.dumps({case.security: case.facts}, ensure_ascii=False)
            (folder.path / FILE_NAME).write_text(text, encoding="utf-8")
        if case.choices:
            (folder.path / RULES_NAME).write_text(json.dumps(case.choices), encoding="utf-8")
        self.clock = ManualClock(at(case.day, case.clock))
        self.engine = Engine(folder, self.clock)
        self.security: Security = parse_security(case.security)

    def quote(self) -> Quote:
        self.engine.advance()
        return self.engine._counter.quote(self.security)

    @property
    def rules(self) -> Rules:
        found = self.engine._book.rules(self.security, date.fromisoformat(self.case.day))
        assert found is not None
        return found

    def price(self, said: float | str, side: str) -> float:
        """把 ``Case.price`` 变成元。"""
        if not isinstance(said, str):
            return said
        name, sign, steps = said.partition("+") if "+" in said else said.partition("-")
        ticks = int(sign + steps) if steps else 0
        quote, rules = self.quote(), self.rules
        if name == "cage":
            assert rules.cage is not None
            buy = side == "买"
            reference = reference_price(buy, quote.asks, quote.bids, quote.last_li)
            base = cage_limit(buy, reference, rules.cage, rules.tick_li, rules.cage_rounding)
        else:
            base = {
                "last": quote.last_li,
                "up": quote.limit_up_li,
                "down": quote.limit_down_li,
                "ask": quote.asks[0].price_li if quote.asks else 0,
                "bid": quote.bids[0].price_li if quote.bids else 0,
                "pre": quote.pre_close_li,
                "130%": (quote.pre_close_li * 13 + 5) // 10,
                "70%": (quote.pre_close_li * 7 + 5) // 10,
            }[name]
        return (base + ticks * rules.tick_li) / 1000

    def submit(self, side: str, volume: int, price: float | str, kind: int = LIMIT) -> Outcome:
        args = SubmitOrder(
            2,
            ACCOUNT,
            self.case.security,
            _SIDES[side],
            volume,
            kind,
            self.price(price, side),
            "",
            "",
        )
        return self.engine.submit(args)

    def run(self) -> Outcome:
        case = self.case
        return self.submit(case.side, case.volume, case.price, case.kind)


def refusal(outcome: Outcome) -> tuple[int, str]:
    """拒绝的编号与文字；收下了是 ``(0, "")``。"""
    assert outcome.answer.order_id > 0, outcome.answer
    errors = [event.row for event in outcome.events if event.kind == "order_error"]
    statuses = [event.row.order_status for event in outcome.events if event.kind == "order"]
    if not errors:
        assert statuses[0] == 50
        return ACCEPTED, ""
    assert statuses == [57]
    text = errors[0].error_msg
    return int(text.split("[COUNTER] [")[1].split("]")[0]), text
