"""``corporate_actions.json`` 写错了：说出哪一只、第几条、哪一项、应当怎么写。"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from actions_desk import ACCOUNT, CODE, FUND
from support import VendorEngine as Engine

from easytrader.errors import SimulatorError
from easytrader.sim.config.corporate_actions import FILE_NAME, load_actions
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path

GOOD: dict[str, Any] = {"record": "2026-11-17", "ex": "2026-11-18", "cash": 0.35}


def one(**more: Any) -> dict[str, Any]:
    return {CODE: [{**GOOD, **more}]}


BAD: list[tuple[Any, str]] = [
    ([], "最外层应为对象"),
    ({CODE: GOOD}, "600036.SH 应为列表"),
    ({CODE: ["x"]}, "600036.SH 的第 1 条 应为对象"),
    ({"600036": [GOOD]}, "'600036' 应写成 600036.SH"),
    ({"what": [GOOD]}, "证券代码 'what'"),
    ({"000001.SH": [GOOD]}, "不交易这个品种（指数）"),
    ({"113050.SH": [GOOD]}, "债券付息没有模拟"),
    (one(rights=3), "第 1 条 是配股：只用于股票，写 ex record rights rights_price until"),
    (one(money=3), "没有 'money' 这一项；有：record ex pay cash"),
    (one(cash="0.35"), 'cash："0.35"。应为 0–10000、至多 6 位小数的数'),
    (one(cash=0.1234567), "cash：0.1234567。应为"),
    (one(cash=-1), "cash：-1。应为"),
    (one(cash=True), "cash：true。应为"),
    (one(bonus=101), "bonus：101。应为 0–100"),
    (one(ex="11-18"), 'ex："11-18"。应为 2026-11-20 这样的日期'),
    (one(ex="2026-11-31"), 'ex："2026-11-31"。应为'),
    (one(record="0001-01-01"), "应为 1990 年以后的日期"),
    ({FUND: [{"ex": "1989-12-31", "split": [2, 1]}]}, 'ex："1989-12-31"。应为 1990 年以后'),
    (one(ex="2026-11-17"), "应为 record（登记）< ex（除权除息）≤ pay（派发）"),
    (one(pay="2026-11-17"), "应为 record（登记）< ex（除权除息）≤ pay（派发）"),
    (one(cash=0), "什么也不给"),
    (one(tax_ppm=200_001), "tax_ppm：200001。应为 0–200000 的整数"),
    (one(split=[2, 1]), "split 只用于基金"),
    ({CODE: [{"ex": "2026-11-18", "cash": 1}]}, "没有 record"),
    ({CODE: [{"record": "2026-11-18", "cash": 1}]}, "没有 ex"),
    ({CODE: [GOOD, {**GOOD, "cash": 1}]}, "第 2 条：同一天除权除息的写成一条"),
    ({FUND: [{**GOOD, "bonus": 1}]}, "是基金，没有送转股；份额拆分写 split"),
    ({FUND: [{"ex": "2026-11-18", "split": [2, 2]}]}, "split：[2, 2]。应为 [新份额, 旧份额]"),
    ({FUND: [{"ex": "2026-11-18", "split": 2}]}, "split：2。应为 [新份额, 旧份额]"),
    ({FUND: [{**GOOD, "split": [2, 1]}]}, "就只能再写 ex，多了 cash record"),
]


@pytest.mark.parametrize(("body", "said"), BAD, ids=range(len(BAD)))
def test_a_bad_file_says_where_and_how(tmp_path: Path, body: Any, said: str) -> None:
    (tmp_path / FILE_NAME).write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(SimulatorError) as caught:
        load_actions(tmp_path)
    assert FILE_NAME in str(caught.value)
    assert said in str(caught.value)


def test_not_json_twins_and_unreadable(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SimulatorError, match="不是合法的 JSON"):
        load_actions(tmp_path)
    path.write_text('{"600036.SH": [], "600036.SH": []}', encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"600036\.SH 出现了两次"):
        load_actions(tmp_path)
    path.write_bytes(b"\xff\xfe\xfa")
    with pytest.raises(SimulatorError, match="读不出来"):
        load_actions(tmp_path)
    path.write_text('{"600036.SH": [{"cash": 1e999999}]}', encoding="utf-8")
    with pytest.raises(SimulatorError, match="应为 0–10000"):
        load_actions(tmp_path)


def test_an_engine_does_not_start_on_a_bad_file(tmp_path: Path) -> None:
    folder = create(tmp_path / "模拟", [AccountConfig(ACCOUNT)])
    (folder.path / FILE_NAME).write_text(json.dumps(one(cash=-1)), encoding="utf-8")
    with pytest.raises(SimulatorError, match="cash：-1"):
        Engine(folder)


def test_a_good_file_with_a_mark(tmp_path: Path) -> None:
    body = {FUND: [{"ex": "2026-11-20", "split": [3, 2]}], **one(bonus=1.5, transfer=2)}
    (tmp_path / FILE_NAME).write_text("\ufeff" + json.dumps(body), encoding="utf-8")
    first, second = load_actions(tmp_path)
    assert (first.code, first.cash_micro, first.gift) == (CODE, 350_000, 3_500_000)
    assert (first.record, first.ex, first.pay) == tuple(
        date(2026, 11, day).toordinal() for day in (17, 18, 18)
    )
    assert second.split == (3, 2)
    assert load_actions(tmp_path / "没有") == ()
