"""在成交回调里下单：买到黄金 ETF 就立刻挂出卖单（黄金 ETF 当日可以回转）。

用法：

    python callback.py                       # 自带的模拟账户
    python callback.py 文件夹 资金账号         # 券商的 MiniQMT，或自己建的模拟文件夹
"""

import sys
import threading

import easytrader
from easytrader.miniqmt import DefaultXtQuantTraderCallback

SECURITY = "518880"


class SellWhatWeBought(DefaultXtQuantTraderCallback):
    """只改关心的方法，其余照旧写日志。"""

    def __init__(self, user):
        super().__init__()
        self.user = user
        self.sold = threading.Event()
        self.sell_no = 0

    def on_stock_trade(self, trade):
        super().on_stock_trade(trade)
        if trade.order_type != 23:  # 23 是买入
            return
        # 回调里可以直接下单、撤单、查询，不会卡死
        price = round(trade.traded_price * 1.001, 3)
        order = self.user.sell(SECURITY, price=price, amount=trade.traded_volume)
        print(f"买到 {trade.traded_volume} 份，价格 {trade.traded_price}，挂出卖单 {order}")
        self.sell_no = order["entrust_no"]
        self.sold.set()

    def on_order_error(self, order_error):
        super().on_order_error(order_error)
        print("下单失败：", order_error.error_msg)


def main():
    user = easytrader.use("miniqmt" if len(sys.argv) > 2 else "sim")
    callback = SellWhatWeBought(user)
    with user:
        user.connect(*sys.argv[1:3], trader_callback=callback)
        order = user.market_buy(SECURITY, amount=1000)
        print("买单", order)
        if not callback.sold.wait(30):
            sys.exit("30 秒内没有成交")
        user.cancel_entrust(callback.sell_no)
        row = user.wait(callback.sell_no)
        print("卖单最后是", row["order_status_name"], row["traded_volume"])


if __name__ == "__main__":
    main()
