"""``easytrader serve``：把这台机器上的账号给别的机器用。"""
