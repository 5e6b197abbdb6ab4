"""租约：哪些账号归这台机器管，最近一次续上是什么时候。

钟只用 `basics.boot_clock`，从**问出去**的那一刻算起：应答在路上、进程停着的时候都算过去了。
存储 ``FENCE_S`` 秒没有续上，自己先不发了，比租约到期（``TTL_S``）早。
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
import traceback
from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from loguru import logger

from easytrader.basics import boot_clock, waits
from easytrader.basics.claims import Claim, TakenError, note_of
from easytrader.basics.private import private_folder
from easytrader.errors import NotConnectedError, UsageError
from easytrader.fleets.words import (
    FENCE_S,
    RENEW_S,
    FencedError,
    Held,
    Lease,
    StoreDownError,
    StoreUnknownError,
)
from easytrader.miniqmt.session_ids import usable_root

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from easytrader.fleets.store import Store
    from easytrader.fleets.words import Beat, Greeting

ANSWER_S: Final = 1.5
"""一次续租、一次接管最多等存储这么久。"""
_ROUND_S: Final = 1.0
"""一轮里接管还没有拿着的账号，最多花这么久：续租不能等它。"""
_AGAIN_S: Final = 0.5
"""存储没有应答，隔这么久再来。"""
_GREET_S: Final = 3.0
_LEAST_S: Final = 0.2
_SAME_BOOT_S: Final = 60.0
_NOTHING: Final = "什么都没有发出"
_GONE: Final = (StoreDownError, StoreUnknownError)


class Want(NamedTuple):
    """要管的一个账号。

    Attributes:
        account: 在队里的名字。
        broker: 后端，给人看。
    """

    account: str
    broker: str


class Tenure(NamedTuple):
    """拿着的一个账号。

    Attributes:
        lease: 租约。
        since: 什么时候接的（开机时钟，下同）。
        renewed: 最近一次续上的，是什么时候问的。
    """

    lease: Lease
    since: float
    renewed: float


class _Past(NamedTuple):
    """这台机器上的上一任，记在锁的便条上。

    Attributes:
        owner: `Lease.owner`；没有为空，下同。
        timeline: 它接管时存储的时间线。
        last_no: 那时最近一条事件的编号。
        boot: 那是哪一次开机。
        booted: 那一次是几时开的机（墙上的钟，Unix 秒）：``boot`` 说不出来的系统看它。
    """

    owner: str = ""
    timeline: str = ""
    last_no: int = 0
    boot: str = ""
    booted: float = 0.0

    @property
    def gone(self) -> str:
        """肯定不在了的那个主人；说不准为空。

        便条会跟着磁盘的克隆、备份走：不是这一次开机写的，说的也许是另一台还活着的机器。
        重新开过机的多等一次租约到期，开机本来就比它久。
        """
        name = boot_clock.boot_name()
        same = self.boot == name and (name or abs(self.booted - _booted()) < _SAME_BOOT_S)
        return self.owner if same else ""


class Hooks(NamedTuple):
    """有了变化时叫谁，都在看租约的线程上，不得阻塞。

    Attributes:
        greeted: 第一次连上存储；不许用的抛 `UsageError`。
        suits: (账号, 上一任写的 ``hello``) 这台机器上的是不是同一个资金账号；不是的话为什么。
        gained: 接了一个账号（刚启动、换了任）：(租约, 之前在哪台机器，没有等过为空,
            存储的时间线换过：它可能不记得最近的)。
        lost: 一个账号不归我们了。
        beat: 续上了：(应答, 问之前的墙上时间, 之后的)。
    """

    greeted: Callable[[Greeting], None]
    suits: Callable[[str, str], str]
    gained: Callable[[Lease, str, bool], None]
    lost: Callable[[str], None]
    beat: Callable[[Beat, float, float], None]


class Keeper:
    """见模块说明。

    Args:
        store: 存储。
        box: 这台机器的名字。
        owner: 我，每次启动不同。
        groups: 账号在哪几组。
        takeover: ``auto`` 或 ``manual``。
        address: 自己的网址，停单用。
        hooks: 有了变化时叫谁。
    """

    def __init__(
        self,
        store: Store,
        *,
        box: str,
        owner: str,
        groups: tuple[str, ...],
        takeover: str,
        address: str,
        hooks: Hooks,
    ) -> None:
        self._store = store
        self._box = box
        self._owner = owner
        self._groups = groups
        self._takeover = takeover
        self._address = address
        self._hooks = hooks
        self._wants: deque[Want] = deque()
        # 账号 → (锁, 这台机器上的上一任)
        self._locks: dict[str, tuple[Claim, _Past]] = {}
        self._lock = threading.Lock()  # 只管下面这两样
        self._tenures: dict[str, Tenure] = {}
        self._again: set[str] = set()
        # 账号 → 上次为什么没有拿到：变了才说
        self._told: dict[str, str] = {}
        # 账号 → 等着的时候，它在哪台机器
        self._elsewhere: dict[str, str] = {}
        self._silent = ""
        self._greeting: Greeting | None = None
        self._bell = waits.Bell()
        self._closing = threading.Event()
        self._thread = threading.Thread(
            target=self._run, name="easytrader-agent-keeper", daemon=True
        )

    # ---- 任何线程

    @property
    def leases(self) -> dict[str, Lease]:
        """拿着的：账号 → 租约。"""
        return {account: each.lease for account, each in self._tenures.items()}

    @property
    def greeting(self) -> Greeting | None:
        """存储说的；还没有连上过为 None。"""
        return self._greeting

    @property
    def silent(self) -> str:
        """存储为什么没有应答；好好的为空。"""
        return self._silent

    def fresh(self) -> list[Lease]:
        """此刻可以去领命令的：最近续上过。"""
        now = boot_clock.now()
        with self._lock:
            return [
                each.lease
                for account, each in self._tenures.items()
                if now - each.renewed <= FENCE_S and account not in self._again
            ]

    def check(self, account: str, epoch: int) -> None:
        """还是这一任的、最近续上过。

        Raises:
            NotConnectedError: 不是；什么都没有发出。
        """
        tenure = self._tenures.get(account)
        if tenure is None or tenure.lease.epoch != epoch:
            raise NotConnectedError(f"账号 {account} 换了主人，{_NOTHING}")
        age_s = boot_clock.now() - tenure.renewed
        if age_s > FENCE_S:
            raise NotConnectedError(
                f"存储 {age_s:.3g} 秒没有应答，这台机器先不发单了，{_NOTHING}；撤单照常"
            )

    def start(self, wants: Mapping[str, str]) -> None:
        """开始：账号 → 后端。

        Raises:
            UsageError: 存储不让用（表没有建、版本差得多、没有身份），或名字在队里是另一个资金账号。
        """
        for account, broker in wants.items():
            self.want(account, broker)
        try:
            self._greet()
            for each in wants:
                if why := self._unsuited(each):
                    raise UsageError("name", each, why)
        except _GONE as exc:
            self._note_silence(exc)
        self._thread.start()

    def want(self, account: str, broker: str) -> None:
        """多管一个账号。"""
        self._wants.append(Want(account, broker))
        self._bell.ring()

    def retake(self) -> None:
        """有一次领命令没有听到回答：都换一任，没有领到手的归新的一任核对。"""
        with self._lock:
            self._again.update(self._tenures)
        self._bell.ring()

    def drop(self, account: str) -> None:
        """存储说这个账号不是我们的了。"""
        with self._lock:
            gone = self._tenures.pop(account, None)
            self._again.discard(account)
        if gone is not None:
            logger.warning("账号 {} 换了主人：不再领它的命令", account)
            self._hooks.lost(account)

    def close(self, limit_s: float) -> None:
        """不再续，放手；最多 ``limit_s`` 秒。"""
        self._closing.set()
        self._bell.ring()
        deadline = time.monotonic() + limit_s
        waits.join(self._thread, limit_s)
        with self._lock:  # 先清：还在道上的，从这时起不许再发
            leases = [each.lease for each in self._tenures.values()]
            self._tenures.clear()
        if leases:
            try:
                self._store.release(leases, max(deadline, time.monotonic() + _LEAST_S))
            except _GONE as exc:
                logger.warning("没有放开租约（{}）：别人要等它过期", exc)
        for claim, _ in self._locks.values():
            claim.release()
        self._locks.clear()

    # ---- 看租约的线程

    def _run(self) -> None:
        while not self._closing.is_set():
            self._bell.wait(self._step())

    def _step(self) -> float:
        """一轮；返回多久之后再来。"""
        began = time.monotonic()
        try:
            if self._greeting is None:
                self._greet()
            self._renew()
            self._take()
        except (*_GONE, FencedError) as exc:
            self._note_silence(exc)
            return _AGAIN_S
        except UsageError as exc:
            self._note_silence(exc)
            return RENEW_S
        except Exception as exc:  # noqa: BLE001  边界：存储抛什么，续租的线程都不能少
            logger.error(
                "续租出了意外的错：{!r}\n{}", exc, "".join(traceback.format_tb(exc.__traceback__))
            )
            return _AGAIN_S
        if self._silent:
            self._silent = ""
            logger.info("存储又有应答了：{}", self._store.where)
        return max(0.05, began + RENEW_S - time.monotonic())

    def _greet(self) -> None:
        greeting = self._store.greet(time.monotonic() + _GREET_S)
        self._hooks.greeted(greeting)
        self._greeting = greeting

    def _note_silence(self, exc: Exception) -> None:
        told = str(exc) or type(exc).__name__
        if not self._silent:
            logger.warning("{} 没有应答（{}）：不领新的命令，一直等它", self._store.where, told)
        self._silent = told

    def _renew(self) -> None:
        leases = list(self.leases.values())
        if not leases:
            return
        asked, before = boot_clock.now(), time.time()
        beat = self._store.renew(leases, time.monotonic() + ANSWER_S)
        after = time.time()
        for lease in leases:
            if lease.account not in beat.kept:
                self.drop(lease.account)
            elif beat.timeline != lease.timeline:
                logger.warning("存储换了时间线（切换或恢复过）：账号 {} 从头核对", lease.account)
                with self._lock:
                    self._again.add(lease.account)
        with self._lock:
            for lease in leases:
                tenure = self._tenures.get(lease.account)
                if tenure is not None and tenure.lease is lease:
                    self._tenures[lease.account] = tenure._replace(renewed=asked)
        self._hooks.beat(beat, before, after)

    def _take(self) -> None:
        """没有拿着的、要换一任的，接过来；一轮没有轮到的下一轮再来。"""
        deadline = time.monotonic() + _ROUND_S
        for _ in range(len(self._wants)):
            want = self._wants[0]
            self._wants.rotate(-1)
            if want.account not in self._tenures or want.account in self._again:
                self._take_one(want)
            if time.monotonic() >= deadline or self._closing.is_set():
                return

    def _take_one(self, want: Want) -> None:
        account = want.account
        if not self._locked(account):
            return
        claim, past = self._locks[account]
        if account not in self._tenures and (why := self._unsuited(account)):
            self._tell(account, why, wrong=True)
            return
        asked = boot_clock.now()
        try:
            found = self._store.acquire(
                account,
                owner=self._owner,
                box=self._box,
                broker=want.broker,
                groups=self._groups,
                takeover=self._takeover,
                previous=past.gone,
                address=self._address,
                deadline=time.monotonic() + ANSWER_S,
            )
        except UsageError as exc:
            self._tell(account, str(exc), wrong=True)
            return
        if isinstance(found, Held):
            self.drop(account)
            self._elsewhere[account] = found.box
            self._tell(account, f"在 {found.box or '别处'}：{found.why}")
            return
        boot = boot_clock.boot_name()
        now = _Past(self._owner, found.timeline, found.last_no, boot, _booted())
        try:
            claim.write(_note(now))
        except OSError as exc:  # 盘满了：账号已经是自己的，只是下次启动要等租约到期
            logger.warning("账号 {} 的便条写不了：{}", account, exc)
        self._locks[account] = claim, now
        with self._lock:
            self._again.discard(account)
            self._tenures[account] = Tenure(found, asked, asked)
        self._told.pop(account, None)
        logger.info("账号 {} 归这台机器（{}）管，第 {} 任", account, self._box, found.epoch)
        moved = past.timeline not in ("", found.timeline) or found.last_no < past.last_no
        self._hooks.gained(found, self._elsewhere.pop(account, ""), moved)

    def _unsuited(self, account: str) -> str:
        """队里的这个名字是另一个资金账号：说是哪个；是同一个、还没有过的为空。"""
        rows = self._store.accounts(time.monotonic() + ANSWER_S, [account])
        return self._hooks.suits(account, rows[0].hello) if rows else ""

    def _locked(self, account: str) -> bool:
        """这台机器上（同一个名字），一个账号只有一个代理。"""
        if account in self._locks:
            return True
        greeting = self._greeting
        assert greeting is not None
        told = "\0".join((greeting.identity, self._box, account))
        digest = hashlib.blake2b(told.encode(), digest_size=8).hexdigest()
        lock = private_folder(usable_root()[0]) / f"fleet-{digest}.lock"
        past = _past_in(note_of(lock))  # 占住之前看：占住就换了便条
        try:
            self._locks[account] = Claim(lock, _note(past), shared=True), past
        except TakenError as exc:
            self._tell(account, f"这台机器上的另一个代理（进程 {exc.note.get('pid', '?')}）管着")
            return False
        except OSError as exc:
            self._tell(account, f"锁文件 {lock} 写不了：{exc}")
            return False
        return True

    def _tell(self, account: str, why: str, *, wrong: bool = False) -> None:
        """没有拿到，为什么；``wrong``：等也没有用，要人来改。"""
        if self._told.get(account) != why:
            self._told[account] = why
            level = "ERROR" if wrong else "INFO"
            logger.log(level, "账号 {} 还不归这台机器管：{}；一直等着", account, why)


def _booted() -> float:
    """这台机器几时开的机；墙上的钟拨过就不一样了，那也只是多等一次。"""
    return time.time() - boot_clock.now()


def _note(past: _Past) -> dict[str, object]:
    return {"pid": os.getpid(), "since": time.time(), **past._asdict()}


def _past_in(note: Path) -> _Past:
    """便条上的上一任；没有、读不懂的都空着。"""
    try:
        found = json.loads(note.read_text(encoding="utf-8"))
        return _Past(
            str(found["owner"]), str(found["timeline"]), int(found["last_no"]),
            str(found["boot"]), float(found["booted"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return _Past()
