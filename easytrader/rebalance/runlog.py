"""执行的记录：每一步先写下再做，只往后加；哪里被杀了，照着它接着做完。

一个计划一个文件（``<plan_id>.jsonl``），一行一条 JSON，各有 ``kind`` 与 ``time``（Unix 秒）：

- ``start``：``day account_id begun orders``（每笔的到达价与那时的成交量）；
- ``send``：``client_order_id id attempt stock_code side volume price_li ttype``，
  发出之前写，落了盘才发；
- ``placed``：``client_order_id entrust_no``；
- ``unsent``：什么都没有发出；``refused``：柜台当场退回；都有 ``client_order_id message``；
- ``over``：``client_order_id status filled value message``，到了终态；
- ``done``：``report``，全做完了。

最后一行写了一半的（断电、被杀）不算；中间的读不懂就不敢接着做。
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import pace, paths
from easytrader.basics.beijing import stamp
from easytrader.basics.private import private_file, private_folder
from easytrader.codes import FINAL_STATUSES
from easytrader.errors import JournalError, RebalanceBusyError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from easytrader.rebalance.model import Facade

Record = dict[str, Any]

FOLDER: Final = "rebalance"
_LOCK: Final = "run.lock"
_HOLDER: Final = "running.json"


def folder_of(user: Facade) -> Path:
    """这个账号的记录放在哪里：与它的委托记录一起（模拟的跟着模拟文件夹，删了重开就没有了）。"""
    own: Path | None = getattr(user, "_folder", None)
    if own is None:  # 不是 `Trader`，只是合 `Facade`
        own = paths.account_folder(user.status["path"], user.balance[0]["account_id"])
    return own / FOLDER


def file_of(folder: Path, plan_id: str) -> Path:
    """一个计划的记录。"""
    return folder / f"{plan_id}.jsonl"


def read(file: Path) -> list[Record]:
    """读出来；没有为空。

    Raises:
        JournalError: 读不了，或中间有读不懂的。
    """
    return _read(file)[0]


class RunLog:
    """一个计划的记录，只往后加。

    Args:
        file: 文件；没有就建。
        records: 已经在里面的。
        size: 其中完整的有多少字节，后面的半行去掉。

    Raises:
        JournalError: 写不了。
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self.records, size = _read(file)
        try:
            private_folder(file.parent)
            private_file(file)
            flags = os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._fd = os.open(file, flags)
            if os.fstat(self._fd).st_size > size:
                os.ftruncate(self._fd, size)
        except OSError as exc:
            raise JournalError(f"调仓的记录 {file} 写不了：{exc}") from exc

    def write(self, *records: Record, durable: bool = False) -> None:
        """加几条。

        Args:
            records: 要加的，有 ``kind``；没有 ``time`` 的补上。
            durable: 落了盘才返回：断了电也在。

        Raises:
            JournalError: 写不下来。
        """
        now = pace.current().now()
        stamped = [{"time": now, **each} for each in records]
        text = "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in stamped)
        data = text.encode()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
            if durable:
                os.fsync(self._fd)
        except OSError as exc:
            raise JournalError(f"调仓的记录 {self.file} 写不下来：{exc}") from exc
        self.records += stamped

    def close(self) -> None:
        """关上；可重复调用。"""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


@contextmanager
def held(folder: Path, plan_id: str) -> Iterator[None]:
    """这个账号同时只有一个在执行；被杀的不算还占着。

    Raises:
        RebalanceBusyError: 另一个正在执行。
        JournalError: 锁文件写不了。
    """
    from filelock import FileLock, Timeout

    try:
        private_folder(folder)
        lock = FileLock(folder / _LOCK, thread_local=False)
        lock.acquire(timeout=0)
    except Timeout:
        raise RebalanceBusyError(_busy(folder / _HOLDER)) from None
    except OSError as exc:
        raise JournalError(f"调仓的锁文件 {folder / _LOCK} 写不了：{exc}") from exc
    holder = folder / _HOLDER
    told = {"pid": os.getpid(), "plan_id": plan_id, "since": pace.current().now()}
    try:
        with suppress(OSError):  # 只为说给别人听
            holder.write_text(json.dumps(told), "utf-8")
        yield
    finally:
        with suppress(OSError):
            holder.unlink()
        lock.release()


def alive(user: Facade, plan_id: str, folder: Path | None = None) -> list[str]:
    """这个计划发出的、柜台上还没有到终态（或还不知道成没成）的委托。

    Args:
        user: 交易口。
        plan_id: 计划。
        folder: 记录放在哪里，同 `run.run`。

    Returns:
        各自的 ``client_order_id``。

    Raises:
        JournalError: 记录读不懂。
        QueryFailedError: 没有应答。
        NotConnectedError: 没有可用会话。
    """
    records = read(file_of(folder or folder_of(user), plan_id))
    open_ids = {each["client_order_id"]: 0 for each in records if each["kind"] == "send"}
    for each in records:
        name = each.get("client_order_id")
        if each["kind"] == "placed":
            open_ids[name] = each["entrust_no"]
        elif each["kind"] in ("unsent", "refused", "over"):
            open_ids.pop(name, None)
    rows = {row["order_id"]: row for row in user.today_entrusts} if open_ids else {}
    found = []
    for name, number in open_ids.items():
        row = rows.get(number) if number else user.find_entrust(name)
        gone = row is None and not number
        if not gone and (row is None or row["order_status"] not in FINAL_STATUSES):
            found.append(name)
    return found


def _busy(holder: Path) -> str:
    try:
        told = json.loads(holder.read_text("utf-8"))
        since = stamp(told["since"], "%H:%M:%S")
        who = f"进程 {told['pid']} 从 {since} 起在执行计划 {told['plan_id']}"
    except (OSError, ValueError, KeyError, TypeError):
        who = "另一个进程正在执行"
    return f"这个账号正在调仓：{who}。等它做完，或先结束它；什么都没有发出"


def _read(file: Path) -> tuple[list[Record], int]:
    """(各条, 完整的有多少字节)。"""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return [], 0
    except OSError as exc:
        raise JournalError(f"调仓的记录 {file} 读不了：{exc}") from exc
    records: list[Record] = []
    size = 0
    lines = data.split(b"\n")
    for number, line in enumerate(lines[:-1], 1):
        try:
            record = json.loads(line)
            record["kind"]
        except (ValueError, KeyError, TypeError):
            if number == len(lines) - 1:  # 断电时最后一块可能是一串 0
                break
            raise JournalError(
                f"调仓的记录 {file} 第 {number} 行读不懂，不敢接着做；"
                "请到柜台上核对这个计划的委托（备注以 rb- 开头），再另做一个计划"
            ) from None
        records.append(record)
        size += len(line) + 1
    return records, size
