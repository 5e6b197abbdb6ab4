"""地址、指纹、令牌：写得不对的马上说清楚，令牌不写进错误里。"""

from __future__ import annotations

import pytest

from easytrader.errors import UsageError
from easytrader.remote.address import Address, fingerprints, token_of

PIN = "ab" * 32


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("https://win-box:7788", Address(True, "win-box", 7788)),
        (" https://WIN-box:7788/ ", Address(True, "win-box", 7788)),
        ("https://win-box", Address(True, "win-box", 443)),
        ("http://127.0.0.1:7788", Address(False, "127.0.0.1", 7788)),
        ("http://127.8.8.8:1", Address(False, "127.8.8.8", 1)),
        ("http://localhost:7788", Address(False, "localhost", 7788)),
        ("http://[::1]:7788", Address(False, "::1", 7788)),
        ("https://[fe80::1]:7788", Address(True, "fe80::1", 7788)),
    ],
)
def test_right(text: str, found: Address) -> None:
    assert Address.of(text) == found
    assert Address.of(str(found)) == found


@pytest.mark.parametrize(
    "text",
    [
        *(None, "", " ", 7788, "win-box:7788", "ws://127.0.0.1:1", "https://", "http://:80"),
        *("https://win-box:0x10", "https://win-box:70000", "https://win-box/page", "https://[::1"),
    ],
    ids=repr,
)
def test_wrong(text: object) -> None:
    with pytest.raises(UsageError, match="address"):
        Address.of(text)


@pytest.mark.parametrize(
    "text",
    [
        *("http://win-box:7788", "http://192.168.1.5:7788", "http://127.0.0.1.evil.com:1"),
        *("http://127.evil:1", "http://localhost.evil:1", "http://[::2]:1", "http://0.0.0.0:1"),
        *("http://127.1:1", "http://2130706433:1"),
    ],
)
def test_plain_http_is_for_this_machine_only(text: str) -> None:
    with pytest.raises(UsageError, match="明文"):
        Address.of(text)


@pytest.mark.parametrize(
    "text",
    [
        *("https://user:et_1_secret@win-box:7788", "https://win-box:7788?token=et_1_secret"),
        *("https://win-box:7788#et_1_secret", "https://et_1_secret@win-box:99999"),
    ],
)
def test_a_token_in_the_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Address.of(text)
    assert "et_1_secret" not in str(caught.value)
    assert "et_1_secret" not in repr(caught.value.value)


def test_the_path_holds_the_account_name_whole() -> None:
    where = Address.of("https://win-box:7788")
    assert where.websocket("主 账户/..") == (
        "wss://win-box:7788/v1/accounts/%E4%B8%BB%20%E8%B4%A6%E6%88%B7%2F../ws"
    )


@pytest.mark.parametrize(
    "text",
    [
        PIN,
        PIN.upper(),
        f"sha256:{PIN}",
        f"SHA256:{':'.join(['AB'] * 32)}",
        f"sha256 Fingerprint={':'.join(['AB'] * 32)}",
        f" sha-256: {' '.join(['ab'] * 32)} ",
        "-".join(["ab"] * 32),
    ],
)
def test_any_usual_spelling_of_a_fingerprint(text: str) -> None:
    assert fingerprints(text) == (bytes.fromhex(PIN),)
    assert fingerprints([text, "cd" * 32]) == (bytes.fromhex(PIN), bytes.fromhex("cd" * 32))


@pytest.mark.parametrize(
    "value", ["", "ab", PIN[:-2], PIN + "00", "zz" * 32, "sha1:" + PIN, 5, [], [5], b"x", {}]
)
def test_not_a_fingerprint(value: object) -> None:
    with pytest.raises(UsageError, match="fingerprint"):
        fingerprints(value)


def test_no_fingerprint() -> None:
    assert fingerprints(None) == ()


@pytest.mark.parametrize("value", ["", " ", "et_1 x", "et_1\nx", "令牌", 5, b"et_1_x"])
def test_not_a_token(value: object) -> None:
    with pytest.raises(UsageError) as caught:
        token_of(value)
    shown = str(caught.value)
    assert "token add" in shown
    assert "et_1" not in shown


def test_token_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="EASYTRADER_TOKEN"):
        token_of(None)
    monkeypatch.setenv("EASYTRADER_TOKEN", " et_1_x\n")
    assert token_of(None) == "et_1_x"
    assert token_of("et_2_y") == "et_2_y"
