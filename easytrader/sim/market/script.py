"""写明了的、会改变行情的事：除权除息，新股上市。行情只看这里，不认识写它们的文件。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.market.rules.exrights import reference_price

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from easytrader.market.rules.exrights import Change


class Listing(NamedTuple):
    """哪一天（序数）上市，发行价是多少厘：上市首日的前收盘就是它。"""

    day: int
    price_li: int


class Script:
    """一个文件夹里写明了的事。

    Args:
        changes: 厂商写法的代码 → 各次除权除息。
        listings: 厂商写法的代码 → 上市。
    """

    def __init__(
        self,
        changes: Mapping[str, Sequence[Change]] | None = None,
        listings: Mapping[str, Listing] | None = None,
    ) -> None:
        self._changes = {code: tuple(sorted(rows)) for code, rows in (changes or {}).items()}
        self._listings = dict(listings or {})

    def changes(self, code: str, after: int, upto: int) -> tuple[Change, ...]:
        """``after`` 这天之后、到 ``upto``（含）为止的除权除息；休市日的顺延到下一个交易日。"""
        rows = self._changes.get(code)
        if rows is None:
            return ()
        return tuple(row for row in rows if after < row.day <= upto)

    def carried(self, code: str, close_li: int, after: int, upto: int, tick_li: int) -> int:
        """``after`` 这天的收盘价，经过其后到 ``upto`` 的除权除息，成为多少。"""
        for change in self.changes(code, after, upto):
            close_li = reference_price(close_li, change, tick_li)
        return close_li

    @property
    def listed_codes(self) -> tuple[str, ...]:
        """写明了上市的。"""
        return tuple(self._listings)

    def listing(self, code: str) -> Listing | None:
        """这只证券的上市；没有写的早已上市，为 None。"""
        return self._listings.get(code)


NOTHING: Final = Script()
