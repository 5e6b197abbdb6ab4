"""QKA 的客户端与服务器在线上的样子，照它的文档与对它的观察自己写的；没有用它的代码。

服务器把交易对象的任何方法都变成 ``POST /api/{方法}``；
客户端先看状态，再看 ``success``，给出 ``data``。
"""

from __future__ import annotations

import http.client
import inspect
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class TheirClient:
    """QKA 的客户端：头 ``X-Token``，正文是参数；没有期限。"""

    def __init__(self, base_url: str = "http://localhost:8000", token: str | None = None) -> None:
        if not token:
            raise ValueError("必须提供访问令牌(token)")
        self.host = base_url.removeprefix("http://")
        self.headers = {"X-Token": token, "Content-Type": "application/json"}

    def api(self, method_name: str, **params: Any) -> Any:
        status, told = self.post(f"/api/{method_name}", json.dumps(params or {}), self.headers)
        if status >= 400:
            raise RuntimeError(f"{status} {told.get('detail')}")
        if not told.get("success"):
            raise RuntimeError(f"API调用失败: {told.get('detail')}")
        return told.get("data")

    def post(self, path: str, body: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        link = http.client.HTTPConnection(self.host, timeout=30)
        try:
            link.request("POST", path, body, headers)
            answer = link.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            link.close()


class TheirServer:
    """QKA 的服务器：一个交易对象、一个账号、一个令牌。"""

    def __init__(self, trader: Any, account: Any, token: str) -> None:
        self.trader, self.account, self.token = trader, account, token
        self.mood = ""
        """``cut``：做了，不回答；``half``：回答到一半断开；``hang``：不回答也不断开。"""
        self.calls: list[str] = []
        self.go_on = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.answer(self)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, args=(0.02,), daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.go_on.set()
        self.http.shutdown()
        self.http.server_close()
        self.thread.join(10)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        given = json.loads(request.rfile.read(int(request.headers["Content-Length"])) or b"{}")
        status, told = self.respond(request.path, request.headers.get("X-Token"), given)
        body = json.dumps(told).encode()
        if self.mood == "hang":
            self.go_on.wait(30)
        if self.mood in ("cut", "hang"):
            request.close_connection = True
            return
        request.send_response(status)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: len(body) // 2] if self.mood == "half" else body)

    def respond(self, path: str, token: str | None, given: Any) -> tuple[int, dict[str, Any]]:
        if token is None:
            return 422, {"detail": [{"loc": ["header", "x-token"], "msg": "field required"}]}
        if token != self.token:
            return 401, {"detail": "无效的Token"}
        name = path.removeprefix("/api/")
        method = getattr(self.trader, name, None)
        if method is None:
            return 404, {"detail": "Not Found"}
        self.calls.append(name)
        names = inspect.signature(method).parameters
        known = {key: value for key, value in given.items() if key in names}
        if "account" in names:
            known["account"] = self.account
        try:
            return 200, {"success": True, "data": _plain(method(**known))}
        except Exception as exc:
            return 500, {"detail": str(exc)}


def _plain(value: Any) -> Any:
    if isinstance(value, (int, float, str, bool, dict)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    names = [each for each in dir(value) if not each.startswith("_")]
    return {each: getattr(value, each) for each in names if not callable(getattr(value, each))}
