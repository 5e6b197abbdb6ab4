"""完整版客户端的故障：写法、转给连着的、命令行，柜台的故障在它那里的样子。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, eventually
from terminal_socket import TerminalSocket

from easytrader.cli import main
from easytrader.errors import SimulatorError, UsageError
from easytrader.sim.config.folder import AccountConfig, create
from easytrader.sim.host.faults import TERMINAL_FAULTS, Faults
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MINE: dict[str, Any] = {"account_id": ACCOUNT, "account_type": 2}
ORDER: dict[str, Any] = {
    **MINE, "stock_code": "600036.SH", "order_type": 23, "price_type": 11, "price": 30.0,
    "volume": 100, "strategy": "s", "remark": "r",
}  # fmt: skip
DETAILS: dict[str, dict[str, Any]] = {
    "profile": {"name": "slow"},
    "set": {"fields": {"passorder_s": 0.2}},
    "hang": {"seconds": 3.0},
    "quotes": {"up": False},
    "counter": {"up": True},
}


@pytest.fixture
def faults(terminal_host: Host) -> Faults:
    return Faults(terminal_host.folder.path)


@pytest.mark.parametrize("do", TERMINAL_FAULTS)
def test_each_reaches_the_client(raw_terminal: TerminalSocket, faults: Faults, do: str) -> None:
    details = DETAILS.get(do, {})
    faults.terminal(do, **details)
    assert raw_terminal.until("control") == {"do": do, **details}
    assert faults.active() == []


def test_nobody_connected_is_an_error(faults: Faults) -> None:
    with pytest.raises(SimulatorError, match="没有完整版客户端连着"):
        faults.terminal("kill")


@pytest.mark.parametrize(
    ("do", "details", "argument"),
    [
        ("explode", {}, "do"),
        ("kill", {"seconds": 1.0}, "seconds"),
        ("hang", {}, "seconds"),
        ("hang", {"seconds": -1.0}, "seconds"),
        ("set", {"fields": {}}, "fields"),
        ("profile", {"name": ""}, "name"),
        ("quotes", {"up": "on"}, "up"),
    ],
)
def test_bad_input_is_named_and_nothing_is_sent(
    raw_terminal: TerminalSocket, faults: Faults, do: str, details: dict[str, Any], argument: str
) -> None:
    with pytest.raises(UsageError, match=argument):
        faults.terminal(do, **details)
    raw_terminal.ask("now")
    assert raw_terminal.events == []


@pytest.mark.parametrize(
    ("arguments", "row"),
    [
        ("terminal-hang --seconds 2", {"do": "hang", "seconds": 2.0}),
        ("terminal-profile lying", {"do": "profile", "name": "lying"}),
        ("terminal-kill", {"do": "kill"}),
        ("terminal-quotes off", {"do": "quotes", "up": False}),
        (
            "terminal-set passorder_s=0.2 order_lag_s=[1,6] cancel_returns=lies",
            {
                "do": "set",
                "fields": {"passorder_s": 0.2, "order_lag_s": [1, 6], "cancel_returns": "lies"},
            },
        ),
    ],
)
def test_the_command_line_says_the_same(
    raw_terminal: TerminalSocket,
    faults: Faults,
    capsys: pytest.CaptureFixture[str],
    arguments: str,
    row: dict[str, Any],
) -> None:
    assert main(["sim", "fault", str(faults.path), *arguments.split()]) == 0
    assert "已生效" in capsys.readouterr().out
    assert raw_terminal.until("control") == row


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("terminal-set foo=1", "foo"),
        ("terminal-set passorder_s=很久", "passorder_s"),
        ("terminal-set passorder_s", "名字=值"),
    ],
)
def test_the_command_line_names_what_is_wrong(
    faults: Faults, capsys: pytest.CaptureFixture[str], arguments: str, told: str
) -> None:
    assert main(["sim", "fault", str(faults.path), *arguments.split()]) == 2
    assert told in capsys.readouterr().err


def test_an_account_out_of_order_is_a_counter_that_dropped(
    raw_terminal: TerminalSocket, faults: Faults
) -> None:
    faults.account_status(3)
    assert raw_terminal.until("control") == {"do": "counter", "up": False}
    assert raw_terminal.until("account")["m_strStatus"] != "登录成功"
    assert raw_terminal.ask("submit", **ORDER)["order_id"] == 0
    faults.clear()
    assert raw_terminal.until("control") == {"do": "counter", "up": True}
    assert raw_terminal.until("account")["m_strStatus"] == "登录成功"


def test_a_counter_that_dropped_is_told_once_for_all_accounts(tmp_path: Path) -> None:
    accounts = [AccountConfig(ACCOUNT), AccountConfig("10002")]
    host = Host(create(tmp_path / "两个账号", accounts))
    client = TerminalSocket(host.info)
    Faults(host.folder.path).account_status(3)
    client.ask("now")
    kinds = [kind for kind, _ in client.events]
    assert kinds == ["control", "account", "account"]
    client.close()
    host.close()


def test_a_submit_struck_after_it_was_booked_lives_though_the_line_is_cut(
    raw_terminal: TerminalSocket, faults: Faults, terminal_host: Host
) -> None:
    faults.disconnect_on("submit", "after")
    with pytest.raises((EOFError, ConnectionError)):
        raw_terminal.ask("submit", **ORDER)
    again = TerminalSocket(terminal_host.info)
    assert [row["m_strRemark"] for row in again.ask("rows", **MINE, kind="ORDER")] == ["r"]
    again.close()


def test_a_submit_struck_before_never_was(
    raw_terminal: TerminalSocket, faults: Faults, terminal_host: Host
) -> None:
    faults.disconnect_on("submit", "before")
    with pytest.raises((EOFError, ConnectionError)):
        raw_terminal.ask("submit", **ORDER)
    again = TerminalSocket(terminal_host.info)
    assert again.ask("rows", **MINE, kind="ORDER") == []
    again.close()


def test_a_late_answer_comes_after_what_it_caused(
    raw_terminal: TerminalSocket, faults: Faults
) -> None:
    faults.delay_answer("submit", 0.05)
    assert raw_terminal.ask("submit", **ORDER)["order_id"] > 0
    assert raw_terminal.events[0][0] == "order"


@pytest.fixture
def stepped(tmp_path: Path) -> Iterator[Host]:
    account = AccountConfig(ACCOUNT, cash=1_000_000)
    host = Host(create(tmp_path / "单步", [account], clock="step", start="2026-03-02 09:31"))
    yield host
    host.close()


def test_a_new_trade_date_is_told_once_after_the_old_day_is_settled(stepped: Host) -> None:
    client = TerminalSocket(stepped.info)
    client.ask("submit", **ORDER)
    stepped.control("step", {"next_day": 1})
    assert client.until("control") == {"do": "day", "day": "20260303"}
    assert client.ask("rows", **MINE, kind="ORDER") == []
    assert [kind for kind, _ in client.events] == []
    client.close()
    eventually(lambda: not stepped.control("status")["terminals"])
