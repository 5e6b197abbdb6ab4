"""板块：标准的各个有什么，使用者自己建的存在哪里。名字照厂商客户端左边的列表。"""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.market.rules.tables import ETFS, STOCKS
from easytrader.market.symbols import Board, Kind, parse_security
from easytrader.sim.market import universe
from easytrader.sim.quotes.indices import INDICES, members

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date
    from pathlib import Path


FILE_NAME: Final = "easytrader_sim_sectors.json"
MARKETS: Final = ("SH", "SZ", "BJ")
_BOTH: Final = ("SH", "SZ")
_Rule = tuple[tuple[str, ...], tuple[Board, ...], "Collection[Kind]"]


def _rules() -> dict[str, _Rule]:
    found: dict[str, _Rule] = {
        "沪深A股": (_BOTH, (), STOCKS),
        "沪深京A股": (MARKETS, (), STOCKS),
        "上证A股": (("SH",), (), STOCKS),
        "深证A股": (("SZ",), (), STOCKS),
        "科创板": (("SH",), (Board.STAR,), STOCKS),
        "科创板CDR": (("SH",), (Board.STAR,), (Kind.CDR,)),
        "创业板": (("SZ",), (Board.CHINEXT,), STOCKS),
        "京市A股": (("BJ",), (), STOCKS),
        "北证A股": (("BJ",), (), STOCKS),
    }
    groups: tuple[tuple[str, tuple[Board, ...], Collection[Kind]], ...] = (
        ("基金", (Board.FUND,), ()),
        ("ETF", (Board.FUND,), ETFS),
        ("LOF", (Board.FUND,), (Kind.LOF,)),
        ("债券", (Board.BOND,), ()),
        ("转债", (Board.BOND,), (Kind.CONVERTIBLE,)),
        ("回购", (Board.REPO,), ()),
        ("指数", (), (Kind.INDEX,)),
    )
    for name, boards, kinds in groups:
        found[f"沪深{name}"] = (_BOTH, boards, kinds)
        for exchange, heads in (("SH", ("沪市", "上证")), ("SZ", ("深市", "深证"))):
            found.update({f"{head}{name}": ((exchange,), boards, kinds) for head in heads})
    found["京市指数"] = (("BJ",), (), (Kind.INDEX,))
    return found


_RULES: Final = _rules()
_WEIGHED: Final = {
    index.name: code for code, index in reversed(INDICES.items()) if index.stop is not None
}
_EMPTY: Final = (
    "沪深B股 上证B股 深证B股 上证期权 深证期权 过期上证期权 过期深证期权 中金所 过期中金所 上期所 "
    "过期上期所 上期所期权 大商所 过期大商所 大商所期权 郑商所 过期郑商所 郑商所期权 广期所 "
    "过期广期所 广期所期权 能源中心 过期能源中心 能源中心期权 连续合约 沪港通 深港通 香港联交所股票"
)
NAMES: Final = (*_RULES, *_WEIGHED, *_EMPTY.split())
"""标准的板块；后面那些模拟的市场里没有，成分是空的。"""


class Sectors:
    """一个模拟文件夹的板块。

    Args:
        codes: 有哪些证券，指数在内。
        seed: 行情的种子，指数的成分随它。
        path: 自建的板块存在这个文件里。
    """

    def __init__(self, codes: Iterable[str], seed: int, path: Path) -> None:
        self._codes = tuple(codes)
        self._known = frozenset(self._codes)
        self._seed = seed
        self._path = path
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """标准的，加上自建的。"""
        return list(dict.fromkeys([*NAMES, *self._own()]))

    def members(self, name: str, day: date) -> list[str]:
        """板块（也可以是市场代码）在 ``day`` 的成分：已经上市的；没有这个板块为空。"""
        own = self._own()
        if name in own:
            return list(own[name])
        if name in _WEIGHED:
            found = [each for each in members(_WEIGHED[name], self._seed) if each in self._known]
        elif name in MARKETS:
            found = [code for code in self._codes if code.endswith(name)]
        elif name in _RULES:
            found = list(_chosen(self._codes, name))
        else:
            return []
        return [code for code in found if universe.opened(code) <= day]

    def weights(self, code: str, day: date) -> dict[str, float]:
        """指数在 ``day`` 的成分与权重（%），按流通市值，由大到小；没有这个指数为空。"""
        if code not in self._known:
            return {}
        found = [each for each in members(code, self._seed) if each in self._known]
        caps = {
            each: universe.float_cap(parse_security(each), self._seed)
            for each in found
            if universe.opened(each) <= day
        }
        whole = sum(caps.values())
        return {each: round(100 * cap / whole, 4) for each, cap in caps.items()}

    def put(self, name: str, codes: Iterable[str]) -> None:
        """建一个，或换掉它的成分。"""
        with self._lock:
            self._save({**self._own(), name: list(dict.fromkeys(codes))})

    def change(self, name: str, add: Iterable[str] = (), remove: Iterable[str] = ()) -> None:
        """加、减成分；没有的先建。"""
        gone = set(remove)
        found = [*self._own().get(name, []), *add]
        self.put(name, [code for code in found if code not in gone])

    def drop(self, name: str) -> None:
        """删掉自建的一个。"""
        with self._lock:
            self._save({key: value for key, value in self._own().items() if key != name})

    def _own(self) -> dict[str, list[str]]:
        found: Any = None
        with suppress(OSError, ValueError):
            found = json.loads(self._path.read_text(encoding="utf-8"))
        return found if isinstance(found, dict) else {}

    def _save(self, own: dict[str, list[str]]) -> None:
        made = self._path.with_suffix(".new")
        made.write_text(json.dumps(own, ensure_ascii=False, indent=1), encoding="utf-8")
        made.replace(self._path)


@lru_cache(maxsize=256)
def _chosen(codes: tuple[str, ...], name: str) -> tuple[str, ...]:
    exchanges, boards, kinds = _RULES[name]
    return tuple(
        code
        for code in codes
        if (each := parse_security(code)).exchange in exchanges
        and (not boards or each.board in boards)
        and (not kinds or each.kind in kinds)
    )
