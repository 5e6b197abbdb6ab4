"""行情：主图的 K 线与逐笔、订阅与快照，都从柜台那一头来。"""

import datetime as dt
import importlib
import itertools

from .link import LinkError
from .timers import BEIJING, beijing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List, Optional, Sequence

    from .terminal import Terminal

DAY = "1d"
_PERIODS = {"tick": 3.0, "1m": 60.0, "5m": 300.0, "15m": 900.0, "30m": 1800.0, "1h": 3600.0}
_DAY_S = 86400.0
_BEIJING_S = 8 * 3600.0


def seconds_of(period: str) -> float:
    """K 线的周期 → 秒；不认识的当作日线。"""
    return _PERIODS.get(period, _DAY_S)


class Chart:
    """一个策略的主图。

    Attributes:
        times: 每根 K 线的开始，Unix 秒。
        position: 现在是第几根（``barpos``）。
    """

    def __init__(self, period: str, count: int, now: float) -> None:
        self._every = seconds_of(period)
        last = self._start(now)
        self.times = [last - self._every * back for back in range(count, -1, -1)]
        self.position = 0

    def is_last(self) -> bool:
        """是不是最后一根。"""
        return self.position == len(self.times) - 1

    def tick(self, now: float) -> bool:
        """来了一笔；开始了新的一根为 True。"""
        start = self._start(now)
        fresh = start > self.times[-1]
        if fresh:
            self.times.append(start)
        self.position = len(self.times) - 1
        return fresh

    def _start(self, now: float) -> float:
        return now - (now + _BEIJING_S) % self._every


class Quotes:
    """这个客户端看到的行情；断了就停在最后看到的。"""

    def __init__(self, terminal: "Terminal") -> None:
        self._terminal = terminal
        self._numbers = itertools.count(1)
        self._last: "Dict[str, Dict[str, Any]]" = {}
        self._wanted: "Dict[int, _Subscription]" = {}
        self.dropped = False
        """行情断着。"""

    def full_tick(self, codes: "Sequence[str]") -> "Dict[str, Dict[str, Any]]":
        """代码 → 快照；没有数据的不在里面。``SH`` 这样的市场是它的全部。"""
        wanted = list(codes)
        if self.dropped:
            return {each: dict(self._last[each]) for each in wanted if each in self._last}
        found: "Dict[str, Dict[str, Any]]" = self._ask("full_tick", {}, codes=wanted)
        self._last.update(found)
        return found

    def detail(self, code: str) -> "Optional[Dict[str, Any]]":
        """一个品种的资料；没有是 None。"""
        return self._ask("detail", None, code=code)  # type: ignore[no-any-return]

    def trading_dates(self, code: str, start: str, end: str, count: int) -> "List[str]":
        """``YYYYMMDD`` 的列表；给的是市场而不是代码，不出声地是空的。"""
        return list(self._ask("trading_dates", [], code=code, start=start, end=end, count=count))

    def sector(self, name: str) -> "List[str]":
        """板块里的代码；名字写错了，不出声地是空的。"""
        return list(self._ask("sector", [], name=name))

    def bars(self, code: str, period: str, **span: "Any") -> "List[Dict[str, Any]]":
        """一个品种的 K 线。"""
        return list(self._ask("bars", [], code=code, period=period, **span))

    def subscribe(self, owner: "Any", codes: "Sequence[str]", call: "Any", changes: bool) -> int:
        """每一跳把快照交给 ``call``（主线程上）；``changes``：只给变了的。返回订阅号。"""
        number = next(self._numbers)
        self._wanted[number] = _Subscription(owner, codes, call, changes)
        return number

    def unsubscribe(self, number: int) -> bool:
        """不要了；没有这个号为 False。"""
        return self._wanted.pop(number, None) is not None

    def forget(self, owner: "Any") -> None:
        """一个策略停了：它订阅的都不要了。"""
        for number in [each for each, one in self._wanted.items() if one.owner is owner]:
            del self._wanted[number]

    def wanted(self) -> bool:
        """有没有人订阅。"""
        return bool(self._wanted)

    def deliver(self) -> None:
        """一跳：每个订阅的都问一次，有的就回调。"""
        if self.dropped:
            return
        for number, one in sorted(self._wanted.items()):
            if number in self._wanted:
                found = one.fresh(self.full_tick(one.codes))
                if found and callable(one.call):
                    one.owner.call_with(one.call, found)

    def _ask(self, verb: str, otherwise: "Any", **args: "Any") -> "Any":
        try:
            return self._terminal.link.ask(verb, **args)
        except LinkError as error:
            self._terminal.log.formula("[quote]%s: %s" % (verb, error))
            return otherwise


class _Subscription:
    """一个订阅。"""

    def __init__(self, owner: "Any", codes: "Sequence[str]", call: "Any", changes: bool) -> None:
        self.owner = owner
        self.codes = list(codes)
        self.call = call
        self._changes = changes
        self._seen: "Dict[str, Any]" = {}

    def fresh(self, found: "Dict[str, Any]") -> "Dict[str, Any]":
        """要交出去的。"""
        if not self._changes:
            return found
        new = {code: tick for code, tick in found.items() if self._seen.get(code) != tick}
        self._seen.update(new)
        return new


def timetag_to_datetime(timetag: float, format: str = "") -> str:
    """毫秒 → 文字，北京时间；不给样子，零点是 ``YYYYMMDD``，别的是 ``YYYYMMDDHHMMSS``。"""
    at = beijing(timetag / 1000.0)
    midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    return at.strftime(format or ("%Y%m%d" if midnight else "%Y%m%d%H%M%S"))


def datetime_to_timetag(timelabel: str, format: str = "") -> float:
    """文字（``YYYYMMDD`` 或 ``YYYYMMDDHHMMSS``）→ 毫秒，北京时间。"""
    form = format or ("%Y%m%d" if len(timelabel) == 8 else "%Y%m%d%H%M%S")
    return dt.datetime.strptime(timelabel, form).replace(tzinfo=BEIJING).timestamp() * 1000


def download_history_data(stockcode: str, period: str, startTime: str, endTime: str) -> None:
    """补历史数据：真的客户端不等它做完，这里没有要补的。"""


MARKET = {
    "timetag_to_datetime": timetag_to_datetime,
    "datetime_to_timetag": datetime_to_timetag,
    "download_history_data": download_history_data,
    "down_history_data": download_history_data,
}
"""交易以外的全局函数。"""


def frames(fields: "Sequence[str]", found: "Dict[str, List[Dict[str, Any]]]") -> "Dict[str, Any]":
    """代码 → DataFrame，以 ``YYYYMMDDHHMMSS`` 为行名。没有 pandas 是 ImportError。"""
    try:
        pandas: "Any" = importlib.import_module("pandas")
    except ImportError as error:
        raise ImportError(
            "get_market_data_ex 的返回值是 DataFrame，这个 Python 里没有 pandas"
        ) from error
    made = {}
    for code, rows in found.items():
        index = [beijing(row["time"] / 1000.0).strftime("%Y%m%d%H%M%S") for row in rows]
        wanted = list(fields) or [each for each in (rows[0] if rows else ()) if each != "time"]
        made[code] = pandas.DataFrame(
            {each: [row.get(each) for row in rows] for each in wanted}, index=index
        )
    return made
