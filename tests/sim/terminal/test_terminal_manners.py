"""脾气：名字与取值，说错了的当场说清；运行中换得了；每一份都走得通一天的事。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from terminal_desk import SELL, desk_client

from easytrader.basics.beijing import moment
from easytrader.sim.terminal.client.manners import DEFAULT, FIELDS, MANNERS, Manners, checked

if TYPE_CHECKING:
    from pathlib import Path


def test_names() -> None:
    assert DEFAULT in MANNERS
    wanted = "open instant slow lagging whitelist nofile noloopback locked lying late duplicate"
    assert {*wanted.split(), "popup", "credit", "evening"} <= set(MANNERS)
    assert all(isinstance(each, Manners) for each in MANNERS.values())


def test_every_field_is_explained() -> None:
    text = Manners.__doc__ or ""  # 3.13 去掉了每行前面的空格
    assert [name for name in FIELDS if f" {name}: " not in text] == []


def test_one_field_changes_and_the_original_does_not() -> None:
    changed = MANNERS["slow"].changed(order_lag_s=2, missing_globals=["cancel"])
    assert changed.order_lag_s == (2, 2)
    assert changed.missing_globals == ("cancel",)
    assert changed.passorder_s == MANNERS["slow"].passorder_s == 0.2
    assert MANNERS["slow"].order_lag_s == (1.0, 6.0)
    assert Manners().order_lag_s == (0.05, 0.05)
    assert "order_lag_s=(2, 2)" in repr(changed)


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("order_lag", 1, "没有「order_lag」这一项脾气；有："),
        ("order_lag_s", "6", "秒数"),
        ("order_lag_s", [6, 1], "最短、最长"),
        ("order_lag_s", None, "最短、最长"),
        ("order_lag_s", [1], "最短、最长"),
        ("passorder_s", -1, "不小于 0 的秒数"),
        ("passorder_s", True, "不小于 0 的秒数"),
        ("passorder_s", float("nan"), "不小于 0 的秒数"),
        ("passorder_returns", "yes", "none、zero、positive 之一"),
        ("junk_twice", 1, "true 或 false"),
        ("remark_bytes", 2.5, "整数"),
        ("missing_globals", "cancel", "名字的列表"),
        ("missing_globals", [1], "名字的列表"),
    ],
)
def test_what_is_wrong_is_told(name: str, value: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        checked(name, value)
    with pytest.raises(ValueError, match=text):
        Manners(**{name: value})


def test_a_build_without_some_functions(tmp_path: Path) -> None:
    manners = MANNERS["instant"].changed(missing_globals=["cancel", "get_ipo_data"])
    with desk_client(tmp_path, manners) as client:
        assert not {"cancel", "get_ipo_data"} & set(client.strategy.globals)
        assert "passorder" in client.strategy.globals


def test_manners_change_while_running(tmp_path: Path) -> None:
    with desk_client(tmp_path, sim={"profile": "instant"}) as client:
        client.order(100, client.last, tag="~one~")
        client.wait()
        assert len(client.rows()) == 1
        client.terminal.manners = client.terminal.manners.changed(order_lag_s=6, passorder_s=0.5)
        before = client.clock.monotonic()
        client.order(100, client.last, tag="~two~")
        client.wait()
        assert client.clock.monotonic() - before == pytest.approx(0.5)
        assert len(client.rows()) == 1
        client.wait(6.0)
        assert len(client.rows()) == 2


@pytest.mark.parametrize("name", sorted(MANNERS))
def test_every_profile_gets_through_a_day(tmp_path: Path, name: str) -> None:
    """不管什么脾气：成交的、挂着的、撤掉的、废了的，等够了都查得到，回调说的与查到的一样。"""
    with desk_client(tmp_path, name, sim={"profile": "instant"}) as client:
        client.order(200, round(client.last * 0.99, 2), op=SELL, tag="~sold~")
        client.order(100, round(client.last * 0.95, 2), tag="~kept~")
        client.order(100, round(client.last * 0.95, 2), tag="~gone~")
        client.order(100_000, client.last, tag="~poor~")
        client.order(100, 0.0, tag="~bad~")
        client.wait(20)
        [gone] = [row for row in client.rows() if row.m_strRemark == "~gone~"]
        client.clock.set_now(moment("2026-03-02 10:00:00"))  # 有一份脾气晚上不理撤单
        client.cancel(gone.m_strOrderSysID)
        client.wait(20)
        found = {row.m_strRemark: row.m_nOrderStatus for row in client.rows()}
        expected = {"~sold~": 56, "~kept~": 50, "~gone~": 54, "~poor~": 57}
        if client.terminal.manners.popup:
            del expected["~poor~"]
        assert found == expected
        last = {row.m_strRemark: row for row in client.told("order")}
        if not client.terminal.manners.reorder:
            assert {tag: row.m_nOrderStatus for tag, row in last.items()} == expected
        assert [each[1].strategyName for each in client.seen if each[0] == "error"] == [
            "s_&&&_~bad~"
        ]
        assert {deal.m_strTradeID for deal in client.told("deal")} == {
            deal.m_strTradeID for deal in client.rows("DEAL")
        }
        client.wait(10)
        client.rows("POSITION")
        client.wait(10)
        assert client.rows("POSITION")[0].m_nVolume == 800
        assert [tag for tag, _ in client.terminal.calls] == [
            "~sold~",
            "~kept~",
            "~gone~",
            "~poor~",
            "~bad~",
        ]
