"""一个做一次调用的服务器进程，在指定的一步上死去（``os._exit``，什么都来不及收拾）。

python once_killed.py 客户端文件夹 账号 状态文件夹 请求号 动词 参数(JSON) 哪一步
哪一步是空的：一笔接一笔地做，号是「请求号-0」起，做完一笔说一行，等着被杀。
"""

from __future__ import annotations

import functools
import json
import os
import sys
from pathlib import Path
from typing import Any

from loguru import logger
from once_world import Desk, Heard

import easytrader
from easytrader.miniqmt.session import QmtSession
from easytrader.server.audit import Audit
from easytrader.server.caps import TokenGate
from easytrader.server.requests import Requests

STEPS: dict[str, tuple[Any, str]] = {
    "记下": (Requests, "begin"),
    "审计": (Audit, "write"),
    "关口": (TokenGate, "admit"),
    "停单": (TokenGate, "last"),
    "发出": (QmtSession, "submit"),
    "撤出": (QmtSession, "cancel"),
    "记答案": (Requests, "finish"),
}


def die(*_: Any, **__: Any) -> None:
    os._exit(9)


def arm(step: str) -> None:
    """``记下前``：做这一步之前死；``记下后``：做完就死。"""
    owner, name = STEPS[step[:-1]]
    real = getattr(owner, name)

    @functools.wraps(real)
    def after(*args: Any, **kwargs: Any) -> Any:
        real(*args, **kwargs)
        die()

    setattr(owner, name, after if step.endswith("后") else die)


def main(
    path: str, account: str, folder: str, request: str, verb: str, told: str, step: str
) -> int:
    logger.remove()
    user = easytrader.use("miniqmt")
    user.connect(path, account, timeout=20)
    desk = Desk(Path(folder), user, audit=f"audit-{request[:8]}")
    given = json.loads(told)
    if not step:
        return stream(desk, request, verb, given)
    heard = Heard()
    if step == "序号":
        heard = die  # type: ignore[assignment]
    elif step != "回答":
        arm(step)
    desk.mutations.run(desk.call_of(verb, request=request, within_s=20, **given), heard)
    if step == "回答":
        die()
    heard.over.wait(20)
    return 1  # 没有死成


def stream(desk: Desk, request: str, verb: str, given: dict[str, Any]) -> int:
    print("ready", flush=True)
    sys.stdin.readline()
    for number in range(10_000):
        r = f"{request}-{number}"
        print(f"? {r}", flush=True)
        try:
            row = desk.call(verb, request=r, within_s=20, **given)
        except easytrader.errors.EasytraderError as exc:
            print(f"! {type(exc).__name__}", flush=True)
        else:
            print(f"= {row['entrust_no']}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
