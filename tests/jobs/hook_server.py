"""收通知的真的 HTTP 服务器：记下收到的；可以慢、不回答、出错、一个字节一个字节地说。"""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    import ssl


class Received:
    """收到的一个请求。"""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = urlsplit(path).path
        self.query = {key: each[0] for key, each in parse_qs(urlsplit(path).query).items()}
        self.headers = headers
        self.body: Any = json.loads(body)


class HookServer:
    """``answers``：依次怎样回答（状态码、正文），用完了是 200 与 ``{"errcode": 0, "code": 0}``。

    正文为 None 的一直不回答，为 ``...`` 的一个字节一个字节地说个不停，到 `close` 为止。
    """

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.received: list[Received] = []
        self.answers: list[tuple[int, Any]] = []
        self.closing = threading.Event()
        self.changed = threading.Condition()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                with outer.changed:
                    outer.received.append(Received(self.path, dict(self.headers), body))
                    answer = (
                        outer.answers.pop(0) if outer.answers else (200, '{"errcode":0,"code":0}')
                    )
                    outer.changed.notify_all()
                self._say(*answer)

            def _say(self, status: int, text: Any) -> None:
                if text is None:
                    outer.closing.wait(60)
                    return
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/elsewhere")
                self.end_headers()
                if text is ...:
                    while not outer.closing.wait(0.05):
                        self.wfile.write(b" ")
                        self.wfile.flush()
                    return
                self.wfile.write(str(text).encode())

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """对面不等了。"""

        self._server = Server(("127.0.0.1", 0), Handler)
        scheme = "http"
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
            scheme = "https"
        self.url = f"{scheme}://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def wait_for(self, count: int) -> list[Received]:
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.received) >= count, 30), self.received
        return self.received

    def close(self) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)
