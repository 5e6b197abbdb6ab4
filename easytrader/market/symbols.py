"""证券代码：各种写法 → `Security`，以及从六位代码推断交易所。

代码段的出处：沪深北交易所代码分配规则与厂商 ``xtstocktype.lua``（2024-12）的对照，
核对日 2026-11-21。六位代码在沪深之间有大量重号，**后缀才是身份**；没有后缀时取可以交易的那一个。
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import Final

from easytrader.errors import UsageError

Exchange = str


class _Hashed(Enum):
    """作字典的键：标准库的 ``Enum.__hash__`` 是 Python 写的，每笔委托要查好几次。"""

    __hash__ = object.__hash__


class Board(_Hashed):
    """板块：决定数量单位、最小变动价位与涨跌幅（各是多少见 `market.units`、`market.rules`）。"""

    SH_MAIN = "沪市主板"
    STAR = "科创板"
    SZ_MAIN = "深市主板"
    CHINEXT = "创业板"
    BSE = "北交所"
    SH_B = "沪市B股"
    SZ_B = "深市B股"
    FUND = "基金"
    BOND = "债券"
    REPO = "回购"
    OTHER = "其他"


class Kind(_Hashed):
    """品种：决定能不能当日回转、收哪些费用。"""

    STOCK = "股票"
    CDR = "存托凭证"
    B_SHARE = "B股"
    ETF = "股票ETF"
    BOND_ETF = "债券ETF"
    MONEY_ETF = "货币ETF"
    GOLD_ETF = "黄金ETF"
    CROSS_BORDER_ETF = "跨境ETF"
    COMMODITY_ETF = "商品ETF"
    LOF = "LOF"
    CLOSED_FUND = "封闭式基金"
    REIT = "REIT"
    CONVERTIBLE = "可转债"
    BOND = "债券"
    REPO = "债券回购"
    APPLICATION = "申购等业务代码"
    NEEQ = "股转系统"
    INDEX = "指数"
    OTHER = "其他"


_UNTRADABLE: Final = (Kind.INDEX, Kind.NEEQ, Kind.APPLICATION)


@dataclass(frozen=True, slots=True)
class Security:
    """一只证券。

    Attributes:
        code: 六位代码，如 ``600036``。
        exchange: ``SH``、``SZ`` 或 ``BJ``。
        board: 板块。
        kind: 品种。
        stock_code: 厂商写法，如 ``600036.SH``。
    """

    code: str
    exchange: Exchange
    board: Board
    kind: Kind
    stock_code: str

    @property
    def tradable(self) -> bool:
        """能不能下竞价委托：指数不能，申购代码走另外的业务。"""
        return self.kind not in _UNTRADABLE


_Row = tuple[Exchange, str, Board, Kind]

# 没有后缀时的推断：最长前缀优先。
_DEFAULTS: Final[tuple[_Row, ...]] = (
    ("SH", "600 601 603 605", Board.SH_MAIN, Kind.STOCK),
    ("SH", "688", Board.STAR, Kind.STOCK),
    ("SH", "689", Board.STAR, Kind.CDR),
    ("SH", "900", Board.SH_B, Kind.B_SHARE),
    ("SZ", "000 001 002 003 004", Board.SZ_MAIN, Kind.STOCK),
    ("SZ", "30", Board.CHINEXT, Kind.STOCK),
    ("SZ", "3098 3099", Board.CHINEXT, Kind.CDR),
    ("SZ", "20", Board.SZ_B, Kind.B_SHARE),
    ("BJ", "920 43 83 87 881 882 883 884 885 886 887 888", Board.BSE, Kind.STOCK),
    ("BJ", "400 420 820", Board.OTHER, Kind.NEEQ),
    ("BJ", "889", Board.OTHER, Kind.APPLICATION),
    ("BJ", "899", Board.OTHER, Kind.INDEX),
    # 基金
    ("SH", "510 512 514 515 516 517 520 530 560 561 562 563 588 589", Board.FUND, Kind.ETF),
    ("SH", "511", Board.FUND, Kind.BOND_ETF),
    ("SH", "5116 5117 5118 5119", Board.FUND, Kind.MONEY_ETF),
    ("SH", "513 5205 5206 5207 5208 5209 510900", Board.FUND, Kind.CROSS_BORDER_ETF),
    ("SH", "518", Board.FUND, Kind.GOLD_ETF),
    ("SH", "501 502 506", Board.FUND, Kind.LOF),
    ("SH", "500 505", Board.FUND, Kind.CLOSED_FUND),
    ("SH", "519", Board.FUND, Kind.APPLICATION),  # 开放式基金的申赎代码，不在场内撮合
    ("SH", "508", Board.FUND, Kind.REIT),
    ("SZ", "158 159", Board.FUND, Kind.ETF),
    ("SZ", "1590", Board.FUND, Kind.MONEY_ETF),
    ("SZ", "159934 159937 159812 159830 159831 159832 159834", Board.FUND, Kind.GOLD_ETF),
    ("SZ", "159980 159981 159985", Board.FUND, Kind.COMMODITY_ETF),
    *(
        ("SZ", codes, Board.FUND, Kind.CROSS_BORDER_ETF)
        for codes in (  # 厂商的表 XT_GE_SZ_CB_ETF
            "159302 159303 159312 159318 159329 159331 159333 159501 159502 159506 159509 159513",
            "159518 159519 159529 159567 159568 159569 159570 159577 159605 159607 159612 159615",
            "159632 159636 159655 159659 159660 159687 159688 159691 159696 159699 159711 159712",
            "159718 159726 159735 159740 159741 159742 159747 159750 159751 159776 159788 159792",
            "159822 159823 159850 159866 159892 159920 159941 159954 159960",
        )
    ),
    ("SZ", "159649 159650 159651 159816 159972 159988", Board.FUND, Kind.BOND_ETF),
    ("SZ", "160 161 162 164 165 166 167 168 169", Board.FUND, Kind.LOF),
    # 163 在沪市是公司债，在深市是 LOF：下面列出的是常见的 LOF，其余按沪市公司债
    ("SZ", "163402 163406 163407 163412 163415 163417", Board.FUND, Kind.LOF),
    ("SZ", "163208 163302 163110 163113 163115 163503", Board.FUND, Kind.LOF),
    ("SZ", "150 151 184", Board.FUND, Kind.CLOSED_FUND),
    ("SZ", "180", Board.FUND, Kind.REIT),
    # 可转债、可交换债
    ("SH", "110 111 113 118 132", Board.BOND, Kind.CONVERTIBLE),
    ("SH", "1108 1109 1185 1186", Board.BOND, Kind.BOND),  # 定向可转债
    ("SZ", "123 127 128 117 120", Board.BOND, Kind.CONVERTIBLE),
    ("SZ", "124", Board.BOND, Kind.BOND),  # 定向可转债
    # 其他债券
    ("SH", "009 010 018 019 020", Board.BOND, Kind.BOND),
    ("SH", "115 122 136 143 155 163 175 185 188 240 241 242 243 244", Board.BOND, Kind.BOND),
    (
        "SZ",
        "100 101 102 103 104 105 106 107 108 109 173 190 191 192 193 194 195 196 197 198 199",
        Board.BOND,
        Kind.BOND,
    ),
    ("SZ", "112 148 149 524 525 526 527 528 529", Board.BOND, Kind.BOND),
    ("SZ", "564 565 566 567 568 569 57 581 582 583 584 585 586 587 59", Board.BOND, Kind.BOND),
    ("BJ", "801 802 809 812 821", Board.BOND, Kind.BOND),
    # 回购
    ("SH", "204", Board.REPO, Kind.REPO),
    ("SZ", "1318", Board.REPO, Kind.REPO),
    ("SH", "888880", Board.REPO, Kind.APPLICATION),
    ("SZ", "131990", Board.REPO, Kind.APPLICATION),
    # 申购、配售、投票等业务代码；指数
    ("SH", "7", Board.OTHER, Kind.APPLICATION),
    ("SZ", "07 08 37 38", Board.OTHER, Kind.APPLICATION),
    ("SZ", "39", Board.OTHER, Kind.INDEX),
    ("SH", "000300", Board.OTHER, Kind.INDEX),  # 深市没有 000300，它只能是沪深 300 指数
)

# 带后缀时另有其物的代码段（同号异物）。
_ALTERNATES: Final[tuple[_Row, ...]] = (
    ("SH", "000", Board.OTHER, Kind.INDEX),
    ("SH", "112 120 123 124 127 128 131 150 151 158 159", Board.BOND, Kind.BOND),
    ("SH", "160 161 162 164 165 166 167 168 169 180", Board.BOND, Kind.BOND),
    ("SZ", "110 111 113 115 118 122 132", Board.BOND, Kind.BOND),
    ("SZ", "163", Board.FUND, Kind.LOF),
    ("SZ", "50 51 52 56 57 58 59", Board.BOND, Kind.BOND),
)

_SUFFIXES: Final[dict[str, Exchange]] = {
    "SH": "SH", "SS": "SH", "SSE": "SH", "XSHG": "SH",
    "SZ": "SZ", "SZSE": "SZ", "XSHE": "SZ",
    "BJ": "BJ", "BSE": "BJ", "BJSE": "BJ", "XBSE": "BJ",
}  # fmt: skip

_NOT_IN: Final[dict[Exchange, re.Pattern[str]]] = {
    "SH": re.compile(r"^(?:00[1-8]|[34]|8(?!88880)|92)"),
    "SZ": re.compile(r"^(?:[46789])"),
    "BJ": re.compile(r"^(?![48]|92)"),
}
"""带了后缀而又绝无可能的组合，如 600036.SZ。"""

_FORM: Final = "写成六位代码，或带交易所：600036、600036.SH、sh600036、600036.XSHG、600036.SSE"
_WITH_SUFFIX: Final = re.compile(r"^(\d{6})\.([A-Za-z]{2,4})$")
_WITH_PREFIX: Final = re.compile(r"^(SH|SZ|BJ)\.?(\d{6})$", re.IGNORECASE)
_ETF_TRADING_DIGIT: Final = re.compile(r"^(?:51[0-8]|5[26][0-3]|58[89]|530)\d\d[123]$")


def _index(rows: tuple[_Row, ...]) -> dict[str, list[tuple[Exchange, Board, Kind]]]:
    found: dict[str, list[tuple[Exchange, Board, Kind]]] = {}
    for exchange, prefixes, board, kind in rows:
        for prefix in prefixes.split():
            found.setdefault(prefix, []).append((exchange, board, kind))
    return found


_BY_PREFIX: Final = _index(_DEFAULTS)
_OTHERS: Final = _index(_ALTERNATES)


def _lookup(code: str, exchange: Exchange | None) -> tuple[Exchange, Board, Kind] | None:
    tables = (_BY_PREFIX,) if exchange is None else (_BY_PREFIX, _OTHERS)
    for table in tables:
        for length in range(6, 0, -1):
            for row in table.get(code[:length], ()):
                if exchange is None or row[0] == exchange:
                    return row
    return None


@lru_cache(maxsize=65536)
def _resolve(text: str) -> Security:
    code, exchange = _split(text)
    row = _lookup(code, exchange)
    if exchange is None:
        if row is None:
            raise UsageError(
                "security", text, f"无法从代码段推断交易所，请带上后缀，如 {code}.SH。{_FORM}"
            )
        exchange = row[0]
    elif _NOT_IN[exchange].match(code):
        raise UsageError("security", text, f"{exchange} 没有这样的代码。{_FORM}")
    board, kind = (row[1], row[2]) if row else (Board.OTHER, Kind.OTHER)
    if kind is not Kind.APPLICATION and exchange == "SH" and _ETF_TRADING_DIGIT.match(code):
        kind = Kind.APPLICATION  # 沪市 ETF 末位 0 才是交易代码，1/2/3 是申赎、资金、认购代码
    return Security(code, exchange, board, kind, f"{code}.{exchange}")


def _split(text: str) -> tuple[str, Exchange | None]:
    if len(text) == 6 and text.isascii() and text.isdigit():
        return text, None
    if match := _WITH_SUFFIX.match(text):
        exchange = _SUFFIXES.get(match[2].upper())
        if exchange is not None and text.isascii():
            return match[1], exchange
    elif (match := _WITH_PREFIX.match(text)) and text.isascii():
        return match[2], match[1].upper()
    raise UsageError("security", text, _FORM)


def parse_security(text: object) -> Security:
    """把用户写的代码变成 `Security`。

    Args:
        text: ``600036``、``600036.SH``、``sh600036``、``600036.XSHG``、``600036.SSE`` 等写法，
            大小写不论，首尾空白忽略。

    Raises:
        UsageError: 不是字符串、写法不对、推断不出交易所，或代码与后缀矛盾。
    """
    if not isinstance(text, str):
        raise UsageError("security", text, f"应为字符串（数字会丢掉开头的 0）。{_FORM}")
    return _resolve(text.strip())


def ambiguity(text: str, security: Security) -> str | None:
    """没有后缀而沪深都有这个号码时，说明取了哪一个；没有歧义返回 None。"""
    if text.strip() != security.code:
        return None
    for length in range(6, 0, -1):
        for exchange, _, kind in _OTHERS.get(security.code[:length], ()):
            if exchange != security.exchange:
                return (
                    f"{security.code} 沪深同号，取 {security.stock_code}（{security.kind.value}），"
                    f"不是 {security.code}.{exchange}（{kind.value}）；要后者请带后缀"
                )
    return None
