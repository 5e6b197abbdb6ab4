"""``python3.6 <这个文件夹>``：起一个客户端进程。

设置是标准输入的第一行 JSON（命令行上没有口令）；跑起来了（或为什么没有）在标准输出说一行 JSON。
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
if __name__ == "__main__":
    # 直接跑一个文件夹，放在 sys.path 第一个的是它自己；换成上一级，好当作包 `client` 导入
    sys.path[0] = os.path.dirname(HERE)
    from client.process import main  # type: ignore[import-not-found]

    sys.path.pop(0)
    main()
