"""一份小小的状态：一个 JSON 文件，只给本人看，改的时候整个换掉，几个进程共用。

每条消息、每笔委托都要问它，所以文件没有变时只看一眼它的时间与大小，而且 2 毫秒之内只看一次
（每看一次都要放开一次解释器）；变了才重新读，别的进程改的马上看得见。读不懂、读不了、别人也能改的按最严的算，由用它的人说最严是什么。
"""

from __future__ import annotations

import json
import math
import os
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from filelock import FileLock, Timeout
from loguru import logger

from easytrader.basics.private import patiently, private_folder, replace_file
from easytrader.errors import EasytraderError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_T = TypeVar("_T")

_LOCK_S: Final = 10.0
_LOOK_S: Final = 0.002
_BROKEN_S: Final = 0.5
_MOST_BYTES: Final = 4 << 20
_BROKEN: Final = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)

_Stamp = tuple[int, int, int, int]


class StateFile(Generic[_T]):
    """见模块说明。线程安全。

    Args:
        path: 文件；没有就是 ``parse`` 得到 None 时的样子。
        title: 怎么称呼它，用在错误里。
        parse: JSON 的值（没有文件为 None）→ 状态；写得不对的抛异常。
        plain: 状态 → JSON 的值。
        strictest: 读不懂、读不了时当作的状态。
        remedy: 读不懂时怎么办。
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        title: str,
        parse: Callable[[Any], _T],
        plain: Callable[[_T], Any],
        strictest: _T,
        remedy: str,
    ) -> None:
        self.path = Path(path)
        self._told = f"{title} {self.path}"
        self._parse = parse
        self._plain = plain
        self._strictest = strictest
        self._remedy = remedy
        self._lock = threading.Lock()
        # 依次是：文件的样子，状态，到何时再读一遍，到何时再看一眼
        self._known: tuple[_Stamp | None, _T, float, float] = (None, parse(None), math.inf, 0.0)

    def current(self) -> _T:
        """此刻的状态，不要改它；读不懂、读不了的是最严的那一种，原因在日志里说一次。"""
        known, now = self._known, time.monotonic()
        if now < known[3]:
            return known[1]
        stamp = self._stamp()
        if known[0] == stamp and now < known[2]:
            self._known = (*known[:3], now + _LOOK_S)
            return known[1]
        with self._lock:
            known = self._known
            if known[0] == stamp and now < known[2]:
                return known[1]
            try:
                found, again = self.read(), math.inf
            except EasytraderError as exc:
                # 也许只是一时读不了（句柄用完了），文件没有变也要再试
                found, again = self._strictest, now + _BROKEN_S
                if known[0] != stamp:
                    logger.error("{}", exc)
            self._known = (stamp, found, again, now + _LOOK_S)
            return found

    def read(self) -> _T:
        """从文件里读。

        Raises:
            EasytraderError: 读不懂、读不了。
        """
        try:
            data = patiently(self._bytes)
        except FileNotFoundError:
            return self._parse(None)
        except OSError as exc:
            raise EasytraderError(f"{self._told} 读不了（{exc}）") from exc
        try:
            return self._parse(json.loads(data))
        except _BROKEN as exc:
            raise EasytraderError(
                f"{self._told} 读不懂（{type(exc).__name__}）；{self._remedy}"
            ) from exc

    @contextmanager
    def changing(self) -> Iterator[_T]:
        """读出来，给人改，整个换掉；几个进程一个一个来，中间抛了异常的什么都不变。

        Raises:
            EasytraderError: 读不懂、读不了、写不了，或别的程序一直占着。
        """
        try:
            private_folder(self.path.parent, tighten=True)
            with FileLock(f"{self.path}.lock", timeout=_LOCK_S):
                found = self.read()
                yield found
                text = json.dumps(self._plain(found), ensure_ascii=False, indent=1)
                replace_file(self.path, text.encode())
                self._known = (*self._known[:3], 0.0)  # 自己改的，马上算数
        except Timeout:
            raise EasytraderError(f"别的程序一直占着 {self.path}.lock") from None
        except OSError as exc:
            raise EasytraderError(f"{self._told} 写不了（{exc}）") from exc

    def _stamp(self) -> _Stamp | None:
        """整个换掉的文件，身份、时间、大小总有一样不同。"""
        try:
            found = os.stat(self.path)  # noqa: PTH116  每条消息都要看，快一点
        except FileNotFoundError:
            return None
        except OSError:
            return (0, 0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino, found.st_ctime_ns)

    def _bytes(self) -> bytes:
        with self.path.open("rb") as file:
            if os.name != "nt" and os.fstat(file.fileno()).st_mode & 0o022:
                raise OSError(f'别人也能改它，不能信：chmod 600 "{self.path}"')
            data = file.read(_MOST_BYTES + 1)
        if len(data) > _MOST_BYTES:
            raise OSError(f"超过 {_MOST_BYTES >> 20} MB")
        return data
