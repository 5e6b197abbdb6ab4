"""主机的自述：``easytrader sim status`` 与控制命令 ``status`` 看到的。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from easytrader.sim.folder import SimFolder
    from easytrader.sim.service.mailroom import Session
    from easytrader.sim.service.owner import ServiceInfo

__all__ = ["describe"]


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
