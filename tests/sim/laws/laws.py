"""合起来的状态机：现金账户与信用账户、逆回购、申购、公司行为，在同一个文件夹里。"""

from __future__ import annotations

from laws_cash import Cash
from laws_credit import Credit
from laws_repo import Repo
from laws_subscribe import Subscribe


class Laws(Cash, Credit, Repo, Subscribe):
    """定律在 `laws_books`，世界在 `laws_world`。"""
