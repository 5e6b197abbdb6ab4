"""订阅全市场，夹着指数与不存在的代码；等第一次全推。"""

import sys
import threading

from xtquant import xtdata

xtdata.enable_hello = False
seen = {}
full = threading.Event()


def on_data(datas):
    seen.update(datas)
    if len(seen) > 5000:
        full.set()


number = xtdata.subscribe_whole_quote(["SH", "SZ", "BJ"], callback=on_data)
print("subscribed:", number > 0)
print("everything:", full.wait(120))
for code in (
    "000001.SH",
    "399001.SZ",
    "000300.SH",
    "899050.BJ",
    "600036.SH",
    "300750.SZ",
    "920002.BJ",
):
    tick = seen.get(code)
    if tick is None or not tick["lastPrice"] > 0:
        sys.exit(f"全推里没有 {code}")
rising = sum(tick["lastPrice"] > tick["lastClose"] for tick in seen.values())
print("breadth:", 0 < rising < len(seen))
xtdata.unsubscribe_quote(number)

wanted = ["000300.SH", "600036.SH", "退市.SH", "900901.SH", "510300.SH", "IF00.IF"]
print("listed:", list(xtdata.get_full_tick(wanted)))
stocks = xtdata.get_stock_list_in_sector("沪深A股")
ticks = xtdata.get_full_tick(stocks)
print("ticks:", len(ticks) == len(stocks) > 5000)
weak = [code for code in stocks if ticks[code]["lastPrice"] < ticks[code]["lastClose"]]
print("weak:", 0 < len(weak) < len(stocks))
