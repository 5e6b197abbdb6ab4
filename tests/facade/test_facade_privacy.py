"""异常树：通用的重试不会重发委托。账号：日志与信息里只露末四位。"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT, Recorder

import easytrader
from easytrader import errors
from easytrader.sim.host.faults import Faults

if TYPE_CHECKING:
    from pathlib import Path

NOTHING_SENT = {
    errors.UsageError: ValueError,
    errors.MissingDependencyError: ImportError,
    errors.NotConnectedError: ConnectionError,
    errors.ConnectFailedError: ConnectionError,
}
"""只有这几个同时是内建的异常：抛出时什么都没有发出，重试无害。"""


def leaves(root: type[BaseException] = errors.EasytraderError) -> list[type[BaseException]]:
    found = [each for each in root.__subclasses__() if each.__module__ == errors.__name__]
    return found + [below for each in found for below in leaves(each)]


@pytest.mark.parametrize("error", leaves())
def test_only_errors_that_sent_nothing_are_builtins_people_retry(
    error: type[BaseException],
) -> None:
    allowed = {object, BaseException, Exception, errors.EasytraderError, error}
    theirs = set(error.__mro__) - allowed
    builtin = NOTHING_SENT.get(error)
    assert theirs == (set(builtin.__mro__) - allowed if builtin else set())


@pytest.mark.parametrize("caught", [TimeoutError, ConnectionError, OSError])
def test_a_generic_retry_does_not_send_again(
    user: Any, sim_folder: Path, caught: type[Exception]
) -> None:
    Faults(sim_folder).drop_answer("submit")
    sent = []

    def retried() -> None:
        for _ in range(3):
            try:
                sent.append(1)
                with user._session.until(time.monotonic() + 0.5):
                    user.buy("600036", 33.0, 100)
            except caught:
                continue
            return

    with pytest.raises(errors.OutcomeUnknownError):
        retried()
    assert sent == [1]


@pytest.mark.parametrize("shown", ["", "0", "1"])
def test_accounts_are_masked_in_logs_and_messages(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch, logged: list[str], shown: str
) -> None:
    monkeypatch.setenv("EASYTRADER_SHOW_ACCOUNTS", shown)
    with easytrader.use("sim", debug=True) as user:
        user.connect(str(sim_folder), ACCOUNT, Recorder(), timeout=5)
        user.buy("600036", 33.0, 100)
        told = [*logged, repr(user), user.status["account_id"]]
    other = easytrader.use("sim")
    with pytest.raises(errors.ConnectFailedError) as caught:
        other.connect(str(sim_folder), "9999999999", timeout=5)
    other.close()
    text = "\n".join([*told, str(caught.value)])
    assert (ACCOUNT in text) is (shown == "1")
    assert ("9999999999" in str(caught.value)) is (shown == "1")
    assert ACCOUNT[-4:] in text
