"""远程多出来的动作：异步下、异步撤；别的与本机的混沌是同一份。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from chaos_verbs import PRIMARY, Lane, cancel

if TYPE_CHECKING:
    from chaos_verbs import Action

__all__ = ["REMOTE", "RemoteLane"]


class RemoteLane(Lane):
    """一半给编号，陪衬里三成异步下；一条 ``cancel_all`` 一个期限。"""

    named = 0.5
    later = 0.3

    def cancel_all(self) -> None:
        """一条请求，一个期限：笔数再多，也不许比它晚。"""
        self.world.call("cancel_all", self.world.timeout_s, self.user.cancel_all)


def _buy_async(lane: Lane) -> None:
    for verb in ("buy", "market_sell"):
        lane.submit(verb, later=True)


REMOTE: Final[dict[str, Action]] = {
    **PRIMARY,
    "buy_async": _buy_async,
    "cancel_async": lambda lane: cancel(lane, later=True),
}
