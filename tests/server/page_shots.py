"""重新拍文档里的网页截图：``python tests/server/page_shots.py docs/zh/images``。

模拟的一天，时钟是单步的，行情由种子定：每次拍出来的样子差不多。
"""

from __future__ import annotations

import os
import struct
import sys
import tempfile
import zlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests"), str(ROOT / "tests/server")]

if TYPE_CHECKING:
    from collections.abc import Iterator

    from page_world import Site

    from easytrader.brokers.sim import SimTrader

WIDE = {"width": 1360, "height": 880}
NARROW = {"width": 390, "height": 844}
MOST_BYTES = 150_000
HELD = (
    ("600036.SH", 2000, 33.1), ("600519.SH", 200, 1512), ("300750.SZ", 600, 251.3),
    ("510300.SH", 30000, 4.02), ("688981.SH", 500, 86.7),
)  # fmt: skip


class Scene(NamedTuple):
    """一个下午两点的账户。"""

    site: Site
    user: SimTrader

    def now(self) -> float:
        return self.user.sim.now().timestamp()


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    from page_world import Site

    import easytrader
    from easytrader import sim

    users = {}
    accounts = {"主账户": ("1000000365", HELD, 1_000_000), "小账户": ("2000000888", (), 350_000)}
    for name, (account_id, held, cash) in accounts.items():
        account = sim.AccountConfig(account_id, cash=cash, positions=held)
        sim.create(folder / name, [account], clock="step", start="2026-11-30 09:31")
        users[name] = easytrader.use("sim")
        users[name].connect(str(folder / name))
    user = users["主账户"]
    site = Site(folder / "server", users)
    found = Scene(site, user)
    site.pages.curves._clock = found.now
    _trade_until(found, "14:06")
    yield found
    site.close()
    for each in users.values():
        each.close()


def _trade_until(found: Scene, end: str) -> None:
    """走到 ``end``，路上下几笔，记下曲线。"""
    from easytrader.server.curve import Curve

    user, curve = found.user, Curve()
    found.site.pages.curves._curves["主账户"] = curve

    def quoted(code: str) -> tuple[float, float]:
        quote = user.quote(code)[code]
        return quote["asks"][0][0], quote["bids"][0][0]

    plan = {
        3: lambda: user.buy("600036", quoted("600036")[0], 300, remark="网格第三格"),
        20: lambda: user.sell("300750", quoted("300750")[1], 100, remark="减仓"),
        35: lambda: user.buy("000001", quoted("000001")[0], 2000, strategy_name="日内"),
        60: lambda: user.buy("600519", round(quoted("600519")[1] * 0.985, 2), 100, remark="低吸"),
        62: lambda: user.sell("688981", round(quoted("688981")[0] * 1.015, 2), 200, remark="止盈"),
    }  # fmt: skip
    number = 0
    while user.sim.now().strftime("%H:%M") < end:
        plan.get(number, lambda: None)()
        curve.add(found.now(), user.balance[0]["total_asset"])
        user.sim.step(minutes=2)
        number += 1


def _pixels(data: bytes) -> Any:
    """PNG（8 位真彩、不隔行）→ (高, 宽, 3) 的数组。"""
    width, height, depth, kind = struct.unpack(">IIBB", data[16:26])
    assert depth == 8
    assert kind in (2, 6)
    channels = 3 if kind == 2 else 4
    at, packed = 8, b""
    while at < len(data):
        size = struct.unpack(">I", data[at : at + 4])[0]
        if data[at + 4 : at + 8] == b"IDAT":
            packed += data[at + 8 : at + 8 + size]
        at += size + 12
    raw = zlib.decompress(packed)
    stride = width * channels
    rows, above = [], bytearray(stride)
    for y in range(height):
        start = y * (stride + 1)
        above = _unfiltered(raw[start], raw[start + 1 : start + 1 + stride], above, channels)
        rows.append(np.frombuffer(bytes(above), np.uint8))
    return np.stack(rows).reshape(height, width, channels)[:, :, :3]


def _unfiltered(kind: int, row: bytes, above: bytearray, channels: int) -> bytearray:
    found = bytearray(row)
    for i in range(len(found)) if kind else ():
        a = found[i - channels] if i >= channels else 0
        b = above[i]
        c = above[i - channels] if i >= channels else 0
        if kind == 4:
            p = (abs(b - c), abs(a - c), abs(a + b - 2 * c))
            guess = a if p[0] <= p[1] and p[0] <= p[2] else b if p[1] <= p[2] else c
        else:
            guess = (0, a, b, (a + b) // 2)[kind]
        found[i] = (found[i] + guess) & 255
    return found


def _smaller(data: bytes) -> bytes:
    """换成 256 色的调色板：界面的颜色本来就不多，字看不出差别。"""
    pixels = _pixels(data)
    height, width, _ = pixels.shape
    rough = pixels & 0xFC
    keys = (rough[:, :, 0].astype(int) << 16) | (rough[:, :, 1].astype(int) << 8) | rough[:, :, 2]
    found, first, counts = np.unique(keys, return_index=True, return_counts=True)
    most = np.argsort(-counts)[:256]
    palette = pixels.reshape(-1, 3)[first[most]].astype(int)
    each = pixels.reshape(-1, 3)[first].astype(int)
    nearest = ((each[:, None, :] - palette[None]) ** 2).sum(2).argmin(1)
    index = nearest[np.searchsorted(found, keys)].astype(np.uint8)
    raw = b"".join(b"\0" + row.tobytes() for row in index)

    def chunk(name: bytes, body: bytes) -> bytes:
        checked = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", checked)

    return b"".join(
        (
            data[:8],
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            chunk(b"IDAT", zlib.compress(raw, 9)),
            chunk(b"IEND", b""),
        )
    )


def shoot(page: Any, path: Path) -> None:
    page.wait_for_timeout(300)
    path.write_bytes(_smaller(page.screenshot()))
    size = path.stat().st_size
    print(f"{path} {size:,} 字节")
    assert size <= MOST_BYTES, "太大了"


def visit(browser: Any, found: Scene, size: dict[str, int], scheme: str = "light") -> Any:
    context = browser.new_context(viewport=size, locale="zh-CN", color_scheme=scheme)
    page = context.new_page()
    page.clock.set_fixed_time(found.now() * 1000)
    page.goto(found.site.url)
    page.fill("#token", found.site.trade)
    page.click("#sign-in-form button")
    page.wait_for_selector("#chip-counter.ok")
    page.wait_for_selector("#view-positions tbody tr", state="attached")
    return page


def desktop(browser: Any, found: Scene, folder: Path) -> None:
    page = visit(browser, found, WIDE)
    page.fill("#code", "zsyh")
    page.wait_for_selector("#found li b")
    page.keyboard.press("Enter")
    page.wait_for_selector("#book .levels button")
    page.fill("#amount", "500")
    page.wait_for_selector("#preview .fine")
    page.mouse.move(0, 0)
    shoot(page, folder / "page-desk.png")
    page.click("#tabs [data-tab=orders]")
    page.fill("#amount", "250")
    page.wait_for_selector("[data-rule=board]")
    page.click("#stop")
    page.fill("#ask-input", "行情异常，先停一停")
    page.click("#ask-yes")
    page.wait_for_selector("#stopped:not([hidden])")
    page.mouse.move(0, 0)
    page.wait_for_timeout(5200)  # 弹出来的话收起
    shoot(page, folder / "page-stopped.png")
    found.site.stop_switch.allow("主账户", "console")
    page.context.close()


def phone(browser: Any, found: Scene, folder: Path) -> None:
    page = visit(browser, found, NARROW)
    shoot(page, folder / "page-phone.png")
    page.click("#bottom [data-tab=orders]")
    shoot(page, folder / "page-phone-orders.png")
    page.context.close()
    page = visit(browser, found, NARROW, "dark")
    page.click("#bottom [data-tab=ticket]")
    page.fill("#code", "600519")
    page.wait_for_selector("#book .levels button")
    page.fill("#amount", "100")
    page.wait_for_selector("#preview dl")
    shoot(page, folder / "page-phone-ticket.png")
    page.context.close()


def main() -> None:
    from page_world import launched

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        os.environ.update(EASYTRADER_HOME=work, EASYTRADER_SIM_PROFILE="instant")
        with scene(Path(work)) as found, launched() as browser:
            desktop(browser, found, folder)
            phone(browser, found, folder)


if __name__ == "__main__":
    main()
