"""线上的威胁：重放、迟到、慢吞吞、巨大的、卡死的、不读的、只读的令牌。服务器是真的进程。"""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from bad_proxy import UP, BadProxy
from raw_ws import RawWs, frame, http
from remote_serve import ServeProcess
from support import ACCOUNT, SimProcess, eventually, freeze, make_folder

import easytrader
from easytrader.errors import EasytraderError, OutcomeUnknownError
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.wire import verbs, words

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MB = 1 << 20


class Served(NamedTuple):
    """一个跑着的服务器，和它的两个令牌。"""

    server: ServeProcess
    trade: str
    read: str

    @property
    def port(self) -> int:
        return self.server.port

    def orders(self) -> list[tuple[int, int]]:
        """账上的 (编号, 数量)：直接读柜台的账。"""
        address = f"{(self.server.folder / 'easytrader_sim.sqlite3').as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=5)) as db:
            return db.execute("SELECT order_id, volume FROM orders ORDER BY order_id").fetchall()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    place = tmp_path_factory.mktemp("服务器 一")
    server = ServeProcess(make_folder(place / "userdata_mini"), place / "home")
    trade, read = server.token("trade", "trade"), server.token("read", "read")
    server.start()
    yield Served(server, trade, read)
    server.kill()


def number() -> str:
    return uuid.uuid4().hex


def buy(ws: RawWs, request: str, amount: int = 100, **options: Any) -> dict[str, Any]:
    told: dict[str, Any] = ws.call("buy", "600036", 32.5, amount, request=request, **options)
    return told


# ---- 16 同一个请求号：重放、换了愿望


def test_the_same_bytes_twice_are_one_order(served: Served) -> None:
    before = served.orders()
    told = {"id": 7, "verb": "buy", "args": ["600036", 32.5, 100], "kwargs": {},
            "request": number(), "ms": 5000}  # fmt: skip
    same = frame(json.dumps(told).encode())
    with served.server.ws(served.trade) as first, served.server.ws(served.trade) as second:
        first.link.sendall(same + same)
        second.link.sendall(same)
        said = [first.reply(7), first.reply(7), second.reply(7)]
    assert said[0]["result"]["entrust_no"] > 0
    assert said == [said[0]] * 3
    assert len(served.orders()) == len(before) + 1


def test_the_same_number_for_another_wish_is_refused(served: Served) -> None:
    request = number()
    with served.server.ws(served.trade) as ws:
        assert buy(ws, request)["result"]["entrust_no"] > 0
        before = served.orders()
        for odd in (
            buy(ws, request, 200),
            ws.call("sell", "600036", 32.5, 100, request=request),
            ws.call("cancel_all", request=request),
        ):
            assert odd["error"]["type"] == "UsageError", odd
    body = b'{"security": "600036", "price": 32.5, "amount": 300}'
    status, _, answer = http(
        served.port, "POST", served.server.url("buy"), served.trade, body,
        {words.REQUEST_HEADER: request},
    )  # fmt: skip
    assert status == 422, answer
    assert served.orders() == before


def test_the_answer_survives_a_killed_server(tmp_path: Path) -> None:
    server = ServeProcess(make_folder(tmp_path / "userdata_mini"), tmp_path / "home")
    served = Served(server, server.token("trade", "trade"), "")
    server.start()
    request = number()
    with server.ws(served.trade) as ws:
        boot, first = ws.hello["boot"], buy(ws, request)
    server.kill()
    server.start()
    try:
        with server.ws(served.trade) as ws:
            assert ws.hello["boot"] != boot
            eventually(lambda: "result" in ws.call("balance"))
            assert buy(ws, request)["result"] == first["result"]
            assert buy(ws, request, 200)["error"]["type"] == "UsageError"
    finally:
        server.kill()
    assert len(served.orders()) == 1


# ---- 17 迟到的请求


def test_a_request_held_past_its_deadline_does_nothing(served: Served) -> None:
    """扣在线上的，客户端问过、听到「没有」以后才到：什么都不许做。"""
    with _behind_a_bad_line(served) as (user, proxy):
        before = served.orders()
        proxy.hold(UP, 1.8)
        with pytest.raises(EasytraderError):
            user.buy("600036", 32.5, 100)
        threading.Event().wait(1.5)  # 扣着的这时才到
        assert served.orders() == before


def test_what_queued_up_while_the_server_was_stopped_does_nothing(served: Served) -> None:
    """合上盖子的时候到的，醒来才读到：发的人早就不等了。"""
    before = served.orders()
    body = b'{"security": "600036", "price": 32.5, "amount": 100}'
    with served.server.ws(served.trade) as ws:
        process = served.server.process
        process.suspend()
        try:
            wish = {"id": 77, "verb": "buy", "args": ["600036", 32.5, 100], "ms": 1500}
            ws.send({**wish, "request": number()})
            with suppress(OSError, ValueError):
                http(
                    served.port, "POST", served.server.url("buy"), served.trade, body,
                    {"X-Deadline-Ms": "1500"}, timeout=0.5,
                )  # fmt: skip
            threading.Event().wait(2.0)
        finally:
            process.resume()
        # 机器忙的时候看期限的先醒：说成未知也不算错，没有下就行
        assert ws.reply(77)["error"]["type"] in ("NotConnectedError", "OutcomeUnknownError")
        assert ws.call("balance")["result"]  # 等它把别的也读完
    assert served.orders() == before


def test_none_is_final_even_after_an_unknown_outcome(served: Served) -> None:
    """期限之内再也连不上，结果未知；以后查到什么就是什么，「没有」的不许再冒出来。"""
    with _behind_a_bad_line(served) as (user, proxy):
        before = served.orders()
        proxy.hold(UP, 2.5)
        proxy.refuse(10_000)
        with pytest.raises(OutcomeUnknownError) as caught:
            user.buy("600036", 32.5, 100)
        proxy.refuse(0)
        answers: list[Any] = []
        eventually(lambda: _answered(user, caught.value.client_order_id, answers))
        threading.Event().wait(2.5)  # 扣着的这时已经到了
        assert len(served.orders()) - len(before) == (answers[0] is not None)


def _answered(user: Any, order: str, answers: list[Any]) -> bool:
    with suppress(EasytraderError):
        answers.append(user.find_entrust(order))
    return bool(answers)


@contextmanager
def _behind_a_bad_line(served: Served) -> Iterator[tuple[Any, BadProxy]]:
    proxy = BadProxy(served.port)
    user = easytrader.use("remote")
    try:
        user.connect(
            f"http://127.0.0.1:{proxy.port}", token=served.trade, account=ACCOUNT,
            timeout=1.2, wait=20, reconnect_interval=0.05,
        )  # fmt: skip
        assert user.balance
        yield user, proxy
    finally:
        user.close()
        proxy.close()


def test_a_late_twin_after_settle_stays_dead(served: Served) -> None:
    """问过「R 怎么样了」、答了「没有」的 R，再到也不做：裸的线上看。"""
    before, request = served.orders(), number()
    with served.server.ws(served.trade) as ws:
        assert ws.call("server.settle", request)["result"] == {"state": "never"}
        assert "error" in buy(ws, request)
        assert ws.call("server.settle", request)["result"] == {"state": "never"}
    assert served.orders() == before


def test_a_deadline_already_over_does_nothing(served: Served) -> None:
    before = served.orders()
    with served.server.ws(served.trade) as ws:
        for ms in (0, -5):
            assert "error" in buy(ws, number(), ms=ms)
    assert served.orders() == before


# ---- 19 慢吞吞的、不说话的


def test_two_hundred_silent_and_one_good(served: Served) -> None:
    with _silent(served):
        _check_good(served)


@pytest.mark.soak
def test_silent_ones_are_cut(served: Served) -> None:
    """不说话的不能永远占着：服务器自己断，描述符还回来。"""
    with _silent(served) as links:
        assert all(_closed(link) for link in links)
        _check_good(served)
    eventually(lambda: served.server.descriptors < 120)


@contextmanager
def _silent(served: Served) -> Iterator[list[socket.socket]]:
    """两百条：不说话的、半个头的、半个体的。"""
    halves = (b"", b"GET /healthz HTTP/1.1\r\nX-Slow: ", _half_a_body(served))
    with ExitStack() as opened:
        links: list[socket.socket] = []
        for count in range(200):
            with suppress(OSError):
                link = opened.enter_context(socket.create_connection(("127.0.0.1", served.port), 5))
                link.settimeout(30)
                links.append(link)
                link.sendall(halves[count % 3])
        yield links


def _check_good(served: Served) -> None:
    with served.server.ws(served.trade) as ws:
        assert "result" in ws.call("balance")
    assert http(served.port, "GET", served.server.url("balance"), served.read)[0] == 200


def _closed(link: socket.socket) -> bool:
    try:
        while part := link.recv(4096):
            assert b" 200 " not in part
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True


def _half_a_body(served: Served) -> bytes:
    return (
        f"POST {served.server.url('quote')} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Authorization: Bearer {served.read}\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000\r\n\r\n{"
    ).encode()


# ---- 20 巨大的


def _growth(served: Served, act: Any) -> int:
    act()
    first = served.server.rss
    for _ in range(3):
        act()
    return (served.server.rss - first) // _MB


def test_huge_heads_bodies_and_frames_leave_memory_flat(served: Served) -> None:
    def heads() -> None:
        for line in (b"X-Big: " + b"a" * (8 * _MB), b"X: y\r\n" * 500_000):
            _throw(served.port, b"GET /healthz HTTP/1.1\r\n" + line)

    def bodies() -> None:
        path = served.server.url("buy")
        whole = (
            f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
            f"Authorization: Bearer {served.trade}\r\nContent-Type: application/json\r\n"
        ).encode()
        said = _throw(served.port, whole + b"Content-Length: 900000000\r\n\r\n" + b" " * (8 * _MB))
        assert b" 413 " in said[:20] or not said, said[:200]
        chunk = b"100000\r\n" + b" " * _MB + b"\r\n"
        said = _throw(served.port, whole + b"Transfer-Encoding: chunked\r\n\r\n" + chunk * 8)
        assert b" 413 " in said[:20] or not said, said[:200]

    def frames() -> None:
        for big in (frame(b" " * (8 * _MB)), frame(b"", length=1 << 40)):
            with served.server.ws(served.read) as ws, suppress(OSError):
                ws.link.sendall(big)
                with pytest.raises(ConnectionError):
                    ws.receive()

    def deep() -> None:
        with served.server.ws(served.read) as ws:
            ws.link.sendall(frame(b'{"id": 1, "verb": "balance", "args": ' + b"[" * 500_000))
            with suppress(ConnectionError):
                assert "error" in ws.receive()
        body = b'{"security": ' + b"[" * 300_000 + b"]" * 300_000 + b"}"
        assert http(served.port, "POST", served.server.url("buy"), served.trade, body)[0] in (
            400, 413, 422,
        )  # fmt: skip

    for act in (heads, bodies, frames, deep):
        assert _growth(served, act) < 24, act.__name__
    with served.server.ws(served.read) as ws:
        assert "result" in ws.call("balance")


def _throw(port: int, data: bytes) -> bytes:
    """扔过去，读到断。"""
    got = b""
    with socket.create_connection(("127.0.0.1", port), 5) as link:
        link.settimeout(30)
        with suppress(OSError):
            link.sendall(data)
        with suppress(OSError):
            while part := link.recv(65536):
                got += part
    return got


def test_compressed_bodies_are_not_opened(served: Served) -> None:
    status, _, _ = http(
        served.port, "POST", served.server.url("buy"), served.trade, b"\x1f\x8b" + bytes(50),
        {"Content-Encoding": "gzip"},
    )  # fmt: skip
    assert status in (400, 415, 422)


# ---- 21 卡死的客户端


def test_a_frozen_client_holds_up_nobody_else(tmp_path: Path) -> None:
    """冻住一个账号的模拟 MiniQMT，把它的道都占满：另一个账号照样一问就答。"""
    other = "1000000366"
    create(tmp_path / "b" / "userdata_mini", (AccountConfig(other),), connect_wait_s=0.3)
    counter = SimProcess(make_folder(tmp_path / "a" / "userdata_mini"))
    counter.start()
    server = ServeProcess(
        counter.folder, tmp_path / "home", others={"b": (tmp_path / "b" / "userdata_mini", other)}
    )
    token = server.token("both", "trade", "--accounts", "b")
    server.start()
    assert counter.process is not None
    try:
        with server.ws(token) as hung, RawWs(server.port, "b", token) as well:
            assert "result" in hung.call("balance")
            frozen = freeze(counter.process.pid)
            for each in range(100, 130):
                verb, request = ("buy", number()) if each % 2 else ("balance", "")
                args = ["600036", 32.5, 100] if each % 2 else []
                told = {"id": each, "verb": verb, "args": args, "kwargs": {}, "ms": 2500}
                hung.send({**told, "request": request} if request else told)
            for _ in range(40):
                assert "result" in well.call("balance")
            assert buy(well, number())["result"]["entrust_no"] > 0
            # 先来的四十一个都答完了，卡着的还没有到期；到期了个个有交代
            said = {each: _either(hung, each) for each in range(100, 130)}
            assert set(said.values()) <= {
                "QueryFailedError", "OutcomeUnknownError", "NotConnectedError",
            }, said  # fmt: skip
            frozen.resume()
            eventually(lambda: "result" in hung.call("balance"))
    finally:
        server.kill()
        counter.kill()


def _either(ws: RawWs, number: int) -> str:
    for told in ws.events:
        if told.get("id") == number and "error" in told:
            return str(told["error"]["type"])
    return str(ws.reply(number).get("error", {}).get("type"))


# ---- 22 不读的听众


def test_a_stalled_listener_slows_nobody(served: Served) -> None:
    stalled = served.server.ws(served.trade)
    stalled.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        with served.server.ws(served.trade) as good, served.server.ws(served.trade) as trading:
            for ws in (stalled, good):
                ws.send({"id": 1, "verb": "server.events", "args": [], "ms": 5000, "kwargs": {
                    "boot": ws.hello["boot"], "after": ws.hello["last"]}})  # fmt: skip
            good.reply(1)
            rss = served.server.rss
            for _ in range(60):
                placed = buy(trading, number())["result"]["entrust_no"]
                trading.call("cancel_entrust", placed, request=number())
            eventually(lambda: _is_told_of(good, placed, "54"))
            assert (served.server.rss - rss) // _MB < 40
    finally:
        stalled.close()


@pytest.mark.soak
def test_one_who_never_reads_answers_is_cut(served: Served) -> None:
    """只问不读：回答不能没完没了地堆在服务器里。"""
    with served.server.ws(served.trade) as ws:
        for _ in range(300):
            buy(ws, number())
    asking = served.server.ws(served.read)
    asking.link.settimeout(2)
    rss = served.server.rss
    with suppress(OSError):
        for each in range(2000):
            asking.send(
                {"id": each, "verb": "today_entrusts", "args": [], "kwargs": {}, "ms": 60_000}
            )
    assert (served.server.rss - rss) // _MB < 40
    threading.Event().wait(15)
    asking.link.settimeout(10)
    with pytest.raises(ConnectionError):
        _drain(asking)
    asking.close()


def _drain(ws: RawWs) -> None:
    while True:
        ws.receive()


def _is_told_of(ws: RawWs, order: int, status: str) -> bool:
    told = ws.events.pop(0) if ws.events else ws.receive()
    return any(
        each["event"] == "order"
        and each["data"]["order_id"] == order
        and str(each["data"]["order_status"]) == status
        for each in told.get("events", ())
    )


# ---- 26 只读的令牌


def test_the_route_matrix_of_a_read_token(served: Served) -> None:
    """每个动词：看的都可以，别的一个也不许，REST 与 WebSocket 一样。"""
    before = served.orders()
    with served.server.ws(served.read) as ws:
        assert set(ws.hello["verbs"]) == {
            each.name for each in verbs.TABLE
            if each.scope == verbs.READ and each.name in ws.hello["verbs"]
        }  # fmt: skip
        for verb in verbs.TABLE:
            told = ws.call(verb.name, request=number() if verb.effect.changes else "")
            status, _, _ = http(
                served.port, "POST", served.server.url(verb.name), served.read, b"{}"
            )
            if verb.scope == verbs.READ:
                assert status not in (401, 403), verb.name
                assert told.get("error", {}).get("rule") != "token_scope", verb.name
                continue
            assert status in (403, 404, 405, 409, *((422,) if verb.group == "server" else ()))
            assert told["error"]["type"] in ("RiskRefusedError", "UsageError", "EasytraderError")
    assert served.orders() == before


def test_nothing_without_a_token(served: Served) -> None:
    paths = ["/v1/openapi.json", "/v1/accounts", f"/v1/accounts/{ACCOUNT}/ws"]
    paths += [served.server.url(each.name) for each in verbs.TABLE]
    asked: list[tuple[str, str | None]] = [(path, None) for path in paths]
    # 错的令牌答得慢，头几次不慢
    wrong = ("", "et_x_y", served.read[:-1], served.read + "x")
    asked += [(path, token) for path in paths[:1] for token in wrong]

    def ask(one: tuple[str, str | None]) -> tuple[int, bytes]:
        status, _, body = http(served.port, "GET", *one, timeout=60)
        return status, body

    with ThreadPoolExecutor(16) as pool:
        for one, (status, body) in zip(asked, pool.map(ask, asked), strict=True):
            assert status in (401, 429), (one, status)
            assert ACCOUNT.encode() not in body
    with pytest.raises(ConnectionError, match="401"):
        RawWs(served.port, ACCOUNT, None)
    assert http(served.port, "GET", "/healthz")[0] == 200
