"""最新价与行情：模拟的客户端自己会报，真的客户端问厂商的行情接口 ``xtdata``。

行情接口没有期限，行情服务没有起来时会一直等，所以放到一次性的线程上，到期就丢下它。
"""

from __future__ import annotations

import math
import threading
import time
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.backend.records import Quote
from easytrader.basics import numbers, waits
from easytrader.basics.threads import AbandonedError, Aside
from easytrader.errors import EasytraderError, QueryFailedError, UsageError
from easytrader.market.symbols import Board, parse_security

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.miniqmt.vendor.loader import Vendor

_MAX_ASKING: Final = 16
_free: Final = threading.BoundedSemaphore(_MAX_ASKING)
"""行情接口僵死时，丢下的线程最多这么多；再多就直接当作没有行情。"""

_NAMED: Final = 10
"""错误里最多列出这么多个代码。"""

_SIMULATED: Final = "行情接口连着的是模拟行情（环境变量 EASYTRADER_SIM），不能给实盘用"


class _Told(NamedTuple):
    """一次性线程带回来的：结果，或没有结果的原因。"""

    value: Any = None
    error: BaseException | None = None


def last_price(
    vendor_trader: Any, stock_code: str, timeout_s: float, vendor: Vendor
) -> float | None:
    """一只证券的最新价，元；到期没有回答、没有行情、还没有成交都是 None。

    Args:
        vendor_trader: 厂商的 ``XtQuantTrader``；它的客户端自己会报价（模拟的）就问它。
        stock_code: 厂商写法，如 ``600036.SH``。
        timeout_s: 最多等多少秒。
        vendor: 厂商包。
    """
    own = getattr(getattr(vendor_trader, "async_client", None), "last_price", None)
    if callable(own):
        return _positive(own(stock_code, timeout_s))

    def ask() -> Any:
        ticks = vendor.full_tick()([stock_code])
        return None if vendor.quotes_are_simulated() else ticks[stock_code]["lastPrice"]

    told = _aside(ask, timeout_s)
    return None if told is None else _positive(told.value)


def quotes(
    vendor_trader: Any, stock_codes: list[str], timeout_s: float, vendor: Vendor
) -> list[Quote]:
    """一批证券此刻的行情，次序照旧；参数同 `last_price`。

    Raises:
        QueryFailedError: 有的没有行情，或到期没有回答。
    """
    unique = list(dict.fromkeys(stock_codes))
    own = getattr(getattr(vendor_trader, "async_client", None), "quotes", None)
    if callable(own):
        ticks, details = _own_quotes(own, unique, timeout_s)
    else:
        ticks, details = _vendor_quotes(vendor, unique, timeout_s)
    return read_quotes(stock_codes, ticks, details)


def read_quotes(
    stock_codes: list[str], ticks: dict[str, Any], details: dict[str, Any]
) -> list[Quote]:
    """厂商的快照与合约信息 → 行情，次序照 ``stock_codes``。

    Raises:
        QueryFailedError: 有的没有行情。
    """
    unique = dict.fromkeys(stock_codes)
    found = {code: _read_quote(code, ticks.get(code), details.get(code)) for code in unique}
    missing = [code for code, quote in found.items() if quote is None]
    if missing:
        raise QueryFailedError(f"没有行情：{_names(missing)}。核对代码；停牌、未上市的也可能没有")
    return [quote for code in stock_codes if (quote := found[code]) is not None]


def _own_quotes(own: Any, codes: list[str], timeout_s: float) -> Any:
    try:
        return own(codes, timeout_s)
    except EasytraderError as exc:
        raise QueryFailedError(f"没有行情：{exc}") from exc


def _vendor_quotes(vendor: Vendor, codes: list[str], timeout_s: float) -> Any:
    def ask() -> Any:
        ticks = vendor.full_tick()(codes)
        if vendor.quotes_are_simulated():
            raise QueryFailedError(_SIMULATED)
        return ticks, _details(vendor, codes)

    told = _aside(ask, timeout_s)
    if told is None:
        raise QueryFailedError(f"行情接口 {timeout_s:.3g} 秒内没有回答：{_names(codes)}")
    if isinstance(told.error, EasytraderError):
        raise QueryFailedError(f"没有行情：{told.error}") from told.error
    if told.error is not None:
        raise QueryFailedError(f"查询行情时厂商接口出错：{told.error!r}") from told.error
    ticks, details = told.value
    return (ticks if isinstance(ticks, dict) else {}), details


# ---- 名称表

_SECTORS: Final = ("沪深A股", "京市A股", "沪深ETF", "沪深LOF", "沪深转债", "沪深REITs")
_known_names: Final[dict[str, dict[str, str]]] = {}
"""日期 → 代码 → 名称：只留今天的。"""
_names_lock: Final = threading.Lock()


def names(vendor_trader: Any, vendor: Vendor) -> dict[str, str]:
    """代码 → 名称，马上返回，不要改它：厂商一次只答一只，在一次性的线程上慢慢填。

    Args:
        vendor_trader: 厂商的 ``XtQuantTrader``；它的客户端自己有名称表（模拟的）就用那一张。
        vendor: 厂商包。
    """
    own = getattr(getattr(vendor_trader, "async_client", None), "names", None)
    if callable(own):
        found: dict[str, str] = own()
        return found
    today = time.strftime("%Y%m%d")
    with _names_lock:
        if today in _known_names:
            return _known_names[today]
        _known_names.clear()
        table = _known_names[today] = {}
    _aside(lambda: _fill_names(vendor, table), 0.0)
    return table


def _fill_names(vendor: Vendor, table: dict[str, str]) -> None:
    try:
        if vendor.quotes_are_simulated():
            return
        sector, detail = vendor.sector_members(), vendor.instrument_detail()
        for name in _SECTORS:
            for code in sector(name) or ():
                facts = detail(code)
                text = facts.get("InstrumentName") if isinstance(facts, dict) else None
                if isinstance(code, str) and isinstance(text, str):
                    table[code] = text
    finally:
        if not table:  # 行情服务还没有起来：下一次再取
            _known_names.clear()


_known: Final[dict[tuple[str, str], Any]] = {}
"""（日期，代码）→ 合约信息：涨跌停一天不变，厂商一次只答一只。"""
_MAX_KNOWN: Final = 20_000


def _details(vendor: Vendor, codes: list[str]) -> dict[str, Any]:
    today = time.strftime("%Y%m%d")
    ask = vendor.instrument_detail()
    found: dict[str, Any] = {}
    for code in codes:
        detail = _known.get((today, code))
        if detail is None:
            detail = ask(code)
            # 开盘以前它可能还是上一个交易日的
            if isinstance(detail, dict) and str(detail.get("TradingDay")) == today:
                if len(_known) >= _MAX_KNOWN:
                    _known.clear()
                _known[today, code] = detail
        found[code] = detail
    return found


def _aside(work: Callable[[], Any], timeout_s: float) -> _Told | None:
    """在一次性的线程上做；到期没有回来、丢下的线程太多、开不出线程为 None。"""
    deadline = time.monotonic() + timeout_s
    if not waits.acquire(_free, timeout_s):
        return None

    def run() -> _Told:
        try:
            return _Told(work())
        except BaseException as exc:  # noqa: BLE001  边界：行情接口抛什么都只是「没有行情」
            return _Told(error=exc)
        finally:
            _free.release()

    try:
        aside = Aside(run, "easytrader-quote").start()
    except RuntimeError:  # 系统开不出新线程
        _free.release()
        return None
    try:
        return aside.result(deadline - time.monotonic())
    except AbandonedError:
        return None


def _names(codes: list[str]) -> str:
    more = f" 等 {len(codes)} 只" if len(codes) > _NAMED else ""
    return "、".join(codes[:_NAMED]) + more


# ---- 厂商的快照与合约信息 → `Quote`：元、股/份/张、Unix 秒；没有的价格是 None，不是 0

_LEVELS: Final = 5
_NO_LIMIT: Final = 1e7
"""厂商用极大的数表示没有涨跌幅限制。"""


def _read_quote(stock_code: str, tick: Any, detail: Any) -> Quote | None:
    """厂商的 ``get_full_tick`` 与 ``get_instrument_detail`` 里的一只；没有行情为 None。"""
    if not isinstance(tick, dict):
        return None
    facts = detail if isinstance(detail, dict) else {}
    pre_close = _positive(tick.get("lastClose")) or _positive(facts.get("PreClose"))
    last = _positive(tick.get("lastPrice"))
    if last is None and pre_close is None:
        return None
    lot = _lot(stock_code, tick)
    return Quote(
        stock_code,
        last,
        _positive(tick.get("open")),
        _positive(tick.get("high")),
        _positive(tick.get("low")),
        pre_close,
        _limit(facts.get("UpStopPrice")),
        _limit(facts.get("DownStopPrice")),
        _count(tick.get("pvolume")) or _count(tick.get("volume")) * lot,
        _positive(tick.get("amount")) or 0.0,
        _count(tick.get("time")) // 1000,
        _side(tick.get("bidPrice"), tick.get("bidVol"), lot),
        _side(tick.get("askPrice"), tick.get("askVol"), lot),
    )


def _positive(price: Any) -> float | None:
    """正的有限数；0、NaN、别的东西都不是价格。"""
    if type(price) is float:  # 多数是它，一次几百只、一只三十来个
        return price if 0.0 < price < math.inf else None
    number = numbers.real(price)
    return number if number is not None and number > 0 else None


def _limit(price: Any) -> float | None:
    found = _positive(price)
    return found if found is not None and found < _NO_LIMIT else None


def _count(number: Any) -> int:
    found = _positive(number)
    return 0 if found is None else int(found)


def _side(prices: Any, volumes: Any, lot: int) -> list[tuple[float, int]]:
    """一边的五档；没有的档是 ``(0.0, 0)``。"""
    found: list[tuple[float, int]] = []
    for price, volume in zip(_list(prices), _list(volumes), strict=False):
        known = _positive(price)
        # 厂商的浮点有 11.370000000000001 这样的尾巴
        found.append((0.0, 0) if known is None else (round(known, 4), _count(volume) * lot))
    return (found + [(0.0, 0)] * _LEVELS)[:_LEVELS]


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, (list, tuple)) else []


def _lot(stock_code: str, tick: dict[str, Any]) -> int:
    """一手是多少：厂商两种成交量之比说得最准，还没有成交时按品种。"""
    volume, shares = _count(tick.get("volume")), _count(tick.get("pvolume"))
    if volume and shares:
        ratio = shares / volume
        return min((1, 10, 100), key=lambda lot: abs(math.log(ratio / lot)))
    try:
        board = parse_security(stock_code).board
    except UsageError:
        return 100
    return 10 if board in (Board.BOND, Board.REPO) else 100
