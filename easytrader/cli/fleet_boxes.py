"""记着的机器：存储倒了的时候，停单命令直接去各台机器自己的端口。

地址、账号、组是 ``easytrader fleet status`` 每次记下的；令牌由人用 ``fleet box set`` 记一次，
多半是「去哪里取」（``env:``、``keyring:``）。文件只给本人看：``EASYTRADER_HOME/fleet/boxes.json``。
"""

from __future__ import annotations

import json
import threading
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import easytrader
from easytrader.basics import private, waits
from easytrader.basics.paths import home
from easytrader.basics.threads import AbandonedError, Aside
from easytrader.errors import EasytraderError, UsageError
from easytrader.fleets.words import FLEET

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from easytrader.fleets.words import AccountRow

EVERY: Final = "*"
_TIMEOUT_S: Final = 5.0
_FLYING_S: Final = 10.0
"""停的时候已经在柜台的接口里的委托，等它们回来最多这么久。"""
_LOOK_S: Final = 0.2
_LIMIT_S: Final = 15.0 + _FLYING_S
"""一台机器，连上、停、撤单总共最多这么久。"""


class Reached(NamedTuple):
    """一个账号停成了没有。

    Attributes:
        box: 机器。
        account: 账号。
        address: 去的地址；不知道为空。
        told: 停成了：它说的。
        error: 没有停成：为什么。
    """

    box: str
    account: str
    address: str
    told: str = ""
    error: str = ""


def file() -> Path:
    """记在哪里。"""
    return home() / "fleet" / "boxes.json"


def remember(accounts: Iterable[AccountRow]) -> None:
    """记下各账号此刻的机器与地址；没有地址的、没有主人的，原来记着的留着。"""
    body = _read()
    for each in accounts:
        if each.address:
            body["accounts"][each.account] = {
                "box": each.box, "address": each.address, "groups": list(each.groups),
            }  # fmt: skip
    if body["accounts"]:
        _write(body)


def set_token(box: str, token: str, fingerprint: str = "") -> None:
    """记下一台机器的令牌（或去哪里取它）与证书的指纹。

    Raises:
        UsageError: 写得不对。
    """
    from easytrader.remote.address import fingerprints, token_of

    if not box.strip() or not token.strip():
        raise UsageError("BOX", box, "应为机器的名字（easytrader fleet status 里的）")
    if not token.startswith(("env:", "keyring:")):
        token_of(token)
    if fingerprint:
        fingerprints(fingerprint)
    body = _read()
    body["tokens"][box] = {"token": token, "fingerprint": fingerprint}
    _write(body)


def listed() -> list[dict[str, Any]]:
    """记着的：``box account address groups has_token``；没有令牌。"""
    body = _read()
    return [
        {"account": account, **each, "has_token": _token_of(body, each["box"]) is not None}
        for account, each in sorted(body["accounts"].items())
    ]


def aimed(scope: str) -> list[dict[str, Any]]:
    """一格开关管着的账号，同 `listed`。

    Raises:
        UsageError: 是策略：各台机器自己的端口不认得策略。
    """
    kind, _, name = scope.partition(":")
    rows = listed()
    if scope == FLEET:
        return rows
    if kind == "strategy":
        raise UsageError("SCOPE", scope, "--direct 只能停全队、一组、一个账号；策略去掉 --direct")
    if kind == "group":
        return [each for each in rows if name in each["groups"]]
    found = [each for each in rows if each["account"] == name]
    return found or [{"box": "", "account": name, "address": "", "groups": []}]


def tell(rows: Sequence[dict[str, Any]], *, on: bool, why: str, cancel_open: bool) -> list[Reached]:
    """各台机器一起去；一台不通不耽误别的，最多 `_LIMIT_S` 秒。"""
    body = _read()
    calls = [
        Aside(partial(_one, body, row, on, why, cancel_open), "easytrader-kill").start()
        for row in rows
    ]
    return [_result(row, call) for row, call in zip(rows, calls, strict=True)]


def _result(row: dict[str, Any], call: Aside[str]) -> Reached:
    place = (row["box"], row["account"], row["address"])
    try:
        return Reached(*place, told=call.result(_LIMIT_S))
    except AbandonedError:
        return Reached(*place, error=f"{_LIMIT_S:g} 秒没有回答")
    except EasytraderError as exc:
        return Reached(*place, error=str(exc))


def _one(body: dict[str, Any], row: dict[str, Any], on: bool, why: str, cancel_open: bool) -> str:
    from easytrader.basics.references import resolved

    known = _token_of(body, row["box"])
    if not row["address"]:
        raise EasytraderError("没有记着它的地址")
    if known is None:
        raise EasytraderError(f"没有它的令牌：easytrader fleet box set {row['box']} --token …")
    user = easytrader.use("remote")
    try:
        user.connect(
            row["address"], reconnect_enabled=False, heartbeat_interval=0, timeout=_TIMEOUT_S,
            token=resolved(known["token"], "token", str(file())), account=row["account"],
            fingerprint=known["fingerprint"] or None,
        )  # fmt: skip
        if not on:
            user.server.allow_orders()
            return "已放开"
        user.server.stop_orders(why or "easytrader fleet kill --direct")
        return f"已停，撤单 {_cancelled(user)}" if cancel_open else "已停"
    finally:
        user.close()


def _cancelled(user: Any) -> list[Any]:
    """撤掉挂着的；停的时候在柜台的接口里的，撤完那一遍才会挂上去：等它们回来，再撤一遍。"""
    flying = _flying(user)  # 撤之前看：停了之后只会少
    found: list[Any] = user.cancel_all()
    if not flying:
        return found

    def landed(seconds: float) -> bool:
        threading.Event().wait(seconds)
        return not _flying(user)

    all_landed = waits.sliced(landed, _FLYING_S, slice_s=_LOOK_S)
    found += user.cancel_all()
    if not all_landed:
        raise EasytraderError(
            f"停了，撤单 {found}；还有 {_flying(user)} 笔在柜台的接口里没有回来：过一会儿再按一次"
        )
    return found


def _flying(user: Any) -> int:
    """在柜台的接口里、还没有结果的委托几笔；旧版本的服务器不说，当作没有。"""
    return int(user.server.status().get("flying", 0))


def _token_of(body: dict[str, Any], box: str) -> dict[str, str] | None:
    found: dict[str, str] | None = body["tokens"].get(box) or body["tokens"].get(EVERY)
    return found


def _read() -> dict[str, Any]:
    """读不懂的当作没有：停单的时候不能为它停下。"""
    blank: dict[str, Any] = {"accounts": {}, "tokens": {}}
    try:
        body = json.loads(file().read_bytes())
        accounts, tokens = dict(body["accounts"]), dict(body["tokens"])
        for each in accounts.values():
            str(each["box"]), str(each["address"]), list(each["groups"])
    except (OSError, ValueError, KeyError, TypeError):
        return blank
    return {"accounts": accounts, "tokens": tokens}


def _write(body: dict[str, Any]) -> None:
    private.private_folder(file().parent)
    private.replace_file(file(), json.dumps(body, ensure_ascii=False, indent=1).encode())
