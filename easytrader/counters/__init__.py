"""登记的柜台：三十四家各是什么、在这台机器上能不能用、字段叫什么。只有数据与检查，不导入任何一家的包。"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.counters.table import Counter


def find(name: str) -> Counter | None:
    """名字（登记的名字、文档里的中文名、别名，大小写不论）→ 那一家；没有为 None。"""
    from easytrader.counters import table  # 只有找别家的时候才用得到

    return table.find(name)
