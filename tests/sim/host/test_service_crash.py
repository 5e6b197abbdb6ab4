"""一个连接说错话，只断它自己；主机真的出错停下，serve 要说出来。"""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, ROOT, SimProcess

import easytrader
from easytrader.sim.gateway.wire import PROTOCOL_VERSION
from easytrader.sim.host.framing import FrameError, FrameSocket, to_request
from easytrader.sim.host.lease import service_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    "frame",
    [
        ["unsubscribe", 1, [2, ["1"]]],
        ["submit", 1, [2, {"a": 1}, "600036.SH", 23, 100, 11, 35.5, "", ""]],
        ["orders", 1, [2, None]],
    ],
)
def test_arguments_that_are_not_plain_are_refused_at_the_door(frame: Any) -> None:
    with pytest.raises(FrameError):
        to_request(frame)


def test_one_bad_connection_does_not_hurt_the_others(served: SimProcess) -> None:
    import socket

    with easytrader.use("miniqmt") as user:
        user.connect(str(served.folder), ACCOUNT)
        info = service_of(served.folder)
        assert info is not None
        bad = FrameSocket(socket.create_connection(("127.0.0.1", info.port), timeout=5))
        bad.send(["hello", PROTOCOL_VERSION, info.token, "session", 99, 1])
        assert bad.receive()[0] == "welcome"
        bad.send(["unsubscribe", 1, [2, ["1"]]])
        assert closed_by_peer(bad)
        bad.close()
        assert user.balance
        assert user.state == "已连接"


def closed_by_peer(connection: FrameSocket) -> bool:
    """收到断开为止。"""
    try:
        while True:
            connection.receive()
    except (EOFError, ConnectionError):
        return True


CRASHING = """
import sys
from easytrader.cli import main
from easytrader.sim.host.host import Host

def broken(self, posts):
    if posts:
        raise RuntimeError("主机里的错")

Host._serve = broken
sys.exit(main(["sim", "serve", sys.argv[1]]))
"""


def test_serve_that_stops_by_an_error_does_not_exit_zero(sim_folder: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", CRASHING, str(sim_folder)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", cwd=ROOT,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        with pytest.raises(easytrader.ConnectFailedError):
            easytrader.use("miniqmt").connect(str(sim_folder), ACCOUNT, timeout=3)
        _, told = process.communicate(timeout=20)
        assert process.returncode == 1
        assert "主机里的错" in told
    finally:
        process.kill()
        process.communicate()
