"""委托的编号：终端没有整数编号，合同编号又来得晚，由我们定，记在 `records.storage.Numbers`。

我们发的按（日子、标记），发出之前就定好、记下；别人发的按（日子、市场、合同编号），
合同编号来以前按终端的内部序号。
编号由账号与这几样算出来，记录丢了也算得出同一个；撞上了的往后换一个，以记录为准。
"""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING, Final, TypeVar

from easytrader.basics import tags
from easytrader.bigqmt.convert import Named
from easytrader.errors import JournalError
from easytrader.records.guarded import DeadlineLock
from easytrader.records.storage import MAX_NUMBER, Numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.basics.log import Log
    from easytrader.bigqmt.convert import Deal, Naming
    from easytrader.records.storage import Numbers

_T = TypeVar("_T")

_PATIENCE_S: Final = 0.5
"""认终端的行的时候，最多等记录这么久。"""
_MUTE_S: Final = 5.0
"""写不进去的，这么久之内不再试：推送不能为它停下。"""

SENT: Final = "sent"
"""交给中转了，或正要交：它可能已经下单。"""
CLEAR: Final = "clear"
"""中转说肯定没有下单。"""
REFUSED: Final = "refused"
"""下单的函数调用过了，终端说不收。"""
INFERRED: Final = "inferred"
"""下单的函数调用过了，一直没有出现：推断没有下成。"""


class Numbering:
    """一个账号的编号。任何线程都可以用。

    Args:
        numbers: 存在哪里。
        account_id: 资金账号。
        log: 日志口。
    """

    def __init__(self, numbers: Numbers, account_id: str, log: Log) -> None:
        self._numbers = numbers
        self._account_id = account_id
        self._log = log
        self._lock = DeadlineLock()
        # (日子, key) → 记着的；读过的日子全在里面
        self._known: dict[tuple[str, str], Numbered] = {}
        self._days: set[str] = set()
        # 编号 → 我们发出时的那一行
        self._mine: dict[int, Numbered] = {}
        # 标记 → 本进程记得的最近一行
        self._of_tag: dict[str, Numbered] = {}
        # 算出来了、还没有写进去的：以后补
        self._unwritten: dict[tuple[str, str], Numbered] = {}
        self._muted_until = 0.0
        self._complained = False

    def close(self) -> None:
        """放手。"""
        try:
            self._lock.run(time.monotonic() + _PATIENCE_S, self._numbers.close)
        except TimeoutError:
            self._log.debug("委托编号的记录正用着，没有关")

    # ---- 我们发的

    def before(self, tag: str, deadline: float) -> Numbered | None:
        """以前用过这个标记的那一行；没有为 None。文件里没有的（运行中被删了），还有本进程记得的。

        Raises:
            JournalError: 读不出来。
        """
        found = self._do(deadline, lambda: self._numbers.latest(_ours(tag), deadline))
        return found or self._of_tag.get(_ours(tag))

    def begin(
        self, day: str, tag: str, remark: str, strategy: str, boot: str, deadline: float
    ) -> int:
        """就要发出：记下，返回编号。

        Args:
            day: 哪一天，``20261130``。
            tag: 标记。
            remark: 用户的备注。
            strategy: 策略名。
            boot: 交给对面的哪一次启动。
            deadline: 最晚到什么时候（``time.monotonic``）。

        Raises:
            JournalError: 记不下来。
        """
        key = _ours(tag)
        row = Numbered(day, key, self._guess(day, key))
        row = row._replace(remark=remark, strategy=strategy, state=SENT, boot=boot, at=time.time())

        def work() -> Numbered:
            (found,) = self._numbers.claim([row], deadline)
            if found != row:  # 以前交过、没有下成的，再交一次；或编号换过
                found = row._replace(number=found.number, alias=found.alias)
                self._numbers.change(found, deadline)
            return found

        found = self._do(deadline, work)
        self._remember(found)
        return found.number

    def mark(self, tag: str, state: str) -> None:
        """这个标记的那一笔有了说法；记不下来只是以后保守些。"""
        known = self._of_tag.get(_ours(tag))
        if known is not None:
            self._remember(known._replace(state=state))
        deadline = time.monotonic() + _PATIENCE_S

        def work() -> None:
            found = self._numbers.latest(_ours(tag), deadline)
            if found is not None and found.state != state:
                changed = found._replace(state=state)
                self._numbers.change(changed, deadline)
                self._remember(changed)

        try:
            self._do(deadline, work)
        except JournalError as exc:
            self._complain(exc)

    # ---- 终端的行

    def learn(self, rows: Iterable[Naming]) -> None:
        """一批委托的编号，一次记下：认得的不碰记录。"""
        wanted: dict[tuple[str, str], Numbered] = {}
        ours: dict[tuple[str, str], Numbered] = {}
        for each in rows:
            self._read_day(each.day)
            key = _key(each)
            if key and (each.day, key) not in self._known:
                (ours if each.tag else wanted)[each.day, key] = self._new(each, key)
        self._claim(list(ours.values()), inherit=True)
        self._claim(list(wanted.values()))

    def _new(self, who: Naming, key: str) -> Numbered:
        """还没有记下的一笔；有了合同编号的，没有编号的时候给过的还是那一个。"""
        early = self._known.get((who.day, _early(who))) if who.ref and not who.tag else None
        if early is not None and who.sysid:
            return Numbered(who.day, key, early.number, alias=True, at=time.time())
        return Numbered(who.day, key, self._guess(who.day, key), at=time.time())

    def name(self, who: Naming) -> Named | None:
        """一行委托是谁；还说不清的（别人的，合同编号还没有）为 None。"""
        key = _key(who)
        if not key:
            return None
        if (who.day, key) not in self._known:
            self.learn([who])
        found = self._known[who.day, key]
        if who.tag and who.sysid:
            self._bind(found, who.day, _theirs(who.exchange, who.sysid))
        return self._named(found, who.remark)

    def name_trade(self, deal: Deal, now: bool) -> Named | None:
        """一笔成交的委托是谁；委托还没有见过的为 None，``now`` 为真就给一个。"""
        tag = tags.split(deal.remark)[0]
        keys = [_ours(tag)] if tag else []
        if deal.sysid:
            keys.append(_theirs(deal.exchange, deal.sysid))
        for key in keys:
            self._read_day(deal.day)
            found = self._known.get((deal.day, key))
            if found is not None:
                return self._named(found, deal.remark)
        if not now or not keys:
            return None
        key = keys[0]
        self._claim([Numbered(deal.day, key, self._guess(deal.day, key), at=time.time())])
        return self._named(self._known[deal.day, key], deal.remark)

    # ---- 内部

    def _named(self, found: Numbered, remark: str) -> Named:
        found = self._original(found)
        if not found.key.startswith("~"):
            return Named(found.number, remark)
        tag, rest = tags.split(remark)
        text = tags.tagged(tag or found.key[1:], found.remark or rest)
        return Named(found.number, text, found.strategy if found.state else None)

    def _original(self, found: Numbered) -> Numbered:
        """合同编号那一行 → 我们发出时的那一行。"""
        ours = found.key.startswith("~")
        return self._mine.get(found.number, found) if found.alias and not ours else found

    def _remember(self, row: Numbered) -> None:
        self._known[row.day, row.key] = row
        if row.key.startswith("~"):
            self._mine[row.number] = row
            known = self._of_tag.get(row.key)
            if known is None or known.day <= row.day:
                self._of_tag[row.key] = row

    def _bind(self, found: Numbered, day: str, key: str) -> None:
        """我们的委托有了合同编号：以后没有备注的行也认得。"""
        if (day, key) not in self._known:
            row = Numbered(day, key, found.number, alias=True, at=time.time())
            self._claim([row])

    def _claim(self, rows: list[Numbered], *, inherit: bool = False) -> None:
        if rows and not self._try_claim(rows, inherit=inherit):
            for each in rows:  # 算出来的就是
                self._remember(each)
                self._unwritten[each.day, each.key] = each

    def _try_claim(self, rows: list[Numbered], *, inherit: bool) -> bool:
        """记下；写不进去的为假，过一会儿再试。"""
        if time.monotonic() < self._muted_until:
            return False
        deadline = time.monotonic() + _PATIENCE_S
        owed = list(self._unwritten.values())

        def work() -> list[Numbered]:
            if owed:
                self._numbers.claim(owed, deadline)
            return self._numbers.claim(rows, deadline, inherit=inherit)

        try:
            found = self._do(deadline, work)
        except JournalError as exc:
            self._mute(exc)
            return False
        for each in owed:
            self._unwritten.pop((each.day, each.key), None)
        for each in found:
            self._remember(each)
        return True

    def _read_day(self, day: str) -> None:
        if day in self._days or time.monotonic() < self._muted_until:
            return
        deadline = time.monotonic() + _PATIENCE_S
        try:
            found = self._do(deadline, lambda: self._numbers.of_day(day, deadline))
        except JournalError as exc:
            self._mute(exc)
            return
        self._days.add(day)
        for each in found:
            if (each.day, each.key) not in self._known:
                self._remember(each)

    def _guess(self, day: str, key: str) -> int:
        told = f"{self._account_id}\0{day}\0{key}".encode()
        value = int.from_bytes(hashlib.blake2b(told, digest_size=4).digest(), "big")
        return value % MAX_NUMBER + 1

    def _do(self, deadline: float, work: Callable[[], _T]) -> _T:
        try:
            return self._lock.run(deadline, work)
        except TimeoutError as exc:
            raise JournalError(f"委托编号的记录：{exc}") from exc

    def _mute(self, exc: JournalError) -> None:
        self._muted_until = time.monotonic() + _MUTE_S
        self._complain(exc)

    def _complain(self, exc: JournalError) -> None:
        if not self._complained:
            self._complained = True
            self._log.warning("{}；编号照样算得出，备注可能不全", exc)


def _ours(tag: str) -> str:
    return f"~{tag}"


def _theirs(exchange: str, sysid: str) -> str:
    return f"{exchange} {sysid}"


def _key(who: Naming) -> str:
    """记录里的键；还说不清的为空。"""
    if who.tag:
        return _ours(who.tag)
    if who.sysid:
        return _theirs(who.exchange, who.sysid)
    return _early(who) if who.ref else ""


def _early(who: Naming) -> str:
    """还没有合同编号时的键。"""
    return f"{who.exchange} ? {who.ref}"
