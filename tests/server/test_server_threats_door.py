"""门口的威胁：谁进得来。真的端口，自己写的请求，一个字节一个字节地发。

威胁模型那一页按名字引用这里的测试，改名要一起改。
"""

from __future__ import annotations

import json
import select
import socket
from typing import TYPE_CHECKING

import pytest
from raw_ws import RawWs, upgrade
from support import ACCOUNT
from threat_house import BUY, JSON, House, bearer

from easytrader.cli import main
from easytrader.server import tokens as tokens_module
from easytrader.server.audit import verify
from easytrader.server.host import bound
from easytrader.server.origins import is_loopback_name, plain_address
from easytrader.server.tls import machine_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    found = House(tmp_path / "server")
    yield found
    found.close()


# ---- 1 局域网连得到端口


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.77"])
def test_threat_01_no_open_address_without_tls_or_proxy(
    sim_folder: Path, host: str, capsys: pytest.CaptureFixture[str]
) -> None:
    account = ["--broker", "sim", "--path", str(sim_folder), "--account", ACCOUNT]
    assert main(["serve", *account, "--host", host, "--port", "0"]) == 2
    told = capsys.readouterr().err
    assert "serve init" in told
    assert "--proxy" in told


def test_threat_01_plain_http_from_another_machine_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """就算听在了外面：不经 TLS、不经声明过的代理来的，令牌对也不答。"""
    address = next((each for each in machine_names() if _is_lan(each)), "")
    if not address:
        pytest.skip("这台机器没有局域网的地址")
    monkeypatch.setattr("page_world.bound", lambda host, port: bound("0.0.0.0", port))
    house = House(tmp_path / "server")
    try:
        monkeypatch.setattr("threat_house.LOOPBACK", address)
        host = f"Host: {address}:{house.port}"
        assert house.buy(host, JSON, bearer(house.trade)) == 403
        assert house.ask("GET", "/", host) == 403
        assert house.orders == 0
    finally:
        house.close()


def _is_lan(name: str) -> bool:
    return plain_address(name) == name and "." in name and not is_loopback_name(name)


# ---- 2 猜令牌、量时间


WITHOUT = ("/v1/accounts", "/v1/openapi.json", "/v1/accounts/a/balance", "/v1/accounts/a/ws",
           "/v1/accounts/a/nothing", "/v1", "/v2", "/docs", "/api/order_stock", "/healthz/",
           "/session", "/session/curve/a", "/metrics", "/v1/accounts/a/server.status",
           "/page/../tokens.json", "/page/%2e%2e/tokens.json", "//v1/accounts")  # fmt: skip


def test_threat_02_without_a_token_only_healthz_and_the_pages_own_files(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easytrader.server.throttle._MOST_S", 0.01)
    host = f"Host: {house.here}"
    assert house.told("GET", "/healthz", host)[::2] == (200, {"ok": True})
    assert house.ask("GET", "/", host) == 200  # 网页的静态文件，里面没有账号的任何东西
    for path in WITHOUT:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "TRACE"):
            assert house.ask(method, path, host) in (401, 403, 404, 405, 415), (method, path)
    _, identity, secret = house.trade.split("_")
    flipped = secret[:-1] + ("0" if secret[-1] != "0" else "1")
    for wrong in (
        "", "Bearer", "Bearer ", f"Bearer {house.trade[:-1]}", f"Basic {house.trade}",
        f"Bearer et_{identity}_{flipped}", f"Bearer et_{identity}_", house.trade,
        f"Bearer {house.trade} {house.trade}", f"Bearer {house.trade},", "Bearer null",
        f"Bearer {house.trade.upper()}",
    ):  # fmt: skip
        assert house.buy(host, JSON, f"Authorization: {wrong}") == 401, wrong
    twice = (bearer(house.trade), bearer(house.trade))
    assert house.buy(host, JSON, *twice) == 401
    assert house.ask("GET", f"/v1/accounts?token={house.trade}", host) == 401
    assert house.orders == 0
    assert house.buy(host, JSON, bearer(house.trade)) == 200


def test_threat_02_every_wrong_token_is_compared_once_in_constant_time(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[str, str]] = []
    real = tokens_module.hmac.compare_digest

    def watched(one: str, other: str) -> bool:
        seen.append((one, other))
        return bool(real(one, other))

    monkeypatch.setattr(tokens_module.hmac, "compare_digest", watched)
    _, identity, _ = house.trade.split("_")
    for wrong in ("x", "et_00000000_" + "0" * 64, f"et_{identity}_" + "0" * 64):
        assert house.site.tokens.check(wrong) is None
    assert [len(one) == len(other) == 64 for one, other in seen] == [True] * 3


# ---- 3 令牌的文件被偷


def test_threat_03_the_stolen_file_lets_nobody_in(house: House) -> None:
    text = house.site.tokens.path.read_text(encoding="utf-8")
    secret = house.trade.split("_")[2]
    assert secret not in text
    for row in json.loads(text)["tokens"]:
        for taken in (row["digest"], row["salt"], f"et_{row['id']}_{row['digest']}"):
            assert house.buy(f"Host: {house.here}", JSON, bearer(taken)) == 401
    assert house.orders == 0


# ---- 4 拿锁定当武器


def test_threat_04_a_thousand_wrong_ones_do_not_delay_a_right_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("easytrader.server.throttle._MOST_S", 120.0)
    host, wrong = f"Host: {house.here}", bearer("et_00000000_" + "0" * 64)
    for _ in range(1000):
        house.open("GET", "/v1/accounts", host, wrong).close()
    waiting = house.open("GET", "/v1/accounts", host, wrong)
    assert house.buy(host, JSON, bearer(house.trade)) == 200
    # 对的已经答了，错的还在等
    assert select.select([waiting], [], [], 0)[0] == []
    waiting.close()
    assert house.orders == 1
    denied = [each for each in house.audited() if each["event"] == "denied"]
    assert 1 <= len(denied) <= 20  # 日志与审计没有被刷满


# ---- 5 伪造的转发头


FORGED = ("X-Forwarded-For: 6.6.6.6", "X-Forwarded-Host: evil.com", "X-Forwarded-Proto: https",
          "Forwarded: for=6.6.6.6;host=evil.com", "X-Real-IP: 6.6.6.6")  # fmt: skip


def test_threat_05_forged_forwarded_headers_change_nothing(house: House) -> None:
    host = f"Host: {house.here}"
    assert house.buy(host, JSON, bearer(house.trade), *FORGED) == 200
    assert house.ask("GET", "/v1/accounts", host, bearer("wrong"), *FORGED) == 401
    assert house.buy("Host: evil.com", JSON, bearer(house.trade), *FORGED) == 403
    secure = f"Origin: https://{house.here}"
    assert house.buy(host, secure, JSON, bearer(house.trade), *FORGED) == 403
    _, headers, _ = house.told(
        "POST", "/session", host, f"Origin: http://{house.here}", JSON, *FORGED,
        body=json.dumps({"token": house.trade}).encode(),
    )  # fmt: skip
    assert "Secure" not in headers["set-cookie"]
    addresses = {each["address"] for each in house.audited() if "address" in each}
    assert addresses == {"127.0.0.1"}
    assert house.orders == 1


# ---- 6 DNS 重绑定


REBOUND = ("evil.com", "127.evil", "127.0.0.1.evil.com", "localhost.evil.com", "localhost.",
           "127.0.0.1.", "127.1", "0x7f000001", "2130706433", "0.0.0.0", "[::]", "192.168.1.8",
           "evil.com, 127.0.0.1", "user@127.0.0.1")  # fmt: skip


def test_threat_06_only_our_own_names_as_host(house: House) -> None:
    given = (JSON, bearer(house.trade))
    for name in REBOUND:
        for host in (name, f"{name}:{house.port}"):
            assert house.buy(f"Host: {host}", *given) == 403, host
    for missing in ((), ("Host:",), (f"Host: {house.here}", f"Host: {house.here}"),
                    (f"Host: {house.here}", "Host: evil.com")):  # fmt: skip
        assert house.buy(*missing, *given) in (400, 403), missing
    assert house.orders == 0
    good = (house.here, "127.0.0.1", "localhost:9000", "LocalHost", "[::1]:9000", "127.8.8.8")
    for number, host in enumerate(good, 1):  # ssh -L：端口可以不同
        assert house.buy(f"Host: {host}", *given) == 200, host
        assert house.orders == number


# ---- 7 别的网页发请求


def foreign(house: House) -> list[str]:
    return ["http://evil.com", "null", f"https://{house.here}", "http://127.0.0.1:3000",
            f"http://localhost:{house.port}", f"http://{house.here}.evil.com",
            f"http://{house.here}@evil.com", "http://127.0.0.1"]  # fmt: skip


def test_threat_07_another_page_cannot_post(house: House) -> None:
    cookie, value = house.sign_in()
    host = f"Host: {house.here}"
    own, whole = f"Origin: http://{house.here}", (f"Cookie: {cookie}", f"X-Session: {value}")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        for who in (whole, (bearer(house.trade),)):
            assert house.buy(host, own, *who, f"Content-Type: {kind}") == 415, kind
    for origin in foreign(house):
        for who in (whole, (bearer(house.trade),), (f"Cookie: {cookie}",)):
            assert house.buy(host, f"Origin: {origin}", *who, JSON) == 403, origin
    for site in ("cross-site", "same-site"):
        sent = f"Sec-Fetch-Site: {site}"
        assert house.buy(host, own, *whole, JSON, sent) == 403
        assert house.ask("GET", "/v1/accounts/a/balance", host, *whole, sent) == 403
    assert house.buy(host, *whole, JSON) == 403  # 网页的会话没有 Origin：不是浏览器的网页
    for origin in foreign(house):  # 预检也没有人答应
        asked = house.told(
            "OPTIONS", BUY, host, f"Origin: {origin}", "Access-Control-Request-Method: POST"
        )
        assert asked[0] == 403
        assert not any(name.startswith("access-control") for name in asked[1])
    assert house.orders == 0
    assert house.buy(host, own, *whole, JSON, "Sec-Fetch-Site: same-origin") == 200


# ---- 8 别的网页开 WebSocket


def test_threat_08_another_page_cannot_open_a_websocket(house: House) -> None:
    cookie, value = house.sign_in()
    pages = f"Cookie: {cookie}\r\nSec-WebSocket-Protocol: easytrader, easytrader.session.{value}"

    def opened(origin: str, token: str | None, more: str = "") -> bytes:
        extra = "".join(f"{line}\r\n" for line in (f"Origin: {origin}", more) if line[-1:].strip())
        with socket.create_connection(("127.0.0.1", house.port), 30) as link:
            link.sendall(upgrade(house.port, "a", token, extra))
            return link.recv(4096).split(b"\r\n")[0]

    for origin in foreign(house):
        assert b" 403" in opened(origin, house.trade), origin
        assert b" 403" in opened(origin, None, pages), origin
    own = f"http://{house.here}"
    assert b" 101" in opened(own, None, pages)
    assert b" 101" in opened(own, house.trade)
    assert b" 401" in opened(own, None, f"Cookie: {cookie}")
    assert b" 401" in opened(own, None)


# ---- 9 本机别的端口收到 cookie


def test_threat_09_the_cookie_alone_can_do_nothing(house: House) -> None:
    cookie, value = house.sign_in()
    host, own = f"Host: {house.here}", f"Origin: http://{house.here}"
    assert str(house.site.pages.sessions.cookie) in cookie
    assert cookie.partition("=")[0].isascii()
    taken = f"Cookie: {cookie}"
    for more in ((), ("X-Session: x",), ("X-Session:",), (f"X-Session: {value[:-1]}",),
                 (f"X-Session: {value}", f"X-Session: {value}")):  # fmt: skip
        assert house.buy(host, own, taken, JSON, *more) == 401, more
        assert house.ask("GET", "/v1/accounts/a/balance", host, taken, *more) == 401
        assert house.ask("GET", "/session", host, taken, *more) == 401
    assert house.buy(host, own, f"X-Session: {value}", JSON) == 401
    assert house.orders == 0
    other, _ = house.sign_in(house.read)
    assert house.buy(host, own, f"Cookie: {other}", f"X-Session: {value}", JSON) == 401
    assert house.buy(host, own, taken, f"X-Session: {value}", JSON) == 200
    assert house.orders == 1


# ---- 18 吊销了的令牌，连接还开着


def test_threat_18_a_revoked_token_is_out_at_once_everywhere(house: House) -> None:
    cookie, value = house.sign_in()
    host, own = f"Host: {house.here}", f"Origin: http://{house.here}"
    whole = (f"Cookie: {cookie}", f"X-Session: {value}")
    with RawWs(house.port, "a", house.trade) as ws:
        assert "result" in ws.call("buy", "BTC/USDT", 9.5, 1, request="first")
        house.site.tokens.revoke("alice")
        assert _refused_or_cut(ws)
    assert house.buy(host, JSON, bearer(house.trade)) == 401
    assert house.buy(host, own, *whole, JSON) == 401
    assert house.ask("GET", "/session", host, *whole) == 401
    assert house.orders == 1


def _refused_or_cut(ws: RawWs) -> bool:
    try:
        return "result" not in ws.call("buy", "BTC/USDT", 9.5, 1, request="second")
    except (OSError, AssertionError):
        return True


# ---- 门口拒绝的也都有据可查


def test_what_was_refused_at_the_door_is_in_the_audit_log(house: House) -> None:
    host = f"Host: {house.here}"
    assert house.buy(host, JSON, bearer("wrong")) == 401
    assert house.buy(host, JSON, bearer(house.read)) == 403
    assert house.buy(host, JSON, bearer(house.trade)) == 200
    events = [(each["event"], each.get("token")) for each in house.audited()]
    assert ("denied", None) in events
    assert ("outcome", "alice") in events
    assert any(token == "bob" for _, token in events)
    assert verify(house.folder / "audit").ok
