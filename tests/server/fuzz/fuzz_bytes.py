"""端口上什么都可能来：由（种子，序号）定下的一串字节，和它该不该有应答。

生成是纯函数，一个序号永远是同一串，重放不必带着样本。
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from raw_ws import BINARY, CLOSE, PING, PONG, TEXT, frame, upgrade

from easytrader.server.qka_wire import METHODS
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["KINDS", "Case", "Target", "case"]

_NAMES: Final = [each.name for each in verbs.TABLE]
_ODD_NAMES: Final = (
    "", " ", "buy ", "BUY", "buy\u0000", "__class__", "buy.__class__", "credit.__init__", "trader",
    "close", "connect", "connect.__globals__", "guard", "events", "client.export_data", "server.",
    "server.settle.x", ".buy", "a" * 5000, "买入", "\ud800", "$", "../x", "_session", "state",
)  # fmt: skip
_ODD_VALUES: Final[tuple[Any, ...]] = (
    None, True, False, 0, -1, 1.5, 1e308, -0.0, 10**30, -(2**63), "", "x", "１００", "\u0000",
    "\ud800", [], {}, [[]], {"": 0}, {"$": "float", "v": "nan"}, {"$": "float", "v": "inf"},
    {"$": "decimal", "v": "NaN"}, {"$": "decimal", "v": "1e999999999"}, {"$": "decimal"},
    {"$": "no", "v": 1}, {"$": "tuple", "v": 3}, {"$": "dict", "v": [[[], 1]]},
    {"$": "dict", "v": [[{"$": "float", "v": "nan"}, 1]]}, {"$": "date", "v": "2026-13-01"},
    {"$": "foreign", "v": {"a": 1}}, {"$": {}, "v": 1}, {"$": "float", "v": [1]}, "a" * 100_000,
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """打哪里：端口、账号、一个令牌（没有为空）。"""

    port: int
    account: str
    token: str = ""


@dataclass(frozen=True)
class Case:
    """一个用例。

    ``parts`` 分几次发；``upgraded`` 第一段是好的升级请求，等应答之后再发其余的；
    ``hang_up`` 发完就挂断，不看应答。
    """

    name: str
    parts: tuple[bytes, ...]
    upgraded: bool = False
    hang_up: bool = False


def case(seed: int, index: int, target: Target) -> Case:
    """第 ``index`` 个。"""
    dice = random.Random(f"{seed}:{index}")
    name = dice.choices(list(KINDS), [1 if each.startswith("http") else 2 for each in KINDS])[0]
    parts = KINDS[name](dice, target)
    upgraded = name.startswith("ws_")
    if upgraded:
        parts = [upgrade(target.port, target.account, target.token), *parts]
    rest = parts[1:] if upgraded else parts
    if dice.random() < 0.2:
        rest = [piece for part in rest for piece in _split(dice, part)]
    whole = [parts[0], *rest] if upgraded else rest
    return Case(name, tuple(whole), upgraded, dice.random() < 0.15)


def _split(dice: random.Random, data: bytes) -> list[bytes]:
    if len(data) < 4:
        return [data]
    at = sorted(dice.sample(range(1, len(data)), min(3, len(data) - 1)))
    return [data[a:b] for a, b in zip([0, *at], [*at, len(data)], strict=True)]


# ---- HTTP


def _request(
    dice: random.Random,
    target: Target,
    *,
    method: str | None = None,
    path: str | None = None,
    headers: list[str] | None = None,
    body: bytes = b"",
    length: str | None = None,
) -> bytes:
    """一个还算像样的请求，各处可以换掉。"""
    verb = dice.choice(_NAMES)
    lines = [
        f"{method or dice.choice(('GET', 'POST', 'POST'))} "
        f"{path or f'/v1/accounts/{target.account}/{verb}'} HTTP/1.1",
        f"Host: 127.0.0.1:{target.port}",
        "Content-Type: application/json",
        *(headers or []),
    ]
    if target.token:
        lines.append(f"Authorization: Bearer {target.token}")
    lines.append(f"Content-Length: {len(body) if length is None else length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("utf-8", "surrogatepass") + body


def _json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _http_noise(dice: random.Random, target: Target) -> list[bytes]:
    return [dice.randbytes(dice.choice((1, 7, 100, 5000)))]


def _http_mutated(dice: random.Random, target: Target) -> list[bytes]:
    data = bytearray(_request(dice, target, body=b'{"security": "600036"}'))
    for _ in range(dice.randint(1, 8)):
        at = dice.randrange(len(data))
        action = dice.randrange(3)
        if action == 0:
            data[at] = dice.randrange(256)
        elif action == 1:
            del data[at]
        else:
            data[at:at] = dice.randbytes(dice.randint(1, 5))
    return [bytes(data)]


def _http_double(dice: random.Random, target: Target) -> list[bytes]:
    twice = dice.choice(
        (
            ["Content-Length: 5"], ["Host: evil.example"], ["Authorization: Bearer et_x_y"],
            ["Transfer-Encoding: chunked"], ["X-Request-Id: a", "X-Request-Id: b"],
            ["X-Deadline-Ms: 5", "X-Deadline-Ms: 9999"], ["Host: 127.0.0.1"],
            ["Connection: x, close"],
            ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"], ["Host:"],
        )
    )  # fmt: skip
    body = dice.choice((b"{}", b"0\r\n\r\n", b"2\r\n{}\r\n0\r\n\r\n"))
    return [_request(dice, target, headers=twice, body=body)]


def _http_flood(dice: random.Random, target: Target) -> list[bytes]:
    flood = dice.choice(
        (
            [f"X-{n}: {n}" for n in range(dice.choice((50, 300, 3000)))],
            ["X-Big: " + "a" * dice.choice((9000, 70_000, 500_000))],
            ["Cookie: " + "a=b; " * dice.choice((100, 3000))],
            ["Authorization: Bearer " + "a" * 20_000],
            ["X: \r\n folded\r\n folded"],
        )
    )
    return [_request(dice, target, headers=flood)]


def _http_deep(dice: random.Random, target: Target) -> list[bytes]:
    depth = dice.choice((20, 1000, 100_000))
    opening, closing = dice.choice(((b"[", b"]"), (b'{"a":', b"}")))
    body = opening * depth + b"1" + closing * depth
    if dice.random() < 0.5:
        body = b'{"security": ' + body + b"}"
    return [_request(dice, target, method="POST", body=body[: 1 << 20])]


_PARAMETERS: Final = (
    "security", "price", "amount", "ttype", "remark", "client_order_id", "entrust_no", "key",
    "codes", "request", "boot", "after", "text", "limits", "verb", "kwargs", "reason", "self",
    "__class__", "timeout", "$", "trader_callback",
)  # fmt: skip


def _http_typed(dice: random.Random, target: Target) -> list[bytes]:
    count = dice.randint(0, 5)
    given = {dice.choice(_PARAMETERS): dice.choice(_ODD_VALUES) for _ in range(count)}
    body = dice.choice((_json(given), _json(dice.choice(_ODD_VALUES)), b'{"a":1,"a":2}', b"{}x"))
    odd = dice.choice(("0", "-1", "nan", "1e9", "٣", "", "9" * 30, "5 5", "5"))
    rid = dice.choice(("a" * 64, "a" * 65, "", "\u00e9", "a b", "'; --", "0" * 32))
    headers = dice.choice(([], [f"X-Deadline-Ms: {odd}"], [f"X-Request-Id: {rid}"]))
    return [_request(dice, target, method="POST", headers=headers, body=body)]


def _http_utf8(dice: random.Random, target: Target) -> list[bytes]:
    bad = dice.choice((b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x00"))
    whole = _request(dice, target, method="POST", body=b'{"security": "' + bad + b'"}')
    if dice.random() < 0.5:
        whole = whole.replace(b"/v1/accounts/", b"/v1/accounts/" + bad, 1)
    return [whole]


def _http_length(dice: random.Random, target: Target) -> list[bytes]:
    length = dice.choice(
        ("1000000000000", "-1", "+2", "0x10", "2 2", "2,2", "", "abc", "２", "1048577", "9" * 40)
    )
    return [_request(dice, target, method="POST", body=b"{}", length=length)]


def _http_chunked(dice: random.Random, target: Target) -> list[bytes]:
    body = dice.choice(
        (
            b"fffffffffffffff\r\n", b"-2\r\n{}\r\n0\r\n\r\n",
            b"2;x=" + b"y" * 70_000 + b"\r\n{}\r\n",
            b"2\r\n{}X\r\n0\r\n\r\n", b"g\r\n", b"0\r\n" + b"T: x\r\n" * 5000 + b"\r\n",
            b"100000\r\n" + b" " * (1 << 20) + b"\r\n100000\r\n" + b" " * (1 << 18),
        )
    )  # fmt: skip
    whole = _request(dice, target, method="POST", headers=["Transfer-Encoding: chunked"])
    if dice.random() < 0.7:
        whole = whole.replace(b"Content-Length: 0\r\n", b"")
    return [whole + body]


def _http_path(dice: random.Random, target: Target) -> list[bytes]:
    path = dice.choice(
        (
            "/", "//", "/../etc/passwd", "/page/../../tokens.json", "/page/%2e%2e/%2e%2e/x",
            "/page/..%5c..%5cx", "/v1/accounts/%00/balance", "/v1/accounts//balance", "*",
            "http://evil.example/v1/accounts", "/v1/accounts/" + "a" * 60_000, "/%", "/%zz", "/v1/",
            "/v1/accounts/..%2f..%2f/balance", "/v1/accounts/*/balance", "/?" + "a=b&" * 5000, "x",
            f"/v1/accounts/{target.account}/__class__", f"/v1/accounts/{target.account}/buy/x",
            f"/v1/accounts/{target.account}/server.settle", "/api/order_stock", "/api/__init__",
            f"/v1/accounts/{target.account}/ws", f"/v1/accounts/{target.account}/balance?token=x",
            "/session", "/page/", "/page/con", "/page/app.js%00.png", "/page-data/curve/x", "/docs",
            "/page/C:/windows/win.ini", "/healthz/", "/HEALTHZ", "/v2/accounts",
        )
    )  # fmt: skip
    return [_request(dice, target, path=path, body=b"{}")]


def _http_method(dice: random.Random, target: Target) -> list[bytes]:
    method = dice.choice(
        ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "HEAD", "get", "G" * 5000, "PRI")
    )
    return [_request(dice, target, method=method, path=dice.choice((None, "/healthz", "/")))]


def _http_version(dice: random.Random, target: Target) -> list[bytes]:
    whole = _request(dice, target, path="/healthz", method="GET")
    version = dice.choice((b"HTTP/0.9", b"HTTP/2.0", b"HTTP/9.9", b"", b"HTTP/1.0", b"ICY"))
    return [
        dice.choice(
            (
                whole.replace(b"HTTP/1.1", version),
                b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(50),
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + dice.randbytes(300),
                whole.replace(b"\r\n", b"\n"), whole.replace(b"\r\n", b"\r"),
            )
        )
    ]  # fmt: skip


def _http_pipelined(dice: random.Random, target: Target) -> list[bytes]:
    count = dice.choice((2, 10, 100))
    one = _request(dice, target, method="GET", path="/healthz")
    return [one * count + _request(dice, target, body=b"{}")]


def _http_expect(dice: random.Random, target: Target) -> list[bytes]:
    headers = dice.choice((["Expect: 100-continue"], ["Expect: x"], ["Content-Encoding: gzip"]))
    return [_request(dice, target, method="POST", headers=headers, body=b"\x1f\x8b" + bytes(40))]


_VENDOR: Final = (
    "stock_code", "order_type", "order_volume", "price_type", "price", "strategy_name",
    "order_remark", "order_id", "market", "order_sysid", "account", "account_type", "self",
    "callback", "fund_amount", "transfer_direction", "cancelable_only", "bank_no", "bank_account",
    "balance",
)  # fmt: skip
_ORDER: Final[dict[str, Any]] = {
    "stock_code": "600036.SH", "order_type": 23, "order_volume": 100, "price_type": 11, "price": 33,
    "strategy_name": "", "order_remark": "",
}  # fmt: skip


def _http_qka(dice: random.Random, target: Target) -> list[bytes]:
    """QKA 的入口：方法、参数、令牌的头都可以不对。"""
    odd = ("__init__", "connect", "stop", "order_stock/x", "register_callback", "run_forever", "")
    method = dice.choice((*sorted(METHODS), *odd, "order_stock", "order_stock"))
    given: dict[str, Any] = dict(_ORDER) if dice.random() < 0.5 else {}
    for _ in range(dice.randint(0, 3)):
        given[dice.choice(_VENDOR)] = dice.choice((*_ODD_VALUES, 23, 24, 5, 100, "600036.SH"))
    token = dice.choice((target.token, target.token, "", "x", "et_x_y"))
    lines = [
        f"{dice.choice(('POST', 'POST', 'POST', 'GET'))} /api/{method} HTTP/1.1",
        f"Host: 127.0.0.1:{target.port}",
        *([f"X-Token: {token}"] if dice.random() < 0.9 else []),
    ]
    body = _json(given)
    lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return [("\r\n".join(lines) + "\r\n\r\n").encode() + body]


def _http_half(dice: random.Random, target: Target) -> list[bytes]:
    whole = _request(dice, target, method="POST", body=b'{"security": "600036"}')
    return [whole[: dice.randrange(1, len(whole))]]


def _http_upgrade(dice: random.Random, target: Target) -> list[bytes]:
    whole = upgrade(target.port, target.account, target.token or None)
    before, after = dice.choice(
        (
            (b"Sec-WebSocket-Version: 13", b"Sec-WebSocket-Version: 8"), (b"websocket", b"h2c"),
            (b"Sec-WebSocket-Key: ", b"Sec-WebSocket-Key: \xff"), (b"Sec-WebSocket-Key:", b"X:"),
            (b"Connection: Upgrade", b"Connection: close"), (b"GET", b"POST"),
            (b"/ws", b"/nope/ws"),
            (b"Host:", b"Origin: http://evil.example\r\nHost:"), (b"Host: 127", b"Host: evil127"),
            (b"Host:", b"Sec-WebSocket-Extensions: permessage-deflate; x=1\r\nHost:"),
            (b"Host:", b"Sec-WebSocket-Protocol: easytrader.session.x, y\r\nHost:"),
        )
    )  # fmt: skip
    return [whole.replace(before, after, 1), frame(b'{"id": 1, "verb": "balance"}')]


# ---- WebSocket


def _call(dice: random.Random, **other: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"id": dice.randint(1, 9), "verb": dice.choice(_NAMES), "args": []}
    return {**told, "kwargs": {}, "ms": 300, "request": f"{dice.getrandbits(128):032x}", **other}


def _ws_noise(dice: random.Random, target: Target) -> list[bytes]:
    return [dice.randbytes(dice.choice((1, 2, 14, 300)))]


def _ws_unmasked(dice: random.Random, target: Target) -> list[bytes]:
    return [frame(_json(_call(dice)), masked=False)]


def _ws_length(dice: random.Random, target: Target) -> list[bytes]:
    said = dice.choice(((1 << 20) + 1, 1 << 31, (1 << 63) - 1, (1 << 64) - 1, 126, 65536))
    return [frame(b"{}", length=said)]


def _ws_big(dice: random.Random, target: Target) -> list[bytes]:
    return [frame(b'{"id": 1, "x": "' + b"a" * dice.choice((900_000, 1 << 20, 1 << 21)) + b'"}')]


def _ws_utf8(dice: random.Random, target: Target) -> list[bytes]:
    bad = dice.choice((b"\xff", b"\xc3\x28", b"\xed\xa0\x80", b'{"id": 1, "verb": "\xf0\x28"}'))
    return [frame(bad)]


def _ws_opcode(dice: random.Random, target: Target) -> list[bytes]:
    payload = _json(_call(dice))
    return [frame(payload, dice.randrange(16), rsv=dice.choice((0, 0, 1, 4, 7)))]


def _ws_control(dice: random.Random, target: Target) -> list[bytes]:
    return dice.choice(
        (
            [frame(b"x" * 126, PING)], [frame(b"", PING, fin=False)], [frame(b"p", PONG)],
            [frame(b"p", PING)] * 200, [frame(b"\x00", CLOSE)], [frame(b"\x03\xe8\xff", CLOSE)],
            [frame(b"\x00\x01", CLOSE)], [frame(b"\xff\xff", CLOSE)],
            [frame(b"\x03\xe8", CLOSE)] * 3,
            [frame(b"", CLOSE), frame(_json(_call(dice)))],
        )
    )  # fmt: skip


def _ws_fragments(dice: random.Random, target: Target) -> list[bytes]:
    data = _json(_call(dice, verb="balance"))
    half = len(data) // 2
    begin, end = frame(data[:half], fin=False), frame(data[half:], 0)
    return dice.choice(
        (
            [begin, end], [begin, frame(b"p", PING), end], [end], [begin, begin], [begin],
            [frame(data, BINARY)], [begin, *[frame(b"", 0, fin=False)] * 500, end],
            [frame(b"a", fin=False), *[frame(b"a" * 60_000, 0, fin=False)] * 20],
            [frame(data)[at : at + 1] for at in range(40)],
        )
    )  # fmt: skip


def _ws_json(dice: random.Random, target: Target) -> list[bytes]:
    depth = dice.choice((17, 40, 1000, 100_000))
    text = dice.choice(
        (
            b"", b"null", b"[]", b"1", b'"x"', b"{", b'{"id": 1', b"{}", b'{"id": NaN}',
            b"[" * depth,
            b'{"id": 1, "verb": "balance", "args": ' + b"[" * depth + b"]" * depth + b"}",
            b'{"id": 1, "kwargs": ' + b'{"a":' * depth + b"1" + b"}" * depth + b"}",
            b'{"id": 1, "id": 2, "verb": "balance", "verb": "buy"}', b'{"id": 1e400}',
            b'{"hello": {}}', b'{"id": 1, "result": 1}', b'{"boot": "x", "events": []}',
            b'{"id": ' + b"9" * 5000 + b', "verb": "balance"}', b'\xef\xbb\xbf{"id": 1}',
        )
    )  # fmt: skip
    return [frame(text)]


def _ws_envelope(dice: random.Random, target: Target) -> list[bytes]:
    """每个键换成不对的类型。"""
    told = _call(dice, **{dice.choice(("id", "verb", "args", "kwargs", "request", "ms", "extra")):
                          dice.choice(_ODD_VALUES)})  # fmt: skip
    if dice.random() < 0.3:
        del told[dice.choice(list(told))]
    if dice.random() < 0.3:
        told["verb"] = dice.choice(_ODD_NAMES)
    return [frame(_json(told))]


def _ws_arguments(dice: random.Random, target: Target) -> list[bytes]:
    args = [dice.choice((*_ODD_VALUES, "600036", 100, 32.5)) for _ in range(dice.randint(0, 6))]
    count = dice.randint(0, 4)
    kwargs = {dice.choice(_PARAMETERS): dice.choice(_ODD_VALUES) for _ in range(count)}
    return [frame(_json(_call(dice, args=args, kwargs=kwargs)))]


def _ws_orders(dice: random.Random, target: Target) -> list[bytes]:
    """像样的委托：没有权限的一笔也不许成，有上限的不许超。"""
    verb = dice.choice(("buy", "sell", "market_buy", "buy_async", "cancel_all", "cancel_entrust",
                        "bank.transfer_in", "transfer.fund", "ipo.subscribe_all"))  # fmt: skip
    price = dice.choice((32.5, 33, "33", 1e9))
    amount = dice.choice((100, 200, 10**6, 10**9))
    kwargs = {"security": dice.choice(("600036", "sh600000", "000001")), "amount": amount}
    if not verb.startswith("market"):
        kwargs["price"] = price
    one = frame(_json(_call(dice, verb=verb, kwargs=kwargs)))
    return [one] * dice.choice((1, 1, 2, 5))


def _ws_flood(dice: random.Random, target: Target) -> list[bytes]:
    count = dice.choice((20, 200))
    verb = dice.choice(("balance", "quote", "server.status", "server.events", "today_entrusts"))
    return [b"".join(frame(_json(_call(dice, id=n, verb=verb))) for n in range(count))]


def _ws_events(dice: random.Random, target: Target) -> list[bytes]:
    kwargs = {"boot": dice.choice(_ODD_VALUES), "after": dice.choice((*_ODD_VALUES, 10**9))}
    one = _call(dice, verb="server.events", kwargs=kwargs)
    return [frame(_json(one))] * dice.choice((1, 2, 50))


def _ws_text_then_http(dice: random.Random, target: Target) -> list[bytes]:
    return [frame(_json(_call(dice)), TEXT), _request(dice, target, method="GET", path="/healthz")]


KINDS: Final[dict[str, Callable[[random.Random, Target], list[bytes]]]] = {
    name.removeprefix("_"): made
    for name, made in list(globals().items())
    if name.startswith(("_http_", "_ws_"))
}
