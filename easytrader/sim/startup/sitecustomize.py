"""``easytrader sim run`` 起的 Python 子进程从这里接到模拟 MiniQMT。

这个文件夹在 ``PYTHONPATH`` 里，解释器启动时自己会导入 ``sitecustomize``，Windows 上也一样。
环境里原有的 ``sitecustomize`` 照样执行；子进程里没有 easytrader 就当没有这回事。
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  解释器正在启动，要轻


def _start() -> None:
    # 孙进程还从环境变量里找得到；子进程自己的 sys.path 与平常一样
    others = [each for each in sys.path if os.path.abspath(each) != _HERE]  # noqa: PTH100
    sys.path[:] = others
    spec = PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(module_from_spec(spec))
    try:
        from easytrader.sim.install import join_run
    except ImportError:
        return
    join_run()


_start()
