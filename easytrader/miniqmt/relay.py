"""注册给厂商的回调：在厂商的线程上，只转交，不做事。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.push.table import heard

if TYPE_CHECKING:
    from easytrader.backend.session import Listener

_ANSWER: Final = "_async_response"
"""异步请求的应答，都以它结尾。"""


class Relay:
    """注册给厂商的回调：在厂商的线程上，只转交，不做事。

    厂商（或以后的版本）调用的任何 ``on_…`` 都转交，所以按名字现做。
    """

    def __init__(self, session: Any, listener: Listener) -> None:
        self._session = session
        self._listener = listener

    def on_disconnected(self) -> None:
        """客户端没了。"""
        self._listener.lost(self._session, "MiniQMT 客户端断开")

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        session, pushed = self._session, self._listener.pushed

        is_answer = name.endswith(_ANSWER)

        def relay(*args: Any) -> None:
            if is_answer and args:
                session.pending.arrived(args[0])
            pushed(session, heard(name, args))

        setattr(self, name, relay)
        return relay


class Silent:
    """旧会话的回调：什么都不做，迟到的推送到此为止。"""

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("on_"):
            raise AttributeError(name)
        return lambda *args: None
