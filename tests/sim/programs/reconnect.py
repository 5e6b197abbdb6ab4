"""断线重连的循环：断了就换一个会话号新建对象，连到连上为止，再接着取行情、查账。"""

import sys
import threading
import time

from xtquant import xtdata
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
from xtquant.xttype import StockAccount

path, account_id = sys.argv[1:]
xtdata.enable_hello = False


def say(*words):
    print(*words, flush=True)


class Callback(XtQuantTraderCallback):
    def __init__(self):
        self.lost = threading.Event()

    def on_disconnected(self):
        self.lost.set()


def connect(session):
    failures = 0
    while True:
        callback = Callback()
        trader = XtQuantTrader(path, session, callback)
        trader.start()
        if trader.connect() == 0:
            return trader, callback, failures
        trader.stop()
        session += 1
        failures += 1
        if failures == 1:
            say("waiting")
        time.sleep(0.1)


trader, callback, _ = connect(30000)
account = StockAccount(account_id)
trader.subscribe(account)
say("connected", trader.query_stock_asset(account).cash > 0)
say("quotes", len(xtdata.get_full_tick(["600036.SH"])))
say("lost", callback.lost.wait(120))
trader.stop()

trader, callback, failures = connect(31000)
trader.subscribe(account)
say("again", failures > 0, trader.query_stock_asset(account).cash > 0)
say("quotes", len(xtdata.get_full_tick(["600036.SH", "000300.SH"])))
trader.stop()
