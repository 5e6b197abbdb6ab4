"""``IPythonApiClient`` 的替身：厂商的 ``xtdata.py`` 经它取行情。

方法名、参数、返回值的形状都是厂商 Python 层等着的那样；模拟不了的抛 `SimulatorError`，
说出是哪个函数，从不悄悄给空。订阅由一个线程看着行情，变了就交给各个回调；用到才启动，没有订阅就停。
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.beijing import midnight, stamp
from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.config.folder import SimFolder
from easytrader.sim.native.frames import TICK_FIELDS, bar_row, columns, matrix, structured
from easytrader.sim.native.io_thread import call_quietly
from easytrader.sim.native.quote_connection import LOST, QuoteConnection, quote_folder
from easytrader.sim.quotes.bars import DAILY, LONG
from easytrader.sim.quotes.board import PERIODS, Board, new_deadline
from easytrader.sim.quotes.calendar import moment
from easytrader.sim.quotes.details import SECTORS, kinds_of, lot_of

if TYPE_CHECKING:
    from collections.abc import Callable


_LOOK_S: Final = 0.2
"""隔多久看一眼行情走了没有。"""
_JOIN_S: Final = 2.0


@dataclass(slots=True)
class Feed:
    """一个订阅。

    ``callback``：交给谁，None 只占一个订阅号；``latest``：取最近几根 K 线，None 为快照。
    ``past``：先交的历史；``listed``：每只证券交的是列表（单股订阅），还是一个字典（全推）；``seen``：各代码上一次交的。
    """

    codes: list[str]
    callback: Callable[[Any], None] | None
    latest: Callable[[int], list[dict[str, Any]]] | None = None
    past: list[dict[str, Any]] = field(default_factory=list)
    listed: bool = False
    seen: dict[str, Any] = field(default_factory=dict)

    def news(self, ticks: dict[str, dict[str, Any]]) -> dict[str, Any]:
        """与上一次相比变了的。"""
        found: dict[str, Any] = {}
        for code in self.codes:
            now = ticks.get(code)
            if now is None or self.seen.get(code) == now["time"]:
                continue
            self.seen[code] = now["time"]
            rows = [dict(now)] if self.latest is None else self.latest(1)
            found[code] = rows if self.listed else rows[0]
        return found


class QuotePump:
    """``snapshot(codes)`` 取快照；连接断了抛 `SimulatorError`，线程随之结束。"""

    def __init__(self, snapshot: Callable[[list[str]], dict[str, dict[str, Any]]]) -> None:
        self._snapshot = snapshot
        self._numbers = itertools.count(1)
        self._feeds: dict[int, Feed] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._nudge = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, feed: Feed) -> int:
        """订阅；返回大于 0 的号。第一次交付在行情线程上，很快就来。"""
        with self._lock:
            number = next(self._numbers)
            self._feeds[number] = feed
            if feed.callback is not None and self._thread is None and not self._stop.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="easytrader-sim-quotes", daemon=True
                )
                self._thread.start()
        self._nudge.set()
        return number

    def remove(self, number: int) -> None:
        """退订。"""
        with self._lock:
            self._feeds.pop(number, None)

    def close(self) -> None:
        """停下；在回调里调用不等。"""
        self._stop.set()
        self._nudge.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            with self._lock:
                feeds = [
                    (number, feed)
                    for number, feed in self._feeds.items()
                    if feed.callback is not None
                ]
            if feeds and not self._look(feeds):
                return
            self._nudge.wait(_LOOK_S)
            self._nudge.clear()

    def _look(self, feeds: list[tuple[int, Feed]]) -> bool:
        """看一眼；断了为假。"""
        codes = list(dict.fromkeys(code for _, feed in feeds for code in feed.codes))
        try:
            ticks = self._snapshot(codes)
            for number, feed in feeds:
                self._give(number, feed, ticks)
        except SimulatorError as error:
            if not self._stop.is_set():
                logger.warning("行情订阅停止：{}", error)
            return False
        return True

    def _give(self, number: int, feed: Feed, ticks: dict[str, dict[str, Any]]) -> None:
        past, feed.past = feed.past, []
        assert feed.callback is not None
        if past:
            call_quietly(feed.callback, {feed.codes[0]: past})
        news = feed.news(ticks)
        if news and number in self._feeds and not self._stop.is_set():
            call_quietly(feed.callback, news)


_LOOPBACK: Final = ("127.0.0.1", "localhost", "0.0.0.0")  # noqa: S104  不是监听，是认地址
_SECTOR_DATA: Final = 2009
"""板块数据的 metaid：板块是内置的，下载它不必做什么。"""
_DIVIDENDS: Final = ("none", "front", "back", "front_ratio", "back_ratio", None)


class IPythonApiClient:
    """一条行情连接；断了就新建一个，厂商的 Python 层会自己这样做。"""

    simulated = True
    """厂商没有这个属性：实盘的交易口据此认出这是模拟行情。"""

    def __init__(self) -> None:
        self._address = ""
        self._path = ""
        self._connection: QuoteConnection | None = None
        self._board: Board | None = None
        self._pump = QuotePump(self._snapshot)

    # ---- 连接

    def init(self) -> None:
        """厂商先调用它。"""

    def load_config(self, path: str, section: str) -> int:
        """厂商的配置与模拟无关。"""
        return 0

    def set_config_addr(self, address: str) -> None:
        """厂商要连的地址。"""
        self._address = address

    def registerCommonControlCallback(  # noqa: N802  厂商的名字
        self, name: str, callback: Callable[..., Any]
    ) -> None:
        """厂商用来看连接状态；模拟行情没有这种推送。"""

    def connect(self) -> tuple[int, str]:
        """``(0, '')`` 或 ``(-1, 原因)``；最多三秒。原因也写进日志，厂商的 Python 层不说。"""
        try:
            host = self._address.rpartition(":")[0]
            if host and host not in _LOOPBACK:
                raise SimulatorError(f"模拟行情只在本机，连不到 {self._address}。")
            path = quote_folder()
            folder = SimFolder.open(path)
            self._connection = QuoteConnection(path)
            self._path, self._board = str(folder.path), Board(folder)
        except (EasytraderError, OSError) as error:
            self.shutdown()
            logger.warning("模拟行情连不上：{}", error)
            return -1, str(error)
        return 0, ""

    def is_connected(self) -> bool:
        """还连着。"""
        return self._connection is not None and self._connection.alive

    def shutdown(self) -> None:
        """断开；可重复调用。"""
        self._pump.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def get_data_dir(self) -> str:
        """模拟行情没有本地数据文件；给模拟文件夹。"""
        return self._path

    def get_app_dir(self) -> str:
        """同上。"""
        return self._path

    def get_server_tag(self) -> bytes:
        """厂商打印的服务信息。"""
        return _encoded({"name": "easytrader 模拟行情", "pid": os.getpid()})

    def get_peer_addr(self) -> str:
        """厂商打印的服务地址。"""
        return f"模拟 MiniQMT {self._path}"

    # ---- 快照与订阅

    def get_full_tick(self, codes: list[str]) -> str:
        """快照，JSON；不认识的代码不在里面。"""
        return json.dumps(self._snapshot(_codes(codes)))

    def subscribe_whole_quote(
        self, codes: list[str], param: bytes, callback: Callable[[Any], None] | None
    ) -> int:
        """订阅快照：先给一次全量，以后变了再给。"""
        wanted = self._known(codes)
        return self._pump.add(Feed(wanted, callback))

    def subscribe_quote(
        self, meta: bytes, region: bytes, param: bytes, callback: Callable[[Any], None] | None
    ) -> int:
        """订阅一只证券的分笔或 K 线。"""
        what, when = _bson().decode(meta), _bson().decode(region)
        if what.get("metaid", -1) > 0 or what["period"] not in PERIODS:
            raise _missing(f"周期 {what['period'] or what.get('metaid')!r} 的订阅")
        code, period = what["stockCode"], what["period"]
        self._known([code])

        def latest(count: int) -> list[dict[str, Any]]:
            return self._rows(code, period, "", "", count)

        past: list[dict[str, Any]] = []
        if when.get("count"):
            past = self._rows(code, period, when["startTime"], when["endTime"], when["count"])
        feed = Feed([code], callback, None if period == "tick" else latest, past, listed=True)
        return self._pump.add(feed)

    def unsubscribe_quote(self, number: int) -> int:
        """退订；不认识的号不报错。"""
        self._pump.remove(number)
        return 0

    # ---- 历史

    def get_market_data3(
        self,
        fields: list[str],
        codes: list[str],
        period: str,
        start: Any,
        end: Any,
        count: int,
        dividend: str | None,
        fill: bool,
        form: str,
        *_: Any,
    ) -> Any:
        """历史行情；``form`` 是厂商 Python 层要的样子：v2 矩阵，v3 结构数组，v4 各列的字节。"""
        if period not in PERIODS or form not in ("v2", "v3", "v4"):
            raise _missing(f"周期 {period!r}（{form or 'level2'}）的历史行情")
        if dividend not in _DIVIDENDS:
            raise SimulatorError(f"不认识的除权方式 {dividend!r}。")
        codes, now, deadline = _codes(codes), self._now(), new_deadline()
        found = {
            code: self._rows(code, period, start, end, count, (now, deadline)) for code in codes
        }
        if period == "tick":
            return {code: structured(rows, fields, TICK_FIELDS) for code, rows in found.items()}
        day_only = period == DAILY or period in LONG
        label = "%Y%m%d" if day_only else "%Y%m%d%H%M%S"
        if form == "v2":
            return matrix(found, fields, label)
        packed = {
            code: columns(rows, fields, lambda ts: stamp(ts, label)) for code, rows in found.items()
        }
        return [(code, index, data) for code, (index, data) in packed.items()]

    def supply_history_data(self, code: str, period: str, start: str, end: str) -> int:
        """下载：模拟行情不用下载，只核对要得对不对。"""
        self._check_download([code], period, start, end, -1)
        return 0

    def supply_history_data2(
        self,
        codes: list[str],
        period: str,
        start: str,
        end: str,
        param: bytes,
        progress: Callable[[dict[str, Any]], Any],
    ) -> bool:
        """批量下载：核对之后立刻说完成。"""
        metaid = _bson().decode(param).get("metaid", -1)
        self._check_download(_codes(codes), period, start, end, metaid)
        total = max(1, len(codes))
        for number, code in enumerate(codes or [""], 1):
            progress({"finished": number, "total": total, "stockcode": code, "message": ""})
        return True

    def stop_supply_history_data2(self) -> None:
        """下载总是已经完成了。"""

    def get_divid_factors(self, code: str, start: str = "", end: str = "") -> dict[str, Any]:
        """``corporate_actions.json`` 里已经到了的除权除息；没有为空。"""
        self._known([code])
        return self._live_board().factors(code, start, end, self._now())

    # ---- 合约、板块、日历

    def get_instrument_detail(self, code: str) -> bytes:
        """合约信息；不认识的代码为空。"""
        found = self._live_board().detail(code, self._now())
        return b"" if found is None else _encoded(found)

    def get_stock_type(self, code: str) -> dict[str, bool]:
        """品种。"""
        self._now()
        return kinds_of(code)

    def get_sector_list(self) -> list[str]:
        """有哪些板块。"""
        self._now()
        return list(SECTORS)

    def get_stock_list_in_sector(self, name: str, timetag: int = -1) -> list[str]:
        """板块成分：历史上也是这些。"""
        self._now()
        return self._live_board().sector(name)

    def get_trading_dates_by_market(
        self, market: str, start: Any, end: Any, count: int
    ) -> list[int]:
        """交易日，毫秒。"""
        if market not in ("SH", "SZ", "BJ"):
            raise _missing(f"市场 {market!r} 的交易日")
        calendar, now = self._live_board().calendar, self._now()
        days = calendar.days(now, moment(start, last=False), moment(end, last=True))
        if count >= 0:
            days = days[:count]
        return [midnight(day) * 1000 for day in reversed(days)]

    def get_market_last_trade_date(self, market: str) -> int:
        """最近的交易日，毫秒。"""
        return self.get_trading_dates_by_market(market, "", "", 1)[-1]

    def get_holidays(self) -> list[int]:
        """历史范围之内、工作日而不开市的日子，YYYYMMDD。"""
        board = self._live_board()
        if board.always_open:
            raise SimulatorError("这个模拟文件夹全天开市（clock=always），没有节假日。")
        return board.calendar.holidays(self._now())

    def commonControl(self, name: str, param: bytes) -> bytes:  # noqa: N802  厂商的名字
        """厂商的通用入口。"""
        if name in ("getapiversion", "downloadholidaydata"):
            return _encoded({})
        raise _missing(f"{name}（commonControl）")

    # ---- 内部

    def _live_board(self) -> Board:
        if self._board is None or not self.is_connected():
            raise SimulatorError(LOST)
        return self._board

    def _now(self) -> float:
        connection = self._connection
        if connection is None:
            raise SimulatorError(LOST)
        return connection.now()

    def _snapshot(self, codes: list[str]) -> dict[str, dict[str, Any]]:
        return self._live_board().snapshot(codes, self._now())

    def _known(self, codes: list[str]) -> list[str]:
        """都认得的代码。"""
        board = self._live_board()
        spread = board.spread(_codes(codes))
        for code in spread:
            board.must(code)
        return spread

    def _rows(
        self,
        code: str,
        period: str,
        start: Any,
        end: Any,
        count: int,
        at: tuple[float, float] | None = None,
    ) -> list[dict[str, Any]]:
        board = self._live_board()
        now, deadline = at or (self._now(), new_deadline())
        if period == "tick":
            return board.ticks(code, (start, end, count), now, deadline)
        lot = lot_of(board.must(code))
        bars = board.bars(code, period, (start, end, count), now, deadline)
        return [bar_row(bar, lot) for bar in bars]

    def _check_download(
        self, codes: list[str], period: str, start: Any, end: Any, metaid: int
    ) -> None:
        self._now()
        if metaid == _SECTOR_DATA:
            return
        if metaid > 0 or period not in PERIODS:
            raise _missing(f"{period or metaid!r} 数据的下载")
        moment(start, last=False), moment(end, last=True)
        self._known(codes)


def _missing(what: str) -> SimulatorError:
    return SimulatorError(f"模拟行情没有{what}。")


def _encoded(value: dict[str, Any]) -> bytes:
    return bytes(_bson().encode(value))


def _bson() -> Any:
    """厂商自带的 BSON。"""
    return importlib.import_module("xtquant.xtbson").BSON


def _codes(codes: object) -> list[str]:
    """代码的列表；给一个字符串会被当成一个个字，先拦下。"""
    if isinstance(codes, str) or not isinstance(codes, (list, tuple, set)):
        raise TypeError(f"代码要放在列表里，如 ['600036.SH']；得到 {codes!r}")
    return list(codes)


def refusing(name: str, told: str) -> Callable[..., Any]:
    """不模拟的函数、方法：抛 SimulatorError。"""

    def function(*args: Any, **options: Any) -> Any:
        raise SimulatorError(told)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{name} 不模拟：抛 SimulatorError。"
    return function


NOT_SIMULATED: Final = (
    "custom_data_control",
    "down_cb_data",
    "down_history_contracts",
    "down_index_weight",
    "get_cb_info",
    "get_financial_data",
    "get_ipo_info",
    "get_main_contract",
    "get_weight_in_index",
    "is_stock_type",
    "read_local_data",
    "subscribeFormula",
    "subscribeFormulaSync",
    "unsubscribeFormula",
)
"""厂商的 Python 层会用到而这里不模拟的方法。"""

for _name in NOT_SIMULATED:
    setattr(IPythonApiClient, _name, refusing(_name, f"模拟行情没有 {_name}。"))
