"""在别的机器上交易：python remote.py http://127.0.0.1:7788 10001

令牌从环境变量 EASYTRADER_TOKEN 来，不写在脚本里、命令行上。
"""

import sys

import easytrader

address, account = sys.argv[1], sys.argv[2]

with easytrader.use("remote") as user:
    user.connect(address, account=account)
    print("可用资金", user.balance[0]["cash"])

    order = user.market_buy("600036", amount=100, client_order_id="today-600036-1")
    row = user.wait(order["entrust_no"])
    print(row["order_status_name"], row["traded_volume"], row["traded_price"])

    # 断了线、重启了脚本，同一个 client_order_id 再下，还是那一笔
    again = user.market_buy("600036", amount=100, client_order_id="today-600036-1")
    print("还是同一笔", again["entrust_no"] == order["entrust_no"])
