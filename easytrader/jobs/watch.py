"""成交、断线、恢复也通知：旁听一个交易口的推送，不占 `user.events()`，也不碰用户的回调。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader import rows
from easytrader.backend import records
from easytrader.basics import beijing, pace
from easytrader.basics.log import Log, masked
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from typing_extensions import Self

    from easytrader.jobs.notify import Notifier
    from easytrader.trader import Trader


class Watcher:
    """``with Watcher(user, notifier): ...``：这一段里的成交、断线、恢复都通知。

    Args:
        user: 交易口，连上没有都行。
        notifier: 往哪里送；没有人要的事件不费事。
    """

    def __init__(self, user: Trader, notifier: Notifier) -> None:
        self._engine = engine_of(user)
        self._notifier = notifier
        self._log = Log()
        self._lost_at = 0.0
        self._leave: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        self._leave = self._engine.tap(self._heard)
        return self

    def __exit__(self, *exc: object) -> None:
        self._leave()

    def _heard(self, event: Any) -> None:
        """交付的一条（交付的线程上）：只放进队里。"""
        try:
            self._tell(event)
        except Exception as exc:  # noqa: BLE001  边界：写不出来的一条不能耽误用户的回调
            self._log.warning("一条推送没有通知出去：{}", type(exc).__name__)

    def _tell(self, event: Any) -> None:
        account = masked(self._engine.key.account_id)
        if isinstance(event, records.Traded):
            if self._notifier.wants("fill"):
                self._fill(rows.trade_row(event.trade), account)
        elif isinstance(event, records.Disconnected):
            error = self._engine.status()["last_error"].splitlines()[:1]
            self._notifier.say("disconnect", f"账号 {account} 断线", error, {"account": account})
            self._lost_at = self._lost_at or pace.current().now()
        elif isinstance(event, records.GaveUp):
            error = str(event.error).splitlines()[:1]
            title = f"账号 {account} 连不上，不再重连"
            self._notifier.say("disconnect", title, error, {"account": account, "gave_up": True})
        elif isinstance(event, records.Connected) and self._lost_at:
            lasted_s, self._lost_at = pace.current().now() - self._lost_at, 0.0
            lines = [f"断了 {lasted_s:.0f} 秒"]
            told = {"account": account, "seconds": round(lasted_s, 1)}
            self._notifier.say("reconnect", f"账号 {account} 又连上了", lines, told)

    def _fill(self, row: Any, account: str) -> None:
        at = beijing.stamp(row["traded_time"], "%H:%M:%S")
        line = (
            f"{at} {row['order_type_name']} {row['stock_code']} "
            f"{row['traded_volume']:,} @ {row['traded_price']:.3f} = {row['traded_amount']:,.2f} 元"
        )
        fill = {**row, "account_id": account}
        self._notifier.say("fill", f"账号 {account} 成交", [line], {"fills": [fill]})
