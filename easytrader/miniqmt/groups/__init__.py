"""普通买卖之外的动词，一组一个类：``user.credit``、``user.ipo`` 等。"""

from easytrader.miniqmt.groups.after_hours import AfterHours
from easytrader.miniqmt.groups.algo import Algo
from easytrader.miniqmt.groups.bank import Bank
from easytrader.miniqmt.groups.base import Group
from easytrader.miniqmt.groups.client import Client
from easytrader.miniqmt.groups.credit import Credit
from easytrader.miniqmt.groups.ipo import Ipo
from easytrader.miniqmt.groups.lending import Lending
from easytrader.miniqmt.groups.transfer import Transfer

__all__ = [
    "AfterHours",
    "Algo",
    "Bank",
    "Client",
    "Credit",
    "Group",
    "Ipo",
    "Lending",
    "Transfer",
]
