"""怎样开一次 MiniQMT 会话。"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from easytrader.basics.log import masked
from easytrader.miniqmt.session import QmtSession
from easytrader.miniqmt.session_ids import SessionIds
from easytrader.miniqmt.vendor import client_calendar

if TYPE_CHECKING:
    from easytrader.backend.session import Listener
    from easytrader.basics.log import Log
    from easytrader.link.vitals import Vitals
    from easytrader.miniqmt.aside import Strays
    from easytrader.miniqmt.vendor.loader import Vendor


class QmtConnector:
    """怎样开一次 MiniQMT 会话；实现 `broker.Connector`。"""

    def __init__(
        self,
        log: Log,
        vitals: Vitals,
        strays: Strays,
        vendor: Vendor,
        path: str,
        account: tuple[str, str],
        session_id: int | None,
        timeout_s: float,
    ) -> None:
        self._log = log
        self._vitals = vitals
        self._strays = strays
        self._vendor = vendor
        self._path = path
        self._account = account
        self.timeout_s = timeout_s
        self._ids = SessionIds(path, account[0], session_id, log)
        self.session_id = 0
        """最近一次用的会话 id。"""
        self._cancelled = threading.Event()
        self._opening: QmtSession | None = None

    def open(self, listener: Listener, deadline: float) -> QmtSession:
        """开一次会话。"""
        lease = self._ids.take(self._cancelled, deadline)
        try:
            session = QmtSession(
                self._vendor,
                self._path,
                self._account,
                lease,
                self.timeout_s,
                listener,
                self._log,
                self._vitals,
                self._strays,
            )
            self.session_id = lease.session_id
            self._opening = session
        except BaseException:
            lease.release()
            raise
        if self._cancelled.is_set():
            session.abort()
        session.open(deadline)
        self._opening = None
        self._log.info("✓ 成功连接到 MiniQMT, 账号: {}", masked(self._account[0]))
        self._log.info("✓ 已订阅账户: {}", masked(self._account[0]))
        client_calendar.ask_soon(session.raw_trader, self._vendor, self._log)
        return session

    def cancel(self) -> None:
        """让正在进行的 `open` 立刻失败。"""
        self._cancelled.set()
        opening = self._opening
        if opening is not None:
            opening.abort()
