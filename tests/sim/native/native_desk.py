"""测试用的柜台与驱动厂商 xttrader 的小工具。"""

from __future__ import annotations

import threading
import time
from queue import SimpleQueue

from easytrader.sim.gateway.rows import (
    AccountInfoRow,
    AccountStatusRow,
    AssetRow,
    CancelAnswer,
    OrderAnswer,
    OrderRow,
    PositionRow,
    TradeRow,
)
from easytrader.sim.gateway.verbs import VERBS
from easytrader.sim.gateway.wire import QUERY_FAILED, Message
from easytrader.sim.host.delivery import ConnectRefusedError
from easytrader.sim.ledger.events import BusinessQuery

ACCOUNT = "10001"
DESK_VERBS = [verb.name for verb in VERBS.values() if verb.args is BusinessQuery]
ORDER = OrderRow(
    2, ACCOUNT, "600036.SH", 1001, 1634278451, 23, 100, 50, 10.5, 40, 10.4, 55, "8129",
    "", "strat", "remark", 48, 48, "A100", "招商银行",
)  # fmt: skip
TRADE = TradeRow(
    2, ACCOUNT, "600036.SH", "T1", 1634278451, 10.4, 40, 416.0, 1001, 23, "8129", "strat",
    "remark", 48, 48, 5.0, "A100", "招商银行",
)  # fmt: skip
POSITION = PositionRow(
    2, ACCOUNT, "600036.SH", 300, 200, 10.0, 3150.0, 100, 0, 300, 10.1, 48, 120.0, 10.5,
    0.04, "A100", "招商银行", "20211015", 120.0,
)  # fmt: skip
ASSET = AssetRow(2, ACCOUNT, 1000.0, 50.0, 3150.0, 4200.0, 900.0, 1050.0)
INFO = AccountInfoRow(2, ACCOUNT, 2, 21, "b", "p", 1, "broker", "code", 0)


class FakeSession:
    def __init__(self, host, session_id, deliver, lost):
        self.host, self.session_id = host, session_id
        self.deliver, self.lost = deliver, lost
        self.alive = True

    def send(self, request):
        if self.alive:
            self.host.inbox.put((self, request))

    def detach(self):
        self.alive = False
        self.host.sessions.pop(self.session_id, None)


class FakeHost:
    """一个线程；``mute`` 里的动作不回答，``refuse`` 次拒绝连接。"""

    def __init__(self, path="", clock=None):
        self.inbox = SimpleQueue()
        self.sessions = {}
        self.seen = []
        self.mute = set()
        self.refuse = 0
        self.refusals = 0
        self.replies = {}
        self.next_order_id = 1000
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, name="easytrader-sim-fake", daemon=True)
        self.thread.start()

    def attach(self, session_id, pid, deliver, lost):
        if self.refuse:
            self.refuse -= 1
            self.refusals += 1
            raise ConnectRefusedError("测试要求拒绝")
        session = FakeSession(self, session_id, deliver, lost)
        self.sessions[session_id] = session
        return session

    def close(self):
        self.inbox.put(None)
        self.thread.join(30)

    def push(self, kind, row):
        self.do(lambda: [s.deliver(Message(kind, 0, row)) for s in list(self.sessions.values())])

    def lose(self):
        def drop():
            for session in list(self.sessions.values()):
                session.alive = False
                session.lost()
            self.sessions.clear()

        self.do(drop)

    def do(self, function):
        done = threading.Event()
        self.inbox.put((function, done))
        assert done.wait(30)

    def _run(self):
        while (item := self.inbox.get()) is not None:
            first, second = item
            if isinstance(first, FakeSession):
                self.seen.append(second)
                if second.verb not in self.mute and first.alive:
                    first.deliver(Message("answer", second.seq, self._answer(*second)))
            else:
                first()
                second.set()
            del item, first, second  # 不替别人留着会话
        for session in list(self.sessions.values()):
            session.alive = False
            session.lost()
        self.stopped.set()

    def _answer(self, verb, seq, args):
        if verb in self.replies:
            reply = self.replies[verb]
            return reply(args) if callable(reply) else reply
        if verb in DESK_VERBS:
            return QUERY_FAILED, f"测试的柜台不办 {verb}"
        return getattr(self, f"_{verb}")(args)

    def _subscribe(self, args):
        return 0 if args.account_id == ACCOUNT else -1

    _unsubscribe = _subscribe

    def _submit(self, args):
        self.next_order_id += 1
        return OrderAnswer(
            args.account_type, args.account_id, self.next_order_id,
            args.strategy_name, args.order_remark, 0, "",
        )  # fmt: skip

    def _cancel(self, args):
        return CancelAnswer(2, args.account_id, 0, args.order_id, args.sysid, 0, "")

    def _asset(self, args):
        return [ASSET] if args.account_id == ACCOUNT else []

    def _orders(self, args):
        return [ORDER]

    def _trades(self, args):
        return [TRADE]

    def _positions(self, args):
        return [POSITION]

    def _account_infos(self, args):
        return [INFO]

    def _account_status(self, args):
        return [AccountStatusRow(2, ACCOUNT, 0)]

    def _unsupported(self, args):
        return ("not_simulated", args[0])


def on_thread(function, *args, timeout=10.0):
    """在名字不是 MainThread 的线程里执行（厂商会换掉主线程的事件循环），限时。"""
    result = []

    def run():
        try:
            result.append((True, function(*args)))
        except BaseException as error:
            result.append((False, error))

    thread = threading.Thread(target=run, name="test-worker", daemon=True)
    thread.start()
    thread.join(timeout)
    assert result, f"{timeout} 秒内没有返回"
    ok, value = result[0]
    if not ok:
        raise value
    return value


def eventually(condition, timeout=30.0):
    """等条件成立，限时；返回它的值。"""
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        assert time.monotonic() < deadline, "等不到"
        pause.wait(0.005)
    return value


def sim_threads():
    return [t.name for t in threading.enumerate() if t.name.startswith("easytrader-sim")]


class Recorder:
    """记下厂商回调（鸭子类型，厂商不检查基类）。"""

    def __init__(self):
        self.calls = []
        self.threads = set()

    def __getattr__(self, name):
        if not name.startswith("on_"):
            raise AttributeError(name)

        def record(*args):
            self.threads.add(threading.current_thread().name)
            self.calls.append((name, *args))

        return record

    def names(self):
        return [call[0] for call in self.calls]
