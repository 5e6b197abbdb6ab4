"""随机的新股、申购、买卖、走日子、重启：账永远是平的，同样的命令同样的结果。"""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from subscribe_desk import ACCOUNT, Desk, at, bond, shenzhen, star

START = date(2026, 11, 2)
CODES = ("787801.SH", "787802.SH", "301888.SZ", "754888.SH", "072888.SZ")
LISTED = ("688801.SH", "688802.SH", "301888.SZ", "111888.SH", "127888.SZ")


@st.composite
def issues(draw: st.DrawFn) -> dict[str, Any]:
    found = {}
    for code, listed in zip(CODES, LISTED, strict=True):
        day = START + timedelta(draw(st.sampled_from([0, 1, 2, 3, 4, 7, 8])))
        pay = day + timedelta(draw(st.integers(1, 4)))
        more: dict[str, Any] = {
            "date": str(day),
            "listing": str(pay + timedelta(draw(st.integers(1, 6)))),
            "rate_ppm": draw(st.sampled_from([0, 100_000, 500_000, 1_000_000])),
        }
        if draw(st.booleans()):
            more["pay"] = str(pay)
        else:
            more["listing"] = str(day + timedelta(7))
        make = star if code.startswith("787") else shenzhen if listed == code else bond
        if make is not shenzhen:
            more["listed_code"] = listed
        found[code] = make(**more)
    return found


steps = st.lists(
    st.one_of(
        st.tuples(st.just("day"), st.integers(1, 3), st.just(0)),
        st.tuples(st.just("apply"), st.sampled_from(CODES), st.sampled_from([10, 500, 3000, 9000])),
        st.tuples(st.just("sell"), st.sampled_from(LISTED), st.just(0)),
        st.tuples(st.just("buy"), st.sampled_from(("600036.SH", *LISTED)), st.just(200)),
        st.tuples(st.just("reopen"), st.just(0), st.just(0)),
    ),
    max_size=20,
)


def step(desk: Desk, verb: str, what: Any, size: int, prices: dict[str, float]) -> Any:
    if verb == "apply":
        return desk.apply(what, size, prices[what])
    held = desk.account.positions.get(what)
    volume = size or (held.sellable if held else 0) or 100
    return desk.apply(what, volume, desk.quote(what).last_li / 1000, 23 if verb == "buy" else 24)


def run(desk: Desk, script: dict[str, Any], commands: list[Any], restarts: bool) -> list[Any]:
    log: list[Any] = []
    today = START
    prices = {code: float(entry["price"]) for code, entry in script.items()}
    for verb, what, size in commands:
        if verb == "day":
            today += timedelta(what)
            log.append(desk.go(str(today)))
        elif verb == "reopen":
            if restarts:
                desk.reopen()
        else:
            log.append(step(desk, verb, what, size, prices))
        assert at(str(today)) == desk.clock.now()
        assert desk.balance() == 0
        assert desk.account.cash_li >= 0
        assert desk.line.held_li(ACCOUNT) >= 0
    return log


@settings(max_examples=60)
@given(script=issues(), commands=steps, cash=st.sampled_from([0, 30_000_000, 1_000_000_000]))
def test_money_is_conserved(script: dict[str, Any], commands: list[Any], cash: int) -> None:
    with tempfile.TemporaryDirectory() as root:
        desks = [
            Desk(Path(root) / name, script, cash_li=cash, start=str(START), held={"600036.SH": 900})
            for name in ("一", "二")
        ]
        try:
            one, two = desks
            assert run(one, script, commands, True) == run(two, script, commands, False)
            assert one.line.subscriptions(ACCOUNT) == two.line.subscriptions(ACCOUNT)
        finally:
            for desk in desks:
                desk.engine.close()
