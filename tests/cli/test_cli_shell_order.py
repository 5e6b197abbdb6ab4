"""``buy sell cancel``：先看、问一声、发出；没办成的说出为什么，结果未知的不再发。"""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from remote_brokers import RemoteMemory
    from shell_helpers import Shell


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """有人坐在终端前，这样回答。"""

    def at_terminal(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", _Terminal(text))
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    return at_terminal


def test_a_simulated_order_is_shown_and_sent(shell: Shell) -> None:
    done = shell("buy", "600036", "market", "200", "--wait", "10", "--json")
    assert done.code == 0
    assert done.json["entrust"]["order_status_name"] == "已成"
    assert done.json["entrust_no"] == done.json["entrust"]["order_id"]
    assert done.err.startswith("买入 600036.SH 数量 200，对手方最优价 ")
    assert "费用约 5." in done.err
    assert "可用资金 " in done.err
    [row] = shell("trades", "--json").json
    assert row["traded_volume"] == 200


def test_every_option_reaches_the_order(shell: Shell) -> None:
    words = ("600036", "35.1", "100", "--strategy", "s1", "--remark", "备注")
    assert shell("buy", *words, "--client-order-id", "day1").code == 0
    again = shell("buy", *words, "--client-order-id", "day1")
    assert again.code == 0
    [row] = shell("entrusts", "--json").json
    assert (row["price"], row["strategy_name"], row["order_remark"]) == (35.1, "s1", "备注")
    assert f"委托编号 {row['order_id']}" in again.out


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("600036", "1,000", "100"), "参数 PRICE 不对：'1,000'"),
        (("600036", "35.5元", "100"), "参数 PRICE 不对：'35.5元'，应为大于 0 的数（元）"),
        (("600036", "-5", "100"), "参数 PRICE 不对：'-5'"),
        (("600036", "0", "100"), "参数 PRICE 不对：'0'"),
        (("600036", "nan", "100"), "参数 PRICE 不对：'nan'"),
        (("600036", "inf", "100"), "参数 PRICE 不对：'inf'"),
        (("600036", "1e2", "100"), "参数 PRICE 不对：'1e2'"),
        (("600036", "３５", "100"), "参数 PRICE 不对：'３５'"),
        (("600036", "0.0001", "100"), "参数 PRICE 不对"),
        (("600036", "35", "1,000"), "参数 AMOUNT 不对：'1,000'"),
        (("600036", "35", "0"), "参数 AMOUNT 不对：'0'"),
        (("600036", "35", "-100"), "参数 AMOUNT 不对：'-100'"),
        (("600036", "35", "100.5"), "参数 AMOUNT 不对：100.5。应为正整数"),
        (("600036", "35", "1手"), "参数 AMOUNT 不对：'1手'"),
        (("60003", "35", "100"), "参数 CODE 不对：'60003'"),
        (("600036", "35"), "缺少参数 AMOUNT"),
        (("600036", "35", "100", "--ttype", "本方最优价格委托"), "参数 --ttype 不对"),
        (("600036", "market", "100", "--ttype", "瞎写"), "参数 --ttype 不对：'瞎写'"),
        (("600036", "35", "100", "--strategy", "很" * 9), "参数 --strategy 不对"),
        (("600036", "35", "100", "--wait", "0"), "参数 --wait 不对：'0'"),
    ],
)
def test_bad_input_sends_nothing(words: tuple[str, ...], told: str, shell: Shell) -> None:
    done = shell("buy", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert shell("entrusts", "--json").json == []


def test_a_refused_order_says_why(shell: Shell) -> None:
    done = shell("sell", "600036", "35", "100", "--wait", "10")
    assert done.code == 1
    assert "注意：可用 0，要卖 100，柜台会拒绝" in done.err
    assert "\n被拒绝：" in done.err
    assert "废单" in done.out
    for words in (("--wait", "10"), ()):  # 不等的也许还没有看到，看到了就要说
        told = shell("sell", "600036", "35", "100", *words, "--json")
        if told.code:
            assert told.json["result"] == "failed"
            assert told.json["exit_code"] == 1
            assert told.json["reason"].startswith("被拒绝：")
            assert told.json["entrust"]["order_status_name"] == "废单"
        assert told.code or not words


def test_not_filled_in_time_is_not_done_and_cancel_ends_it(shell: Shell) -> None:
    low = shell("quote", "600036", "--json").json["600036"]["limit_down"]
    done = shell("buy", "600036", f"{low:.2f}", "100", "--wait", "0.1")
    assert done.code == 1
    assert "0.1 秒没有等到终态，委托还有效" in done.err
    [row] = shell("entrusts", "--open", "--json").json
    gone = shell("cancel", str(row["order_id"]), "--wait", "10")
    assert (gone.code, gone.out) == (0, f"委托 {row['order_id']}  已撤\n")
    twice = shell("cancel", str(row["order_id"]))
    assert (twice.code, twice.out) == (1, "")
    assert twice.err == f"没有撤成：委托 {row['order_id']} 已撤\n"
    unknown = shell("cancel", "999")
    assert (unknown.code, unknown.err) == (1, "没有撤成：当日没有委托 999\n")


def test_cancel_all(shell: Shell) -> None:
    assert shell("cancel", "--all").out == "没有可撤的委托\n"
    low = shell("quote", "600036", "--json").json["600036"]["limit_down"]
    for _ in range(2):
        shell("buy", "600036", f"{low:.2f}", "100")
    done = shell("cancel", "--all", "--json")
    assert (done.code, [each["success"] for each in done.json]) == (0, [True, True])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "参数 ENTRUST_NO 没有写"),
        (("1", "--all"), "参数 ENTRUST_NO 不对：'1'"),
        (("12x",), "参数 ENTRUST_NO 不对：'12x'"),
        (("--all", "--wait", "3"), "参数 --wait 不对"),
    ],
)
def test_bad_cancel(words: tuple[str, ...], told: str, shell: Shell) -> None:
    done = shell("cancel", *words)
    assert (done.code, done.out) == (2, "")
    assert told in done.err


# ---- 真的账户

ORDER = ("buy", "BTC/USDT", "9.5", "2")


def _sent(broker: RemoteMemory) -> int:
    return len(broker.inner.today_entrusts)


def test_a_live_order_without_a_terminal_needs_yes(live: tuple[Shell, RemoteMemory]) -> None:
    shell, broker = live
    done = shell(*ORDER)
    assert (done.code, done.out, _sent(broker)) == (2, "", 0)
    assert "真的账户" in done.err
    assert "参数 --yes 没有写。下这一笔委托？没有终端可以问：加上 --yes 就是确定" in done.err
    assert (shell(*ORDER, "--yes").code, _sent(broker)) == (0, 1)


def test_a_live_order_is_sent_only_on_yes(
    live: tuple[Shell, RemoteMemory], answer: Callable[[str], None]
) -> None:
    shell, broker = live
    for text in ("", "n\n", "\n", "ye\n"):
        answer(text)
        done = shell(*ORDER)
        assert (done.code, _sent(broker)) == (1, 0)
        assert done.err.endswith("下这一笔委托？确定就输入 yes：没有下单\n")
    answer("yes\n")
    assert (shell(*ORDER).code, _sent(broker)) == (0, 1)


def test_cancel_all_of_a_live_account_asks(
    live: tuple[Shell, RemoteMemory], answer: Callable[[str], None]
) -> None:
    shell, broker = live
    shell(*ORDER, "--yes")
    number = broker.inner.today_entrusts[0]["order_id"]
    assert shell("cancel", "--all").code == 2
    answer("no\n")
    assert shell("cancel", "--all").code == 1
    assert shell("entrusts", "--open", "--json").json[0]["order_id"] == number
    answer("yes\n")
    assert shell("cancel", "--all").code == 0
    assert shell("entrusts", "--open", "--json").json == []


def test_an_unknown_outcome_is_told_and_never_sent_again(
    live: tuple[Shell, RemoteMemory],
) -> None:
    shell, broker = live
    broker.lose_answer("submit")
    done = shell(*ORDER, "--yes", "--json", "--client-order-id", "c1")
    assert (done.code, _sent(broker)) == (1, 1)
    assert done.json["outcome"] == "unknown"
    assert done.json["client_order_id"] == "c1"
    assert "结果未知：" in done.err
    assert "先核对，不要再下：easytrader entrusts --find c1" in done.err
    assert shell("entrusts", "--find", "c1", "--json").code == 0
