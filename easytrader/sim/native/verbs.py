"""厂商的请求对象 → 柜台的动作与参数。不在这里的请求都不模拟。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from easytrader.sim.native.business import BUSINESS
from easytrader.sim.wire import AccountArgs, CancelArgs, OrdersArgs, SubmitArgs

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["VERBS"]


def _account(request: Any) -> AccountArgs:
    return AccountArgs(request.m_nAccountType, request.m_strAccountID)


def _position(request: Any) -> AccountArgs:
    code = request.m_strStockCode1 or request.m_strStockCode
    return AccountArgs(request.m_nAccountType, request.m_strAccountID, code)


def _orders(request: Any) -> OrdersArgs:
    return OrdersArgs(
        request.m_nAccountType,
        request.m_strAccountID,
        request.m_nOrderID,
        request.m_bCanCancel,
    )


def _submit(request: Any) -> SubmitArgs:
    # 长缓冲区有内容就用长的，与厂商合并的读法相同
    return SubmitArgs(
        request.m_nAccountType,
        request.m_strAccountID1 or request.m_strAccountID,
        request.m_strStockCode1 or request.m_strStockCode,
        request.m_nOrderType,
        request.m_nOrderVolume,
        request.m_nPriceType,
        request.m_dPrice,
        _text(request, "m_strStrategyName"),
        _text(request, "m_strOrderRemarkNew") or _text(request, "m_strOrderRemark"),
    )


def _text(request: Any, name: str) -> str:
    """读文本；尾巴上截出半个字的（真实模块的请求对象会抛错），丢掉那半个。"""
    try:
        value: str = getattr(request, name)
    except UnicodeDecodeError as error:
        return error.object[: error.start].decode("utf-8", "ignore")
    return value


def _cancel(request: Any) -> CancelArgs:
    return CancelArgs(
        request.m_nAccountType,
        request.m_strAccountID,
        request.m_nOrderID,
        request.m_nMarket,
        request.m_strOrderSysID,
    )


def _anyone(request: Any) -> AccountArgs:
    """不问账号的业务查询。"""
    return AccountArgs(0, "")


def _nothing(request: Any) -> tuple[()]:
    return ()


VERBS: Final[dict[str, tuple[str, Callable[[Any], tuple[Any, ...]]]]] = {
    "subscribe": ("subscribe", _account),
    "unsubscribe": ("unsubscribe", _account),
    "orderStock": ("submit", _submit),
    "cancelOrderStock": ("cancel", _cancel),
    "queryStockAsset": ("asset", _account),
    "queryStockOrders": ("orders", _orders),
    "queryStockTrades": ("trades", _account),
    "queryStockPositions": ("positions", _position),
    "queryNewPurchaseLimit": ("new_purchase_limit", _account),
    "queryIPOData": ("ipo_data", _anyone),
    "queryCreditDetail": ("credit_detail", _account),
    "queryStkCompacts": ("stk_compacts", _account),
    "queryCreditSubjects": ("credit_subjects", _account),
    "queryCreditSloCode": ("credit_slo_code", _account),
    "queryCreditAssure": ("credit_assure", _account),
    "queryAccountInfos": ("account_infos", _nothing),
    "queryAccountStatus": ("account_status", _nothing),
    **BUSINESS,
}
