"""在一个新进程里按顺序执行一页文档：``python docs_run_page.py 页面``。出错的行号是页面里的行号。"""

from __future__ import annotations

import doctest
import sys
from pathlib import Path
from typing import Any

from docs_helpers import blocks

_OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def main() -> int:
    page = Path(sys.argv[1])
    names: dict[str, Any] = {"__name__": "__main__"}
    for block in blocks(page):
        if not block.runs:
            continue
        if block.language == "pycon":
            parsed = doctest.DocTestParser().get_doctest(
                block.source, names, page.name, str(page), block.line - 1
            )
            runner = doctest.DocTestRunner(optionflags=_OPTIONS)
            if runner.run(parsed, clear_globs=False).failed:
                return 1
            names.update(parsed.globs)
        else:
            source = "\n" * (block.line - 1) + block.source
            exec(compile(source, str(page), "exec"), names)
    return 0


if __name__ == "__main__":
    sys.exit(main())
