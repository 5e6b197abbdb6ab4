"""连到哪一个客户端：路径与答话的是不是同一个，没有写过中转的不替它写。"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from bigqmt_broker import InsideBroker
from support import ACCOUNT, make_folder

import easytrader
from easytrader.basics import paths
from easytrader.bigqmt import agentfile, place
from easytrader.errors import ConnectFailedError

if TYPE_CHECKING:
    from pathlib import Path


def real(folder: Path) -> Path:
    """一个真的客户端的安装目录的样子。"""
    (folder / "bin.x64").mkdir(parents=True)
    (folder / "bin.x64" / "XtItClient.exe").write_bytes(b"")
    (folder / "userdata").mkdir()
    return folder


class TestElsewhere:
    """答话的是不是路径里的那一个。"""

    def test_the_same_by_any_spelling(self, tmp_path: Path) -> None:
        client = real(tmp_path / "国金")
        places = [str(client / "bin.x64" / "pythonw.exe"), str(client / "python")]
        for path in (client, client / "userdata", client / "bin.x64" / ".." / "userdata"):
            assert place.elsewhere(path, places) == ""

    def test_another_real_one(self, tmp_path: Path) -> None:
        one, other = real(tmp_path / "国金"), real(tmp_path / "银河")
        told = place.elsewhere(one, [str(other / "bin.x64")])
        assert "国金" in told
        assert "银河" in told

    def test_a_practice_folder_never_reaches_a_real_one(self, tmp_path: Path) -> None:
        practice, other = make_folder(tmp_path / "练习"), real(tmp_path / "银河")
        assert place.elsewhere(practice, [str(other / "bin.x64" / "XtItClient.exe")])
        assert place.elsewhere(practice, [str(tmp_path), "python.exe"])  # 说不准的也不行
        assert place.elsewhere(practice, [str(practice)]) == ""

    def test_a_real_path_never_reaches_a_practice_one(self, tmp_path: Path) -> None:
        practice, other = make_folder(tmp_path / "练习"), real(tmp_path / "银河")
        assert place.elsewhere(other, [str(practice)])
        assert place.elsewhere(other, [str(tmp_path), ""]) == ""


def test_another_folder_is_refused_and_nothing_is_sent(tmp_path: Path) -> None:
    broker = InsideBroker(tmp_path / "one")
    elsewhere = make_folder(tmp_path / "练习")
    user = broker.trader()
    try:
        with pytest.raises(ConnectFailedError, match="练习"):
            user.connect(str(elsewhere), ACCOUNT, agent=broker.outside)
        broker.connect(user)
        assert user.state == "已连接"
    finally:
        user.close()
        broker.close()


def test_an_account_never_written_for_is_told_at_once(tmp_path: Path) -> None:
    agentfile.settings_for("30000042")
    user = easytrader.use("bigqmt")
    with pytest.raises(ConnectFailedError) as caught:
        user.connect(str(make_folder(tmp_path / "a")), "10002")
    assert "0042" in str(caught.value)
    assert "30000042" not in str(caught.value)
    assert [each.name for each in (paths.home() / "bigqmt").glob("*.json")] == ["30000042.json"]
    user.close()
