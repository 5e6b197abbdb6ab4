"""一群只数字节的听众：一个进程里几十条连接，数事件，看最后一条多老。

``python remote_listeners.py PORT ACCOUNT 多少条 秒``，令牌从环境变量 ``BENCH_TOKEN`` 来；
连上说一行 ``ready``，收到一行就开始，最后印一行 JSON。
事件里的 ``at`` 是发出时的单调时钟：同一台机器上各进程的是同一个。
"""

from __future__ import annotations

import json
import os
import re
import selectors
import socket
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from raw_ws import RawWs

_AT = re.compile(rb'"at":\s*"?([0-9.]+)')
_SEQ = b'"seq":'


class Listener:
    """一条连接。"""

    def __init__(self, port: int, account: str, token: str) -> None:
        self.ws = RawWs(port, account, token)
        self.ws.call("server.events", boot=self.ws.hello["boot"], after=self.ws.hello["last"])
        self.ws.link.setblocking(False)
        self.bytes = self.events = 0
        self._tail = b""
        self.ages: list[float] = []
        self.over = False

    def read(self) -> None:
        try:
            data = self.ws.link.recv(1 << 18)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.over = True
            return
        self.bytes += len(data)
        # 键正好断在两段当中的也要数到
        self.events += (self._tail + data).count(_SEQ)
        self._tail = data[1 - len(_SEQ) :]
        last = data.rfind(b'"at":')
        if last >= 0 and (found := _AT.match(data, last)) and found.end() < len(data):
            self.ages.append(time.monotonic() - float(found.group(1)))


def main(argv: list[str]) -> None:
    port, account, count, seconds = int(argv[0]), argv[1], int(argv[2]), float(argv[3])
    token = os.environ["BENCH_TOKEN"]
    listeners = [Listener(port, account, token) for _ in range(count)]
    watch = selectors.DefaultSelector()
    for each in listeners:
        watch.register(each.ws.link, selectors.EVENT_READ, each)
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for key, _ in watch.select(min(left, 0.2)):
            key.data.read()
            if key.data.over:
                watch.unregister(key.fileobj)
    ages = [age for each in listeners for age in each.ages]
    told = {
        "events": [each.events for each in listeners],
        "bytes": sum(each.bytes for each in listeners),
        "cut": sum(each.over for each in listeners),
        "ages": ages,
        "cpu": time.process_time(),
    }
    print(json.dumps(told), flush=True)


def stalled(port: int, account: str, token: str) -> socket.socket:
    """订阅了却从不读的一条。"""
    ws = RawWs(port, account, token)
    ws.link.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    ws.send({"id": 1, "verb": "server.events", "args": [], "kwargs": {
        "boot": ws.hello["boot"], "after": ws.hello["last"]}, "ms": 5000})  # fmt: skip
    return ws.link


if __name__ == "__main__":
    main(sys.argv[1:])
