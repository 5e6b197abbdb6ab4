"""翻译：柜台说的话（`events`）变成厂商的行与推送。模拟器里只有这里知道厂商的口径：

金额与价格是 float 元，文字按缓冲区的字节数截断，编号与代码是厂商的。
"""

from __future__ import annotations

import json
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from easytrader.codes import BROKER_PRICE_TYPES, BUY_TYPES, MARKET_CODES, OrderStatus, OrderType
from easytrader.market.rules.fees import yuan
from easytrader.market.symbols import parse_security
from easytrader.sim.business.smt import DONE
from easytrader.sim.business.transfers import IN
from easytrader.sim.exchange.hours import day_code, day_number
from easytrader.sim.gateway import rows
from easytrader.sim.gateway.wire import BOOKS, MARKET_TIME, QUERY_FAILED, Push, QuoteArgs
from easytrader.sim.ledger import events
from easytrader.sim.ledger.checks import LIMIT_TYPES, WRONG_STATUS
from easytrader.sim.market.universe import instrument_name

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.sim.business.credit.contracts import CreditContract
    from easytrader.sim.business.credit.plugin import Collateral, ShortSource, Statement, Subject
    from easytrader.sim.business.smt import Application, Compact
    from easytrader.sim.business.transfers import (
        BankBalance,
        BankEntry,
        ComFund,
        ComHolding,
        Standing,
    )
    from easytrader.sim.config.ipo import Issue
    from easytrader.sim.config.profile import Profile
    from easytrader.sim.config.smt import Quoter
    from easytrader.sim.config.transfers import Bank
    from easytrader.sim.counter.engine import Engine
    from easytrader.sim.counter.views import Asset, Holding
    from easytrader.sim.gateway.rows import Row


_FAILED: Final = -1
_MOST_KEPT: Final = 20_000
_STATUS_BYTES: Final = 23
"""``status_msg`` 缓冲区 24 字节，客户端在字符边界截断。"""
_ERROR_BYTES: Final = 127
"""``error_msg`` 缓冲区 128 字节。"""
_LONG: Final = 48
_BUY_FLAG: Final = 48
_SELL_FLAG: Final = 49
_SUBSCRIBE: Final = 54
_NORMAL: Final = 48
_VOID: Final = 50
_STOCK_BROKER: Final = 2
_LOGIN_OK: Final = 0
_PPM: Final = 1_000_000
_CNY: Final = "0"
_SECURITY: Final = "证券"
_EXCHANGES: Final = {"SH": "上交所", "SZ": "深交所", "BJ": "北交所"}

# 恒生柜台的委托状态，出现在撤单失败的文字里
_OLD_STATUS: Final = {
    OrderStatus.REPORTED_CANCEL: 3,
    OrderStatus.PARTSUCC_CANCEL: 4,
    OrderStatus.PART_CANCEL: 5,
    OrderStatus.CANCELED: 6,
    OrderStatus.SUCCEEDED: 8,
    OrderStatus.JUNK: 9,
}


class Translator:
    """说厂商的话的柜台：参数与应答同 `Engine`，而应答是厂商的行，事件是推送。"""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._broker = engine.folder.config.broker
        self._nameless: dict[int, float] = {}
        """合同编号还没有到的委托 → 什么时候到。"""
        self.has_account = engine.has_account
        self.next_wakeup = engine.next_wakeup
        self.transaction = engine.transaction
        self.close = engine.close
        self._made: dict[int | str, tuple[Any, Any]] = {}  # 编号 →（样子, 行）

    def submit(self, args: events.SubmitOrder) -> events.Outcome:
        """下单。应答 `OrderAnswer`。"""
        found = self.engine.submit(args)
        receipt: events.Receipt = found.answer
        answer = rows.OrderAnswer(
            args.account_type,
            args.account_id,
            receipt.order_id or _FAILED,
            args.strategy_name,
            args.order_remark,
            _FAILED if receipt.reason else 0,
            receipt.reason,
        )
        return self.told(found, answer)

    def cancel(self, args: events.CancelOrder) -> events.Outcome:
        """撤单。应答 `CancelAnswer`。"""
        found = self.engine.cancel(args)
        receipt: events.Receipt = found.answer
        gone = bool(receipt.reason)
        answer = rows.CancelAnswer(
            args.account_type,
            args.account_id,
            _FAILED if gone else 0,
            args.order_id if gone else receipt.order_id,
            args.sysid if gone else receipt.sysid,
            self._broker.cancel_error_id if gone else 0,
            receipt.reason,
        )
        return self.told(found, answer)

    def asset(self, args: events.AccountQuery) -> events.Outcome:
        """资金。应答 0 或 1 行。"""
        found = self.engine.asset(args)
        return self.told(found, [asset_row(each) for each in found.answer])

    def orders(self, args: events.OrdersQuery) -> events.Outcome:
        """当日委托。"""
        found = self.engine.orders(args)
        return self.told(found, [self._order_row(each) for each in found.answer])

    def trades(self, args: events.AccountQuery) -> events.Outcome:
        """当日成交。"""
        found = self.engine.trades(args)
        made = [self._row(each.traded_id, each, self._make_trade) for each in found.answer]
        return self.told(found, made)

    def positions(self, args: events.AccountQuery) -> events.Outcome:
        """持仓。"""
        found = self.engine.positions(args)
        return self.told(found, [_position_row(each) for each in found.answer])

    def account_infos(self) -> events.Outcome:
        """全部账号的信息。"""
        return events.Outcome([_info_row(*each.account) for each in self.engine.statuses()])

    def account_status(self) -> events.Outcome:
        """全部账号的状态。"""
        return events.Outcome([_status_row(each) for each in self.engine.statuses()])

    def ask(self, verb: str, args: events.AccountQuery | events.BusinessQuery) -> events.Outcome:
        """各项业务的查询。"""
        found = self.engine.ask(verb, args)
        return self.told(found, business_rows(verb, args, found.answer))

    def business_now(
        self, verb: str, args: events.AccountQuery | events.BusinessQuery
    ) -> list[Row]:
        """同 `ask`，答的是做到的这一刻，不推进市场。"""
        return business_rows(verb, args, self.engine.ask_now(verb, args))

    def act(self, verb: str, args: events.BusinessQuery) -> events.Outcome:
        """委托之外要办的事。"""
        found = self.engine.act(verb, args)
        answer: Any = found.answer
        if isinstance(answer, events.Unanswered):
            return self.told(found, (QUERY_FAILED, answer.reason))
        return self.told(found, _done_row(verb, args, answer))

    def quote(self, args: QuoteArgs) -> events.Outcome:
        """最新价，元；说不出来为 None。代码为 `MARKET_TIME` 是行情走到了几点，见 `QuoteArgs`。"""
        if args.stock_code == MARKET_TIME:
            return events.Outcome(self.engine.market_time())
        if args.stock_code == BOOKS:
            seen = [self.engine.market_time(), self.engine.books()]
            return events.Outcome(json.dumps(seen))
        found = self.engine.last_li(args.stock_code)
        return self.told(found, None if found.answer is None else yuan(found.answer))

    def advance(self) -> events.Outcome:
        """把市场往现在推进一段。"""
        found = self.engine.advance()
        return self.told(found, found.answer)

    def walk(self) -> events.Outcome:
        """同上，走到的时刻也落盘。"""
        found = self.engine.walk()
        return self.told(found, found.answer)

    def _row(self, key: int | str, shown: Any, make: Callable[[Any], Any]) -> Any:
        """样子没有变就还是同一行：几千笔委托的查询不必每次重造。"""
        known = self._made.get(key)
        if known is None or known[0] is not shown:
            if len(self._made) >= _MOST_KEPT:
                self._made.clear()
            known = self._made[key] = shown, make(shown)
        return known[1]

    def _order_row(self, order: events.OrderSnapshot) -> Row:
        return self._named(order, self._row(order.order_id, order, self._make_order))

    def _named(self, order: events.OrderSnapshot, made: Row) -> Row:
        """合同编号还没有到的，先空着。"""
        if not self._nameless or order.order_id not in self._nameless:
            return made
        if self._nameless[order.order_id] > self.engine.market_time() and not order.traded_volume:
            return made._replace(order_sysid="")
        del self._nameless[order.order_id]
        return made

    def _make_order(self, order: events.OrderSnapshot) -> Row:
        row = order_row(order)
        if self._broker.strict_text and order.reason:
            status_msg = self._cut(f"[COUNTER]{order.reason}", _STATUS_BYTES)
            row = row._replace(status_msg=status_msg)
        return self._remarked(row)

    def _make_trade(self, trade: events.TradeSnapshot) -> Row:
        return self._remarked(trade_row(trade))

    def _remarked(self, row: Row) -> Row:
        """备注只有短的那一份时，截到 23 字节。"""
        if self._broker.long_remark:
            return row
        return row._replace(order_remark=self._cut(row.order_remark, _STATUS_BYTES))

    def _cut(self, text: str, limit: int) -> str:
        """按字节截；``strict_text`` 时留着半个字（写成孤立代理项），读它的人会抛错。"""
        errors = "surrogateescape" if self._broker.strict_text else "ignore"
        return text.encode()[:limit].decode(errors=errors)

    def told(self, found: events.Outcome, answer: Any) -> events.Outcome:
        """换上这个应答，发生了的事变成厂商的推送；别的前端直接问了柜台，也要经过这里。"""
        if not found.events:
            return events.Outcome(answer)
        pushes = [push for event in found.events for push in self._pushes(event)]
        if self._broker.account_pushes or self._broker.position_pushes:
            pushes += self._account_pushes(found.events)
        return events.Outcome(answer, tuple(pushes), found.events)

    def _pushes(self, event: events.Event) -> Iterable[Push]:
        """一件事 → 厂商的推送：推几条、谁在先、各晚多久，照券商的脾气。"""
        if isinstance(event, (events.Accepted, events.Queued)):
            return self._accepted(event)
        if isinstance(event, events.AccountStatusChanged):
            return [Push("account_status", *event.account, _status_row(event))]
        broker, order = self._broker, event.order
        if isinstance(event, events.CancelRefused):
            row = _cancel_error_row(event, broker)
            return [_push("cancel_error", order, row, broker.reject_s)]
        row = self._named(order, self._make_order(order))
        if isinstance(event, events.Filled):
            told = [_push("order", order, row, broker.fill_s)]
            if broker.duplicate_part and order.status == OrderStatus.PART_SUCC:
                told *= 2
            trade = _push("trade", order, self._make_trade(event.trade), broker.fill_s)
            return [trade, *told] if broker.trade_first else [*told, trade]
        if isinstance(event, events.Refused):
            junk = _push("order", order, row, broker.reject_s)
            error = _push("order_error", order, _order_error_row(event, broker), broker.reject_s)
            if broker.error_first:
                return [error, junk]
            seen = row._replace(order_status=int(OrderStatus.REPORTED), status_msg="")
            return [_push("order", order, seen, broker.report_s), junk, error]
        if isinstance(event, events.CancelRequested) and not broker.shows_cancelling:
            return []
        return [_push("order", order, row)]

    def _accepted(self, event: events.Queued | events.Accepted) -> list[Push]:
        """收下了：未报、待报、已报，合同编号也许还要等。存着的停在待报。"""
        broker, order = self._broker, event.order
        row = self._make_order(order)
        if not (broker.shows_early or broker.sysid_delay_s):
            return [_push("order", order, row, broker.report_s)]
        early: tuple[OrderStatus, ...] = ()
        if isinstance(event, events.Queued):
            early = (OrderStatus.UNREPORTED,) if broker.shows_early else ()
            rows_ = [row._replace(order_status=int(status)) for status in early]
            return [_push("order", order, each, broker.report_s) for each in (*rows_, row)]
        if broker.shows_early and not event.queued:
            early = OrderStatus.UNREPORTED, OrderStatus.WAIT_REPORTING
        late_s = broker.sysid_delay_s
        blank = row._replace(order_sysid="") if early or late_s else row
        rows_ = [blank._replace(order_status=int(status)) for status in early]
        pushes = [
            _push("order", order, each, broker.report_s)
            for each in (*rows_, blank if late_s else row)
        ]
        if late_s:
            self._nameless[order.order_id] = self.engine.market_time() + broker.report_s + late_s
            pushes.append(_push("order", order, row, broker.report_s + late_s))
        return pushes

    def _account_pushes(self, happened: tuple[events.Event, ...]) -> Iterable[Push]:
        """这些事情之后的资金与持仓：厂商说目前不生效，所以要另外打开。"""
        orders = [e.order for e in happened if not isinstance(e, events.AccountStatusChanged)]
        for account, last in {(o.account_type, o.account_id): o.order_id for o in orders}.items():
            after = 0.0, last  # 排在引起它们的后面
            if self._broker.account_pushes:
                for asset in self.engine.asset_now(*account):
                    yield Push("asset", *account, asset_row(asset), *after)
            if self._broker.position_pushes:
                codes = {each.stock_code for each in orders if each.account_id == account[1]}
                for held in self.engine.positions_now(*account):
                    if held.stock_code in codes:
                        yield Push("position", *account, _position_row(held), *after)


def _push(kind: str, order: events.OrderSnapshot, row: tuple[Any, ...], lag_s: float = 0.0) -> Push:
    return Push(kind, order.account_type, order.account_id, row, lag_s, order.order_id)


def order_row(order: events.OrderSnapshot) -> Row:
    """XtOrder。"""
    traded = order.traded_volume
    subscribing = order.off_book and order.order_type == OrderType.BUY
    return rows.OrderRow(
        order.account_type,
        order.account_id,
        order.stock_code,
        order.order_id,
        order.order_time,
        order.order_type,
        order.volume,
        _SUBSCRIBE if subscribing else BROKER_PRICE_TYPES[order.price_type],
        yuan(order.price_li),
        traded,
        round(order.traded_amount_li / traded / 1000, 6) if traded else 0.0,
        order.status,
        order.sysid,
        _clip(f"[COUNTER]{order.reason}", _STATUS_BYTES) if order.reason else "",
        order.strategy_name,
        order.order_remark,
        _LONG,
        _offset_flag(order.order_type),
        _secu_account(order.account_id, order.exchange),
        instrument_name(order.stock_code),
    )


def trade_row(trade: events.TradeSnapshot) -> Row:
    """XtTrade。``commission`` 是这笔成交收的全部费用。"""
    return rows.TradeRow(
        trade.account_type,
        trade.account_id,
        trade.stock_code,
        trade.traded_id,
        trade.traded_time,
        yuan(trade.price_li),
        trade.volume,
        yuan(trade.amount_li),
        trade.order_id,
        trade.order_type,
        trade.sysid,
        trade.strategy_name,
        trade.order_remark,
        _LONG,
        _offset_flag(trade.order_type),
        yuan(trade.fees_li),
        _secu_account(trade.account_id, trade.exchange),
        instrument_name(trade.stock_code),
    )


def asset_row(asset: Asset) -> Row:
    """XtAsset。"""
    return rows.AssetRow(
        asset.account_type,
        asset.account_id,
        yuan(asset.cash_li),
        yuan(asset.frozen_li),
        yuan(asset.market_li),
        yuan(asset.total_li),
        yuan(asset.fetch_li),
        yuan(asset.cash_li + asset.frozen_li),
    )


def _position_row(held: Holding) -> Row:
    value = held.volume * held.last_li
    profit = value - held.basis_li
    return rows.PositionRow(
        held.account_type,
        held.account_id,
        held.stock_code,
        held.volume,
        held.sellable,
        _average(held.cost_li, held.volume),
        yuan(value),
        held.frozen,
        held.locked,
        held.yesterday,
        _average(held.basis_li, held.volume),
        _LONG,
        yuan(profit),
        yuan(held.last_li),
        round(profit / held.basis_li, 6) if held.basis_li > 0 else 0.0,
        _secu_account(held.account_id, held.exchange),
        instrument_name(held.stock_code),
        held.open_date,
        yuan(profit),
    )


def _info_row(account_type: int, account_id: str) -> Row:
    product, broker = "模拟账户", "easytrader 模拟柜台"
    return rows.AccountInfoRow(
        account_type, account_id, _STOCK_BROKER, 0, "", product, 0, broker, "", _LOGIN_OK
    )


def _status_row(event: events.AccountStatusChanged) -> Row:
    return rows.AccountStatusRow(*event.account, event.status)


def _order_error_row(event: events.Refused, broker: Profile) -> Row:
    order = event.order
    told = broker.wording.get(event.reject.code)
    if told is not None:
        error_id, text = told[0], _worded(told[1], event.reject)
        return _order_error(order, error_id, text)
    how = "限价" if order.price_type in LIMIT_TYPES else "市价"
    side = "买入" if order.order_type in BUY_TYPES else "卖出"
    code, _, exchange = order.stock_code.partition(".")
    text = f"{how}{side} [{exchange}{code}] {_counter_text(event.reject)}"
    return _order_error(order, broker.order_error_id, text)


def _worded(text: str, reject: events.Reject) -> str:
    """填上 ``名字=数`` 里的数；缺的原样留着。"""
    given = dict(each.split("=", 1) for each in reject.detail.split(",") if "=" in each)
    for name, value in given.items():
        text = text.replace(f"{{{name}}}", value)
    return text


def _order_error(order: events.OrderSnapshot, error_id: int, text: str) -> Row:
    return rows.OrderErrorRow(
        order.account_type,
        order.account_id,
        order.order_id,
        error_id,
        _clip(text, _ERROR_BYTES),
        order.strategy_name,
        order.order_remark,
    )


def _cancel_error_row(event: events.CancelRefused, broker: Profile) -> Row:
    order = event.order
    text = _counter_text(event.reject)
    if event.reject == WRONG_STATUS:
        text += f" [old_entrust_status={_OLD_STATUS.get(OrderStatus(order.status), 0)}]"
    return rows.CancelErrorRow(
        order.account_type,
        order.account_id,
        order.order_id,
        broker.cancel_error_id,
        _market(order.exchange),
        order.sysid,
        text,
    )


def _counter_text(reject: events.Reject) -> str:
    """``[COUNTER] [260200][可用资金不足][…]``。"""
    return f"[COUNTER] {reject}"


def _clip(text: str, limit: int) -> str:
    """按 UTF-8 字节数截断，不切开一个字符。"""
    return text.encode()[:limit].decode(errors="ignore")


def _market(exchange: str) -> int:
    """市场代码；不是证券为 -1。"""
    return next((code for name, code in MARKET_CODES.items() if name == exchange), -1)


def _offset_flag(order_type: int) -> int:
    return _BUY_FLAG if order_type in BUY_TYPES else _SELL_FLAG


@lru_cache(maxsize=256)
def _secu_account(account_id: str, exchange: str) -> str:
    """股东账号：沪市 A 开头，深、北 0 开头，由资金账号推出；不是证券为空。"""
    if not exchange:
        return ""
    number = zlib.crc32(account_id.encode()) % 1_000_000_000
    return f"{'A' if exchange == 'SH' else '0'}{number:09d}"


def _split(stock_code: str) -> tuple[str, str]:
    code, _, exchange = stock_code.partition(".")
    return code, exchange


def _average(cost_li: int, volume: int) -> float:
    return round(cost_li / volume / 1000, 6) if volume else 0.0


def _done_row(verb: str, args: events.BusinessQuery, done: events.Done) -> Row:
    good = not done.reason
    if verb == "transfer":
        return rows.TransferRow(args.account_id, good, done.reason or "划拨成功")
    if verb == "bank_transfer":
        return rows.BankTransferRow(args.account_id, good, done.reason or "转账成功")
    return rows.SmtAnswerRow(good, done.reason or "申请成功", done.key or "-1")


# 信用 --------------------------------------------------------------------


def _credit_detail(args: events.AccountQuery, found: Statement) -> Row:
    figures, settings = found.figures, found.settings
    fin_used = figures.fin_left + figures.fin_working
    slo_used = figures.slo_left + figures.slo_working
    return rows.CreditDetailRow(
        account_type=args.account_type,
        account_id=args.account_id,
        status=0,
        update_time=int(found.now),
        calc_config=0,
        frozen_cash=yuan(figures.frozen),
        balance=yuan(figures.assets),
        available=yuan(figures.cash),
        position_profit=yuan(figures.market - figures.cost),
        market_value=yuan(figures.market),
        fetch_balance=yuan(found.withdrawable_li),
        stock_value=yuan(figures.stocks),
        fund_value=yuan(figures.funds),
        total_debt=yuan(figures.debts),
        enable_bail_balance=yuan(figures.bail),
        per_assurescale_value=figures.ratio,
        assure_asset=yuan(figures.assets - figures.debts),
        fin_debt=yuan(figures.fin_left + figures.fin_fare),
        fin_deal_avl=yuan(figures.fin_left),
        fin_fee=yuan(figures.fin_fare),
        slo_debt=yuan(figures.slo_value + figures.slo_fare),
        slo_market_value=yuan(figures.slo_value),
        slo_fee=yuan(figures.slo_fare),
        other_fare=0.0,
        fin_max_quota=yuan(settings.fin_quota_li),
        fin_enable_quota=yuan(max(settings.fin_quota_li - fin_used, 0)),
        fin_used_quota=yuan(fin_used),
        slo_max_quota=yuan(settings.slo_quota_li),
        slo_enable_quota=yuan(max(settings.slo_quota_li - slo_used, 0)),
        slo_used_quota=yuan(slo_used),
        slo_sell_balance=yuan(figures.pool + figures.used_pool),
        used_slo_sell_balance=yuan(figures.used_pool),
        surplus_slo_sell_balance=yuan(figures.pool),
    )


def _stk_compact(args: events.AccountQuery, found: CreditContract) -> Row:
    security = parse_security(found.stock_code)
    return rows.StkCompactRow(
        account_type=args.account_type,
        account_id=args.account_id,
        compact_type=found.kind,
        cashgroup_prop=found.group,
        exchange_id=_market(security.exchange),
        open_date=day_number(found.opened),
        business_vol=found.volume,
        real_compact_vol=found.left_volume,
        ret_end_date=day_number(found.due),
        business_balance=yuan(found.amount_li),
        business_fare=yuan(found.fare_li),
        real_compact_balance=yuan(found.left_li),
        real_compact_fare=yuan(found.left_fare_li),
        repaid_fare=yuan(found.repaid_fare_li),
        repaid_balance=yuan(found.repaid_li),
        instrument_id=security.code,
        compact_id=found.compact_id,
        position_str=found.compact_id,
    )


def _credit_subject(args: events.AccountQuery, found: Subject) -> Row:
    """不是这一种标的的，状态是作废。"""
    return rows.CreditSubjectRow(
        args.account_type,
        args.account_id,
        _NORMAL if found.slo else _VOID,
        _NORMAL if found.fin else _VOID,
        _market(found.security.exchange),
        found.slo_margin_ppm / _PPM,
        found.fin_margin_ppm / _PPM,
        found.security.code,
    )


def _slo_code(args: events.AccountQuery, found: ShortSource) -> Row:
    security = found.security
    market = _market(security.exchange)
    return rows.CreditSloCodeRow(
        args.account_type, args.account_id, market, found.group, found.left, security.code
    )


def _credit_assure(args: events.AccountQuery, found: Collateral) -> Row:
    ratio, market = found.ratio_ppm / _PPM, _market(found.security.exchange)
    return rows.CreditAssureRow(
        args.account_type, args.account_id, market, _NORMAL, ratio, found.security.code
    )


# 申购 --------------------------------------------------------------------


def _ipo_data(_: events.AccountQuery, issue: Issue) -> Row:
    return rows.IPODataRow(
        issue.code,
        issue.name,
        "BOND" if issue.bond else "STOCK",
        issue.most,
        issue.least,
        day_code(issue.day),
        yuan(issue.price_li),
    )


def _purchase_limit(_: events.AccountQuery, limit: tuple[str, int]) -> Row:
    return rows.NewPurchaseLimitRow(*limit)


# 划拨、转账 ----------------------------------------------------------------


def _bank_info(_: events.BusinessQuery, bank: Bank) -> Row:
    return rows.BankRow(True, "", _CNY, bank.bank_no, bank.bank_account, bank.bank_name)


def _bank_amount(args: events.BusinessQuery, found: BankBalance) -> Row:
    good, money = not found.reason, yuan(found.balance_li)
    currency, card = _CNY if good else "", found.bank_account
    return rows.BankAmountRow(good, found.reason, args.account_id, card, currency, money, money)


def _bank_stream(args: events.BusinessQuery, entry: BankEntry) -> Row:
    return rows.BankStreamRow(
        True,
        "",
        entry.date,
        entry.time,
        entry.number,
        "1" if entry.side == IN else "2",
        entry.bank_no,
        entry.bank_name,
        entry.bank_account,
        _CNY,
        args.account_id,
        yuan(entry.amount_li),
        "",
        "成功",
    )


def _com_fund(_: events.BusinessQuery, found: ComFund) -> Row:
    cash, value = yuan(found.cash_li), yuan(found.value_li)
    total = yuan(found.cash_li + found.value_li)
    return rows.ComFundRow(True, "", _CNY, cash, cash, cash, 0.0, total, cash, value, 0.0)


def _com_position(args: events.BusinessQuery, held: ComHolding) -> Row:
    security = parse_security(held.stock_code)
    value_li = held.volume * held.last_li
    income_li = value_li - held.cost_li
    return rows.ComPositionRow(
        True,
        "",
        _secu_account(args.account_id, security.exchange),
        "",
        security.exchange,
        security.code,
        instrument_name(held.stock_code),
        float(held.volume),
        float(held.volume),
        yuan(held.last_li),
        _average(held.cost_li, held.volume),
        yuan(income_li),
        round(income_li / held.cost_li, 6) if held.cost_li else 0.0,
        yuan(value_li),
        yuan(held.cost_li),
        0,
        held.volume,
        False,
        held.stock_code,
    )


def _shareholder(args: events.BusinessQuery, market: str) -> Row:
    """沪市的是主账户。"""
    return rows.SecuAccountRow(market == "SH", market, _secu_account(args.account_id, market))


def _statistics(args: events.BusinessQuery, found: Standing) -> Row:
    held, quote = found.held, found.quote
    security = parse_security(held.stock_code)
    average = _average(held.cost_li, held.volume)
    value_li = held.volume * quote.last_li
    profit = yuan(value_li - held.cost_li)
    rise = round(quote.last_li / quote.pre_close_li - 1, 6) if quote.pre_close_li else 0.0
    today = yuan(held.volume * (quote.last_li - quote.pre_close_li))
    bought = max(held.volume - held.yesterday, 0)
    return rows.PositionStatisticsRow(
        account_id=args.account_id,
        exchange_id=security.exchange,
        exchange_name=_EXCHANGES.get(security.exchange, ""),
        instrument_id=security.code,
        instrument_name=instrument_name(held.stock_code),
        direction=_LONG,
        position=held.volume,
        yesterday_position=held.yesterday,
        today_position=bought,
        can_close_vol=held.sellable,
        position_cost=yuan(held.cost_li),
        avg_price=average,
        position_profit=profit,
        float_profit=profit,
        open_price=average,
        instrument_value=yuan(value_li),
        open_volume=bought,
        last_price=yuan(quote.last_li),
        rise_ratio=rise,
        assest_weight=round(value_li / found.total_li, 6) if found.total_li else 0.0,
        increase_by_settlement=rise,
        today_profit_loss=today,
        yesterday_init_position=held.yesterday,
        today_close_profit_loss=today,
        open_cost=yuan(held.cost_li),
    )


# 约券 --------------------------------------------------------------------


def _smt_quoter(_: events.BusinessQuery, found: tuple[Quoter, int, int]) -> Row:
    quoter, left, today = found
    code, exchange = _split(quoter.code)
    return rows.SmtQuoterRow(
        True,
        "",
        _SECURITY,
        "0",
        quoter.days,
        code,
        instrument_name(quoter.code),
        exchange,
        quoter.rate,
        quoter.fine_rate,
        quoter.preend_rate,
        quoter.rate,
        quoter.rate,
        day_number(today),
        day_number(today + quoter.days),
        float(left),
        float(left),
        quoter.src_group_id,
        quoter.apply_mode,
        quoter.low_days,
    )


def _smt_order(_: events.BusinessQuery, found: tuple[Application, int]) -> Row:
    order, today = found
    code, exchange = _split(order.code)
    balance = yuan(order.price_li * order.amount)
    done = order.status == DONE
    return rows.SmtOrderRow(
        True,
        "",
        day_number(order.day),
        day_number(order.day),
        order.time,
        order.apply_id,
        order.src_group_id,
        order.compact_id,
        order.apply_mode,
        _SECURITY,
        exchange,
        code,
        instrument_name(order.code),
        order.days,
        order.rate,
        balance,
        float(order.amount),
        balance if done else 0.0,
        float(order.amount) if done else 0.0,
        day_number(order.day),
        day_number(today),
        order.apply_id,
        order.status,
        order.rate,
        order.rate,
        "",
    )


def _smt_compact(_: events.BusinessQuery, found: tuple[Compact, int]) -> Row:
    compact, today = found
    code, exchange = _split(compact.code)
    interest_li, fine_li = compact.interest_li(today)
    interest, fine = yuan(interest_li), yuan(fine_li)
    done = not compact.left
    return rows.SmtCompactRow(
        success=True,
        create_date=day_number(compact.day),
        cashcompact_id=compact.compact_id,
        ori_cashcompact_id=compact.compact_id,
        apply_id=compact.apply_id,
        src_group_id=compact.src_group_id,
        fin_type=_SECURITY,
        exchange_type=exchange,
        code=code,
        code_name=instrument_name(compact.code),
        date=compact.days,
        begin_compac_amount=float(compact.amount),
        begin_compac_balance=yuan(compact.price_li * compact.amount),
        compac_amount=float(compact.left),
        compac_balance=yuan(compact.price_li * compact.left),
        return_amount=float(compact.returned),
        return_balance=yuan(compact.price_li * compact.returned),
        postpone_times=compact.postpones,
        compact_status=compact.status(today),
        src_group_name=_clip(compact.src_group_id, 15),
        repaid_date=day_number(compact.repaid_day) if compact.repaid_day else 0,
        en_postpone_amount=float(compact.left),
        postpone_status="1" if compact.postpones else "",
        apply_mode=compact.apply_mode,
        fsmp_occuped_rate=compact.rate,
        used_rate=compact.rate,
        un_uused_rate=compact.rate,
        fine_rate=compact.fine_rate,
        preend_rate=compact.preend_rate,
        compact_interest=interest,
        compact_fine_interest=fine,
        repaid_interest=interest if done else 0.0,
        repaid_fine_interest=fine if done else 0.0,
        pre_occuped_interest=interest,
        compact_interestx=yuan(interest_li + fine_li),
        last_interest_date=day_number(today),
        interest_end_date=day_number(compact.due),
        valid_date=day_number(compact.due),
    )


_BUSINESS_ROWS: Final[dict[str, Callable[[Any, Any], tuple[Any, ...]]]] = {
    "credit_detail": _credit_detail,
    "stk_compacts": _stk_compact,
    "credit_subjects": _credit_subject,
    "credit_slo_code": _slo_code,
    "credit_assure": _credit_assure,
    "ipo_data": _ipo_data,
    "new_purchase_limit": _purchase_limit,
    "bank_info": _bank_info,
    "bank_amount": _bank_amount,
    "bank_stream": _bank_stream,
    "com_fund": _com_fund,
    "com_position": _com_position,
    "secu_accounts": _shareholder,
    "position_statistics": _statistics,
    "smt_quoters": _smt_quoter,
    "smt_orders": _smt_order,
    "smt_compacts": _smt_compact,
}


def business_rows(
    verb: str, args: events.AccountQuery | events.BusinessQuery, found: Iterable[Any]
) -> list[Row]:
    """一项业务查到的各项 → 厂商的行。"""
    make = _BUSINESS_ROWS[verb]
    return [make(args, each) for each in found]
