"""完整版 QMT 多出来的动作：别处下的单、撤与成交抢先、股份不够、SDK 被杀与重开。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final

from chaos_verbs import PRIMARY, Lane, cancel

if TYPE_CHECKING:
    from chaos_verbs import Action

__all__ = ["BIG", "BigLane"]


class BigLane(Lane):
    """一半给编号，陪衬里三成异步下。"""

    named = 0.5
    later = 0.3


def _buy_async(lane: Lane) -> None:
    for verb in ("buy", "market_sell"):
        lane.submit(verb, later=True)


def _cancel_race(lane: Lane) -> None:
    """一下出去就撤：有的正成交着，有的连合同编号都还没有。"""
    wish = lane.wish("sell", cid=True)
    send = lane.sender("sell")(lane.user)
    done = threading.Event()

    def race() -> None:
        while not done.is_set():
            _, rows = lane.world.call(
                "today_entrusts", lane.world.timeout_s, lambda: lane.user.today_entrusts
            )
            mine = [row for row in rows if _is(row, wish.key)] if isinstance(rows, list) else []
            if mine:
                lane.cancel(mine[0]["order_id"])
                return
            done.wait(0.005)

    racer = threading.Thread(target=race, name="chaos-racer")
    racer.start()
    try:
        call = lane.world.submit(wish, send)
        if call.number > 0:
            lane.cancel(call.number)
    finally:
        done.set()
        racer.join()


def _is(row: Any, key: str) -> bool:
    return bool(row["order_remark"] == key)


def _foreign(lane: Lane) -> None:
    """同一个账号的 MiniQMT 那边下的：这边也要看得到、推得到、撤得掉。"""
    lane.world.foreign(lane.dice)
    lane.submit("buy")
    lane.ask("today_entrusts")


def _short_of_stock(lane: Lane) -> None:
    """股份不够：客户端自己弹窗拦下的（没有行、没有回调），或柜台废掉的。"""
    for _ in range(2):
        wish = lane.wish("sell", cid=lane.dice.random() < 0.5)
        lane.world.submit(wish, lambda **o: lane.user.sell("600036", 36.0, 2_000_000_000, **o))


def _sdk_restart(lane: Lane) -> None:
    """关掉再连：编号还是那些，下过的不再下。"""
    world = lane.world
    wish = lane.wish("buy", cid=True)
    sender = lane.sender("buy")
    world.submit(wish, sender(lane.user))
    trader = world.new_trader()
    call, _ = world.call("connect", world.timeout_s, lambda: world.connect(trader))
    if call.outcome == "ok":
        world.submit(wish, sender(trader))
        _, rows = world.call("today_entrusts", world.timeout_s, lambda: trader.today_entrusts)
        world.note_ids(rows)
    world.call("close", world.close_s, trader.close)
    world.submit(wish, sender(lane.user))


BIG: Final[dict[str, Action]] = {
    **PRIMARY,
    "buy_async": _buy_async,
    "cancel_async": lambda lane: cancel(lane, later=True),
    "cancel_race": _cancel_race,
    "foreign": _foreign,
    "short_of_stock": _short_of_stock,
    "sdk_restart": _sdk_restart,
    "sdk_killed": PRIMARY["client_killed"],
}
