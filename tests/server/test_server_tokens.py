"""令牌：发、查、吊销；文件里没有秘密；坏了的文件谁也不放进来；几个进程一起用。"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from easytrader.errors import EasytraderError, UsageError
from easytrader.market.symbols import parse_security
from easytrader.server.tokens import Grant, Tokens, expiry

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _always_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """不等那 2 毫秒：改了文件马上问。"""
    monkeypatch.setattr("easytrader.server.statefile._LOOK_S", 0.0)


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    return Tokens(tmp_path / "带 空格" / "tokens.json")


def test_a_token_is_recognised_and_nothing_else_is(tokens: Tokens) -> None:
    token = tokens.add("alice", ["trade"], accounts=["main"], max_order="100000.50")
    other = tokens.add("bob", ["read"])
    found = tokens.check(token)
    assert found is not None
    assert (found.name, found.scopes, found.accounts) == ("alice", ("trade",), ("main",))
    assert found.max_order == Decimal("100000.50")
    mixed = "_".join([*token.split("_")[:2], other.split("_")[2]])
    flipped = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in (
        "", "et__", mixed, flipped, token[:-1], f"{token} ", f"{token}\n", token.upper(),
        token + "0", None, 7, b"x", "et_" + "0" * 8 + "_" + "0" * 64, "\udce9", "令" * 75,
    ):  # fmt: skip
        assert tokens.check(wrong) is None


def test_256_random_bits_and_an_id(tokens: Tokens) -> None:
    made = [tokens.add(f"n{number}", ["read"]) for number in range(20)]
    assert all(re.fullmatch(r"et_[0-9a-f]{8}_[0-9a-f]{64}", each) for each in made)
    assert len({each.split("_")[2] for each in made}) == 20


def test_the_file_is_private_and_holds_no_secret(tokens: Tokens) -> None:
    token = tokens.add("alice", ["trade", "funds"])
    text = tokens.path.read_text(encoding="utf-8")
    secret = token.split("_")[2]
    assert not any(secret[at : at + 12] in text for at in range(len(secret) - 12))
    if os.name == "posix":
        assert tokens.path.stat().st_mode & 0o777 == 0o600
        assert tokens.path.parent.stat().st_mode & 0o777 == 0o700
    assert {each.name for each in tokens.path.parent.iterdir()} <= {
        "tokens.json",
        "tokens.json.lock",
    }
    entry = tokens._file.current()[token.split("_")[1]]
    assert entry.digest not in repr(entry)
    assert secret not in repr(tokens.grants()) + str(tokens.check(token))


def test_two_tokens_with_one_salt_would_show(tokens: Tokens) -> None:
    for name in ("a", "b"):
        tokens.add(name, ["read"])
    rows = json.loads(tokens.path.read_text(encoding="utf-8"))["tokens"]
    assert len({each["salt"] for each in rows}) == 2
    assert len({each["digest"] for each in rows}) == 2


def test_scopes_include_read_but_not_each_other() -> None:
    trade, funds = Grant("", "", ("trade",)), Grant("", "", ("funds",))
    both, read = Grant("", "", ("trade", "funds")), Grant("", "", ("read",))
    may = [[each.may(scope) for scope in ("read", "trade", "funds")] for each in (
        read, trade, funds, both, Grant("", "", ()),
    )]  # fmt: skip
    assert may == [
        [True, False, False],
        [True, True, False],
        [True, False, True],
        [True, True, True],
        [False, False, False],
    ]
    assert not trade.may("admin")


def test_accounts_by_name_or_by_number() -> None:
    grant = Grant("", "", ("read",), accounts=("main", "10002"))
    assert grant.sees("main", "10001")
    assert grant.sees("other", "10002")
    assert not grant.sees("other", "10001")
    assert Grant("", "", ("read",)).sees("other", "10001")


CODES: list[tuple[list[str], list[str], list[str]]] = [
    (["600036"], ["600036.SH", "sh600036"], ["600037", "000001"]),
    (["sh600036", "000001.XSHE"], ["600036", "000001.SZ"], ["000001.SH", "000002"]),
    (["６０００３６", " 000001.sz "], ["600036", "000001"], ["600037"]),
    (["51*"], ["510300", "518880"], ["600036", "151001.SZ"]),
    (["*.sz"], ["000001", "300750"], ["600036", "920001.BJ"]),
    (["sh60*"], ["600036"], ["688001", "000001"]),
    (["60*36"], ["600036"], ["600037"]),
    (["60*3"], ["600003"], ["600036"]),
    (["688*.SH", "159915"], ["688001", "159915"], ["600036", "159919"]),
]


@pytest.mark.parametrize(("given", "allowed", "refused"), CODES)
def test_codes(tokens: Tokens, given: list[str], allowed: list[str], refused: list[str]) -> None:
    grant = tokens.check(tokens.add("a", ["trade"], codes=given))
    assert grant is not None
    assert [each for each in allowed if not grant.covers(parse_security(each))] == []
    assert [each for each in refused if grant.covers(parse_security(each))] == []


def test_codes_of_other_markets(tokens: Tokens) -> None:
    from easytrader.arguments import symbol

    grant = tokens.check(tokens.add("a", ["trade"], codes=["BTC/USDT", "rb*", "00700.HK"]))
    assert grant is not None
    assert all(grant.covers(symbol(each)) for each in ("BTC/USDT", "rb2501.SHFE", "00700.HK"))
    assert not any(grant.covers(symbol(each)) for each in ("ETH/USDT", "xrb2501.SHFE"))


BAD: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name"),
    ({"name": "a b"}, "name"),
    ({"name": "-rf"}, "name"),
    ({"name": "../x"}, "name"),
    ({"name": "x" * 33}, "name"),
    ({"name": "a\nb"}, "name"),
    ({"name": None}, "name"),
    ({"scopes": []}, "scope"),
    ({"scopes": ["admin"]}, "scope"),
    ({"scopes": ["READ"]}, "scope"),
    ({"scopes": ["trade", "funds"], "max_order": 1}, "scope"),
    ({"scopes": ["funds"], "codes": ["600036"]}, "scope"),
    ({"accounts": [""]}, "accounts"),
    ({"accounts": ["a,b"]}, "accounts"),
    ({"codes": ["60003"]}, "codes"),
    ({"codes": ["600036.SZ"]}, "codes"),
    ({"codes": [""]}, "codes"),
    ({"codes": ["51[0-9]*"]}, "codes"),
    ({"max_order": 0}, "max_order"),
    ({"max_order": "-1"}, "max_order"),
    ({"max_order": "NaN"}, "max_order"),
    ({"max_order": "1e308"}, "max_order"),
    ({"max_order": "0.001"}, "max_order"),
    ({"max_order": True}, "max_order"),
    ({"max_day": "很多"}, "max_day"),
    ({"max_day": float("inf")}, "max_day"),
    ({"expires": 1.0}, "expires"),
]


@pytest.mark.parametrize(("wrong", "argument"), BAD)
def test_wrong_values_name_the_argument(
    tokens: Tokens, wrong: dict[str, Any], argument: str
) -> None:
    given: dict[str, Any] = {"name": "a", "scopes": ["trade"], **wrong}
    with pytest.raises(UsageError) as caught:
        tokens.add(given.pop("name"), given.pop("scopes"), **given)
    assert caught.value.argument == argument
    assert caught.value.expected
    assert not tokens.path.exists()


def test_names_are_unique_whatever_the_case(tokens: Tokens) -> None:
    tokens.add("阿姨A", ["read"])
    with pytest.raises(UsageError, match="已经有这个名字"):
        tokens.add("阿姨ａ", ["trade"])
    assert len(tokens.grants()) == 1


def test_revoke_works_at_once_in_every_process(tokens: Tokens) -> None:
    token, stays = tokens.add("alice", ["trade"]), tokens.add("bob", ["read"])
    elsewhere = Tokens(tokens.path)
    grant, other = elsewhere.check(token), elsewhere.check(stays)
    assert grant is not None
    assert other is not None
    assert elsewhere.alive(grant)
    tokens.revoke("Alice")
    assert not elsewhere.alive(grant)
    assert elsewhere.check(token) is None
    assert elsewhere.alive(other)
    with pytest.raises(UsageError, match="bob"):
        tokens.revoke("alice")


def test_the_same_name_again_is_another_token(tokens: Tokens) -> None:
    first = tokens.add("alice", ["trade"])
    old = tokens.check(first)
    assert old is not None
    tokens.revoke("alice")
    second = tokens.add("alice", ["read"])
    assert tokens.check(first) is None
    assert not tokens.alive(old)
    assert tokens.check(second) is not None


def test_an_expired_token_stays_expired(tokens: Tokens, monkeypatch: pytest.MonkeyPatch) -> None:
    import time as real

    class Clock:
        wall, steady = real.time(), real.monotonic()

        def time(self) -> float:
            return self.wall

        def monotonic(self) -> float:
            return self.steady

    clock = Clock()
    monkeypatch.setattr("easytrader.server.tokens.time", clock)
    tokens = Tokens(tokens.path)
    token = tokens.add("a", ["read"], expires=clock.wall + 60)
    grant = tokens.check(token)
    assert grant is not None
    clock.wall += 61
    clock.steady += 61
    assert tokens.check(token) is None
    assert not tokens.alive(grant)
    assert [each.name for each in tokens.grants()] == ["a"]  # 列得出来，用不了
    clock.wall -= 3600  # 时钟往回拨
    assert tokens.check(token) is None
    assert not tokens.alive(grant)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        '{"version": 2, "tokens": []}',
        '{"version": 1, "tokens": [{}]}',
        '{"version": 1, "tokens": {"a": 1}}',
        "[" * 100_000,
        "\x00",
    ],
)
def test_a_broken_file_lets_nobody_in(tokens: Tokens, text: str, logged: list[str]) -> None:
    token = tokens.add("a", ["read"])
    grant = tokens.check(token)
    assert grant is not None
    whole = tokens.path.read_text(encoding="utf-8")
    tokens.path.write_text(text, encoding="utf-8")
    assert tokens.check(token) is None
    assert not tokens.alive(grant)
    assert sum("谁也进不来" in each for each in logged) == 1  # 只说一次
    for work in (tokens.grants, lambda: tokens.revoke("a"), lambda: tokens.add("b", ["read"])):
        with pytest.raises(EasytraderError, match="读不懂"):
            work()
    assert tokens.path.read_text(encoding="utf-8") == text  # 不替人抹掉
    tokens.path.write_text(whole, encoding="utf-8")
    assert tokens.check(token) == grant


def test_a_limit_that_got_lost_lets_nobody_in(tokens: Tokens) -> None:
    """少读一项限制就是多给一分权限。"""
    token = tokens.add("a", ["trade"], max_order=100, codes=["600036"], accounts=["main"])
    body = json.loads(tokens.path.read_text(encoding="utf-8"))
    for key in body["tokens"][0]:
        row = {name: value for name, value in body["tokens"][0].items() if name != key}
        tokens.path.write_text(json.dumps({"version": 1, "tokens": [row]}), encoding="utf-8")
        assert tokens.check(token) is None, key
    wrong: list[tuple[str, Any]] = [
        ("only_from", "10.0.0.0/8"),  # 新版本才有的限制
        ("codes", "600036"),
        ("accounts", "main"),
        ("scopes", "trade"),
        ("max_order", "x"),
        ("digest", ""),
        ("digest", "0" * 63),
        ("salt", None),
        ("salt", "0" * 32),
        ("id", ".."),
    ]
    for key, value in wrong:
        row = {**body["tokens"][0], key: value}
        tokens.path.write_text(json.dumps({"version": 1, "tokens": [row]}), encoding="utf-8")
        assert tokens.check(token) is None, key


@pytest.mark.skipif(os.name != "posix" or os.getuid() == 0, reason="root 什么都读得到")
def test_an_unreadable_file_lets_nobody_in(tokens: Tokens) -> None:
    token = tokens.add("a", ["read"])
    tokens.path.chmod(0)
    assert tokens.check(token) is None


@pytest.mark.skipif(os.name != "posix", reason="Windows 靠用户目录")
@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_others_can_change_lets_nobody_in(tokens: Tokens, mode: int) -> None:
    token = tokens.add("a", ["read"])
    tokens.path.chmod(mode)
    assert tokens.check(token) is None
    with pytest.raises(EasytraderError, match="chmod 600"):
        tokens.grants()
    tokens.path.chmod(0o644)  # 读得到不要紧：里面没有秘密
    assert tokens.check(token) is not None


def test_a_folder_in_its_place_lets_nobody_in(tokens: Tokens) -> None:
    tokens.path.mkdir(parents=True)
    assert tokens.check("et_" + "0" * 8 + "_" + "0" * 64) is None
    with pytest.raises(EasytraderError, match="读不了"):
        tokens.grants()


_ADD = """
import sys
from easytrader.server.tokens import Tokens
tokens = Tokens(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for number in range(20):
    print(tokens.add(f"{sys.argv[2]}-{number}", ["read"]))
"""


def test_processes_adding_together_lose_nothing(tokens: Tokens) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", _ADD, str(tokens.path), name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        for name in ("a", "b", "c")
    ]
    for each in running:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    for each in running:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()
    made = [line for each in running for line in each.communicate(timeout=60)[0].split()]
    assert len(made) == 60
    assert all(tokens.check(each) is not None for each in made)


NOON = 1_796_011_200.0  # 2026-11-30 12:00 北京时间


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30d", 30 * 86400),
        ("12h", 12 * 3600),
        (" 1D ", 86400),
        ("2026-12-01", 36 * 3600),  # 含这一天
        ("2026-11-30", 12 * 3600),
        ("2026-11-30 15:00", 3 * 3600),
    ],
)
def test_expiry(text: str, seconds: float) -> None:
    assert expiry(text, NOON) == NOON + seconds


@pytest.mark.parametrize(
    "text",
    ["", "30", "d", "-1d", "0d", "30m", "2026-11-29", "2026-13-01", "999999d", "明天", "2099-01-01",
     "1e9d", "２０d x"],
)  # fmt: skip
def test_expiry_written_wrong(text: str) -> None:
    with pytest.raises(UsageError, match="30d") as caught:
        expiry(text, NOON)
    assert caught.value.argument == "expires"
