"""``easytrader.use("remote")``：账号在别的机器上（那里跑着 ``easytrader serve``），脚本在这里。"""
