"""动作表只有一张：原生请求、套接字、服务、故障都认同样的名字。"""

from __future__ import annotations

import pytest

from easytrader.errors import UsageError
from easytrader.sim.gateway.dispatch import Dispatcher
from easytrader.sim.gateway.verbs import UNSUPPORTED, VERBS
from easytrader.sim.host.faults import TARGETS, parse_fault
from easytrader.sim.host.framing import FrameError, to_request
from easytrader.sim.native.calls import CALLS, reader_of

ALL = sorted(VERBS)


@pytest.mark.parametrize("verb", ALL)
def test_every_verb_can_be_a_fault_target(verb: str) -> None:
    assert parse_fault({"kind": "drop_answer", "verb": verb}).matches(verb)


def test_fault_targets_are_the_verbs_and_two_groups() -> None:
    assert set(TARGETS) == {*VERBS, "query", "any"}
    with pytest.raises(UsageError):
        parse_fault({"kind": "drop_answer", "verb": "没有"})


@pytest.mark.parametrize("verb", ALL)
def test_a_query_fault_matches_exactly_the_queries(verb: str) -> None:
    fault = parse_fault({"kind": "drop_answer", "verb": "query"})
    assert fault.matches(verb) == (VERBS[verb].kind in ("query", "business"))


@pytest.mark.parametrize("verb", ALL)
def test_the_service_and_the_socket_know_every_verb(verb: str) -> None:
    class Anything:
        def __getattr__(self, name: str) -> object:
            return lambda *args: (name, *args)

    assert verb in Dispatcher(Anything())._verbs  # type: ignore[arg-type]
    shape = VERBS[verb].args
    values = [0] * (0 if shape is None else len(shape._fields))  # type: ignore[attr-defined]
    assert to_request([verb, 1, values]).verb == verb


def test_an_unknown_verb_is_not_our_protocol() -> None:
    with pytest.raises(FrameError):
        to_request(["没有", 1, []])


@pytest.mark.parametrize("name", sorted(CALLS))
def test_every_simulated_native_request_has_a_reader(name: str) -> None:
    call = CALLS[name]
    if call.name != UNSUPPORTED:
        assert callable(reader_of(call))
