"""这台机器上，一个账号只由一个服务器给出去。"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING

from easytrader.basics.claims import Claim, TakenError
from easytrader.basics.log import masked
from easytrader.basics.private import private_folder
from easytrader.miniqmt.session_ids import usable_root

if TYPE_CHECKING:
    from easytrader.basics.paths import AccountKey


def claim_account(key: AccountKey) -> Claim:
    """这台机器上，一个账号只由一个服务器给出去；各自的 ``EASYTRADER_HOME`` 不同也一样。

    Raises:
        TakenError: 别的服务器正给着，信息里有它的进程号。
    """
    digest = hashlib.blake2b("\0".join(key).encode(), digest_size=8).hexdigest()
    root = private_folder(usable_root()[0])  # 共用的早就有了；自己的临时目录这时才建
    lock = root / f"serve-{digest}.lock"
    try:
        return Claim(lock, {"pid": os.getpid(), "since": time.time()}, shared=True)
    except TakenError as exc:
        who = exc.note.get("pid")
        told = f"进程 {who}" if who else "另一个进程（可能是别的用户的）"
        raise TakenError(
            f"账号 {masked(key.account_id)} 正由{told} 的 easytrader serve 给着："
            "一个账号同时只能由一个服务器管，先停掉它（easytrader serve --stop）",
            exc.note,
        ) from None
