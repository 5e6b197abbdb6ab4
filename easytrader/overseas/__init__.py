"""境外的券商，各经自己的 SDK：盈透、富途、老虎、MetaTrader 5；SDK 用到时才导入。"""
