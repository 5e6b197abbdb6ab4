"""到柜台的一条行情连接：只问一件事，行情走到了几点；连哪个模拟文件夹。每次都有期限，断了就说断了。"""

from __future__ import annotations

import itertools
import json
import os
import secrets
import threading
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import replaying
from easytrader.errors import SimulatorError
from easytrader.sim.config.folder import (
    DEFAULT_ACCOUNT,
    DEFAULT_CASH,
    AccountConfig,
    create,
    default_folder,
    is_sim_folder,
)
from easytrader.sim.exchange.screen import Own
from easytrader.sim.gateway.wire import BOOKS, MARKET_TIME, QuoteArgs, Request, quote_session
from easytrader.sim.host import hub

if TYPE_CHECKING:
    from easytrader.sim.gateway.wire import Message
    from easytrader.sim.host.links import Link


LOST: Final = "行情服务连接断开：模拟 MiniQMT 已经停止，或换了一个进程。再调用一次会重新连接。"
_VARIABLE: Final = "EASYTRADER_SIM"
_ANSWER_S: Final = 10.0
_CONNECT_S: Final = 3.0


class QuoteConnection:
    """一条连接；断了不复活。

    Args:
        path: 模拟文件夹。

    Raises:
        ConnectionError: 此刻连不上。
    """

    def __init__(self, path: str) -> None:
        self._lost = False
        self._pid = os.getpid()
        self._numbers = itertools.count(1)
        self._asking: dict[int, SimpleQueue[Any]] = {}
        self._lock = threading.Lock()
        session_id = quote_session(secrets.randbits(48))
        self._link: Link | None = hub.open_link(
            path, session_id, self._deliver, self._on_lost, _CONNECT_S
        )

    @property
    def alive(self) -> bool:
        """还连着。"""
        return self._link is not None and not self._lost and self._pid == os.getpid()

    def now(self, timeout_s: float = _ANSWER_S) -> float:
        """行情走到了几点，Unix 秒。

        Raises:
            SimulatorError: 断了，或到期没有回答。
        """
        found = self._ask(MARKET_TIME, timeout_s)
        if not isinstance(found, (int, float)):
            raise SimulatorError(LOST if found is None else f"模拟 MiniQMT 答不出行情：{found}")
        return float(found)

    def books(self, timeout_s: float = _ANSWER_S) -> tuple[float, dict[str, Own]]:
        """行情走到了几点，与各证券上文件夹里挂着的、吃掉的。

        Raises:
            SimulatorError: 断了，或到期没有回答。
        """
        found = self._ask(BOOKS, timeout_s)
        if not isinstance(found, str):
            raise SimulatorError(LOST if found is None else f"模拟 MiniQMT 答不出行情：{found}")
        now, books = json.loads(found)
        return now, {code: Own(*parts) for code, parts in books.items()}

    def _ask(self, what: str, timeout_s: float) -> Any:
        answer: SimpleQueue[Any] = SimpleQueue()
        number = next(self._numbers)
        with self._lock:
            link = self._link
            if link is None or not self.alive:
                raise SimulatorError(LOST)
            self._asking[number] = answer
        try:
            link.send(Request("quote", number, QuoteArgs(what)))
            return answer.get(timeout=timeout_s)
        except Empty:
            raise SimulatorError(f"模拟 MiniQMT {timeout_s:g} 秒内没有回答行情。") from None
        finally:
            self._asking.pop(number, None)

    def close(self) -> None:
        """断开；可重复调用。"""
        with self._lock:
            link, self._link = self._link, None
        self._give_up()
        if link is not None and self._pid == os.getpid():
            link.close()

    def _deliver(self, message: Message) -> None:
        asking = self._asking.get(message.seq)
        if message.kind == "answer" and asking is not None:
            asking.put(message.payload)

    def _on_lost(self) -> None:
        with self._lock:
            self._lost = True
        self._give_up()

    def _give_up(self) -> None:
        for answer in list(self._asking.values()):
            answer.put(None)


def told_by_environment() -> str:
    """环境变量 ``EASYTRADER_SIM`` 说的模拟文件夹；没有说为空。"""
    return os.environ.get(_VARIABLE, "").strip()


def told_folder() -> str:
    """行情接口该连的模拟文件夹，有人说过的：环境变量，或本进程最近连过的；都没有为空。"""
    replay = replaying.current()
    if replay is not None:
        return replay.folder
    if told := told_by_environment():
        return told
    latest = hub.HUB.latest
    return latest if latest and is_sim_folder(latest) else ""


def quote_folder() -> str:
    """行情接口连哪个模拟文件夹：`told_folder`，否则是默认的（没有就建，同 ``use('sim')``）。

    环境变量指定的与默认的文件夹，没有进程服务过的时候可以嵌在本进程里。
    """
    told = told_folder()
    if not told:
        told = str(default_folder())
        if not is_sim_folder(told):
            create(told, (AccountConfig(DEFAULT_ACCOUNT, cash=DEFAULT_CASH),))
        hub.HUB.offer_embed(told)
    elif told_by_environment() and is_sim_folder(told):
        hub.HUB.offer_embed(told)
    return told
