"""单步的时钟：走到哪里是哪里，走完时推送都交付了，换日、T+1、重新打开都对。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest
from market_data import CODE, Desk, at, bar_line, minute_stamps, write
from support import Recorder, SimProcess

import easytrader
from easytrader.cli import main
from easytrader.errors import SimulatorError, UsageError
from easytrader.push import sequence
from easytrader.sim.config.folder import AccountConfig, SimConfig, create
from easytrader.sim.exchange.hours import ExchangeHours, later_open, trading_time

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader
    from easytrader.sim.host.stepping import Stepper

ACCOUNT = "1000000365"
DAYS = ("2026-03-02", "2026-03-03")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    root = tmp_path / "分钟线"
    root.mkdir()
    lines = [
        bar_line(time, (35.0, 35.05, 34.95, 35.0), 1000)
        for day in DAYS
        for time in minute_stamps(240, day)
    ]
    write(root / f"{CODE}_1m.csv", lines)
    return root


@pytest.fixture
def folder(tmp_path: Path, data: Path) -> Path:
    path = tmp_path / "回测"
    create(path, [AccountConfig(ACCOUNT)], clock="step", start="2026-03-02 09:30", replay=str(data))
    return path


@pytest.fixture
def told() -> Recorder:
    return Recorder()


@pytest.fixture
def user(folder: Path, told: Recorder) -> Iterator[SimTrader]:
    trader = easytrader.use("sim")
    trader.connect(str(folder), ACCOUNT, told)
    yield trader
    trader.close()


def shown(stepper: Stepper) -> str:
    return f"{stepper.now():%m-%d %H:%M:%S}"


def test_time_stands_still_until_stepped(user: SimTrader) -> None:
    assert shown(user.sim) == "03-02 09:30:00"
    user.buy("600036", 30.0, 100)
    threading.Event().wait(0.05)
    assert shown(user.sim) == "03-02 09:30:00"
    assert user.today_entrusts[0]["order_time"] == int(at("09:30"))


def test_a_step_returns_after_its_callbacks(user: SimTrader, told: Recorder) -> None:
    user.sim.step(minutes=1)
    number = user.buy("600036", 34.96, 100)["entrust_no"]
    user.sim.step(minutes=5)
    assert [order.order_status for order in told.of("order")] == [50, 56]
    assert [trade.order_id for trade in told.of("trade")] == [number]
    assert user.find_entrust(number)["order_status_name"] == "已成"
    kinds = [event["event"] for event in user.events(timeout=0)]
    assert kinds == ["connected", "order", "trade", "order"]


def test_orders_placed_in_callbacks_are_settled_too(user: SimTrader, told: Recorder) -> None:
    """回调里又下单，走完的一步也把它的推送等到。"""
    placed: list[int] = []

    def again(trade: Any) -> None:
        if len(placed) < 3:
            placed.append(user.buy("600036", 35.1, 100)["entrust_no"])

    told.doing["trade"] = again
    user.sim.step(minutes=1)
    placed.append(user.buy("600036", 35.1, 100)["entrust_no"])
    user.sim.step(minutes=2)
    assert len(placed) == 3
    done = {order.order_id for order in told.of("order") if order.order_status in (55, 56)}
    assert set(placed[:2]) <= done


def test_time_cannot_be_stepped_inside_a_callback(user: SimTrader, told: Recorder) -> None:
    said: list[str] = []

    def step(trade: Any) -> None:
        with pytest.raises(SimulatorError) as caught:
            user.sim.step(minutes=1)
        said.append(str(caught.value))

    told.doing["trade"] = step
    user.sim.step(minutes=1)
    user.buy("600036", 35.1, 100)
    user.sim.step(minutes=1)
    assert "不能在回调里走时钟" in said[0]
    assert shown(user.sim) == "03-02 09:32:00"


def test_a_day_rolls_over_and_unlocks(user: SimTrader, told: Recorder) -> None:
    """T+1：当天买的当天卖不掉，第二天可以；没成的委托换日到期。"""
    user.sim.step(minutes=1)
    user.buy("600036", 35.1, 200)
    waiting = user.buy("600036", 32.0, 100)["entrust_no"]
    user.sim.step(minutes=5)
    assert user.position[0]["can_use_volume"] == 0
    refused = user.sell("600036", 34.9, 200)["entrust_no"]
    assert user.wait(refused, timeout=5)["order_status_name"] == "废单"
    assert f"{user.sim.next_day():%m-%d %H:%M}" == "03-03 09:30"
    assert user.today_entrusts == []
    last = [order for order in told.of("order") if order.order_id == waiting][-1]
    assert last.order_status == 54
    assert user.position[0]["can_use_volume"] == 200
    user.sim.step(minutes=1)
    sold = user.sell("600036", 34.9, 200)["entrust_no"]
    user.sim.step(minutes=5)
    assert user.find_entrust(sold)["order_status_name"] == "已成"


def test_expired_orders_do_not_wait_for_a_push_that_never_comes(
    user: SimTrader, told: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """日终到期的撤单没有「待撤」：走完的一步里再没有别的推送，不等压着的到期。"""
    monkeypatch.setattr(sequence, "HOLD_S", 3600.0)
    user.sim.step(minutes=1)
    number = user.buy("600036", 34.0, 100)["entrust_no"]
    user.sim.next_day()
    assert [(each.order_id, each.order_status) for each in told.of("order")] == [
        (number, 50),
        (number, 54),
    ]


def test_goto_takes_times_and_refuses_to_go_back(user: SimTrader) -> None:
    assert f"{user.sim.goto('2026-03-02 11:29:30'):%H:%M:%S}" == "11:29:30"
    assert f"{user.sim.step(seconds=60):%H:%M:%S}" == "13:00:30"
    assert user.sim.goto(user.sim.at("2026-03-02 14:00")) == user.sim.now()
    with pytest.raises(SimulatorError, match="不能倒着走"):
        user.sim.goto("2026-03-02 13:59")
    for bad in ("明天", "2026-13-01 09:30", 5):
        with pytest.raises(UsageError, match="YYYY-MM-DD"):
            user.sim.goto(bad)  # type: ignore[arg-type]
    for bad in (0, -1, "1", True, float("nan")):
        with pytest.raises(UsageError):
            user.sim.step(minutes=bad)  # type: ignore[arg-type]
    assert shown(user.sim) == "03-02 14:00:00"


def test_a_reopened_folder_goes_on_where_it_was(folder: Path) -> None:
    for expected in ("03-02 09:35:00", "03-02 09:40:00", "03-02 09:45:00"):
        trader = easytrader.use("sim")
        trader.connect(str(folder), ACCOUNT)
        trader.sim.step(minutes=5)
        assert shown(trader.sim) == expected
        trader.close()


def test_stepping_is_the_same_however_fine(tmp_path: Path, data: Path) -> None:
    """一分钟一分钟地走，与一步走到底，账上一样。"""
    found = []
    for name, moments in (("细", [f"09:{m:02d}" for m in range(32, 60)]), ("粗", ["09:59"])):
        desk = Desk(tmp_path / name, data)
        desk.go("09:31")
        for price in (34.95, 34.97, 35.0):
            desk.submit(23, 3000, price)
        for clock in moments:
            desk.go(clock)
        found.append((desk.orders(), desk.trades()))
        desk.engine.close()
    assert found[0] == found[1]
    assert found[0][1]


def test_the_same_steps_give_the_same_day(tmp_path: Path) -> None:
    """合成行情也能单步：同样的种子与命令，同样的成交。"""
    found = []
    for name in ("甲", "乙"):
        create(
            tmp_path / name,
            [AccountConfig(ACCOUNT)],
            clock="step",
            start="2026-03-02 09:30",
            limit_days=0.3,
            gap_days=0.5,
        )
        trader = easytrader.use("sim")
        trader.connect(str(tmp_path / name), ACCOUNT)
        for _ in range(3):
            for code in ("600036", "000001", "600519"):
                trader.market_buy(code, 100)
            trader.sim.step(minutes=30)
            found.append((name, trader.balance, trader.position, trader.today_trades))
            trader.sim.next_day()
        trader.close()
    assert [each[1:] for each in found[:3]] == [each[1:] for each in found[3:]]
    assert any(trades for *_, trades in found)


def test_a_folder_that_is_not_stepped_says_how_to_make_one(tmp_path: Path) -> None:
    create(tmp_path / "平常", [AccountConfig(ACCOUNT)])
    trader = easytrader.use("sim")
    with pytest.raises(SimulatorError, match="还没有连接"):
        trader.sim.now()
    trader.connect(str(tmp_path / "平常"), ACCOUNT)
    with pytest.raises(SimulatorError, match="--clock step --start"):
        trader.sim.step(minutes=1)
    trader.close()


@pytest.mark.parametrize("settings", [{}, {"start": "早上"}, {"start": 930}, {"start": None}])
def test_step_needs_a_start(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="YYYY-MM-DD HH:MM"):
        SimConfig(clock="step", **settings)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"replay": "数据"}, "clock 设为 step"),
        ({"replay": 5}, "路径"),
        ({"replay_period": "1w"}, "tick 1m 5m 15m 30m 1h 1d"),
        ({"replay_volume": "lot"}, "hand"),
    ],
)
def test_replay_settings_are_checked(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        SimConfig(**settings)


def test_trading_time_skips_lunch_nights_and_holidays() -> None:
    hours = ExchangeHours()
    for start, minutes, stop in (
        (at("08:00"), 1, at("09:31")),
        (at("09:30"), 120, at("11:30")),
        (at("11:30"), 1, at("13:01")),
        (at("12:10"), 1, at("13:01")),
        (at("09:30"), 240, at("15:00")),
        (at("15:00"), 1, at("09:31", "2026-03-03")),
        (at("09:30"), 241, at("09:31", "2026-03-03")),
        (at("15:00", "2026-03-06"), 1, at("09:31", "2026-03-09")),
        (at("14:59", "2026-09-30"), 2, at("09:31", "2026-10-08")),
    ):
        assert trading_time(hours, start, minutes * 60) == stop
    assert later_open(hours, at("10:00", "2026-09-30")) == at("09:30", "2026-10-08")


def test_a_served_folder_is_stepped_from_outside(
    folder: Path, told: Recorder, capsys: pytest.CaptureFixture[str]
) -> None:
    """别的进程服务着：`user.sim` 与命令行走的是同一个钟。"""
    process = SimProcess(folder)
    process.start()
    try:
        trader = easytrader.use("sim")
        trader.connect(str(folder), ACCOUNT, told)
        trader.sim.step(minutes=1)
        trader.buy("600036", 34.96, 100)
        trader.sim.step(minutes=5)
        assert [order.order_status for order in told.of("order")] == [50, 56]
        assert len(told.of("trade")) == 1
        assert main(["sim", "step", str(folder), "--minutes", "4"]) == 0
        assert main(["sim", "step", str(folder)]) == 0
        assert main(["sim", "step", str(folder), "--to", "2026-03-02 14:00"]) == 0
        assert main(["sim", "step", str(folder), "--next-day"]) == 0
        assert capsys.readouterr().out.split("\n")[:4] == [
            "2026-03-02 09:40:00",
            "2026-03-02 09:40:00",
            "2026-03-02 14:00:00",
            "2026-03-03 09:30:00",
        ]
        assert shown(trader.sim) == "03-03 09:30:00"
        trader.close()
    finally:
        process.kill()


def test_init_takes_market_options_and_checks_the_data(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = str(tmp_path / "新的")
    base = ["sim", "init", path, "--account", "1", "--clock", "step", "--start", "2026-03-02 09:30"]
    options = ["--replay", str(data), "--replay-period", "1m", "--position", "600036.SH:100"]
    assert main([*base, *options]) == 0
    config = easytrader.sim.config.folder.SimFolder.open(path).config
    assert (config.replay, config.start) == (str(data), "2026-03-02 09:30")
    assert config.accounts[0].held == ((CODE, 100, None),)
    none = ["sim", "init", str(tmp_path / "没有行情的"), *base[3:], *options[:4]]
    assert main([*none, "--position", "000001.SZ:100"]) == 2
    assert "回放数据里没有这只证券" in capsys.readouterr().err
    assert not (tmp_path / "没有行情的").exists()
    bad = tmp_path / "坏的"
    bad.mkdir()
    write(bad / f"{CODE}.csv", ["20260302093100,35,35,36,35,1,0,35"])
    other = ["sim", "init", str(tmp_path / "另一个"), "--account", "1", "--clock", "step"]
    assert main([*other, "--start", "2026-03-02 09:30", "--replay", str(bad)]) == 1
    assert "第 2 行 low 列" in capsys.readouterr().err
    assert not (tmp_path / "另一个").exists()
    mixed = ["sim", "init", str(tmp_path / "难走"), "--account", "1", "--limit-days", "0.2"]
    assert main([*mixed, "--gap-days", "0.1", "--halt-days", "0.1", "--thin-books", "1"]) == 0
    config = easytrader.sim.config.folder.SimFolder.open(tmp_path / "难走").config
    assert (config.limit_days, config.thin_books, config.clock) == (0.2, 1.0, "always")
