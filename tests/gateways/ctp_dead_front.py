"""连一个不会成的 CTP、XTP 前置；由 test_gateways_ctp 启动：``本文件 closed|dumb|garbage CTP``。"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time

import easytrader
from easytrader.errors import ConnectFailedError


def rubbish(listening: socket.socket) -> None:
    """来一个就说一通，挂断。"""
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listening.accept()
            with peer, contextlib.suppress(OSError):
                peer.sendall(b"\x00\x01garbage" * 100)


def main(front: str, name: str) -> None:
    """连两次，关，打印经过。"""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    if front != "closed":
        listening.listen()
    if front == "garbage":
        threading.Thread(target=rubbish, args=(listening,), daemon=True).start()
    port = listening.getsockname()[1]
    at = f"127.0.0.1:{port}"
    fields = {
        "CTP": {
            "用户名": "1", "密码": "hunter2-secret", "经纪商代码": "9999", "交易服务器": at,
            "行情服务器": at, "产品名称": "x", "授权编码": "0000-secret",
        },
        "XTP": {
            "账号": "1", "密码": "hunter2-secret", "客户号": 1, "行情地址": "127.0.0.1",
            "行情端口": port, "交易地址": "127.0.0.1", "交易端口": port, "授权码": "0000-secret",
        },
    }[name]  # fmt: skip
    here = os.getcwd()  # noqa: PTH109
    user = easytrader.use("vnpy", gateway=name)
    told, took = [], []
    for _ in range(2):
        began = time.monotonic()
        try:
            user.connect(timeout=1, login_timeout=2, **fields)
        except ConnectFailedError as exc:
            told.append(str(exc))
        took.append(time.monotonic() - began)
    began = time.monotonic()
    user.close()
    found = {
        "told": told, "took": took, "close_s": time.monotonic() - began,
        "moved": os.getcwd() != here,  # noqa: PTH109
    }  # fmt: skip
    print("结果", json.dumps(found), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
