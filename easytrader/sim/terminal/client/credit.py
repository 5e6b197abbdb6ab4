"""两融的查询：当场给的，与异步的。

异步的一次一个、至少隔 `Manners.credit_query_gap_s` 秒，结果只在主线程空着的时候来：在回调、定时器里
等它，永远等不到。
"""

from . import objects
from .link import LinkError
from .passorder import CREDIT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .terminal import Strategy, Terminal
    from .trading import Desk

_MOST_CODES = 200
_OK, _BUSY, _NO_ACCOUNT, _BAD_ARGUMENTS, _TIMEOUT = 1, -1, -2, -3, -4


class CreditDesk:
    """见模块说明。"""

    def __init__(self, terminal: "Terminal", desk: "Desk") -> None:
        self._terminal = terminal
        self._desk = desk
        self._asked_at = float("-inf")
        self._running = None  # type: Callable[[], None] | None
        self._ready_at = 0.0

    def globals_for(self, strategy: "Strategy") -> "dict[str, Callable[..., Any]]":
        """给一个策略的全局名字。"""
        return {
            "get_assure_contract": lambda account: self._rows("ASSURE", "assure", account),
            "get_enable_short_contract": lambda account: self._rows("SHORT", "short", account),
            "get_unclosed_compacts": lambda account, _: self._rows("COMPACT", "compacts", account),
            "get_closed_compacts": lambda account, _: self._rows(
                "COMPACT", "closed_compacts", account
            ),
            "get_debt_contract": lambda account: [],
            "query_credit_account": lambda *args: self.query_account(strategy, *args),
            "query_credit_opvolume": lambda *args: self.query_opvolume(strategy, *args),
        }

    def query_account(self, strategy: "Strategy", account: str, seq: int, context: "Any") -> None:
        """``credit_account_callback(C, seq, 对象)``；忙着、隔得太近、账号不对的没有下文。"""

        def answer() -> None:
            row = self._desk.ask("credit_account", (account, CREDIT))
            if row is not None:
                made = objects.make("CREDIT_ACCOUNT", row)
                strategy.call("credit_account_callback", seq, made)

        if self._desk.account_type(account) == CREDIT and self._free():
            self._start(answer)
        else:
            self._terminal.log.formula("[credit]query_credit_account seq=%s busy" % seq)

    def query_opvolume(
        self,
        strategy: "Strategy",
        account: str,
        codes: "list[str]",
        op: int,
        pr: int,
        price: float,
        seq: int,
        context: "Any",
    ) -> None:
        """``credit_opvolume_callback(C, 账号, seq, ret, {代码: 数量})``。

        ``ret``：1 成，-1 忙，-2 账号，-3 参数，-4 超时。
        """

        def tell(ret: int, result: "dict[str, int]") -> None:
            strategy.call("credit_opvolume_callback", account, seq, ret, result)

        def answer() -> None:
            try:
                found = self._terminal.link.ask(
                    "opvolume",
                    account_id=account,
                    account_type=CREDIT,
                    codes=list(codes),
                    order_type=op,
                    price_type=pr,
                    price=price,
                )
            except LinkError:
                tell(_TIMEOUT, {})
            else:
                tell(_OK, found)

        if self._desk.account_type(account) != CREDIT:
            self._terminal.later(self._now, tell, _NO_ACCOUNT, {})
        elif not codes or len(codes) > _MOST_CODES:
            self._terminal.later(self._now, tell, _BAD_ARGUMENTS, {})
        elif not self._free():
            self._terminal.later(self._now, tell, _BUSY, {})
        else:
            self._start(answer)

    def idle(self) -> None:
        """主线程空着。"""
        if self._running is not None and self._now >= self._ready_at:
            running, self._running = self._running, None
            running()

    def _free(self) -> bool:
        gap = self._terminal.manners.credit_query_gap_s
        return self._running is None and self._now - self._asked_at >= gap

    def _start(self, answer: "Callable[[], None]") -> None:
        self._asked_at = self._now
        self._ready_at = self._now + self._terminal.manners.credit_query_s
        self._running = answer
        self._terminal.later(self._ready_at, _nothing)  # 到时候主线程醒一下

    def _rows(self, kind: str, verb: str, account: str) -> "list[Any]":
        if not self._terminal.on_main() or self._desk.account_type(account) != CREDIT:
            return []
        return self._desk.made(kind, self._desk.ask(verb, (account, CREDIT)))

    @property
    def _now(self) -> float:
        return self._terminal.clock.monotonic()


def _nothing() -> None:
    """什么也不做。"""
