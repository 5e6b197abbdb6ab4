"""Host、Origin、转发的头：一张大表，哪些进得来、哪些进不来。"""

from __future__ import annotations

from typing import Any

import pytest

from easytrader.errors import UsageError
from easytrader.server.origins import Front, is_loopback_name, plain_address

LOCAL = Front.of()
PUBLIC = Front.of(["Trade.Example.com", "192.168.1.8", "[2001:DB8::8]"])
PROXIED = Front.of(["trade.example.com"], ["127.0.0.1", "::1"])


def ask(front: Front = LOCAL, **given: Any) -> Any:
    """一个请求；头写成 ``host=…``、``x_forwarded_for=…``，列表是好几个。"""
    options = {"peer": "127.0.0.1", "local": "127.0.0.1", "secure": False}
    for name in ("peer", "local", "secure", "method", "websocket"):
        if name in given:
            options[name] = given.pop(name)
    headers = [
        (name.replace("_", "-").encode(), value.encode("latin-1"))
        for name, values in given.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    return front.examine([(b"accept", b"*/*"), *headers], **options)


HOSTS: list[tuple[Front, str, bool]] = [
    (LOCAL, "127.0.0.1:7788", True),
    (LOCAL, "127.0.0.1", True),
    (LOCAL, "localhost:7788", True),
    (LOCAL, "LOCALHOST:7788", True),
    (LOCAL, "localhost:9000", True),  # ssh -L 9000:127.0.0.1:7788
    (LOCAL, "[::1]:7788", True),
    (LOCAL, "[0:0:0:0:0:0:0:1]", True),
    (LOCAL, "127.8.9.10:7788", True),
    (LOCAL, "evil.com", False),
    (LOCAL, "evil.com:7788", False),
    (LOCAL, "127.evil.com", False),
    (LOCAL, "127.0.0.1.evil.com:7788", False),
    (LOCAL, "localhost.evil.com", False),
    (LOCAL, "evil-localhost", False),
    (LOCAL, "localhost.", False),
    (LOCAL, "127.0.0.1.", False),
    (LOCAL, "127.1", False),
    (LOCAL, "2130706433", False),
    (LOCAL, "0x7f000001", False),
    (LOCAL, "0177.0.0.1", False),
    (LOCAL, "127.0.0.01", False),
    (LOCAL, "0.0.0.0:7788", False),
    (LOCAL, "[::]:7788", False),
    (LOCAL, "[::1", False),
    (LOCAL, "::1", False),
    (LOCAL, "[::1%25lo]", False),
    (LOCAL, "[127.0.0.1]", False),
    (LOCAL, "[evil]", False),
    (LOCAL, "", False),
    (LOCAL, " 127.0.0.1", False),
    (LOCAL, "127.0.0.1 ", False),
    (LOCAL, "127.0.0.1:", False),
    (LOCAL, "127.0.0.1:0", False),
    (LOCAL, "127.0.0.1:07788", False),
    (LOCAL, "127.0.0.1:99999", False),
    (LOCAL, "127.0.0.1:7788:7788", False),
    (LOCAL, "127.0.0.1:77x", False),
    (LOCAL, "user@127.0.0.1", False),
    (LOCAL, "127.0.0.1/x", False),
    (LOCAL, "127.0.0.1,evil.com", False),
    (LOCAL, "evil.com,127.0.0.1", False),
    (LOCAL, "http://127.0.0.1", False),
    (LOCAL, "127。0。0。1".encode().decode("latin-1"), False),
    (LOCAL, "localhost\x00", False),
    (LOCAL, "localhost\n", False),
    (LOCAL, "192.168.1.8:7788", False),
    (LOCAL, "trade.example.com", False),
    (PUBLIC, "trade.example.com", True),
    (PUBLIC, "TRADE.example.com:7788", True),
    (PUBLIC, "192.168.1.8:7788", True),
    (PUBLIC, "[2001:db8::8]:7788", True),
    (PUBLIC, "[2001:db8:0:0::8]", True),
    (PUBLIC, "[2001:db8::9]", False),
    (PUBLIC, "127.0.0.1:7788", True),
    (PUBLIC, "trade.example.com.", False),
    (PUBLIC, "trade.example.com.evil.com", False),
    (PUBLIC, "xtrade.example.com", False),
    (PUBLIC, "example.com", False),
    (PUBLIC, "192.168.1.80", False),
]


@pytest.mark.parametrize(("front", "host", "good"), HOSTS)
def test_host(front: Front, host: str, good: bool) -> None:
    if good:
        assert ask(front, host=host).address == "127.0.0.1"
        return
    with pytest.raises(UsageError) as caught:
        ask(front, host=host)
    assert caught.value.argument == "Host"


@pytest.mark.parametrize("hosts", [[], ["127.0.0.1", "127.0.0.1"], ["127.0.0.1", "evil.com"]])
def test_exactly_one_host(hosts: list[str]) -> None:
    with pytest.raises(UsageError, match="只能有一个"):
        ask(host=hosts)


def test_the_address_one_connected_to_is_its_own_name() -> None:
    """直接写地址的网址，域名改不了它的指向。"""
    assert ask(local="10.0.0.5", peer="10.0.0.9", host="10.0.0.5:7788").host == "10.0.0.5"
    assert ask(local="::ffff:10.0.0.5", peer="::ffff:10.0.0.9", host="10.0.0.5").address == (
        "10.0.0.9"
    )
    assert ask(local="fe80::1%eth0", peer="fe80::2%eth0", host="[fe80::1]").address == "fe80::2"
    with pytest.raises(UsageError):
        ask(local="10.0.0.5", peer="10.0.0.9", host="10.0.0.6:7788")


ORIGINS: list[tuple[str, str, bool, bool]] = [
    # Host, Origin, https, 行不行
    ("127.0.0.1:7788", "http://127.0.0.1:7788", False, True),
    ("localhost:9000", "http://localhost:9000", False, True),
    ("127.0.0.1", "http://127.0.0.1", False, True),
    ("127.0.0.1", "http://127.0.0.1:80", False, True),
    ("127.0.0.1:443", "https://127.0.0.1", True, True),
    ("[::1]:7788", "http://[::1]:7788", False, True),
    ("127.0.0.1:7788", "http://127.0.0.1:3000", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1", False, False),
    ("127.0.0.1:7788", "https://127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788", True, False),
    ("127.0.0.1:7788", "http://localhost:7788", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788.evil.com", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788@evil.com", False, False),
    ("127.0.0.1:7788", "http://evil.com#127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "http://evil.com/127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "http://evil.com\\@127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788/", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1.:7788", False, False),
    ("127.0.0.1:7788", "http://127.evil:7788", False, False),
    ("127.0.0.1:7788", "ws://127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "file://", False, False),
    ("127.0.0.1:7788", "chrome-extension://abc", False, False),
    ("127.0.0.1:7788", "null", False, False),
    ("127.0.0.1:7788", "", False, False),
    ("127.0.0.1:7788", "*", False, False),
    ("127.0.0.1:7788", "127.0.0.1:7788", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788, http://evil.com", False, False),
    ("127.0.0.1:7788", "http://127.0.0.1:7788\x00", False, False),
]


@pytest.mark.parametrize("websocket", [False, True])
@pytest.mark.parametrize(("host", "origin", "secure", "good"), ORIGINS)
def test_origin(host: str, origin: str, secure: bool, good: bool, websocket: bool) -> None:
    given = {"host": host, "origin": origin, "secure": secure, "websocket": websocket}
    if good:
        assert ask(**given).origin == origin
        return
    with pytest.raises(UsageError) as caught:
        ask(**given)
    assert caught.value.argument == "Origin"


def test_two_origins_are_none() -> None:
    with pytest.raises(UsageError, match="只能有一个"):
        ask(host="127.0.0.1", origin=["http://127.0.0.1", "http://127.0.0.1"])


def test_scripts_have_no_origin() -> None:
    assert ask(host="127.0.0.1:7788").origin == ""


# ---- 转发的头


FORGED = {
    "x_forwarded_for": "6.6.6.6",
    "x_forwarded_host": "evil.com",
    "x_forwarded_proto": "https",
}


@pytest.mark.parametrize("front", [LOCAL, PUBLIC])
def test_forwarded_headers_change_nothing_unless_declared(front: Front) -> None:
    plain = ask(front, host="127.0.0.1:7788")
    assert ask(front, host="127.0.0.1:7788", **FORGED) == plain
    elsewhere = {"peer": "10.0.0.9", "host": "trade.example.com"}
    assert ask(PROXIED, **elsewhere, **FORGED) == ask(PROXIED, **elsewhere)


def test_a_declared_proxy_is_believed_for_the_last_hop() -> None:
    told = ask(
        PROXIED,
        host="127.0.0.1:7788",
        x_forwarded_for="6.6.6.6, 1.2.3.4",
        x_forwarded_host="trade.example.com",
        x_forwarded_proto="https",
        origin="https://trade.example.com",
    )
    assert told == ("1.2.3.4", True, "trade.example.com", 443, "https://trade.example.com")


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("1.2.3.4", "1.2.3.4"),
        ("6.6.6.6,1.2.3.4", "1.2.3.4"),
        (["6.6.6.6", "1.2.3.4"], "1.2.3.4"),
        ("1.2.3.4:5555", "1.2.3.4"),
        ("[2001:db8::1]:5555", "2001:db8::1"),
        ("2001:DB8::1", "2001:db8::1"),
        ("::ffff:1.2.3.4", "1.2.3.4"),
        ("evil", "127.0.0.1"),
        ("1.2.3.4,", "127.0.0.1"),
        ("", "127.0.0.1"),
        ("unknown", "127.0.0.1"),
    ],
)
def test_the_last_hop(told: Any, address: str) -> None:
    assert ask(PROXIED, host="trade.example.com", x_forwarded_for=told).address == address


def test_a_proxy_cannot_bring_a_foreign_host_or_scheme() -> None:
    for wrong in (
        {"x_forwarded_host": "evil.com"},
        {"x_forwarded_host": "trade.example.com, evil.com"},
        {"x_forwarded_proto": "ftp"},
    ):
        with pytest.raises(UsageError):
            ask(PROXIED, host="trade.example.com", **wrong)
    with pytest.raises(UsageError, match="Origin"):
        ask(
            PROXIED,
            host="trade.example.com",
            x_forwarded_proto="https",
            origin="http://trade.example.com",
        )


# ---- 浏览器自己说的


@pytest.mark.parametrize("site", ["cross-site", "same-site", "weird"])
def test_other_pages_may_only_follow_a_link(site: str) -> None:
    host = {"host": "127.0.0.1:7788", "sec_fetch_site": site}
    ask(**host, sec_fetch_mode="navigate")
    for wrong in (
        {"sec_fetch_mode": "no-cors"},
        {"sec_fetch_mode": "navigate", "method": "POST"},
        {"sec_fetch_mode": "navigate", "websocket": True},
        {"sec_fetch_mode": "websocket", "websocket": True},
        {},
    ):
        with pytest.raises(UsageError, match="Sec-Fetch-Site"):
            ask(**host, **wrong)


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_the_own_page_and_the_address_bar(site: str) -> None:
    ask(host="127.0.0.1:7788", sec_fetch_site=site, method="POST")
    with pytest.raises(UsageError):
        ask(host="127.0.0.1:7788", sec_fetch_site=[site, "cross-site"], method="POST")


# ---- 地址


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("localhost", ""),
        ("", ""),
        ("1.2.3", ""),
        ("1.2.3.4.5", ""),
    ],
)
def test_plain_address(text: str, plain: str) -> None:
    assert plain_address(text) == plain


def test_loopback_names() -> None:
    good = ("localhost", "127.0.0.1", "127.255.0.1", "::1", "::ffff:127.0.0.1")
    bad = ("", "localhost.", "127.evil.com", "128.0.0.1", "::2", "0.0.0.0", "127.1")
    assert all(map(is_loopback_name, good))
    assert not any(map(is_loopback_name, bad))
