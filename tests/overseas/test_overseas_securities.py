"""境外的证券代码、一天、推出来的成交、没有装的包；不要别家的包。"""

from __future__ import annotations

import sys
from datetime import datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import easytrader
from easytrader import errors
from easytrader.backend.records import Order, Side
from easytrader.codes import OrderStatus
from easytrader.overseas import common_door as door
from easytrader.overseas.common_fills import Fills
from easytrader.overseas.common_securities import INSTRUMENTS, day_at, parse


@pytest.mark.parametrize(
    ("text", "code"),
    [
        *(("AAPL", "AAPL.US"), ("aapl.us", "AAPL.US"), ("US.AAPL", "AAPL.US")),
        *(("700", "00700.HK"), ("HK.700", "00700.HK"), ("00700.HK", "00700.HK")),
        *(
            ("BRK.B", "BRK.B.US"),
            ("ABC.WS.US", "ABC.WS.US"),
            ("US.BRK.B", "BRK.B.US"),
            ("HK.US", "HK.US"),
            ("US.HK", "HK.US"),
        ),
        *(("600519", "600519.SH"), ("000001", "000001.SZ"), ("SH.600519", "600519.SH")),
    ],
)
def test_codes(text: str, code: str) -> None:
    assert parse(text).stock_code == code
    assert parse(code).stock_code == code


@pytest.mark.parametrize(
    "text",
    [
        "",
        " AAPL",
        "123456789",
        "430047.BJ",
        "830799",
        "AAPL.LSE",
        "EURUS.FX",
        "٣٤",
        "0",
        "腾讯",
        None,
        700,
        "0700.US",
    ],
)
def test_not_codes(text: Any) -> None:
    with pytest.raises(errors.UsageError, match="security"):
        parse(text)


def test_no_market_order_through_stock_connect() -> None:
    with pytest.raises(errors.UsageError, match="buy / sell"):
        INSTRUMENTS.market_type(None, parse("600519"))


def test_days() -> None:
    new_york, us = ZoneInfo("America/New_York"), day_at("US")
    for month, day in ((7, 6), (11, 30)):  # 夏令时与不是
        evening = datetime(2026, month, day - 1, 20, 0, tzinfo=new_york).timestamp()
        assert us.text(evening) == f"2026-{month:02}-{day:02}"
        assert us.text(evening - 1) == f"2026-{month:02}-{day - 1:02}"
        assert us.began(evening + 3600) == evening
    assert day_at("HK").text(datetime(2026, 11, 30, 0, 0, tzinfo=ZoneInfo("Asia/Hong_Kong"))
                             .timestamp()) == "2026-11-30"  # fmt: skip


def _order(traded: Any, price: float, number: str = "7") -> Order:
    return Order(
        stock_code="AAPL.US",
        order_id=number,
        side=Side.BUY,
        order_volume=300,
        order_status=OrderStatus.PART_SUCC,
        order_time=1,
        price=10.0,
        traded_volume=traded,
        traded_price=price,
    )


def test_fills_add_up_to_the_order() -> None:
    fills = Fills()
    assert fills.of(_order(0, 0), 1) == []
    first = fills.of(_order(100, 10.0), 2)
    assert fills.of(_order(100, 10.0), 3) == []
    last = fills.of(_order(Decimal("300.5"), 9.5), 4)
    rows = [*first, *last]
    assert sum(Decimal(str(each.traded_volume)) for each in rows) == Decimal("300.5")
    paid = sum(Decimal(str(each.traded_volume)) * Decimal(str(each.traded_price)) for each in rows)
    assert abs(paid - Decimal("300.5") * Decimal("9.5")) < Decimal("0.001")
    assert fills.of(_order(200, 10.0), 5) == []  # 晚到的旧消息
    assert fills.all([(_order(Decimal("300.5"), 9.5), 6)]) == rows
    assert len({each.traded_id for each in rows}) == 2


@pytest.mark.parametrize(
    ("name", "module", "fields"),
    [
        ("futu", "futu", {"account": "1"}),
        ("tiger", "tigeropen", {"tiger_id": "1", "account": "U1", "private_key": "x"}),
    ],
)
def test_missing_package_says_what_to_install(
    name: str, module: str, fields: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in [*sys.modules]:
        if each.partition(".")[0] == module:
            monkeypatch.delitem(sys.modules, each)
    monkeypatch.setitem(sys.modules, module, None)
    with (
        easytrader.use(name) as user,
        pytest.raises(errors.MissingDependencyError, match=rf'pip install "easytrader\[{name}\]"'),
    ):
        user.connect(**fields)


def test_field_names() -> None:
    aliases = {"密码": "password", "交易密码": "password"}
    assert door.named("connect", {"密码": "x"}, aliases, ["host"]) == {"password": "x"}
    with pytest.raises(errors.UsageError, match="两次"):
        door.named("connect", {"密码": "x", "交易密码": "y"}, aliases, ["host"])
    with pytest.raises(errors.UsageError, match="是不是 host") as caught:
        door.named("connect", {"hots": "s3cret"}, aliases, ["host"])
    assert "s3cret" not in str(caught.value)
