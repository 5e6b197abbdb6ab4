"""服务空的后端：``python remote_stub_serve.py 每秒多少条造出来的事件``。

印一行 ``端口 令牌``；收到 ``go`` 开始造事件，收到 ``stop`` 停下，
各回一行 ``造了多少 内存MB 处理器秒``；标准输入关了就停。
"""

from __future__ import annotations

import sys
import time

import psutil
from remote_stub import ACCOUNT, Fountain, stub_trader

from easytrader.server.app import App
from easytrader.server.audit import Audit
from easytrader.server.audit import default_folder as audit_folder
from easytrader.server.caps import Caps
from easytrader.server.caps import default_file as caps_file
from easytrader.server.desk import Desk
from easytrader.server.host import Host, bound
from easytrader.server.stop import StopSwitch
from easytrader.server.stop import default_file as stop_file
from easytrader.server.tokens import Tokens, default_file


def main(rate: float) -> None:
    user = stub_trader()
    tokens = Tokens(default_file())
    token = tokens.add("bench", ["trade"])
    audit = Audit(audit_folder())
    caps = Caps(caps_file())
    desk = Desk(ACCOUNT, user, caps=caps, stop=StopSwitch(stop_file()), audit=audit)
    host = Host(App({ACCOUNT: desk}, tokens, audit=audit), bound())
    host.start()
    print(host.port, token, flush=True)
    fountain = Fountain(desk, rate)
    for line in sys.stdin:
        if line.strip() == "go":
            fountain.start()
        else:
            fountain.stop()
        rss = psutil.Process().memory_info().rss / 2**20
        print(fountain.made, rss, time.process_time(), flush=True)
    host.stop(3)
    user.close()


if __name__ == "__main__":
    main(float(sys.argv[1]))
