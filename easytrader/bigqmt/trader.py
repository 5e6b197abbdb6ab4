"""`BigqmtTrader`：经完整版 QMT 的内置 Python 的交易口。"""

from __future__ import annotations

from easytrader.backend.capabilities import Capabilities
from easytrader.trader import Trader


class BigqmtTrader(Trader):
    """完整版 QMT 的交易口。用 ``easytrader.use('bigqmt')`` 得到。"""

    capabilities = Capabilities("完整版 QMT")
