"""写一个后端要知道的：会话与连接的约定、记录与推送、后端的本事。

- `session`：`Connector` 开一次会话，`Session` 从连上到断开；`BaseSession` 是各家都要的那一部分；
- `records`：委托、成交、持仓、资金的样子（`Order` 等给后端作者造），推送有哪几种；
- `capabilities`：`Capabilities`，引擎照着它办。

怎样写见文档「写一个后端」，例子是 `easytrader.testing.memory`。
"""
