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
# there (b"": nothing; EOFError: gone), writes what fits and closes.  None of them ever blocks.


class TcpWire(object):
    """127.0.0.1, nobody else on the same port."""

    name = "tcp"

    def __init__(self) -> None:
        self._sock = None  # type: Any

    def open(self) -> None:
        if socket is None:
            raise OSError(REFUSED["socket"])
        why = OSError("no port given")  # type: Exception
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
        return len(self._out) > 1 << 20

    def say_no(self, code: str, words: str, now: float) -> None:
        """Tell why, then leave."""
        self.send({"t": "no", "code": code, "msg": words})
        self.leaving = now
        self.trusted = False

    def read(self) -> None:
        """What came; EOFError when the peer is gone, FrameError when it is not one of ours."""
        if self.framer.waiting > MAX_FRAME:
            return  # first take what is there
        data = self.link.read()
        if data and not self.leaving:
            self.framer.feed(data)

    def flush(self) -> None:
        while self._out and not self.closed:
            sent = self.link.write(bytes(self._out[:READ_BYTES]))
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
    return isinstance(value, str) and value.isprintable() and len(value.encode("gbk")) <= most


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

    def __init__(self, caps: "dict[str, Any]") -> None:
        self._codes = caps.get("codes") or []
        self._value = caps.get("max_value")
        self._rate = caps.get("max_per_minute")
        self._times = []  # type: list[float]

    def check(self, order: "Order", context: "Any", now: float) -> None:
        """Refusal("caps") when the order is over one of them."""
        if self._codes and order.code not in self._codes:
            raise Refusal("caps", "codes: %s" % order.code)
        if self._value is not None:
            value = self._worth(order, context)
            if value > self._value:
                raise Refusal("caps", "max_value: %.2f > %s" % (value, self._value))
        if self._rate is not None:
            self._times = [each for each in self._times if now - each < 60]
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
