"""模拟文件夹里的 ``transfers.json``：签约的银行、普通柜台里有什么。

没有这个文件：一个银行，余额 100 万元，不要密码；普通柜台是空的。每个资金账号各有各的一份。
写错了抛 `SimulatorError`，说出哪一项、应当怎么写。进程启动时读一次，只在账号第一次用到时算数。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.sim.config import files
from easytrader.sim.config.files import EntryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


FILE_NAME: Final = "transfers.json"
_MOST: Final = 10**12


class Bank(NamedTuple):
    """一个签约的银行。

    ``balance_li``：开始时的余额；``bank_pwd``：转入、查余额要的密码，``fund_pwd``：转出要的资金密码，
    空为不查。
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
    """读设置；有一项写得不对抛 `SimulatorError`。"""
    return files.load(folder, FILE_NAME, _parse) or TransferSettings()


def _parse(body: object) -> TransferSettings:
    values = files.fields_of(
        "最外层", body, {"banks": _banks, "com": _com}, '{"banks": [], "com": {}}'
    )
    com = values.get("com", {})
    return TransferSettings(
        values.get("banks") or (Bank(),), com.get("cash", 0), com.get("positions", ())
    )


def _banks(value: object) -> tuple[Bank, ...]:
    if value is None:
        return (Bank(),)
    if not isinstance(value, list):
        raise EntryError("应为列表，每个银行一个对象。")
    found = tuple(_bank(each) for each in value)
    if len({(each.bank_no, each.bank_account) for each in found}) != len(found):
        raise EntryError("有两个一样的银行。")
    return found


def _bank(value: object) -> Bank:
    values = files.fields_of("banks", value, _BANK_READERS, '{"bank_no": "0001"}')
    balance_li = values.pop("balance", 1_000_000_000)
    return Bank(balance_li=balance_li, **values)


def _com(value: object) -> dict[str, Any]:
    readers = {"cash": _li, "positions": _positions}
    return files.fields_of("com", value, readers, '{"cash": 1000}')


def _positions(value: object) -> tuple[tuple[str, int, int], ...]:
    if not isinstance(value, dict):
        raise EntryError('应为对象，如 {"600036.SH": {"volume": 100, "cost": 3500}}。')
    readers = {"volume": files.whole(1, 2**31 - 1), "cost": _li}
    found = []
    for code, entry in value.items():
        held = files.fields_of(code, entry, readers, '{"volume": 100, "cost": 3500}')
        if "volume" not in held:
            raise EntryError(f"{code} 没有 volume（数量，正整数）。")
        found.append((files.security_named(code).stock_code, held["volume"], held.get("cost", 0)))
    return tuple(found)


def _li(value: object) -> int:
    """元，至多两位小数 → 厘。"""
    try:
        return files.micro(_MOST, 2)(value) // 1000
    except EntryError:
        raise EntryError("应为 0 到一万亿、至多两位小数的金额（元）。") from None


_BANK_READERS: Final[dict[str, Callable[[object], Any]]] = {
    "bank_no": files.text(63),
    "bank_name": files.text(63),
    "bank_account": files.text(63),
    "balance": _li,
    "bank_pwd": files.text(63),
    "fund_pwd": files.text(63),
}
