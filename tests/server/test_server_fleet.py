"""``/v1/fleet``：看得见谁、停得了谁、存储不在怎么说；自己可以一个账号也没有。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from fleet_site import NAMES, Site, soon

from easytrader import UsageError
from easytrader.fleets.sqlite import SqliteStore
from easytrader.fleets.words import StoreDownError
from easytrader.server.config import ServerConfig, read
from easytrader.server.serve import Serving
from easytrader.server.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    found = Site(tmp_path)
    yield found
    found.close()


def test_one_line_an_account(site: Site) -> None:
    rows = {row["account"]: row for row in site.seen(site.read)["accounts"]}
    assert set(rows) == set(NAMES)
    one = rows["成长一号"]
    assert (one["box"], one["state"], one["alive"], one["spooled"]) == ("WIN-0", "已连接", True, 3)
    assert one["total_asset"] == 1_234_567.89
    assert rows["量化三号"]["state"] == "没有主人"


def test_only_with_a_token_and_only_its_own_accounts(site: Site) -> None:
    assert site.ask("").status_code == 401
    site.store.set_switch("account:价值二号", True, soon(), why="别人的事")
    found = site.seen(site.mine)
    assert [row["account"] for row in found["accounts"]] == ["成长一号"]
    assert found["switches"] == []


def test_stop_and_allow_turn_the_switch_of_the_store(site: Site) -> None:
    body = {"scope": "account:价值二号", "reason": "回撤过大", "cancel_open": True}
    assert site.ask(site.trade, "/stop", body).status_code == 200
    [found] = site.store.switches(soon())
    assert (found.scope, found.cancel_open) == ("account:价值二号", True)
    assert found.why == "回撤过大（令牌 alice）"
    rows = {row["account"]: row["stopped"] for row in site.seen(site.read)["accounts"]}
    assert "回撤过大" in rows["价值二号"]
    assert rows["成长一号"] == ""
    assert site.ask(site.trade, "/allow", {"scope": "account:价值二号"}).status_code == 200
    assert site.store.switches(soon()) == []


def test_who_may_not_stop(site: Site) -> None:
    everything = {"scope": "fleet", "reason": "收工"}
    for token, body in (
        (site.read, everything),
        (site.mine, everything),
        (site.mine, {"scope": "account:价值二号"}),
        (site.mine, {"scope": "group:成长"}),
    ):
        answer = site.ask(token, "/stop", body)
        assert answer.status_code == 403, body
        assert answer.json()["error"]["rule"] == "token_scope"
        assert site.ask(token, "/allow", {"scope": body["scope"]}).status_code == 403
    assert site.store.switches(soon()) == []
    assert site.ask(site.mine, "/stop", {"scope": "account:成长一号"}).status_code == 200


def test_one_who_only_trades_releases_accounts_only(site: Site) -> None:
    """服务器的登录名是操作的人；一个策略的令牌不能借它放开人按下的。"""
    for scope in ("fleet", "group:成长", "strategy:z"):
        assert site.ask(site.trade, "/stop", {"scope": scope}).status_code == 200
        answer = site.ask(site.trade, "/allow", {"scope": scope})
        assert (answer.status_code, "不能放开" in answer.text) == (403, True)
        assert [each.scope for each in site.store.switches(soon())] == [scope]
        assert site.ask(site.all, "/allow", {"scope": scope}).status_code == 200
    assert site.store.switches(soon()) == []


def test_wrong_bodies_are_told(site: Site) -> None:
    for body, argument in (
        ({}, "scope"),
        ({"scope": "全部"}, "scope"),
        ({"scope": "fleet", "resaon": "x"}, "resaon"),
        ({"scope": "fleet", "reason": 3}, "reason"),
        ({"scope": "fleet", "reason": "长" * 201}, "reason"),
        ({"scope": "fleet", "cancel_open": "是"}, "cancel_open"),
    ):
        answer = site.ask(site.trade, "/stop", body)
        assert (answer.status_code, answer.json()["error"]["argument"]) == (422, argument)
    assert site.store.switches(soon()) == []


def test_a_store_that_is_away_is_503_and_the_rest_still_answers(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(*_: Any, **__: Any) -> Any:
        raise StoreDownError("断了")

    monkeypatch.setattr(SqliteStore, "accounts", down)
    monkeypatch.setattr(SqliteStore, "set_switch", down)
    for answer in (site.ask(site.read), site.ask(site.trade, "/stop", {"scope": "fleet"})):
        assert answer.status_code == 503
        assert "断了" in answer.json()["error"]["text"]
    assert httpx.get(f"{site.server.url}/healthz").status_code == 200
    monkeypatch.undo()
    assert site.ask(site.read).status_code == 200


def test_a_server_without_a_fleet_has_no_such_path(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="账号"):
        ServerConfig((), port=0)
    file = tmp_path / "server.toml"
    file.write_text('fleet = "env:NO_SUCH_FLEET"\nport = 0\n', encoding="utf-8")
    config = read(file)
    assert config.fleet == "env:NO_SUCH_FLEET"
    with pytest.raises(UsageError, match="NO_SUCH_FLEET"):
        Serving(config, tokens=Tokens(tmp_path / "tokens.json")).start()
    file.write_text("fleet = 3\n", encoding="utf-8")
    with pytest.raises(UsageError, match="fleet"):
        read(file)
