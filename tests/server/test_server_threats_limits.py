"""进来了的：权限、账号、名单、限额、停单开关，从哪个门进来都一样。

威胁模型那一页按名字引用这里的测试，改名要一起改。
"""

from __future__ import annotations

import itertools
import json
import threading
from typing import TYPE_CHECKING, Any

import pytest
from remote_serve import ServeProcess
from server_world import World, memory_world
from support import ACCOUNT, make_folder
from threat_house import JSON, House

import easytrader
from easytrader.server import qka_wire
from easytrader.server.caps import Caps
from easytrader.server.desk import ONLY_SOCKET
from easytrader.server.stop import ALL
from easytrader.server.tokens import Tokens
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.brokers.sim import SimTrader

OTHER = "20002"
_numbers = itertools.count(1)


@pytest.fixture
def two(tmp_path: Path, user: SimTrader) -> Iterator[World]:
    """两个模拟账号：``main`` 与 ``other``；也说 QKA 的话。"""
    folder = create(tmp_path / "别人的 QMT" / "userdata_mini", [AccountConfig(OTHER)]).path
    other = easytrader.use("sim")
    other.connect(str(folder), OTHER, timeout=5)
    world = World(tmp_path / "server", {"main": user, "other": other}, qka=True)
    yield world
    world.close()
    other.close()


def rule_of(told: Any) -> str:
    return str(told["error"].get("rule") or told["error"].get("type"))


# ---- 12 越权、按名字调方法


STRANGE = ("__class__", "__init__", "close", "connect", "trader", "account", "_engine", "guard",
           "credit", "credit.__init__", "buy.__globals__", "user.buy", "BUY", "buy ", "Buy",
           "client.export_data", "server", "server.", ".buy", "capabilities", "sim", "wait",
           "buy%00", "buy/..", "stop_reconnect", "server.tokens", "client.query_data")  # fmt: skip


@pytest.mark.parametrize("scope", ["read", "trade", "funds"])
def test_threat_12_every_verb_needs_its_scope(sim_world: World, scope: str) -> None:
    token = sim_world.scoped[scope]
    grant = sim_world.tokens.check(token)
    assert grant is not None
    offered = {each.name: each for each in verbs.offered(sim_world.desks["main"].trader)}
    denied = [each for each in offered.values() if not grant.may(each.scope)]
    before = len(sim_world.desks["main"].trader.today_entrusts)
    for verb in denied:
        if verb.name in ONLY_SOCKET:
            continue
        status, told = sim_world.call("main", verb.name, token)
        assert (status, rule_of(told)) == (403, "token_scope"), verb.name
    with sim_world.socket("main", token) as socket:
        assert set(socket.hello["verbs"]) == set(offered) - {each.name for each in denied}
        for verb in denied:
            ask = socket.order if verb.effect.changes else socket.ask
            assert rule_of(ask(verb.name)) == "token_scope", verb.name
    assert len(sim_world.desks["main"].trader.today_entrusts) == before
    changing = [each for each in offered.values() if each.effect.changes]
    assert (scope == "trade") == any(each not in denied for each in changing if _trades(each))
    assert (scope == "funds") == any(each not in denied for each in changing if not _trades(each))


def _trades(verb: verbs.Verb) -> bool:
    return verb.group not in ("bank", "transfer")


def test_threat_12_only_the_table_can_be_called(sim_world: World) -> None:
    with sim_world.socket("main") as socket:
        for name in STRANGE:
            status, told = sim_world.call("main", name.replace(" ", "%20"))
            assert status == 404, (name, told)
            assert socket.ask(name)["error"]["type"] == "UsageError", name
        for odd in (None, 7, ["buy"], {"$": "foreign", "v": "buy"}):
            socket.send(id=next(_numbers) + 10**6, verb=odd, args=[], kwargs={})
            assert "error" in socket.read()


# ---- 13 别人的账号、名单外的证券


def test_threat_13_a_foreign_account_does_not_exist(two: World) -> None:
    for limit in ("main", ACCOUNT):
        token = two.tokens.add(f"only-{limit}", ["trade", "funds"], accounts=[limit])
        seen = two.http("GET", "/v1/accounts", token=token)[1]["result"]
        assert [each["name"] for each in seen] == ["main"]
        for name in ("other", OTHER, "Other", "main/../other", "nobody"):
            status, told = two.call(name, "balance", token)
            assert status == 404
            assert "令牌看不到" in told["error"]["text"] or status == 404
            assert OTHER not in json.dumps(told).replace(repr(name), "")
        for name in ("other", OTHER):
            with pytest.raises(Exception, match="404"), two.socket(name, token):
                pass
        rows = two.call("main", "client.account_infos", token)[1]["result"]
        assert OTHER not in json.dumps(rows)
        text = json.dumps(two.http("GET", "/v1/openapi.json", token=token)[1])
        assert OTHER not in text
    assert two.desks["other"].trader.today_entrusts == []


SPELLINGS = ("600000", "600000.SH", "sh600000", "SH600000", "600000.sh", " 600000 ", "600000.XSHG",
             "600000.SSE", "sh.600000", "６０００００", "600000\n", "600000.SH\u200b", "600036.SZ",
             "600036,600000", ["600000"], 600000)  # fmt: skip


def test_threat_13_codes_outside_the_list_in_any_spelling(two: World) -> None:
    token = two.tokens.add("codes", ["trade"], accounts=["main"], codes=["600036"])
    order = {"price": 10.0, "amount": 100}
    with two.socket("main", token) as socket:
        for code in SPELLINGS:
            for verb, more in (("buy", order), ("sell", order), ("market_buy", {"amount": 100}),
                               ("buy_async", order), ("after_hours.buy", order)):  # fmt: skip
                status, told = two.call("main", verb, token, security=code, **more)
                assert status in (409, 422), (code, verb, told)
                assert "error" in socket.order(verb, security=code, **more), (code, verb)
            body = {"stock_code": code, "order_type": 23, "order_volume": 100, "price_type": 11,
                    "price": 10.0}  # fmt: skip
            status, _, _ = two.http("POST", "/api/order_stock", body, token=None, X_Token=token)
            assert status != 200, code
    assert two.desks["main"].trader.today_entrusts == []
    status, told = two.call("main", "buy", token, security="sh600036", price=32.5, amount=100)
    assert status == 200, told


def test_threat_13_what_cannot_be_checked_is_not_allowed(two: World) -> None:
    token = two.tokens.add("codes", ["trade"], codes=["600036"])
    moves = [each for each in verbs.TABLE if each.effect is verbs.Effect.MOVE]
    for verb in (each for each in moves if each.scope == verbs.TRADE):
        status, told = two.call("main", verb.name, token)
        assert (status, rule_of(told)) == (409, "token_codes"), verb.name


# ---- 14 拆开、抢着用掉限额


def test_threat_14_eight_threads_at_the_edge_of_the_cap(sim_world: World) -> None:
    token = sim_world.tokens.add("capped", ["trade"], max_day=32.5 * 100 * 5)
    start = threading.Barrier(8)
    went: list[int] = []

    def work(rest: bool) -> None:
        start.wait(30)
        with sim_world.socket("main", token) as socket:
            for _ in range(3):
                given = {"security": "600036", "price": 32.5, "amount": 100}
                if rest:
                    status, told = sim_world.call("main", "buy", token, **given)
                    good = status == 200
                else:
                    told = socket.order("buy", request=f"r{next(_numbers)}", **given)
                    good = "result" in told
                if good:
                    went.append(told["result"]["entrust_no"])
                else:
                    assert rule_of(told) == "token_max_day"

    threads = [threading.Thread(target=work, args=(each % 2 == 0,)) for each in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    orders = sim_world.desks["main"].trader.today_entrusts
    assert len(went) == len(set(went)) == len(orders) == 5


def test_threat_14_a_killed_server_remembers_the_cap(tmp_path: Path) -> None:
    server = ServeProcess(make_folder(tmp_path / "userdata_mini"), tmp_path / "home")
    token = server.token("capped", "trade", "--max-day", "10000", "--max-order", "5000")
    server.start()
    try:

        def buy(amount: int) -> Any:
            with server.ws(token) as ws:
                number = f"{next(_numbers):032x}"
                return ws.call("buy", "600036", 32.5, amount, request=number)

        assert rule_of(buy(200)) == "token_max_order"
        assert "result" in buy(100)
        assert "result" in buy(100)
        server.kill()
        server.start()
        assert "result" in buy(100)
        assert rule_of(buy(100)) == "token_max_day"
        server.kill()
    finally:
        server.kill()
    caps = Caps(server.home / "server" / "caps.sqlite")
    grant = Tokens(server.home / "server" / "tokens.json").check(token)
    assert grant is not None
    assert caps.spent(grant) == 9750
    caps.close()


def test_threat_14_only_what_was_not_sent_is_given_back(tmp_path: Path) -> None:
    with memory_world(tmp_path) as world:
        token = world.tokens.add("capped", ["trade"], max_day=100)
        grant = world.tokens.check(token)
        assert grant is not None
        given = {"security": "BTC/USDT", "price": 9.5, "amount": 2}
        # 当场拒绝的退
        status, told = world.call(
            "a", "sell", token, security="BTC/USDT", price=0.00001, amount=10**6 + 1
        )
        assert (status, told["result"]["entrust_no"]) == (200, -1)
        assert world.caps.spent(grant) == 0
        # 结果未知的不退
        world.brokers["a"].lose_answer("submit")
        status, told, _ = world.http(
            "POST", "/v1/accounts/a/buy", given, token, X_Deadline_Ms="1500"
        )
        assert told["error"]["type"] == "OutcomeUnknownError"
        assert world.caps.spent(grant) == 19
        # 没有连着的退
        world.brokers["a"].break_link()
        assert world.call("a", "buy", token, **given)[1]["error"]["type"] == "NotConnectedError"
        assert world.caps.spent(grant) == 19


# ---- 15 用市价、怪数绕过限额


NASTY: tuple[Any, ...] = (
    0, -1, -0.0, 0.001, 1e308, -1e308, 10**30, "32.5", "", "NaN", None, True, False, [], [32.5],
    {}, {"$": "float", "v": "nan"}, {"$": "float", "v": "inf"}, {"$": "float", "v": "-inf"},
    {"$": "decimal", "v": "NaN"}, {"$": "decimal", "v": "sNaN"}, {"$": "decimal", "v": "1E+400"},
    {"$": "decimal", "v": "Infinity"}, {"$": "foreign", "v": "32.5"}, {"$": "tuple", "v": [1]},
    {"$": "nothing", "v": 1}, 2**31, 2**63, 1e18,
)  # fmt: skip


def test_threat_15_no_odd_number_slips_under_the_cap(sim_world: World) -> None:
    token = sim_world.tokens.add("capped", ["trade"], max_order=1000, max_day=5000)
    with sim_world.socket("main", token) as socket:
        for odd in NASTY:
            for given in ({"price": odd, "amount": 100}, {"price": 32.5, "amount": odd}):
                told = socket.order("buy", security="600036", request=f"n{next(_numbers)}", **given)
                assert told["error"]["type"] in ("UsageError", "RiskRefusedError"), odd
                status, _ = sim_world.call("main", "sell", token, security="600036", **given)
                assert status in (409, 422), odd
            told = socket.order("market_buy", "600036", odd, request=f"n{next(_numbers)}")
            assert "error" in told, odd
    assert sim_world.desks["main"].trader.today_entrusts == []


def test_threat_15_a_market_order_counts_at_the_limit_up_price(sim_world: World) -> None:
    trader = sim_world.desks["main"].trader
    quote = trader.quote("600036")["600036"]
    assert quote["last"] < quote["limit_up"]
    between = (quote["last"] + quote["limit_up"]) / 2
    token = sim_world.tokens.add("capped", ["trade"], max_order=round(between * 100, 2))
    status, told = sim_world.call("main", "market_buy", token, security="600036", amount=100)
    assert (status, rule_of(told)) == (409, "token_max_order")
    assert "涨停价" in told["error"]["text"]
    assert told["error"]["actual"] == pytest.approx(quote["limit_up"] * 100)
    assert trader.today_entrusts == []
    enough = sim_world.tokens.add("enough", ["trade"], max_order=round(quote["limit_up"] * 100, 2))
    status, _ = sim_world.call("main", "market_buy", enough, security="600036", amount=100)
    assert status == 200


def test_threat_15_a_market_order_without_a_price_is_refused(tmp_path: Path) -> None:
    with memory_world(tmp_path) as world:
        token = world.tokens.add("capped", ["trade"], max_order=10**9)
        world.brokers["a"].counter.prices.clear()
        status, told = world.call("a", "market_buy", token, security="BTC/USDT", amount=1)
        assert (status, rule_of(told)) == (409, "token_max_order")
        assert world.brokers["a"].counter.orders == {}


# ---- 25 经 QKA 的接口转账、越权


def test_threat_25_transfers_through_qka_need_their_own_scope(two: World) -> None:
    tokens = {
        each: two.tokens.add(f"qka-{each}", [each], accounts=["main"]) for each in verbs.SCOPES
    }
    asked: set[str] = set()
    for method, told in qka_wire.METHODS.items():
        given, verb = _qka(told)
        for scope, token in tokens.items():
            if verb.scope in (verbs.READ, scope):
                continue
            status, answer, _ = two.http("POST", f"/api/{method}", given, None, X_Token=token)
            assert status == 403, (method, scope, answer)
            asked.add(method)
    moving = {"fund_transfer", "bank_transfer_in", "bank_transfer_out_async", "secu_transfer"}
    assert moving | {"order_stock", "query_bank_amount", "cancel_order_stock"} <= asked
    assert two.desks["main"].trader.today_entrusts == []


def _qka(told: qka_wire.Query | qka_wire.Deed) -> tuple[dict[str, Any], verbs.Verb]:
    """一份填满的参数，和它是哪个动词。"""
    if isinstance(told, qka_wire.Query):
        names = [each.rstrip("?").partition("=")[0] for each in told.takes.split()]
        verb = verbs.find(told.verb)
        given: dict[str, Any] = dict.fromkeys(names, "1")
    else:
        given = dict.fromkeys(told.names.values(), "1")
        given |= {"order_type": 23, "price_type": 11, "price": 1.0, "dict_param": {}}
        verb = verbs.find(told.read(given)[0])
    assert verb is not None
    return given, verb


# ---- 27 绕过停单开关


def test_threat_27_the_stop_switch_holds_at_every_entrance(two: World) -> None:
    limit = {"security": "600036", "price": 30.0, "amount": 100}
    trader = two.desks["main"].trader
    resting = two.call("main", "buy", **limit)[1]["result"]["entrust_no"]
    only = two.tokens.add("only", ["trade", "funds"], accounts=["main"])
    with two.socket("main") as before, two.socket("main") as socket:
        socket.ask("server.stop_orders", reason="策略失控")
        for line in (before, socket):
            for verb, given in (("buy", limit), ("sell", limit), ("buy_async", limit),
                                ("market_buy", {"security": "600036", "amount": 100}),
                                ("after_hours.buy", limit), ("ipo.subscribe_all", {}),
                                ("bank.transfer_in", {"amount": 1})):  # fmt: skip
                told = line.order(verb, request=f"s{next(_numbers)}", **given)
                while "seq" in told:
                    told = line.read()
                assert "error" in told, verb
                if "after_hours" not in verb:
                    assert rule_of(told) == "stop_switch", (verb, told)
        status, told = two.call("main", "buy", **limit)
        assert (status, rule_of(told)) == (409, "stop_switch")
        assert "策略失控" in told["error"]["text"]
        body = {"stock_code": "600036.SH", "order_type": 23, "order_volume": 100,
                "price_type": 11, "price": 30.0}  # fmt: skip
        assert two.http("POST", "/api/order_stock", body, token=None, X_Token=only)[0] != 200
        assert len(trader.today_entrusts) == 1
        assert two.call("other", "buy", **limit)[0] == 200  # 只停了这一个账号
        assert two.call("main", "cancel_entrust", entrust_no=resting)[1]["result"]["success"]
        # 看的令牌放不开它
        assert two.call("main", "server.allow_orders", two.scoped["read"])[0] == 403
        assert two.call("main", "server.allow_orders")[0] == 200
        assert two.call("main", "buy", **limit)[0] == 200


def test_threat_27_the_page_is_stopped_too(tmp_path: Path) -> None:
    house = House(tmp_path / "server")
    try:
        cookie, value = house.sign_in()
        who = (f"Host: {house.here}", f"Origin: http://{house.here}", f"Cookie: {cookie}",
               f"X-Session: {value}", JSON)  # fmt: skip
        house.site.stop_switch.stop(ALL, "全停", "console")
        assert house.buy(*who) == 409
        assert house.orders == 0
        house.site.stop_switch.allow(ALL, "console")
        assert house.buy(*who) == 200
    finally:
        house.close()


def test_threat_27_orders_already_in_the_queue_do_not_go_out(tmp_path: Path) -> None:
    with memory_world(tmp_path) as world:
        counter = world.brokers["a"].counter
        hold, entered = threading.Event(), threading.Semaphore(0)
        asset = counter.asset
        token = world.tokens.add("capped", ["trade"], max_day=10**9)

        def slow() -> Any:
            entered.release()
            assert hold.wait(60)
            return asset()

        with world.socket("a", token) as socket:
            # 风控要查总资产：都停在发出之前的那一步
            socket.ask("server.guard", {"max_order_share": 0.9})
            counter.asset = slow  # type: ignore[method-assign]
            for number in range(1, 5):
                socket.send(id=900 + number, verb="buy", args=["BTC/USDT", 9.5, 1], kwargs={},
                            request=f"q{number}", ms=60_000)  # fmt: skip
            assert entered.acquire(timeout=30)
            world.stop.stop("a", "马上停", "console")
            hold.set()
            told: list[Any] = []
            while len(told) < 4:
                frame = socket.read()
                told += [frame] if frame.get("id", 0) > 900 else []
            assert [rule_of(each) for each in told] == ["stop_switch"] * 4
        assert counter.orders == {}
        grant = world.tokens.check(token)
        assert grant is not None
        assert world.caps.spent(grant) == 0  # 没有发出的都退了


def test_threat_27_a_killed_server_stays_stopped(tmp_path: Path) -> None:
    server = ServeProcess(make_folder(tmp_path / "userdata_mini"), tmp_path / "home")
    token = server.token("alice", "trade")
    server.start()
    try:
        with server.ws(token) as ws:
            ws.call("server.stop_orders", "过夜")
        server.kill()
        server.start()
        for _ in range(2):
            with server.ws(token) as ws:
                told = ws.call("buy", "600036", 32.5, 100, request=f"{next(_numbers):032x}")
                assert rule_of(told) == "stop_switch"
                assert "alice" in told["error"]["text"]
    finally:
        server.kill()
