"""整条路：``easytrader.fleet(地址)`` → 存储 → 两台机器上的代理 → 内存柜台。"""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import pytest
from server.server_world import World
from support import eventually

import easytrader
from easytrader import ConnectFailedError, NotConnectedError, UsageError
from easytrader.agent.station import Station
from easytrader.fleets.address import open_store
from easytrader.testing.memory import Counter, MemoryTrader

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.fleets.many import Fleet

BOXES = {"一号机": ("甲", "乙"), "二号机": ("丙",)}
CODE, PRICE = "600036", 30.0


class SlowCounter(Counter):
    """下单时可以先卡住。"""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.gate = threading.Event()
        self.gate.set()

    def submit(self, request: Any) -> Any:
        found = super().submit(request)
        self.gate.wait(30)
        return found


class House:
    """三个账号，两台机器，一份存储。"""

    def __init__(self, folder: Path, dsn: str) -> None:
        self.folder, self.dsn = folder, dsn
        self.counters: dict[str, SlowCounter] = {}
        self.stations: dict[str, Station] = {}
        self.worlds: dict[str, World] = {}
        self._left = ExitStack()
        for box, names in BOXES.items():
            traders: dict[str, Any] = {}
            for name in names:
                counter = SlowCounter(
                    f"{folder}-{name}", 10**6, {"600036.SH": 30}, {"600036.SH": 0}
                )
                traders[name] = MemoryTrader()
                traders[name].connect(counter, timeout=5)
                self.counters[name] = counter
                self._left.callback(traders[name].close)
            self.worlds[box] = World(folder / box, traders)
            self._left.callback(self.worlds[box].close)
            self.start(box)

    def start(self, box: str) -> None:
        """这台机器上的代理。"""
        station = Station(
            open_store(self.dsn), self.worlds[box].desks, box=box,
            groups=("成长",) if box == "一号机" else ("价值",), folder=self.folder / f"{box}待传",
        )  # fmt: skip
        self.stations[box] = station
        station.start()

    def stop(self, box: str) -> None:
        self.stations.pop(box).close()

    def fleet(self, **options: Any) -> Fleet:
        found = easytrader.fleet(self.dsn, **{"timeout": 5, **options})
        self._left.callback(found.close)
        return found

    def ready(self) -> Fleet:
        """三个都连得上了。"""
        fleet = self.fleet(strategy="z")
        eventually(lambda: [row["state"] for row in fleet.status()] == ["已连接"] * 3)
        return fleet

    def volumes(self) -> dict[str, list[Any]]:
        return {
            name: [each.order_volume for each in counter.orders.values()]
            for name, counter in self.counters.items()
        }

    def close(self) -> None:
        for counter in self.counters.values():
            counter.gate.set()
        for box in list(self.stations):
            self.stop(box)
        self._left.close()


@pytest.fixture
def dsn(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite；说了 ``postgres`` 的是 PostgreSQL。"""
    if getattr(request, "param", "sqlite") == "postgres":
        found: str = request.getfixturevalue("pg_dsn")
        return found
    return f"sqlite:///{(tmp_path / '机队 一' / 'fleet.sqlite').as_posix()}"


@pytest.fixture
def house(tmp_path: Path, dsn: str) -> Iterator[House]:
    found = House(tmp_path, dsn)
    yield found
    found.close()


def done(report: Any) -> None:
    """一遍一遍接着做，直到都有了委托。"""
    found = [report]

    def again() -> bool:
        found[0] = found[0].retry()
        return bool(found[0].ok)

    eventually(again, 20)


def states(report: Any) -> dict[str, str]:
    return {row["account"]: row["state"] for row in report.rows}


@pytest.mark.parametrize("dsn", ["sqlite", "postgres"], indirect=True)
def test_one_wish_over_two_boxes(house: House) -> None:
    fleet = house.ready()
    everyone = fleet.accounts()
    assert everyone.names == ["丙", "乙", "甲"]
    assert fleet.accounts(group="成长").names == ["乙", "甲"]
    report = everyone.buy(CODE, PRICE, 1000, allocate="assets", client_order_id="一")
    assert report.ok, str(report)
    assert house.volumes() == {"甲": [300], "乙": [300], "丙": [400]}
    again = house.fleet(strategy="z").accounts().buy(
        CODE, PRICE, 1000, allocate="assets", client_order_id="一"
    )  # fmt: skip
    assert [row["entrust_no"] for row in again.rows] == [row["entrust_no"] for row in report.rows]
    assert house.volumes() == {"甲": [300], "乙": [300], "丙": [400]}
    assert {row["account"]: row["volume"] for row in everyone.position} == {
        "甲": 300, "乙": 300, "丙": 400,
    }  # fmt: skip
    refused = everyone.buy(CODE, PRICE, 90_000, allocate={"甲": 1, "乙": 0, "丙": 0})
    assert states(refused) == {"丙": "nothing", "乙": "nothing", "甲": "refused"}
    assert fleet["甲"] is everyone["甲"]
    everyone["乙"].close()  # 用的人自己关了：再要就是一个新的
    assert fleet["乙"].balance
    with pytest.raises(UsageError, match="丁"):
        fleet.accounts("丁")
    with pytest.raises(UsageError, match="成长"):
        fleet.accounts(group="没有这一组")


def test_a_stuck_box_is_unknown_in_time_and_settles_to_one_order(house: House) -> None:
    house.ready().close()
    fleet = house.fleet(timeout=1.5)
    accounts = fleet.accounts()
    house.counters["丙"].gate.clear()
    report = accounts.buy(CODE, PRICE, 300, client_order_id="一")
    assert states(report) == {"丙": "unknown", "乙": "placed", "甲": "placed"}
    assert report.totals["unknown_amount"] == 100
    house.counters["丙"].gate.set()
    done(report)
    assert house.volumes() == {"甲": [100], "乙": [100], "丙": [100]}


def test_a_stopped_account_and_a_stopped_box_are_told(house: House) -> None:
    fleet = house.ready()
    accounts = fleet.accounts()
    accounts["甲"].server.stop_orders("手工停")
    report = accounts.buy(CODE, PRICE, 300, client_order_id="一")
    assert states(report) == {"丙": "placed", "乙": "placed", "甲": "unsent"}
    assert "手工停" in report.failed[0]["message"]
    row = next(each for each in fleet.status() if each["account"] == "甲")
    assert "手工停" in row["stopped"]
    accounts["甲"].server.allow_orders()
    done(report)  # 代理下一次续租才知道放开了
    house.stop("二号机")
    other = house.fleet()
    with pytest.raises((ConnectFailedError, NotConnectedError), match="丙"):
        other.accounts()
    some = other.accounts(missing="skip")
    assert some.names == ["乙", "甲"]
    assert set(some.missing) == {"丙"}
    late = some.buy(CODE, PRICE, 300, client_order_id="一")  # 第一次分给三家的，照第一次的说
    assert states(late) == {"丙": "placed", "乙": "placed", "甲": "placed"}
    assert house.volumes() == {"甲": [100], "乙": [100], "丙": [100]}


def test_an_unused_fleet_never_connects(tmp_path: Path) -> None:
    with easytrader.fleet("postgresql://z@127.0.0.1:9/none", timeout=1) as fleet:
        assert "127.0.0.1" in repr(fleet)
        with pytest.raises(NotConnectedError, match="什么都没有发出"):
            fleet.accounts()
    for wrong in ("mysql://x", "", 3, "host=db"):
        with pytest.raises(UsageError):
            easytrader.fleet(wrong)
    with pytest.raises(UsageError, match="timout"):
        easytrader.fleet(f"sqlite:///{tmp_path}/x.sqlite", timout=3)
