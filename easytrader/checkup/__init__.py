"""体检：一项一项地看，什么都不改，不下单；哪一项不对就说怎么办。"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from easytrader import arguments
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.types import AccountTypeName, CheckResult

__all__ = ["doctor"]

_CLIENTS: Final = ("miniqmt", "bigqmt")


def doctor(
    miniqmt_path: str | Path | None = None,
    stock_account: str | None = None,
    *,
    account_type: AccountTypeName = "STOCK",
    timeout: float = 10,
    network: bool = True,
    broker: str | None = None,
    config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
    fix_locale: bool = False,
) -> list[CheckResult]:
    """体检：从 Python 到资金账号，按顺序查九项。不下单；只有连接那一项真的连一次，查完就断开。

    某一项不对，靠它的后面几项就跳过。每一项都有期限：整个体检最多约 ``timeout + 40`` 秒，
    通常几秒。别的脚本正连着也可以查。

    Args:
        miniqmt_path: userdata_mini（真的或模拟的）；不给就看默认的模拟文件夹，没有就跳过有关的项。
        stock_account: 资金账号；真的客户端不给就不连，模拟的不给就用它的第一个账户。
        account_type: 账号类型：``STOCK``、``CREDIT`` 等（`codes.AccountType` 的名字）。
        timeout: 连接那一项的期限，秒。
        network: 是否上网核对时钟。
        broker: ``'miniqmt'``，或 ``'bigqmt'``（完整版 QMT 的内置 Python，项目与键相同，看的是它的
            日志、中转、哪几条线通）；不给就看文件夹的样子，两种都有的、模拟的是 MiniQMT。
            登记的柜台写它的名字，如 ``'中泰XTP'``：查系统与 Python、包、区域设置、导入、字段、
            端口，不登录，前面两个参数不用。``'fleet'`` 查一队账号：包、存储、时钟、账号的代理，
            ``stock_account`` 是账号在队里的名字。
        config: 登记的柜台的字段：VeighNa 的 ``connect_xxx.json`` 的名字或路径，或一个字典；
            ``'fleet'`` 的是存储的地址。
        fix_locale: Linux 上没有 ``zh_CN.GB18030`` 就做一个（只有它会写文件）。

    Returns:
        每项一个字典，依次是 ``python packages path permission session disk clock trading_day
        connect``（登记的柜台是 ``python packages locale native fields ports clock``，
            一队账号是 ``packages path session clock connect``）。
        键是 ``check``（这些名字）、``title``（中文名）、
        ``status``（``正常``、``注意``、``有问题``、``跳过``）、``detail``（看到了什么）、
        ``fix``（怎么办，正常时为空）。

    Raises:
        UsageError: 参数的类型或取值不对。路径不存在之类不抛，写在结果里。
    """
    from easytrader.checkup.case import Case
    from easytrader.checkup.run import examine

    if broker == "fleet":
        return _fleet(config, stock_account, arguments.seconds("timeout", timeout))
    if broker is not None and broker not in _CLIENTS:
        return _counter(broker, config, timeout, network, fix_locale)
    return examine(
        Case(
            given=_text(miniqmt_path),
            account_id=None if stock_account is None else arguments.account(stock_account),
            account_type=arguments.account_type(account_type),
            timeout_s=arguments.seconds("timeout", timeout),
            network=arguments.flag("network", network),
            broker=broker or "",
        )
    )


def _fleet(config: Any, account: object, timeout_s: float) -> list[CheckResult]:
    """一队账号；``config`` 是存储的地址，或 ``connect`` 的字典。"""
    try:
        from easytrader.checkup.fleet import CHECKS, FleetCase
    except ImportError as exc:
        told = f"一队账号要另装几个包（{exc}）：pip install easytrader[fleet]"
        raise MissingDependencyError(told) from exc
    from easytrader.checkup.run import examine

    given = config if isinstance(config, Mapping) else {"dsn": config}
    name = given.get("account") if account is None else account
    if name is not None and (not isinstance(name, str) or not name.strip()):
        raise UsageError("account", name, "应为账号在队里的名字")
    case = FleetCase(dsn=given.get("dsn"), account_id=name, timeout_s=timeout_s)
    try:
        return examine(case, CHECKS)
    finally:
        if case.store is not None:
            case.store.close()


def _counter(
    broker: object, config: Any, timeout: float, network: bool, fix_locale: bool
) -> list[CheckResult]:
    """登记的一家。"""
    from easytrader import counters

    found = counters.find(broker) if isinstance(broker, str) else None
    if found is None:
        near = "、".join(counters.close_to(broker)) if isinstance(broker, str) else ""
        asked = f"是不是 {near}？" if near else ""
        told = f"{asked}应为 'miniqmt'、'bigqmt'，或登记的柜台（easytrader brokers 列出有哪些）"
        raise UsageError("broker", broker, told)
    from easytrader.checkup.counter import CHECKS, CounterCase
    from easytrader.checkup.run import examine

    case = CounterCase(
        counter=found,
        config=config,
        timeout_s=arguments.seconds("timeout", timeout),
        network=arguments.flag("network", network),
    )
    if arguments.flag("fix_locale", fix_locale):
        case.make_locale()
    return examine(case, CHECKS)


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError("miniqmt_path", value, r"应为路径，如 D:\国金证券QMT交易端\userdata_mini")
    return text
