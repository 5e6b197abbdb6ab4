# coding:gbk
"""easytrader agent: runs inside the full QMT client's built-in Python and serves the SDK outside.

``easytrader bigqmt agent`` writes this file with the settings filled in; the user pastes it into
the client as one model.  The SDK imports the codec from here: one file, both ends' grammar.

Inside the client everything worth calling runs on one thread, ours for a moment per timer tick.
So: no thread, nothing that blocks, no exception out of any entry point, nothing kept on
``ContextInfo``, imports only while loading (each may be refused), ASCII only, Python 3.6 only.
"""

# ---- settings (filled in by `easytrader bigqmt agent`; keep the token to yourself)
ACCOUNT = ""  # the account this model trades
ACCOUNT_TYPE = "STOCK"  # STOCK | CREDIT
TOKEN = ""  # shared with the SDK on this machine
PORTS = (0, 0, 0, 0, 0)  # 127.0.0.1 only; the first free one is used
PIPE = ""  # \\.\pipe\... (Windows)
SPOOL = ""  # a folder, for terminals that close the two above
ALLOW_ORDERS = False  # True: orders and cancels may leave
PERIOD_MS = 100  # asked of the client's timer
CAPS = {}  # type: dict[str, object] # codes: [..], max_value: yuan, max_per_minute: orders
# ---- end of settings

AGENT_VERSION = 1
PROTOCOL = 1

REFUSED = {}  # type: dict[str, str] # module -> why this terminal does not give it, in its words
TYPE_CHECKING = False


def _words(error: "BaseException") -> str:
    """What the terminal said, short enough for a frame."""
    try:
        return ("%s: %s" % (type(error).__name__, error))[:200]
    except Exception:
        return type(error).__name__


try:
    import hashlib
except Exception as _no:
    hashlib = None  # type: ignore[assignment]
    REFUSED["hashlib"] = _words(_no)
try:
    import json
except Exception as _no:
    json = None  # type: ignore[assignment]
    REFUSED["json"] = _words(_no)
try:
    import time
except Exception as _no:
    time = None  # type: ignore[assignment]
    REFUSED["time"] = _words(_no)
try:
    import sys
except Exception as _no:
    sys = None  # type: ignore[assignment]
    REFUSED["sys"] = _words(_no)
try:
    from collections import deque
except Exception as _no:
    deque = None  # type: ignore[assignment,misc]
    REFUSED["collections"] = _words(_no)
try:
    import operator
except Exception as _no:
    operator = None  # type: ignore[assignment]
    REFUSED["operator"] = _words(_no)
try:
    import datetime as dt
except Exception as _no:
    dt = None  # type: ignore[assignment]
    REFUSED["datetime"] = _words(_no)
try:
    import os
except Exception as _no:
    os = None  # type: ignore[assignment]
    REFUSED["os"] = _words(_no)
try:
    import socket
except Exception as _no:
    socket = None  # type: ignore[assignment]
    REFUSED["socket"] = _words(_no)
try:
    import ctypes
except Exception as _no:
    ctypes = None  # type: ignore[assignment]
    REFUSED["ctypes"] = _words(_no)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator  # noqa: F401  in type comments
    from typing import Any

ESSENTIAL = ("hashlib", "json", "time", "sys", "collections")  # without these there is no agent

MAX_FRAME = 1 << 20  # bytes of one body: 32 of MAC, then JSON
MAC_BYTES = 32

# one tick of the client's timer
REQUESTS_PER_TICK = 20
REQUESTS_S = 0.05  # a started passorder may exceed it
CONVERT_S = 0.02  # turning the terminal's objects into rows
CHUNK = 100  # rows between two looks at the clock
BEAT_S = 0.3

# bounds
QUEUE = 256  # requests waiting; more are answered "busy"
RING = 5000  # events kept for `since`
TAGS = 50000
CHANNELS = 16
AUTH_S = 5.0  # a stranger that says nothing is let go
GOODBYE_S = 2.0
OUT_BYTES = 8 << 20  # a peer that does not read is let go
READ_BYTES = 1 << 18
FRAMES_PER_TICK = 64
CREDIT_S = 180.0  # the counter answers the slow credit queries this rarely
RETRY_S = 5.0

_clock = None if time is None else time.monotonic  # looked up at each use: tests replace it


# ---------------------------------------------------------------- codec


class FrameError(ValueError):
    """The peer does not speak this grammar, or does not hold the key: the channel is over."""


class _Keyed(object):
    """HMAC-SHA256 with one key (a whitelist may refuse the module hmac)."""

    def __init__(self, key: "bytes") -> None:
        block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(each ^ 0x36 for each in block))
        self._outer = hashlib.sha256(bytes(each ^ 0x5C for each in block))

    def digest(self, data: "bytes") -> "bytes":
        inner = self._inner.copy()
        inner.update(data)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()


def _same(one: "bytes", other: "bytes") -> bool:
    """Equal; how long it takes does not tell where they differ."""
    if len(one) != len(other):
        return False
    differs = 0
    for mine, theirs in zip(one, other):
        differs |= mine ^ theirs
    return not differs


def _hmac(token: str, text: str) -> "bytes":
    return _Keyed(token.encode("utf-8")).digest(text.encode("utf-8"))


def sdk_proof(token: str, nonce_agent: str, nonce_sdk: str, account: str) -> str:
    """The SDK holds the token and asks for this account (hex)."""
    return _hmac(token, "sdk" + nonce_agent + nonce_sdk + account).hex()


def agent_proof(token: str, nonce_sdk: str, nonce_agent: str) -> str:
    """The agent holds the token: nobody squats its port (hex)."""
    return _hmac(token, "agent" + nonce_sdk + nonce_agent).hex()


def session_key(token: str, nonce_agent: str, nonce_sdk: str) -> "bytes":
    """The key of the frames after ``ok``."""
    return _hmac(token, "key" + nonce_agent + nonce_sdk)


def _spelled(value: "Any") -> "Any":
    """What JSON does not know: enumerations of the terminal, bytes, anything else."""
    if isinstance(value, bytes):
        return value.decode("gbk", "replace")
    try:
        return int(value)
    except Exception:
        return str(value)[:200]


if json is not None:
    _to_json = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), default=_spelled).encode


class Framer(object):
    """One end of a channel: messages (dicts) to bytes and back; numbers and MACs are checked.

    A body is 32 hex characters of MAC and ASCII JSON, after 4 bytes of big-endian length.  The MAC
    covers the direction, the number of the frame and the JSON: nothing can be replayed, dropped or
    moved without closing the channel.  ``key`` is empty until ``ok``.
    """

    def __init__(self, agent: bool) -> None:
        self._mine, self._theirs = (b"A", b"S") if agent else (b"S", b"A")
        self._packed = 0
        self._taken = 0
        self._buffer = bytearray()
        self._broken = ""
        self.key = b""

    @property
    def key(self) -> "bytes":
        """Set it between two frames: what follows is under the new key."""
        return self._key

    @key.setter
    def key(self, key: "bytes") -> None:
        self._key = key
        self._keyed = _Keyed(key)

    @property
    def waiting(self) -> int:
        """Bytes fed and not taken yet."""
        return len(self._buffer)

    def _mac(self, direction: "bytes", number: int, text: "bytes") -> "bytes":
        data = direction + number.to_bytes(8, "big") + text
        return self._keyed.digest(data).hex()[:MAC_BYTES].encode("ascii")

    def pack(self, message: "dict[str, Any]") -> "bytes":
        """The bytes of the next frame; FrameError when it is too long (nothing was counted)."""
        text = _to_json(message).encode("ascii")
        size = len(text) + MAC_BYTES
        if size > MAX_FRAME:
            raise FrameError("frame of %d bytes, at most %d" % (size, MAX_FRAME))
        mac = self._mac(self._mine, self._packed, text)
        self._packed += 1
        return size.to_bytes(4, "big") + mac + text

    def feed(self, data: "bytes") -> None:
        """Bytes as they came."""
        self._buffer += data

    def take(self) -> "dict[str, Any] | None":
        """The next whole message, None while it is not all there; FrameError from then on."""
        if self._broken:
            raise FrameError(self._broken)
        if len(self._buffer) < 4:
            return None
        size = int.from_bytes(self._buffer[:4], "big")
        if not MAC_BYTES < size <= MAX_FRAME:
            raise self._fail("frame of %d bytes" % size)
        if len(self._buffer) < 4 + size:
            return None
        mac = bytes(self._buffer[4 : 4 + MAC_BYTES])
        text = bytes(self._buffer[4 + MAC_BYTES : 4 + size])
        del self._buffer[: 4 + size]
        if not _same(mac, self._mac(self._theirs, self._taken, text)):
            raise self._fail("wrong MAC")
        self._taken += 1
        try:
            message = json.loads(text.decode("ascii"))
        except (ValueError, RecursionError):
            raise self._fail("not JSON") from None
        if not isinstance(message, dict):
            raise self._fail("not an object")
        return message

    def _fail(self, why: str) -> "FrameError":
        self._broken = why
        self._buffer = bytearray()
        return FrameError(why)


def new_nonce() -> str:
    """32 hex characters nobody can guess; differs every time even where ``os`` is refused."""
    try:
        return os.urandom(16).hex()
    except Exception:
        text = "%s %r %r %r" % (TOKEN, _clock(), time.time(), id(object()))
        return hashlib.sha256(text.encode("utf-8")).hexdigest()[:32]
