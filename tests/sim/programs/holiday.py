"""开盘前先看今天开不开市：节假日、交易日历、交易日三种问法。"""

import datetime as dt

from xtquant import xtdata

xtdata.enable_hello = False
xtdata.download_holiday_data()
holidays = xtdata.get_holidays()
print("holidays:", len(holidays) > 0, all(len(day) == 8 for day in holidays))
dates = xtdata.get_trading_dates("SH", count=10)
days = [xtdata.timetag_to_datetime(each, "%Y%m%d") for each in dates]
print("dates:", len(days), days == sorted(set(days)))
calendar = xtdata.get_trading_calendar("SH", days[0], days[-1][:4] + "1231")
print("calendar:", days == calendar[: len(days)])
print("agree:", not set(days) & set(holidays))
today = days[-1]
print("is trading day:", today in calendar and today not in holidays)
last = xtdata.timetag_to_datetime(xtdata.get_market_last_trade_date("SZ"), "%Y%m%d")
print("last:", last == today)
coming = xtdata.compute_coming_trading_calendar("SH")
print("coming:", coming[0] > today)
start = dt.datetime.strptime(days[0], "%Y%m%d")  # noqa: DTZ007  厂商按本机时区
bars = xtdata.get_market_data_ex(["close"], ["000001.SH"], "1d", start_time=start)["000001.SH"]
print("bars:", set(bars.index) <= set(days))
