"""一个慢的柜台，单独一个进程：每个请求过 5 到 100 毫秒才有应答，账在它自己手里，是判对错的依据。

python slow_counter.py 种子 最少毫秒 最多毫秒

一行 JSON 来一行回。在那段时间里随便哪一刻收下：问的进程这时死了，委托照样在账上。
"""

from __future__ import annotations

import itertools
import json
import random
import socket
import sys
import threading
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any, Final

REPORTED, SUCCEEDED, CANCELED = 50, 56, 54
BUY: Final = 23
FILLS_FROM: Final = 10.0
"""委托价到了这里的马上成交，不到的挂着。"""


class Ledger:
    """全部账号的账；重启就没有了，所以从来不杀它。"""

    def __init__(self, seed: str, least_s: float, most_s: float) -> None:
        self.orders: dict[str, dict[int, dict[str, Any]]] = defaultdict(dict)
        self.trades: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.links: dict[str, set[Link]] = defaultdict(set)
        self.lock = threading.Lock()
        self.mute = threading.Event()
        """放着：照办，而不应答。"""
        self._dice = random.Random(seed)
        self._least_s, self._most_s = least_s, most_s
        self._numbers = itertools.count(1)

    def delays(self) -> tuple[float, float]:
        """办之前、办之后各等多久：大多是几毫秒，偶尔到头。"""
        with self.lock:
            whole = self._least_s + (self._most_s - self._least_s) * self._dice.random() ** 3
            before = self._dice.random()
        return whole * before, whole * (1 - before)

    def submit(self, account: str, told: dict[str, Any]) -> int:
        with self.lock:
            number = next(self._numbers)
            order = {**told, "order_id": number, "status": REPORTED, "traded": 0,
                     "time": int(time.time())}  # fmt: skip
            self.orders[account][number] = order
            pushed = [{"push": "order", "row": dict(order)}]
            if told["price"] >= FILLS_FROM:
                trade = {"order_id": number, "traded_id": f"T{number}", "code": told["code"],
                         "side": told["side"], "price": told["price"], "volume": told["volume"],
                         "remark": told["remark"], "time": order["time"]}  # fmt: skip
                self.trades[account].append(trade)
                order.update(status=SUCCEEDED, traded=told["volume"])
                pushed += [{"push": "trade", "row": trade}, {"push": "order", "row": dict(order)}]
            self._push(account, pushed)
        return number

    def cancel(self, account: str, number: int) -> bool:
        with self.lock:
            order = self.orders[account].get(number)
            if order is None or order["status"] != REPORTED:
                return False
            order["status"] = CANCELED
            self._push(account, [{"push": "order", "row": dict(order)}])
        return True

    def rows(self, account: str, what: str) -> list[dict[str, Any]]:
        with self.lock:
            if what == "orders":
                return [dict(each) for each in self.orders[account].values()]
            return list(self.trades[account])

    def everything(self) -> dict[str, list[dict[str, Any]]]:
        with self.lock:
            return {
                name: [dict(row) for row in rows.values()] for name, rows in self.orders.items()
            }

    def _push(self, account: str, pushed: list[dict[str, Any]]) -> None:
        for link in list(self.links[account]):
            link.send(*pushed)


class Link:
    """一条连接。"""

    def __init__(self, sock: socket.socket, ledger: Ledger) -> None:
        self._sock, self._ledger = sock, ledger
        self._writing = threading.Lock()
        self._account = ""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, *said: dict[str, Any]) -> None:
        text = "".join(json.dumps(each) + "\n" for each in said).encode()
        with self._writing, suppress(OSError):
            self._sock.sendall(text)

    def run(self) -> None:
        try:
            with self._sock, self._sock.makefile("rb") as lines:
                for line in lines:
                    self._serve(json.loads(line))
        except (OSError, ValueError):
            pass
        finally:
            self._ledger.links[self._account].discard(self)

    def _serve(self, asked: dict[str, Any]) -> None:
        ledger, do = self._ledger, asked["do"]
        if do == "login":
            self._account = asked["account"]
            ledger.links[self._account].add(self)
            found: Any = True
        elif do in ("submit", "cancel"):
            before, after = ledger.delays()
            time.sleep(before)
            if do == "submit":
                found = ledger.submit(self._account, asked["order"])
            else:
                found = ledger.cancel(self._account, asked["number"])
            time.sleep(after)
        elif do == "everything":
            found = ledger.everything()
        elif do == "mute":
            (ledger.mute.set if asked["on"] else ledger.mute.clear)()
            found = True
        else:
            found = ledger.rows(self._account, do)
        if do in ("submit", "cancel") and ledger.mute.is_set():
            return
        self.send({"n": asked["n"], "found": found})


def main(seed: str, least_ms: str, most_ms: str) -> None:
    ledger = Ledger(seed, float(least_ms) / 1000, float(most_ms) / 1000)
    listener = socket.create_server(("127.0.0.1", 0), backlog=256)
    print(listener.getsockname()[1], flush=True)
    threading.Thread(target=_until_orphaned, daemon=True).start()
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=Link(sock, ledger).run, daemon=True).start()


def _until_orphaned() -> None:
    """起它的没有了就走。"""
    sys.stdin.read()
    import os

    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
