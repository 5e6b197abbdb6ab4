"""原生类的脾气：两种写法、截断、类型、只读、没有 __dict__。"""

from __future__ import annotations

import gc
import time
import weakref
from decimal import Decimal

import numpy as np
import pytest
from native_desk import ASSET, ORDER, POSITION, TRADE

from easytrader.sim import native
from easytrader.sim.gateway.fields import structs
from easytrader.sim.gateway.verbs import VERBS
from easytrader.sim.native.calls import reader_of
from easytrader.sim.native.structs import STRUCTS, build, build_many

GOOD = {"i": 7, "q": 1 << 40, "d": 2.5, "b": True, "s": "ab"}
BAD = {"i": "7", "q": 1.5, "d": "2.5", "b": "yes", "s": 7}
ZERO = {"i": 0, "q": 0, "d": 0.0, "b": False, "s": ""}


@pytest.fixture
def strict():
    native.set_strict_text(True)
    yield
    native.set_strict_text(False)


@pytest.mark.parametrize("name", sorted(structs()))
def test_every_field_of_every_class(name):
    cls = STRUCTS[name]
    one = cls()
    assert not hasattr(one, "__dict__")
    assert cls.__module__ == "xtquant.xtpythonclient"
    for field in structs()[name]:
        for spelling in (field.name, *field.spellings):
            assert getattr(one, field.name) == ZERO[field.code]
            if field.readonly:
                with pytest.raises(AttributeError):
                    setattr(one, spelling, GOOD[field.code])
                continue
            with pytest.raises(TypeError):
                setattr(one, spelling, BAD[field.code])
            setattr(one, spelling, GOOD[field.code])
            assert [getattr(one, other) for other in (field.name, *field.spellings)] == [
                GOOD[field.code]
            ] * (1 + len(field.spellings))
            setattr(one, spelling, ZERO[field.code])
        if field.code == "s" and not field.readonly:
            setattr(one, field.name, "x" * 500)
            assert len(getattr(one, field.name)) == field.size - 1
    with pytest.raises(AttributeError):
        one.no_such_field = 1
    with pytest.raises(AttributeError):
        one.no_such_field  # noqa: B018


def test_numbers_from_notebooks():
    req = native.OrderStockReq()
    req.m_nOrderVolume = np.int64(300)
    req.m_dPrice = Decimal("10.5")
    req.m_dOrderAmount = np.float64(300)
    assert (req.order_volume, req.price, req.order_amount) == (300, 10.5, 300.0)
    assert type(req.order_volume) is int
    assert type(req.price) is float
    for value in (1 << 31, -(1 << 31) - 1, None, 1.0):
        with pytest.raises(TypeError):
            req.m_nOrderVolume = value
    req.m_nOrderVolume = True
    assert req.order_volume == 1


def test_texts_are_cut_by_bytes_and_cleanly_by_default():
    req = native.OrderStockReq()
    req.m_strOrderRemark = "汉" * 9
    assert req.order_remark == "汉" * 7
    req.m_strOrderRemarkNew = "汉" * 50
    assert req.order_remark1 == "汉" * 42
    req.m_strStrategyName = "a" * 22 + "汉"
    assert req.strategy_name == "a" * 22
    req.m_strAccountID = b"abc"
    assert req.account_id == "abc"
    req.m_strAccountID = "ab\0cd"
    assert req.account_id == "ab"


def test_the_vendors_decoding_hazard_can_be_switched_on(strict):
    req = native.OrderStockReq()
    req.m_strOrderRemark = "汉" * 9
    for name in ("order_remark", "m_strOrderRemark"):
        with pytest.raises(UnicodeDecodeError):
            getattr(req, name)
    req.m_strOrderRemark = "汉" * 7
    assert req.order_remark == "汉" * 7
    [order] = build_many("XtOrder", [ORDER._replace(status_msg="可用资金不足" * 3)])
    with pytest.raises(UnicodeDecodeError):
        order.status_msg  # noqa: B018
    req.m_strOrderRemarkNew = "汉" * 50
    to_args = reader_of(VERBS["submit"])
    assert to_args(req).order_remark == "汉" * 42  # 送给柜台的总是完整的字
    resp = build("OrderStockResp", (2, "1", 5, "", "汉" * 9, 0, ""))
    assert resp.order_remark == "汉" * 9
    with pytest.raises(UnicodeDecodeError):
        resp.m_strOrderRemark  # noqa: B018


@pytest.mark.parametrize(
    ("name", "row"),
    [("XtOrder", ORDER), ("XtTrade", TRADE), ("XtPosition", POSITION), ("XtAsset", ASSET)],
)
def test_rows_become_objects_field_by_field(name, row):
    [one] = build_many(name, [list(row)])
    assert type(one) is STRUCTS[name]
    assert {field: getattr(one, field) for field in row._fields} == row._asdict()
    assert tuple(field.name for field in structs()[name]) == row._fields
    with pytest.raises(TypeError):
        vars(one)
    with pytest.raises(AttributeError):
        one.account_id = "x"
    one.account_type = 3
    assert one.m_nAccountType == 3


def test_long_and_short_copies():
    order = build("XtOrder", ORDER._replace(order_remark="汉" * 20, status_msg="甲" * 30))
    assert order.order_remark == "汉" * 20
    assert order.m_strOrderRemark == "汉" * 7
    assert order.status_msg == order.m_strStatusMsg == "甲" * 7
    assert order.m_strStockCode == order.stock_code == "600036.SH"


def test_objects_are_weakly_referable_and_collected():
    [order] = build_many("XtOrder", [ORDER])
    seen = weakref.ref(order)
    assert "XtOrder" in repr(order)
    del order
    gc.collect()
    assert seen() is None


def test_five_thousand_orders_are_built_in_milliseconds():
    rows = [ORDER] * 5000
    best = min(_timed(lambda: build_many("XtOrder", rows)) for _ in range(5))
    assert best < 0.06  # 本机 1.1 毫秒；只防走回逐字段检查的慢路


def _timed(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start
