"""定时任务：把持仓调到目标数量。每跑一次看一眼、补一步，随时可以中断、重跑。

    * 9-14 * * 1-5  cd /home/me && .venv/bin/python minute_job.py    # cron 的写法

做到哪一步由柜台的委托和持仓说了算，脚本里不存任何状态：还有没走完的委托就不再下新的，
所以接连跑两次也不会多买。
"""

import sys

import easytrader
from easytrader import EasytraderError, OutcomeUnknownError
from easytrader.codes import FINAL_STATUSES

TARGETS = {"510300": 2000, "518880": 1000}  # 代码 → 想要的数量
STRATEGY = "minute-job"


def step(user):
    held = {row["security"]: row["volume"] for row in user.position}
    busy = {
        row["security"]
        for row in user.today_entrusts
        if row["strategy_name"] == STRATEGY and row["order_status"] not in FINAL_STATUSES
    }
    for security, target in TARGETS.items():
        missing = target - held.get(security, 0)
        if security in busy:
            print(security, "有委托在等成交，这次不动")
        elif missing == 0:
            print(security, "已到目标", target)
        elif missing > 0:
            report(security, user.market_buy(security, missing, strategy_name=STRATEGY))
        else:
            report(security, user.market_sell(security, -missing, strategy_name=STRATEGY))


def report(security, order):
    if order["entrust_no"] == -1:
        print(security, "被拒绝：", order["message"])
    else:
        print(security, "已委托，编号", order["entrust_no"])


def main():
    try:
        with easytrader.use("miniqmt" if len(sys.argv) > 2 else "sim") as user:
            user.connect(*sys.argv[1:3], reconnect_enabled=False)
            step(user)
    except OutcomeUnknownError as exc:
        # 不重发：下一次运行会在 today_entrusts 里看到它，或者看到它不在
        sys.exit(f"结果未知，下次再看：{exc}")
    except EasytraderError as exc:
        sys.exit(f"这次没有做成：{exc}")


if __name__ == "__main__":
    main()
