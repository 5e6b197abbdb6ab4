"""一个会被杀掉的程序：连上，用一个 ``client_order_id`` 下一笔。参数：网址 交易所。"""

from __future__ import annotations

import sys
from decimal import Decimal

from exchange_server import KEY, PASSPHRASE, SECRET

import easytrader


def main() -> None:
    url, name = sys.argv[1:3]
    user = easytrader.use(name, base_url=url)
    password = {"password": PASSPHRASE} if name == "okx" else {}
    user.connect(KEY, SECRET, timeout=20, **password)
    print("连上了", flush=True)
    if sys.stdin.readline():
        row = user.buy("BTC/USDT", 9.5, Decimal("0.5"), client_order_id="grid-7")
        print(row["entrust_no"], flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
