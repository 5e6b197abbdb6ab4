"""原来的 easytrader 的 ``remoteclient.use(...)``。"""
