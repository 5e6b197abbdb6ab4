"""智能算法：把一笔大的切成几笔小的，按时间发；``TASK`` 的一行说做到哪里。

只有 ``TWAP`` 与 ``VWAP``，两个都是均匀地切：测的是任务怎样说话，不是算法好不好。小的委托带着任务的
投资备注。
"""

import re

from . import objects
from .passorder import ACCOUNT_TYPES, Arguments, Refusal, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .cache import Account, Row
    from .terminal import Strategy, Terminal
    from .trading import Desk

RUNNING, PAUSED, DONE, CANCELLED, ABORTED = 3, 4, 7, 8, 10
ALGORITHMS = ("TWAP", "VWAP")
_CLOCK = re.compile(r"\d{1,2}:\d{2}:\d{2}$")
_LOT = 100
_SLICES = 5
_STEP_S = 3.0
"""没有给时间段的，多久一笔。"""
_WORDS = {RUNNING: "运行中", PAUSED: "已暂停", DONE: "已完成", CANCELLED: "已撤销"}


class _Task:
    """一个任务。"""

    def __init__(self, number: int, call: "Arguments", account: "Account") -> None:
        self.number = number
        self.call = call
        self.account = account
        self.status = RUNNING
        self.parts = []  # type: list[int]
        self.step_s = _STEP_S
        self.orders = {}  # type: dict[int, Row]
        self.message = ""

    def row(self) -> "Row":
        """CTaskDetail。"""
        return {
            "m_strAccountID": self.account[0],
            "m_nTaskId": self.number,
            "m_eStatus": self.status,
            "m_strMsg": self.message or _WORDS.get(self.status, ""),
            "m_nBusinessNum": sum(each["m_nVolumeTraded"] for each in self.orders.values()),
            "m_nNum": int(self.call.modelVolume),
            "m_dFixPrice": float(self.call.modelPrice),
            "m_stockCode": self.call.orderCode,
            "m_strRemark": self.call.userOrderId,
        }


class AlgoDesk:
    """见模块说明。"""

    def __init__(self, terminal: "Terminal", desk: "Desk") -> None:
        self._terminal = terminal
        self._desk = desk
        self._tasks = {}  # type: dict[int, _Task]
        self._strategies = {}  # type: dict[int, Strategy]

    def globals_for(self, strategy: "Strategy") -> "dict[str, Callable[..., Any]]":
        """给一个策略的全局名字。"""

        def act(status: int, *old: int) -> "Callable[..., bool]":
            return lambda task, account, kind, context: self._move(task, account, kind, status, old)

        return {
            "algo_passorder": lambda *args: self.algo_passorder(strategy, *args),
            "smart_algo_passorder": lambda *args: self.smart_algo_passorder(strategy, *args),
            "get_smart_algo_param": lambda names: {
                name: {"startTime": "", "endTime": "", "limitOverRate": 0, "minAmountPerOrder": 0}
                for name in names
                if name in ALGORITHMS
            },
            "cancel_task": act(CANCELLED, RUNNING, PAUSED),
            "pause_task": act(PAUSED, RUNNING),
            "resume_task": act(RUNNING, PAUSED),
        }

    def tasks(self, account: "Account") -> "list[Any]":
        """一个账号的任务。"""
        mine = [each for each in list(self._tasks.values()) if each.account == account]
        return [objects.make("TASK", each.row()) for each in mine]

    def order_event(self, row: "Row") -> None:
        """小的委托变了。"""
        for task in list(self._tasks.values()):
            if row["_order_id"] in task.orders:
                task.orders[row["_order_id"]] = row
                self._tell(task)

    def algo_passorder(self, strategy: "Strategy", *args: "Any") -> None:
        """``(…十项, {参数}, C)``；这里等于 TWAP。"""
        self._open(strategy, (*args[:10], args[-1]), "TWAP", "", "")

    def smart_algo_passorder(self, strategy: "Strategy", *args: "Any") -> None:
        """两种写法：``(…十项, 算法, 限量, 最小金额[, 级别, 开始, 结束, 控制], C)``，

        或 ``(…十项, 算法, 开始, 结束, {参数}, C)``。
        """
        ten, algorithm, rest = args[:10], args[10], args[11:-1]
        start, end = "", ""
        if rest and isinstance(rest[0], str):
            start, end = rest[0], rest[1]
        elif len(rest) >= 5:
            start, end = rest[3], rest[4]
        self._open(strategy, (*ten, args[-1]), algorithm, start, end)

    def _open(
        self, strategy: "Strategy", args: "tuple[Any, ...]", algorithm: str, start: str, end: str
    ) -> None:
        call, _ = read("smart_algo_passorder", args)
        self._terminal.calls.append((call.userOrderId, args[:-1]))
        self._terminal.probe("before")
        if not self._desk.goes_now(strategy, call):
            return
        asked, call.prType = call.prType, 5 if call.prType == 12 else call.prType
        try:
            if algorithm not in ALGORITHMS or asked not in (11, 12):
                raise Refusal("[函数交易] 函数: smart_algo_passorder, 算法 [%s] 无效" % algorithm)
            account, order = self._desk.resolved(call)
        except Refusal as refusal:
            self._desk.refuse(strategy, call, str(refusal))
            return
        self._terminal.log.formula(
            "[trade]send order to tradeModule algo=%s remark=%s" % (algorithm, call.userOrderId)
        )
        task = _Task(len(self._tasks) + 1, call, account)
        task.parts = _cut(order["volume"])
        task.step_s = self._step(start, end, len(task.parts))
        self._tasks[task.number] = task
        self._strategies[task.number] = strategy
        self._tell(task)
        self._terminal.native.at(self._now, self._slice, task)
        self._terminal.probe("after")

    def _slice(self, task: "_Task") -> None:
        """发下一笔；暂停着的不发，继续时再排。"""
        if task.status != RUNNING:
            return
        volume = task.parts.pop(0)
        try:
            _, order = self._desk.resolved(task.call)
        except Refusal as refusal:
            task.status, task.message = ABORTED, str(refusal)
        else:
            order["volume"] = volume
            call = task.call
            number = self._desk.submit(task.account, order, call.strategyName, call.userOrderId)
            if number:
                task.orders.setdefault(number, {"m_nVolumeTraded": 0})
            if task.parts:
                self._terminal.native.at(self._now + task.step_s, self._slice, task)
            else:
                task.status = DONE
        self._tell(task)

    def _move(
        self, task_id: str, account: str, kind: str, status: int, old: "tuple[int, ...]"
    ) -> bool:
        task = self._tasks.get(int(task_id)) if str(task_id).isdigit() else None
        mine = account, ACCOUNT_TYPES.get(str(kind).upper(), 0)
        if task is None or task.status not in old or task.account != mine:
            return False
        task.status = status
        if status == RUNNING:
            self._terminal.native.at(self._now, self._slice, task)
        self._tell(task)
        return True

    def _tell(self, task: "_Task") -> None:
        strategy = self._strategies[task.number]
        if strategy.account == task.account[0]:
            due = self._now + self._terminal.manners.callback_lag_s[1]
            made = objects.make("TASK", task.row())
            self._terminal.native.at(due, strategy.call_back, "task_callback", made)

    def _step(self, start: str, end: str, slices: int) -> float:
        """开始到结束均分；没有给、看不懂的用 `_STEP_S`。"""
        if not (_CLOCK.match(start) and _CLOCK.match(end)):
            return _STEP_S
        return max((_seconds(end) - _seconds(start)) / slices, _STEP_S)

    @property
    def _now(self) -> float:
        return self._terminal.clock.monotonic()


def _seconds(clock: str) -> int:
    hour, minute, second = map(int, clock.split(":"))
    return (hour * 60 + minute) * 60 + second


def _cut(volume: int) -> "list[int]":
    """切成几笔整手的；不够一手的都在最后一笔。"""
    each = max(volume // _LOT // _SLICES, 1) * _LOT
    parts = [each] * min(volume // each, _SLICES) or [volume]
    parts[-1] += volume - sum(parts)
    return parts
