"""经过厂商自己的 ``xtdata.py``：昨收、K 线、除权数据说的是同一件事；进程被杀也不重复派发。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import CODE
from support import ACCOUNT, SimProcess, make_folder

import easytrader
from easytrader.sim import install
from easytrader.sim.host import hub

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HELD = "000001.SZ"
ACTIONS = {
    CODE: [
        {"record": "2026-11-17", "ex": "2026-11-18", "cash": 1.5, "bonus": 1, "transfer": 2},
        {"record": "2026-11-24", "ex": "2026-11-25", "cash": 0.5},
    ],
    HELD: [{"record": "2026-11-17", "ex": "2026-11-18", "cash": 2, "pay": "2026-11-19"}],
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = make_folder(tmp_path / "模拟 分红", clock="step", start="2026-11-17 09:31")
    text = json.dumps(ACTIONS, ensure_ascii=False)
    (path / "corporate_actions.json").write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def xtdata(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    install.install()
    from xtquant import xtdata as vendor

    monkeypatch.setattr(vendor, "enable_hello", False)
    monkeypatch.setattr(hub.HUB, "latest", "")
    monkeypatch.setenv("EASYTRADER_SIM", str(folder))
    vendor.disconnect()
    yield vendor
    vendor.disconnect()


def test_quotes_bars_and_factors_agree(folder: Path, xtdata: Any) -> None:
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT)
    try:
        assert xtdata.get_divid_factors(CODE).empty
        user.sim.goto("2026-11-18 10:00")
        close = xtdata.get_market_data(["close"], [CODE], "1d", count=2)["close"].loc[CODE]
        reference = round((close.iloc[0] - 1.5) / 1.3, 2)
        tick = xtdata.get_full_tick([CODE])[CODE]
        assert tick["lastClose"] == pytest.approx(reference, abs=0.0051)
        detail = xtdata.get_instrument_detail(CODE)
        assert detail["PreClose"] == tick["lastClose"]
        assert user.quote([CODE])[CODE]["pre_close"] == tick["lastClose"]
        factors = xtdata.get_divid_factors(CODE)
        [(day, row)] = factors.iterrows()
        assert day == "20261118"
        assert (row.interest, row.stockBonus, row.stockGift, row.allotNum) == (1.5, 0.1, 0.2, 0)
        assert row.dr == pytest.approx(close.iloc[0] / tick["lastClose"], abs=1e-6)
        assert xtdata.get_divid_factors(CODE, "20261119", "20261130").empty
    finally:
        user.close()


def test_a_killed_process_neither_forgets_nor_repeats(folder: Path) -> None:
    """每过一天杀一次（不打招呼），再起来。"""
    process = SimProcess(folder)
    seen = []
    for when in ("2026-11-17 10:00", "2026-11-18 10:00", "2026-11-19 10:00"):
        process.start()
        user = easytrader.use("sim")
        try:
            user.connect(str(folder), ACCOUNT, reconnect_enabled=False)
            user.sim.goto(when)
            seen.append(user.trader.query_stock_asset(user.account).cash)
        finally:
            process.kill()
            user.close()
    assert seen == [1_000_000.0, 1_000_000.0, 1_001_000.0]


def test_the_tax_is_taken_the_morning_after_the_sale(folder: Path) -> None:
    """卖出经厂商的接口；一个月以内 20%，红利同一天派发。"""
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT)
    try:
        user.sim.goto("2026-11-18 10:00")
        number = user.trader.order_stock(user.account, HELD, 24, 500, 47, 0, "", "")
        assert user.wait(number)["order_status_name"] == "已成"
        before = user.trader.query_stock_asset(user.account).cash
        user.sim.goto("2026-11-19 10:00")
        after = user.trader.query_stock_asset(user.account).cash
        assert after - before == pytest.approx(500 * 2 - 500 * 2 * 0.2)
    finally:
        user.close()
