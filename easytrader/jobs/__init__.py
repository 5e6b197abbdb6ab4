"""没有人看着的任务：开不开市、只跑一份、日志、通知、退出码。

- `gate` 现在开不开市；`lock` 一个账号的一个任务只跑一份；`watchdog` 总共能跑多久；
- `logfile` 日志文件、与 `logging` 接上；`notify` 通知；`watch` 成交与断线也通知；
- `outcome` 结果的 JSON；`codes` 退出码。
"""
