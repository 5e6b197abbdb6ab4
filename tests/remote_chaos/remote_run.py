"""跑场景：与本机的混沌一样布置、一样核对，另看编号、服务器的内存与描述符。"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Final

import psutil
from chaos_run import Runner
from remote_plan import scenario
from remote_verbs import REMOTE, RemoteLane
from remote_world import RemoteWorld

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from chaos_tally import Tally
    from chaos_verbs import Action

__all__ = ["RemoteRunner"]

_MEMORY: Final = 220 << 20
"""服务器的内存再多也不过这么多字节。"""
_SPARE: Final = 12
"""服务器平静时的描述符，比刚起来时最多多这么几个。"""


class RemoteRunner(Runner):
    """见模块说明。"""

    settle_s = 15.0
    plan = staticmethod(scenario)
    lane = RemoteLane
    specials: ClassVar[Mapping[str, Action]] = REMOTE

    def __init__(self, root: Path, tally: Tally) -> None:
        super().__init__(root, tally)
        self._first: dict[int, int] = {}
        """服务器进程 → 刚起来平静时的描述符。"""

    def new_world(self, place: Path, number: int) -> RemoteWorld:
        """柜台在别处的、在服务器里的轮着来，三个里一个走 TLS。"""
        return RemoteWorld(
            place / "userdata_mini",
            place / "home",
            events=number % 2 == 0,
            apart=number % 4 < 2,
            secure=number % 3 == 0,
        )

    def also(self, world: RemoteWorld) -> list[str]:
        """编号不漏不重；服务器的内存、描述符不涨。"""
        found, world.numbers.found = world.numbers.found, []
        try:
            pid, rss, now = world.server.pid, world.server.rss, world.server.descriptors
        except psutil.Error as exc:
            return [*found, f"服务器不在了：{exc!r}"]
        first = self._first.setdefault(pid, now)
        if rss > _MEMORY:
            found.append(f"服务器的内存到了 {rss >> 20} MB")
        if now > first + _SPARE:
            found.append(f"服务器的描述符从 {first} 到了 {now}")
        return found

    def last_words(self, world: RemoteWorld) -> list[str]:
        """服务器印了什么。"""
        return [f"服务器说：{world.server.said()[-800:]}"]
