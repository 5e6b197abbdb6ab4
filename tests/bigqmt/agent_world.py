"""装进一个小小终端里的中转：注入的函数是记账的替身，定时器由测试一下一下拨。

`Rig` 是终端这头，`Outside` 是脚本那头（用的就是中转文件里的编解码）。
"""

from __future__ import annotations

import shutil
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from easytrader.bigqmt import agent, agentfile

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNT = "1000000365"


def free_ports(count: int = 5) -> tuple[int, ...]:
    """此刻没有人用的端口。"""
    held = [socket.socket() for _ in range(count)]
    for each in held:
        each.bind(("127.0.0.1", 0))
    ports = tuple(each.getsockname()[1] for each in held)
    for each in held:
        each.close()
    return ports


def settings(**changes: Any) -> agentfile.Settings:
    """一份设置：不落盘，端口现找。"""
    plain = agentfile.Settings(ACCOUNT, "STOCK", "5e" * 32, free_ports(), "", "", True)
    return plain._replace(**changes)


class Row:
    """像终端给的对象：只有属性；``dir()`` 里还混着枚举的成员。"""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __dir__(self) -> list[str]:
        return [*self.__dict__, "48", "j", "EEntrustBS"]


def order_row(number: int, **changes: Any) -> Row:
    """一行委托，字段够用。"""
    values: dict[str, Any] = dict.fromkeys(agent.COLUMNS["ORDER"], 0)
    values |= {
        "m_strAccountID": ACCOUNT,
        "m_strInstrumentID": "600036",
        "m_strExchangeID": "SH",
        "m_strInstrumentName": "招商银行",
        "m_strOrderSysID": str(number),
        "m_nOrderStatus": 50,
        "m_nOffsetFlag": 48,
        "m_dLimitPrice": 10.040000000000001,
        "m_nVolumeTotalOriginal": 100,
        "m_strRemark": f"~{number:09d}~",
        "m_strCancelInfo": "",
    }
    return Row(**{**values, **changes})


class Context:
    """活着的 ContextInfo。"""

    def __init__(self) -> None:
        self.request_id = "1"
        self.bound: list[tuple[Any, ...]] = []
        self.timers: list[tuple[str, str, str]] = []
        self.last_bar = False
        self.ticks: dict[str, Any] = {}
        self.details: dict[str, Any] = {}

    def set_account(self, *args: Any) -> None:
        self.bound.append(args)

    def run_time(self, name: str, period: str, start: str) -> None:
        self.timers.append((name, period, start))

    def is_last_bar(self) -> bool:
        return self.last_bar

    def get_full_tick(self, codes: list[str]) -> dict[str, Any]:
        return {each: self.ticks[each] for each in codes if each in self.ticks}

    def get_instrument_detail(self, code: str) -> Any:
        return self.details.get(code)

    def get_trading_dates(self, *args: Any) -> list[str]:
        return ["20260302", "20260303"]


class Rig:
    """一个装着中转的终端。

    Attributes:
        calls: 每次 passorder 的参数。
        tables: 种类 → 终端的那份列表。
        now: 钟，秒；`tick` 往前走。
    """

    def __init__(self, told: agentfile.Settings | None = None, **injected: Any) -> None:
        self.settings = told or settings()
        self.source = agentfile.render(self.settings)
        self.calls: list[tuple[Any, ...]] = []
        self.cancels: list[tuple[Any, ...]] = []
        self.queries: list[tuple[Any, ...]] = []
        self.tables: dict[str, Any] = {each: [] for each in agent.COLUMNS}
        self.on_passorder: Callable[[], Any] = lambda: None
        self.now = 1000.0
        self.period = 0.1
        self.context = Context()
        self.output: list[str] = []
        self.injected = injected
        self.module: dict[str, Any] = {}
        self.load()

    def load(self) -> None:
        """客户端装上模型（再来一次就是重新运行：进程还是这个）。"""
        self.module = {
            "__name__": "__main__",
            "account": self.settings.account,
            "accountType": self.settings.account_type,
            "passorder": self._passorder,
            "cancel": self._cancel,
            "get_trade_detail_data": self._query,
            "print": lambda *said: self.output.append(" ".join(map(str, said))),
            **self.injected,
        }
        exec(compile(self.source.encode("ascii"), "<string>", "exec"), self.module)
        self.module["_clock"] = lambda: self.now
        self.context = Context()
        self.module["init"](self.context)

    def forget(self) -> None:
        """进程没了：端口放开，内存里的都没了。"""
        self.module["stop"](self.context)
        for name in [each for each in sys.modules if each.startswith("_easytrader_agent_")]:
            del sys.modules[name]

    @property
    def agent(self) -> Any:
        return self.module["_agent"]

    @property
    def ports(self) -> tuple[int, ...]:
        """中转真的在听的端口（别的测试可能正好也用着设置里的）。"""
        tcp = [each for each in self.agent._wires if each.name == "tcp"]
        return tuple(each._sock.getsockname()[1] for each in tcp)

    def tick(self, count: int = 1) -> None:
        """定时器响几下。"""
        for _ in range(count):
            self.now += self.period
            self.module["_et_tick"](self.context)

    def call_back(self, name: str, *args: Any) -> None:
        self.module[name](self.context, *args)

    def _passorder(self, *args: Any) -> Any:
        self.calls.append(args)
        return self.on_passorder()

    def _cancel(self, *args: Any) -> Any:
        self.cancels.append(args)
        return True

    def _query(self, *args: Any) -> Any:
        self.queries.append(args)
        found = self.tables[args[2]]
        return found() if callable(found) else found


class TcpEnd:
    """脚本那头的套接字。"""

    def __init__(self, ports: tuple[int, ...]) -> None:
        for port in ports:
            self.sock = socket.socket()
            self.sock.settimeout(5.0)
            try:
                self.sock.connect(("127.0.0.1", port))
            except OSError:
                self.sock.close()
                continue
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return
        raise AssertionError("没有一个端口开着")

    def send(self, data: bytes) -> None:
        self.sock.settimeout(5.0)
        self.sock.sendall(data)

    def pull(self) -> bytes:
        """此刻到了的字节；对端走了为 EOFError。"""
        self.sock.settimeout(0.002)
        try:
            data = self.sock.recv(1 << 20)
        except (TimeoutError, BlockingIOError):
            return b""
        except OSError as gone:
            raise EOFError from gone
        if not data:
            raise EOFError
        return data

    def close(self) -> None:
        self.sock.close()


class SpoolEnd:
    """脚本那头的文件夹。"""

    def __init__(self, spool: str, name: str = "c-0a1b") -> None:
        self.place = Path(spool) / name
        self.sent = self.got = 0
        for each in ("in", "out"):
            (self.place / each).mkdir(parents=True)

    def send(self, data: bytes) -> None:
        path = self.place / "in" / f"{self.sent}.bin"
        path.with_suffix(".tmp").write_bytes(data)
        path.with_suffix(".tmp").rename(path)
        self.sent += 1

    def pull(self) -> bytes:
        path = self.place / "out" / f"{self.got}.bin"
        if not path.exists():
            if not self.place.exists():
                raise EOFError
            return b""
        data = path.read_bytes()
        path.unlink()
        self.got += 1
        return data

    def close(self) -> None:
        shutil.rmtree(self.place)


class Outside:
    """脚本那头的一条线；每问一次就拨几下终端的定时器。"""

    def __init__(self, rig: Rig, end: Any = None, **changes: Any) -> None:
        self.rig = rig
        told = {"token": rig.settings.token, "account": rig.settings.account, "v": 1}
        self.told: dict[str, Any] = {**told, **changes}
        self.framer = agent.Framer(False)
        self.seen: list[dict[str, Any]] = []
        self.parts: list[Any] = []
        self.ids = 0
        self.end = end or TcpEnd(rig.ports)
        self.hello = self.wait("hello", "no")
        self.greeting: dict[str, Any] = {}

    def enter(self) -> dict[str, Any]:
        """对上暗号，返回 ``ok`` 或 ``no``。"""
        nonce = agent.new_nonce()
        theirs, token, account = self.hello["nonce"], self.told["token"], self.told["account"]
        proof = agent.sdk_proof(token, theirs, nonce, account)
        said = {"t": "auth", "v": self.told["v"], "nonce": nonce, "proof": proof}
        self.send({**said, "who": agent.sdk_proof(token, theirs, nonce, "")})
        self.greeting = self.wait("ok", "no")
        if self.greeting["t"] == "ok":
            assert self.greeting["proof"] == agent.agent_proof(token, nonce, theirs)
            self.framer.key = agent.session_key(token, theirs, nonce)
        return self.greeting

    def send(self, message: dict[str, Any]) -> None:
        self.end.send(self.framer.pack(message))

    def ask(self, method: str, by: float | None = None, **args: Any) -> dict[str, Any]:
        """问一句，拨到有回答；部分在 ``parts`` 里。"""
        number = self.post(method, by, **args)
        self.parts = []
        while True:
            answer = self.wait("r", "p")
            if answer["id"] != number:
                continue
            if answer["t"] == "r":
                return answer
            self.parts.append(answer["v"])

    def post(self, method: str, by: float | None = None, **args: Any) -> int:
        """只发出去，不等。"""
        self.ids += 1
        by = self.rig.now + 60 if by is None else by
        self.send({"t": "q", "id": self.ids, "m": method, "a": args, "by": by})
        return self.ids

    def wait(self, *kinds: str) -> dict[str, Any]:
        """拨到有这一种话；别的记在 ``seen`` 里。"""
        for _ in range(400):
            while (message := self.take()) is not None:
                if message["t"] in kinds:
                    return message
                self.seen.append(message)
            self.rig.tick()
            self.pull()
        raise AssertionError(f"没有等到 {kinds}")

    def take(self) -> dict[str, Any] | None:
        return self.framer.take()

    def pull(self) -> None:
        """此刻到了的字节都收下；对端走了、也没有剩下的话为 EOFError。"""
        try:
            while data := self.end.pull():
                self.framer.feed(data)
        except EOFError:
            if not self.framer.waiting:
                raise

    def gone(self) -> bool:
        """拨几下，对端走了没有。"""
        try:
            for _ in range(100):
                self.rig.tick()
                self.pull()
                while self.take() is not None:
                    pass
        except EOFError:
            return True
        return False

    def events(self) -> list[dict[str, Any]]:
        """到现在为止推来的事件。"""
        quiet = 0
        while quiet < 2:
            self.rig.tick()
            self.pull()
            quiet += 1
            while (message := self.take()) is not None:
                self.seen.append(message)
                quiet = 0 if message["t"] == "e" else quiet
        return [each for each in self.seen if each["t"] == "e"]

    def close(self) -> None:
        self.end.close()


def inside(rig: Rig, end: Any = None, **changes: Any) -> Outside:
    """连上并对过暗号的一条线。"""
    outside = Outside(rig, end, **changes)
    assert outside.enter()["t"] == "ok", outside.greeting
    return outside


def submit(**changes: Any) -> dict[str, Any]:
    """一笔委托的参数。"""
    plain: dict[str, Any] = {
        "tag": "~000000001~",
        "op": 23,
        "order_type": 1101,
        "account": ACCOUNT,
        "account_type": "STOCK",
        "code": "600036.SH",
        "pr": 11,
        "price": 35.5,
        "volume": 100,
        "strategy": "s",
    }
    return {**plain, **changes}
