"""文档里并排的脚本：只有 use() 里的名字不同，两种客户端上都跑得通，印出来的一样。"""

from __future__ import annotations

import contextlib
import io
import re
from typing import TYPE_CHECKING, Any

import pytest
from big_client_world import big_client
from docs_helpers import DOCS, blocks
from support import ACCOUNT, make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOTE = "两种客户端"
MINI, BIG = 'use("miniqmt")', 'use("bigqmt")'
PATH = r'r"D:\国金证券QMT交易端\userdata_mini"'
PAGES = {"quickstart.md": 1, "miniqmt.md": 4}
NUMBER = re.compile(r"\b\d+(\.\d+)?\b")


def pairs() -> list[Any]:
    """（MiniQMT 的，完整版的），按文档的先后。"""
    found: list[Any] = []
    for page, count in PAGES.items():
        noted = [block for block in blocks(DOCS / page) if block.note == NOTE]
        assert len(noted) == 2 * count, page
        for mini, big in zip(noted[::2], noted[1::2], strict=True):
            found.append(pytest.param(mini.source, big.source, id=f"{page}:{mini.line}"))
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """一个文件夹，两种客户端都开着。"""
    made = make_folder(tmp_path / "国金 QMT交易端" / "userdata_mini")
    with big_client(made, ACCOUNT):
        yield made


def run(source: str, folder: Path) -> list[str]:
    """印出来的；编号、价格、数量换成 N：委托编号、时刻各是各的。"""
    assert PATH in source
    script = source.replace(PATH, repr(str(folder))).replace("你的资金账号", ACCOUNT)
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(script, "文档", "exec"), {"__name__": "__main__"})
    return [NUMBER.sub("N", line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize(("mini", "big"), pairs())
def test_only_the_name_differs(mini: str, big: str, folder: Path) -> None:
    assert mini.count(MINI) == big.count(BIG) == 1
    assert mini.replace(MINI, BIG) == big
    first, second = run(mini, folder), run(big, folder)
    assert first
    assert set(first) == set(second)
