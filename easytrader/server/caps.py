"""令牌的限额：哪些证券、一笔多少元、一天合计多少元；在服务器上管，重启之后接着算。

一天的额度发出之前先占住，记在盘上：占与查在同一个事务里，几个线程、几个进程都不会一起用掉最后的一份。
一个请求号只占一次；只有确知没有成为委托的（没有发出、当场被拒绝）才退回，结果未知的照算。

``synchronous=NORMAL``：进程随时被杀都不丢；整机断电可能丢最后几笔占的额度。
"""

from __future__ import annotations

import math
import sqlite3
import time
from decimal import ROUND_CEILING, Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.basics.private import private_file, private_folder
from easytrader.errors import EasytraderError, NotConnectedError, RiskRefusedError
from easytrader.records.guarded import (
    LEFT_BEHIND,
    DeadlineLock,
    Unmoved,
    connect,
    patiently,
    prepare,
)
from easytrader.risk.rules import NOTHING_SENT, order_value
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from easytrader.backend.records import OrderRequest
    from easytrader.basics.numbers import Number
    from easytrader.market.symbols import Security
    from easytrader.risk import GuardPost
    from easytrader.risk.rules import MarketView
    from easytrader.server.calls import Permit
    from easytrader.server.stop import StopSwitch
    from easytrader.server.tokens import Grant
    from easytrader.wire.verbs import Verb

__all__ = ["Caps", "TokenGate", "default_file", "value_of"]

_T = TypeVar("_T")

_PATIENCE_S: Final = 2.0
"""别的线程、别的进程占着时最多等这么久；一次只要几十微秒，等得更久就是停住了。"""
_DAYS_KEPT: Final = 40
_FEN: Final = Decimal(100)
_WIDEST_BAND: Final = Decimal("1.3")
"""问不到涨停价时，最新价再高三成：A 股最宽的涨跌幅。"""
_NO_VALUE: Final = frozenset({"credit.direct_cash_repay", "credit.direct_cash_repay_async"})
"""是委托，证券却是占位的：名单管不住它。"""

_SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS taken (request TEXT PRIMARY KEY, token TEXT NOT NULL,"
    " account TEXT NOT NULL, day INTEGER NOT NULL, fen INTEGER NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS spent (token TEXT NOT NULL, day INTEGER NOT NULL,"
    " fen INTEGER NOT NULL, PRIMARY KEY (token, day)) WITHOUT ROWID",
)
_FIND: Final = "SELECT token, day, fen FROM taken WHERE request = ?"
_TAKE: Final = "INSERT INTO taken VALUES (?, ?, ?, ?, ?)"
_FREE: Final = "DELETE FROM taken WHERE request = ?"
_SPENT: Final = "SELECT coalesce(sum(fen), 0) FROM spent WHERE token = ? AND day >= ?"
"""今天的，连同「明天」的：时钟往回拨过，用掉的照样算。"""
_SPEND: Final = (
    "INSERT INTO spent VALUES (?, ?, ?) ON CONFLICT (token, day)"
    " DO UPDATE SET fen = fen + excluded.fen"
)
_NEW_DAY: Final = "SELECT NOT EXISTS (SELECT 1 FROM spent WHERE day = ?)"
_OLDEST: Final = "SELECT min(day) FROM (SELECT DISTINCT day FROM spent ORDER BY day DESC LIMIT ?)"


def default_file() -> Path:
    """额度的文件在哪里。"""
    return home() / "server" / "caps.sqlite"


class Caps:
    """见模块说明。线程安全；几个进程可以用同一个文件。

    Args:
        path: 文件；第一次占额度时才建。
        wall: 时钟，Unix 秒。
    """

    def __init__(self, path: str | os.PathLike[str], wall: Callable[[], float] = time.time) -> None:
        self.path = Path(path)
        self._wall = wall
        self._lock = DeadlineLock()
        self._db: sqlite3.Connection | None = None
        self._files: Unmoved | None = None

    # ---- 不占额度的几样

    def check_verb(self, grant: Grant, verb: Verb) -> None:
        """限了证券或金额的令牌，不许做说不出是什么、值多少钱的：转账、约券、算法、一批申购。

        Raises:
            RiskRefusedError: 不许；什么都没有发出。
        """
        if grant.limited and (verb.effect is Effect.MOVE or verb.name in _NO_VALUE):
            rule = "token_codes" if grant.codes else _cap_rule(grant)
            raise _refused(rule, f"令牌 {grant.name} 限了证券或金额，而 {verb.name} 管不住，不许用")

    def check_codes(self, grant: Grant, security: Security) -> None:
        """证券在不在令牌的名单里。

        Raises:
            RiskRefusedError: 不在；什么都没有发出。
        """
        if not grant.covers(security):
            code, most = security.stock_code, "、".join(grant.codes)
            told = f"令牌 {grant.name} 只许买卖 {most}，不许 {code}"
            raise _refused("token_codes", told, code, list(grant.codes))

    def check_value(self, grant: Grant, value: Decimal, told: str) -> None:
        """一笔的限额。

        Args:
            grant: 令牌。
            value: 元。
            told: 怎么算的。

        Raises:
            RiskRefusedError: 超了；什么都没有发出。
        """
        most = grant.max_order
        if most is not None and not value <= most:
            told = f"{told}，令牌 {grant.name} 一笔最多 {most:,.2f} 元"
            raise _refused("token_max_order", told, value, most)

    # ---- 一天的额度

    def reserve(self, request: str, grant: Grant, account: str, value: Decimal) -> None:
        """占住；同一个请求号再来不再占。

        Args:
            request: 请求号。
            grant: 令牌；没有一天的限额就什么也不做。
            account: 哪个账号，只是记着。
            value: 元。

        Raises:
            RiskRefusedError: 不够了，或记不下来；什么都没有占，什么都没有发出。
        """
        most = grant.max_day
        if most is None:
            return
        if not value <= most:
            raise _day_full(grant, value, Decimal(0), most)
        fen = int((value * _FEN).to_integral_value(ROUND_CEILING))
        try:
            spent = self._run(partial(self._reserve, request, grant, account, fen, most))
        except (sqlite3.Error, OSError, ValueError, OverflowError) as exc:
            told = f"令牌 {grant.name} 一天的额度记不下来：{self._trouble(exc)}"
            raise _refused("token_max_day", told, limit=most) from exc
        if spent is not None:
            raise _day_full(grant, value, spent, most)

    def check_day(self, grant: Grant, value: Decimal) -> None:
        """此刻够不够，不占。

        Raises:
            RiskRefusedError: 不够。
            EasytraderError: 文件读不了。
        """
        most = grant.max_day
        if most is not None and not self.spent(grant) + value <= most:
            raise _day_full(grant, value, self.spent(grant), most)

    def give_back(self, request: str) -> None:
        """退回；只用在确知没有发出的时候。没有占过、已经退过的什么也不做，记不下来的就不退。"""
        if self._db is None and not self.path.exists():
            return
        try:
            self._run(partial(self._give_back, request))
        except (sqlite3.Error, OSError, ValueError):
            return  # 少退不要紧，多退才要紧

    def spent(self, grant: Grant) -> Decimal:
        """今天用掉了多少元。

        Raises:
            EasytraderError: 文件读不了。
        """
        if self._db is None and not self.path.exists():
            return Decimal(0)
        try:
            return self._run(lambda db: self._spent(db, grant, beijing.day_of(self._wall())))
        except (sqlite3.Error, OSError, ValueError) as exc:
            raise EasytraderError(f"额度查不了：{self._trouble(exc)}") from exc

    def close(self) -> None:
        """关上；再用会重新打开。"""
        self._lock.run(time.monotonic() + _PATIENCE_S, self._close)

    # ---- 内部，都拿着锁

    def _run(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """在一个事务里做。"""
        deadline = time.monotonic() + _PATIENCE_S

        def transaction() -> _T:
            db = self._open(deadline)
            try:
                patiently(partial(db.execute, "BEGIN IMMEDIATE"), deadline)
                found = work(db)
                db.execute("COMMIT")
            except BaseException:
                self._undo(db)
                raise
            return found

        return self._lock.run(deadline, transaction)

    def _reserve(
        self,
        request: str,
        grant: Grant,
        account: str,
        fen: int,
        most: Decimal,
        db: sqlite3.Connection,
    ) -> Decimal | None:
        """占住为 None；不够为已经用掉的。"""
        if db.execute(_FIND, (request,)).fetchone() is not None:
            return None
        day = beijing.day_of(self._wall())
        spent = self._spent(db, grant, day)
        if spent + fen / _FEN > most:
            return spent
        if db.execute(_NEW_DAY, (day,)).fetchone()[0]:
            self._forget(db)
        db.execute(_TAKE, (request, grant.id, account, day, fen))
        db.execute(_SPEND, (grant.id, day, fen))
        return None

    @staticmethod
    def _spent(db: sqlite3.Connection, grant: Grant, day: int) -> Decimal:
        fen = db.execute(_SPENT, (grant.id, day)).fetchone()[0]
        if not isinstance(fen, int) or fen < 0:
            raise ValueError(f"用掉的额度读不懂：{fen!r}")
        return fen / _FEN

    @staticmethod
    def _give_back(request: str, db: sqlite3.Connection) -> None:
        row = db.execute(_FIND, (request,)).fetchone()
        if row is not None:
            token, day, fen = row
            db.execute(_FREE, (request,))
            db.execute(_SPEND, (token, day, -fen))

    @staticmethod
    def _forget(db: sqlite3.Connection) -> None:
        """只留最近的若干天。按有记录的天数而不按日期：时钟错了也不会忘掉今天的。"""
        oldest = db.execute(_OLDEST, (_DAYS_KEPT,)).fetchone()[0]
        for table in ("taken", "spent"):
            db.execute(f"DELETE FROM {table} WHERE day < ?", (oldest or 0,))  # noqa: S608  自己的表名

    def _open(self, deadline: float) -> sqlite3.Connection:
        if self._db is not None and self._files is not None:
            if gone := self._files.missing():
                # 另建一个就从零算起了
                raise OSError(f"{gone} 不在原处了；放回去，或重新启动服务器（今天的从零算起）")
            return self._db
        private_folder(self.path.parent, tighten=True)
        private_file(self.path)
        db = connect(self.path)
        try:
            prepare(db, _SCHEMA, deadline)
        except BaseException:
            db.close()
            raise
        self._db, self._files = db, Unmoved(self.path, ())
        return db

    def _undo(self, db: sqlite3.Connection) -> None:
        try:
            if db.in_transaction:
                db.execute("ROLLBACK")
        except sqlite3.Error:
            self._close()

    def _close(self) -> None:
        db, self._db = self._db, None
        if db is None:
            return
        if self._files is not None and self._files.missing():
            LEFT_BEHIND.append(db)
            return
        db.close()

    def _trouble(self, exc: Exception) -> str:
        if isinstance(exc, TimeoutError) or "locked" in str(exc):
            return f"{self.path} 被别的线程或程序占着"
        return f"{self.path} 读写不了（{exc}）；数不了就不下单"


class TokenGate:
    """一次请求的关口（`orders.admission.Gate`）：令牌的名单与限额、连接自己的风控、停单开关。

    Args:
        caps: 限额。
        stop: 停单开关。
        grant: 令牌。
        account: 账号在服务器上的名字。
        request: 请求号。
        guard: 这条连接自己的风控；没有为 None。
        permit: 从别处领来的，发出之前再问它；不是的为 None。
    """

    def __init__(
        self,
        caps: Caps,
        stop: StopSwitch,
        grant: Grant,
        account: str,
        request: str,
        guard: GuardPost | None = None,
        permit: Permit | None = None,
    ) -> None:
        self._caps = caps
        self._stop = stop
        self._grant = grant
        self._account = account
        self._request = request
        self._guard = guard
        self._permit = permit

    def admit(self, request: OrderRequest, view: MarketView, deadline: float) -> None:
        """令牌许不许；一天的额度在这里占住。

        Raises:
            RiskRefusedError: 不许；什么都没有发出，额度也没有占着。
            NotConnectedError: 领来的已经不许发了；同上。
        """
        grant = self._grant
        if grant.limited:
            self._caps.check_codes(grant, request.security)
        if grant.max_order is not None or grant.max_day is not None:
            value, told = self._value(request, view)
            self._caps.check_value(grant, value, told)
            self._caps.reserve(self._request, grant, self._account, value)
        try:
            if self._guard is not None:
                self._guard.check_order(request, view, deadline)
            if self._permit is not None:
                self._permit.admit(request, view, deadline)
        except (RiskRefusedError, NotConnectedError):
            self.not_sent()
            raise

    def last(self, request: OrderRequest | None) -> None:
        """停单开关（撤单，None，不问）、领来的期限：一切之后、发出之前。

        Raises:
            RiskRefusedError: 停着；什么都没有发出，额度退回了。
            NotConnectedError: 领来的已经不许发了；同上。
        """
        try:
            if request is not None:
                self._stop.check(self._account)
            if self._permit is not None:
                self._permit.last(Effect.CANCEL if request is None else Effect.ORDER)
        except (RiskRefusedError, NotConnectedError):
            self.not_sent()
            raise

    def look(self, request: OrderRequest, view: MarketView) -> list[RiskRefusedError]:
        """此刻发出去会被哪几样拒绝：什么都不占，也不问连接自己的风控。"""
        grant, caps = self._grant, self._caps
        checks: list[Callable[[], object]] = [
            partial(caps.check_codes, grant, request.security),
            partial(self._stop.check, self._account),
        ]
        found: list[RiskRefusedError] = []
        if grant.max_order is not None or grant.max_day is not None:
            try:
                value, told = self._value(request, view)
            except RiskRefusedError as exc:
                found.append(exc)
            else:
                checks.append(partial(caps.check_value, grant, value, told))
                checks.append(partial(caps.check_day, grant, value))
        return found + [why for each in checks if (why := _refusal(each)) is not None]

    def not_sent(self) -> None:
        """确知没有发出：退回额度。"""
        if self._grant.max_day is not None:
            self._caps.give_back(self._request)
        if self._permit is not None:
            self._permit.not_sent()

    def _value(self, request: OrderRequest, view: MarketView) -> tuple[Decimal, str]:
        return value_of(request, view, _cap_rule(self._grant))


def value_of(request: OrderRequest, view: MarketView, rule: str) -> tuple[Decimal, str]:
    """一笔委托多少元，和它的算法；市价委托按涨停价算，实际成交只会更便宜。

    Args:
        request: 委托。
        view: 行情。
        rule: 算不出来的，说是哪一条不许。

    Raises:
        RiskRefusedError: 市价委托，涨停价与最新价都问不到。
    """
    code = request.security.stock_code

    def market() -> tuple[Decimal, str]:
        highest = _positive(view.limit_up(code))
        if highest is not None:
            return highest, "涨停价"
        last = _positive(view.last_price(code))
        if last is not None:
            return last * _WIDEST_BAND, "没有涨停价，最新价再加三成"
        raise _refused(rule, f"{code} 是市价委托，涨停价与最新价都问不到，算不出值多少钱")

    return order_value(request, market, view.multiplier(code))


def _refusal(check: Callable[[], object]) -> RiskRefusedError | None:
    try:
        check()
    except RiskRefusedError as exc:
        return exc
    return None


def _positive(number: Number | None) -> Decimal | None:
    if number is None or not math.isfinite(number) or number <= 0:
        return None
    return number if isinstance(number, Decimal) else Decimal(repr(float(number)))


def _cap_rule(grant: Grant) -> str:
    return "token_max_day" if grant.max_order is None else "token_max_order"


def _day_full(grant: Grant, value: Decimal, spent: Decimal, most: Decimal) -> RiskRefusedError:
    told = (
        f"令牌 {grant.name} 今天已经用了 {spent:,.2f} 元，这一笔 {value:,.2f} 元，"
        f"一天最多 {most:,.2f} 元"
    )
    return _refused("token_max_day", told, spent + value, most)


def _refused(rule: str, told: str, actual: object = None, limit: object = None) -> RiskRefusedError:
    actual = float(actual) if isinstance(actual, Decimal) else actual
    limit = float(limit) if isinstance(limit, Decimal) else limit
    text = f"风控拒绝（{rule}）：{told}；{NOTHING_SENT}"
    return RiskRefusedError(text, rule=rule, actual=actual, limit=limit)
