"""乱打服务器：默认打几百个；``python tests/server/fuzz/run.py --cases 50000`` 打一夜。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from fuzz_bytes import KINDS, Case, Target, case
from fuzz_run import BATCH, TOKENS, Fuzz
from fuzz_schema import description, examine
from fuzz_shoot import check_http, check_ws
from raw_ws import CLOSE, frame
from remote_serve import ServeProcess
from support import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

SEED = 20261130
CASES = int(os.environ.get("EASYTRADER_FUZZ_CASES", "50000"))
THERE = Target(7788, "main", "et_x_y")
NOBODY = Target(7788, "main")
HTTP, WS = Case("http_x", ()), Case("ws_x", (), upgraded=True)


@pytest.fixture(scope="module")
def fuzz(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fuzz]:
    place = tmp_path_factory.mktemp("乱打")
    server = ServeProcess(make_folder(place / "userdata_mini"), place / "home", options=("--qka",))
    server.start()
    yield Fuzz(server)
    server.kill()


def test_raw_bytes_at_the_port(fuzz: Fuzz) -> None:
    for turn in range(4):  # 四批四个令牌，各打一小段
        fuzz.run(SEED, range(turn * BATCH, turn * BATCH + 60))
    assert not fuzz.found, "\n".join(fuzz.found)
    assert sum(fuzz.count.values()) == 240


def test_requests_made_from_the_description(fuzz: Fuzz) -> None:
    told = description(fuzz.server, fuzz.good)
    found = []
    for who in TOKENS:
        valid = who in ("read", "trade")
        before = {each.order_id for each in fuzz.orders()}
        every = 40 if who == "revoked" else 10  # 认不得的答得慢
        count, bad = examine(fuzz.server, told, fuzz.tokens[who], 2, SEED, valid=valid, every=every)
        assert count
        found += [f"{who or '没有'}：{each}" for each in bad]
        fuzz.after("照说明", who, before)
    assert not found + fuzz.found, "\n".join(found + fuzz.found)


@pytest.mark.soak
@pytest.mark.timeout(6 * 3600)
def test_a_long_barrage(fuzz: Fuzz) -> None:
    fuzz.run(1, range(CASES))
    assert not fuzz.found, "\n".join(fuzz.found[:100])


# ---- 打的人自己也要认得出毛病


def test_the_same_index_is_the_same_case() -> None:
    made = [case(1, index, THERE) for index in range(60)]
    again = [case(1, index, THERE) for index in range(60)]
    assert [each.name for each in made] == [each.name for each in again]
    assert {case(1, index, THERE).name for index in range(500)} == set(KINDS)


@pytest.mark.parametrize(
    ("target", "got", "complaint"),
    [
        (THERE, b"HTTP/1.1 500 X\r\n\r\n", "500"),
        (THERE, b"HTTP/1.1 400 X\r\n\r\nTraceback (most", "调用栈"),
        (THERE, b"HTTP/1.1 400 X\r\nserver: uvicorn\r\n\r\n", "服务器是什么"),
        (THERE, b"HTTP/1.1 400 X\r\n\r\net_x_y", "令牌"),
        (THERE, b"\x00\x01", "不是 HTTP"),
        (NOBODY, b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{}", "没有令牌"),
        (
            NOBODY,
            b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"account": 1}',
            "账号",
        ),
        (NOBODY, b"HTTP/1.1 401 X\r\n\r\nHTTP/1.1 500 X\r\n\r\n", "500"),
    ],
)
def test_bad_http_answers_are_noticed(target: Target, got: bytes, complaint: str) -> None:
    assert any(complaint in each for each in check_http(HTTP, target, got))


def test_good_http_answers_pass() -> None:
    healthy = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{"ok":true}'
    assert not check_http(HTTP, NOBODY, healthy * 3)
    assert not check_http(HTTP, THERE, b"HTTP/1.1 503 X\r\n\r\n{}")
    assert not check_http(HTTP, NOBODY, b"HTTP/1.1 401 X\r\n\r\n{}")


@pytest.mark.parametrize(
    ("got", "complaint"),
    [
        (frame(b"\x03\xf3", CLOSE, masked=False), "1011"),
        (frame(b"nonsense", masked=False), "不是 JSON"),
        (frame(b'{"id": 1, "result": NaN}', masked=False), "不是 JSON"),
        (frame(b"[1]", masked=False), "不是对象"),
        (frame(b'{"id": 1, "error": {"type": "X"}}', masked=False), "没有类型与话"),
        (frame(b'{"id": 1}', masked=False), "不认识的帧"),
        (frame(b'{"id": 1, "result": "et_x_y"}', masked=False), "令牌"),
    ],
)
def test_bad_frames_are_noticed(got: bytes, complaint: str) -> None:
    assert any(complaint in each for each in check_ws(WS, THERE, got))


def test_good_frames_pass() -> None:
    said = [b'{"id": 1, "result": []}', b'{"id": 1, "error": {"type": "UsageError", "text": ""}}']
    got = b"".join(frame(each, masked=False) for each in said)
    assert not check_ws(WS, THERE, got + frame(b"\x03\xea", CLOSE, masked=False) + b"\x81")
