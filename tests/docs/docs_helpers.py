"""文档里的代码块：找出来，按页执行。

- ``python`` 块逐个执行，``pycon`` 块当作 doctest 核对输出；一页是一个命名空间。
- 前面有 ``<!-- 只编译 -->`` 的只编译（要真的客户端才能跑）；
  ``<!-- 两种客户端 -->`` 的成对，由 test_docs_two_clients 在两种模拟的客户端上执行。
- 只有一行 ``--8<--`` 的是引用的示例文件，由 test_docs_examples 执行。
"""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "docs" / "zh"
EXAMPLES = DOCS / "examples"
PAGES = (README, *sorted(DOCS.rglob("*.md")))

_BLOCK = re.compile(
    r"^(?P<mark> *<!-- (?P<note>.+?) -->\n)?(?P<pad> *)```(?P<lang>\w+)\n"
    r"(?P<body>.*?)^(?P=pad)```$",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """一个代码块；``line`` 是它第一行代码在文件里的行号。"""

    language: str
    source: str
    line: int
    note: str

    @property
    def is_snippet(self) -> bool:
        return self.source.startswith('--8<-- "')

    @property
    def runs(self) -> bool:
        return self.language in ("python", "pycon") and not self.note and not self.is_snippet


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            match["lang"],
            dedent(match["body"]),  # 标签页里的缩进着
            text.count("\n", 0, match.start("body")) + 1,
            match["note"] or "",
        )
        for match in _BLOCK.finditer(text)
    ]


def all_text() -> str:
    return "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
