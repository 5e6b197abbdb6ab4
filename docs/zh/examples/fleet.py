"""一队账号：python fleet.py 存储的地址 账号

存储的地址里没有密码：写成 env:变量名，或放进 keyring。
"""

import sys

import easytrader

dsn, account = sys.argv[1], sys.argv[2]

with easytrader.use("fleet") as user:
    user.connect(dsn, account=account, strategy="demo", wait=30)  # 代理还没有起来就等它
    print("可用资金", user.balance[0]["cash"])

    order = user.market_buy("600036", amount=100, client_order_id="today-600036-1")
    row = user.wait(order["entrust_no"])
    print(row["order_status_name"], row["traded_volume"], row["traded_price"])

    # 脚本重启、代理被杀、存储断电之后，同一个 client_order_id 再下，还是那一笔
    again = user.market_buy("600036", amount=100, client_order_id="today-600036-1")
    print("还是同一笔", again["entrust_no"] == order["entrust_no"])

    # 事件有号，从头读也是一条不缺；记住最后一个号，下次从它后面读
    numbers = [event["number"] for event in user.fleet.events(after=0, timeout=0)]
    print("事件", numbers == list(range(1, len(numbers) + 1)))
