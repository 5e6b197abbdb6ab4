"""断线的时候厂商对什么都答空：空的不可信，不是「没有持仓」「没有委托」。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, SimProcess, eventually, make_folder

import easytrader
from easytrader.errors import OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def lose_then(session: Any, answer: Any) -> Callable[..., Any]:
    def query(*_: Any) -> Any:
        session.lose("测试断开")
        return answer

    return query


@pytest.mark.parametrize(
    ("vendor", "ask"),
    [
        ("query_stock_positions", lambda user: user.position),
        ("query_stock_orders", lambda user: user.today_entrusts),
        ("query_stock_trades", lambda user: user.today_trades),
    ],
)
def test_an_empty_list_while_lost_is_not_an_answer(
    user: Any, monkeypatch: pytest.MonkeyPatch, vendor: str, ask: Callable[[Any], Any]
) -> None:
    assert ask(user) is not None
    monkeypatch.setattr(user.trader, vendor, lambda *_: [])
    assert ask(user) == [], "连着的时候，空的就是没有"
    monkeypatch.setattr(user.trader, vendor, lose_then(user._session, []))
    with pytest.raises(QueryFailedError, match="测试断开"):
        ask(user)


def test_no_such_order_while_lost_is_not_an_answer(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert user.find_entrust(12345) is None
    monkeypatch.setattr(user.trader, "query_stock_order", lose_then(user._session, None))
    with pytest.raises(QueryFailedError, match="测试断开"):
        user.find_entrust(12345)


@pytest.mark.parametrize("answer", [[], None])
def test_a_special_query_while_lost_is_not_an_answer(
    user: Any, monkeypatch: pytest.MonkeyPatch, answer: Any
) -> None:
    session = user._session
    assert session.query("账号", "query_account_infos")
    monkeypatch.setattr(user.trader, "query_account_infos", lambda: answer)
    assert session.query("账号", "query_account_infos") == answer
    monkeypatch.setattr(user.trader, "query_account_infos", lose_then(session, answer))
    with pytest.raises(QueryFailedError, match="测试断开"):
        session.query("账号", "query_account_infos")


def test_an_act_refused_without_a_word_while_lost_is_unknown(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = user._session
    monkeypatch.setattr(user.trader, "fund_transfer", lambda *_: (False, ""))
    assert session.confirm("划拨", "fund_transfer") == {"success": False, "message": ""}
    monkeypatch.setattr(user.trader, "fund_transfer", lose_then(session, (False, "")))
    with pytest.raises(OutcomeUnknownError, match="测试断开"):
        session.confirm("划拨", "fund_transfer")


def test_a_backend_that_never_says_it_departs_is_bounded(
    user: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(user._session, "submit", lambda request, reply: None)
    with user._session.until(time.monotonic() + 0.3), pytest.raises(OutcomeUnknownError):
        user.buy("600036", 33.0, 100)


def test_orders_sent_to_a_dead_client_end_when_its_death_is_noticed(tmp_path: Path) -> None:
    """死了 4–5 秒才知道，其间发的石沉大海：一知道就说结果未知，不等期限；重连之后核对得清。"""
    folder = make_folder(tmp_path / "userdata_mini", lost_s=60)
    process = SimProcess(folder)
    process.start()
    outcome: list[Any] = []

    def buy() -> None:
        try:
            user.buy("600036", 33.0, 100, client_order_id="一")
        except OutcomeUnknownError as exc:
            outcome.append(exc)

    with easytrader.use("miniqmt") as user:
        user.connect(str(folder), ACCOUNT, timeout=60, reconnect_interval=0.1)
        client, replies = user.trader.async_client, user._session._replies
        process.kill()
        eventually(lambda: client._deaf)
        assert user.state == "已连接", "谁也还不知道"
        buying = threading.Thread(target=buy)
        buying.start()
        eventually(lambda: replies.unanswered)
        client._io.post(client._lose)  # 这就知道了
        buying.join(30)
        [error] = outcome
        assert error.client_order_id == "一"
        process.start()
        eventually(lambda: user.status["reconnects"])
        assert user.find_entrust("一") is None, "核对得出它没有到柜台"
        number = user.buy("600036", 33.0, 100, client_order_id="一")["entrust_no"]
        eventually(lambda: [row["order_id"] for row in user.today_entrusts] == [number])
    process.kill()
