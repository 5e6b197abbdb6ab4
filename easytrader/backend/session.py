"""后端要做的事：一次会话（`Session`）与怎样开一次会话（`Connector`）。

这里没有字典、没有中文名；`Trader` 只认这两个协议。`BaseSession` 是各家会话都要的那一部分。
"""

from __future__ import annotations

import itertools
import threading
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from easytrader.errors import NotConnectedError, OutcomeUnknownError, QueryFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from easytrader.backend import records
    from easytrader.basics.numbers import Number


_T_contra = TypeVar("_T_contra", contravariant=True)


class Reply(Protocol[_T_contra]):
    """一个请求等的应答（`orders.Receipt`）：`put` 或 `fail`，先到的算，在任何线程上，不阻塞。"""

    seq: int
    """请求序号；还没有发出为 0。"""
    awaited: bool
    """有人当场等着：不必占异步的空位。"""
    quiet: bool
    """不必推异步应答的事件。"""
    over: Callable[[bool], None] | None
    """后端可以放：有了结果之后调用一次，参数是不是到期。"""
    heard: Callable[[], None] | None
    """后端可以放：来了应答（不是断线、到期）调用一次。"""
    known: str
    """后端可以放：到期没有应答时，已经知道的（如柜台的委托编号），说给用户。"""

    @property
    def kind(self) -> str:
        """``submit cancel query``。"""

    def done(self) -> bool:
        """有结果了没有。"""

    def wait(self) -> object:
        """等到有结果，最晚到期限；``awaited`` 的可以先在后端里等。"""

    def depart(self, seq: int) -> None:
        """就要发出，请求序号是 ``seq``；期限从这时算起，到期由回执自己了结。"""

    def put(self, answer: _T_contra, /) -> bool:
        """应答来了；已经有了结果返回 False。"""

    def fail(self, error: BaseException, /) -> bool:
        """不会有应答了；已经有了结果返回 False。``OutcomeUnknownError(原因)`` 里只写原因。"""


class Session(Protocol):
    """一次会话：从连上到断开。断开后不再复活，重连是新的会话。

    每个方法都在期限内返回或抛异常：没有应答的查询抛 `QueryFailedError`，
    委托、撤单的应答交给 `Reply`。
    """

    @property
    def raw_trader(self) -> Any:
        """后端自己的对象（厂商的 ``XtQuantTrader``）。"""

    @property
    def raw_account(self) -> Any:
        """后端自己的账号对象（厂商的 ``StockAccount``）。"""

    @property
    def account_type(self) -> str:
        """账号类型的名字，如 ``STOCK``。"""

    def asset(self) -> records.AssetLike:
        """资金。"""

    def assets(self) -> Sequence[records.AssetLike]:
        """资金，一种货币一项，第一项就是 `asset`；只有一种货币的只有一项。"""

    def positions(self) -> Sequence[records.PositionLike]:
        """持仓。"""

    def orders(self) -> Sequence[records.OrderLike]:
        """当日委托。"""

    @property
    def timeout_s(self) -> float:
        """此刻在本线程上每个调用的期限，秒。"""

    def until(self, deadline: float | None) -> AbstractContextManager[None]:
        """这一段里、本线程上的调用最晚到 ``deadline``（``time.monotonic``）；None 不收紧。"""

    @property
    def is_lost(self) -> bool:
        """已经断了（`lose` 过）。"""

    def order(self, order_id: Any) -> records.OrderLike | None:
        """一笔当日委托，按后端自己的编号（整数或字符串）；没有则 None。"""

    def trades(self) -> Sequence[records.TradeLike]:
        """当日成交。"""

    def last_price(self, stock_code: str) -> float | None:
        """最新价，元；拿不到为 None。"""

    def quotes(self, stock_codes: list[str]) -> Sequence[records.Quote]:
        """一批证券此刻的行情，一次问完，次序照旧；有一只没有行情就抛 `QueryFailedError`。"""

    @property
    def cache_lag_s(self) -> float:
        """查询是客户端的缓存：柜台收下的委托最慢几秒后查得到。"""

    def still_sending(self, tag: str) -> bool:
        """带这个标记的委托，放弃等待之后可能还没有真正发出去：这时查不到不说明什么。"""

    def submit(self, request: records.OrderRequest, reply: Reply[records.SubmitAnswer]) -> None:
        """下单，只发一次，不等应答：先 ``reply.depart(序号)``，应答来了 ``reply.put``。

        没有发出的抛 `NotConnectedError`（等）；抛别的，就当作可能已经发出。
        会话断了（`lose`）要让在途的都 ``reply.fail``。
        异步的在途满了可以等空位，最多 ``timeout_s`` 秒。
        """

    def cancel(
        self,
        target: Any | records.ContractNumber,
        reply: Reply[bool] | Reply[bool | records.CancelAnswer],
    ) -> None:
        """按委托编号（整数或字符串）或柜台合同编号撤单，应答 True 是收下了；其余同 `submit`。"""

    def lose(self, reason: str) -> None:
        """会话已断：让所有还在等的调用立刻失败。可重复调用，任意线程。"""

    def close(self, limit_s: float = 3.0) -> None:
        """收尾，最多等 ``limit_s`` 秒；可重复调用，任意线程。"""


class Listener(Protocol):
    """会话往上报的两件事；在后端的线程上调用，不得阻塞。"""

    def pushed(self, session: Session, event: records.PushEvent) -> None:
        """一条推送。"""

    def lost(self, session: Session, reason: str) -> None:
        """会话断了。"""


class Connector(Protocol):
    """怎样开一次会话。"""

    @property
    def timeout_s(self) -> float:
        """开一次会话（连同补查）的期限，秒。"""

    @property
    def session_id(self) -> int:
        """最近一次会话的号；没有号的为 0。"""

    def open(self, listener: Listener, deadline: float) -> Session:
        """开一次会话，最晚到 ``deadline``（``time.monotonic``）。

        Raises:
            ConnectFailedError: 没连上；什么都没有留下。
        """

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败，以后的也失败。不阻塞，可重复调用。"""


class _Until:
    """`BaseSession.until`：每笔委托要几次，不用生成器。"""

    __slots__ = ("_before", "_deadline", "_here")

    def __init__(self, here: threading.local, deadline: float | None) -> None:
        self._here, self._deadline = here, deadline
        self._before: float | None = None

    def __enter__(self) -> None:
        before = self._before = getattr(self._here, "deadline", None)
        deadline = self._deadline
        if deadline is None or (before is not None and before < deadline):
            deadline = before
        self._here.deadline = deadline

    def __exit__(self, *exc: object) -> None:
        self._here.deadline = self._before


class BaseSession:
    """各家会话都要的：期限、断线、在途的请求；查询与下单由后端写。

    Args:
        timeout_s: 每个调用的期限，秒。
    """

    raw_trader: Any = None
    raw_account: Any = None
    account_type = "STOCK"
    cache_lag_s = 0.0
    """不是 0 的后端：柜台收下的委托，最慢几秒后查得到。"""
    tags_once = False
    """一个标记至多交出去一次：查清没有到柜台的，同一个也不再交。"""
    vitals: Any = None
    """脉搏（`link.heartbeat.Vitals`），引擎放的：`user.status` 里的 ``last_answer`` 等从这里来。"""

    def __init__(self, timeout_s: float) -> None:
        self._limit_s = timeout_s
        self._here = threading.local()
        self._lost = ""
        self._seq = itertools.count(1)
        self._flying: set[Reply[Any]] = set()

    @property
    def timeout_s(self) -> float:
        """此刻在本线程上每个调用的期限，秒。"""
        deadline: float | None = getattr(self._here, "deadline", None)
        if deadline is None:
            return self._limit_s
        return min(self._limit_s, max(0.0, deadline - time.monotonic()))

    def until(self, deadline: float | None) -> AbstractContextManager[None]:
        """这一段里、本线程上的调用最晚到 ``deadline``；套着的取早的。"""
        return _Until(self._here, deadline)

    @property
    def is_lost(self) -> bool:
        """已经断了。"""
        return bool(self._lost)

    def depart(self, reply: Reply[Any]) -> None:
        """登记一个就要发出的请求：它的期限从此算起；断线时 `lose` 替它说没有应答。

        Raises:
            NotConnectedError: 已经断了，什么都没有发出。
        """
        self._flying.add(reply)
        began = time.monotonic()
        reply.over = lambda expired: self._over(reply, expired)
        reply.heard = lambda: self._heard(reply, time.monotonic() - began)
        if self._lost:
            self._flying.discard(reply)
            raise NotConnectedError(f"会话已断开（{self._lost}），什么都没有发出")
        reply.depart(next(self._seq))

    def _over(self, reply: Reply[Any], expired: bool) -> None:
        self._flying.discard(reply)
        if expired and self.vitals is not None:
            self.vitals.expired()

    def _heard(self, reply: Reply[Any], took_s: float) -> None:
        if self.vitals is not None:
            self.vitals.answered(reply.kind, took_s)

    def lose(self, reason: str) -> None:
        """断了：在途的都不会有应答了。"""
        self._lost = self._lost or reason
        for reply in self._flying.copy():
            reply.fail(OutcomeUnknownError(reason))

    def close(self, limit_s: float = 3.0) -> None:
        """收尾。"""
        self.lose("会话已关闭")

    def asset(self) -> records.AssetLike:
        """资金；后端要写。"""
        raise NotImplementedError

    def assets(self) -> Sequence[records.AssetLike]:
        """资金：只有一种货币；有几种的改写它。"""
        return [self.asset()]

    def orders(self) -> Sequence[records.OrderLike]:
        """当日委托；后端要写。"""
        raise NotImplementedError

    def order(self, order_id: Any) -> records.OrderLike | None:
        """一笔当日委托：在全部里找；柜台能只查一笔的改写它。"""
        return next((each for each in self.orders() if each.order_id == order_id), None)

    def last_price(self, stock_code: str) -> float | None:
        """没有行情。"""
        return None

    def quotes(self, stock_codes: list[str]) -> Sequence[records.Quote]:
        """没有行情。"""
        raise QueryFailedError("这个后端没有行情")

    def multiplier(self, stock_code: str) -> Number:
        """合约乘数：一手（一张）是几份价格；股票是 1。马上返回。"""
        return 1

    def names(self) -> dict[str, str]:
        """代码 → 名称，马上返回；没有名称表为空。"""
        return {}

    def still_sending(self, tag: str) -> bool:
        """请求先进先出的后端：查询答了，先发的委托一定处理过了。"""
        return False

    def cannot_tell(self, tag: str) -> bool:
        """当日委托里没有它，而且再看多少眼也核对不清楚：不必等到期限。"""
        return False
