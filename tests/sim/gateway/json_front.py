"""第二个前端：同一个柜台，一行一个 JSON，走套接字。没有一样是厂商的形状。

请求 ``{"do": "submit" | "cancel" | "advance", …命令的各项}``；先回 ``{"receipt": …}``，
再把发生的事一件一行告诉它：``{"event": "Filled", …}``。
"""

from __future__ import annotations

import json
import socket
import threading
from dataclasses import fields
from typing import Any

from easytrader.sim.counter.engine import Engine
from easytrader.sim.ledger.events import CancelOrder, Outcome, SubmitOrder

_COMMANDS: dict[str, Any] = {"submit": SubmitOrder, "cancel": CancelOrder}


class JsonFront:
    """一个线程，一次服务一个连接；柜台只由这个线程使用。"""

    def __init__(self, *engine: Any) -> None:
        self._engine_args = engine
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = self._listener.getsockname()
        self._thread = threading.Thread(target=self._serve, name="json-front", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        engine = Engine(*self._engine_args)
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rw", encoding="utf-8", newline="\n") as lines:
            for line in lines:
                outcome = self._do(engine, json.loads(line))
                told = [{"receipt": _plain(outcome.answer)}, *map(_event, outcome.events)]
                lines.writelines(json.dumps(each, ensure_ascii=False) + "\n" for each in told)
                lines.write("\n")
                lines.flush()
        engine.close()

    @staticmethod
    def _do(engine: Engine, request: dict[str, Any]) -> Outcome:
        verb = request.pop("do")
        if verb == "advance":
            return engine.advance()
        done: Outcome = getattr(engine, verb)(_COMMANDS[verb](**request))
        return done

    def close(self) -> None:
        self._thread.join(30)
        self._listener.close()


def _event(event: Any) -> dict[str, Any]:
    shown = {each.name: _plain(getattr(event, each.name)) for each in fields(event)}
    return {"event": type(event).__name__, **shown}


def _plain(value: Any) -> Any:
    return value._asdict() if hasattr(value, "_asdict") else value
