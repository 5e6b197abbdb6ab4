"""设置里的一个账号：哪个后端、怎样连、什么风控。``easytrader serve`` 与账号的设置文件都用它。"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import references
from easytrader.errors import UsageError
from easytrader.profiles.tomlfile import check_keys, within

if TYPE_CHECKING:
    from collections.abc import Mapping

    from easytrader.risk import Guard
    from easytrader.trader import Trader

OURS: Final = ("wait", "trader_callback", "on_health", "on_give_up")
"""connect 的选项里，由打开它的程序自己定的。"""
SHORT_NAMES: Final = {"path": "miniqmt_path", "account": "stock_account", "type": "account_type"}
"""命令行上的、设置里也可以写的短名字 → ``connect()`` 的参数。"""
_REMOTE_NAMES: Final = {"path": "address", "account": "account"}
_REMOTE: Final = ("remote", "远程")
_FLEET_NAMES: Final = {"path": "dsn", "account": "account"}
_OWN: Final = ("miniqmt", "qmt", "bigqmt", "大qmt", "sim", "模拟", *_REMOTE, "fleet")
"""别的包的后端，``path`` 也许是它自己的参数。"""
_OTHERS: Final = ("ccxt", "okx", "htx", "ib", "futu", "tiger", "mt5")
_GATEWAY_NAMES: Final = {"path": "config"}
"""VeighNa 的接口：``connect_xxx.json``。"""
_USE_OURS: Final = ("broker", "debug", "guard")
_LONGEST_NAME: Final = 64
_NAME_FORM: Final = "应为 1 到 64 个字母、数字、汉字、- 或 _，例如 main"


@dataclass(frozen=True)
class AccountSpec:
    """一个账号。

    Args:
        broker: 后端，同 `easytrader.use`。
        name: 起的名字；None 就是资金账号。
        connect: 交给 ``connect()`` 的选项；值可以是 ``env:变量名``、``keyring:服务/用户名``。
            自带的后端也可以写命令行上的短名字（``path account type``），造好以后是全名。
        guard: 这个账号的风控，同 `easytrader.use`。
        use: `easytrader.use` 的别的选项，如 ``gateway``、``exchange``。

    Raises:
        UsageError: 哪一项不对。
    """

    broker: str
    name: str | None = None
    connect: Mapping[str, Any] = field(default_factory=dict, repr=False)  # 里面可能有密码
    guard: Guard | dict[str, Any] | bool | None = None
    use: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name)
        for each in self.use:
            if each in _USE_OURS:
                raise UsageError(f"use.{each}", self.use[each], "这一项写在外面，不在 use 里")
        for each in self.connect:
            if each in OURS:
                raise UsageError(f"connect.{each}", "…", "这一项由打开它的程序自己定，去掉它")
        if self.broker in _OWN or goes_through_veighna(self.broker):
            object.__setattr__(self, "connect", _in_full(self.connect, short_names(self.broker)))
        if self.guard is None or self.guard is False:
            object.__setattr__(self, "guard", None)
            return
        from easytrader.risk import Guard  # 没有开风控的不必带上它

        object.__setattr__(self, "guard", Guard.of(self.guard))

    def make(self, *, debug: bool = False, guard: bool = True) -> Trader:
        """`easytrader.use` 造好的交易口，还没有连。

        Args:
            debug: 同 `easytrader.use`。
            guard: 带不带这个账号的风控。

        Raises:
            UsageError: 没有这个后端，它不收的选项。
            UnsupportedError: 登记的那一家关了、没有，或这里不行。
            MissingDependencyError: 后端装得不全。
        """
        from easytrader.api import use

        return use(self.broker, debug, self.guard if guard else None, **self.use)

    def options(self, where: str = "") -> dict[str, Any]:
        """交给 ``connect()`` 的选项，密码已经取来。不要留着它，也不要写出来。

        Raises:
            UsageError: 密码取不到；``where`` 是哪里的设置。
            MissingDependencyError: 没有装 keyring。
        """
        told = where or self.name or self.broker
        return {
            name: references.resolved(value, f"connect.{name}", told)
            for name, value in self.connect.items()
        }

    def secrets_of(self, options: Mapping[str, Any]) -> list[object]:
        """`options` 里取来的那几个值。"""
        return [
            options.get(name)
            for name, value in self.connect.items()
            if references.is_reference(value)
        ]


def short_names(broker: str | None) -> Mapping[str, str]:
    """这个后端的短名字 → ``connect()`` 的参数。"""
    if broker is not None and goes_through_veighna(broker):
        return _GATEWAY_NAMES
    if broker == "fleet":
        return _FLEET_NAMES
    return _REMOTE_NAMES if broker in _REMOTE else SHORT_NAMES


def goes_through_veighna(broker: str) -> bool:
    """这个后端是 VeighNa 的接口：连接的选项是接口自己的字段。"""
    key = broker.strip().lower()
    if key in ("vnpy", "veighna"):
        return True
    if key in (*_OWN, *_OTHERS):
        return False
    from easytrader import counters

    found = counters.find(broker)
    return found is not None and not found.own


def _in_full(connect: Mapping[str, Any], names: Mapping[str, str]) -> Mapping[str, Any]:
    """短名字写成全名。"""
    for short, name in names.items():
        if short in connect and name in connect and short != name:
            raise UsageError(f"connect.{short}", "…", f"与 {name} 是一回事，只写一个")
    return {names.get(each, each): value for each, value in connect.items()}


def account_of(row: dict[str, Any], where: str = "") -> AccountSpec:
    """文件里的一段 → 账号。

    Args:
        row: ``broker name connect guard use``。
        where: 是哪一段，写在错误里。

    Raises:
        UsageError: 哪一项不对。
    """
    with within(where):
        check_keys(row, {each.name for each in fields(AccountSpec)}, "account.")
        return AccountSpec(
            broker_of(row, "account."), row.get("name"), connect_of(row, "account."),
            row.get("guard"), use_of(row, "account."),
        )  # fmt: skip


def broker_of(row: Mapping[str, Any], where: str = "") -> str:
    """``broker`` 那一项。"""
    broker = row.get("broker")
    if not isinstance(broker, str) or not broker.strip():
        raise UsageError(f"{where}broker", broker, "写一个后端，例如 broker = 'miniqmt'")
    return broker


def connect_of(row: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """``[connect]`` 那一段。"""
    connect = row.get("connect", {})
    if not isinstance(connect, dict):
        raise UsageError(f"{where}connect", connect, f"写成 [{where}connect]，一行一个选项")
    return connect


def use_of(row: Mapping[str, Any], where: str = "") -> dict[str, Any]:
    """``[use]`` 那一段。"""
    told = row.get("use", {})
    if not isinstance(told, dict):
        form = f"写成 [{where}use]，一行一个选项，例如 gateway = 'XTP'"
        raise UsageError(f"{where}use", told, form)
    return told


def check_name(name: object) -> str:
    """账号的名字：也是文件名，也写在网址里。"""
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_NAME:
        raise UsageError("name", name, _NAME_FORM)
    if not name.replace("-", "").replace("_", "").isalnum():
        raise UsageError("name", name, _NAME_FORM)
    return name


def waits_itself(trader: Trader) -> bool:
    """这个后端的 ``connect()`` 自己会等到连上（有 ``wait``）。"""
    import inspect

    parameters = inspect.signature(trader.connect).parameters.values()
    return any(
        each.name == "wait" or each.kind is inspect.Parameter.VAR_KEYWORD for each in parameters
    )
