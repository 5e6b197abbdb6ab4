"""信用账户的测试共用的：模拟文件夹、连接、原生层发出的委托、开好的合约。"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import easytrader
from easytrader.sim.config.folder import AccountConfig, create

if TYPE_CHECKING:
    from pathlib import Path

    from easytrader.sim.host.stepping import Stepper

CREDIT = "2000000777"
CODE = "600036"
OTHER = "000001"
SETTINGS = {
    "slo_volume": {"600036.SH": [5000, 1000]},
    "subjects": {"600036.SH": {}, "000001.SZ": {"slo": False, "fin_margin": 1.2}},
    "collateral": {"600036.SH": 0.7, "000001.SZ": 0.65},
    "fin_quota": 400_000,
}

LATEST = "最新价"


def credit_folder(parent: Path, **settings: Any) -> Path:
    """50 万元、1000 股 600036 的信用账户。"""
    folder = parent / "国金 QMT交易端" / "userdata_mini"
    held = (("600036.SH", 1000, 35),)
    account = AccountConfig(CREDIT, 3, 500_000, held)
    create(folder, (account,), clock="step", start="2026-11-19 10:00", connect_wait_s=0.3)
    text = json.dumps({**SETTINGS, **settings})
    (folder / "credit.json").write_text(text, encoding="utf-8")
    return folder


def connect(folder: Path, callback: Any = None, **options: Any) -> Any:
    """按真实用法连接被服务的文件夹。"""
    user = easytrader.use("miniqmt")
    given = {"reconnect_interval": 0.2, "timeout": 5, "account_type": "CREDIT", **options}
    user.connect(str(folder), CREDIT, callback, **given)
    return user


class Sent:
    """原生层发出的委托。"""

    def __init__(self, user: Any) -> None:
        self.requests: list[Any] = []
        client = user.trader.async_client
        original = client.orderStockWithSeq

        def spy(seq: int, request: Any) -> Any:
            self.requests.append(request)
            return original(seq, request)

        client.orderStockWithSeq = spy

    @property
    def kinds(self) -> list[int]:
        return [each.m_nOrderType for each in self.requests]


def open_contracts(user: Any, clock: Stepper | None = None) -> None:
    """普通的：融资 1000 股、融券 500 股；专项的：融资 200 股、融券 300 股。都在昨天开的。"""
    clock = clock or user.sim
    user.credit.fin_buy(CODE, None, 1000, ttype=LATEST)
    user.credit.fin_buy(CODE, None, 200, ttype=LATEST, special=True)
    user.credit.slo_sell(CODE, None, 500, ttype=LATEST)
    user.credit.slo_sell(CODE, None, 300, ttype=LATEST, special=True)
    clock.step(minutes=60)
    user.cancel_all()
    clock.next_day()
    volumes = [each["real_compact_vol"] for each in user.credit.compacts()]
    assert sorted(volumes) == [200, 300, 500, 1000]
