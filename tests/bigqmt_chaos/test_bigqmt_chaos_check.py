"""混沌里的坏人与账自己也要核对：伪造的帧认得出、冒充的骗不过，账不对了要叫。"""

from __future__ import annotations

import random
import socket

import pytest
from bad_proxy import DOWN, UP
from big_proxy import MANNERS_OF_SQUATTERS, Squatter, frame

from easytrader.bigqmt.agent import FrameError, Framer


def test_the_forged_frames_are_well_formed_but_for_the_key() -> None:
    told = {"t": "q", "id": 1, "m": "rows", "a": {}}
    for way, agent in ((UP, True), (DOWN, False)):
        reader = Framer(agent)
        reader.feed(frame(told, way, 0) + frame(told, way, 1))
        assert [reader.take(), reader.take()] == [told, told]
        for key, number in ((b"", 3), (b"guess", 2)):
            reader = Framer(agent)
            reader.feed(frame(told, way, 0) + frame(told, way, 1) + frame(told, way, number, key))
            reader.take(), reader.take()
            with pytest.raises(FrameError):
                reader.take()


def test_a_keyed_channel_takes_none_of_them() -> None:
    for key in (b"", b"guess"):
        for number in range(4):
            reader = Framer(True)
            reader.key = b"the session key"
            reader.feed(frame({"t": "q"}, UP, number, key))
            with pytest.raises(FrameError):
                reader.take()


@pytest.mark.parametrize("manner", list(MANNERS_OF_SQUATTERS))
def test_every_squatter_squats(manner: str) -> None:
    squatter = Squatter(random.Random(1), manner)
    with socket.create_connection(("127.0.0.1", squatter.port), 5) as link:
        if manner == "silent":
            link.settimeout(0.05)
            with pytest.raises(TimeoutError):
                link.recv(10)
        else:
            assert link.recv(10)
    squatter.close()
    assert squatter.met == 1
