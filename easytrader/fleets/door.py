"""`TableDoor`：怎样连到队里的一个账号：存储应答、账号在表里；实现 `remote.line.Entrance`。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.errors import ConnectFailedError, UsageError
from easytrader.fleets.line import Ids, TableLine, state_of, why_not
from easytrader.fleets.view import unreachable
from easytrader.fleets.words import StoreDownError, StoreUnknownError
from easytrader.remote.line import Entered
from easytrader.wire import values, words

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import AccountRow, Greeting
    from easytrader.wire.words import Hello

_PATIENCE: Final = 0.4
_LEAST_S: Final = 1.0
_FEATURES: Final = ("events", "settle", "guard", "preview", "search", "stop")


class TableDoor:
    """见模块说明。

    Args:
        store: 存储。
        account: 账号在队里的名字。
        timeout_s: 每个调用的期限，秒。
        strategy: 策略名；没有为空。
        file: SQLite 的文件：没有的话不算连上，也不替它建，多半是路径写错了；别的存储为 None。
    """

    peer = "代理"

    def __init__(
        self,
        store: Store,
        account: str,
        timeout_s: float,
        strategy: str = "",
        file: Path | None = None,
    ) -> None:
        self.store = store
        self.account = account
        self.timeout_s = timeout_s
        self._strategy = strategy
        self._file = file
        self._ids = Ids()
        self._why = ""

    def __repr__(self) -> str:
        return f"<TableDoor {self.address} {self.account}>"

    @property
    def address(self) -> str:
        """存储在哪里，没有密码。"""
        return self.store.where

    def not_ready(self, state: str) -> str:
        """账号为什么不算连着，去看什么。"""
        return self._why or f"是「{state}」"

    def enter(self, deadline: float, stopped: Callable[[], bool]) -> Entered:
        """连上，看账号的那一行；异常同 `Entrance.enter`。"""
        greeting, rows = self._rows(deadline, [self.account])
        if stopped():
            raise ConnectFailedError("不要连了")
        if not rows:
            told = f"{self.address} 上还没有账号 {self.account}，或这个登录名看不到它"
            raise ConnectFailedError(f"{told}：easytrader fleet status 列出有哪些")
        row = rows[0]
        self._why = why_not(row)
        if not row.hello:
            raise ConnectFailedError(f"连上了 {self.address}，但账号 {self.account} {self._why}")
        patience_s = max(_LEAST_S, self.timeout_s * _PATIENCE)
        line = TableLine(
            self.store, self.account, greeting.identity, self._strategy, self._ids, patience_s
        )
        line.box = row.box
        return Entered(line, self._hello(greeting, row))

    def accounts(self, limit_s: float) -> list[str]:
        """看得见的账号；异常同 `Entrance.accounts`。"""
        return [each.account for each in self._rows(time.monotonic() + limit_s, None)[1]]

    def _rows(self, deadline: float, names: list[str] | None) -> tuple[Greeting, list[AccountRow]]:
        if self._file is not None and not self._file.is_file():
            told = f"没有这个文件：{self._file}"
            raise ConnectFailedError(
                f"{told}。路径对不对；代理（easytrader fleet agent）第一次起来时建"
            )
        try:
            return self.store.greet(deadline), self.store.accounts(deadline, names)
        except UsageError as exc:
            raise _for_good(str(exc)) from exc
        except (StoreDownError, StoreUnknownError) as exc:
            raise ConnectFailedError(unreachable(self.address, exc)) from exc

    def _hello(self, greeting: Greeting, row: AccountRow) -> Hello:
        said: dict[str, Any] = values.from_plain(values.decode(row.hello))
        return {
            "api": words.API,
            "features": list(_FEATURES),
            "boot": greeting.identity,
            "server_time": greeting.now,
            "account": row.account,
            "account_id": str(said.get("account_id", "")),
            "account_key": str(said.get("account_key", "")),
            "backend": dict(said.get("backend", {})),
            "verbs": list(said.get("verbs", ())),
            "state": state_of(row),
            "last": row.last_no,
            "limits": {},
        }


def _for_good(told: str) -> ConnectFailedError:
    """再试也一样的。"""
    error = ConnectFailedError(told)
    error.final = True  # type: ignore[attr-defined]
    return error
