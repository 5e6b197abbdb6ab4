"""一张桌子：厂商的 XtQuantTrader 连着一个柜台，应答与推送照测试手里的钟等。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from easytrader.basics.beijing import moment
from easytrader.market.symbols import parse_security
from easytrader.sim import install
from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.exchange.clock import ManualClock
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "10001"
CODE = "600036.SH"
FIX, PEER = 11, 44
BUY, SELL = 23, 24


class Pace:
    """只有人推才走。"""

    def __init__(self) -> None:
        self.at = 0.0

    def now(self) -> float:
        return self.at


class Heard:
    """厂商的回调，按收到的先后记下：（哪一种，状态或编号）。"""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.rows: list[Any] = []

    def _keep(self, row: Any, *told: Any) -> None:
        self.rows.append(row)
        self.told.append(told)

    def on_stock_order(self, row: Any) -> None:
        self._keep(row, "O", row.order_status)

    def on_stock_trade(self, row: Any) -> None:
        self._keep(row, "T", row.traded_volume)

    def on_order_error(self, row: Any) -> None:
        self._keep(row, "E", row.error_id)

    def on_cancel_error(self, row: Any) -> None:
        self._keep(row, "CE", row.error_id)

    def on_order_stock_async_response(self, row: Any) -> None:
        self._keep(row, "R", row.order_id > 0)

    def on_cancel_order_stock_async_response(self, row: Any) -> None:
        self._keep(row, "CR", row.cancel_result)

    def on_stock_asset(self, row: Any) -> None:
        self._keep(row, "A", row.frozen_cash > 0)

    def on_stock_position(self, row: Any) -> None:
        self._keep(row, "P", row.volume)


class Desk:
    def __init__(self, path: Path, when: str = "2026-11-20 10:00:01", **settings: Any) -> None:
        account = AccountConfig(ACCOUNT, cash=1_000_000, positions=[(CODE, 1000, 30)])
        settings = {"clock": "exchange", "connect_wait_s": 5.0, "tick_s": 3.0, **settings}
        self.folder: SimFolder = create(path, [account], exist_ok=True, **settings)
        self.pace, self.market = Pace(), ManualClock(moment(when))
        self.heard = Heard()
        self._open()

    def _open(self, session: int = 1) -> None:
        install.install()
        from xtquant.xttrader import XtQuantTrader
        from xtquant.xttype import StockAccount

        self.host = Host(self.folder, self.market, pace=self.pace.now)
        self.account = StockAccount(ACCOUNT)
        made: list[Any] = []
        # 厂商的构造会换掉主线程的事件循环：在别的线程里造
        thread = threading.Thread(
            target=lambda: made.append(XtQuantTrader(str(self.folder.path), session, self.heard))
        )
        thread.start()
        thread.join()
        [self.trader] = made
        self.trader.oldloop = None
        self.trader.start()
        assert self.trader.connect() == 0
        assert self.trader.subscribe(self.account) == 0

    def close(self) -> None:
        self.trader.stop()
        self.trader.loop.close()
        self.host.close()

    def reopen(self, session: int = 2) -> None:
        """客户端死了又起来：没送出的推送没有了，账还在。"""
        self.close()
        self._open(session)

    def quote(self) -> Any:
        translator: Any = self.host._live._engine
        return self.host.call(lambda: translator.engine._counter.quote(parse_security(CODE)))

    @property
    def ask(self) -> float:
        """卖一。"""
        return float(self.quote().asks[0].price_li / 1000)

    def order(self, side: int, volume: int, price: float, kind: int = FIX) -> int:
        number = self.trader.order_stock(self.account, CODE, side, volume, kind, price, "s", "r")
        return int(number)

    def order_async(self, side: int, volume: int, price: float, kind: int = FIX) -> int:
        args = (CODE, side, volume, kind, price, "s", "r")
        seq = int(self.trader.order_stock_async(self.account, *args))
        self.settled()  # 柜台已经受理
        return seq

    def wait(self, seconds: float) -> list[tuple[Any, ...]]:
        """应答与推送的钟走这么久，市场不动；返回到现在为止收到的。"""
        self.pace.at += seconds
        self.host.call(lambda: None)
        return self.settled()

    def go(self, seconds: float) -> list[tuple[Any, ...]]:
        """市场走这么久，应答与推送的钟也是。"""
        self.market.advance(seconds)
        self.host.advance()
        return self.wait(seconds)

    def goto(self, when: str) -> list[tuple[Any, ...]]:
        return self.go(moment(when) - self.market.now())

    def settled(self) -> list[tuple[Any, ...]]:
        """查询的应答从不等：它回来时，此前送出的都到了。"""
        self.trader.query_stock_asset(self.account)
        return list(self.heard.told)

    def one(self, order_id: int) -> Any:
        return self.trader.query_stock_order(self.account, order_id)
