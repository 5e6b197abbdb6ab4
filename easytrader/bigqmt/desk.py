"""普通买卖之外的：信用、新股、智能算法……的动词在内置 Python 里问谁、办谁。

`miniqmt.groups` 的动词照样用：它们只认厂商 ``XtQuantTrader`` 的方法名与记录，这里把方法名变成
内置 Python 的函数，把读来的对象（``m_`` 开头的属性）变成那样的记录。所以字典的键、校验、中文名
都与 ``use('miniqmt')`` 是同一份。终端没有的抛 `UnsupportedError`，什么都没有发出。
"""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from easytrader.arguments import check_kinds
from easytrader.bigqmt.algo import Algos
from easytrader.codes import ACCOUNT_STATUS_NAMES, AccountType, IpoType, Market
from easytrader.errors import QueryFailedError, UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from easytrader.backend.records import OrderLike
    from easytrader.bigqmt.algo import AlgoLine
    from easytrader.orders import Receipt
    from easytrader.types import Outcome

    Row = dict[str, Any]

_T = TypeVar("_T")

UNSET: Final = frozenset({2**31 - 1, sys.float_info.max})
"""客户端没有填过的数。"""

_CREDIT: Final = "CREDIT"

_INSTEAD: Final = {
    "bank": "银证转账在客户端里手工办，或用券商的手机软件",
    "query_bank": "银证转账在客户端里手工办，或用券商的手机软件",
    "fund_transfer": "资金划拨在客户端里手工办",
    "secu_transfer": "股份划拨在客户端里手工办",
    "ctp_transfer": "划拨在客户端里手工办",
    "query_com": "普通柜台的资金与持仓在客户端里看",
    "smt": "约券在客户端里手工办",
    "lending": "约券在客户端里手工办",
    "transfer": "划拨在客户端里手工办",
    "export_data": "往日的用 user.history()，当日的用 user.today_entrusts、user.today_trades",
    "query_secu_account": "股东账户在客户端里看",
    "query_account_infos": "这个账号的状态看 user.status；别的账号在客户端里看",
    "query_account_status": "这个账号的状态看 user.status；别的账号在客户端里看",
    "sync_transaction": "外面的成交在客户端里录入",
}
"""厂商的方法名怎样开头 → 有没有别的办法。"""

_ABSENT: Final = {"bank": "银证转账", "transfer": "划拨", "lending": "约券"}
"""整组都没有的动词。"""


def unsupported(what: str, name: str) -> UnsupportedError:
    """内置 Python 里没有的。

    Args:
        what: 中文，说给人听的，如 ``银行信息``。
        name: MiniQMT 的方法名。
    """
    others = (told for start, told in _INSTEAD.items() if name.startswith(start))
    instead = next(others, "在客户端里手工办")
    shown = f"「{what}」（{name}）" if what != name else f"「{name}」"
    return UnsupportedError(f"完整版 QMT 的内置 Python 没有{shown}，什么都没有发出：{instead}")


class DeskLine(Protocol):
    """要用会话的这几样。"""

    @property
    def account_id(self) -> str:
        """资金账号。"""

    @property
    def account_type(self) -> str:
        """账号类型的名字。"""

    def table(self, kind: str) -> list[Row]:
        """客户端的一张表（``ACCOUNT``、``TASK`` 等），每行一个字典。"""

    def orders(self) -> Sequence[OrderLike]:
        """当日委托。"""

    def call(self, fn: str, *args: Any) -> Any:
        """调用终端里只读的函数；列表里的对象成了字典。没有它抛 `UnsupportedError`。"""


class Desk:
    """一次会话的这些动词；与 `miniqmt.session.QmtSession` 给各组的一样。

    Args:
        line: 查的时候问它。
        algo_line: 智能算法要的。
    """

    def __init__(self, line: DeskLine, algo_line: AlgoLine) -> None:
        self._line = line
        algos = self._algos = Algos(algo_line)
        self.hear_refusal = algos.hear_refusal
        """终端不收的下单里有没有算法的；在读的线程上。"""
        self._starts: dict[str, Callable[..., Receipt[Any]]] = {
            "smart_algo_order_async": algos.order,
            "cancel_smart_algo_task_async": algos.cancel,
        }
        self._queries: dict[str, Callable[..., Any]] = {
            "query_credit_detail": self._credit_detail,
            "query_stk_compacts": self._compacts,
            "query_credit_subjects": self._subjects,
            "query_credit_assure": self._assures,
            "query_credit_slo_code": self._slo_codes,
            "query_ipo_data": self._ipo_data,
            "query_new_purchase_limit": self._purchase_limit,
            "get_smart_algo_param": self._algo_params,
            "query_smart_algo_task": self._tasks,
        }

    # ---- 各组要的

    @property
    def account(self) -> str:
        """作厂商方法的第一个参数，这里用不着。"""
        return self._line.account_id

    @property
    def account_id(self) -> str:
        """资金账号。"""
        return self._line.account_id

    def orders(self) -> Sequence[OrderLike]:
        """当日委托。"""
        return self._line.orders()

    def need(self, verb: str, *kinds: str) -> None:
        """同 `QmtSession.need`；终端整组都没有的，不必说账号类型。"""
        what = _ABSENT.get(verb.partition(".")[0])
        if what is not None:
            raise unsupported(what, verb)
        check_kinds(verb, self._line.account_type, kinds)

    def query(self, what: str, name: str, *args: Any) -> Any:
        """同 `QmtSession.query`；终端没有的抛 `UnsupportedError`。"""
        found = self._queries.get(name)
        if found is None:
            raise unsupported(what, name)
        return found(*args)

    def act(self, what: str, name: str, *args: Any) -> Any:
        """同步办的（划拨、录入）终端一样都没有。"""
        raise unsupported(what, name)

    def confirm(self, what: str, name: str, *args: Any) -> Outcome:
        """同 `act`。"""
        raise unsupported(what, name)

    def start(self, what: str, build: Callable[[Any], _T], name: str, *args: Any) -> Receipt[_T]:
        """同 `QmtSession.start`；终端没有的抛 `UnsupportedError`。"""
        found = self._starts.get(name)
        if found is None:
            raise unsupported(what, name)
        return found(what, build, *args)

    # ---- 信用

    def _credit_detail(self, account: object) -> list[SimpleNamespace]:
        """资金那一行里就有：客户端的缓存。问柜台的那个 180 秒才许问一次，不用它。"""
        rows = [row for row in self._line.table("ACCOUNT") if _has_credit(row)]
        if not rows:
            raise QueryFailedError(
                "客户端的资金里没有信用的几项：账号类型不是信用，或这个版本的客户端不给"
            )
        return [self._record(_DETAIL, row) for row in rows]

    def _compacts(self, account: object) -> list[SimpleNamespace]:
        found = self._line.call("get_unclosed_compacts", self._line.account_id, _CREDIT)
        return [self._record(_COMPACT, row) for row in _rows("负债合约", found)]

    def _subjects(self, account: object) -> list[SimpleNamespace]:
        """客户端把担保品也列在里面：两样比例都是 0 的不是标的。"""
        found = self._line.call("get_assure_contract", self._line.account_id)
        subjects = [self._record(_SUBJECT, row) for row in _rows("融资融券标的", found)]
        return [each for each in subjects if each.fin_ratio or each.slo_ratio]

    def _assures(self, account: object) -> list[SimpleNamespace]:
        """折算率是 0 的不是担保品。"""
        found = self._line.call("get_assure_contract", self._line.account_id)
        assures = [self._record(_ASSURE, row) for row in _rows("担保品", found)]
        return [each for each in assures if each.assure_ratio]

    def _slo_codes(self, account: object) -> list[SimpleNamespace]:
        found = self._line.call("get_enable_short_contract", self._line.account_id)
        return [self._record(_SLO, row) for row in _rows("可融券", found)]

    def _record(self, fields: Mapping[str, tuple[str, ...]], row: Row) -> SimpleNamespace:
        """客户端的一行 → 厂商的记录：没有的、没有填过的为 None。"""
        record = SimpleNamespace(
            account_type=AccountType[self._line.account_type].value,
            account_id=self._line.account_id,
        )
        for name, sources in fields.items():
            values = (row.get(each) for each in sources)
            known = next((each for each in values if each is not None and each not in UNSET), None)
            setattr(record, name, _CODED.get(name, _same)(known))
        return record

    # ---- 新股

    def _ipo_data(self) -> dict[str, Row]:
        """股票、债券分开问：混着问的，有的版本不说是哪一种。"""
        found: dict[str, Row] = {}
        for kind in IpoType:
            issues = self._line.call("get_ipo_data", kind.value)
            for code, issue in _mapping("新股数据", issues).items():
                found[str(code)] = {**_mapping("新股数据", issue), "type": kind.value}
        return found

    def _purchase_limit(self, account: object) -> dict[str, int]:
        found = self._line.call("get_new_purchase_limit", self._line.account_id)
        limits = _mapping("新股申购额度", found)
        return {str(market): int(volume) for market, volume in limits.items()}

    # ---- 智能算法

    def _algo_params(self, names: list[str]) -> Any:
        """终端给 ``{算法: {参数: 默认值}}``，也有给 ``{算法: [参数, …]}`` 的。"""
        found = self._line.call("get_smart_algo_param", names)
        if not isinstance(found, dict):
            return found
        return {
            name: [{"key": key, "defaultValue": value} for key, value in params.items()]
            if isinstance(params, dict)
            else params
            for name, params in found.items()
        }

    def _tasks(self, account: object) -> list[SimpleNamespace]:
        tasks = []
        for row in self._line.table("TASK"):
            task = self._record(_TASK, row)
            noted = self._algos.noted(task.order_remark)
            if noted is not None:
                task.strategy_name, task.order_remark = noted
            tasks.append(task)
        return tasks


def _fields(listed: str) -> dict[str, tuple[str, ...]]:
    """``键=来源`` 或 ``键=来源|另一个来源``；只写键的，来源就是它。"""
    words = [word.partition("=") for word in listed.split()]
    return {key: tuple((source or key).split("|")) for key, _, source in words}


_DETAIL: Final = _fields(
    "m_nStatus=m_nStatus|m_strStatus m_nUpdateTime m_nCalcConfig m_dBalance m_dAvailable "
    "m_dFrozenCash m_dFetchBalance m_dMarketValue=m_dMarketValue|m_dInstrumentValue "
    "m_dStockValue m_dFundValue m_dPositionProfit m_dAssureAsset "
    "m_dTotalDebt=m_dTotalDebt|m_dTotalDebit m_dEnableBailBalance m_dPerAssurescaleValue "
    "m_dFinDebt=m_dFinDebt|m_dFinCompactBalance m_dFinDealAvl "
    "m_dFinFee=m_dFinFee|m_dFinCompactFare m_dSloDebt=m_dSloDebt|m_dSloCompactBalance "
    "m_dSloMarketValue m_dSloFee=m_dSloFee|m_dSloCompactFare m_dOtherFare m_dFinMaxQuota "
    "m_dFinEnableQuota m_dFinUsedQuota m_dSloMaxQuota m_dSloEnableQuota m_dSloUsedQuota "
    "m_dSloSellBalance m_dUsedSloSellBalance m_dSurplusSloSellBalance"
)
_SECURITY: Final = "instrument_id=m_strInstrumentID exchange_id=m_strExchangeID "
_COMPACT: Final = _fields(
    f"{_SECURITY} compact_id=m_strCompactId|m_strCompactID compact_type=m_eCompactType "
    "cashgroup_prop=m_eCashgroupProp open_date=m_nOpenDate ret_end_date=m_nRetEndDate "
    "business_vol=m_nBusinessVol real_compact_vol=m_nRealCompactVol "
    "business_balance=m_dBusinessBalance real_compact_balance=m_dRealCompactBalance "
    "businessFare=m_dBusinessFare real_compact_fare=m_dRealCompactFare "
    "repaid_fare=m_dRepaidFare repaid_balance=m_dRepaidBalance position_str=m_strPositionStr"
)
_SUBJECT: Final = _fields(
    f"{_SECURITY} fin_status=m_eFinStatus fin_ratio=m_dFinRatio slo_status=m_eSloStatus "
    "slo_ratio=m_dSloRatio"
)
_ASSURE: Final = _fields(f"{_SECURITY} assure_status=m_eAssureStatus assure_ratio=m_dAssureRatio")
_SLO: Final = _fields(
    f"{_SECURITY} cashgroup_prop=m_eCashgroupProp|m_eQuerySloType enable_amount=m_nEnableAmount"
)
_TASK: Final = _fields(
    "task_id=m_nTaskId task_status=m_eStatus task_msg=m_strMsg start_time=m_startTime "
    "end_time=m_endTime cancel_time=m_cancelTime order_num=m_nNum business_num=m_nBusinessNum "
    "group_id=m_nGroupId algo_id=m_strAlgoName strategy_name=m_strSource order_remark=m_strRemark "
    "order_id_list=m_listOrderId"
)
"""厂商的记录的字段 ← 客户端对象的属性。"""


def _same(value: Any) -> Any:
    return value


def _market(value: Any) -> Any:
    """``SH`` → 厂商的整数；不认得的原样。"""
    return Market[value].value if value in Market.__members__ else value


def _status(value: Any) -> Any:
    """登录状态：有的版本只给文字。"""
    if not isinstance(value, str):
        return value
    codes = {name: code for code, name in ACCOUNT_STATUS_NAMES.items()}
    return codes.get(value, 0 if value == "登录成功" else None)


_CODED: Final[dict[str, Callable[[Any], Any]]] = {"exchange_id": _market, "m_nStatus": _status}


def _has_credit(row: Row) -> bool:
    value = row.get("m_dPerAssurescaleValue")
    return value is not None and value not in UNSET


def _rows(what: str, found: Any) -> list[Row]:
    """一批对象；不是的就是没有得到可信的回答。"""
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise QueryFailedError(f"查询{what}没有得到可信的回答：客户端给出 {found!r:.80}")
    return found


def _mapping(what: str, found: Any) -> Row:
    if not isinstance(found, dict):
        raise QueryFailedError(f"查询{what}没有得到可信的回答：客户端给出 {found!r:.80}")
    return found
