"""账本：SQLite（WAL），一步一个事务。提交成功之前，什么都不算发生。

``synchronous=NORMAL``：进程随时被杀不丢已提交的；整机断电可能丢最后几笔，但账本不会坏。
旧日子的委托与成交留在表里（带 ``day``），只是不再读进内存；怎么查见 `history`。
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from easytrader.basics.private import private_file
from easytrader.errors import SimulatorError
from easytrader.sim.ledger.account import Account, Position
from easytrader.sim.ledger.resting import Queue
from easytrader.sim.ledger.state import Changes, CounterState, Progress
from easytrader.sim.storage import schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


_PAGE: Final = 1024
"""新账本一页多少字节：一步只改几行，页小，每次提交写进日志的就少。"""
_CHECKPOINT_BYTES: Final = 1 << 24


@contextmanager
def _explained(path: Path, doing: str) -> Iterator[None]:
    """其间 SQLite 与文件的错说成 SimulatorError。"""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise SimulatorError(f"账本 {path} {doing}：{error}") from error


class Store:
    """一个打开的账本。单写者：文件夹的独占锁由服务进程拿着。"""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.disk_is_full: Callable[[], bool] = lambda: False
        """每次落盘前问一声：这次算不算磁盘满（故障 ``disk_full``）。"""
        with _explained(path, "打不开"):
            private_file(path)  # -wal 与 -shm 的权限跟着它
            self._db = sqlite3.connect(str(path), isolation_level=None, check_same_thread=False)
            try:
                self._prepare()
                self._db.executescript(schema.STEP_VIEW)
                self._execute = self._db.cursor().execute
                self._files = self._identities()
            except BaseException:
                self._db.close()
                raise

    def close(self) -> None:
        """关闭；把 WAL 并回主文件。"""
        self._db.close()

    def load(self) -> CounterState | None:
        """读回柜台状态；还是空账本时为 None。"""
        with _explained(self._path, "读不出来"):
            row = self._one("SELECT * FROM progress")
            if row is None:
                return None
            state = CounterState(Progress(*row[1:]))
            for fields in self._db.execute("SELECT * FROM accounts"):
                state.add_account(Account(*fields))
            for account_id, *rest in self._db.execute("SELECT * FROM positions"):
                held = Position(*rest)
                state.accounts[account_id].positions[held.stock_code] = held
            for *key, body in self._db.execute("SELECT * FROM records"):
                state.records[key[0], key[1], key[2]] = body
            self._load_queues(state)
            self._load_orders(state)
            self._load_trades(state)
            return state

    def save(self, changes: Changes, progress: Progress) -> None:
        """把改动作为一个事务写进去。

        Raises:
            SimulatorError: 没有写成，或文件不在原处了；事务已回滚，内存里的状态不可再信，
                应当 `load`。
        """
        full = self.disk_is_full()
        try:
            if full:
                with self._no_growth():
                    self._commit(changes, progress, full)
            elif changes.only_progress:  # 单步的每一步：一句话就是一个事务
                self._still_there()
                self._execute(schema.PUT_PROGRESS, (1, *schema.progress_fields(progress)))
            elif changes.one_order:  # 收下一笔委托：也是一句话
                self._still_there()
                [order], [account] = changes.orders.values(), changes.accounts.values()
                row = schema.order_fields(order) + schema.account_fields(account)
                self._execute(schema.PUT_STEP, (*row, 1, *schema.progress_fields(progress)))
            else:
                self._commit(changes, progress, full)
        except (sqlite3.Error, OSError) as error:  # 每一步都走，不建上下文
            raise SimulatorError(f"账本 {self._path} 写不进去：{error}") from error

    def _commit(self, changes: Changes, progress: Progress, full: bool) -> None:
        self._execute("BEGIN IMMEDIATE")
        try:
            self._write(changes, progress)
            if full:
                self._need_room()
            self._still_there()
            self._execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    @contextmanager
    def _no_growth(self) -> Iterator[None]:
        """其间库文件一页也不能长：SQLite 自己会说 ``database or disk is full``。"""
        before = self._number("PRAGMA max_page_count")
        self._db.execute("PRAGMA max_page_count=1")  # 小于现有页数时，取现有页数
        try:
            yield
        finally:
            self._db.execute(f"PRAGMA max_page_count={before}")

    def _need_room(self) -> None:
        """几行改动可能装得进现有的空页，而磁盘真满了日志一字节也写不下：要一块一定装不下的。"""
        size = self._number("PRAGMA page_size") * (self._number("PRAGMA freelist_count") + 2)
        self._db.execute("CREATE TABLE no_room (filler BLOB)")
        self._db.execute("INSERT INTO no_room VALUES (zeroblob(?))", (size,))

    def _identities(self) -> list[tuple[str, tuple[int, int]]]:
        names = (str(self._path), f"{self._path}-wal")
        return [(name, _identity(name)) for name in names if os.path.exists(name)]  # noqa: PTH110

    def _still_there(self) -> None:
        """文件被删掉或换掉之后，SQLite 照样写得进那个谁也找不到的旧文件，所以自己看一眼。"""
        for name, identity in self._files:
            try:
                found = _identity(name)
            except FileNotFoundError:
                found = None
            if found != identity:
                raise SimulatorError(
                    f"账本 {name} 在运行中被删掉、移走或换掉了，不再受理委托："
                    "停下占着这个文件夹的进程，把文件放回去或重新 init。"
                )

    def _write(self, changes: Changes, progress: Progress) -> None:
        put = self._execute
        for order in changes.orders.values():
            put(schema.PUT_ORDER, schema.order_fields(order))
        for trade in changes.trades:
            put(schema.PUT_TRADE, schema.trade_fields(trade))
        for account in changes.accounts.values():
            put(schema.PUT_ACCOUNT, schema.account_fields(account))
        for (account_id, code), held in changes.positions.items():
            if held is None:
                put("DELETE FROM positions WHERE account_id=? AND stock_code=?", (account_id, code))
            else:
                put(schema.PUT_POSITION, (account_id, *schema.position_fields(held)))
        for (code, (buy, price_li)), (day, queue) in changes.queues.items():
            put(schema.PUT_QUEUE, (code, int(buy), price_li, day, *queue))
        for key, body in changes.records.items():
            if body is None:
                put("DELETE FROM records WHERE kind=? AND account_id=? AND key=?", key)
            else:
                put(schema.PUT_RECORD, (*key, body))
        for closing in changes.closings:
            put(schema.PUT_CLOSING_ASSET, closing.asset)
            self._db.executemany(schema.PUT_CLOSING_POSITION, closing.positions)
        put(schema.PUT_PROGRESS, (1, *schema.progress_fields(progress)))

    def _prepare(self) -> None:
        found = self._number("PRAGMA application_id")
        tables = self._number("SELECT count(*) FROM sqlite_master")
        if found != schema.APPLICATION_ID and (found or tables):
            raise SimulatorError(f"{self._path} 不是模拟 MiniQMT 的账本，换一个文件夹。")
        version = self._number("PRAGMA user_version")
        if version > schema.VERSION:
            raise SimulatorError(
                f"账本 {self._path} 是较新的版本 {version}，本版本只认识到 {schema.VERSION}；"
                "请升级 easytrader。"
            )
        if not tables:
            self._db.execute(f"PRAGMA page_size={_PAGE}")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        pages = _CHECKPOINT_BYTES // self._number("PRAGMA page_size")
        self._db.execute(f"PRAGMA wal_autocheckpoint={pages}")
        if version < schema.VERSION:
            self._db.executescript(
                f"BEGIN; {schema.steps_from(version)}"
                f"PRAGMA application_id={schema.APPLICATION_ID};"
                f"PRAGMA user_version={schema.VERSION}; COMMIT;"
            )

    def _load_queues(self, state: CounterState) -> None:
        rows = self._db.execute("SELECT * FROM queues WHERE day = ?", (state.progress.day,))
        for code, buy, price_li, _, gone, at_ppm in rows:
            state.queues.setdefault(code, {})[bool(buy), price_li] = Queue(gone, at_ppm)

    def _load_orders(self, state: CounterState) -> None:
        rows = self._db.execute(
            # 昨夜存着的编号在前，夹在它们中间的昨天的委托不要
            "SELECT * FROM orders WHERE order_id >= ? AND day = ? ORDER BY order_id",
            (state.progress.first_order_id, state.progress.day),
        )
        for row in rows:
            order = schema.order_of(row)
            state.add_order(order)
            state.put_back(order)

    def _load_trades(self, state: CounterState) -> None:
        rows = self._db.execute(
            "SELECT * FROM trades WHERE number >= ? ORDER BY number", (state.progress.first_trade,)
        )
        for row in rows:
            state.add_trade(schema.trade_of(row, state.orders[row[1]]))

    def _one(self, sql: str) -> tuple[int, ...] | None:
        row: tuple[int, ...] | None = self._db.execute(sql).fetchone()
        return row

    def _number(self, sql: str) -> int:
        row = self._one(sql)
        return row[0] if row else 0


def _identity(name: str) -> tuple[int, int]:
    found = os.stat(name)  # noqa: PTH116  每次提交都要看，不建 Path
    return found.st_dev, found.st_ino
