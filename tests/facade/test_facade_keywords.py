"""参数名写错、少给、多给：一律 `UsageError`，说出想写的是哪一个，什么都没有发出。"""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

import pytest

import easytrader
from easytrader.basics.keywords import guarded
from easytrader.brokers.sim import SimTrader
from easytrader.errors import UsageError
from easytrader.miniqmt import MiniqmtTrader
from easytrader.miniqmt.groups import every_group
from easytrader.trader import Trader

if TYPE_CHECKING:
    from collections.abc import Iterator

GROUPS = {
    re.sub(r"(?<=[a-z])(?=[A-Z])", "_", each.__name__).lower(): each for each in every_group()
}


def public(kind: Any) -> Iterator[tuple[str, Any]]:
    for name, each in inspect.getmembers(kind):
        if not name.startswith("_") and inspect.isroutine(each):
            yield name, each


METHODS = [
    pytest.param(each, id=f"{kind.__name__}.{name}")
    for kind in (SimTrader, *GROUPS.values())
    for name, each in public(kind)
]


@pytest.mark.parametrize(
    ("call", "wrong", "right"),
    [
        (lambda user: easytrader.use("sim", gaurd=True), "gaurd", "guard"),
        (lambda user: user.connect(tiemout=3), "tiemout", "timeout"),
        (lambda user: user.connect(path="D:/qmt"), "path", "miniqmt_path"),
        (lambda user: user.buy("600036", 33.0, 100, clientorder_id="1"), "clientorder_id",
         "client_order_id"),
        (lambda user: user.buy_async("600036", 33.0, 100, remrak="x"), "remrak", "remark"),
        (lambda user: user.buy(stock_code="600036", price=33.0, amount=100), "stock_code",
         "security"),
        (lambda user: user.market_buy("600036", price=1, amount=100), "price", "可用的：amount"),
        (lambda user: user.market_sell("600036", amount=100, price_type=44), "price_type", "ttype"),
        (lambda user: user.cancel_entrust(order_id=1), "order_id", "entrust_no"),
        (lambda user: user.wait(1, timeuot=3), "timeuot", "timeout"),
        (lambda user: user.quote(code="600036"), "code", "codes"),
        (lambda user: user.events(time_out=1), "time_out", "timeout"),
        (lambda user: user.credit.fin_buy("600036", 33.0, 100, specail=True), "specail", "special"),
        (lambda user: user.bank.transfer_in("1", "1", 1, pwd="x"), "pwd", "bank_pwd"),
        (lambda user: user.client.query_data("deal", start="20261101"), "start", "start_time"),
        (lambda user: user.sim.step(minute=1), "minute", "minutes"),
        (lambda user: user.close(1), "close", "没有参数"),
    ],
)  # fmt: skip
def test_an_unknown_keyword_names_the_nearest_right_one(
    user: Any, call: Any, wrong: str, right: str
) -> None:
    before = len(user.today_entrusts)
    with pytest.raises(UsageError) as caught:
        call(user)
    assert caught.value.argument == wrong
    assert right in caught.value.expected
    assert len(user.today_entrusts) == before


@pytest.mark.parametrize("method", METHODS)
def test_no_public_method_takes_a_name_it_does_not_know(method: Any) -> None:
    with pytest.raises(UsageError, match="nonsense") as caught:
        method(object(), nonsense=1)
    assert caught.value.argument == "nonsense"
    assert "可用的" in caught.value.expected


@pytest.mark.parametrize("method", METHODS)
def test_no_public_method_takes_too_many_or_too_few(method: Any) -> None:
    parameters = list(inspect.signature(method).parameters.values())[1:]
    with pytest.raises(UsageError, match="多给了") as told:
        method(object(), *["x"] * (len(parameters) + 1))
    kept = re.split("[：、，]", told.value.expected)
    assert not {"options", "legacy"} & set(kept)  # ``**`` 的名字不是参数
    needed = [each.name for each in parameters if each.default is each.empty and each.kind == 1]
    if needed:
        with pytest.raises(UsageError, match="没有给") as caught:
            method(object())
        assert caught.value.argument == needed[0]


@pytest.mark.parametrize(
    ("verb", "legacy"),
    [
        ("buy", {"entrust_prop": 0}), ("buy", {"entrust_prop": "limit"}),
        ("sell", {"entrust_prop": "limit", "volume": 0}),
        ("market_buy", {"entrust_prop": "market"}), ("market_sell", {"limit_price": None}),
        ("buy_async", {"entrust_prop": "limit"}),
    ],
)  # fmt: skip
def test_names_of_the_old_easytrader_that_change_nothing_are_taken(
    user: Any, verb: str, legacy: dict[str, Any]
) -> None:
    given: dict[str, Any] = {"security": "600000", "amount": 100, **legacy}
    if not verb.startswith("market"):
        given["price"] = 9.5
    answer = getattr(user, verb)(**given)
    row = answer.result() if verb.endswith("_async") else answer
    assert row["entrust_no"] > 0


@pytest.mark.parametrize(
    ("verb", "name", "value", "remedy"),
    [
        ("buy", "entrust_prop", "market", "market_buy"),
        ("market_sell", "entrust_prop", "limit", "sell"),
        ("buy", "volume", 20_000, "amount"),
        ("sell", "volume", [0], "amount"),
        ("market_buy", "limit_price", 35.5, "buy"),
    ],
)
def test_old_names_that_would_change_the_order_are_refused(
    user: Any, verb: str, name: str, value: object, remedy: str
) -> None:
    price = {} if verb.startswith("market") else {"price": 9.5}
    before = len(user.today_entrusts)
    with pytest.raises(UsageError) as caught:
        getattr(user, verb)("600000", amount=100, **price, **{name: value})
    assert caught.value.argument == name
    assert remedy in caught.value.expected
    assert len(user.today_entrusts) == before


def test_a_type_error_inside_the_function_is_not_renamed() -> None:
    def breaks(number: int) -> int:
        return len(number)  # type: ignore[arg-type]

    with pytest.raises(TypeError, match="has no len"):
        guarded(breaks)(3)


def test_a_users_own_methods_take_what_they_like() -> None:
    class Mine(SimTrader):
        def rebalance(self, *codes: str, **options: Any) -> Any:
            return codes, options

        def connect(self, *given: Any, **options: Any) -> Any:
            return given, options

    mine = Mine()
    assert mine.rebalance("600036", anything=1) == (("600036",), {"anything": 1})
    assert mine.connect("D:/qmt", timeout=1) == (("D:/qmt",), {"timeout": 1})
    with pytest.raises(UsageError, match="timeout"):
        mine.connect(tiemout=1)


# ---- 交易口的样子


def test_at_most_40_public_names(user: Any) -> None:
    """模拟的多一个 ``sim``。"""
    names = [name for name in dir(user) if not name.startswith("_")]
    real = [name for name in dir(MiniqmtTrader) if not name.startswith("_")]
    assert len(real) <= 40, real
    assert set(names) - set(real) == {"sim"}
    assert {"balance", "position", "today_entrusts", "today_trades", "buy", "sell", "market_buy",
            "market_sell", "cancel_entrust", "trader", "account", "connect", "stop_reconnect",
            *GROUPS} <= set(names)  # fmt: skip


def test_the_trader_is_not_mixed_together() -> None:
    assert MiniqmtTrader.__bases__ == (Trader,)
    assert Trader.__bases__ == (object,)


@pytest.mark.parametrize("kind", [SimTrader, *GROUPS.values()])
def test_sync_and_async_share_one_signature(kind: type) -> None:
    found = dict(public(kind))
    for name, twin in found.items():
        plain = found.get(name.removesuffix("_async"))
        if plain is None or plain is twin:
            continue
        ours, theirs = inspect.signature(plain), inspect.signature(twin)
        assert ours.parameters == theirs.parameters
        assert str(theirs.return_annotation).startswith("Receipt[")
        assert "Ticket" not in str(ours.return_annotation)
        assert (twin.__name__, twin.__qualname__) == (name, f"{twin.__qualname__.partition('.')[0]}.{name}")  # fmt: skip  # noqa: E501
        assert plain.__doc__ in twin.__doc__


def test_a_group_lists_its_verbs(user: Any) -> None:
    for name, kind in GROUPS.items():
        group = getattr(user, name)
        assert type(group) is kind
        assert kind.__doc__
        assert all(verb in repr(group) for verb, _ in public(kind))
        assert getattr(MiniqmtTrader, name).__doc__


@pytest.mark.parametrize("name", ["gaurd", "guards", "Guard"])
def test_a_misspelt_property_is_not_quietly_taken(name: str) -> None:
    user = Trader()
    with pytest.raises(UsageError, match="guard"):
        setattr(user, name, easytrader.Guard())
    assert user.guard is None
    user.note = "调仓"  # type: ignore[attr-defined]  # 用户自己挂的东西照收
    user.guard = easytrader.Guard()
    assert user.guard is not None
