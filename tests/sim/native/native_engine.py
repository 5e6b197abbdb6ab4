"""给真的 Host 用的假柜台（Engine 的样子，没有账）。"""

from __future__ import annotations

from contextlib import contextmanager

from native_desk import ACCOUNT, ASSET, INFO, ORDER, POSITION, TRADE

from easytrader.sim.gateway.rows import AccountStatusRow, CancelAnswer, OrderAnswer
from easytrader.sim.gateway.wire import Push
from easytrader.sim.ledger.events import Outcome


class FakeEngine:
    def __init__(self):
        self.rows = []

    def submit(self, args):
        order_id = 1001 + len(self.rows)
        row = ORDER._replace(
            order_id=order_id, strategy_name=args.strategy_name, order_remark=args.order_remark
        )
        self.rows.append(row)
        answer = OrderAnswer(2, ACCOUNT, order_id, args.strategy_name, args.order_remark, 0, "")
        return Outcome(answer, (Push("order", args.account_type, args.account_id, row),))

    def cancel(self, args):
        return Outcome(CancelAnswer(2, ACCOUNT, 0, args.order_id, args.sysid, 0, ""))

    def asset(self, args):
        return Outcome([ASSET])

    def orders(self, args):
        return Outcome(self.rows)

    def trades(self, args):
        return Outcome([TRADE])

    def positions(self, args):
        return Outcome([POSITION])

    def ask(self, verb, args):
        return Outcome([])

    def account_infos(self):
        return Outcome([INFO])

    def account_status(self):
        return Outcome([AccountStatusRow(2, ACCOUNT, 0)])

    def has_account(self, account_type, account_id):
        return (account_type, account_id) == (2, ACCOUNT)

    def advance(self):
        return Outcome(None)

    def next_wakeup(self):
        return None

    @contextmanager
    def transaction(self):
        yield

    def close(self):
        pass
