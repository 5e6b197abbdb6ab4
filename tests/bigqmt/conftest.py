"""中转的测试：每个测试之后，它记在进程里的标记、开着的端口都没有了。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from agent_world import Outside, Rig, inside

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Rigs:
    """做终端、连线，最后都收掉。"""

    def __init__(self) -> None:
        self.rigs: list[Rig] = []
        self.outsides: list[Outside] = []

    def rig(self, *args: Any, **options: Any) -> Rig:
        made = Rig(*args, **options)
        self.rigs.append(made)
        return made

    def reach(self, rig: Rig, *args: Any, **options: Any) -> Outside:
        """连上，还没有对暗号。"""
        return self._kept(Outside(rig, *args, **options))

    def inside(self, rig: Rig, *args: Any, **options: Any) -> Outside:
        """连上并对过暗号。"""
        return self._kept(inside(rig, *args, **options))

    def _kept(self, outside: Outside) -> Outside:
        self.outsides.append(outside)
        return outside

    def close(self) -> None:
        for outside in self.outsides:
            outside.close()
        for rig in self.rigs:
            rig.forget()


@pytest.fixture
def world() -> Iterator[Rigs]:
    """`Rigs`：终端与线。"""
    made = Rigs()
    yield made
    made.close()


@pytest.fixture
def rig(world: Rigs) -> Rig:
    """一个装着中转、许下单的终端。"""
    return world.rig()


@pytest.fixture
def outside(world: Rigs, rig: Rig) -> Outside:
    """连着 ``rig`` 的一条线。"""
    return world.inside(rig)


@pytest.fixture
def make_rig(world: Rigs) -> Callable[..., Rig]:
    """做一个终端，参数同 `Rig`。"""
    return world.rig
