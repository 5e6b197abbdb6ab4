"""真的连一次：经厂商的接口连接、订阅、查账号与资金，查完就断开。不重连，不下单。"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.log import Log, masked
from easytrader.codes import ACCOUNT_STATUS_NAMES
from easytrader.errors import ConnectFailedError, MissingDependencyError, QueryFailedError
from easytrader.link.heartbeat import Vitals
from easytrader.miniqmt.diagnose.account_check import account_rows
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED, Verdict
from easytrader.miniqmt.pending import Strays
from easytrader.miniqmt.session import QmtSession
from easytrader.miniqmt.session_ids import SessionIds
from easytrader.miniqmt.vendor import loader
from easytrader.sim import install
from easytrader.sim.config.folder import ACCOUNT_TYPES, SimFolder
from easytrader.sim.host import hub
from easytrader.sim.host.lease import service_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from easytrader.backend.records import PushEvent
    from easytrader.backend.session import Session
    from easytrader.checkup.case import Case

Account = tuple[str, str]

_LOGGED_IN: Final = 0
_AFTER_HOURS: Final = 6
"""厂商手册的账号状态：收盘后。"""


def look_connect(case: Case) -> Verdict:
    """连一次；没有资金账号时真的客户端不连。"""
    assert case.folder is not None
    account = _account(case)
    if account is None:
        if case.simulated:
            return Verdict(
                SKIPPED, "这个模拟文件夹里没有账户", "easytrader sim init 路径 --account 账号"
            )
        fix = f'easytrader doctor "{case.folder}" --account 资金账号'
        return Verdict(SKIPPED, "没有给资金账号", fix)
    try:
        with _counter(case):
            return _connect_once(str(case.folder), account, case.timeout_s)
    except (ConnectFailedError, MissingDependencyError) as exc:
        head, *rest = str(exc).splitlines()
        reasons = [line.strip() for line in rest if "easytrader doctor" not in line]
        return Verdict(BAD, head, " ".join(reasons) or "按上面说的处理，再查一遍")
    except QueryFailedError as exc:
        return Verdict(BAD, f"连上了，但是 {exc}", "重启客户端并登录；账号类型不对也会这样")


def judge(
    infos: Iterable[Any] | None, asset: Any, positions: Sequence[Any], account: Account
) -> Verdict:
    """从客户端的应答看账号对不对。"""
    account_id, kind = account
    told = f"账号 {masked(account_id)}（{kind}）"
    rows = {(listed, type_): status for listed, type_, status in account_rows(infos)}
    empty = not getattr(asset, "total_asset", 0) and not any(
        getattr(each, "volume", 0) for each in positions
    )
    status = rows.get((account_id, kind), _LOGGED_IN)
    if status not in (None, _LOGGED_IN):
        name = ACCOUNT_STATUS_NAMES.get(status, "未知")
        mild = status == _AFTER_HOURS or not empty
        fix = "在客户端里看这个账号的登录状态，必要时重新登录"
        return Verdict(NOTE if mild else BAD, f"{told}的状态是 {status}（{name}）", fix)
    if empty:
        return Verdict(
            NOTE,
            f"{told}连上了，但总资产是 0、没有持仓",
            "新开的账号、柜台下班的时候是这样；账号类型不对（信用账号按 STOCK 打开）也会是这样",
        )
    if (account_id, kind) not in rows:
        fix = "自己核对账号类型：信用账号要 account_type='CREDIT'"
        return Verdict(NOTE, f"{told}连上了；客户端没有给出账号列表，账号类型没能核对", fix)
    return Verdict(OK, f"{told}已登录，资金与持仓都查得到")


class _Deaf:
    """实现 `backend.session.Listener`：推送不要；断了就让等着的调用失败。"""

    def pushed(self, session: Session, event: PushEvent) -> None:
        """不要。"""

    def lost(self, session: Session, reason: str) -> None:
        """断了。"""
        session.lose(reason)


def _connect_once(path: str, account: Account, timeout_s: float) -> Verdict:
    install.install()
    vendor = loader.load(None)
    began = time.monotonic()
    deadline = began + timeout_s
    lease = SessionIds(path, account[0]).take(threading.Event(), deadline)
    session = QmtSession(
        vendor, path, account, lease, timeout_s, _Deaf(), Log(), Vitals(), Strays()
    )
    try:
        session.open(deadline)
        took_ms = (time.monotonic() - began) * 1000
        with session.until(deadline):
            infos = session.raw_trader.query_account_infos()
            found = judge(infos, session.asset(), session.positions(), account)
    finally:
        session.close()
    return found._replace(
        detail=f"{found.detail}；会话 {lease.session_id}，连接 {took_ms:.0f} 毫秒"
    )


def _account(case: Case) -> Account | None:
    """要连的账号；模拟文件夹没给就用它的第一个，类型相符的优先。"""
    if case.account_id is not None:
        return case.account_id, case.account_type
    if not case.simulated or case.folder is None:
        return None
    known = [
        (each.account_id, ACCOUNT_TYPES[each.account_type])
        for each in SimFolder.open(case.folder).config.accounts
    ]
    return next((each for each in known if each[1] == case.account_type), None) or next(
        iter(known), None
    )


@contextmanager
def _counter(case: Case) -> Iterator[None]:
    """没有人服务的模拟文件夹：这一会儿把它的柜台放在本进程里，与 ``use('sim')`` 一样。"""
    assert case.folder is not None
    if not case.simulated or service_of(case.folder) is not None:
        yield
        return
    host = hub.acquire(case.folder)
    try:
        yield
    finally:
        hub.release(case.folder, host)
