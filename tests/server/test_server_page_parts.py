"""网页的服务器这一半：会话、先看一眼、查询合约、当日曲线。没有浏览器。"""

from __future__ import annotations

import asyncio
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

import easytrader
from easytrader.basics.beijing import moment
from easytrader.errors import NotConnectedError, RiskRefusedError, UsageError
from easytrader.server.curve import Curve, Curves
from easytrader.server.pages import files
from easytrader.server.preview import preview
from easytrader.server.search import initials, search
from easytrader.server.sessions import HEADER, IDLE_S, MOST_S, SUBPROTOCOL, Sessions
from easytrader.server.tokens import Grant
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.testing.memory_broker import MemoryBroker
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader
    from easytrader.server.preview import Preview
    from easytrader.server.sessions import Session

GRANT = Grant("1", "alice", ("trade",))


# ---- 会话


class Book:
    """令牌簿：收回了的。"""

    def __init__(self) -> None:
        self.gone: set[str] = set()

    def alive(self, grant: Grant) -> bool:
        return grant.id not in self.gone


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sessions(book: Book, clock: Clock) -> Sessions:
    return Sessions(book, port=7788, secure=False, clock=clock)


def _scope(cookie: str, value: str, kind: str = "http") -> dict[str, Any]:
    headers = [(b"host", b"127.0.0.1:7788"), (b"cookie", cookie.encode())]
    if kind == "websocket":
        offered = [SUBPROTOCOL, f"{SUBPROTOCOL}.session.{value}"]
        return {"type": kind, "headers": headers, "subprotocols": offered}
    return {"type": kind, "headers": [*headers, (HEADER.lower().encode(), value.encode())]}


def _opened(sessions: Sessions) -> tuple[Session, str]:
    session, cookie = sessions.open(GRANT)
    return session, cookie.partition(";")[0]


@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_cookie_and_value_together_or_nothing(sessions: Sessions, kind: str) -> None:
    session, cookie = _opened(sessions)
    other, _ = _opened(sessions)
    assert sessions.of(_scope(cookie, session.value, kind)) is session
    assert sessions.of(_scope("", session.value, kind)) is None
    assert sessions.of(_scope(cookie, "", kind)) is None
    assert sessions.of(_scope(cookie, other.value, kind)) is None
    assert sessions.of(_scope(f"{cookie}x", session.value, kind)) is None


def test_a_cookie_another_port_wrote_does_not_hide_ours(sessions: Sessions) -> None:
    session, cookie = _opened(sessions)
    mixed = f"a=1; {sessions.cookie}=forged; {cookie}; b=2"
    assert sessions.of(_scope(mixed, session.value)) is session


def test_two_values_are_no_value(sessions: Sessions) -> None:
    session, cookie = _opened(sessions)
    scope = _scope(cookie, session.value)
    scope["headers"].append((HEADER.lower().encode(), session.value.encode()))
    assert sessions.of(scope) is None


def test_idle_and_long_sessions_end(sessions: Sessions, clock: Clock) -> None:
    session, cookie = _opened(sessions)
    began = clock.now
    while clock.now - began + IDLE_S - 1 < MOST_S:
        clock.now += IDLE_S - 1
        assert sessions.of(_scope(cookie, session.value)) is session
    clock.now = began + MOST_S + 1
    assert sessions.of(_scope(cookie, session.value)) is None
    idle, cookie = _opened(sessions)
    clock.now += IDLE_S - 1
    assert sessions.alive(idle)  # 只是看看，不算用
    clock.now += 2
    assert not sessions.alive(idle)
    assert sessions.of(_scope(cookie, idle.value)) is None


def test_revoked_or_signed_out_ends_at_once(sessions: Sessions, book: Book) -> None:
    session, cookie = _opened(sessions)
    book.gone.add(GRANT.id)
    assert not sessions.alive(session)
    assert sessions.of(_scope(cookie, session.value)) is None
    book.gone.clear()
    assert "Max-Age=0" in sessions.close(session)
    assert not sessions.alive(session)
    assert sessions.of(_scope(cookie, session.value)) is None


def test_cookie_is_locked_up(book: Book) -> None:
    _, plain = Sessions(book, port=7788, secure=False).open(GRANT)
    _, locked = Sessions(book, port=7788, secure=True).open(GRANT)
    for text in (plain, locked):
        assert {"Path=/", "HttpOnly", "SameSite=Strict"} <= set(text.split("; "))
        assert "Domain" not in text
    assert plain.startswith("easytrader-7788=")
    assert locked.startswith("__Host-easytrader-7788=")
    assert "Secure" in locked.split("; ")
    assert "Secure" not in plain


def test_many_sign_ins_push_out_the_oldest(sessions: Sessions, clock: Clock) -> None:
    first, _ = _opened(sessions)
    for _ in range(200):
        clock.now += 0.01
        last, _ = _opened(sessions)
    assert not sessions.alive(first)
    assert sessions.alive(last)


def test_no_secret_in_repr(sessions: Sessions) -> None:
    session, cookie = _opened(sessions)
    assert session.value not in repr(session)
    assert cookie.partition("=")[2] not in repr(vars(sessions))


# ---- 先看一眼


class Open:
    """什么都许的关口；``refusals`` 是要拒绝的。"""

    def __init__(self, *rules: str) -> None:
        self.refusals = [RiskRefusedError(f"不许：{each}", rule=each) for each in rules]

    def look(self, request: object, view: object) -> list[RiskRefusedError]:
        return self.refusals


def _look(user: Any, verb: str, gate: Open | None = None, **kwargs: Any) -> Preview:
    return preview(user, verb, kwargs, gate or Open())


def _rules(told: Preview) -> set[str]:
    return {each["rule"] for each in told["problems"]}


def _last(user: SimTrader, code: str = "600000") -> tuple[float, float, float]:
    """(卖一, 涨停, 跌停)。"""
    quote = user.quote(code)[code]
    assert quote["limit_up"]
    assert quote["limit_down"]
    return quote["asks"][0][0], quote["limit_up"], quote["limit_down"]


def test_preview_says_the_market_is_closed(tmp_path: Path) -> None:
    create(tmp_path / "qmt", (AccountConfig("1"),), clock="step", start="2026-11-27 14:30")
    with easytrader.use("sim") as user:
        user.connect(str(tmp_path / "qmt"), "1")
        price = user.quote("600000")["600000"]["last"]
        assert "closed" not in _rules(
            _look(user, "buy", security="600000", price=price, amount=100)
        )
        user.sim.goto("2026-11-27 20:00")
        told = _look(user, "buy", security="600000", price=price, amount=100)
        (closed,) = [each for each in told["problems"] if each["rule"] == "closed"]
        assert "收盘" in closed["text"]
        assert not closed["stops"]


def test_preview_says_value_and_fees(user: SimTrader) -> None:
    ask, _, _ = _last(user)
    told = _look(user, "buy", security="600000", price=ask, amount=1000)
    assert told["ok"]
    assert told["problems"] == []
    assert told["stock_code"] == "600000.SH"
    assert told["value"] == pytest.approx(ask * 1000)
    fees = told["fees"]
    assert fees is not None
    assert fees["commission"] == max(5.0, round(ask * 1000 * 0.00025, 2))
    assert fees["stamp"] == 0
    assert told["net"] == pytest.approx(told["value"] + fees["total"])
    sold = _look(user, "sell", security="600000", price=ask, amount=1000)
    assert sold["fees"] is not None
    assert sold["fees"]["stamp"] == pytest.approx(ask * 1000 * 0.0005, abs=0.006)
    assert sold["net"] == pytest.approx(sold["value"] - sold["fees"]["total"])
    assert sold["usable"] == 1000


def test_preview_fees_are_what_the_counter_takes(user: SimTrader) -> None:
    """估的费用与模拟柜台真收的一样：同一张表，同一份设置。"""
    quote = user.quote("600000")["600000"]
    cash = user.balance[0]["cash"]
    price = quote["limit_up"]
    assert price is not None
    user.market_buy("600000", 100)
    eventually(lambda: user.today_trades)
    paid = user.today_trades[0]["traded_amount"]
    told = _look(user, "buy", security="600000", price=paid / 100, amount=100)
    assert told["fees"] is not None
    eventually(lambda: user.balance[0]["frozen_cash"] == 0)
    assert cash - user.balance[0]["cash"] == pytest.approx(paid + told["fees"]["total"], abs=0.011)


def test_preview_sends_nothing(user: SimTrader, logged: list[str]) -> None:
    told = _look(user, "buy", security="600000", price=9.999, amount=150, client_order_id="x" * 5)
    assert {"board"} <= _rules(told)
    assert user.today_entrusts == []
    assert user.status["open_intents"] == 0
    assert not [line for line in logged if "柜台可能拒绝" in line]
    # id 也没有用掉
    assert user.find_entrust("x" * 5) is None


def test_preview_finds_what_the_counter_would_refuse(user: SimTrader) -> None:
    ask, top, bottom = _last(user)
    look = _look
    assert "board" in _rules(look(user, "buy", security="600000", price=ask, amount=150))
    assert "board" in _rules(look(user, "buy", security="600000", price=ask + 0.001, amount=100))
    high = look(user, "buy", security="600000", price=round(top + 0.01, 2), amount=100)
    low = look(user, "sell", security="600000", price=round(bottom - 0.01, 2), amount=100)
    assert "price_limit" in _rules(high) & _rules(low)
    assert "cage" in _rules(look(user, "buy", security="600000", price=top, amount=100))
    assert "cash" in _rules(look(user, "buy", security="600519", price=1500, amount=100_000))
    assert "shares" in _rules(look(user, "sell", security="600000", price=ask, amount=1100))
    assert "odd_lot" in _rules(look(user, "sell", security="600000", price=ask, amount=50))
    big = look(user, "buy", security="688981", price=90, amount=100_001)
    assert "size" in _rules(big)
    assert "market" in _rules(look(user, "market_buy", security="113050", amount=100))
    for told in (high, low, big):
        assert told["ok"]  # 柜台的事由人决定，不替人拦下


def test_what_the_preview_calls_fine_the_counter_takes(user: SimTrader) -> None:
    ask, _, bottom = _last(user)
    assert _rules(_look(user, "buy", security="600000", price=bottom, amount=100)) == set()
    assert user.buy("600000", bottom, 100)["entrust_no"] > 0
    assert _rules(_look(user, "buy", security="600000", price=ask, amount=100)) == set()
    assert user.buy("600000", ask, 100)["entrust_no"] > 0
    eventually(lambda: len(user.today_entrusts) == 2)
    assert {each["order_status_name"] for each in user.today_entrusts} <= {"已报", "已成"}


@pytest.mark.parametrize(
    ("kwargs", "rule"),
    [
        ({"security": "60000", "price": 10, "amount": 100}, "security"),
        ({"security": "600000", "price": "x", "amount": 100}, "price"),
        ({"security": "600000", "price": 10, "amount": 0}, "amount"),
        ({"security": "600000", "price": 10, "amount": 100, "nope": 1}, "nope"),
        ({"security": "600000", "price": 10}, "amount"),
    ],
)
def test_preview_says_which_argument_is_wrong(
    user: SimTrader, kwargs: dict[str, Any], rule: str
) -> None:
    told = preview(user, "buy", kwargs, Open())
    assert not told["ok"]
    assert told["problems"][0]["stops"]
    assert rule in told["problems"][0]["rule"] + told["problems"][0]["text"]


@pytest.mark.parametrize("verb", ["balance", "cancel_all", "buy_async", "__class__", 7, None])
def test_preview_only_of_orders(user: SimTrader, verb: Any) -> None:
    with pytest.raises(UsageError):
        preview(user, verb, {}, Open())


def test_preview_asks_the_gate_and_the_guard_and_takes_no_slot(user: SimTrader) -> None:
    ask, _, _ = _last(user)
    kwargs = {"security": "600000", "price": ask, "amount": 1000}
    refused = preview(user, "buy", kwargs, Open("token_max_day", "stop_switch"))
    assert not refused["ok"]
    assert _rules(refused) == {"token_max_day", "stop_switch"}
    user.guard = {"max_order_value": 100, "max_orders_per_minute": 1}
    for _ in range(3):
        assert _rules(preview(user, "buy", kwargs, Open())) == {"max_order_value"}
    user.guard = {"max_orders_per_minute": 1}
    for _ in range(3):
        assert preview(user, "buy", kwargs, Open())["ok"]
    user.buy("600000", ask, 100)
    assert _rules(preview(user, "buy", kwargs, Open())) == {"max_orders_per_minute"}
    status = user.status["guard"]
    assert status is not None
    assert status["refused"] == 0
    assert status["sent_today"] == 1


def test_preview_asks_the_connection_guard_too(user: SimTrader) -> None:
    ask, _, _ = _last(user)
    post = engine_of(user).new_post(_guard(block=("600000",)))
    kwargs = {"security": "600000", "price": ask, "amount": 100}
    assert _rules(preview(user, "buy", kwargs, Open(), (post,))) == {"block"}


def _guard(**rules: Any) -> Any:
    from easytrader.risk import Guard

    return Guard(**rules)


def test_preview_of_a_backend_without_quotes_says_so() -> None:
    broker = MemoryBroker()
    trader = broker.trader()
    with pytest.raises(NotConnectedError):
        preview(trader, "buy", {"security": "BTC/USDT", "price": 1, "amount": 1}, Open())
    broker.connect(trader, timeout=5)
    try:
        kwargs = {"security": "BTC/USDT", "price": Decimal("9.5"), "amount": Decimal("0.5")}
        told = preview(trader, "buy", kwargs, Open())
    finally:
        trader.close()
    assert told["ok"]
    assert told["value"] == 4.75
    assert told["fees"] is None


def test_preview_of_credit_orders(credit_user: SimTrader) -> None:
    quote = credit_user.quote("600036")["600036"]
    price = quote["asks"][0][0] or quote["last"]
    told = preview(
        credit_user, "credit.fin_buy", {"security": "600036", "price": price, "amount": 100}, Open()
    )
    assert told["ok"]
    assert told["side"] == "buy"
    assert told["side_name"] == "融资买入"
    assert credit_user.today_entrusts == []


# ---- 查询合约


def test_search_by_code_name_and_initials(user: SimTrader) -> None:
    def codes(text: str) -> list[str]:
        return [each["stock_code"] for each in search(user, text)]

    assert codes("600036")[0] == codes("招商银行")[0] == codes("zsyh")[0] == "600036.SH"
    assert codes("sh600036")[0] == "600036.SH"
    assert "600036.SH" in codes("招商")
    assert codes("不存在的名字") == []
    assert codes("") == []
    assert len(codes("60")) == 20
    found = search(user, "688981")[0]
    assert (found["name"], found["lot"], found["step"], found["tick"]) == ("中芯国际", 200, 1, 0.01)
    assert "本方最优价格委托" in found["market_types"]


@pytest.mark.parametrize("text", [None, 7, "x" * 33, "a\nb", ["600036"]])
def test_search_refuses_what_is_not_text(user: SimTrader, text: Any) -> None:
    with pytest.raises(UsageError):
        search(user, text)


def test_search_without_a_name_table_knows_codes() -> None:
    broker = MemoryBroker()
    trader = broker.trader()
    broker.connect(trader, timeout=5)
    try:
        found = search(trader, "BTC/USDT")
    finally:
        trader.close()
    assert [(each["stock_code"], each["name"]) for each in found] == [("BTC/USDT", "")]


def test_initials() -> None:
    assert initials("招商银行") == "ZSYH"
    assert initials("宁德时代") == "NDSD"
    assert initials("万科A") == "WKA"
    assert initials("长江电力") == "CJDL"
    assert initials("") == ""


# ---- 曲线


def test_curve_keeps_one_point_a_minute_of_today() -> None:
    curve, began = Curve(), moment("2026-11-30 09:30:05")
    curve.add(began, 100)
    curve.add(began + 30, 101)
    curve.add(began + 60, Decimal("102.5"))
    for wrong in (None, "x", float("nan"), float("inf"), True):
        curve.add(began + 180, wrong)
    assert curve.points(began + 200) == [(int(began + 30), 101.0), (int(began + 60), 102.5)]
    assert curve.points(began + 86400) == []
    curve.add(began + 86400, 7)
    assert curve.points(began + 86400) == [(int(began + 86400), 7.0)]


# ---- 文件


def test_page_has_no_inline_code_and_no_foreign_address() -> None:
    """内容安全策略不许的，一处也没有；也不去别的机器取东西。"""
    found = files()
    assert {"index.html", "app.js", "style.css", "icon.svg"} <= set(found)
    for name, (body, kind) in found.items():
        text = body.decode()
        assert kind.startswith({"js": "text/javascript", "css": "text/css"}.get(
            name.rpartition(".")[2], ("text/html", "image/svg")
        ))  # fmt: skip
        foreign = text.replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in foreign
        assert "https://" not in foreign
        for danger in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert danger not in text, name
    page = found["index.html"][0].decode()
    for inline in (" style=", " onclick=", " onload=", "<style", "javascript:"):
        assert inline not in page
    assert page.count("<script") == page.count('<script type="module" src="/page/') == 1


def test_curves_skip_an_account_that_is_not_connected(logged: list[str]) -> None:
    """没有连上的缺一点，不吵人，也不连累别的账号。"""

    async def ask(name: str) -> list[dict[str, float]]:
        if name == "断着":
            raise NotConnectedError("还没有连接")
        return [{"total_asset": 100.0}]

    curves = Curves(["断着", "连着"], ask, lambda: moment("2026-11-30 10:00"))

    async def once() -> None:
        task = asyncio.ensure_future(curves.run())
        while not curves.points("连着"):
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(once())
    assert [value for _, value in curves.points("连着")] == [100.0]
    assert curves.points("断着") == []
    assert logged == []
