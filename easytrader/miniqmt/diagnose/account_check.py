"""订阅之前核对资金账号：客户端里有没有它、账号类型对不对。

真的客户端对类型不符的账号不报错：信用账号按 STOCK 打开，资金和持仓全是 0。
"""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import replaying
from easytrader.basics.log import masked
from easytrader.codes import AccountType
from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.backend.session import Session

_TYPE_NAMES: Final = {
    AccountType.FUTURE: "期货账号",
    AccountType.STOCK: "普通账号",
    AccountType.CREDIT: "信用账号",
    AccountType.FUTURE_OPTION: "期货期权账号",
    AccountType.STOCK_OPTION: "股票期权账号",
    AccountType.HUGANGTONG: "沪港通账号",
    AccountType.SHENGANGTONG: "深港通账号",
    AccountType.NEW3BOARD: "股转账号",
}
_MOST_SHOWN: Final = 5
_SHARE: Final = 0.4
"""问账号列表最多用掉连接剩余时间的这么多：没有应答也要留够时间订阅。"""


def check_account(
    session: Session, call: Callable[..., Any], account: tuple[str, str], deadline: float
) -> None:
    """问客户端有哪些账号，不对就拒绝；问不出来（老版本没有这个方法、没有应答、出错）照常继续。

    Args:
        session: 已经握手的会话。
        call: 会话的有期限的调用。
        account: (资金账号, 账号类型名)。
        deadline: 这次连接的期限，``time.monotonic``。

    Raises:
        ConnectFailedError: 见 `refuse_wrong_account`。
    """
    query = getattr(session.raw_trader, "query_account_infos", None)
    if query is None:
        return
    now = time.monotonic()
    try:
        with session.until(now + max(0.0, deadline - now) * _SHARE):
            # 模拟柜台的失败要到看内容时才说
            infos = list(call(query) or ())
    except Exception:  # noqa: BLE001  边界：只是多一道核对，问不出来就和没有这道核对时一样
        return
    replay = replaying.current()
    account_id = account[0] if replay is None else replay.account_id
    refuse_wrong_account(infos, account_id, account[1])


def account_rows(infos: Iterable[Any] | None) -> list[tuple[str, str, int | None]]:
    """客户端的账号列表 → ``(资金账号, 类型名, 登录状态)``；类型不认识时为空，状态没有时为 None。"""
    rows = []
    for info in infos or ():
        account_id = str(_field(info, "account_id", "m_strAccountID") or "").strip()
        status = _field(info, "login_status", "m_nStatus")
        if account_id:
            kind = _type_name(_field(info, "account_type", "m_nAccountType"))
            rows.append((account_id, kind, status if isinstance(status, int) else None))
    return rows


def refuse_wrong_account(infos: Iterable[Any] | None, account_id: str, account_type: str) -> None:
    """客户端的账号列表里没有这个账号、或类型不符就拒绝；列表是空的看不出来，不拒绝。

    Args:
        infos: ``query_account_infos()`` 的应答。
        account_id: 资金账号。
        account_type: 要用的账号类型名。

    Raises:
        ConnectFailedError: 见上。
    """
    rows = account_rows(infos)
    kinds = [kind for listed, kind, _ in rows if listed == account_id]
    if not rows or account_type in kinds or "" in kinds:
        return
    if kinds:
        raise ConnectFailedError(
            f"资金账号 {masked(account_id)} 在客户端里是{_told_type(kinds[0])}，"
            f"不是 {account_type}：connect(..., account_type='{kinds[0]}')"
        )
    others = list(dict.fromkeys("…" + masked(listed).lstrip("*") for listed, _, _ in rows))
    more = "等" if len(others) > _MOST_SHOWN else ""
    raise ConnectFailedError(
        f"资金账号 {masked(account_id)} 没有在这个客户端登录；客户端里登录的是 "
        f"{'、'.join(others[:_MOST_SHOWN])}{more}：核对资金账号，或在客户端登录它"
    )


def _told_type(name: str) -> str:
    chinese = _TYPE_NAMES.get(AccountType[name])
    return chinese or f" {name} 账号"


def _field(info: Any, *names: str) -> Any:
    with contextlib.suppress(UnicodeDecodeError):  # 厂商的文字可能在半个汉字处断开
        for name in names:
            if hasattr(info, name):
                return getattr(info, name)
    return None


def _type_name(value: Any) -> str:
    """类型代码（也有给名字的）→ 名字；不认识为空。"""
    if isinstance(value, str):
        return value.upper() if value.upper() in AccountType.__members__ else ""
    try:
        return AccountType(value).name
    except ValueError:
        return ""
