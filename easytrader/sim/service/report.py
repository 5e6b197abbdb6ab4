"""主机的自述：``easytrader sim status`` 与控制命令 ``status`` 看到的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from easytrader.sim.events import Outcome
from easytrader.sim.wire import Push, Request

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from easytrader.sim.dispatch import Dispatcher
    from easytrader.sim.fault_plan import FaultPlan
    from easytrader.sim.folder import SimFolder
    from easytrader.sim.service.mailroom import Session
    from easytrader.sim.service.owner import ServiceInfo

__all__ = ["describe", "set_status"]


def describe(
    folder: SimFolder, info: ServiceInfo, sessions: Iterable[Session], faults: list[dict[str, Any]]
) -> dict[str, Any]:
    """谁在服务、开着哪些账号、连着谁、还有哪些故障。"""
    return {
        "path": str(folder.path),
        "pid": info.pid,
        "port": info.port,
        "started": info.started,
        "kind": info.kind,
        "accounts": [
            {"account_id": account.account_id, "account_type": account.account_type}
            for account in folder.config.accounts
        ],
        "sessions": [
            {
                "session_id": session.session_id,
                "pid": session.pid,
                "since": session.since,
                "accounts": sorted(account_id for _, account_id in session.accounts),
            }
            for session in sessions
        ],
        "faults": faults,
    }


def set_status(
    faults: FaultPlan, dispatcher: Dispatcher, publish: Callable[[Outcome], None], status: int
) -> None:
    """账号状态变成 ``status``；变了才推。"""
    if status == faults.status:
        return
    faults.status = status
    [outcome] = dispatcher.handle([Request("account_status", 0, ())])
    rows = outcome.answer if isinstance(outcome.answer, list) else []
    pushes = [Push("account_status", row[0], row[1], row) for row in rows]
    publish(Outcome(None, tuple(pushes)))
