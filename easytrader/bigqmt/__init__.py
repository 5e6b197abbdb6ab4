"""``easytrader.use("bigqmt")``：完整版（大）QMT 客户端的内置 Python 作柜台。

客户端里贴进一个中转文件（`agent`，`easytrader bigqmt agent` 写出），脚本在外面，经本机的线
（`wires`：回环上的 TCP、命名管道、文件夹）与它说话。
"""
