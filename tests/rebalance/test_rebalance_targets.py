"""目标的文件：各种写法收得下，写错了的说得出哪一行哪一列。"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from easytrader.errors import UsageError
from easytrader.rebalance import Target, targets

if TYPE_CHECKING:
    from pathlib import Path

Text = str | bytes


def written(folder: Path, text: Text, name: str = "targets.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


WEIGHTS = {"600036": Target(Decimal("0.3")), "000001": Target(Decimal("0.125"))}


@pytest.mark.parametrize(
    "text",
    [
        "code,weight\n600036,0.3\n000001,0.125\n",
        "code,weight\r\n600036,30%\r\n000001,12.5 %\r\n",
        "\ufeffcode,weight\n600036,0.3\n000001,.125",
        "代码,名称,权重\n600036,招商银行,0.3\n000001,平安银行,12.5%\n",
        "代码,名称,权重\n600036,招商银行,0.3\n000001,平安银行,12.5%\n".encode("gbk"),
        "证券代码\t权重\n600036\t0.3\n000001\t0.125\n".encode("utf-16"),
        "# 十一月\n\nCode, Weight \n 600036 , 0.3\n\n'000001,0.125\n",
        'code,weight\n"600036","0.3"\n"=""000001""",0.125\n',
        "权重,代码\n0.3,600036\n0.125,000001\n",
        "code,weight,\n600036,0.3,\n000001,0.125,\n",  # 多一个空列
        "code,weight\n600036,０．３\n000001,0.125\n",  # 全角的数字
    ],
)
def test_ways_to_write_weights(tmp_path: Path, text: Text) -> None:
    assert targets.read_csv(written(tmp_path, text)) == WEIGHTS


def test_shares_and_yuan(tmp_path: Path) -> None:
    found = targets.read_csv(written(tmp_path, 'code,shares\n600036,"1,200"\n000001,0\n'))
    assert found["600036"] == Target(Decimal(1200), "shares")
    found = targets.read(written(tmp_path, 'code,value\nsh600036,"50,000.50"\n'))
    assert found == {"sh600036": Target(Decimal("50000.50"), "value")}


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("code,weight\n600036,0.3\n000001,abc\n", "第 3 行第 2 列（weight）"),
        ("code,weight\n600036,\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036,-0.1\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036,nan\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036,1e999\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036,30\n", "第 2 行第 2 列（weight）"),
        ("code,weight\n600036,0.3,0.1\n", "第 2 行第 3 列（多出来的）"),
        ("code,weight\n60003,0.3\n", "丢了开头的 0"),
        ("code,weight\n1,0.3\n", "第 2 行第 1 列（code）"),
        ("code,weight\n600036.0,0.3\n", "第 2 行第 1 列（code）"),
        ("code,weight\n,0.3\n", "第 2 行第 1 列（code）"),
        ("code,weight\n000300.SH,0.3\n", "第 2 行第 1 列（code）"),
        ("code,weight\n\n# 注\n600036,0.3\nsh600036,0.1\n", "在第 4 行已经写过"),
        ("code,shares\n600036,1.5\n", "第 2 行第 2 列（shares）"),
        ("code,shares\n600036,10%\n", "百分数"),
        ("code,value\n600036,1,000\n", "千分位"),
        ("代码,金额\n600036,1万\n", "第 2 行第 2 列（金额）"),
        ("code,wieght\n600036,0.3\n", "第 1 行第 2 列（wieght）"),
        ("code，weight\n600036，0.3\n", "全角的逗号"),
        ("code;weight\n600036;0,3\n", "半角的逗号"),
    ],
)
def test_a_wrong_cell_is_named(tmp_path: Path, text: str, where: str) -> None:
    with pytest.raises(UsageError) as caught:
        targets.read_csv(written(tmp_path, text))
    assert where in str(caught.value)
    assert "targets.csv" in str(caught.value)
    assert caught.value.argument == "targets"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "空的"),
        ("\n\n# 只有注释\n", "空的"),
        ("code,weight\n", "只有列名"),
        ("600036,0.3\n", "不认得这一列"),
        ("code,weight,value\n600036,0.3,100\n", "只能有一列"),
        ("code,security,weight\n600036,600036,0.3\n", "只能有一列"),
        ("code\n600036\n", "weight（权重）"),
        ("weight\n0.3\n", "code（代码）"),
        ('code,weight\n"600036,0.3\n', "读不懂"),
        (b"code,weight\n\xff\xff\xff,1\n", "编码"),
        (b"\x00" * 9, "第 1 行"),
    ],
)
def test_a_wrong_file_is_told(tmp_path: Path, text: Text, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        targets.read_csv(written(tmp_path, text))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(UsageError, match="读不到"):
            targets.read(path)


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="太大"):
        targets.read_csv(written(tmp_path, b"x" * 8_000_001))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"600036": 0.3, "000001": "12.5%"}', WEIGHTS),
        ('{"600036": {"shares": 100}}', {"600036": Target(Decimal(100), "shares")}),
        ('{"600036": {"value": "1,000.5"}}', {"600036": Target(Decimal("1000.5"), "value")}),
    ],
)
def test_json(tmp_path: Path, text: str, found: dict[str, Target]) -> None:
    assert targets.read(written(tmp_path, text, "t.json")) == found


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "不是 JSON"), ("[1]", "对象"), ("{}", "对象"), ('{"600036": true}', "不小于 0"),
        ('{"600036": {"shares": 1, "value": 2}}', "shares"), ('{"600036": {"x": 1}}', "shares"),
        ('{"600036": 0.1, "600036": 0.2}', "两遍"), ('{"600036": null}', "600036"),
        ('{"600036": NaN}', "600036"), ('{"600036": [1]}', "600036"), ("[" * 99_999, "不是 JSON"),
    ],
)  # fmt: skip
def test_wrong_json(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        targets.read_json(written(tmp_path, text, "t.json"))


def test_a_series_is_a_dictionary() -> None:
    pandas = pytest.importorskip("pandas")
    found = targets.of(pandas.Series({"600036": 0.3, "000001": 0.125}))
    assert list(found) == ["600036.SH", "000001.SZ"]
