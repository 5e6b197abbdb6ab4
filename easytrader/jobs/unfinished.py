"""没做完的调仓：为了哪份目标、是哪个计划。被杀了再来，接着做同一个计划，不另做一个。

账号的调仓文件夹里，``<plan_id>.json`` 是计划，``unfinished.json`` 说哪个还没有做完；
先写计划再写它，两样都写下来了才开始发委托，做完了删掉它。
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import pace
from easytrader.basics.private import private_folder, replace_file
from easytrader.errors import JournalError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from easytrader.rebalance.planfile import Plan

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


def begin(folder: Path, plan: Plan, purpose: str, told: str) -> None:
    """存好计划，记下要做的是它。落了盘才返回。

    Args:
        folder: 这个账号的调仓文件夹。
        plan: 计划。
        purpose: 目标与选项的摘要，见 `purpose_of`。
        told: 从哪里来的，给人看的。

    Raises:
        JournalError: 写不下来，什么都没有发出。
    """
    mark = Unfinished(plan.plan_id, purpose, plan.day, told, pace.current().now())
    try:
        private_folder(folder, tighten=True)
        plan.save(plan_file(folder, plan.plan_id))
        replace_file(folder / _FILE, json.dumps(asdict(mark), ensure_ascii=False).encode())
    except (OSError, UsageError) as exc:
        why = exc.expected if isinstance(exc, UsageError) else exc.strerror or exc
        told = f"{folder} 里写不下计划，什么都没有发出：{why}"
        raise JournalError(told) from exc


def finish(folder: Path) -> None:
    """做完了，或不做了。

    Raises:
        JournalError: 删不掉。
    """
    try:
        (folder / _FILE).unlink(missing_ok=True)
    except OSError as exc:
        raise JournalError(f"{folder / _FILE} 删不掉：{exc.strerror or exc}") from exc
