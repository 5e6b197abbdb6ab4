"""``easytrader profile``：列出、看、检查、新建；密码不印出来。"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest
from cli_helpers import easytrader
from loguru import logger

from easytrader import profiles
from easytrader.cli import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "hunter2-of-the-profile"


@pytest.fixture(autouse=True)
def _log() -> Iterator[None]:
    """命令会摘掉 loguru 自带的处理器：还给别的测试。"""
    yield
    logger.remove()
    logger.add(sys.__stderr__)


@pytest.mark.parametrize("broker", ["miniqmt", "sim", "remote"])
def test_init_writes_a_file_that_reads(broker: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "init", "主账户", "--broker", broker]) == 0
    found = profiles.find("主账户")
    assert found.broker == broker
    assert str(found.file) in capsys.readouterr().out
    # 注释掉的那些，去掉 # 也写得对
    assert found.file is not None
    lines = found.file.read_text(encoding="utf-8").splitlines()
    whole = "\n".join(each.removeprefix("# ") for each in lines[1:])
    found.file.write_text(whole, encoding="utf-8")
    again = profiles.find("主账户")
    assert again.job["timeout"] == 1800
    assert again.guard is not None
    assert [each["kind"] for each in again.notify] == ["企业微信"]
    assert main(["profile", "init", "主账户"]) == 2
    assert "已经有了" in capsys.readouterr().err


def test_list_and_path(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile"]) == 0
    assert "easytrader profile init" in capsys.readouterr().err
    main(["profile", "init", "main", "--broker", "sim"])
    profiles.file_of("坏的").write_text("brokre = 1", encoding="utf-8")
    capsys.readouterr()
    assert main(["profile", "list", "--json"]) == 0
    rows = {each["name"]: each for each in json.loads(capsys.readouterr().out)}
    assert rows["main"]["broker"] == "sim"
    assert "是不是 broker" in rows["坏的"]["error"]
    assert main(["profile"]) == 0
    assert "main" in capsys.readouterr().out
    assert main(["profile", "path"]) == 0
    assert capsys.readouterr().out.strip() == str(profiles.folder())
    assert main(["profile", "path", "main"]) == 0
    assert capsys.readouterr().out.strip().endswith("main.toml")


def test_show_has_no_secrets(capsys: pytest.CaptureFixture[str]) -> None:
    main(["profile", "init", "a"])
    file = profiles.file_of("a")
    file.write_text(
        f"broker='miniqmt'\n[connect]\nfund_pwd='{SECRET}'\nstock_account='12345678'\n"
        f"[[notify]]\nkind='webhook'\nurl='https://a.example/{SECRET}'\n"
        f"[[notify]]\nkind='webhook'\nurl='env:HOOK'\n"
        f"headers={{ Authorization='Bearer {SECRET}' }}",
        encoding="utf-8",
    )
    capsys.readouterr()
    for words in ([], ["--json"]):
        assert main(["profile", "show", "a", *words]) == 0
        text = capsys.readouterr().out
        assert SECRET not in text
        assert "***" in text
        assert "env:HOOK" in text
    assert main(["profile", "list"]) == 0
    assert "****5678" in capsys.readouterr().out


def test_check(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QMT_PATH", str(sim_folder))
    main(["profile", "init", "default", "--broker", "sim"])
    file = profiles.file_of("default")
    good = "broker='sim'\n[connect]\nminiqmt_path='env:QMT_PATH'\ntimeout=5\n"
    file.write_text(good, encoding="utf-8")
    assert main(["profile", "check", "--connect"]) == 0
    assert "连上了：账号 ******0365" in capsys.readouterr().out
    file.write_text(good + "miniqmtpath='x'", encoding="utf-8")
    assert main(["profile", "check"]) == 2
    assert "是不是 miniqmt_path" in capsys.readouterr().err
    file.write_text(good + "[[notify]]\nkind='钉钉'", encoding="utf-8")
    assert main(["profile", "check"]) == 2
    assert "第 1 个 [[notify]]" in capsys.readouterr().err
    file.write_text(good + "[[notify]]\nkind='命令'\ncommand=['/没有/这个']", encoding="utf-8")
    assert main(["profile", "check", "--notify"]) == 1
    assert "没有送到" in capsys.readouterr().err
    monkeypatch.delenv("QMT_PATH")
    assert main(["profile", "check"]) == 2
    assert "QMT_PATH" in capsys.readouterr().err


def test_the_real_command_refuses_a_traversal() -> None:
    done = easytrader("profile", "init", "../a")
    assert done.returncode == 2
    assert "应为设置的名字" in done.stderr
