"""任务的退出码：接口的一部分，计划任务与脚本看着它办事。"""

from __future__ import annotations

from typing import Final

DONE: Final = 0
"""办成了。"""
FAILED: Final = 1
"""没有办成：连不上、出错、到了期限、另一份正在跑。"""
USAGE: Final = 2
"""用法不对，什么都没有发出。"""
CLOSED: Final = 3
"""没有开市，或不是交易日：没有要做的。"""
PARTLY: Final = 4
"""办成了一部分。"""
INTERRUPTED: Final = 130
"""被 Ctrl-C 打断。"""
