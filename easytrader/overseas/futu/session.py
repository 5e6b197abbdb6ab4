"""一次会话，与怎样开一次会话。"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loguru import logger

from easytrader.backend import records
from easytrader.basics.log import masked
from easytrader.codes import OtherAccountType
from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
)
from easytrader.link.line import LineSession
from easytrader.orders.receipt import Receipt
from easytrader.overseas.common_fills import Fills
from easytrader.overseas.common_securities import CURRENCIES
from easytrader.overseas.futu import convert
from easytrader.overseas.futu.wire import Place, Wire, open_wire

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.backend.session import Listener, Reply
    from easytrader.market.symbols import Security

_CACHE_LAG_S: Final = 5.0
"""OpenD 的委托列表是它的缓存：刚收下的多久之后一定在里面，厂商没有说，取得宽些。"""
_LOT_S: Final = 1.0
"""一手多少股最多问这么久；问不到就不核对，富途自己会拒绝。"""

_REFUSED: Final = -1
"""``RetType_Failed``。其余的（超时、断开、不知道）都不说明委托没有下成。"""
_BUY, _SELL, _LIMIT, _MARKET, _CANCEL = 1, 2, 1, 2, 2
_SIDE_NUMBERS: Final = {records.Side.BUY: _BUY, records.Side.SELL: _SELL}
_MASTER: Final = 2
_SECURITIES: Final = 1
_TRADE_MARKETS: Final = {"HK": 1, "US": 2}
_THROUGH: Final = {"REAL": 4, "SIMULATE": 3}
"""沪深：实盘走沪深股通，模拟是大陆市场（futu-api 也这样选）。"""
_STOCK_SIMULATORS: Final = (0, 1, 4)
"""模拟账户里买卖股票的。"""


def trade_market(market: str, env: str) -> int:
    """市场 → ``TrdMarket``。"""
    return _TRADE_MARKETS.get(market) or _THROUGH[env]


class Wanted(NamedTuple):
    """要连的是谁。"""

    place: Place
    market: str
    env: str
    """``REAL`` 或 ``SIMULATE``。"""
    account: str
    """业务账号；空是还没有定。"""
    password: str

    def __repr__(self) -> str:
        return f"Wanted({self.place}，{self.env}，账号 {masked(self.account)})"


class Account(NamedTuple):
    """选好的业务账户。"""

    number: int
    env: str
    market: int
    """它能交易的市场里的第一个：不分市场的请求都填它。"""
    firm: int
    """富途的哪一家（``SecurityFirm``），没有说的为 0；解锁要它。"""

    @property
    def account_id(self) -> str:
        """给用户的。"""
        return str(self.number)


class FutuSession(LineSession):
    """请求在 futu-api 的网络线程上发，应答、推送按来的先后在自己的线上交出去。

    Args:
        wire: 开好的连接。
        account: 业务账户。
        currency: 资金用什么货币算。
        fills: 模拟账户的成交，见 `Fills`。
        listener: 推送、断线报给谁。
        timeout_s: 每个调用的期限，秒。
    """

    account_type = OtherAccountType.OVERSEAS.name
    cache_lag_s = _CACHE_LAG_S

    def __init__(
        self,
        wire: Wire,
        account: Account,
        currency: str,
        fills: Fills,
        listener: Listener,
        timeout_s: float,
    ) -> None:
        super().__init__(timeout_s, "easytrader-futu")
        self.wire = wire
        self.raw_account = account.number
        self._account = account
        self._currency = currency
        self._fills = fills
        self._listener = listener
        self._lots: dict[str, int] = {}
        wire.on_push = lambda number, message: self.later(self._pushed, number, message)
        wire.on_lost = lambda reason: self.later(self._listener.lost, self, reason)
        if wire.lost:
            raise NotConnectedError(wire.lost)

    @property
    def raw_trader(self) -> Any:
        """futu-api 的交易上下文；它自己的同步方法没有我们的期限。"""
        return self.wire._context  # noqa: SLF001

    # ---- 查询

    def asset(self) -> records.Asset:
        """资金，全部换成一种货币（富途换的）。"""
        request = self._request("Trd_GetFunds")
        request.c2s.currency = convert.CURRENCY_NUMBERS[self._currency]
        found = self._query("资金", "Trd_GetFunds", request).s2c.funds
        return convert.asset(found, self._account.account_id, self._currency)

    def positions(self) -> list[records.Position]:
        """持仓。"""
        found = self._query("持仓", "Trd_GetPositionList", self._request("Trd_GetPositionList"))
        rows = [each for each in found.s2c.positionList if each.qty]
        return [convert.position(each, self._account.account_id) for each in rows]

    def orders(self) -> list[records.Order]:
        """当日委托。"""
        found = self._query("当日委托", "Trd_GetOrderList", self._request("Trd_GetOrderList"))
        return [convert.order(each, self._account.account_id) for each in found.s2c.orderList]

    def trades(self) -> list[records.Trade]:
        """当日成交；模拟账户的从委托推出来。"""
        if self._account.env == "SIMULATE":
            now_s = int(time.time())
            return self._fills.all((each, now_s) for each in self.orders())
        request = self._request("Trd_GetOrderFillList")
        found = self._query("当日成交", "Trd_GetOrderFillList", request).s2c.orderFillList
        rows = [convert.trade(each, self._account.account_id) for each in found]
        return [each for each in rows if each is not None]

    def last_price(self, stock_code: str) -> float | None:
        """最新价；没有行情权限、没有应答的没有。"""
        with suppress(QueryFailedError, NotConnectedError):
            price = self.quotes([stock_code])[0].last
            return None if price is None else float(price)
        return None

    def quotes(self, stock_codes: list[str]) -> list[records.Quote]:
        """快照；要有那个市场的行情权限。"""
        request = self._pb("Qot_GetSecuritySnapshot").Request()
        wanted = {}
        for each in stock_codes:
            code, _, market = each.rpartition(".")
            if market not in convert.QOT_MARKETS:
                raise QueryFailedError(f"富途没有 {each} 的行情")
            wanted[each] = convert.QOT_MARKETS[market], code
            request.c2s.securityList.add(market=wanted[each][0], code=code)
        found = self._query("行情", "Qot_GetSecuritySnapshot", request).s2c.snapshotList
        known = {(each.basic.security.market, each.basic.security.code): each for each in found}
        missing = [each for each in stock_codes if wanted[each] not in known]
        if missing:
            raise QueryFailedError(f"富途没有 {'、'.join(missing)} 的行情")
        return [convert.quote(known[wanted[each]].basic, each) for each in stock_codes]

    # ---- 下单

    def submit(self, request: records.OrderRequest, reply: Reply[records.SubmitAnswer]) -> None:
        """下单：备注带标记，价格不许富途调整。"""
        wrong = self._not_lots(request.security, request.volume)
        self.depart(reply)
        if wrong:
            reply.put(records.SubmitAnswer("", wrong))
            return
        market = request.security.exchange
        made = self._request("Trd_PlaceOrder", trade_market(market, self._account.env))
        ask = made.c2s
        ask.trdSide = _SIDE_NUMBERS[request.side]
        ask.orderType = _LIMIT if request.price else _MARKET
        ask.code, ask.secMarket = request.security.code, convert.SEC_MARKETS[market]
        ask.qty, ask.price = float(request.volume), float(request.price)
        ask.adjustPrice, ask.remark = False, request.remark
        ask.packetID.connID, ask.packetID.serialNo = self.wire.conn_id, self.wire.serial()
        heard = partial(self._submitted, reply)
        self._send(reply, "Trd_PlaceOrder", made, heard, ask.packetID.serialNo)

    def _submitted(self, reply: Reply[records.SubmitAnswer], answer: Any) -> None:
        number = convert.order_no(answer.s2c) if answer.retType == 0 else ""
        if number not in ("", "0"):
            reply.put(records.SubmitAnswer(number))
        elif answer.retType == _REFUSED:
            reply.put(records.SubmitAnswer("", answer.retMsg or "富途没有说原因"))
        else:
            reply.fail(OutcomeUnknownError(_told(answer)))

    def cancel(self, target: Any, reply: Reply[Any]) -> None:
        """撤单。"""
        self.depart(reply)
        made = self._request("Trd_ModifyOrder")
        made.c2s.orderID, made.c2s.orderIDEx = 0, str(target)
        made.c2s.modifyOrderOp, made.c2s.forAll = _CANCEL, False
        made.c2s.packetID.connID, made.c2s.packetID.serialNo = self.wire.conn_id, self.wire.serial()
        heard = partial(self._cancelled, reply)
        self._send(reply, "Trd_ModifyOrder", made, heard, made.c2s.packetID.serialNo)

    def _cancelled(self, reply: Reply[Any], answer: Any) -> None:
        if answer.retType == 0:
            reply.put(records.CancelAnswer(True))
        elif answer.retType == _REFUSED:
            reply.put(records.CancelAnswer(False, answer.retMsg or "富途没有说原因"))
        else:
            reply.fail(OutcomeUnknownError(_told(answer)))

    def _not_lots(self, security: Security, volume: Any) -> str:
        """港股要整手；问不到一手多少股的不核对。"""
        if security.exchange != "HK":
            return ""
        lot = self._lots.get(security.code)
        if lot is None:
            with suppress(QueryFailedError, NotConnectedError):
                lot = self._lots[security.code] = self._lot_of(security.code)
        if lot and volume % lot:
            return f"{security.stock_code} 一手 {lot} 股，数量要是它的整数倍；什么都没有发出"
        return ""

    def _lot_of(self, code: str) -> int:
        """一手多少股；富途说没有这只的为 0。"""
        request = self._pb("Qot_GetStaticInfo").Request()
        request.c2s.securityList.add(market=convert.QOT_MARKETS["HK"], code=code)
        with self.until(time.monotonic() + _LOT_S):
            found = self._query("一手多少股", "Qot_GetStaticInfo", request).s2c.staticInfoList
        return int(found[0].basic.lotSize) if found else 0

    # ---- 开始、收尾

    def start(self) -> None:
        """要推送。"""
        request = self._pb("Trd_SubAccPush").Request()
        request.c2s.accIDList.append(self._account.number)
        self._query("订阅推送", "Trd_SubAccPush", request)

    def close(self, limit_s: float = 3.0) -> None:
        """断开。"""
        self.wire.forget()
        self.wire.close()
        super().close(limit_s)

    # ---- 内部

    def _pushed(self, proto_id: int, message: Any) -> None:
        """一条推送；别的账户的不要。"""
        ids = self.wire.kit.utils.ProtoId
        if proto_id not in (ids.Trd_UpdateOrder, ids.Trd_UpdateOrderFill):
            return
        if message.s2c.header.accID != self._account.number:
            return
        whose = self._account.account_id
        if proto_id == ids.Trd_UpdateOrderFill:
            made = convert.trade(message.s2c.orderFill, whose)
            if made is not None:
                self._listener.pushed(self, records.Traded(made))
            return
        order = convert.order(message.s2c.order, whose)
        if self._account.env == "SIMULATE":
            for each in self._fills.of(order, int(time.time())):
                self._listener.pushed(self, records.Traded(each))
        self._listener.pushed(self, records.OrderChanged(order))

    def _pb(self, name: str) -> Any:
        return self.wire.kit.pb(name)

    def _request(self, name: str, market: int = 0) -> Any:
        """一个带着账户的请求。"""
        made = self._pb(name).Request()
        made.c2s.header.trdEnv = int(self._account.env == "REAL")
        made.c2s.header.accID = self._account.number
        made.c2s.header.trdMarket = market or self._account.market
        return made

    def _send(
        self,
        reply: Reply[Any],
        name: str,
        request: Any,
        heard: Callable[[Any], object],
        serial: int = 0,
    ) -> None:
        """发出；应答在自己的线上处理。没有发出的，回执上说。"""
        try:
            self.wire.send(name, request, lambda answer: self.later(heard, answer), serial)
        except NotConnectedError as exc:
            reply.fail(exc)

    def _query(self, what: str, name: str, request: Any) -> Any:
        """问一样，等到应答。

        Raises:
            QueryFailedError: 没有应答，或富途说不行。
            NotConnectedError: 断着，什么都没有发出。
        """
        receipt: Receipt[Any] = Receipt(what, self.timeout_s, awaited=True)

        def blame(error: BaseException) -> EasytraderError:
            lost = isinstance(error, NotConnectedError)
            return error if lost else QueryFailedError(f"查询{what}没有得到回答：{error}")  # type: ignore[return-value]

        receipt.blame = blame
        self.depart(receipt)
        self._send(receipt, name, request, receipt.put)
        answer = receipt.value()
        if answer.retType != 0:
            raise QueryFailedError(f"富途没有给{what}：{answer.retMsg}（retType {answer.retType}）")
        return answer


class FutuConnector:
    """怎样开一次会话。

    Args:
        wanted: 要连的是谁；没有给账号的先 `find_account`。
        currency: 资金用什么货币算。
        timeout_s: 期限，秒。
    """

    session_id = 0

    def __init__(self, wanted: Wanted, currency: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._wanted = wanted
        self._currency = currency or CURRENCIES[wanted.market]
        self._fills = Fills()
        self._cancelled = threading.Event()
        self._opening: Wire | None = None
        self._locked = ""

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()
        wire = self._opening
        if wire is not None:
            wire.close()

    def find_account(self) -> str:
        """没有给账号：问 OpenD 有哪些，只有一个合适的就是它。

        Raises:
            ConnectFailedError: 没连上，没有合适的，或不止一个。
        """
        deadline = time.monotonic() + self.timeout_s
        wire = open_wire(self._wanted.place, deadline, self._cancelled.is_set)
        try:
            found = self._choose(_Asking(wire, deadline))
        finally:
            wire.close()
        self._wanted = self._wanted._replace(account=found.account_id)
        return found.account_id

    def open(self, listener: Listener, deadline: float) -> FutuSession:
        """开一次会话。"""
        if self._cancelled.is_set():
            raise ConnectFailedError("已经不要连了")
        if self._locked:  # 反复拿错的密码去试，账户会被锁
            raise ConnectFailedError(self._locked)
        wire = self._opening = open_wire(self._wanted.place, deadline, self._cancelled.is_set)
        try:
            asking = _Asking(wire, deadline)
            self._check_login(asking)
            account = self._choose(asking)
            self._unlock(asking, account.firm)
            session = FutuSession(
                wire, account, self._currency, self._fills, listener, self.timeout_s
            )
        except NotConnectedError as exc:
            wire.close()
            raise ConnectFailedError(str(exc)) from exc
        except BaseException:
            wire.close()
            raise
        try:
            with session.until(deadline):
                session.start()
        except EasytraderError as exc:
            session.close()
            raise ConnectFailedError(f"接上了 OpenD，但{exc}") from exc
        finally:
            self._opening = None
        if self._cancelled.is_set():
            session.close()
            raise ConnectFailedError("已经不要连了")
        logger.info(
            "✓ 成功连接到富途（{}），账号: {}", self._wanted.env, masked(account.account_id)
        )
        return session

    def _check_login(self, asking: _Asking) -> None:
        request = asking.wire.kit.pb("GetGlobalState").Request()
        request.c2s.userID = 0
        state = asking.ask("GetGlobalState", request).s2c
        if not state.trdLogined:
            raise ConnectFailedError("OpenD 还没有登录富途的交易服务器；在 OpenD 里登录好再来")

    def _choose(self, asking: _Asking) -> Account:
        """要的那个业务账户。"""
        wanted = self._wanted
        request = asking.wire.kit.pb("Trd_GetAccList").Request()
        request.c2s.userID, request.c2s.trdCategory = 0, _SECURITIES
        request.c2s.needGeneralSecAccount = True  # 综合账户；futu-api 的证券交易也这样问
        market, real = trade_market(wanted.market, wanted.env), wanted.env == "REAL"
        found = [
            each
            for each in asking.ask("Trd_GetAccList", request).s2c.accList
            if (each.trdEnv == 1) == real and market in each.trdMarketAuthList
        ]
        if wanted.account:
            found = [each for each in found if str(each.accID) == wanted.account]
        else:
            found = [each for each in found if _tradable(each, real)]
        if len(found) == 1:
            (one,) = found
            return Account(one.accID, wanted.env, one.trdMarketAuthList[0], one.securityFirm)
        have = "、".join(masked(str(each.accID)) for each in found)
        whose = f"业务账号 {masked(wanted.account)} " if wanted.account else ""
        told = f"有几个：{have}；请给 account=" if found else f"没有{whose}"
        raise ConnectFailedError(
            f"OpenD 里能交易 {wanted.market} 的{'实盘' if real else '模拟'}账户{told}"
        )

    def _unlock(self, asking: _Asking, firm: int) -> None:
        """实盘、给了密码的：解锁交易。密码不对的不再试。"""
        if self._wanted.env != "REAL" or not self._wanted.password:
            return
        request = asking.wire.kit.pb("Trd_UnlockTrade").Request()
        digest = hashlib.md5(self._wanted.password.encode(), usedforsecurity=False)  # 协议定的
        request.c2s.unlock, request.c2s.pwdMD5 = True, digest.hexdigest()
        if firm:
            request.c2s.securityFirm = firm
        try:
            asking.ask("Trd_UnlockTrade", request)
        except _RefusedError as exc:
            self._locked = f"富途没有解锁交易：{exc}；交易密码对不对？改对了重新 connect"
            raise ConnectFailedError(self._locked) from exc


def _told(answer: Any) -> str:
    return f"OpenD 说：{answer.retMsg or '没有原因'}（retType {answer.retType}）"


def _tradable(account: Any, real: bool) -> bool:
    """没有指名时可以选的：停用的、主账户不要；模拟的要买卖股票的。"""
    if account.accStatus != 0 or account.accRole == _MASTER:
        return False
    return real or account.simAccType in _STOCK_SIMULATORS


class _RefusedError(ConnectFailedError):
    """富途肯定地说不行。"""


class _Asking:
    """会话开好之前，一样一样地问。"""

    def __init__(self, wire: Wire, deadline: float) -> None:
        self.wire = wire
        self._deadline = deadline

    def ask(self, name: str, request: Any) -> Any:
        """问，等到应答。

        Raises:
            ConnectFailedError: 没有应答，或说不行（`_RefusedError`）。
        """
        answered = threading.Event()
        answers: list[Any] = []

        def heard(answer: Any) -> None:
            answers.append(answer)
            answered.set()

        self.wire.on_lost = lambda _: answered.set()
        self.wire.send(name, request, heard)
        answered.wait(max(0.0, self._deadline - time.monotonic()))
        if not answers:
            told = self.wire.lost or "到期没有回答"
            raise ConnectFailedError(f"问 OpenD {name}：{told}")
        (answer,) = answers
        if answer.retType == _REFUSED:
            raise _RefusedError(answer.retMsg or "富途没有说原因")
        if answer.retType != 0:
            raise ConnectFailedError(f"问 OpenD {name}：{answer.retMsg}（{answer.retType}）")
        return answer
