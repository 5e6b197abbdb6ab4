"""一天的各个时段：从几点到几点、收不收委托、收不收撤单，每一条写明依据与起始日。

出处缩写：SSE26 上证发〔2026〕41号，SZSE26 深证上〔2026〕551号，BSE26 北证公告〔2026〕17号，均
2026-07-06 起施行。开盘集合竞价分两段、后一段不接受撤单的做法沪深自 2006-07-01，北交所自开市
2021-11-15；交易日历的第一天在 2006-07-01 之后，所以这些时段对能问到的每一天都适用。
"""

from __future__ import annotations

from bisect import bisect_right
from datetime import date
from enum import Enum
from typing import Final, NamedTuple


class Phase(Enum):
    """一天中的时段。"""

    CLOSED = "休市"
    OPEN_CALL = "开盘集合竞价"
    OPEN_CALL_FIXED = "开盘集合竞价（不接受撤单）"
    PRE_OPEN = "开盘集合竞价之后、连续竞价之前"
    CONTINUOUS = "连续竞价"
    LUNCH = "午间休市"
    CLOSE_CALL = "收盘集合竞价（不接受撤单）"
    AFTER_HOURS = "盘后固定价格交易"
    HALTED = "盘中临时停牌"


class Window(NamedTuple):
    """一个时段：当日零点起的秒，左闭右开。"""

    phase: Phase
    start: int
    end: int
    since: date
    source: str


_SPLIT_CALL: Final = date(2006, 7, 1)

WINDOWS: Final = (
    Window(Phase.OPEN_CALL, 33300, 33600, _SPLIT_CALL, "SSE26 2.4.2、SZSE26 2.3.2、BSE26 2.3.2"),
    Window(
        Phase.OPEN_CALL_FIXED,
        33600,
        33900,
        _SPLIT_CALL,
        "SSE26 3.4.1、SZSE26 3.3.1、BSE26 3.3.1：9:20–9:25 不接受撤单",
    ),
    Window(
        Phase.PRE_OPEN,
        33900,
        34200,
        _SPLIT_CALL,
        "SZSE26 3.3.1：深市接受申报与撤单，9:30 才处理；沪、北不接受（见 PRE_OPEN_EXCHANGES）",
    ),
    Window(Phase.CONTINUOUS, 34200, 41400, _SPLIT_CALL, "SSE26 2.4.2、SZSE26 2.3.2、BSE26 2.3.2"),
    Window(Phase.LUNCH, 41400, 46800, _SPLIT_CALL, "SSE26 2.4.2、SZSE26 2.3.2、BSE26 2.3.2"),
    Window(Phase.CONTINUOUS, 46800, 53820, _SPLIT_CALL, "SSE26 2.4.2、SZSE26 2.3.2、BSE26 2.3.2"),
    Window(
        Phase.CLOSE_CALL,
        53820,
        54000,
        _SPLIT_CALL,
        "SSE26 2.4.2、3.4.1，SZSE26 2.3.2、3.3.1，BSE26 2.3.2、3.3.1；哪些证券从哪天起有，见 rules",
    ),
    Window(
        Phase.AFTER_HOURS,
        54300,
        55800,
        date(2019, 7, 22),
        "SSE26、SZSE26：15:05–15:30 盘后固定价格；哪些证券从哪天起有，见 rules",
    ),
)

EDGES: Final = tuple(sorted({edge for window in WINDOWS for edge in window[1:3]}))
"""一天里时段变化的时刻。"""

CONTINUOUS: Final = ((34200, 41400), (46800, 54000))
"""连续竞价：9:30–11:30、13:00–15:00；有收盘集合竞价的证券到 `CLOSING_CALL` 为止。"""

CLOSING_CALL: Final = 53820
"""14:57。"""

LATE_CLOSE: Final = 55800
"""15:30：逆回购连续竞价到这时（`rules.trading.LATE_CLOSES`）。"""

_AT: Final = tuple(
    next((w.phase for w in WINDOWS if w.start <= edge < w.end), Phase.CLOSED) for edge in EDGES
)

CALL_PHASES: Final = frozenset(
    {Phase.OPEN_CALL, Phase.OPEN_CALL_FIXED, Phase.CLOSE_CALL, Phase.HALTED}
)
"""集合竞价（盘中临时停牌在复牌时撮合）：只收限价，先挂着，到点一次撮合。"""

CANCEL_PHASES: Final = frozenset({Phase.OPEN_CALL, Phase.CONTINUOUS})
"""接受撤单的时段；`PRE_OPEN` 另看交易所。"""

PRE_OPEN_EXCHANGES: Final = frozenset({"SZ"})
"""9:25–9:30 交易主机接受申报与撤单的交易所（SZSE26 3.3.1）；收下的到 9:30 才处理。

沪、北的主机这时不接受，有的券商柜台会先存着；模拟柜台按交易所的说法，一律拒绝。
"""


def clock_phase(second: float) -> Phase:
    """交易日的这一秒（当日零点起）是哪个时段，不管是哪只证券。"""
    index = bisect_right(EDGES, second) - 1
    return Phase.CLOSED if index < 0 else _AT[index]
