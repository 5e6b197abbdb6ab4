"""``easytrader history`` 与 ``easytrader reconcile``：与 SDK 返回的一样，退出码是接口。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT

import easytrader
from easytrader.basics.beijing import beijing_now
from easytrader.rows.titles import KINDS

if TYPE_CHECKING:
    from pathlib import Path

    from shell_helpers import Shell

TODAY = beijing_now().date().isoformat()


@pytest.fixture
def traded(shell: Shell, sim_folder: Path) -> dict[str, Any]:
    with easytrader.use("sim") as user:
        user.connect(str(sim_folder), ACCOUNT, timeout=5)
        user.wait(user.market_buy("600036", 200)["entrust_no"])
        return dict(user.history())


class TestHistory:
    def test_json_is_what_the_sdk_returns(self, shell: Shell, traded: dict[str, Any]) -> None:
        for kind in ("orders", "trades"):
            done = shell("history", kind, "--json")
            assert (done.code, done.json) == (0, json.loads(json.dumps(traded[kind])))
        assert shell("history", "assets", "--json").json[-1]["source"] == "柜台"

    def test_csv_and_table(self, shell: Shell, traded: dict[str, Any]) -> None:
        head, *lines = shell("history", "trades", "--csv").out.splitlines()
        assert head.split(",") == list(KINDS["history_trades"].keys)
        assert len(lines) == len(traded["trades"])
        assert shell("history").out.split()[:2] == ["日期", "委托时间"]

    def test_days(self, shell: Shell, traded: dict[str, Any]) -> None:
        assert shell("history", "--from", TODAY, "--to", TODAY, "--json").json == traded["orders"]
        assert shell("history", "--to", "2020-01-01").out.strip() == "没有往日委托"
        done = shell("history", "--from", "昨天")
        assert done.code == 2
        assert "--from 不对" in done.err
        done = shell("history", "--from", "2026-11-02", "--to", "2026-11-01")
        assert done.code == 2
        assert "--to 不对" in done.err
        assert "不能早于 --from" in done.err


class TestReconcile:
    def test_clean_and_not(self, shell: Shell, traded: dict[str, Any], sim_folder: Path) -> None:
        done = shell("reconcile")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith(f"# 收盘对账 {TODAY}\n\n**都对得上**")
        with easytrader.use("sim") as user:
            user.connect(str(sim_folder), ACCOUNT, timeout=5)
            user.trader.order_stock(user.account, "600036.SH", 23, 100, 44, -1, "", "手工")
        done = shell("reconcile", "--json")
        assert done.code == 4
        assert done.json["clean"] is False
        assert "manual_order" in [each["kind"] for each in done.json["findings"]]

    def test_to_a_file(self, shell: Shell, traded: dict[str, Any], tmp_path: Path) -> None:
        path = tmp_path / "对账 单.md"
        done = shell("reconcile", "--output", str(path))
        assert (done.code, done.out) == (0, f"{TODAY} 都对得上：{path}\n")
        assert path.read_text(encoding="utf-8").startswith(f"# 收盘对账 {TODAY}")
        done = shell("reconcile", "--output", str(tmp_path / "没有" / "x.md"))
        assert done.code == 2
        assert "--output 不对" in done.err

    @pytest.mark.parametrize(
        "given",
        [
            ("--date", "昨天"),
            ("--date", "2999-01-01"),
            ("--date", "2020-01-02"),
            ("--commission", "0.5"),
            ("--commission", "x"),
            ("--commission-min", "-1"),
        ],
    )
    def test_wrong_usage(
        self, shell: Shell, traded: dict[str, Any], given: tuple[str, str]
    ) -> None:
        done = shell("reconcile", *given)
        assert done.code == 2
        assert f"{given[0]} 不对：{given[1]!r}" in done.err

    def test_fees_are_given(self, shell: Shell, traded: dict[str, Any]) -> None:
        assert shell("reconcile", "--commission", "0.0001", "--commission-min", "0").code == 0

    def test_not_a_trading_day(
        self, shell: Shell, traded: dict[str, Any], sim_folder: Path
    ) -> None:
        config = sim_folder / "easytrader_sim.json"
        told = json.loads(config.read_text(encoding="utf-8"))
        config.write_text(json.dumps({**told, "clock": "exchange"}), encoding="utf-8")
        done = shell("reconcile", "--date", "2026-10-01")
        assert (done.code, done.out) == (3, "")
        assert "不是交易日" in done.err
        done = shell("reconcile", "--date", "1990-01-02")
        assert done.code == 1
        assert "--assume-open" in done.err
