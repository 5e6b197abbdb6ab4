"""真的连一次：嵌着的、被服务的、僵死的模拟 MiniQMT，都经厂商那一层；账号与类型的核对。"""

from __future__ import annotations

import threading
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, SimProcess, eventually, freeze

import easytrader
from easytrader.checkup.connection import judge
from easytrader.errors import ConnectFailedError
from easytrader.miniqmt.diagnose.account_check import refuse_wrong_account
from easytrader.miniqmt.diagnose.file_checks import BAD, NOTE, OK, SKIPPED
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host.lease import holder_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CREDIT = "2000000777"


def connect_row(*arguments: Any, **options: Any) -> dict[str, str]:
    rows = easytrader.doctor(*arguments, network=False, **options)
    return next(row for row in rows if row["check"] == "connect")


def queues(folder: Path) -> list[Path]:
    return [each for each in folder.glob("down_queue*") if not each.name.endswith("__mutex")]


@pytest.fixture
def credit_folder(tmp_path: Path) -> Path:
    accounts = (AccountConfig(ACCOUNT), AccountConfig(CREDIT, account_type=3))
    return create(tmp_path / "两融" / "userdata_mini", accounts, connect_wait_s=0.3).path


def test_an_unserved_simulated_folder_is_embedded_for_the_moment(sim_folder: Path) -> None:
    row = connect_row(sim_folder)
    assert row["status"] == OK, row
    assert "…" not in row["detail"]
    assert ACCOUNT not in row["detail"]
    assert ACCOUNT[-4:] in row["detail"]
    assert holder_of(sim_folder) is None
    assert len(queues(sim_folder)) == 1
    with pytest.raises(ConnectFailedError):  # 没有留下「可以嵌入」的许可
        easytrader.use("miniqmt").connect(str(sim_folder), ACCOUNT)


def test_a_served_folder_while_another_script_is_connected(served: SimProcess) -> None:
    before = {each.name for each in threading.enumerate()}
    with easytrader.use("miniqmt") as user:
        user.connect(str(served.folder), ACCOUNT)
        rows = {
            row["check"]: row for row in easytrader.doctor(served.folder, ACCOUNT, network=False)
        }
        assert rows["connect"]["status"] == OK, rows
        assert "本进程" in rows["session"]["detail"]
        assert "easytrader sim serve" in rows["path"]["detail"]
        assert user.state == "已连接"
        assert user.balance
        assert len(queues(served.folder)) == 2
    eventually(lambda: {each.name for each in threading.enumerate()} <= before)


def test_in_the_process_that_embeds_it(sim_folder: Path) -> None:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT)
        assert connect_row(sim_folder, ACCOUNT)["status"] == OK
        assert user.balance
        assert user.state == "已连接"


def test_nothing_in_a_real_folder_without_an_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from easytrader.checkup.case import Case
    from easytrader.checkup.connection import look_connect

    found = look_connect(Case(folder=tmp_path))
    assert found.status == SKIPPED
    assert f'easytrader doctor "{tmp_path}" --account' in found.fix
    assert list(tmp_path.iterdir()) == []


def test_a_credit_account_opened_as_stock_and_the_reverse(credit_folder: Path) -> None:
    assert connect_row(credit_folder, CREDIT, account_type="CREDIT")["status"] == OK
    wrong = connect_row(credit_folder, CREDIT)
    assert wrong["status"] == BAD
    assert "信用账号，不是 STOCK" in wrong["detail"]
    assert "account_type='CREDIT'" in wrong["detail"]
    reverse = connect_row(credit_folder, ACCOUNT, account_type="credit")
    assert reverse["status"] == BAD
    assert "account_type='STOCK'" in reverse["detail"]


def test_without_an_account_the_matching_one_of_the_folder(credit_folder: Path) -> None:
    assert "0777（CREDIT）" in connect_row(credit_folder, account_type="CREDIT")["detail"]
    assert f"{ACCOUNT[-4:]}（STOCK）" in connect_row(credit_folder)["detail"]


def test_an_account_that_is_not_logged_in(sim_folder: Path) -> None:
    row = connect_row(sim_folder, "9999999999")
    assert row["status"] == BAD
    assert "没有在这个客户端登录" in row["detail"]
    assert f"…{ACCOUNT[-4:]}" in row["detail"]
    assert ACCOUNT not in row["detail"]


def test_a_folder_without_accounts(tmp_path: Path) -> None:
    assert connect_row(create(tmp_path / "空", ()).path)["status"] == SKIPPED


def test_a_hung_client_is_bounded_and_leaves_nothing(served: SimProcess) -> None:
    assert served.process is not None
    hung = freeze(served.process.pid)
    try:
        row = connect_row(served.folder, ACCOUNT, timeout=1)
    finally:
        hung.resume()
    assert row["status"] == BAD
    assert "连接 MiniQMT 失败" in row["detail"]
    assert "极简模式" in row["fix"]
    eventually(lambda: not [each for each in threading.enumerate() if "session" in each.name])
    assert connect_row(served.folder, ACCOUNT)["status"] == OK


def test_lost_answers_are_bounded_too(served: SimProcess) -> None:
    from easytrader.sim.host.faults import Faults

    Faults(served.folder).drop_answer("asset")
    row = connect_row(served.folder, ACCOUNT, timeout=1)
    assert row["status"] == BAD
    assert "没有应答" in row["detail"]


# ---- use('miniqmt') 的拒绝


@pytest.mark.parametrize(
    ("account", "kind", "told"),
    [
        (CREDIT, "STOCK", "信用账号，不是 STOCK"),
        (ACCOUNT, "CREDIT", "普通账号，不是 CREDIT"),
        ("9999999999", "STOCK", "客户端里登录的是"),
    ],
)
def test_connect_refuses(credit_folder: Path, account: str, kind: str, told: str) -> None:
    process = SimProcess(credit_folder)
    process.start()
    try:
        with pytest.raises(ConnectFailedError, match=told):
            easytrader.use("miniqmt").connect(str(credit_folder), account, account_type=kind)
    finally:
        process.kill()


def info(account_id: str, account_type: object, **more: object) -> SimpleNamespace:
    return SimpleNamespace(account_id=account_id, account_type=account_type, **more)


@pytest.mark.parametrize(
    "infos",
    [
        None,
        [],
        [info("1", 2)],
        [info("1", "stock")],
        [info("1", 7), info("1", 2)],
        [info("1", 424242)],
        [info(" 1 ", 2)],
        [SimpleNamespace(m_strAccountID="1", m_nAccountType=2)],
        [SimpleNamespace()],
    ],
)
def test_what_is_not_refused(infos: Any) -> None:
    refuse_wrong_account(infos, "1", "STOCK")


def test_other_accounts_are_masked() -> None:
    others = [info(f"88880000{number:04}", 2) for number in range(9)]
    with pytest.raises(ConnectFailedError) as caught:
        refuse_wrong_account(others, "1", "STOCK")
    assert "…0000、…0001" in str(caught.value)
    assert "8888" not in str(caught.value)


class Shim:
    """同形模块：有账号列表的方法，行为由测试定。"""

    infos: Callable[[], Any]

    def __init__(self, path: str, session: int) -> None:
        pass

    def register_callback(self, callback: Any) -> None:
        pass

    start = stop = lambda self: None

    def connect(self) -> int:
        return 0

    def subscribe(self, account: Any) -> int:
        return 0

    def query_stock_asset(self, account: Any) -> Any:
        return SimpleNamespace(
            total_asset=1.0, market_value=0.0, cash=1.0, frozen_cash=0.0,
            account_type=2, account_id="1",
        )  # fmt: skip

    def query_stock_orders(self, account: Any) -> list[Any]:
        return []

    query_stock_positions = query_stock_trades = query_stock_orders

    def query_account_infos(self) -> Any:
        return type(self).infos()


def plug(infos: Callable[[], Any]) -> ModuleType:
    module = ModuleType("other_qmt")
    kind = type("XtQuantTrader", (Shim,), {"infos": staticmethod(infos)})
    module.XtQuantTrader = kind  # type: ignore[attr-defined]
    module.StockAccount = lambda account_id, account_type: info(account_id, account_type)  # type: ignore[attr-defined]
    return module


def test_a_shim_is_checked_as_well(tmp_path: Path) -> None:
    with pytest.raises(ConnectFailedError, match="信用账号"):
        easytrader.use("miniqmt").connect(str(tmp_path), "1", xtquant=plug(lambda: [info("1", 3)]))


@pytest.mark.parametrize("how", ["raises", "hangs", "nonsense"])
def test_a_shim_that_cannot_say_goes_on_as_before(tmp_path: Path, how: str) -> None:
    released = threading.Event()

    def infos() -> Any:
        if how == "raises":
            raise RuntimeError("没有实现")
        if how == "hangs":
            released.wait(600)
        return 5

    with easytrader.use("miniqmt") as user:
        user.connect(str(tmp_path), "1", xtquant=plug(infos), timeout=4)
        assert user.state == "已连接"
    released.set()


# ---- 从应答判断


def judged(*, status: int = 0, total: float = 1.0, held: int = 0, listed: bool = True) -> Any:
    infos = [info("1000000001", 2, login_status=status)] if listed else []
    positions = [SimpleNamespace(volume=held)]
    return judge(infos, SimpleNamespace(total_asset=total), positions, ("1000000001", "STOCK"))


@pytest.mark.parametrize(
    ("options", "status", "told"),
    [
        ({}, OK, "已登录"),
        ({"total": 0.0}, NOTE, "总资产是 0"),
        ({"total": 0.0, "held": 100}, OK, "已登录"),
        ({"status": 3, "total": 0.0}, BAD, "状态是 3（失败）"),
        ({"status": 3}, NOTE, "状态是 3"),
        ({"status": 6, "total": 0.0}, NOTE, "收盘后"),
        ({"status": 77, "total": 0.0}, BAD, "未知"),
        ({"listed": False}, NOTE, "没能核对"),
    ],
)
def test_judge(options: dict[str, Any], status: str, told: str) -> None:
    found = judged(**options)
    assert found.status == status
    assert told in found.detail
    assert "******0001" in found.detail
