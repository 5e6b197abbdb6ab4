"""登记的柜台：三十四家各是什么、在这台机器上能不能用、字段叫什么。只有数据与检查，不导入任何一家的包。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.counters.shape import Counter

__all__ = ["close_to", "everyone", "find", "gateway"]


def everyone() -> tuple[Counter, ...]:
    """全部，文档 001 的在前。"""
    from easytrader.counters.table import COUNTERS  # 只有找别家的时候才用得到

    return COUNTERS


def find(name: str) -> Counter | None:
    """名字（登记的名字、文档里的中文名、别名，大小写、空格、横线不论）→ 那一家；没有为 None。"""
    wanted = _plain(name)
    for names in (_titles, _aliases):
        for each in everyone():
            if wanted and wanted in map(_plain, names(each)):
                return each
    return None


def gateway(name: str) -> Counter:
    """``use("vnpy", gateway="名字")`` 说的是哪一家。

    Raises:
        UsageError: 没有登记的；说出是不是哪一个。
        UnsupportedError: 关了、没有公开的 SDK，或这个系统、这个 Python 上没有。
    """
    from easytrader.counters import status
    from easytrader.errors import UsageError

    found = find(name) if isinstance(name, str) else None
    if found is None:
        near = "、".join(close_to(name)) if isinstance(name, str) else ""
        asked = f"是不是 {near}？" if near else ""
        told = "写登记的名字（easytrader brokers 列出有哪些），或给一个 BaseGateway 的子类"
        raise UsageError("gateway", name, f"没有登记这一家。{asked}{told}")
    status.check(found, through_veighna=True)
    return found


def close_to(name: str, most: int = 3) -> list[str]:
    """与它像的名字，像的在前。"""
    from difflib import get_close_matches

    known: dict[str, str] = {}
    for each in everyone():
        for told in (*_titles(each), *_aliases(each)):
            known.setdefault(_plain(told), told)
    return [known[near] for near in get_close_matches(_plain(name), known, most, 0.6)]


def _titles(counter: Counter) -> tuple[str, ...]:
    return counter.name, counter.seed


def _aliases(counter: Counter) -> tuple[str, ...]:
    return *counter.aliases, counter.class_name


def _plain(name: str) -> str:
    return "".join(each for each in name.casefold() if each.isalnum())
