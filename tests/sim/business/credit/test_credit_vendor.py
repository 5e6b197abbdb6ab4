"""全部走厂商自己的 ``xttrader.py``，柜台是另一个进程；杀掉再起，账还在。"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from credit_desk import CODE, OTHER
from support import Recorder, SimProcess, eventually

from easytrader.sim import install
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.gateway.fields import structs
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ACCOUNT = "660000002"
SETTINGS = {
    "slo_volume": {CODE: [5000, 1000]},
    "collateral": {CODE: 0.7, OTHER: 0.65},
    "subjects": {CODE: {}, OTHER: {"slo": False}},
    "fin_quota": 400_000,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "国金 QMT交易端" / "userdata_mini"
    accounts = [
        AccountConfig(ACCOUNT, 3, 500_000, ((CODE, 1000, 35),)),
        AccountConfig("1", 2),
    ]
    create(path, accounts, clock="step", start="2026-11-19 10:00", connect_wait_s=0.3)
    (path / "credit.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    return path


@pytest.fixture
def process(folder: Path) -> Iterator[SimProcess]:
    served = SimProcess(folder)
    served.start()
    yield served
    served.kill()


def in_thread(work: Callable[..., Any], *args: Any) -> Any:
    """厂商会换掉所在线程的事件循环：在别的线程里做，限时。"""
    done: list[Any] = []

    def run() -> None:
        try:
            done.append((True, work(*args)))
        except BaseException as error:
            done.append((False, error))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(30)
    assert done, "没有返回"
    good, value = done[0]
    if not good:
        raise value
    return value


class Vendor:
    """厂商的交易对象与账号。"""

    def __init__(self, folder: Path, session: int, recorder: Recorder) -> None:
        from xtquant import xttrader
        from xtquant.xttype import StockAccount

        self.recorder = recorder
        self.account = StockAccount(ACCOUNT, "CREDIT")
        self.trader = xttrader.XtQuantTrader(str(folder), session, recorder)
        self.trader.oldloop = None  # 厂商的 __del__ 在主线程里要用它
        self.trader.start()
        assert self.trader.connect() == 0
        assert self.trader.subscribe(self.account) == 0

    def order(self, kind: int, code: str, volume: int, price_type: int, price: float) -> Any:
        """下单，等到终态或挂着；返回 (委托, 拒绝的话)。"""
        number = in_thread(
            self.trader.order_stock, self.account, code, kind, volume, price_type, price, "s", "r"
        )
        assert number > 0
        mine = lambda name: [x for x in self.recorder.of(name) if x.order_id == number]  # noqa: E731
        eventually(lambda: mine("order"))
        errors = mine("order_error")
        return self.find(number), errors[0].error_msg if errors else ""

    def find(self, number: int) -> Any:
        return in_thread(self.trader.query_stock_order, self.account, number)

    def ask(self, name: str) -> Any:
        return in_thread(getattr(self.trader, name), self.account)

    def close(self) -> None:
        if self.trader.executor is not None:
            in_thread(self.trader.stop)
        self.trader.async_client.stop()
        self.trader.loop.close()


@pytest.fixture
def connect(process: SimProcess, folder: Path) -> Iterator[Callable[[int], Vendor]]:
    install.install()
    made: list[Vendor] = []

    def make(session: int) -> Vendor:
        made.append(in_thread(Vendor, folder, session, Recorder()))
        return made[-1]

    yield make
    for each in made:
        each.close()


def fields(struct: str, row: Any) -> dict[str, Any]:
    """一行的全部字段，两种写法读出来相同。"""
    found = {}
    for field in structs()[struct]:
        found[field.name] = getattr(row, field.name)
        for spelling in field.spellings:
            assert getattr(row, spelling) == found[field.name]
    return found


QUERIES = {
    "query_credit_detail": "XtCreditDetail",
    "query_stk_compacts": "StkCompacts",
    "query_credit_subjects": "CreditSubjects",
    "query_credit_slo_code": "CreditSloCode",
    "query_credit_assure": "CreditAssure",
}


def everything(vendor: Vendor) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [fields(struct, row) for row in vendor.ask(name)] for name, struct in QUERIES.items()
    }


def test_two_days_of_credit_trading_through_a_kill(
    process: SimProcess, folder: Path, connect: Callable[[int], Vendor]
) -> None:
    vendor, clock = connect(1), Stepper(folder)
    order, text = vendor.order(27, CODE, 2000, 42, 0.0)
    assert (order.order_status, order.order_type, order.offset_flag, text) == (56, 27, 48, "")
    order, _ = vendor.order(40, OTHER, 1000, 47, 0.0)
    assert order.order_status == 56
    _, text = vendor.order(28, OTHER, 100, 5, 0.0)
    assert "不是融券标的" in text
    _, text = vendor.order(28, CODE, 100, 42, 0.0)
    assert "只能用限价" in text
    _, text = vendor.order(27, "600519.SH", 100, 5, 0.0)
    assert "不是融资标的" in text
    order, _ = vendor.order(28, CODE, 500, 5, 0.0)
    special, _ = vendor.order(41, CODE, 300, 5, 0.0)
    for _ in range(60):
        if (
            vendor.find(order.order_id).order_status
            == 56
            == vendor.find(special.order_id).order_status
        ):
            break
        clock.step(minutes=1)
    assert vendor.find(order.order_id).order_status == 56
    assert vendor.find(special.order_id).order_status == 56
    _, text = vendor.order(29, CODE, 500, 42, 0.0)
    assert "超过可还数量" in text
    before = everything(vendor)
    assert [row["compact_type"] for row in before["query_stk_compacts"]] == [48, 48, 49, 49]
    assert [row["cashgroup_prop"] for row in before["query_stk_compacts"]] == [48, 49, 48, 49]

    process.kill()
    eventually(lambda: vendor.recorder.of("disconnected"))
    process.start()
    again = connect(2)
    assert everything(again) == before

    clock.next_day()
    for kind, code, volume, price_type, price in (
        (29, CODE, 500, 42, 0.0),
        (43, CODE, 300, 11, -1.0),
        (31, CODE, 1000, 42, 0.0),
        (44, OTHER, 1000, 47, 0.0),
        (32, OTHER, 10_000_000, 11, -1.0),
        (45, OTHER, 10_000_000, 5, 0.0),
    ):
        order, text = again.order(kind, code, volume, price_type, price)
        assert text == "", (kind, text)
        for _ in range(30):
            if again.find(order.order_id).order_status == 56:
                break
            clock.step(minutes=1)
        else:
            raise AssertionError(f"{kind} 没有成")
    [detail] = again.ask("query_credit_detail")
    assert detail.m_dTotalDebt == detail.m_dFinDebt == detail.m_dSloDebt == 0
    assert detail.m_dSloSellBalance == 0
    asset = again.ask("query_stock_asset")
    assert (asset.account_type, asset.total_asset) == (3, pytest.approx(detail.m_dBalance))
    assert asset.fetch_balance == detail.m_dFetchBalance
    assert len(again.ask("query_stk_compacts")) == 4
    clock.next_day()
    assert again.ask("query_stk_compacts") == []


def test_forced_liquidation_is_seen_and_cannot_be_cancelled(
    folder: Path, process: SimProcess, connect: Callable[[int], Vendor]
) -> None:
    """现金先花光，追保一天，停牌的担保品卖不掉；都经厂商的接口看见。"""
    process.kill()
    lines = {"warn_ratio": 9.9, "close_ratio": 9.5, "call_days": 1}
    (folder / "credit.json").write_text(json.dumps(SETTINGS | lines), encoding="utf-8")
    process.start()
    vendor, clock = connect(1), Stepper(folder)
    order, _ = vendor.order(27, CODE, 5000, 42, 0.0)
    assert order.order_status == 56
    clock.next_day()
    assert in_thread(vendor.trader.query_stock_orders, vendor.account, False) == []
    clock.goto("2026-11-23 09:21")
    rows = in_thread(vendor.trader.query_stock_orders, vendor.account, False)
    assert {row.order_remark for row in rows} == {"强制平仓"}
    assert [row.order_type for row in rows] == [32, 31]
    assert [row.order_status for row in rows] == [56, 50]
    cancelled = in_thread(vendor.trader.cancel_order_stock, vendor.account, rows[1].order_id)
    assert cancelled == 0  # 撤单请求发出了；撤不了是推送说的
    eventually(lambda: vendor.recorder.of("cancel_error"))
    [error] = vendor.recorder.of("cancel_error")
    assert "强制平仓" in error.error_msg
    clock.goto("2026-11-23 09:26")
    assert vendor.find(rows[1].order_id).order_status == 56
    trades = in_thread(vendor.trader.query_stock_trades, vendor.account)
    assert [trade.order_id for trade in trades] == [rows[1].order_id]
    [detail] = vendor.ask("query_credit_detail")
    assert detail.m_dPerAssurescaleValue >= 9.9


def test_queries_of_a_quiet_account(connect: Callable[[int], Vendor]) -> None:
    vendor = connect(1)
    [detail] = vendor.ask("query_credit_detail")
    got = fields("XtCreditDetail", detail)
    assert (got["account_type"], got["account_id"]) == (3, ACCOUNT)
    assert got["fin_max_quota"] == 400_000
    assert {row.instrument_id for row in vendor.ask("query_credit_subjects")} == {
        "600036", "000001",
    }  # fmt: skip
    assert [row.m_nEnableAmount for row in vendor.ask("query_credit_slo_code")] == [5000, 1000]
    assert {row.m_dAssureRatio for row in vendor.ask("query_credit_assure")} == {0.7, 0.65}
    assert vendor.ask("query_stk_compacts") == []


def test_a_stock_account_is_refused_credit_orders(connect: Callable[[int], Vendor]) -> None:
    from xtquant.xttype import StockAccount

    vendor = connect(1)
    plain = StockAccount("1")
    number = in_thread(vendor.trader.order_stock, plain, CODE, 27, 100, 11, 30.0, "", "")
    assert number == -1
    assert in_thread(vendor.trader.query_credit_detail, plain) == []
    assert in_thread(vendor.trader.query_credit_detail, StockAccount(ACCOUNT)) == []
