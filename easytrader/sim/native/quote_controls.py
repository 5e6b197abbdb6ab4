"""行情客户端的「通用入口」（``commonControl``）：名字 → 怎样答。

能做的做；问数据的照「什么都没有下载过」答空；要服务器去做事的（建模型、推数据、换行情源）做不到，
抛 `SimulatorError`，说是哪一件，不假装成了。
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final, Protocol

from easytrader.basics.beijing import midnight
from easytrader.errors import SimulatorError
from easytrader.sim.native.frames import label_of, matrix
from easytrader.sim.quotes.sectors import MARKETS

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.quotes.board import Board


class Client(Protocol):
    """问的那个客户端：`quote_client.IPythonApiClient`。"""

    @property
    def board(self) -> Board:
        """连着的模拟文件夹的行情板。"""
        ...

    def now(self) -> float:
        """行情走到了几点。"""
        ...

    def history(
        self,
        codes: list[str],
        period: str,
        start: Any,
        end: Any,
        count: int,
        dividend: str | None,
    ) -> tuple[dict[str, list[dict[str, Any]]], float]:
        """各代码的历史。"""
        ...

    def subscribed(self) -> list[dict[str, Any]]:
        """此刻的订阅。"""
        ...


Param = dict[str, Any]
Answer = dict[str, Any]

EMPTY: Final[dict[str, Any]] = {
    "getapiversion": None,
    "downloadholidaydata": None,
    "downloadhisstdata": None,
    "downloadmetadata": None,
    "getindexmirrordata": None,
    "getformulas": None,
    "downloadmetatabledata": None,
    "getmetatabledatas": [],
    "getformularesult": None,
    "getorderrank": None,
    "fetchquote": None,
    "watchquoteserverstatus": None,
    "getwpmarketlist": [],
    "getl2thousandqueue": {},
    "getperiodlist": [],
    "getquoteserverconfig": [],
    "getquoteserverstatus": [],
    "getavailablekey": [],
    "getserverlist": [],
    "callformulabatch": [],
    "checkformulafinished": -1,
}
"""没有数据的：``result`` 是什么；None 为没有 ``result``。"""

REFUSED: Final = (
    "createformula",
    "createrequestid",
    "delformula",
    "generateindexdata",
    "genfactorindex",
    "importformula",
    "querytaskstatus",
    "quoteserverconnect",
    "quoteserversetkey",
    "testload",
)
"""要服务器做事的。"""


def answer(client: Client, name: str, param: Param) -> Answer:
    """答一次。

    Raises:
        SimulatorError: 这件事模拟行情做不到。
    """
    if name in _DOING:
        return _DOING[name](client, param)
    if name in EMPTY:
        return {} if EMPTY[name] is None else {"result": EMPTY[name]}
    raise SimulatorError(f"模拟行情做不到 {name}（commonControl）。")


def _paths(client: Client, param: Param) -> Answer:
    """特殊周期的数据文件：都没有下载过，文件是空的。"""
    return {"result": dict.fromkeys(param.get("stocklist", []), "")}


def _put(client: Client, param: Param) -> Answer:
    name = param["sectorname"]
    client.board.sectors.change(name, add=param.get("stocklist", []))
    return {"result": name}


def _create(client: Client, param: Param) -> Answer:
    """``overwrite`` 为假时，重名的加上编号。"""
    name, number = param["sectorname"], 0
    taken = client.board.sectors.names()
    while not param.get("overwrite", True) and name in taken:
        number += 1
        name = f"{param['sectorname']}{number}"
    client.board.sectors.change(name)
    return {"result": name}


def _remove_stocks(client: Client, param: Param) -> Answer:
    client.board.sectors.change(param["sectorname"], remove=param["stocklist"])
    return {"result": True}


def _remove(client: Client, param: Param) -> Answer:
    client.board.sectors.drop(param["sectorname"])
    return {"result": True}


def _reset(client: Client, param: Param) -> Answer:
    client.board.sectors.put(param["sectorname"], param["stocklist"])
    return {"result": True}


def _full_kline(client: Client, param: Param) -> Answer:
    """最新交易日的 K 线，矩阵。"""
    period = param["period"]
    ask = (param["starttime"], param["endtime"], param["count"], param["dividendtype"])
    found, _ = client.history(param["stocklist"], period, *ask)
    (codes, times), data = matrix(found, param["fields"], label_of(period), bool(param["fillData"]))
    return {
        "stock": codes,
        "stime": times,
        "result": {name: values.tolist() for name, values in data.items()},
    }


def _sections(client: Client) -> list[tuple[int, int]]:
    """连续交易的各段，时分秒。"""
    return [(_clock(start), _clock(end)) for start, end in client.board.calendar.pattern()]


def _clock(second: int) -> int:
    return second // 3600 * 10_000 + second // 60 % 60 * 100 + second % 60


def _periods(client: Client, market: str, *, kline: bool) -> Answer:
    sections = _sections(client)
    calls = len(sections) > 1  # 全天开市的没有集合竞价
    tradings: list[Answer] = []
    if kline:
        if calls:
            source = [0, [91500, 0], [93000, -1]]
            tradings.append({"type": "auction", "source": source, "bartime": [0, 93000]})
        tradings += [{"type": "continuous", "bartime": [0, start, end]} for start, end in sections]
    else:
        last = sections[-1]
        if calls:
            tradings.append({"status": 2, "time": [0, [91500, 0], [92500, 0]]})
            sections[-1] = (last[0], 145700)
        tradings += [{"status": 3, "time": [0, [a, 0], [b, 0]]} for a, b in sections]
        if calls:
            tradings.append({"status": 8, "time": [0, [145700, 0], [last[1], 0]]})
    return {
        "market": market,
        "codeRegex": ".*",
        "product": [],
        "category": [],
        "tradings": tradings,
    }


def _period_of(*, kline: bool) -> Callable[[Client, Param], Answer]:
    def ask(client: Client, param: Param) -> Answer:
        security = client.board.find(param["stockcode"])
        return {} if security is None else _periods(client, security.exchange, kline=kline)

    return ask


def _all_periods(*, kline: bool) -> Callable[[Client, Param], Answer]:
    return lambda client, _: {"result": [_periods(client, each, kline=kline) for each in MARKETS]}


def _coming(client: Client, param: Param) -> Answer:
    return {"result": [local_midnight(day) for day in client.board.calendar.coming(client.now())]}


def _subscribed(client: Client, param: Param) -> Answer:
    return {"result": client.subscribed()}


def local_midnight(day: int) -> int:
    """这一天在本机时区的零点，毫秒：厂商的 Python 层按本机时区换回日期。"""
    import time

    made = date.fromordinal(day)
    try:
        return int(time.mktime((made.year, made.month, made.day, 0, 0, 0, 0, 0, -1))) * 1000
    except (OverflowError, ValueError):
        return midnight(day) * 1000


_DOING: Final[dict[str, Callable[[Client, Param], Answer]]] = {
    "getdatafilepath": _paths,
    "addsector": _put,
    "createsector": _create,
    "createsectorfolder": lambda _, param: {"result": param["foldername"]},
    "removestockfromsector": _remove_stocks,
    "removesector": _remove,
    "resetsector": _reset,
    "getfullkline": _full_kline,
    "getopenclosetradetimebystock": _period_of(kline=False),
    "getopencloseklinetimebystock": _period_of(kline=True),
    "getopenclosealltradetime": _all_periods(kline=False),
    "getopencloseallklinetime": _all_periods(kline=True),
    "getauthorizedmarketlist": lambda *_: {"result": list(MARKETS)},
    "getcomingtradedate": _coming,
    "getcurrentsubinfo": _subscribed,
    "getallsubinfo": _subscribed,
    "downloadtabulardata": lambda *_: {"seq": 1},
    "getdownloadworkprogress": lambda *_: {"done": True},
}
