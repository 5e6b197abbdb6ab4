"""完整版客户端连到主机的口：它的内置 Python 下单、撤单、问行，发生了的事原样告诉它。

与 MiniQMT 的会话连的是同一个柜台、同一本账。这里说的是柜台的事实，落盘之后立刻说；
晚多久看得到、看到几遍，是客户端那一侧的脾气。话是这样说的（帧见 `framing`）::

    客户端 → 主机   ["ask", 序号, 动作, {参数}]、["bye"]
    主机 → 客户端   ["answer", 序号, 值] | ["error", 序号, 文字]
                    ["event", 种类, 行]

种类：``order deal account position order_refused cancel_refused control``；行见 `terminal_rows`，
后两种拒绝的是委托的行加上 ``_code``、``_text``。先送应答，再送它引起的事；行的应答之后送来的事，
都比那些行新。动作见 `terminal_verbs`，另有 ``about``：客户端说自己跑着什么。

``control`` 的 ``do``：``day`` 换了一天，``counter`` 柜台断开或恢复（``up``），
其余是故障（见 `faults` 的 ``terminal``）。
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Protocol

from easytrader.errors import EasytraderError, SimulatorError
from easytrader.sim.exchange.hours import day_code
from easytrader.sim.gateway import terminal_rows as made
from easytrader.sim.host.terminal_verbs import COUNTER, QUOTES, Item, account_rows
from easytrader.sim.ledger.events import (
    AccountStatusChanged,
    CancelRefused,
    Filled,
    Outcome,
    Refused,
)
from easytrader.sim.quotes.board import Board

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from easytrader.sim.config.folder import SimFolder
    from easytrader.sim.exchange.screen import Own
    from easytrader.sim.gateway.terminal_rows import Row
    from easytrader.sim.gateway.translator import Translator


class _Host(Protocol):
    """口要用到的主机。"""

    def work(
        self,
        verb: str,
        function: Callable[[Translator], Outcome],
        told: Callable[[Any], None],
        hang_up: Callable[[], None],
    ) -> None: ...


class Terminals:
    """连着的客户端。`board` 以外都只由主机线程调用。"""

    def __init__(self, folder: SimFolder) -> None:
        self._folder = folder
        self._ports: list[TerminalPort] = []
        self._board: Board | None = None
        self._making = threading.Lock()
        self._day = 0

    def __bool__(self) -> bool:
        return bool(self._ports)

    @property
    def board(self) -> Board:
        """行情板；第一次有人问行情时才造，各客户端共用。"""
        with self._making:
            if self._board is None:
                self._board = Board(self._folder)
            return self._board

    def add(self, port: TerminalPort, desk: Translator) -> None:
        """一个客户端进来了。"""
        self._day = desk.engine.trading_day()
        self._ports.append(port)

    def drop(self, port: TerminalPort) -> None:
        """它走了。"""
        if port in self._ports:
            self._ports.remove(port)

    def lose_all(self) -> None:
        """都断开：有谁漏听了一件事，就不能再信。"""
        for port in self._ports:
            port.lost()
        self._ports.clear()

    def describe(self) -> list[dict[str, Any]]:
        """连着谁。"""
        return [{"pid": each.pid, "since": each.since, **each.about} for each in self._ports]

    def command(self, row: Row) -> None:
        """把一条 ``control`` 送给每一个。

        Raises:
            SimulatorError: 一个也没有连着。
        """
        if not self._ports:
            raise SimulatorError(
                "没有完整版客户端连着：先 easytrader sim serve PATH --terminal big --strategy FILE"
            )
        self._send([("control", row)])

    def tell(self, happened: Iterable[Any], desk: Translator) -> None:
        """柜台里发生了这些事，已经落盘；没有人连着时什么都不做。"""
        if not self._ports:
            return
        engine = desk.engine
        now = engine.market_time()
        told: list[tuple[str, Row]] = []
        touched: dict[tuple[int, str], set[str]] = {}
        for event in happened:
            codes = touched.setdefault(event.account, set())
            if isinstance(event, AccountStatusChanged):
                dropped = {"do": "counter", "up": not event.status}
                if ("control", dropped) not in told:  # 断的是柜台，几个账号都一样：说一遍
                    told.append(("control", dropped))
                continue
            codes.add(event.order.stock_code)
            told += _rows_of(event)
        for account, codes in touched.items():
            told += [("account", row) for row in account_rows(desk, *account)]
            for held in engine.positions_now(*account) if codes else ():
                if held.stock_code in codes:
                    told.append(("position", made.position_row(held, now)))
        day = engine.trading_day()
        if day != self._day:
            self._day = day
            told.append(("control", {"do": "day", "day": day_code(day)}))
        self._send(told)

    def _send(self, told: list[tuple[str, Row]]) -> None:
        for port in self._ports:
            for kind, row in told:
                port.deliver(["event", kind, row])


def _rows_of(event: Any) -> Iterator[tuple[str, Row]]:
    row = made.order_row(event.order)
    if isinstance(event, CancelRefused):
        yield "cancel_refused", _refused(row, event.reject)
        return
    yield "order", row
    if isinstance(event, Filled):
        yield "deal", made.deal_row(event.trade, event.order.price_type)
    if isinstance(event, Refused):
        yield "order_refused", _refused(row, event.reject)


def _refused(row: Row, reject: Any) -> Row:
    return {**row, "_code": reject.code, "_text": f"[COUNTER]{reject}"}


class TerminalPort:
    """一个连着的客户端在主机这一侧的样子。

    Args:
        host: 主机。
        terminals: 登记处。
        pid: 客户端的进程号。
        deliver: 送一帧，不许阻塞；也可以给一个函数，轮到发的时候才造这一帧。
        lost: 断开。
    """

    def __init__(
        self,
        host: _Host,
        terminals: Terminals,
        pid: int,
        deliver: Callable[[Any], None],
        lost: Callable[[], None],
    ) -> None:
        self._host = host
        self._terminals = terminals
        self.pid = pid
        self.deliver = deliver
        self.lost = lost
        self.since = time.time()
        self.about: dict[str, Any] = {}
        """客户端自己说的：跑着哪个策略、什么模式、哪个 Python。"""

    def ask(self, seq: int, verb: str, args: dict[str, Any]) -> None:
        """办一件事，回答从 ``deliver`` 走；在连接自己的线程上调用，办完才返回。"""
        try:
            if verb in COUNTER:
                self._at_the_counter(seq, COUNTER[verb], args)
                return
            if verb == "about":
                self.about = {str(name): value for name, value in args.items()}
                answer = None
            else:
                answer = QUOTES[verb](self, args)
        except EasytraderError as error:
            self.deliver(["error", seq, str(error)])
        except KeyError as error:
            told = f"没有 {error}" if verb in {*COUNTER, *QUOTES} else "没有这个动作"
            self.deliver(["error", seq, f"{verb}：{told}"])
        except (TypeError, ValueError) as error:
            self.deliver(["error", seq, f"{verb} 的参数不对：{error}"])
        else:
            self.deliver(["answer", seq, answer])

    def _at_the_counter(self, seq: int, item: Item, args: dict[str, Any]) -> None:
        def told(found: Any) -> None:
            # 几千行在发送的线程上才变成字典：不占主机的线程，次序还是这里的次序
            self.deliver(lambda: ["answer", seq, item.shape(found, args)])

        self._host.work(item.verb, item.asked(args), told, self.lost)

    def seen(self, *, own: bool = True) -> tuple[float, dict[str, Own]]:
        """行情走到了几点，各证券上文件夹里挂着的与吃掉的。"""
        found: list[Any] = []

        def look(desk: Translator) -> Outcome:
            return Outcome((desk.engine.market_time(), desk.engine.books() if own else {}))

        self._host.work("quote", look, found.append, self.lost)
        if not found:
            raise SimulatorError("主机没有回应")
        return found[0]  # type: ignore[no-any-return]

    @property
    def board(self) -> Board:
        """行情板。"""
        return self._terminals.board
