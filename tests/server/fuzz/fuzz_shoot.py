"""把一串字节打到端口上，看应答合不合规矩。"""

from __future__ import annotations

import json
import re
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from raw_ws import CLOSE

if TYPE_CHECKING:
    from fuzz_bytes import Case, Target

__all__ = ["check_http", "check_ws", "shoot"]

_QUIET_S: Final = 0.3
"""这么久没有应答就不等了：请求没有说完，服务器等着是对的。"""
_MOST: Final = 4 << 20
_SPLIT: Final = re.compile(rb"(?=HTTP/1\.[01] \d{3} )")
_ALLOWED_5XX: Final = frozenset({501, 502, 503, 504})
"""本库的异常在线上的样子：后端没有、问不到、没有连着、不知道。"""
_OPEN_PATHS: Final = (b'{"ok":true}', b'{"ok": true}')
_WS_CLOSE: Final = frozenset({1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 1012, 1013})


def shoot(case: Case, target: Target, *, welcome: bool, quiet_s: float = _QUIET_S) -> list[str]:
    """打一个；返回不合规矩的地方。连不上就是 OSError。

    ``welcome``：令牌是认得的，升级的应答等到来；认不得的答得慢，不等（放行的话马上就放了）。
    """
    with socket.create_connection(("127.0.0.1", target.port), 10) as link:
        link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        link.settimeout(quiet_s)
        parts, head = case.parts, b""
        if case.upgraded:
            with suppress(OSError):
                link.sendall(parts[0])
            head, got = _until_upgraded(link, 5.0 if welcome else quiet_s)
            link.settimeout(quiet_s)
            parts = parts[1:]
            if b" 101 " not in head[:16]:
                return check_http(case, target, head + got)
        else:
            got = b""
        with suppress(OSError):  # 服务器可以不等说完就断
            for part in parts:
                link.sendall(part)
        if case.hang_up:
            return []
        got += _read(link)
    return check_ws(case, target, got) if case.upgraded else check_http(case, target, got)


def _until_upgraded(link: socket.socket, wait_s: float) -> tuple[bytes, bytes]:
    link.settimeout(wait_s)
    got = b""
    with suppress(OSError):
        while b"\r\n\r\n" not in got:
            part = link.recv(65536)
            if not part:
                break
            got += part
    head, gap, rest = got.partition(b"\r\n\r\n")
    return head + gap, rest


def _read(link: socket.socket) -> bytes:
    got = b""
    with suppress(OSError):
        while len(got) < _MOST:
            part = link.recv(1 << 18)
            if not part:
                break
            got += part
    return got


def check_http(case: Case, target: Target, got: bytes) -> list[str]:
    """每个应答：没有 500；没有令牌的，除了 /healthz 什么都没有。"""
    found = []
    for each in _SPLIT.split(got):
        if not each.startswith(b"HTTP/"):
            if each and not got.startswith(b"HTTP/"):
                found.append(f"{case.name}：应答不是 HTTP：{each[:80]!r}")
            continue
        status = int(each[9:12])
        head, _, body = each.partition(b"\r\n\r\n")
        if status >= 500 and status not in _ALLOWED_5XX:
            found.append(f"{case.name}：{status} {body[:200]!r}")
        if b"Traceback" in each or b'File "' in each:
            found.append(f"{case.name}：应答里有调用栈 {body[:200]!r}")
        if b"\r\nserver:" in head.lower():
            found.append(f"{case.name}：应答说了服务器是什么 {head[:200]!r}")
        if target.token and target.token.encode() in each:
            found.append(f"{case.name}：应答里有令牌")
    return found + _answers_without_token(case, target, got)


def _answers_without_token(case: Case, target: Target, got: bytes) -> list[str]:
    """``target.token`` 为空：200 只许 /healthz 与页面自己的文件。"""
    if target.token:
        return []
    found = []
    for each in _SPLIT.split(got):
        if not each.startswith((b"HTTP/1.1 2", b"HTTP/1.0 2")):
            continue
        head, _, body = each.partition(b"\r\n\r\n")
        page = b"\r\ncontent-type: application/json" not in head.lower()
        said = body.strip() in _OPEN_PATHS or (head.split()[1] == b"204")
        if not (said or page or not body):
            found.append(f"{case.name}：没有令牌而有应答 {body[:200]!r}")
        if b"account" in body and not page:
            found.append(f"{case.name}：没有令牌而说到账号 {body[:200]!r}")
    return found


def check_ws(case: Case, target: Target, got: bytes) -> list[str]:
    """每一帧都是没有掩码、写得对的 JSON 对象；关闭码不是「服务器出错」。"""
    found: list[str] = []
    if b"Traceback" in got or b'File "' in got:
        found.append(f"{case.name}：应答里有调用栈")
    if target.token.encode() in got:
        found.append(f"{case.name}：应答里有令牌")
    for opcode, data in _frames(got):
        if opcode == CLOSE:
            code = struct.unpack("!H", data[:2])[0] if len(data) >= 2 else 1005
            if code not in _WS_CLOSE and not 4000 <= code < 5000:
                found.append(f"{case.name}：关闭码 {code} {data[2:]!r}")
        elif opcode in (1, 2):
            found += _check_said(case, data)
    return found


def _check_said(case: Case, data: bytes) -> list[str]:
    try:
        told: Any = json.loads(data, parse_constant=_no_constants)
    except ValueError as exc:
        return [f"{case.name}：帧不是 JSON（{exc}）{data[:100]!r}"]
    if not isinstance(told, dict):
        return [f"{case.name}：帧不是对象 {data[:100]!r}"]
    if "error" in told:
        error = told["error"]
        if not (isinstance(error, dict) and {"type", "text"} <= set(error)):
            return [f"{case.name}：异常没有类型与话 {data[:200]!r}"]
        return []
    if not {"result", "seq", "hello", "events", "gap"} & set(told):
        return [f"{case.name}：不认识的帧 {data[:200]!r}"]
    return []


def _no_constants(name: str) -> None:
    raise ValueError(f"JSON 里没有 {name}")


def _frames(got: bytes) -> list[tuple[int, bytes]]:
    """收到的整帧；最后半帧不算。"""
    found, at = [], 0
    while at + 2 <= len(got):
        opcode, count, head = got[at] & 0xF, got[at + 1] & 0x7F, 2
        if count == 126:
            count, head = int.from_bytes(got[at + 2 : at + 4], "big"), 4
        elif count == 127:
            count, head = int.from_bytes(got[at + 2 : at + 10], "big"), 10
        if at + head + count > len(got):
            break
        found.append((opcode, got[at + head : at + head + count]))
        at += head + count
    return found
