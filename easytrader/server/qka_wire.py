"""QKA 的线上的话：``POST /api/{厂商的方法}``，头 ``X-Token``，参数是厂商的参数名，不写账号。

能用的方法逐个列在 `METHODS` 里（不是厂商有什么就给什么）。查询问厂商的对象，答它的公开属性；
会改变什么的一律翻译成交易口的动词，与别的入口走同一条路：权限、限额、风控、停单、审计都在。
"""

from __future__ import annotations

import asyncio
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast

from starlette.responses import Response
from starlette.routing import Route

from easytrader import arguments
from easytrader.basics import numbers, tags
from easytrader.codes import OrderType, PriceType
from easytrader.errors import (
    EasytraderError,
    MissingDependencyError,
    QueryFailedError,
    UsageError,
)
from easytrader.miniqmt.groups import checks
from easytrader.rows import business
from easytrader.server import rest
from easytrader.server.rest import Refused
from easytrader.trader import engine_of
from easytrader.wire import errors, values, verbs, words

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from starlette.requests import Request

    from easytrader.miniqmt.session import QmtSession
    from easytrader.server.calls import Answer, Call
    from easytrader.server.desk import Desk
    from easytrader.server.origins import Caller
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader

Given = dict[str, Any]


class Query(NamedTuple):
    """查：厂商的方法原样问。

    Attributes:
        verb: 权限与排队照交易口的哪个动词。
        takes: 账号之外的参数，见 `_taken`。
        has_account: 第一个参数是不是账号。
        maybe_none: None 是「没有这一个」；别的方法的 None 是没有应答。
    """

    verb: str
    takes: str = ""
    has_account: bool = True
    maybe_none: bool = False


class Deed(NamedTuple):
    """办：翻译成交易口的动词。

    Attributes:
        read: 厂商的参数 → (动词, 它的参数)。
        answer: 动词的结果 → 厂商的返回值；None 是异步的，答请求序号。
        names: 动词的参数名 → 厂商的参数名，错误里用。
    """

    read: Callable[[Given], tuple[str, Given]]
    answer: Callable[[Any], Any] | None
    names: Mapping[str, str]


def _taken(given: Mapping[str, Any], takes: str) -> Given:
    """取出要的参数；不认识的不理。

    Args:
        given: 请求里的。
        takes: 空格隔开的 ``厂商的名字[=动词的名字][?]``，带 ``?`` 的可以不给。

    Returns:
        动词的名字 → 值；可以不给而没有给的不在里面。

    Raises:
        UsageError: 少给了。
    """
    found: Given = {}
    for word in takes.split():
        names, optional = word.rstrip("?"), word.endswith("?")
        theirs, _, ours = names.partition("=")
        if theirs in given:
            found[ours or theirs] = given[theirs]
        elif not optional:
            raise UsageError(theirs, None, f"要给；参数有：{' '.join(_names(takes).values())}")
    return found


def _names(takes: str) -> dict[str, str]:
    """动词的参数名 → 厂商的参数名。"""
    pairs = [word.rstrip("?").partition("=") for word in takes.split()]
    return {ours or theirs: theirs for theirs, _, ours in pairs}


# ---- 下单


_ORDER: Final = (
    "stock_code=security order_type order_volume=amount price_type=ttype price "
    "strategy_name? order_remark=remark?"
)
_REPAYS: Final = (
    "fin_buy", "slo_sell", "buy_secu_repay", "sell_secu_repay", "direct_secu_repay",
    "direct_cash_repay",
)  # fmt: skip
_SPECIAL: Final[dict[int, str]] = {
    OrderType[f"{each.upper()}_SPECIAL"]: f"credit.{each}" for each in _REPAYS
}
_SIDES: Final[dict[int, str]] = {
    OrderType.BUY: "buy",
    OrderType.SELL: "sell",
    OrderType.AFTER_FIX_BUY: "after_hours.buy",
    OrderType.AFTER_FIX_SELL: "after_hours.sell",
    **{OrderType[each.upper()]: f"credit.{each}" for each in _REPAYS},
    **_SPECIAL,
}
"""``order_type`` → 动词；不在里面的一律不发。"""

_PROTECTED: Final = frozenset({42, 43, 44, 45})
"""沪市、北交所的市价委托，``price`` 是保护限价。"""
_PLACEHOLDER_VOLUME: Final = 100
"""直接还款、金额写在价格里时的数量。"""


def _order(given: Given) -> tuple[str, Given]:
    wanted = _taken(given, _ORDER)
    kind, price_type = wanted.pop("order_type"), wanted.pop("ttype")
    price, side = wanted.pop("price"), numbers.whole(kind)
    verb = _SIDES.get(side) if side is not None else None
    if verb is None:
        known = "、".join(f"{code} {OrderType(code).label}" for code in _SIDES)
        raise UsageError("order_type", kind, f"可用的：{known}")
    number = numbers.whole(price_type)
    if number is None:
        raise UsageError("price_type", price_type, "应为 xtconstant 里的报价类型，如 11（限价）")
    if side in _SPECIAL:
        wanted["special"] = True
    if verb == "credit.direct_secu_repay":
        return verb, wanted  # 不成交，没有价格
    if verb == "credit.direct_cash_repay":
        return verb, wanted | _repaid(wanted["amount"], number, price)
    if number == PriceType.FIX:
        return verb, wanted | {"price": price}
    return _market(verb, number, price, wanted)


def _market(verb: str, price_type: int, price: object, wanted: Given) -> tuple[str, Given]:
    if verb.startswith("after_hours."):
        raise UsageError("price_type", price_type, "盘后固定价格只有限价：11")
    amount = numbers.real(price)
    if amount is None:
        raise UsageError("price", price, "市价委托写 0 或 -1")
    if price_type in _PROTECTED and amount > 0:
        target = arguments.security(wanted["security"])
        if target.exchange != "SZ":
            raise UsageError("price", price, "市价委托不支持保护限价，写 0 或 -1")
    if verb.startswith("credit."):
        return verb, wanted | {"price": None, "ttype": price_type}
    return f"market_{verb}", wanted | {"ttype": price_type}


def _repaid(volume: object, price_type: int, price: object) -> Given:
    """还多少写在哪里：只认两种没有歧义的写法。"""
    amount = numbers.real(price)
    if price_type == PriceType.LATEST and amount is not None and amount <= 0:
        return {"amount": volume, "amount_in": "volume"}
    if price_type == PriceType.FIX and numbers.whole(volume) == _PLACEHOLDER_VOLUME:
        return {"amount": price, "amount_in": "price"}
    form = (
        "直接还款的金额只认两种写法：price_type=5、price=0，金额在 order_volume 里；"
        f"price_type=11、order_volume={_PLACEHOLDER_VOLUME}，金额在 price 里"
    )
    raise UsageError("price_type", price_type, form)


# ---- 别的会改变什么的


_ALGO: Final = (
    "stock_code=security order_type=side order_volume=amount price_type price strategy_name "
    "order_remark=remark algo_name start_time end_time algo_param"
)
_NEGOTIATE: Final = "src_group_id order_code=security date=days amount apply_rate dict_param=extra?"
_RATES: Final = {"subFareRate": "sub_fare_rate", "fineRate": "fine_rate"}


def _algo(given: Given) -> tuple[str, Given]:
    wanted = _taken(given, _ALGO)
    price_type = numbers.whole(wanted.pop("price_type"))
    if price_type == PriceType.MARKET:
        wanted["price"] = None
    elif price_type != PriceType.FIX:
        raise UsageError("price_type", price_type, "智能算法只有 11（限价）、12（市价）")
    return "algo.order_async", wanted


def _negotiate(given: Given) -> tuple[str, Given]:
    wanted = _taken(given, _NEGOTIATE)
    extra = wanted.pop("extra", None) or {}
    if not isinstance(extra, dict) or not extra.keys() <= _RATES.keys():
        raise UsageError("dict_param", extra, f"应为字典，键只有 {'、'.join(_RATES)}")
    rates = {_RATES[key]: value for key, value in extra.items()}
    return "lending.negotiate_order_async", wanted | rates


def _number(row: Any) -> Any:
    """委托编号；当场被拒绝的是 -1。"""
    return row["entrust_no"]


def _cancelled(row: Any) -> int:
    return 0 if row["success"] else -1


def _outcome(row: Any) -> list[Any]:
    return [row["success"], row["message"]]


def _pair(
    name: str, read: Callable[[Given], tuple[str, Given]], answer: Callable[[Any], Any], takes: str
) -> dict[str, Deed]:
    """同步的与异步的。"""

    def later(given: Given) -> tuple[str, Given]:
        verb, wanted = read(given)
        return f"{verb}_async", wanted

    names = _names(takes)
    return {name: Deed(read, answer, names), f"{name}_async": Deed(later, None, names)}


def _plain(verb: str, takes: str) -> Callable[[Given], tuple[str, Given]]:
    return lambda given: (verb, _taken(given, takes))


_BANK: Final = "bank_no bank_account balance=amount bank_pwd? fund_pwd?"
_CTP: Final = "opt_account_id ft_account_id balance=amount"
_FUND: Final = "transfer_direction=direction price=amount"
_SECU: Final = "transfer_direction=direction stock_code=security volume transfer_type"
_APPOINT: Final = "order_code=security date=days amount apply_rate"
_RENEW: Final = "cash_compact_id order_code=security defer_days defer_num=defer_amount apply_rate"
_RETURN: Final = "src_group_id cash_compact_id order_code=security occur_amount=amount"


def _one(verb: str, takes: str, answer: Callable[[Any], Any] | None = None) -> Deed:
    """只有同步的，或只有异步的。"""
    return Deed(_plain(verb, takes), answer, _names(takes))


def _twins(name: str, verb: str, answer: Callable[[Any], Any], takes: str) -> dict[str, Deed]:
    return _pair(name, _plain(verb, takes), answer, takes)


METHODS: Final[dict[str, Query | Deed]] = {
    "query_stock_asset": Query("balance"),
    "query_stock_orders": Query("today_entrusts", "cancelable_only?"),
    "query_stock_order": Query("find_entrust", "order_id", maybe_none=True),
    "query_stock_trades": Query("today_trades"),
    "query_stock_positions": Query("position"),
    "query_stock_position": Query("position", "stock_code", maybe_none=True),
    "query_credit_detail": Query("credit.detail"),
    "query_stk_compacts": Query("credit.compacts"),
    "query_credit_subjects": Query("credit.subjects"),
    "query_credit_slo_code": Query("credit.slo_codes"),
    "query_credit_assure": Query("credit.assure"),
    "query_new_purchase_limit": Query("ipo.limits"),
    "query_ipo_data": Query("ipo.data", has_account=False),
    "query_account_info": Query("client.account_infos", has_account=False),
    "query_account_infos": Query("client.account_infos", has_account=False),
    "query_account_status": Query("client.account_status", has_account=False),
    "query_secu_account": Query("client.secu_accounts"),
    "query_position_statistics": Query("client.position_statistics"),
    "query_com_fund": Query("transfer.com_fund"),
    "query_com_position": Query("transfer.com_position"),
    "query_bank_info": Query("bank.info"),
    "query_bank_amount": Query("bank.amount", "bank_no bank_account bank_pwd"),
    "query_bank_transfer_stream": Query(
        "bank.transfer_stream", "start_date end_date bank_no? bank_account?"
    ),
    "smt_query_quoter": Query("lending.quoters"),
    "smt_query_order": Query("lending.orders"),
    "smt_query_compact": Query("lending.compacts"),
    "get_smart_algo_param": Query("algo.params", "algo_name_list", has_account=False),
    "query_smart_algo_task": Query("algo.tasks"),
    **_pair("order_stock", _order, _number, _ORDER),
    **_twins("cancel_order_stock", "cancel_entrust", _cancelled, "order_id=entrust_no"),
    **_twins(
        "cancel_order_stock_sysid", "client.cancel_sysid", _cancelled, "market sysid=order_sysid"
    ),
    "fund_transfer": _one("transfer.fund", _FUND, _outcome),
    "secu_transfer": _one("transfer.secu", _SECU, _outcome),
    **_twins("bank_transfer_in", "bank.transfer_in", _outcome, _BANK),
    **_twins("bank_transfer_out", "bank.transfer_out", _outcome, _BANK),
    **_twins("ctp_transfer_option_to_future", "transfer.option_to_future", _outcome, _CTP),
    **_twins("ctp_transfer_future_to_option", "transfer.future_to_option", _outcome, _CTP),
    "smt_negotiate_order_async": Deed(_negotiate, None, _names(_NEGOTIATE)),
    "smt_appointment_order_async": _one("lending.appointment_order_async", _APPOINT),
    "smt_appointment_cancel_async": _one("lending.appointment_cancel_async", "apply_id"),
    "smt_compact_renewal_async": _one("lending.compact_renewal_async", _RENEW),
    "smt_compact_return_async": _one("lending.compact_return_async", _RETURN),
    "smart_algo_order_async": Deed(_algo, None, _names(_ALGO)),
    "cancel_smart_algo_task_async": _one("algo.cancel_task_async", "task_id"),
}
"""能用的方法。"""

_FILES: Final = "读写的是跑客户端的那台机器上的文件"
_OURS: Final = "连接由服务器管"
LEFT_OUT: Final[dict[str, str]] = {
    **dict.fromkeys(("export_data", "query_data", "sync_transaction_from_external"), _FILES),
    **dict.fromkeys(
        ("connect", "start", "stop", "subscribe", "unsubscribe", "register_callback",
         "run_forever", "sleep", "set_timeout", "set_relaxed_response_order_enabled",
         "common_op_sync_with_seq", "common_op_async_with_seq"),
        _OURS,
    ),
}  # fmt: skip
"""厂商有、这里没有的，为什么；另有异步的查询：没有回调可给。"""


def missing(method: str) -> str:
    """没有这个方法，怎么说。"""
    why = LEFT_OUT.get(method)
    if why is None and method.removesuffix("_async") in METHODS:
        why = f"异步的查询没有回调可给，用 {method.removesuffix('_async')}"
    return f"没有 {method} 这个方法{f'：{why}' if why else ''}"


# ---- 查询


def _codes(argument: str, value: object) -> str:
    try:
        return arguments.security(value).stock_code
    except UsageError as exc:
        raise UsageError(argument, value, exc.expected) from None


def _algorithms(argument: str, value: object) -> list[str]:
    found = arguments.several(argument, value, "应为算法名的列表，如 ['VWAP']", 100)
    return [checks.text(argument, each, "算法名") for each in found]


_READ: Final[dict[str, Callable[[str, object], Any]]] = {
    "cancelable_only": arguments.flag,
    "order_id": checks.number,
    "stock_code": _codes,
    "bank_no": lambda name, value: checks.text(name, value, "银行编号", empty=True),
    "bank_account": lambda name, value: checks.text(name, value, "银行账号", empty=True),
    "bank_pwd": checks.secret,
    "start_date": checks.day,
    "end_date": checks.day,
    "algo_name_list": _algorithms,
}
"""查询的参数怎样校验。"""
_CREDIT: Final = ("credit.", "lending.")
"""信用账号才有的动词。"""
_NEVER_EMPTY: Final = frozenset({"query_credit_detail", "query_com_fund"})
"""厂商失败了也答空的：空的不是答案。"""
_ABSENT: Final[Given] = {"cancelable_only": False, "bank_no": "", "bank_account": ""}


def asked(name: str, given: Mapping[str, Any]) -> Callable[[Trader], Any]:
    """一次查询：参数先校验，再在交易口的会话上问，答厂商的样子。

    Raises:
        UsageError: 参数不对。
    """
    query = METHODS[name]
    assert isinstance(query, Query)
    taken = _ABSENT | _taken(given, query.takes)
    values = [_READ[each](each, taken[each]) for each in _names(query.takes).values()]

    def ask(user: Trader) -> Any:
        session = cast("QmtSession", engine_of(user).session)
        if not hasattr(session, "need"):
            raise MissingDependencyError(f"这个账号的后端不是 MiniQMT，没有 {name}")
        if query.verb.startswith(_CREDIT):
            session.need(name, "CREDIT")
        account = [session.account] if query.has_account else []
        found = session.query(name, name, *account, *values)
        if (found is None and not query.maybe_none) or (not found and name in _NEVER_EMPTY):
            raise QueryFailedError(f"{name} 没有结果（厂商返回 {found!r}）")
        for each in found if isinstance(found, list) else [found]:
            why = business.failure(each) or _error(each)
            if why:
                raise QueryFailedError(f"{name} 失败：{why}")
        if name.startswith("query_account_"):  # 客户端里登录的别的账号，与这个令牌无关
            found = [each for each in found if each.account_id == session.account_id]
        return public(found)

    return ask


def _error(record: Any) -> str:
    """智能算法的查询失败时是 ``{'error': {'msg': …}}``。"""
    error = record.get("error") if isinstance(record, dict) else None
    return str(error.get("msg") or error) if isinstance(error, dict) else str(error or "")


def public(value: Any) -> Any:
    """厂商的对象 → 它的公开属性；数、文字、列表、字典原样。"""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        return {str(key): public(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [public(each) for each in value]
    names = [each for each in getattr(value, "__dict__", ()) if not each.startswith("_")]
    kind: object = type(value)
    return {name: public(_attribute(value, name)) for name in names or _declared(kind)}


def _attribute(record: Any, name: str) -> Any:
    try:
        found = getattr(record, name)
    except UnicodeDecodeError:  # 厂商按字节截断的中文
        return ""
    if name in ("order_remark", "m_strOrderRemark"):
        return tags.split(found or "")[1]  # 本库的标记不给人看
    return found


@lru_cache(maxsize=256)
def _declared(kind: object) -> tuple[str, ...]:
    """C 扩展的对象没有 ``__dict__``，属性写在类上。"""
    names = (each for each in dir(kind) if not each.startswith("_"))
    return tuple(each for each in names if not callable(getattr(kind, each)))


# ---- 路由

_PREFIX: Final = "/api/"
TOKEN_HEADER: Final = "X-Token"  # noqa: S105  头的名字


def routes(desks: Mapping[str, Desk], authenticate: Callable[[str, Any], Grant]) -> list[Route]:
    """``POST /api/{method}``。

    Args:
        desks: 名字 → 账号。
        authenticate: (令牌, ASGI 的 scope) → 许可；不对的抛 `Refused`。
    """

    async def api(request: Request) -> Response:
        try:
            return await _answered(request, desks, authenticate)
        except Refused as exc:
            await asyncio.sleep(exc.wait_s)  # 错的令牌答得慢
            return _refused(exc.error, exc.status, exc.headers)
        except EasytraderError as exc:
            return _refused(exc)

    return [Route(_PREFIX + "{method}", api, methods=["POST"])]


async def _answered(
    request: Request, desks: Mapping[str, Desk], authenticate: Callable[[str, Any], Grant]
) -> Response:
    tokens = request.headers.getlist(TOKEN_HEADER)
    if len(tokens) != 1:
        form = f"要有一个 {TOKEN_HEADER} 头，值是令牌"
        raise Refused(422, UsageError(TOKEN_HEADER, f"{len(tokens)} 个", form))
    grant = authenticate(tokens[0], request.scope)
    desk = _desk(desks, grant)
    method = request.path_params["method"]
    told = METHODS.get(method)
    if told is None:
        raise Refused(404, UsageError("method", method, missing(method)))
    given = await rest.read_object(request)
    if isinstance(told, Query):
        found: bytes = await desk.call(_asking(request, method, told, given, grant))
        return Response(found, media_type=rest.JSON)
    return await _did(request, desk, grant, told, given)


def _desk(desks: Mapping[str, Desk], grant: Grant) -> Desk:
    """这个令牌看得见的那一个账号：线上的话里没有账号，有几个就不猜。"""
    seen = [each for each in desks.values() if each.seen_by(grant)]
    if len(seen) != 1:
        form = "QKA 的话里没有账号，令牌要只看得见一个：easytrader token add 名字 --accounts 账号"
        raise Refused(409 if seen else 404, UsageError("account", f"{len(seen)} 个", form))
    return seen[0]


def _address(request: Request) -> str:
    caller: Caller = request.scope["state"]["caller"]
    return caller.address


def _asking(request: Request, method: str, query: Query, given: Given, grant: Grant) -> Call:
    verb = verbs.find(query.verb)
    assert verb is not None
    shown = {"method": method, **_taken(given, query.takes)}
    ask = asked(method, given)

    def work(user: Trader) -> bytes:  # 在道上就写成字节
        return _body(ask(user))

    return rest.call_of(request, verb, shown, grant, "qka", _address(request), work)


async def _did(request: Request, desk: Desk, grant: Grant, deed: Deed, given: Given) -> Response:
    headers: dict[str, str] = {}
    try:
        name, kwargs = deed.read(given)
        verb = verbs.find(name)
        assert verb is not None
        call = rest.call_of(request, verb, kwargs, grant, "qka", _address(request))
        headers[words.REQUEST_HEADER] = call.request
        answer = await _first(desk, call)
    except UsageError as exc:
        theirs = deed.names.get(exc.argument, exc.argument)
        return _refused(UsageError(theirs, exc.value, exc.expected), headers=headers)
    except EasytraderError as exc:
        return _refused(exc, headers=headers)
    if deed.answer is None:
        return Response(_body(_seq(answer)), headers=headers, media_type=rest.JSON)
    data = deed.answer(answer.result)
    detail = answer.result.get("message", "") if data == -1 else ""
    return Response(_body(data, detail), headers=headers, media_type=rest.JSON)


async def _first(desk: Desk, call: Call) -> Answer:
    """头一个回答：异步的动词是序号，发出了就有。"""
    first: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

    def heard(answer: Answer) -> None:
        if first.done():
            return
        if answer.error is None:
            first.set_result(answer)
        else:
            first.set_exception(answer.error)

    desk.submit(call, lambda answer: desk.post(partial(heard, answer)))
    return await first


def _seq(answer: Answer) -> Any:
    """异步的答请求序号；同一个请求号早就做完了的，没有这一次的序号，答委托编号。"""
    if answer.seq is not None:
        return answer.seq
    row = answer.result
    return row.get("seq") or row.get("entrust_no") or (1 if row["success"] else -1)


def _body(data: Any, detail: str = "") -> bytes:
    told = {"success": True, "data": data}
    return values.encode({**told, "detail": detail} if detail else told)


def _refused(
    error: EasytraderError, status: int | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """QKA 的客户端看状态；我们的客户端看 ``error``，类型与话都原样。"""
    body = values.encode({"detail": str(error), "error": errors.to_wire(error)})
    return Response(body, status or rest.status_of(error), headers, media_type=rest.JSON)
