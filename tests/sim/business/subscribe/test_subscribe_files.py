"""``ipo.json`` 写错了：说出哪一只、哪一项、应当怎么写。"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from subscribe_desk import ACCOUNT, BOND, SHENZHEN, STAR, at, bond, shenzhen, star
from support import VendorEngine as Engine

from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.config.ipo import FILE_NAME, load_issues
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.ledger.events import AccountQuery

if TYPE_CHECKING:
    from pathlib import Path


def one(code: str = STAR, **more: Any) -> dict[str, Any]:
    return {"issues": {code: star(**more)}}


BAD: list[tuple[Any, str]] = [
    ([], "最外层应为"),
    ({"787801.SH": star()}, "最外层应为"),
    ({"issues": {}, "more": 1}, "最外层没有 'more' 这一项"),
    ({"issues": {STAR: 1}}, "787801.SH 应为对象"),
    ({"issues": {}, "quota": {"BJ": 1}}, "quota 没有 'BJ' 这一项；有：KCB SH SZ"),
    ({"issues": {}, "quota": {"SH": -1}}, "quota 的 SH：-1。应为"),
    (one(code="787801"), "'787801' 应写成 787801.SH"),
    (one(name=None), "787801.SH 没有 name"),
    (one(price=None), "787801.SH 没有 price"),
    (one(listing=None), "787801.SH 没有 listing"),
    (one(listed_code=None), "787801.SH 没有 listed_code"),
    (one(name="这个名字实在太长了超过三十一个字节"), "应为 1–31 个字节的名称"),
    (one(name="\ud800"), '787801.SH 的 name："\\ud800"。应为 1–31 个字节的名称'),
    (one(name="模拟\n"), "没有控制字符"),
    (one(date="0001-01-01"), "应为 1990 年以后的日期"),
    (one(price=25.605), "price：25.605。应为大于 0、至多两位小数的价格"),
    (one(price=0), "price：0。应为大于 0"),
    (one(price="25"), 'price："25"。应为大于 0'),
    (one(date="11-16"), 'date："11-16"。应为 2026-11-20 这样的日期'),
    (one(pay="2026-11-16"), "应为 date（申购）< pay（缴款）< listing（上市）"),
    (one(pay="2026-11-23"), "应为 date（申购）< pay（缴款）< listing（上市）"),
    (one(listing="2026-11-16"), "应为 date（申购）< pay（缴款）< listing（上市）"),
    (one(max=9100), "min、max 应为 500 的整数倍"),
    (one(max=500, min=1000), "min、max 应为 500 的整数倍，min 不大于 max"),
    (one(max=True), "max：true。应为 1–100000000 的整数"),
    (one(rate_ppm=1_000_001), "rate_ppm：1000001。应为 0–1000000 的整数"),
    (one(wins=None), "wins（中几签）与 rate_ppm（中签率）要写一个"),
    ({"issues": {STAR: {**star(), "rate_ppm": 1}}}, "要写一个，只写一个"),
    (one(listed_code="600801.SH"), "600801.SH 的申购代码应以 730 开头"),
    (one(listed_code="111888.SH"), "111888.SH 的申购代码应以 733、783"),
    (one(listed_code="510300.SH"), "510300.SH 应为股票或可转债"),
    (one(listed_code="什么"), "787801.SH 的 listed_code '什么'"),
    (one(code="920801.BJ", listed_code=None), "北交所的申购（全额缴款、比例配售）没有模拟"),
    (one(code=SHENZHEN, listed_code="301889.SZ"), "深市新股的申购代码就是上市代码 301889.SZ"),
    ({"issues": {BOND: bond(max=10010)}}, "可转债应为不大于 10000 的张数"),
    ({"issues": {BOND: bond(listed_code="127888.SZ")}}, "127888.SZ 的申购代码应以 07、37 开头"),
    (
        {"issues": {STAR: star(), "787802.SH": star()}},
        "787802.SH 的 listed_code：688801.SH 出现了两次",
    ),
]


@pytest.mark.parametrize(("body", "said"), BAD, ids=range(len(BAD)))
def test_a_bad_file_says_where_and_how(tmp_path: Path, body: Any, said: str) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(SimulatorError) as caught:
        load_issues(tmp_path)
    assert FILE_NAME in str(caught.value)
    assert said in str(caught.value)


def test_an_engine_does_not_start_on_a_bad_file(tmp_path: Path) -> None:
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT)])
    (folder.path / FILE_NAME).write_text(json.dumps(one(price=0)), encoding="utf-8")
    with pytest.raises(SimulatorError, match="price：0"):
        Engine(folder)


def test_two_files_must_agree_on_the_listing(tmp_path: Path) -> None:
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT)])
    (folder.path / FILE_NAME).write_text(json.dumps(one()), encoding="utf-8")
    instruments = folder.path / "instruments.json"
    instruments.write_text('{"688801.SH": {"listed": "2026-11-24"}}', encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"listed 是 2026-11-24，ipo.json 里的 listing"):
        Engine(folder)
    instruments.write_text('{"688801.SH": {"listed": "2026-11-23"}}', encoding="utf-8")
    Engine(folder).close()


def test_a_good_file(tmp_path: Path) -> None:
    body = {"issues": {STAR: star(), SHENZHEN: shenzhen(), BOND: bond()}, "quota": {"SZ": 500}}
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    found = load_issues(tmp_path)
    assert found.quota == {"SZ": 500}
    assert [(each.market, each.step, each.bond) for each in found.issues.values()] == [
        ("KCB", 500, False),
        ("SZ", 500, False),
        ("", 10, True),
    ]
    first = found.issues[STAR]
    assert (first.price_li, first.day) == (25_600, date(2026, 11, 16).toordinal())
    assert load_issues(tmp_path / "没有").issues == {}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"date": "2026-11-15"}, "787801.SH 的 date：2026-11-15 不是交易日"),
        ({"listing": "2026-11-18"}, "缴款日 2026-11-18 不在上市日 2026-11-18 之前"),
    ],
)
def test_dates_are_checked_against_the_calendar(
    tmp_path: Path, more: dict[str, str], said: str
) -> None:
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT)], clock="exchange")
    (folder.path / FILE_NAME).write_text(json.dumps(one(**more)), encoding="utf-8")
    with pytest.raises(SimulatorError, match=said):
        Engine(folder)


def test_a_replayed_listing_needs_its_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    rows = "time,open,high,low,close,volume\n20261116093100,35,35,35,35,100\n"
    (data / "600036.SH_1m.csv").write_text(rows, encoding="utf-8")
    settings = {"clock": "step", "start": "2026-11-16 09:31", "replay": str(data)}
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT)], **settings)
    (folder.path / FILE_NAME).write_text(json.dumps(one()), encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"ipo.json 里的 688801.SH 没有回放数据"):
        Engine(folder)


def test_replayed_data_may_start_after_the_listing(tmp_path: Path) -> None:
    """上市以后几天没有数据：按发行价算，资金照样查得到。"""
    data = tmp_path / "data"
    data.mkdir()
    rows = "time,open,high,low,close,volume\n20261126093100,30,30,30,30,100\n"
    (data / "688801.SH_1m.csv").write_text(rows, encoding="utf-8")
    account = AccountConfig(ACCOUNT, positions=(("688801.SH", 200, 25.6),))
    settings = {"clock": "step", "start": "2026-11-25 09:31", "replay": str(data)}
    folder = create(tmp_path / "模拟", [account], **settings)
    (folder.path / FILE_NAME).write_text(json.dumps(one()), encoding="utf-8")
    desk = Engine(folder, ManualClock(at("2026-11-25")))
    [row] = desk.asset(AccountQuery(2, ACCOUNT)).answer
    assert row.market_value == 200 * 25.6
    desk.close()
