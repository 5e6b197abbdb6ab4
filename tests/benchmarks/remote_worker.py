"""性能对比的一个客户端进程：从标准输入一行一个 JSON 命令，做完回一行 JSON。

``{"open": "remote", "url": …, "token": …, "account": …}`` 远程的；
``{"open": "local", "path": …, "account": …}`` 本进程里的；``{"open": "echo", "port": …}`` 回声；
``{"do": "balance", "times": 200}`` 做这么多次，回 ``{"took": [秒, …]}``；
``{"do": "buy", "seconds": 3, "threads": 8}`` 几个线程一起做这么久，回 ``{"done": …, "took": 秒}``。
"""

from __future__ import annotations

import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

if TYPE_CHECKING:
    from collections.abc import Callable

_ASK = b'{"id":1,"verb":"balance","args":[],"kwargs":{},"ms":3000}\n'


class Echo:
    """裸的：一行 JSON 过去，一行回来。"""

    def __init__(self, port: int) -> None:
        self._link = socket.create_connection(("127.0.0.1", port))
        self._link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def echo(self) -> None:
        self._link.sendall(_ASK)
        got = b""
        while not got.endswith(b"\n"):
            got += self._link.recv(65536)


class Worker:
    """一个交易口或回声，和几样能做的事。"""

    def __init__(self) -> None:
        self.user: Any = None
        self.echo: Echo | None = None
        self._count = 0
        self._lock = threading.Lock()
        self.code, self.price, self.amount = "600036", 33.0, 100

    def open(self, told: dict[str, Any]) -> dict[str, Any]:
        kind = told["open"]
        if kind == "echo":
            self.echo = Echo(told["port"])
            return {}
        import easytrader

        if kind == "remote":
            self.user = easytrader.use("remote")
            self.user.connect(told["url"], token=told["token"], account=told["account"])
        elif kind == "stub":
            from remote_stub import stub_trader

            self.user = stub_trader()
        else:
            self.user = easytrader.use("sim")
            self.user.connect(told["path"], told["account"])
        self.code = told.get("code", self.code)
        self.price = told.get("price", self.price)
        return {}

    def actions(self) -> dict[str, Callable[[], object]]:
        user = self.user
        return {
            "echo": lambda: self.echo.echo(),  # type: ignore[union-attr]
            "balance": lambda: user.balance,
            "orders": lambda: user.today_entrusts,
            "buy": lambda: user.buy(self.code, self.price, self.amount),
            "buy_once": lambda: user.buy(
                self.code, self.price, self.amount, client_order_id=self._next()
            ),
        }

    def _next(self) -> str:
        with self._lock:
            self._count += 1
            return f"bench-{id(self)}-{time.time_ns()}-{self._count}"

    def do(self, told: dict[str, Any]) -> dict[str, Any]:
        action = self.actions()[told["do"]]
        if "seconds" in told:
            return self._together(action, told["seconds"], told.get("threads", 1))
        took = []
        for _ in range(told["times"]):
            began = time.perf_counter()
            action()
            took.append(time.perf_counter() - began)
        return {"took": took}

    @staticmethod
    def _together(action: Callable[[], object], seconds: float, threads: int) -> dict[str, Any]:
        done = [0] * threads
        wrong: list[str] = []
        began = time.perf_counter()

        def work(number: int) -> None:
            try:
                while time.perf_counter() - began < seconds:
                    action()
                    done[number] += 1
            except Exception as exc:
                wrong.append(repr(exc))

        running = [threading.Thread(target=work, args=(each,)) for each in range(threads)]
        for each in running:
            each.start()
        for each in running:
            each.join()
        return {"done": sum(done), "took": time.perf_counter() - began, "wrong": wrong}


def main() -> None:
    from loguru import logger

    logger.remove()
    worker = Worker()
    for line in sys.stdin:
        told = json.loads(line)
        try:
            said = worker.open(told) if "open" in told else worker.do(told)
        except Exception as exc:
            said = {"error": repr(exc)}
        print(json.dumps(said), flush=True)
    if worker.user is not None:
        worker.user.close()


if __name__ == "__main__":
    main()
