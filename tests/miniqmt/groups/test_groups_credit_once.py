"""信用委托的「恰好一次」：重复的 id、丢了的应答、杀掉的进程。"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from credit_helpers import CODE, LATEST, Sent, connect, open_contracts
from support import SimProcess, eventually

from easytrader.errors import OutcomeUnknownError, UsageError
from easytrader.orders import Receipt
from easytrader.sim.host.faults import Faults
from easytrader.sim.host.stepping import Stepper

if TYPE_CHECKING:
    from support import Recorder


def test_the_same_id_is_the_same_order(credit_user: Any) -> None:
    user = credit_user
    open_contracts(user)
    sent = Sent(user)
    for place in (
        lambda name: user.credit.fin_buy(CODE, 33.0, 100, client_order_id=name),
        lambda name: user.credit.slo_sell(CODE, None, 100, ttype=LATEST, client_order_id=name),
        lambda name: user.credit.direct_secu_repay(CODE, 500, client_order_id=name),
        lambda name: user.credit.direct_cash_repay(1000, special=True, client_order_id=name),
    ):
        name = f"{len(sent.requests)}"
        assert place(name) == place(name)
        assert user.find_entrust(name)["order_id"] == place(name)["entrust_no"]
    assert sent.kinds == [27, 28, 30, 45]


def test_a_repayment_done_is_not_refused_for_owing_nothing(credit_user: Any) -> None:
    """同一个 id 再来：认出早就还了，不去核对负债。"""
    open_contracts(credit_user)
    row = credit_user.credit.direct_secu_repay(CODE, 500, client_order_id="还券")
    assert credit_user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
    assert credit_user.credit.direct_secu_repay(CODE, 500, client_order_id="还券") == row
    receipt = credit_user.credit.direct_secu_repay_async(CODE, 500, client_order_id="还券")
    assert receipt.result(30) == row
    with pytest.raises(UsageError, match="没有欠"):
        credit_user.credit.direct_secu_repay(CODE, 500)


def test_async_and_sync_share_the_id(credit_user: Any) -> None:
    row = credit_user.credit.fin_buy_async(CODE, 33.0, 100, client_order_id="一").result(30)
    assert credit_user.credit.fin_buy(CODE, 33.0, 100, client_order_id="一") == row
    assert len(credit_user.today_entrusts) == 1


def test_another_kind_under_the_same_id(credit_user: Any) -> None:
    credit_user.credit.fin_buy(CODE, 33.0, 100, client_order_id="一")
    with pytest.raises(UsageError, match=r"已用于融资买入 600036\.SH 100 @ 33"):
        credit_user.credit.buy(CODE, 33.0, 100, client_order_id="一")
    with pytest.raises(UsageError, match="融资买入"):
        credit_user.credit.fin_buy_async(CODE, 33.0, 100, special=True, client_order_id="一")
    assert len(credit_user.today_entrusts) == 1


def test_many_threads_one_repayment(credit_user: Any) -> None:
    open_contracts(credit_user)
    sent = Sent(credit_user)

    def repay(_: int) -> int:
        return int(credit_user.credit.direct_cash_repay(1000, client_order_id="还")["entrust_no"])

    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(repay, range(6)))) == 1
    assert sent.kinds == [32]


def test_a_lost_answer(credit_served: SimProcess) -> None:
    with connect(credit_served.folder, timeout=1) as user:
        Faults(credit_served.folder).drop_answer("submit")
        with pytest.raises(OutcomeUnknownError) as caught:
            user.credit.fin_buy(CODE, None, 200, ttype=LATEST)
        found = user.find_entrust(caught.value.tag)
        assert (found["order_type_name"], found["order_volume"]) == ("融资买入", 200)
        Faults(credit_served.folder).drop_answer("submit")
        with pytest.raises(OutcomeUnknownError):
            user.credit.direct_cash_repay(1000, client_order_id="还")
        row = user.credit.direct_cash_repay(1000, client_order_id="还")
        assert row["entrust_no"] == user.find_entrust("还")["order_id"]
        kinds = sorted(each["order_type"] for each in user.today_entrusts)
        assert kinds == [27, 32], "没有重发"


def test_a_lost_answer_of_an_async_repayment(credit_served: SimProcess) -> None:
    with connect(credit_served.folder, timeout=1) as user:
        user.wait(user.credit.fin_buy(CODE, None, 200, ttype=LATEST)["entrust_no"], 30)
        Faults(credit_served.folder).drop_answer("submit")
        receipt = user.credit.direct_cash_repay_async(1000, client_order_id="还")
        with pytest.raises(OutcomeUnknownError):
            receipt.result()
        row = user.credit.direct_cash_repay_async(1000, client_order_id="还").result()
        assert row["entrust_no"] == user.find_entrust("还")["order_id"]
        assert [each["order_type"] for each in user.today_entrusts].count(32) == 1


def test_a_frozen_client_is_given_up_in_time(
    credit_served: SimProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """核对负债的查询与委托合起来不超过一个期限。"""
    with connect(credit_served.folder, timeout=1, heartbeat_interval=0) as user:
        left: list[float] = []
        depart = Receipt.depart

        def departing(receipt: Receipt[Any], seq: int) -> None:
            depart(receipt, seq)
            left.append(receipt.timeout_s)

        monkeypatch.setattr(Receipt, "depart", departing)
        Faults(credit_served.folder).hang(600)
        with pytest.raises(OutcomeUnknownError):
            user.credit.direct_cash_repay(1000, client_order_id="还")
        assert left[-1] < 1, "核对花掉的，委托就不再等"


def test_killed_while_repaying(credit_served: SimProcess, recorder: Recorder) -> None:
    """收下之后、应答之前被杀：再起来用同一个 id 再还，只还一次。"""
    with connect(credit_served.folder, recorder, timeout=3) as user:
        open_contracts(user, Stepper(credit_served.folder))
        before = user.credit.detail()["fin_debt"]
        Faults(credit_served.folder).crash_on("submit", "after")
        with pytest.raises(OutcomeUnknownError):
            user.credit.direct_cash_repay(3000, client_order_id="还")
        credit_served.kill()
        credit_served.start()
        recorder.wait_for("connected", 2)
        row = user.credit.direct_cash_repay(3000, client_order_id="还")
        assert row["entrust_no"] > 0
        assert user.wait(row["entrust_no"], 30)["order_status_name"] == "已成"
        repaid = [each for each in user.today_entrusts if each["order_type"] == 32]
        assert len(repaid) == 1
        assert user.credit.detail()["fin_debt"] == pytest.approx(before - 3000, abs=0.01)


def test_killed_before_it_was_taken(credit_served: SimProcess, recorder: Recorder) -> None:
    """没有收下就被杀：同一个 id 再下才有这一笔。"""
    with connect(credit_served.folder, recorder, timeout=3) as user:
        Faults(credit_served.folder).crash_on("submit", "before")
        with pytest.raises(OutcomeUnknownError):
            user.credit.slo_sell(CODE, None, 100, ttype=LATEST, client_order_id="券")
        credit_served.kill()
        credit_served.start()
        recorder.wait_for("connected", 2)
        eventually(lambda: user.status["open_intents"] == 0)
        row = user.credit.slo_sell(CODE, None, 100, ttype=LATEST, client_order_id="券")
        assert row["entrust_no"] > 0
        assert len(user.today_entrusts) == 1
