"""照着计划做：先卖后买，隔一会儿看一眼，没成的撤了重报，到期停下，做到哪里都记着。

一笔委托只有在查清上一笔的下场之后才会再报：撤单等到终态，结果未知的按 ``client_order_id`` 找到为止。
每一步先写进 `runlog` 再做，所以在哪里被杀了，再跑一次都接着做完同一个计划，不多一笔，不少一笔。
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeVar

from loguru import logger

from easytrader import arguments
from easytrader.basics import numbers, pace
from easytrader.basics.beijing import day_of, midnight
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
from easytrader.market.calendar import is_trading_day
from easytrader.market.rules import rules_for
from easytrader.market.rules.fees import FeeSchedule, to_fen
from easytrader.market.rules.phases import Phase, clock_phase
from easytrader.market.rules.quantities import Lot
from easytrader.market.symbols import parse_security
from easytrader.rebalance import pricing, runlog, slices
from easytrader.rebalance.report import Report

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from easytrader import types
    from easytrader.market.rules import Rules
    from easytrader.market.rules.fees import FeeRates
    from easytrader.market.symbols import Security
    from easytrader.rebalance.model import Facade, PlanOrder
    from easytrader.rebalance.planfile import Plan
    from easytrader.rebalance.pricing import Book, Offer, Policy
    from easytrader.rebalance.report import Fill, FirstOrder, ReportRow, Result
    from easytrader.rebalance.slices import Slicing

_T = TypeVar("_T")
Progress = dict[str, Any]

MOST_FAILURES: Final = 3
"""接连被退回、成了废单、自己没有撤却撤了这么多次，就不再报。"""
MOST_ATTEMPTS: Final = 200
"""一笔最多报这么多次。"""
FAST_S: Final = 0.1
SLOW_S: Final = 2.0
"""没有动静时，隔多久看一眼：从前者慢慢到后者。"""
FAILED_S: Final = 2.0
"""被退回之后隔多久再报。"""
RATE_S: Final = 1.0
MINUTE_S: Final = 5.0
"""风控说这一秒、这一分钟满了，隔多久再报。"""
CANCEL_S: Final = 5.0
"""撤单发了这么久还没有撤掉，再撤一次。"""
CLOSING_S: Final = 30.0
"""到期以后，撤单、查清下场最多再花这么久。"""
INTERRUPTED_S: Final = 5.0
"""Ctrl-C 之后撤单最多花这么久。"""
LAG_S: Final = 8.0
"""真实客户端的查询是缓存，最慢几秒后才看得到刚发生的。"""
ALWAYS_S: Final = 1800.0
"""全天开市的，没有给 ``deadline`` 就做这么久。"""
_CLOSE: Final = 54000.0
_DRY_S: Final = 10.0
"""卖的都做完了，钱还不够买，过这么久就算了。"""
_STRATEGY: Final = "rebalance"
_OFFLINE: Final = (NotConnectedError, QueryFailedError)
_RATES: Final = {"max_per_second": RATE_S, "max_orders_per_minute": MINUTE_S}


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
        price: 怎样报价，见 `pricing.parse`：``对手价 本方价 最新价``（可以 ``+2`` 让两档），或市价类型。
        patience: 报出去这么多秒没有成交完，价格又变了，撤了重报。
        deadline: 做到什么时候：``"14:56"``、从现在起的秒数；默认到 15:00，全天开市的 30 分钟。
            到期撤掉还挂着的，剩下的写在报告里。
        slices: 大单分片，见 `slices.parse`：``"twap 09:35-10:30 6"``、``"twap 30 6"``、``"pov 0.1"``。
        parallel: 同时最多挂着几笔。
        dry_run: 只算出会先发哪几笔，什么都不发、不记。
        folder: 记录放在哪里；默认与这个账号的委托记录在一起。接着做要给同一个。
        on_step: 每一步调用一次，参数是字典：``event time plan_id done total``，说的是一笔委托的还有
            ``id stock_code side side_name volume price client_order_id message``。
        assume_open: 当作一直开着市，不管几点。

    Raises:
        UsageError: 参数不对，什么都没有发出。
        PlanStaleError: 计划不是这个账号的、不是今天的，或持仓已经变了；什么都没有发出。
        RebalanceBusyError: 这个账号正有一个在执行；什么都没有发出。
        JournalError: 记录读写不了；没有写下的一笔都没有发出。
        NotConnectedError: 一开始就没有连着。
    """
    settings = _Settings(
        policy=pricing.parse(price),
        slicing=_slicing(slices),
        patience_s=arguments.seconds("patience", patience),
        parallel=arguments.whole("parallel", parallel, "（笔）"),
        deadline=_deadline(deadline),
        assume_open=arguments.flag("assume_open", assume_open),
        on_step=on_step,
    )
    where = _folder(folder) or runlog.folder_of(user)
    file = runlog.file_of(where, plan.plan_id)
    if arguments.flag("dry_run", dry_run):
        return _Run(user, plan, settings, _Unwritten(runlog.read(file))).first()
    with runlog.held(where, plan.plan_id):
        log = runlog.RunLog(file)
        try:
            finished = next((each for each in log.records if each["kind"] == "done"), None)
            if finished is not None:
                return Report.from_dict(finished["report"])
            return _Run(user, plan, settings, log).go()
        finally:
            log.close()


class _Settings(NamedTuple):
    policy: Policy
    slicing: Slicing | None
    patience_s: float
    parallel: int
    deadline: tuple[Literal["at", "for"], float] | None
    """当日零点起的第几秒，或从现在起多少秒。"""
    assume_open: bool
    on_step: Callable[[Progress], object] | None


class _Unwritten:
    """试算时的记录：只看，不写。"""

    def __init__(self, records: list[runlog.Record]) -> None:
        self.records = records

    def write(self, *records: runlog.Record, durable: bool = False) -> None:
        """不写。"""


@dataclass
class _Attempt:
    """报过的一次。

    Attributes:
        state: ``ready`` 记下了，还没有发（或查明没有到柜台，要用同一个 id 再发）；``unknown`` 不知道
            到没到柜台；``open`` 到了柜台；``over`` 到了终态，或根本没有到柜台。
        worst_li: 买的时候，一股最多占多少钱，厘。
        reserved: 在自己的账上占着多少钱，元；到了终态还回去。
        age_s: 开着市的时间里挂了多久，秒。
        asked: 上一次撤单是什么时候（单调的秒）；没有撤过为 None。
        settle_at: 什么时候再去查它的下场。
        value: 成交额，元。
    """

    name: str
    number: int
    volume: int
    price_li: int
    ttype: str
    state: Literal["ready", "unknown", "open", "over"] = "ready"
    entrust_no: int = 0
    filled: int = 0
    value: Decimal = Decimal(0)
    worst_li: int = 0
    reserved: Decimal = Decimal(0)
    age_s: float = 0.0
    asked: float | None = None
    settle_at: float = 0.0


@dataclass
class _Job:
    """计划里的一笔做到哪里了。

    Attributes:
        why: 不再做了的原因；还在做为空。
        hold: 此刻为什么没有发。
        failures: 接连失败了几次。
        not_before: 最早什么时候再报（单调的秒）。
        arrival_li: 开始执行时的最新价，厘；不知道为 0。
        traded: 开始执行时市场已经成交的数量。
    """

    order: PlanOrder
    security: Security
    rules: Rules | None
    attempts: list[_Attempt] = field(default_factory=list)
    why: str = ""
    hold: str = ""
    last_message: str = ""
    failures: int = 0
    not_before: float = 0.0
    arrival_li: int = 0
    traded: int = 0

    @property
    def buy(self) -> bool:
        return self.order["side"] == "buy"

    @property
    def filled(self) -> int:
        return sum(each.filled for each in self.attempts)

    @property
    def left(self) -> int:
        return self.order["volume"] - self.filled

    @property
    def live(self) -> _Attempt | None:
        """还没有下场的那一次；至多一次。"""
        last = self.attempts[-1] if self.attempts else None
        return last if last is not None and last.state != "over" else None

    @property
    def closed(self) -> bool:
        """没有要做的了。"""
        return self.live is None and (not self.left or bool(self.why))

    @property
    def lot(self) -> Lot:
        return Lot(*self.security.lot) if self.rules is None else self.rules.lot


class _Run:
    """一次执行。一个线程从头走到尾。"""

    def __init__(
        self, user: Facade, plan: Plan, settings: _Settings, log: runlog.RunLog | _Unwritten
    ) -> None:
        self._user, self._plan, self._settings, self._log = user, plan, settings, log
        self._pace = pace.current()
        self._always = settings.assume_open or _always_open(user)
        now = self._pace.now()
        self._day = date.fromordinal(day_of(now))
        self._midnight = midnight(day_of(now))
        self._deadline = self._pace.monotonic() + self._allowed_s(now)
        self._jobs = [_job(order, self._day) for order in plan.orders]
        self._begun = now
        """第一次开始执行的时刻；接着做的取自记录。"""
        self._cash: Decimal | None = None
        """自己算的可用现金，元：柜台的查询可能是几秒前的。"""
        self._changed_at = self._pace.monotonic()
        self._dry_at: float | None = None
        self._online = True
        self._fees = FeeSchedule()

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
        self._poll()
        orders = []
        for job, attempt in self._again(self._settings.parallel):
            orders.append(_first(job, attempt))
        slots = self._settings.parallel - sum(job.live is not None for job in self._jobs)
        for job, attempt in self._choose(_Budget(self._available(), slots)):
            job.attempts.append(attempt)
            orders.append(_first(job, attempt))
        waiting = [job for job in self._jobs if job.live is None and job.left]
        for job in waiting:
            job.why = job.why or job.hold or "等前面的"
        return self._report("nothing", dry_run=True, orders=orders)

    def _restore(self) -> None:
        """照记录恢复，把每一笔的下场都问清楚。"""
        for record in self._log.records:
            self._replay(record)
        if any(job.live for job in self._jobs):
            self._patiently(self._recover)

    def _begin(self) -> None:
        """核对计划还作不作数，记下到达价。"""
        self._check()
        if not any(each["kind"] == "start" for each in self._log.records):
            self._patiently(self._note_arrival)
            orders = [
                {"id": job.order["id"], "arrival_li": job.arrival_li, "traded": job.traded}
                for job in self._jobs
            ]
            start = {"kind": "start", "day": f"{self._day}", "begun": self._begun}
            self._log.write(
                {**start, "account_id": self._plan.account_id, "orders": orders}, durable=True
            )
        self._say("start")

    def _work(self) -> None:
        """一轮一轮地做，到做完或到期。"""
        pause_s = FAST_S
        before = self._pace.monotonic()
        while not all(job.closed for job in self._jobs):
            now = self._pace.monotonic()
            if now >= self._deadline:
                return
            changed = self._round(now - before)
            before = now
            pause_s = FAST_S if changed else min(pause_s * 1.5, SLOW_S)
            left_s = self._deadline - self._pace.monotonic()
            if not all(job.closed for job in self._jobs):
                self._pace.sleep(max(0.0, min(pause_s, left_s)))

    def _round(self, passed_s: float) -> bool:
        """看一眼，该撤的撤，该发的发；有变化为真。"""
        try:
            changed = self._poll()
            changed |= self._settle_unknown()
            phase = self._phase()
            if phase is Phase.CONTINUOUS:
                changed |= self._retire(passed_s)
            if phase in (Phase.CONTINUOUS, Phase.CLOSE_CALL):
                changed |= self._launch()
            else:
                for job in self._jobs:
                    job.hold = f"还没有开市（{phase.value}）"
        except _OFFLINE as exc:
            self._offline(exc)
            return False
        self._back_online()
        return changed

    def _wind_down(self) -> None:
        """到期了：撤掉挂着的，等到它们的下场；收盘集合竞价撤不了，等它撮合。"""
        for job in self._jobs:
            job.why = job.why or (self._late(job) if job.left else "")
        closing_s = CLOSING_S
        if self._phase() is Phase.CLOSE_CALL:
            closing_s += self._midnight + _CLOSE - self._pace.now()
        self._end_live(self._pace.monotonic() + closing_s)
        for job in self._jobs:
            live = job.live
            if live is not None and live.state == "open":
                job.why = f"{job.why}；还挂在柜台上，没有撤掉"
            elif live is not None and live.state == "unknown":
                job.why = f"结果未知：{job.last_message}，请到柜台上核对委托 {live.name}"
            elif job.left and not job.why:
                job.why = self._late(job)

    def _late(self, job: _Job) -> str:
        return "；".join(filter(None, ["到期", job.hold or job.last_message]))

    def _end_live(self, limit: float) -> None:
        """撤掉还没有下场的，最晚到 ``limit``。"""
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
            if not any(job.live for job in self._jobs) or now >= limit or self._is_over_today():
                return
            self._pace.sleep(min(FAST_S * 2, limit - now))

    def _interrupted(self) -> None:
        """Ctrl-C：撤掉这次挂着的；再来一次 Ctrl-C 就不撤了。"""
        try:
            self._end_live(self._pace.monotonic() + INTERRUPTED_S)
        except EasytraderError as exc:
            logger.warning("调仓被打断，挂着的委托没有都撤掉：{}", exc)

    def _finished(self) -> Report:
        filled, left = any(job.filled for job in self._jobs), any(job.left for job in self._jobs)
        unsure = any(job.live for job in self._jobs)
        result: Result = "partly" if filled or unsure else "nothing"
        if not left and not unsure:
            result = "done"
        report = self._report(result)
        if result == "done":
            self._log.write({"kind": "done", "report": report.to_dict()}, durable=True)
        self._say("done", message=result)
        return report

    # ---- 恢复

    def _replay(self, record: runlog.Record) -> None:
        kind = record["kind"]
        if kind == "start":
            self._begun = record["begun"]
            for told in record["orders"]:
                job = self._jobs[told["id"]]
                job.arrival_li, job.traded = told["arrival_li"], told["traded"]
        elif kind == "send":
            names = ("client_order_id", "attempt", "volume", "price_li", "ttype")
            attempt = _Attempt(*(record[name] for name in names), state="unknown")
            self._jobs[record["id"]].attempts.append(attempt)
        elif kind in ("placed", "unsent", "refused", "over"):
            _, attempt = self._named(record["client_order_id"])
            if kind == "placed":
                attempt.state, attempt.entrust_no = "open", record["entrust_no"]
            else:
                attempt.state = "over"
                attempt.filled = record.get("filled", 0)
                attempt.value = Decimal(record.get("value", "0"))

    def _recover(self) -> None:
        """没有下场的，一笔一笔问清楚到没到柜台、成交了多少。"""
        self._poll()
        for job in self._jobs:
            if job.live is not None and job.live.state == "unknown":
                job.live.settle_at = 0.0
        self._settle_unknown()
        if any(job.live and job.live.state == "unknown" for job in self._jobs):
            raise QueryFailedError("还有委托没有查清")

    def _check(self) -> None:
        """计划还作不作数；自己做过的那些不算变动。

        成交与持仓是两次查询，真实客户端的还是缓存：对不上时隔一会儿再看。
        """
        limit = self._pace.monotonic() + (LAG_S if any(j.attempts for j in self._jobs) else 0.0)
        while True:
            try:
                self._patiently(lambda: self._plan.check(self._user, expected=self._expected()))
            except PlanStaleError as exc:
                if exc.rule != "drift" or self._pace.monotonic() >= limit:
                    raise
                self._pace.sleep(FAST_S * 5)
                self._patiently(self._poll)
            else:
                return

    def _expected(self) -> dict[str, int] | None:
        """做到现在，每只应该有多少；还没有做过为 None。"""
        if not any(job.attempts for job in self._jobs):
            return None
        return {job.order["stock_code"]: self._held(job) for job in self._jobs}

    def _note_arrival(self) -> None:
        """到达价：开始执行时的最新价。"""
        books = self._books(self._jobs)
        for job in self._jobs:
            book = books.get(job.order["stock_code"])
            if book is not None:
                job.arrival_li, job.traded = book.last, book.volume

    def _patiently(self, ask: Callable[[], _T]) -> _T:
        """问到为止；断着线就等，最晚到期限。"""
        while True:
            try:
                found = ask()
            except _OFFLINE as exc:
                if not self._log.records or self._pace.monotonic() >= self._deadline:
                    raise
                self._offline(exc)
                self._pace.sleep(FAST_S * 5)
            else:
                self._back_online()
                return found

    # ---- 一轮里的几件事

    def _poll(self) -> bool:
        """当日委托问一次，对上每一笔；有变化为真。"""
        waiting = [(job, job.live) for job in self._jobs if job.live is not None]
        opened = {live.entrust_no: (job, live) for job, live in waiting if live.state == "open"}
        if not opened:
            return False
        changed = False
        for row in self._user.today_entrusts:
            found = opened.get(row["order_id"])
            if found is not None and row["stock_code"] == found[0].order["stock_code"]:
                changed |= self._seen(*found, row)
        return changed

    def _seen(self, job: _Job, attempt: _Attempt, row: types.Entrust) -> bool:
        """柜台上的样子。"""
        filled = max(int(row["traded_volume"]), attempt.filled)
        more = filled - attempt.filled
        if more:
            value = _yuan(row["traded_price"]) * filled
            if not job.buy and self._cash is not None:
                self._cash += self._net(job, value) - self._net(job, attempt.value)
            attempt.filled, attempt.value = filled, value
            self._changed_at = self._pace.monotonic()
            job.failures = 0
            self._say("fill", job, attempt, volume=more, price=row["traded_price"])
        if row["order_status"] in FINAL_STATUSES:
            self._over(job, attempt, row)
            return True
        return bool(more)

    def _over(self, job: _Job, attempt: _Attempt, row: types.Entrust) -> None:
        """到了终态。"""
        status, message = row["order_status_name"], row["status_msg"]
        attempt.state = "over"
        self._changed_at = self._pace.monotonic()
        if attempt.reserved and self._cash is not None:
            self._cash += attempt.reserved - self._net(job, attempt.value)
        told = {"kind": "over", "client_order_id": attempt.name, "status": status}
        value = str(attempt.value)
        self._log.write({**told, "filled": attempt.filled, "value": value, "message": message})
        junk = row["order_status"] == OrderStatus.JUNK
        unasked = attempt.asked is None and row["order_status"] != OrderStatus.SUCCEEDED
        if junk:
            self._failed(job, f"废单：{message}" if message else "废单")
        elif unasked and not attempt.filled:
            self._failed(job, "没有成交就撤了（市价剩余撤销，或别处撤的）")
        self._say("over", job, attempt, message=message or status)

    def _settle_unknown(self) -> bool:
        """不知道到没到柜台的，按 id 找；找到以前绝不再报。"""
        changed = False
        for job in self._jobs:
            live = job.live
            if live is None or live.state != "unknown" or self._pace.monotonic() < live.settle_at:
                continue
            live.settle_at = self._pace.monotonic() + RATE_S * 2
            try:
                row = self._user.find_entrust(live.name)
            except QueryFailedError as exc:
                job.last_message = str(exc)
                continue
            changed = True
            if row is None:  # 没有到柜台：同一个 id、同一个样子再发
                live.state = "ready"
                continue
            self._placed(job, live, row["order_id"])
            self._seen(job, live, row)
        return changed

    def _retire(self, passed_s: float) -> bool:
        """挂得太久的：价格变了的撤了重报，没有变的留着排队。"""
        due: list[tuple[_Job, _Attempt]] = []
        cancelled = False
        for job in self._jobs:
            live = job.live
            if live is not None and live.state == "open":
                live.age_s += passed_s
                if live.age_s >= self._settings.patience_s:
                    due.append((job, live))
        if not due:
            return False
        books = self._books([job for job, live in due if live.asked is None])
        for job, live in due:
            book = books.get(job.order["stock_code"])
            if live.asked is not None or (book is not None and self._moved(job, live, book)):
                cancelled |= self._cancel(job, live)
            else:
                live.age_s = 0.0
        return cancelled

    def _moved(self, job: _Job, attempt: _Attempt, book: Book) -> bool:
        """现在报的话，会不会报得不一样。"""
        if attempt.ttype:
            return True
        now = self._offer(job, book)
        if isinstance(now, str):  # 封住了：排在封板价上的留着，别的撤了把钱腾出来
            edge = book.up if job.buy else book.down
            return attempt.price_li != edge
        return now.price_li != attempt.price_li

    def _cancel(self, job: _Job, attempt: _Attempt) -> bool:
        """撤单；撤没撤成看它的终态。刚撤过的不再撤，返回假。"""
        now = self._pace.monotonic()
        if attempt.asked is not None and now < attempt.asked + CANCEL_S:
            return False
        attempt.asked = now
        self._say("cancel", job, attempt)
        try:
            answer = self._user.cancel_entrust(attempt.entrust_no)
        except (OutcomeUnknownError, RiskRefusedError, UsageError) as exc:
            job.last_message = str(exc)
        else:
            if not answer["success"]:
                job.last_message = f"撤单被拒：{answer['message']}"
        return True

    def _launch(self) -> bool:
        """该发的发出去：先一起记下，落了盘，再一笔一笔发。"""
        open_now = sum(job.live is not None and job.live.state != "ready" for job in self._jobs)
        slots = self._settings.parallel - open_now
        if slots <= 0:
            return False
        batch = list(self._again(slots))
        wanted = [job for job in self._jobs if self._is_wanted(job)]
        if len(batch) < slots and wanted:
            cash = self._available() if any(job.buy for job in wanted) else Decimal(0)
            fresh = self._choose(_Budget(cash, slots - len(batch)))
            self._log.write(*(_send(job, attempt) for job, attempt in fresh), durable=True)
            for job, attempt in fresh:
                job.attempts.append(attempt)
            batch += fresh
        for job, attempt in batch:
            self._send(job, attempt)
        return bool(batch)

    def _again(self, slots: int) -> Iterator[tuple[_Job, _Attempt]]:
        """查明没有到柜台的，用同一个 id 再发。"""
        for job in self._jobs:
            live = job.live
            if slots and live is not None and live.state == "ready":
                slots -= 1
                yield job, live

    def _is_wanted(self, job: _Job) -> bool:
        return (
            job.live is None
            and not job.closed
            and self._pace.monotonic() >= job.not_before
            and self._due(job, None) > job.filled
        )

    def _choose(self, budget: _Budget) -> list[tuple[_Job, _Attempt]]:
        """这一轮发哪几笔：先卖；买的从还差得最多的开始，钱够才发。"""
        wanted = [job for job in self._jobs if self._is_wanted(job)]
        sells = [job for job in wanted if not job.buy]
        buys = sorted((job for job in wanted if job.buy), key=_shortfall, reverse=True)
        near = [*sells, *buys][: 4 * budget.slots + 20]
        books = self._books(near)
        found: list[tuple[_Job, _Attempt]] = []
        for job in near:
            if len(found) >= budget.slots:
                job.hold = "等前面的"
                continue
            book = books.get(job.order["stock_code"])
            attempt = None if book is None else self._attempt(job, book, budget)
            if book is None:
                job.hold = "没有行情"
            if attempt is not None:
                found.append((job, attempt))
        self._note_dry(buys, found)
        return found

    def _attempt(self, job: _Job, book: Book, budget: _Budget) -> _Attempt | None:
        """这一笔现在报什么；报不了的写下为什么。"""
        if len(job.attempts) >= MOST_ATTEMPTS:
            job.why = f"报了 {MOST_ATTEMPTS} 次还没有成交完"
            return None
        offer = self._offer(job, book)
        if isinstance(offer, str):
            job.hold = offer
            return None
        volume = self._volume(job, book, offer)
        if volume and job.buy:
            volume = self._afford(job, offer, volume, budget)
        if not volume:
            return None
        job.hold = ""
        number = len(job.attempts) + 1
        name = f"rb-{self._plan.plan_id}-{job.order['id']}-{number}"
        return _Attempt(name, number, volume, offer.price_li, offer.ttype, worst_li=offer.worst_li)

    def _volume(self, job: _Job, book: Book, offer: Offer) -> int:
        """发多少：到现在该发的，整手，不超过一笔的上限。"""
        held, left = self._held(job), job.left
        if slices.stuck(job.buy, left, job.lot, held):
            job.why = f"剩下的 {left} 是发不出去的零头"
            return 0
        wanted = self._due(job, book) - job.filled
        if job.rules is not None:
            size = job.rules.size
            wanted = min(wanted, size.market if offer.ttype else size.limit)
        volume = slices.orderable(job.buy, wanted, left, job.lot, held)
        if not volume:
            job.hold = "等下一片"
        return volume

    def _afford(self, job: _Job, offer: Offer, volume: int, budget: _Budget) -> int:
        """钱够买多少：还有卖的没有做完，就等够了再买；否则够多少买多少。"""
        if self._cost(job, offer.worst_li, volume) > budget.cash:
            others = [each for each in self._jobs if each is not job]
            if any(not each.buy and not each.closed for each in others):
                job.hold = "等卖出的钱"
                return 0
            if any(each.live is not None for each in others) or budget.spent:
                job.hold = "等前面的买完，看还剩多少钱"
                return 0
            volume = self._most(job, offer, volume, budget.cash)
        if not volume:
            job.hold = "资金不足"
            return 0
        budget.spent = True
        budget.cash -= self._cost(job, offer.worst_li, volume)
        return volume

    def _most(self, job: _Job, offer: Offer, volume: int, cash: Decimal) -> int:
        """这些钱最多买多少。"""
        each = Decimal(offer.worst_li) / 1000
        volume = min(volume, max(0, int(cash / each)))
        while volume > 0:
            volume = slices.orderable(True, volume, job.left, job.lot, self._held(job))
            if not volume or self._cost(job, offer.worst_li, volume) <= cash:
                return volume
            volume -= job.lot.step
        return 0

    def _note_dry(self, buys: list[_Job], found: list[tuple[_Job, _Attempt]]) -> None:
        """什么都不在路上，钱还是不够：等一会儿（查询可能是几秒前的），就算了。"""
        short = [job for job in buys if job.hold == "资金不足"]
        if not short or found or any(job.live for job in self._jobs):
            self._dry_at = None
            return
        now = self._pace.monotonic()
        self._dry_at = now if self._dry_at is None else self._dry_at
        if now - self._dry_at >= _DRY_S:
            for job in short:
                job.why = "资金不足"

    def _send(self, job: _Job, attempt: _Attempt) -> None:
        """发出去，记下柜台怎么说。"""
        attempt.state = "unknown"
        self._say("send", job, attempt)
        try:
            answer = self._order(job, attempt)
        except OutcomeUnknownError as exc:
            job.last_message = str(exc)
            self._say("unknown", job, attempt, message=str(exc))
        except NotConnectedError as exc:
            self._drop(attempt, str(exc))
            job.last_message = str(exc)
            job.not_before = self._pace.monotonic() + FAST_S * 5
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

    def _order(self, job: _Job, attempt: _Attempt) -> types.EntrustResult:
        """真的下单。"""
        user, code = self._user, job.order["stock_code"]
        told = {"strategy_name": _STRATEGY, "remark": attempt.name}
        if attempt.ttype:
            market = user.market_buy if job.buy else user.market_sell
            ttype = pricing.market_name(attempt.ttype)
            return market(code, attempt.volume, ttype, client_order_id=attempt.name, **told)
        limit = user.buy if job.buy else user.sell
        price = attempt.price_li / 1000
        return limit(code, price, attempt.volume, client_order_id=attempt.name, **told)

    def _answered(self, job: _Job, attempt: _Attempt, answer: types.EntrustResult) -> None:
        number = answer["entrust_no"]
        if numbers.is_number(number):
            self._placed(job, attempt, number)
            return
        message = answer.get("message", "") or "柜台当场退回"
        attempt.state = "over"
        self._log.write({"kind": "refused", "client_order_id": attempt.name, "message": message})
        self._say("refused", job, attempt, message=message)
        self._failed(job, f"被退回：{message}")

    def _placed(self, job: _Job, attempt: _Attempt, number: int) -> None:
        attempt.state, attempt.entrust_no = "open", number
        self._changed_at = self._pace.monotonic()
        self._log.write({"kind": "placed", "client_order_id": attempt.name, "entrust_no": number})
        if job.buy and self._cash is not None:
            each_li = attempt.worst_li or attempt.price_li
            attempt.reserved = self._cost(job, each_li, attempt.volume)
            self._cash -= attempt.reserved
        self._say("placed", job, attempt)

    def _refused(self, job: _Job, attempt: _Attempt, exc: RiskRefusedError) -> None:
        """风控不许：满了的等一等，别的不再报。"""
        self._drop(attempt, str(exc))
        job.last_message = str(exc)
        wait_s = _RATES.get(exc.rule)
        if wait_s is None:
            job.why = str(exc)
        else:
            job.not_before = self._pace.monotonic() + wait_s
        self._say("refused", job, attempt, message=str(exc))

    def _drop(self, attempt: _Attempt, message: str) -> None:
        """确实什么都没有发出。"""
        attempt.state = "over"
        self._log.write({"kind": "unsent", "client_order_id": attempt.name, "message": message})

    def _failed(self, job: _Job, message: str) -> None:
        """失败一次；接连几次就不再报。"""
        job.last_message = message
        job.failures += 1
        job.not_before = self._pace.monotonic() + FAILED_S * job.failures
        if job.failures >= MOST_FAILURES:
            job.why = message

    # ---- 钱、数量、行情

    def _available(self) -> Decimal:
        """现在能用来买的，元：柜台说的与自己算的，取小的，再留出缓冲。"""
        told = _yuan(self._user.balance[0]["cash"])
        quiet = self._pace.monotonic() - self._changed_at >= LAG_S
        if self._cash is None or (quiet and not any(job.live for job in self._jobs)):
            self._cash = told
        return min(told, self._cash) - _yuan(self._plan.cash_buffer)

    def _net(self, job: _Job, value: Decimal) -> Decimal:
        """成交额加上（卖的减去）估的费用，元。"""
        fee = Decimal(self._rates(job).total(li_of(value))) / 1000
        return value + fee if job.buy else value - fee

    def _cost(self, job: _Job, each_li: int, volume: int) -> Decimal:
        """买这么多最多占多少钱，元，含费用。"""
        return self._net(job, Decimal(to_fen(each_li * volume)) / 1000)

    def _rates(self, job: _Job) -> FeeRates:
        return self._fees.rates(job.security, job.buy, self._day)

    def _held(self, job: _Job) -> int:
        """做到现在，这只应该有多少。"""
        code = job.order["stock_code"]
        moved = sum(
            each.filled if each.buy else -each.filled
            for each in self._jobs
            if each.order["stock_code"] == code
        )
        return job.order["before"] + moved

    def _due(self, job: _Job, book: Book | None) -> int:
        """到现在一共该发多少；按成交量的没有盘口就先当该发。"""
        slicing = self._settings.slicing
        if slicing is not None and slicing.kind == "pov" and book is None:
            return job.order["volume"]
        traded = 0 if book is None else max(0, book.volume - job.traded)
        begun, now = self._begun - self._midnight, self._pace.now() - self._midnight
        volume = job.order["volume"]
        return slices.due(slicing, volume, begun, now, traded, always=self._always)

    def _offer(self, job: _Job, book: Book) -> Offer | str:
        call = self._phase() is not Phase.CONTINUOUS
        policy = self._settings.policy
        return pricing.offer(policy, job.buy, book, job.security, job.rules, call=call)

    def _books(self, jobs: Iterable[_Job]) -> dict[str, Book]:
        """盘口，一次问完；有一只没有行情，就一只一只问，没有的不在里面。"""
        codes = list(dict.fromkeys(job.order["stock_code"] for job in jobs))
        if not codes:
            return {}
        try:
            found = self._user.quote(codes)
        except QueryFailedError:
            if len(codes) == 1 or self._user.state != "已连接":
                return {}
            found = {}
            for code in codes:
                found.update(self._quote_or_nothing(code))
        return {code: pricing.Book.of(quote) for code, quote in found.items()}

    def _quote_or_nothing(self, code: str) -> dict[str, types.Quote]:
        try:
            return self._user.quote([code])
        except QueryFailedError:
            return {}

    # ---- 时间

    def _allowed_s(self, now: float) -> float:
        """从现在起还能做多少秒。"""
        told = self._settings.deadline
        if told is None:
            return ALWAYS_S if self._always else max(0.0, self._midnight + _CLOSE - now)
        how, seconds = told
        return seconds if how == "for" else max(0.0, self._midnight + seconds - now)

    def _phase(self) -> Phase:
        """此刻是哪个时段；不知道是不是交易日的当作是：该不该今天跑，是叫它的人定的。"""
        if self._always:
            return Phase.CONTINUOUS
        if is_trading_day(self._day, past_end=True) is False:
            return Phase.CLOSED
        return clock_phase(self._pace.now() - self._midnight)

    def _is_over_today(self) -> bool:
        """收盘了：挂着的不会再成交，也撤不了。"""
        return not self._always and self._pace.now() - self._midnight >= _CLOSE + CANCEL_S

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
        job: _Job | None = None,
        attempt: _Attempt | None = None,
        *,
        message: str = "",
        volume: int | None = None,
        price: float | None = None,
    ) -> None:
        """告诉 ``on_step``；它出错不碍事。"""
        listener = self._settings.on_step
        if listener is None:
            return
        told: Progress = {
            "event": event,
            "time": self._pace.now(),
            "plan_id": self._plan.plan_id,
            "done": round(sum(each.order["price"] * each.filled for each in self._jobs), 2),
            "total": round(
                sum(each.order["price"] * each.order["volume"] for each in self._jobs), 2
            ),
            "message": message,
        }
        if job is not None:
            names = ("id", "stock_code", "side", "side_name")
            told.update({name: job.order[name] for name in names})  # type: ignore[literal-required]
        if attempt is not None:
            told["client_order_id"] = attempt.name
            told["volume"] = attempt.volume if volume is None else volume
            told["price"] = attempt.price_li / 1000 if price is None else price
        try:
            listener(told)
        except Exception as exc:  # noqa: BLE001  边界：用户的进度条出错，委托还得照看
            logger.opt(exception=exc).warning("on_step 出错了，接着做")

    def _report(
        self, result: Result, *, dry_run: bool = False, orders: list[FirstOrder] | None = None
    ) -> Report:
        rows = [self._row(job) for job in self._jobs]
        fills = [] if dry_run else self._fills()
        ended = self._pace.now()
        told: list[FirstOrder] = orders or []
        return Report(
            self._plan.plan_id, result, rows, self._begun, ended, fills, [], dry_run, told
        )

    def _row(self, job: _Job) -> ReportRow:
        filled = job.filled
        value = sum((each.value for each in job.attempts), Decimal(0))
        arrival = Decimal(job.arrival_li) / 1000
        lost = (value - arrival * filled) * (1 if job.buy else -1) if filled and arrival else None
        rates = self._rates(job)
        fee = sum(rates.total(li_of(each.value)) for each in job.attempts)
        base = arrival * filled
        order = job.order
        return {
            "id": order["id"],
            "stock_code": order["stock_code"],
            "side": order["side"],
            "side_name": order["side_name"],
            "planned": order["volume"],
            "filled": filled,
            "left": job.left,
            "avg_price": round(float(value / filled), 4) if filled else None,
            "arrival_price": float(arrival) if arrival else None,
            "slippage_bp": None if lost is None else round(float(lost / base) * 10_000, 2),
            "slippage_value": 0.0 if lost is None else round(float(lost), 2),
            "fee": fee / 1000,
            "attempts": len(job.attempts),
            "why": job.why if job.left else "",
        }

    def _fills(self) -> list[Fill]:
        """成交的明细；问不到的，一笔委托当作一次成交。"""
        ours = {each.entrust_no: job for job in self._jobs for each in job.attempts if each.filled}
        if not ours:
            return []
        try:
            trades = [each for each in self._user.today_trades if each["order_id"] in ours]
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
        ]
        return sorted(found, key=lambda fill: fill["time"])

    def _named(self, name: str) -> tuple[_Job, _Attempt]:
        """记录里的一笔。"""
        for job in self._jobs:
            for attempt in reversed(job.attempts):
                if attempt.name == name:
                    return job, attempt
        raise JournalError(f"调仓的记录里，委托 {name} 没有写过要发")


class _Budget:
    """这一轮还有多少钱、还能发几笔。"""

    def __init__(self, cash: Decimal, slots: int) -> None:
        self.cash, self.slots, self.spent = cash, slots, False


def li_of(yuan: Decimal) -> int:
    """元 → 厘。"""
    return int((yuan * 1000).to_integral_value())


def _yuan(value: float) -> Decimal:
    return Decimal(numbers.exact(value))


def _shortfall(job: _Job) -> float:
    return job.left * job.order["price"]


def _job(order: PlanOrder, day: date) -> _Job:
    security = parse_security(order["stock_code"])
    return _Job(order, security, rules_for(security, day))


def _send(job: _Job, attempt: _Attempt) -> runlog.Record:
    return {
        "kind": "send",
        "client_order_id": attempt.name,
        "id": job.order["id"],
        "attempt": attempt.number,
        "stock_code": job.order["stock_code"],
        "side": job.order["side"],
        "volume": attempt.volume,
        "price_li": attempt.price_li,
        "ttype": attempt.ttype,
    }


def _first(job: _Job, attempt: _Attempt) -> FirstOrder:
    return {
        "id": job.order["id"],
        "client_order_id": attempt.name,
        "stock_code": job.order["stock_code"],
        "side": job.order["side"],
        "side_name": job.order["side_name"],
        "volume": attempt.volume,
        "price": attempt.price_li / 1000,
        "ttype": attempt.ttype,
    }


def _always_open(user: Facade) -> bool:
    return bool(getattr(getattr(user, "capabilities", None), "always_open", False))


def _slicing(text: object) -> Slicing | None:
    return slices.parse(text)


def _deadline(value: object) -> tuple[Literal["at", "for"], float] | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            return "at", slices.clock(value)
        except ValueError:
            form = '应为几点（"14:56"）、从现在起的秒数，或 None（到 15:00）'
            raise UsageError("deadline", value, form) from None
    return "for", arguments.seconds("deadline", value)


def _folder(folder: str | os.PathLike[str] | None) -> Path | None:
    if folder is None:
        return None
    from pathlib import Path

    return Path(folder).expanduser()
