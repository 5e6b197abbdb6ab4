"""两头都要的名字与界限。

一条连接一个账号：``GET /v1/accounts/{名字}/ws`` 升级为 WebSocket，每帧一个 JSON 对象（文本帧）。

客户端 → 服务器：

- 调用 ``{"id": 7, "verb": "buy", "args": [...], "kwargs": {...}, "request": R, "ms": 2950}``；
  ``request`` 只有会改变什么的动词才有，``ms`` 是还剩的毫秒（相对的：两台机器的钟不必一样）；
- 订阅 ``{"id": 8, "verb": "server.events", "kwargs": {"boot": B, "after": N}}``。

服务器 → 客户端：

- 连上先说 ``{"hello": {...}}``，见 `Hello`；
- 有结果 ``{"id": 7, "result": ...}``，异常 ``{"id": 7, "error": {...}}``（见 `errors`）；
- 异步的动词先说 ``{"id": 7, "seq": 12}``（已经发出），有结果再说一次；
- 事件一批一帧 ``{"boot": B, "events": [事件, ...]}``，一条就是 `Trader.events` 的字典，
  另有 ``seq``：本账号从 1 起的编号；
  要的已经不在了 ``{"boot": B, "gap": {"after": N, "next": M}}``：从 M 起接着给，前面的要自己查。

不认识的键，客户端不理；服务器在会改变什么的动词上拒绝。
"""

from __future__ import annotations

from typing import Any, Final, TypedDict

API: Final = 1
"""线上的话的版本，路径里的 ``/v1``。"""

PREFIX: Final = f"/v{API}"
REQUEST_HEADER: Final = "X-Request-Id"
"""REST：会改变什么的动词的请求号；不给由服务器取一个，写在应答的同名头里。"""
DEADLINE_HEADER: Final = "X-Deadline-Ms"
"""REST：还剩多少毫秒。"""

DEFAULT_PORT: Final = 7788

MAX_FRAME: Final = 1 << 20
"""客户端的一帧、一个请求体最多这么多字节。"""
MAX_ANSWER: Final = 64 << 20
"""服务器的一帧最多这么多字节。"""
MAX_DEPTH: Final = 16
"""参数最多套这么多层。"""
MAX_REQUEST: Final = 64
"""请求号最多这么多个字符。"""
EVENTS_KEPT: Final = 100_000
"""每个账号留着最近这么多条事件。"""
DEFAULT_MS: Final = 10_000
MOST_MS: Final = 600_000
"""一次调用最多等这么久，毫秒。"""


class Hello(TypedDict):
    """连上之后服务器先说的。"""

    api: int
    features: list[str]
    boot: str
    """服务器每次启动都不同：事件的编号从头来。"""
    server_time: float
    account: str
    """账号在服务器上的名字。"""
    account_id: str
    """只露末四位的资金账号。"""
    account_key: str
    """同一个账号永远是同一个：摘要，看不出账号。"""
    backend: dict[str, Any]
    """``name id_type kinds tag_in markets cache_lag_s always_open``：后端的本事。"""
    verbs: list[str]
    """这个令牌在这个账号上能用的动词。"""
    state: str
    """账号的连接状态，同 `Trader.state`。"""
    last: int
    """最近一条事件的编号；还没有为 0。"""
    limits: dict[str, int]
    """``frame events ms``：上面的界限。"""
