"""服务器跑一遍，把它说的、写的每一个字节都翻一遍：没有令牌，没有密码。"""

from __future__ import annotations

import http.client
import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
from cli_helpers import ACCOUNT, easytrader
from serve_helpers import a_token, get, serving, sim

if TYPE_CHECKING:
    from collections.abc import Iterator

PASSWORD = "hunter2hunter2"


def ask(port: int, method: str, path: str, body: object, **headers: str) -> None:
    """问一句；答什么都行。"""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        sent = {"Content-Type": "application/json", **headers}
        line.request(method, path, json.dumps(body).encode(), sent)
        line.getresponse().read()
    finally:
        line.close()


def every_byte(home: Path) -> Iterator[tuple[str, bytes]]:
    for each in home.rglob("*"):
        if each.is_file():
            yield str(each), each.read_bytes()


def test_no_secret_anywhere(folder: Path, tmp_path: Path) -> None:
    """好的、坏的、放错地方的令牌，与转账的密码：输出、日志、审计、状态、命令行里都没有。"""
    token = a_token(ACCOUNT)
    secret = token.rpartition("_")[2]
    wrong = token[:-4] + "AAAA"
    log = tmp_path / "日志" / "serve.log"
    place = f"/v1/accounts/{ACCOUNT}"
    with serving(*sim(folder, "--log-file", log, "--debug", "--qka")) as served:
        served.ready()
        good = {"Authorization": f"Bearer {token}"}
        assert get(served.port, f"{place}/balance", token)[0] == 200
        pay = {"bank_no": "1", "bank_account": "2", "balance": 1.0, "bank_pwd": PASSWORD}
        for method, path, body, headers in (
            ("POST", f"{place}/buy", {"security": "600036", "price": "x", "amount": 1}, good),
            ("POST", f"{place}/bank.transfer_in", {**pay, "fund_pwd": PASSWORD}, good),
            ("GET", f"{place}/balance", None, {"Authorization": f"Bearer {wrong}"}),
            ("GET", f"{place}/balance?token={token}", None, {}),
            ("GET", f"{place}/balance?token={token}", None, good),
            ("GET", f"/v1/accounts/{token}/balance", None, good),
            ("POST", "/api/query_stock_asset", {}, {"X-Token": wrong}),
            ("POST", f"{place}/nosuch", {"x_pwd": PASSWORD}, good),
            ("POST", f"{place}/buy", {"fund_pwd": PASSWORD, "security": []}, good),
        ):
            ask(served.port, method, path, body, **headers)
        shown = " ".join(psutil.Process(served.process.pid).cmdline())
        assert easytrader("serve", "--stop").returncode == 0
        served.ended()
        shown += "".join(served.out + served.err)
    places = [("输出", shown.encode()), (str(log), log.read_bytes())]
    places += every_byte(Path(os.environ["EASYTRADER_HOME"]))
    assert len(places) > 5
    for where, found in places:
        for each in (secret, wrong.rpartition("_")[2], PASSWORD):
            lines = [line for line in found.splitlines() if each.encode() in line]
            assert not lines, f"{where} 里有 {each[:6]}…：{lines}"
