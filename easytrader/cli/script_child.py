"""``easytrader run`` 起的子进程：占着脚本自己的锁，跑完它。

锁由跑脚本的进程自己占着：起它的那个被硬杀了、脚本还在，下一次也不会再起第二个。
"""

from __future__ import annotations

import atexit
import faulthandler
import sys
from typing import Final

BUSY: Final = 251
"""锁有人占着：上一次留下的脚本还在跑。"""


def main(argv: list[str]) -> int:
    """``锁文件 秒数 脚本 参数…``；到了这么多秒，把停在哪里写到标准错误。锁文件为 ``-`` 不占锁。"""
    from filelock import FileLock, Timeout

    from easytrader.cli.run_script import run_script

    place, after_s, script, *rest = argv
    if place != "-":
        lock = FileLock(place, thread_local=False)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            return BUSY
        atexit.register(lock.release)  # 主线程完了，别的线程也许还在：都完了才放开
    faulthandler.dump_traceback_later(float(after_s), exit=False)
    return run_script(script, rest, simulated=False)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
