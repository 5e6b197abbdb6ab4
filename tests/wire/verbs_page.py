"""由 `wire.verbs.TABLE` 写出文档页 ``docs/zh/reference/remote.md``，测试核对两边一致::

python tests/wire/verbs_page.py > docs/zh/reference/remote.md
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

import easytrader
from easytrader.server.desk import CONTROLS
from easytrader.wire.verbs import LEFT_OUT, SERVER, TABLE, Effect, Verb, signature_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader.trader import Trader

_EFFECTS: Final = {
    Effect.QUERY: "看",
    Effect.ORDER: "委托",
    Effect.CANCEL: "撤单",
    Effect.MOVE: "转、批",
}
_GROUPS: Final = {
    "": "交易口",
    "credit": "信用账号",
    "after_hours": "盘后固定价格",
    "ipo": "新股新债",
    "bank": "银证转账",
    "transfer": "划拨",
    "lending": "约券",
    "algo": "智能算法",
    "client": "客户端的其余功能",
    SERVER: "服务器自己的",
}

_HEAD: Final = """\
# 远程能用的动词与权限

`easytrader serve` 给得出去的每一个动词、要什么权限，由动词表 `wire/verbs.py` 写出。
REST、WebSocket、OpenAPI、`use("remote")` 都照它；表里没有的一律不做。

- 权限三种：`read` 看，`trade` 买卖与撤单，`funds` 挪钱。
  `trade`、`funds` 都看得到 `read` 的；它们互相不包含。
- 「改变」：看 = 什么也不改，断了可以再问；其余的每次都有请求号，断了不会做两次。
- `_async` 的同名动词权限相同，写在一行。
- REST：看的是 `GET /v1/accounts/名字/动词`，或 `POST`（带参数）；
  别的都是 `POST`，参数是一个 JSON 对象。
- 后端没有的动词（如信用账号的），服务器会说没有。
"""


def render() -> str:
    """整页的文字。"""
    trader = easytrader.use("sim")
    lines = [_HEAD]
    for group, title in _GROUPS.items():
        lines += [f"\n## {title}\n", "| 动词 | 改变 | 权限 | 做什么 |", "|---|---|---|---|"]
        for verb, twin in _paired(each for each in TABLE if each.group == group):
            names = f"`{verb.name}`" + (f" `{twin.method}`" if twin else "")
            told = _told(trader, verb)
            effect = "—" if group == SERVER else _EFFECTS[verb.effect]
            lines.append(f"| {names} | {effect} | `{verb.scope}` | {told} |")
    lines += ["\n## 只在本机上的\n", "| 名字 | 为什么 |", "|---|---|"]
    lines += [f"| `{name}` | {why} |" for name, why in LEFT_OUT.items() if why != "不是动词"]
    return "\n".join(lines) + "\n"


def _paired(verbs: Iterable[Verb]) -> list[tuple[Verb, Verb | None]]:
    """同步的与它的异步的一行。"""
    found = {each.name: each for each in verbs}
    rows = []
    for name, each in found.items():
        if name.removesuffix("_async") != name and name.removesuffix("_async") in found:
            continue
        rows.append((each, found.get(f"{name}_async")))
    return rows


def _told(trader: Trader, verb: Verb) -> str:
    if verb.group == SERVER:
        return CONTROLS[verb.name].told.rstrip("。")
    told = signature_of(trader, verb)[1]
    return told.splitlines()[0].rstrip("。：:").replace("|", "｜").replace("``", "`")


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]  # 真的标准输出都有
    sys.stdout.write(render())
