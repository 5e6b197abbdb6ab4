"""照着计划做：先卖后买，隔一会儿看一眼，没成的撤了重报，到期停下，做到哪里都记着。

一笔只有在查清上一次的下场之后才会再报：撤单等到终态，结果未知的按 ``client_order_id`` 找到为止。
每一步先写进 `runlog` 再做，所以在哪里被杀了，再跑一次都接着做完同一个计划，不多一笔，不少一笔。
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

from loguru import logger

from easytrader import arguments
from easytrader.basics import numbers, pace
from easytrader.codes import FINAL_STATUSES, OrderStatus
from easytrader.errors import (
    EasytraderError,
    JournalError,
    NotConnectedError,
    OutcomeUnknownError,
    PlanStaleError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.market.rules.phases import Phase
from easytrader.rebalance import pricing, progress, runlog
from easytrader.rebalance.choice import Chooser
from easytrader.rebalance.hours import Deadline, Hours
from easytrader.rebalance.purse import Purse, yuan
from easytrader.rebalance.report import Report
from easytrader.rebalance.slices import parse as parse_slices

if TYPE_CHECKING:
    import os
    from collections.abc import Callable

    from easytrader import types
    from easytrader.rebalance.model import Facade
    from easytrader.rebalance.planfile import Plan
    from easytrader.rebalance.pricing import Book, Policy
    from easytrader.rebalance.progress import Attempt, Job
    from easytrader.rebalance.report import Fill, FirstOrder, Result
    from easytrader.rebalance.slices import Slicing

_T = TypeVar("_T")
Progress = dict[str, Any]
"""``on_step`` 收到的。"""

MOST_FAILURES: Final = 3
"""接连被退回、成了废单、自己没有撤却撤了这么多次，就不再报。"""
FAST_S: Final = 0.1
SLOW_S: Final = 2.0
"""隔多久看一眼：有动静是前者，没有动静慢慢到后者。"""
IDLE_S: Final = 10.0
"""午休、开盘前隔多久看一眼。"""
OFFLINE_S: Final = 0.5
"""断着线，隔多久再问。"""
FAILED_S: Final = 2.0
"""被退回之后隔多久再报；接连几次就乘以几。"""
UNKNOWN_S: Final = 2.0
"""结果未知的，隔多久再查。"""
CANCEL_S: Final = 5.0
"""撤单发了这么久还没有撤掉，再撤一次。"""
CLOSING_S: Final = 30.0
"""到期以后，撤单、查清下场最多再花这么久。"""
INTERRUPTED_S: Final = 5.0
"""Ctrl-C 之后撤单最多花这么久。"""
LAG_S: Final = 8.0
"""真实客户端的查询是缓存，最慢几秒后才看得到刚发生的。"""
_STRATEGY: Final = "rebalance"
_TRADING: Final = (Phase.CONTINUOUS, Phase.CLOSE_CALL)
"""发单的时段；撤单只在连续竞价。"""
_OFFLINE: Final = (NotConnectedError, QueryFailedError)
_FULL: Final = {"max_per_second": 1.0, "max_orders_per_minute": 5.0}
"""风控说这一秒、这一分钟满了：等多久再报。"""


def run(
    user: Facade,
    plan: Plan,
    *,
    price: str = pricing.DEFAULT,
    patience: float = 10.0,
    deadline: str | float | None = None,
    slices: str | None = None,
    parallel: int = 10,
    dry_run: bool = False,
    folder: str | os.PathLike[str] | None = None,
    on_step: Callable[[Progress], object] | None = None,
    assume_open: bool = False,
) -> Report:
    """照着计划下单，做完（或到期）返回报告。

    被杀了、断电了，用同一个计划再调用一次就接着做；已经做完的给出上次的报告，什么都不发。
    Ctrl-C：这一次发出而没有成交的尽量撤掉（最多几秒），然后抛 ``KeyboardInterrupt``；再调用接着做。

    Args:
        user: 交易口，要连着。
        plan: 计划。
        price: 怎样报价，见 `pricing.parse`：``对手价 本方价 最新价``（可以 ``+2`` 让两档），
            或市价类型。
        patience: 报出去这么多秒没有成交完，价格又走远了，撤了重报。
        deadline: 做到什么时候：``"14:56"``、从现在起的秒数；默认到 15:00，全天开市的 30 分钟。
            到期撤掉还挂着的，剩下的写在报告里。
        slices: 大单分片，见 `slices.parse`：``"twap 09:35-10:30 6"``、``"twap 30 6"``、
            ``"pov 0.1"``。
        parallel: 同时最多挂着几笔。
        dry_run: 只算出会先发哪几笔，什么都不发、不记。
        folder: 记录放在哪里；默认与这个账号的委托记录在一起。接着做要给同一个。
        on_step: 每一步调用一次，参数是字典：``event time plan_id done total message``，
            说的是一笔委托的还有
            ``id stock_code side side_name volume price client_order_id``；``interrupted``
            （Ctrl-C，撤过单之后）还有 ``report``，同 `Report.to_dict`。
        assume_open: 当作一直开着市，不管几点。

    Raises:
        UsageError: 参数不对，什么都没有发出。
        PlanStaleError: 计划不是这个账号的、不是今天的，或持仓已经变了；什么都没有发出。
        RebalanceBusyError: 这个账号正有一个在执行；什么都没有发出。
        JournalError: 记录读写不了；没有写下的一笔都没有发出。
        NotConnectedError: 一开始就没有连着。
        QueryFailedError: 一开始就没有应答。
    """
    if not hasattr(plan, "plan_id"):
        raise UsageError("plan", plan, "应为计划：rebalance.plan(…) 的结果；文件用 Plan.load(路径)")
    settings = _Settings(
        pricing.parse(price),
        parse_slices(slices),
        arguments.seconds("patience", patience),
        arguments.whole("parallel", parallel, "（笔）"),
        Deadline.of(deadline),
        arguments.flag("assume_open", assume_open),
        on_step,
    )
    where = runlog.folder_of(user) if folder is None else Path(folder).expanduser()
    file = runlog.file_of(where, plan.plan_id)
    if arguments.flag("dry_run", dry_run):
        records = runlog.read(file)
        finished = _finished(records)
        if finished is not None:
            return replace(finished, dry_run=True)
        return _Run(user, plan, settings, _Unwritten(records)).first()
    with runlog.held(where, plan.plan_id):
        log = runlog.RunLog(file)
        try:
            finished = _finished(log.records)
            return finished or _Run(user, plan, settings, log).go()
        finally:
            log.close()


def _finished(records: list[runlog.Record]) -> Report | None:
    """以前已经做完了：那一次的报告。"""
    done = next((each for each in records if each["kind"] == "done"), None)
    return None if done is None else Report.from_dict(done["report"])


class _Settings(NamedTuple):
    policy: Policy
    slicing: Slicing | None
    patience_s: float
    parallel: int
    deadline: Deadline | None
    assume_open: bool
    on_step: Callable[[Progress], object] | None


class _Unwritten:
    """试算时的记录：只看，不写。"""

    def __init__(self, records: list[runlog.Record]) -> None:
        self.records = records

    def write(self, *records: runlog.Record, durable: bool = False) -> None:
        """不写。"""


class _Run:
    """一次执行。一个线程从头走到尾。"""

    def __init__(
        self, user: Facade, plan: Plan, settings: _Settings, log: runlog.RunLog | _Unwritten
    ) -> None:
        self._user, self._plan, self._settings, self._log = user, plan, settings, log
        self._pace = pace.current()
        self._hours = Hours(user, assume_open=settings.assume_open)
        self._deadline = self._pace.monotonic() + self._hours.allowed_s(settings.deadline)
        self._jobs = [progress.Job.of(order, self._hours.day) for order in plan.orders]
        self._purse = Purse(user, plan.cash_buffer, self._hours.day, plan.schedule)
        self._chooser = Chooser(
            user, self._jobs, self._purse, self._hours, settings.policy, settings.slicing,
            f"rb-{plan.plan_id}",
        )  # fmt: skip
        self._changed_at = self._pace.monotonic()
        """最近一次有动静。"""
        self._online = True

    # ---- 从头到尾

    def go(self) -> Report:
        """做到底。"""
        try:
            self._restore()
            self._begin()
            self._work()
            self._wind_down()
        except KeyboardInterrupt:
            self._interrupted()
            raise
        return self._finished()

    def first(self) -> Report:
        """真的执行会先发哪几笔：走到发出之前为止。"""
        self._restore()
        self._check()
        if not any(job.arrival_li for job in self._jobs):
            self._note_arrival()
        notes = []
        if self._hours.phase() is not Phase.CONTINUOUS:
            notes.append(f"现在是{self._hours.phase().value}：开市以后按那时的盘口报价")
        batch = self._again()
        live = sum(job.live is not None for job in self._jobs)
        fresh = self._chooser.choose(self._available(), self._settings.parallel - live)
        for job, attempt in fresh:
            job.attempts.append(attempt)
        orders = [job.first(attempt) for job, attempt in batch + fresh]
        for order in orders:
            order["refused"] = self._refusal(order)
        for job in self._jobs:
            if job.live is None and job.left:
                job.why = job.why or job.hold or "等前面的"
        return self._report("nothing", notes, orders, dry_run=True)

    def _refusal(self, order: FirstOrder) -> str:
        """风控会拒绝它的原因；不会的、问不了的（不是 `Trader`，只是合 `Facade`）为空。"""
        ask: Callable[[str, dict[str, Any]], str] | None = getattr(self._user, "_refusal", None)
        if ask is None:
            return ""
        wanted = {"security": order["stock_code"], "amount": order["volume"]}
        verb = order["side"]
        if order["ttype"]:
            return ask(f"market_{verb}", {**wanted, "ttype": order["ttype"]})
        return ask(verb, {**wanted, "price": order["price"]})

    def _restore(self) -> None:
        """照记录恢复，把每一笔的下场都问清楚。"""
        begun = progress.restore(self._jobs, self._log.records)
        if begun is not None:
            self._chooser.begun = begun
        if any(job.live for job in self._jobs):
            self._patiently(self._recover)

    def _recover(self) -> None:
        """没有下场的，问清楚到没到柜台、成交了多少。"""
        self._poll()
        for job in self._jobs:
            if job.live is not None:
                job.live.settle_at = 0.0
        self._settle_unknown()
        if any(job.live and job.live.state == "unknown" for job in self._jobs):
            raise QueryFailedError("还有委托没有查清到没到柜台")

    def _begin(self) -> None:
        """核对计划还作不作数，记下到达价。"""
        self._check()
        if not any(each["kind"] == "start" for each in self._log.records):
            self._patiently(self._note_arrival)
            orders = [
                {"id": job.order["id"], "arrival_li": job.arrival_li, "traded": job.traded}
                for job in self._jobs
            ]
            told = {"account_id": self._plan.account_id, "begun": self._chooser.begun}
            start = {"kind": "start", "day": f"{self._hours.day}", **told, "orders": orders}
            self._log.write(start, durable=True)
        self._say("start")

    def _check(self) -> None:
        """计划还作不作数；自己做过的那些不算变动。

        成交与持仓是两次查询，真实客户端的还是缓存：对不上时隔一会儿再看。
        """
        done = any(job.attempts for job in self._jobs)
        limit = self._pace.monotonic() + (LAG_S if done else 0.0)
        while True:
            try:
                self._patiently(lambda: self._plan.check(self._user, expected=self._expected()))
            except PlanStaleError as exc:  # noqa: PERF203
                if exc.rule != "drift" or self._pace.monotonic() >= limit:
                    raise
                self._pace.sleep(OFFLINE_S)
                self._patiently(self._poll)
            else:
                return

    def _expected(self) -> dict[str, int] | None:
        """做到现在，每只应该有多少；还没有做过为 None。"""
        if not any(job.attempts for job in self._jobs):
            return None
        return {job.code: self._chooser.held(job) for job in self._jobs}

    def _note_arrival(self) -> None:
        """到达价：开始执行时的最新价。"""
        books = self._chooser.books(self._jobs)
        for job in self._jobs:
            book = books.get(job.code)
            if book is not None:
                job.arrival_li, job.traded = book.last, book.volume

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """问到为止；做到一半又断着线就等，最晚到期限。"""
        while True:
            try:
                found = ask()
            except _OFFLINE as exc:  # noqa: PERF203
                if not self._log.records or self._pace.monotonic() >= self._deadline:
                    raise
                self._offline(exc)
                self._pace.sleep(OFFLINE_S)
            else:
                self._back_online()
                return found

    def _work(self) -> None:
        """一轮一轮地做，到做完或到期。"""
        pause_s, before = FAST_S, self._pace.monotonic()
        while not self._is_done():
            now = self._pace.monotonic()
            if now >= self._deadline:
                return
            changed = self._round(now - before)
            before = now
            pause_s = FAST_S if changed else min(pause_s * 1.5, SLOW_S)
            if self._is_done():
                return
            if self._hours.phase() not in _TRADING:
                pause_s = min(IDLE_S, self._hours.change_s())
            self._pace.sleep(max(0.0, min(pause_s, self._deadline - now)))

    def _round(self, passed_s: float) -> bool:
        """看一眼，该撤的撤，该发的发；有变化为真。"""
        try:
            changed = self._poll()
            changed |= self._settle_unknown()
            phase = self._hours.phase()
            if phase is Phase.CONTINUOUS:
                changed |= self._retire(passed_s)
            if phase in _TRADING:
                changed |= self._launch()
            else:
                for job in self._jobs:
                    job.hold = f"没有在交易（{phase.value}）"
        except _OFFLINE as exc:
            self._offline(exc)
            return False
        self._back_online()
        return changed

    def _wind_down(self) -> None:
        """到期了：撤掉挂着的，等到它们的下场；收盘集合竞价撤不了，等它撮合。"""
        for job in self._jobs:
            if job.left and not job.why:
                job.why = "；".join(filter(None, ["到期", job.hold or job.told]))
        closing_s = CLOSING_S
        if self._hours.phase() is Phase.CLOSE_CALL:
            closing_s += self._hours.over_s()
        self._end_live(self._pace.monotonic() + closing_s)
        self._note_live()

    def _note_live(self) -> None:
        """还没有下场的，写明是哪一笔。"""
        for job in self._jobs:
            live = job.live
            if live is not None and live.state == "open":
                job.why = f"{job.why}；委托 {live.entrust_no} 还挂着，没有撤掉"
            elif live is not None:
                job.why = f"结果未知：{job.told}；请到柜台上核对委托 {live.name}"

    def _end_live(self, limit: float) -> None:
        """撤掉还没有下场的，最晚到 ``limit``；收盘以后撤不了，看最后一眼。"""
        while True:
            try:
                self._poll()
                self._settle_unknown()
                for job in self._jobs:
                    live = job.live
                    if live is not None and live.state == "ready":
                        self._drop(live, "没有发出")
                    elif live is not None and live.state == "open":
                        self._cancel(job, live)
            except _OFFLINE as exc:
                self._offline(exc)
            else:
                self._back_online()
            now = self._pace.monotonic()
            if not any(job.live for job in self._jobs) or now >= limit:
                return
            if not self._hours.over_s():
                limit = min(limit, now + CANCEL_S)
            self._pace.sleep(min(2 * FAST_S, limit - now))

    def _interrupted(self) -> None:
        """Ctrl-C：撤掉这次挂着的；再来一次 Ctrl-C 就不撤了。"""
        try:
            self._end_live(self._pace.monotonic() + INTERRUPTED_S)
        except EasytraderError as exc:
            logger.warning("调仓被打断，挂着的委托没有都撤掉：{}", exc)
        for job in self._jobs:
            if job.left and not job.why:
                job.why = "被打断"
        self._note_live()
        self._say("interrupted", more={"report": self._report(self._result()).to_dict()})

    def _finished(self) -> Report:
        result = self._result()
        report = self._report(result)
        if result == "done":
            self._log.write({"kind": "done", "report": report.to_dict()}, durable=True)
        self._say("done", message=result)
        return report

    def _result(self) -> Result:
        if not any(job.left or job.live for job in self._jobs):
            return "done"
        return "partly" if any(job.filled or job.live for job in self._jobs) else "nothing"

    def _is_done(self) -> bool:
        return all(job.closed for job in self._jobs)

    # ---- 看

    def _poll(self) -> bool:
        """当日委托问一次，对上每一笔；有变化为真。"""
        opened = {
            job.live.entrust_no: (job, job.live)
            for job in self._jobs
            if job.live is not None and job.live.state == "open"
        }
        changed = False
        for row in self._user.today_entrusts if opened else ():
            found = opened.get(row["order_id"])
            if found is not None and row["stock_code"] == found[0].code:
                changed |= self._seen(*found, row)
        return changed

    def _seen(self, job: Job, attempt: Attempt, row: types.Entrust) -> bool:
        """柜台上的样子；与上次不同为真。"""
        filled = max(int(row["traded_volume"]), attempt.filled)
        more = filled - attempt.filled
        if more:
            value = yuan(row["traded_price"]) * filled
            self._purse.sold(job, attempt.value, value)
            attempt.filled, attempt.value = filled, value
            job.failures = 0
            self._changed_at = self._pace.monotonic()
            self._say("fill", job, attempt, volume=more, price=row["traded_price"])
        if row["order_status"] not in FINAL_STATUSES:
            return bool(more)
        self._over(job, attempt, row)
        return True

    def _over(self, job: Job, attempt: Attempt, row: types.Entrust) -> None:
        """到了终态。"""
        attempt.state = "over"
        self._changed_at = self._pace.monotonic()
        self._purse.release(job, attempt)
        status, message = row["order_status_name"], row["status_msg"]
        told = {"kind": "over", "client_order_id": attempt.name, "status": status}
        amount = {"filled": attempt.filled, "value": str(attempt.value)}
        self._log.write({**told, **amount, "message": message})
        self._say("over", job, attempt, message=message or status)
        if row["order_status"] == OrderStatus.JUNK:
            self._failed(job, f"废单：{message}" if message else "废单")
        elif not attempt.filled and attempt.asked is None:
            self._failed(job, "没有成交就撤了（市价剩余撤销，或在别处撤的）")

    def _settle_unknown(self) -> bool:
        """不知道到没到柜台的，按 id 找；查清以前绝不再报。"""
        changed = False
        for job in self._jobs:
            live = job.live
            if live is None or live.state != "unknown" or self._pace.monotonic() < live.settle_at:
                continue
            live.settle_at = self._pace.monotonic() + UNKNOWN_S
            try:
                row = self._user.find_entrust(live.name)
            except QueryFailedError as exc:
                job.told = str(exc)
                continue
            changed = True
            if row is None:
                live.state = "ready"  # 没有到柜台：同一个 id、同一个样子再发，多早的请求都不会重复
                continue
            self._placed(job, live, row["order_id"])
            self._seen(job, live, row)
        return changed

    # ---- 撤

    def _retire(self, passed_s: float) -> bool:
        """挂得太久的：价格走远了的撤了重报，没有的留着排队。"""
        late: list[tuple[Job, Attempt]] = []
        for job in self._jobs:
            live = job.live
            if live is not None and live.state == "open":
                live.age_s += passed_s
                if live.age_s >= self._settings.patience_s:
                    late.append((job, live))
        books = self._chooser.books([job for job, live in late if live.asked is None])
        cancelled = False
        for job, live in late:
            book = books.get(job.code)
            if live.asked is not None or (book is not None and self._moved(job, live, book)):
                cancelled |= self._cancel(job, live)
            else:
                live.age_s = 0.0
        return cancelled

    def _moved(self, job: Job, attempt: Attempt, book: Book) -> bool:
        """现在报的话，会不会报得更容易成交；价格走到自己这边来的，挂着的就会成交，不撤。"""
        if attempt.ttype:
            return True
        offer = self._chooser.offer(job, book)
        if isinstance(offer, str):  # 封住了：排在封板价上的留着，别的撤了把钱腾出来
            return attempt.price_li != (book.up if job.buy else book.down)
        further = offer.price_li - attempt.price_li
        return further > 0 if job.buy else further < 0

    def _cancel(self, job: Job, attempt: Attempt) -> bool:
        """撤单；撤没撤成看它的终态。刚撤过的不再撤，返回假。"""
        now = self._pace.monotonic()
        if attempt.asked is not None and now < attempt.asked + CANCEL_S:
            return False
        attempt.asked = now
        self._say("cancel", job, attempt)
        try:
            answer = self._user.cancel_entrust(attempt.entrust_no)
        except (OutcomeUnknownError, RiskRefusedError, UsageError) as exc:
            job.told = str(exc)
        else:
            if not answer["success"]:
                job.told = f"撤单被拒：{answer['message']}"
        return True

    # ---- 发

    def _launch(self) -> bool:
        """该发的发出去：先一起记下，落了盘，再一笔一笔发。"""
        again = self._again()
        live = sum(job.live is not None for job in self._jobs)
        slots = self._settings.parallel - live
        fresh: list[tuple[Job, Attempt]] = []
        wanted = self._chooser.wanted() if slots > 0 else []
        if wanted:
            cash = self._available() if any(job.buy for job in wanted) else Decimal(0)
            fresh = self._chooser.choose(cash, slots)
        if fresh:
            self._log.write(*(job.record(attempt) for job, attempt in fresh), durable=True)
            for job, attempt in fresh:
                job.attempts.append(attempt)
        batch = again + fresh
        sent = 0
        try:
            for job, attempt in batch:
                self._send(job, attempt)
                sent += 1
        except NotConnectedError as exc:  # 这一笔和后面的都没有发出
            for job, attempt in batch[sent:]:
                self._drop(attempt, str(exc))
                job.told = str(exc)
            raise
        return bool(batch)

    def _again(self) -> list[tuple[Job, Attempt]]:
        """查明没有到柜台的：用同一个 id 再发。"""
        return [
            (job, job.live)
            for job in self._jobs
            if job.live is not None and job.live.state == "ready"
        ]

    def _send(self, job: Job, attempt: Attempt) -> None:
        """发出去，记下柜台怎么说。

        Raises:
            NotConnectedError: 什么都没有发出。
        """
        attempt.state = "unknown"
        self._say("send", job, attempt)
        try:
            answer = self._order(job, attempt)
        except OutcomeUnknownError as exc:
            job.told = str(exc)
            self._say("unknown", job, attempt, message=str(exc))
        except RiskRefusedError as exc:
            self._refused(job, attempt, exc)
        except UsageError as exc:
            self._drop(attempt, str(exc))
            job.why = str(exc)
            self._say("refused", job, attempt, message=job.why)
        except JournalError as exc:
            self._drop(attempt, str(exc))
            self._failed(job, str(exc))
        else:
            self._answered(job, attempt, answer)

    def _order(self, job: Job, attempt: Attempt) -> types.EntrustResult:
        """真的下单。"""
        user, name, volume = self._user, attempt.name, attempt.volume
        if attempt.ttype:
            market = user.market_buy if job.buy else user.market_sell
            ttype = pricing.market_name(attempt.ttype)
            return market(
                job.code, volume, ttype, strategy_name=_STRATEGY, remark=name, client_order_id=name
            )
        limit = user.buy if job.buy else user.sell
        price = attempt.price_li / 1000
        return limit(
            job.code, price, volume, strategy_name=_STRATEGY, remark=name, client_order_id=name
        )

    def _answered(self, job: Job, attempt: Attempt, answer: types.EntrustResult) -> None:
        number = answer["entrust_no"]
        if numbers.is_number(number):
            self._placed(job, attempt, number)
            self._purse.reserve(job, attempt)
            return
        message = answer.get("message", "") or "柜台当场退回"
        attempt.state = "over"
        self._log.write({"kind": "refused", "client_order_id": attempt.name, "message": message})
        self._say("refused", job, attempt, message=message)
        self._failed(job, f"被退回：{message}")

    def _placed(self, job: Job, attempt: Attempt, number: int) -> None:
        attempt.state, attempt.entrust_no = "open", number
        self._changed_at = self._pace.monotonic()
        self._log.write({"kind": "placed", "client_order_id": attempt.name, "entrust_no": number})
        self._say("placed", job, attempt)

    def _refused(self, job: Job, attempt: Attempt, exc: RiskRefusedError) -> None:
        """风控不许：一秒、一分钟满了的等一等，别的不再报。"""
        self._drop(attempt, str(exc))
        job.told = str(exc)
        wait_s = _FULL.get(exc.rule)
        if wait_s is None:
            job.why = str(exc)
        else:
            job.not_before = self._pace.monotonic() + wait_s
        self._say("refused", job, attempt, message=str(exc))

    def _drop(self, attempt: Attempt, message: str) -> None:
        """确实什么都没有发出。"""
        attempt.state = "over"
        self._log.write({"kind": "unsent", "client_order_id": attempt.name, "message": message})

    def _failed(self, job: Job, message: str) -> None:
        """失败一次；接连几次就不再报。"""
        job.told = message
        job.failures += 1
        job.not_before = self._pace.monotonic() + FAILED_S * job.failures
        if job.failures >= MOST_FAILURES:
            job.why = message

    def _available(self) -> Decimal:
        still = self._pace.monotonic() - self._changed_at >= LAG_S
        return self._purse.available(quiet=still and not any(job.live for job in self._jobs))

    # ---- 说给人听

    def _offline(self, exc: EasytraderError) -> None:
        if self._online:
            self._online = False
            logger.warning("调仓：{}；等着接上", exc)
            self._say("offline", message=str(exc))

    def _back_online(self) -> None:
        if not self._online:
            self._online = True
            self._say("online")

    def _say(
        self,
        event: str,
        job: Job | None = None,
        attempt: Attempt | None = None,
        *,
        message: str = "",
        volume: int | None = None,
        price: float | None = None,
        more: Progress | None = None,
    ) -> None:
        """告诉 ``on_step``；它出错不碍事。"""
        listener = self._settings.on_step
        if listener is None:
            return
        told: Progress = {
            "event": event,
            "time": self._pace.now(),
            "plan_id": self._plan.plan_id,
            "done": self._worth(lambda each: each.filled),
            "total": self._worth(lambda each: each.order["volume"]),
            "message": message,
            **(more or {}),
        }
        if job is not None and attempt is not None:
            told |= job.first(attempt)
            told["volume"] = attempt.volume if volume is None else volume
            told["price"] = attempt.price_li / 1000 if price is None else price
        try:
            listener(told)
        except Exception as exc:  # noqa: BLE001  边界：用户的进度条出错，委托还得照看
            logger.opt(exception=exc).warning("on_step 出错了，接着做")

    def _worth(self, volume: Callable[[Job], int]) -> float:
        """照计划的价，元。"""
        return round(sum(job.order["price"] * volume(job) for job in self._jobs), 2)

    def _report(
        self,
        result: Result,
        notes: list[str] | None = None,
        orders: list[FirstOrder] | None = None,
        *,
        dry_run: bool = False,
    ) -> Report:
        rows = [job.row(self._purse) for job in self._jobs]
        fills = [] if dry_run else self._fills()
        spent = (self._chooser.begun, self._pace.now())
        head = (self._plan.plan_id, result, rows, *spent, fills)
        return Report(*head, notes or [], dry_run, orders or [], list(self._plan.skipped))

    def _fills(self) -> list[Fill]:
        """成交的明细，先后为序；问不到就没有。"""
        ours = {
            attempt.entrust_no: job
            for job in self._jobs
            for attempt in job.attempts
            if attempt.filled
        }
        try:
            trades = self._user.today_trades if ours else []
        except _OFFLINE as exc:
            logger.warning("成交的明细没有问到：{}", exc)
            return []
        found: list[Fill] = [
            {
                "time": float(each["traded_time"]),
                "stock_code": each["stock_code"],
                "side": ours[each["order_id"]].order["side"],
                "volume": int(each["traded_volume"]),
                "price": float(each["traded_price"]),
            }
            for each in trades
            if each["order_id"] in ours
        ]
        return sorted(found, key=lambda fill: fill["time"])
