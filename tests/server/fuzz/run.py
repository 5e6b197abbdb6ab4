"""乱打：``python tests/server/fuzz/run.py --cases 50000 --seed 1``。

四个令牌（没有、只读、上限很小的买卖、收回的）轮着来：一份照 OpenAPI 的说明造，其余是裸的字节。
重放一段裸的字节：``--only 1500-1999``。
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parents[1]), str(HERE.parents[2])]

from fuzz_run import BATCH, TOKENS, Fuzz  # noqa: E402
from fuzz_schema import description, examine  # noqa: E402
from remote_serve import ServeProcess  # noqa: E402
from support import make_folder  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Sequence

_SCHEMA_SHARE = 5
"""每五个有一个照说明造。"""


def main(argv: Sequence[str] | None = None) -> int:
    """退出码：一个毛病也没有为 0。"""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", help="只打这些序号的裸字节，如 1500-1999")
    parser.add_argument("--workers", type=int, default=12)
    parser.add_argument("--no-schema", action="store_true", help="只打裸的字节")
    options = parser.parse_args(argv)
    home = Path(tempfile.mkdtemp(prefix="fuzz-"))
    server = ServeProcess(make_folder(home / "userdata_mini"), home / "home", options=("--qka",))
    began = time.monotonic()
    try:
        server.start()
        fuzz = Fuzz(server, options.workers)
        schema = 0 if options.only or options.no_schema else options.cases // _SCHEMA_SHARE
        count = by_description(fuzz, schema, options.seed)
        first, last = _range(options.only, options.cases - count)
        fuzz.run(options.seed, _told(range(first, last), fuzz))
        count += last - first
    finally:
        server.kill()
        shutil.rmtree(home, ignore_errors=True)
    for name, times in sorted(fuzz.count.items()):
        print(f"{name:<22} {times}")
    for each in fuzz.found[:100]:
        print("✗", each)
    print(f"打了 {count} 个，毛病 {len(fuzz.found)} 个，{time.monotonic() - began:.0f} 秒")
    return 1 if fuzz.found else 0


def by_description(fuzz: Fuzz, cases: int, seed: int) -> int:
    """照说明造的；返回打了多少。"""
    if not cases:
        return 0
    told = description(fuzz.server, fuzz.good)
    operations = sum(len(each) for each in told["paths"].values())
    each = max(cases // operations // len(TOKENS), 2)
    total = 0
    for who in TOKENS:
        before = {order.order_id for order in fuzz.orders()}
        valid = who in ("read", "trade")
        count, found = examine(fuzz.server, told, fuzz.tokens[who], each, seed, valid=valid)
        fuzz.found += [f"照说明 {who or '没有'}：{text}" for text in found]
        fuzz.after(f"照说明，令牌 {who or '没有'}", who, before)
        total += count
        fuzz.count[f"照说明 {who or '没有'}"] = count
        print(f"照说明 {who or '没有'}：{count} 个，毛病一共 {len(fuzz.found)}", file=sys.stderr)
    return total


def _range(only: str | None, cases: int) -> tuple[int, int]:
    if only is None:
        return 0, cases
    first, _, last = only.partition("-")
    return int(first), int(last or first) + 1


def _told(indices: range, fuzz: Fuzz):  # type: ignore[no-untyped-def]
    """每几批说一声走到哪里了。"""
    began = time.monotonic()
    for done, index in enumerate(indices):
        if done and done % (4 * BATCH) == 0:
            rate = done / (time.monotonic() - began)
            print(f"{done}/{len(indices)} 每秒 {rate:.0f} 毛病 {len(fuzz.found)}", file=sys.stderr)
        yield index


if __name__ == "__main__":
    sys.exit(main())
