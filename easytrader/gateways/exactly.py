"""我们发的每一笔记在 `records.storage.Numbers`：先记下再发，接口给了编号马上记上。

VeighNa 的接口没有一家把 ``reference`` 从柜台带回来，一笔委托是不是我们的，只能靠编号认。
记下了而没有编号的（进程死在 ``send_order`` 里面），说不清到没到柜台：
同一个标记不再发，核对答「不清楚」。
"""

from __future__ import annotations

import hashlib
import os
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeVar

from easytrader.basics import tags
from easytrader.errors import JournalError
from easytrader.records.guarded import DeadlineLock
from easytrader.records.storage import MAX_NUMBER, Numbered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.backend.records import OrderRequest
    from easytrader.basics.log import Log
    from easytrader.records.storage import Numbers

_T = TypeVar("_T")

SENDING: Final = "sending"
"""就要发出，或已经发出。"""
REFUSED: Final = "refused"
"""接口当场拒绝：没有委托。"""

_PATIENCE_S: Final = 0.5
_STRANGER_S: Final = 10.0
"""别的程序的编号晚一点才记上：没见过的委托，这么久之内每次查询都再看一眼记录。"""


@dataclass(slots=True)
class Note:
    """我们发的一笔。

    Attributes:
        tag: 标记。
        number: 记录里的编号：同一笔的几行靠它连在一起。
        remark: 用户的备注。
        strategy: 策略名。
        state: 见本模块的常量。
        boot: 哪一次登录发的。
        ids: 柜台的编号，发出的次序；一笔拆成几笔的有几个。
    """

    tag: str
    number: int
    remark: str = ""
    strategy: str = ""
    state: str = SENDING
    boot: str = ""
    ids: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        """带标记的备注。"""
        return tags.tagged(self.tag, self.remark)

    @property
    def name(self) -> str:
        """用户看到的委托编号。"""
        return "+".join(self.ids)


class Notes:
    """一个账号的记录。任何线程都可以用；`of` 不读盘，推送的线程上也可以。

    Args:
        numbers: 存在哪里。
        account_id: 资金账号。
        day: 此刻是哪一天：编号只在当天唯一。
        log: 日志口。
        ids_last: 重新登录之后，同一笔委托的编号不变。
    """

    def __init__(
        self,
        numbers: Numbers,
        account_id: str,
        day: Callable[[], str],
        log: Log,
        ids_last: bool = True,
    ) -> None:
        self._numbers = numbers
        self._account_id = account_id
        self._day_of = day
        self._log = log
        self._ids_last = ids_last
        self._boot = ""
        self._lock = DeadlineLock()
        self._day = ""
        self._read_at = 0.0
        self._mine: dict[str, Note] = {}
        self._of_id: dict[str, Note] = {}
        # 不是我们的编号 → 何时第一次看到
        self._strangers: dict[str, float] = {}

    def boot(self) -> None:
        """又登录了一次；读出今天的。"""
        self._boot = os.urandom(6).hex()
        if not self._ids_last:
            self._of_id = {}
        self._read()

    def close(self) -> None:
        """放手。"""
        try:
            self._lock.run(time.monotonic() + _PATIENCE_S, self._numbers.close)
        except TimeoutError:
            self._log.debug("委托编号的记录正用着，没有关")

    # ---- 发

    def begin(self, request: OrderRequest, deadline: float, *, again: bool = False) -> Note | None:
        """就要发出：记下。以前发过、不是当场拒绝的，返回那一笔，不要再发。

        Args:
            request: 要发的。
            deadline: 最晚到什么时候（``time.monotonic``）。
            again: 已经查清以前的没有到柜台：照样记下，再发。

        Raises:
            JournalError: 记不下来，什么都不要发。
        """
        self._turn()
        tag, day = request.tag, self._day
        remark = tags.split(request.remark)[1]
        row = Numbered(
            day, f"~{tag}", self._guess(tag), remark=remark, strategy=request.strategy_name,
            state=SENDING, boot=self._boot, at=time.time(),
        )  # fmt: skip

        def work() -> Numbered:
            (found,) = self._numbers.claim([row], deadline)
            if found.state == REFUSED or (again and found != row):
                found = row._replace(number=found.number)
                self._numbers.change(found, deadline)
            return found

        found = self._do(deadline, work)
        if (found.at, found.boot) != (row.at, row.boot):
            self._read()
            return self._mine.get(tag) or Note(tag, found.number)
        self._mine[tag] = Note(tag, found.number, remark, row.strategy, SENDING, row.boot)
        return None

    def sent(self, tag: str, order_id: str) -> None:
        """接口给了编号，马上写下来。写不进去的只记日志，本进程里照样认得。"""
        note = self._mine[tag]
        note.ids.append(order_id)
        self._of_id[order_id] = note
        self._strangers.pop(order_id, None)
        row = Numbered(
            self._day, self._key(order_id), note.number, alias=True,
            state=SENDING, boot=self._boot, at=time.time(),
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_S
        try:
            self._do(deadline, lambda: self._numbers.claim([row], deadline))
        except JournalError as exc:
            self._log.warning("{}；重启之后认不出委托 {}", exc, order_id)

    def refused(self, tag: str) -> None:
        """接口当场拒绝，什么都没有报出去；记不下来只是以后保守些。"""
        note = self._mine.get(tag)
        if note is None:  # 没有记下，也就没有发
            return
        note.state = REFUSED
        row = Numbered(
            self._day, f"~{tag}", note.number, remark=note.remark, strategy=note.strategy,
            state=REFUSED, boot=note.boot, at=time.time(),
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_S
        try:
            self._do(deadline, lambda: self._numbers.change(row, deadline))
        except JournalError as exc:
            self._log.debug("{}", exc)

    # ---- 认

    def of(self, order_id: str) -> Note | None:
        """这个编号是我们的哪一笔。不读盘。"""
        return self._of_id.get(order_id)

    def look(self, order_ids: Iterable[str]) -> None:
        """查询到了这些委托：有没见过的就再看一眼记录（别的程序可能正在记）。"""
        self._turn()
        now = time.monotonic()
        fresh = False
        for each in order_ids:
            if each not in self._of_id:
                seen = self._strangers.setdefault(each, now)
                fresh = fresh or self._read_at < seen + _STRANGER_S
        if fresh:
            self._read()

    def is_open(self, tag: str) -> bool:
        """发过、不是当场拒绝的：列表里没有它，不说明没有到柜台。"""
        note = self._mine.get(tag)
        if note is None and self._read():
            note = self._mine.get(tag)
        return note is not None and note.state != REFUSED

    def is_lost(self, tag: str, *, is_late: bool) -> bool:
        """发过的这一笔再也认不出来了；``is_late``：以前的委托该推来的都推来了。"""
        note = self._mine.get(tag)
        if note is not None and not note.ids and note.boot != self._boot:
            self._read()  # 别的程序可能刚写下编号
        if note is None:
            return False
        return not note.ids or (is_late and note.boot != self._boot)

    # ---- 内部

    def _turn(self) -> None:
        """换了一天：昨天的编号不算数了。"""
        if self._day_of() != self._day:
            self._read()

    def _read(self) -> bool:
        """读出今天的；读不出来为 False。"""
        day, deadline = self._day_of(), time.monotonic() + _PATIENCE_S
        began = time.monotonic()
        try:
            rows = self._do(deadline, lambda: self._numbers.of_day(day, deadline))
        except JournalError as exc:
            self._log.warning("{}；认不出以前发的委托", exc)
            return False
        if day != self._day:
            self._mine, self._of_id, self._strangers, self._day = {}, {}, {}, day
        self._read_at = began
        notes: dict[int, Note] = {}
        for each in rows:
            if each.key.startswith("~"):
                note = self._mine.get(each.key[1:])
                if note is None:
                    note = self._mine[each.key[1:]] = Note(
                        each.key[1:], each.number, each.remark, each.strategy, each.state, each.boot
                    )
                elif each.boot != self._boot:  # 别的程序又发了一次
                    note.state = each.state
                notes[each.number] = note
        for each in sorted(rows, key=lambda row: row.at):
            note = notes.get(each.number) if each.key.startswith("#") else None
            order_id = each.key[1:] if self._ids_last else each.key.rpartition("\0")[2]
            if note is None or (each.boot != self._boot and not self._ids_last):
                continue
            if order_id not in note.ids:
                note.ids.append(order_id)
            self._of_id[order_id] = note
        return True

    def _key(self, order_id: str) -> str:
        return f"#{order_id}" if self._ids_last else f"#{self._boot}\0{order_id}"

    def _guess(self, tag: str) -> int:
        told = f"{self._account_id}\0{self._day}\0{tag}".encode()
        value = int.from_bytes(hashlib.blake2b(told, digest_size=4).digest(), "big")
        return value % MAX_NUMBER + 1

    def _do(self, deadline: float, work: Callable[[], _T]) -> _T:
        try:
            return self._lock.run(deadline, work)
        except TimeoutError as exc:
            raise JournalError(f"委托编号的记录：{exc}") from exc
