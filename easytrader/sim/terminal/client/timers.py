"""钟与定时：真实的与手动的钟，到点的单子，``run_time`` 与 ``schedule_run`` 的写法。"""

import datetime as dt
import heapq
import itertools
import re
import threading
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, List, Optional, Tuple

BEIJING = dt.timezone(dt.timedelta(hours=8))
_UNITS = {"MilliSecond": 0.001, "Second": 1.0, "Day": 86400.0}
_PERIOD = re.compile(r"(\d+)n(%s)" % "|".join(_UNITS))


class RealClock:
    """本机的钟；``now`` 拨到柜台的市场时间。"""

    manual = False

    def __init__(self) -> None:
        self._offset = 0.0
        self._never = threading.Event()

    def monotonic(self) -> float:
        """只往前走的秒数。"""
        return time.monotonic()

    def now(self) -> float:
        """市场的现在，Unix 秒。"""
        return time.time() + self._offset

    def set_now(self, now: float) -> None:
        """柜台说现在是 ``now``。"""
        self._offset = now - time.time()

    def wait(self, seconds: float) -> None:
        """站住 ``seconds`` 秒。"""
        self._never.wait(seconds)


class ManualClock:
    """有人推才走的钟：等就是把它往前推，测试因此一步不差。"""

    manual = True

    def __init__(self, now: float = 0.0) -> None:
        self._at = 1000.0
        self._offset = now - self._at

    def monotonic(self) -> float:
        """只往前走的秒数。"""
        return self._at

    def now(self) -> float:
        """市场的现在，Unix 秒。"""
        return self._at + self._offset

    def set_now(self, now: float) -> None:
        """柜台说现在是 ``now``。"""
        self._offset = now - self._at

    def wait(self, seconds: float) -> None:
        """往前走 ``seconds`` 秒。"""
        self._at += max(0.0, seconds)


if TYPE_CHECKING:
    from typing import Union

    Clock = Union[RealClock, ManualClock]


class Agenda:
    """到点要做的事，按时间、再按登记的先后。登记可以在任何线程。"""

    def __init__(self) -> None:
        self._heap: "List[Tuple[float, int, Callable[..., None], Tuple[Any, ...]]]" = []
        self._numbers = itertools.count()

    def at(self, due: float, do: "Callable[..., None]", *args: "Any") -> None:
        """单调钟走到 ``due`` 时做 ``do(*args)``，一次。"""
        heapq.heappush(self._heap, (due, next(self._numbers), do, args))

    def due(self, now: float) -> "List[Tuple[Callable[..., None], Tuple[Any, ...]]]":
        """取走到点了的；正在做的时候又登记的算下一回。"""
        taken = []
        while self._heap and self._heap[0][0] <= now:
            _, _, do, args = heapq.heappop(self._heap)
            taken.append((do, args))
        return taken

    def next_due(self) -> float:
        """最近的一件在什么时候；没有是无穷远。"""
        return self._heap[0][0] if self._heap else float("inf")

    def clear(self) -> None:
        """都不做了。"""
        del self._heap[:]


class Timer:
    """一个定时器：``run_time`` 的，或 ``schedule_run`` 的。

    Attributes:
        name: ``schedule_run`` 的名字；``run_time`` 的是函数名。
        every: 周期，秒；0 是只一次。
        left: 还要响几次；-1 是一直响。
    """

    def __init__(self, number: int, name: str, call: "Any", every: float, left: int) -> None:
        self.number = number
        self.name = name
        self.call = call
        self.every = every
        self.left = left
        self.cancelled = False
        self.due = 0.0

    def next_after(self, now: float) -> float:
        """响过之后的下一次：错过的合并成一次，不排队。"""
        missed = max(0, int((now - self.due) / self.every))
        due = self.due + (missed + 1) * self.every
        return due if due > now else due + self.every


def period_of(text: str) -> "Optional[float]":
    """``500nMilliSecond`` ``5nSecond`` ``5nDay`` → 秒；写错了是 None。"""
    found = _PERIOD.fullmatch(text) if isinstance(text, str) else None
    if found is None or not int(found.group(1)):
        return None
    return int(found.group(1)) * _UNITS[found.group(2)]


def start_of(text: str) -> "Optional[float]":
    """``YYYY-MM-DD HH:MM:SS`` → Unix 秒；别的写法是 None：登记得上，永远不响。"""
    return _parsed(text, "%Y-%m-%d %H:%M:%S")


def point_of(point: "Any") -> "Optional[float]":
    """``schedule_run`` 的时间点（``datetime`` 或 ``YYYYMMDDHHMMSS``）→ Unix 秒；不对是 None。"""
    if isinstance(point, dt.datetime):
        return (point if point.tzinfo else point.replace(tzinfo=BEIJING)).timestamp()
    return _parsed(point, "%Y%m%d%H%M%S") or _parsed(point, "%Y-%m-%d %H:%M:%S")


def beijing(now: float) -> dt.datetime:
    """Unix 秒 → 北京时间。"""
    return dt.datetime.fromtimestamp(now, BEIJING)


def _parsed(text: "Any", form: str) -> "Optional[float]":
    try:
        return dt.datetime.strptime(text, form).replace(tzinfo=BEIJING).timestamp()
    except (TypeError, ValueError):
        return None
