"""被打断了再来：不多一笔、不少一笔；记录的半行、两个同时跑、结果未知、断线。"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from run_world import BANK, MAOTAI, PINGAN, Look, plan_of, world
from support import eventually

import easytrader
from easytrader.basics import pace
from easytrader.errors import (
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    PlanStaleError,
    QueryFailedError,
    RebalanceBusyError,
)
from easytrader.rebalance import runlog
from easytrader.rebalance.report import Report
from easytrader.rebalance.run import run
from easytrader.rebalance.runlog import RunLog
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from run_world import World

FLAT = [Look("09:25", 10.0), Look("14:59", 10.0)]
HELD = {BANK: 2000}
ORDERS = ((BANK, "sell", 1000, 10.0), (PINGAN, "buy", 500, 10.0), (MAOTAI, "buy", 300, 10.0))


class Killed(BaseException):
    """进程没了：谁也接不住。"""


def crash_on(w: World, event: str, count: int) -> Callable[[dict[str, Any]], None]:
    """第 ``count`` 次 ``event`` 时没了。"""
    seen = []

    def step(told: dict[str, Any]) -> None:
        w.steps.append(told)
        if told["event"] == event:
            seen.append(told)
            if len(seen) == count:
                raise Killed

    return step


def check_exact(w: World, orders: Any = ORDERS) -> None:
    """柜台的账：每只成交的总数正好是计划的，没有一个 id 用过两次。"""
    rows = w.user.today_entrusts
    remarks = [row["order_remark"] for row in rows]
    assert len(set(remarks)) == len(remarks)
    assert all(each.startswith("rb-p1-") for each in remarks)
    filled: dict[str, int] = {}
    for row in rows:
        filled[row["stock_code"]] = filled.get(row["stock_code"], 0) + row["traded_volume"]
    assert filled == {code: volume for code, _, volume, _ in orders}


@pytest.mark.parametrize("event", ["send", "placed", "fill", "over"])
@pytest.mark.parametrize("count", [1, 3])
def test_killed_at_each_step_and_run_again(tmp_path: Path, event: str, count: int) -> None:
    looks = {BANK: FLAT, PINGAN: FLAT, MAOTAI: FLAT}
    with world(tmp_path, looks, cash=3500, held=HELD) as w:
        plan = plan_of(*ORDERS, held=HELD)
        with pytest.raises(Killed):
            w.run(plan, on_step=crash_on(w, event, count))
        report = w.run(plan)
        assert report.result == "done", str(report)
        check_exact(w)
        assert w.held(BANK) == 1000
        assert w.held(PINGAN) == 500
        assert w.held(MAOTAI) == 300


@pytest.mark.parametrize("count", range(1, 9))
def test_killed_after_each_write_of_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    looks = {BANK: FLAT, PINGAN: FLAT, MAOTAI: FLAT}
    with world(tmp_path, looks, cash=3500, held=HELD) as w:
        plan = plan_of(*ORDERS, held=HELD)
        written = []
        real = RunLog.write

        def write(self: RunLog, *records: Any, durable: bool = False) -> None:
            real(self, *records, durable=durable)
            written.append(records)
            if len(written) == count:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(RunLog, "write", write)
            with pytest.raises(Killed):
                w.run(plan)
        assert w.run(plan).result == "done"
        check_exact(w)


def test_the_fate_of_every_order_is_known_before_the_holdings_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = plan_of((BANK, "buy", 500, 10))
        real = RunLog.write

        def write(self: RunLog, *records: Any, durable: bool = False) -> None:
            if records[0]["kind"] == "placed":
                raise Killed  # 柜台收下了，还没有记
            real(self, *records, durable=durable)

        with monkeypatch.context() as patch:
            patch.setattr(RunLog, "write", write)
            with pytest.raises(Killed):
                w.run(plan)
        w.user.sim.step(seconds=3)
        assert w.held(BANK) == 500
        find, asked = type(w.user).find_entrust, []

        def busy(user: Any, key: Any) -> Any:
            asked.append(key)
            if len(asked) < 3:
                raise QueryFailedError("还核对不清楚")
            return find(user, key)

        monkeypatch.setattr(type(w.user), "find_entrust", busy)
        assert w.run(plan).result == "done"
        check_exact(w, ((BANK, "buy", 500, 10),))


def test_an_order_written_but_never_sent_goes_out_with_the_same_id_and_wish(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = [Look("09:25", 10.0), Look("10:30", 10.2), Look("14:59", 10.2)]
    with world(tmp_path, {BANK: later}) as w:
        plan = plan_of((BANK, "buy", 100, 10))
        with pytest.raises(Killed):
            w.run(plan, on_step=crash_on(w, "send", 1))
        assert not w.user.today_entrusts
        w.goto("10:31")
        report = w.run(plan)
        assert report.result == "done"
        first, *_ = sorted(w.user.today_entrusts, key=lambda row: row["order_id"])
        assert (first["order_remark"], first["price"]) == ("rb-p1-0-1", 10.01)
        assert report.rows[0]["arrival_price"] == 10.0  # 到达价还是第一次开始时的


def test_a_finished_plan_run_again_reports_and_sends_nothing(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = plan_of((BANK, "buy", 100, 10))
        first = w.run(plan)
        w.user.sim.step(seconds=30)
        w.user.buy(BANK, 10.01, 100)  # 做完以后的事与它无关
        w.user.sim.step(seconds=3)
        again = w.run(plan)
        assert again.to_dict() == first.to_dict()
        assert len(w.user.today_entrusts) == 2
        assert w.run(plan, dry_run=True).orders == []


def test_a_plan_stopped_by_its_deadline_goes_on_when_run_again(tmp_path: Path) -> None:
    looks = [
        Look("09:25", 10.0, asks=[(10.01, 4)]),
        Look("10:05", 10.0),
        Look("14:59", 10.0),
    ]
    with world(tmp_path, {BANK: looks}) as w:
        plan = plan_of((BANK, "buy", 1000, 10))
        assert w.run(plan, deadline=60).result == "partly"
        w.goto("10:06")
        report = w.run(plan)
        assert report.result == "done"
        check_exact(w, ((BANK, "buy", 1000, 10),))
        assert [fill["volume"] for fill in report.fills] == [400, 600]


def test_its_own_fills_are_no_drift_but_a_hand_order_is(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        plan = plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10))
        with pytest.raises(Killed):
            w.run(plan, on_step=crash_on(w, "placed", 1))
        w.user.buy(PINGAN, 10.01, 200)
        with pytest.raises(PlanStaleError) as told:
            w.run(plan)
        assert told.value.rule == "drift"
        assert len(w.user.today_entrusts) == 2


def test_a_stale_plan_sends_nothing_and_leaves_no_log(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = replace(plan_of((BANK, "buy", 500, 10)), day="2026-11-20")
        with pytest.raises(PlanStaleError) as told:
            w.run(plan)
        assert told.value.rule == "day"
        assert not w.user.today_entrusts
        assert not runlog.read(runlog.file_of(w.log_folder, "p1"))


# ---- 记录


def test_half_a_line_at_the_end_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "记录" / "p.jsonl"
    log = RunLog(file)
    log.write({"kind": "start"}, {"kind": "send", "client_order_id": "一"}, durable=True)
    log.close()
    with file.open("ab") as out:
        out.write(b'{"kind": "send", "clie')
    again = RunLog(file)
    assert [each["kind"] for each in again.records] == ["start", "send"]
    again.write({"kind": "over"})
    again.close()
    assert [each["kind"] for each in runlog.read(file)] == ["start", "send", "over"]
    if os.name != "nt":
        assert file.stat().st_mode & 0o077 == 0
        assert file.parent.stat().st_mode & 0o077 == 0


def test_a_block_of_zeros_at_the_end_is_forgotten(tmp_path: Path) -> None:
    file = tmp_path / "p.jsonl"
    file.write_bytes(b'{"kind": "start"}\n' + b"\0" * 100 + b"\n")
    log = RunLog(file)
    log.write({"kind": "over"})
    log.close()
    assert [each["kind"] for each in runlog.read(file)] == ["start", "over"]


def test_a_broken_line_in_the_middle_stops_everything(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = plan_of((BANK, "buy", 500, 10))
        with pytest.raises(Killed):
            w.run(plan, on_step=crash_on(w, "placed", 1))
        file = runlog.file_of(w.log_folder, "p1")
        lines = file.read_text("utf-8").splitlines()
        file.write_text("\n".join([lines[0], "坏了", *lines[1:]]) + "\n", "utf-8")
        with pytest.raises(JournalError, match="第 2 行"):
            w.run(plan)
        assert len(w.user.today_entrusts) == 1


def test_a_log_that_does_not_fit_the_plan_stops_everything(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        log = RunLog(runlog.file_of(w.log_folder, "p1"))
        log.write({"kind": "placed", "client_order_id": "rb-p1-7-1", "entrust_no": 3})
        log.close()
        with pytest.raises(JournalError, match="对不上"):
            w.run(plan_of((BANK, "buy", 500, 10)))


def test_what_is_written_is_on_disk_before_the_order_is_sent(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        file = runlog.file_of(w.log_folder, "p1")
        seen = []

        def step(told: dict[str, Any]) -> None:
            if told["event"] == "send":
                lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
                seen.append(lines[-1])
                assert not w.user.today_entrusts

        w.run(plan_of((BANK, "buy", 500, 10)), on_step=step)
        (line,) = seen
        assert line["kind"] == "send"
        assert (line["client_order_id"], line["volume"], line["price_li"]) == (
            "rb-p1-0-1",
            500,
            10_010,
        )


def test_nothing_is_sent_when_it_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        real = os.fsync

        def full(fd: int) -> None:
            if len(runlog.read(file)) > 1:
                raise OSError(28, "磁盘满了")
            real(fd)

        file = runlog.file_of(w.log_folder, "p1")
        monkeypatch.setattr("easytrader.rebalance.runlog.os.fsync", full)
        with pytest.raises(JournalError, match="磁盘满了"):
            w.run(plan_of((BANK, "buy", 500, 10)))
        assert not w.user.today_entrusts


# ---- 同时只有一个


def test_another_run_on_the_same_account_is_refused(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        said = []

        def step(told: dict[str, Any]) -> None:
            if told["event"] == "send":
                try:
                    w.run(plan_of((BANK, "buy", 100, 10), plan_id="p2"), on_step=None)
                except RebalanceBusyError as exc:
                    said.append(str(exc))

        assert w.run(plan_of((BANK, "buy", 100, 10)), on_step=step).result == "done"
        assert len(w.user.today_entrusts) == 1
        assert f"进程 {os.getpid()} 从 10:00:00 起在执行计划 p1" in said[0]
        assert w.run(plan_of((BANK, "buy", 100, 10), held={BANK: 100}, plan_id="p2")).result


def test_the_records_lie_beside_the_accounts_own(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        plan = plan_of((BANK, "buy", 100, 10))
        w.run(plan, folder=None)
        client = tmp_path / "模拟 客户端"
        assert list(client.rglob("rebalance/p1.jsonl"))
        assert w.run(plan, folder=None).result == "done"


# ---- 结果未知、断线


def test_an_unknown_outcome_is_settled_before_anything_new(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        w.user._engine._connector.timeout_s = 0.5
        w.user._session._replies._timeout_s = 0.5
        Faults(w.user.status["path"]).drop_answer("submit", 1)
        report = w.run(plan_of((BANK, "buy", 500, 10)))
        assert report.result == "done"
        assert w.events("unknown") == ["unknown"]
        check_exact(w, ((BANK, "buy", 500, 10),))
        assert len(w.sent()) == 1


def test_an_outcome_that_stays_unknown_stops_that_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        real = type(w.user).buy

        def buy(user: Any, security: str, *args: Any, **named: Any) -> Any:
            if security == BANK:
                raise OutcomeUnknownError("没有应答")
            return real(user, security, *args, **named)

        def find(user: Any, key: Any) -> Any:
            raise QueryFailedError("核对不清楚")

        monkeypatch.setattr(type(w.user), "buy", buy)
        monkeypatch.setattr(type(w.user), "find_entrust", find)
        plan = plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10))
        report = w.run(plan, deadline=30)
        assert report.result == "partly"
        assert report.rows[0]["why"].startswith("结果未知：核对不清楚")
        assert report.rows[0]["attempts"] == 1
        assert report.rows[1]["filled"] == 100


def test_a_disconnect_in_the_middle_is_waited_out(tmp_path: Path) -> None:
    looks = {BANK: [Look("09:25", 10.0), Look("10:20", 9.9), Look("14:59", 9.9)], PINGAN: FLAT}
    with world(tmp_path, looks) as w:
        plan = plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10))

        def step(told: dict[str, Any]) -> None:
            w.steps.append(told)
            if told["event"] == "placed" and w.events("placed") == ["placed"]:
                faults = Faults(w.user.status["path"])
                faults.refuse_connect(2)
                faults.disconnect()
                eventually(lambda: w.user.state != "已连接")
                w.pace.on_sleep = lambda: eventually(lambda: w.user.state == "已连接")

        report = w.run(plan, on_step=step)
        assert report.result == "done"
        assert "offline" in w.events()
        assert w.events().index("offline") < w.events().index("online")
        check_exact(w, ((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10)))


def test_never_connected_is_said_at_once() -> None:
    user = easytrader.use("sim")
    with pytest.raises(NotConnectedError):
        run(user, plan_of((BANK, "buy", 100, 10)))
    user.close()


def test_the_folder_given_keeps_its_own_permissions(tmp_path: Path) -> None:
    own = tmp_path / "大家的"
    own.mkdir(mode=0o755)
    own.chmod(0o755)
    with world(tmp_path / "w", {BANK: FLAT}) as w:
        assert w.run(plan_of((BANK, "buy", 100, 10)), folder=own).result == "done"
    if os.name != "nt":
        assert own.stat().st_mode & 0o777 == 0o755
        assert (own / "p1.jsonl").stat().st_mode & 0o077 == 0


def test_not_connected_at_the_start_is_said_at_once(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        w.user.stop_reconnect()
        Faults(w.user.status["path"]).disconnect()
        eventually(lambda: w.user.state != "已连接")
        with pytest.raises(NotConnectedError):
            run(w.user, plan_of((BANK, "buy", 100, 10)), folder=w.log_folder)


# ---- Ctrl-C


def test_ctrl_c_cancels_what_is_open_and_a_later_run_goes_on(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        plan = plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10))
        slept = []

        def ctrl_c() -> None:
            slept.append(1)
            if len(slept) == 3:
                raise KeyboardInterrupt

        w.pace.on_sleep = ctrl_c
        steps: list[dict[str, Any]] = []
        with pytest.raises(KeyboardInterrupt):
            w.run(plan, price="本方价", on_step=steps.append)
        assert steps[-1]["event"] == "interrupted"
        report = Report.from_dict(steps[-1]["report"])
        assert (report.result, [row["why"] for row in report.rows]) == ("nothing", ["被打断"] * 2)
        assert [row[3] for row in w.sent()] == ["已撤", "已撤"]
        w.pace.on_sleep = None
        assert w.run(plan).result == "done"
        check_exact(w, ((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10)))


# ---- 还有没有活着的


def test_alive_tells_what_is_still_out_there(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT, PINGAN: FLAT}) as w:
        plan = plan_of((BANK, "buy", 500, 10), (PINGAN, "buy", 100, 10))
        assert runlog.alive(w.user, "p1", w.log_folder) == []
        with pytest.raises(Killed):
            w.run(plan, price="本方价", on_step=crash_on(w, "placed", 2))
        assert runlog.alive(w.user, "p1", w.log_folder) == ["rb-p1-0-1", "rb-p1-1-1"]
        w.user.cancel_all()
        with pace.replaced(w.pace):
            w.user.sim.step(seconds=3)
        assert runlog.alive(w.user, "p1", w.log_folder) == []


def test_a_report_survives_json(tmp_path: Path) -> None:
    with world(tmp_path, {BANK: FLAT}) as w:
        report = w.run(plan_of((BANK, "buy", 100, 10)))
        assert Report.from_dict(json.loads(json.dumps(report.to_dict()))) == report
        page = report.to_markdown()
        assert "| 600000.SH | 买入 | 100 | 100 | 10.01 |" in page
        assert repr(report) == "<Report p1 做完了：1 笔>"
        assert "600000.SH" in report._repr_html_()
