"""`TableLine`：表当的线，实现 `remote.line.Line`：命令记成一行，等结果；查询问一句；事件按编号读。

两个线程：一个看在途的结果与回答，没有在途的就歇着；一个（要了事件才有）读事件，看账号还有没有主人、
存储还应不应答。提示会丢，所以都隔 `POLL_S` 自己看一眼。

断了只是这条线断了：命令都在表里，换一条线凭编号接着问。
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
import threading
import time
import traceback
from decimal import Decimal, InvalidOperation
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.basics import tags, waits
from easytrader.errors import (
    EasytraderError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
    is_secret,
)
from easytrader.fleets import checks, words
from easytrader.fleets.words import (
    Question,
    StoreDownError,
    StoreUnknownError,
    Wish,
)
from easytrader.link.supervisor import State
from easytrader.remote.groups import names_of
from easytrader.remote.line import Asked, LateError, LostError, answer
from easytrader.wire import errors, values, verbs
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import AccountRow, Command, StoredEvent
    from easytrader.wire.verbs import Verb

_LOOK_S: Final = 2.0
"""看一眼最多等这么久。"""
_AILING_S: Final = 0.2
"""存储没有应答，隔这么久再看。"""
_ACCOUNT_S: Final = 0.5
"""账号还有没有主人、连没连着，至多隔这么久看一眼；提示多半是来了事件，只读事件。"""
_TAKE_BACK_S: Final = 0.5
"""撤回一条没有领走的，留这么久。"""
_SAY_S: Final = 0.1
"""到期之前这么久，说「还没有结果」。"""
_MOST: Final = 500
_REMEMBERED: Final = 10_000
_READY: Final = State.CONNECTED.value
_NOTHING: Final = "什么都没有发出"

_WHY: Final = {
    "expired": "没有在有效的时间里轮到",
    "withdrawn": "撤回了",
    "switch": "停单开关开着",
    "not_connected": "账号没有连着柜台",
}


class Ids:
    """这个账号上问过的：请求号 → 命令的编号、要做的事的摘要，跨几条线。"""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, str]] = {}

    def note(self, request: str, command_id: str, wanted: str) -> None:
        """这个请求要的是哪条命令，要做什么（`digest`）。"""
        self._known[request] = command_id, wanted
        while len(self._known) > _REMEMBERED:
            self._known.pop(next(iter(self._known)), None)

    def get(self, request: str) -> tuple[str, str]:
        """不知道的都为空。"""
        return self._known.get(request, ("", ""))


class _Wanted:
    """在等的一件：几个线程都可能看到它的结果，话只说一次，次序不乱。

    「发出了」（序号）只说给要听几句的：同一个编号也许是异步下的，而等的是同步的、是在核对的。
    """

    __slots__ = (
        "_is_over", "_lock", "_seq_told", "aside", "asked", "fresh", "is_question", "number",
    )  # fmt: skip

    def __init__(self, asked: Asked, number: int, *, fresh: bool, is_question: bool) -> None:
        self.asked = asked
        self.number = number
        self.fresh = fresh
        self.is_question = is_question
        self.aside = 0
        """为它另问的一句（`TableLine._ask_to_settle`）：不等它了，那一句也不等；没有为 0。"""
        self._lock = threading.Lock()
        self._is_over = False
        self._seq_told = asked.hear is None

    def finish(self, said: dict[str, Any] | None) -> None:
        """最后一句；断了是 None。"""
        with self._lock:
            if not self._is_over:
                self._is_over = True
                self.asked.take(said)

    def look(self, row: Command) -> bool:
        """这一行有没有话要说；有了结果为真。"""
        said = said_of(row, fresh=self.fresh)
        with self._lock:
            if row.seq is not None and not self._seq_told and not self._is_over:
                self._seq_told = True
                self.asked.take({"seq": row.seq})
        if said is not None:
            self.finish(said)
        return said is not None


class TableLine:
    """见模块说明。

    Args:
        store: 存储。
        account: 账号在队里的名字。
        identity: 存储的 `Greeting.identity`：事件的编号在同一份存储里有意义。
        strategy: 策略名；没有为空。
        ids: 跨几条线记着的。
        patience_s: 存储这么久没有应答算断了。
    """

    def __init__(
        self,
        store: Store,
        account: str,
        identity: str,
        strategy: str,
        ids: Ids,
        patience_s: float,
    ) -> None:
        self._store = store
        self._account = account
        self._identity = identity
        self._strategy = strategy
        self._ids = ids
        self._patience_s = patience_s
        self.on_events: Callable[[dict[str, Any]], None] | None = None
        self.on_lost: Callable[[str], None] | None = None
        self.lost = ""
        self.box = ""
        """账号在哪台机器：等它的时候叫一声。"""
        self._topic = f"host-{secrets.token_hex(8)}"
        self._bulletin = f"events:{account}"
        self._limits = ""
        self._numbers = itertools.count(1)
        self._wanted: dict[int, _Wanted] = {}
        self._some = threading.Event()
        self._over = threading.Event()
        self._gate = threading.Lock()
        self._glances = 0
        """看过几眼：登记之前就被看过的，自己再看一眼。"""
        self._retired = False
        self._ill_since = 0.0
        self._at = 0
        self._seen_at = 0.0
        self._own = {
            "server.events": self._subscribe,
            "server.status": self._status,
            "server.guard": self._guard,
            "server.stop_orders": self._stop_orders,
            "server.allow_orders": self._allow_orders,
        }
        self._threads = [self._thread(self._watch_answers, "easytrader-fleet-answers")]

    def start(self) -> None:
        """开始看。"""
        self._threads[0].start()

    # ---- 问

    def ask(
        self, frame: dict[str, Any], deadline: float, stopped: Callable[[], bool] | None = None
    ) -> Any:
        """问一句，等到结果；异常同 `Line.ask`。"""
        if frame["verb"] == "server.settle":
            return self._settle(frame["kwargs"].get("request"), deadline, stopped)
        asked = Asked()
        number = 0
        try:
            number = self.tell(frame, asked, deadline)
            self.wait(number, asked, deadline, stopped)
        finally:
            self.forget(number)
        return answer(asked.said or {})

    def tell(self, frame: dict[str, Any], asked: Asked, deadline: float) -> int:
        """问一句，不等；返回它的编号。"""
        if self.lost:
            raise LostError(self.lost, sent=False)
        if deadline <= time.monotonic():
            raise LateError(sent=False)
        verb = verbs.find(frame["verb"])
        assert verb is not None, frame["verb"]
        if verb.group != verbs.SERVER:
            _check_no_secret(verb, frame)
        number = next(self._numbers)
        own = self._own.get(verb.name)
        if own is not None:
            with self._reaching():
                asked.take({"result": own(frame["kwargs"], deadline)})
        elif verb.effect.changes:
            self._post(number, verb, frame, asked, deadline)
        else:
            self._question(number, verb.name, frame, asked, deadline)
        return number

    def forget(self, number: int) -> None:
        """不等它的回答了。"""
        gone = self._wanted.pop(number, None)
        if gone is not None and gone.aside:
            self._wanted.pop(gone.aside, None)

    def wait(
        self,
        number: int,
        asked: Asked,
        deadline: float,
        stopped: Callable[[], bool] | None = None,
    ) -> None:
        """等到它的第一句话。"""
        while not asked.is_done:
            left_s = deadline - time.monotonic()
            if left_s <= 0:
                raise LateError(sent=True)
            if stopped is not None and stopped():
                raise LostError("已经关闭", sent=True)
            asked.latch.acquire(timeout=min(left_s, waits.SLICE_S))
        if asked.said is None:
            raise LostError(self.lost, sent=True)

    def retire(self) -> None:
        """不再问新的；在途的都有了结果就断开。"""
        self._retired = True
        self._some.set()

    def fail(self, reason: str) -> None:
        """断开；可重复，任意线程，不阻塞。"""
        with self._gate:
            if self.lost:
                return
            self.lost = reason
        self._over.set()
        self._some.set()
        self._store.hint([self._topic, self._bulletin])  # 在等提示的线程醒过来
        for number in list(self._wanted):
            wanted = self._wanted.pop(number, None)
            if wanted is not None:
                wanted.finish(None)
        if self.on_lost is not None:
            self.on_lost(reason)

    def join(self, limit_s: float) -> None:
        """断开之后等它的线程结束。"""
        deadline = time.monotonic() + limit_s
        for each in self._threads:
            if each.ident is not None:
                waits.join(each, max(0.0, deadline - time.monotonic()))

    # ---- 命令

    def _post(
        self, number: int, verb: Verb, frame: dict[str, Any], asked: Asked, deadline: float
    ) -> None:
        wish = self._wish(verb, frame, deadline)
        if wish.valid_s <= 0:
            raise LateError(sent=False)
        self._ids.note(wish.request, wish.command_id, wish.digest)
        seen = self._glances
        with self._reaching():
            posted = self._store.post(wish, deadline)
        if posted.box:
            self._store.hint([posted.box])
        fresh = posted.fresh
        row = posted.command
        wanted = _Wanted(asked, row.number, fresh=fresh, is_question=False)
        if wanted.look(row):
            return
        self._register(number, wanted, seen)
        if row.state == words.UNKNOWN and not fresh:
            self._ask_to_settle(number, row, wanted, deadline)

    def _wish(self, verb: Verb, frame: dict[str, Any], deadline: float) -> Wish:
        args, kwargs = frame["args"], frame["kwargs"]
        given = kwargs.get("client_order_id")
        command_id = frame["request"]
        if verb.effect is Effect.ORDER and given is not None:
            command_id = tags.check_client_order_id(given)
        return Wish(
            account=self._account,
            command_id=command_id,
            request=frame["request"],
            verb=verb.name,
            effect=verb.effect.value,  # type: ignore[arg-type]  # 会改变什么的只有三种
            arguments=values.encode({"args": args, "kwargs": kwargs}).decode(),
            digest=digest(verb, args, kwargs),
            valid_s=max(0.0, deadline - time.monotonic()),
            strategy=self._strategy,
            host=self._topic,
            limits=self._limits,
        )

    def _ask_to_settle(self, number: int, row: Command, wanted: _Wanted, deadline: float) -> None:
        """再要的那一条还不知道成没成：请代理现在就去柜台上找，找到的就是结果。"""

        def hear(said: dict[str, Any] | None) -> None:
            told = (said or {}).get("result")
            if not isinstance(told, dict) or "result" not in told:
                return
            self.forget(number)
            wanted.finish({"result": told["result"]})

        frame = {"args": [], "kwargs": {"request": row.request}}
        wanted.aside = next(self._numbers)
        # 问不到、来不及的，等表里的那一行：这里抛什么，都会被当成「没有发出」
        with contextlib.suppress(LostError, LateError, EasytraderError):
            self._question(wanted.aside, "server.settle", frame, Asked(hear), deadline)
        if number not in self._wanted:  # 问的时候就有了结果
            self.forget(wanted.aside)

    def _settle(
        self, request: object, deadline: float, stopped: Callable[[], bool] | None
    ) -> dict[str, Any]:
        """这个请求怎样了；没有到的从此作废，到期还没有领走的撤回。同 ``server.settle``。"""
        if not isinstance(request, str) or not request:
            raise UsageError("request", request, "应为请求号")
        if self.lost:
            raise LostError(self.lost, sent=False)
        row = self._found(request, deadline)
        if row is not None and row.state == words.QUEUED:  # 还来得及：等代理领走、做完
            limit = deadline - min(_TAKE_BACK_S, (deadline - time.monotonic()) / 2)
            said = self._await(row, limit, stopped)
            if said is not None:
                return {"state": "done", **said}
            row = self._withdrawn(request, deadline)
        if row is None or (row.state == words.UNSENT and row.reason == "withdrawn"):
            return {"state": "never"}
        said = said_of(row) or self._await(row, deadline - _SAY_S, stopped)
        if said is None:
            told = f"第 {row.epoch} 任代理领走了，还没有结果"
            known = row.command_id if row.command_id != row.request else ""
            raise OutcomeUnknownError(told, client_order_id=known)
        return {"state": "done", **said}

    def _found(self, request: str, deadline: float) -> Command | None:
        """这个请求的那一行；没有到的从此作废，为 None。"""
        command_id, wanted = self._ids.get(request)
        row = None
        with self._reaching():
            if command_id:
                row = self._store.find(self._account, command_id, deadline)
        if row is not None and row.request == request:
            return row
        mine = self._withdrawn(request, deadline)
        # 没有它，而同一个编号先前的那一次还没有结果，或有了：问的就是那一笔；要得不一样的不是
        if mine is None and row is not None and row.state not in words.FREE:
            return row if row.digest == wanted else None
        return mine

    def _withdrawn(self, request: str, deadline: float) -> Command | None:
        with self._reaching():
            return self._store.withdraw(self._account, request, deadline)

    def _await(
        self, row: Command, limit: float, stopped: Callable[[], bool] | None
    ) -> dict[str, Any] | None:
        """等一行的结果；到期还没有为 None。"""
        asked, number = Asked(), next(self._numbers)
        wanted = _Wanted(asked, row.number, fresh=False, is_question=False)
        self._store.hint([self.box] if self.box else [])
        self._register(number, wanted, -1)
        if row.state == words.UNKNOWN:
            self._ask_to_settle(number, row, wanted, limit)
        try:
            self.wait(number, asked, limit, stopped)
        except LateError:
            return None
        finally:
            self.forget(number)
        return asked.said

    # ---- 查询

    def _question(
        self, number: int, name: str, frame: dict[str, Any], asked: Asked, deadline: float
    ) -> None:
        given = {"args": frame["args"], "kwargs": frame["kwargs"]}
        if self._limits:
            given["limits"] = values.decode(self._limits)
        left_s = deadline - time.monotonic()
        if left_s <= 0:
            raise LateError(sent=False)
        arguments = values.encode(given).decode()
        seen = self._glances
        with self._reaching():
            question = Question(0, self._account, name, arguments, self._topic, left_s)
            found, box = self._store.ask(question, deadline)
        if box:
            self._store.hint([box])
        self._register(number, _Wanted(asked, found, fresh=True, is_question=True), seen)

    # ---- 自己答的

    def _subscribe(self, kwargs: dict[str, Any], deadline: float) -> dict[str, Any]:
        """从 ``after`` 之后接着给事件；从此也看着账号。"""
        after = kwargs.get("after")
        boot = kwargs.get("boot") or self._identity
        last = self._row(deadline).last_no
        self._at = last
        if type(after) is int:
            if boot == self._identity and 0 <= after <= last:
                self._at = after
            else:  # 另一份存储，或恢复到了以前的
                self._say_gap(after, last + 1)
        thread = self._thread(self._watch_events, "easytrader-fleet-events")
        self._threads.append(thread)
        thread.start()
        return {"boot": self._identity, "after": self._at}

    def _status(self, kwargs: dict[str, Any], deadline: float) -> dict[str, Any]:
        row = self._row(deadline)
        return {
            **row_dict(row),
            "name": row.account,
            "state": state_of(row),
            "last": row.last_no,
            "boot": self._identity,
            "stop": self._stopped(deadline),
        }

    def _guard(self, kwargs: dict[str, Any], deadline: float) -> Any:
        limits = kwargs.get("limits")
        self._limits = "" if limits is None else values.encode(values.to_plain(limits)).decode()
        return limits

    def _stop_orders(self, kwargs: dict[str, Any], deadline: float) -> Any:
        why = str(values.from_plain(kwargs.get("reason")) or "")
        self._store.set_switch(f"account:{self._account}", True, deadline, why=why)
        return self._stopped(deadline)

    def _allow_orders(self, kwargs: dict[str, Any], deadline: float) -> Any:
        self._store.set_switch(f"account:{self._account}", False, deadline)
        return self._stopped(deadline)

    def _stopped(self, deadline: float) -> dict[str, Any] | None:
        """管着这个账号的开关里的一个，同 ``server.status`` 的 ``stop``；没有为 None。"""
        row = self._row(deadline)
        mine = {words.FLEET, f"account:{self._account}", f"strategy:{self._strategy}"}
        mine |= {f"group:{each}" for each in row.groups}
        for each in self._store.switches(deadline):
            if each.scope in mine:
                told = {"reason": each.why, "who": each.by, "time": each.at}
                return {**told, "scope": each.scope, "cancel_open": each.cancel_open}
        return None

    def _row(self, deadline: float) -> AccountRow:
        found = self._store.accounts(deadline, [self._account])
        if not found:
            raise NotConnectedError(f"队里没有账号 {self._account} 了；{_NOTHING}")
        return found[0]

    # ---- 看结果

    def _register(self, number: int, wanted: _Wanted, seen: int) -> None:
        self._wanted[number] = wanted
        self._some.set()
        if self.lost:
            self.forget(number)
            wanted.finish(None)
        elif seen != self._glances:  # 提示也许在登记之前就来过、用掉了
            # 已经记下了：看不成的等看结果的线程再看（它看不成会断线），抛出去会被当成「没有发出」
            with contextlib.suppress(Exception):
                self._look({number: wanted}, time.monotonic() + _LOOK_S)

    def _watch_answers(self) -> None:
        while not self.lost:
            if self._wanted:
                self._rest(self._topic, words.POLL_S)
                self._glances += 1
                with contextlib.suppress(StoreDownError, StoreUnknownError):
                    self._look(dict(self._wanted), time.monotonic() + _LOOK_S)
            elif self._retired:
                self.fail("换了新的线")
            else:
                self._some.wait(words.POLL_S)
                self._some.clear()

    def _look(self, wanted: dict[int, _Wanted], deadline: float) -> None:
        """在途的，有了结果的交给等的人。"""
        commands = {each.number for each in wanted.values() if not each.is_question}
        questions = [each.number for each in wanted.values() if each.is_question]
        if commands:
            rows = {row.number: row for row in self._store.outcomes(sorted(commands), deadline)}
            for number, each in wanted.items():
                row = None if each.is_question else rows.get(each.number)
                if row is not None and each.look(row):
                    self.forget(number)
        if questions:
            replies = self._store.replies(questions, deadline)
            for number, each in wanted.items():
                if each.is_question and each.number in replies:
                    self.forget(number)
                    each.finish(_read(replies[each.number], QueryFailedError))

    # ---- 看事件、看账号

    def _watch_events(self) -> None:
        while not self.lost:
            why = self._follow()
            if not why:
                self._ill_since = 0.0
                self._rest(self._bulletin, words.POLL_S)
                continue
            now = time.monotonic()
            self._ill_since = self._ill_since or now
            if now - self._ill_since >= self._patience_s:
                self.fail(why)
            self._over.wait(_AILING_S)

    def _follow(self) -> str:
        """读到最新的，看一眼账号；存储没有应答的返回原因。"""
        try:
            self._read_on()
        except (StoreDownError, StoreUnknownError) as exc:
            return f"存储没有应答：{exc}"
        except (UsageError, NotConnectedError) as exc:
            self.fail(str(exc))
        return ""

    def _read_on(self) -> None:
        if time.monotonic() - self._seen_at < _ACCOUNT_S and (found := self._read_some()):
            while found == _MOST and not self.lost:
                found = self._read_some()
            return
        row = self._row(time.monotonic() + _LOOK_S)
        self._seen_at = time.monotonic()
        while row.last_no > self._at and not self.lost:
            if not self._read_some():
                self._say_gap(self._at, row.last_no + 1)
        if state_of(row) != _READY:
            self.fail(f"账号 {self._account} {why_not(row)}")

    def _read_some(self) -> int:
        """接着读一批，交出去；返回读到几条。"""
        deadline = time.monotonic() + _LOOK_S
        found = self._store.read(self._account, self._at, _MOST, deadline)
        if found:
            if found[0].number > self._at + 1:
                self._say_gap(self._at, found[0].number)
            if self.on_events is not None:
                told = [event_dict(each) for each in found]
                self.on_events({"boot": self._identity, "events": told})
            self._at = found[-1].number
        return len(found)

    def _say_gap(self, after: int, following: int) -> None:
        if self.on_events is not None:
            gap = {"after": after, "next": following}
            self.on_events({"boot": self._identity, "gap": gap})
        self._at = following - 1

    # ---- 其余

    def _thread(self, work: Callable[[], None], name: str) -> threading.Thread:
        return threading.Thread(target=self._run, args=(work,), name=name, daemon=True)

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as exc:  # noqa: BLE001  边界：这个线程没了，结果、事件也就没有人看了
            # 不用 logger.exception：它会印出变量的值，里面可能有账户的东西
            logger.error("看存储的线程出错：\n{}", traceback.format_exc())
            self.fail(f"看存储的线程出错：{type(exc).__name__}")

    def _rest(self, topic: str, seconds: float) -> None:
        """歇到有人叫，最多这么久；存储叫不了的也不空转。"""
        began = time.monotonic()
        if not self._store.wait(topic, seconds):
            left_s = began + seconds - time.monotonic()
            self._over.wait(max(0.0, min(left_s, seconds)))

    @contextlib.contextmanager
    def _reaching(self) -> Any:
        """存储的错 → 线上的错。"""
        try:
            yield
        except StoreDownError as exc:
            raise LostError(f"存储没有记下：{exc}", sent=False) from exc
        except StoreUnknownError as exc:
            raise LostError(f"存储没有应答：{exc}", sent=True) from exc


def _check_no_secret(verb: Verb, frame: dict[str, Any]) -> None:
    """密码不进存储：那里一直留着，备份里也有，看得见这个账号的登录名都看得见。"""
    names = names_of(verb) if frame["args"] else ()  # 属性没有参数
    given = {**dict(zip(names, frame["args"], strict=False)), **frame["kwargs"]}
    for name, value in given.items():
        if is_secret(name) and value not in (None, ""):
            form = f"密码不经过队里的存储：不要密码的不写；要的在账号那台机器上做，{_NOTHING}"
            raise UsageError(name, value, form)


def digest(verb: Verb, args: list[Any], kwargs: dict[str, Any]) -> str:
    """要做的事的摘要：按位置给、按名字给的一样，数写成整数、小数、Decimal 的一样。"""
    names = names_of(verb)
    given = {**dict(zip(names, args, strict=False)), **kwargs}
    extra = args[len(names) :]
    name = verb.name.removesuffix("_async")
    told = [name, sorted((key, _alike(each)) for key, each in given.items()), _alike(extra)]
    return blake2b(repr(told).encode(), digest_size=16).hexdigest()


def _alike(value: Any) -> Any:
    if isinstance(value, dict):
        if value.get("$") == "decimal":
            return _number(value.get("v"))
        return sorted((str(key), repr(_alike(each))) for key, each in value.items())
    if isinstance(value, list):
        return [_alike(each) for each in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _number(value)
    return value


def _number(value: object) -> Any:
    try:
        return f"#{Decimal(str(value)).normalize():f}"
    except InvalidOperation:
        return str(value)


def said_of(row: Command, *, fresh: bool = False) -> dict[str, Any] | None:
    """一行 → 线上的一句回答；还没有结果为 None。

    Args:
        row: 那一行。
        fresh: 是这一次要的：代理说了「结果未知」就照说；先前的等它核对完。
    """
    told = _read(row.answer) if row.answer else {}
    if row.state == words.UNKNOWN:
        return told if fresh and "error" in told else None
    if row.state in words.OPEN:
        return None
    if row.state == words.PLACED and "result" not in told:
        return {"result": {"entrust_no": _entrust_no(row.order_id)}}
    if told:
        return told
    if row.state == words.DONE:
        return {"result": None}
    if row.state == words.ABSENT:
        why = "核对过了，柜台上没有这一笔"
    elif row.state == words.REFUSED:
        return {"result": {"entrust_no": -1}}
    else:
        why = _WHY.get(row.reason, row.reason or "没有发出")
    return {"error": errors.to_wire(NotConnectedError(f"{row.verb}：{why}；{_NOTHING}"))}


def _read(text: str, odd: type[EasytraderError] = OutcomeUnknownError) -> dict[str, Any]:
    """一句回答；读不懂的是一句 ``odd``：抛出去会被当成「没有发出」。"""
    try:
        told: dict[str, Any] = values.decode(text)
        if "result" in told:
            told["result"] = values.from_plain(told["result"])
        elif "error" not in told:
            raise ValueError("没有结果，也没有异常")
    except (ValueError, TypeError, AttributeError) as exc:
        return {"error": errors.to_wire(odd(f"记着的回答读不懂（{exc}）：核对当日委托"))}
    return told


def _entrust_no(text: str) -> int | str:
    return int(text) if checks.is_whole(text) else text


def event_dict(event: StoredEvent) -> dict[str, Any]:
    """一条事件，同 `Trader.events`，另有编号 ``seq``。"""
    told: dict[str, Any] = values.from_plain(values.decode(event.data))
    return {**told, "seq": event.number}


def state_of(row: AccountRow) -> str:
    """账号的连接状态；没有主人的说不上。"""
    if not row.alive or not row.hello:
        return "没有主人"
    return str(values.decode(row.hello).get("state", ""))


def why_not(row: AccountRow) -> str:
    """为什么不算连着，去看什么。"""
    where = f"的主人 {row.box}" if row.box else "还没有主人"
    look = "看 easytrader fleet status"
    if not row.box:
        return f"{where}：那台机器上起 easytrader fleet agent；{look}"
    if not row.alive:
        gone = f"（租约 {-row.lease_left_s:.0f} 秒前过期）" if row.lease_left_s < 0 else ""
        return f"{where} 不见了{gone}：去看那台机器；{look}"
    if not row.hello:
        return f"{where} 刚接手，还没有说连上柜台没有；{look}"
    return f"在 {row.box} 上是「{state_of(row)}」：等它连上柜台；{look}"


def row_dict(row: AccountRow) -> dict[str, Any]:
    """`AccountRow` 的字典；JSON 的两项已经读出来。"""
    told = row._asdict()
    told["groups"] = list(row.groups)
    for name in ("hello", "glance"):
        text = told[name]
        told[name] = values.from_plain(values.decode(text)) if text else {}
    return told
