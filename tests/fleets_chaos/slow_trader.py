"""慢的柜台（`slow_counter`）的交易口：``use("slow").connect("127.0.0.1:端口", "账号")``。

登记成 entry point，代理照登记的后端用它。记录在默认的地方，被杀了再起还认得。
``EASYTRADER_TEST_STOP_AT``：有这个文件时，下一笔委托就要交给柜台的那一刻，删掉它，
把自己停住（SIGSTOP）。
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.backend.records import (
    Asset,
    Order,
    OrderChanged,
    OrderRequest,
    Position,
    Side,
    SubmitAnswer,
    Trade,
    Traded,
)
from easytrader.basics.paths import AccountKey
from easytrader.errors import ConnectFailedError
from easytrader.link.line import LineSession, NoAnswerError
from easytrader.trader import Trader

if TYPE_CHECKING:
    from easytrader.backend.session import Listener, Reply

CASH: Final = 10**9


class CounterLine:
    """到柜台的一条连接：问一句等一句，推送另报。"""

    def __init__(self, port: int, timeout_s: float = 5.0) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout_s)
        self._sock.settimeout(None)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._numbers = itertools.count(1)
        self._changed = threading.Condition()
        self._found: dict[int, Any] = {}
        self._gone = False
        self.pushed: Any = lambda kind, row: None
        self.lost: Any = lambda: None
        threading.Thread(target=self._read, name="slow-line", daemon=True).start()

    def ask(self, timeout_s: float, **what: Any) -> Any:
        """等到应答；没有的抛 `NoAnswerError`。"""
        number = next(self._numbers)
        self._sock.sendall(json.dumps({"n": number, **what}).encode() + b"\n")
        with self._changed:
            self._changed.wait_for(lambda: number in self._found or self._gone, timeout_s)
            if number not in self._found:
                raise NoAnswerError
            return self._found.pop(number)

    def close(self) -> None:
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _read(self) -> None:
        with suppress(OSError, ValueError), self._sock.makefile("rb") as lines:
            for line in lines:
                self._hear(json.loads(line))
        with self._changed:
            self._gone = True
            self._changed.notify_all()
        self.lost()

    def _hear(self, said: dict[str, Any]) -> None:
        if "push" in said:
            self.pushed(said["push"], said["row"])
            return
        with self._changed:
            self._found[said["n"]] = said["found"]
            self._changed.notify_all()


class SlowSession(LineSession):
    """一次会话。"""

    def __init__(self, line: CounterLine, account: str, listener: Listener, limit_s: float) -> None:
        super().__init__(limit_s, "slow-session")
        self._counter, self._account, self._listener = line, account, listener
        line.pushed = self._pushed
        line.lost = lambda: listener.lost(self, "柜台断了")

    def asset(self) -> Asset:
        cash = self.ask("资金", lambda: CASH)
        return Asset(total_asset=cash, cash=cash, account_id=self._account)

    def positions(self) -> list[Position]:
        return [Position(stock_code="600036.SH", volume=10**8, account_id=self._account)]

    def orders(self) -> list[Order]:
        rows = self.ask("当日委托", lambda: self._counter.ask(self.timeout_s, do="orders"))
        return [self._order(each) for each in rows]

    def trades(self) -> list[Trade]:
        rows = self.ask("当日成交", lambda: self._counter.ask(self.timeout_s, do="trades"))
        return [self._trade(each) for each in rows]

    def last_price(self, stock_code: str) -> float:
        del stock_code
        return 10.0

    def submit(self, request: OrderRequest, reply: Reply[SubmitAnswer]) -> None:
        told = {
            "code": request.security.stock_code, "side": int(request.side), "tag": request.tag,
            "volume": request.volume, "price": float(request.price), "remark": request.remark,
        }  # fmt: skip
        limit_s = self.timeout_s

        def work() -> SubmitAnswer:
            stop_here()
            return SubmitAnswer(self._counter.ask(limit_s, do="submit", order=told))

        self.send(reply, work, request.tag)

    def cancel(self, target: Any, reply: Reply[bool]) -> None:
        limit_s = self.timeout_s
        self.send(reply, lambda: self._counter.ask(limit_s, do="cancel", number=target))

    def close(self, limit_s: float = 3.0) -> None:
        self._counter.close()
        super().close(limit_s)

    def _pushed(self, kind: str, row: dict[str, Any]) -> None:
        if kind == "order":
            self._listener.pushed(self, OrderChanged(self._order(row)))
        else:
            self._listener.pushed(self, Traded(self._trade(row)))

    def _order(self, row: dict[str, Any]) -> Order:
        return Order(
            stock_code=row["code"], order_id=row["order_id"], side=Side(row["side"]),
            order_volume=row["volume"], order_status=row["status"], order_time=row["time"],
            price=row["price"] or None, traded_volume=row["traded"],
            traded_price=row["price"] if row["traded"] else 0.0, order_remark=row["remark"],
            account_id=self._account,
        )  # fmt: skip

    def _trade(self, row: dict[str, Any]) -> Trade:
        return Trade(
            stock_code=row["code"], order_id=row["order_id"], side=Side(row["side"]),
            traded_id=row["traded_id"], traded_time=row["time"], traded_price=row["price"],
            traded_volume=row["volume"], order_remark=row["remark"], account_id=self._account,
        )  # fmt: skip


class SlowConnector:
    """怎样开一次会话。"""

    session_id = 0

    def __init__(self, port: int, account: str, timeout_s: float) -> None:
        self.timeout_s = timeout_s
        self._port, self._account, self._cancelled = port, account, False

    def open(self, listener: Listener, deadline: float) -> SlowSession:
        del deadline
        if self._cancelled:
            raise ConnectFailedError("不连了")
        try:
            line = CounterLine(self._port, self.timeout_s)
            line.ask(self.timeout_s, do="login", account=self._account)
        except (OSError, NoAnswerError) as exc:
            raise ConnectFailedError(f"慢的柜台连不上：{exc!r}") from exc
        return SlowSession(line, self._account, listener, self.timeout_s)

    def cancel(self) -> None:
        self._cancelled = True


class SlowTrader(Trader):
    """见模块说明。"""

    capabilities = Capabilities("慢的柜台", always_open=True)

    def connect(
        self,
        address: str,
        account: str,
        callback: Any = None,
        *,
        timeout: float = 5,
        **options: Any,
    ) -> None:
        port = int(address.rpartition(":")[2])
        connector = SlowConnector(port, account, arguments.seconds("timeout", timeout))
        options.setdefault("reconnect_interval", 0.2)
        self._open(connector, AccountKey(f"slow-{port}", account), callback=callback, **options)


def stop_here() -> None:
    """有人要我停在这里：最后一看与交给柜台之间。"""
    asked = os.environ.get("EASYTRADER_TEST_STOP_AT")
    if asked and Path(asked).exists():
        Path(asked).unlink()
        os.kill(os.getpid(), signal.SIGSTOP)
        threading.Event().wait(0.3)  # 信号由哪个线程收到不一定，停住之前这个线程还会再跑一小会儿


def register(folder: Path) -> Path:
    """在 ``folder`` 里登记成 ``slow``：它与这个文件所在的文件夹都放进 PYTHONPATH。"""
    info = folder / "easytrader_slow-1.0.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: easytrader-slow\nVersion: 1.0\n")
    entry = "[easytrader.brokers]\nslow = slow_trader:SlowTrader\n"
    (info / "entry_points.txt").write_text(entry)
    return folder
