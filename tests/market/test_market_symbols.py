"""证券代码：各种写法、每个代码段的交易所。"""

from __future__ import annotations

import pytest

from easytrader.errors import UsageError
from easytrader.market.symbols import Board, Kind, ambiguity, parse_security

SPELLINGS = [
    "600036", "600036.SH", "600036.sh", "sh600036", "SH600036", "sh.600036",
    "600036.XSHG", "600036.SSE", "600036.SS", " 600036 ",
]  # fmt: skip


@pytest.mark.parametrize("text", SPELLINGS)
def test_every_spelling_is_the_same_security(text: str) -> None:
    security = parse_security(text)
    assert security.stock_code == "600036.SH"
    assert (security.code, security.exchange) == ("600036", "SH")


@pytest.mark.parametrize(
    ("text", "stock_code"),
    [
        ("000001.XSHE", "000001.SZ"),
        ("000001.SZSE", "000001.SZ"),
        ("sz000001", "000001.SZ"),
        ("920002.BSE", "920002.BJ"),
        ("bj430047", "430047.BJ"),
    ],
)
def test_other_exchanges_spellings(text: str, stock_code: str) -> None:
    assert parse_security(text).stock_code == stock_code


# 代码段 → 交易所。第二组是别的库猜错的那些。
RANGES = {
    "SH": """600000 601398 603000 605000 688981 689009 900901
             510050 511880 511010 512000 513100 515000 516000 517000 518880 520900 530000
             560000 561000 562000 563000 588000 589000 501000 502000 506000 500001 505888 508000
             110000 111000 113050 118000 132000 010107 019547 020001 018006 009001
             115000 122000 136001 143000 155001 163001 175000 185000 188000 240000 244000
             204001 204091 730000 780000 732000 707000 787000 783000 754000 000300""",
    "SZ": """000001 001001 002001 003001 300001 301001 302132 200002
             158000 159915 160211 162411 169101 163402 180101 184801 150001
             123001 127001 128001 124000 117000 120000 100000 108000 109000 112000 148000 149000
             190000 173000 524000 529000 564000 570000 590000
             131810 131800 131806 070001 370001 080001 380001 399001""",
    "BJ": "430047 830799 870204 920002 899050 889001 400001 420001 820001 801001 809001 821001",
}


@pytest.mark.parametrize(
    ("exchange", "code"),
    [(exchange, code) for exchange, codes in RANGES.items() for code in codes.split()],
)
def test_exchange_of_every_range(exchange: str, code: str) -> None:
    security = parse_security(code)
    assert security.exchange == exchange
    assert security.stock_code == f"{code}.{exchange}"


@pytest.mark.parametrize(
    ("code", "board", "kind"),
    [
        ("600036", Board.SH_MAIN, Kind.STOCK),
        ("688981", Board.STAR, Kind.STOCK),
        ("689009", Board.STAR, Kind.CDR),
        ("300750", Board.CHINEXT, Kind.STOCK),
        ("920002", Board.BSE, Kind.STOCK),
        ("900901", Board.SH_B, Kind.B_SHARE),
        ("511010", Board.FUND, Kind.BOND_ETF),
        ("511880", Board.FUND, Kind.MONEY_ETF),
        ("518880", Board.FUND, Kind.GOLD_ETF),
        ("513100", Board.FUND, Kind.CROSS_BORDER_ETF),
        ("510300", Board.FUND, Kind.ETF),
        ("510301", Board.FUND, Kind.APPLICATION),
        ("508000", Board.FUND, Kind.REIT),
        ("113050", Board.BOND, Kind.CONVERTIBLE),
        ("204001", Board.REPO, Kind.REPO),
        ("000001.SH", Board.OTHER, Kind.INDEX),
        ("730036", Board.OTHER, Kind.APPLICATION),
    ],
)
def test_board_and_kind(code: str, board: Board, kind: Kind) -> None:
    security = parse_security(code)
    assert (security.board, security.kind) == (board, kind)


def test_suffix_is_part_of_the_identity() -> None:
    assert parse_security("000001").kind is Kind.STOCK
    assert parse_security("000001.SH").kind is Kind.INDEX
    assert parse_security("160211").kind is Kind.LOF
    assert parse_security("160211.SH").kind is Kind.BOND


def test_ambiguity_is_told_only_without_suffix() -> None:
    note = ambiguity("000001", parse_security("000001"))
    assert note is not None
    assert "000001.SZ" in note
    assert "000001.SH" in note
    assert ambiguity("000001.SZ", parse_security("000001.SZ")) is None
    assert ambiguity("600036", parse_security("600036")) is None


@pytest.mark.parametrize(
    "text",
    [600036, None, "", "60003", "6000366", "600036.XX", "600036.SZ", "300001.SH", "000001.BJ",
     "sh60003", "３００７５０", "abc", "999999", "880001", "600036.SH.SH", b"600036", 600036.0],
)  # fmt: skip
def test_wrong_codes_name_argument_value_and_form(text: object) -> None:
    with pytest.raises(UsageError) as caught:
        parse_security(text)
    assert caught.value.argument == "security"
    assert repr(text) in str(caught.value)
    assert "600036.SH" in str(caught.value)
