"""交易框架的网关：连上时按板块收合约、订行情，再连交易、下单、等回报。只用厂商的接口。"""

import sys
import threading

from xtquant import xtconstant, xtdata
from xtquant.xttrader import XtQuantTrader, XtQuantTraderCallback
from xtquant.xttype import StockAccount

SECTORS = ["沪深转债", "沪深指数", "京市A股", "沪深ETF", "上期所", "中金所", "郑商所", "上证期权"]
PRODUCTS = {"stock": "股票", "index": "指数", "etf": "ETF", "bond": "债券"}


class MdApi:
    def __init__(self):
        self.contracts = {}
        self.ticks = {}
        self.arrived = threading.Event()

    def connect(self):
        xtdata.enable_hello = False
        xtdata.get_instrument_detail("000001.SZ")  # 框架用它试连接
        for sector in SECTORS:
            for symbol in xtdata.get_stock_list_in_sector(sector)[:60]:
                self.query_contract(symbol)
        stocks = xtdata.get_stock_list_in_sector("沪深A股")
        print("stocks:", len(stocks) > 5000, "600036.SH" in stocks)

    def query_contract(self, symbol):
        data = xtdata.get_instrument_detail(symbol, True)
        if data is None:
            return
        kinds = xtdata.get_instrument_type(symbol)
        product = next(
            (PRODUCTS[kind] for kind in ("etf", "index", "bond", "stock") if kinds.get(kind)), ""
        )
        self.contracts[symbol] = {
            "name": data["InstrumentName"],
            "product": product,
            "pricetick": data["PriceTick"],
            "size": data["VolumeMultiple"],
            "min_volume": data["MinLimitOrderVolume"],
            "open_date": data["OpenDate"],
        }

    def subscribe(self, symbol):
        return xtdata.subscribe_quote(symbol, period="tick", callback=self.on_tick)

    def on_tick(self, data):
        for symbol, rows in data.items():
            for row in rows:
                self.ticks[symbol] = row["lastPrice"], row["askPrice"][0], row["time"]
        self.arrived.set()


class TdApi(XtQuantTraderCallback):
    def __init__(self, path, session):
        self.filled = threading.Event()
        self.account = None
        self.trades = []
        self.trader = XtQuantTrader(path, session)
        self.trader.register_callback(self)

    def connect(self, account_id):
        self.trader.start()
        if self.trader.connect():
            raise SystemExit("交易接口连接失败")
        self.account = StockAccount(account_id)
        if self.trader.subscribe(self.account):
            raise SystemExit("订阅账号失败")

    def on_stock_trade(self, trade):
        self.trades.append(trade)
        self.filled.set()


def main():
    path, account_id = sys.argv[1:]
    md = MdApi()
    md.connect()
    print(
        "contracts:",
        len(md.contracts) > 150,
        sorted({each["product"] for each in md.contracts.values()}),
    )
    print(
        "complete:",
        all(all(str(value) for value in each.values()) for each in md.contracts.values()),
    )
    print(
        "subscribed:",
        md.subscribe("000300.SH") > 0,
        md.subscribe("600036.SH") > 0,
        md.subscribe("不存在") == -1,
    )
    md.arrived.wait(30)

    td = TdApi(path, 20261)
    td.connect(account_id)
    asset = td.trader.query_stock_asset(td.account)
    positions = td.trader.query_stock_positions(td.account)
    print("account:", asset.cash > 0, [each.stock_code for each in positions])
    ask = xtdata.get_full_tick(["600036.SH"])["600036.SH"]["askPrice"][0]
    td.trader.order_stock_async(
        td.account,
        "600036.SH",
        xtconstant.STOCK_BUY,
        100,
        xtconstant.FIX_PRICE,
        ask + 0.05,
        "网关",
        "1",
    )
    print("filled:", td.filled.wait(30))
    price = td.trades[0].traded_price
    print("near the quote:", abs(price - ask) / ask < 0.01)
    td.trader.stop()


main()
