"""线上来的行、事件 → 引擎与回调认得的记录、推送。

回调里看到的对象与在交易的那台机器上一样：厂商的属性名都在；
从它再做出的行（`push.table` 的 ``row``）与服务器上的一字不差。
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final

from easytrader.backend import records
from easytrader.basics import tags
from easytrader.push import table
from easytrader.rows import business

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.backend.records import PushEvent

_NO_TAG: Final = "0" * 9

_SOURCES: Final[dict[str, str]] = {
    "security_name": "instrument_name",
    "profit": "float_profit",
    "profit_ratio": "profit_rate",
    **{
        key: source
        for build in (business.transfer_response_row, business.smt_response_row)
        for key, source in build.fields
        if key != source
    },
}
"""行的键 → 厂商的属性名，不同名的。"""

_NOT_IN_ROWS: Final[dict[str, dict[str, str]]] = {
    "cancel_error": {"strategy_name": "", "order_remark": ""},
}
"""回调的对象上有、行里没有的：回调里照常读得到。"""

_KINDS: Final = {each.kind: each for each in table.TABLE if each.kind and each.row is not None}
_OURS: Final = (records.Connected, records.Disconnected, records.GaveUp)
"""说的是服务器与柜台之间的连接；这边的由这边的引擎说。"""


class Record(SimpleNamespace):
    """一行，键都是属性。"""

    def __init__(self, row: Mapping[str, Any]) -> None:
        super().__init__(**{"currency": "", **row})  # 人民币的行里没有这个键
        for key, source in _SOURCES.items():
            if key in row:
                setattr(self, source, row[key])
        remark = row.get("order_remark")
        if isinstance(remark, str) and remark[:1] == "~":
            # 用户自己的备注像带着标记的：再垫一个，做成行的时候去掉的是它
            self.order_remark = tags.tagged(_NO_TAG, remark)


def pushed(event: Mapping[str, Any]) -> PushEvent | None:
    """`Trader.events` 的一条 → 推送；这边不必知道的（不认识的、说连接的）为 None。"""
    kind = _KINDS.get(event.get("event"))  # type: ignore[arg-type]  # 不是字串的也查不到
    data = event.get("data")
    if kind is None or kind.event in _OURS or not isinstance(data, dict):
        return None
    record = Record({**_NOT_IN_ROWS.get(kind.kind, {}), **data})
    made: PushEvent = (
        records.Answered(kind.kind, record)
        if kind.event is records.Answered
        else kind.event(record)
    )
    return made
