"""别的门：服务器与远程、账号的设置、命令行的选项、往日的账、对账、调仓，都不必改。"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from big_client_world import big_client
from remote_serve import ServeProcess
from support import ACCOUNT, make_folder

import easytrader
from easytrader import history, profiles
from easytrader.errors import UnsupportedError

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = make_folder(tmp_path / "国金 QMT 完整版")
    with big_client(made, ACCOUNT):
        yield made


def test_a_remote_machine_trades_through_serve(folder: Path) -> None:
    server = ServeProcess(folder, Path(os.environ["EASYTRADER_HOME"]), broker="bigqmt")
    token = server.token("t")
    server.start()
    try:
        with easytrader.use("remote") as user:
            user.connect(f"http://127.0.0.1:{server.port}", token=token)
            order = user.market_buy("600036", amount=100, client_order_id="2026-11-30 第1笔")
            again = user.market_buy("600036", amount=100, client_order_id="2026-11-30 第1笔")
            assert order == again
            assert user.wait(order["entrust_no"])["order_status_name"] == "已成"
            with pytest.raises(UnsupportedError, match="完整版 QMT"):
                user.bank.info()
    finally:
        server.kill()


def test_a_profile_an_account_of_the_day_and_a_rebalance(folder: Path) -> None:
    path = Path(os.environ["EASYTRADER_HOME"]) / "profiles"
    path.mkdir(parents=True)
    (path / "big.toml").write_text(
        f'broker = "bigqmt"\n[connect]\npath = \'{folder}\'\naccount = "{ACCOUNT}"\n',
        encoding="utf-8",
    )
    with profiles.find("big").open() as user:
        assert user.capabilities.always_open  # 模拟的文件夹随时开市
        report = user.adjust_weights({"600036": 0.1}, others="keep")
        assert report.result == "done"
        held = {row["security"]: row["volume"] for row in user.position}
        assert held["600036"] > 0
        past = user.history()
        assert [row["source"] for row in past["orders"]] == ["柜台"]
        assert len(past["trades"]) >= 1
        assert history.reconcile(user).clean
    records = {each.name for each in (folder / "easytrader_records").rglob("*")}
    assert "bigqmt" in records  # 委托记录跟着模拟的文件夹走


def test_a_row_later_than_the_inference_is_not_bought_again(tmp_path: Path) -> None:
    """推断没有下成不是拒绝：那一行晚到，调仓也只有一笔。"""
    made = make_folder(tmp_path / "国金 QMT 慢")
    late = {"order_lag_s": 2.0, "callback_lag_s": 2.0, "deal_lag_s": 2.0}
    with big_client(made, ACCOUNT) as terminal, easytrader.use("bigqmt") as user:
        user.connect(str(made), ACCOUNT, timeout=3, row_wait=0.5)
        terminal.manners = terminal.manners.changed(**late)
        report = user.adjust_weights({"600036": 0.1}, others="keep")
        assert report.result == "done"
        assert len(terminal.calls) == len(user.today_entrusts) == 1
