"""一个账号的一个任务同时只跑一份：上一次的还没有跑完，定时任务又起了一份。"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import beijing, paths, waits
from easytrader.basics.claims import Claim, TakenError, holder
from easytrader.basics.private import private_folder
from easytrader.basics.scrub import scrubbed
from easytrader.counters.fields import looks_secret
from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from easytrader.profiles import AccountSpec

_LONGEST: Final = 200
_AGAIN_S: Final = 0.5
_never: Final = threading.Event()


class JobBusyError(EasytraderError):
    """同一个账号的同一个任务正在跑；什么都没有做。

    Attributes:
        pid: 那一份的进程号；不知道为 0。
        since: 它何时开始的，Unix 秒；不知道为 0。
    """

    def __init__(self, message: str, *, pid: int = 0, since: float = 0.0) -> None:
        super().__init__(message)
        self.pid = pid
        self.since = since


@contextmanager
def only_one(
    job: str,
    account: str,
    *,
    wait_s: float = 0.0,
    command: Sequence[str] = (),
    stop: Callable[[], bool] | None = None,
) -> Iterator[None]:
    """这一段里，``account`` 的 ``job`` 只有这一份。被杀了锁就开了，下一次马上能跑。

    Args:
        job: 任务的名字，如 ``rebalance``。
        account: 是哪个账号，只用来区分；由设置得来用 `key_of`。
        wait_s: 另一份正在跑的话，最多等它这么久。
        command: 命令行，告诉被挡住的那一份；口令不写进去。
        stop: 每一段等待之后问一次，为真就不等了。

    Raises:
        JobBusyError: 另一份正在跑，信息里有它的进程号、何时开始、命令。
        EasytraderError: 锁文件写不了。
    """
    lock = lock_file(job, account)
    note = {
        "pid": os.getpid(),
        "since": time.time(),
        "job": job,
        "command": scrubbed(" ".join(command))[:_LONGEST],
    }
    claims: list[Claim] = []
    told: list[TakenError] = []

    def claimed(seconds: float) -> bool:
        try:
            claims.append(Claim(lock, note))
        except TakenError as exc:
            told[:] = [exc]
            if seconds:
                waits.event(_never, seconds)
            return False
        return True

    try:
        waits.sliced(claimed, wait_s, stop=stop, slice_s=_AGAIN_S)
    except OSError as exc:
        raise EasytraderError(f"任务的锁写不了（{lock}）：{exc.strerror or exc}") from exc
    if not claims:
        raise _busy(job, told[0].note) from None
    try:
        yield
    finally:
        claims[0].release()


def running(job: str, account: str) -> dict[str, Any] | None:
    """正在跑的那一份：``pid since job command``；没有为 None。"""
    return holder(lock_file(job, account))


def check_free(job: str, account: str) -> None:
    """此刻没有人在跑；只看，不占。

    Raises:
        JobBusyError: 有一份正在跑。
    """
    note = running(job, account)
    if note is not None:
        raise _busy(job, note)


def key_of(account: AccountSpec) -> str:
    """账号的设置 → `only_one` 的 ``account``：设置怎样写、有没有名字，同一个账号都一样。

    Raises:
        UsageError: 密码取不到。
    """
    told = account.options()
    place = told.get("miniqmt_path", told.get("address", ""))
    if "miniqmt_path" in told:
        place = paths.canonical(str(place))
    who = told.get("stock_account", told.get("account", ""))
    if not place and not who:  # 别家的柜台：字段各不相同，密码之外的合起来就是它
        who = sorted((name, str(each)) for name, each in told.items() if not looks_secret(name))
    opened = sorted((name, str(each)) for name, each in account.use.items())
    return "\0".join((account.broker, str(place), str(who), *map(str, opened)))


def lock_file(job: str, account: str) -> Path:
    """锁在哪里。"""
    folder = private_folder(paths.home() / "jobs", tighten=True)
    digest = hashlib.blake2b(f"{account}\0{job}".encode(), digest_size=8).hexdigest()
    return folder / f"{digest}.lock"


def _busy(job: str, note: dict[str, Any]) -> JobBusyError:
    pid, since = note.get("pid"), note.get("since")
    who = f"进程 {pid}" if pid else "另一个进程"
    when = ""
    if isinstance(since, (int, float)):
        when = f"，{beijing.stamp(since, '%Y-%m-%d %H:%M:%S')} 开始的"
    command = note.get("command")
    what = f"：{command}" if command else ""
    told = f"这个账号的 {job} 正在跑（{who}{when}{what}）；等它跑完，或先停掉它"
    return JobBusyError(
        told,
        pid=pid if isinstance(pid, int) else 0,
        since=float(since) if isinstance(since, (int, float)) else 0.0,
    )
