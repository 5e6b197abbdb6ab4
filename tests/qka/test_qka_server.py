"""`QMTServer`：另一个进程里真的起一个，QKA 的客户端与我们的都连得上。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from qka_process import Running, run
from qka_shapes import TheirClient
from support import ACCOUNT, eventually

from easytrader.errors import RiskRefusedError, UsageError
from easytrader.qka import QMTClient
from easytrader.qka.server import QMTServer, _OwnToken
from easytrader.server.tokens import Tokens, default_file

if TYPE_CHECKING:
    from pathlib import Path

    from support import SimProcess

OWN = "my-own-token-0123456"


def script(folder: Path, more: str = "") -> str:
    given = f"account_id={ACCOUNT!r}, mini_qmt_path={str(folder)!r}{more}"
    return f"from easytrader.qka.server import QMTServer\n\nQMTServer({given}).start()\n"


def test_the_server_of_qkas_page(served: SimProcess, sim_folder: Path) -> None:
    code = script(sim_folder, ", port=0")
    server = Running(code)
    try:
        assert server.url.startswith("http://127.0.0.1:")
        ours, theirs = QMTClient(server.url, server.token), TheirClient(server.url, server.token)
        assert ours.api("query_stock_asset") == theirs.api("query_stock_asset")
        order = {"stock_code": "600000.SH", "order_type": 23, "order_volume": 100}
        number = theirs.api("order_stock", **order, price_type=11, price=9.9)
        assert ours.api("query_stock_order", order_id=number)["order_volume"] == 100
        with pytest.raises(RiskRefusedError):
            ours.api("fund_transfer", transfer_direction=510, price=1.0)
    finally:
        server.stop()
    # 令牌只写出一次，以后照旧有效
    again = Running(code)
    try:
        assert "et_" not in again.told
        assert QMTClient(again.url, server.token).api("query_stock_asset")
    finally:
        again.stop()


def test_a_token_of_ones_own(served: SimProcess, sim_folder: Path) -> None:
    server = Running(script(sim_folder, f", port=0, token={OWN!r}"))
    try:
        assert OWN not in server.ready + server.account + server.told
        assert QMTClient(server.url, OWN).api("query_stock_asset")["cash"] > 0
        with pytest.raises(UsageError, match="token"):
            QMTClient(server.url, OWN + "0").api("query_stock_asset")
    finally:
        server.stop()


def test_other_machines_only_with_tls(sim_folder: Path) -> None:
    refused = run(script(sim_folder, ", host='0.0.0.0', port=0"))
    assert refused.returncode
    assert "TLS" in refused.stderr
    assert Tokens(default_file()).grants() == []  # 没有起来的，令牌也没有发掉


@pytest.mark.parametrize(
    "given",
    [{"account_id": 7}, {"port": -1}, {"host": ""}, {"token": "short"}, {"token": "空" * 16}],
)
def test_bad_settings_of_the_server_are_refused(given: dict[str, Any]) -> None:
    wanted: dict[str, Any] = {"account_id": ACCOUNT, "mini_qmt_path": "D:/qmt", **given}
    with pytest.raises(UsageError):
        QMTServer(**wanted)


def test_a_token_of_ones_own_is_known_beside_the_file(tmp_path: Path) -> None:
    own = _OwnToken("my-own-token-0123456", ACCOUNT)
    grant = own.check("my-own-token-0123456")
    assert grant is not None
    assert own.alive(grant)
    assert grant.scopes == ("trade",)
    assert not grant.may("funds")
    assert grant.sees("main", ACCOUNT)
    assert not grant.sees("main", "other")
    for wrong in ("my-own-token-0123457", "", None, "令牌", 7):
        assert own.check(wrong) is None
    other = Tokens(default_file()).add("other", ["read"])
    eventually(lambda: own.check(other) is not None)  # 别处写的，几毫秒里看得到
    listed = own.check(other)
    assert listed is not None
    assert own.alive(listed)
