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


class Closed(Exception):
    """A wire or a function this terminal does not give; the text is the terminal's or plain."""


def _words(error: "BaseException") -> str:
    """What the terminal said, short enough for a frame."""
    try:
        if isinstance(error, Closed):
            return str(error)[:200]
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
AUTH_BYTES = 2048  # what a stranger may say; a number of a megabyte takes 3.6 seconds to read
OK_BYTES = 1 << 16

# one tick of the client's timer
REQUESTS_PER_TICK = 20
REQUESTS_S = 0.05  # a started passorder may exceed it
CONVERT_S = 0.02  # turning the terminal's objects into rows
REST_S = 2.0
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
TAKEN = (48, 98, 10048)  # EADDRINUSE of three systems

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
    """The SDK holds the token and asks for this account (hex); account "": holds the token.

    Both are sent, the account itself is not: whoever listens on the port may be somebody else.
    """
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
    moved without closing the channel.  ``key`` is empty until ``ok``; what was said before goes
    into the key, so that a change of it shows at the first frame after.
    """

    def __init__(self, agent: bool) -> None:
        self._mine, self._theirs = (b"A", b"S") if agent else (b"S", b"A")
        self._greeting = AUTH_BYTES if agent else OK_BYTES
        self._packed = 0
        self._taken = 0
        self._buffer = bytearray()
        self._broken = ""
        self._greetings = hashlib.sha256()
        self.key = b""

    @property
    def key(self) -> "bytes":
        """Set it between two frames: what follows is under the new key."""
        return self._key

    @key.setter
    def key(self, key: "bytes") -> None:
        self._key = key
        self._keyed = _Keyed(_Keyed(key).digest(self._greetings.digest()) if key else key)

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
        self._listen(text)
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
        if not MAC_BYTES < size <= (MAX_FRAME if self._key else self._greeting):
            raise self._fail("frame of %d bytes" % size)
        if len(self._buffer) < 4 + size:
            return None
        mac = bytes(self._buffer[4 : 4 + MAC_BYTES])
        text = bytes(self._buffer[4 + MAC_BYTES : 4 + size])
        del self._buffer[: 4 + size]
        if not _same(mac, self._mac(self._theirs, self._taken, text)):
            raise self._fail("wrong MAC")
        self._taken += 1
        self._listen(text)
        try:
            message = json.loads(text.decode("ascii"))
        except (ValueError, RecursionError):
            raise self._fail("not JSON") from None
        if not isinstance(message, dict):
            raise self._fail("not an object")
        return message

    def _listen(self, text: "bytes") -> None:
        if not self._key:
            self._greetings.update(b"%d " % len(text) + text)

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


# ---------------------------------------------------------------- the terminal's objects

_ROW_IDS = ["m_strAccountID", "m_strInstrumentID", "m_strExchangeID", "m_strInstrumentName"]
COLUMNS = {
    "ACCOUNT": [
        "m_strAccountID", "m_nBrokerType", "m_strStatus", "m_strTradingDate", "m_strMoneyType",
        "m_dBalance", "m_dAvailable", "m_dFrozenCash", "m_dFrozenMargin", "m_dFrozenCommission",
        "m_dInstrumentValue", "m_dStockValue", "m_dFundValue", "m_dLoanValue", "m_dRepurchaseValue",
        "m_dFetchBalance", "m_dPositionProfit", "m_dCloseProfit", "m_dCommission", "m_dComission",
        "m_dAssureAsset", "m_dTotalDebit", "m_dAssetBalance", "m_dEntrustAsset", "m_dPreBalance",
        "m_dInitBalance", "m_dBuyWaitMoney", "m_dSellWaitMoney", "m_dPerAssurescaleValue",
        "m_dEnableBailBalance", "m_dUsedBailBalance", "m_dAssureEnbuyBalance", "m_dFinEnbuyBalance",
        "m_dSloEnrepaidBalance", "m_dFinEnrepaidBalance", "m_dFinMaxQuota", "m_dFinEnableQuota",
        "m_dFinUsedQuota", "m_dSloMaxQuota", "m_dSloEnableQuota", "m_dSloUsedQuota", "m_dFinDebt",
        "m_dFinCompactBalance", "m_dFinCompactFare", "m_dFinCompactInterest", "m_dFinMarketValue",
        "m_dSloCompactBalance", "m_dSloCompactFare", "m_dSloCompactInterest", "m_dSloMarketValue",
        "m_dSloSellBalance", "m_dUsedSloSellBalance", "m_dSurplusSloSellBalance", "m_dOtherFare",
        "m_nContractEndDate", "m_dMarketValue", "m_dFinDealAvl", "m_dFinFee", "m_dSloFee",
    ],
    "POSITION": [
        *_ROW_IDS,
        "m_nVolume", "m_nCanUseVolume", "m_nFrozenVolume", "m_nOnRoadVolume", "m_nYesterdayVolume",
        "m_dOpenPrice", "m_dLastPrice", "m_dSettlementPrice", "m_dMarketValue", "m_nDirection",
        "m_dInstrumentValue", "m_dFloatProfit", "m_dPositionProfit", "m_dProfitRate", "m_eSideFlag",
        "m_dPositionCost", "m_dAvgOpenPrice", "m_strStockHolder", "m_bIsToday", "m_strOpenDate",
        "m_dTotalCost", "m_dSingleCost", "m_nPREnableVolume", "m_nCoveredVolume",
    ],
    "ORDER": [
        *_ROW_IDS,
        "m_strOrderSysID", "m_nRef", "m_strOrderRef", "m_nTaskId", "m_nOffsetFlag", "m_nDirection",
        "m_nOpType", "m_eEntrustType", "m_strOptName", "m_nOrderPriceType", "m_dLimitPrice",
        "m_nVolumeTotalOriginal", "m_nVolumeTraded", "m_nVolumeTotal", "m_dCancelAmount",
        "m_dTradedPrice", "m_dTradeAmount", "m_nOrderStatus", "m_nOrderSubmitStatus", "m_nErrorID",
        "m_strErrorMsg", "m_strCancelInfo", "m_strInsertDate", "m_strInsertTime", "m_strRemark",
        "m_strSource", "m_dFrozenMargin", "m_dFrozenCommission", "m_strCompactNo",
    ],
    "DEAL": [
        *_ROW_IDS,
        "m_strTradeID", "m_strOrderSysID", "m_strOrderRef", "m_nRef", "m_nTaskId", "m_nOffsetFlag",
        "m_nDirection", "m_dPrice", "m_nVolume", "m_dTradeAmount", "m_strTradeDate",
        "m_strTradeTime", "m_dCommission", "m_dComssion", "m_strOptName", "m_eEntrustType",
        "m_nOrderPriceType", "m_strRemark", "m_strSource",
    ],
    "TASK": [
        "m_strAccountID", "m_nTaskId", "m_eStatus", "m_strMsg", "m_nBusinessNum", "m_nNum",
        "m_dFixPrice", "m_stockCode", "m_strRemark", "m_strTypeName", "m_startTime", "m_endTime",
        "m_eOperationType", "m_ePrType", "m_eOrderType",
    ],
}  # fmt: skip
"""What is read of each kind, where the build has it (builds differ)."""

EVENTS = {"order": "ORDER", "deal": "DEAL", "account": "ACCOUNT", "position": "POSITION"}
EVENTS["task"] = "TASK"


def _read(thing: "Any", name: str) -> "Any":
    """One attribute; None when this build lacks it or it cannot be read (broken GBK)."""
    try:
        return getattr(thing, name)
    except Exception:
        return None


class Reader(object):
    """Objects of one kind to tuples; ``cols`` says which attributes, learnt from a live object."""

    def __init__(self, kind: str) -> None:
        self._wanted = COLUMNS[kind]
        self.cols = []  # type: list[str]
        self._quick = None  # type: Callable[[Any], Any] | None

    def learn(self, thing: "Any") -> bool:
        """Look which attributes there are; true when that changed."""
        names = set(dir(thing))
        cols = [each for each in self._wanted if each in names]
        if cols == self.cols:
            return False
        self._quick = None
        self.cols = cols
        if operator is not None and len(cols) > 1:
            self._quick = operator.attrgetter(*cols)
        return True

    def row(self, thing: "Any") -> "tuple[Any, ...]":
        if self._quick is not None:
            try:
                return self._quick(thing)  # type: ignore[no-any-return]
            except Exception:
                pass  # one of them is missing or broken here: one by one
        return tuple([_read(thing, each) for each in self.cols])


def _plain(value: "Any", depth: int = 0) -> "Any":
    """Anything the terminal answers, as JSON: objects become dicts of their ``m_*`` attributes."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if depth > 6:
        return str(value)[:200]
    if isinstance(value, dict):
        return {str(key): _plain(each, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(each, depth + 1) for each in value]
    names = [each for each in dir(value) if each[:2] == "m_"]
    if names:
        return {each: _plain(_read(value, each), depth + 1) for each in names}
    return _spelled(value)


class Table(object):
    """The terminal's list of one kind as last read: rows, and at which revision each changed."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.reader = Reader(kind)
        self.rows = []  # type: list[tuple[Any, ...]]
        self.revs = []  # type: list[int]
        # another load of this file must not continue our numbers: start at the wall clock
        self.base = self.rev = int(time.time() * 1000)
        self.waiting = []  # type: list[Ask]
        self.reading = False
        self.rest = 0.0  # not read again before this moment

    def clear(self) -> None:
        self.rows = []
        self.revs = []
        self.base = self.rev = self.rev + 1

    def put(self, index: int, row: "tuple[Any, ...]", rev: int) -> None:
        if index == len(self.rows):
            self.rows.append(row)
            self.revs.append(rev)
        elif self.rows[index] != row:
            self.rows[index] = row
            self.revs[index] = rev

    def changed(self, since: int) -> "list[tuple[int, tuple[Any, ...]]]":
        """(index, row) of what changed after ``since``."""
        rows = self.rows
        return [(i, rows[i]) for i, rev in enumerate(self.revs) if rev > since]


# ---------------------------------------------------------------- wires
# A wire opens (its own words when it may not), accepts links and closes.  A link reads what is
# there (b"": nothing; EOFError: gone), writes what fits (at most `most` bytes at once), finishes
# and closes.  None of them ever blocks.


class TcpWire(object):
    """127.0.0.1, nobody else on the same port."""

    name = "tcp"

    def __init__(self) -> None:
        self._sock = None  # type: Any

    def open(self) -> None:
        if socket is None:
            raise Closed(REFUSED["socket"])
        why = Closed("no port given")  # type: Exception
        for port in PORTS:
            sock = None
            try:
                sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
                if hasattr(socket, "SO_EXCLUSIVEADDRUSE"):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
                else:  # elsewhere this only skips the wait of closed connections
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind(("127.0.0.1", port))
                sock.listen(8)
                sock.setblocking(False)
            except Exception as error:
                why = error
                if sock is not None:
                    sock.close()
                continue
            self._sock = sock
            return
        raise why

    def accept(self) -> "list[TcpLink]":
        found = []  # type: list[TcpLink]
        while self._sock is not None and len(found) < 8:
            try:
                sock = self._sock.accept()[0]
            except OSError:
                break
            found.append(TcpLink(sock))
        return found

    def close(self) -> None:
        if self._sock is not None:
            self._sock.close()
            self._sock = None


class TcpLink(object):
    most = READ_BYTES

    def __init__(self, sock: "Any") -> None:
        self._sock = sock
        sock.setblocking(False)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError:
            pass

    def read(self) -> "bytes":
        try:
            data = self._sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return b""
        except OSError as error:
            raise EOFError(str(error)) from None
        if not data:
            raise EOFError("closed")
        return data  # type: ignore[no-any-return]

    def write(self, data: "bytes") -> int:
        try:
            return self._sock.send(data)  # type: ignore[no-any-return]
        except (BlockingIOError, InterruptedError):
            return 0
        except OSError as error:
            raise EOFError(str(error)) from None

    def finish(self) -> None:
        """Nothing more will be written; what was written still arrives."""
        try:
            self._sock.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def close(self) -> None:
        self._sock.close()


class Pipes(object):
    """Named pipes of Windows with plain values; polled, so that nothing waits.

    Only this user on this machine: the ACL names the user's SID, remote clients are rejected.
    """

    def __init__(self, kernel32: "Any", advapi32: "Any", last_error: "Any") -> None:
        self._kernel = kernel32
        self._advapi = advapi32
        self._last_error = last_error
        for name in ("CreateNamedPipeW", "GetCurrentProcess", "LocalFree"):
            getattr(kernel32, name).restype = ctypes.c_void_p

    def create(self, name: str, first: bool) -> int:
        """One instance, listening; ``first``: nobody else holds the name."""
        mode = 0x3 | (0x00080000 if first else 0)  # duplex, FILE_FLAG_FIRST_PIPE_INSTANCE
        kind = 0x1 | 0x8  # bytes, PIPE_NOWAIT, PIPE_REJECT_REMOTE_CLIENTS
        held = self._descriptor()
        try:
            rights = _SecurityAttributes(ctypes.sizeof(_SecurityAttributes), held, 0)
            handle = self._kernel.CreateNamedPipeW(
                ctypes.c_wchar_p(name), mode, kind, CHANNELS, 1 << 16, 1 << 16, 0,
                ctypes.byref(rights),
            )  # fmt: skip
            if handle in (None, -1, ctypes.c_void_p(-1).value):
                raise self._error("CreateNamedPipe")
        finally:
            self._kernel.LocalFree(held)
        self.connected(handle)
        return int(handle)

    def connected(self, handle: int) -> bool:
        """Somebody is at the other end."""
        if self._kernel.ConnectNamedPipe(ctypes.c_void_p(handle), None):
            return False  # has begun to listen
        code = self._last_error()
        if code == 232:  # came and went
            self._kernel.DisconnectNamedPipe(ctypes.c_void_p(handle))
        return bool(code == 535)

    def read(self, handle: int) -> "bytes":
        there = ctypes.c_ulong(0)
        at = ctypes.c_void_p(handle)
        if not self._kernel.PeekNamedPipe(at, None, 0, None, ctypes.byref(there), None):
            raise EOFError(str(self._error("PeekNamedPipe")))
        if not there.value:
            return b""
        space = ctypes.create_string_buffer(there.value)
        got = ctypes.c_ulong(0)
        if not self._kernel.ReadFile(at, space, there.value, ctypes.byref(got), None):
            raise EOFError(str(self._error("ReadFile")))
        return space.raw[: got.value]

    def write(self, handle: int, data: "bytes") -> int:
        """How much fitted."""
        done = ctypes.c_ulong(0)
        at = ctypes.c_void_p(handle)
        if not self._kernel.WriteFile(at, data, len(data), ctypes.byref(done), None):
            raise EOFError(str(self._error("WriteFile")))
        return int(done.value)

    def close(self, handle: int) -> None:
        self._kernel.CloseHandle(ctypes.c_void_p(handle))

    def _error(self, what: str) -> "OSError":
        code = self._last_error()
        told = ctypes.FormatError(code).strip() if hasattr(ctypes, "FormatError") else ""
        return OSError("%s: error %d %s" % (what, code, told))

    def _descriptor(self) -> "Any":
        """This user and nobody from the network."""
        words = "D:P(D;;GA;;;NU)(A;;GA;;;%s)" % self._user()
        held = ctypes.c_void_p()
        make = self._advapi.ConvertStringSecurityDescriptorToSecurityDescriptorW
        if not make(ctypes.c_wchar_p(words), 1, ctypes.byref(held), None):
            raise self._error("ConvertStringSecurityDescriptor")
        return held

    def _user(self) -> str:
        """The SID of this process's user, as text."""
        token = ctypes.c_void_p()
        me = ctypes.c_void_p(self._kernel.GetCurrentProcess())
        if not self._advapi.OpenProcessToken(me, 0x8, ctypes.byref(token)):
            raise self._error("OpenProcessToken")
        try:
            space = ctypes.create_string_buffer(256)  # TOKEN_USER begins with the SID's address
            need = ctypes.c_ulong(0)
            ask = self._advapi.GetTokenInformation
            if not ask(token, 1, space, 256, ctypes.byref(need)):
                raise self._error("GetTokenInformation")
            sid = ctypes.c_void_p.from_buffer(space)
            text = ctypes.c_wchar_p()
            if not self._advapi.ConvertSidToStringSidW(sid, ctypes.byref(text)):
                raise self._error("ConvertSidToStringSid")
            found = str(text.value)
            self._kernel.LocalFree(text)
            return found
        finally:
            self._kernel.CloseHandle(token)


if ctypes is not None:

    class _SecurityAttributes(ctypes.Structure):
        _fields_ = [  # noqa: RUF012  ctypes wants a plain list
            ("length", ctypes.c_ulong),
            ("descriptor", ctypes.c_void_p),
            ("inherit", ctypes.c_int),
        ]


def _system_pipes() -> "Pipes":
    if ctypes is None:
        raise Closed(REFUSED["ctypes"])
    windll = getattr(ctypes, "WinDLL", None)
    if windll is None:
        raise Closed("not Windows")
    kernel = windll("kernel32", use_last_error=True)
    advapi = windll("advapi32", use_last_error=True)
    return Pipes(kernel, advapi, _read(ctypes, "get_last_error"))


class PipeWire(object):
    """A named pipe; every peer has an instance of its own."""

    name = "pipe"

    def __init__(self, pipes: "Pipes | None" = None) -> None:
        self._pipes = pipes  # type: Any
        self._next = None  # type: int | None # the instance that listens

    def open(self) -> None:
        if not PIPE:
            raise Closed("no pipe given")
        self._pipes = self._pipes or _system_pipes()
        self._next = self._pipes.create(PIPE, True)

    def accept(self) -> "list[PipeLink]":
        found = []  # type: list[PipeLink]
        while len(found) < 8:
            if self._next is None:
                try:
                    self._next = self._pipes.create(PIPE, False)
                except OSError:
                    break  # all instances are in use; the next tick tries again
            if not self._pipes.connected(self._next):
                break
            found.append(PipeLink(self._pipes, self._next))
            self._next = None
        return found

    def close(self) -> None:
        if self._next is not None:
            self._pipes.close(self._next)
            self._next = None


class PipeLink(object):
    most = 1 << 14  # well under the pipe's buffer: it takes all or nothing

    def __init__(self, pipes: "Pipes", handle: int) -> None:
        self._pipes = pipes
        self._handle = handle

    def read(self) -> "bytes":
        return self._pipes.read(self._handle)

    def write(self, data: "bytes") -> int:
        return self._pipes.write(self._handle, data)

    def finish(self) -> None:
        """Closing keeps what the peer has not read yet."""

    def close(self) -> None:
        self._pipes.close(self._handle)


class SpoolWire(object):
    """A folder: each peer makes ``c-<random>/in`` and ``out``; numbered files go both ways."""

    name = "spool"

    def __init__(self) -> None:
        self._known = set()  # type: set[str]
        self._open = False

    def open(self) -> None:
        if not SPOOL:
            raise Closed("no folder given")
        if os is None:
            raise Closed(REFUSED["os"])
        os.makedirs(SPOOL, 0o700, exist_ok=True)
        trial = os.path.join(SPOOL, "agent.tmp")
        with open(trial, "wb") as file:
            file.write(b"agent")
        os.remove(trial)
        for name in self._peers():
            place = os.path.join(SPOOL, name)
            if os.listdir(os.path.join(place, "in")) or os.listdir(os.path.join(place, "out")):
                _clear_out(place)  # talked to an agent that is gone
        self._open = True

    def accept(self) -> "list[SpoolLink]":
        if not self._open:
            return []
        now = set(self._peers())
        fresh = sorted(now - self._known)
        self._known = now
        return [SpoolLink(os.path.join(SPOOL, each)) for each in fresh]

    def close(self) -> None:
        self._open = False

    @staticmethod
    def _peers() -> "list[str]":
        try:
            names = os.listdir(SPOOL)
        except OSError:
            return []
        whole = []
        for name in names:
            place = os.path.join(SPOOL, name)
            ready = all(os.path.isdir(os.path.join(place, each)) for each in ("in", "out"))
            if name[:2] == "c-" and ready and not os.path.islink(place):
                whole.append(name)
        return whole


class SpoolLink(object):
    most = OUT_BYTES  # a file holds whole frames
    ahead = 64  # files the peer may leave unread

    def __init__(self, place: str) -> None:
        self._place = place
        self._in = os.path.join(place, "in")
        self._out = os.path.join(place, "out")
        self._taken = 0
        self._given = 0
        self._stuck = 0.0

    def read(self) -> "bytes":
        data = bytearray()
        while len(data) < READ_BYTES:
            path = os.path.join(self._in, "%d.bin" % self._taken)
            try:
                with open(path, "rb") as file:
                    data += file.read()
            except FileNotFoundError:
                if not os.path.isdir(self._in):
                    raise EOFError("the folder is gone") from None
                break
            except OSError:
                break  # Windows: still in the writer's hands
            try:
                os.remove(path)
            except OSError:
                pass
            self._taken += 1
        return bytes(data)

    def write(self, data: "bytes") -> int:
        oldest = os.path.join(self._out, "%d.bin" % (self._given - self.ahead))
        if os.path.exists(oldest):
            self._stuck = self._stuck or _clock()
            if _clock() - self._stuck > 10.0:
                raise EOFError("nobody reads")
            return 0
        self._stuck = 0.0
        path = os.path.join(self._out, "%d" % self._given)
        try:
            with open(path + ".tmp", "wb") as file:
                file.write(data)
            os.rename(path + ".tmp", path + ".bin")
        except OSError as error:
            raise EOFError(str(error)) from None
        self._given += 1
        return len(data)

    def finish(self) -> None:
        """The peer reads until the folder is gone."""

    def close(self) -> None:
        _clear_out(self._place)


def _clear_out(place: str) -> None:
    """Remove one peer's folder: only what this wire makes, nothing else."""
    for each in ("in", "out"):
        folder = os.path.join(place, each)
        try:
            for name in os.listdir(folder):
                if name[-4:] in (".bin", ".tmp"):
                    os.remove(os.path.join(folder, name))
            os.rmdir(folder)
        except OSError:
            pass
    try:
        os.rmdir(place)
    except OSError:
        pass


# ---------------------------------------------------------------- channels


class Refusal(Exception):
    """A request that was not carried out: a code the SDK knows, and words."""

    def __init__(self, code: str, words: str = "", more: "dict[str, Any] | None" = None) -> None:
        Exception.__init__(self, code)
        self.code = code
        self.words = words
        self.more = more or {}


class Ask(object):
    """One request on its way."""

    __slots__ = ("args", "by", "channel", "id", "method", "since")

    def __init__(self, channel: "Channel", message: "dict[str, Any]") -> None:
        self.channel = channel
        self.id = message.get("id")
        self.method = message.get("m")
        args = message.get("a")
        self.args = args if isinstance(args, dict) else {}  # type: dict[str, Any]
        self.by = message.get("by")
        self.since = 0

    def part(self, value: "Any") -> None:
        self.channel.send({"t": "p", "id": self.id, "v": value})

    def answer(self, value: "Any") -> None:
        self.channel.send({"t": "r", "id": self.id, "ok": True, "v": value})

    def refuse(self, code: str, words: str = "", more: "dict[str, Any] | None" = None) -> None:
        message = {"t": "r", "id": self.id, "ok": False, "code": code, "msg": words}
        message.update(more or {})
        self.channel.send(message)


class Channel(object):
    """One SDK on one link."""

    def __init__(self, link: "Any", now: float) -> None:
        self.link = link
        self.framer = Framer(True)
        self.nonce = new_nonce()
        self.trusted = False
        self.closed = False
        self.leaving = 0.0  # when we said no; 0: we did not
        self.born = now
        self._out = bytearray()

    def send(self, message: "dict[str, Any]") -> None:
        if self.closed or self.leaving:
            return
        try:
            self._out += self.framer.pack(message)
        except FrameError:
            if message.get("t") != "r":
                raise
            short = {"t": "r", "id": message.get("id"), "ok": False, "code": "failed"}
            self._out += self.framer.pack(dict(short, msg="the answer is too long"))
        if len(self._out) > OUT_BYTES:
            self.close()

    @property
    def crowded(self) -> bool:
        """The peer reads slower than we write: wait with what can wait."""
        return len(self._out) > 1 << 20 and not self.closed

    def say_no(self, code: str, words: str, now: float) -> None:
        """Tell why, then leave."""
        self.send({"t": "no", "code": code, "msg": words})
        self.leaving = now
        self.trusted = False

    def read(self) -> None:
        """All that came; EOFError when the peer is gone, though it said something before.

        Read to the end: what a peer asked for and left is not begun.
        """
        while self.framer.waiting <= MAX_FRAME:  # else first take what is there
            data = self.link.read()
            if not data:
                return
            if not self.leaving:
                self.framer.feed(data)

    def flush(self) -> None:
        while self._out and not self.closed:
            sent = self.link.write(bytes(self._out[: self.link.most]))
            if not sent:
                return
            del self._out[:sent]
        if self.leaving and not self.closed:
            self.link.finish()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.trusted = False
            try:
                self.link.close()
            except Exception:
                pass


# ---------------------------------------------------------------- orders

STOCK_OPS = (23, 24, 27, 28, 29, 30, 31, 32, 33, 34, 60, 61, 70, 71, 72, 73, 74, 75, 80, 81, 82, 83)
"""opType of stocks, funds and bonds; futures numbers (0-15, 40-59) never pass."""

FIXED_PRICES = (11, 49)
REPAY_CASH = (32, 75)  # their volume is yuan, any code will do

CALLS = {
    "get_ipo_data": None,
    "get_new_purchase_limit": 0,
    "get_assure_contract": 0,
    "get_enable_short_contract": 0,
    "get_unclosed_compacts": 0,
    "get_closed_compacts": 0,
    "get_debt_contract": 0,
    "get_history_trade_detail_data": 0,
    "get_smart_algo_param": None,
    "get_value_by_order_id": 1,
}  # type: dict[str, int | None]
"""Read-only functions `call` may reach, and where their account stands."""

KNOWN = ["passorder", "cancel", "get_trade_detail_data", "smart_algo_passorder", "algo_passorder"]
KNOWN += ["cancel_task", "pause_task", "resume_task", "query_credit_account"]
KNOWN += ["query_credit_opvolume", *sorted(CALLS)]
METHODS = ["run_time", "schedule_run", "set_account", "get_full_tick", "get_instrument_detail"]
METHODS += ["get_instrumentdetail", "get_trading_dates"]


def _is_number(value: "Any") -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15


def _is_whole(value: "Any") -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_text(value: "Any", most: int) -> bool:
    try:
        return isinstance(value, str) and value.isprintable() and len(value.encode("gbk")) <= most
    except UnicodeError:  # what the client cannot say
        return False


def _is_code(value: "Any") -> bool:
    if not isinstance(value, str):
        return False
    bare, dot, market = value.partition(".")
    return dot == "." and bare.isalnum() and market.isalpha() and value == value.upper()


def _masked(account: str) -> str:
    return account if len(account) <= 4 else "*" * (len(account) - 4) + account[-4:]


class Order(object):
    """The arguments of one order, checked; Refusal("args") names the first wrong one."""

    def __init__(self, args: "dict[str, Any]") -> None:
        given = args.get  # type: Any
        self.op = given("op")
        self.order_type = given("order_type")
        self.code = given("code")
        self.pr = given("pr")
        self.price = given("price")
        self.volume = given("volume")
        self.strategy = given("strategy", "")
        self.tag = given("tag")
        for name, good in (
            ("op", self.op in STOCK_OPS and _is_whole(self.op)),
            ("order_type", self.order_type == 1101),
            ("code", _is_code(self.code)),
            ("pr", _is_whole(self.pr) and -1 <= self.pr <= 49),
            ("price", _is_number(self.price) and self.price >= 0),
            ("volume", _is_number(self.volume) and self.volume > 0),
            ("strategy", _is_text(self.strategy, 64)),
            ("tag", _is_text(self.tag, 23) and self.tag != "" and _ascii(self.tag)),
        ):
            if not good:
                raise Refusal("args", "%s=%r" % (name, args.get(name)))
        if not _is_whole(self.volume) and self.op not in REPAY_CASH:
            raise Refusal("args", "volume=%r" % self.volume)

    def before(self) -> "tuple[Any, ...]":
        """The arguments of passorder up to userOrderId; quickTrade 2: at once, whatever the bar."""
        head = (self.op, self.order_type, ACCOUNT, self.code, self.pr, float(self.price or 0))
        return (*head, self.volume, self.strategy, 2, self.tag)


def _ascii(text: str) -> bool:
    return all(ord(each) < 128 for each in text)


class Caps(object):
    """The limits written into the file: codes, value of one order, orders in a minute."""

    def __init__(self, caps: "dict[str, Any]", times: "list[float]") -> None:
        self._codes = caps.get("codes")
        self._value = caps.get("max_value")
        self._rate = caps.get("max_per_minute")
        self._times = times  # when orders left; outlives a re-run
        codes = self._codes is None or (isinstance(self._codes, list) and bool(self._codes))
        self._good = codes and all(
            each is None or (_is_number(each) and each > 0) for each in (self._value, self._rate)
        )

    def check(self, order: "Order", context: "Any", now: float) -> None:
        """Refusal("caps") when the order is over one of them."""
        if not self._good:  # a limit that cannot be read lets nothing through
            raise Refusal("caps", "CAPS in the agent file: %r" % (CAPS,))
        if self._codes is not None and order.code not in self._codes:
            raise Refusal("caps", "codes: %s" % order.code)
        if self._value is not None:
            value = self._worth(order, context)
            if value > self._value:
                raise Refusal("caps", "max_value: %.2f > %s" % (value, self._value))
        if self._rate is not None:
            self._times[:] = [each for each in self._times if now - each < 60]
            if len(self._times) >= self._rate:
                raise Refusal("caps", "max_per_minute: %s" % self._rate)

    def count(self, now: float) -> None:
        """One order leaves."""
        if self._rate is not None:
            self._times.append(now)

    @staticmethod
    def _worth(order: "Order", context: "Any") -> float:
        """Yuan at most: without a limit price, at the day's upper limit."""
        if order.op in REPAY_CASH:
            return float(order.volume or 0)
        price = order.price if order.pr in FIXED_PRICES else 0
        if not price:
            price = _upper_limit(context, order.code)
        if not price:
            raise Refusal("caps", "max_value: no price of %s to judge by" % order.code)
        return float(price) * float(order.volume or 0)


def _detail(context: "Any", code: "Any") -> "Any":
    """Reference data of one code; the method has two names."""
    found = _read(context, "get_instrument_detail") or _read(context, "get_instrumentdetail")
    if found is None:
        raise Refusal("missing", "get_instrument_detail")
    return found(code)


def _upper_limit(context: "Any", code: "Any") -> float:
    try:
        return float(_plain(_detail(context, code)).get("UpStopPrice") or 0)
    except Exception:
        return 0.0


# ---------------------------------------------------------------- the agent
# What is said, each a dict with "t":
#   agent  hello  v agent boot nonce          sdk  auth  v nonce who proof
#   agent  ok     proof account mode caps missing wires seq mono ...   |  no  code msg
# and from then on, under the key of both nonces:
#   sdk    q      id m(ethod) a(rguments) by (the deadline in this process's monotonic clock)
#   agent  p      id v                         a part of a long answer
#   agent  r      id ok=true v | id ok=false code msg
#   agent  e      seq k(ind) v                 an event
#   agent  b      tick mono age_ms queue seq   a beat; none: the client stands still
# Codes that mean nothing has left: expired busy readonly mode account args caps missing sealed.
# "raised": passorder itself raised, nobody knows.


class Agent(object):
    """Everything between the wires and the terminal; `tick` is the only thing that works."""

    def __init__(self) -> None:
        self._wires = []  # type: list[Any]
        self._again = []  # type: list[Any] # whose ports were taken: tried again now and then
        self.wires = {}  # type: dict[str, str]
        self._channels = []  # type: list[Channel]
        self._queue = deque()  # type: deque[Ask]
        self._work = deque()  # type: deque[Iterator[bool]] # true: waits for its peer to read
        self._tables = {}  # type: dict[str, Table]
        self._inbox = deque()  # type: deque[tuple[str, Any]] # filled by the callbacks' thread
        self._lost = 0
        self._readers = {each: Reader(kind) for each, kind in EVENTS.items()}
        self._context = None  # type: Any
        self._inside = False
        self.ticked = 0.0
        self._age = 0.0
        self._cadence = 0.0
        self._beat = 0.0
        self._retry = 0.0
        self._credit_times = {}  # type: dict[str, float]
        self._credit_seq = 0
        self._loaded = time.time()  # which lines of the client's log are ours
        self.tick_number = 0
        self.trouble = ""
        self._memory = _memory()
        try:
            self._memory.close()  # the predecessor in this process lets go of its wires
        except Exception as error:
            self.trouble = _words(error)
        self._memory.close = self.close
        self._memory.owner = self
        self.tags = self._memory.tags
        self._caps = Caps(CAPS, self._memory.times)
        self._methods = {
            "rows": self._rows,
            "submit": self._submit,
            "cancel": self._cancel,
            "find": self._find,
            "since": self._since,
            "full_tick": self._full_tick,
            "detail": self._details,
            "dates": self._dates,
            "call": self._call,
            "credit": self._credit,
            "algo": self._algo,
            "task": self._task,
        }  # type: dict[Any, Callable[[Ask], Any]]

    # ---- life

    def open(self) -> None:
        """Open every wire this terminal lets us."""
        for wire in (TcpWire(), PipeWire(), SpoolWire()):
            self._try(wire)

    def _try(self, wire: "Any") -> None:
        try:
            wire.open()
            self.wires[wire.name] = "ok"
            self._wires.append(wire)
        except Exception as error:
            self.wires[wire.name] = _words(error)
            if getattr(error, "errno", None) in TAKEN:
                self._again.append(wire)

    def close(self) -> None:
        for each in self._channels + self._wires:
            try:
                each.close()
            except Exception as error:
                self.trouble = _words(error)
        self._channels = []
        self._wires = []
        self._again = []

    def use(self, context: "Any") -> None:
        """The live ContextInfo: passorder wants the very object."""
        self._context = context

    # ---- one tick

    def tick(self, context: "Any") -> None:
        """All there is to do, bounded; re-entered (a call pumped the timers): nothing."""
        if self._inside or self._memory.owner is not self:
            return
        self._inside = True
        try:
            self._context = context
            now = _clock()
            self._observe(now)
            self._listen(now)
            self._serve(now + REQUESTS_S)
            self._tell()
            self._convert()
            self._pulse(now)
            self._flush(now)
        finally:
            self._inside = False

    def _observe(self, now: float) -> None:
        self.tick_number += 1
        if self.ticked:
            self._age = now - self.ticked
            # a long-term average that a stop of the client does not spoil
            gap = min(self._age, 10.0)
            self._cadence = gap if not self._cadence else self._cadence * 0.9 + gap * 0.1
        self.ticked = now

    def _listen(self, now: float) -> None:
        if self._again and now - self._retry > RETRY_S:
            self._retry = now
            again, self._again = self._again, []
            for wire in again:
                self._try(wire)
        for wire in self._wires:
            try:
                for link in wire.accept():
                    self._welcome(Channel(link, now), now)
            except Exception as error:
                self.trouble = _words(error)
        for channel in list(self._channels):
            try:
                self._hear(channel, now)
            except (EOFError, FrameError):
                self._drop(channel)
            except Exception as error:  # whatever a stranger says harms nobody else
                self.trouble = _words(error)
                self._drop(channel)

    def _hear(self, channel: "Channel", now: float) -> None:
        channel.read()
        for _ in range(FRAMES_PER_TICK):
            message = channel.framer.take()
            if message is None:
                return
            self._heard(channel, message, now)

    def _welcome(self, channel: "Channel", now: float) -> None:
        if len(self._channels) >= CHANNELS:  # strangers make room, oldest first
            for stranger in [each for each in self._channels if not each.trusted][:1]:
                self._drop(stranger)
        full = len(self._channels) >= CHANNELS
        self._channels.append(channel)
        if full:
            channel.say_no("full", "%d channels are open" % CHANNELS, now)
            return
        hello = {"t": "hello", "v": PROTOCOL, "agent": AGENT_VERSION}
        channel.send(dict(hello, boot=self._memory.boot, nonce=channel.nonce))

    def _drop(self, channel: "Channel") -> None:
        """The peer is gone: what it asked for and was not begun will never be."""
        channel.close()
        if channel in self._channels:
            self._channels.remove(channel)
        self._queue = deque(each for each in self._queue if each.channel is not channel)

    def _heard(self, channel: "Channel", message: "dict[str, Any]", now: float) -> None:
        if not channel.trusted:
            self._meet(channel, message, now)
            return
        if message.get("t") != "q":
            raise FrameError("not a request")
        ask = Ask(channel, message)
        if len(self._queue) >= QUEUE:
            ask.refuse("busy", "%d requests are waiting" % QUEUE)
        else:
            self._queue.append(ask)

    def _meet(self, channel: "Channel", message: "dict[str, Any]", now: float) -> None:
        """``auth``: the same protocol, the token, the account."""
        nonce = str(message.get("nonce", ""))
        if message.get("t") != "auth" or len(nonce) != 32:
            raise FrameError("not an auth")

        def proves(name: str, account: str) -> bool:
            mine = sdk_proof(TOKEN, channel.nonce, nonce, account)
            return _same(mine.encode(), str(message.get(name, "")).encode())

        if message.get("v") != PROTOCOL:
            channel.say_no("version", "protocol %d is spoken here" % PROTOCOL, now)
        elif not TOKEN or not proves("who", ""):
            channel.say_no("token", "wrong token", now)
        elif not proves("proof", ACCOUNT):
            channel.say_no("account", "this agent serves %s" % _masked(ACCOUNT), now)
        else:
            ok = dict(self._about(now), t="ok", proof=agent_proof(TOKEN, nonce, channel.nonce))
            channel.send(ok)
            channel.framer.key = session_key(TOKEN, channel.nonce, nonce)
            channel.trusted = True

    def _about(self, now: float) -> "dict[str, Any]":
        here = globals()
        methods = [each for each in METHODS if _read(self._context, each) is not None]
        present = [each for each in KNOWN if here.get(each) is not None] + methods
        return {
            "account": ACCOUNT,
            "account_type": ACCOUNT_TYPE,
            "orders": bool(ALLOW_ORDERS),
            "mode": self._mode(),
            "bound": str(here.get("account") or ""),
            "cadence_ms": round(self._cadence * 1000, 1),
            "caps": present,
            "missing": [each for each in KNOWN + METHODS if each not in present] + sorted(REFUSED),
            "refused": REFUSED,
            "wires": self.wires,
            "limits": CAPS,
            "seq": self._memory.seq,
            "loaded": self._loaded,
            "mono": now,
            "tick": self.tick_number,
            "place": str(_read(sys, "executable")),
            "cwd": _place(),
            "python": sys.version.split()[0],
            "period_ms": PERIOD_MS,
            "trouble": self.trouble,
        }

    def _mode(self) -> str:
        """As far as the inside can tell: simulated and real trading look the same from here."""
        if self._context is None:
            return "unknown"
        if _read(self._context, "do_back_test") in (True, 1):
            return "backtest"
        return "live" if globals().get("account") else "editor"

    # ---- requests

    def _serve(self, until: float) -> None:
        for _ in range(REQUESTS_PER_TICK):
            if not self._queue or _clock() >= until:
                return
            ask = self._queue.popleft()
            try:
                self._in_time(ask)
                method = self._methods.get(ask.method)
                if method is None:
                    raise Refusal("args", "no method %r" % (ask.method,))
                value = method(ask)
                if value is not None:
                    ask.answer(value)
            except Refusal as no:
                ask.refuse(no.code, no.words, no.more)
            except Exception as error:
                self.trouble = _words(error)
                ask.refuse("failed", _words(error))

    @staticmethod
    def _in_time(ask: "Ask") -> None:
        """Nothing is done after its deadline, in this process's clock."""
        if ask.by is None:
            return
        if not _is_number(ask.by):
            raise Refusal("args", "by=%r" % (ask.by,))
        if _clock() > ask.by:
            raise Refusal("expired", "asked too late")

    def _function(self, name: str) -> "Any":
        found = globals().get(name)
        if found is None:
            raise Refusal("missing", name)
        return found

    def _method(self, name: str) -> "Any":
        found = _read(self._context, name)
        if found is None:
            raise Refusal("missing", name)
        return found

    def _may_trade(self, ask: "Ask") -> None:
        if not ALLOW_ORDERS:
            raise Refusal("readonly", "ALLOW_ORDERS is False in the agent file")
        mode = self._mode()
        if mode != "live":
            raise Refusal("mode", mode)
        mine = (ACCOUNT, ACCOUNT_TYPE)
        if (ask.args.get("account"), ask.args.get("account_type")) != mine:
            raise Refusal("account", "this agent serves %s %s" % (_masked(ACCOUNT), ACCOUNT_TYPE))

    def _submit(self, ask: "Ask") -> "Any":
        return self._place_once(ask, "passorder", ())

    def _algo(self, ask: "Ask") -> "Any":
        """``fn`` and ``rest``: what stands between userOrderId and ContextInfo."""
        name, rest = ask.args.get("fn", "smart_algo_passorder"), ask.args.get("rest")
        if name not in ("smart_algo_passorder", "algo_passorder"):
            raise Refusal("args", "fn=%r" % (name,))
        if not isinstance(rest, list) or not 1 <= len(rest) <= 8:
            raise Refusal("args", "rest=%r" % (rest,))
        return self._place_once(ask, name, tuple(rest))

    def _place_once(self, ask: "Ask", name: str, rest: "tuple[Any, ...]") -> "dict[str, Any]":
        """The one place an order leaves from: a tag passes at most once."""
        try:
            self._may_trade(ask)
            order = Order(ask.args)
            known = self.tags.get(order.tag)
            if known is not None and known[0] == "sealed":
                raise Refusal("sealed", "somebody asked for this tag and was told it never left")
            if known is not None:
                return {"state": known[0], "tick": known[1], "again": True}
            if ask.by is None:
                raise Refusal("args", "by=None")
            place = self._function(name)
            self._caps.check(order, self._context, _clock())
            arguments = order.before() + rest + (self._context,)
            self._in_time(ask)
        except Refusal:
            raise
        except Exception as error:  # nothing has left: a certain no, not "failed"
            raise Refusal("args", _words(error)) from None
        self._remember(order.tag, "dispatching")  # before the call: whatever happens in it
        started = _clock()
        self._caps.count(started)
        try:
            returned = place(*arguments)
        except Exception as error:
            self._remember(order.tag, "raised")
            raise Refusal("raised", _words(error)) from None
        self._remember(order.tag, "dispatched")
        cost = round((_clock() - started) * 1000, 1)
        said = {"state": "dispatched", "tick": self.tick_number, "cost_ms": cost}
        return dict(said, ret=repr(returned)[:80])

    def _remember(self, tag: "Any", state: str) -> None:
        self.tags[tag] = [state, self.tick_number]
        while len(self.tags) > TAGS:
            del self.tags[next(iter(self.tags))]

    def _cancel(self, ask: "Ask") -> "dict[str, Any]":
        self._may_trade(ask)
        sysid = ask.args.get("sysid")
        if not _is_text(sysid, 64) or not sysid:
            raise Refusal("args", "sysid=%r" % (sysid,))
        returned = self._function("cancel")(sysid, ACCOUNT, ACCOUNT_TYPE, self._context)
        return {"ret": None if returned is None else bool(returned)}

    def _task(self, ask: "Ask") -> "dict[str, Any]":
        self._may_trade(ask)
        do, number = ask.args.get("do"), ask.args.get("id")
        if do not in ("cancel", "pause", "resume"):
            raise Refusal("args", "do=%r" % (do,))
        if not (_is_whole(number) or _is_text(number, 64)):
            raise Refusal("args", "id=%r" % (number,))
        act = self._function(do + "_task")
        returned = act(str(number), ACCOUNT, ACCOUNT_TYPE, self._context)
        return {"ret": None if returned is None else bool(returned)}

    def _find(self, ask: "Ask") -> "dict[str, Any]":
        """What became of the tags; ``seal``: one that has not left never will."""
        tags, seal = ask.args.get("tags"), ask.args.get("seal") is True
        if not isinstance(tags, list) or not all(_is_text(each, 23) for each in tags):
            raise Refusal("args", "tags")
        queued = {each.args.get("tag") for each in self._queue if each.method in ("submit", "algo")}
        found = {}  # type: dict[str, Any]
        for tag in tags:
            known = self.tags.get(tag)
            if known is None and seal:
                self._remember(tag, "sealed")
            elif known is None and tag in queued:
                known = ["received", self.tick_number]
            if known is None or known[0] == "sealed":
                found[tag] = None
            else:
                found[tag] = {"state": known[0], "tick": known[1]}
        return found

    # ---- tables

    def _rows(self, ask: "Ask") -> None:
        kind, since = ask.args.get("kind"), ask.args.get("since", 0)
        if kind not in COLUMNS:
            raise Refusal("args", "kind=%r" % (kind,))
        if not _is_whole(since):
            raise Refusal("args", "since=%r" % (since,))
        ask.since = since
        table = self._tables.get(kind)
        if table is None:
            table = self._tables[kind] = Table(kind)
        table.waiting.append(ask)
        if not table.reading:
            table.reading = True
            self._work.append(self._refresh(table))

    def _refresh(self, table: "Table") -> "Iterator[bool]":
        """Read the terminal's list once for all who wait, some rows per tick.

        Where the client is slow at it, it gets twice that time for its other strategies first.
        """
        while _clock() < table.rest:
            yield True
        waiting, table.waiting = table.waiting, []
        tick, at = self.tick_number, _clock()
        try:
            things = self._snapshot(table)
            now = _clock()
            table.rest = now + min(2 * (now - at), REST_S)
            rev = table.rev + 1
            for start in range(0, len(things), CHUNK):
                for index in range(start, min(start + CHUNK, len(things))):
                    table.put(index, table.reader.row(things[index]), rev)
                yield False
            del table.rows[len(things) :], table.revs[len(things) :]
            table.rev = rev
        except Exception as error:
            table.clear()
            code = error.code if isinstance(error, Refusal) else "failed"
            said = error.words if isinstance(error, Refusal) else _words(error)
            for ask in waiting:
                ask.refuse(code, said)
        else:
            for ask in waiting:
                self._work.append(self._deliver(ask, table, tick, at))
        table.reading = False
        if table.waiting:  # asked while we read: they want a newer one
            table.reading = True
            self._work.append(self._refresh(table))

    def _snapshot(self, table: "Table") -> "list[Any]":
        found = self._function("get_trade_detail_data")(ACCOUNT, ACCOUNT_TYPE, table.kind)
        if found is None:
            raise Refusal("failed", "get_trade_detail_data gave None for %s" % table.kind)
        things = list(found)
        if things and table.reader.learn(things[0]):
            table.clear()
        return things

    def _deliver(self, ask: "Ask", table: "Table", tick: int, at: float) -> "Iterator[bool]":
        full = not table.base <= ask.since <= table.rev
        changed = table.changed(0 if full else ask.since)
        cols = list(table.reader.cols)
        last = {"rev": table.rev, "count": len(table.rows), "full": full, "tick": tick, "at": at}
        for start in range(0, len(changed), CHUNK):
            while ask.channel.crowded:
                yield True
            if ask.channel.closed:
                return
            some = changed[start : start + CHUNK]
            ask.part({"cols": cols, "rows": [[index, *row] for index, row in some]})
            yield False
        ask.answer(dict(last, age_ms=round((_clock() - at) * 1000, 1)))

    def _convert(self) -> None:
        """Some rows of the tables that are being read or sent."""
        until = _clock() + CONVERT_S
        stuck = 0
        while stuck < len(self._work) and _clock() < until:
            job = self._work.popleft()
            try:
                stuck = stuck + 1 if next(job) else 0
                self._work.append(job)
            except StopIteration:
                pass
            except Exception as error:
                self.trouble = _words(error)

    # ---- market and other queries

    def _codes(self, ask: "Ask", most: int) -> "list[str]":
        codes = ask.args.get("codes")
        if not isinstance(codes, list) or len(codes) > most or not all(map(_is_code, codes)):
            raise Refusal("args", "codes: at most %d like 600000.SH" % most)
        return codes

    def _full_tick(self, ask: "Ask") -> "Any":
        codes = self._codes(ask, 500)
        return _plain(self._method("get_full_tick")(codes)) or {}

    def _details(self, ask: "Ask") -> None:
        codes = self._codes(ask, 200)
        context = self._context
        self._work.append(self._pieces(ask, "dict", ((each, _detail, context) for each in codes)))

    def _dates(self, ask: "Ask") -> "Any":
        args = [ask.args.get(each, "") for each in ("code", "start", "end")]
        count = ask.args.get("count", -1)
        if not _is_code(args[0]) or not _is_whole(count):
            raise Refusal("args", "code, start, end, count")
        return {"dates": _plain(self._method("get_trading_dates")(*args, count, "1d"))}

    def _call(self, ask: "Ask") -> None:
        name, args = ask.args.get("fn"), ask.args.get("args", [])
        if name not in CALLS or not isinstance(args, list) or len(args) > 8:
            raise Refusal("args", "fn=%r" % (name,))
        where = CALLS[name]
        if where is not None and (len(args) <= where or args[where] != ACCOUNT):
            raise Refusal("account", "this agent serves %s" % _masked(ACCOUNT))
        found = self._function(name)(*args)
        if isinstance(found, dict):
            self._work.append(self._pieces(ask, "dict", found.items()))
        elif isinstance(found, (list, tuple)):
            self._work.append(self._pieces(ask, "list", found))
        else:
            ask.answer({"as": "value", "count": 1, "value": _plain(found)})

    def _pieces(self, ask: "Ask", kind: str, items: "Any") -> "Iterator[bool]":
        """A long answer in parts: pieces of a list, or of a dict."""
        count = 0
        some = []  # type: list[Any]
        try:
            for item in items:
                if kind == "dict":
                    value = item[1](item[2], item[0]) if len(item) == 3 else item[1]
                    some.append((str(item[0]), _plain(value)))
                else:
                    some.append(_plain(item))
                count += 1
                if len(some) >= 20:
                    ask.part(dict(some) if kind == "dict" else some)
                    some = []
                    yield False
            if some:
                ask.part(dict(some) if kind == "dict" else some)
            ask.answer({"as": kind, "count": count})
        except Refusal as no:
            ask.refuse(no.code, no.words)
        except Exception as error:
            ask.refuse("failed", _words(error))

    def _credit(self, ask: "Ask") -> "dict[str, Any]":
        """The two slow credit queries; the answer comes as the event ``credit``."""
        what = ask.args.get("what")
        if what not in ("account", "opvolume"):
            raise Refusal("args", "what=%r" % (what,))
        query = self._function("query_credit_" + what)
        now = _clock()
        left = self._credit_times.get(what, now - CREDIT_S) + CREDIT_S - now
        if left > 0:
            raise Refusal("busy", "once in %d s" % CREDIT_S, {"wait_s": round(left, 1)})
        self._credit_seq += 1
        more = []  # type: list[Any]
        if what == "opvolume":
            more = [ask.args.get(each) for each in ("codes", "op", "pr", "price")]
        query(ACCOUNT, *more, self._credit_seq, self._context)
        self._credit_times[what] = now
        return {"seq": self._credit_seq}

    # ---- events

    def note(self, kind: str, thing: "Any") -> None:
        """Called on the callbacks' thread: copy, put aside, never raise."""
        try:
            if len(self._inbox) >= RING:
                self._lost += 1
                return
            if kind in self._readers:
                reader = self._readers[kind]
                if not reader.cols:
                    reader.learn(thing)
                if _read(thing, "m_strAccountID") not in (None, "", ACCOUNT):
                    return
                thing = {"cols": reader.cols, "row": reader.row(thing)}
            self._inbox.append((kind, thing))
        except Exception as error:
            self.trouble = _words(error)

    def _tell(self) -> None:
        """Number what the callbacks put aside, keep it, send it."""
        memory = self._memory
        if self._lost:  # a hole in the numbers: the SDK sees it and reads the tables
            memory.seq += self._lost
            self._lost = 0
            memory.ring.clear()
        for _ in range(min(len(self._inbox), 200)):
            kind, value = self._inbox.popleft()
            memory.seq += 1
            memory.ring.append((memory.seq, kind, value))
            while len(memory.ring) > RING:
                memory.ring.popleft()
            event = {"t": "e", "seq": memory.seq, "k": kind, "v": value}
            for channel in self._channels:
                if channel.trusted:
                    channel.send(event)

    def _since(self, ask: "Ask") -> None:
        seq = ask.args.get("seq")  # type: Any
        if not _is_whole(seq):
            raise Refusal("args", "seq=%r" % (seq,))
        self._work.append(self._replay(ask, seq))

    def _replay(self, ask: "Ask", seq: int) -> "Iterator[bool]":
        memory = self._memory
        events = [each for each in memory.ring if each[0] > seq]
        last = memory.seq
        gap = seq > last or (seq < last and (not events or events[0][0] != seq + 1))
        for start in range(0, len(events), CHUNK):
            while ask.channel.crowded:
                yield True
            if ask.channel.closed:
                return
            for number, kind, value in events[start : start + CHUNK]:
                ask.channel.send({"t": "e", "seq": number, "k": kind, "v": value})
            yield False
        answer = {"seq": last, "count": len(events)}  # type: dict[str, Any]
        ask.answer(dict(answer, gap=True) if gap else answer)

    # ---- out

    def _pulse(self, now: float) -> None:
        if now - self._beat < BEAT_S:
            return
        self._beat = now
        beat = {"t": "b", "tick": self.tick_number, "mono": _clock(), "seq": self._memory.seq}
        beat.update(age_ms=round(self._age * 1000, 1), queue=len(self._queue))
        for channel in self._channels:
            if channel.trusted:
                channel.send(beat)

    def _flush(self, now: float) -> None:
        for channel in list(self._channels):
            late = not channel.trusted and not channel.leaving and now - channel.born > AUTH_S
            gone = channel.leaving and now - channel.leaving > GOODBYE_S
            if late or gone or channel.closed:
                self._drop(channel)
                continue
            try:
                channel.flush()
            except EOFError:
                self._drop(channel)
            except Exception as error:
                self.trouble = _words(error)
                self._drop(channel)


def _place() -> str:
    try:
        return os.getcwd()
    except Exception:
        return ""


class _Memory(object):
    """What outlives a re-run of the model in the same process."""

    def __init__(self) -> None:
        self.boot = new_nonce()[:16]
        self.tags = {}  # type: dict[str, list[Any]]
        self.times = []  # type: list[float]
        self.ring = deque()  # type: deque[tuple[int, str, Any]]
        self.seq = 0
        self.owner = None  # type: Any
        self.close = _nothing  # type: Callable[[], None]


def _nothing() -> None:
    """Nobody was here before."""


def _memory() -> "Any":
    """This account's memory in this process; made of plain values, so that it fits a newer file."""
    name = "_easytrader_agent_" + hashlib.sha256(ACCOUNT.encode("utf-8")).hexdigest()[:12]
    shelf = sys.modules.get(name)
    if shelf is None:
        shelf = sys.modules[name] = type(sys)(name)
    kept = vars(shelf).get("memory")
    if kept is None:
        kept = _Memory()
        vars(shelf)["memory"] = kept
    return kept


# ---------------------------------------------------------------- entry points of the client

_agent = None  # type: Agent | None


def _start(context: "Any") -> None:
    global _agent
    refused = [each for each in ESSENTIAL if each in REFUSED]
    if refused:
        _say("easytrader agent: cannot run here: %s" % REFUSED)
        return
    _set_account(context)
    agent = Agent()
    agent.use(context)
    agent.open()
    _agent = agent
    timer = _schedule(context)
    said = (AGENT_VERSION, _masked(ACCOUNT), bool(ALLOW_ORDERS), agent.wires, timer)
    _say("easytrader agent %d: account %s, orders %s, wires %s, timer %s" % said)


def _say(text: str) -> None:
    """One line in the strategy log, at start only: printing is slow, and may itself fail."""
    try:
        print(text)  # noqa: T201
    except Exception:
        try:
            print(ascii(text))  # noqa: T201
        except Exception:
            REFUSED["print"] = "cannot print"


def _set_account(context: "Any") -> None:
    """Without it no callback comes; some builds want the type too."""
    try:
        if ACCOUNT_TYPE == "STOCK":
            context.set_account(ACCOUNT)
        else:
            context.set_account(ACCOUNT, ACCOUNT_TYPE)
    except TypeError:
        context.set_account(ACCOUNT)
    except Exception as error:
        REFUSED["set_account"] = _words(error)


def _schedule(context: "Any") -> str:
    """Ask for ticks; where both timers are refused, the bars of the chart must do."""
    try:
        context.run_time("_et_tick", "%dnMilliSecond" % PERIOD_MS, "2020-01-01 09:00:00")
        return "run_time"
    except Exception as error:
        REFUSED["run_time"] = _words(error)
    try:
        start, step = dt.datetime.now(), dt.timedelta(milliseconds=PERIOD_MS)
        context.schedule_run(_et_tick, start, -1, step, "_et_tick")
        return "schedule_run"
    except Exception as error:
        REFUSED["schedule_run"] = _words(error)
    return "handlebar"


def _et_tick(context: "Any") -> None:
    agent = _agent
    if agent is None:
        return
    try:
        agent.tick(context)
    except Exception as error:
        agent.trouble = _words(error)


def init(context: "Any") -> None:
    """The client starts the model (again: each morning, after each edit)."""
    try:
        _start(context)
    except Exception as error:
        _say("easytrader agent: %s" % _words(error))


def handlebar(context: "Any") -> None:
    """Thousands of old bars are replayed at start: only a stand-in for a timer that is dead."""
    agent = _agent
    if agent is None:
        return
    try:
        if _clock() - agent.ticked > 3.0 and context.is_last_bar():
            agent.tick(context)
    except Exception as error:
        agent.trouble = _words(error)


def stop(context: "Any") -> None:
    """The client ends the model; the memory of the tags stays."""
    try:
        if _agent is not None:
            _agent.close()
    except Exception as error:
        REFUSED["stop"] = _words(error)


def _note(kind: str, thing: "Any") -> None:
    if _agent is not None:
        _agent.note(kind, thing)


def account_callback(context: "Any", thing: "Any") -> None:
    _note("account", thing)


def order_callback(context: "Any", thing: "Any") -> None:
    _note("order", thing)


def deal_callback(context: "Any", thing: "Any") -> None:
    _note("deal", thing)


def position_callback(context: "Any", thing: "Any") -> None:
    _note("position", thing)


def task_callback(context: "Any", thing: "Any") -> None:
    _note("task", thing)


def orderError_callback(context: "Any", args: "Any", msg: "Any") -> None:
    try:
        strategy, mark, tag = str(_read(args, "strategyName") or "").rpartition("_&&&_")
        value = {"strategy": strategy if mark else tag, "tag": tag if mark else ""}
        for name, field in (
            ("op", "opType"),
            ("order_type", "orderType"),
            ("account", "accountID"),
            ("code", "orderCode"),
            ("pr", "prType"),
            ("price", "modelPrice"),
            ("volume", "modelVolume"),
        ):
            value[name] = _plain(_read(args, field))
        _note("error", dict(value, msg=str(msg)[:500]))
    except Exception:
        pass


def credit_account_callback(context: "Any", seq: "Any", result: "Any") -> None:
    try:
        _note("credit", {"what": "account", "seq": seq, "ret": 1, "value": _plain(result)})
    except Exception:
        pass


def credit_opvolume_callback(
    context: "Any", accid: "Any", seq: "Any", ret: "Any", result: "Any"
) -> None:
    try:
        _note("credit", {"what": "opvolume", "seq": seq, "ret": ret, "value": _plain(result)})
    except Exception:
        pass
