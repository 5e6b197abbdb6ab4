"""两个代理、两个策略、一份存储的状态机：死、停、接管、拨钟，对着一个模型看。

模型只记「柜台」：哪一条发过几次。规矩：

- 一条命令的一次（``attempt``）最多发一次；没有哪一任发了别的任领走的；
- 说了 `PLACED` 的，柜台上有；说了空着的（`FREE`），那一次柜台上没有；
- 事件的编号没有缺、没有重；终态不再变；任（``epoch``）只增不减。
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from fleets.store_worlds import asking, event, outcome, soon
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from easytrader.fleets.words import (
    ABSENT,
    FENCE_S,
    FINAL,
    FREE,
    PLACED,
    REFUSED,
    SEND_BY_S,
    SENDING,
    TTL_S,
    UNKNOWN,
    FencedError,
    Lease,
    StoreDownError,
)

if TYPE_CHECKING:
    from fleets.store_worlds import World

BOXES = ("box1", "box2")
IDS = ("a", "b", "c")


class Taken(NamedTuple):
    """领到手里、还没有发的。"""

    command: Any
    send_by: float


class Agent:
    """一个代理：它的存储、租约、手里的、要报的。"""

    def __init__(self, box: str) -> None:
        self.box = box
        self.life = 0
        self.reborn()

    def reborn(self) -> None:
        """重新启动：内存里的都没有了。"""
        self.life += 1
        self.owner = f"{self.box}-{self.life}"
        self.lease: Lease | None = None
        self.renewed = 0.0
        self.quiet_from = 0.0
        self.handed = False
        self.hands: list[Taken] = []
        self.told: list[tuple[Any, str]] = []
        self.paused = False
        self.spooled = 0


class FleetMachine(RuleBasedStateMachine):
    """见模块说明；``make_world`` 由测试给。"""

    make_world: Any = None

    def __init__(self) -> None:
        super().__init__()
        self.world: World = type(self).make_world()
        self.store = self.world.open()
        self.now = 0.0
        self.agents = {box: Agent(box) for box in BOXES}
        self.counter: dict[tuple[str, int], int] = {}
        self.wished: dict[str, str] = {}
        self.final: dict[tuple[str, int], str] = {}
        self.requests = 0
        self.epoch = 0

    def teardown(self) -> None:
        self.world.close()

    # ---- 策略

    @rule(which=st.sampled_from(IDS), verb=st.sampled_from(["buy", "cancel_entrust"]))
    def post(self, which: str, verb: str) -> None:
        if self.epoch == 0:
            return
        self.requests += 1
        effect = "order" if verb == "buy" else "cancel"
        wish = self.world.wish(
            command_id=which + verb, request=f"q{self.requests}", verb=verb, effect=effect,
            valid_s=5.0,
        )  # fmt: skip
        before = self.store.find("A", wish.command_id, soon())
        posted = self.store.post(wish, soon())
        assert posted.fresh == (before is None or before.state in FREE)
        if posted.fresh:
            assert posted.command.attempt == (1 if before is None else before.attempt + 1)
            self.wished[wish.request] = wish.command_id

    @precondition(lambda self: self.wished)
    @rule(data=st.data())
    def withdraw(self, data: st.DataObject) -> None:
        request = data.draw(st.sampled_from(sorted(self.wished)))
        found = self.store.withdraw("A", request, soon())
        assert found is not None
        assert found.request == request

    @rule()
    def withdraw_before_it_comes(self) -> None:
        if self.epoch == 0:
            return
        self.requests += 1
        wish = self.world.wish(request=f"q{self.requests}")
        assert self.store.withdraw("A", wish.request, soon()) is None
        try:
            self.store.post(wish, soon())
        except StoreDownError:
            return
        raise AssertionError("作废过的请求记下了")

    # ---- 代理

    @rule(box=st.sampled_from(BOXES), same_file=st.booleans())
    def acquire(self, box: str, same_file: bool) -> None:
        agent = self.agents[box]
        if agent.paused or agent.lease is not None:
            return
        previous = f"{box}-{agent.life - 1}" if same_file else ""
        asked = self.now
        got = asking(self.store, owner=agent.owner, box=box, takeover="auto", previous=previous)
        if isinstance(got, Lease):
            assert got.epoch == self.epoch + 1
            self.epoch = got.epoch
            agent.lease = got
            agent.renewed = asked
            agent.handed = False
            agent.quiet_from = self.now + got.settle_after_s

    @rule(box=st.sampled_from(BOXES))
    def renew(self, box: str) -> None:
        agent = self.agents[box]
        if agent.paused or agent.lease is None:
            return
        asked = self.now
        if "A" in self.store.renew([agent.lease], soon()).kept:
            assert agent.lease.epoch == self.epoch
            agent.renewed = asked
        else:
            self._lost(agent)

    @rule(box=st.sampled_from(BOXES))
    def hand_over(self, box: str) -> None:
        """接手的人先核对：以前各任领走的，等静下来，照柜台上有没有来定。"""
        agent = self.agents[box]
        if agent.paused or agent.lease is None or self.now < agent.quiet_from:
            return
        try:
            left = self.store.left_over(agent.lease, soon())
        except FencedError:
            self._lost(agent)
            return
        agent.handed = True
        mine = {each.command.number for each in agent.hands}
        agent.told += [
            (each, PLACED if self._sent(each) else ABSENT)
            for each in left
            if each.number not in mine
        ]

    @rule(box=st.sampled_from(BOXES), most=st.integers(1, 3))
    def claim(self, box: str, most: int) -> None:
        agent = self.agents[box]
        if agent.paused or agent.lease is None or not agent.handed:
            return
        asked = self.now
        for each in self.store.claim([agent.lease], most, soon()):
            assert each.state == SENDING
            assert each.epoch == agent.lease.epoch == self.epoch
            agent.hands.append(Taken(each, asked + min(SEND_BY_S, each.left_s)))

    @rule(box=st.sampled_from(BOXES), good=st.sampled_from([PLACED, REFUSED, UNKNOWN]))
    def send(self, box: str, good: str) -> None:
        """交给柜台：最后看一眼的几样都对了才发。"""
        agent = self.agents[box]
        if agent.paused or not agent.hands:
            return
        command, send_by = agent.hands.pop(0)
        if self.now > send_by or self.now - agent.renewed > FENCE_S:
            agent.told.append((command, "unsent"))
            return
        key = (command.command_id, command.attempt)
        if good != REFUSED:
            self.counter[key] = self.counter.get(key, 0) + 1
        agent.told.append((command, good))

    @rule(box=st.sampled_from(BOXES))
    def settle(self, box: str) -> None:
        agent = self.agents[box]
        if agent.paused or agent.lease is None:
            return
        told, agent.told = agent.told, []
        agent.spooled += 1
        spool = event(agent.spooled, spool=agent.owner)
        try:
            self.store.settle([agent.lease], [outcome(*each) for each in told], [spool], soon())
        except FencedError:
            self._lost(agent)

    @rule(box=st.sampled_from(BOXES))
    def kill(self, box: str) -> None:
        self.agents[box].reborn()

    @rule(box=st.sampled_from(BOXES))
    def pause_or_wake(self, box: str) -> None:
        agent = self.agents[box]
        agent.paused = not agent.paused

    @rule(box=st.sampled_from(BOXES))
    def release(self, box: str) -> None:
        agent = self.agents[box]
        if agent.paused or agent.lease is None or agent.hands or agent.told:
            return
        self.store.release([agent.lease], soon())
        agent.reborn()

    @rule(box=st.sampled_from(BOXES), force=st.booleans())
    def take_over(self, box: str, force: bool) -> None:
        rows = self.store.accounts(soon())
        if rows and (force or not rows[0].alive):
            self.store.take_over("A", box, soon(), force=force)

    # ---- 钟

    @rule(seconds=st.sampled_from([0.5, SEND_BY_S, 4.0, FENCE_S, TTL_S, TTL_S + 5]))
    def advance(self, seconds: float) -> None:
        self.world.advance(seconds)
        self.now += seconds

    # ---- 什么时候都对的

    @invariant()
    def nothing_is_doubled(self) -> None:
        assert all(count == 1 for count in self.counter.values()), self.counter

    @invariant()
    def what_is_told_is_true(self) -> None:
        for each in self.store.commands(soon(), most=1000):
            key = (each.command_id, each.attempt)
            before = self.final.get(key)
            assert before is None or before == each.state, "有了结果又变了"
            if each.state in FINAL:
                self.final[key] = each.state
                assert (key in self.counter) == (each.state == PLACED), (each, self.counter)

    @invariant()
    def events_have_no_gap(self) -> None:
        if self.epoch:
            numbers = [each.number for each in self.store.read("A", 0, 10_000, soon())]
            assert numbers == list(range(1, len(numbers) + 1))
            assert self.store.bump("A", soon()) == len(numbers)

    # ---- 内部

    def _sent(self, command: Any) -> bool:
        return (command.command_id, command.attempt) in self.counter

    def _lost(self, agent: Agent) -> None:
        """租约没有了：手里的不发了（到期也发不出去），等着再接。"""
        agent.lease = None
