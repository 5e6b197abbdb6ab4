"""文档「放进 VeighNa」里不要窗口的那一段，照着做就行；字段一个不少。"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("vnpy")

from support import ROOT
from veighna_floor import EasytraderGateway

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.counters
PAGE = (ROOT / "docs" / "zh" / "veighna.md").read_text(encoding="utf-8")


def test_the_script_on_the_page_runs(tmp_path: Path) -> None:
    (script,) = [
        each for each in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "send_order" in each
    ]
    place = tmp_path / "一个 文件夹"
    place.mkdir()
    file = place / "脚本.py"
    file.write_text(script, encoding="utf-8")
    home = {"HOME": str(place), "USERPROFILE": str(place), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "-W", "error::UserWarning", str(file)],
        env={**os.environ, **home}, cwd=place, timeout=60, capture_output=True, check=False,
        stdin=subprocess.DEVNULL, text=True, encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for told in ("连接成功", "SUBMITTING", "NOTTRADED", "ALLTRADED", "QMT.", "volume=100"):
        assert told in done.stdout, (told, done.stdout, done.stderr)


def test_every_field_is_on_the_page() -> None:
    for field in EasytraderGateway.default_setting:
        assert re.search(rf"^\| .*{field}.* \|", PAGE, re.MULTILINE), field
