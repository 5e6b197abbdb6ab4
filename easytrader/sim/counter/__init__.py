"""柜台：命令进、事件出（`counter`），市场往前走（`floor` `sweep` `rollover`），查询（`views`）；

`engine` 把它们与时钟、账本文件接起来。
"""
