"""先取行情选股，再连交易下单的脚本。"""

import sys
import time

from xtquant import xtconstant, xtdata
from xtquant.xttrader import XtQuantTrader
from xtquant.xttype import StockAccount

path, account_id = sys.argv[1:]
xtdata.enable_hello = False

pool = xtdata.get_stock_list_in_sector("上证50")
for code in pool:
    xtdata.download_history_data(code, "1d", "20250101")
bars = xtdata.get_market_data_ex(["close"], pool, "1d", count=20, dividend_type="front")
ranked = sorted(pool, key=lambda code: bars[code]["close"].iloc[-1] / bars[code]["close"].iloc[0])
code = ranked[0]
before = xtdata.get_instrument_detail(code)
print("first:", xtdata.get_client().get_data_dir())

trader = XtQuantTrader(path, 20262)
trader.start()
print("connect:", trader.connect())
account = StockAccount(account_id)
print("subscribe:", trader.subscribe(account))
after = xtdata.get_instrument_detail(code)
print("then:", xtdata.get_client().get_data_dir())
print("same market:", before["PreClose"] == after["PreClose"])
price = xtdata.get_full_tick([code])[code]["askPrice"][0]
volume = xtdata.get_instrument_detail(code, True)["MinLimitOrderVolume"]  # 科创板 200 股起
number = trader.order_stock(
    account, code, xtconstant.STOCK_BUY, volume, xtconstant.FIX_PRICE, price + 0.05, "", ""
)
print("order:", number > 0)
for _ in range(300):
    order = trader.query_stock_order(account, number)
    if order is not None and order.order_status in (
        xtconstant.ORDER_SUCCEEDED,
        xtconstant.ORDER_JUNK,
    ):
        break
    time.sleep(0.1)
tick = xtdata.get_full_tick([code])[code]
print("filled at the quote:", abs(order.traded_price - tick["lastPrice"]) / price < 0.01)
trader.stop()
