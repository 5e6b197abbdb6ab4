"""规则页由数据生成：提交的与生成的一字不差。"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from rules_page import render

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "zh" / "rules.md"


def test_the_page_is_the_data() -> None:
    told = "重新生成：python tests/market/rules/rules_page.py > docs/zh/rules.md"
    assert PAGE.read_text(encoding="utf-8") == render(), told


def test_the_command_writes_the_page() -> None:
    command = [sys.executable, str(Path(__file__).with_name("rules_page.py"))]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    assert done.stdout.decode("utf-8").replace("\r\n", "\n") == render()
