"""一个要给出去的账号：造好交易口，占住账号，在后台一直连到连上。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

from easytrader.basics import waits
from easytrader.basics.claims import Claim, TakenError
from easytrader.basics.log import Log, masked
from easytrader.basics.paths import AccountKey
from easytrader.basics.references import hidden
from easytrader.errors import (
    ClosedError,
    EasytraderError,
    MissingDependencyError,
    UsageError,
)
from easytrader.profiles.account import waits_itself
from easytrader.profiles.tomlfile import within
from easytrader.server.claims import claim_account
from easytrader.trader import engine_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.profiles import AccountSpec

_AGAIN_S: Final = 10.0
"""连接一声不吭地抛了异常，隔这么久再来。"""
_KEY_S: Final = 30.0
"""最多等这么久，看它连的是谁。"""
_LOOK_S: Final = 0.02
_HOPELESS: Final = (UsageError, MissingDependencyError, TakenError)
"""再等也连不上的。"""


class Account:
    """一个账号，从造好到关闭。

    Args:
        spec: 设置里的那一段。
        debug: 是否记 DEBUG 日志。

    Raises:
        UsageError: 没有这个后端。
        MissingDependencyError: 后端装得不全。
    """

    def __init__(self, spec: AccountSpec, *, debug: bool = False) -> None:
        self.spec = spec
        self.trader = spec.make(debug=debug)
        self.failure: EasytraderError | None = None
        """最近一次没有连上而不再等的原因；连上为 None。"""
        self._log = Log(debug)
        self._claim: Claim | None = None
        self._claimed_key = AccountKey("", "")
        self._started = False
        self._closing = threading.Event()
        self._claimed = threading.Event()
        self._came_back = threading.Event()
        engine_of(self.trader).claim(self._take)
        self._thread = threading.Thread(
            target=self._connect, name="easytrader-serve-connect", daemon=True
        )

    @property
    def key(self) -> AccountKey:
        """连的是谁；还没有开始连的两项都空。"""
        return self._claimed_key

    @property
    def account_id(self) -> str:
        """资金账号。"""
        return self.key.account_id

    @property
    def name(self) -> str:
        """在服务器上的名字：设置里写的，没有写就是资金账号。"""
        return self.spec.name or self.account_id

    def start(self, stop: Callable[[], bool]) -> None:
        """开始连，占住账号；连上没有不等。``stop`` 为真就不等了。

        Raises:
            UsageError: 连接的选项不对。
            MissingDependencyError: 后端装得不全。
            TakenError: 别的服务器占着这个账号。
        """
        self._thread.start()

        def known(seconds: float) -> bool:
            self._came_back.wait(seconds)
            return self._claimed.is_set() or self._came_back.is_set()

        waits.sliced(known, _KEY_S, stop=stop, slice_s=_LOOK_S)
        if isinstance(self.failure, _HOPELESS):
            raise self.failure
        if not self._claimed.is_set():
            if stop():
                raise ClosedError("还没有启动完，就被叫停了")
            raise EasytraderError(
                f"后端 {self.spec.broker} 过了 {_KEY_S:g} 秒还没有说连的是哪个账号"
            )
        self._started = True

    def await_attempt(self, deadline: float, stop: Callable[[], bool]) -> None:
        """等第一次连接有个结果（成、不成都算），最晚到 ``deadline``。"""

        def tried(seconds: float) -> bool:
            self._came_back.wait(seconds)
            return self._came_back.is_set() or bool(self.trader.status["last_error"])

        waits.sliced(tried, max(0.0, deadline - time.monotonic()), stop=stop, slice_s=_LOOK_S)

    def close(self) -> None:
        """断开，放开账号；可重复调用，最多几秒。"""
        self._closing.set()
        self.trader.close()
        waits.join(self._thread, _AGAIN_S)
        if self._claim is not None:
            self._claim.release()

    def describe(self) -> str:
        """给人看的一行。"""
        error = self.trader.status["last_error"] if self.trader.state != "已连接" else ""
        why = f"（{error.splitlines()[0]}）" if error else ""
        shown = masked(self.account_id)
        name = self.name if self.spec.name is not None else shown
        return f"{name}：{self.spec.broker} {shown}，{self.trader.state}{why}"

    def _connect(self) -> None:
        """一直连到连上、被关掉，或知道怎么等也连不上。"""
        while not self._closing.is_set():
            self.failure = _failure_of(self._connect_once, self.spec.broker)
            self._came_back.set()
            if self.failure is None or isinstance(self.failure, ClosedError):
                return
            if isinstance(self.failure, _HOPELESS):
                if self._started:  # 还在启动的，`start` 会抛给用户看
                    self._log.error("账号连不上，不再试：{}", self.failure)
                return
            self._log.warning("账号没有连上，{:g} 秒后再试：{}", _AGAIN_S, self.failure)
            self._closing.wait(_AGAIN_S)

    def _take(self, key: AccountKey) -> None:
        """就要连 ``key`` 了：占住它，放开上一个。"""
        if key == self._claimed_key:
            return
        claim, before = claim_account(key), self._claim
        self._claim, self._claimed_key = claim, key
        if before is not None:
            before.release()
        self._claimed.set()

    def _connect_once(self) -> None:
        """密码每次现取；后端会自己等的，让它等。"""
        where = f"账号 {self.spec.name or self.spec.broker}"
        options = self.spec.options(where)
        fetched = self.spec.secrets_of(options)
        if waits_itself(self.trader):
            options["wait"] = True
        with hidden(*fetched), within(where):
            self.trader.connect(**options)


def _failure_of(connect: Callable[[], None], broker: str) -> EasytraderError | None:
    """连一次；没连上的原因。"""
    try:
        connect()
    except EasytraderError as exc:
        return exc
    except Exception as exc:  # noqa: BLE001  边界：别的包的后端抛什么都可能，不能带走整个服务器
        return EasytraderError(f"后端 {broker} 的 connect() 出错：{type(exc).__name__}: {exc}")
    return None
