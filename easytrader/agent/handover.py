"""没有结果的命令：上一任留下的、自己没有听到应答的，一条一条核对清楚；谁也不再发一次。

委托：本机的请求记录里有答案的就是它；没有的按 ``client_order_id`` 去柜台上找，
隔着缓存看两次都没有才是没有到。
撤单：看那笔委托现在的样子。转账：柜台上没有标记，只认本机的记录，说不清的留给人看。
"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.agent import errands
from easytrader.basics import waits
from easytrader.codes import CANCELLABLE_STATUSES, OrderStatus
from easytrader.errors import NOTHING_SENT, EasytraderError, OutcomeUnknownError
from easytrader.fleets.words import FREE, QUEUED
from easytrader.link.supervisor import State
from easytrader.server.calls import Answer
from easytrader.wire import values
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Command, Outcome
    from easytrader.server.desk import Desk

_LOOK_S: Final = 3.0
"""没有核对清楚的，隔这么久再来；次数多了慢慢拉长到下面这么久。"""
_SLOW_S: Final = 30.0
_GLANCE_S: Final = 0.3
_EACH_S: Final = 15.0
"""核对一条最多这么久。"""
_GONE: Final[dict[int, str]] = {
    OrderStatus.CANCELED: "已经撤掉了",
    OrderStatus.PART_CANCEL: "已经撤掉了",
    OrderStatus.REPORTED_CANCEL: "撤单在路上",
    OrderStatus.PARTSUCC_CANCEL: "撤单在路上",
}


class Settling:
    """一个账号的；有没有核对清楚的才有线程。

    Args:
        desk: 账号。
        tell: 核对清楚了一条；任何线程。
    """

    def __init__(self, desk: Desk, tell: Callable[[Command, Outcome], None]) -> None:
        self._desk = desk
        self._tell = tell
        self._lock = threading.Lock()
        # (命令, 第几次) → 命令；只有没有核对清楚的
        self._open: dict[tuple[str, int], Command] = {}
        self._hopeless: set[tuple[str, int]] = set()
        self._said: dict[tuple[str, int], str] = {}
        self._thread: threading.Thread | None = None
        self._bell = waits.Bell()
        self._quiet_until = 0.0
        self._first = threading.Event()
        self._closed = False

    @property
    def open(self) -> int:
        """还有几条没有核对清楚。"""
        return len(self._open)

    def add(self, commands: Iterable[Command], after_s: float = 0.0) -> None:
        """要核对的；``after_s`` 秒之后上一任肯定不会再发，才看得准。"""
        with self._lock:
            if self._closed:
                return
            for each in commands:
                self._open[(each.command_id, each.attempt)] = each
            self._quiet_until = max(self._quiet_until, time.monotonic() + after_s)
            if not self._open:
                self._first.set()
                return
            self._first.clear()
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, name=f"easytrader-agent-settle-{self._desk.name}", daemon=True
                )
                self._thread.start()
        self._bell.ring()

    def looked(self, limit_s: float) -> bool:
        """等到每一条都看过了（清楚了，或连着而还说不清）；没有连着的不等。"""
        return waits.sliced(self._first.wait, limit_s, stop=lambda: self._closed)

    def hurry(self) -> None:
        """连上了：再看一遍。"""
        self._bell.ring()

    def clear(self) -> None:
        """账号不归我们了：新的主人核对。"""
        with self._lock:
            self._open.clear()
            self._hopeless.clear()
            self._said.clear()
            self._first.set()

    def close(self, limit_s: float) -> None:
        """不核对了；最多等 ``limit_s`` 秒。"""
        with self._lock:
            self._closed = True
            self._open.clear()
            thread = self._thread
        self._first.set()
        self._bell.ring()
        if thread is not None:
            waits.join(thread, limit_s)

    # ---- 核对的线程

    def _run(self) -> None:
        rounds = 0
        while True:
            with self._lock:
                if self._closed or not self._open.keys() - self._hopeless:
                    self._thread = None
                    self._first.set()
                    return
                left_s = self._quiet_until - time.monotonic()
            if left_s > 0:
                self._bell.wait(left_s)
                continue
            if self._desk.engine.state is State.CONNECTED:
                self._round()
                rounds += 1
                if not self._open.keys() - self._hopeless:
                    continue
            else:
                rounds = 0
                self._first.set()  # 没有连着，看不了：不必等
            self._bell.wait(min(_SLOW_S, _LOOK_S * (1 + rounds // 5)))

    def _round(self) -> None:
        with self._lock:
            todo = [(key, each) for key, each in self._open.items() if key not in self._hopeless]
        if len(todo) > 1:
            # 一条一条地等缓存太久：先都看第一眼，后面的第二眼就不用等了
            for _, each in todo:
                self._judge(each, _GLANCE_S, quiet=True)
        for key, each in todo:
            if self._closed or key not in self._open:
                continue
            found = self._judge(each)
            if found is not None and self._open.pop(key, None) is not None:
                self._said.pop(key, None)
                self._tell(each, found)
            elif found is None and each.effect == Effect.MOVE.value:
                self._hopeless.add(key)
                logger.error(
                    "账号 {} 的 {}（{}）说不清做了没有，柜台上没有标记：请核对流水，"
                    "再用 easytrader fleet settle 写下结果",
                    self._desk.name, each.verb, each.command_id,
                )  # fmt: skip
        self._first.set()

    def _judge(
        self, command: Command, limit_s: float = _EACH_S, *, quiet: bool = False
    ) -> Outcome | None:
        """核对一条；还说不清为 None。"""
        name = self._desk.name
        try:
            return judge(self._desk, command, time.monotonic() + limit_s)
        except EasytraderError as exc:
            key = (command.command_id, command.attempt)
            if not quiet and self._said.get(key) != str(exc):  # 同一句话不每次都说
                self._said[key] = str(exc)
                told = "账号 {} 的 {}（{}）还没有核对清楚：{}"
                logger.warning(told, name, command.verb, command.command_id, exc)
        except Exception as exc:  # noqa: BLE001  边界：后端抛什么，核对的线程都不能少
            kind = type(exc).__name__
            logger.error("账号 {} 核对 {} 出了意外的错：{}", name, command.verb, kind)
        return None


def judge(desk: Desk, command: Command, deadline: float) -> Outcome | None:
    """一条命令怎样了；说不清的为 None。会等，最晚到 ``deadline``（``time.monotonic``）。

    Raises:
        EasytraderError: 现在问不到。
    """
    grant = errands.grant_of(command.login, command.may)
    try:
        told = desk.mutations.settle(command.request, grant, deadline)
    except OutcomeUnknownError:
        told = {}
    answer = errands.read(told) if told.get("state") == "done" else None
    if command.effect == Effect.ORDER.value:
        return _order(desk, command, answer, deadline, never=told.get("state") == "never")
    if answer is not None:
        return errands.outcome_of(command, answer)
    if command.effect == Effect.CANCEL.value:
        with desk.until(deadline):
            return _cancel(desk, command)
    return None


def _order(
    desk: Desk, command: Command, answer: Answer | None, deadline: float, *, never: bool
) -> Outcome | None:
    error = None if answer is None else answer.error
    if answer is not None and (error is None or isinstance(error, NOTHING_SENT)):
        return errands.outcome_of(command, answer)
    if not desk.trader.capabilities.tags:
        return None  # 柜台上认不出是哪一笔
    if answer is None and not never:
        raise OutcomeUnknownError("本机的记录里没有答案，柜台上还没有核对清楚")
    with desk.until(deadline):
        order = desk.trader.find_entrust(command.command_id)
    if order is None:
        # 换过机器、主目录恢复过的，本机没有那条记录；今天的委托里没有，说不了昨天的
        day_of = desk.trader.capabilities.day.day_of
        if command.created_at and day_of(command.created_at) != day_of(time.time()):
            raise OutcomeUnknownError(
                "它不是今天的：看历史委托，再用 easytrader fleet settle 写下结果",
                client_order_id=command.command_id,
            )
        return errands.absent(
            command, f"{command.verb}（{command.command_id}）核对过了，没有到柜台；什么都没有发出"
        )
    return errands.outcome_of(command, Answer({"entrust_no": order["order_id"]}))


def _cancel(desk: Desk, command: Command) -> Outcome:
    """撤单可以再撤：看那笔委托现在的样子，说不清的也说完。"""
    number = _target(command)
    row = None if number is None else desk.trader.find_entrust(number)
    if row is None:
        told = f"{command.verb} 撤没撤说不清：看当日委托，还挂着的可以再撤"
        return errands.outcome_of(command, Answer(error=_open(told, number)))._replace(
            state="absent"
        )
    status = row["order_status"]
    if status in _GONE:
        return errands.outcome_of(command, Answer({"success": True, "message": _GONE[status]}))
    if status in CANCELLABLE_STATUSES:
        return errands.absent(command, f"委托 {number} 还挂着：这次撤单没有生效，可以再撤")
    told = f"委托 {number} 已经是 {row['order_status_name']}，撤不了了"
    return errands.outcome_of(command, Answer({"success": False, "message": told}))


def _open(told: str, number: Any) -> OutcomeUnknownError:
    return OutcomeUnknownError(told, entrust_no=number if isinstance(number, (int, str)) else None)


def _target(command: Command) -> Any:
    """``cancel_entrust`` 要撤的那一笔；别的撤单为 None。"""
    if command.verb.removesuffix("_async") != "cancel_entrust":
        return None
    try:
        found = values.from_plain(values.decode(command.arguments))
        return found["kwargs"].get("entrust_no", found["args"][0] if found["args"] else None)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def forgotten(desk: Desk, store: Store, since: float) -> list[tuple[str, dict[str, Any]]]:
    """本机 ``since``（Unix 秒）以来替队里做过、而存储不记得（或说没有做）的：编号 → 一条事件。

    Raises:
        StoreDownError, StoreUnknownError, JournalError: 对不了。
    """
    found = []
    for row in desk.mutations.recent(errands.PREFIX, since, time.monotonic() + _EACH_S):
        command_id = row.client_order_id or row.request
        known = store.find(desk.name, command_id, time.monotonic() + _EACH_S)
        answer = row.answer.decode() or "没有答案"
        number = errands.number_in(row.answer)
        if known is None or (
            number and known.state in {*FREE, QUEUED} and known.request == row.request
        ):
            state = "没有这一条" if known is None else f"那里是 {known.state}"
            told = {
                "event": "forgotten",
                "event_name": "存储不记得的命令",
                "time": time.time(),
                "data": {
                    "text": f"本机做过 {row.verb}（{command_id}），存储换过时间线之后{state}："
                    f"本机记的是 {answer}",
                    "verb": row.verb, "request": row.request, "order_id": number,
                },
            }  # fmt: skip
            found.append((command_id, told))
    return found
