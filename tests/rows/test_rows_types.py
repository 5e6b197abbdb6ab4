"""每个 `TypedDict` 与真的走一遍厂商层（模拟 MiniQMT）得到的字典逐键核对。"""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, get_args, get_type_hints, is_typeddict

import pytest
from support import ACCOUNT, ROOT, SimProcess, eventually
from types_check import check

import easytrader
from easytrader import types
from easytrader.brokers.sim import SimTrader
from easytrader.link.supervisor import State
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED
from easytrader.miniqmt.groups import every_group
from easytrader.miniqmt.groups.ipo import STATUS_NAMES
from easytrader.miniqmt.trader import MiniqmtTrader
from easytrader.push import event_log
from easytrader.records import memory
from easytrader.risk import Guard
from easytrader.rows import business
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def resting(user: Any) -> int:
    """挂一笔暂时成交不了的买单。"""
    return int(user.buy("600036", 32.5, 100)["entrust_no"])


# ---- 查询、下单


def test_queries_and_orders(user: Any) -> None:
    bought = user.market_buy("600036", 100)
    check(bought, types.EntrustResult)
    check(user.wait(bought["entrust_no"], 30), types.Entrust)
    number = resting(user)
    check(user.find_entrust(number), types.Entrust)
    check(user.balance, list[types.Asset])
    for found, kind in (
        (user.position, types.Position),
        (user.today_entrusts, types.Entrust),
        (user.today_trades, types.Trade),
    ):
        assert found
        check(found, list[kind])  # type: ignore[valid-type]
    check(user.quote(["600036", "510300.SH"]), dict[str, types.Quote])
    check(user.cancel_entrust(number), types.CancelResult)
    check(user.cancel_entrust(99), types.CancelResult)
    resting(user)
    cancelled = user.cancel_all()
    assert cancelled
    check(cancelled, list[types.BulkCancel])


def test_client_order_ids(user: Any) -> None:
    first = user.buy("600036", 32.5, 100, client_order_id="类型-1")
    check(user.buy("600036", 32.5, 100, client_order_id="类型-1"), types.EntrustResult)
    check(user.find_entrust("类型-1"), types.Entrust)
    assert user.find_entrust("类型-1")["order_id"] == first["entrust_no"]


def test_a_refusal_has_a_message(user: Any, sim_folder: Path) -> None:
    Faults(sim_folder).disk_full()
    answer = user.buy("600036", 32.5, 100)
    check(answer, types.EntrustResult)
    assert answer["entrust_no"] == -1
    assert answer["message"]


def test_receipts(user: Any) -> None:
    receipt = user.buy_async("600036", 32.5, 100)
    answer = receipt.result(30)
    check(answer, types.EntrustResult)
    check(user.cancel_entrust_async(answer["entrust_no"]).result(30), types.CancelResult)


# ---- 状态、体检


def test_status_in_every_state(user: Any) -> None:
    check(easytrader.use("sim").status, types.Status)
    check(user.status, types.Status)
    user.guard = Guard(max_order_value=100_000, max_per_day=100, max_per_second=5)
    resting(user)
    status = user.status
    check(status, types.Status)
    check(status["guard"], types.GuardStatus)
    assert status["guard"]["sent_today"] == 1
    user.close()
    check(user.status, types.Status)
    assert set(get_args(types.StateName)) == {each.value for each in State}


def test_checkup(sim_folder: Path) -> None:
    found = easytrader.doctor(sim_folder, ACCOUNT, network=False, timeout=5)
    check(found, list[types.CheckResult])
    named = list(get_args(types.CheckName))
    assert [each["check"] for each in found] == named[: named.index("locale")]  # 其余是别的柜台的
    assert set(get_args(types.CheckVerdict)) == {OK, NOTE, BAD, SKIPPED}


# ---- 事件

KINDS = {
    get_args(get_type_hints(each)["event"])[0]: each for each in get_args(types.Event)
}  # fmt: skip


def test_every_kind_of_event_has_its_type() -> None:
    assert list(KINDS) == list(event_log.EVENT_NAMES) == list(get_args(types.EventName))
    for kind, each in KINDS.items():
        assert get_args(get_type_hints(each)["event_name"]) == (event_log.EVENT_NAMES[kind],)


def collect(user: Any) -> dict[str, Any]:
    """收到的每种事件各一条，逐条核对。"""
    found = {}
    for event in user.events(timeout=0.3):
        check(event, KINDS[event["event"]])
        found[event["event"]] = event["data"]
    return found


def test_events_of_trading(user: Any) -> None:
    number = user.market_buy("600036", 100)["entrust_no"]
    user.wait(number, 30)
    user.cancel_entrust(number)
    user.wait(user.buy("600036", 35.5, 10_000_000)["entrust_no"], 30)
    receipt = user.buy_async("600036", 32.5, 100)
    user.cancel_entrust_async(receipt.result(30)["entrust_no"]).result(30)
    seen = collect(user)
    assert {
        "connected", "order", "trade", "order_error", "cancel_error", "order_response",
        "cancel_response",
    } <= set(seen)  # fmt: skip


def test_events_of_the_connection(served: SimProcess, connect: Callable[..., Any]) -> None:
    user = connect(max_reconnect_attempts=1)
    served.kill()
    eventually(lambda: user.status["gave_up"], 20)
    assert {"connected", "disconnected", "give_up"} <= set(collect(user))


def test_gap(user: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EARLY", 1)
    for _ in range(3):
        user.cancel_entrust(resting(user))
    kept = user._engine.events._parts[-1].store
    eventually(lambda: kept._gone > 0)  # 推送在路上：丢了的记下了再去收
    assert collect(user)["gap"]["missed"] > 0


def test_other_answers_and_pushes_of_the_vendor(user: Any) -> None:
    """模拟柜台不一定会推的：用厂商自己的结构，从厂商叫回调的地方送进来。"""
    from xtquant import xttype

    pushed = user.trader.callback
    pushed.on_account_status(xttype.XtAccountStatus(ACCOUNT, 2, 0))
    pushed.on_stock_asset(xttype.XtAsset(ACCOUNT, 1.0, 0.0, 0.0, 1.0, 1.0))
    position = xttype.XtPosition(
        ACCOUNT, "600036.SH", 100, 100, 35.0, 3500.0, 0, 0, 100, 35.0, 48, 35.0, 0.0, "", "招商银行"
    )
    pushed.on_stock_position(position)
    pushed.on_smt_appointment_async_response(xttype.XtSmtAppointmentResponse(1, True, "", "12"))
    pushed.on_bank_transfer_async_response(xttype.XtBankTransferResponse(2, True, ""))
    pushed.on_ctp_internal_transfer_async_response(xttype.XtBankTransferResponse(3, False, "不行"))
    ordered = xttype.XtSmartAlgoOrderResponse(ACCOUNT, 7, "策略", "备注", "", 4)
    pushed.on_smart_algo_order_async_response(ordered)
    operated = xttype.XtOperateSmartTaskResponse(5, True, 7, "", "")
    pushed.on_operate_smart_task_async_response(operated)
    seen = collect(user)
    assert {
        "account_status", "asset", "position", "smt_response", "bank_transfer_response",
        "ctp_transfer_response", "smart_algo_order_response", "smart_task_response",
    } <= set(seen)  # fmt: skip
    tried = set(seen) | {"order", "trade", "order_error", "cancel_error", "order_response"}
    assert tried | {"cancel_response", "disconnected", "give_up", "gap"} == set(KINDS)


# ---- 其余的：键与次序


class Anything(SimpleNamespace):
    """什么字段都有的记录；``get`` 让它也像厂商给的字典。"""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return 48

    def get(self, name: str, default: Any = None) -> Any:
        return 48


BUILDERS: tuple[tuple[Callable[..., Any], tuple[Any, ...], Any], ...] = (
    (business.account_info_row, (Anything(),), types.AccountInfo),
    (business.secu_account_row, (Anything(),), types.SecuAccount),
    (business.position_statistics_row, (Anything(),), types.PositionStatistics),
    (business.ipo_row, ("787001.SH", {}), types.IpoIssue),
    (business.order_response_row, (Anything(order_remark=""),), types.OrderResponse),
    (business.cancel_response_row, (Anything(),), types.CancelResponse),
    (business.task_row, ({},), types.SmartAlgoTask),
    (business.param_row, ({},), types.SmartAlgoParam),
    (business.smart_order_row, (Anything(),), types.SmartAlgoOrderResponse),
    (business.smart_task_row, (Anything(),), types.SmartTaskResponse),
    (business.smt_quoter_row, ({},), types.SmtQuoter),
    (business.smt_order_row, ({},), types.SmtOrder),
    (business.smt_compact_row, ({},), types.SmtCompact),
    (business.smt_response_row, (Anything(),), types.SmtResponse),
    (business.com_fund_row, ({},), types.ComFund),
    (business.com_position_row, ({},), types.ComPosition),
    (business.bank_row, (Anything(),), types.Bank),
    (business.bank_amount_row, (Anything(),), types.BankAmount),
    (business.bank_stream_row, (Anything(),), types.BankStream),
    (business.transfer_response_row, (Anything(),), types.TransferResponse),
    (business.credit_detail_row, (Anything(),), types.CreditDetail),
    (business.compact_row, (Anything(),), types.Compact),
    (business.credit_subject_row, (Anything(),), types.CreditSubject),
    (business.slo_code_row, (Anything(),), types.SloCode),
    (business.credit_assure_row, (Anything(),), types.CreditAssure),
)


@pytest.mark.parametrize(
    ("build", "given", "kind"), BUILDERS, ids=[each[-1].__name__ for each in BUILDERS]
)
def test_keys_of_the_other_rows(
    build: Callable[..., Any], given: tuple[Any, ...], kind: Any
) -> None:
    assert list(build(*given)) == list(get_type_hints(kind))


def test_every_row_builder_is_checked() -> None:
    defined = {each for name, each in vars(business).items() if name.endswith("_row")}
    assert {build for build, *_ in BUILDERS} == defined


def test_ipo_results() -> None:
    hints = get_type_hints(types.IpoResult)
    assert get_args(hints["status"]) == tuple(STATUS_NAMES)
    assert get_args(hints["status_name"]) == tuple(STATUS_NAMES.values())


# ---- 没有漏掉的方法

UNTYPED = {"trader", "account"}
"""厂商的对象。"""


def test_no_public_method_returns_a_bare_dict() -> None:
    bare = {
        name
        for cls in (MiniqmtTrader, SimTrader, *every_group())
        for name, member in inspect.getmembers(cls)
        if not name.startswith("_") and _says_bare(member)
    }
    assert bare == UNTYPED


def _says_bare(member: Any) -> bool:
    function = member.fget if isinstance(member, property) else member
    shown = str(getattr(function, "__annotations__", {}).get("return", ""))
    return "Row" in shown or "dict[str, Any]" in shown or shown in ("Any", "dict")


def test_every_type_is_on_the_docs_page() -> None:
    text = (ROOT / "docs/zh/reference/types.md").read_text(encoding="utf-8")
    listed = text.split("## 全部的类型")[1]
    assert not [name for name in types.__all__ if f"`{name}`" not in listed]


def test_public_types_are_listed() -> None:
    kinds = {name for name, each in vars(types).items() if is_typeddict(each) and name[0] != "_"}
    assert kinds <= set(types.__all__)
    assert sorted(types.__all__) == types.__all__
    for name in types.__all__:
        if is_typeddict(getattr(types, name)):
            get_type_hints(getattr(types, name))
