"""``sim init`` 的参数 → 账号：每一处写错都说出参数、给的值、正确的写法。"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.market.symbols import Security
    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.market.library import Library

_MOST_YUAN: Final = Decimal(10) ** 11
_DIGITS: Final = 15
_POSITION_FORM: Final = "写成 代码:数量 或 代码:数量:成本价，例如 600036.SH:1000:35.5"


def open_accounts(
    path: str,
    account_ids: Sequence[str],
    *,
    cash: str,
    positions: Sequence[str] = (),
    credit: bool = False,
    exist_ok: bool = False,
    **given: Any,
) -> SimFolder:
    """建文件夹并开户；已有的文件夹则加账号。``given`` 是 `SimConfig` 的设置，None 为没有给。

    Raises:
        UsageError: 某个参数不对。
        SimulatorError: 账号已存在，或写不进去。
    """
    from easytrader.sim.config.folder import (
        AccountConfig,
        SimConfig,
        SimFolder,
        create,
        is_sim_folder,
    )
    from easytrader.sim.config.market import library_of

    settings = {name: value for name, value in given.items() if value is not None}
    if "replay" in settings:
        settings["replay"] = str(Path(settings["replay"]).expanduser().absolute())
    yuan = yuan_of(cash)
    base = SimFolder.open(path).config if is_sim_folder(path) else SimConfig()
    config = replace(base, **settings)
    library = library_of(config, Path(path)) if config.replay else None
    if library is not None:
        library.check()
    held = held_of(positions, library)
    accounts = [AccountConfig(each, 3 if credit else 2, yuan, held) for each in account_ids]
    return create(path, accounts, exist_ok=exist_ok, **settings)


def yuan_of(cash: str) -> Decimal:
    """``--cash``。

    Raises:
        UsageError: 不是大于 0 的金额。
    """
    yuan = _decimal(cash)
    if not 0 < yuan <= _MOST_YUAN or yuan != round(yuan, 2):
        raise UsageError("--cash", cash, "应为大于 0 的金额，单位元，最多到分，例如 1000000")
    return yuan


def held_of(
    positions: Sequence[str], library: Library | None = None
) -> dict[str, tuple[int, Decimal | None]]:
    """``--position`` 的各行：代码 → (数量, 成本价)；有回放数据的，要在里面。

    Raises:
        UsageError: 哪一行不对。
    """
    held: dict[str, tuple[int, Decimal | None]] = {}
    for text in positions:
        security, volume, cost = _position(text)
        if security.stock_code in held:
            raise UsageError("--position", text, f"{security.stock_code} 给了不止一次，合成一行")
        if library is not None and library.tape(security) is None:
            raise UsageError("--position", text, "回放数据里没有这只证券")
        held[security.stock_code] = volume, cost
    return held


def _decimal(text: str) -> Decimal:
    """读不懂的为 -1。"""
    try:
        number = Decimal(text)
    except InvalidOperation:
        return Decimal(-1)
    return number if number.is_finite() else Decimal(-1)


def _position(text: str) -> tuple[Security, int, Decimal | None]:
    from easytrader.market.rules import scope_of
    from easytrader.market.symbols import Kind, parse_security

    code, _, rest = text.partition(":")
    amount, _, price = rest.partition(":")
    cost = _decimal(price) if price else None
    if not amount.isdecimal() or len(amount) > _DIGITS or int(amount) <= 0:
        raise UsageError("--position", text, _POSITION_FORM)
    if cost is not None and not 0 < cost <= _MOST_YUAN:
        raise UsageError("--position", text, _POSITION_FORM)
    try:
        security = parse_security(code)
    except UsageError as error:
        raise UsageError("--position", text, f"{error.expected}；{_POSITION_FORM}") from error
    if scope_of(security) is None:
        raise UsageError(
            "--position",
            text,
            f"模拟柜台不交易{security.kind.value}，不能作为持仓；{_POSITION_FORM}",
        )
    if security.kind is Kind.REPO:
        raise UsageError("--position", text, f"债券回购不能作为持仓；{_POSITION_FORM}")
    return security, int(amount), cost
