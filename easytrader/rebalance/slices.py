"""一笔委托此刻发多少：整手、零股，大单分几片（TWAP、按成交量），都是纯函数。"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from easytrader.errors import UsageError
from easytrader.market.rules.phases import CONTINUOUS

if TYPE_CHECKING:
    from easytrader.market.rules.quantities import Lot

_FORM: Final = (
    '应为 None（不分片）、"twap 09:35-10:30 6"（这段时间里分 6 片）、'
    '"twap 30 6"（从开始起 30 分钟里分 6 片），或 "pov 0.1"（最多占成交量的一成）'
)
_CLOCK: Final = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?")
_DAY_S: Final = 86400
_MOST_PIECES: Final = 1000


class Slicing(NamedTuple):
    """怎样分片。

    Attributes:
        kind: ``twap`` 在一段时间里均匀地发，``pov`` 跟着成交量发。
        pieces: 几片。
        begins: 从几点起，当日零点起的秒；None 为从开始执行起。
        ends: 到几点；``begins`` 为 None 时是多少秒。
        share: 最多占成交量的多少，0–1。
    """

    kind: Literal["twap", "pov"]
    pieces: int = 1
    begins: float | None = None
    ends: float = 0.0
    share: float = 0.0


def parse(text: object) -> Slicing | None:
    """用户写的 → 怎样分片；None 不分。

    Raises:
        UsageError: 不认得。
    """
    if text is None:
        return None
    words = text.split() if isinstance(text, str) else []
    try:
        if len(words) == 2 and words[0] == "pov":
            return _pov(words[1])
        if len(words) == 3 and words[0] == "twap":
            return _twap(words[1], int(words[2]))
    except ValueError:
        pass
    raise UsageError("slices", text, _FORM)


def clock(text: str) -> float:
    """``09:35``、``14:56:30`` → 当日零点起的秒；不是这样写的抛 ValueError。"""
    found = _CLOCK.fullmatch(text.strip())
    if found is None:
        raise ValueError(text)
    return int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3] or 0)


def due(
    slicing: Slicing | None, planned: int, begun: float, now: float, traded: int, *, always: bool
) -> int:
    """到现在为止一共可以发多少（股），还没有取整手。

    Args:
        slicing: 怎样分片。
        planned: 计划要的数量。
        begun: 这个计划从什么时候开始执行，当日零点起的秒。
        now: 现在，同上。
        traded: 从开始到现在，市场成交了多少股。
        always: 全天开市：午休也算时间。
    """
    if slicing is None:
        return planned
    if slicing.kind == "pov":
        return min(planned, int(traded * slicing.share))
    begins = begun if slicing.begins is None else slicing.begins
    ends = begins + slicing.ends if slicing.begins is None else slicing.ends
    if now < begins:
        return 0
    total = _length(begins, ends, always=always)
    passed = _length(begins, min(now, ends), always=always)
    if now >= ends or total <= 0:
        return planned
    piece = min(int(passed * slicing.pieces / total) + 1, slicing.pieces)
    return planned * piece // slicing.pieces


def orderable(buy: bool, wanted: int, left: int, lot: Lot, held: int) -> int:
    """想发 ``wanted``，合规矩的最多发多少；0 是现在发不了。

    Args:
        buy: 买还是卖。
        wanted: 想发的。
        left: 这一笔一共还剩多少：剩下的不能是再也发不出去的零头。
        lot: 数量单位。
        held: 此刻持有多少：零股只能一次卖完。
    """
    wanted = min(wanted, left)
    minimum, step = lot
    if step == 1:  # 科创板、北交所：不少于最低，之上一股一股地加
        if not buy and left < minimum:
            return left if wanted == left == held else 0
        if 0 < left - wanted < minimum:
            wanted = left if wanted == left else left - minimum
        return wanted if wanted >= minimum else 0
    whole = wanted // step * step
    if buy:
        return whole if whole >= minimum else 0
    odd = held % step
    with_odd = (wanted - odd) // step * step + odd if odd and wanted >= odd else 0
    # 零股留到最后和整手一起卖；剩下的里头没有零股就不动它
    if with_odd and left % step == odd and wanted == left:
        return with_odd
    return max(whole, with_odd if not whole else 0)


def stuck(buy: bool, left: int, lot: Lot, held: int) -> bool:
    """剩下的再也发不出去：成交留下的零头。"""
    return orderable(buy, left, left, lot, held) == 0


def _pov(text: str) -> Slicing:
    share = float(text.rstrip("%")) / (100 if text.endswith("%") else 1)
    if not 0 < share <= 1:
        raise ValueError(text)
    return Slicing("pov", share=share)


def _twap(span: str, pieces: int) -> Slicing:
    if not 1 <= pieces <= _MOST_PIECES:
        raise ValueError(pieces)
    if "-" in span:
        first, _, last = span.partition("-")
        begins, ends = clock(first), clock(last)
        if begins >= ends:
            raise ValueError(span)
        return Slicing("twap", pieces, begins, ends)
    minutes = float(span)
    if not 0 < minutes <= _DAY_S / 60:
        raise ValueError(span)
    return Slicing("twap", pieces, None, minutes * 60)


def _length(start: float, end: float, *, always: bool) -> float:
    """这一段里有多少秒是开着市的。"""
    if always:
        return max(0.0, end - start)
    return sum(max(0.0, min(end, close) - max(start, opened)) for opened, close in CONTINUOUS)
