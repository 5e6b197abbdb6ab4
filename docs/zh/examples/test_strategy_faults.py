"""用故障注入测试自己的策略：应答丢了、断线了，绝不能多买。

用法：

    pytest test_strategy_faults.py
"""

import pytest

import easytrader
from easytrader import OutcomeUnknownError
from easytrader.sim import Faults


def buy_once(user, security, amount):
    """要测的策略：结果未知时核对，绝不重发。"""
    try:
        return user.market_buy(security, amount)["entrust_no"]
    except OutcomeUnknownError as exc:
        row = user.find_entrust(exc.tag)
        return row["order_id"] if row else None


@pytest.fixture
def user(tmp_path):
    """一个全新的模拟账户，放在测试自己的临时目录里。"""
    with easytrader.use("sim") as trader:
        trader.connect(str(tmp_path), "10001", timeout=2)
        yield trader


@pytest.fixture
def faults(user, tmp_path):
    return Faults(tmp_path)


def test_lost_answer_does_not_buy_twice(user, faults):
    faults.drop_answer("submit")  # 柜台受理了，应答丢了

    number = buy_once(user, "510300", 1000)

    assert number is not None  # 按标记找回来了
    assert len(user.today_entrusts) == 1
    assert user.wait(number)["order_status_name"] == "已成"


def test_slow_answer_is_reported_as_unknown(user, faults):
    faults.delay_answer("submit", seconds=10)  # 比 timeout 久

    with pytest.raises(OutcomeUnknownError) as caught:
        user.market_buy("510300", 1000)

    assert user.find_entrust(caught.value.tag) is not None
