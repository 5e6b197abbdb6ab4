"""``sim init`` 的参数 → 账号：每一处写错都说出参数、给的值、正确的写法。"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from easytrader.sim.folder import SimConfig, SimFolder
    from easytrader.symbols import Security

__all__ = ["open_accounts"]

_MOST_YUAN: Final = Decimal(10) ** 11
_POSITION_FORM: Final = "写成 代码:数量 或 代码:数量:成本价，例如 600036.SH:1000:35.5"


def open_accounts(
    path: str,
    account_ids: Sequence[str],
    *,
    cash: str,
    positions: Sequence[str] = (),
    credit: bool = False,
    **given: Any,
) -> SimFolder:
    """建文件夹并开户；已有的文件夹则加账号。``given`` 是 `SimConfig` 的设置，None 为没有给。

    Raises:
        UsageError: 某个参数不对。
        SimulatorError: 账号已存在，或写不进去。
    """
    from easytrader.sim.folder import AccountConfig, SimConfig, SimFolder, create, is_sim_folder
    from easytrader.sim.market.build import library_of

    settings = {name: value for name, value in given.items() if value is not None}
    if "replay" in settings:
        settings["replay"] = str(Path(settings["replay"]).expanduser().absolute())
    cash_li = _li("--cash", cash, "应为大于 0 的金额，单位元，最多到分，例如 1000000")
    base = SimFolder.open(path).config if is_sim_folder(path) else SimConfig()
    config = replace(base, **settings)
    if config.replay:
        library_of(config, Path(path)).check()
    held = tuple(_position(text, config, Path(path)) for text in positions)
    codes = [code for code, _, _ in held]
    for text, code in zip(positions, codes, strict=True):
        if codes.count(code) > 1:
            raise UsageError("--position", text, f"{code} 给了不止一次，合成一行")
    accounts = [
        AccountConfig(account_id, 3 if credit else 2, cash_li, held) for account_id in account_ids
    ]
    return create(path, accounts, **settings)


def _li(argument: str, text: str, expected: str) -> int:
    try:
        yuan = Decimal(text)
    except InvalidOperation:
        yuan = Decimal("NaN")
    if not yuan.is_finite() or not 0 < yuan <= _MOST_YUAN or yuan * 100 != int(yuan * 100):
        raise UsageError(argument, text, expected)
    return int(yuan * 1000)


def _position(text: str, config: SimConfig, path: Path) -> tuple[str, int, int]:
    from easytrader.sim.rules import scope_of
    from easytrader.symbols import Kind, parse_security

    code, _, rest = text.partition(":")
    amount, _, cost = rest.partition(":")
    if not amount.isdecimal() or int(amount) <= 0:
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
    volume = int(amount)
    if not cost:
        return security.stock_code, volume, volume * _last_close_li(security, config, path)
    return security.stock_code, volume, volume * _cost_li(text, cost)


def _cost_li(text: str, cost: str) -> int:
    try:
        yuan = Decimal(cost)
    except InvalidOperation:
        yuan = Decimal("NaN")
    if not yuan.is_finite() or not 0 < yuan <= _MOST_YUAN or yuan * 1000 != int(yuan * 1000):
        raise UsageError("--position", text, _POSITION_FORM)
    return int(yuan * 1000)


def _last_close_li(security: Security, config: SimConfig, path: Path) -> int:
    """没写成本价：按行情的昨收。"""
    from easytrader.sim.clock import clock_for
    from easytrader.sim.market.build import market_for
    from easytrader.sim.sessions import hours_for

    market = market_for(config, path, hours_for(config.clock))
    now = clock_for(config.clock, config.start).now()
    return market.quote(security, market.tick_at(now)).pre_close_li
