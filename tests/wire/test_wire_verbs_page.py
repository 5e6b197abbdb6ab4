"""``docs/zh/reference/remote.md`` 就是动词表写出来的样子。"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from verbs_page import _GROUPS, render

from easytrader.wire.verbs import TABLE

PAGE = Path(__file__).parents[2] / "docs" / "zh" / "reference" / "remote.md"


def test_page_is_what_the_table_says() -> None:
    told = "重新生成：python tests/wire/verbs_page.py > docs/zh/reference/remote.md"
    assert PAGE.read_text(encoding="utf-8") == render(), told


def test_every_verb_is_on_the_page() -> None:
    assert {each.group for each in TABLE} == set(_GROUPS)
    text = PAGE.read_text(encoding="utf-8")
    for each in TABLE:
        assert f"`{each.name}`" in text or f" `{each.method}`" in text, each.name


def test_the_command_in_its_docstring_writes_the_page() -> None:
    command = [sys.executable, str(Path(__file__).with_name("verbs_page.py"))]
    done = subprocess.run(command, capture_output=True, timeout=100, check=True)
    assert done.stdout.decode().replace("\r\n", "\n") == PAGE.read_text(encoding="utf-8")
