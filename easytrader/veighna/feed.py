"""行情：订阅了的，隔一会儿一次问完，变了的才报。后端没有推送行情的口子，所以是问的。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics.beijing import beijing_now
from easytrader.errors import ClosedError, NotConnectedError, QueryFailedError
from easytrader.veighna import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader import types
    from easytrader.market.symbols import Security
    from easytrader.trader import Trader
    from easytrader.veighna.contracts import Contracts

_REST: Final = 30
"""没有行情的那几只，隔这么多轮再问。"""
_CLOSE_S: Final = 1.0


class Feed:
    """一个接口的行情；第一次订阅时才起线程。

    Args:
        gateway: VeighNa 的接口。
        user: 此刻连好了的交易口，没有为 None。
        contracts: 报过的合约，名称从这里取。
        interval_s: 隔几秒问一次。
    """

    def __init__(
        self,
        gateway: Any,
        user: Callable[[], Trader | None],
        contracts: Contracts,
        interval_s: float,
    ) -> None:
        self._gateway = gateway
        self._user = user
        self._contracts = contracts
        self._interval_s = interval_s
        self._codes: dict[str, None] = {}
        self._resting: dict[str, int] = {}  # 没有行情的 → 还要歇几轮
        self._last: dict[str, types.Quote] = {}
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def subscribe(self, security: Security) -> None:
        """从下一轮起问它。"""
        with self._lock:
            self._codes[security.stock_code] = None
            self._last.pop(security.stock_code, None)  # 又订了一次的，再报一次
            if self._thread is None and not self._closing.is_set():
                name = f"easytrader-veighna-feed-{self._gateway.gateway_name}"
                self._thread = threading.Thread(target=self._run, name=name, daemon=True)
                self._thread.start()

    def close(self) -> None:
        """不再问。"""
        self._closing.set()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_CLOSE_S)

    def _run(self) -> None:
        while not self._closing.is_set():
            user = self._user()
            if user is not None and user.state == "已连接":
                try:
                    self._round(user)
                except (NotConnectedError, ClosedError):
                    pass
                except Exception:  # noqa: BLE001  边界：一轮问坏了，下一轮再来
                    logger.exception("行情出错")
            self._closing.wait(self._interval_s)

    def _round(self, user: Trader) -> None:
        with self._lock:
            resting = {code: left - 1 for code, left in self._resting.items()}
            self._resting = {code: left for code, left in resting.items() if left > 0}
            codes = [code for code in self._codes if code not in self._resting]
        if not codes:
            return
        try:
            found = user.quote(codes)
        except QueryFailedError as exc:
            if len(codes) == 1:
                self._rest(codes[0], exc)
                return
            found = self._one_by_one(user, codes)
        now = beijing_now()
        for code, quote in found.items():
            last = self._last.get(code)
            if last is None or not convert.same(last, quote):
                self._last[code] = quote
                name = self._contracts.name(code)
                self._gateway.on_tick(convert.tick(quote, name, self._gateway.gateway_name, now))

    def _one_by_one(self, user: Trader, codes: list[str]) -> dict[str, types.Quote]:
        """有的没有行情，一批就都没有：一只一只问，没有的歇着。"""
        found: dict[str, types.Quote] = {}
        for code in codes:
            if self._closing.is_set():
                break
            try:
                found.update(user.quote([code]))
            except QueryFailedError as exc:
                self._rest(code, exc)
        return found

    def _rest(self, code: str, error: QueryFailedError) -> None:
        with self._lock:
            self._resting[code] = _REST
        self._gateway.write_log(f"{code} 没有行情，过后再问：{error}")
