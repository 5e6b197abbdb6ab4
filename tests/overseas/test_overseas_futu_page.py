"""富途的文档页上的程序，照着跑。"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

if find_spec("futu") is None:  # 在主线程上导入会换掉 Ctrl-C
    pytest.skip("没有装 futu-api", allow_module_level=True)

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
