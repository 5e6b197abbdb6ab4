from __future__ import annotations

import contextlib
import threading
from typing import TYPE_CHECKING, Any

import pytest
from service_helpers import ACCOUNT, OTHER, Caller, RawClient, TinyEngine, eventually

from easytrader.sim.config.folder import AccountConfig, SimFolder, create
from easytrader.sim.host.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield

    def gone() -> bool:
        left = [t for t in threading.enumerate() if t not in before]
        return not [t for t in left if t.name.startswith("easytrader-sim")]

    eventually(gone, "模拟器的线程都结束")


@pytest.fixture
def folder(tmp_path: Path) -> SimFolder:
    accounts = [AccountConfig(ACCOUNT), AccountConfig(OTHER)]
    return create(tmp_path / "userdata_mini 模拟", accounts)


@pytest.fixture
def engine() -> TinyEngine:
    return TinyEngine()


@pytest.fixture
def host(folder: SimFolder, engine: TinyEngine) -> Iterator[Host]:
    host = Host(folder, engine_factory=lambda: engine)
    yield host
    engine.gate.set()
    host.close()
    assert host.stopped.is_set()


@pytest.fixture
def raw_client(host: Host) -> Iterator[Callable[..., RawClient]]:
    with contextlib.ExitStack() as stack:

        def make(session_id: int = 7, **changes: Any) -> RawClient:
            client = RawClient(host.info, session_id, **changes)
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def caller(host: Host) -> Caller:
    caller = Caller(host)
    caller.subscribe()
    return caller
