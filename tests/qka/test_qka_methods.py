"""QKA 的方法表：与厂商的方法逐个核对；委托类型、报价类型怎样变成动词；查询答的是厂商的样子。"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT

import easytrader
from easytrader.codes import OrderType, PriceType
from easytrader.errors import QueryFailedError, UsageError
from easytrader.server import qka_wire
from easytrader.server.qka_wire import METHODS, Deed, Query
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.wire import values, verbs

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

LIMIT = {"stock_code": "600000.SH", "order_volume": 100, "price": 10.5}


@pytest.fixture(scope="module")
def vendor() -> dict[str, inspect.Signature]:
    """厂商的公开方法。"""
    from xtquant.xttrader import XtQuantTrader

    members = inspect.getmembers(XtQuantTrader, inspect.isfunction)
    return {name: inspect.signature(each) for name, each in members if name[0] != "_"}


def order(order_type: int, price_type: int, **changed: Any) -> tuple[str, dict[str, Any]]:
    deed = METHODS["order_stock"]
    assert isinstance(deed, Deed)
    return deed.read({**LIMIT, "order_type": order_type, "price_type": price_type, **changed})


def test_every_vendor_method_is_listed_or_left_out_with_a_reason(vendor: Any) -> None:
    for name, shown in vendor.items():
        listed = name in METHODS
        assert listed != (name in qka_wire.LEFT_OUT or "callback" in shown.parameters), name
    assert METHODS.keys() | qka_wire.LEFT_OUT.keys() <= vendor.keys()


def test_the_page_lists_them_all() -> None:
    page = (ROOT / "docs" / "zh" / "qka.md").read_text(encoding="utf-8")
    assert [each for each in METHODS if f"`{each}`" not in page] == []


@pytest.mark.parametrize("name", METHODS)
def test_parameters_are_the_vendors(name: str, vendor: Any) -> None:
    told = METHODS[name]
    named = told.names if isinstance(told, Deed) else qka_wire._names(told.takes)
    wanted = [each for each in vendor[name].parameters if each not in ("self", "account")]
    assert list(named.values()) == wanted
    if isinstance(told, Query):
        assert told.has_account == ("account" in vendor[name].parameters)
        found = verbs.find(told.verb)
        assert found is not None
        assert found.effect is verbs.Effect.QUERY


def test_only_money_moving_methods_need_the_funds_scope() -> None:
    sample = {
        "transfer_direction": 510, "price": 1.0, "stock_code": "600000.SH", "volume": 100,
        "transfer_type": 0, "bank_no": "1", "bank_account": "1", "balance": 1.0,
        "opt_account_id": "1", "ft_account_id": "2", "order_type": 23, "order_volume": 100,
        "price_type": 11, "order_id": 1, "market": 0, "sysid": "1", "src_group_id": "",
        "order_code": "600000.SH", "date": 1, "amount": 100, "apply_rate": 0.05, "apply_id": "1",
        "cash_compact_id": "1", "defer_days": 1, "defer_num": 1, "occur_amount": 1, "task_id": 1,
        "strategy_name": "", "order_remark": "", "algo_name": "VWAP", "start_time": "10:00:00",
        "end_time": "11:00:00", "algo_param": {},
    }  # fmt: skip
    needs = set()
    for name, told in METHODS.items():
        verb = told.verb if isinstance(told, Query) else told.read(dict(sample))[0]
        found = verbs.find(verb)
        assert found is not None, verb
        assert found.is_async == (isinstance(told, Deed) and told.answer is None)
        if found.scope == verbs.FUNDS:
            needs.add(name)
    moving = ("fund_transfer", "secu_transfer", "bank_transfer", "ctp_transfer")
    assert needs == {each for each in METHODS if each.startswith(moving)} | {"query_bank_amount"}


@pytest.mark.parametrize(
    ("order_type", "price_type", "verb", "extra"),
    [
        (23, 11, "buy", {"price": 10.5}),
        (24, 11, "sell", {"price": 10.5}),
        (23, 5, "market_buy", {"ttype": 5}),
        (24, 42, "market_sell", {"ttype": 42}),
        (1043, 11, "after_hours.buy", {"price": 10.5}),
        (1044, 11, "after_hours.sell", {"price": 10.5}),
        (27, 11, "credit.fin_buy", {"price": 10.5}),
        (27, 44, "credit.fin_buy", {"price": None, "ttype": 44}),
        (40, 11, "credit.fin_buy", {"price": 10.5, "special": True}),
        (28, 11, "credit.slo_sell", {"price": 10.5}),
        (41, 11, "credit.slo_sell", {"price": 10.5, "special": True}),
        (29, 11, "credit.buy_secu_repay", {"price": 10.5}),
        (42, 11, "credit.buy_secu_repay", {"price": 10.5, "special": True}),
        (31, 11, "credit.sell_secu_repay", {"price": 10.5}),
        (44, 11, "credit.sell_secu_repay", {"price": 10.5, "special": True}),
        (30, 5, "credit.direct_secu_repay", {}),
        (43, 11, "credit.direct_secu_repay", {"special": True}),
    ],
)
def test_order_codes_become_verbs(
    order_type: int, price_type: int, verb: str, extra: dict[str, Any]
) -> None:
    price = 10.5 if price_type == 11 else 0
    found = order(
        order_type, price_type, price=price, strategy_name="s", order_remark="r", ignored=1
    )
    common = {"security": "600000.SH", "amount": 100, "strategy_name": "s", "remark": "r"}
    assert found == (verb, {**common, **extra})
    assert verbs.find(verb) is not None


def test_every_other_order_type_is_refused_before_anything_is_sent() -> None:
    allowed = set(qka_wire._SIDES)
    for kind in [*OrderType, -1, 10**9]:
        if kind not in allowed:
            with pytest.raises(UsageError) as caught:
                order(int(kind), 11)
            assert caught.value.argument == "order_type"
    for bad in (True, "23", None, 23.5, [23], float("nan")):
        with pytest.raises(UsageError):
            order(bad, 11)  # type: ignore[arg-type]
        with pytest.raises(UsageError):
            order(23, bad)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("order_type", "price_type", "changed", "argument"),
    [
        (23, 44, {"price": 10.5}, "price"),  # 沪市的保护限价
        (23, 44, {"price": "10"}, "price"),
        (1043, 5, {}, "price_type"),
        (32, 11, {"order_volume": 5000}, "price_type"),  # 金额在哪里说不清
        (32, 5, {"price": 10.0}, "price_type"),
        (45, 12, {}, "price_type"),
    ],
)
def test_what_the_verbs_cannot_say_is_refused(
    order_type: int, price_type: int, changed: dict[str, Any], argument: str
) -> None:
    with pytest.raises(UsageError) as caught:
        order(order_type, price_type, **changed)
    assert caught.value.argument == argument


def test_a_price_beside_a_market_order_is_no_limit_in_shenzhen() -> None:
    verb, wanted = order(23, PriceType.SZ_CONVERT_5_CANCEL, stock_code="000001.SZ", price=11.0)
    assert (verb, wanted["ttype"]) == ("market_buy", 47)
    assert order(23, 5, price=-1)[0] == "market_buy"
    assert order(23, 44, stock_code="000001.SZ", price=11.0)[0] == "market_buy"


def test_cash_repay_in_its_two_plain_spellings() -> None:
    verb, wanted = order(32, 5, order_volume=5000, price=0)
    assert (verb, wanted["amount"], wanted["amount_in"]) == (
        "credit.direct_cash_repay", 5000, "volume",
    )  # fmt: skip
    verb, wanted = order(45, 11, order_volume=100, price=5000.5)
    assert (wanted["amount"], wanted["amount_in"], wanted["special"]) == (5000.5, "price", True)


def test_a_missing_parameter_is_named() -> None:
    deed = METHODS["order_stock"]
    assert isinstance(deed, Deed)
    with pytest.raises(UsageError, match="order_volume") as caught:
        deed.read({"stock_code": "600000.SH", "order_type": 23, "price_type": 11})
    assert caught.value.argument == "order_volume"
    with pytest.raises(UsageError, match="stock_code"):
        qka_wire.asked("query_stock_position", {})


def test_async_methods_are_the_async_verbs() -> None:
    deed = METHODS["order_stock_async"]
    assert isinstance(deed, Deed)
    verb, _ = deed.read({**LIMIT, "order_type": 27, "price_type": 11})
    assert verb == "credit.fin_buy_async"


def test_negotiate_takes_only_known_rates() -> None:
    deed = METHODS["smt_negotiate_order_async"]
    assert isinstance(deed, Deed)
    given = {
        "src_group_id": "", "order_code": "600000.SH", "date": 10, "amount": 100, "apply_rate": 0.05
    }  # fmt: skip
    assert deed.read({**given, "dict_param": {"fineRate": 0.1}})[1]["fine_rate"] == 0.1
    with pytest.raises(UsageError):
        deed.read({**given, "dict_param": {"finerate": 0.1}})


# ---- 查询：问真的厂商层


def test_queries_answer_the_public_attributes_of_the_vendors_objects(user: SimTrader) -> None:
    number = user.buy("600000", 9.9, 100, remark="我的备注")["entrust_no"]
    found = qka_wire.asked("query_stock_orders", {})(user)
    row = next(each for each in found if each["order_id"] == number)
    record = user.trader.query_stock_order(user.account, number)
    public = {each for each in dir(record) if not each.startswith("_")}
    assert row.keys() == {each for each in public if not callable(getattr(record, each))}
    assert {"order_sysid", "traded_price", "account_id", "m_nOrderID"} <= row.keys()
    assert row["order_remark"] == "我的备注"  # 标记不给人看
    assert qka_wire.asked("query_stock_order", {"order_id": number})(user)["order_id"] == number
    asset = qka_wire.asked("query_stock_asset", {"foreign": 1})(user)
    assert asset["total_asset"] == user.balance[0]["total_asset"]
    assert "fetch_balance" in asset
    one = qka_wire.asked("query_stock_position", {"stock_code": "sh600000"})(user)
    assert one["stock_code"] == "600000.SH"


@pytest.mark.parametrize(
    "name", [each for each, told in METHODS.items() if not isinstance(told, Deed)]
)
def test_every_query_answers_plain_data_or_says_it_failed(name: str, user: SimTrader) -> None:
    given = {
        "order_id": 1, "stock_code": "600000.SH", "bank_no": "1", "bank_account": "1",
        "bank_pwd": "", "start_date": "20261101", "end_date": "20261102",
        "algo_name_list": ["VWAP"],
    }  # fmt: skip
    ask = qka_wire.asked(name, given)
    try:
        found = ask(user)
    except (QueryFailedError, UsageError) as exc:  # 普通账号没有的业务
        assert name in str(exc)  # noqa: PT017
        return
    values.encode({"data": found})
    assert found is not None or name in ("query_stock_order", "query_stock_position")


def test_none_is_no_order_but_never_no_money(user: SimTrader, monkeypatch: Any) -> None:
    assert qka_wire.asked("query_stock_order", {"order_id": 987654})(user) is None
    monkeypatch.setattr(user.trader, "query_stock_asset", lambda account: None)
    with pytest.raises(QueryFailedError, match="没有结果"):
        qka_wire.asked("query_stock_asset", {})(user)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("query_stock_order", {"order_id": "7"}),
        ("query_stock_order", {"order_id": 2**40}),
        ("query_stock_position", {"stock_code": ["600000.SH"]}),
        ("query_stock_orders", {"cancelable_only": "yes"}),
        ("query_bank_transfer_stream", {"start_date": "2026", "end_date": "20261102"}),
        ("get_smart_algo_param", {"algo_name_list": [1]}),
    ],
)
def test_bad_values_of_queries_are_refused_by_the_vendors_name(
    name: str, given: dict[str, Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        qka_wire.asked(name, given)
    assert caught.value.argument in given


def test_other_accounts_of_the_client_are_not_told(tmp_path: Path) -> None:
    folder = tmp_path / "两个账号"
    create(folder, (AccountConfig(ACCOUNT), AccountConfig("2000000366")), connect_wait_s=0.3)
    user = easytrader.use("sim")
    user.connect(str(folder), ACCOUNT, timeout=5)
    assert len(user.trader.query_account_infos()) == 2
    for name in ("query_account_infos", "query_account_info", "query_account_status"):
        [row] = qka_wire.asked(name, {})(user)
        assert row["account_id"] == ACCOUNT
    user.close()
