"""这一轮发哪几笔、各报什么价、发多少：先卖后买，钱够才买，到现在该发多少就发多少。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from easytrader.basics import pace
from easytrader.errors import QueryFailedError
from easytrader.market.rules.phases import Phase
from easytrader.rebalance import pricing, slices
from easytrader.rebalance.progress import Attempt

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from easytrader import types
    from easytrader.rebalance.hours import Hours
    from easytrader.rebalance.model import Facade
    from easytrader.rebalance.pricing import Book, Offer, Policy
    from easytrader.rebalance.progress import Job
    from easytrader.rebalance.purse import Purse
    from easytrader.rebalance.slices import Slicing

MOST_ATTEMPTS: Final = 200
"""一笔最多报这么多次。"""
DRY_S: Final = 10.0
"""什么都不在路上，钱还不够买，过这么久就算了：柜台的查询可能是几秒前的。"""
_SHORT: Final = "资金不足"


class Chooser:
    """见模块说明。只看，不发。

    Args:
        user: 交易口：问行情。
        jobs: 计划里的每一笔。
        purse: 钱。
        hours: 时段。
        policy: 怎样报价。
        slicing: 怎样分片。
        prefix: ``client_order_id`` 的前一半。
    """

    def __init__(
        self,
        user: Facade,
        jobs: Sequence[Job],
        purse: Purse,
        hours: Hours,
        policy: Policy,
        slicing: Slicing | None,
        prefix: str,
    ) -> None:
        self._user, self._jobs, self._purse, self._hours = user, jobs, purse, hours
        self._policy, self._slicing, self._prefix = policy, slicing, prefix
        self._pace = pace.current()
        self._dry_at: float | None = None
        self.begun = self._pace.now()
        """什么时候开始执行的，Unix 秒。"""

    def wanted(self) -> list[Job]:
        """现在可以再报的，卖的在前，买的从差得最多的开始。"""
        now = self._pace.monotonic()
        found = [
            job
            for job in self._jobs
            if job.live is None and not job.closed and now >= job.not_before and self._is_due(job)
        ]
        sells = [job for job in found if not job.buy]
        buys = [job for job in found if job.buy]
        return sells + sorted(buys, key=_shortfall, reverse=True)

    def choose(self, cash: Decimal, slots: int) -> list[tuple[Job, Attempt]]:
        """发哪几笔。

        Args:
            cash: 能用来买的，元。
            slots: 最多几笔。
        """
        wanted = self.wanted()
        near = wanted[: 4 * slots + 20]  # 一次问不完全市场，前面的发不了才轮到后面
        books = self.books(near)
        found: list[tuple[Job, Attempt]] = []
        for job in near:
            if len(found) >= slots:
                job.hold = "等前面的"
                continue
            book = books.get(job.code)
            if book is None:
                job.hold = "没有行情"
                continue
            attempt = self._attempt(
                job, book, cash, is_first=not any(each.buy for each, _ in found)
            )
            if attempt is not None:
                found.append((job, attempt))
                if job.buy:
                    cash -= self._purse.cost(job, attempt.worst_li, attempt.volume)
        self._note_dry(wanted, sent=bool(found))
        return found

    def offer(self, job: Job, book: Book) -> Offer | str:
        """此刻报什么价，见 `pricing.offer`。"""
        return self._offer(self._policy, job, book)

    def _offer(self, policy: Policy, job: Job, book: Book) -> Offer | str:
        call = self._hours.phase() is not Phase.CONTINUOUS
        return pricing.offer(policy, job.buy, book, job.security, job.rules, call=call)

    def held(self, job: Job) -> int:
        """做到现在，这只应该有多少。"""
        moved = sum(
            each.filled if each.buy else -each.filled
            for each in self._jobs
            if each.code == job.code
        )
        return job.order["before"] + moved

    def books(self, jobs: Iterable[Job]) -> dict[str, Book]:
        """盘口，一次问完；有一只没有行情，就一只一只问，没有的不在里面。

        Raises:
            NotConnectedError: 没有可用会话。
        """
        codes = list(dict.fromkeys(job.code for job in jobs))
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

    # ---- 一笔

    def _attempt(self, job: Job, book: Book, cash: Decimal, *, is_first: bool) -> Attempt | None:
        """现在报什么；报不了的写下为什么。"""
        if len(job.attempts) >= MOST_ATTEMPTS:
            job.why = f"报了 {MOST_ATTEMPTS} 次还没有成交完"
            return None
        offer = self.offer(job, book)
        if isinstance(offer, str):
            job.hold = offer
            return None
        if not job.arrival_li and not job.traded:
            job.traded = book.volume  # 开始的时候没有行情：从现在数起
        volume = self._volume(job, book, offer)
        if job.buy and offer.ttype and self._purse.cost(job, offer.worst_li, volume) > cash:
            limit = self._offer(self._policy._replace(ttype=""), job, book)
            offer = offer if isinstance(limit, str) else limit  # 市价要按涨停价冻结，钱不够就限价
            volume = self._volume(job, book, offer)
        if volume and job.buy:
            volume = self._affordable(job, offer, volume, cash, is_first=is_first)
        if not volume:
            return None
        job.hold = ""
        number = len(job.attempts) + 1
        name = f"{self._prefix}-{job.order['id']}-{number}"
        attempt = Attempt(name, number, volume, offer.price_li, offer.ttype)
        attempt.worst_li = offer.worst_li
        return attempt

    def _volume(self, job: Job, book: Book, offer: Offer) -> int:
        """发多少：到现在该发的，整手，不超过一笔的上限。"""
        held = self.held(job)
        if slices.stuck(job.buy, job.left, job.lot, held):
            job.why = f"剩下的 {job.left} 是发不出去的零头"
            return 0
        wanted = self._due(job, book.volume) - job.filled
        if job.rules is not None:
            wanted = min(wanted, job.rules.size.market if offer.ttype else job.rules.size.limit)
        volume = slices.orderable(job.buy, wanted, job.left, job.lot, held)
        if not volume:
            job.hold = "等下一片"
        return volume

    def _affordable(
        self, job: Job, offer: Offer, volume: int, cash: Decimal, *, is_first: bool
    ) -> int:
        """钱够买多少：还有钱会来就等够了再买，不会再来的够多少买多少。"""
        if self._purse.cost(job, offer.worst_li, volume) <= cash:
            return volume
        others = [each for each in self._jobs if each is not job]
        if any(not each.buy and not each.closed for each in others):
            job.hold = "等卖出的钱"
            return 0
        if not is_first or any(each.live is not None for each in others):
            job.hold = "等前面的买完，看还剩多少钱"
            return 0
        found = self._purse.most(job, offer.worst_li, volume, cash, self.held(job))
        if not found:
            job.hold = _SHORT
        return found

    def _note_dry(self, wanted: list[Job], *, sent: bool) -> None:
        """什么都不在路上，钱还是不够：等一会儿就算了。"""
        short = [job for job in wanted if job.hold == _SHORT]
        if not short or sent or any(job.live for job in self._jobs):
            self._dry_at = None
            return
        now = self._pace.monotonic()
        self._dry_at = now if self._dry_at is None else self._dry_at
        if now - self._dry_at >= DRY_S:
            for job in short:
                job.why = _SHORT

    def _is_due(self, job: Job) -> bool:
        """到了该发的时候；按成交量的要看了行情才知道。"""
        if self._slicing is not None and self._slicing.kind == "pov":
            return True
        return self._due(job, job.traded) > job.filled

    def _due(self, job: Job, traded: int) -> int:
        """到现在一共该发多少；``traded``：市场今天成交了多少。"""
        begun, now = self._hours.clock(self.begun), self._hours.clock(self._pace.now())
        passed = max(0, traded - job.traded)
        volume = job.order["volume"]
        return slices.due(self._slicing, volume, begun, now, passed, always=self._hours.always)


def _shortfall(job: Job) -> float:
    return job.left * job.order["price"]
