"""开户：钱以元计，写错了说清楚；再跑一遍；从头来过。"""

from __future__ import annotations

import json
import os
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import VendorEngine as Engine

import easytrader
from easytrader import sim
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.config import folder as folder_room
from easytrader.sim.config.folder import AccountConfig, SimConfig, SimFolder, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.host.lease import Lease, holder_of, reset
from easytrader.sim.ledger.events import AccountQuery

CODE = "600036.SH"
START = 1795140000.0  # 2026-11-20 10:00


@pytest.mark.parametrize("cash", [1000.5, "1000.5", Decimal("1000.5")])
@pytest.mark.parametrize(
    "positions",
    [
        [(CODE, 1000, 35.5)],
        ((CODE, 1000, "35.5"),),
        {CODE: (1000, Decimal("35.5"))},
        {"sh600036": [1000, 35.5]},
    ],
)
def test_money_is_in_yuan(tmp_path: Path, cash: Any, positions: Any) -> None:
    made = create(tmp_path / "a", [sim.AccountConfig("1", cash=cash, positions=positions)])
    engine = Engine(made, ManualClock(START))
    asset = engine.asset(AccountQuery(2, "1")).answer[0]
    (row,) = engine.positions(AccountQuery(2, "1")).answer
    engine.close()
    assert asset.cash == 1000.5
    assert (row.stock_code, row.volume, row.avg_price) == (CODE, 1000, 35.5)
    assert SimFolder.open(made.path) == made


def test_a_long_cost_keeps_the_total_to_the_li() -> None:
    account = AccountConfig("1", positions=[(CODE, 3, Decimal(10) / 3)])
    assert account.held == ((CODE, 3, 10_000),)


def test_no_cost_is_the_close_before_the_opening(tmp_path: Path) -> None:
    made = create(tmp_path / "a", [AccountConfig("1", positions={CODE: 200})])
    engine = Engine(made, ManualClock(START))
    (row,) = engine.positions(AccountQuery(2, "1")).answer
    assert row.avg_price * 1000 == engine._counter.quote(_security(CODE)).pre_close_li
    engine.close()


def _security(code: str) -> Any:
    from easytrader.market.symbols import parse_security

    return parse_security(code)


def test_a_total_cost_by_mistake_is_refused() -> None:
    with pytest.raises(UsageError, match="每股多少元"):
        AccountConfig("1", positions=((CODE, 1_000_000, 35_500_000),))


def test_a_folder_of_the_version_in_li_is_still_read(tmp_path: Path) -> None:
    made = create(tmp_path / "a")
    old = {
        "format": 1,
        "commission_min_li": 100,
        "accounts": [
            {"account_id": "1", "cash_li": 1_000_500, "positions": [[CODE, 137, 3_500_001]]}
        ],
    }
    (made.path / "easytrader_sim.json").write_text(json.dumps(old), encoding="utf-8")
    config = SimFolder.open(made.path).config
    (account,) = config.accounts
    assert (account.cash, account.held) == (Decimal("1000.5"), ((CODE, 137, 3_500_001),))
    assert config.commission_min_li == 100


class _Counting(str):
    """数一数比较了多少次。"""

    __slots__ = ()
    compared = 0

    def __eq__(self, other: object) -> bool:
        _Counting.compared += 1
        return str.__eq__(self, other)

    __hash__ = str.__hash__


def test_positions_are_checked_in_linear_time(monkeypatch: pytest.MonkeyPatch) -> None:
    count = 400
    read = folder_room._position
    codes = [_Counting(f"600{n:03d}.SH") for n in range(count)]
    rows = [(code, *read((CODE, 100, 1))[1:]) for code in codes]
    left = iter(rows)
    monkeypatch.setattr(folder_room, "_position", lambda _: next(left))
    _Counting.compared = 0
    AccountConfig("1", positions=[(CODE, 100, 1)] * count)
    assert _Counting.compared < 5 * count


def test_an_unchanged_config_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = create(tmp_path / "a", [AccountConfig("1")])
    config = made.path / "easytrader_sim.json"
    os.utime(config, (START - 3600, START - 3600))
    monkeypatch.setattr(folder_room.time, "time", lambda: START)
    reads: list[Path] = []
    read = folder_room._read
    monkeypatch.setattr(folder_room, "_read", lambda path: reads.append(path) or read(path))
    assert SimFolder.open(made.path) == SimFolder.open(made.path) == made
    assert len(reads) == 1
    config.write_text(config.read_text(encoding="utf-8").replace('"seed": 20261121', '"seed": 7'))
    os.utime(config, (START, START))  # 刚写的
    assert SimFolder.open(made.path).config.seed == 7
    config.write_text(config.read_text(encoding="utf-8").replace('"seed": 7', '"seed": 8'))
    os.utime(config, (START, START))  # 同一个时刻又写，一样长
    assert SimFolder.open(made.path).config.seed == 8


# 再跑一遍，从头来过 ----------------------------------------------------------


def test_creating_twice_needs_a_word(tmp_path: Path) -> None:
    account = AccountConfig("1", cash=5000, positions={CODE: (100, 30)})
    create(tmp_path / "a", [account], seed=7)
    with pytest.raises(SimulatorError, match="exist_ok=True"):
        create(tmp_path / "a", [account], seed=7)
    again = create(tmp_path / "a", [account, AccountConfig("2")], exist_ok=True, tick_s=1.0)
    assert [each.account_id for each in again.config.accounts] == ["1", "2"]
    assert (again.config.seed, again.config.tick_s) == (7, 1.0)
    with pytest.raises(SimulatorError, match="不同"):
        create(tmp_path / "a", [AccountConfig("1", cash=6000)], exist_ok=True)


def test_a_reset_folder_is_as_first_made(tmp_path: Path) -> None:
    made = sim.create(tmp_path / "a", [AccountConfig("1", cash=100_000)])
    with easytrader.use("sim") as user:
        user.connect(str(made.path), "1", timeout=5)
        user.market_buy(CODE, amount=100, client_order_id="早")
        with pytest.raises(SimulatorError, match="已被占用"):
            reset(made.path)
        assert user.position
    sim.reset(made.path)
    assert SimFolder.open(made.path) == made
    assert not (made.path / "easytrader_records").exists()
    assert not list(made.path.glob("*.sqlite3*"))
    with easytrader.use("sim") as user:
        user.connect(str(made.path), "1", timeout=5)
        assert (user.position, user.balance[0]["cash"]) == ([], 100_000.0)
        user.market_buy(CODE, amount=100, client_order_id="早")
        assert len(user.today_entrusts) == 1


def test_a_reset_that_stops_half_way_leaves_the_old_book(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(tmp_path / "a", [AccountConfig("1")])
    for suffix in ("", "-wal", "-shm"):
        Path(f"{made.store_path}{suffix}").touch()

    unlink = Path.unlink

    def stubborn(self: Path, missing_ok: bool = False) -> None:
        if self == made.store_path:
            raise PermissionError(13, "正被使用")
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", stubborn)
    with pytest.raises(SimulatorError, match="没有删干净"):
        reset(made.path)
    assert [path.name for path in made.path.glob("*.sqlite3*")] == [made.store_path.name]
    assert holder_of(made.path) is None


def test_resetting_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "easytrader_sim.sqlite3").touch()
    with pytest.raises(SimulatorError, match="不是模拟"):
        reset(tmp_path)
    assert (tmp_path / "easytrader_sim.sqlite3").exists()


# 说得清楚的错误，别人看不见的文件 ------------------------------------------------


def test_a_permission_error_does_not_advise_to_delete(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = create(tmp_path / "a", [AccountConfig("1")])

    def refused(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "read_text", refused)
        with pytest.raises(SimulatorError, match="没有权限") as caught:
            SimFolder.open(made.path)
    assert "删" not in str(caught.value)
    monkeypatch.setattr(folder_room, "write_atomically", refused)
    with pytest.raises(SimulatorError, match="没有权限"):
        create(made.path, [AccountConfig("2")])


def test_a_path_too_long_is_explained(tmp_path: Path) -> None:
    long = tmp_path / ("x" * 300)
    for call in (create, SimFolder.open):
        with pytest.raises(SimulatorError, match="xxx"):
            call(long)


@pytest.mark.parametrize(
    "card", ['{"pid": 1, "port": 9, "token": "x", "started": 1e300, "kind": "serve"}',
             '{"pid": 1, "port": 1e999, "token": "x", "started": 1, "kind": "serve"}', "{"]
)  # fmt: skip
def test_a_damaged_card_names_the_file(tmp_path: Path, card: str) -> None:
    made = create(tmp_path / "a", [AccountConfig("1")])
    owner = Lease(made, "serve")
    made.service_path.write_text(card, encoding="utf-8")
    with pytest.raises(SimulatorError, match=r"service\.json 读不懂"):
        holder_of(made.path)
    with pytest.raises(SimulatorError, match="已被占用"):
        Lease(made, "serve")
    owner.release()
    made.service_path.write_text(card, encoding="utf-8")
    assert holder_of(made.path) is None  # 没有人占着：留下的旧信息不算数


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上由用户目录的 ACL 管")
def test_the_book_is_for_its_owner_only(tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        made = create(tmp_path / "新" / "a", [AccountConfig("1")])
        engine = Engine(made, ManualClock(START))
        modes = {path.name: path.stat().st_mode & 0o777 for path in made.path.iterdir()}
        engine.close()
    finally:
        os.umask(before)
    assert {made.path.stat().st_mode & 0o777, made.path.parent.stat().st_mode & 0o777} == {0o700}
    for name in ("", "-wal", "-shm"):
        assert modes[f"{made.store_path.name}{name}"] == 0o600
    assert modes["easytrader_sim.json"] == 0o600


@pytest.mark.skipif(sys.platform == "win32", reason="Windows 上由用户目录的 ACL 管")
def test_what_was_there_before(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    private_folder(tmp_path)
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    old = tmp_path / "旧账"
    old.write_text("x", encoding="utf-8")
    old.chmod(0o644)
    private_file(old)
    assert (old.stat().st_mode & 0o777, old.read_text(encoding="utf-8")) == (0o600, "x")


def test_commission_floor_is_in_yuan() -> None:
    assert SimConfig(commission_min=0.1).commission_min_li == 100
    assert SimConfig().commission_min_li == 5000
