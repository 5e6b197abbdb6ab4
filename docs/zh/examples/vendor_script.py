"""一个只用厂商 xtquant 的脚本，不认识 easytrader。

用法：

    easytrader sim run vendor_script.py 模拟文件夹 资金账号
"""

import sys
import time

from xtquant import xtconstant
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
from xtquant.xttype import StockAccount


class Callback(XtQuantTraderCallback):
    def on_stock_order(self, order):
        print("委托", order.stock_code, order.order_status)

    def on_stock_trade(self, trade):
        print("成交", trade.stock_code, trade.traded_price, trade.traded_volume)


path, account_id = sys.argv[1:3]
trader = XtQuantTrader(path, 123456)
trader.register_callback(Callback())
trader.start()
if trader.connect() != 0:
    sys.exit("连接失败")

account = StockAccount(account_id)
trader.subscribe(account)
print("可用资金", trader.query_stock_asset(account).cash)

order_id = trader.order_stock(
    account,
    "600000.SH",
    xtconstant.STOCK_BUY,
    100,
    xtconstant.MARKET_PEER_PRICE_FIRST,
    0,
    "示例",
    "",
)
print("委托编号", order_id)
for _ in range(100):
    order = trader.query_stock_order(account, order_id)
    if order.order_status == xtconstant.ORDER_SUCCEEDED:
        break
    time.sleep(0.1)
trader.cancel_order_stock(account, order_id)
trader.stop()
print("状态", order.order_status, "成交", order.traded_volume)
