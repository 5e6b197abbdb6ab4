"""一个总数分给几个账号：照权重，整手，最大余数；一份不多一份不少，分不出去的说出来。

全用整数与分数；同样的输入，不管次序，结果一样（一样的照名字先后）。
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class Part(NamedTuple):
    """一个账号。

    Attributes:
        name: 名字。
        weight: 权重，不小于 0；0 的一份也没有。
        most: 至多分到多少；不限为 None。
        clears: ``most`` 就是他全部可卖的：分到全部的，零头也一起卖。
    """

    name: str
    weight: Fraction
    most: int | None = None
    clears: bool = False


class Split(NamedTuple):
    """分好的。

    Attributes:
        amounts: 名字 → 分到多少，照名字的次序；没有分到的是 0。
        left: 没有分出去的；与各家的加起来恰好是总数。
    """

    amounts: dict[str, int]
    left: int


def split(
    total: int, parts: Iterable[Part], minimum: int = 1, step: int = 1, *, spill: bool = True
) -> Split:
    """分。

    每家先得自己那一份里整的，余下的一手一手给差得最多的。能分到的数量是 0、``minimum``、
    往上每 ``step`` 一档；``most`` 到了就不再给。

    Args:
        total: 总数，不小于 0。
        parts: 各个账号，名字不重复。
        minimum: 最少多少；``step`` 的单位相同。
        step: 往上多少一档，大于 0。
        spill: ``most`` 不够的，多出来的分给别人；False 就不分了，算没有分出去的。
    """
    ordered = sorted(parts, key=lambda each: each.name)
    rungs = [_Rungs(each, minimum, step) for each in ordered if each.weight > 0]
    left = total if spill else total - _excess(total, rungs)
    kept = total - left
    while takers := [each for each in rungs if each.needs() <= left]:
        left = _round(left, takers)
    given = {each.part.name: each.amount for each in rungs}
    return Split({each.name: given.get(each.name, 0) for each in ordered}, left + kept)


class _Rungs:
    """一家的档；``amount`` 是此刻分到的。"""

    def __init__(self, part: Part, minimum: int, step: int) -> None:
        self.part = part
        self.amount = 0
        self._minimum, self._step = minimum, step

    @property
    def room(self) -> int | None:
        """还能再给多少；不限为 None。"""
        most = self.part.most
        return None if most is None else max(most - self.amount, 0)

    def needs(self) -> float:
        """到下一档还要多少；到顶了是无穷大。"""
        following = self.amount + self._step if self.amount else self._minimum
        most = self.part.most
        if most is None or following <= most:
            return following - self.amount
        return most - self.amount if self.part.clears and most > self.amount else float("inf")

    def add(self, share: Fraction) -> int:
        """给它这么多里整的，返回用掉多少。"""
        before, wanted, most = self.amount, self.amount + share, self.part.most
        if self.part.clears and most is not None and wanted >= most:
            self.amount = most
        elif wanted >= self._minimum:
            self.amount = self._minimum + (wanted - self._minimum) // self._step * self._step
        return self.amount - before


def _round(left: int, takers: list[_Rungs]) -> int:
    """一轮：照权重分，整的先给，再照还差多少一家一档；返回还剩多少。"""
    shares = _shares(left, takers)
    lacking = []
    for each, share in zip(takers, shares, strict=True):
        given = each.add(share)
        left -= given
        lacking.append((given - share, each.part.name, each))
    for _, _, each in sorted(lacking, key=lambda row: row[:2]):
        need = each.needs()
        if need <= left:
            left -= each.add(Fraction(int(need)))
    return left


def _shares(total: int, rungs: list[_Rungs]) -> list[Fraction]:
    """照权重分，谁也不超过还能给的；超过的分给别人。次序照给的。"""
    weight = sum((each.part.weight for each in rungs), Fraction(0))
    left, found = Fraction(total), dict[str, Fraction]()

    def fullness(each: _Rungs) -> tuple[bool, Fraction]:
        return (each.room is None, Fraction(each.room or 0) / each.part.weight)

    for each in sorted(rungs, key=fullness):
        share = left * each.part.weight / weight
        if each.room is not None and each.room < share:
            share = Fraction(each.room)
        found[each.part.name] = share
        left -= share
        weight -= each.part.weight
    return [found[each.part.name] for each in rungs]


def _excess(total: int, rungs: list[_Rungs]) -> int:
    """各家照权重该得的，超过自己 ``most`` 的那些一共多少；不满一份的进上去。"""
    weight = sum((each.part.weight for each in rungs), Fraction(0))
    over = Fraction(0)
    for each in rungs:
        share = total * each.part.weight / weight
        if each.part.most is not None and each.part.most < share:
            over += share - each.part.most
    return -(-over.numerator // over.denominator)


def by_weight(weights: Mapping[str, object]) -> dict[str, Fraction]:
    """权重 → 分数：``Decimal`` 与整数照原样，浮点照写出来的样子（0.1 就是十分之一）。"""
    return {
        name: Fraction(repr(value) if isinstance(value, float) else str(value))
        for name, value in weights.items()
    }
