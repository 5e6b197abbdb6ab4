"""做一份计划要多久：目标多少只，5,000 只的行情，钱够与钱不够::

python tests/benchmarks/bench_plan.py

报处理器时间的中位数：机器忙不忙都一样。
"""

from __future__ import annotations

import random
import statistics
import time
from typing import Any

from easytrader.rebalance.planning import plan

NOW = 1_796_000_000.0
QUOTES = 5_000
ROUNDS = 7


def quote(code: str, last: float) -> dict[str, Any]:
    """一只的行情。"""
    return {
        "stock_code": code, "last": last, "open": last, "pre_close": last, "volume": 1,
        "limit_up": round(last * 1.1, 2), "limit_down": round(last * 0.9, 2),
        "bids": [(round(last - 0.01, 2), 100)], "asks": [(round(last + 0.01, 2), 100)],
    }  # fmt: skip


def world(count: int, full: bool) -> tuple[Any, Any, dict[str, float]]:
    """一半在手里，五分之一是科创板；``full`` 是权重合计 1，钱不够付费用。"""
    rng = random.Random(count)
    codes = [f"688{k // 5:03d}.SH" if k % 5 == 0 else f"60{k:04d}.SH" for k in range(count)]
    others = [f"30{k:04d}.SZ" for k in range(QUOTES - count)]
    quotes = {code: quote(code, round(rng.uniform(3, 80), 2)) for code in [*codes, *others]}
    held = {code: rng.randrange(1, 30) * 100 for code in [*codes[::2], *others[:50]]}
    value = sum(volume * quotes[code]["last"] for code, volume in held.items())
    balance = {"total_asset": 2 * value, "cash": value, "frozen_cash": 0.0, "account_id": "1"}
    position = [
        {"stock_code": code, "volume": volume, "can_use_volume": volume, "market_value": 0.0}
        for code, volume in held.items()
    ]
    parts = [rng.random() for _ in codes]
    whole = sum(parts) / (1.0 if full else 0.9)
    targets = {code: part / whole for code, part in zip(codes, parts, strict=True)}
    return {"balance": [balance], "position": position, "entrusts": []}, quotes, targets


def measured(count: int, full: bool) -> tuple[float, Any]:
    """(秒, 计划)。"""
    account, quotes, targets = world(count, full)
    spent = []
    for _ in range(ROUNDS):
        started = time.process_time()
        found = plan(account, quotes, targets, now=NOW)
        spent.append(time.process_time() - started)
    return statistics.median(spent), found


def main() -> None:
    """写一张表。"""
    print("| 目标 | 钱 | 毫秒 | 单 | 取整误差 | 离下界 |")
    print("|---|---|---|---|---|---|")
    for count in (100, 500, 1000, 2000):
        for full in (False, True):
            seconds, found = measured(count, full)
            error, bound = found.tracking_error, found.bound
            print(
                f"| {count} | {'不够' if full else '够'} | {seconds * 1000:.0f} | "
                f"{len(found.orders)} | {error:.5%} | {error / bound - 1:.5%} |"
            )


if __name__ == "__main__":
    main()
