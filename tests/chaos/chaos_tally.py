"""记数：故障 × 动作 × 结果。"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from chaos_check import Call, Wish
    from chaos_plan import Scenario

__all__ = ["Tally"]

_SUBMITS = ("buy", "sell", "market_buy", "market_sell")


@dataclass
class Tally:
    """一次长跑的数。"""

    scenarios: int = 0
    calls: int = 0
    submits: int = 0
    events: int = 0
    descriptors: int = 0
    overrun_s: float = float("-inf")
    grid: Counter[tuple[str, str]] = field(default_factory=Counter)
    outcomes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    failures: list[dict[str, Any]] = field(default_factory=list)
    current: str = ""

    def count(
        self, plan: Scenario, calls: Sequence[Call], wishes: Sequence[Wish], events: int
    ) -> None:
        """记一个场景。"""
        self.scenarios += 1
        self.calls += len(calls)
        self.submits += len(wishes)
        self.events += events
        self.overrun_s = max([self.overrun_s, *(call.overrun_s for call in calls)])
        faults = " + ".join(sorted(blow.name for blow in plan.blows))
        for blow in plan.blows:
            self.grid[blow.name, plan.verb] += 1
        for wish in wishes:
            self.outcomes[faults, wish.verb, _fate(wish)] += 1
        for call in calls:
            if call.verb not in _SUBMITS:
                self.outcomes[faults, call.verb, call.outcome] += 1

    def fail(self, plan: Scenario | int, found: Sequence[str]) -> None:
        """一个场景没有过。"""
        self.failures.append({"scenario": str(plan), "found": list(found)})
        print(f"✗ {plan}", *found, sep="\n    ", file=sys.stderr, flush=True)

    # ---- 合并与显示

    def as_json(self) -> dict[str, Any]:
        """能写成 JSON 的样子。"""
        return {
            "scenarios": self.scenarios,
            "calls": self.calls,
            "submits": self.submits,
            "events": self.events,
            "descriptors": self.descriptors,
            "overrun_s": self.overrun_s,
            "grid": [[*key, count] for key, count in sorted(self.grid.items())],
            "outcomes": [[*key, count] for key, count in sorted(self.outcomes.items())],
            "failures": self.failures,
        }

    def merge(self, data: dict[str, Any]) -> None:
        """加上另一个 worker 的。"""
        for name in ("scenarios", "calls", "submits", "events"):
            setattr(self, name, getattr(self, name) + data[name])
        self.descriptors = max(self.descriptors, data["descriptors"])
        self.overrun_s = max(self.overrun_s, data["overrun_s"])
        for *key, count in data["grid"]:
            self.grid[key[0], key[1]] += count
        for *key, count in data["outcomes"]:
            self.outcomes[key[0], key[1], key[2]] += count
        self.failures += data["failures"]

    def show(self) -> str:
        """故障 × 动作的场景数，故障 × 结果的委托数，和总计。"""
        verbs = sorted({verb for _, verb in self.grid})
        faults = sorted({fault for fault, _ in self.grid})
        lines = ["场景数（故障 × 动作）"]
        lines += _table(faults, verbs, lambda fault, verb: self.grid[fault, verb])
        fates: Counter[tuple[str, str]] = Counter()
        for (combined, verb, outcome), count in self.outcomes.items():
            kind = "下单" if verb in _SUBMITS else "其他"
            for fault in combined.split(" + "):
                fates[fault, f"{kind} {outcome}"] += count
        names = sorted({name for _, name in fates})
        lines += ["", "结果（故障 × 结果；叠加的故障各算一次）"]
        lines += _table(faults, names, lambda fault, name: fates[fault, name])
        lines += ["", *self._totals()]
        return "\n".join(lines)

    def _totals(self) -> list[str]:
        lines = [
            f"场景 {self.scenarios}，调用 {self.calls}，委托 {self.submits}，事件 {self.events}",
            f"最晚的调用比期限晚 {self.overrun_s:.3f} 秒；描述符最多比基线多 {self.descriptors}",
            f"没有过的 {len(self.failures)} 个",
        ]
        for each in self.failures[:50]:
            lines.append(f"✗ {each['scenario']}")
            lines += [f"    {text}" for text in each["found"][:12]]
        return lines


def _fate(wish: Wish) -> str:
    if any(call.number > 0 for call in wish.calls):
        unknown = any(call.outcome == "unknown" for call in wish.calls)
        return "unknown→again→ok" if unknown else "ok"
    if wish.in_doubt or wish.settled:
        return {None: "unknown→?", 0: "unknown→absent"}.get(wish.settled, "unknown→found")
    return wish.calls[-1].outcome


def _table(
    rows: Sequence[str], columns: Sequence[str], cell: Callable[[str, str], int]
) -> list[str]:
    """等宽的表：列名太长，用编号代替，写在表下面。"""
    lines = ["".join([f"{'':22}", *(f"{number:>6}" for number in range(1, len(columns) + 1))])]
    lines += [
        "".join([f"{row:22}", *(f"{cell(row, column):>6}" for column in columns)]) for row in rows
    ]
    return [*lines, "  ".join(f"{number}={name}" for number, name in enumerate(columns, 1))]
