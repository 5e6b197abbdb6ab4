"""反复杀掉再起：不漏线程、不漏会话 id、不丢也不重复事件。默认跑 6 次，``-m soak`` 跑 100 次。"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import psutil
import pytest
from support import Recorder, SimProcess, eventually

if TYPE_CHECKING:
    from collections.abc import Callable


def kill_again_and_again(served: SimProcess, user: Any, recorder: Recorder, times: int) -> None:
    process = psutil.Process()
    threads = descriptors = 0
    numbers: list[int] = []
    for round_ in range(1, times + 1):
        numbers.append(user.market_buy("600036", amount=100)["entrust_no"])
        numbers.append(user.buy("600036", price=32.5, amount=100)["entrust_no"])
        served.kill()
        served.start()
        recorder.wait_for("connected", round_ + 1)
        if round_ == 3:
            threads, descriptors = (
                threading.active_count(),
                process.num_handles() if hasattr(process, "num_handles") else process.num_fds(),
            )
    user.cancel_all()
    for number in numbers:
        user.wait(number, 30)
    eventually(lambda: len(final_states(recorder)) == len(numbers))
    now = process.num_handles() if hasattr(process, "num_handles") else process.num_fds()
    eventually(lambda: threading.active_count() <= threads)
    assert now <= descriptors + 2
    check_events(user, recorder, numbers)
    assert len(recorder.of("disconnected")) == times
    assert len(list(served.folder.glob("down_queue_win_*[0-9]"))) <= 16


def final_states(recorder: Recorder) -> set[int]:
    return {each.order_id for each in recorder.of("order") if each.order_status in (53, 54, 56, 57)}


def check_events(user: Any, recorder: Recorder, numbers: list[int]) -> None:
    """每笔成交、每个状态恰好一次，与柜台的账对得上。"""
    truth = {each["traded_id"]: each["traded_volume"] for each in user.today_trades}
    told = Counter(each.traded_id for each in recorder.of("trade"))
    assert set(told) == set(truth)
    assert set(told.values()) <= {1}
    states = Counter((o.order_id, o.order_status, o.traded_volume) for o in recorder.of("order"))
    assert set(states.values()) == {1}
    assert sorted(each["order_id"] for each in user.today_entrusts) == sorted(numbers)


def test_six_kills(served: SimProcess, connect: Callable[..., Any], recorder: Recorder) -> None:
    kill_again_and_again(served, connect(recorder), recorder, 6)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_hundred_kills(served: SimProcess, connect: Callable[..., Any], recorder: Recorder) -> None:
    kill_again_and_again(served, connect(recorder), recorder, 100)
