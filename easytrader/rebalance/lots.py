"""取整：每只做多少手，使离目标的差平方和最小，而钱够用。

一只证券「做」的方向是定了的（`Choice.sign`），数量只能取几列等差的数之一（`ladders`）或者不做；
离目标的差是市值之差，厘。要最小的是各只差的平方和，约束是现金不少于要留的。

- 钱够：各只互不相干，各取离目标最近的数量，就是最优的。
- 钱不够：给现金定一个价 λ（拉格朗日乘子），各只仍然互不相干，每只的最好数量有闭式解
  （二次函数加上有最低佣金的费用，是凸的）。λ 用二分找，它给出一个谁也低不过去的**下界**。
  再用「松的换紧的」改进可行解；最后在「与最好的相差不超过上下界之差」的那些数量里分支定界，
  走得完就证明了最优（下界等于所得），走不完就如实报出下界。

钱全用整数厘；λ 与剪枝用浮点，凡是作数的（够不够钱、谁更小）都用整数再算一遍。
同样的输入，结果一样。
"""

from __future__ import annotations

from bisect import bisect_left
from copy import copy
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_FEE_ERROR_LI: Final = 40
"""闭式解里费用不取整；取到分的三项，两个数量之间合起来差不到这么多。"""
_NODES: Final = 20_000
"""分支定界最多看这么多个节点：约二十毫秒。"""
_CANDIDATES: Final = 32
"""一列里往两边各看这么多个。"""
_ROUNDS: Final = 80
_SWAPS: Final = 60
_LONG: Final = 12
"""可取的数量比这多的不逐个试。"""
_INNER_NODES: Final = 300
_INNER_COST: Final = 60
"""里面再做一次取整：最多看这么多个节点；每只抵得上这么多个节点。"""
_FEW: Final = 60
"""只数比这多的，里面不再取整：差得已经很少，不值得那些时间。"""
_LEAPS: Final = tuple(2**k for k in range(13))


class Choice:
    """一只证券可以怎样做。

    Args:
        price: 估值用的价，厘。
        need: 离目标还差多少市值，厘，不小于 0：买是还要买多少，卖是还要卖多少。
        buys: 买还是卖。
        cost: 一股付多少、收多少，厘。
        ladders: 可以做的数量，都大于 0；不做总是可以。
        fee: 数量 → 费用，厘；缺省时没有费用。
        rates: 费用的样子：佣金的比例、最低佣金（厘）、其他费用的比例；只用来找，不作数。
    """

    __slots__ = (
        "_cash", "_fee", "_flat", "_slope", "_turn", "buys", "cost", "ladders", "need", "price",
    )  # fmt: skip

    def __init__(
        self,
        price: int,
        need: int,
        buys: bool,
        cost: int,
        ladders: Sequence[range],
        fee: Callable[[int], int] = lambda _: 0,
        rates: tuple[float, int, float] = (0.0, 0, 0.0),
    ) -> None:
        self.price, self.need, self.buys, self.cost = price, need, buys, cost
        self.ladders = tuple(each for each in ladders if each)
        self._fee = fee
        self._cash = {0: 0}
        commission, least, other = rates
        sign = 1 if buys else -1
        # 每多做一股，现金少多少：最低佣金管着的一段，与按比例的一段
        self._flat = cost * (sign + other)
        self._slope = cost * (sign + other + commission)
        self._turn = least / (commission * cost) if commission and cost else 0.0

    def with_ladders(self, ladders: Sequence[range]) -> Choice:
        """别的都一样，可以做的数量换成这些。"""
        found = copy(self)
        found.ladders = tuple(each for each in ladders if each)
        return found

    def error(self, volume: int) -> int:
        """做了 ``volume`` 之后，差的平方。"""
        left = self.price * volume - self.need
        return left * left

    def cash(self, volume: int) -> int:
        """做 ``volume`` 现金多多少（少是负的），厘，连费用。"""
        found = self._cash.get(volume)
        if found is None:
            amount = volume * self.cost
            found = (-amount if self.buys else amount) - self._fee(volume)
            self._cash[volume] = found
        return found

    def value(self, volume: int, price: int) -> int:
        """一厘现金值 ``price`` 时：差的平方减去现金值的。越小越好。"""
        left = self.price * volume - self.need
        return left * left - price * self.cash(volume)

    def at(self, price: int) -> int:
        """``value`` 最小的数量；一样的取小的。"""
        best, least = 0, self.need * self.need
        for ladder in self.ladders:
            for volume in self._around(ladder, price):
                value = self.value(volume, price)
                if value < least:
                    best, least = volume, value
        return best

    def _around(self, ladder: range, price: int) -> tuple[int, ...]:
        """这一列里可能最好的一两个：凸函数的最低点左右。"""
        half = 2.0 * self.price * self.price
        middle = self.need / self.price
        bottom = middle - price * self._slope / half
        if bottom < self._turn:
            bottom = min(middle - price * self._flat / half, self._turn)
        place = int((bottom - ladder.start) // ladder.step)
        if place < 0:
            return (ladder.start,)
        if place + 1 >= len(ladder):
            return (ladder[-1],)
        return ladder[place], ladder[place + 1]

    def within(self, price: int, limit: int) -> tuple[list[int], bool]:
        """``value`` 不超过 ``limit`` 的数量，小的在前；列不完的只列最好的那些，后一项为假。"""
        found = {0} if self.value(0, price) <= limit else set[int]()
        whole = True
        for ladder in self.ladders:
            around = self._around(ladder, price)
            start = ladder.index(around[0])
            for places in (range(start, -1, -1), range(start + 1, len(ladder))):
                for count, place in enumerate(places):
                    volume = ladder[place]
                    if self.value(volume, price) <= limit:
                        found.add(volume)
                    elif volume not in around:
                        break
                    if count >= _CANDIDATES:
                        whole = False
                        break
        return sorted(found), whole

    def leaps(self, now: int) -> list[int]:
        """一股一股递增的，从 ``now`` 起大步小步各走一步。"""
        return [
            volume
            for ladder in self.ladders
            if ladder.step == 1
            for leap in _LEAPS
            for volume in (now - leap, now + leap)
            if volume in ladder
        ]


class Chosen(NamedTuple):
    """取整的结果。

    Attributes:
        volumes: 各只做多少，次序照给的。
        error: 差的平方和，厘²。
        bound: 下界：钱够用的取法里，差的平方和不会比它小；等于 ``error`` 就是证明了最优。
        enough: 钱够。不够是说：什么也不买，也留不下要留的现金。
    """

    volumes: tuple[int, ...]
    error: int
    bound: int
    enough: bool

    @property
    def proved(self) -> bool:
        """最优的。"""
        return self.error == self.bound


def choose(choices: Sequence[Choice], budget: int, nodes: int = _NODES) -> Chosen:
    """各只做多少。

    Args:
        choices: 各只可以怎样做。
        budget: 现金减去要留的，厘；各只的现金变化加上它，不能小于 0。
        nodes: 分支定界最多看多少个节点。
    """
    volumes = [each.at(0) for each in choices]
    if budget + _cash(choices, volumes) >= 0:
        least = _error(choices, volumes)
        return Chosen(tuple(volumes), least, least, True)
    richest = [_richest(each) for each in choices]
    if budget + _cash(choices, richest) < 0:
        error = _error(choices, richest)
        return Chosen(tuple(richest), error, error, False)
    return _Search(choices, budget, volumes, richest, nodes).run()


def _cash(choices: Sequence[Choice], volumes: Sequence[int]) -> int:
    return sum(each.cash(volume) for each, volume in zip(choices, volumes, strict=True))


def _error(choices: Sequence[Choice], volumes: Sequence[int]) -> int:
    return sum(each.error(volume) for each, volume in zip(choices, volumes, strict=True))


def _richest(choice: Choice) -> int:
    """做完之后现金最多的数量：买的不做，卖的卖到不能再卖（费用比所得还多的不卖）。"""
    ends = (0, *(ladder[-1] for ladder in choice.ladders), *(row[0] for row in choice.ladders))
    return max(ends, key=lambda volume: (choice.cash(volume), -volume))


class _Search:
    """钱不够的时候。"""

    def __init__(
        self,
        choices: Sequence[Choice],
        budget: int,
        free: list[int],
        richest: list[int],
        nodes: int,
    ) -> None:
        self._choices = choices
        self._budget = budget
        self._free = free
        self._richest = richest
        self._nodes = nodes
        self._price = 0
        self._floor = 0

    def run(self) -> Chosen:
        """先下界，再可行解，再证明。"""
        best = self._improve(self._relax())
        best, proved = self._branch(best)
        error = _error(self._choices, best)
        return Chosen(tuple(best), error, error if proved else min(self._floor, error), True)

    # ---- 下界

    def _relax(self) -> list[int]:
        """找 λ；返回那时够钱的取法，λ 与下界记在 ``_price`` ``_floor``。"""
        everything = range(len(self._choices))
        short = -self._slack(self._free)
        low, high = 0, 4 * short // len(self._choices) + 1
        poor, rich = self._free, self._at(high, everything, self._free)
        for _ in range(_ROUNDS):
            if self._slack(rich) >= 0:
                break
            low, poor, high = high, rich, high * 4
            rich = self._at(high, everything, rich)
        else:  # 再高的价也不如最省钱的取法
            return list(self._richest)
        while high - low > 1:
            # 两头取得一样的，中间也一样：现金随价只增不减
            moving = [k for k in everything if rich[k] != poor[k]]
            if not moving:
                break
            middle = (low + high) // 2
            tried = self._at(middle, moving, rich)
            if self._slack(tried) >= 0:
                high, rich = middle, tried
            else:
                low, poor = middle, tried
        return rich

    def _at(self, price: int, which: Sequence[int], volumes: list[int]) -> list[int]:
        found = list(volumes)
        for k in which:
            found[k] = self._choices[k].at(price)
        self._note(price, found)
        return found

    def _note(self, price: int, volumes: Sequence[int]) -> None:
        """这个价给出的下界；留下最高的。"""
        found = -price * (self._budget + _FEE_ERROR_LI * len(volumes))
        for each, volume in zip(self._choices, volumes, strict=True):
            found += each.value(volume, price)
        if found > self._floor:
            self._floor, self._price = found, price

    def _slack(self, volumes: Sequence[int]) -> int:
        return self._budget + _cash(self._choices, volumes)

    # ---- 可行解

    def _window(self, gap: int) -> list[tuple[list[int], bool]]:
        """比 λ 下最好的差不到 ``gap`` 的数量。"""
        price = self._price
        limit = gap + 2 * price * _FEE_ERROR_LI
        return [
            each.within(price, each.value(each.at(price), price) + limit) for each in self._choices
        ]

    def _improve(self, volumes: list[int]) -> list[int]:
        """一只改一下，或一只省下的给另一只：总差变小就做，直到没有。"""
        window = self._window(_error(self._choices, volumes) - self._floor)
        for _ in range(_SWAPS):
            found = self._step(volumes, window)
            if not found:
                break
            for move in found:
                volumes[move.which] = move.volume
        return volumes

    def _step(self, volumes: list[int], window: list[tuple[list[int], bool]]) -> list[_Move]:
        moves: list[_Move] = []
        for k, (options, whole) in enumerate(window):
            each, now = self._choices[k], volumes[k]
            cash, error = each.cash(now), each.error(now)
            moves.extend(
                _Move(each.cash(volume) - cash, each.error(volume) - error, k, volume)
                for volume in (options if whole else [*options, *each.leaps(now)])
                if volume != now
            )
        moves.sort()
        keys = [move.cash for move in moves]
        partners = _partners(moves)
        slack, least = self._slack(volumes), 0
        found: list[_Move] = []
        for move in moves:
            if slack + move.cash >= 0 and move.error < least:
                least, found = move.error, [move]
            place = bisect_left(keys, -slack - move.cash)
            for partner in partners[place] if place < len(moves) else ():
                if partner.which != move.which and move.error + partner.error < least:
                    least, found = move.error + partner.error, [move, partner]
        return found

    # ---- 证明

    def _branch(self, best: list[int]) -> tuple[list[int], bool]:
        """分支定界；返回最好的取法，与它证明了是最优的没有。"""
        price, error = self._price, _error(self._choices, best)
        floor, cash, fixed = -price * self._budget, self._budget, list(best)
        rows: list[_Row] = []
        fine: list[int] = []
        for k, (options, whole) in enumerate(self._window(max(error - self._floor, 0))):
            each = self._choices[k]
            values = sorted((each.value(v, price), each.cash(v), v) for v in options)
            floor += values[0][0]
            if not whole or len(values) > _LONG:
                fine.append(k)
            elif len(values) == 1:
                fixed[k] = values[0][2]
                cash += values[0][1]
            else:
                rows.append((k, [(value - values[0][0], gain, v) for value, gain, v in values]))
        self._floor = max(self._floor, floor)
        if fine and (not rows or len(best) > _FEW):
            return best, False
        rows.sort(key=lambda row: (-row[1][1][0], row[0]))  # 选错代价大的在前
        limits = error - floor, self._nodes
        tree = _Tree(rows, [self._choices[k] for k in fine], price, *limits)
        found = tree.search(cash)
        if found is not None:
            for k, volume in zip([*(k for k, _ in rows), *fine], found, strict=True):
                fixed[k] = volume
            best = fixed
        return best, tree.proved


_Row = tuple[int, list[tuple[int, int, int]]]
"""一只：第几只，(比最好的多多少, 现金, 数量)，多得少的在前，第一个多 0。"""


def _inner_cost(fine: Sequence[object]) -> int:
    return _INNER_NODES + _INNER_COST * len(fine)


class _Move(NamedTuple):
    """把第 ``which`` 只改成 ``volume``：现金多 ``cash``，差的平方多 ``error``。"""

    cash: int
    error: int
    which: int
    volume: int


def _partners(moves: Sequence[_Move]) -> list[tuple[_Move, ...]]:
    """各个位置起往右，差最小的两个，不是同一只的：现金至少有那么多的里面最好的。"""
    found: list[tuple[_Move, ...]] = []
    best: tuple[_Move, ...] = ()
    for move in reversed(moves):
        others = [each for each in best if each.which != move.which]
        mine = [each for each in best if each.which == move.which and each.error <= move.error]
        best = tuple(sorted([*others, *(mine or [move])], key=lambda each: each.error)[:2])
        found.append(best)
    found.reverse()
    return found


class _Tree:
    """深度优先。

    总差 = 下界 + 各只比最好的多的 + λ × 剩下的钱，所以前一样之和够得上 ``gap`` 的不必再看。
    可取的数量很多的那几只（一股一股递增的）不逐个试：其余的定了，剩下的钱归它们，另做一次取整；
    那时没有大手的挡着，上下界几乎贴在一起。

    Args:
        rows: 逐个试的。
        fine: 不逐个试的。
        price: λ。
        gap: 手上最好的比下界多多少；要找的比它小。
        nodes: 最多看多少个节点。
    """

    def __init__(
        self, rows: Sequence[_Row], fine: Sequence[Choice], price: int, gap: int, nodes: int
    ) -> None:
        self._rows = [row for _, row in rows]
        self._fine = fine
        self._price = price
        self._gap = gap
        self._nodes = nodes
        self._path: list[int] = []
        self._best: list[int] | None = None
        self._sound = True
        self._lowest = sum(each.value(each.at(price), price) for each in fine)
        # 往后最多还能多出多少现金
        self._most = [_cash(fine, [_richest(each) for each in fine])]
        for row in reversed(self._rows):
            self._most.append(self._most[-1] + max(option[1] for option in row))
        self._most.reverse()

    @property
    def proved(self) -> bool:
        """都看过了，没有比手上的更好的。"""
        return self._sound and self._nodes > 0

    def search(self, cash: int) -> list[int] | None:
        """更好的一组数量，``rows`` 的在前；没有为 None。"""
        self._walk(0, cash, 0)
        return self._best

    def _walk(self, at: int, cash: int, over: int) -> None:
        if at == len(self._rows):
            self._leaf(cash, over)
            return
        for extra, gain, volume in self._rows[at]:
            if over + extra >= self._gap or self._nodes <= 0:
                return
            if cash + gain + self._most[at + 1] < 0:
                continue
            self._nodes -= 1
            self._path.append(volume)
            self._walk(at + 1, cash + gain, over + extra)
            self._path.pop()

    def _leaf(self, cash: int, over: int) -> None:
        volumes: Sequence[int] = ()
        if self._fine:
            self._nodes -= _inner_cost(self._fine)
            found = choose(self._fine, cash, _INNER_NODES)
            self._sound = self._sound and found.proved
            volumes, gain = found.volumes, _cash(self._fine, found.volumes)
            over += found.error - self._price * gain - self._lowest
            cash += gain
        total = over + self._price * cash
        if cash >= 0 and total < self._gap:
            self._gap, self._best = total, [*self._path, *volumes]
