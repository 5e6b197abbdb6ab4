"""一个代理进程：内存柜台的账号 ``main``；可以杀、可以冻住。

``python fleet_agent_process.py 存储 文件夹``；好了说 ``ready``，stdin 上一行一条命令：

``orders`` 柜台上的委托，一个 JSON 列表（备注在内）；``hang`` 下一笔委托柜台收下而不答。
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fleets.fleet_broker import FleetMemory


def main() -> None:
    dsn, folder = sys.argv[1:]
    broker = FleetMemory(Path(folder), dsn)
    print("ready", flush=True)
    for line in sys.stdin:
        if line.strip() == "hang":
            broker.lose_answer("submit")
            print("ok", flush=True)
        else:
            found = [str(each["order_id"]) for each in broker.inner.today_entrusts]
            print(json.dumps(found), flush=True)
    broker.close()


if __name__ == "__main__":
    main()
