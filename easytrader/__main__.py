"""``python -m easytrader`` 与 ``easytrader`` 命令相同。"""

from __future__ import annotations

from easytrader.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
