"""服务器在随便哪一步上被杀：重启之后，每个请求号都有准话，委托不多一笔，不少一笔。"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from once_world import Desk, new_request
from support import ACCOUNT, ROOT

from easytrader.basics import tags
from easytrader.errors import EasytraderError, NotConnectedError, OutcomeUnknownError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from support import SimProcess

PROGRAM = Path(__file__).with_name("once_killed.py")
WISH = {"security": "600036", "price": 33.0, "amount": 100}

# 死在哪一步 → 柜台上有没有；None 是两可
STEPS: dict[str, bool | None] = {
    "记下前": False,
    "记下后": False,
    "审计后": False,
    "关口后": False,
    "停单后": False,
    "发出前": False,
    "发出后": True,
    "记答案前": True,
    "记答案后": True,
    "回答": True,
}
SOME = ("记下后", "关口后", "发出前", "发出后", "记答案前", "记答案后")


def run(folder: Path, state: Path, *told: str) -> subprocess.Popen[str]:
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(PROGRAM.parent)])
    return subprocess.Popen(
        [sys.executable, str(PROGRAM), str(folder), ACCOUNT, str(state), *told],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, "PYTHONIOENCODING": "utf-8", "PYTHONPATH": paths},
    )


def killed(folder: Path, state: Path, wanted: list[tuple[str, ...]]) -> None:
    """每一个都死在它的那一步；四个一起跑。"""
    for start in range(0, len(wanted), 4):
        batch = [run(folder, state, *each) for each in wanted[start : start + 4]]
        for each, told in zip(batch, wanted[start : start + 4], strict=True):
            out, _ = each.communicate(timeout=100)
            assert each.returncode == 9, (told, out)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "服务 器"


@pytest.fixture
def desk(
    served: SimProcess, connect: Callable[..., Any], state: Path
) -> Iterator[Callable[[], Desk]]:
    opened: list[Desk] = []

    def start() -> Desk:
        opened.append(Desk(state, connect()))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


def on_counter(desk: Desk) -> dict[str, list[int]]:
    """标记 → 带它的委托。"""
    found: dict[str, list[int]] = {}
    for order in desk.trader._session.orders():
        found.setdefault(tags.split(order.order_remark)[0], []).append(order.order_id)
    return found


def check_steps(
    served: SimProcess,
    state: Path,
    desk: Callable[[], Desk],
    steps: Iterable[str],
    with_own: Iterable[str],
    with_async: Iterable[str],
) -> None:
    requests = {step: new_request() for step in steps}
    theirs = {step: f"我的-{step}" for step in with_own}
    mine = {step: new_request() for step in theirs}
    async_ = {step: new_request() for step in with_async}
    wish = json.dumps(WISH)
    killed(
        served.folder,
        state,
        [
            *((r, "buy", wish, step) for step, r in requests.items()),
            *(
                (mine[step], "buy", json.dumps({**WISH, "client_order_id": own}), step)
                for step, own in theirs.items()
            ),
            *((r, "buy_async", wish, step) for step, r in async_.items()),
        ],
    )
    again = desk()
    before = on_counter(again)
    cases = [(step, r, f"r-{r}", "buy", STEPS[step]) for step, r in requests.items()]
    cases += [(step, mine[step], own, "buy", STEPS[step]) for step, own in theirs.items()]
    cases += [(step, r, f"r-{r}", "buy_async", None) for step, r in async_.items()]
    for number, (step, r, own, verb, there) in enumerate(cases):
        found = before.get(tags.tag_for(ACCOUNT, own), [])
        assert len(found) <= 1, (step, found)
        assert there is None or bool(found) is there, step
        expected: dict[str, Any] = {"state": "never"}
        if found:
            expected = {"state": "done", "result": {"entrust_no": found[0]}}
        given = WISH if own.startswith("r-") else {**WISH, "client_order_id": own}
        asks_first = number % 2 == 0
        if asks_first:
            assert again.settle(r, within_s=20) == expected, step
        # 迟到的、再来一次的
        if found:
            assert again.call(verb, request=r, **given) == expected["result"], step
        else:
            with pytest.raises(NotConnectedError, match="什么都没有发出"):
                again.call(verb, request=r, **given)
        assert again.settle(r, within_s=20) == expected, step
    assert on_counter(again) == before
    # 没有发成的那个自己的号，换一个请求号就能下
    assert again.call("buy", **WISH, client_order_id=theirs["发出前"])["entrust_no"] > 0


def test_killed_at_some_steps(served: SimProcess, state: Path, desk: Callable[[], Desk]) -> None:
    check_steps(served, state, desk, SOME, ("发出前",), ("记答案前",))


@pytest.mark.soak
@pytest.mark.timeout(600)
def test_killed_at_every_step(served: SimProcess, state: Path, desk: Callable[[], Desk]) -> None:
    own = ("记下后", "发出前", "发出后", "记答案前")
    check_steps(served, state, desk, STEPS, own, ("序号", "记答案前"))


def test_a_cancel_killed_in_the_middle_may_be_repeated(
    served: SimProcess, state: Path, desk: Callable[[], Desk]
) -> None:
    first = desk()
    number = first.call("buy", **WISH)["entrust_no"]
    requests = {"撤出后": new_request()}
    told = json.dumps({"entrust_no": number})
    killed(
        served.folder, state, [(r, "cancel_entrust", told, step) for step, r in requests.items()]
    )
    for r in requests.values():
        with pytest.raises(OutcomeUnknownError) as caught:
            first.settle(r)
        assert caught.value.entrust_no == number
        with pytest.raises(OutcomeUnknownError):
            first.call("cancel_entrust", number, request=r)
    first.call("cancel_entrust", number)
    assert first.trader.find_entrust(number)["order_status_name"] == "已撤"


def check_rounds(
    served: SimProcess, state: Path, desk: Callable[[], Desk], rounds: int, seed: int
) -> None:
    """一笔接一笔地下，随时杀掉；说过的算数，没说的有准话。"""
    dice = random.Random(seed)
    told: dict[str, str] = {}
    for n in range(rounds):
        process = run(served.folder, state, f"轮{n}".encode().hex(), "buy", json.dumps(WISH), "")
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        threading.Event().wait(dice.uniform(0.02, 0.4))
        process.kill()
        out, _ = process.communicate(timeout=60)
        last = ""
        for line in out.splitlines():
            mark, _, rest = line.partition(" ")
            if mark == "?":
                last = rest
            told[last] = "" if mark == "?" else rest
    again = desk()
    seen = on_counter(again)
    assert told
    for r, said in told.items():
        call = again.call_of("buy", request=r, **WISH)
        own = again.mutations.client_order_id(call)
        numbers = seen.get(tags.tag_for(ACCOUNT, own), [])
        assert len(numbers) <= 1, (r, numbers)
        assert not said or said == str(numbers[0]), (r, said, numbers)
        try:
            story = again.settle(r, within_s=20)
        except EasytraderError as exc:
            raise AssertionError(f"{r}：{exc!r}") from exc
        if numbers:
            assert story == {"state": "done", "result": {"entrust_no": numbers[0]}}, r
        else:
            assert story == {"state": "never"}, r
    assert on_counter(again) == seen


def test_killed_at_any_moment(served: SimProcess, state: Path, desk: Callable[[], Desk]) -> None:
    check_rounds(served, state, desk, 2, 1)


@pytest.mark.soak
@pytest.mark.timeout(1200)
def test_killed_at_any_moment_many_times(
    served: SimProcess, state: Path, desk: Callable[[], Desk]
) -> None:
    check_rounds(served, state, desk, 100, 2)
