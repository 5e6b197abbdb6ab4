"""下单的函数什么都不证明：哪些是肯定没有，哪些是推断，哪些是未知；同一个 id 绝不再交一次。"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from own_tables import CODE, OwnTables, account_row, order
from support import Recorder, eventually

from easytrader.errors import (
    NotConnectedError,
    OrdersNotAllowedError,
    OutcomeUnknownError,
    QueryFailedError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.trader import Trader


@pytest.fixture
def client(tmp_path: Path) -> Iterator[OwnTables]:
    made = OwnTables(tmp_path)
    yield made
    made.close()


def places(client: OwnTables, **row: Any) -> None:
    """每次下单都出现一行。"""

    def act(tag: str) -> None:
        client.tables["ORDER"] = [*client.tables["ORDER"], order(len(client.calls), tag, **row)]

    client.answer_with(act)


def buy(user: Trader, name: str | None = "a", **more: Any) -> Any:
    return user.buy(CODE, 10, 100, client_order_id=name, **more)


def at_most_once(client: OwnTables) -> None:
    calls = Counter(each[9] for each in client.calls)
    assert max(calls.values(), default=0) <= 1, calls


class TestSeen:
    """有带标记的一行。"""

    def test_is_the_answer(self, client: OwnTables) -> None:
        places(client)
        user = client.user()
        number = buy(user, remark="网格 3")["entrust_no"]
        row = user.find_entrust(number)
        assert row is not None
        assert (row["order_id"], row["order_remark"]) == (number, "网格 3")
        assert buy(user, remark="网格 3")["entrust_no"] == number
        at_most_once(client)

    def test_the_remark_sent_is_the_tag_alone(self, client: OwnTables) -> None:
        places(client)
        buy(client.user(), None, remark="很长很长很长很长的备注", strategy_name="趋势")
        (args,) = client.calls
        assert len(args[9]) == 11
        assert args[:8] == (23, 1101, "1000000365", "600036.SH", 11, 10.0, 100, "趋势")

    def test_even_when_the_function_raised(self, client: OwnTables) -> None:
        def act(tag: str) -> None:
            client.tables["ORDER"] = [order(1, tag)]
            raise RuntimeError("boom")

        client.answer_with(act)
        assert buy(client.user())["entrust_no"] > 0

    def test_a_refused_row_still_has_its_number(self, client: OwnTables) -> None:
        told = "[COUNTER][260200][可用资金不足]"
        places(client, m_nOrderStatus=57, m_strCancelInfo=told)
        recorder = Recorder()
        user = client.user(recorder)
        number = buy(user)["entrust_no"]
        assert user.wait(number, 3)["status_msg"] == told
        (error,) = recorder.wait_for("order_error")
        assert (error.order_id, error.error_msg) == (number, told)


class TestRefused:
    """终端或中转说不。"""

    def test_the_terminal_tells_why(self, client: OwnTables) -> None:
        client.answer_with(lambda tag: client.refuses(tag, "指定价 无效, 无法下单!"))
        recorder = Recorder()
        user = client.user(recorder)
        row = buy(user)
        assert row["entrust_no"] == -1
        assert "指定价" in row["message"]
        (error,) = recorder.wait_for("order_error")
        assert "指定价" in error.error_msg

    def test_it_is_not_handed_over_again(self, client: OwnTables) -> None:
        client.answer_with(lambda tag: client.refuses(tag, "不行"))
        user = client.user()
        buy(user)
        again = buy(user)
        assert again["entrust_no"] == -1
        assert "换一个 client_order_id" in again["message"]
        at_most_once(client)

    def test_a_row_after_all_is_the_answer_to_the_same_id(self, client: OwnTables) -> None:
        def act(tag: str) -> None:
            client.refuses(tag, "陈的话")
            client.tables["ORDER"] = [order(1, tag)]

        client.answer_with(act)
        user = client.user()
        buy(user)
        assert buy(user)["entrust_no"] > 0
        at_most_once(client)

    def test_caps_are_certain_and_the_same_id_may_come_again(self, tmp_path: Path) -> None:
        client = OwnTables(tmp_path, caps={"max_value": 500})
        try:
            places(client)
            user = client.user()
            row = buy(user)
            assert row["entrust_no"] == -1
            assert "max_value" in row["message"]
            assert client.calls == []
            assert user.buy(CODE, 1, 100, client_order_id="b")["entrust_no"] > 0
        finally:
            client.close()

    def test_read_only_sends_nothing(self, tmp_path: Path) -> None:
        client = OwnTables(tmp_path, allow_orders=False)
        try:
            user = client.user()
            with pytest.raises(OrdersNotAllowedError, match="allow-orders"):
                buy(user)
            with pytest.raises(OrdersNotAllowedError):
                user.cancel_entrust(7)
            assert client.calls == []
            assert user.balance
        finally:
            client.close()


class TestInferred:
    """调用过了，什么都没有出现。"""

    def test_after_a_while_it_is_inferred(self, client: OwnTables) -> None:
        recorder = Recorder()
        user = client.user(recorder)
        with pytest.raises(OutcomeUnknownError, match="推断") as caught:
            buy(user)
        (error,) = recorder.wait_for("order_error")
        assert "推断" in error.error_msg
        with pytest.raises(OutcomeUnknownError):  # 推断不是拒绝：不说 -1，也不再交
            buy(user)
        with pytest.raises(QueryFailedError):  # 也不说「没有」
            user.find_entrust(caught.value.tag)
        at_most_once(client)

    def test_a_late_row_corrects_it(self, client: OwnTables) -> None:
        recorder = Recorder()
        user = client.user(recorder)
        with pytest.raises(OutcomeUnknownError, match="推断"):
            buy(user)
        (args,) = client.calls
        client.shows(order(1, args[9]))
        (seen,) = recorder.wait_for("order")
        assert buy(user)["entrust_no"] == seen.order_id == recorder.of("order_error")[0].order_id
        at_most_once(client)

    def test_a_deadline_before_that_is_unknown(self, client: OwnTables) -> None:
        recorder = Recorder()
        user = client.user(recorder, timeout=1, row_wait=1.3)
        with pytest.raises(OutcomeUnknownError):
            buy(user, None)
        recorder.wait_for("order_error")

    def test_not_while_the_client_has_lost_its_counter(self, client: OwnTables) -> None:
        user = client.user(timeout=1.0)
        client.shows(account_row(m_strStatus="连接中"), kind="ACCOUNT")
        with pytest.raises((OutcomeUnknownError, NotConnectedError)):
            buy(user)

    def test_not_when_it_lost_it_just_then(self, client: OwnTables) -> None:
        lost = account_row(m_strStatus="连接中")
        client.answer_with(lambda _: client.tables.update(ACCOUNT=[lost]))
        user = client.user(timeout=1.0, row_wait=0.1)
        with pytest.raises((OutcomeUnknownError, NotConnectedError)):
            buy(user)

    def test_not_before_the_wait_is_over(self, client: OwnTables) -> None:
        user = client.user(timeout=5, row_wait=5)
        receipt = user.buy_async(CODE, 10, 100)
        eventually(lambda: client.calls)
        looks = len(client.queries)
        eventually(lambda: len(client.queries) > looks + 12)
        client.shows(order(1, client.calls[0][9]))
        assert receipt.result()["entrust_no"] > 0

    def test_not_when_an_equal_order_appeared_without_our_remark(self, client: OwnTables) -> None:
        client.answer_with(lambda _: client.tables.update(ORDER=[order(1, "")]))
        user = client.user(timeout=1.0)
        with pytest.raises(OutcomeUnknownError):
            buy(user)
        with pytest.raises(OutcomeUnknownError):  # 说不准的，同一个 id 也不再交
            buy(user)
        at_most_once(client)


class TestNotLate:
    """客户端卡住过。"""

    def test_what_lay_in_the_socket_is_not_placed_when_it_wakes(self, client: OwnTables) -> None:
        places(client)
        user = client.user(timeout=0.5)
        client.paused = True
        with pytest.raises(OutcomeUnknownError) as caught:
            buy(user)
        client.paused = False
        eventually(lambda: _settled(user, caught.value.tag))
        assert client.calls == []
        eventually(lambda: _placed(user))
        at_most_once(client)

    def test_after_a_restart_it_is_never_handed_over_again(self, client: OwnTables) -> None:
        recorder = Recorder()
        user = client.user(recorder)
        with pytest.raises(OutcomeUnknownError, match="推断"):
            buy(user)
        client.restart()
        recorder.wait_for("disconnected")
        user.close()
        user = client.user()
        with pytest.raises(OutcomeUnknownError, match="换一个 client_order_id"):
            buy(user)
        at_most_once(client)


def _settled(user: Trader, tag: str) -> bool:
    """确实没有到柜台。"""
    try:
        return user.find_entrust(tag) is None
    except QueryFailedError:
        return False


def _placed(user: Trader) -> bool:
    try:
        return bool(buy(user)["entrust_no"] > 0)
    except OutcomeUnknownError:
        return False
