"""市价类型：中文名、xtconstant 里的名字、整数都收，发出之前按交易所核对。"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest

from easytrader import arguments, codes
from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security

CODES = {"SH": "600036", "SZ": "000001", "BJ": "920002"}


def spellings() -> list[tuple[str, Any, int]]:
    found: list[tuple[str, Any, int]] = []
    for exchange, types in codes.MARKET_ORDER_TYPES.items():
        for name, number in types.items():
            kind = codes.PriceType(number)
            given = (name, kind.label, *kind.vendor, number, np.int32(number), float(number), kind)
            found += [(CODES[exchange], each, number) for each in given]
        found += [(CODES[exchange], each, 5) for each in ("最新价", "LATEST_PRICE", 5)]
    return found


@pytest.mark.parametrize(("code", "given", "number"), spellings())
def test_every_spelling(code: str, given: Any, number: int) -> None:
    assert arguments.market_type(given, parse_security(code)) == number


@pytest.mark.parametrize(
    ("code", "given"),
    [("600036", 46), ("600036", 47), ("600036", "MARKET_SZ_FULL_OR_CANCEL"), ("920002", 48),
     ("000001", 42), ("000001", "MARKET_SH_CONVERT_5_LIMIT"), ("000001", 43),
     ("600036", 18), ("600036", 12), ("600036", 999), ("600036", True), ("600036", "44"),
     ("600036", 44.5), ("600036", ["44"])],
)  # fmt: skip
def test_what_the_exchange_does_not_have(code: str, given: Any) -> None:
    with pytest.raises(UsageError, match=f"{code}.* 可用的市价类型：.*、最新价$") as caught:
        arguments.market_type(given, parse_security(code))
    assert caught.value.argument == "ttype"


@pytest.mark.parametrize("given", [11, "限价", "FIX_PRICE"])
def test_a_limit_is_not_a_market_type(given: Any) -> None:
    with pytest.raises(UsageError, match="限价委托请用 buy / sell"):
        arguments.market_type(given, parse_security("600036"))


def test_every_stock_price_type_of_the_installed_vendor_is_taken() -> None:
    """厂商新版加了股票能用的报价类型，这里按名字报出来。"""
    import easytrader

    easytrader.use("sim")
    from xtquant import xtconstant

    vendor = {
        name: value
        for name, value in vars(xtconstant).items()
        if name in ("LATEST_PRICE", "FIX_PRICE") or name.startswith(("MARKET_SH_", "MARKET_SZ_"))
        or name.endswith("_PRICE_FIRST")
    }  # fmt: skip
    del vendor["FIX_PRICE"]
    for name, value in vendor.items():
        by_name = [taken(name, code) for code in CODES.values()]
        by_value = [taken(value, code) for code in CODES.values()]
        assert by_name == by_value
        assert set(by_name) - {0} == {value}, name


def taken(given: Any, code: str) -> int:
    """收下了的代码；不收为 0。"""
    with suppress(UsageError):
        return arguments.market_type(given, parse_security(code))
    return 0


@pytest.mark.parametrize(
    ("given", "returned"), [(44, 84), ("MARKET_SH_CONVERT_5_CANCEL", 88), ("最新价", 50), (5, 50)]
)
def test_sent_as_the_vendor_wants_it(user: Any, given: Any, returned: int) -> None:
    number = user.market_buy("600036", 100, ttype=given)["entrust_no"]
    assert user.find_entrust(number)["price_type"] == returned
    number = user.market_buy_async("600036", 100, ttype=given).result()["entrust_no"]
    assert user.find_entrust(number)["price_type"] == returned
