"""死了再起也不多一笔的策略：python fleet_strategy.py 存储的地址 账号 今天的日期

编号由要做的事算出来；没有结果的再问，编号不变；事件读到几号，记在文件里。
"""

import sys
import time
from pathlib import Path

import easytrader

dsn, account, today = sys.argv[1:]
WANTED = [("600036", 100), ("000001", 200)]
MARK = Path(f"read-{account}.txt")  # 读到几号了


def buy(user, security, amount):
    """买到有结果为止；同一件事永远是同一个编号。"""
    name = f"{today}-buy-{security}"
    for _ in range(20):
        try:
            return user.market_buy(security, amount=amount, client_order_id=name)
        except easytrader.NotConnectedError as exc:  # 什么都没有发出
            print("等它连上：", exc)
        except easytrader.OutcomeUnknownError as exc:  # 也许发出了：再问一次，不会有第二笔
            print("再问一次：", exc)
        time.sleep(1)
    raise SystemExit(f"{name} 一直没有结果：看 easytrader fleet status")


with easytrader.use("fleet") as user:
    user.connect(dsn, account=account, strategy="demo", wait=60)
    for security, amount in WANTED:
        print(security, buy(user, security, amount)["entrust_no"])

    seen = int(MARK.read_text()) if MARK.exists() else 0
    for event in user.fleet.events(after=seen, timeout=1):
        print(event["number"], event["event_name"], event["data"].get("stock_code", ""))
        MARK.write_text(str(event["number"]))
