"""SIM：一个真的 ``BaseGateway``，对面是内存里的柜台，有资金、持仓、合约，会出各种毛病。

柜台（`SimCounter`）按名字登记，接口的字段「柜台」说连哪一个；柜台比接口活得长，所以断线、重连、
换进程都看得出来。故障写在 ``counter.faults`` 里，见 `Faults`。用的测试先
``pytest.importorskip("vnpy")``。
"""

from __future__ import annotations

import itertools
import queue
import threading
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar

from easytrader.gateways.package import load

if TYPE_CHECKING:
    from collections.abc import Callable

load()

from vnpy.trader.constant import (  # noqa: E402
    Direction,
    Exchange,
    Offset,
    OptionType,
    OrderType,
    Product,
    Status,
)
from vnpy.trader.gateway import BaseGateway  # noqa: E402
from vnpy.trader.object import (  # noqa: E402
    AccountData,
    CancelRequest,
    ContractData,
    OrderData,
    OrderRequest,
    PositionData,
    SubscribeRequest,
    TickData,
    TradeData,
)

BEIJING = timezone(timedelta(hours=8))
MARGIN = 0.1
counters: dict[str, SimCounter] = {}
_names = itertools.count(1)


@dataclass
class Faults:
    """接下来要出的毛病；次数用掉就没有了，标志一直在。"""

    silent_front: bool = False  # 连上去什么都不说
    login_told: str = ""  # 登录失败时的那一行日志
    connect_blocks: threading.Event | None = None  # connect() 卡到它置位为止
    close_blocks: threading.Event | None = None
    lose_order_acks: int = 0  # 收下了，而什么都不推
    lose_cancel_acks: int = 0  # 撤掉了，而什么都不推
    break_after_order: int = 0  # 收下之后、应答之前断线
    delay_s: float = 0.0  # 每一件事晚这么久
    refuse_sends: int = 0  # send_order 返回空串，原因只在日志里
    refused_told: str = "委托被拒绝，原因：价格超出涨跌停"
    raise_in_send: BaseException | None = None
    send_blocks: threading.Event | None = None  # send_order 卡到它置位为止
    cancel_fails: int = 0
    cancel_raises: BaseException | None = None
    log_flood: int = 0  # 每件事另外写这么多行日志
    bad_pushes: int = 0  # 推一个会让处理函数抛异常的东西
    no_account: bool = False
    no_contracts: bool = False
    no_position_answers: bool = False
    deaf_queries: bool = False  # query_account 问了不答


@dataclass
class Held:
    """一个方向的持仓。"""

    volume: float = 0
    yesterday: float = 0
    frozen: float = 0
    price: float = 0


def stock(symbol: str, exchange: Exchange, name: str, least: float = 100) -> dict[str, Any]:
    """一只股票的合约。"""
    return {
        "symbol": symbol, "exchange": exchange, "name": name, "product": Product.EQUITY,
        "size": 1, "pricetick": 0.01, "min_volume": least, "net_position": True,
    }  # fmt: skip


def future(symbol: str, exchange: Exchange, name: str, size: int, tick: float) -> dict[str, Any]:
    """一个期货合约。"""
    return {
        "symbol": symbol, "exchange": exchange, "name": name, "product": Product.FUTURES,
        "size": size, "pricetick": tick, "min_volume": 1,
    }  # fmt: skip


CONTRACTS: list[dict[str, Any]] = [
    stock("600036", Exchange.SSE, "招商银行"),
    stock("000001", Exchange.SZSE, "平安银行"),
    stock("688001", Exchange.SSE, "华兴源创", 200),
    future("rb2510", Exchange.SHFE, "螺纹钢2510", 10, 1),
    future("rb2601", Exchange.SHFE, "螺纹钢2601", 10, 1),
    future("IF2512", Exchange.CFFEX, "沪深300指数2512", 300, 0.2),
    future("m2601", Exchange.DCE, "豆粕2601", 10, 1),
    {
        "symbol": "IO2512-C-4000", "exchange": Exchange.CFFEX, "name": "沪深300期权2512购4000",
        "product": Product.OPTION, "size": 100, "pricetick": 0.2, "min_volume": 1,
        "option_strike": 4000.0, "option_underlying": "IO2512.CFFEX",
        "option_type": OptionType.CALL, "option_portfolio": "IO_O", "option_index": "4000",
        "option_expiry": datetime(2025, 12, 19, tzinfo=BEIJING),
    },
]  # fmt: skip
PRICES = {
    "600036": 40.0, "000001": 12.0, "688001": 30.0, "rb2510": 3500.0, "rb2601": 3550.0,
    "IF2512": 4000.0, "m2601": 3000.0, "IO2512-C-4000": 80.0,
}  # fmt: skip


class SimCounter:
    """一个柜台、一个账号。

    Attributes:
        carries_reference: 推回来的委托带不带 ``reference``。
        redials: 断线之后接口自己会重连。
        polled: 资金、持仓只在查询时推。
    """

    carries_reference = True
    redials = False
    polled = False

    def __init__(self, name: str = "", cash: float = 1e7, **held: float) -> None:
        self.name = name or f"sim-{next(_names)}"
        self.cash = cash
        self.faults = Faults()
        self.prices = dict(PRICES)
        self.contracts = [dict(each) for each in CONTRACTS]
        self.holdings: dict[tuple[str, Direction], Held] = defaultdict(Held)
        self.orders: dict[str, OrderData] = {}
        self.trades: list[TradeData] = []
        self.partial: dict[str, float] = {}
        """这只证券一次最多成交这么多；用一次就没有了。"""
        self.gateways: list[SimGateway] = []
        self.up = True
        self.sends: list[OrderRequest] = []
        """到了柜台的下单请求。"""
        self._sessions = itertools.count(1)
        self._deals = itertools.count(1)
        self._lock = threading.RLock()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"counter-{self.name}", daemon=True)
        self._thread.start()
        for symbol, volume in held.items():
            self.hold(symbol, volume)
        counters[self.name] = self

    # ---- 给测试的

    def hold(
        self, symbol: str, volume: float, direction: Direction | None = None, yesterday: float = 0
    ) -> None:
        """账号里有这么多。"""
        side = direction or (Direction.NET if self._is_net(symbol) else Direction.LONG)
        self.holdings[symbol, side] = Held(volume, yesterday, 0, self.prices[symbol])

    def drop(self, told: str = "交易服务器连接断开，原因：4097") -> None:
        """断线，到 `restore` 为止连不上。"""
        self.up = False
        for each in self.gateways.copy():
            each.td_api.login_status = False
            each.write_log(told)
            if not self.redials:
                self.gateways.remove(each)

    def restore(self) -> None:
        """又能连上了；会自己重连的接口都重新登录。"""
        self.up = True
        for each in self.gateways.copy():
            self.later(each.login)

    def move(self, symbol: str, price: float) -> None:
        """现价变了：挂着的到价就成交，行情推出去。"""

        def work() -> None:
            self.prices[symbol] = price
            for order in list(self.orders.values()):
                if order.symbol == symbol and order.status in (Status.NOTTRADED, Status.PARTTRADED):
                    self._match(order)
            for each in self.gateways.copy():
                each.tick(symbol)

        self.later(work)

    def settle(self) -> None:
        """等柜台做完排着的事。"""
        done = threading.Event()
        self.later(done.set)
        assert done.wait(10)

    def close(self) -> None:
        """收尾。"""
        for name in ("connect_blocks", "close_blocks", "send_blocks"):
            event = getattr(self.faults, name)
            if event is not None:
                event.set()
        self._work.put(None)
        counters.pop(self.name, None)

    # ---- 给接口的

    def later(self, work: Callable[[], None]) -> None:
        """在柜台的线程上做。"""
        self._work.put(work)

    def attach(self, gateway: SimGateway) -> int:
        """接上一个接口，返回它的会话号。"""
        with self._lock:
            self.gateways.append(gateway)
            return next(self._sessions)

    def insert(self, order: OrderData, request: OrderRequest) -> None:
        """一笔委托到了。"""
        self.sends.append(request)
        if not self.carries_reference:
            order.reference = ""
        reason = self._refusal(order)
        if reason:
            order.status = Status.REJECTED
            self._tell_log(f"交易委托失败，代码：31，信息：{reason}，委托号：{order.orderid}")
            self._change(order)
            return
        order.status = Status.NOTTRADED
        self._freeze(order, order.volume)
        if self.faults.lose_order_acks:
            self.faults.lose_order_acks -= 1
            self.orders[order.orderid] = order
            self._match(order, quiet=True)
            return
        if self.faults.break_after_order:
            self.faults.break_after_order -= 1
            self.orders[order.orderid] = order
            self._match(order, quiet=True)
            self.drop()
            self.restore()
            return
        self._change(order)
        self._match(order)

    def cancel(self, request: CancelRequest) -> None:
        """撤单到了。"""
        order = self.orders.get(request.orderid)
        if self.faults.cancel_fails or order is None or not order.is_active():
            self.faults.cancel_fails = max(0, self.faults.cancel_fails - 1)
            self._tell_log(f"交易撤单失败，代码：26，信息：报单已全成交或已撤销 {request.orderid}")
            return
        quiet = self.faults.lose_cancel_acks > 0
        self.faults.lose_cancel_acks -= quiet
        self._freeze(order, -(order.volume - order.traded))
        self._change(order, quiet=quiet, status=Status.CANCELLED)

    def account(self) -> AccountData:
        """资金。"""
        frozen = value = 0.0
        for order in self.orders.values():
            if order.is_active() and self._opens(order):
                frozen += self._value(order, order.volume - order.traded)
        for (symbol, _), held in self.holdings.items():
            rate = 1.0 if self._is_net(symbol) else MARGIN
            value += held.volume * self.prices[symbol] * self._contract(symbol)["size"] * rate
        account = AccountData(
            accountid=f"account-{self.name}",
            balance=self.cash + value,
            frozen=frozen,
            gateway_name="?",
        )
        account.available = self.cash - frozen
        return account

    # ---- 内部

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            if self.faults.delay_s:
                threading.Event().wait(self.faults.delay_s)
            for _ in range(self.faults.log_flood):
                self._tell_log("x" * 4000)
            with self._lock:
                work()

    def _contract(self, symbol: str) -> dict[str, Any]:
        return next(each for each in self.contracts if each["symbol"] == symbol)

    def _is_net(self, symbol: str) -> bool:
        return bool(self._contract(symbol).get("net_position"))

    def _opens(self, order: OrderData) -> bool:
        if self._is_net(order.symbol):
            return order.direction is Direction.LONG
        return order.offset is Offset.OPEN

    def _value(self, order: OrderData, volume: float) -> float:
        price = order.price or self.prices[order.symbol]
        rate = 1.0 if self._is_net(order.symbol) else MARGIN
        return price * volume * self._contract(order.symbol)["size"] * rate

    def _held_by(self, order: OrderData) -> Held:
        """这笔卖出、平仓动的是哪一份。"""
        if self._is_net(order.symbol):
            return self.holdings[order.symbol, Direction.NET]
        side = Direction.SHORT if order.direction is Direction.LONG else Direction.LONG
        return self.holdings[order.symbol, side]

    def _refusal(self, order: OrderData) -> str:
        known = {each["symbol"] for each in self.contracts}
        if order.symbol not in known:
            return "合约不存在"
        if not self._is_net(order.symbol) and order.offset is Offset.NONE:
            return "没有写开平"
        if self._opens(order):
            if self._value(order, order.volume) > self.account().available:
                return "资金不足"
            return ""
        held = self._held_by(order)
        free = held.volume - held.frozen
        if order.exchange in (Exchange.SHFE, Exchange.INE):
            today = order.offset is Offset.CLOSETODAY
            free = min(free, held.volume - held.yesterday if today else held.yesterday)
        return "可平的数量不足" if order.volume > free else ""

    def _freeze(self, order: OrderData, volume: float) -> None:
        if not self._opens(order):
            self._held_by(order).frozen += volume

    def _match(self, order: OrderData, quiet: bool = False) -> None:
        last, buys = self.prices[order.symbol], order.direction is Direction.LONG
        market = order.type is OrderType.MARKET
        if not market and (order.price < last if buys else order.price > last):
            if order.type in (OrderType.FAK, OrderType.FOK):
                self._freeze(order, -(order.volume - order.traded))
                self._change(order, quiet=quiet, status=Status.CANCELLED)
            return
        volume = min(order.volume - order.traded, self.partial.pop(order.symbol, order.volume))
        if not volume:
            return
        self._fill(order, volume, last)
        trade = TradeData(
            symbol=order.symbol, exchange=order.exchange, orderid=order.orderid,
            tradeid=f"{next(self._deals)}", direction=order.direction, offset=order.offset,
            price=last, volume=volume, datetime=datetime.now(BEIJING), gateway_name="?",
        )  # fmt: skip
        self.trades.append(trade)
        done = order.traded + volume
        status = Status.ALLTRADED if done >= order.volume else Status.PARTTRADED
        self._change(order, quiet=quiet, status=status, traded=done)
        if not quiet:
            self._tell("on_trade", trade)
            if not self.polled:
                for each in self.gateways.copy():
                    each.push_funds()

    def _fill(self, order: OrderData, volume: float, price: float) -> None:
        size, net = self._contract(order.symbol)["size"], self._is_net(order.symbol)
        money = price * volume * size * (1.0 if net else MARGIN)
        if self._opens(order):
            side = Direction.NET if net else order.direction
            held = self.holdings[order.symbol, side]
            total = held.volume + volume
            held.price = (held.price * held.volume + price * volume) / total
            held.volume = total
            self.cash -= money
            return
        held = self._held_by(order)
        held.volume -= volume
        held.frozen -= volume
        if order.offset is Offset.CLOSEYESTERDAY:
            held.yesterday -= volume
        held.yesterday = min(held.yesterday, held.volume)
        self.cash += money

    def _change(self, order: OrderData, quiet: bool = False, **changes: Any) -> None:
        for name, value in changes.items():
            setattr(order, name, value)
        self.orders[order.orderid] = order
        if not quiet:
            self._tell("on_order", order)

    def _tell(self, verb: str, data: Any) -> None:
        for each in self.gateways.copy():
            getattr(each, verb)(each.own(data))

    def _tell_log(self, text: str) -> None:
        for each in self.gateways.copy():
            each.write_log(text)


@dataclass
class Api:
    """CTP 一类的接口里，``td_api`` 上有登录状态。"""

    login_status: bool = False
    contract_inited: bool = False


class SimGateway(BaseGateway):
    """SIM 接口。"""

    default_name: ClassVar[str] = "SIM"
    default_setting: ClassVar[dict[str, Any]] = {
        "用户名": "", "密码": "", "柜台": "", "端口": 0, "柜台环境": ["实盘", "测试"],
    }  # fmt: skip
    exchanges: ClassVar[list[Exchange]] = [
        *(Exchange.SSE, Exchange.SZSE, Exchange.SHFE, Exchange.CFFEX, Exchange.DCE),
    ]

    def __init__(self, event_engine: Any, gateway_name: str = "SIM") -> None:
        super().__init__(event_engine, gateway_name)
        self.td_api = Api()
        self.counter: SimCounter | None = None
        self.setting: dict[str, Any] = {}
        self.subscribed: set[str] = set()
        self.session = 0
        self._references = itertools.count(1)

    # ---- BaseGateway

    def connect(self, setting: dict[str, Any]) -> None:
        self.setting = dict(setting)
        counter = self.counter = counters[setting["柜台"]]
        if counter.faults.connect_blocks is not None:
            counter.faults.connect_blocks.wait(60)
        if counter.faults.silent_front or not counter.up:
            return
        if not self.session:
            self.session = counter.attach(self)
        counter.later(self.login)

    def close(self) -> None:
        counter = self.counter
        if counter is None:
            return
        if counter.faults.close_blocks is not None:
            counter.faults.close_blocks.wait(60)
        if self in counter.gateways:
            counter.gateways.remove(self)

    def subscribe(self, req: SubscribeRequest) -> None:
        self.subscribed.add(req.symbol)
        if self.counter is not None:
            self.counter.later(lambda: self.tick(req.symbol))

    def send_order(self, req: OrderRequest) -> str:
        counter = self.counter
        assert counter is not None
        faults = counter.faults
        if faults.raise_in_send is not None:
            error, faults.raise_in_send = faults.raise_in_send, None
            raise error
        if faults.refuse_sends:
            faults.refuse_sends -= 1
            self.write_log(faults.refused_told)
            return ""
        if faults.send_blocks is not None:
            faults.send_blocks.wait(60)
        order: OrderData = req.create_order_data(
            f"{self.session}_{next(self._references)}", self.gateway_name
        )
        order.datetime = datetime.now(BEIJING)
        if not self.td_api.login_status:  # 真的 CTP 也这样：没有登录，编号照给
            self.on_order(order)
            return str(order.vt_orderid)
        self.on_order(self.own(order))
        counter.later(lambda: counter.insert(order, req))
        return str(order.vt_orderid)

    def cancel_order(self, req: CancelRequest) -> None:
        counter = self.counter
        assert counter is not None
        if counter.faults.cancel_raises is not None:
            raise counter.faults.cancel_raises
        counter.later(lambda: counter.cancel(req))

    def query_account(self) -> None:
        counter = self.counter
        if counter is not None and not counter.faults.deaf_queries:
            counter.later(self._push_account)

    def query_position(self) -> None:
        counter = self.counter
        if counter is not None and not counter.faults.no_position_answers:
            counter.later(self._push_positions)

    # ---- 给柜台的（在柜台的线程上）

    def login(self) -> None:
        """登录，推合约、资金、持仓、当日的委托与成交。"""
        counter = self.counter
        assert counter is not None
        faults = counter.faults
        if faults.login_told:
            self.write_log(faults.login_told)
            return
        self.write_log("交易服务器连接成功")
        self.write_log("交易服务器登录成功")
        self.td_api.login_status = True
        if not faults.no_contracts:
            for each in counter.contracts:
                self.on_contract(ContractData(gateway_name=self.gateway_name, **each))
            self.td_api.contract_inited = True
            self.write_log("合约信息查询成功")
        for order in counter.orders.values():
            self.on_order(self.own(order))
        for trade in counter.trades:
            self.on_trade(self.own(trade))
        self.push_funds()
        for _ in range(faults.bad_pushes):
            self.on_event("eOrder.", None)  # 处理函数都会抛异常
        faults.bad_pushes = 0

    def push_funds(self) -> None:
        """推资金与持仓。"""
        self._push_account()
        self._push_positions()

    def tick(self, symbol: str) -> None:
        """推一笔行情。"""
        assert self.counter is not None
        if symbol not in self.subscribed or symbol not in self.counter.prices:
            return
        contract = next(each for each in self.counter.contracts if each["symbol"] == symbol)
        last, step = self.counter.prices[symbol], contract["pricetick"]
        self.on_tick(
            TickData(
                symbol=symbol, exchange=contract["exchange"], datetime=datetime.now(BEIJING),
                name=contract["name"], last_price=last, pre_close=last, limit_up=last * 1.1,
                limit_down=last * 0.9, bid_price_1=last - step, ask_price_1=last,
                bid_volume_1=10, ask_volume_1=20, volume=1000, turnover=last * 1000,
                gateway_name=self.gateway_name,
            )
        )  # fmt: skip

    def own(self, data: Any) -> Any:
        """换成自己名下的一份。"""
        fields = {name: getattr(data, name) for name in data.__dataclass_fields__}
        fields.pop("extra", None)
        made = type(data)(**{**fields, "gateway_name": self.gateway_name})
        if isinstance(data, AccountData):
            made.available = data.available
        return made

    def _push_account(self) -> None:
        assert self.counter is not None
        if not self.counter.faults.no_account:
            self.on_account(self.own(self.counter.account()))

    def _push_positions(self) -> None:
        assert self.counter is not None
        for (symbol, direction), held in list(self.counter.holdings.items()):
            contract = next(each for each in self.counter.contracts if each["symbol"] == symbol)
            self.on_position(
                PositionData(
                    symbol=symbol, exchange=contract["exchange"], direction=direction,
                    volume=held.volume, frozen=held.frozen, price=held.price,
                    yd_volume=held.yesterday, gateway_name=self.gateway_name,
                )
            )  # fmt: skip


class OldSimGateway(SimGateway):
    """老的接口：只收一个参数，没有默认的名字。"""

    default_name: ClassVar[str] = ""

    def __init__(self, event_engine: Any) -> None:
        super().__init__(event_engine, "OLDSIM")
