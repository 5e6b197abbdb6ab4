"""线上的话：服务器（`server`）与远程的交易口（`remote`）都照它说，谁也不另写一份。

一个动词一行在 `verbs`，值在 `values`，异常在 `errors`，名字与界限在 `words`。
"""
