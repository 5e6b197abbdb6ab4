"""`EasytraderGateway`：VeighNa 看到的接口。所有方法都马上返回，从不抛到 VeighNa 的引擎里。"""

from __future__ import annotations

import itertools
import threading
from typing import TYPE_CHECKING, Any, ClassVar, Final

from vnpy.trader.constant import Exchange
from vnpy.trader.gateway import BaseGateway

from easytrader import arguments
from easytrader.basics.beijing import beijing_now
from easytrader.basics.tags import new_tag
from easytrader.errors import UsageError
from easytrader.veighna import convert, settings
from easytrader.veighna.clerk import Clerk
from easytrader.veighna.contracts import Contracts
from easytrader.veighna.desk import Book, Desk
from easytrader.veighna.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from easytrader.trader import Trader

_STOP_S: Final = 2.0


class EasytraderGateway(BaseGateway):  # type: ignore[misc]  # VeighNa 没有装也要查得了
    """任何一个后端作 VeighNa 的接口；一个接口一个账号，要几个账号就加几个，各起各的名字。

    ``connect`` 的字段见 ``default_setting`` 与文档「放进 VeighNa」。委托编号是这里取的，
    ``send_order`` 马上返回；在别处下的委托，编号就是柜台的委托编号。

    Args:
        event_engine: VeighNa 的事件引擎。
        gateway_name: 接口名，里面不能有点。
    """

    default_name: ClassVar[str] = "EASYTRADER"
    reference_back: ClassVar[bool] = True
    """下单时的 ``reference`` 由柜台带回来，换了进程也认得；`easytrader.gateways` 看它。"""
    default_setting: ClassVar[dict[str, Any]] = settings.FIELDS
    exchanges: ClassVar[list[Any]] = [Exchange.SSE, Exchange.SZSE, Exchange.BSE]

    def __init__(self, event_engine: Any, gateway_name: str = default_name) -> None:
        if "." in gateway_name:
            form = "接口名里不能有点：VeighNa 拿点来分接口名与编号"
            raise UsageError("gateway_name", gateway_name, form)
        super().__init__(event_engine, gateway_name)
        self._contracts = Contracts(self)
        self._clerk: Clerk | None = None
        self._desk: Desk | None = None
        self._feed: Feed | None = None
        self._book = Book()
        self._wanted: list[Any] = []  # 连接之前订阅的
        self._prefix = f"{beijing_now():%y%m%d%H%M%S}{new_tag()[:3]}"
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()

    @property
    def connected(self) -> bool:
        """此刻连着，而且当日的都报完了：可以下单。"""
        clerk = self._clerk
        if clerk is None or clerk.user is None:
            return False
        return clerk.is_open and clerk.user.state == "已连接"

    @property
    def user(self) -> Trader | None:
        """底下的交易口；还没有连好为 None。"""
        return None if self._clerk is None else self._clerk.user

    def connect(self, setting: Mapping[str, Any]) -> None:
        """开始连，马上返回；连没连上看日志与 `connected`。

        连不上的隔几秒再来；设置不对的不再连，改对了可以再调用。已经连着（正在连）的不理会。

        Raises:
            UsageError: 不认得的字段、不对的值；什么都没有做。
        """
        with self._lock:
            if self._clerk is not None and not self._clerk.dead:
                self.write_log("已经连着（或正在连）；换账号请另加一个接口")
                return
            self._stop()
            try:
                found = settings.read(setting)
            except UsageError as exc:
                self.write_log(f"没有连接：{exc}")
                raise
            clerk = Clerk(self, found, self._contracts)
            desk = Desk(
                self, self._contracts, found.market_type, clerk.changed, clerk.doubtful, self._book
            )
            clerk.desk = desk
            feed = Feed(self, lambda: clerk.user, self._contracts, found.interval_s)
            self._clerk, self._desk, self._feed = clerk, desk, feed
            for security in self._wanted:
                feed.subscribe(security)
            desk.start()
            clerk.start()

    def close(self) -> None:
        """断开，最多几秒；可以重复调用。"""
        with self._lock:
            self._stop()
            self._clerk = self._desk = self._feed = None

    def _stop(self) -> None:
        if self._feed is not None:
            self._feed.close()
        if self._clerk is not None:
            self._clerk.close()
        if self._desk is not None:
            self._desk.stop(_STOP_S)

    def subscribe(self, req: Any) -> None:
        """订阅行情：先报合约，再隔一会儿问一次行情。"""
        try:
            security = convert.security_of(req)
        except (UsageError, AttributeError) as exc:
            self.write_log(f"订阅不了：{exc}")
            return
        self._contracts.ensure(security)
        self._wanted.append(security)
        if self._feed is not None:
            self._feed.subscribe(security)

    def add_contracts(self, codes: str | Iterable[str]) -> None:
        """报这些合约：策略要先有合约才下得了单。

        Args:
            codes: 一个代码，或一批，``600036``、``600036.SH``、``600036.SSE`` 都可以。

        Raises:
            UsageError: 代码不对，一个也没有报。
        """
        for security in arguments.codes(codes).values():
            self._contracts.ensure(security)

    def send_order(self, req: Any) -> str:
        """发一笔委托，马上返回它的编号；没有下成的，随后报一个 ``REJECTED``，原因在日志里。"""
        orderid = f"{self._prefix}_{next(self._numbers)}"
        order = req.create_order_data(orderid, self.gateway_name)
        order.datetime = beijing_now()
        self.on_order(order)
        desk = self._desk
        if desk is None:
            self._refused(req, orderid, "还没有连接")
        else:
            sent = req.create_order_data(orderid, self.gateway_name)
            sent.datetime = order.datetime
            desk.place(sent)
        vt_orderid: str = order.vt_orderid
        return vt_orderid

    def cancel_order(self, req: Any) -> None:
        """撤单；委托编号还没有来的，等它来了就撤。"""
        desk = self._desk
        if desk is None:
            self.write_log(f"撤单没有发出：委托 {self.gateway_name}.{req.orderid}：还没有连接")
        else:
            desk.cancel(req.orderid)

    def query_account(self) -> None:
        """查资金与持仓：过一会儿报。"""
        if self._clerk is not None:
            self._clerk.changed()

    def query_position(self) -> None:
        """同 `query_account`。"""
        self.query_account()

    def _refused(self, req: Any, orderid: str, why: str) -> None:
        from vnpy.trader.constant import Status

        order = req.create_order_data(orderid, self.gateway_name)
        order.status, order.datetime, order.extra = Status.REJECTED, beijing_now(), {"message": why}
        self.on_order(order)
        self.write_log(f"委托 {order.vt_orderid} 没有下成：{why}")
