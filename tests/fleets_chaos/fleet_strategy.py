"""一个策略进程：``python fleet_strategy.py 地址 期限 账号,账号… 线程数``。

标准输入一行一笔 JSON：``{"account", "cid", "price", "again", "cancel"}``；标准输出一行一个结果。
每个账号几个线程，先来先做；``again``：不清楚的再问几遍，同一个编号。被杀了再起，主人把没有听到结果的再说一遍。
"""

from __future__ import annotations

import json
import sys
import threading
import time
from queue import SimpleQueue
from typing import Any, Final

AGAIN_S: Final = 15.0
"""不清楚的、没有发出的，最多再问这么久。"""


class Hand:
    """一个账号的交易口与它的线程。"""

    def __init__(self, dsn: str, account: str, timeout_s: float, say: Any, threads: int) -> None:
        import easytrader

        self.account, self.timeout_s, self._say = account, timeout_s, say
        self.user: Any = easytrader.use("fleet")
        self.user.connect(
            dsn,
            account=account,
            timeout=timeout_s,
            reconnect_interval=0.2,
            wait=60,
            strategy="chaos",
        )
        self.jobs: SimpleQueue[dict[str, Any] | None] = SimpleQueue()
        self.threads = [threading.Thread(target=self._run, daemon=True) for _ in range(threads)]
        for each in self.threads:
            each.start()

    def close(self) -> None:
        for _ in self.threads:
            self.jobs.put(None)
        for each in self.threads:
            each.join(60)
        self.user.close()

    def _run(self) -> None:
        while (job := self.jobs.get()) is not None:
            said = self._buy(job)
            end = time.monotonic() + (AGAIN_S if job.get("again") else 0)
            while said["outcome"] != "placed" and time.monotonic() < end:
                said = self._buy(job)
            if job.get("cancel") and said["outcome"] == "placed":
                self._cancel(job, said["number"])
            self._say({"done": job["cid"], "account": self.account})

    def _buy(self, job: dict[str, Any]) -> dict[str, Any]:
        self._say({"begin": job["cid"], "account": self.account})
        said = self._call(
            lambda: self.user.buy("600036", job["price"], 100, client_order_id=job["cid"])
        )
        number = said.pop("result", {}).get("entrust_no", 0)
        if said["outcome"] == "ok":
            said.update(outcome="refused" if number == -1 else "placed", number=number)
        said = {"told": job["cid"], "account": self.account, **said}
        self._say(said)
        if said["outcome"] == "unsent":  # 没有连接：等它连上，不空转
            threading.Event().wait(0.3)
        return said

    def _cancel(self, job: dict[str, Any], number: int) -> None:
        said = self._call(lambda: self.user.cancel_entrust(number))
        done = said.pop("result", {}).get("success")
        self._say({"cancel": job["cid"], "account": self.account, "number": number,
                   "success": bool(done), **said})  # fmt: skip

    def _call(self, work: Any) -> dict[str, Any]:
        from easytrader import errors

        began = time.monotonic()
        said: dict[str, Any] = {"text": ""}
        try:
            said["result"] = work()
            said["outcome"] = "ok"
        except errors.OutcomeUnknownError as exc:
            said.update(outcome="unknown", text=str(exc))
        except (errors.NotConnectedError, errors.RiskRefusedError, errors.JournalError) as exc:
            said.update(outcome="unsent", text=repr(exc))
        except errors.EasytraderError as exc:
            said.update(outcome=type(exc).__name__, text=repr(exc))
        except Exception as exc:
            said.update(outcome=f"alien {type(exc).__name__}", text=repr(exc))
        said["late_s"] = round(time.monotonic() - began - self.timeout_s, 3)
        return said


def main(dsn: str, timeout_s: str, accounts: str, threads: str) -> None:
    from loguru import logger

    logger.remove()
    logger.add(sys.stderr, level="WARNING")
    lock = threading.Lock()

    def say(said: dict[str, Any]) -> None:
        with lock:
            print(json.dumps(said), flush=True)

    hands = {
        name: Hand(dsn, name, float(timeout_s), say, int(threads)) for name in accounts.split(",")
    }
    say({"ready": 1})
    for line in sys.stdin:
        job = json.loads(line)
        hands[job["account"]].jobs.put(job)
    for hand in hands.values():
        hand.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
