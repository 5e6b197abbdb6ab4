"""可随机访问的噪声：只用整数散列与四则运算，任何平台、任何时刻算出来都一样。"""

from __future__ import annotations

import zlib
from typing import Final

Octaves = tuple[tuple[int, float], ...]
"""各层 ``(周期, 幅度)``，幅度之和为 1。"""

_MASK: Final = 0xFFFFFFFFFFFFFFFF


def mix(salt: int, number: int) -> int:
    """splitmix64：把两个整数搅成 64 位。"""
    z = (salt + (number + 1) * 0x9E3779B97F4A7C15) & _MASK
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
    return z ^ (z >> 31)


def salt_of(seed: int, text: str) -> int:
    """种子与一段文字 → 盐。"""
    return mix(seed & _MASK, zlib.crc32(text.encode()))


def hash01(salt: int, number: int) -> float:
    """[0, 1) 之间的散列值。"""
    return (mix(salt, number) >> 11) / 9007199254740992.0


def _lattice(salt: int, number: int) -> float:
    return (mix(salt, number) >> 11) / 4503599627370496.0 - 1.0


def value(salt: int, octaves: Octaves, at: int) -> float:
    """第 ``at`` 格的多层值噪声，[-1, 1]。"""
    total = 0.0
    for layer, (period, amplitude) in enumerate(octaves):
        cell, offset = divmod(at, period)
        base = salt ^ (layer * 0xD1B54A32D192ED03 & _MASK)
        left = _lattice(base, cell)
        if offset:
            t = offset / period
            left += (_lattice(base, cell + 1) - left) * (t * t * (3.0 - 2.0 * t))
        total += amplitude * left
    return total


def values(salt: int, octaves: Octaves, first: int, last: int) -> list[float]:
    """``first`` 到 ``last`` 各格的 `value`，逐位相同；一段一起算，格点不必反复散列。"""
    totals = [0.0] * (last - first + 1)
    for layer, (period, amplitude) in enumerate(octaves):
        base = salt ^ (layer * 0xD1B54A32D192ED03 & _MASK)
        at = first
        while at <= last:
            cell, offset = divmod(at, period)
            stop = min(at - offset + period, last + 1)
            left = _lattice(base, cell)
            rise = _lattice(base, cell + 1) - left
            for index in range(at - first, stop - first):
                t = offset / period
                totals[index] += amplitude * (left + rise * (t * t * (3.0 - 2.0 * t)))
                offset += 1
            at = stop
    return totals


def bounds(salt: int, octaves: Octaves, first: int, last: int) -> tuple[float, float]:
    """``first`` 到 ``last`` 格之间噪声的一个范围：相邻格点之间是单调的，看格点就够了。"""
    low = high = 0.0
    for layer, (period, amplitude) in enumerate(octaves):
        start, stop = first // period, -(-last // period)
        if stop - start > 6:
            least, most = -1.0, 1.0
        else:
            base = salt ^ (layer * 0xD1B54A32D192ED03 & _MASK)
            points = [_lattice(base, cell) for cell in range(start, stop + 1)]
            least, most = min(points), max(points)
        low += amplitude * least
        high += amplitude * most
    return low, high
