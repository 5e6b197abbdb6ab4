"""网页的测试共用的：带网页的服务器、坏网线、真的浏览器（Debian 的 chromium，无界面）。"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from bad_proxy import BadProxy

from easytrader.server.app import App
from easytrader.server.audit import Audit
from easytrader.server.caps import Caps
from easytrader.server.desk import Desk
from easytrader.server.host import Host, bound
from easytrader.server.pages import Pages
from easytrader.server.stop import StopSwitch
from easytrader.server.tokens import Tokens

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from easytrader.trader import Trader

_KNOWN = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "/usr/bin/chromium",
    "/usr/lib/chromium/chromium",
)


def find_chromium() -> str:
    """浏览器在哪里；没有为空。"""
    given = os.environ.get("EASYTRADER_CHROMIUM", "")
    return next((found for each in (given, *_KNOWN) if each and (found := shutil.which(each))), "")


def why_not() -> str:
    """这台机器上跑不了的原因；跑得了为空。"""
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "没有装 playwright"
    return "" if find_chromium() else "没有找到 chromium（Debian：apt install chromium）"


@contextmanager
def launched() -> Iterator[Any]:
    """一个无界面的浏览器。"""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=find_chromium(), args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        yield browser
        browser.close()


class Site:
    """带网页的服务器，浏览器经过一条会坏的网线连它；停了可以在同一个端口再起。"""

    def __init__(self, folder: Path, traders: Mapping[str, Trader]) -> None:
        self.traders = dict(traders)
        self.tokens = Tokens(folder / "tokens.json")
        self.trade = self.tokens.add("alice", ["trade"])
        self.read = self.tokens.add("bob", ["read"])
        self.stop_switch = StopSwitch(folder / "stopped.json")
        self.folder = folder
        self._caps = Caps(folder / "caps.sqlite")
        self._audit = Audit(folder / "audit")
        self.host: Host
        self.pages: Pages
        self._port = 0
        self.start()
        self.line = BadProxy(self._port)
        self.port = self.line.port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        desks = {
            name: Desk(
                name, trader, caps=self._caps, stop=self.stop_switch, audit=self._audit,
                folder=self.folder / "requests" / name,
            )
            for name, trader in self.traders.items()
        }  # fmt: skip
        sock = bound("127.0.0.1", self._port)
        self._port = sock.getsockname()[1]
        self.pages = Pages(desks, self.tokens, port=self._port, secure=False)
        app = App(
            desks, self.tokens, audit=self._audit,
            sessions=self.pages.sessions, routes=self.pages.routes(),
        )  # fmt: skip
        app.every(self.pages.curves.run)
        self.host = Host(app, sock)
        self.host.start()

    def stop(self) -> None:
        self.host.stop()

    def close(self) -> None:
        self.line.close()
        self.host.stop()
        self._audit.close()
        self._caps.close()
