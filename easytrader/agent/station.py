"""账号那一头：拿着租约，领命令，交给账号的 `Desk` 去做，把结果写回去。

领命令的、答查询的、等提示的、续租的、待传的，各一个线程；做的还是服务器的那几条道。
接手的账号先核对上一任留下的（`handover`），才领新的。
"""

from __future__ import annotations

import secrets
import threading
import time
import traceback
from collections import Counter
from functools import partial
from hashlib import blake2b
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.agent import errands, glance, handover, spool
from easytrader.agent.duties import Duties
from easytrader.agent.errands import Errand, Rules
from easytrader.agent.handover import Settling
from easytrader.agent.keeper import Hooks, Keeper
from easytrader.backend.records import Connected
from easytrader.basics import boot_clock, waits
from easytrader.basics.log import masked
from easytrader.errors import EasytraderError, UsageError
from easytrader.fleets import view
from easytrader.fleets.words import (
    ABSENT,
    PLACED,
    POLL_S,
    UNKNOWN,
    FencedError,
    StoreDownError,
    StoreUnknownError,
)
from easytrader.risk import Guard
from easytrader.server.calls import Answer
from easytrader.wire import values
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from easytrader.backend.records import PushEvent
    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Beat, Command, Greeting, Lease, Outcome, Question
    from easytrader.risk import GuardPost
    from easytrader.server.desk import Desk

MOST: Final = 32
"""一次最多领这么多条。"""
_FLYING: Final = 16
"""一个账号在办的委托到了这么多，先只领它的撤单：领了发不出去的会过期。"""
_QUESTIONS: Final = 64
_CLAIM_S: Final = 2.0
_ASK_S: Final = 1.0
_AGAIN_S: Final = 0.5
_LISTEN_S: Final = 0.05
"""命令一条接一条的时候，隔这么久也看一眼有没有人问。"""
_SPIN_S: Final = 0.1
_REMIND_S: Final = 3600.0
"""存储换过时间线，本机这么久以来的命令与它对一遍。"""
_QUIET_S: Final = 10.0
"""说了没有活，就等提示、等续租时说有活；提示丢了，多久自己也看一眼。"""
_PATIENCE_S: Final = 8.0
"""接手的账号，上一任留下的最多先核对这么久；还说不清的接着核对，不再耽误新的。"""
_FINISH_S: Final = 5.0
_GONE: Final = (StoreDownError, StoreUnknownError)
_POSTS: Final = 256


class Station:
    """一台机器上的几个账号。

    Args:
        store: 存储；归它关。
        desks: 账号在队里的名字 → 账号；循环已经在跑。
        box: 这台机器在队里的名字，全队唯一。
        groups: 这些账号在哪几组。
        takeover: 上一任的租约过期了，``auto`` 别的机器就能接，``manual`` 要人点头。
        address: 自己的网址，停单用。
        rebind: 名字在队里是另一个资金账号的，也接过来。
        folder: 待传的放在哪里；不给是默认的地方。
    """

    def __init__(
        self,
        store: Store,
        desks: Mapping[str, Desk],
        *,
        box: str,
        groups: Sequence[str] = (),
        takeover: str = "manual",
        address: str = "",
        rebind: bool = False,
        folder: Path | None = None,
    ) -> None:
        self.box = box
        self._rebind = rebind
        self._store = store
        self._groups = tuple(groups)
        self._seats: dict[str, _Seat] = {}
        where = blake2b(store.where.encode(), digest_size=8).hexdigest()
        file = spool.default_file(box, where) if folder is None else folder / "spool.sqlite"
        self._spool = spool.Spool(file)
        self._keeper = Keeper(
            store,
            box=box,
            owner=secrets.token_hex(8),
            groups=self._groups,
            takeover=takeover,
            address=address,
            hooks=Hooks(self._greeted, self._suits, self._gained, self._lost, self._beat),
        )
        self._duties = duties = Duties(store, self._spool, box=box, groups=self._groups)
        self._uploader = spool.Uploader(
            store,
            self._spool,
            lambda: self._keeper.leases,
            fenced=self._keeper.drop,
            settled=self._uploaded,
            late=duties.alarms.late,
            stop=duties.stop,
        )
        self._rules = Rules(
            self._keeper.check, duties.check_switches, self._spool.check, duties.admit,
            duties.not_sent,
        )  # fmt: skip
        self._bell = waits.Bell()
        self._may_ask = True
        """也许有人在问：刚醒来，或存储说有活。"""
        self._listened = 0.0
        self._replies: SimpleQueue[tuple[Question, str] | None] = SimpleQueue()
        self._closing = threading.Event()
        for desk in desks.values():
            self._seat(desk)
        self._threads = [
            threading.Thread(target=each, name=f"easytrader-agent-{name}", daemon=True)
            for name, each in (
                ("claims", self._claims), ("hints", self._hints), ("replies", self._reply),
            )
        ]  # fmt: skip

    # ---- 开与关

    def start(self) -> None:
        """开始；存储不在的一直等它。

        Raises:
            UsageError: 存储不让用：表没有建、版本差得多、没有身份。
        """
        for seat in self._seats.values():
            seat.open()
        try:
            self._keeper.start({name: each.broker for name, each in self._seats.items()})
        except BaseException:
            self.close()
            raise
        self._uploader.start()
        self._duties.start()
        for thread in self._threads:
            thread.start()

    def add(self, desk: Desk) -> None:
        """多管一个账号。"""
        seat = self._seat(desk)
        seat.open()
        self._keeper.want(desk.name, seat.broker)

    @property
    def held(self) -> list[str]:
        """此刻归这台机器管、已经在领命令的账号。"""
        return [each.account for each in self._keeper.fresh() if self._seats[each.account].ready]

    @property
    def silent(self) -> str:
        """存储为什么没有应答；好好的为空。"""
        return self._keeper.silent

    def close(self) -> None:
        """不再领，做完手上的、传完、放开租约；最多十几秒，可重复调用。"""
        if self._closing.is_set():
            return
        self._closing.set()
        self._bell.ring()
        waits.sliced(self._is_idle, _FINISH_S, slice_s=0.02)
        deadline = time.monotonic() + _ASK_S  # 大家一共：卡住的不等
        for seat in self._seats.values():
            seat.close(max(0.0, deadline - time.monotonic()))
        self._replies.put(None)
        if self._runs:
            self._duties.close()
            self._uploader.close(_FINISH_S)
        self._keeper.close(_ASK_S)
        self._store.close()
        for thread in self._threads:
            waits.join(thread, _CLAIM_S)
        self._spool.close()

    @property
    def _runs(self) -> bool:
        return any(each.ident is not None for each in self._threads)

    def _is_idle(self, seconds: float) -> bool:
        if not any(each.flying for each in self._seats.values()):
            return True
        threading.Event().wait(seconds)
        return False

    def _seat(self, desk: Desk) -> _Seat:
        seat = self._seats[desk.name] = _Seat(desk, self._settled, self._bell)
        return seat

    # ---- 租约有了变化，在看租约的线程上

    def _greeted(self, greeting: Greeting) -> None:
        if "agent" not in greeting.roles:
            told = (
                f"登录名 {greeting.login} 没有 agent 这种身份：让管理员 easytrader fleet login add"
            )
            raise UsageError("dsn", self._store.where, told)
        self._spool.bind(greeting.identity)

    def _suits(self, account: str, hello: str) -> str:
        desk, before = self._seats[account].desk, view.plain(hello)
        mark, mine = before.get("account_mark"), glance.mark_of(desk)
        if not mark or mark == mine or self._rebind:
            return ""
        here = masked(desk.account_id) or "还没有连过，不知道是哪个"
        return (
            f"{account} 在队里是资金账号 {before.get('account_id')}，这里是 {here}："
            "策略会下到别的账号去；换一个 --name，或确实是换了账号，加上 --rebind"
        )

    def _gained(self, lease: Lease, before: str, moved: bool) -> None:
        seat = self._seats[lease.account]
        seat.ready = False
        self._duties.gained(seat.desk, lease, before)
        threading.Thread(
            target=self._hand_over, args=(seat, lease, moved), daemon=True,
            name=f"easytrader-agent-handover-{lease.account}",
        ).start()  # fmt: skip

    def _lost(self, account: str) -> None:
        self._seats[account].lose()
        self._duties.lost(account)

    def _beat(self, beat: Beat, before: float, after: float) -> None:
        self._duties.beat(beat, before, after)
        self._uploader.poke()
        if beat.has_work:
            self._bell.ring()

    def _hand_over(self, seat: _Seat, lease: Lease, moved: bool) -> None:
        """上一任留下的先核对，然后才领新的；撤单不等。"""
        if moved:
            self._remind(seat)
        told = ""
        while not isinstance(rows := self._left_over(lease), list):
            if rows != told:  # 没有权限了之类的，一直是同一句
                told = rows
                logger.error("账号 {}：上一任留下的问不成，接着问：{}", lease.account, told)
            if self._closing.wait(_AGAIN_S) or not self._is_current(lease):
                return
        mine = [each for each in rows if not seat.is_flying(each)]
        if mine:
            logger.warning("账号 {}：有 {} 条命令没有结果，先核对", lease.account, len(mine))
            for each in mine:
                self._duties.begin(each)
            seat.settling.add(mine, lease.settle_after_s)
            seat.settling.looked(lease.settle_after_s + _PATIENCE_S)
        elif lease.settle_after_s:
            self._closing.wait(lease.settle_after_s)
        if self._is_current(lease):
            seat.ready = True
            self._bell.ring()

    def _remind(self, seat: _Seat) -> None:
        """存储换过时间线（切换、恢复过备份）：它不记得的，按本机的记录告诉看事件的人。"""
        account = seat.desk.name
        try:
            forgotten = handover.forgotten(seat.desk, self._store, time.time() - _REMIND_S)
        except Exception as exc:  # noqa: BLE001  边界：对不上的说一声，不能因此不接
            logger.error("账号 {}：存储换过时间线，本机最近的命令没有对上：{}", account, exc)
            return
        for command_id, told in forgotten:
            logger.error("账号 {}：存储不记得 {}：{}", account, command_id, told["data"]["text"])
            self._spool.event(account, told, command_id)

    def _left_over(self, lease: Lease) -> list[Command] | str:
        """问不成的是为什么，还要再问：这个线程没了，租约在手里也没有人领了。"""
        try:
            return self._store.left_over(lease, time.monotonic() + _CLAIM_S)
        except FencedError:
            if self._is_current(lease):  # 不是自己又换了一任
                self._keeper.drop(lease.account)
            return []
        except Exception as exc:  # noqa: BLE001  边界：存储抛什么都可能
            return repr(exc)

    def _is_current(self, lease: Lease) -> bool:
        held = self._keeper.leases.get(lease.account)
        return held is not None and held.epoch == lease.epoch

    # ---- 领

    def _hints(self) -> None:
        while not self._closing.is_set():
            began = time.monotonic()
            if self._store.wait(self.box, POLL_S):
                self._bell.ring()
            elif time.monotonic() - began < _SPIN_S:  # 断着的存储不等就回来：不空转
                self._closing.wait(_AGAIN_S)

    def _claims(self) -> None:
        told = ""
        while not self._closing.is_set():
            try:
                pause_s = self._step()
            except _GONE:
                pause_s = _AGAIN_S
            except Exception as exc:  # noqa: BLE001  边界：存储抛什么，领命令的线程都不能少
                if repr(exc) != told:  # 没有权限了之类的，一直是同一句
                    told = repr(exc)
                    where = "".join(traceback.format_tb(exc.__traceback__))
                    logger.error("领不了命令：{}\n{}", told, where)
                pause_s = POLL_S
            if pause_s:
                self._bell.wait(pause_s)

    def _step(self) -> float:
        """领一批；返回多久之后再来（有人叫就早一点）。"""
        leases = self._keeper.fresh()
        if not leases:
            return POLL_S
        found = self._claim(leases)
        if self._listen(leases, bool(found)) or found:
            return 0.0
        self._may_ask = True
        if self._store.idle(leases, time.monotonic() + _ASK_S):
            # 有活而领不了：那个账号只领撤单，办完一笔、核对完会响铃；不空转
            return _SPIN_S if any(self._seats[each.account].is_full for each in leases) else 0.0
        self._listened = time.monotonic()
        return _QUIET_S

    def _listen(self, leases: list[Lease], has_claimed: bool) -> int:
        """答查询，返回几个。领到了命令的，叫醒我们的多半是它：有没有人问，要睡的时候存储会说。"""
        now = time.monotonic()
        looks = now - self._listened >= _LISTEN_S if has_claimed else self._may_ask
        self._may_ask = False
        if not looks:
            return 0
        self._listened = now
        questions = self._store.questions(leases, _QUESTIONS, now + _ASK_S)
        for each in questions:
            self._answer(each)
        return len(questions)

    def _claim(self, leases: list[Lease]) -> int:
        seats = {each.account: self._seats[each.account] for each in leases}
        busy = [account for account, seat in seats.items() if seat.is_full]
        room = sum(_FLYING - seat.orders for account, seat in seats.items() if account not in busy)
        most = max(1, min(MOST, room)) if room else MOST
        asked = boot_clock.now()
        given: dict[str, Any] = {"busy": busy} if busy else {}
        try:
            found = self._store.claim(leases, most, time.monotonic() + _CLAIM_S, **given)
        except Exception as exc:
            # 也许领走了而没有到手（没有应答、读不懂）：换一任，没有到手的核对清楚
            if not isinstance(exc, (StoreDownError, UsageError)):
                self._keeper.retake()
            raise
        try:
            for each in found:
                self._begin(each, asked)
        except BaseException:  # 后面的几条领走了而没有办：换一任，核对清楚
            self._keeper.retake()
            raise
        return len(found)

    def _begin(self, command: Command, asked: float) -> None:
        seat = self._seats[command.account]
        errand = Errand(command, self._rules, asked)
        seat.take_off(command)
        try:
            self._duties.begin(command)
            call = errands.call_of(seat.desk, errand, seat.post_of)
        except EasytraderError as exc:
            self._finish(seat, command, errands.unsent(command, exc))
            return
        except Exception as exc:  # noqa: BLE001  边界：一条写坏了的，不能带走同一批的别的
            logger.error("账号 {} 的 {} 做不了：{!r}", command.account, command.verb, exc)
            wrong = UsageError("command", command.command_id, f"代理读不懂它：{exc!r}")
            self._finish(seat, command, errands.unsent(command, wrong))
            return
        seat.desk.post(partial(seat.desk.submit, call, partial(self._heard, seat, errand)))

    def _heard(self, seat: _Seat, errand: Errand, answer: Answer) -> None:
        """有了回答；哪个线程都可能，不阻塞。"""
        command = errand.command
        outcome = errands.outcome_of(command, answer, errand.why)
        if answer.seq is not None:
            self._duties.record(command, outcome)
            return
        self._finish(seat, command, outcome)

    def _finish(self, seat: _Seat, command: Command, outcome: Outcome) -> None:
        self._duties.record(command, outcome)
        if outcome.state == UNKNOWN:
            seat.settling.add([command])
        if seat.land(command):
            self._bell.ring()

    def _settled(self, command: Command, outcome: Outcome) -> None:
        """核对清楚了一条。"""
        told = "没有到柜台" if outcome.state == ABSENT else f"{outcome.state} {outcome.order_id}"
        logger.info("账号 {} 的 {} 核对清楚了：{}", command.account, command.command_id, told)
        lease = self._keeper.leases.get(command.account)
        if lease is not None:
            # `left_over` 已经把它归在这一任
            command = command._replace(epoch=lease.epoch)
        self._duties.record(command, outcome)
        if outcome.state == PLACED:  # 由人写成了没有的，改不了，要报警
            self._duties.alarms.late(outcome)

    # ---- 查询

    def _answer(self, question: Question) -> None:
        seat = self._seats[question.account]
        desk = seat.desk
        if question.verb == "server.settle":
            seat.settling.hurry()  # 有人等着它清楚

        def heard(answer: Answer) -> None:
            self._replies.put((question, errands.reply_of(answer)))

        try:
            call = errands.query_of(question)
        except EasytraderError as exc:
            heard(Answer(error=exc))
            return
        desk.post(partial(desk.submit, call, heard))

    def _reply(self) -> None:
        while (first := self._replies.get()) is not None:
            batch = [first, *_drained(self._replies)]
            answers = {question.number: told for question, told in batch}
            try:
                self._store.reply(answers, time.monotonic() + _ASK_S)
            except Exception as exc:  # noqa: BLE001  边界：存储抛什么，答查询的线程都不能少
                logger.debug("{} 个回答没有送到（{!r}）：问的人会再问", len(batch), exc)
                continue
            self._hint({question.host for question, _ in batch})

    def _uploaded(self, hosts: set[str], accounts: set[str]) -> None:
        self._hint({*hosts, *(f"events:{each}" for each in accounts)})

    def _hint(self, hosts: set[str]) -> None:
        hosts.discard("")
        if hosts:
            self._store.hint(hosts)


class _Seat:
    """一个账号在这里的样子。

    Args:
        desk: 账号。
        settled: 核对清楚了一条时调用。
        bell: 又能领了时响。
    """

    def __init__(self, desk: Desk, settled: Any, bell: waits.Bell) -> None:
        self.desk = desk
        self.broker = desk.trader.capabilities.name
        self.settling = Settling(desk, settled)
        self.ready = False
        """上一任留下的看过了，可以领新的；没有的只领撤单。"""
        self._bell = bell
        self._lock = threading.Lock()
        # (编号, 第几次) → 它改变什么；在办的
        self._flying: dict[tuple[str, int], str] = {}
        self._counts: Counter[str] = Counter()
        self._posts: dict[str, GuardPost | None] = {}
        self._leave: Callable[[], None] = lambda: None

    def open(self) -> None:
        """听着连上没有。"""
        self._leave = self.desk.engine.tap(self._pushed)

    def _pushed(self, event: PushEvent) -> None:
        if isinstance(event, Connected):
            self.settling.hurry()

    @property
    def flying(self) -> int:
        """在办的几条。"""
        return len(self._flying)

    @property
    def orders(self) -> int:
        """其中不是撤单的。"""
        return self._counts[Effect.ORDER.value] + self._counts[Effect.MOVE.value]

    @property
    def is_full(self) -> bool:
        """先只领撤单：在办的委托太多，或上一任留下的还没有看过（要撤的多半正是它们）。"""
        return not self.ready or self.orders >= _FLYING

    def is_flying(self, command: Command) -> bool:
        """正在办。"""
        return (command.command_id, command.attempt) in self._flying

    def take_off(self, command: Command) -> None:
        """要办了。"""
        with self._lock:
            self._flying[(command.command_id, command.attempt)] = command.effect
            self._counts[command.effect] += 1

    def land(self, command: Command) -> bool:
        """办完了；从此又能领它的委托为真。"""
        with self._lock:
            effect = self._flying.pop((command.command_id, command.attempt), None)
            if effect is None:
                return False
            self._counts[effect] -= 1
            return self.orders == _FLYING - 1

    def post_of(self, desk: Desk, limits: str) -> GuardPost | None:
        """策略那一头自己的风控；同样的规则是同一个岗。"""
        if not limits:
            return None
        if limits not in self._posts:
            try:
                found = values.from_plain(values.decode(limits))
            except ValueError as exc:
                raise UsageError("limits", limits[:80], f"读不懂：{exc}") from None
            if isinstance(found, dict) and found.get("kill_switch") is not None:
                form = "这台机器上的文件不从别的机器看；停单用 easytrader fleet pause"
                raise UsageError("kill_switch", found["kill_switch"], form)
            guard = Guard.of(found)
            post = None if guard is None else desk.engine.new_post(guard)
            if len(self._posts) >= _POSTS:
                self._posts.clear()
            self._posts[limits] = post
        return self._posts[limits]

    def lose(self) -> None:
        """不归我们了。"""
        self.ready = False
        self.settling.clear()

    def close(self, limit_s: float) -> None:
        """收尾；卡在核对里的最多等这么多秒。"""
        self._leave()
        self.settling.close(limit_s)


def _drained(queue: SimpleQueue[Any]) -> list[Any]:
    """排着的都拿出来，最多一百个；遇到收尾的放回去。"""
    found: list[Any] = []
    while len(found) < 99 and (each := _next(queue)) is not None:
        found.append(each)
    return found


def _next(queue: SimpleQueue[Any]) -> Any:
    try:
        found = queue.get_nowait()
    except Empty:
        return None
    if found is None:
        queue.put(None)
    return found
