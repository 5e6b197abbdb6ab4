"""一个心愿给几个账号：先定下各家多少，记在存储里，再各家一起发。

怎样分的在发出之前记下一次（`store.Store.keep`），名字就是整个心愿的 id：被杀了再来的、
两个程序同时来的，都照记着的那一份做；各家的委托 id 由它得来，所以谁也不会多一笔。
"""

from __future__ import annotations

import json
import secrets
from contextlib import suppress
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from loguru import logger

from easytrader.basics import numbers, tags
from easytrader.errors import (
    NOTHING_SENT,
    EasytraderError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
)
from easytrader.fleets import checks
from easytrader.fleets.joint_report import STATE_NAMES, JointReport, row
from easytrader.fleets.together import together
from easytrader.fleets.words import FREE, PLACED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from easytrader.basics.numbers import Number
    from easytrader.fleets.joint_report import JointRow
    from easytrader.fleets.together import Answer
    from easytrader.fleets.words import Command

SLACK_S: Final = 1.0
"""各家自己的期限之外，再等这么久。"""
_BARE: Final = "这个柜台的委托带不了标记，上一次发了没有认不出来，不再发；看它的 today_entrusts"


class Share(NamedTuple):
    """一家的一份。

    Attributes:
        asked: 多少；由账号自己算的为 None。
        client_order_id: 它的委托 id；柜台带不了标记的为空。
        act: 去做：返回 `buy` 的结果，没有什么要做的返回 None。做不了的（没有连上）为 None。
        why: 不做的话为什么。
    """

    asked: Number | None
    client_order_id: str
    act: Callable[[], Any] | None
    why: str = ""


class Joint:
    """一个心愿。

    Args:
        title: 给人看的。
        client_order_id: 整个心愿的 id。
        security: 证券代码。
        shares: 账号 → 一份。
        limit_s: 各家自己的期限，秒。
        find: (账号, 委托 id) → 存储里的那一条，没有为 None；存储没有应答的抛异常。
        seen: 这个 id 以前也许用过。
        looks: 下单之前先看一眼行情、持仓的：看不到的也是没有发出。
    """

    def __init__(
        self,
        title: str,
        client_order_id: str,
        security: str,
        shares: Mapping[str, Share],
        limit_s: float,
        find: Callable[[str, str], Command | None],
        *,
        seen: bool = False,
        looks: bool = False,
    ) -> None:
        self.title = title
        self.client_order_id = client_order_id
        self._security = security
        self._shares = dict(shares)
        self._limit_s = limit_s
        self._find = find
        self._seen = seen
        self._cut = self._deaf = False
        self._not_sent = (*NOTHING_SENT, QueryFailedError) if looks else NOTHING_SENT

    def send(
        self,
        left: Number,
        notes: list[str],
        told: Callable[[JointReport], object],
        *,
        again: bool = False,
    ) -> JointReport:
        """各家一起发，等到都有了结果、或到期。

        Args:
            left: 没有分出去的，写进报告。
            notes: 同上。
            told: 报告交给它：被 Ctrl-C 打断的也交，那时没有回答的是结果未知。
            again: 这个心愿以前发过：带不了标记的那几家不再发。
        """
        self._seen = self._seen or again
        found: dict[str, Answer] = {}

        def report() -> JointReport:
            rows = [self._row(name, found.get(name), again) for name in self._shares]
            made = JointReport(self.title, self.client_order_id, rows, left, notes, self._again)
            told(made)
            return made

        try:
            self._go([name for name in self._shares if not (again and self._bare(name))], found)
        except KeyboardInterrupt:
            self._cut = True
            logger.error("被打断。{}", report())
            raise
        return report()

    def _go(self, names: list[str], found: dict[str, Answer]) -> None:
        jobs = {}
        for name in names:
            share = self._shares[name]
            if share.act is not None and share.asked != 0:
                jobs[name] = share.act
        together(jobs, self._limit_s + SLACK_S, found)

    def _again(self, rows: list[JointRow]) -> list[JointRow]:
        """认不出来的那几家，结果未知的就一直未知。"""
        self._cut = self._deaf = False
        found: dict[str, Answer] = {}
        unknown = {each["account"] for each in rows if each["state"] == "unknown"}
        lost = {name for name in unknown if self._bare(name)}
        names = [each["account"] for each in rows]
        self._go([name for name in names if name not in lost], found)
        return [
            self._row(name, found.get(name), name in lost, unknown=name in unknown)
            for name in names
        ]

    def _bare(self, name: str) -> bool:
        """发了没有认不出来。"""
        share = self._shares[name]
        return share.act is not None and not share.client_order_id

    def _row(
        self, name: str, answer: Answer | None, lost: bool, *, unknown: bool = False
    ) -> JointRow:
        made = self._said(name, answer, lost)
        if made["state"] == "unsent" and (self._seen or unknown):
            return self._recalled(made, unknown)
        return made

    def _recalled(self, made: JointRow, unknown: bool) -> JointRow:
        """这一次没有发出，而以前的那一次（被杀、被打断、没有回答的）也许有委托：看存储里记着的。"""
        name, told = made["account"], made["message"]
        own = made["client_order_id"]
        # 没有 id 的也许是现在没有连上的，也许是带不了标记的：后一种存储里凭它查不到，不等于没有
        known = bool(own)
        with suppress(UsageError):  # 带不了标记的，合起来太长也没有人问过
            own = own or own_id(self.client_order_id, name)
        reached, found = self._look(name, own) if own else (False, None)
        if found is not None and found.state == PLACED:
            number = int(found.order_id) if checks.is_whole(found.order_id) else found.order_id
            asked = self._shares[name].asked
            return row(
                name, self._security, asked, "placed", entrust_no=number, client_order_id=own
            )
        silent = reached and known and not unknown
        nothing = found.state in FREE if found is not None else silent
        if not nothing:
            why = "还没有结果" if found is not None else "发了没有不知道"
            made["state"], made["state_name"] = "unknown", STATE_NAMES["unknown"]
            made["message"] = f"以前的那一次{why}；这一次：{told}"
        return made

    def _look(self, name: str, own: str) -> tuple[bool, Command | None]:
        """(问到了, 那一条)；一家问不到的，别家也不问了。"""
        if self._cut or self._deaf:
            return False, None
        try:
            return True, self._find(name, own)
        except EasytraderError as exc:
            logger.warning("看不到 {} 以前的那一次：{}", name, exc)
            self._deaf = True
            return False, None

    def _said(self, name: str, answer: Answer | None, lost: bool) -> JointRow:
        share = self._shares[name]
        make = partial(
            row, name, self._security, share.asked, client_order_id=share.client_order_id
        )
        if answer is not None:
            return self._answered(name, answer, make)
        if share.asked == 0:
            return make("nothing", message=share.why or "没有分到")
        if lost and self._bare(name):
            return make("unknown", message=_BARE)
        return make("unsent", message=share.why or "还没有开始发")

    def _answered(self, name: str, answer: Answer, make: Callable[..., JointRow]) -> JointRow:
        error = answer.error
        if not answer.begun:
            told = f"开不出线程（{error}）" if error else "还没有开始就被打断了"
            return make("unsent", message=f"{told}；什么都没有发出")
        if not answer.back:
            told = "被打断的时候还没有回答" if self._cut else "期限之内没有回答"
            return make("unknown", message=told, error=error)
        if error is not None:
            if isinstance(error, self._not_sent):
                return make("unsent", error=error)
            if not isinstance(error, OutcomeUnknownError):
                logger.opt(exception=error).error("{} {}：没有料到的异常", name, self.title)
            return make("unknown", error=error)
        if answer.value is None:
            return make("nothing", message="没有什么要做的")
        number = answer.value["entrust_no"]
        if not numbers.is_number(number):
            return make("refused", message=str(answer.value.get("message", "")))
        return make("placed", entrust_no=number)


# ---- id，与定下来的分法


def wish_id(given: object) -> str:
    """整个心愿的 id；没有给的取一个新的。"""
    return f"m-{secrets.token_hex(6)}" if given is None else tags.check_client_order_id(given)


def own_id(whole: str, account: str) -> str:
    """一个账号的委托 id：``<整个的>.<账号>``。

    Raises:
        UsageError: 太长了。
    """
    found = f"{whole}.{account}"
    most = tags.MAX_CLIENT_ORDER_ID_BYTES
    if len(found.encode()) > most:
        told = f"各家的 id 是它加上 .账号，{account!r} 的超过 {most} 字节了；换一个短的"
        raise UsageError("client_order_id", whole, told)
    return found


class Decided(NamedTuple):
    """定下来的分法。

    Attributes:
        amounts: 账号 → 多少。
        left: 没有分出去的。
        notes: 要人知道的话。
        fresh: 是这一次定的；不是就是以前的，也许发过。
    """

    amounts: dict[str, Number]
    left: Number
    notes: list[str]
    fresh: bool


def decide(
    keep: Callable[[str, str], str],
    whole: str,
    wish: Mapping[str, str],
    amounts: Mapping[str, Number],
    left: Number,
    notes: list[str],
) -> Decided:
    """记下怎样分的；以前记过的照以前的。

    Args:
        keep: 写了就不再改的那一份，见 `store.Store.keep`。
        whole: 整个心愿的 id。
        wish: 要做的事，都写成文字。
        amounts: 这一次算的。
        left: 同上。
        notes: 同上。

    Raises:
        UsageError: 这个 id 已经用于另一件事；什么都没有发出。
    """
    nonce = secrets.token_hex(8)
    mine = {
        "wish": dict(wish),
        "amounts": {name: str(amount) for name, amount in amounts.items()},
        "left": str(left),
        "notes": notes,
        "nonce": nonce,
    }
    kept = json.loads(keep(whole, json.dumps(mine, ensure_ascii=False)))
    before = kept.get("wish", {})
    if before != mine["wish"]:
        keys = [key for key in wish if before.get(key) != wish[key]] or list(before)
        told = "、".join(f"{key} 那时是 {before.get(key, '没有')}" for key in keys)
        form = f"这个 id 已经用于另一件事（{told}）；换一个 id，什么都没有发出"
        raise UsageError("client_order_id", whole, form)
    found = {name: _number(amount) for name, amount in kept["amounts"].items()}
    return Decided(found, _number(kept["left"]), kept["notes"], kept["nonce"] == nonce)


def _number(text: str) -> Number:
    found = Decimal(text)
    return int(found) if "." not in text and "E" not in text.upper() else found
