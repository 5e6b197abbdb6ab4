"""审计记录：每个请求一行，只加不改；每行带着上一行的摘要，少了、改了、换了次序都看得出来。

一个文件夹里：``audit-00000001.jsonl`` 起，一个写满了接着写下一个（不改名：Windows 上改不了开着的
文件的名），链条不断；``audit.head`` 记着写到了哪一行，尾巴被截掉也看得出来。它防的是磁盘出错和
事后的删改，防不住能改这个文件夹、又肯把整条链重算一遍的人：要防他，把它抄一份到别的机器上。

写不下去（磁盘满）抛 ``OSError``：问的人不收委托，撤单照常。每行不等磁盘落实：
进程随时被杀都不少，整机断电可能少最后几行，那时 `verify` 说少了哪几行。
"""

from __future__ import annotations

import os
import re
import sys
import threading
import time
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec
from filelock import FileLock, Timeout
from loguru import logger

from easytrader.basics import beijing
from easytrader.basics.paths import home
from easytrader.basics.private import private_folder
from easytrader.errors import EasytraderError, shown

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Audit", "Verdict", "default_folder", "verify", "verify_told"]

_MAX_BYTES: Final = 64 << 20
_KEEP: Final = 32
_HEAD: Final = "audit.head"
_HEAD_BYTES: Final = 256
_LOCK: Final = "audit.lock"
_FILE: Final = re.compile(r"audit-(\d{8})\.jsonl")
_NOTHING: Final = "0" * 64
"""第一行的上一行。"""
_RESUMED: Final = "resumed"
_TROUBLE: Final = "trouble"
"""这两种事由审计自己写。"""
_MOST_PROBLEMS: Final = 20
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
"""Windows 上不要替我们换行。"""

_HIDDEN: Final = "***"
_SECRET_KEY: Final = re.compile(
    r"(?:pwd|passwd|password|secret|api_?key|authorization|cookie|token|密码|令牌)$", re.IGNORECASE
)
_TOKEN: Final = re.compile(r"(et_[0-9a-fA-F]{0,8}_?)[0-9a-zA-Z]+")
_LONGEST: Final = 2000
_MOST_ITEMS: Final = 200
_DEPTH: Final = 12
_WIDEST: Final = 2**63
_OWN: Final = frozenset({"n", "at", "prev"})
_TOP: Final = frozenset({"token"})
"""顶层叫这个的是名字。"""
_SHORT: Final = 4000
_SUSPICIOUS: Final = (
    b"et_", b"pwd", b"passw", b"secret", b"api", b"authoriz", b"cookie",
    "密码".encode(), "令牌".encode(),
)  # fmt: skip
"""`_SECRET_KEY` 与 `_TOKEN` 认得的，每一个都含有其中一个。"""
_UNREADABLE: Final = (
    msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError, TypeError, KeyError,
)  # fmt: skip

_encode: Final = msgspec.json.Encoder().encode
_decode: Final = msgspec.json.Decoder().decode


def default_folder() -> Path:
    """审计记录在哪里。"""
    return home() / "server" / "audit"


class Verdict(NamedTuple):
    """核对的结果。

    Attributes:
        ok: 一行不少，一行没改。
        lines: 核对了多少行。
        files: 几个文件。
        problems: 哪里不对，最多 20 条。
    """

    ok: bool
    lines: int
    files: int
    problems: tuple[str, ...]


class _Head(NamedTuple):
    """写到了哪里：最后一行的编号、摘要，它在第几个文件，还留着的从哪个文件、哪一行起。"""

    n: int = 0
    hash: str = _NOTHING
    file: int = 1
    first: int = 1
    first_n: int = 1


class Audit:
    """写审计记录；一个文件夹只许一个。线程安全。

    Args:
        folder: 放在哪里；没有就建，只给本人看。
        max_bytes: 一个文件写到这么大就换下一个。
        keep: 最多留几个文件，旧的删掉。

    Raises:
        EasytraderError: 另一个程序正在写它。
        OSError: 建不了、写不了。
    """

    def __init__(
        self, folder: str | os.PathLike[str], max_bytes: int = _MAX_BYTES, keep: int = _KEEP
    ) -> None:
        self.folder = private_folder(folder, tighten=True)
        self._max_bytes = max_bytes
        self._keep = keep
        self._mutex = threading.Lock()
        self._second = (0, "")
        self._file = self._head_file = -1
        self._size = self._torn = 0
        self._head = _Head()
        self._owner = FileLock(self.folder / _LOCK, thread_local=False)
        try:
            self._owner.acquire(timeout=0)
        except Timeout:
            raise EasytraderError(
                f"另一个服务器正在写审计记录 {self.folder}：一个文件夹只能给一个服务器用"
            ) from None
        try:
            self._open()
        except BaseException:
            self._shut()
            self._owner.release()
            raise

    def write(self, **fields: Any) -> None:
        """写一行；写上了才返回。

        Args:
            **fields: 顶层的 ``token`` 是令牌的名字；里面各层像口令、令牌的都换成 ``***``。

        Raises:
            OSError: 写不了。
        """
        body = _body(fields)
        with self._mutex:
            self._append(body)

    def close(self) -> None:
        """落盘，放开文件夹；可重复调用。"""
        with self._mutex:
            for handle in (self._file, self._head_file):
                if handle >= 0:
                    with suppress(OSError):
                        os.fsync(handle)
            self._shut()
            self._owner.release()

    # ---- 内部，都拿着锁

    def _append(self, body: bytes) -> None:
        if self._head_file < 0:
            raise OSError("审计记录已经关上了")
        if self._size >= self._max_bytes or self._file < 0:
            self._next_file()
            self._explain()
        head = self._head
        told = (head.n + 1, self._now().encode(), body, head.hash.encode())
        line = b'{"n":%d,"at":"%s",%s,"prev":"%s"}\n' % told
        try:
            _write_all(self._file, line)
        except OSError:
            self._take_back()
            raise
        self._size += len(line)
        self._head = _Head(
            head.n + 1, sha256(line[:-1]).hexdigest(), head.file, head.first, head.first_n
        )
        self._write_head()

    def _take_back(self) -> None:
        """写了半行的收回来；收不回来的留着，下一行另起一个文件，说明这里断过。"""
        try:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, 0, os.SEEK_END)
        except OSError:
            with suppress(OSError):
                self._torn = os.fstat(self._file).st_size - self._size
            os.close(self._file)
            self._file = -1

    def _explain(self) -> None:
        """上一个文件末尾断了半行：在这一个的第一行里说。"""
        torn, self._torn = self._torn, 0
        if torn:
            self._append(_body({"event": _RESUMED, "torn": torn}))

    def _now(self) -> str:
        moment = time.time()
        second = int(moment)
        if self._second[0] != second:
            self._second = (second, beijing.stamp(second, "%Y-%m-%dT%H:%M:%S"))
        return f"{self._second[1]}.{int((moment - second) * 1000):03d}+08:00"

    def _write_head(self) -> None:
        text = _encode(self._head)
        _write_at_start(self._head_file, text.ljust(_HEAD_BYTES - 1) + b"\n")

    def _next_file(self) -> None:
        """换下一个文件；旧的太多了就删，先改 head 再删：中间被杀也不像是少了。"""
        head = self._head
        number = head.file + 1
        handle = self._create(number)
        if self._file >= 0:
            os.close(self._file)
        self._file, self._size = handle, 0
        first, first_n = head.first, head.first_n
        while number - first >= self._keep:
            first += 1
            first_n = _first_n(_path(self.folder, first), head.n + 1)
        self._head = _Head(head.n, head.hash, number, first, first_n)
        self._write_head()
        self._drop_old()

    def _create(self, number: int) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _BINARY
        return os.open(_path(self.folder, number), flags, 0o600)

    def _drop_old(self) -> None:
        for number in _numbers(self.folder):
            if number < self._head.first:
                with suppress(OSError):
                    _path(self.folder, number).unlink()

    def _open(self) -> None:
        """接着上次的写。"""
        head, told = _read_head(self.folder)
        flags = os.O_RDWR | os.O_CREAT | _BINARY
        self._head_file = os.open(self.folder / _HEAD, flags, 0o600)
        numbers = _numbers(self.folder)
        if numbers:
            head, told = self._go_on(head, numbers, told)
        elif head is not None and head.n:
            told = told or f"第 {head.n} 行以前的文件都不见了"
            head = _Head(head.n, head.hash, head.file + 1, head.file + 1, head.n + 1)
        self._head = head or _Head()
        if self._file < 0:
            self._file, self._size = self._create(self._head.file), 0
        self._write_head()
        self._drop_old()
        self._explain()
        if told:
            logger.error("审计记录 {}：{}", self.folder, told)
            self._append(_body({"event": _TROUBLE, "told": told}))

    def _go_on(self, head: _Head | None, numbers: list[int], told: str) -> tuple[_Head, str]:
        """已有文件：从哪一行、哪个文件接着写。"""
        last = numbers[-1]
        tail = _tail_of(self.folder, numbers)
        if head is None:
            head = _Head(tail.n, tail.hash, last, numbers[0])
            head = head._replace(first_n=_first_n(_path(self.folder, numbers[0]), tail.n + 1))
            told = told or f"{_HEAD} 不见了"
        elif tail.n > head.n:  # 写了一行、还没记在 head 里就被杀了
            head = head._replace(n=tail.n, hash=tail.hash)
        elif tail.n < head.n:
            told = told or f"记着写到第 {head.n} 行，文件里只到第 {tail.n} 行"
        self._torn = tail.torn
        if tail.torn and _path(self.folder, last).stat().st_size:
            return head._replace(file=last + 1), told
        self._file = os.open(_path(self.folder, last), os.O_WRONLY | os.O_APPEND | _BINARY)
        self._size = os.lseek(self._file, 0, os.SEEK_END)
        return head._replace(file=last), told

    def _shut(self) -> None:
        for handle in (self._file, self._head_file):
            if handle >= 0:
                with suppress(OSError):
                    os.close(handle)
        self._file = self._head_file = -1


def verify(folder: str | os.PathLike[str]) -> Verdict:
    """从头核对一遍；服务器开着的时候也可以。

    Raises:
        OSError: 文件夹、文件读不了。
    """
    found = _Check(Path(folder)).run()
    # 正在写的，也许刚好在换文件：不对的再看一遍
    return found if found.ok else _Check(Path(folder)).run()


def verify_told(folder: str | os.PathLike[str]) -> str:
    """核对一遍，说成给人看的话。

    Raises:
        EasytraderError: 文件夹、文件读不了。
    """
    try:
        verdict = verify(folder)
    except OSError as exc:
        raise EasytraderError(f"审计记录 {folder} 读不了（{exc}）") from exc
    told = f"审计记录 {folder}：{verdict.files} 个文件，{verdict.lines} 行，"
    if verdict.ok:
        return f"{told}一行不少，一行没改"
    return "\n  ".join([f"{told}有问题：", *verdict.problems])


class _Check:
    """一次核对。"""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[str] = []
        self._lines = 0
        self._n = 0
        self._hash = _NOTHING
        self._torn = 0
        self._where = ""
        self._known = False

    def run(self) -> Verdict:
        head, told = _read_head(self._folder)  # 先读它：这之后写的行只会更多
        numbers = _numbers(self._folder)
        if head is None and (told or numbers):
            self._blame(told or f"{_HEAD} 不见了，尾巴上少没少行看不出来")
        if head is not None:
            self._n, self._known = head.first_n - 1, head.first_n == 1
            numbers = [each for each in numbers if each >= head.first]
            for number in sorted(set(range(head.first, head.file + 1)) - set(numbers)):
                self._blame(f"文件 {_path(self._folder, number).name} 不见了")
        for number in numbers:
            self._file(number, head)
        if head is not None and self._n < head.n:
            self._blame(f"第 {_span(self._n + 1, head.n)} 行不见了（在末尾）")
        problems = tuple(self._problems[:_MOST_PROBLEMS])
        return Verdict(not problems, self._lines, len(numbers), problems)

    def _file(self, number: int, head: _Head | None) -> None:
        name = _path(self._folder, number).name
        for at, line in enumerate(_lines(_path(self._folder, number)), 1):
            self._where = f"{name} 第 {at} 行"
            if not line.endswith(b"\n"):
                self._torn = len(line)
                self._lost_end(number, head)
                return
            self._line(line[:-1], head)

    def _lost_end(self, number: int, head: _Head | None) -> None:
        """最后一个文件末尾的半行是正在写的，或写的时候被杀了；之前的要有人说明过。"""
        last = head is None or number >= head.file
        if last and (head is None or self._n >= head.n):
            self._torn = 0

    def _line(self, line: bytes, head: _Head | None) -> None:
        self._lines += 1
        here = sha256(line).hexdigest()
        try:
            told = _decode(line)
            n, prev = int(told["n"]), str(told["prev"])
        except _UNREADABLE:
            self._blame(f"{self._where}读不懂：被改过")
            self._n, self._hash, self._known = self._n + 1, here, False
            return
        if self._torn:
            if told.get("event") != _RESUMED or told.get("torn") != self._torn:
                self._blame(f"{self._where}之前断了半行，没有说明")
            self._torn = 0
        self._place(n, prev)
        if told.get("event") == _TROUBLE:
            self._blame(f"{self._where}（编号 {n}）写着：{told.get('told')}")
        if head is not None and n == head.n and here != head.hash:
            self._blame(f"第 {n} 行被改过")
        self._n, self._hash, self._known = n, here, True

    def _place(self, n: int, prev: str) -> None:
        """编号接得上、摘要对得上；同一处只说一样。"""
        wanted = self._n + 1
        if not self._known and self._lines == 1 and not self._n:
            return  # 更早的已经轮换掉了，而 head 不在
        if n > wanted:
            self._blame(f"{self._where}：第 {_span(wanted, n - 1)} 行不见了")
        elif n < wanted:
            self._blame(f"{self._where}：次序乱了，这里是第 {n} 行，应该是第 {wanted} 行")
        elif self._known and prev != self._hash:
            self._blame(f"第 {n - 1} 行被改过（{self._where}的摘要对不上）")

    def _blame(self, told: str) -> None:
        self._problems.append(told)


# ---- 文件


def _path(folder: Path, number: int) -> Path:
    return folder / f"audit-{number:08d}.jsonl"


def _numbers(folder: Path) -> list[int]:
    found = (_FILE.fullmatch(each.name) for each in folder.iterdir())
    return sorted(int(each[1]) for each in found if each)


def _read_head(folder: Path) -> tuple[_Head | None, str]:
    """(写到了哪里, 哪里不对)；没有、读不懂为 None。"""
    try:
        data = (folder / _HEAD).read_bytes()
    except FileNotFoundError:
        return None, ""
    if not data:
        return None, ""
    try:
        return msgspec.convert(_decode(data), _Head), ""
    except _UNREADABLE:
        return None, f"{_HEAD} 读不懂：被改过"


class _Tail(NamedTuple):
    """最后一个完整的行，和它后面不成行的字节数。"""

    n: int
    hash: str
    torn: int


def _tail_of(folder: Path, numbers: list[int]) -> _Tail:
    """最后的文件可能是空的，或只有半行：往前找。"""
    torn = 0
    for number in reversed(numbers):
        whole = b""
        for line in _lines(_path(folder, number)):
            if line.endswith(b"\n"):
                whole = line
            else:
                torn = torn or len(line)
        if whole:
            return _Tail(_number_in(whole), sha256(whole[:-1]).hexdigest(), torn)
    return _Tail(0, _NOTHING, torn)


def _number_in(line: bytes) -> int:
    try:
        return int(_decode(line)["n"])
    except _UNREADABLE:
        return 0


def _first_n(path: Path, default: int) -> int:
    """文件里第一行的编号。"""
    try:
        return int(_decode(next(_lines(path)))["n"])
    except (OSError, StopIteration, *_UNREADABLE):
        return default


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        yield from file


def _write_all(handle: int, data: bytes) -> None:
    written = os.write(handle, data)
    while written < len(data):
        written += os.write(handle, data[written:])


def _write_at_start(handle: int, data: bytes) -> None:
    if sys.platform == "win32":
        os.lseek(handle, 0, os.SEEK_SET)
        _write_all(handle, data)
    else:
        os.pwrite(handle, data, 0)  # 系统调用少一次：每次都要放开解释器


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first} 到 {last}"


# ---- 写下来之前


def _body(fields: dict[str, Any]) -> bytes:
    """一行里除了自己那三样的；绝大多数里面没有可疑的字，照样写下。"""
    if not _OWN.isdisjoint(fields):
        fields = {key: value for key, value in fields.items() if key not in _OWN}
    try:
        text = _encode(fields)
    except (TypeError, ValueError, OverflowError, RecursionError):
        return _cleaned_body(fields)
    if len(text) > _SHORT or _is_suspicious(text, "token" in fields):
        return _cleaned_body(fields)
    return text[1:-1] or b'"event":""'


def _is_suspicious(text: bytes, named: bool) -> bool:
    lower = text.lower()
    return lower.count(b"token") > named or any(each in lower for each in _SUSPICIOUS)


def _cleaned_body(fields: dict[str, Any]) -> bytes:
    return _encode(
        {
            _text(key): _cleaned(value, 0) if key in _TOP or not _is_secret(key) else _HIDDEN
            for key, value in fields.items()
        }
    )[1:-1]


def _cleaned(value: Any, depth: int) -> Any:
    """能写成 JSON 的，没有秘密的，不太长的。"""
    kind = type(value)
    if kind is str:
        return _text(value)
    if kind is float or kind is bool or value is None:
        return value
    if kind is int and -_WIDEST <= value < _WIDEST:
        return value
    if depth >= _DEPTH:
        return _text(shown(value))
    if isinstance(value, dict):
        kept = list(value.items())[:_MOST_ITEMS]
        found = {
            _text(str(key)): _HIDDEN if _is_secret(str(key)) else _cleaned(each, depth + 1)
            for key, each in kept
        }
        return found if len(kept) == len(value) else {**found, "…": len(value) - len(kept)}
    if isinstance(value, (list, tuple)):
        items = [_cleaned(each, depth + 1) for each in value[:_MOST_ITEMS]]
        more = len(value) - len(items)
        return [*items, f"…另有 {more} 项"] if more else items
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return _text(shown(value, _LONGEST))


@lru_cache(maxsize=1024)
def _is_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _text(text: str) -> str:
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…共 {len(text)} 个字"
    if "et_" in text:
        text = _TOKEN.sub(rf"\1{_HIDDEN}", text)
    return text if text.isascii() else text.encode(errors="replace").decode()
