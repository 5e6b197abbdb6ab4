"""场景里做的动作：每个都计时、记账，从不让异常逃出去。"""

from __future__ import annotations

import random
import subprocess
import threading
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from chaos_check import Call, Wish
from chaos_world import pause
from support import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from chaos_world import World

__all__ = ["ORDERS", "PRIMARY", "Action", "Lane", "background", "cancel", "primary"]

_RESTING: Final = {"buy": ("600036", 32.5), "sell": ("600036", 38.5)}
_CROSSING: Final = {"buy": ("510300", 4.22), "sell": ("510300", 3.8)}
"""基金没有价格笼子，报得远也收，哪一天都成交得了。"""
ORDERS: Final = ("buy", "sell", "market_buy", "market_sell")
Action: TypeAlias = "Callable[[Lane], None]"
_WAIT_S: Final = 0.3
_CHILD_S: Final = 20.0


class Lane:
    """一个线程在一个场景里：自己的骰子、自己的编号。"""

    named = 0.6
    """这么多成的给编号。"""
    later = 0.0
    """陪衬里这么多成的异步下。"""

    def __init__(self, world: World, name: str) -> None:
        self.world = world
        self.user = world.user
        self.name = name
        self.dice = random.Random(name)
        self._count = 0
        self.placed: list[int] = []

    def ask(self, name: str) -> None:
        """一次查询。"""
        self.world.call(name, self.world.timeout_s, lambda: getattr(self.user, name))

    def wish(self, verb: str, *, cid: bool) -> Wish:
        """新的一笔；备注独一无二，同一个世界里不会重。"""
        self._count += 1
        key = f"{self.name}.{self._count}"
        return Wish(key, verb, f"id-{key}" if cid else "")

    def sender(self, verb: str, *, later: bool = False) -> Callable[[Any], Callable[..., Any]]:
        """掷好价格数量，返回「用哪个 trader → 怎么下」；``later``：异步下，再等结果。"""
        amount = self.dice.choice((100, 200, 300, 1000))
        if verb.startswith("market"):
            args: tuple[Any, ...] = (self.dice.choice(("600036", "600000", "000001")), amount)
        else:
            code, price = self.dice.choice((_RESTING[verb], _RESTING[verb], _CROSSING[verb]))
            if self.dice.random() < 0.08:
                amount, price = 150, 999.0  # 废单
            args = (code, price, amount)
        if later:
            return lambda user: lambda **o: getattr(user, f"{verb}_async")(*args, **o).result()
        return lambda user: lambda **o: getattr(user, verb)(*args, **o)

    def submit(self, verb: str, *, cid: bool | None = None, later: bool = False) -> Wish:
        """下一笔。"""
        wish = self.wish(verb, cid=self.dice.random() < self.named if cid is None else cid)
        call = self.world.submit(wish, self.sender(verb, later=later)(self.user))
        if call.number > 0:
            self.placed.append(call.number)
        return wish

    def cancel(self, number: int, *, later: bool = False) -> None:
        def act() -> Any:
            if later:
                return self.user.cancel_entrust_async(number).result()
            return self.user.cancel_entrust(number)

        self.world.call("cancel_entrust", self.world.timeout_s, act)

    def cancel_all(self) -> None:
        open_count = len(
            [n for n in self.world.wishes.values() if n.scenario == self.world.current]
        )
        # 查一次、第一笔没有应答之前的每笔都可能慢，之后的一共再给一个期限
        allowed_s = self.world.timeout_s * (3 + open_count)
        self.world.call("cancel_all", allowed_s, self.user.cancel_all)


def primary(lane: Lane, verb: str, specials: Mapping[str, Action] | None = None) -> None:
    """场景的主角。"""
    special = (PRIMARY if specials is None else specials).get(verb)
    if special is not None:
        special(lane)
    elif verb in ORDERS:
        lane.submit(verb)
        pause(lane.dice.uniform(0, 0.02))
        lane.submit(verb)
    else:
        lane.ask(verb)
        lane.submit(lane.dice.choice(("buy", "market_buy")))
        lane.ask(verb)


def background(lane: Lane) -> None:
    """陪衬：几个随便的调用。"""
    for _ in range(lane.dice.randint(1, 3)):
        choice = lane.dice.random()
        if choice < 0.5:
            verb = lane.dice.choice(ORDERS)
            lane.submit(verb, later=bool(lane.later) and lane.dice.random() < lane.later)
        elif choice < 0.65 and lane.placed:
            lane.cancel(lane.placed[-1])
        else:
            names = ("balance", "position", "today_entrusts", "today_trades", "status")
            lane.ask(lane.dice.choice(names))


def cancel(lane: Lane, *, later: bool = False) -> None:
    """下两笔，一笔一笔撤；``later``：异步撤。"""
    lane.submit("buy")
    lane.submit("sell")
    for number in lane.placed:
        lane.cancel(number, later=later)


def _cancel_all(lane: Lane) -> None:
    lane.submit("buy")
    lane.submit("buy")
    lane.cancel_all()


def _find(lane: Lane) -> None:
    for wish in (lane.submit("buy", cid=True), lane.submit("market_sell", cid=False)):
        if not (name := wish.cid or wish.tag):
            continue
        for _ in range(3):
            call, row = lane.world.call(
                "find_entrust", lane.world.timeout_s, lambda n=name: lane.user.find_entrust(n)
            )
            if call.outcome == "ok":
                break
        if call.outcome == "ok" and wish.in_doubt:  # 故障还没过去时的结论也要算数
            wish.settled = row["order_id"] if row else 0


def _wait(lane: Lane) -> None:
    for verb in ("market_buy", "buy"):
        lane.submit(verb)
    for number in lane.placed:
        lane.world.call("wait", _WAIT_S, lambda n=number: lane.user.wait(n, _WAIT_S))


def _two_threads(lane: Lane) -> None:
    wish = lane.wish("buy", cid=True)
    send = lane.sender("buy")(lane.user)
    twins = [
        threading.Thread(target=lane.world.submit, args=(wish, send), name="chaos-twin")
        for _ in range(2)
    ]
    for twin in twins:
        twin.start()
    for twin in twins:
        twin.join()
    lane.world.submit(wish, send)


def _again(lane: Lane) -> None:
    """同一个 id 一直提交到有个准信（最多几次）。"""
    verb = lane.dice.choice(ORDERS)
    wish = lane.wish(verb, cid=True)
    send = lane.sender(verb)(lane.user)
    for _ in range(4):
        call = lane.world.submit(wish, send)
        if call.outcome in ("ok", "refused"):
            break
        pause(0.1)
    lane.world.submit(wish, send)


def _second_trader(lane: Lane, *, same_id: bool = False) -> None:
    world = lane.world
    trader = world.new_trader()
    wish = lane.wish("buy", cid=True)
    sender = lane.sender("buy")
    first = threading.Thread(target=world.submit, args=(wish, sender(lane.user)))
    if same_id:
        first.start()
    call, _ = world.call("connect", world.timeout_s, lambda: world.connect(trader))
    if call.outcome == "ok":
        world.submit(wish, sender(trader))
        world.call("balance", world.timeout_s, lambda: trader.balance)
    if same_id:
        first.join()
    world.call("close", world.close_s, trader.close)


def _in_callback(lane: Lane) -> None:
    """在回调里下单、查询：不许互相卡住。"""
    done = threading.Event()

    def react() -> None:
        lane.submit("market_sell")
        lane.ask("balance")
        lane.submit("buy", cid=True)
        done.set()

    with lane.world.ears.changed:
        lane.world.ears.doing.append(react)
    lane.submit("market_buy")
    done.wait(lane.world.timeout_s)


def _client_killed(lane: Lane) -> None:
    """另一个进程下到一半被 SIGKILL，这边用同一个 id 再下。"""
    world = lane.world
    wish = lane.wish("buy", cid=True)
    command, env = world.child(wish)
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True, cwd=ROOT, env=env,
    )  # fmt: skip
    guard = threading.Timer(_CHILD_S, child.kill)
    guard.start()
    try:
        assert child.stdout is not None
        child.stdout.readline()
        pause(lane.dice.uniform(0, 0.03))
    finally:
        child.kill()
        guard.cancel()
        child.communicate()
    wish.calls.append(Call("buy", 0.0, world.timeout_s, "unknown", "进程被杀"))
    world.submit(wish, lambda **options: lane.user.buy("600036", 32.5, 100, **options))


PRIMARY: Final[dict[str, Action]] = {
    "cancel_entrust": cancel,
    "cancel_all": _cancel_all,
    "find_entrust": _find,
    "wait": _wait,
    "same_id_two_threads": _two_threads,
    "same_id_after_unknown": _again,
    "same_id_second_trader": lambda lane: _second_trader(lane, same_id=True),
    "second_trader": _second_trader,
    "buy_in_callback": _in_callback,
    "client_killed": _client_killed,
}
