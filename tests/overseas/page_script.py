"""一页文档里要真的柜台的例子：测试换掉端口，照着跑。"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

_PAGES: Final = Path(__file__).resolve().parents[2] / "docs" / "zh"


def script_of(page: str) -> str:
    """第一个只编译的例子。"""
    text = (_PAGES / f"{page}.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- 只编译 -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]
