"""一家柜台在这台机器上能不能用：系统、Python、装没装；不能用的说一句为什么、怎么办。"""

from __future__ import annotations

import importlib.util
import platform
import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from easytrader.errors import UnsupportedError

if TYPE_CHECKING:
    from easytrader.counters.shape import Counter, Runs

NAMES: Final = {
    "works": "可以用",
    "loads": "装得上",
    "elsewhere": "这里不行",
    "closed": "已关闭",
    "unavailable": "没有SDK",
}
"""状态 → 中文名。

``works`` 用真的包对着自己的假柜台走过下单、成交、撤单；``loads`` 装得上、导入得了，没有登录过；
``elsewhere`` 只在别的系统或别的 Python 上；``closed`` 关了；``unavailable`` 没有公开的 SDK。
"""

VEIGHNA: Final = (
    "pip install --no-deps vnpy==4.5.0",
    "pip install --prefer-binary numpy ta-lib loguru requests tzlocal pyzmq",
)
"""VeighNa 最小的装法：不要窗口，135 MB；``pip install vnpy`` 是 974 MB。"""
_OWN_EXTRA: Final = {"okx": "crypto", "htx": "crypto"}
_OWN_MODULE: Final = {
    "okx": "ccxt", "htx": "ccxt", "ib": "ib_async", "futu": "futu", "tiger": "tigeropen",
    "mt5": "zmq",
}  # fmt: skip


_X64: Final = ("x86_64", "amd64")


class Place(NamedTuple):
    """哪个系统、哪个 Python、什么机器。"""

    system: str
    python: str
    machine: str = "x86_64"


def here() -> Place:
    """这台机器。"""
    system = platform.system()
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return Place({"Darwin": "macOS"}.get(system, system), python, platform.machine())


def status_of(counter: Counter, place: Place | None = None) -> str:
    """见 `NAMES`；``place`` 不给就是这台机器，这时自己装好了的也算。"""
    if counter.closed:
        return "closed"
    if counter.own:
        return "works"
    if place is None and is_installed(counter):
        return "loads"
    if counter.unavailable:
        return "unavailable"
    return "loads" if runs_at(counter, place or here()) else "elsewhere"


def runs_at(counter: Counter, place: Place) -> Runs | None:
    """那里怎样装；那里不行为 None。"""
    for each in counter.runs:
        fits = each.how == "pure" or place.machine.lower() in _X64
        if fits and each.system == place.system and place.python in each.pythons:
            return each
    return None


def is_installed(counter: Counter, *, through_veighna: bool = False) -> bool:
    """要的模块都在（不导入它们）。"""
    if counter.own and not through_veighna:
        return is_there(_OWN_MODULE[counter.own])
    wanted = (counter.module, *counter.needs)
    return bool(counter.module) and all(map(is_there, wanted))


def check(counter: Counter, *, through_veighna: bool = False) -> None:
    """在这里不能用的抛。

    Args:
        counter: 哪一家。
        through_veighna: 说的是 VeighNa 的接口，不看本库自己的后端。

    Raises:
        UnsupportedError: 为什么，怎么办。
    """
    told = refusal(counter, through_veighna=through_veighna)
    if told:
        raise UnsupportedError(told)


def refusal(counter: Counter, *, through_veighna: bool = False, place: Place | None = None) -> str:
    """在这里不能用的一句话；能用为空。"""
    title = title_of(counter)
    if counter.closed:
        return f"{title}：{counter.closed}"
    if counter.own and not through_veighna:
        return ""
    if place is None and is_installed(counter, through_veighna=True):
        return ""  # 自己编译的、券商给的：装着就让它试
    if counter.unavailable:
        return f"{title}：{counter.unavailable}"
    if counter.own:
        return "" if counter.module and counter.runs else f"{title}：{_use_own(counter)}"
    place = place or here()
    if runs_at(counter, place):
        return ""
    where = "；".join(told_of(each) for each in counter.runs)
    note = f"。{counter.install_note}" if counter.install_note else ""
    return (
        f"{title}在这里（{place.system}、Python {place.python}）没有能用的包。有的是：{where}{note}"
    )


def _use_own(counter: Counter) -> str:
    return f"VeighNa 现在没有它的接口（{counter.install_note}）。用 use({counter.own!r})"


def title_of(counter: Counter) -> str:
    """错误里怎样称呼它。"""
    return counter.name if counter.name == counter.seed else f"{counter.seed}（{counter.name}）"


def told_of(runs: Runs) -> str:
    """``Windows 的 Python 3.10、3.13``。"""
    note = f"（{runs.note}）" if runs.note else ""
    return f"{runs.system} 的 Python {'、'.join(runs.pythons)}{note}"


def how_to_open(counter: Counter) -> str:
    """``use(...)`` 那一行；关了的、没有的为空。"""
    if counter.closed or counter.unavailable:
        return ""
    name = counter.own or (counter.seed if counter.page == "001" else counter.name)
    return f'easytrader.use("{name}")'


def install_lines(counter: Counter | None, *, through_veighna: bool = False) -> list[str]:
    """要执行的命令；没有登记的（None）只有 VeighNa 的。"""
    if counter is None:
        return list(VEIGHNA)
    if counter.own and not through_veighna:
        return [f'pip install "easytrader[{_OWN_EXTRA.get(counter.own, counter.own)}]"']
    lines = list(VEIGHNA)
    bare = [each for each in counter.extra if each.startswith("vnpy_")]
    if bare:  # 它们的依赖里有带窗口的 vnpy，有的还会把它换成旧的
        lines.append(f"pip install --no-deps {' '.join(bare)}")
    others = [each for each in counter.extra if each not in bare]
    if others:
        lines.append(f"pip install {' '.join(others)}")
    if counter.package:
        lines.append(f"pip install --no-deps {counter.package}")
    elif counter.module:
        lines.append(f"pip install --no-deps git+https://github.com/vnpy/{counter.module}")
    return lines


def summary(counter: Counter, place: Place | None = None) -> dict[str, object]:
    """``easytrader brokers --json`` 的一行。

    键：``name seed page aliases package status status_name installed use own systems pythons runs
    products exchanges fields positions offset order_types account_type history conflicts
    one_per_process locale defects install note sources``。``fields`` 是字段名 → ``default choices
    secret required aliases``；``runs`` 是每个系统的 ``system pythons how note``。
    """
    from easytrader.counters.fields import described

    status = status_of(counter, place)
    at = runs_at(counter, place or here())
    how = at.note if at is not None else ""
    ran = [each for each in counter.runs if not counter.closed]
    return {
        "name": counter.name,
        "seed": counter.seed,
        "page": counter.page,
        "aliases": list(counter.aliases),
        "package": counter.package,
        "status": status,
        "status_name": NAMES[status],
        "installed": is_installed(counter),
        "use": how_to_open(counter),
        "own": counter.own,
        "systems": list(dict.fromkeys(each.system for each in ran)),
        "pythons": sorted({one for each in ran for one in each.pythons}, key=_minor),
        "runs": [{**each._asdict(), "pythons": list(each.pythons)} for each in ran],
        "products": list(counter.products),
        "exchanges": list(counter.exchanges),
        "fields": described(counter),
        "positions": counter.positions,
        "offset": counter.offset,
        "order_types": list(counter.order_types),
        "account_type": counter.account_type,
        "history": counter.history,
        "conflicts": list(counter.conflicts),
        "one_per_process": counter.one_per_process,
        "locale": counter.locale,
        "defects": [each._asdict() for each in counter.defects],
        "install": [] if counter.closed else install_lines(counter),
        "note": refusal(counter, place=place) or counter.install_note or how,
        "sources": list(counter.sources),
    }


def _minor(python: str) -> int:
    return int(python.partition(".")[2])


def own_module(counter: Counter) -> str:
    """本库自己的后端要哪个模块。"""
    return _OWN_MODULE[counter.own]


def is_there(module: str) -> bool:
    """找得到这个模块；不导入它。"""
    try:
        return importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        return False
