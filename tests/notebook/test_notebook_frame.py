"""`easytrader.frame`：列与键一一对应，空的也有列，类型对。"""

from __future__ import annotations

import subprocess
import sys
import threading
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import polars as pl
import pytest
from remote_brokers import RemoteMemory

import easytrader
from easytrader.errors import MissingDependencyError, UsageError
from easytrader.rebalance import Plan, Report
from easytrader.rows import empties, titles

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

KINDS = titles.KINDS.values()
ENGINES = ("pandas", "polars")


def columns(made: Any) -> list[str]:
    return list(made.columns)


def test_a_position(user: SimTrader) -> None:
    held = user.position
    made = easytrader.frame(held, names="zh")
    assert isinstance(made, pd.DataFrame)
    assert columns(made) == [each.title for each in titles.KINDS["position"].columns]
    assert list(made["代码"]) == [row["security"] for row in held]
    assert "000001" in list(made["代码"])
    assert made["持有数量"].dtype == "int64"
    assert made["市值"].dtype == "float64"
    assert columns(easytrader.frame(held)) == list(held[0])
    assert held == user.position  # 原来的列表没有动


@pytest.mark.parametrize("engine", ENGINES)
def test_what_the_queries_give(user: SimTrader, engine: Any) -> None:
    number = user.market_buy("600036", 100)["entrust_no"]
    row = user.wait(number)
    for found in (user.balance, user.position, user.today_entrusts, user.today_trades):
        made = easytrader.frame(found, engine=engine)
        assert columns(made) == list(found[0])
        assert len(made) == len(found)
    one = easytrader.frame(row, engine=engine)
    assert list(one["order_id"]) == [number]
    assert (
        columns(easytrader.frame(user.cancel_all(), kind="trades", engine=engine))[0] == "security"
    )


@pytest.mark.parametrize("verb", ["today_entrusts", "today_trades"])
@pytest.mark.parametrize("engine", ENGINES)
def test_an_empty_list_has_its_columns(user: SimTrader, verb: str, engine: Any) -> None:
    found = getattr(user, verb)
    assert found == []
    made = easytrader.frame(found, names="zh", engine=engine)
    kind = titles.BY_VERB[verb]
    assert columns(made) == [each.title for each in kind.columns]
    assert len(made) == 0
    filled = easytrader.frame([_sample(kind)], names="zh", engine=engine)
    assert list(made.dtypes) == list(filled.dtypes)


def test_credit_queries(credit_user: Any) -> None:
    assert columns(easytrader.frame(credit_user.credit.compacts()))[0] == "security"
    assert "维持担保比例" in columns(easytrader.frame(credit_user.credit.detail(), names="zh"))


def test_a_remote_account(tmp_path: Path) -> None:
    """账号在别的机器上：空的列表也记着，卡片也看得见。"""
    wire = RemoteMemory(tmp_path)
    trader = wire.trader()
    try:
        wire.connect(trader)
        for verb in ("position", "today_entrusts", "today_trades"):
            made = easytrader.frame(getattr(trader, verb))
            assert columns(made) == list(titles.BY_VERB[verb].keys)
        assert "可用资金" in trader._repr_html_()
    finally:
        trader.close()
        wire.close()


def test_other_queries(user: SimTrader) -> None:
    for verb, found in (
        ("cancel_all", user.cancel_all()),
        ("client.position_statistics", user.client.position_statistics()),
        ("client.account_infos", user.client.account_infos()),
        ("ipo.data", user.ipo.data()),
    ):
        assert columns(easytrader.frame(found)) == list(titles.BY_VERB[verb].keys)


def test_an_empty_list_of_ones_own() -> None:
    with pytest.raises(UsageError, match=r"请写 kind.*position（持仓）"):
        easytrader.frame([])
    assert len(easytrader.frame([], kind="position").columns) == 16
    assert columns(easytrader.frame([], kind="today_trades"))[2] == "traded_id"
    with pytest.raises(UsageError, match="应为其中之一：balance"):
        easytrader.frame([], kind="持仓")


def test_only_the_last_few_empty_lists_are_kept() -> None:
    first: list[Any] = empties.noted("position", [])
    other: list[Any] = []
    assert empties.kind_of(first) == "position"
    assert empties.kind_of(other) is None
    kept = [empties.noted("trades", []) for _ in range(100)]
    assert empties.kind_of(first) is None
    assert empties.kind_of(kept[-1]) == "trades"
    filled = empties.noted("entrusts", [1])
    assert empties.kind_of(filled) is None


def test_empty_lists_from_many_threads() -> None:
    def look() -> None:
        found.extend(empties.kind_of(empties.noted("trades", [])) for _ in range(2000))

    found: list[str | None] = []
    threads = [threading.Thread(target=look) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(found) == 8000


def test_quotes_are_indexed_by_what_was_asked(user: SimTrader) -> None:
    quotes = user.quote(["600036", "000001.SZ"])
    made = easytrader.frame(quotes, names="zh")
    assert list(made.index) == ["600036", "000001.SZ"]
    assert made.loc["600036", "证券代码"] == "600036.SH"
    assert str(made["行情时间"].dt.tz) == "Asia/Shanghai"
    other = easytrader.frame(quotes, names="zh", engine="polars")
    assert other["查询的代码"].to_list() == ["600036", "000001.SZ"]
    bid = quotes["600036"]["bids"][0]
    assert other["买盘"][0][0] == {"price": bid[0], "volume": bid[1]}
    assert columns(easytrader.frame({}, kind="quote")) == list(quotes["600036"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_every_table_full_empty_and_lacking(kind: titles.Kind, engine: Any) -> None:
    lacking = dict.fromkeys(kind.keys)
    for found in ([], [_sample(kind)], [lacking], [lacking, _sample(kind)]):
        for names in ("en", "zh"):
            made = easytrader.frame(found, kind=kind.name, names=names, engine=engine)
            assert len(made) == len(found)
            assert len(made.columns) == len(kind.columns)


def test_times_and_days() -> None:
    kind = titles.KINDS["history_orders"]
    row = {**_sample(kind), "order_time": 1_700_000_000, "day": "2023-11-15"}
    found = [row, {**row, "order_time": 0, "day": None}]
    made = easytrader.frame(found)
    assert made["order_time"][0] == pd.Timestamp("2023-11-15 06:13:20", tz="Asia/Shanghai")
    assert pd.isna(made["order_time"][1])
    assert made["day"][0] == pd.Timestamp("2023-11-15")
    assert pd.isna(made["day"][1])
    other = easytrader.frame(found, engine="polars")
    assert str(other["order_time"][0]) == "2023-11-15 06:13:20+08:00"
    assert str(other["day"][0]) == "2023-11-15"
    assert other["order_time"][1] is other["day"][1] is None


def test_a_plan_and_a_report() -> None:
    plan = {
        "plan_id": "p", "created": 0.0, "day": "2026-11-30", "account_id": "1", "options": {},
        "holdings": {}, "total_asset": 1.0, "cash_before": 1.0, "cash_after": 1.0,
        "cash_buffer": 0.0, "fees": 0.0, "turnover": 0.0, "tracking_error": 0.0, "bound": 0.0,
        "weights": [], "skipped": [], "orders": [_sample(titles.KINDS["plan"])],
    }  # fmt: skip
    row: Any = _sample(titles.KINDS["report"])
    for made, kind, count in (
        (Plan(**plan), "plan", 1),
        (Plan(**{**plan, "orders": []}), "plan", 0),
        (Report("p", "done", [row], 0.0, 1.0), "report", 1),
        (Report("p", "nothing", [], 0.0, 1.0), "report", 0),
    ):
        table = easytrader.frame(made)
        assert columns(table) == list(titles.KINDS[kind].keys)
        assert len(table) == count
    empty = Plan(**{**plan, "orders": []})
    assert columns(easytrader.frame(empty.skipped)) == list(titles.KINDS["skipped"].keys)


def test_what_is_missing_stays_missing() -> None:
    row = _sample(titles.KINDS["position"])
    found = [row, {**row, "profit": None, "volume": None, "security_name": None}]
    made = easytrader.frame(found)
    assert list(made["volume"].isna()) == [False, True]
    assert made["volume"][0] == 7
    assert made["profit"].dtype == "float64"
    assert pd.isna(made["profit"][1])
    assert pd.isna(made["security_name"][1])
    other = easytrader.frame(found, engine="polars")
    assert other["volume"].to_list() == [7, None]
    assert other.schema["volume"] == pl.Int64


@pytest.mark.parametrize("engine", ENGINES)
def test_other_counters(engine: Any) -> None:
    """编号是文字的、数量有小数的后端；装不下的整数；NaN。"""
    row = {
        **_sample(titles.KINDS["entrusts"]),
        "order_id": "a-1",
        "order_volume": Decimal("0.0015"),
        "traded_volume": float("nan"),
        "price": Decimal("3.21"),
        "order_type": 2**70,
        "加的": True,
        "代码": "x",
    }
    made = easytrader.frame([row], engine=engine, names="zh")
    assert list(made["委托编号"]) == ["a-1"]
    assert list(made["委托数量"]) == [0.0015]
    assert list(made["委托价"]) == [3.21]
    assert list(made["委托类型代码"]) == [2**70]
    assert list(made["加的"]) == [True]
    assert list(made["代码_"]) == ["x"]


@pytest.mark.parametrize(
    "rows",
    [None, 1, "600036", [1], [{"a": 1}], {"orders": [], "trades": [], "assets": []}, object],
    ids=repr,
)
def test_what_is_not_a_result(rows: object) -> None:
    with pytest.raises(UsageError, match="参数 rows 不对"):
        easytrader.frame(rows)


def test_bad_words(user: SimTrader) -> None:
    with pytest.raises(UsageError, match='"zh"'):
        easytrader.frame(user.balance, names="cn")  # type: ignore[call-overload]
    with pytest.raises(UsageError, match='"polars"'):
        easytrader.frame(user.balance, engine="dask")  # type: ignore[call-overload]


_WITHOUT = """
import sys
for name in sys.argv[1:]:
    sys.modules[name] = None  # 当作没有装
import easytrader
try:
    print(type(easytrader.frame([], kind="position")).__module__.partition(".")[0])
except easytrader.MissingDependencyError as exc:
    print(exc)
"""


@pytest.mark.parametrize(
    ("gone", "told"),
    [
        (("pandas",), "polars"),
        (("pandas", "polars"), 'pip install "easytrader[frame]"'),
    ],
)
def test_without_pandas(gone: tuple[str, ...], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-c", _WITHOUT, *gone],
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=60,
        check=True,
    )
    assert told in done.stdout


def test_a_named_engine_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "polars", None)
    with pytest.raises(MissingDependencyError, match="没有装 polars：pip install polars"):
        easytrader.frame([], kind="position", engine="polars")


_SAMPLES: dict[str, Any] = {
    "text": "000001", "number": 1, "count": 7, "price": 1.5, "money": 2.5, "ratio": 0.1, "bp": 1.0,
    "moment": 1_700_000_000, "date": "2023-11-15", "flag": True, "side": "buy",
    "levels": [(1.0, 100)], "list": ["x"],
}  # fmt: skip


def _sample(kind: titles.Kind) -> dict[str, Any]:
    return {column.key: _SAMPLES[column.measure] for column in kind.columns}
