"""等得有期限、Ctrl-C 也卡不死的锁。"""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from easytrader.records.guarded import DeadlineLock


def test_one_at_a_time() -> None:
    lock, inside, most = DeadlineLock(), [0], [0]

    def work() -> None:
        inside[0] += 1
        most[0] = max(most[0], inside[0])
        threading.Event().wait(0.001)
        inside[0] -= 1

    def go() -> None:
        for _ in range(20):
            lock.run(time.monotonic() + 30, work)

    threads = [threading.Thread(target=go) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(30)
    assert most == [1]


def test_a_free_lock_is_taken_even_after_the_deadline() -> None:
    assert DeadlineLock().run(0.0, lambda: 5) == 5


def test_a_held_lock_is_waited_for_to_the_deadline() -> None:
    lock, held, free = DeadlineLock(), threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        free.wait(30)

    thread = threading.Thread(target=lambda: lock.run(time.monotonic() + 1, hold))
    thread.start()
    held.wait(30)
    with pytest.raises(TimeoutError):
        lock.run(time.monotonic() + 0.05, lambda: 5)
    free.set()
    thread.join(30)
    assert lock.run(time.monotonic() + 1, lambda: 5) == 5


def test_a_signal_handler_does_not_break_in_on_its_own_thread() -> None:
    lock = DeadlineLock()

    def outer() -> str:
        with pytest.raises(TimeoutError):
            lock.run(time.monotonic() + 1, lambda: None)
        return _from_another_thread(lock)

    assert lock.run(time.monotonic() + 1, outer) == "等不到"
    assert _from_another_thread(lock) == "拿到了"


@pytest.mark.parametrize("where", ["acquired", "worked"])
def test_an_interrupt_anywhere_leaves_it_free(where: str) -> None:
    lock = DeadlineLock()
    real = lock._lock

    class Struck:
        """拿到之后马上来 Ctrl-C。"""

        def acquire(self, **how: Any) -> bool:
            got = real.acquire(**how)
            if where == "acquired":
                raise KeyboardInterrupt
            return got

        def release(self) -> None:
            real.release()

        def _is_owned(self) -> bool:
            return real._is_owned()  # type: ignore[no-any-return,attr-defined]

    lock._lock = Struck()  # type: ignore[assignment]

    def work() -> None:
        if where == "worked":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lock.run(time.monotonic() + 1, work)
    lock._lock = real
    assert _from_another_thread(lock) == "拿到了"


def test_a_release_that_was_interrupted_is_made_good_by_the_next_use() -> None:
    lock = DeadlineLock()
    lock._lock.acquire()  # 放锁之前被打断：还占着
    lock.run(time.monotonic() + 1, lambda: None)
    assert _from_another_thread(lock) == "拿到了"


def _from_another_thread(lock: DeadlineLock) -> str:
    told: list[str] = []

    def go() -> None:
        try:
            told.append(lock.run(time.monotonic() + 0.05, lambda: "拿到了"))
        except TimeoutError:
            told.append("等不到")

    thread = threading.Thread(target=go)
    thread.start()
    thread.join(30)
    return told[0]
