"""文档「加密货币交易所」里的代码，对着记账的 okx 从头跑到尾。"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path

import pytest

pytest.importorskip("ccxt")

sys.path.append(str(Path(__file__).parents[1] / "docs"))

from docs_helpers import ROOT, blocks
from exchange_server import KEY, PASSPHRASE, SECRET, Exchange

import easytrader

pytestmark = pytest.mark.counters


def test_page_runs_from_top_to_bottom(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    exchange = Exchange()
    monkeypatch.setattr(easytrader, "use", partial(easytrader.use, base_url=exchange.url))
    for name, value in (("KEY", KEY), ("SECRET", SECRET), ("PASSPHRASE", PASSPHRASE)):
        monkeypatch.setenv(f"OKX_{name}", value)
    page = ROOT / "docs" / "zh" / "crypto.md"
    found = [each for each in blocks(page) if each.language == "python"]
    names: dict[str, object] = {}
    try:
        for each in found:
            exec(compile(each.source, f"{page}:{each.line}", "exec"), names)
    finally:
        user = names.get("user")
        if isinstance(user, easytrader.trader.Trader):
            user.close()
        exchange.stop()
    said = capsys.readouterr().out
    assert len(found) == 3
    assert "BTC/USDT 0.1 1E-8 0.00001" in said
    assert "70001 已报" in said
    assert exchange.book.orders["70001"]["state"] == "canceled"
