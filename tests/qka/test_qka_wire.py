"""QKA 的客户端对我们的服务器：真的端口、真的厂商层；同一条路，令牌、限额都在。"""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from qka_shapes import TheirClient
from server.server_world import World, memory_world
from support import eventually

from easytrader.errors import (
    EasytraderError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.qka import QMTClient
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

ORDER = {
    "stock_code": "600000.SH", "order_type": 23, "order_volume": 100, "price_type": 11,
    "price": 9.9,
}  # fmt: skip


@pytest.fixture
def ours(tmp_path: Path, user: SimTrader) -> Iterator[World]:
    world = World(tmp_path / "server", {"main": user}, qka=True)
    yield world
    world.close()


@pytest.fixture
def url(ours: World) -> str:
    return f"http://127.0.0.1:{ours.port}"


@pytest.fixture(params=[TheirClient, QMTClient])
def client(request: Any, ours: World, url: str) -> Any:
    """QKA 的客户端，和我们的。"""
    return request.param(base_url=url, token=ours.scoped["trade"])


def raw(url: str, token: str | None, method: str, body: str = "{}", **headers: str) -> Any:
    given = {"Content-Type": "application/json", **headers}
    if token is not None:
        given["X-Token"] = token
    return TheirClient(url, "-").post(f"/api/{method}", body, given)


def test_the_scripts_of_qkas_page(client: Any, user: SimTrader) -> None:
    from xtquant import xtconstant

    assets = client.api("query_stock_asset")
    assert assets["total_asset"] == user.balance[0]["total_asset"]
    number = client.api(
        "order_stock",
        stock_code="600000.SH",
        order_type=xtconstant.STOCK_BUY,
        order_volume=1000,
        price_type=xtconstant.FIX_PRICE,
        price=9.9,
        order_remark="备注",
    )
    row = user.find_entrust(number)
    assert row is not None
    assert (row["order_volume"], row["price"], row["order_remark"]) == (1000, 9.9, "备注")
    order = client.api("query_stock_order", order_id=number)
    assert (order["order_id"], order["order_remark"]) == (number, "备注")
    assert client.api("query_stock_order", order_id=1) is None
    assert [each["order_id"] for each in client.api("query_stock_orders")] == [number]
    assert client.api("query_stock_positions")
    assert isinstance(client.api("query_stock_trades"), list)


def test_cancels_answer_as_the_vendor(client: Any, user: SimTrader) -> None:
    number = user.buy("600000", 9.5, 100)["entrust_no"]
    assert client.api("cancel_order_stock", order_id=number) == 0
    assert client.api("cancel_order_stock", order_id=99) == -1  # 没有这一笔
    number = user.buy("600000", 9.5, 100)["entrust_no"]
    assert client.api("cancel_order_stock_async", order_id=number) > 0
    assert user.wait(number)["order_status_name"] == "已撤"


def test_async_orders_answer_their_seq_and_arrive(client: Any, user: SimTrader) -> None:
    seq = client.api("order_stock_async", **ORDER, order_remark="async")
    assert seq > 0
    eventually(lambda: [o for o in user.today_entrusts if o["order_remark"] == "async"])


def test_market_orders(client: Any, user: SimTrader) -> None:
    number = client.api(
        "order_stock", **{**ORDER, "price_type": 42, "price": 0, "stock_code": "600000.SH"}
    )
    row = user.find_entrust(number)
    assert row is not None
    assert row["price_type_name"] == "最优五档即时成交剩余撤销"


def test_a_refused_order_is_minus_one_with_its_reason(
    url: str, ours: World, client: Any, sim_folder: Path
) -> None:
    faults = Faults(sim_folder)
    faults.disk_full()
    assert client.api("order_stock", **ORDER) == -1
    status, told = raw(url, ours.token, "order_stock", json.dumps(ORDER))
    assert (status, told["data"], bool(told["detail"])) == (200, -1, True)
    faults.clear()


def test_statuses_and_details(url: str, ours: World, user: SimTrader) -> None:
    token = ours.scoped["trade"]
    for status, given in {
        422: (None, "query_stock_asset", "{}"),
        401: ("wrong", "query_stock_asset", "{}"),
        404: (token, "__init__", "{}"),
        403: (token, "fund_transfer", '{"transfer_direction": 510, "price": 1}'),
    }.items():
        found, told = raw(url, *given)
        assert (found, bool(told["detail"])) == (status, True)
        assert "success" not in told
    for body in (
        "[]",
        "nonsense",
        '{"stock_code": "600000.SH"}',
        json.dumps({**ORDER, "price": -1}),
    ):
        found, told = raw(url, token, "order_stock", body)
        assert found == 422, told
    bad = json.dumps({**ORDER, "order_volume": 0})
    assert "order_volume" in raw(url, token, "order_stock", bad)[1]["detail"]  # 用厂商的名字说
    assert user.today_entrusts == []


def test_a_failed_query_is_not_success(client: Any, user: SimTrader, monkeypatch: Any) -> None:
    monkeypatch.setattr(user.trader, "query_stock_asset", lambda account: None)
    expected: tuple[type[Exception], ...] = (QueryFailedError, RuntimeError)
    with pytest.raises(expected, match=r"没有结果|502"):
        client.api("query_stock_asset")


@pytest.mark.parametrize("token", ["read", "trade"])
def test_threat_25_moving_money_needs_its_own_scope(url: str, ours: World, token: str) -> None:
    """只能看的不能下单；能下单的不能转账。"""
    mine = QMTClient(url, ours.scoped[token])
    assert mine.api("query_stock_asset")["cash"] > 0
    bank = {"bank_no": "1", "bank_account": "1", "balance": 1.0}
    ctp = {"opt_account_id": "1", "ft_account_id": "2", "balance": 1.0}
    share = {"stock_code": "600000.SH", "volume": 100, "transfer_type": 0}
    moving: dict[str, dict[str, Any]] = {
        "fund_transfer": {"transfer_direction": 510, "price": 1.0},
        "secu_transfer": {"transfer_direction": 520, **share},
        "bank_transfer_in": bank, "bank_transfer_out": bank,
        "bank_transfer_in_async": bank, "bank_transfer_out_async": bank,
        "ctp_transfer_option_to_future": ctp, "ctp_transfer_future_to_option_async": ctp,
        "query_bank_amount": {"bank_no": "1", "bank_account": "1", "bank_pwd": ""},
    }  # fmt: skip
    if token == "read":
        moving |= {"order_stock": ORDER, "cancel_order_stock": {"order_id": 1}}
    for method, given in moving.items():
        with pytest.raises(RiskRefusedError) as caught:
            mine.api(method, **given)
        assert caught.value.rule == "token_scope"
        assert raw(url, ours.scoped[token], method, json.dumps(given))[0] == 403


def test_transfers_with_their_scope_answer_a_pair(url: str, ours: World) -> None:
    mine = QMTClient(url, ours.scoped["funds"])
    found = mine.api("fund_transfer", transfer_direction=510, price=1.0)
    success, message = found
    assert isinstance(success, bool)
    assert isinstance(message, str)


def test_errors_keep_their_types_for_our_client(url: str, ours: World, user: SimTrader) -> None:
    mine = QMTClient(url, ours.scoped["trade"])
    with pytest.raises(UsageError) as caught:
        mine.api("order_stock", **{**ORDER, "stock_code": "不是代码"})
    assert caught.value.argument == "stock_code"
    user.guard = {"max_order_value": 10}
    with pytest.raises(RiskRefusedError) as refused:
        mine.api("order_stock", **ORDER)
    assert refused.value.rule == "max_order_value"
    assert user.today_entrusts == []


def test_limits_of_a_token_hold(url: str, ours: World, user: SimTrader) -> None:
    limited = ours.tokens.add("limited", ["trade"], codes=["600000"], max_order=2000, max_day=2500)
    mine = QMTClient(url, limited)
    for changed, rule in {
        "token_codes": {"stock_code": "000001.SZ"},
        "token_max_order": {"order_volume": 300},
    }.items():
        with pytest.raises(RiskRefusedError) as caught:
            mine.api("order_stock", **{**ORDER, **rule})
        assert caught.value.rule == changed
    for _ in range(2):
        mine.api("order_stock", **ORDER)
    with pytest.raises(RiskRefusedError) as caught:
        mine.api("order_stock_async", **ORDER)
    assert caught.value.rule == "token_max_day"
    assert len(user.today_entrusts) == 2


def test_threat_27_the_stop_switch_stops_qka_too(url: str, ours: World, user: SimTrader) -> None:
    number = user.buy("600000", 9.5, 100)["entrust_no"]
    ours.stop.stop("main", "试一下", "测试")
    mine = QMTClient(url, ours.scoped["trade"])
    for method in ("order_stock", "order_stock_async"):
        with pytest.raises(RiskRefusedError) as caught:
            mine.api(method, **ORDER)
        assert caught.value.rule == "stop_switch"
    assert mine.api("cancel_order_stock", order_id=number) == 0  # 撤单照常
    assert len(user.today_entrusts) == 1


def test_everything_is_audited_and_no_password(url: str, ours: World) -> None:
    mine = QMTClient(url, ours.scoped["trade"])
    funds = QMTClient(url, ours.scoped["funds"])
    mine.api("order_stock", **ORDER, order_remark="看得见的备注")
    mine.api("query_stock_asset")
    bank = {"bank_no": "1", "bank_account": "2", "bank_pwd": "canary-bank"}
    for method, more in {
        "bank_transfer_in": {"balance": 1.0, "fund_pwd": "canary-fund"}, "query_bank_amount": {},
    }.items():  # fmt: skip
        with contextlib.suppress(EasytraderError):
            funds.api(method, **bank, **more)
    with pytest.raises(UsageError):
        QMTClient(url, "canary-token").api("query_stock_asset")

    def told() -> str:
        return "".join(each.read_text("utf-8") for each in ours.folder.rglob("*.jsonl"))

    eventually(lambda: "query_stock_asset" in told() and "query_bank_amount" in told())
    assert "看得见的备注" in told()
    assert '"qka"' in told()
    for file in ours.folder.rglob("*"):
        if file.is_file():
            assert b"canary" not in file.read_bytes()


def test_the_account_is_never_guessed(tmp_path: Path) -> None:
    with memory_world(tmp_path / "two", count=2, qka=True) as world:
        url = f"http://127.0.0.1:{world.port}"
        assert raw(url, world.token, "query_stock_asset")[0] == 409
        one = world.tokens.add("one", ["trade"], accounts=["b"])
        # 看得见的只有一个；它不是 MiniQMT，没有厂商的对象
        assert raw(url, one, "query_stock_asset")[0] == 501
        none = world.tokens.add("none", ["trade"], accounts=["nobody"])
        assert raw(url, none, "query_stock_asset")[0] == 404


def test_without_the_switch_there_is_no_such_path(tmp_path: Path) -> None:
    with memory_world(tmp_path / "plain") as world:
        url = f"http://127.0.0.1:{world.port}"
        assert raw(url, world.token, "query_stock_asset")[0] == 404
        assert raw(url, "et_wrong", "query_stock_asset")[0] == 401


def test_one_request_id_is_one_order(url: str, ours: World, user: SimTrader) -> None:
    def post(**changed: Any) -> Any:
        body = json.dumps({**ORDER, **changed})
        return raw(url, ours.scoped["trade"], "order_stock", body, **{"X-Request-Id": "once-1"})

    first = post()
    assert first[0] == 200
    assert post() == first
    assert post(order_volume=200)[0] == 422  # 同一个请求号，另一笔
    assert len(user.today_entrusts) == 1
    # 异步的也一样；早就做完了的答委托编号，总之不是失败
    body, headers = json.dumps(ORDER), {"X-Request-Id": "once-2"}
    for _ in range(3):
        told = raw(url, ours.scoped["trade"], "order_stock_async", body, **headers)[1]
        assert told["data"] > 0
    assert told["data"] in [each["order_id"] for each in user.today_entrusts]
    assert len(user.today_entrusts) == 2
    cancel, headers = json.dumps({"order_id": told["data"]}), {"X-Request-Id": "once-3"}
    for _ in range(2):
        told = raw(url, ours.scoped["trade"], "cancel_order_stock_async", cancel, **headers)[1]
        assert told["data"] > 0
        eventually(lambda: user.today_entrusts[1]["order_status_name"] == "已撤")
    # 没有请求号的，QKA 怎么发就怎么下：每次都是一笔
    for _ in range(2):
        raw(url, ours.scoped["trade"], "order_stock", json.dumps(ORDER))
    assert len(user.today_entrusts) == 4


def test_nothing_but_the_listed_methods(url: str, ours: World) -> None:
    for method in ("export_data", "query_stock_asset_async", "stop", "__class__", "_method", "buy"):
        status, told = raw(url, ours.token, method)
        assert (status, method in told["detail"]) == (404, True)


def test_bodies_other_than_json_objects_are_not_read(url: str, ours: World) -> None:
    form = {"Content-Type": "text/plain"}
    assert raw(url, ours.token, "query_stock_asset", "{}", **form)[0] == 415
    assert raw(url, ours.token, "query_stock_asset", "[" * 2_000_000)[0] == 413
