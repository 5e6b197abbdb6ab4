"""文件夹与账本：建、加账号、坏文件、写不进去、被杀。"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counter_desk import ACCOUNT, START, Desk, yuan
from support import VendorEngine as Engine

from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.config import folder
from easytrader.sim.config.folder import AccountConfig, SimConfig, SimFolder, create, is_sim_folder
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.host.lease import Lease
from easytrader.sim.ledger.events import AccountQuery, OrdersQuery

Make = Callable[..., Desk]
CODE = "600036.SH"


def test_create_and_open(tmp_path: Path) -> None:
    where = tmp_path / "我的 模拟" / "userdata_mini"
    assert not is_sim_folder(where)
    account = AccountConfig("1", 3, 5, (("sh600036", 100, "35.5"),))
    made = create(where, [account], seed=7, clock="exchange", tick_s=1.5)
    assert is_sim_folder(where)
    opened = SimFolder.open(str(where))
    assert opened == made
    assert opened.config.accounts[0].held == ((CODE, 100, 3_550_000),)
    assert (where / "up_queue_win_xtquant").is_file()
    assert opened.store_path.parent == where
    assert {path.name for path in where.iterdir()} == {
        "easytrader_sim.json",
        "up_queue_win_xtquant",
        "up_queue_xtquant",
    }


def test_add_accounts_and_change_settings(tmp_path: Path) -> None:
    create(tmp_path / "a", [AccountConfig("1")], seed=7)
    grown = create(tmp_path / "a", [AccountConfig("2")], clock="exchange")
    assert [account.account_id for account in grown.config.accounts] == ["1", "2"]
    assert (grown.config.seed, grown.config.clock) == (7, "exchange")
    with pytest.raises(SimulatorError, match="已经有了"):
        create(tmp_path / "a", [AccountConfig("1")])


def test_an_account_added_later_is_opened(desk: Desk) -> None:
    desk.buy(CODE, 100, 0.0, 44)
    before = desk.snapshot()
    create(desk.folder.path, [AccountConfig("2", cash=7)])
    desk.reopen()
    assert desk.engine.asset(AccountQuery(2, "2")).answer[0].cash == 7.0
    assert desk.snapshot() == before


def test_not_a_sim_folder(tmp_path: Path) -> None:
    with pytest.raises(SimulatorError, match="easytrader sim init"):
        SimFolder.open(tmp_path)
    assert not is_sim_folder("\0")


def test_a_real_client_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "up_queue_xtquant").touch()
    with pytest.raises(SimulatorError, match="真的 MiniQMT"):
        create(tmp_path, [AccountConfig("1")])
    (tmp_path / "file").touch()
    with pytest.raises(SimulatorError, match="是一个文件"):
        create(tmp_path / "file")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "读不懂"),
        ("[]", "读不懂"),
        ('{"format": 99}', "升级"),
        ('{"format": 1, "clock": "sometimes"}', "always"),
        ('{"format": 1, "accounts": [{"account_id": ""}]}', "account_id"),
        ('{"format": 1, "unknown": 1}', "unknown"),
    ],
)
def test_bad_config_files(tmp_path: Path, text: str, reason: str) -> None:
    create(tmp_path / "a")
    (tmp_path / "a" / "easytrader_sim.json").write_text(text, encoding="utf-8")
    with pytest.raises(SimulatorError, match=reason):
        SimFolder.open(tmp_path / "a")


@pytest.mark.parametrize(
    ("make", "argument"),
    [
        (lambda: AccountConfig(""), "account_id"),
        (lambda: AccountConfig("1" * 24), "account_id"),
        (lambda: AccountConfig(" 1"), "account_id"),
        (lambda: AccountConfig(1), "account_id"),
        (lambda: AccountConfig("1", 5), "account_type"),
        (lambda: AccountConfig("1", 2, -1), "cash"),
        (lambda: AccountConfig("1", 2, 1.0001), "cash"),
        (lambda: AccountConfig("1", 2, True), "cash"),
        (lambda: AccountConfig("1", 2, "一百万"), "cash"),
        (lambda: AccountConfig("1", 2, float("nan")), "cash"),
        (lambda: AccountConfig("1", 2, Decimal("1E+200000")), "cash"),
        (lambda: AccountConfig("1", 2, Decimal("1E-200000")), "cash"),
        (lambda: AccountConfig("1", 2, None), "cash"),
        (lambda: AccountConfig("1", 2, 1, ((CODE, 0, 1),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, (("204001.SH", 10, 1),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, (("乱", 10, 1),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, ((CODE,),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, ((CODE, 10, -1),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, ((CODE, 10, "三十"),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, ((CODE, 10**9, 10_000_000),)), "positions"),
        (lambda: AccountConfig("1", 2, 1, CODE), "positions"),
        (lambda: AccountConfig("1", 2, 1, 5), "positions"),
        (lambda: AccountConfig("1", positions=np.array(100)), "positions"),
        (lambda: AccountConfig("1", position=()), "position"),  # type: ignore[call-arg]
        (lambda: AccountConfig(cash=5), "account_id"),  # type: ignore[call-arg]
        (lambda: AccountConfig("1", 2, 1, {CODE: (1, 2, 3)}), "positions"),
        (lambda: SimConfig(commission_min=-1), "commission_min"),
        (lambda: create("nowhere", AccountConfig("1")), "accounts"),
        (lambda: create("~没有这个人/a"), "path"),
        (lambda: AccountConfig("1", 2, 1, ((CODE, 10, 1), ("sh600036", 5, 1))), "positions"),
        (lambda: SimConfig(clock="x"), "clock"),
        (lambda: SimConfig(seed="x"), "seed"),
        (lambda: SimConfig(tick_s=0), "tick_s"),
        (lambda: SimConfig(commission_ppm=5000), "commission_ppm"),
        (lambda: SimConfig(accounts=(AccountConfig("1"), AccountConfig("1"))), "accounts"),
        (lambda: create("nowhere", [], speed=3), "settings"),
    ],
)
def test_bad_settings(make: Callable[[], object], argument: str) -> None:
    with pytest.raises(UsageError) as caught:
        make()
    assert caught.value.argument == argument


def test_foreign_files_are_refused(tmp_path: Path) -> None:
    folder = create(tmp_path / "a", [AccountConfig("1")])
    folder.store_path.write_bytes(b"not a database at all" * 100)
    with pytest.raises(SimulatorError, match="账本"):
        Engine(folder)
    folder.store_path.unlink()
    other = sqlite3.connect(folder.store_path)
    other.execute("CREATE TABLE notes (text)")
    other.close()
    with pytest.raises(SimulatorError, match="不是模拟"):
        Engine(folder)


def test_a_newer_store_is_refused(desk: Desk) -> None:
    desk.engine.close()
    other = sqlite3.connect(desk.folder.store_path)
    other.execute("PRAGMA user_version=99")
    other.close()
    with pytest.raises(SimulatorError, match="升级"):
        Engine(desk.folder, desk.clock)


def test_reopen_remembers_everything(make_desk: Make) -> None:
    desk = make_desk(positions=((CODE, 300, 10_000_000),))
    quote = desk.quote(CODE)
    desk.buy(CODE, quote.asks[0].volume + 100, yuan(quote.asks[0].price_li))
    desk.sell(CODE, 100, yuan(quote.asks[4].price_li))
    desk.sell(CODE, 100, 0.0, 44)
    desk.buy("000001.SZ", 100, yuan(desk.quote("000001.SZ").limit_down_li))
    desk.cancel(desk.orders()[-1].order_id)
    desk.buy(CODE, 150, 35.5)
    before = desk.snapshot()
    desk.reopen()
    assert desk.snapshot() == before
    assert desk.engine.next_wakeup() is not None


def test_duplicate_positions_are_named() -> None:
    with pytest.raises(UsageError, match=CODE):
        AccountConfig("1", 2, 1, ((CODE, 10, 1), ("000001.SZ", 5, 1), (CODE, 5, 1)))


@pytest.mark.parametrize("broken", ["write_atomically", "touch"])
def test_a_half_failed_create_can_be_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    where = tmp_path / "a"
    with monkeypatch.context() as patch:
        patch.setattr(*((folder, broken) if broken == "write_atomically" else (Path, broken)), full)
        with pytest.raises(SimulatorError, match="写不进"):
            create(where, [AccountConfig("1")])
    assert not is_sim_folder(where)
    assert is_sim_folder(create(where, [AccountConfig("1")]).path)


def test_a_card_that_cannot_be_written_leaves_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(tmp_path / "a", [AccountConfig("1")])

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SimulatorError, match="写不进"):
        Lease(made, "embedded")
    assert not list(made.path.glob("*.tmp"))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 不让删正打开着的文件")
@pytest.mark.parametrize("change", ["删", "删 WAL", "换", "移走文件夹"])
def test_a_store_taken_away_accepts_no_more_orders(desk: Desk, change: str) -> None:
    kept = desk.buy(CODE, 100, 33.0).answer.order_id
    before = desk.snapshot()
    path, elsewhere = desk.folder.store_path, desk.folder.path.with_name("别处")
    if change == "移走文件夹":
        desk.folder.path.rename(elsewhere)
    elif change == "删 WAL":
        Path(f"{path}-wal").unlink()
    else:
        path.rename(path.with_suffix(".old"))
        if change == "换":
            path.write_bytes(path.with_suffix(".old").read_bytes())
    for _ in range(2):
        with pytest.raises(SimulatorError, match="不再受理委托"):
            desk.buy(CODE, 100, 0.0, 44)
    with pytest.raises(SimulatorError, match="不再受理委托"):
        desk.cancel(kept)
    assert desk.snapshot() == before
    if change == "移走文件夹":  # 放回去就好了
        elsewhere.rename(desk.folder.path)
        assert desk.buy(CODE, 100, 0.0, 44).answer.order_id == kept + 1


def test_a_failed_commit_leaves_memory_as_the_disk(desk: Desk) -> None:
    desk.buy(CODE, 100, 0.0, 44)
    before = desk.snapshot()
    db = desk.engine._store._db
    db.execute("PRAGMA query_only=1")
    for _ in range(2):
        with pytest.raises(SimulatorError, match="写不进去"):
            desk.buy(CODE, 100, 0.0, 44)
    with pytest.raises(SimulatorError, match="写不进去"), desk.engine.transaction():
        desk.buy(CODE, 100, 0.0, 44)
    db.execute("PRAGMA query_only=0")
    assert desk.snapshot() == before
    assert desk.buy(CODE, 100, 0.0, 44).answer.order_id == before[2][-1].order_id + 1


def test_a_failure_inside_a_group_spoils_the_group(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = desk.snapshot()

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with pytest.raises(SimulatorError, match="整组作废"), desk.engine.transaction():  # noqa: PT012
        desk.buy(CODE, 100, 0.0, 44)
        with monkeypatch.context() as patch:
            patch.setattr(desk.engine._counter, "handle", broken)
            with pytest.raises(ZeroDivisionError):
                desk.buy(CODE, 100, 0.0, 44)
    assert desk.snapshot() == before


VICTIM = """
import sys
from easytrader.sim.exchange.clock import ManualClock
from support import VendorEngine as Engine
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.ledger.events import CancelOrder, SubmitOrder

account, start = sys.argv[2], float(sys.argv[3])
clock = ManualClock(start)
engine = Engine(SimFolder.open(sys.argv[1]), clock)
step = 0
while True:
    step += 1
    clock.advance(1.0)
    kind, price = (11, 33.0) if step % 3 == 0 else (44, 0.0)
    args = SubmitOrder(2, account, "600036.SH", 23, 100, kind, price, "", str(step))
    outcome = engine.submit(args)
    row = outcome.events[-1].row
    print(outcome.answer.order_id, row.order_status, row.traded_volume, clock.now(), flush=True)
    if step % 6 == 0:
        engine.cancel(CancelOrder(2, account, outcome.answer.order_id))
        print(outcome.answer.order_id, 54, 0, clock.now(), flush=True)
"""


@pytest.mark.parametrize("lines", [1, 7, 40])
def test_kill_loses_nothing_acknowledged(tmp_path: Path, lines: int) -> None:
    cash = 10**12
    folder = create(tmp_path / "模拟 盘", [AccountConfig(ACCOUNT, 2, cash // 1000)])
    root = Path(__file__).parents[3]
    victim = subprocess.Popen(
        [sys.executable, "-c", VICTIM, str(folder.path), ACCOUNT, str(START)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'tests'}"},
        cwd=root,
    )
    assert victim.stdout is not None
    with victim.stdout as pipe:
        told = [pipe.readline() for _ in range(lines)]
        victim.kill()
        told += pipe.read().splitlines(keepends=True)
    victim.wait()
    told = [line for line in told if line.endswith(b"\n")]
    said = {int(line.split()[0]): line.split() for line in told}
    last = float(told[-1].split()[3])
    engine = Engine(folder, ManualClock(last))
    rows = {row.order_id: row for row in engine.orders(OrdersQuery(2, ACCOUNT)).answer}
    assert set(said) <= set(rows)
    assert len(rows) - len(said) <= 1  # 至多有一笔做完了还没来得及说
    for order_id, (_, status, volume, _) in said.items():
        row = rows[order_id]
        assert row.traded_volume >= int(volume)
        assert row.order_status in {int(status), 54}
    trades = engine.trades(AccountQuery(2, ACCOUNT)).answer
    spent = sum(round(trade.traded_amount * 1000 + trade.commission * 1000) for trade in trades)
    asset = engine.asset(AccountQuery(2, ACCOUNT)).answer[0]
    assert round((asset.cash + asset.frozen_cash) * 1000) == cash - spent
    engine.close()


def test_config_is_a_value() -> None:
    assert replace(SimConfig(), seed=1) == SimConfig(seed=1)
