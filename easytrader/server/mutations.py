"""一次会改变什么的调用怎样走：同一个请求号只做一次，不管断了几次、问了几次、重启了几次。

占住请求号 → 记下（`requests`）→ 审计：要做什么 → 交给交易口（令牌的限额、停单开关在它的关口里）
→ 记下答案 → 审计：怎样了 → 回答。同一个号再来，给第一次的答案；还在办的，等它。

断了的来问（`Mutations.settle`）：没有来过的当场作废，还在路上的到了也不再做；
交出去而没有答案的，委托按备注里的标记去柜台上找，找得到、确实没有都是答案，别的仍是未知。
"""

from __future__ import annotations

import re
import threading
import time
import traceback
from contextlib import nullcontext, suppress
from functools import partial
from hashlib import blake2b
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Final

import msgspec
from loguru import logger

from easytrader.basics import tags, waits
from easytrader.basics.paths import home, key_folder
from easytrader.errors import (
    NOTHING_SENT,
    EasytraderError,
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    QueryFailedError,
    UsageError,
    is_secret,
    shown,
)
from easytrader.orders import admission
from easytrader.orders.receipt import Deadlines
from easytrader.server import requests
from easytrader.server.calls import Answer
from easytrader.server.caps import TokenGate
from easytrader.server.requests import Requests, Row
from easytrader.server.stop import stops
from easytrader.trader import engine_of
from easytrader.wire import errors, values, verbs, words
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from easytrader.orders.receipt import Receipt
    from easytrader.server.audit import Audit
    from easytrader.server.calls import Call
    from easytrader.server.caps import Caps
    from easytrader.server.stop import StopSwitch
    from easytrader.server.tokens import Grant
    from easytrader.trader import Trader
    from easytrader.wire.verbs import Verb

_REQUEST: Final = re.compile(rf"[!-~]{{1,{words.MAX_REQUEST}}}")
_OURS: Final = re.compile(r"[0-9a-f]{32}")
_NOTHING: Final = "什么都没有发出"
_LEAST_S: Final = 0.2
_RECORD_S: Final = 2.0
"""别的线程、程序占着请求记录时，至少、至多等这么久。"""
_CLOSE_S: Final = 2.0
_JUST_LATE_S: Final = 0.05
_WIDEST: Final = 2**63

_sorted: Final = msgspec.json.Encoder(order="sorted").encode


class _Flight:
    """占着一个请求号；``answer`` 为 None 而 ``over`` 了的，不是真的在做它，再看一遍。"""

    __slots__ = ("answer", "arguments", "call", "gate", "over", "recorded", "row")

    def __init__(
        self, row: Row, call: Call | None = None, arguments: dict[str, Any] | None = None
    ) -> None:
        self.row = row
        self.call = call
        self.arguments = arguments
        self.gate: TokenGate | None = None
        self.recorded = True
        self.over = threading.Event()
        self.answer: Answer | None = None


class Mutations:
    """一个账号上会改变什么的调用。任何线程都可以用。

    Args:
        name: 账号在服务器上的名字。
        trader: 交易口。
        boot: 这一次启动的标记；每次都不同。
        caps: 令牌的限额。
        stop: 停单开关。
        audit: 审计记录。
        folder: 请求记录放在哪里；默认在 ``EASYTRADER_HOME/server/`` 下，一个账号一个文件夹。
        wall: Unix 秒的时钟。
    """

    def __init__(
        self,
        name: str,
        trader: Trader,
        boot: str,
        *,
        caps: Caps,
        stop: StopSwitch,
        audit: Audit,
        folder: Path | None = None,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._name = name
        self._trader = trader
        self._engine = engine_of(trader)
        self._boot = boot
        self._caps = caps
        self._stop = stop
        self._audit = audit
        self._folder = folder
        self._wall = wall
        self._opening = threading.Lock()
        self._requests: Requests | None = None
        self._flying: dict[tuple[str, str], _Flight] = {}
        self._names: dict[str, tuple[str, ...]] = {}
        self._clerk = _Clerk()
        self._deadlines = Deadlines()

    def run(self, call: Call, heard: Callable[[Answer], None]) -> None:
        """做一次，最晚到它的期限；在道上的线程。不抛异常。

        Args:
            call: 要做什么。
            heard: 收回答，恰好一次，什么线程都可能；异步的动词先收一次序号，那时这里已经返回。
        """
        try:
            answer = self._run(call, heard)
        except EasytraderError as exc:
            answer = Answer(error=exc)
        except Exception as exc:  # noqa: BLE001  边界：本库自己的错，也要有个答案
            answer = Answer(
                error=self._broken(Row(call.grant.name, call.request), call.verb.name, exc)
            )
        if answer is not None:
            heard(answer)

    def settle(self, request: object, grant: Grant, deadline: float) -> dict[str, Any]:
        """这个请求怎样了；没有来过的从此作废。会等，最晚到期限。

        Args:
            request: 请求号。
            grant: 谁的；别人的请求号就像没有来过。
            deadline: ``time.monotonic``。

        Returns:
            ``{"state": "done", "result": 结果}``、``{"state": "done", "error": 线上的异常}``，
            或 ``{"state": "never"}``：什么都没有做，以后也不会做。

        Raises:
            UsageError: 请求号不对。
            OutcomeUnknownError: 交出去了，到期还说不清。
            QueryFailedError: 这个账号还没有连过，无从问起。
        """
        row = Row(grant.name, _checked(request), boot=self._boot)
        try:
            self._table()
        except NotConnectedError as exc:
            raise QueryFailedError(str(exc)) from exc
        if grant.may(verbs.TRADE) or grant.may(verbs.FUNDS):
            found = self._forbid(row, deadline)
        else:  # 什么都改不了的，没有要作废的：不许它往盘上写
            found = self._table().find(*row.key, deadline)
        if found is not None and found.state == requests.PASSED_ON:
            answer = self._wait_and_see(found, deadline)
        else:
            answer = self._dead(row, deadline) if found is None else self._story(found, deadline)
        if answer is None:
            return {"state": "never"}
        if isinstance(answer.error, OutcomeUnknownError):
            raise answer.error
        if answer.error is not None:
            return {"state": "done", "error": errors.to_wire(answer.error)}
        return {"state": "done", "result": answer.result}

    def recover(self, deadline: float) -> None:
        """连上之后：上次没有答案的委托，现在就去柜台上找；找不清的留着，有人问时再找。"""
        try:
            rows = self._table().unknown(deadline)
            earlier = [each for each in rows if each.boot != self._boot and each.client_order_id]
            answers = [self._wait_and_see(each, deadline) for each in earlier]
        except EasytraderError as exc:
            logger.warning("账号 {}：没有核对上次的请求：{}", self._name, exc)
            return
        left = sum(each is not None and each.error is not None for each in answers)
        if left:
            logger.warning("账号 {}：上次有 {} 个请求还没有核对清楚", self._name, left)

    def recent(self, prefix: str, since: float, deadline: float) -> list[Row]:
        """`Requests.recent`；还没有连过的为空。

        Raises:
            JournalError: 读不出来。
        """
        try:
            return self._table().recent(prefix, since, deadline)
        except NotConnectedError:
            return []

    @property
    def flying(self) -> int:
        """还没有结果的委托（与别的停着的时候做不了的）几笔；过了期限不再等的也算。"""
        calls = [each.call for each in self._flying.copy().values()]
        return sum(each is not None and stops(each.verb) for each in calls)

    def client_order_id(self, call: Call) -> str:
        """这个调用的委托用哪个 ``client_order_id``；不是委托、带不了标记的为空。"""
        given = call.kwargs.get("client_order_id")
        if given is not None:
            try:
                return tags.check_client_order_id(given)
            except UsageError:
                return ""  # 动词会说
        if call.verb.effect is not Effect.ORDER or not self._trader.capabilities.tags:
            return ""
        if _OURS.fullmatch(call.request):
            return f"r-{call.request}"
        # 用户自己取的号：太长的放不下，两个令牌都写「1」的也不能成了同一笔
        text = f"{call.grant.name}\0{call.request}".encode()
        return f"r-{blake2b(text, digest_size=16).hexdigest()}"

    def close(self) -> None:
        """写完，放手；可重复调用。"""
        self._deadlines.close()
        self._clerk.close(_CLOSE_S)
        if self._requests is not None:
            self._requests.close()

    # ---- 一次调用

    def _run(self, call: Call, heard: Callable[[Answer], None]) -> Answer | None:
        arguments = self._arguments(call)
        row = self._row(call, arguments)
        held = self._hold(_Flight(row, call, arguments), call.deadline)
        if isinstance(held, Answer):
            return held
        try:
            earlier = self._begin(held, call)
            if earlier is not None:
                _check_same(earlier, row)
                answer = self._story(earlier, call.deadline)
                self._leave(held)
                return answer or Answer(error=_void(call.request))
        except BaseException:
            self._leave(held)
            raise
        try:
            found = self._pass_on(held, call)
        except BaseException as exc:  # noqa: BLE001  边界：后端抛什么（包括 SystemExit）都要有个答案
            return self._land(held, None, exc)
        if not call.verb.is_async:
            return self._land(held, found, None)
        try:
            heard(Answer(seq=found.seq))
        finally:
            # 应答在推送的线程上，那里不能等盘
            found.then(
                lambda receipt: self._clerk.put(partial(self._arrived, held, receipt, heard))
            )
            if found.watch is None:  # 各组自己的异步动词：没有人等，到期也要了结
                self._deadlines.watch(found)
        return None

    def _hold(self, flight: _Flight, deadline: float) -> _Flight | Answer:
        """占住请求号；别人在办的，等到它有答案。"""
        row = flight.row
        while (held := self._flying.setdefault(row.key, flight)) is not flight:
            if not waits.event(held.over, max(0.0, deadline - time.monotonic())):
                raise OutcomeUnknownError(
                    f"请求 {row.request} 还在办，到期没有结果；先核对，不要换一个请求号再来",
                    client_order_id=row.client_order_id or held.row.client_order_id,
                )
            if held.answer is not None:
                if flight.call is not None:
                    _check_same(held.row, row)
                return held.answer
        return flight

    def _leave(self, flight: _Flight) -> None:
        self._flying.pop(flight.row.key, None)
        flight.over.set()

    def _begin(self, flight: _Flight, call: Call) -> Row | None:
        """记下；已经有这个号的返回那一行。"""
        row, now = flight.row, time.monotonic()
        # 余下的留给要做的事；没有剩下的也等一小会儿：别的线程只占几十微秒
        limit = now + max(_LEAST_S, min((call.deadline - now) / 2, _RECORD_S))
        try:
            return self._table().begin(row, limit, durable=not row.client_order_id)
        except JournalError as exc:
            if call.verb.effect is Effect.CANCEL:
                logger.warning("{}；撤单照常", exc)
                flight.recorded = False
                return None
            logger.error("{}", exc)  # 文件在哪里，不说给线那头的人
            if time.monotonic() >= call.deadline:
                raise _late(call) from exc
            told = f"服务器的请求记录写不下去，不收委托；{_NOTHING}，撤单照常。详情在服务器的日志里"
            raise JournalError(told) from exc

    def _pass_on(self, flight: _Flight, call: Call) -> Any:
        """审计、过关口，交给交易口。"""
        self._intend(flight, call)
        self._caps.check_verb(call.grant, call.verb)
        if stops(call.verb):
            self._stop.check(self._name)  # 委托发出之前还要再问；转账等只在这里问
        gate = TokenGate(
            self._caps, self._stop, call.grant, self._name, _cap_key(flight.row), call.guard,
            call.permit,
        )  # fmt: skip
        flight.gate = gate
        kwargs = call.kwargs
        if flight.row.client_order_id:
            kwargs = {**kwargs, "client_order_id": flight.row.client_order_id}
        if time.monotonic() >= call.deadline:  # 排队、写盘花掉的也算
            raise _late(call)
        if call.permit is not None:
            call.permit.last(call.verb.effect)  # 委托到了交易口里面，发出之前还要再问
        with admission.through(gate), self._until(call.deadline):
            try:
                return verbs.invoke(self._trader, call.verb, call.args, kwargs)
            except JournalError as exc:
                if time.monotonic() < call.deadline - _JUST_LATE_S:
                    raise
                # 委托记录好好的：排在别的委托后面，轮到时时间用完了
                raise NotConnectedError(
                    f"{call.verb.name} 排在别的委托后面，轮到的时候已经过了期限，{_NOTHING}"
                ) from exc

    def _arrived(
        self, flight: _Flight, receipt: Receipt[Any], heard: Callable[[Answer], None]
    ) -> None:
        error = receipt.error
        heard(self._land(flight, None if error else receipt.value(), error))

    def _land(self, flight: _Flight, result: Any, raised: BaseException | None) -> Answer:
        """有了答案：记下，放开请求号。"""
        row, call = flight.row, flight.call
        assert call is not None
        if raised is None or isinstance(raised, EasytraderError):
            error = raised
        else:
            error = self._broken(row, call.verb.name, raised, call.kwargs)
        answer = flight.answer = Answer(result, error)
        try:
            if flight.gate is not None and _surely_not_sent(answer):
                flight.gate.not_sent()
            if flight.recorded:
                unknown = isinstance(error, OutcomeUnknownError)
                state = requests.PASSED_ON if unknown else requests.DONE
                durable = not row.client_order_id
                self._table().finish(row, state, _written(answer), durable=durable)
        finally:
            self._leave(flight)
        self._note(row, answer, call)
        return answer

    def _broken(
        self, row: Row, verb: str, raised: BaseException, given: Mapping[str, Any] | None = None
    ) -> OutcomeUnknownError:
        why, trace = shown(raised, 500), _trace(raised)
        for name, value in (given or {}).items():
            if is_secret(name) and value:
                why = why.replace(str(value), "***")
        logger.error("{} 出了意外的错：{}\n{}", verb, why, trace)
        told = f"{verb} 交出去之后服务器上出了意外的错（{type(raised).__name__}）"
        return self._unknown(row, f"{told}，结果未知，先核对")

    # ---- 以前的

    def _forbid(self, row: Row, deadline: float) -> Row | None:
        try:
            return self._table().forbid(row, deadline)
        except JournalError as exc:
            with suppress(JournalError):  # 记不下来的，也许还读得出来
                found = self._table().find(*row.key, deadline)
                if found is not None:
                    return found
            logger.error("{}", exc)
            raise OutcomeUnknownError(
                f"服务器的请求记录写不下去，请求 {row.request} 作废不了，它也许还在路上，先核对"
            ) from exc

    def _wait_and_see(self, found: Row, deadline: float) -> Answer | None:
        """交出去了的：在办的等它，没有答案的去找；作废的为 None。"""
        while True:
            held = self._hold(_Flight(found), deadline)
            if isinstance(held, _Flight):
                break
            if not isinstance(held.error, OutcomeUnknownError):
                return held
        try:
            return self._story(self._table().find(*found.key, deadline) or found, deadline)
        finally:
            self._leave(held)

    def _story(self, found: Row, deadline: float) -> Answer | None:
        """占着请求号的时候：记着的那一行的答案；作废的为 None。"""
        if found.state == requests.TOMBSTONE:
            return self._dead(found, deadline)
        if found.state == requests.DONE:
            return _read(found)
        if found.state == requests.FORGOTTEN:
            told = f"请求 {found.request} 是两个交易日以前的，答案已经不留了；请看历史委托"
            return Answer(error=OutcomeUnknownError(f"{told}，要再做请换一个请求号"))
        if found.client_order_id:
            return self._look_up(found, deadline)
        if found.answer:
            return _read(found)
        told = f"{found.verb} 交出去之后服务器中断了，结果未知，先核对"
        return Answer(error=self._unknown(found, told))

    def _dead(self, row: Row, deadline: float) -> Answer | None:
        """作废的为 None；断电丢了最后几行的，柜台上有带它的标记的委托，那就是做过了。"""
        once = self._engine.orders.once
        if once is None or not _OURS.fullmatch(row.request):
            return None
        tag = tags.tag_for(self._engine.key.account_id, f"r-{row.request}")
        number = once.doubts.seen(tag)
        if number is None or self._table().done_by_others(*row.key, deadline):
            return None
        return Answer({"entrust_no": number})

    def _look_up(self, found: Row, deadline: float) -> Answer | None:
        """交出去而没有答案的委托，到柜台上找；确实没有的作废，返回 None。"""
        try:
            with self._until(deadline):
                order = self._trader.find_entrust(found.client_order_id)
        except EasytraderError as exc:
            return Answer(error=self._doubt(found, str(exc)))
        except Exception as exc:  # noqa: BLE001  边界：后端抛什么都可能，结果仍是未知
            return Answer(error=self._broken(found, found.verb, exc))
        day_of = self._trader.capabilities.day.day_of
        if order is None and day_of(found.created) != day_of(self._wall()):
            return Answer(error=self._doubt(found, "它不是今天的，请看历史委托"))
        if order is None:
            self._table().finish(found, requests.TOMBSTONE)
            self._caps.give_back(_cap_key(found))
            self._note(found, None)
            return None
        answer = Answer({"entrust_no": order["order_id"]})
        self._table().finish(found, requests.DONE, _written(answer))
        self._note(found, answer)
        return answer

    def _doubt(self, found: Row, why: str) -> OutcomeUnknownError:
        told = f"{found.verb}（{found.client_order_id}）交出去了，没有答案，现在核对不了：{why}"
        return self._unknown(found, told)

    def _unknown(self, row: Row, told: str) -> OutcomeUnknownError:
        name, tag = row.client_order_id, ""
        if name:
            tag = tags.tag_for(self._engine.key.account_id, name)
            told = f"{told}：user.find_entrust('{tag}')"
        return OutcomeUnknownError(told, tag=tag, entrust_no=row.entrust_no, client_order_id=name)

    # ---- 审计

    def _intend(self, flight: _Flight, call: Call) -> None:
        try:
            self._audit.write(event="intent", **_who(call, self._name), arguments=flight.arguments)
        except OSError as exc:
            logger.error("审计记录写不下去（{}）；不收委托，撤单照常", exc)
            if call.verb.effect is not Effect.CANCEL:
                told = f"服务器的审计记录写不下去，不收委托；{_NOTHING}，撤单照常"
                raise JournalError(told) from exc

    def _note(self, row: Row, answer: Answer | None, call: Call | None = None) -> None:
        """怎样了；写不下去的只记日志：已经做了。"""
        told = {"state": "never"} if answer is None else _wire(answer)
        try:
            who = (
                {"token": row.token, "account": self._name, "verb": row.verb,
                 "request": row.request, "source": "settle"}
                if call is None
                else _who(call, self._name)
            )  # fmt: skip
            self._audit.write(event="outcome", **who, outcome=told)
        except OSError as exc:
            logger.error("审计记录写不下去（{}），{} 的结果没有记上", exc, row.request)

    # ---- 其余

    def _row(self, call: Call, arguments: dict[str, Any]) -> Row:
        plain = [call.verb.name, values.to_plain(arguments)]
        digest = blake2b(_sorted(plain), digest_size=16).digest()
        number = arguments.get("entrust_no")
        if not _small(number):
            number = None
        return Row(
            call.grant.name,
            _checked(call.request),
            digest,
            call.verb.name,
            client_order_id=self.client_order_id(call),
            entrust_no=number,
            boot=self._boot,
        )

    def _arguments(self, call: Call) -> dict[str, Any]:
        """名字 → 给的值，密码不在里面；按位置给的也有名字。"""
        names = self._names.get(call.verb.name)
        if names is None:
            names = self._names[call.verb.name] = _positional(self._trader, call.verb)
        found = dict(zip(names, call.args, strict=False))
        if len(call.args) > len(names):  # 动词不会收，里面可能有写错了地方的密码
            found["more"] = len(call.args) - len(names)
        found.update(call.kwargs)
        return {name: found[name] for name in found if not is_secret(name)}

    def _until(self, deadline: float) -> AbstractContextManager[None]:
        """没有会话的由动词自己说。"""
        try:
            return self._engine.session.until(deadline)
        except EasytraderError:
            return nullcontext()

    def _table(self) -> Requests:
        table = self._requests
        if table is not None:
            return table
        with self._opening:
            if self._requests is None:
                self._requests = Requests(self._folder or self._default_folder(), self._wall)
            return self._requests

    def _default_folder(self) -> Path:
        key = self._engine.key
        if not key.account_id:
            raise NotConnectedError(f"账号 {self._name} 还没有连过；{_NOTHING}")
        return home() / "server" / key_folder(key).name


class _Clerk:
    """替推送的线程写盘的线程；用到才起。"""

    def __init__(self) -> None:
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, job: Callable[[], None]) -> None:
        """排上一件；已经关了的当场做。"""
        with self._lock:
            closed = self._closed
            if not closed:
                if self._thread is None:
                    self._thread = threading.Thread(
                        target=self._run, name="easytrader-requests", daemon=True
                    )
                    self._thread.start()
                self._jobs.put(job)
        if closed:
            job()

    def close(self, limit_s: float) -> None:
        """做完排着的，结束；最多等这么多秒。"""
        with self._lock:
            self._closed = True
            thread = self._thread
        if thread is not None:
            self._jobs.put(None)
            waits.join(thread, limit_s)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                job()
            except Exception as exc:  # noqa: BLE001, PERF203  边界：一个回答没有人收，不连累别的
                logger.error("服务器记请求的线程上出错，已跳过：{!r}\n{}", exc, _trace(exc))


def _trace(raised: BaseException) -> str:
    """在哪里出的错。loguru 自己的会把变量的值也印出来，里面可能有密码。"""
    return "".join(traceback.format_tb(raised.__traceback__))


def _checked(request: object) -> str:
    if isinstance(request, str) and _REQUEST.fullmatch(request):
        return request
    form = f"应为 1 到 {words.MAX_REQUEST} 个可见的 ASCII 字符，每次调用一个新的"
    raise UsageError("request", request, form)


def _check_same(found: Row, row: Row) -> None:
    """同一个号，要做的也得是同一件。"""
    if found.digest and found.digest != row.digest:
        form = f"已经用于另一次 {found.verb}，与这一次不同；{_NOTHING}，换一个新的请求号"
        raise UsageError("request", row.request, form)


def _late(call: Call) -> NotConnectedError:
    return NotConnectedError(f"{call.verb.name} 轮到的时候已经过了期限，{_NOTHING}")


def _void(request: str) -> NotConnectedError:
    return NotConnectedError(f"请求 {request} 已经作废；{_NOTHING}，要做请换一个请求号")


def _surely_not_sent(answer: Answer) -> bool:
    """确知柜台上没有它：没有发出，或当场被拒绝。"""
    if answer.error is not None:
        return isinstance(answer.error, NOTHING_SENT)
    return isinstance(answer.result, dict) and answer.result.get("entrust_no") == -1


def _wire(answer: Answer) -> dict[str, Any]:
    if answer.error is not None:
        return {"error": errors.to_wire(answer.error)}
    return {"result": values.to_plain(answer.result)}


def _written(answer: Answer) -> bytes:
    return values.encode(_wire(answer))


def _read(found: Row) -> Answer:
    try:
        told = values.decode(found.answer)
        if "error" in told:
            return Answer(error=errors.from_wire(told["error"]))
        return Answer(values.from_plain(told["result"]))
    except (ValueError, KeyError, TypeError) as exc:
        told = f"请求 {found.request} 的答案读不懂（{exc}），结果未知，先核对"
        return Answer(error=OutcomeUnknownError(told, client_order_id=found.client_order_id))


def _who(call: Call, account: str) -> dict[str, Any]:
    return {
        "token": call.grant.name,
        "account": account,
        "verb": call.verb.name,
        "request": call.request,
        "source": call.source,
        "address": call.address,
    }


def _cap_key(row: Row) -> str:
    """额度按它占、按它退：请求号只在一个令牌之内唯一。"""
    return f"{row.token}/{row.request}"


def _small(number: object) -> bool:
    if isinstance(number, str):
        return len(number) <= words.MAX_REQUEST
    return isinstance(number, int) and not isinstance(number, bool) and abs(number) < _WIDEST


def _positional(trader: Trader, verb: Verb) -> tuple[str, ...]:
    """可以按位置给的参数的名字。"""
    signature, _ = verbs.signature_of(trader, verb)
    kinds = signature.parameters.values()
    return tuple(each.name for each in kinds if each.kind is each.POSITIONAL_OR_KEYWORD)
