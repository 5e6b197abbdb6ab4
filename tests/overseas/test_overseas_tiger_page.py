"""老虎的文档页上的程序，照着跑。"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("tigeropen")

from tiger_server import ACCOUNT, PEM, TIGER_ID, Tiger

pytestmark = pytest.mark.counters
PAGE = Path(__file__).parents[2] / "docs/zh/tiger.md"


def test_the_script_of_the_page(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[0]
    assert TIGER_ID in script
    assert ACCOUNT in script
    (tmp_path / "tiger").mkdir()
    (tmp_path / "tiger" / "私钥.pem").write_text(PEM)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    gateway = Tiger()
    try:
        script = script.replace('server="仿真"', f'server="仿真", base_url="{gateway.url}"')
        exec(script, {})
    finally:
        gateway.close()
    shown = capsys.readouterr().out
    assert "'currency': 'USD'" in shown
    assert shown.endswith("已撤\n")
