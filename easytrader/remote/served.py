"""`ServedTrader`：账号在别处的交易口；记录、风控、对账都在那里，这里只有接线。"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Final, cast

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
from easytrader.remote.calls import Calls
from easytrader.remote.groups import Server, group_type, mirrored
from easytrader.remote.reach import Place, Reach
from easytrader.remote.session import RemoteConnector
from easytrader.trader import Trader
from easytrader.wire import verbs

if TYPE_CHECKING:
    from easytrader.link.engine import Engine
    from easytrader.miniqmt import groups
    from easytrader.remote.line import Entrance
    from easytrader.risk import Guard
    from easytrader.types import Status
    from easytrader.wire.words import Hello

_NOT_GUARDS: Final = ("token_", "stop_switch")

_NO_COUNTS: Final[dict[str, Any]] = {
    "orders_this_minute": 0,
    "sent_this_second": None,
    "sent_today": None,
    "day": None,
    "second_used": None,
    "day_used": None,
    "meter_file": "",
    "meter_error": "笔数由账号那一头数，见 user.server.status()",
}


class _Served:
    """对面的样子，与送过去的风控；连接的线程拿着它，不拿交易口。"""

    def __init__(self, engine: Engine, where: str) -> None:
        self._engine = engine
        self._where = where
        self.hello: Hello | None = None
        self.guard: Guard | None = None
        self.refused = 0
        """风控拒绝过几笔。"""
        self.last_refusal = ""
        self.places: dict[AccountKey, Place] = {}

    def heard(self, hello: Hello) -> None:
        """对面的第一句话：后端的本事。"""
        self.hello = hello
        told = hello["backend"]
        self._engine.capabilities = Capabilities(
            f"{told.get('name', '柜台')}（{self._where}）",
            tag_in=told.get("tag_in", "remark"),
            id_type=str if told.get("id_type") == "str" else int,
            kinds=frozenset(told.get("kinds", ("limit", "market"))),
            markets=frozenset(told.get("markets", ())),
            journal=False,
            always_open=bool(told.get("always_open", False)),
        )

    def limits(self) -> dict[str, Any] | None:
        """送给对面的规则。开关文件在这台机器上，由这边看；代码照用户写的送。"""
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


class ServedTrader(Trader):
    """账号在别处的交易口：怎样连由子类写（`connect` 造好 `Entrance` 再调用 `_enter`）。

    Args:
        debug: 是否记 DEBUG 日志。
    """

    _where = "远程"
    """在哪里，写在后端名字的后面给人看。"""
    _before = Capabilities("别处的账号", journal=False)
    """还没有连上的时候。"""

    def __init__(self, debug: bool = False) -> None:
        where = self._where  # 引擎拿着下面的函数，函数不能拿着交易口
        super().__init__(debug, storage_of=lambda _: MemoryStorage(where))
        self._served = _Served(self._engine, where)
        self._calls = Calls(self._engine, self._log)
        self._calls.before_order = self._served.check_switch
        self._calls.on_error = self._served.note

    @property
    def capabilities(self) -> Capabilities:  # type: ignore[override]  # 连上才知道
        """后端的本事：连上之前是 A 股柜台的样子。"""
        engine: Engine | None = self.__dict__.get("_engine")
        return self._before if engine is None else engine.capabilities

    def _enter(self, door: Entrance, options: dict[str, Any]) -> None:
        """连上，同 `Trader._open`。

        Args:
            door: 怎样连。
            options: `Trader._open` 的选项。
        """
        key = AccountKey(str(door.address), door.account)
        place = self._served.places.setdefault(key, Place())
        served, engine = self._served, self._engine
        reach = Reach(door, place, lambda: engine.closed, self._log)
        connector = RemoteConnector(reach, served.limits, served.heard, self._log)
        self._calls.reach = reach
        self._open(connector, key, path=key.place, **options)

    # ---- 风控：规则在这里写，在对面管

    @property
    def guard(self) -> Guard | None:
        """这个连接的风控规则，None 为没有开；随时可以换，马上生效，重连之后照旧。

        在账号那一头、委托发出之前管；那里自己另有的照样在。开关文件（``kill_switch``）在这台机器上，
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
        """送过去；没有送到的断开重连，连上之前会再送，委托也就过不去。"""
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
            self._log.warning("风控规则没有送到（{}）：断开重连，连上之前再送", exc)
            supervisor.lost(session, "风控规则没有送到")

    @property
    def status(self) -> Status:
        """此刻的健康状况，同 `Trader.status`；账号那一头的见 `server`。"""
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

    # ---- 别的动词，一组一个对象；账号那一头的后端没有的抛 `UsageError`

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
        raise UsageError("trader", "remote", f"{self._where}的用不了：{verbs.LEFT_OUT['trader']}")

    @property
    def account(self) -> Any:
        """没有：厂商的对象只在跑它的那台机器上。"""
        raise UsageError("account", "remote", f"{self._where}的用不了：{verbs.LEFT_OUT['account']}")

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
                form = f"对面的{hello['backend'].get('name', '后端')}没有这一组"
                raise UsageError(name, "remote", f"{form}；有的是：{told or '（没有）'}")
        return group_type(name)(self._calls)

    def _default_callback(self) -> Any:
        from easytrader.miniqmt.callback import DefaultXtQuantTraderCallback

        return DefaultXtQuantTraderCallback(self._log.debug_on)


for _name_of, _made in mirrored(Trader, "").items():
    setattr(ServedTrader, _name_of, _made)


def only_account(door: Entrance, wait_s: float | None, interval_s: float) -> str:
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
            raise ConnectFailedError(f"在 {door.address} 上看不见一个账号")
        return names[0]


def no_such(names: list[str]) -> UsageError:
    """没有写账号，而看得见的不止一个。"""
    return UsageError("account", None, f"看得见几个账号：{'、'.join(names)}；写上是哪一个")
