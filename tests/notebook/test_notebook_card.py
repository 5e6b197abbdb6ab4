"""交易口的小卡片，计划与报告的 HTML：什么都转义，不抛异常，不等太久。"""

from __future__ import annotations

import gc
import re
import threading
import weakref
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from support import ACCOUNT, eventually, freeze, hurry

import easytrader
from easytrader.rows import card, html, titles

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest
    from support import SimProcess

    from easytrader.brokers.sim import SimTrader

EVIL = """<script>alert(1)</script>"'&<img src=x onerror=alert(1)>"""


class Seen(HTMLParser):
    """记下标签与字；标签不成对就失败。"""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert {name for name, _ in attrs} <= {"style", "colspan"}
        assert not any("url(" in (value or "") for _, value in attrs)
        self.tags.append(tag)
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(self.words)


def seen(user: Any) -> str:
    told = Seen(user._repr_html_())
    assert set(told.tags) <= {"div", "span", "b", "table", "thead", "tbody", "tr", "th", "td"}
    return told.text


def test_a_card(user: SimTrader) -> None:
    low = user.quote("600036")["600036"]["limit_down"] or 0  # 成交不了
    user.wait(user.market_buy("600036", 100)["entrust_no"])
    user.buy("600036", price=low, amount=100)
    told = seen(user)
    assert "SimTrader 已连接" in told
    assert "账号 ******0365" in told
    assert ACCOUNT not in told
    assert titles.cell("money", user.balance[0]["total_asset"]) in told
    assert "持仓（3）" in told
    assert "600000.SH" in told
    assert re.search(r"当日委托\s+2", told)
    assert re.search(r"没有了结的\s+1", told)
    assert re.search(r"风控\s+没有开", told)
    user.guard = easytrader.Guard()
    assert re.search(r"风控\s+开着，拒绝过 0 笔", seen(user))
    assert repr(user) == "<SimTrader 已连接 账号 ******0365>"


def test_the_account_can_be_shown(user: SimTrader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EASYTRADER_SHOW_ACCOUNTS", "1")
    assert ACCOUNT in seen(user)


def test_not_connected_and_closed(user: SimTrader) -> None:
    assert "未连接" in seen(easytrader.use("sim"))
    user.close()
    assert "已关闭" in seen(user)


def test_a_frozen_client_does_not_hold_the_card(
    served: SimProcess, connect: Callable[..., Any]
) -> None:
    user = connect()
    hurry(user, 8)
    assert served.process is not None
    process = freeze(served.process.pid)
    try:
        told = seen(user)
        assert "没有查到全部" in told
        asking = [each for each in threading.enumerate() if each.name == "easytrader-card"]
        assert len(asking) == 1  # 那次查询还没有到期，卡片已经出来了
        assert "上一次的查询还没有应答" in seen(user)
    finally:
        process.resume()
    eventually(lambda: "总资产" in seen(user))


def test_a_lost_client(served: SimProcess, connect: Callable[..., Any]) -> None:
    user = connect()
    served.kill()
    eventually(lambda: "已断开" in seen(user))
    told = seen(user)  # 也许正在重连
    assert "总资产" not in told
    assert "没有查到" not in told  # 断着就不问了


def test_a_card_does_not_keep_the_trader(user: SimTrader) -> None:
    other = easytrader.use("sim")
    seen(other)
    gone = weakref.ref(other)
    del other
    gc.collect()
    eventually(lambda: gc.collect() is not None and gone() is None)


class Evil:
    """一个什么都是脚本的交易口。"""

    state: Any = EVIL

    @property
    def status(self) -> Any:
        return {
            "state": "已连接", "account_id": EVIL, "last_error": EVIL, "guard": None,
            "open_intents": EVIL, "reconnects": 0,
        }  # fmt: skip

    @property
    def balance(self) -> Any:
        return [{"total_asset": EVIL, "cash": float("nan")}]

    @property
    def position(self) -> Any:
        one = dict.fromkeys(titles.KINDS["position"].keys, EVIL)
        return [
            {**one, "market_value": None, "profit": None},
            {**one, "market_value": 1, "profit": 2},
        ]

    @property
    def today_entrusts(self) -> Any:
        return [{"order_status": EVIL}]

    def history(self, start: Any, end: Any) -> Any:
        raise easytrader.QueryFailedError(EVIL)


class Yesterday(Evil):
    """记着昨天的资金。"""

    @property
    def balance(self) -> Any:
        return [{"total_asset": 1_012_000.0}]

    def history(self, start: Any, end: Any) -> Any:
        if (end - start).days < 8:  # 放了长假
            return {"assets": []}
        first = {"day": "2023-11-14", "time": 1_699_900_000, "total_asset": 9e5}
        return {"assets": [first, {**first, "time": 1_699_945_200, "total_asset": 1e6}]}


def test_the_change_since_the_last_day() -> None:
    told = Seen(card.card(Yesterday())).text
    assert re.search(r"比 11-14 15:00\s+\+12,000.00", told)
    assert "比 " not in Seen(card.card(Evil())).text


class Broken(Evil):
    @property
    def status(self) -> Any:
        raise ZeroDivisionError(EVIL)

    def __repr__(self) -> str:
        return EVIL


def test_everything_is_escaped() -> None:
    for user in (Evil(), Broken()):
        told = card.card(user)
        assert "<script" not in told
        assert "<img" not in told
        assert "<script>" in Seen(told).text
    assert "ZeroDivisionError" in card.card(Broken())


def test_plan_and_report() -> None:
    evil: dict[str, Any] = dict.fromkeys(titles.KINDS["plan"].keys, EVIL)
    plan = {
        "plan_id": EVIL, "day": EVIL, "account_id": ACCOUNT, "orders": [evil], "total_asset": 1e6,
        "cash_before": 5e5, "turnover": 0.5, "weights": [
            {"stock_code": "600036.SH", "before": 0.1, "target": 0.2, "after": 0.199}
        ],
        "skipped": [dict.fromkeys(titles.KINDS["skipped"].keys, EVIL)],
    }  # fmt: skip
    told = Seen(html.plan(plan)).text
    assert "1,000,000.00" in told
    assert "19.90%" in told
    assert "没有调的（1）" in told
    assert ACCOUNT not in told
    report = {"plan_id": "a", "result": "partly", "rows": [], "totals": {"slippage_bp": 1.23}}
    told = Seen(html.report({**report, "notes": [EVIL]})).text
    assert "做了一部分" in told
    assert re.search(r"滑点（万分之）\s+1.2", told)
    assert "试算" in Seen(html.report({**report, "dry_run": True})).text
    assert "（没有）" in told
    assert Seen(html.report({"result": EVIL})).tags
    assert Seen(html.plan({})).tags


def test_long_tables_and_long_texts() -> None:
    rows = [{"stock_code": "6" * 1000}] * 60
    told = html.table(titles.KINDS["skipped"], rows)
    assert told.count("<tr>") == 51
    assert "只列出前 50 行，一共 60 行" in told
    assert "6" * 300 not in told
