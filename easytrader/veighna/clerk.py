"""跑腿的：连接、查资金与持仓、核对结果未知的委托、取名称表。会阻塞的都在它的线程上。"""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.api import use
from easytrader.backend import records
from easytrader.basics.references import hidden
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
)
from easytrader.trader import engine_of
from easytrader.veighna import convert

if TYPE_CHECKING:
    from easytrader import types
    from easytrader.trader import Trader
    from easytrader.veighna.contracts import Contracts
    from easytrader.veighna.desk import Desk
    from easytrader.veighna.settings import Settings

_AGAIN_S: Final = 5.0
"""没有连上，隔几秒再来。"""
_QUIET_S: Final = 0.2
"""账户变了，等这么久再查：一笔委托推好几条。"""
_EVERY_S: Final = 30.0
"""没有动静也隔这么久查一次资金与持仓：客户端里转的账、别处的成交。"""
_ASK_S: Final = (1.0, 2.0, 5.0, 10.0)
"""核对不清楚，隔几秒再问。"""
_NAMES_S: Final = 2.0
_NAMES_TIMES: Final = 60
"""名称表在慢慢填：看到不再变为止，最多看这么多次。"""
_CLOSE_S: Final = 3.0


class Clerk:
    """一次连接。

    Args:
        gateway: VeighNa 的接口。
        settings: 怎样连。
        contracts: 报过的合约。
    """

    def __init__(self, gateway: Any, settings: Settings, contracts: Contracts) -> None:
        self._gateway = gateway
        self._settings = settings
        self._contracts = contracts
        self.desk: Desk | None = None
        """谁听推送；开始之前给。"""
        self.user: Trader | None = None
        """连好了的交易口。"""
        self._opening: Trader | None = None
        self.is_open = False
        """账户、当日的委托都报完了。"""
        self.dead = False
        """不会再连了：设置不对，或关了。"""
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._dirty_at: float | None = None
        self._again_at: float | None = None
        self._lag_s = 0.0
        self._doubts: dict[str, tuple[float, int]] = {}
        self._failed = False
        self._names_left = _NAMES_TIMES
        self._names_at = 0.0
        self._names_count = 0
        self._thread = threading.Thread(
            target=self._run, name=f"easytrader-veighna-clerk-{gateway.gateway_name}", daemon=True
        )

    # ---- 任何线程

    def start(self) -> None:
        """开始连。"""
        self._thread.start()

    def changed(self) -> None:
        """账户多半变了：过一会儿查一次。"""
        now = time.monotonic()
        with self._changed:
            # 查询是缓存的柜台：当时查到的还是旧的，缓存过了再查一次
            self._again_at = now + self._lag_s + _QUIET_S
            if self._dirty_at is None:
                self._dirty_at = now + _QUIET_S
                self._changed.notify()

    def doubtful(self, orderid: str) -> None:
        """核对这一笔，到清楚为止。"""
        with self._changed:
            self._doubts[orderid] = (time.monotonic(), 0)
            self._changed.notify()

    def close(self) -> None:
        """断开，最多几秒。"""
        self._closing.set()
        with self._changed:
            self._changed.notify()
        opening = self._opening
        if opening is not None:
            opening.close()
        if self._thread is not threading.current_thread() and self._thread.ident is not None:
            self._thread.join(_CLOSE_S)

    # ---- 线程

    def _run(self) -> None:
        try:
            if self._connect() and self._first_look():
                self._serve()
        except ClosedError:
            pass
        except Exception:  # noqa: BLE001  边界：接口的线程，说出来
            logger.exception("接口 {} 出错", self._gateway.gateway_name)
            self._log("接口出错，不再查询，详情在日志里")
        finally:
            self.dead = True

    def _connect(self) -> bool:
        """连到连上为止；设置不对的不再连。"""
        told = ""
        while not self._closing.is_set():
            try:
                self._try_connect()
            except (ConnectFailedError, NotConnectedError) as exc:  # noqa: PERF203  隔几秒一次
                self._drop()
                if str(exc) != told:  # 同样的话不说第二遍
                    told = str(exc)
                    self._log(f"连接失败，每隔 {_AGAIN_S:g} 秒再来：{told}")
                self._closing.wait(_AGAIN_S)
            except EasytraderError as exc:
                self._drop()
                if not self._closing.is_set():
                    self._log(f"连接失败，不再连：{exc}")
                return False
            else:
                return not self._closing.is_set()
        return False

    def _try_connect(self) -> None:
        profile = self._settings.profile
        options = profile.account.options(profile.told)
        user = use(profile.broker, guard=profile.guard)
        self._opening = user
        profile.check_options(user)
        assert self.desk is not None
        engine_of(user).tap(self._heard)
        with hidden(*profile.account.secrets_of(options)):
            user.connect(**options)

    def _drop(self) -> None:
        opening, self._opening = self._opening, None
        if opening is not None:
            opening.close()

    def _first_look(self) -> bool:
        """当日的全部；没有应答的再来，全了才算连好。"""
        user, desk = self._opening, self.desk
        assert user is not None
        assert desk is not None
        told = False
        while not self._closing.is_set():
            try:
                assets, held = user.balance, user.position
                orders, trades = user.today_entrusts, user.today_trades
                self._lag_s = engine_of(user).session.cache_lag_s
            except (QueryFailedError, NotConnectedError) as exc:
                if not told:
                    self._log(f"查询失败，再来：{exc}")
                told = True
                self._closing.wait(1.0)
                continue
            self._read_names()
            for security in self._settings.codes:
                self._contracts.ensure(security)
            desk.positions(held)
            self.user = user
            desk.opened(user, orders, trades, partial(self._tell_open, assets))
            return True
        return False

    def _tell_open(self, assets: list[types.Asset]) -> None:
        """都报完了才报资金：等资金来才算登录好的，这时什么都看得到。"""
        user = self.user
        assert user is not None
        self.is_open = True
        for row in assets:
            self._gateway.on_account(convert.account(row, self._gateway.gateway_name))
        self._log(f"连接成功：{user.capabilities.name}，资金账号 {user.status['account_id']}")

    def _serve(self) -> None:
        period = time.monotonic() + _EVERY_S
        while not self._closing.is_set():
            self._wait(period)
            if self._closing.is_set():
                return
            now = time.monotonic()
            if now >= min(self._look_times(period)):
                self.look()
                period = time.monotonic() + _EVERY_S
            for orderid in [each for each, (at, _) in self._doubts.copy().items() if at <= now]:
                self._ask(orderid)
            if self._names_left and now >= self._names_at:
                self._read_names()

    def _wait(self, period: float) -> None:
        with self._changed:
            times = [*self._look_times(period), *(at for at, _ in self._doubts.values())]
            if self._names_left:
                times.append(self._names_at)
            left_s = min(times) - time.monotonic()
            if left_s > 0 and not self._closing.is_set():
                self._changed.wait(left_s)

    def _look_times(self, period: float) -> list[float]:
        """什么时候要查：定时的，变了的，缓存过了的。"""
        return [at for at in (period, self._dirty_at, self._again_at) if at is not None]

    def look(self) -> None:
        """查一次资金与持仓。"""
        user, desk = self.user, self.desk
        assert user is not None
        assert desk is not None
        with self._changed:
            self._dirty_at = None
            if self._again_at is not None and self._again_at <= time.monotonic():
                self._again_at = None
        try:
            assets, held = user.balance, user.position
        except (QueryFailedError, NotConnectedError) as exc:
            if not self._failed:
                self._log(f"资金、持仓没有查到，过后再查：{exc}")
            self._failed = True
            return
        self._failed = False
        for row in assets:
            self._gateway.on_account(convert.account(row, self._gateway.gateway_name))
        desk.positions(held)

    def _ask(self, orderid: str) -> None:
        """柜台收到了没有。"""
        user, desk = self.user, self.desk
        assert user is not None
        assert desk is not None
        _, times = self._doubts.pop(orderid)
        try:
            row = user.find_entrust(orderid)
        except (QueryFailedError, NotConnectedError) as exc:
            logger.debug("委托 {} 还没有核对清楚：{}", orderid, exc)
            pause_s = _ASK_S[min(times, len(_ASK_S) - 1)]
            with self._changed:
                self._doubts[orderid] = (time.monotonic() + pause_s, times + 1)
        except EasytraderError as exc:
            self._log(f"委托 {orderid} 核对不了，请到客户端里看：{exc}")
        else:
            desk.settled(orderid, row)

    def _read_names(self) -> None:
        """名称表：马上给出已经有的，真的客户端在后台慢慢填。"""
        user = self._opening
        assert user is not None
        self._names_left -= 1
        self._names_at = time.monotonic() + _NAMES_S
        try:
            names: dict[str, str] = getattr(engine_of(user).session, "names", dict)()
        except NotConnectedError:
            return
        self._contracts.know(names)
        if names and len(names) == self._names_count:
            self._names_left = 0  # 不再变了
        self._names_count = len(names)
        if self._settings.every_code and self.user is not None:  # 先报账户，再报几千个合约
            self._contracts.ensure_all()

    def _heard(self, event: records.PushEvent) -> None:
        """在分发线程上。"""
        desk = self.desk
        assert desk is not None
        desk.heard(event)
        if self.user is None:
            return  # 第一次连接的话，连好了再说
        if isinstance(event, records.Disconnected):
            self._log("连接断开，正在自动重连；这期间的委托不发，直接拒绝")
        elif isinstance(event, records.Connected):
            self._log("连接已恢复")
            self.changed()
        elif isinstance(event, records.GaveUp):
            self._log(f"不再重连：{event.error}")

    def _log(self, text: str) -> None:
        self._gateway.write_log(text)
