"""登记：三十四家，名字与文档里的叫法都找得到；在哪里能用说得对；不能用的答一句话。"""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
from seed_pages import PAGE_000, PAGE_001

import easytrader
from easytrader import counters
from easytrader.basics.paths import home
from easytrader.codes import AccountType, OtherAccountType
from easytrader.counters import status
from easytrader.counters.page import page
from easytrader.counters.shape import EVERY_PYTHON
from easytrader.counters.status import Place
from easytrader.errors import MissingDependencyError, UnsupportedError, UsageError

EVERYONE = counters.everyone()
BY_NAME = {each.name: each for each in EVERYONE}
WINDOWS_310 = Place("Windows", "3.10", "AMD64")
WINDOWS_313 = Place("Windows", "3.13", "AMD64")
WINDOWS_311 = Place("Windows", "3.11", "AMD64")
LINUX = Place("Linux", "3.11", "x86_64")
MAC = Place("macOS", "3.12", "arm64")


def test_both_pages_are_here_in_their_order() -> None:
    assert [(each.seed, each.name) for each in EVERYONE if each.page == "001"] == [
        (seed, name) for seed, (name, _) in PAGE_001.items()
    ]
    assert [(each.seed, each.name) for each in EVERYONE if each.page == "000"] == [
        (seed, name) for seed, (name, _) in PAGE_000.items()
    ]
    assert len(BY_NAME) == 34


def test_a_row_is_whole() -> None:
    for counter in EVERYONE:
        kinds = {each.name for each in AccountType} | {each.name for each in OtherAccountType}
        assert counter.account_type in kinds
        assert counter.fields
        assert counter.products
        assert counter.exchanges
        assert counter.sources
        assert "." not in counter.name
        assert all(each in BY_NAME for each in counter.conflicts)
        assert all(counter.name in BY_NAME[each].conflicts for each in counter.conflicts)
        names = [each.name for each in counter.fields]
        assert len(set(names)) == len(names)
        assert all(not each.choices or each.default == each.choices[0] for each in counter.fields)
        ways = [bool(counter.closed), bool(counter.unavailable), bool(counter.runs)]
        assert sum(ways) == 1
        assert bool(counter.module) == bool(counter.package) or counter.own
        for name in ("密码", "交易密码", "授权编码", "授权码", "Secret Key", "private_key", "Key"):
            assert all(each.secret for each in counter.fields if each.name == name)


def test_every_name_finds_it() -> None:
    for counter in EVERYONE:
        assert counters.find(counter.name) is counter
        assert counters.find(f" {counter.name.lower()} ") is counter
        for told in (counter.seed, *counter.aliases):
            found = counters.find(told)
            assert found is not None
            assert found is counter or found.page == "001" != counter.page


@pytest.mark.parametrize(
    ("told", "name"),
    [
        ("中泰 xtp", "XTP"), ("ctp测试", "CTPTEST"), ("CTP_MINI", "MINI"), ("XtpGateway", "XTP"),
        ("HFT", "GTJA"), ("中亿汇达 Comstar XBond", "COMSTAR-XBOND"), ("OKX", "OKEX"),
        ("华鑫", "TORASTOCK"), ("CTP", "CTP"), ("盈透", "IB"),
    ],
)  # fmt: skip
def test_other_ways_to_write_it(told: str, name: str) -> None:
    assert counters.find(told) is BY_NAME[name]


@pytest.mark.parametrize("told", ["", "  ", "没有这一家", "-", "miniqmt"])
def test_unknown_is_none(told: str) -> None:
    assert counters.find(told) is None


STATES = {
    "works": "FUTU IB MT5 FCS-IB FCS-FUTU TIGER OKEX HUOBI",
    "closed": "BITMEX",
    "unavailable": "MINITEST HSOPTION DA OES",
}


@pytest.mark.parametrize(
    ("place", "loads"),
    [
        (
            WINDOWS_310,
            "CTP CTPTEST MINI FEMAS SOPT SOPTTEST SEC UFT ESUNNY XTP GTJA TORASTOCK TORAOPTION TAP"
            " ROHON TTS FCS-CTP",
        ),
        (
            WINDOWS_313,
            "CTP CTPTEST MINI FEMAS SOPT SOPTTEST UFT ESUNNY XTP TORASTOCK TORAOPTION TAP ROHON"
            " TTS FCS-CTP",
        ),
        (WINDOWS_311, ""),
        (
            LINUX,
            "CTP CTPTEST MINI SOPT SOPTTEST UFT XTP TORASTOCK TORAOPTION TAP ROHON TTS FCS-CTP",
        ),
        (
            Place("Linux", "3.10"),
            "CTP CTPTEST MINI SOPT SOPTTEST UFT XTP TORASTOCK TORAOPTION TAP ROHON TTS SGIT KSGOLD"
            " FCS-CTP",
        ),
        (Place("Linux", "3.11", "aarch64"), ""),
        (MAC, ""),
    ],
    ids=["win310", "win313", "win311", "linux", "linux310", "arm", "mac"],
)
def test_what_runs_where(place: Place, loads: str) -> None:
    found: dict[str, set[str]] = {name: set() for name in status.NAMES}
    for each in EVERYONE:
        found[status.status_of(each, place)].add(each.name)
    for state, names in STATES.items():
        assert found[state] == set(names.split())
    assert found["loads"] == set(loads.split())


@pytest.mark.parametrize("place", [WINDOWS_310, WINDOWS_311, LINUX, MAC], ids=str)
def test_what_does_not_run_says_why_in_a_sentence(place: Place) -> None:
    for counter in EVERYONE:
        told = status.refusal(counter, place=place)
        state = status.status_of(counter, place)
        assert bool(told) == (state in ("closed", "unavailable", "elsewhere"))
        if not told:
            continue
        assert status.title_of(counter) in told
        if state == "elsewhere":
            assert all(each.system in told for each in counter.runs)
            assert all(python in told for each in counter.runs for python in each.pythons)
        else:
            assert "use(" in told or "PyPI" in told


def test_use_reaches_a_door_or_answers_with_a_sentence() -> None:
    for counter in EVERYONE:
        for told in (counter.name, counter.seed):
            meant = counters.find(told)
            assert meant is not None
            if status.refusal(meant):
                with pytest.raises(UnsupportedError) as caught:
                    easytrader.use(told)
                assert status.refusal(meant) == str(caught.value)
                continue
            if meant.own and not status.is_installed(meant):
                with contextlib.suppress(MissingDependencyError), easytrader.use(told):
                    pass  # 有的后端连接的时候才看
                continue
            with easytrader.use(told) as user:
                own = "crypto" if meant.own in ("okx", "htx") else meant.own
                assert f".{own or 'gateways'}." in type(user).__module__


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("BITMEX", "2026-09-23"),
        ("minitest", "2021-12-09"),
        ("TIGER", "use('tiger')"),
        ("火币", "use('htx')"),
        ("DA", "pyda"),
    ],
)
def test_a_gateway_by_name_that_is_not_there(name: str, told: str) -> None:
    with pytest.raises(UnsupportedError, match=told.replace("(", r"\(").replace(")", r"\)")):
        counters.gateway(name)


@pytest.mark.parametrize(
    ("name", "near"), [("XPT", "XTP"), ("中泰XPT", "中泰XTP"), ("ctpp", "CTP")]
)
def test_a_close_miss_is_told(name: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"是不是 .*{near}"):
        counters.gateway(name)
    with pytest.raises(UsageError, match=f"是不是 '{near}'"):
        easytrader.use(name)


@pytest.mark.parametrize("name", [None, 5, object])
def test_a_gateway_that_is_no_name(name: object) -> None:
    with pytest.raises(UsageError, match="gateway"):
        counters.gateway(name)  # type: ignore[arg-type]


def test_the_name_already_says_which_gateway() -> None:
    with pytest.raises(UsageError, match="去掉它"):
        easytrader.use("CTP", gateway="XTP")
    with pytest.raises(UsageError, match="gateway="):
        easytrader.use("vnpy")


def test_ib_through_veighna_is_not_our_own_door() -> None:
    assert counters.gateway("IB").module == "vnpy_ib"
    assert "vnpy_ib" in "".join(status.install_lines(BY_NAME["IB"], through_veighna=True))
    assert status.install_lines(BY_NAME["IB"]) == ['pip install "easytrader[ib]"']


def test_what_the_user_built_himself_may_try(monkeypatch: pytest.MonkeyPatch) -> None:
    da = BY_NAME["DA"]
    monkeypatch.setattr(status, "is_there", lambda module: module in ("vnpy_da", "pyda"))
    assert status.status_of(da) == "loads"
    assert not status.refusal(da)
    assert status.status_of(da, WINDOWS_310) == "unavailable"


def test_summary_has_every_key_and_is_plain() -> None:
    row = status.summary(BY_NAME["MINI"], WINDOWS_313)
    assert (row["name"], row["seed"], row["status"]) == ("MINI", "CTP Mini", "loads")
    assert row["systems"] == ["Windows", "Linux"]
    assert row["pythons"] == list(EVERY_PYTHON)
    assert next(iter(row["fields"])) == "用户名"  # type: ignore[call-overload]
    assert "1.6.3.3" in str(row["note"])
    assert row["use"] == 'easytrader.use("CTP Mini")'


def test_nothing_of_theirs_is_imported_and_nothing_is_written() -> None:
    program = (
        "import sys, easytrader, easytrader.counters as c\n"
        "from easytrader.counters import status\n"
        "assert 'easytrader.counters.table' not in sys.modules\n"
        "[status.summary(each) for each in c.everyone()]\n"
        "theirs = {'vnpy', 'ccxt', 'ib_async', 'futu', 'tigeropen', 'zmq'} & set(sys.modules)\n"
        "assert not theirs, theirs\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
    assert not (home() / "locale").exists()


def test_the_page_of_the_docs_is_generated(pytestconfig: pytest.Config) -> None:
    file = pytestconfig.rootpath / "docs" / "zh" / "reference" / "counters.md"
    assert file.read_text(encoding="utf-8") == page()
