"""体检：一项一项地看，什么都不改，不下单；哪一项不对就说怎么办。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from easytrader import arguments
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.types import AccountTypeName, CheckResult

__all__ = ["doctor"]


def doctor(
    miniqmt_path: str | Path | None = None,
    stock_account: str | None = None,
    *,
    account_type: AccountTypeName = "STOCK",
    timeout: float = 10,
    network: bool = True,
    broker: str | None = None,
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

    Returns:
        每项一个字典，依次是 ``python packages path permission session disk clock trading_day
        connect``；键是 ``check``（这些名字）、``title``（中文名）、
        ``status``（``正常``、``注意``、``有问题``、``跳过``）、``detail``（看到了什么）、
        ``fix``（怎么办，正常时为空）。

    Raises:
        UsageError: 参数的类型或取值不对。路径不存在之类不抛，写在结果里。
    """
    from easytrader.checkup.case import Case
    from easytrader.checkup.run import examine

    return examine(
        Case(
            given=_text(miniqmt_path),
            account_id=None if stock_account is None else arguments.account(stock_account),
            account_type=arguments.account_type(account_type),
            timeout_s=arguments.seconds("timeout", timeout),
            network=arguments.flag("network", network),
            broker=_broker(broker),
        )
    )


def _broker(value: object) -> str:
    if value is None:
        return ""
    if value not in ("miniqmt", "bigqmt"):
        raise UsageError("broker", value, "应为 'miniqmt' 或 'bigqmt'")
    return str(value)


def _text(value: object) -> str | None:
    if value is None:
        return None
    text = os.fspath(value) if isinstance(value, (str, os.PathLike)) else None
    if not isinstance(text, str) or not text or "\0" in text:
        raise UsageError("miniqmt_path", value, r"应为路径，如 D:\国金证券QMT交易端\userdata_mini")
    return text
