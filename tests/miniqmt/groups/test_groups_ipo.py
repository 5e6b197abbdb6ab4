"""新股新债：额度、数据、一次申购完，同一天不重复。"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from vendor_fakes import Counter

import easytrader
from easytrader.errors import NotConnectedError, OutcomeUnknownError, QueryFailedError
from easytrader.miniqmt.groups.ipo import STATUS_NAMES, purchase_volume
from easytrader.risk import Guard
from easytrader.sim.host.faults import Faults

TODAY = f"{datetime.now(timezone(timedelta(hours=8))):%Y%m%d}"
TOMORROW = f"{datetime.now(timezone(timedelta(hours=8))) + timedelta(days=1):%Y%m%d}"


def issue(code: str, kind: str = "STOCK", **given: Any) -> tuple[Any, ...]:
    """原生的一行 IPOData；申购代码用模拟柜台能买的股票代替。"""
    row = {"name": "新股", "type": kind, "most": 16500, "least": 500, "day": TODAY, "price": None}
    row.update(given)
    return (code, row["name"], row["type"], row["most"], row["least"], row["day"], row["price"])


STOCKS = ("600036.SH", "000001.SZ")


def market_price(user: Any, code: str) -> float:
    """收得下的价格：模拟的行情天天不同。"""
    return user.quote(code)[code]["last"] if code in STOCKS else 10.0


def listed(user: Any, *issues: tuple[Any, ...], **limits: int) -> None:
    rows = [
        row if row[-1] is not None else (*row[:-1], market_price(user, row[0])) for row in issues
    ]
    Counter(user, "queryIPOData", rows)
    Counter(user, "queryNewPurchaseLimit", list(limits.items()))


def test_data_and_limits(user: Any) -> None:
    bond = issue("754810.SH", "BOND", name="丰山发债", most=10000, least=10, price=100.0)
    listed(user, bond, KCB=0, SH=9000, SZ=500)
    assert user.ipo.limits() == {"KCB": 0, "SH": 9000, "SZ": 500}
    assert user.ipo.data() == [
        {
            "security": "754810",
            "stock_code": "754810.SH",
            "name": "丰山发债",
            "type": "BOND",
            "type_name": "债券",
            "min_purchase_num": 10,
            "max_purchase_num": 10000,
            "purchase_date": TODAY,
            "issue_price": 100.0,
        }
    ]


def test_nothing_on_offer(user: Any) -> None:
    listed(user)
    assert user.ipo.subscribe_all() == []


def test_everything_that_can_be_bought_is_bought_once(user: Any) -> None:
    listed(
        user,
        issue("600036.SH"),
        issue("000001.SZ", most=3000),
        issue("787801.SH"),
        issue("301999.SZ", day=TOMORROW),
        issue("920001.BJ"),
        issue("600000.SH", price=0.0),
        SH=1700,
        SZ=9000,
    )
    rows = {row["stock_code"]: row for row in user.ipo.subscribe_all()}
    assert (rows["600036.SH"]["status"], rows["600036.SH"]["volume"]) == ("placed", 1500)
    assert (rows["000001.SZ"]["status"], rows["000001.SZ"]["volume"]) == ("placed", 3000)
    assert rows["787801.SH"]["message"] == "科创板没有新股申购额度"
    assert "不是今天" in rows["301999.SZ"]["message"]
    assert "全额缴款" in rows["920001.BJ"]["message"]
    assert "发行价" in rows["600000.SH"]["message"]
    assert list(rows["600036.SH"]) == [
        "stock_code", "name", "type", "type_name", "issue_price", "volume", "status",
        "status_name", "entrust_no", "message",
    ]  # fmt: skip
    placed = {row["stock_code"]: row["order_id"] for row in user.today_entrusts}
    assert placed == {code: rows[code]["entrust_no"] for code in ("600036.SH", "000001.SZ")}
    again = {row["stock_code"]: row for row in user.ipo.subscribe_all()}
    assert len(user.today_entrusts) == 2
    for code, number in placed.items():
        assert (again[code]["status"], again[code]["entrust_no"]) == ("already", number)
        assert again[code]["status_name"] == "早已申购"


def test_a_manual_subscription_counts(user: Any) -> None:
    listed(user, issue("600036.SH"), SH=1000)
    number = user.buy("600036", market_price(user, "600036.SH"), 500)["entrust_no"]
    [row] = user.ipo.subscribe_all()
    assert (row["status"], row["entrust_no"]) == ("already", number)


def test_seen_too_late_in_the_query_it_is_still_placed_once(user: Any) -> None:
    listed(user, issue("600036.SH"), SH=1000)
    first = user.ipo.subscribe_all()[0]["entrust_no"]
    Counter(user, "queryStockOrders", [])  # 客户端的查询是缓存，还没有这一笔
    [row] = user.ipo.subscribe_all()
    assert (row["status"], row["entrust_no"]) == ("already", first)


def test_another_program_on_the_same_day(served: Any, connect: Any) -> None:
    users = [connect(), connect()]
    fixed = market_price(users[0], "600036.SH")  # 发行价只有一个：各看各的行情会差一跳
    for user in users:
        listed(user, issue("600036.SH", price=fixed), SH=1000)
        Counter(user, "queryStockOrders", [])
    rows = [user.ipo.subscribe_all()[0] for user in users]
    assert rows[0]["entrust_no"] == rows[1]["entrust_no"] > 0
    del users[0].trader.async_client.queryStockOrdersWithSeq
    assert len(users[0].today_entrusts) == 1


def test_junk_may_be_tried_again(user: Any) -> None:
    listed(user, issue("600036.SH", price=1.0), SH=1000)  # 价格低于跌停：废单
    first = user.ipo.subscribe_all()[0]["entrust_no"]
    assert user.wait(first)["order_status_name"] == "废单"
    listed(user, issue("600036.SH"), SH=1000)
    [row] = user.ipo.subscribe_all()
    assert row["status"] == "placed"
    assert row["entrust_no"] != first


def test_a_quota_that_changed_in_between(user: Any) -> None:
    listed(user, issue("600036.SH"), SH=1000)
    assert user.ipo.subscribe_all()[0]["status"] == "placed"
    Counter(user, "queryStockOrders", [])
    listed(user, issue("600036.SH"), SH=2000)
    [row] = user.ipo.subscribe_all()
    assert row["status"] == "already"
    del user.trader.async_client.queryStockOrdersWithSeq
    assert [each["order_volume"] for each in user.today_entrusts] == [1000]


def test_an_unknown_outcome_does_not_stop_the_rest(user: Any, sim_folder: Any) -> None:
    listed(user, issue("600036.SH"), issue("000001.SZ"), SH=500, SZ=500)
    Faults(sim_folder).drop_answer("submit")
    user._session._replies._timeout_s = 0.5
    first, second = user.ipo.subscribe_all()
    assert first["status"] == "unknown"
    assert second["status"] == "placed"
    user._session._replies._timeout_s = 5
    assert {row["status"] for row in user.ipo.subscribe_all()} == {"already"}
    assert len(user.today_entrusts) == 2


def test_the_guard_may_refuse(user: Any) -> None:
    listed(user, issue("600036.SH"), SH=500)
    user.guard = Guard(max_order_value=1000)
    [row] = user.ipo.subscribe_all()
    assert row["status"] == "refused"
    assert user.today_entrusts == []


def test_what_could_not_be_sent(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    listed(user, issue("600036.SH"), SH=500)
    for error, status in (
        (NotConnectedError("断了"), "not_sent"),
        (OutcomeUnknownError("不知道"), "unknown"),
    ):

        def fail(*_: Any, error: Exception = error, **__: Any) -> None:
            raise error

        monkeypatch.setattr(user._ordering, "run", fail)
        [row] = user.ipo.subscribe_all()
        assert (row["status"], row["message"]) == (status, str(error))
        assert row["status_name"] == STATUS_NAMES[status]


def test_nothing_is_placed_when_the_facts_cannot_be_had(user: Any) -> None:
    user._session._replies._timeout_s = 0.2
    for name in ("queryIPOData", "queryNewPurchaseLimit", "queryStockOrders"):
        listed(user, issue("600036.SH"), SH=500)
        Counter(user, name, None)
        with pytest.raises(QueryFailedError):
            user.ipo.subscribe_all()
    del user.trader.async_client.queryStockOrdersWithSeq
    assert user.today_entrusts == []


def test_the_wrong_account_type(user: Any) -> None:
    user._session._account_type = "FUTURE"
    for verb in (user.ipo.subscribe_all, user.ipo.limits):
        with pytest.raises(easytrader.UsageError, match="FUTURE"):
            verb()


@given(
    most=st.integers(0, 100_000),
    least=st.integers(0, 2000),
    quota=st.integers(-5, 100_000),
    kind=st.sampled_from(["STOCK", "BOND"]),
    code=st.sampled_from(["730001.SH", "787001.SH", "001001.SZ", "754001.SH", "920001.BJ"]),
)
def test_volume_laws(most: int, least: int, quota: int, kind: str, code: str) -> None:
    row = {
        "stock_code": code,
        "type": kind,
        "purchase_date": "20261120",
        "issue_price": 10.0,
        "max_purchase_num": most,
        "min_purchase_num": least,
    }
    volume, why = purchase_volume(row, {"SH": quota, "SZ": quota, "KCB": quota}, "20261120")
    assert bool(why) == (volume == 0)
    if volume:
        step = max(least, 1)
        cap = min(most, 10_000 if kind == "BOND" else quota)
        assert volume % step == 0
        assert cap - step < volume <= cap
