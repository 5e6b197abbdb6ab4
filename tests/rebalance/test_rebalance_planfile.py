"""计划的文件：读得回来，手改过的、别的版本的不收；过时的不执行。"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from plan_world import NOW, World, held, quote

from easytrader.basics import pace
from easytrader.errors import PlanStaleError, UsageError
from easytrader.rebalance import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BANK, PINGAN = "600036.SH", "000001.SZ"


@pytest.fixture
def world() -> World:
    return World(
        50_000.0, [quote(BANK, 35.0), quote(PINGAN, 10.0)], [held(PINGAN, 1050), held(BANK, 100)]
    )


@pytest.fixture
def plan(world: World) -> Plan:
    return world.plan({BANK: 0.8})


class Frozen(pace.Pace):
    """停在一刻的钟。"""

    def __init__(self, at: float) -> None:
        self.at = at

    def now(self) -> float:
        return self.at


@pytest.fixture
def today() -> Iterator[Frozen]:
    clock = Frozen(NOW + 60)
    with pace.replaced(clock):
        yield clock


class Facade:
    """只回答账户的交易口。"""

    def __init__(self, world: World) -> None:
        self.balance = world.account["balance"]
        self.position = [dict(each) for each in world.position]


# ---- 文件


def test_a_plan_comes_back_as_it_was(plan: Plan, tmp_path: Path) -> None:
    path = plan.save(tmp_path / "调仓 计划.json")
    assert Plan.load(path) == plan
    assert Plan.from_dict(plan.to_dict()) == plan
    assert "目标" in path.read_text(encoding="utf-8")  # 人读得懂
    if os.name != "nt":
        assert path.stat().st_mode & 0o077 == 0
    assert [each.name for each in tmp_path.iterdir()] == ["调仓 计划.json"]


def test_saving_again_replaces(plan: Plan, world: World, tmp_path: Path) -> None:
    path = plan.save(tmp_path / "plan.json")
    other = world.plan({BANK: 0.1})
    other.save(path)
    assert Plan.load(path) == other


def test_white_space_is_not_an_edit(plan: Plan, tmp_path: Path) -> None:
    path = plan.save(tmp_path / "plan.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(body, indent=4), encoding="utf-8-sig")
    assert Plan.load(path) == plan


def edits() -> list[Any]:
    def volume(body: Any) -> None:
        body["plan"]["orders"][0]["volume"] += 100

    def account(body: Any) -> None:
        body["plan"]["account_id"] = "2"

    def order_gone(body: Any) -> None:
        del body["plan"]["orders"][0]

    def digest(body: Any) -> None:
        body["digest"] = "0" * 32

    def no_digest(body: Any) -> None:
        del body["digest"]

    return [volume, account, order_gone, digest, no_digest]


@pytest.mark.parametrize("edit", edits(), ids=lambda each: each.__name__)
def test_an_edited_file_is_refused(plan: Plan, tmp_path: Path, edit: Any) -> None:
    path = plan.save(tmp_path / "plan.json")
    body = json.loads(path.read_text(encoding="utf-8"))
    edit(body)
    path.write_text(json.dumps(body), encoding="utf-8")
    with pytest.raises(UsageError, match="改过") as caught:
        Plan.load(path)
    assert caught.value.argument == "plan"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "不是 JSON"), ("code,weight\n600036,0.1", "不是 JSON"), ("[]", "不是计划"),
        ("{}", "不是计划"), ('{"plan": {}, "format": 2}', "另一个版本"),
        ('{"plan": {}, "digest": ""}', "另一个版本"), ("[" * 100_000, "不是 JSON"),
    ],
)  # fmt: skip
def test_other_files_are_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "plan.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=told):
        Plan.load(path)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="读不到"):
        Plan.load(tmp_path / "none.json")
    with pytest.raises(UsageError, match="读不到"):
        Plan.load(tmp_path)


def test_a_file_that_cannot_be_written(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="写不了"):
        plan.save(tmp_path / "none" / "plan.json")


@pytest.mark.parametrize("key", ["orders", "plan_id", "fees", "skipped"])
def test_a_dictionary_that_is_no_plan(plan: Plan, key: str) -> None:
    told = plan.to_dict()
    for wrong in ({**told, key: object()}, {k: v for k, v in told.items() if k != key}):
        with pytest.raises(UsageError):
            Plan.from_dict(wrong)


# ---- 核对


def test_a_fresh_plan_may_be_executed(plan: Plan, world: World, today: Frozen) -> None:
    plan.check(Facade(world))  # type: ignore[arg-type]


def test_another_account(plan: Plan, world: World, today: Frozen) -> None:
    user = Facade(world)
    user.balance = [{**user.balance[0], "account_id": "1000000999"}]
    with pytest.raises(PlanStaleError, match="账号") as caught:
        plan.check(user)  # type: ignore[arg-type]
    assert caught.value.rule == "account"
    assert "1000000999" not in str(caught.value)


def test_another_day(plan: Plan, world: World, today: Frozen) -> None:
    today.at = NOW + 86_400
    with pytest.raises(PlanStaleError, match="2026-12-01") as caught:
        plan.check(Facade(world))  # type: ignore[arg-type]
    assert caught.value.rule == "day"
    plan.check(Facade(world), any_day=True)  # type: ignore[arg-type]


@pytest.mark.parametrize("change", [100, -50])
def test_drifted_holdings(plan: Plan, world: World, today: Frozen, change: int) -> None:
    user = Facade(world)
    user.position[0]["volume"] += change
    with pytest.raises(PlanStaleError, match=r"000001\.SZ 应为 1050") as caught:
        plan.check(user)  # type: ignore[arg-type]
    assert (caught.value.rule, caught.value.codes) == ("drift", [PINGAN])
    plan.check(user, {PINGAN: 1050 + change})  # type: ignore[arg-type]  # 自己成交的


def test_a_holding_gone_and_a_new_one(plan: Plan, world: World, today: Frozen) -> None:
    user = Facade(world)
    user.position[1] = held("600000.SH", 200)
    with pytest.raises(PlanStaleError) as caught:
        plan.check(user)  # type: ignore[arg-type]
    assert caught.value.codes == ["600000.SH", BANK]


# ---- 给人看


def test_the_text_is_an_aligned_table(plan: Plan) -> None:
    text = str(plan)
    assert "调仓计划" in text
    assert "目标里没有写，清掉" in text
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("序号"))
    row = next(line for line in lines if PINGAN in line)

    def column(line: str, word: str) -> int:
        before = line[: line.index(word)]
        return sum(2 if ord(each) > 0x2E80 else 1 for each in before)

    assert column(head, "方向") == column(row, "卖出")


def test_the_card_and_the_chart(plan: Plan, tmp_path: Path) -> None:
    assert "调仓计划" in plan._repr_html_()
    pytest.importorskip("matplotlib")
    plan.plot().save_png(tmp_path / "weights.png")
    assert (tmp_path / "weights.png").read_bytes().startswith(b"\x89PNG")


def test_nothing_to_do_is_said(world: World) -> None:
    plan = world.plan({BANK: 3500 / world.total, PINGAN: 10_500 / world.total})
    assert "没有要下的单" in str(plan)
