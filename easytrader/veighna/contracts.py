"""报过的合约。VeighNa 的策略要先有合约才下得了单，所以遇到一只就先报它。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from easytrader.errors import UsageError
from easytrader.market.symbols import parse_security
from easytrader.veighna import convert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.market.symbols import Security


class Contracts:
    """一个接口的；任何线程都可以用。"""

    def __init__(self, gateway: Any) -> None:
        self._gateway = gateway
        self._told: set[str] = set()
        self._names: Mapping[str, str] = {}
        self._lock = threading.Lock()

    def name(self, stock_code: str) -> str:
        """名称；不知道为空。"""
        return self._names.get(stock_code, "")

    def know(self, names: Mapping[str, str]) -> None:
        """后端的名称表。"""
        self._names = names

    def ensure(self, security: Security, name: str = "") -> None:
        """没有报过的报一次。"""
        code = security.stock_code
        with self._lock:
            if code in self._told:
                return
            self._told.add(code)
        told = convert.contract(security, name or self.name(code), self._gateway.gateway_name)
        self._gateway.on_contract(told)

    def ensure_all(self) -> int:
        """名称表里的都报；认不得的代码跳过。返回一共报过多少。"""
        for code, name in list(self._names.items()):
            try:
                security = parse_security(code)
            except UsageError:
                continue
            if security.tradable:
                self.ensure(security, name)
        return len(self._told)
