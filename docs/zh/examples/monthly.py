"""每月首个交易日调一次仓：谁来叫它都行，脚本里没有日期、没有路径、没有密码。

easytrader run monthly.py --profile main               # cron、任务计划程序里
easytrader schedule "month-start 09:35 run monthly.py --profile main"
"""

import sys

from easytrader import EasytraderError, profiles

WEIGHTS = {"600036": 0.25, "510300": 0.35, "518880": 0.20}  # 其余留作现金


def main():
    try:
        with profiles.open() as user:
            report = user.adjust_weights(WEIGHTS)
    except EasytraderError as exc:
        sys.exit(f"这次没有做成：{exc}")
    print(report)
    # blocked：停牌、涨跌停、还有没完的委托，没有进计划的
    return 0 if report.result == "done" and not report.blocked else 4


if __name__ == "__main__":
    sys.exit(main())
