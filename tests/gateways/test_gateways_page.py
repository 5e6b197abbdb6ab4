"""文档「VeighNa 的接口」里的例子照着做得通：接口换成 SIM，别的一字不改。"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("vnpy")

from gateway_brokers import connect, sim_trader
from sim_gateway import SimCounter, SimGateway

import easytrader
from easytrader import counters
from easytrader.counters import fields as counter_fields

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.counters


@pytest.fixture
def counter() -> Iterator[SimCounter]:
    yield (one := SimCounter(**{"600036": 1000, "rb2510": 10}))
    one.close()


def _blocks() -> list[str]:
    from pathlib import Path

    sys.path.append(str(Path(__file__).parents[1] / "docs"))
    try:
        from docs_helpers import DOCS, blocks
    finally:
        sys.path.pop()
    return [each.source for each in blocks(DOCS / "vnpy.md") if each.language == "python"]


def test_page_runs(
    counter: SimCounter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first, *others = _blocks()
    given: dict[str, Any] = {}
    asked: dict[str, Any] = {}

    class PageGateway(SimGateway):
        default_name = "PAGE"

    class PageUser:
        """connect 的字段记下来，连的是 SIM。"""

        def __init__(self) -> None:
            self.real = sim_trader(PageGateway)

        def connect(self, **fields: Any) -> None:
            given.update(fields)
            connect(self.real, counter)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.real, name)

    def use(name: str, **options: Any) -> PageUser:
        asked.update(options, name=name)
        return PageUser()

    monkeypatch.setattr(easytrader, "use", use)
    space: dict[str, Any] = {}
    exec(compile(first.replace("user.close()", ""), "vnpy.md", "exec"), space)
    user = space["user"]
    try:
        for each in others:
            exec(compile(each, "vnpy.md", "exec"), space)
        assert len(user.today_entrusts) == 6
        assert "IF2512.CFFEX" in capsys.readouterr().out
    finally:
        user.close()
    xtp = counters.find(asked["gateway"])
    assert xtp is not None
    assert xtp.name == "XTP"
    assert counter_fields.resolve(given, xtp)
