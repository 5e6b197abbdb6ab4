"""模拟文件夹里的 ``transfers.json``：签约的银行、普通柜台里有什么。

没有这个文件：一个银行，余额 100 万元，不要密码；普通柜台是空的。每个资金账号各有各的一份。
写错了抛 `SimulatorError`，说出哪一项、应当怎么写。进程启动时读一次，只在账号第一次用到时算数。
"""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import SimulatorError, UsageError
from easytrader.symbols import parse_security

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FILE_NAME", "Bank", "TransferSettings", "load_settings"]

FILE_NAME: Final = "transfers.json"
_BANK_KEYS: Final = ("bank_no", "bank_name", "bank_account", "balance", "bank_pwd", "fund_pwd")
_MOST: Final = Decimal(10) ** 12


class Bank(NamedTuple):
    """一个签约的银行。

    Attributes:
        bank_no: 银行编号。
        bank_name: 名称。
        bank_account: 银行账号。
        balance_li: 开始时的余额，厘。
        bank_pwd: 转入、查余额要的密码；空为不查。
        fund_pwd: 转出要的资金密码；空为不查。
    """

    bank_no: str = "0001"
    bank_name: str = "模拟银行"
    bank_account: str = "6222000000000000001"
    balance_li: int = 1_000_000_000
    bank_pwd: str = ""
    fund_pwd: str = ""


class TransferSettings(NamedTuple):
    """全部设置；``positions`` 是普通柜台里的（代码, 数量, 总成本厘）。"""

    banks: tuple[Bank, ...] = (Bank(),)
    cash_li: int = 0
    positions: tuple[tuple[str, int, int], ...] = ()


def load_settings(folder: Path) -> TransferSettings:
    """读设置。

    Raises:
        SimulatorError: 读不懂，或有一项写得不对。
    """
    path = folder / FILE_NAME
    try:
        body = json.loads(path.read_text(encoding="utf-8-sig"), parse_float=Decimal)
    except FileNotFoundError:
        return TransferSettings()
    except (OSError, ValueError, RecursionError) as exc:
        raise SimulatorError(f"{path} 读不出来：{exc}") from exc
    try:
        return _parse(body)
    except (ValueError, TypeError) as exc:
        raise SimulatorError(f"{path} 写得不对：{exc}") from exc


def _parse(body: Any) -> TransferSettings:
    _known("最外层", body, ("banks", "com"))
    banks = body.get("banks")
    com = body.get("com", {})
    _known("com", com, ("cash", "positions"))
    return TransferSettings(
        (Bank(),) if banks is None else _banks(banks),
        _li("com.cash", com.get("cash", 0)),
        _positions(com.get("positions", {})),
    )


def _banks(value: Any) -> tuple[Bank, ...]:
    if not isinstance(value, list):
        raise TypeError("banks 应为列表，每个银行一个对象")
    found = tuple(_bank(each) for each in value)
    if len({(each.bank_no, each.bank_account) for each in found}) != len(found):
        raise ValueError("banks 里有两个一样的银行")
    return found


def _bank(value: Any) -> Bank:
    _known("banks", value, _BANK_KEYS)
    texts = {}
    for key in _BANK_KEYS:
        if key == "balance" or key not in value:
            continue
        text = value[key]
        if not isinstance(text, str) or len(text.encode()) > 63:
            raise TypeError(f"banks 的 {key}：{text!r}，应为字符串，至多 63 字节")
        texts[key] = text
    balance = _li("banks 的 balance", value.get("balance", 1_000_000))
    return Bank(balance_li=balance, **texts)


def _positions(value: Any) -> tuple[tuple[str, int, int], ...]:
    if not isinstance(value, dict):
        raise TypeError('com.positions 应为对象，如 {"600036.SH": {"volume": 100, "cost": 3500}}')
    found = []
    for code, entry in value.items():
        try:
            security = parse_security(code)
        except UsageError as exc:
            raise ValueError(f"com.positions 的 {code}：{exc.expected}") from None
        _known(f"com.positions 的 {code}", entry, ("volume", "cost"))
        volume = entry.get("volume")
        if not isinstance(volume, int) or isinstance(volume, bool) or not 0 < volume < 2**31:
            raise TypeError(f"com.positions 的 {code}：volume 应为正整数")
        cost = _li(f"com.positions 的 {code} 的 cost", entry.get("cost", 0))
        found.append((security.stock_code, volume, cost))
    return tuple(found)


def _known(what: str, value: Any, keys: tuple[str, ...]) -> None:
    if not isinstance(value, dict):
        raise TypeError(f"{what} 应为对象")
    for key in value:
        if key not in keys:
            raise ValueError(f"{what} 没有 {key!r} 这一项；有：{' '.join(keys)}")


def _li(what: str, value: Any) -> int:
    """元，至多两位小数 → 厘。"""
    right = f"{what}：{value!r}，应为 0 到一万亿、至多两位小数的金额（元）"
    if isinstance(value, bool) or not isinstance(value, (int, Decimal)):
        raise TypeError(right)
    try:
        amount = Decimal(value)
        good = amount.is_finite() and 0 <= amount <= _MOST and amount * 100 == int(amount * 100)
    except (InvalidOperation, OverflowError):
        raise ValueError(right) from None
    if not good:
        raise ValueError(right)
    return int(amount * 1000)
