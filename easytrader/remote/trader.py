"""`RemoteTrader`：账号在别的机器上的交易口；记录、风控、对账都在那里，这里只有接线。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

from easytrader import arguments
from easytrader.backend.capabilities import Capabilities
from easytrader.basics.paths import AccountKey
from easytrader.errors import (
    ClosedError,
    ConnectFailedError,
    EasytraderError,
    NotConnectedError,
    QueryFailedError,
    RiskRefusedError,
    UsageError,
)
from easytrader.records.memory import MemoryStorage
from easytrader.remote.address import Address, fingerprints, token_of
from easytrader.remote.calls import Calls
from easytrader.remote.door import Door, no_such
from easytrader.remote.groups import Server, group_type, mirrored
from easytrader.remote.reach import Place, Reach
from easytrader.remote.session import RemoteConnector
from easytrader.trader import Trader, seconds_to_wait
from easytrader.wire import verbs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.link.engine import Engine
    from easytrader.miniqmt import groups
    from easytrader.risk import Guard
    from easytrader.types import Status
    from easytrader.wire.words import Hello

_BEFORE: Final = Capabilities("easytrader serve", journal=False)
"""还没有连上的时候。"""

_NOT_GUARDS: Final = ("token_", "stop_switch")

_NO_COUNTS: Final[dict[str, Any]] = {
    "orders_this_minute": 0,
    "sent_this_second": None,
    "sent_today": None,
    "day": None,
    "second_used": None,
    "day_used": None,
    "meter_file": "",
    "meter_error": "笔数由服务器数，见 user.server.status()",
}


class _Served:
    """服务器那边的样子，与送过去的风控；连接的线程拿着它，不拿交易口。"""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.hello: Hello | None = None
        self.guard: Guard | None = None
        self.refused = 0
        """风控拒绝过几笔。"""
        self.last_refusal = ""
        self.places: dict[AccountKey, Place] = {}

    def heard(self, hello: Hello) -> None:
        """服务器的第一句话：后端的本事。"""
        self.hello = hello
        told = hello["backend"]
        self._engine.capabilities = Capabilities(
            f"{told.get('name', '柜台')}（远程）",
            tag_in=told.get("tag_in", "remark"),
            id_type=str if told.get("id_type") == "str" else int,
            kinds=frozenset(told.get("kinds", ("limit", "market"))),
            markets=frozenset(told.get("markets", ())),
            journal=False,
            always_open=bool(told.get("always_open", False)),
        )

    def limits(self) -> dict[str, Any] | None:
        """送给服务器的规则。开关文件在这台机器上，由这边看；代码照用户写的送。"""
        if self.guard is None:
            return None
        found = self.guard.limits()
        found.pop("kill_switch", None)
        if "block" in found:
            found["block"] = [getattr(each, "written", each) for each in self.guard.block]
        return found

    def check_switch(self) -> None:
        """开关文件。

        Raises:
            RiskRefusedError: 停止交易。
        """
        if why := self.switch_says():
            told = f"风控拒绝（kill_switch）：{why}；什么都没有发出"
            raise RiskRefusedError(told, rule="kill_switch")

    def note(self, error: EasytraderError) -> None:
        """风控拒绝的数一笔；令牌的、停单开关的不是这道风控。"""
        if isinstance(error, RiskRefusedError) and not error.rule.startswith(_NOT_GUARDS):
            self.refused += 1
            self.last_refusal = str(error)

    def switch_says(self) -> str:
        """开关文件为什么算开着；没有开为空。"""
        guard = self.guard
        if guard is None or guard.kill_switch is None:
            return ""
        from easytrader.risk import Guard
        from easytrader.risk.rules import Rules

        return Rules(Guard(kill_switch=guard.kill_switch)).switch_says()


class RemoteTrader(Trader):
    """账号在别的机器上：``easytrader.use("remote")``。

    那台机器上跑着 ``easytrader serve``。动词、参数、返回、异常、事件都与在那台机器上用的一样；
    委托记录、风控与程序化交易的计数在那里。断了线自动重连，断线期间的事补来。

    下单没有给 ``client_order_id`` 的，自动带一个；应答丢了的，在期限之内重新连上去问它成了没有，
    绝不再发一次：成了的照常返回，服务器没有收到的抛 `NotConnectedError`，
    问不到的才抛 `OutcomeUnknownError`。

    Args:
        debug: 是否记 DEBUG 日志。
    """

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug, storage_of=lambda _: MemoryStorage("远程"))
        self._served = _Served(self._engine)
        self._calls = Calls(self._engine, self._log)
        self._calls.before_order = self._served.check_switch
        self._calls.on_error = self._served.note

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # 连上才知道
        """后端的本事：连上之前是 A 股柜台的样子。"""
        engine: Engine | None = self.__dict__.get("_engine")
        return _BEFORE if engine is None else engine.capabilities

    def connect(
        self,
        address: str,
        trader_callback: Any = None,
        reconnect_enabled: bool = True,
        reconnect_interval: float = 5,
        max_reconnect_attempts: int = 0,
        *,
        token: str | None = None,
        account: str | None = None,
        fingerprint: str | Iterable[str] | None = None,
        timeout: float = 10,
        wait: bool | float = False,
        heartbeat_interval: float = 30,
        on_health: Callable[[Status], None] | None = None,
        on_give_up: Callable[[Exception], None] | None = None,
    ) -> None:
        """连接服务器上的一个账号。已经连着时先断开旧的再连。

        Args:
            address: 服务器的地址：``https://win-box:7788``；明文的 ``http://`` 只能连本机。
            trader_callback: 回调对象，同 `MiniqmtTrader.connect`，以下三项也是。
            reconnect_enabled: 断线后是否自动重连。
            reconnect_interval: 重连间隔，秒。
            max_reconnect_attempts: 一次断线最多重连几次，0 不限。
            token: 服务器上 ``easytrader token add`` 打印的令牌；不给就取环境变量
                ``EASYTRADER_TOKEN``。
            account: 账号在服务器上的名字，或资金账号；令牌只看得见一个账号的可以不写。
            fingerprint: 服务器证书的 SHA-256 指纹（``easytrader serve init`` 打印的），可以给几个；
                不给的话，证书要是系统认得的。
            timeout: 每个会阻塞的调用的期限，秒。
            wait: True 一直等到连上；秒数则最多等这么久；默认只试一次。
            heartbeat_interval: 心跳间隔，秒；0 不做心跳。
            on_health: 同 `MiniqmtTrader.connect`，下同。
            on_give_up: 同上；令牌失效了也会放弃。

        Raises:
            UsageError: 参数不对，什么都没有做。
            ConnectFailedError: 没连上；信息里有可能的原因。不会留下后台重连。
            ClosedError: 这个 trader 已经关闭。
        """
        from easytrader.miniqmt.callback import check_callback

        self._engine.check_usable()
        where = Address.of(address)
        pins = fingerprints(fingerprint)
        if pins and not where.secure:
            raise UsageError("fingerprint", fingerprint, "明文的 http 没有证书；去掉它，或用 https")
        check_callback(trader_callback)
        secret = token_of(token)
        timeout_s = arguments.seconds("timeout", timeout)
        interval_s = arguments.seconds("reconnect_interval", reconnect_interval)
        door = Door(where, pins, secret, "", timeout_s)
        if account is None:
            door.account = _only_account(door, seconds_to_wait(wait), interval_s)
        else:
            door.account = _name(account)
        key = AccountKey(str(where), door.account)
        place = self._served.places.setdefault(key, Place())
        served = self._served
        engine = self._engine
        reach = Reach(door, place, lambda: engine.closed, self._log)
        connector = RemoteConnector(reach, served.limits, served.heard, self._log)
        self._calls.reach = reach
        self._open(
            connector,
            key,
            path=str(where),
            callback=trader_callback,
            reconnect_enabled=reconnect_enabled,
            reconnect_interval=reconnect_interval,
            max_reconnect_attempts=max_reconnect_attempts,
            heartbeat_interval=heartbeat_interval,
            wait=wait,
            on_health=on_health,
            on_give_up=on_give_up,
        )

    # ---- 风控：规则在这里写，在服务器上管

    @property
    def guard(self) -> Guard | None:
        """这个连接的风控规则，None 为没有开；随时可以换，马上生效，重连之后照旧。

        在服务器上、委托发出之前管；服务器自己另有的照样在。开关文件（``kill_switch``）在这台机器上，
        由这边看。也收 True（只管笔数）和字典。
        """
        return self._served.guard

    @guard.setter
    def guard(self, value: Guard | dict[str, Any] | bool | None) -> None:
        from easytrader.risk import Guard

        served = self._served
        before, served.guard = served.guard, Guard.of(value)
        try:
            self._send_guard()
        except BaseException:
            served.guard = before
            raise

    def _send_guard(self) -> None:
        """送给服务器；没有送到的断开重连，连上之前会再送，委托也就过不去。"""
        supervisor, hello = self._engine.supervisor, self._served.hello
        if supervisor is None or hello is None or "server.guard" not in hello["verbs"]:
            return
        try:
            session = self._calls.session
        except (NotConnectedError, ClosedError):
            return
        try:
            session.query("server.guard", kwargs={"limits": self._served.limits()})
        except (QueryFailedError, NotConnectedError) as exc:
            self._log.warning("风控规则没有送到服务器（{}）：断开重连，连上之前再送", exc)
            supervisor.lost(session, "风控规则没有送到服务器")

    @property
    def status(self) -> Status:
        """此刻的健康状况，同 `Trader.status`；服务器那边的见 `server`。"""
        found = self._engine.status()
        guard = self._served.guard
        if guard is not None:
            switch = bool(self._served.switch_says())
            told = {
                "limits": guard.limits(),
                "kill_switch": switch,
                **_NO_COUNTS,
                "refused": self._served.refused,
                "last_refusal": self._served.last_refusal,
            }
            found["guard"] = cast("Any", told)
        return found

    # ---- 别的动词，一组一个对象；服务器上的后端没有的抛 `UsageError`

    def _refusal(self, verb: str, kwargs: dict[str, Any]) -> str:
        """风控与令牌在那台机器上：到那里去看一看。"""
        problems = self.server.preview(verb, kwargs)["problems"]
        return next((each["text"] for each in problems if each["stops"]), "")

    @property
    def server(self) -> Server:
        """服务器自己的：状态、停单开关、核对一次请求。"""
        return Server(self._calls)

    @property
    def credit(self) -> groups.Credit:
        """信用账号：融资融券、还款还券、负债与额度。"""
        return cast("groups.Credit", self._group("credit"))

    @property
    def ipo(self) -> groups.Ipo:
        """新股新债：当日数据、额度、一次申购完。"""
        return cast("groups.Ipo", self._group("ipo"))

    @property
    def after_hours(self) -> groups.AfterHours:
        """盘后固定价格：收盘之后按收盘价买卖。"""
        return cast("groups.AfterHours", self._group("after_hours"))

    @property
    def bank(self) -> groups.Bank:
        """银证转账。"""
        return cast("groups.Bank", self._group("bank"))

    @property
    def transfer(self) -> groups.Transfer:
        """资金、股份在两个柜台之间，期权与期货账号之间的划拨。"""
        return cast("groups.Transfer", self._group("transfer"))

    @property
    def lending(self) -> groups.Lending:
        """约券。"""
        return cast("groups.Lending", self._group("lending"))

    @property
    def algo(self) -> groups.Algo:
        """智能算法。"""
        return cast("groups.Algo", self._group("algo"))

    @property
    def client(self) -> groups.Client:
        """客户端的其余功能：登录的账号、股东账户、按合同编号撤单。"""
        return cast("groups.Client", self._group("client"))

    @property
    def trader(self) -> Any:
        """没有：厂商的对象只在跑它的那台机器上。"""
        raise UsageError("trader", "remote", f"远程的用不了：{verbs.LEFT_OUT['trader']}")

    @property
    def account(self) -> Any:
        """没有：厂商的对象只在跑它的那台机器上。"""
        raise UsageError("account", "remote", f"远程的用不了：{verbs.LEFT_OUT['account']}")

    def close(self) -> None:
        """断开并收尾；可以重复调用，可以在任意线程、回调里、重连等待中调用。最多几秒。"""
        super().close()
        self._calls.close()

    # ---- 内部

    def _group(self, name: str) -> Any:
        hello = self._served.hello
        if hello is not None:
            have = dict.fromkeys(each.rpartition(".")[0] for each in hello["verbs"])
            if name not in have:
                told = "、".join(each for each in have if each not in ("", verbs.SERVER))
                form = f"服务器上的{hello['backend'].get('name', '后端')}没有这一组"
                raise UsageError(name, "remote", f"{form}；有的是：{told or '（没有）'}")
        return group_type(name)(self._calls)

    def _default_callback(self) -> Any:
        from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback

        return DefaultXtQuantTraderCallback(self._log.debug_on)


for _name_of, _made in mirrored(Trader, "").items():
    setattr(RemoteTrader, _name_of, _made)


def _name(value: object) -> str:
    form = "应为账号在服务器上的名字（easytrader serve 里起的），或资金账号"
    if not isinstance(value, str) or not value.strip() or not value.isprintable():
        raise UsageError("account", value, form)
    if any(each in value for each in "/\\?#%") or value.strip() in (".", ".."):
        raise UsageError("account", value, f"{form}；名字里没有 / \\ ? # %")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise UsageError("account", value, form) from None
    return value.strip()


def _only_account(door: Door, wait_s: float | None, interval_s: float) -> str:
    """令牌看得见的那一个账号。"""
    began = time.monotonic()
    while True:
        try:
            names = door.accounts(door.timeout_s)
        except ConnectFailedError as exc:
            left_s = 0.0 if wait_s is None else wait_s - (time.monotonic() - began)
            if getattr(exc, "final", False) or left_s <= 0:
                raise
            threading.Event().wait(min(left_s, interval_s))
            continue
        if len(names) > 1:
            raise no_such(names)
        if not names:
            raise ConnectFailedError(f"这个令牌在 {door.address} 上看不见一个账号")
        return names[0]
