"""我们发的每一笔，接口给了编号就记在 `records.storage.Numbers`：重启、换个程序还认得出。

VeighNa 的接口没有一家把 ``reference`` 从柜台带回来，一笔委托是不是我们的，只能靠编号认。
带 ``client_order_id`` 的先写下来再给结果，别的攒着一起写。没有记下编号的（进程死在 ``send_order``
里面），说不清到没到柜台：同一个标记不再发，核对答「不清楚」。
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

_PATIENCE_S: Final = 0.5
_STRANGER_S: Final = 10.0
"""别的程序的编号晚一点才记上：没见过的委托，这么久之内每次查询都再看一眼记录。"""
_MANY: Final = 200
"""攒到这么多就写。"""


@dataclass(slots=True)
class Note:
    """我们发的一笔。

    Attributes:
        tag: 标记。
        text: 带标记的备注。
        strategy: 策略名。
        boot: 哪一次登录发的。
        ids: 柜台的编号，发出的次序；一笔拆成几笔的有几个。
    """

    tag: str
    text: str
    strategy: str
    boot: str
    ids: list[str] = field(default_factory=list)

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
        self._owed: list[tuple[Note, str, float]] = []
        """还没有写的：哪一笔，编号，时刻。"""
        # 不是我们的编号 → 何时第一次看到
        self._strangers: dict[str, float] = {}

    def boot(self) -> None:
        """又登录了一次；读出今天的。"""
        self._boot = os.urandom(6).hex()
        if not self._ids_last:
            self._of_id = {}
        self._read()

    def close(self) -> None:
        """写完、放手。"""
        self.flush()
        try:
            self._lock.run(time.monotonic() + _PATIENCE_S, self._numbers.close)
        except TimeoutError:
            self._log.debug("委托编号的记录正用着，没有关")

    # ---- 记

    def sent(self, request: OrderRequest, order_id: str) -> None:
        """接口给了编号。写不进去的只记日志：本进程里照样认得。"""
        tag = request.tag
        note = self._mine.get(tag)
        if note is None or note.boot != self._boot:
            note = self._mine[tag] = Note(tag, request.remark, request.strategy_name, self._boot)
        note.ids.append(order_id)
        self._of_id[order_id] = note
        self._owed.append((note, order_id, time.time()))
        if request.once or len(self._owed) >= _MANY:
            self.flush()

    def flush(self) -> None:
        """写下攒着的。"""
        if not self._owed:
            return
        deadline = time.monotonic() + _PATIENCE_S

        def work() -> None:
            owed = self._owed[:]
            try:
                self._numbers.claim([self._row(*each) for each in owed], deadline)
            finally:
                del self._owed[: len(owed)]

        try:
            self._do(deadline, work)
        except JournalError as exc:
            self._log.warning("{}；重启之后有的委托认不出来", exc)

    # ---- 认

    def of(self, order_id: str) -> Note | None:
        """这个编号是我们的哪一笔。不读盘。"""
        return self._of_id.get(order_id)

    def mine(self, tag: str) -> Note | None:
        """带这个标记、有编号的那一笔；没有为 None。不读盘。"""
        return self._mine.get(tag)

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

    def is_lost(self, tag: str, *, is_late: bool) -> bool:
        """当日委托里没有这一笔，再看也不会有；``is_late``：以前的该推来的都推来了。"""
        note = self._mine.get(tag)
        if note is None:
            self._read()  # 别的程序可能刚写下编号
            note = self._mine.get(tag)
        if note is None or note.boot == self._boot:
            return note is None
        return is_late or not self._ids_last

    # ---- 内部

    def _turn(self) -> None:
        """换了一天：昨天的编号不算数了。"""
        if self._day_of() != self._day:
            self._read()

    def _read(self) -> None:
        """读出今天的；读不出来的记日志。"""
        day, began = self._day_of(), time.monotonic()
        deadline = began + _PATIENCE_S
        try:
            rows = self._do(deadline, lambda: self._numbers.of_day(day, deadline))
        except JournalError as exc:
            self._log.warning("{}；认不出以前发的委托", exc)
            rows = []
        if day != self._day:
            self.flush()
            self._mine, self._of_id, self._strangers, self._day = {}, {}, {}, day
        self._read_at = began
        found: dict[str, Note] = {}
        for each in sorted(rows, key=lambda row: row.at):
            tag, _, order_id = each.key[1:].partition(" ")
            note = found.get(tag)
            if note is None or note.boot != each.boot:  # 又发过一次：后来的算
                text = tags.tagged(tag, each.remark)
                note = found[tag] = Note(tag, text, each.strategy, each.boot)
            note.ids.append(order_id)
        for tag, note in found.items():
            known = self._mine.get(tag)
            if known is None or len(known.ids) < len(note.ids):
                self._mine[tag] = known = note
            if self._ids_last or known.boot == self._boot:
                self._of_id.update(dict.fromkeys(known.ids, known))

    def _row(self, note: Note, order_id: str, at: float) -> Numbered:
        key = f"~{note.tag} {order_id}"
        told = f"{self._account_id}\0{self._day}\0{key}".encode()
        value = int.from_bytes(hashlib.blake2b(told, digest_size=4).digest(), "big")
        remark = tags.split(note.text)[1]
        return Numbered(
            self._day, key, value % MAX_NUMBER + 1, remark=remark, strategy=note.strategy,
            boot=note.boot, at=at,
        )  # fmt: skip

    def _do(self, deadline: float, work: Callable[[], _T]) -> _T:
        try:
            return self._lock.run(deadline, work)
        except TimeoutError as exc:
            raise JournalError(f"委托编号的记录：{exc}") from exc
