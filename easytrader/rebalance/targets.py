"""目标从哪里来：字典、CSV、JSON 都成为 ``{代码: Target}``，哪里写错了就说哪里。"""

from __future__ import annotations

import csv
import json
import re
import unicodedata
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader import arguments
from easytrader.basics import numbers
from easytrader.errors import UsageError, shown

if TYPE_CHECKING:
    from easytrader.market.symbols import Security
    from easytrader.rebalance.model import By

BYS: Final[tuple[By, ...]] = ("weight", "shares", "value")
MAX_WEIGHT: Final = Decimal("1.001")
"""权重合计的上限：几百只各自四舍五入，加起来会比 1 多一点。"""
MAX_VALUE: Final = 10**12
MAX_TARGETS: Final = arguments.MAX_CODES

_NAMES: Final[dict[By, str]] = {"weight": "权重", "shares": "股数", "value": "金额"}
_PERCENT: Final = "；原来的 easytrader 用百分数，这里 30% 写 0.3（文件里也可以写 30%）"


@dataclass(frozen=True, slots=True)
class Target:
    """一只证券的目标：``Target(0.3)``、``Target(1000, "shares")``、``Target(50000, "value")``。

    Attributes:
        amount: 权重是占总资产的比例 0–1；股数是整数；金额是元。都不小于 0，0 是清掉。
        by: 单位：``weight`` ``shares`` ``value``。

    Raises:
        UsageError: 数不对、单位不对。
    """

    amount: Decimal
    by: By = "weight"

    def __post_init__(self) -> None:
        _check_by(self.by)
        object.__setattr__(self, "amount", _amount(self.amount, self.by, "targets"))


def _amount(value: object, by: By, argument: str) -> Decimal:
    number = numbers.real(value)
    if number is None:
        raise UsageError(argument, value, f"{_NAMES[by]}应为不小于 0 的数")
    if number < 0:
        raise UsageError(argument, value, f"{_NAMES[by]}不能小于 0，清掉写 0")
    if by == "weight" and number > float(MAX_WEIGHT):
        raise UsageError(argument, value, f"权重是占总资产的比例，不超过 1{_PERCENT}")
    if by == "shares" and (numbers.whole(value) is None or number > arguments.MAX_VOLUME):
        raise UsageError(argument, value, f"股数应为整数，不超过 {arguments.MAX_VOLUME}")
    if by == "value" and number > MAX_VALUE:
        raise UsageError(argument, value, f"金额不超过 {MAX_VALUE:,} 元")
    return value if isinstance(value, Decimal) else Decimal(repr(number))


def of(targets: object, by: By = "weight") -> dict[str, tuple[Security, Target]]:
    """校验过的目标：``{厂商写法的代码: (证券, Target)}``，次序照给的。

    Args:
        targets: ``{代码: 数}`` 或 ``{代码: Target}``，可以混着；pandas 的 Series 也可以。
        by: 只给了数的，单位是什么。

    Raises:
        UsageError: 不是字典、空的、代码不对、同一只写了两遍、数不对、权重合计超过 1。
    """
    _check_by(by)
    if not isinstance(targets, Mapping):
        plain = getattr(targets, "to_dict", None)
        targets = plain() if callable(plain) else targets
    if not isinstance(targets, Mapping):
        raise UsageError("targets", targets, "应为 {代码: 权重} 的字典，如 {'600036': 0.3}")
    if not targets:
        raise UsageError("targets", targets, "一只也没有；要全部卖出，把每只写成 0")
    if len(targets) > MAX_TARGETS:
        raise UsageError("targets", f"{len(targets)} 只", f"最多 {MAX_TARGETS} 只")
    found: dict[str, tuple[Security, Target]] = {}
    written: dict[str, object] = {}
    for text, value in targets.items():
        security = code_of(text)
        code = security.stock_code
        if code in found:
            told = f"与 {shown(written[code])} 是同一只（{code}），只能写一次"
            raise UsageError("targets", text, told)
        written[code] = text
        found[code] = security, value if isinstance(value, Target) else _told(text, value, by)
    total = sum(each.amount for _, each in found.values() if each.by == "weight")
    if total > MAX_WEIGHT:
        raise UsageError("targets", f"合计 {total:.6g}", f"权重合计不能超过 1{_PERCENT}")
    return found


def _told(text: object, value: object, by: By) -> Target:
    try:
        return Target(cast("Decimal", value), by)
    except UsageError as exc:
        raise UsageError("targets", value, f"{text}：{exc.expected}") from None


def _check_by(by: object) -> None:
    if by not in BYS:
        raise UsageError("by", by, "应为 'weight'（权重）、'shares'（股数）、'value'（元）")


_LOST_ZEROS: Final = re.compile(r"\d{1,5}(?:\.0)?")


def code_of(text: object) -> Security:
    """目标里的一个代码。

    Raises:
        UsageError: 认不得，或是不能买卖的（指数等）。
    """
    if isinstance(text, str) and _LOST_ZEROS.fullmatch(text.strip()):
        told = "股票代码是六位，像是表格软件丢了开头的 0：把那一列设成文本，写全，如 000001"
        raise UsageError("targets", text, told)
    try:
        return arguments.security(text)
    except UsageError as exc:
        raise UsageError("targets", text, exc.expected) from None


# ---- 文件

_CODE_COLUMNS: Final = ("code", "security", "stock_code", "symbol", "代码", "证券代码", "股票代码")
_AMOUNT_COLUMNS: Final[dict[str, By]] = {
    **dict.fromkeys(("weight", "权重", "比例", "仓位"), "weight"),
    **dict.fromkeys(("shares", "volume", "股数", "数量"), "shares"),
    **dict.fromkeys(("value", "金额", "市值"), "value"),
}
_OTHER_COLUMNS: Final = ("name", "名称", "证券名称", "股票名称", "remark", "note", "备注")
_COLUMNS: Final = (
    "应有一列 code（代码），和 weight（权重）、shares（股数）、value（金额）里的一列；"
    "另外可以有 name（名称）、remark（备注）"
)
_MOST_BYTES: Final = 8_000_000
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?")
_PLAIN: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")


def read(path: str | Path) -> dict[str, Target]:
    """读目标文件：``.json`` 按 JSON，其余按 CSV。"""
    return read_json(path) if Path(path).suffix.lower() == ".json" else read_csv(path)


def read_csv(path: str | Path) -> dict[str, Target]:
    """读 CSV：第一行是列名，``code,weight``（或 ``shares``、``value``；中文列名也行）。

    UTF-8（带不带 BOM）、GBK 都收，逗号或制表符分隔；权重可以写 ``12.5%``，金额、股数可以写
    ``"1,000"``。空行、``#`` 开头的行略过。代码少了开头的 0 的不猜，请改好再来。

    Returns:
        ``{代码: Target}``，代码照写的样子。

    Raises:
        UsageError: 读不到、空的、列不对、哪一行哪一列写错了（``argument`` 是 ``targets``）。
    """
    name, text = Path(path).name, _text(path)
    head = next((line for line in text.splitlines() if line.strip()), "")
    rows = csv.reader(
        text.splitlines(), delimiter="\t" if "\t" in head and "," not in head else ",", strict=True
    )
    header: list[str] | None = None
    found: dict[str, Target] = {}
    seen: dict[str, int] = {}
    try:
        for row in rows:
            cells = [_clean(cell) for cell in row]
            if not any(cells) or cells[0].startswith("#"):
                continue
            if header is None:
                header = _header(name, cells, rows.line_num)
                continue
            _row(_Line(name, rows.line_num, header, cells), found, seen)
    except csv.Error as exc:
        raise UsageError("targets", name, f"第 {rows.line_num} 行读不懂：{exc}") from None
    if header is None:
        raise UsageError("targets", name, f"文件是空的。{_COLUMNS}")
    if not found:
        raise UsageError("targets", name, "只有列名，一只也没有")
    return found


def read_json(path: str | Path) -> dict[str, Target]:
    """读 JSON：``{"600036": 0.3}``，或 ``{"600036": {"shares": 1000}}``；数也可以写成文字。

    Raises:
        UsageError: 读不到、不是 JSON、写错了。
    """
    name, text = Path(path).name, _text(path)
    try:
        told = json.loads(text, parse_float=Decimal, object_pairs_hook=_once)
    except UsageError:
        raise
    except (ValueError, RecursionError) as exc:
        raise UsageError("targets", name, f"不是 JSON：{exc}") from None
    if not isinstance(told, dict) or not told:
        raise UsageError("targets", name, '应为 {"600036": 0.3} 这样的对象，至少一只')
    return {code: _json_target(name, code, value) for code, value in told.items()}


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise UsageError("targets", key, "写了两遍")
        found[key] = value
    return found


def _json_target(name: str, code: str, value: object) -> Target:
    by: By = "weight"
    if isinstance(value, dict):
        if len(value) != 1 or next(iter(value)) not in BYS:
            form = '应为 {"weight": 0.3}、{"shares": 1000} 或 {"value": 50000}'
            raise UsageError("targets", value, f"{name} 的 {code}：{form}")
        by, value = next(iter(value.items()))
    try:
        return Target(_number(value, by) if isinstance(value, str) else cast("Decimal", value), by)
    except UsageError as exc:
        raise UsageError("targets", exc.value, f"{name} 的 {code}：{exc.expected}") from None


class _Line:
    """CSV 的一行。"""

    def __init__(self, name: str, number: int, header: list[str], cells: list[str]) -> None:
        self.name, self.number, self.header, self.cells = name, number, header, cells

    def wrong(self, place: int, value: object, told: str) -> UsageError:
        """哪一行哪一列不对。"""
        column = self.header[place] if place < len(self.header) else "多出来的"
        where = f"{self.name} 第 {self.number} 行第 {place + 1} 列（{column}）"
        return UsageError("targets", value, f"{where}：{told}")


def _header(name: str, cells: list[str], number: int) -> list[str]:
    columns = [each.lower() for each in cells]
    line = _Line(name, number, columns, cells)
    if len(columns) == 1 and re.search("[，;；、]", columns[0]):
        raise line.wrong(0, cells[0], "列之间请用半角的逗号 , 隔开（全角的逗号、分号都不行）")
    allowed = (*_CODE_COLUMNS, *_AMOUNT_COLUMNS, *_OTHER_COLUMNS)
    for place, column in enumerate(columns):
        if column and column not in allowed:
            raise line.wrong(place, cells[place], f"不认得这一列。{_COLUMNS}")
    codes = [each for each in columns if each in _CODE_COLUMNS]
    amounts = [each for each in columns if each in _AMOUNT_COLUMNS]
    if len(codes) != 1 or len(amounts) != 1:
        both = "、".join(amounts) if len(amounts) > 1 else "、".join(codes)
        told = f"{both} 只能有一列。" if both and (len(amounts) > 1 or len(codes) > 1) else ""
        raise UsageError("targets", ",".join(cells), f"{name} 的列名：{told}{_COLUMNS}")
    return columns


def _row(line: _Line, found: dict[str, Target], seen: dict[str, int]) -> None:
    code = amount = ""
    code_at = amount_at = 0
    for place, cell in enumerate(line.cells):
        column = line.header[place] if place < len(line.header) else None
        if column is None and cell:
            raise line.wrong(place, cell, "比列名多；金额里的千分位要放在引号里")
        if column in _CODE_COLUMNS:
            code, code_at = cell, place
        elif column in _AMOUNT_COLUMNS:
            amount, amount_at = cell, place
    amount_at = amount_at or next(
        place for place, column in enumerate(line.header) if column in _AMOUNT_COLUMNS
    )
    by = _AMOUNT_COLUMNS[line.header[amount_at]]
    if not code:
        raise line.wrong(line.header.index(_code_column(line.header)), code, "没有代码")
    try:
        security = code_of(code)
    except UsageError as exc:
        raise line.wrong(code_at, code, exc.expected) from None
    if security.stock_code in seen:
        told = f"{security.stock_code} 在第 {seen[security.stock_code]} 行已经写过"
        raise line.wrong(code_at, code, told)
    try:
        target = Target(_number(amount, by), by)
    except UsageError as exc:
        raise line.wrong(amount_at, amount, exc.expected) from None
    found[code] = target
    seen[security.stock_code] = line.number


def _code_column(header: list[str]) -> str:
    return next(each for each in header if each in _CODE_COLUMNS)


def _number(text: str, by: By) -> Decimal:
    plain = unicodedata.normalize("NFKC", text).strip()
    share = plain.endswith("%")
    if share:
        plain = plain[:-1].strip()
        if by != "weight":
            raise UsageError("targets", text, f"{_NAMES[by]}不能写百分数")
    if not plain:
        raise UsageError("targets", text, f"没有写{_NAMES[by]}；清掉写 0")
    if _THOUSANDS.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _PLAIN.fullmatch(plain):
        raise UsageError("targets", text, f"{_NAMES[by]}应为不小于 0 的数")
    try:
        found = Decimal(plain)
    except InvalidOperation:  # 指数大得离谱
        raise UsageError("targets", text, f"{_NAMES[by]}应为不小于 0 的数") from None
    return found / 100 if share else found


def _clean(cell: str) -> str:
    """一格的文字：去掉空白，与表格软件保住前导零的写法 ``="000001"``、``'000001``。"""
    text = cell.strip()
    if text.startswith('="') and text.endswith('"'):
        text = text[2:-1]
    return text.removeprefix("'").strip()


def _text(path: str | Path) -> str:
    """文件的文字。"""
    try:
        with Path(path).open("rb") as file:
            data = file.read(_MOST_BYTES + 1)
    except OSError as exc:
        raise UsageError("targets", str(path), f"读不到：{exc.strerror or exc}") from None
    if len(data) > _MOST_BYTES:
        raise UsageError("targets", str(path), "文件太大，不像是目标")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]  # 表格软件的「Unicode 文本」
    else:
        encodings = ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        with suppress(UnicodeDecodeError):
            return data.decode(encoding)
    raise UsageError("targets", str(path), "认不得的编码，请存成 UTF-8 或 GBK")
