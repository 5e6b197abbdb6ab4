"""``xtquant.xtpythonclient`` 的替身：厂商原生模块里有的名字，这里都有。

``easytrader.sim.install.install()`` 之后，厂商的 ``xttrader.py`` 就跑在它上面，一行不改。
"""

from __future__ import annotations

from easytrader.sim.native.client import XtQuantAsyncClient
from easytrader.sim.native.structs import STRUCTS, set_strict_text

__all__ = ["XtQuantAsyncClient", "set_strict_text"]

globals().update(STRUCTS)
