"""`SqliteStorage`：一个文件夹里的几个 SQLite 文件，几个进程可以同时用。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.records.dayfile import DayFile
from easytrader.records.journal import FILE_NAME, Journal
from easytrader.records.lease import FileOwner
from easytrader.records.memory import MemoryEvents
from easytrader.records.numberfile import NumberFile
from easytrader.records.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

METER_FILE: Final = "meter.sqlite"
DAYS_FILE: Final = "days.sqlite"
NUMBERS_FILE: Final = "numbers.sqlite"


class SqliteStorage:
    """见 `storage.Storage`。用到哪一样才建哪个文件；事件只在内存里。

    Args:
        folder: 账号的文件夹（`paths.account_folder`）。
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """放在哪里：这个账号别的文件也放在一起。"""
        self._journal = folder / FILE_NAME
        self.where = str(self._journal)

    def has_intents(self) -> bool:
        """有没有委托记录的文件。"""
        try:
            return self._journal.exists()
        except OSError:
            return True  # 看不了不等于没有；打开时再说清楚

    def open(self, deadline: float) -> tuple[Journal, FileOwner]:
        """打开委托记录，占一把锁。"""
        journal = Journal(self._journal, deadline)
        try:
            owner = FileOwner(self.folder)
            journal.files.also(owner.path)  # 它没了，别的程序会当我们已经不在
            return journal, owner
        except BaseException:
            journal.close()
            raise

    def counters(self, wall: Callable[[], float]) -> Tally:
        """计数文件。"""
        return Tally(str(self.folder.absolute() / METER_FILE), wall)

    def events(self) -> MemoryEvents:
        """事件：内存里的。"""
        return MemoryEvents()

    def days(self) -> DayFile:
        """往日的账的文件。"""
        return DayFile(self.folder.absolute() / DAYS_FILE)

    def numbers(self) -> NumberFile:
        """编号的文件。"""
        return NumberFile(self.folder.absolute() / NUMBERS_FILE)
