"""另一个进程里的 VeighNa RPC 服务，与它的把手；``python rpc_process.py`` 从标准输入听命令。

每个测试要一个新的柜台：一个进程里 ``new`` 出一套新的 ``MainEngine``、SIM 接口、RPC 服务。
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any


class Server:
    """服务进程里的一套。"""

    def __init__(self) -> None:
        from sim_gateway import SimCounter, SimGateway, load

        vt = load()
        from vnpy_rpcservice import RpcServiceApp

        self.counter = SimCounter(**{"600036": 1_000_000, "rb2510": 5})
        events = vt.EventEngine()
        events._thread.daemon = events._timer.daemon = True
        self.main = vt.MainEngine(events)
        self.main.add_gateway(SimGateway)
        self.main.connect({"柜台": self.counter.name}, "SIM")
        self.counter.settle()
        self.engine: Any = self.main.add_app(RpcServiceApp)
        self.ports = [0, 0]
        self.listen()

    def listen(self) -> None:
        """听；再听的时候还是那两个端口。"""
        server = self.engine.server
        for at, name in enumerate(("_socket_rep", "_socket_pub")):
            socket = getattr(server, name)
            socket.bind(f"tcp://127.0.0.1:{self.ports[at] or '*'}")
            self.ports[at] = int(socket.LAST_ENDPOINT.rpartition(b":")[2])
            socket.bind = lambda _: None
        server.start("", "")

    def stop(self) -> None:
        """不听了：账还在。"""
        server = self.engine.server
        server.stop()
        server.join()

    def restart(self) -> None:
        """又听。"""
        self.engine.init_server()
        self.listen()


def main() -> None:
    """一行一个命令，一行一个应答。"""
    server: Any = None
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        told: Any = None
        if verb == "new":
            server = Server()
            told = server.ports
        elif verb == "fault":
            setattr(server.counter.faults, arguments[0], arguments[1])
        elif verb == "told":
            told = len(server.counter.sends), len(server.counter.orders)
        elif verb == "contract":
            from sim_gateway import Exchange, stock

            row = stock(arguments[0], Exchange.SSE, "后来的")
            server.counter.contracts.append(row)
            server.counter.prices[arguments[0]] = 10.0
            from vnpy.trader.object import ContractData

            server.main.get_gateway("SIM").on_contract(ContractData(gateway_name="SIM", **row))
        else:
            told = getattr(server, verb)(*arguments)
        print(json.dumps(told), flush=True)


class RpcProcess:
    """服务进程。"""

    def __init__(self, **environment: str) -> None:
        here = Path(__file__).resolve()
        root = here.parents[2]
        env = {**os.environ, **environment}
        env["PYTHONPATH"] = os.pathsep.join((str(root), str(here.parent)))
        self.process = subprocess.Popen(
            [sys.executable, str(here)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, encoding="utf-8", env=env,
        )  # fmt: skip
        self._lock = threading.Lock()

    def ask(self, *command: Any) -> Any:
        """一个命令，它的应答。"""
        with self._lock:
            assert self.process.stdin is not None
            assert self.process.stdout is not None
            self.process.stdin.write(json.dumps(command) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
            assert line, "RPC 服务进程没了"
            return json.loads(line)

    def new(self) -> dict[str, str]:
        """一套新的，返回连它的字段。"""
        ports = self.ask("new")
        names = ("主动请求地址", "推送订阅地址")
        return {name: f"tcp://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)}

    def close(self) -> None:
        """杀掉。"""
        self.process.kill()
        self.process.wait()
        for each in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if each is not None:
                    each.close()


if __name__ == "__main__":
    main()
