"""申购额度：T−2 日（含）之前 20 个交易日的日均市值，沪、深分开算。

每天收市记一次各账户沪、深 A 股的市值；没有人看的日子照上一次记的。账户开出来还不到 20 天的，
按有的日子平均；一天也没有记过的，按现在的市值。写了 ``quota`` 的市场不看市值。
"""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Final

from easytrader.errors import SimulatorError
from easytrader.sim.rules.issues import AVERAGE_DAYS, LEAST_VALUE_LI, UNITS, Unit
from easytrader.sim.rules.tables import Scope, pick
from easytrader.symbols import Kind, parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.account import Account
    from easytrader.sim.ledger import Surroundings

__all__ = ["Quotas"]

_KIND: Final = "a_share_value"
_SCOPES: Final = {"KCB": Scope.STAR, "SH": Scope.SH_MAIN, "SZ": Scope.SZ_MAIN}
_COUNTED: Final = frozenset({Kind.STOCK, Kind.CDR})


class Quotas:
    """各账户的额度。"""

    def __init__(self, seen: Surroundings, fixed: dict[str, int]) -> None:
        self._seen = seen
        self._fixed = fixed
        self._values: dict[str, dict[int, dict[str, int]]] = {}
        for (kind, account_id, key), body in seen.ledger.state.records.items():
            if kind == _KIND:
                self._values.setdefault(account_id, {})[int(key)] = json.loads(body)

    def of(self, account: Account, market: str, day: int) -> int:
        """``day`` 这天在 ``KCB``、``SH`` 或 ``SZ`` 能申购多少股。"""
        if market in self._fixed:
            return self._fixed[market]
        value = self._average(account, "SZ" if market == "SZ" else "SH", day)
        if value < LEAST_VALUE_LI:
            return 0
        unit = pick(UNITS, _SCOPES[market], date.fromordinal(day), Unit(500, 5_000_000))
        return value // unit.value_li * unit.shares

    def close(self, day: int) -> None:
        """记下 ``day`` 收市时的市值，忘掉用不着的。"""
        back = self._back(AVERAGE_DAYS + 2)
        for account in self._seen.ledger.state.accounts.values():
            rows = self._values.setdefault(account.account_id, {})
            rows[day] = {name: self._now(account, name) for name in ("SH", "SZ")}
            self._note(account.account_id, day, rows[day])
            oldest = back(day)
            kept = max((each for each in rows if each <= oldest), default=0)
            for each in [each for each in rows if each < kept]:
                del rows[each]
                self._note(account.account_id, each, None)

    def _note(self, account_id: str, day: int, row: dict[str, int] | None) -> None:
        body = None if row is None else json.dumps(row)
        self._seen.ledger.note(_KIND, account_id, str(day), body)

    def _back(self, days: int) -> Callable[[int], int]:
        def back(day: int) -> int:
            for _ in range(days):
                day = self._seen.hours.previous(day)
            return day

        return back

    def _average(self, account: Account, exchange: str, day: int) -> int:
        rows = self._values.get(account.account_id, {})
        found = []
        at = self._back(2)(day)
        for _ in range(AVERAGE_DAYS):
            known = max((each for each in rows if each <= at), default=None)
            if known is None:
                break
            found.append(rows[known][exchange])
            at = self._seen.hours.previous(at)
        return sum(found) // len(found) if found else self._now(account, exchange)

    def _now(self, account: Account, exchange: str) -> int:
        """此刻的市值：只算 A 股与存托凭证；没有行情的按成本。"""
        total = 0
        for held in account.positions.values():
            security = parse_security(held.stock_code)
            if held.volume and security.exchange == exchange and security.kind in _COUNTED:
                try:
                    total += held.volume * self._seen.quote(security).last_li
                except SimulatorError:
                    total += held.cost_li
        return total
