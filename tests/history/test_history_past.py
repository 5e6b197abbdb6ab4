"""`user.history`：记录、今天查得到的、柜台自己的历史合成一份。"""

from __future__ import annotations

import time
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from remote_brokers import RemoteWire
from support import ACCOUNT, Recorder, eventually, make_folder

import easytrader
from easytrader.errors import (
    ClosedError,
    JournalError,
    NotConnectedError,
    QueryFailedError,
    UsageError,
)
from easytrader.history import past
from easytrader.records.storage import Kept
from easytrader.testing.memory_broker import MemoryBroker
from easytrader.types import PastAsset, PastEntrust, PastTrade

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

KEYS = {"orders": PastEntrust, "trades": PastTrade, "assets": PastAsset}


@pytest.fixture
def stepped(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "甲", clock="step", start="2026-03-02 09:31")


@pytest.fixture
def two_days(stepped: Path) -> Iterator[SimTrader]:
    """周一买 100 股，周二买 200 股；此刻是周二 09:31。"""
    with easytrader.use("sim") as user:
        user.connect(str(stepped), ACCOUNT)
        user.market_buy("600036", 100)
        user.sim.step(minutes=5)
        user.sim.next_day()
        user.market_buy("600036", 200)
        user.sim.step(minutes=1)
        yield user


def volumes(found: list[Any]) -> list[tuple[str, int, str]]:
    return [(each["day"], each["traded_volume"], each["source"]) for each in found]


class TestSpan:
    @pytest.mark.parametrize(
        ("start", "end", "found"),
        [
            (None, None, ("2026-10-31", "2026-11-30")),
            ("2026-11-01", None, ("2026-11-01", "2026-11-30")),
            (None, "2026-06-30", ("2026-05-31", "2026-06-30")),
            ("20261101", date(2026, 11, 2), ("2026-11-01", "2026-11-02")),
            (datetime(2026, 11, 1, 9), pd.Timestamp("2026-11-01"), ("2026-11-01", "2026-11-01")),  # noqa: DTZ001
        ],
    )
    def test_days(self, start: object, end: object, found: tuple[str, str]) -> None:
        assert past.Span.of(start, end, "2026-11-30") == found

    @pytest.mark.parametrize(
        "bad", ["昨天", "2026-13-01", "2026/11/01", "2026-1-1", 20261101, True, pd.NaT, ["x"], ""]
    )
    def test_not_a_day(self, user: SimTrader, bad: Any) -> None:
        with pytest.raises(UsageError, match=r"start 不对.*2026-11-20"):
            user.history(bad)
        with pytest.raises(UsageError, match="end 不对"):
            user.history(None, bad)

    def test_the_end_is_not_before_the_start(self, user: SimTrader) -> None:
        with pytest.raises(UsageError, match=r"end 不对.*不能早于 start"):
            user.history("2026-11-20", "2026-11-19")
        with pytest.raises(UsageError, match="end 不对"):
            user.history("2999-01-01")


class TestMerged:
    def test_today_and_the_days_of_the_counter(self, two_days: SimTrader) -> None:
        found = two_days.history("2026-03-01", "2026-03-31")
        wanted = [("2026-03-02", 100, "柜台"), ("2026-03-03", 200, "柜台")]
        assert volumes(found["orders"]) == volumes(found["trades"]) == wanted
        assert found["notes"] == []
        for name, kind in KEYS.items():
            for row in found[name]:  # type: ignore[literal-required]
                assert set(row) == set(kind.__required_keys__)  # 人民币的没有 currency
        days = [each["day"] for each in found["assets"]]
        assert days == sorted(days)
        assert set(days) == {"2026-03-02", "2026-03-03"}
        assert found["assets"][-1]["cash"] == two_days.balance[0]["cash"]

    def test_only_the_days_asked_for(self, two_days: SimTrader) -> None:
        found = two_days.history("2026-03-02", "2026-03-02")
        assert volumes(found["orders"]) == [("2026-03-02", 100, "柜台")]
        assert {each["day"] for each in found["assets"]} == {"2026-03-02"}
        assert volumes(two_days.history("2026-03-03")["trades"]) == [("2026-03-03", 200, "柜台")]

    def test_records_alone(self, two_days: SimTrader) -> None:
        """别的柜台没有自己的历史：往日的是我们记下的。"""
        two_days._past_of = None
        found = two_days.history("2026-03-01")
        assert volumes(found["orders"]) == [
            ("2026-03-02", 100, "记录"),
            ("2026-03-03", 200, "柜台"),
        ]
        assert found["notes"] == ["这个柜台的接口没有往日的委托与成交：往日的只有这台机器上记下的"]
        assert two_days.history("2026-03-03")["notes"] == []

    def test_the_rows_of_the_records_are_those_of_the_counter(self, two_days: SimTrader) -> None:
        theirs = two_days.history("2026-03-02", "2026-03-02")
        two_days._past_of = None
        ours = two_days.history("2026-03-02", "2026-03-02")
        for name in ("orders", "trades"):
            for one, other in zip(ours[name], theirs[name], strict=True):  # type: ignore[literal-required]
                assert {**one, "source": ""} == {**other, "source": ""}

    def test_the_counter_cannot_tell(self, two_days: SimTrader, stepped: Path) -> None:
        def broken(*_: Any) -> Any:
            raise QueryFailedError("账本读不出来")

        two_days._past_of = broken
        found = two_days.history("2026-03-01")
        assert volumes(found["orders"])[0] == ("2026-03-02", 100, "记录")
        assert found["notes"] == ["柜台自己的历史没有拿到（账本读不出来）：往日的只有记录"]

    def test_a_final_state_of_ours_is_newer_than_a_stale_answer(self) -> None:
        row = {"order_id": 1, "order_time": 1, "traded_volume": 100, "order_sysid": "1"}
        mine = {**row, "order_status": 56}
        kept = Kept("2026-11-30", "order", "1", past.daybook.order_rank(mine), 1.0, {"row": mine})
        stale = {"day": "2026-11-30", **row, "order_status": 50, "traded_volume": 0}
        [found] = past._orders([kept], [stale])
        assert (found["order_status"], found["source"]) == (56, "记录")
        [found] = past._orders([kept], [{**stale, **mine}])
        assert found["source"] == "柜台"

    def test_a_lost_line_still_tells_the_records(self, user: SimTrader) -> None:
        user.market_buy("600036", 100)
        eventually(lambda: user.history()["trades"])
        user.stop_reconnect()
        supervisor = user._engine.supervisor
        assert supervisor is not None
        supervisor.lost(user._session, "测试")
        found = user.history()
        assert [each["source"] for each in found["trades"]] == ["记录"]
        assert any("此刻没有连着" in note for note in found["notes"])

    def test_not_connected_and_closed(self, sim_folder: Path) -> None:
        with easytrader.use("sim") as user:
            with pytest.raises(NotConnectedError):
                user.history()
            user.connect(str(sim_folder), ACCOUNT)
        with pytest.raises(ClosedError):
            user.history()

    def test_another_program_sees_it(self, sim_folder: Path) -> None:
        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT)
            user.wait(user.market_buy("600036", 100)["entrust_no"])
        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT)
            found = user.history()
            assert len(found["orders"]) == len(found["trades"]) == 1
            assert len(found["assets"]) >= 3  # 两次连上的，与此刻的

    def test_broken_records_are_said(self, user: SimTrader) -> None:
        book = user._engine.book
        assert book is not None
        user.market_buy("600036", 100)
        book._days.read = _broken  # type: ignore[method-assign]
        found = user.history()
        assert len(found["orders"]) == 1
        assert found["notes"][0] == "磁盘坏了"


def _broken(*_: Any) -> Any:
    raise JournalError("磁盘坏了")


def test_another_backend() -> None:
    """编号是文字、数量是小数的后端也一样。"""
    broker = MemoryBroker()
    with broker.trader() as user:
        broker.connect(user)
        number = user.buy("BTC/USDT", 9.5, broker.amount)["entrust_no"]
        found = user.history()
        assert [each["order_id"] for each in found["orders"]] == [number]
        assert {each["day"] for each in found["assets"]} == {user._engine.today}
        assert len(found["notes"]) == 1


def test_remote_asks_the_machine_that_trades(tmp_path: Path) -> None:
    wire = RemoteWire(tmp_path / "server")
    try:
        with wire.trader() as remote:
            wire.connect(remote, Recorder(), timeout=10)
            number = remote.buy("BTC/USDT", 9.5, Decimal("0.5"))["entrust_no"]
            found = remote.history()
            assert [each["order_id"] for each in found["orders"]] == [number]
            assert {each["source"] for each in found["orders"]} == {"柜台"}
            assert found["assets"]
            assert remote._engine.book is None
            with pytest.raises(UsageError, match="end 不对"):
                remote.history(date(2026, 11, 20), "2026-11-19")
    finally:
        wire.close()


def test_it_takes_no_longer_than_its_deadline(two_days: SimTrader) -> None:
    """柜台自己的历史太长：期限到了就说只读到哪里。"""
    from easytrader.brokers import sim

    with pytest.raises(QueryFailedError, match="期限内只读到"):
        sim._past_of(two_days._engine.key, date(2000, 1, 1), date(2999, 1, 1), time.monotonic() - 1)
