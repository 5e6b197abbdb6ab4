"""信用账号的五项查询。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from easytrader.errors import QueryFailedError
from easytrader.miniqmt.verbs.base import Verbs
from easytrader.rows.credit import (
    compact_row,
    credit_assure_row,
    credit_detail_row,
    credit_subject_row,
    slo_code_row,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.types import Compact, CreditAssure, CreditDetail, CreditSubject, SloCode

_Row = TypeVar("_Row")


class CreditQueries(Verbs):
    """见模块说明。只有信用账号能用。"""

    def credit_detail(self) -> CreditDetail:
        """信用资产，元：负债、保证金、额度、维持担保比例。

        Raises:
            UsageError: 不是信用账号，什么都没有发出。
            QueryFailedError: 没有得到可信的回答。
            NotConnectedError: 没有可用会话。
        """
        found = self._ask_credit(
            "credit_detail", "信用资产", "query_credit_detail", credit_detail_row
        )
        if not found:
            raise QueryFailedError("查询信用资产没有结果：账号没有登录，或没有开通信用业务")
        mine = [each for each in found if each["account_id"] == self._desk.account_id]
        return (mine or found)[0]

    def compacts(self) -> list[Compact]:
        """负债合约，融资的与融券的，每份一个字典；没有为空。异常同 `credit_detail`。"""
        return self._ask_credit("compacts", "负债合约", "query_stk_compacts", compact_row)

    def credit_subjects(self) -> list[CreditSubject]:
        """融资融券标的与保证金比例（1 就是 100%）。异常同 `credit_detail`。"""
        return self._ask_credit(
            "credit_subjects", "融资融券标的", "query_credit_subjects", credit_subject_row
        )

    def slo_codes(self) -> list[SloCode]:
        """能融到的券和数量，普通、专项头寸各一行。异常同 `credit_detail`。"""
        return self._ask_credit("slo_codes", "可融券", "query_credit_slo_code", slo_code_row)

    def credit_assure(self) -> list[CreditAssure]:
        """担保品与折算率（0.7 就是 70%）。异常同 `credit_detail`。"""
        return self._ask_credit("credit_assure", "担保品", "query_credit_assure", credit_assure_row)

    def _ask_credit(
        self, verb: str, what: str, name: str, build: Callable[[Any], _Row]
    ) -> list[_Row]:
        desk = self._desk
        desk.need(verb, "CREDIT")
        found = desk.query(what, name, desk.account)
        return [build(each) for each in found or ()]
