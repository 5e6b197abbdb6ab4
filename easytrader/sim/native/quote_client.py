"""``IPythonApiClient`` 的替身：厂商的 ``xtdata.py`` 经它取行情。

方法名、参数、返回值的形状都是厂商 Python 层等着的那样。不认识的代码、没有的数据照真的客户端
「什么都没有下载过」来答：空的，不抛；要它去做而做不到的事抛 `SimulatorError`，见 `quote_controls`。
订阅由一个线程看着行情，变了就交给各个回调；用到才启动，没有订阅就停。
"""

from __future__ import annotations

import importlib
import itertools
import json
import os
import threading
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.beijing import day_of
from easytrader.basics.paths import canonical
from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.config.folder import SimFolder, is_sim_folder
from easytrader.sim.host import hub
from easytrader.sim.native.frames import (
    TICK_FIELDS,
    arrow,
    columns,
    label_of,
    matrix,
    structured,
    without_suspended,
)
from easytrader.sim.native.io_thread import call_quietly
from easytrader.sim.native.quote_connection import (
    LOST,
    QuoteConnection,
    quote_folder,
    told_folder,
)
from easytrader.sim.native.quote_controls import answer, local_midnight
from easytrader.sim.quotes.bars import bar_row
from easytrader.sim.quotes.board import PERIODS, Board, new_deadline
from easytrader.sim.quotes.calendar import moment
from easytrader.sim.quotes.details import kinds_of, lot_of
from easytrader.sim.quotes.sectors import MARKETS

if TYPE_CHECKING:
    from collections.abc import Callable


_LOOK_S: Final = 0.2
"""隔多久看一眼行情走了没有。"""
_JOIN_S: Final = 2.0


@dataclass(slots=True)
class Feed:
    """一个订阅。

    ``callback``：交给谁，None 只占一个订阅号；``period``：周期；``latest``：取最近几根 K 线，
    None 为快照。
    ``past``：先交的历史；``listed``：每只证券交的是列表（单股订阅），还是一个字典（全推）；``seen``：各代码上一次交的。
    """

    codes: list[str]
    callback: Callable[[Any], None] | None
    period: str = "tick"
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

    def feeds(self) -> list[tuple[int, Feed]]:
        """此刻的各个订阅。"""
        with self._lock:
            return list(self._feeds.items())

    def close(self) -> None:
        """停下；在回调里调用不等。"""
        self._stop.set()
        self._nudge.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_JOIN_S)

    def _run(self) -> None:
        while not self._stop.is_set():
            feeds = [each for each in self.feeds() if each[1].callback is not None]
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
_DIVIDENDS: Final = ("none", "front", "back", "front_ratio", "back_ratio", "", None)
_FORMS: Final = ("v2", "v3", "v4", "v5")
_rebinding: Final = threading.Lock()


class IPythonApiClient:
    """一条行情连接；断了就新建一个，厂商的 Python 层会自己这样做。"""

    simulated = True
    """厂商没有这个属性：实盘的交易口据此认出这是模拟行情。"""

    def __init__(self) -> None:
        self._address = ""
        self._path = ""
        self._connection: QuoteConnection | None = None
        self._board: Board | None = None
        self._guessed = False
        self._noticed = ""
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
            self._guessed = not told_folder()
            self._attach(quote_folder())
        except (EasytraderError, OSError) as error:
            self.shutdown()
            logger.warning("模拟行情连不上：{}", error)
            return -1, str(error)
        return 0, ""

    def _attach(self, path: str) -> None:
        folder = SimFolder.open(path)
        board, connection = Board(folder), QuoteConnection(path)
        self._path, self._board, self._connection = str(folder.path), board, connection

    def _follow(self) -> None:
        """没有人说过连哪里、先连了默认的，而交易口后来连了别的：跟过去，一个进程只有一个市场。"""
        told = told_folder() if self._guessed else ""
        if not told:
            self._warn_apart()
            return
        with _rebinding:
            if not self._guessed:
                return
            self._guessed = False
            if canonical(told) == canonical(self._path):
                return
            before, left = self._connection, self._path
            try:
                self._attach(told)
            except (EasytraderError, OSError) as error:
                logger.warning("行情仍在 {}，没能跟到交易口连着的 {}：{}", left, told, error)
                return
            logger.warning(
                "行情先连了默认的模拟文件夹 {}，现在跟到交易口连着的 {}：此前取的不是这个市场的。"
                "要从头就对，用 easytrader sim run --qmt，或设环境变量 EASYTRADER_SIM。",
                left,
                self._path,
            )
        if before is not None:
            before.close()

    def _warn_apart(self) -> None:
        """环境变量说了连哪一个，不跟着交易口走；两个不是一个市场时说一声。"""
        latest = hub.HUB.latest
        if latest == self._noticed or not self._path:
            return
        self._noticed = latest
        if (
            not self._guessed
            and is_sim_folder(latest)
            and canonical(latest) != canonical(self._path)
        ):
            logger.warning(
                "行情照环境变量 EASYTRADER_SIM 连着 {}，交易口连着 {}：不是同一个市场。"
                "要一样就改环境变量，或用 easytrader sim run --qmt。",
                self._path,
                latest,
            )

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
        """订阅快照：先给一次全量，以后变了再给；不认识的代码没有推送。"""
        board = self.board
        spread = [code for code in board.spread(_codes(codes), self.now()) if board.find(code)]
        return self._pump.add(Feed(spread, callback))

    def subscribe_quote(
        self, meta: bytes, region: bytes, param: bytes, callback: Callable[[Any], None] | None
    ) -> int:
        """订阅一只证券的分笔或 K 线；订不了（没有这只、没有这个周期）为 -1。"""
        what, when = _bson().decode(meta), _bson().decode(region)
        code, period, dividend = what["stockCode"], what["period"], what.get("dividendtype")
        if what.get("metaid", -1) > 0 or period not in PERIODS or dividend not in _DIVIDENDS:
            logger.warning("模拟行情没有周期 {} 的订阅。", period or what.get("metaid"))
            return -1
        if not _readable(when["startTime"], when["endTime"]):
            return -1
        if self.board.find(code) is None:
            logger.warning("订阅不了 {!r}：模拟行情没有这个代码。", code)
            return -1

        def rows(start: Any, end: Any, count: int) -> list[dict[str, Any]]:
            return self._rows(code, period, start, end, count, dividend)

        past: list[dict[str, Any]] = []
        if when.get("count"):
            past = rows(when["startTime"], when["endTime"], when["count"])
        latest = None if period == "tick" else lambda count: rows("", "", count)
        feed = Feed([code], callback, period, latest, past, listed=True)
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
        """历史行情；``form`` 是厂商 Python 层要的样子：v2 矩阵，v3 结构数组，v4 字节，v5 Arrow。

        没有的周期（level2 等）为空。
        """
        if period not in PERIODS or form not in _FORMS:
            return {}
        found, _deadline = self.history(codes, period, start, end, count, dividend)
        if period == "tick":
            return {code: structured(rows, fields, TICK_FIELDS) for code, rows in found.items()}
        if not fill:
            found = {code: without_suspended(rows) for code, rows in found.items()}
        if form == "v2":
            return matrix(found, fields, label_of(period), fill)
        if form == "v5":
            return arrow(found, fields)
        label = label_of(period)
        return [(code, *columns(rows, fields, label)) for code, rows in found.items()]

    def history(
        self,
        codes: list[str],
        period: str,
        start: Any,
        end: Any,
        count: int,
        dividend: str | None,
    ) -> tuple[dict[str, list[dict[str, Any]]], float]:
        """各代码的历史，厂商口径的行；与算到什么时候为止。

        不认识的代码、除权方式，看不懂的时间是空的；后两样在日志里说一声。

        Raises:
            SimulatorError: 根数写得不对，或算得太久。
        """
        at = self.now(), new_deadline()
        if dividend not in _DIVIDENDS:
            logger.warning("模拟行情不认识除权方式 {!r}：没有数据。", dividend)
            return {code: [] for code in _codes(codes)}, at[1]
        if not _readable(start, end):
            return {code: [] for code in _codes(codes)}, at[1]
        rows = {
            code: self._rows(code, period, start, end, count, dividend, at)
            for code in _codes(codes)
        }
        return rows, at[1]

    def supply_history_data(self, code: str, period: str, start: str, end: str) -> int:
        """下载：模拟行情不用下载。"""
        self.now()
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
        """批量下载：立刻说完成。"""
        self.now()
        codes = _codes(codes)
        total = max(1, len(codes))
        for number, code in enumerate(codes or [""], 1):
            progress({"finished": number, "total": total, "stockcode": code, "message": ""})
        return True

    def stop_supply_history_data2(self) -> None:
        """下载总是已经完成了。"""

    def get_divid_factors(self, code: str, start: str = "", end: str = "") -> dict[str, Any]:
        """``corporate_actions.json`` 里已经到了的除权除息；没有为空。"""
        if not _readable(start, end):
            return {}
        return self.board.factors(code, start, end, self.now())

    # ---- 合约、板块、日历

    def get_instrument_detail(self, code: str) -> bytes:
        """合约信息；不认识的代码为空。"""
        found = self.board.detail(code, self.now())
        return b"" if found is None else _encoded(found)

    def get_stock_type(self, code: str) -> dict[str, bool]:
        """品种；不认识的代码为空。"""
        self.now()
        return kinds_of(code)

    def is_stock_type(self, code: str, tag: str) -> bool:
        """是不是这个品种。"""
        return bool(self.get_stock_type(code).get(tag, False))

    def get_sector_list(self) -> list[str]:
        """有哪些板块。"""
        self.now()
        return self.board.sectors.names()

    def get_stock_list_in_sector(self, name: str, timetag: int = -1) -> list[str]:
        """板块的成分；``timetag``（毫秒）那天还没有上市的不算。没有这个板块为空。"""
        at = self.now()
        at = min(at, timetag / 1000) if timetag > 0 else at
        return self.board.sectors.members(name, date.fromordinal(day_of(at)))

    get_industry = get_stock_list_in_sector

    def add_sector(self, name: str, codes: list[str]) -> None:
        """往自建的板块里加。"""
        self.board.sectors.change(name, add=_codes(codes))

    def get_trading_dates_by_market(
        self, market: str, start: Any, end: Any, count: int
    ) -> list[int]:
        """交易日，毫秒；模拟行情没有的市场为空。"""
        now = self.now()
        if market not in MARKETS or not _readable(start, end):
            return []
        calendar = self.board.calendar
        days = calendar.days(now, moment(start, last=False), moment(end, last=True))
        if count >= 0:
            days = days[:count]
        return [local_midnight(day) for day in reversed(days)]

    def get_market_last_trade_date(self, market: str) -> int:
        """最近的交易日，毫秒；没有的市场为 0。"""
        return next(iter(self.get_trading_dates_by_market(market, "", "", 1)), 0)

    def get_holidays(self) -> list[int]:
        """工作日而不开市的日子，YYYYMMDD。"""
        return self.board.calendar.holidays(self.now())

    def commonControl(self, name: str, param: bytes) -> bytes:  # noqa: N802  厂商的名字
        """厂商的通用入口，见 `quote_controls`。"""
        return _encoded(answer(self, name, _bson().decode(param)))

    def subscribed(self) -> list[dict[str, Any]]:
        """此刻的订阅。"""
        return [
            {"subId": number, "stockCode": code, "period": feed.period, "isSub": True}
            for number, feed in self._pump.feeds()
            for code in feed.codes
        ]

    get_all_subscribe_quote = subscribed

    def get_config_addr(self) -> str:
        """厂商要连的地址。"""
        return self._address

    # ---- 什么都没有下载过

    def get_financial_data(self, codes: list[str], *_: Any) -> dict[str, Any]:
        """财务数据：空的。"""
        self.now()
        return {}

    def get_weight_in_index(self, code: str) -> dict[str, float]:
        """指数各成分的权重，%；没有这个指数为空。"""
        return self.board.sectors.weights(code, date.fromordinal(day_of(self.now())))

    def get_cb_info(self, code: str) -> bytes:
        """可转债：空的。"""
        self.now()
        return _encoded({})

    def get_etf_info(self, *_: Any) -> bytes:
        """ETF：空的。"""
        self.now()
        return _encoded({})

    def get_ipo_info(self, start: str, end: str) -> list[dict[str, Any]]:
        """``ipo.json`` 里的新股，申购日在 ``start`` 到 ``end`` 之间的；没有为空。"""
        self.now()
        return self.board.issues(start, end) if _readable(start, end) else []

    def get_main_contract(self, code: str) -> str:
        """主力合约：没有期货。"""
        self.now()
        return ""

    def read_local_data(self, path: str, start: Any, end: Any, count: int) -> list[bytes]:
        """特殊周期的数据文件：空的。"""
        return []

    def _nothing_to_download(self, *_: Any) -> None:
        """下载：没有什么可下载的。"""
        self.now()

    down_all_sector_data = down_cb_data = down_index_weight = _nothing_to_download
    down_history_contracts = supply_finance_data = _nothing_to_download
    supply_finance_data_with_region = _nothing_to_download

    # ---- 内部

    @property
    def board(self) -> Board:
        """连着的模拟文件夹的行情板。

        Raises:
            SimulatorError: 断了。
        """
        self._follow()
        if self._board is None or not self.is_connected():
            raise SimulatorError(LOST)
        return self._board

    def now(self) -> float:
        """行情走到了几点，Unix 秒。

        Raises:
            SimulatorError: 断了，或到期没有回答。
        """
        self._follow()
        connection = self._connection
        if connection is None:
            raise SimulatorError(LOST)
        return connection.now()

    def _snapshot(self, codes: list[str]) -> dict[str, dict[str, Any]]:
        board, connection = self.board, self._connection
        if connection is None:
            raise SimulatorError(LOST)
        now, books = connection.books()
        return board.snapshot(codes, now, books)

    def _rows(
        self,
        code: str,
        period: str,
        start: Any,
        end: Any,
        count: int,
        dividend: str | None,
        at: tuple[float, float] | None = None,
    ) -> list[dict[str, Any]]:
        board = self.board
        now, deadline = at or (self.now(), new_deadline())
        if period == "tick":
            return board.ticks(code, (start, end, count), now, deadline)
        security = board.find(code)
        lot = 100 if security is None else lot_of(security)
        bars = board.bars(code, period, (start, end, count), now, deadline, dividend)
        return [bar_row(bar, lot) for bar in bars]


def _encoded(value: dict[str, Any]) -> bytes:
    return bytes(_bson().encode(value))


def _bson() -> Any:
    """厂商自带的 BSON。"""
    return importlib.import_module("xtquant.xtbson").BSON


def _readable(*times: Any) -> bool:
    """看得懂的时间；看不懂的在日志里说一声，当作什么都没有。"""
    try:
        for each in times:
            moment(each, last=False)
    except SimulatorError as error:
        logger.warning("{}", error)
        return False
    return True


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
    "callFormula",
    "createView",
    "custom_data_control",
    "register_external_resp_callback",
    "subscribeFormula",
    "subscribeFormulaSync",
    "unsubscribeFormula",
)
"""原生客户端有而这里不模拟的：模型、视图、自己推数据。"""

for _name in NOT_SIMULATED:
    setattr(IPythonApiClient, _name, refusing(_name, f"模拟行情没有 {_name}。"))
