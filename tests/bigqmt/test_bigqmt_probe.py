"""探一探的模型：印出来的一段里说得出允许什么、拒绝什么，没有账号、金额、持仓，不发委托。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from agent_world import ACCOUNT, Context, Row, order_row

from easytrader.bigqmt import agentfile

if TYPE_CHECKING:
    import pytest


class Client:
    """一个跑着它的终端；``injected`` 盖掉注入的函数。"""

    def __init__(self, context: Any = None, **injected: Any) -> None:
        self.output: list[str] = []
        self.sent: list[Any] = []
        self.context = context or Context()
        self.module: dict[str, Any] = {
            "__name__": "__main__",
            "account": ACCOUNT,
            "accountType": "STOCK",
            "passorder": self.sent.append,
            "cancel": self.sent.append,
            "get_trade_detail_data": self._query,
            "print": lambda *said: self.output.append(" ".join(map(str, said))),
            **injected,
        }
        source = agentfile.probe_text().replace("SECONDS = 20.0", "SECONDS = 0.0")
        assert "SECONDS = 0.0" in source
        exec(compile(source.encode("ascii"), "<string>", "exec"), self.module)

    def _query(self, account: str, kind: str, what: str) -> list[Any]:
        if what == "ACCOUNT":
            return [Row(m_strAccountID=ACCOUNT, m_dAvailable=123456.78, m_dBalance=9876543.21)]
        return [order_row(20260302)] if what == "ORDER" else []

    def run(self, ticks: int = 12) -> str:
        self.module["init"](self.context)
        self.module["SECONDS"] = 1e9  # 等到最后一下才印
        for number in range(ticks):
            if number == ticks - 1:
                self.module["SECONDS"] = -1.0
            self.module["_probe_tick"](self.context)
        return "\n".join(self.output)


def test_it_says_what_is_here_and_nothing_about_the_account() -> None:
    client = Client()
    told = client.run()
    assert told.startswith("==== easytrader probe 1 BEGIN ====")
    assert told.endswith("==== easytrader probe 1 END ====")
    assert "imports: sys time json" in told
    assert "passorder" in told
    assert "wire listen: ok" in told
    assert "wire file: ok" in told
    assert "m_dAvailable=float" in told
    assert "table ORDER: some rows" in told
    assert "table DEAL: no row" in told
    for secret in (ACCOUNT, "123456", "9876543", "600036", "招商", "20260302"):
        assert secret not in told, secret
    assert client.sent == []


def test_refusals_are_in_the_clients_words() -> None:
    def forbidden(*args: Any, **options: Any) -> None:
        raise PermissionError(f"Foribdden FileIO 账号{ACCOUNT}")

    def query(*args: Any) -> list[Any]:
        raise RuntimeError(f"没有登录 {ACCOUNT}")

    told = Client(open=forbidden, get_trade_detail_data=query).run()
    assert "wire file: PermissionError: Foribdden FileIO" in told
    assert "table ACCOUNT: RuntimeError: 没有登录 ##########" in told
    assert ACCOUNT not in told


def test_a_module_the_client_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    real = builtins.__import__

    def whitelist(name: str, *args: Any, **options: Any) -> Any:
        if name in ("ctypes", "socket", "threading"):
            raise ImportError(f"Forbidden: Module<{name}> not in whitelist!")
        return real(name, *args, **options)

    client = Client(__builtins__={**vars(builtins), "__import__": whitelist})
    told = client.run()
    assert "import socket: ImportError: Forbidden: Module<socket> not in whitelist!" in told
    assert "wire listen: needs 'socket'" in told
    assert "thread: needs 'threading'" in told


def test_in_the_editor_there_is_no_account() -> None:
    client = Client()
    del client.module["account"]
    assert "tables: no account is bound" in client.run()


def test_a_client_whose_timer_is_dead_still_prints() -> None:
    class Timeless(Context):
        def run_time(self, *args: Any) -> None:
            raise TypeError("没有 run_time")

    client = Client(Timeless())
    client.module["init"](client.context)
    client.module["handlebar"](client.context)
    told = "\n".join(client.output)
    assert "run_time: TypeError: 没有 run_time" in told
    assert "ticks: none" in told
    assert "END" in told


def test_it_prints_once() -> None:
    client = Client()
    client.run()
    lines = len(client.output)
    client.module["_probe_tick"](client.context)
    client.module["stop"](client.context)
    client.module["init"](client.context)
    assert len(client.output) == lines
