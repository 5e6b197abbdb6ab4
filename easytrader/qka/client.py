"""`QMTClient`：QKA 的客户端；对面是 ``easytrader serve --qka``，或 QKA 自己的服务器。"""

from __future__ import annotations

import http.client
import io
import json
import re
import socket
import time
from typing import Any, Final

from loguru import logger

from easytrader import arguments
from easytrader.basics import numbers, replaying
from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.remote.address import Address, fingerprints, token_of
from easytrader.remote.pins import context_of
from easytrader.wire import errors, values, words

__all__ = ["QMTClient"]

_HARMLESS: Final = ("query_", "smt_query_", "get_")
"""这样开头的方法只看不动；别的断了，结果就是未知的。"""
_NOT_DONE: Final = frozenset({401, 403, 404, 405, 413, 415, 422})
"""这几种状态，什么都没有发出。"""
_METHOD: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_CHECK_FIRST: Final = "可能已经生效：先用 query_stock_orders 等核对，不要直接再发"


class QMTClient:
    """QKA 的客户端。线程安全；每次调用一条连接。

    Args:
        base_url: 服务器的地址。
        token: 令牌：``easytrader token add`` 发的，或服务器打印的；
            不给就取环境变量 ``EASYTRADER_TOKEN``。
        timeout: 每次调用最多等多少秒。
        fingerprint: 服务器证书的指纹（``easytrader serve init`` 打印的）；不给就由系统的根证书认。
        plain: 允许不加密地连别的机器：QKA 自己的服务器只会这样，令牌和委托路上谁都看得见。

    Raises:
        UsageError: 没有令牌，或地址不对。
    """

    def __init__(
        self,
        base_url: str = "http://localhost:8000",
        token: str | None = None,
        *,
        timeout: float = 10.0,
        fingerprint: str | None = None,
        plain: bool = False,
    ) -> None:
        self.token = token_of(token)
        self._timeout_s = arguments.seconds("timeout", timeout)
        self._address = _address(base_url, arguments.flag("plain", plain))
        self._tls = context_of(fingerprints(fingerprint)) if self._address.secure else None
        self.base_url = str(self._address)

    def api(self, method_name: str, /, **params: Any) -> Any:
        """调用一个厂商的方法。

        Args:
            method_name: 方法名，如 ``query_stock_asset``、``order_stock``。
            **params: 它的参数，用厂商的名字；账号不写。

        Returns:
            厂商的返回值：对象是它的公开属性的字典；委托编号、序号是整数，-1 是当场被拒绝。

        Raises:
            UsageError: 参数、令牌不对，没有这个方法；什么都没有发出。
            NotConnectedError: 连不上服务器，或服务器连不上客户端；什么都没有发出。
            RiskRefusedError: 风控、令牌的限额不许；什么都没有发出。
            QueryFailedError: 查询没有得到可信的回答，可以重试。
            OutcomeUnknownError: 会改变什么的方法没有得到应答，**不可重试**，先核对。
        """
        if not isinstance(method_name, str) or not _METHOD.fullmatch(method_name):
            raise UsageError("method_name", method_name, "应为厂商的方法名，如 query_stock_asset")
        status, told = self._exchange(method_name, _body(params))
        if 200 <= status < 300 and told.get("success") is True:
            if told.get("detail"):
                logger.warning("{}：{}", method_name, told["detail"])
            return told.get("data")
        raise _failure(method_name, status, told)

    def __repr__(self) -> str:
        return f"<QMTClient {self.base_url}>"

    def _exchange(self, method: str, body: bytes) -> tuple[int, dict[str, Any]]:
        """发一个请求，收一个回答：(状态, JSON)。"""
        deadline = time.monotonic() + self._timeout_s
        with self._dial(deadline) as link:
            left_ms = min(self._timeout_s * 1000, words.MOST_MS)
            head = (
                f"POST /api/{method} HTTP/1.1\r\nHost: {self._address.authority}\r\n"
                f"X-Token: {self.token}\r\n{words.DEADLINE_HEADER}: {left_ms:.0f}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                "Accept: application/json\r\nConnection: close\r\n\r\n"
            )
            why = "连接断了，没有收到完整的回答"
            heard = bytearray()
            try:
                link.settimeout(max(deadline - time.monotonic(), 0.001))
                link.sendall(head.encode() + body)
                while len(heard) <= words.MAX_ANSWER and (piece := _receive(link, deadline)):
                    heard += piece
            except TimeoutError:
                why = f"{self._timeout_s:g} 秒内没有收到完整的回答"
            except OSError as exc:
                why = f"连接断了（{exc}）"
        found = _parsed(bytes(heard))
        if found is None:
            raise _lost(method, why)
        return found

    def _dial(self, deadline: float) -> socket.socket:
        """连上；证书的指纹在握手里就核对，令牌还没有送出去。"""
        replaying.forbid(f"连 {self.base_url}")
        _, host, port = self._address
        link: socket.socket | None = None
        try:
            link = socket.create_connection((host, port), max(deadline - time.monotonic(), 0.001))
            if self._tls is None:
                return link
            return self._tls.wrap_socket(link, server_hostname=host)
        except BaseException as exc:
            if link is not None:
                link.close()
            if isinstance(exc, OSError) and not isinstance(exc, EasytraderError):
                told = f"连不上 {self.base_url}（{exc}）；什么都没有发出"
                raise NotConnectedError(told) from None
            raise


def _address(base_url: object, plain: bool) -> Address:
    if plain and isinstance(base_url, str) and base_url.startswith("http://"):
        return Address.of(f"https{base_url[4:]}")._replace(secure=False)
    return Address.of(base_url)


def _receive(link: socket.socket, deadline: float) -> bytes:
    left_s = deadline - time.monotonic()
    if left_s <= 0:
        raise TimeoutError
    link.settimeout(left_s)
    return link.recv(1 << 16)


class _Heard:
    """收到的字节，做成 `http.client.HTTPResponse` 要的样子。"""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def _parsed(data: bytes) -> tuple[int, dict[str, Any]] | None:
    """一个完整的回答；不完整、不是 JSON 对象的为 None。"""
    response = http.client.HTTPResponse(_Heard(data))  # type: ignore[arg-type]  # 它只用 makefile
    try:
        response.begin()
        told = values.decode(response.read())
    except (http.client.HTTPException, ValueError, OSError):
        return None
    finally:
        response.close()
    return (response.status, told) if isinstance(told, dict) else None


def _body(params: dict[str, Any]) -> bytes:
    def plain(value: object) -> object:
        number = numbers.whole(value)
        found = numbers.real(value) if number is None else number
        if found is None:
            raise UsageError("params", value, "参数只能是数、文字、真假、列表、字典")
        return found

    try:
        return json.dumps(params, default=plain, allow_nan=False).encode()
    except UsageError:
        raise
    except (TypeError, ValueError, RecursionError) as exc:
        raise UsageError("params", "（不显示）", f"写不成 JSON：{exc}") from None  # 里面可能有密码


def _failure(method: str, status: int, told: dict[str, Any]) -> EasytraderError:
    """没有成功的回答是什么异常：我们的服务器自己说得出，QKA 的只有状态。"""
    if isinstance(told.get("error"), dict):
        return errors.from_wire(told["error"])
    detail = str(told.get("detail") or f"状态 {status}")
    if status == 401:
        return UsageError("token", "（不显示）", detail)
    if status in _NOT_DONE:
        return UsageError("method_name", method, f"{detail}；什么都没有发出")
    return _lost(method, f"服务器说：{detail}")


def _lost(method: str, why: str) -> EasytraderError:
    if method.startswith(_HARMLESS):
        return QueryFailedError(f"{method}：{why}")
    return OutcomeUnknownError(f"{method}：{why}；{_CHECK_FIRST}")
