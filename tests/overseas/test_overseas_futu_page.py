"""富途的文档页上的程序，照着跑。"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("futu")

from opend_server import OpenD

pytestmark = pytest.mark.counters
PAGE = Path(__file__).parents[2] / "docs/zh/futu.md"


def test_the_script_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    script = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    opend = OpenD()
    try:
        exec(script.replace("connect(", f"connect(port={opend.port}, "), {})
    finally:
        opend.close()
    shown = capsys.readouterr().out
    assert "'currency': 'HKD'" in shown
    assert "'order_remark': '网格 3'" in shown
    assert shown.endswith("已撤\n")
