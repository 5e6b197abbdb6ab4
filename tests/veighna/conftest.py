"""VeighNa 的主引擎与连着模拟账户的接口。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def floor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """一个主引擎，没有接口；应用存的不落在 ``~/.vntrader`` 里，下一次跑才不读到上一次的。"""
    from veighna_floor import Floor
    from vnpy.trader import utility

    monkeypatch.setattr(utility, "TEMP_DIR", tmp_path)
    made = Floor()
    yield made
    made.close()


@pytest.fixture
def qmt(floor: Any, sim_folder: Path) -> Any:
    """同上，加上接口 ``QMT``，连着模拟账户。"""
    from veighna_floor import sim_setting

    floor.add(sim_setting(sim_folder))
    return floor
