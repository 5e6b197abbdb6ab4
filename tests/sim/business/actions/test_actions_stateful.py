"""随机的公司行为与买卖、走日子、重启：账永远是平的，同样的命令同样的结果。"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from actions_desk import ACCOUNT, CODE, FUND, Desk, at
from hypothesis import given, settings
from hypothesis import strategies as st

from easytrader.sim.ledger.events import SubmitOrder

START = date(2026, 11, 2)
CODES = (CODE, "000001.SZ", FUND)
amounts = st.decimals(0, 3, places=6)
gifts = st.decimals(0, 10, places=2)


@st.composite
def scripts(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = {code: {} for code in CODES}
    for _ in range(draw(st.integers(1, 5))):
        code = draw(st.sampled_from(CODES))
        record = START + timedelta(draw(st.integers(-2, 16)))
        ex = record + timedelta(draw(st.integers(1, 4)))
        pay = ex + timedelta(draw(st.integers(0, 4)))
        entry: dict[str, Any] = {"ex": str(ex)}
        if code == FUND and draw(st.booleans()):
            entry["split"] = draw(st.permutations(range(1, 7)))[:2]
        else:
            entry |= {"record": str(record), "pay": str(pay)}
            entry |= {"cash": float(draw(amounts)) + 0.000001}
            entry["cash"] = round(entry["cash"], 6)
            if code != FUND:
                entry["bonus"] = float(draw(gifts))
                if draw(st.booleans()):
                    entry["tax_ppm"] = draw(st.integers(0, 200_000))
        found[code][entry["ex"]] = entry
    return {code: list(rows.values()) for code, rows in found.items()}


steps = st.lists(
    st.one_of(
        st.tuples(st.just("day"), st.integers(1, 4), st.just(0)),
        st.tuples(st.just("buy"), st.sampled_from(CODES), st.integers(1, 30)),
        st.tuples(st.just("sell"), st.sampled_from(CODES), st.integers(1, 30)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=14,
)


def run(desk: Desk, commands: list[Any], restarts: bool) -> list[Any]:
    log: list[Any] = []
    today = START
    for verb, what, size in commands:
        if verb == "day":
            today += timedelta(what)
            desk.clock.set(at(str(today)))
            outcome = desk.engine.advance()
            while outcome.answer:
                outcome = desk.engine.advance()
            log.append(outcome.events)
        elif verb == "reopen":
            if restarts:
                desk.reopen()
        else:
            side = 23 if verb == "buy" else 24
            quote = desk.quote(what)
            price = quote.last_li / 1000
            volume = size * 100
            args = SubmitOrder(2, ACCOUNT, what, side, volume, 11, price, "", "")
            log.append(desk.engine.submit(args))
        assert desk.balance() == 0
        for held in desk.account.positions.values():
            assert 0 <= held.sellable <= held.volume
            assert held.cost_li >= 0
        assert desk.account.cash_li >= 0
    return log


@settings(max_examples=60)
@given(script=scripts(), commands=steps)
def test_money_is_conserved(script: dict[str, Any], commands: list[Any]) -> None:
    held = {CODE: 1055, "000001.SZ": 300, FUND: 1037}
    with tempfile.TemporaryDirectory() as root:
        one = Desk(Path(root) / "一", script, held, start=str(START))
        two = Desk(Path(root) / "二", script, held, start=str(START))
        try:
            assert run(one, commands, True) == run(two, commands, False)
            assert one.account.cash_li == two.account.cash_li
        finally:
            one.engine.close()
            two.engine.close()
