"""对账单上的每一样，都在模拟柜台上真的弄出来；弄不出来的（柜台自己前后不一）拿事实来算。"""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from remote_brokers import RemoteWire
from support import ACCOUNT, Recorder, eventually, make_folder

import easytrader
from easytrader import history
from easytrader.basics import tags
from easytrader.basics.beijing import moment
from easytrader.errors import NotConnectedError, UsageError
from easytrader.history.facts import Deal
from easytrader.history.gather import gather
from easytrader.history.statement import Statement
from easytrader.history.statement import reconcile as check
from easytrader.market.rules.fees import FeeSchedule
from easytrader.records import storage as marks
from easytrader.records.storage import Intent
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.host import hub
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

MONDAY, TUESDAY = "2026-03-02", "2026-03-03"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "甲", clock="step", start=f"{MONDAY} 09:31")


@pytest.fixture
def open_(folder: Path) -> Iterator[Callable[..., SimTrader]]:
    opened: list[SimTrader] = []

    def connect(**options: Any) -> SimTrader:
        user = easytrader.use("sim")
        opened.append(user)
        user.connect(str(folder), ACCOUNT, Recorder(), heartbeat_interval=0, **options)
        return user

    yield connect
    for user in opened:
        user.close()


@pytest.fixture
def user(open_: Callable[..., SimTrader]) -> SimTrader:
    """周一收盘之后对过账的。"""
    user = open_()
    user.sim.goto(f"{MONDAY} 15:10")
    assert history.reconcile(user).clean
    user.sim.next_day()
    return user


def closed(user: SimTrader) -> Statement:
    """周二收盘之后的对账单。"""
    user.sim.goto(f"{TUESDAY} 15:10")
    return history.reconcile(user)


def found(statement: Statement, kind: str) -> list[dict[str, Any]]:
    return [row for each in statement.findings if each.kind == kind for row in each.rows]


def kinds(statement: Statement) -> list[str]:
    return [each.kind for each in statement.findings]


def test_an_ordinary_day_is_explained(user: SimTrader) -> None:
    bought = user.market_buy("600036", 300, client_order_id="甲")["entrust_no"]
    user.market_sell("600000", 500)
    user.sim.step(minutes=1)
    assert user.balance
    statement = closed(user)
    assert statement.clean
    assert kinds(statement) == []
    assert statement.verdict == "都对得上"
    assert statement.counts == {"orders": 2, "ours": 2, "trades": 2, "intents": 1}
    cash = statement.cash
    assert cash is not None
    assert (cash.unexplained, cash.fees_from) == (0, "柜台说的")
    assert float(cash.now) == user.balance[0]["cash"]
    assert cash.now == cash.before - cash.bought + cash.sold - cash.fees
    assert bought > 0
    # 各取最晚的一份
    assert cash.before_at == pytest.approx(moment(f"{MONDAY} 15:10"), abs=1)
    assert cash.now_at == pytest.approx(moment(f"{TUESDAY} 15:10"), abs=1)


class TestOrders:
    def test_a_manual_order(self, user: SimTrader) -> None:
        """人在客户端里下的一笔：厂商的接口，备注里没有标记。"""
        user.trader.order_stock(user.account, "600036.SH", 23, 100, 44, -1, "", "手工")
        user.market_buy("600036", 100)
        user.sim.step(minutes=1)
        statement = closed(user)
        [row] = found(statement, "manual_order")
        assert (row["stock_code"], row["order_remark"]) == ("600036.SH", "手工")
        assert kinds(statement) == ["manual_order"]  # 钱与持仓照样说得清
        assert statement.counts["ours"] == 1

    def test_an_order_the_counter_lost(
        self, user: SimTrader, open_: Callable[..., SimTrader], folder: Path
    ) -> None:
        """换了一本账：记录里有编号，柜台没有。"""
        number = user.buy("600036", 33.0, 100, client_order_id="甲")["entrust_no"]
        eventually(lambda: _states(user) == {"甲": marks.PLACED})
        user.close()
        for suffix in ("-shm", "-wal", ""):
            folder.joinpath(f"{SimFolder.open(folder).store_path}{suffix}").unlink(missing_ok=True)
        again = open_()
        again.sim.goto(f"{TUESDAY} 15:10")
        statement = history.reconcile(again)
        [row] = found(statement, "lost_order")
        assert (row["client_order_id"], row["order_id"]) == ("甲", number)

    def test_an_order_whose_fate_is_unknown(self, user: SimTrader) -> None:
        """记下了、还没有发就没了的程序留下的。"""
        _left(user, "甲", marks.SENDING)
        statement = closed(user)
        [row] = found(statement, "unknown_fate")
        assert row["client_order_id"] == "甲"
        assert statement.verdict == "有 1 样要看：结果还不知道的委托 1"

    def test_unknown_but_on_the_counter_is_known(self, user: SimTrader) -> None:
        _left(user, "甲", marks.UNKNOWN)
        _order_with(user, tags.tagged(tags.tag_for(ACCOUNT, "甲"), ""))
        assert "unknown_fate" not in kinds(closed(user))

    @pytest.mark.parametrize("state", [marks.UNSENT, marks.REFUSED, marks.ABSENT])
    def test_an_order_we_thought_was_not_there(self, user: SimTrader, state: str) -> None:
        _left(user, "甲", state)
        assert "unexpected_order" not in kinds(history.reconcile(user))
        number = _order_with(user, tags.tagged(tags.tag_for(ACCOUNT, "甲"), ""))
        [row] = found(closed(user), "unexpected_order")
        assert row["order_id"] == number

    def test_a_refused_one_is_as_it_should_be(self, user: SimTrader) -> None:
        _left(user, "甲", marks.REFUSED)
        _order_with(user, tags.tagged(tags.tag_for(ACCOUNT, "甲"), ""), price=9999)  # 废单
        assert "unexpected_order" not in kinds(closed(user))

    def test_an_open_order(self, user: SimTrader) -> None:
        price = user.quote("600036")["600036"]["limit_down"]
        number = user.buy("600036", price, 100)["entrust_no"]
        statement = history.reconcile(user)
        assert [row["order_id"] for row in found(statement, "open_order")] == [number]
        user.cancel_entrust(number)
        user.sim.step(seconds=10)
        assert history.reconcile(user).clean


class TestTrades:
    def test_no_push_came(self, user: SimTrader) -> None:
        """推送停了：查得到而没有交给过回调。"""
        user.trader.unsubscribe(user.account)
        user.sim.step(minutes=5)
        user.market_buy("600036", 100)
        user.sim.step(minutes=5)
        assert user.today_trades
        statement = closed(user)
        [row] = found(statement, "missed_trade")
        assert row["traded_volume"] == 100
        assert kinds(statement) == ["missed_trade"]

    def test_nobody_was_there(
        self, user: SimTrader, open_: Callable[..., SimTrader], folder: Path
    ) -> None:
        """脚本下完就走，收盘之后才有人来：不算漏。"""
        price = user.quote("600036")["600036"]["last"]
        user.buy("600036", price, 100)
        user.close()
        let_go = hub.HUB.hold(str(folder))
        hub.acquire(folder)
        try:
            Stepper(folder).goto(f"{TUESDAY} 15:10")
        finally:
            hub.release(folder)
            let_go()
        again = open_()
        statement = history.reconcile(again)
        assert again.today_trades
        assert kinds(statement) == ["unattended_trade"]
        assert statement.clean

    def test_a_trade_without_its_order_and_a_wrong_sum(self, user: SimTrader) -> None:
        user.market_buy("600036", 300)
        user.sim.step(minutes=1)
        user.sim.goto(f"{TUESDAY} 15:10")
        facts = gather(user)
        [order] = facts.orders
        assert kinds(check(facts)) == []
        assert kinds(check(replace(facts, orders=()))) == ["orphan_trade"]
        short = order._replace(row={**order.row, "traded_volume": 200})
        [row] = found(check(replace(facts, orders=(short,))), "fill_mismatch")
        assert (row["traded_volume"], row["trades_volume"]) == (200, 300)
        assert kinds(check(replace(facts, trades=()))) == [
            "fill_mismatch", "position_change", "cash_change",
        ]  # fmt: skip


class TestPositionsAndCash:
    def test_a_dividend_with_bonus_shares(
        self, open_: Callable[..., SimTrader], folder: Path
    ) -> None:
        """每 10 股派 2 元送 5 股：股数与现金都变了，而没有成交。"""
        action = {"record": MONDAY, "ex": TUESDAY, "cash": 0.2, "bonus": 5}
        text = json.dumps({"600000.SH": [action]})
        (folder / "corporate_actions.json").write_text(text, encoding="utf-8")
        user = open_()
        user.sim.goto(f"{MONDAY} 15:10")
        history.reconcile(user)
        user.sim.next_day()
        statement = closed(user)
        [row] = found(statement, "position_change")
        assert (row["before"], row["traded"], row["volume"], row["difference"]) == (
            1000, 0, 1500, 500,
        )  # fmt: skip
        assert "送转" in row["hint"]
        [row] = found(statement, "cash_change")
        assert row["unexplained"] == 200
        assert "多出 200.00 元" in statement.to_markdown()

    def test_bank_transfers_are_explained(self, user: SimTrader) -> None:
        bank = user.bank.info()[0]
        given = bank["bank_no"], bank["bank_account"]
        assert user.bank.transfer_in(*given, 1234.5)["success"]
        user.sim.step(minutes=1)
        assert user.bank.transfer_out(*given, 34.5)["success"]
        statement = closed(user)
        assert statement.clean
        assert statement.cash is not None
        assert statement.cash.transfers == 1200
        facts = replace(gather(user), transfers=None)  # 柜台没有这个接口的
        [row] = found(check(facts), "cash_change")
        assert row["unexplained"] == 1200

    def test_money_lent_overnight_comes_back(self, user: SimTrader) -> None:
        rate = user.quote("204001")["204001"]["bids"][0][0]
        user.sell("204001.SH", rate, 100)
        user.sim.step(minutes=1)
        statement = closed(user)
        assert statement.clean
        assert statement.cash is not None
        assert statement.cash.bought == 10_000
        user.sim.next_day()
        user.sim.goto("2026-03-04 15:10")
        statement = history.reconcile(user)
        assert statement.clean
        assert statement.cash is not None
        assert 10_000 < statement.cash.matured < 10_002

    def test_several_days_without_a_look(self, user: SimTrader) -> None:
        """隔几天才对一次：其间的成交都算上。"""
        user.market_buy("600036", 100)
        user.sim.step(minutes=1)
        user.sim.next_day()
        user.market_buy("600036", 200)
        user.sim.step(minutes=1)
        user.sim.goto("2026-03-04 15:10")
        assert history.reconcile(user).clean
        assert user._engine.book is not None

    def test_a_cheaper_broker(self, tmp_path: Path) -> None:
        folder = make_folder(
            tmp_path / "乙", clock="step", start=f"{MONDAY} 15:10",
            commission_ppm=100, commission_min=0,
        )  # fmt: skip
        with easytrader.use("sim") as user:
            user.connect(str(folder), ACCOUNT)
            user.sim.next_day()
            user.market_buy("600036", 1000)
            user.sim.step(minutes=1)
            statement = closed(user)
            assert statement.clean
            assert statement.cash is not None
            paid = statement.cash.fees
            facts = gather(user)
            # 真的客户端多半不说手续费：差额在税费与默认费率之间，算作佣金
            silent = replace(facts, trades=[each._replace(fee=0.0) for each in facts.trades])
            cash = check(silent).cash
            assert cash is not None
            assert (cash.fees, cash.unexplained) == (paid, 0)
            assert cash.fees_from.startswith("推算的")
            told = check(replace(silent, fees=FeeSchedule(100, 0)))
            assert told.cash is not None
            assert (told.clean, told.cash.fees, told.cash.fees_from) == (True, paid, "按给的费率")
            wrong = check(replace(silent, fees=FeeSchedule(300, 5000)))
            [row] = found(wrong, "cash_change")
            assert row["unexplained"] > 0
            [asset] = facts.asset.rows  # type: ignore[union-attr]
            more = facts.asset._replace(rows=[{**asset, "cash": asset["cash"] + 50}])  # type: ignore[union-attr]
            [row] = found(check(replace(silent, asset=more)), "cash_change")
            assert 0 < row["unexplained"] <= 50

    def test_the_same_order_on_both_sides_of_the_snapshot(self, user: SimTrader) -> None:
        """最低佣金一笔委托只收一次：快照之前收过的不再算。"""
        user.market_buy("600036", 300)
        user.sim.step(minutes=1)
        user.sim.goto(f"{TUESDAY} 15:10")
        facts = gather(user)
        [deal] = facts.today
        before, now = facts.asset_before, facts.asset
        assert before is not None
        assert now is not None
        row = {**deal.row, "traded_volume": 100, "traded_amount": deal.row["traded_amount"] / 3}
        early = deal._replace(row={**row, "traded_time": int(before.at) - 60, "traded_id": "早"})
        rest = {**row, "traded_volume": 200, "traded_amount": row["traded_amount"] * 2}
        late = deal._replace(row={**rest, "traded_id": "晚"})
        cash = check(replace(facts, trades=[early, late], fees=FeeSchedule())).cash
        whole = check(replace(facts, fees=FeeSchedule())).cash
        assert cash is not None
        assert whole is not None
        assert whole.fees > 5
        assert cash.fees < 1


@pytest.mark.parametrize(
    ("traded", "seen", "after"),
    [(99, 500.0, False), (100, 100.2, False), (100, 100.6, True), (101, 100.2, True)],
)
def test_before_or_after_a_look_in_the_same_second(traded: int, seen: float, after: bool) -> None:
    """柜台只说到秒：同一秒里，看谁先被看到。"""
    deal = Deal(MONDAY, {"traded_time": traded}, seen, True, 0.0)
    assert deal.after(100.5) is after


class TestWhichDay:
    def test_a_day_of_the_past_from_the_records_alone(self, user: SimTrader) -> None:
        user.market_buy("600036", 300)
        user.sim.step(minutes=1)
        assert closed(user).clean
        user.sim.next_day()
        statement = history.reconcile(user, TUESDAY)
        assert (statement.day, statement.live, statement.clean) == (TUESDAY, False, True)
        assert statement.counts["trades"] == 1
        assert "只按记录" in statement.to_markdown()

    def test_days_that_cannot_be(self, user: SimTrader) -> None:
        for day, told in (
            (MONDAY[:-1], "日期"),
            ("2026-03-04", "还没有到"),
            ("2026-02-02", "没有记录"),
        ):
            with pytest.raises(UsageError, match=told):
                history.reconcile(user, day)

    def test_the_first_day_says_what_is_missing(self, open_: Callable[..., SimTrader]) -> None:
        user = open_()
        statement = history.reconcile(user)
        assert statement.clean
        assert kinds(statement) == ["unchecked"]
        assert "没有前一天的资金" in statement.to_markdown()

    def test_not_connected(self) -> None:
        with easytrader.use("sim") as user, pytest.raises(NotConnectedError):
            history.reconcile(user)

    def test_a_remote_account_is_reconciled_over_there(self, tmp_path: Path) -> None:
        wire = RemoteWire(tmp_path / "server")
        try:
            with wire.trader() as remote:
                wire.connect(remote, Recorder(), timeout=10)
                with pytest.raises(UsageError, match="easytrader serve"):
                    history.reconcile(remote)
        finally:
            wire.close()


def test_a_credit_account_has_debts(credit_user: Any) -> None:
    credit_user.credit.fin_buy("600036", 40.0, 100)
    credit_user.sim.step(minutes=1)
    credit_user.sim.next_day()
    statement = history.reconcile(credit_user)
    assert statement.cash is None
    assert "资金没有核对" in statement.to_markdown()


def test_the_page_and_the_dictionary(user: SimTrader) -> None:
    user.trader.order_stock(user.account, "600036.SH", 23, 100, 44, -1, "", "手|工\n")
    user.sim.step(minutes=1)
    statement = closed(user)
    page = statement.to_markdown()
    assert page == str(statement)
    lines = page.splitlines()
    assert lines[0] == f"# 收盘对账 {TUESDAY}"
    assert lines[2] == "**有 1 样要看：不是本库下的委托 1**"
    tables = [line for line in lines if line.startswith("|")]
    assert any("手¦工" in line for line in tables)
    heads = [line.count("|") for line in tables if "---" in line]
    assert heads == [11, 3]
    told = json.loads(json.dumps(statement.to_dict(), default=str))
    assert told["findings"][0]["kind"] == "manual_order"
    assert told["findings"][0]["difference"] is True
    assert (told["clean"], told["day"]) == (False, TUESDAY)


def test_a_long_list_is_cut_on_the_page_only(user: SimTrader) -> None:
    facts = gather(user)
    user.trader.order_stock(user.account, "600036.SH", 23, 100, 44, -1, "", "手工")
    user.sim.step(minutes=1)
    [order] = gather(user).orders
    statement = check(replace(facts, orders=[order] * 60))
    assert len(found(statement, "manual_order")) == 60
    page = statement.to_markdown()
    [section] = [each for each in page.split("## ") if each.startswith("不是本库下的")]
    assert section.count("600036.SH") == 50
    assert "还有 10 行没有列出" in page


def _states(user: SimTrader) -> dict[str, str]:
    book = user._engine.book
    assert book is not None
    told = book.intents(0, time.time() + 60, time.monotonic() + 10)
    return {each.client_order_id: each.state for each in told}


def _left(user: SimTrader, name: str, state: str) -> None:
    """另一个程序在记录里留下一行就没了。"""
    intents, owner = user._engine._storage.open(time.monotonic() + 10)
    intent = Intent(name, tags.tag_for(ACCOUNT, name), "600036.SH", 23, 11, 33.0, 100, owner.name)
    assert intents.begin(intent, time.monotonic() + 10) is None
    if state != marks.SENDING:
        intents.settle(intent, state)
    intents.close()
    owner.close()


def _order_with(user: SimTrader, remark: str, price: float | None = None) -> int:
    last = user.quote("600036")["600036"]["last"]
    number: int = user.trader.order_stock(
        user.account, "600036.SH", 23, 100, 11, price or last, "", remark
    )
    user.sim.step(minutes=1)
    return number
