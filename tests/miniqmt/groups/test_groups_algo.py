"""智能算法：厂商的代码跑在替它回答的原生层上。"""

from __future__ import annotations

import json
from typing import Any

import pytest
from vendor_fakes import Counter

from easytrader.errors import MissingDependencyError, OutcomeUnknownError, QueryFailedError
from easytrader.errors import UsageError as BadArgument
from easytrader.rows.business import param_row, task_row

PARAMS = {"m_dLimitOverRate": 0.25, "m_strCmdRemark": "投资备注1"}
ORDER = ("买入", "000001", 2000, 11.65, "VWAP", "10:25:00", "14:50:00", PARAMS)


def bson(document: bytes) -> dict[str, Any]:
    from xtquant import xtbson

    return xtbson.BSON.decode(document)


def answered(**given: Any) -> str:
    row = {
        "account_id": "1",
        "task_id": 7,
        "strategy_name": "s",
        "order_remark": "r",
        "error_msg": "",
    }
    return json.dumps({**row, **given})


def test_params(user: Any) -> None:
    raw = {source: "x" for _, source in param_row.fields}
    counter = Counter(user, "getSmartAlgoParam", json.dumps({"datas": {"VWAP": [raw]}}))
    assert user.algo.params("VWAP") == {"VWAP": [{key: "x" for key, _ in param_row.fields}]}
    assert counter.requests == [["VWAP"]]
    user.algo.params(("TWAP", "VWAP"))
    assert counter.requests[-1] == ["TWAP", "VWAP"]


def test_an_order(user: Any, recorder: Any) -> None:
    recorder.on_smart_algo_order_async_response = lambda each: recorder._take("algo", each)
    counter = Counter(user, "smartOrderStock", answered())
    given = dict(PARAMS)
    receipt = user.algo.order_async(*ORDER[:-1], given, strategy_name="s", remark="r")
    row = receipt.result(30)
    assert (row["seq"], row["task_id"], row["error_msg"]) == (receipt.seq, 7, "")
    assert given == PARAMS  # 厂商会往字典里添东西，不该添到用户的里面
    order, params = map(bson, counter.requests[0])
    assert (order["stock_code"], order["order_type"], order["order_volume"]) == (
        "000001.SZ", 23, 2000,
    )  # fmt: skip
    assert (order["price_type"], order["price"], order["algo_name"]) == (11, 11.65, "VWAP")
    assert order["end_time"] - order["start_time"] == 4 * 3600 + 25 * 60
    assert params["m_dLimitOverRate"] == 0.25
    assert recorder.wait_for("algo")[0].task_id == 7
    [event] = [each for each in user.events(0) if each["event"] == "smart_algo_order_response"]
    assert event["data"] == row


def test_market_orders_and_refusals(user: Any) -> None:
    refusal = json.dumps({"error": json.loads(answered(task_id=-1, error_msg="没有算法权限"))})
    counter = Counter(user, "smartOrderStock", refusal)
    receipt = user.algo.order_async(24, "000001", 100, None, *ORDER[4:])
    assert receipt.result(30)["error_msg"] == "没有算法权限"
    order = bson(counter.requests[0][0])
    assert (order["order_type"], order["price_type"], order["price"]) == (24, 12, 0.0)


def test_tasks(user: Any) -> None:
    raw = {source: 1 for _, source in task_row.fields}
    Counter(user, "querySmartAlgoTask", json.dumps({"datas": [raw]}))
    assert user.algo.tasks() == [raw]
    Counter(user, "querySmartAlgoTask", json.dumps({"error": {"ErrorMsg": "坏了"}}))
    with pytest.raises(QueryFailedError):
        user.algo.tasks()


def test_cancelling_a_task(user: Any, recorder: Any) -> None:
    recorder.on_operate_smart_task_async_response = lambda each: recorder._take("task", each)
    counter = Counter(user, "operateSmartAlgoTask", (True, 7, "用户撤销", ""))
    receipt = user.algo.cancel_task_async(7)
    row = receipt.result(30)
    assert (row["success"], row["task_id"], row["operate_reason"]) == (True, 7, "用户撤销")
    assert (counter.requests[0].m_nTaskId, counter.requests[0].m_nOperateType) == (7, 3)
    assert recorder.wait_for("task")[0].seq == receipt.seq


@pytest.mark.parametrize(
    ("position", "value", "argument"),
    [
        (0, 27, "side"),
        (1, "abc", "security"),
        (2, 0, "amount"),
        (3, -1, "price"),
        (4, "", "algo_name"),
        (5, "9:30:00", "start_time"),
        (5, "25:00:00", "start_time"),
        (6, "10:25:00", "end_time"),
        (6, None, "end_time"),
        (7, None, "algo_param"),
        (7, {1: 2}, "algo_param"),
        (7, {"a": [1]}, "algo_param"),
        (7, {"a": "\ud800"}, "algo_param"),
    ],
)
def test_bad_orders_are_never_sent(user: Any, position: int, value: Any, argument: str) -> None:
    counter = Counter(user, "smartOrderStock", None)
    given = list(ORDER)
    given[position] = value
    with pytest.raises(BadArgument) as caught:
        user.algo.order_async(*given)
    assert caught.value.argument == argument
    assert counter.requests == []


@pytest.mark.parametrize("names", ["", [], [1], b"VWAP", {"VWAP": 1}, 5])
def test_bad_algo_names(user: Any, names: Any) -> None:
    with pytest.raises(BadArgument) as caught:
        user.algo.params(names)
    assert caught.value.argument == "algo_names"


def test_the_wrong_account_type(user: Any) -> None:
    user._session._account_type = "FUTURE"
    for call in (
        lambda: user.algo.order_async(*ORDER),
        user.algo.tasks,
        lambda: user.algo.cancel_task_async(1),
    ):
        with pytest.raises(BadArgument, match="FUTURE"):
            call()


def test_an_answer_the_vendor_cannot_read_is_an_unknown_outcome(user: Any) -> None:
    Counter(user, "smartOrderStock", json.dumps({"error": {"ErrorMsg": "没有 task_id 这些"}}))
    user._session._replies._timeout_s = 0.2
    receipt = user.algo.order_async(*ORDER)
    with pytest.raises(OutcomeUnknownError, match="不要重发"):
        receipt.result()


def test_what_the_simulator_does_not_do_is_refused_clearly(user: Any) -> None:
    with pytest.raises(QueryFailedError, match="暂不支持 get_smart_algo_param"):
        user.algo.params("VWAP")
    with pytest.raises(QueryFailedError, match="暂不支持 query_smart_algo_task"):
        user.algo.tasks()
    assert "暂不支持" in user.algo.order_async(*ORDER).result(30)["error_msg"]
    assert "暂不支持" in user.algo.cancel_task_async(1).result(30)["error_msg"]


def test_an_old_vendor_without_it(user: Any) -> None:
    def gone(self: Any) -> None:
        raise AttributeError

    kind = type(user.trader)
    kind.smart_algo_order_async = property(gone)
    with pytest.raises(MissingDependencyError, match="smart_algo_order_async"):
        user.algo.order_async(*ORDER)
