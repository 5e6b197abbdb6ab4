"""`LineSession`：柜台的接口卡住的时候，排着的委托不会在换了会话之后才发出去。"""

from __future__ import annotations

import threading

import pytest
from support import eventually

from easytrader.basics import boot_clock
from easytrader.errors import EasytraderError
from easytrader.link.line import LineSession
from easytrader.orders.receipt import Receipt


def test_an_order_still_queued_when_the_link_is_lost_is_never_sent() -> None:
    gate, sent = threading.Event(), threading.Event()
    session, after = LineSession(30), threading.Event()
    session.later(gate.wait, 60)
    reply: Receipt[bool] = Receipt("买", 30)
    session.send(reply, lambda: sent.set() or True, "tag")
    session.lose("断了")
    with pytest.raises(EasytraderError, match="断了"):
        reply.value()
    session.later(after.set)
    gate.set()
    assert after.wait(30)
    assert not sent.is_set()
    session.close()


def test_an_order_queued_while_the_machine_slept_is_never_sent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, sent = threading.Event(), threading.Event()
    session, after = LineSession(30), threading.Event()
    session.later(gate.wait, 60)
    session.send(Receipt("买", 30), lambda: sent.set() or True, "tag")
    awake = boot_clock.now
    monkeypatch.setattr(boot_clock, "now", lambda: awake() + 31)  # 看期限的还没有轮到
    session.later(after.set)
    gate.set()
    assert after.wait(30)
    assert not sent.is_set()
    session.close()


def test_an_order_stuck_in_the_counter_is_still_being_sent_for_the_next_session() -> None:
    gate, inside = threading.Event(), threading.Event()
    session, next_one = LineSession(30), LineSession(30)

    def stuck() -> bool:
        inside.set()
        return gate.wait(60)

    session.send(Receipt("买", 30), stuck, "stuck-tag")
    assert inside.wait(30)
    session.lose("断了")
    assert next_one.still_sending("stuck-tag")
    gate.set()
    eventually(lambda: not next_one.still_sending("stuck-tag"))
    session.close()
    next_one.close()
