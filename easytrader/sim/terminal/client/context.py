"""``ContextInfo``：策略手里的 ``C``。没有交易的方法；随主图走的状态会被退回去。"""

import copy

from . import bars
from .manners import PERIOD
from .timers import Timer, period_of, point_of, start_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Dict, List, Optional, Sequence

    from .terminal import Strategy

_ENGINE = "_engine"
_FOLLOW = ("", "follow")
"""跟主图。"""


class ContextInfo:
    """一个策略的上下文。

    策略往上面放的属性，每一跳之前退回到这根 K 线开始时的样子；只有收线的那一跳留得下来。
    ``request_id`` 是下单函数要读的，所以它要的是这个对象本身，不是拷贝。参数的名字照厂商的。
    """

    def __init__(self, engine: "Strategy") -> None:
        self._engine = engine
        self.request_id = "%s_%d" % (engine.name, id(engine))
        self.period = engine.period
        self.stock_code = engine.code
        self.stockcode, _, self.market = engine.code.partition(".")
        self.dividend_type = "none"
        self.capital = 1000000.0
        self.do_back_test = engine.mode == "backtest"
        self.start = self.end = ""
        self._universe: "List[str]" = []

    def __deepcopy__(self, memo: "Any") -> "ContextInfo":
        made = ContextInfo.__new__(ContextInfo)
        vars(made).update(_copied(vars(self)))
        return made

    def snapshot(self) -> "Dict[str, Any]":
        """现在的样子，另存一份。"""
        return _copied(vars(self))

    def restore(self, saved: "Dict[str, Any]") -> None:
        """退回到另存的样子。"""
        state = vars(self)
        fresh = _copied(saved)
        state.clear()
        state.update(fresh)

    @property
    def barpos(self) -> int:
        """现在是第几根 K 线。"""
        return self._engine.chart.position

    def is_last_bar(self) -> bool:
        """是不是最后一根；实盘之前的回放都不是。"""
        return self._engine.chart.is_last()

    def is_new_bar(self) -> bool:
        """这一跳是不是新的一根的第一跳。"""
        return self._engine.new_bar

    def get_bar_timetag(self, barpos: "Optional[int]" = None) -> "Optional[int]":
        """第 ``barpos`` 根（不给是现在这根）的时间，毫秒；没有那一根是 None。"""
        times = self._engine.chart.times
        at = self.barpos if barpos is None else barpos
        return int(times[at] * 1000) if -len(times) <= at < len(times) else None

    def set_account(self, accountid: str, account_type: str = "") -> None:
        """要收这个账号的回调；没有叫过的一个回调也没有。"""
        self._engine.accounts.add(str(accountid))

    def set_universe(self, codes: "Sequence[str]") -> None:
        """股票池。"""
        self._universe = list(codes)

    def get_universe(self) -> "List[str]":
        """股票池。"""
        return list(self._universe)

    def run_time(self, name: str, period: str, start: str, exchange: str = "SH") -> None:
        """按周期叫一个函数。``start`` 不是完整的时间：登记得上，永远不响。没有办法取消。"""
        engine = self._engine
        every, begin = period_of(period), start_of(start)
        if every is None or begin is None:
            engine.terminal.log.formula("[timer]run_time %s %s %s" % (name, period, start))
            return
        clock = engine.terminal.clock
        ahead = max(0.0, begin - clock.now())
        if not ahead and engine.terminal.manners.timer_first == PERIOD:
            ahead = every
        engine.add_timer(Timer(0, name, name, every, -1), ahead)

    def schedule_run(
        self,
        call: "Callable[[Any], Any]",
        time_point: "Any",
        repeat_times: int = 0,
        interval: "Any" = None,
        name: str = "",
    ) -> int:
        """到一个时间叫一个函数，返回号；``repeat_times`` 再响几次，-1 一直。过去的时间马上响。"""
        engine = self._engine
        begin = point_of(time_point)
        if begin is None or not callable(call):
            engine.terminal.log.formula("[timer]schedule_run %s" % (time_point,))
            return -1
        every = interval.total_seconds() if interval is not None else 0.0
        left = (-1 if repeat_times < 0 else repeat_times + 1) if every > 0 else 1
        number = engine.next_timer()
        ahead = begin - engine.terminal.clock.now()
        if ahead <= 0:
            ahead = engine.terminal.manners.schedule_past_s
        engine.add_timer(Timer(number, name, call, every, left), ahead)
        return number

    def cancel_schedule_run(self, which: "Any") -> bool:
        """取消一个 ``schedule_run``（号或名字）；没有的为 False。"""
        return self._engine.cancel_timer(which)

    def get_full_tick(self, stock_code: "Sequence[str]" = ()) -> "Dict[str, Dict[str, Any]]":
        """代码 → 快照（价格元，量手，时间毫秒）；没有数据的不在里面。哪个线程都可以。"""
        return self._engine.terminal.quotes.full_tick(stock_code or [self._engine.code])

    def get_instrument_detail(
        self, stock_code: str = "", iscomplete: bool = False
    ) -> "Dict[str, Any]":
        """一个品种的资料（不给是主图的）；没有是空的字典。"""
        return self._engine.terminal.quotes.detail(stock_code or self._engine.code) or {}

    get_instrumentdetail = get_instrument_detail

    def get_stock_name(self, stock_code: str) -> str:
        """名称；没有是空的。"""
        return str(self.get_instrument_detail(stock_code).get("InstrumentName", ""))

    def get_trading_dates(
        self, stock_code: str, start_date: str, end_date: str, count: int, period: str = bars.DAY
    ) -> "List[str]":
        """``YYYYMMDD`` 的列表；要的是股票代码，给市场是空的；``init`` 里也是空的。"""
        if self._engine.phase == "init":
            return []
        return self._engine.terminal.quotes.trading_dates(stock_code, start_date, end_date, count)

    def get_stock_list_in_sector(self, sector_name: str, realtime: "Any" = None) -> "List[str]":
        """板块里的代码；名字写错了是空的。"""
        return self._engine.terminal.quotes.sector(sector_name)

    def subscribe_quote(
        self,
        stock_code: str = "",
        period: str = "",
        dividend_type: str = "",
        result_type: str = "",
        callback: "Optional[Callable[..., Any]]" = None,
    ) -> int:
        """订阅一个品种（不给是主图的），返回订阅号；``callback({代码: 快照})`` 在主线程。"""
        codes = [stock_code or self._engine.code]
        return self._engine.terminal.quotes.subscribe(self._engine, codes, callback, False)

    def subscribe_whole_quote(
        self, code_list: "Sequence[str]", callback: "Optional[Callable[..., Any]]" = None
    ) -> int:
        """订阅一批的快照，返回订阅号；只给变了的。"""
        return self._engine.terminal.quotes.subscribe(self._engine, code_list, callback, True)

    def unsubscribe_quote(self, subscribe_id: int) -> bool:
        """不要了；没有这个号为 False。"""
        return self._engine.terminal.quotes.unsubscribe(subscribe_id)

    def get_market_data_ex(
        self,
        fields: "Sequence[str]" = (),
        stock_code: "Sequence[str]" = (),
        period: str = "",
        start_time: str = "",
        end_time: str = "",
        count: int = -1,
        dividend_type: str = "",
        fill_data: bool = True,
        subscribe: bool = True,
    ) -> "Dict[str, Any]":
        """代码 → DataFrame；周期、复权不给是主图的。没有 pandas 的 Python 里是 ImportError。"""
        engine = self._engine
        wanted = engine.period if period in _FOLLOW else period
        adjust = self.dividend_type if dividend_type in _FOLLOW else dividend_type
        span = {"start": start_time, "end": end_time, "count": count, "dividend": adjust}
        codes = list(stock_code) or [engine.code]
        quotes = engine.terminal.quotes
        return bars.frames(fields, {each: quotes.bars(each, wanted, **span) for each in codes})


def _copied(state: "Dict[str, Any]") -> "Dict[str, Any]":
    """各项的深拷贝；拷不了的（套接字、锁）与引擎自己仍是那一个。"""
    made = {}
    for name, value in state.items():
        if name == _ENGINE or isinstance(value, (str, int, float, type(None))):
            made[name] = value
            continue
        try:
            made[name] = copy.deepcopy(value)
        except Exception:  # 别人的对象的深拷贝什么都可能抛
            made[name] = value
    return made
