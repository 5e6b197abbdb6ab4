"""没做完的调仓：为了哪份目标、是哪个计划。被杀了再来，接着做同一个计划，不另做一个。

账号的调仓文件夹里，``<plan_id>.json`` 是计划，``unfinished.json`` 说哪个还没有做完；
先写计划再写它，两样都写下来了才开始发委托，做完了删掉它。
"""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.private import private_file, private_folder
from easytrader.errors import JournalError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_FILE: Final = "unfinished.json"
_UNREADABLE: Final = (
    "读不懂，不知道上一次做到哪里；请到柜台上核对当日以 rb- 开头的委托，都完了再加 --new"
)


@dataclass(frozen=True)
class Unfinished:
    """没做完的一个。

    Attributes:
        plan_id: 计划。
        purpose: 目标与选项的摘要，见 `purpose_of`。
        day: 哪一天的计划，``YYYY-MM-DD``。
        told: 从哪里来的，给人看的（目标文件的路径）。
        since: 什么时候开始的，Unix 秒。
    """

    plan_id: str
    purpose: str
    day: str
    told: str
    since: float

    def plan_file(self, folder: Path) -> Path:
        """它的计划。"""
        return plan_file(folder, self.plan_id)


def plan_file(folder: Path, plan_id: str) -> Path:
    """一个计划存在哪里。"""
    return folder / f"{plan_id}.json"


def purpose_of(targets: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """同样的目标、同样的选项 → 同样的摘要；次序、文件名、怎样执行（价格、耐心）不算。"""
    told = [sorted((code, str(value)) for code, value in targets.items()), sorted(options.items())]
    text = json.dumps(told, ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def find(folder: Path) -> Unfinished | None:
    """没做完的那一个；没有为 None。

    Raises:
        JournalError: 读不懂。
    """
    file = folder / _FILE
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        return Unfinished(**told)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, TypeError) as exc:
        raise JournalError(f"{file} {_UNREADABLE}") from exc


def begin(folder: Path, told: Unfinished) -> None:
    """记下要做的这一个；计划已经存好了。落了盘才返回。

    Raises:
        JournalError: 写不下来，什么都没有发出。
    """
    file = folder / _FILE
    fresh = folder / f"{_FILE}.{secrets.token_hex(4)}"
    try:
        private_folder(folder, tighten=True)
        private_file(fresh)
        with fresh.open("w", encoding="utf-8") as out:
            json.dump(asdict(told), out, ensure_ascii=False)
            out.flush()
            os.fsync(out.fileno())
        fresh.replace(file)
    except OSError as exc:
        with suppress(OSError):
            fresh.unlink()
        raise JournalError(f"{file} 写不下来，什么都没有发出：{exc.strerror or exc}") from exc


def finish(folder: Path) -> None:
    """做完了，或不做了。

    Raises:
        JournalError: 删不掉。
    """
    try:
        (folder / _FILE).unlink(missing_ok=True)
    except OSError as exc:
        raise JournalError(f"{folder / _FILE} 删不掉：{exc.strerror or exc}") from exc
