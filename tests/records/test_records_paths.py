"""文件放在哪里：一个文件夹一种写法；`EASYTRADER_HOME` 用不了时说清楚。"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import easytrader
from easytrader.basics.paths import AccountKey, account_folder, canonical, home
from easytrader.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def test_every_spelling_of_a_folder_is_one_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "client" / "userdata_mini"
    folder.mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "client", target_is_directory=True)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    spellings = [
        str(folder),
        f"{folder}{os.sep}",
        str(tmp_path / "link" / "userdata_mini"),
        str(tmp_path / "client" / ".." / "client" / "userdata_mini"),
        "client/userdata_mini",
        "~/client/userdata_mini",
        folder,
    ]
    if os.name == "nt":
        spellings.append(str(folder).upper())
    assert len({AccountKey.of(each, "1") for each in spellings}) == 1
    assert len({account_folder(str(each), "1") for each in spellings}) == 1
    assert account_folder(str(folder), "1") != account_folder(str(folder), "2")
    assert canonical(folder) != canonical(tmp_path)


def test_a_folder_that_does_not_exist_yet_has_a_key_too(tmp_path: Path) -> None:
    assert canonical(tmp_path / "later") == canonical(f"{tmp_path}/x/../later/")


@pytest.mark.parametrize(
    ("told", "said"),
    [("x" * 300, "太长"), ("~nobody-of-this-name/x", "没有 ~ 所指的用户"), (__file__, "是文件")],
)
def test_a_home_that_cannot_be_is_explained(
    told: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EASYTRADER_HOME", told)
    with pytest.raises(UsageError, match=said) as caught:
        home()
    assert caught.value.argument == "EASYTRADER_HOME"
    monkeypatch.delenv("EASYTRADER_SIM", raising=False)
    with pytest.raises(UsageError, match=said):
        easytrader.use("sim").connect()
