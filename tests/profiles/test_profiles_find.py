"""账号的设置文件：找到、读、连上；写错的说出哪里；密码只在用到时取，哪里都不写出来。"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import pytest
from support import ACCOUNT

from easytrader import profiles
from easytrader.basics import scrub
from easytrader.basics.references import hidden
from easytrader.cli import main
from easytrader.errors import (
    ConnectFailedError,
    EasytraderError,
    MissingDependencyError,
    UsageError,
)
from easytrader.profiles.profile import create

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SECRET = "hunter2-in-the-profile"
posix = pytest.mark.skipif(os.name == "nt", reason="Windows 上看文件夹的权限")


def written(name: str, text: str, mode: int = 0o600) -> Path:
    file = profiles.file_of(name)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(mode)
    return file


def sim(folder: Path, more: str = "") -> str:
    return f"broker = 'sim'\n{more}\n[connect]\nminiqmt_path = '{folder}'\n"


@pytest.fixture(autouse=True)
def _forget_secrets() -> Iterator[None]:
    before = set(scrub._known)
    yield
    scrub._known.clear()
    scrub._known.update(before)


def test_a_profile_opens_a_connected_trader(sim_folder: Path) -> None:
    text = sim(sim_folder, "guard = { max_order_value = 5000 }")
    written("主账户", text + f"stock_account = '{ACCOUNT}'\ntimeout = 5")
    found = profiles.find("主账户")
    assert (found.name, found.broker, found.wait) == ("主账户", "sim", 30.0)
    assert found.connect["stock_account"] == ACCOUNT
    with found.open() as user:
        assert user.state == "已连接"
        assert user.guard is not None
        assert user.guard.max_order_value == 5000
        assert user.balance[0]["account_id"] == ACCOUNT
    assert user.state == "已关闭"


def test_the_short_names_of_the_command_line_work_as_well(sim_folder: Path) -> None:
    """写 path、account、type 与写全名是同一个账号：锁、开不开市、连接看到的都是全名。"""
    written("短", f"broker = 'sim'\n[connect]\npath = '{sim_folder}'\naccount = '{ACCOUNT}'\n")
    found = profiles.find("短")
    assert dict(found.connect) == {"miniqmt_path": str(sim_folder), "stock_account": ACCOUNT}
    with found.open() as user:
        assert user.status["path"] == str(sim_folder)
    remote = profiles.AccountSpec("remote", connect={"path": "https://a", "account": "main"})
    assert remote.connect == {"address": "https://a", "account": "main"}
    other = profiles.AccountSpec("flaky", connect={"path": "它自己的"})
    assert other.connect == {"path": "它自己的"}
    written("两样", sim(sim_folder) + f"path = '{sim_folder}'")
    with pytest.raises(UsageError, match=r"connect\.path.*只写一个"):
        profiles.find("两样")


def test_an_unknown_option_is_told_the_same_everywhere(
    sim_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written("错", sim(sim_folder) + "stock_acount = '1'")
    with pytest.raises(UsageError, match=r"connect\.stock_acount.*是不是 stock_account") as caught:
        profiles.find("错").open()
    assert "trader_callback" not in str(caught.value)
    assert main(["profile", "check", "错"]) == 2
    assert str(caught.value) in capsys.readouterr().err


def test_a_path_works_as_well(tmp_path: Path, sim_folder: Path) -> None:
    file = tmp_path / "别处 的.toml"
    file.write_text(sim(sim_folder, "log_file = 'a.log'"), encoding="utf-8-sig")  # 记事本的样子
    for given in (file, str(file)):
        found = profiles.find(given)
        assert (found.name, found.file) == ("别处 的", file)
        assert found.log_file == tmp_path / "a.log"


def test_without_a_name(sim_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match=r"'default'.*EASYTRADER_PROFILE"):
        profiles.find()
    written("default", sim(sim_folder))
    file = written("别的", sim(sim_folder, "wait = 7"))
    assert profiles.find().name == "default"
    for told in ("别的", str(file)):
        monkeypatch.setenv("EASYTRADER_PROFILE", told)
        assert profiles.find().wait == 7
    with profiles.open(timeout=5) as user:
        assert user.state == "已连接"
    with profiles.open("default", timeout=5) as user:
        assert user.state == "已连接"


def test_given_options_win(sim_folder: Path) -> None:
    written("a", sim(sim_folder) + "stock_account = '没有这个'")
    with profiles.find("a").open(stock_account=ACCOUNT, timeout=5) as user:
        assert user.balance[0]["account_id"] == ACCOUNT


def test_job_defaults_and_notify() -> None:
    written("a", "broker='sim'\n[job]\nprice='对手价'\npatience=5\n[[notify]]\nkind='webhook'")
    found = profiles.find("a")
    assert dict(found.job) == {"price": "对手价", "patience": 5}
    assert [dict(each) for each in found.notify] == [{"kind": "webhook"}]


@pytest.mark.parametrize(
    ("text", "argument", "told"),
    [
        ("brokre = 'sim'", "brokre", "是不是 broker"),
        ("", "broker", "miniqmt"),
        ("broker = 3", "broker", "miniqmt"),
        ("broker = 'sim'\nconnect = 3", "connect", "[connect]"),
        ("broker = 'sim'\n[connect]\nwait = 3", "connect.wait", "自己定"),
        ("broker = 'sim'\nwait = '3'", "wait", "秒数"),
        ("broker = 'sim'\nwait = -1", "wait", "秒数"),
        ("broker = 'sim'\nlog_file = 3", "log_file", "路径"),
        ("broker = 'sim'\njob = 3", "job", "[job]"),
        ("broker = 'sim'\n[job]\npirce = '对手价'", "job.pirce", "是不是 price"),
        ("broker = 'sim'\n[job]\npatience = true", "job.patience", "数"),
        ("broker = 'sim'\nnotify = 3", "notify", "[[notify]]"),
        ("broker = 'sim'\nguard = { max_ordre_value = 1 }", "guard", "max_order_value"),
        ("broker = 'sim'\nport = \nwait = 1", "profile", "line 2"),
    ],
)
def test_wrong_file_says_where(text: str, argument: str, told: str) -> None:
    file = written("坏的", text)
    with pytest.raises(UsageError) as caught:
        profiles.find("坏的")
    assert caught.value.argument == argument
    assert told in str(caught.value)
    assert str(file) in str(caught.value)


def test_a_wrong_line_is_shown_without_its_value() -> None:
    written("坏的", f"broker = 'sim'\n[connect]\nfund_pwd = {SECRET}")
    with pytest.raises(UsageError, match=r"fund_pwd = …") as caught:
        profiles.find("坏的")
    assert SECRET not in str(caught.value)


def test_an_unknown_section_does_not_show_what_is_in_it() -> None:
    written("坏的", f"broker = 'sim'\n[conect]\nfund_pwd = '{SECRET}'")
    with pytest.raises(UsageError, match="是不是 connect") as caught:
        profiles.find("坏的")
    assert SECRET not in str(caught.value)


def test_unknown_names_list_what_there_is() -> None:
    with pytest.raises(UsageError, match="一个也没有"):
        profiles.find("main")
    written("main", "broker = 'sim'")
    written("备用", "broker = 'sim'")
    assert profiles.names() == ["main", "备用"]
    with pytest.raises(UsageError, match="是不是 main？有的是：main、备用"):
        profiles.find("mian")


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..", "a b", "", "/etc/passwd", "..\\x", "x" * 65, None, 3]
)
def test_names_that_are_no_names(name: Any) -> None:
    with pytest.raises(UsageError) as caught:
        profiles.find(name)
    assert caught.value.argument == "profile"


def test_a_path_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="没有这个文件"):
        profiles.find(tmp_path / "没有.toml")


# ---- 密码


@posix
@pytest.mark.parametrize(
    "body",
    [
        f"[connect]\nfund_pwd = '{SECRET}'",
        f"[connect]\ntoken = '{SECRET}'",
        f"[connect]\ninner = {{ api_key = '{SECRET}' }}",
        f"[[notify]]\nurl = 'https://h.example/hook/{SECRET}'",
        f"[[notify]]\nsecret = '{SECRET}'",
        f"[[notify]]\nheaders = {{ X-Auth = '{SECRET}' }}",
    ],
)
def test_plain_secrets_in_a_file_others_can_read(body: str) -> None:
    written("a", f"broker = 'sim'\n{body}", 0o644)
    with pytest.raises(UsageError, match="chmod 600") as caught:
        profiles.find("a")
    assert SECRET not in str(caught.value)
    written("a", f"broker = 'sim'\n{body}", 0o600)
    found = profiles.find("a")
    assert SECRET not in f"{found!r} {found.shown()}"


def test_references_are_no_secrets() -> None:
    written("a", "broker='sim'\n[connect]\nfund_pwd='env:PWD_1'\ntoken='keyring:a/b'", 0o644)
    assert profiles.find("a").shown()["connect"] == {
        "fund_pwd": "env:PWD_1", "token": "keyring:a/b",
    }  # fmt: skip


def test_environment_is_read_when_opening(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written("a", sim(sim_folder) + "stock_account = 'env:MY_ACCOUNT'\ntimeout=5")
    found = profiles.find("a")
    with pytest.raises(UsageError, match=r"MY_ACCOUNT.*账号设置 a"):
        found.open()
    monkeypatch.setenv("MY_ACCOUNT", "")
    with pytest.raises(UsageError, match="空的"):
        found.open()
    monkeypatch.setenv("MY_ACCOUNT", ACCOUNT)
    with found.open() as user:
        assert user.balance[0]["account_id"] == ACCOUNT
    assert ACCOUNT not in f"{found!r} {found.shown()}"
    assert scrub.scrubbed(f"连上 {ACCOUNT}") == "连上 ***"


@pytest.mark.parametrize("value", ["env:", "env:A=B", "keyring:", "keyring:a", "keyring:/b"])
def test_references_written_wrong(sim_folder: Path, value: str) -> None:
    written("a", sim(sim_folder) + f"stock_account = '{value}'")
    with pytest.raises(UsageError) as caught:
        profiles.find("a").open()
    assert caught.value.argument == "connect.stock_account"


def test_a_fetched_secret_is_not_in_errors_of_the_backend(
    sim_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLACE", f"/没有/{SECRET}")
    written("a", "broker = 'sim'\n[connect]\nminiqmt_path = 'env:PLACE'")
    with pytest.raises(EasytraderError) as caught:
        profiles.find("a").open()
    error = caught.value
    assert SECRET not in f"{error} {error!r} {vars(error)}"
    assert "账号设置 a" in str(error)


def test_secrets_are_hidden_in_the_causes_as_well() -> None:
    def fail() -> None:
        try:
            raise OSError(f"连不上 {SECRET}")
        except OSError as exc:
            raise ConnectFailedError(f"没连上 {SECRET}") from exc

    with pytest.raises(ConnectFailedError) as caught, hidden(SECRET, None, 3):
        fail()
    assert str(caught.value) == "没连上 ***"
    assert str(caught.value.__cause__) == "连不上 ***"


@pytest.fixture
def ring() -> Iterator[dict[tuple[str, str], str]]:
    """一个真的 keyring 后端，存在内存里。"""
    import keyring
    from keyring.backend import KeyringBackend

    kept: dict[tuple[str, str], str] = {}

    class InMemory(KeyringBackend):
        priority = 1  # type: ignore[assignment]

        def get_password(self, service: str, username: str) -> str | None:
            return kept.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None:
            kept[service, username] = password

        def delete_password(self, service: str, username: str) -> None:
            kept.pop((service, username), None)

    before = keyring.get_keyring()
    keyring.set_keyring(InMemory())
    yield kept
    keyring.set_keyring(before)


def test_keyring_is_asked_when_opening(sim_folder: Path, ring: dict[tuple[str, str], str]) -> None:
    written("a", sim(sim_folder) + "stock_account = 'keyring:easytrader/国金/我'\ntimeout=5")
    found = profiles.find("a")
    with pytest.raises(UsageError, match="keyring set easytrader/国金 我"):
        found.open()
    ring["easytrader/国金", "我"] = ACCOUNT
    with found.open() as user:
        assert user.balance[0]["account_id"] == ACCOUNT


def test_without_a_keyring(sim_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends.fail import Keyring

    written("a", sim(sim_folder) + "stock_account = 'keyring:a/b'")
    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    try:
        with pytest.raises(MissingDependencyError, match="没有可用的钥匙串"):
            profiles.find("a").open()
    finally:
        keyring.set_keyring(before)
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(MissingDependencyError, match=r"easytrader\[keyring\]"):
        profiles.find("a").open()


# ---- 连接的重试


def test_an_unreachable_client_is_retried_within_the_bound(sim_folder: Path) -> None:
    """没有在跑的模拟服务：miniqmt 的 connect 自己等，到期说没连上。"""
    text = f"broker='miniqmt'\nwait = 1\n[connect]\nminiqmt_path='{sim_folder}'\ntimeout=1\n"
    written("a", text + f"stock_account='{ACCOUNT}'")
    with pytest.raises(ConnectFailedError):
        profiles.find("a").open()


def test_a_backend_that_does_not_wait_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    from easytrader.trader import Trader

    tried: list[str] = []

    class Flaky(Trader):
        def connect(self, place: str) -> None:  # type: ignore[override]
            tried.append(place)
            if place == "坏":
                raise UsageError("place", place, "再试也没有用")
            if place == "总不在" or len(tried) < 2:
                raise ConnectFailedError("还没有起来")

    monkeypatch.setattr("easytrader.api.use", lambda *_, **__: Flaky())
    made = profiles.Profile("a", profiles.AccountSpec("flaky", connect={"place": "在"}), wait=5)
    made.open().close()
    assert tried == ["在", "在"]
    tried.clear()
    with pytest.raises(UsageError):
        made.open(place="坏")
    assert tried == ["坏"]
    tried.clear()
    with pytest.raises(ConnectFailedError):
        made.open(place="总不在", wait=0)
    assert tried == ["总不在"]
    tried.clear()
    with pytest.raises(ConnectFailedError):
        made.open(place="总不在", wait=0.01)
    assert len(tried) == 2


def test_create_makes_a_private_file() -> None:
    file = create("新的", "broker = 'sim'\n")
    assert profiles.find("新的").broker == "sim"
    if os.name != "nt":
        assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(UsageError, match="已经有了"):
        create("新的", "")


class TestCounters:
    """登记的柜台、VeighNa 的接口：``[use]``，字段的名字，中文的密码。"""

    XTP = """
broker = "中泰XTP"

[connect]
"账号" = "53191001"
"密码" = "env:XTP_PWD"
"交易地址" = "10.0.0.1"
"""

    def test_use_options_reach_the_backend(self) -> None:
        written("a", "broker = 'ccxt'\n[use]\nexchange = 'okx'\n")
        found = profiles.find("a")
        assert found.shown()["use"] == {"exchange": "okx"}
        with found.account.make() as user:
            assert "crypto" in type(user).__module__
        written("b", "broker = 'ccxt'\nuse = { exchang = 'okx' }\n")
        with pytest.raises(UsageError, match="是不是 exchange"):
            profiles.find("b").account.make()

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("broker = 'vnpy'\nuse = 'XTP'\n", "use"),
            ("broker = 'vnpy'\n[use]\nguard = true\n", "写在外面"),
            ("broker = 'vnpy'\n[used]\ngateway = 'XTP'\n", "是不是 use"),
        ],
    )
    def test_use_written_wrong(self, text: str, told: str) -> None:
        written("a", text)
        with pytest.raises(UsageError, match=told):
            profiles.find("a")

    def test_the_names_of_the_fields_are_checked_before_anything(self) -> None:
        written("a", self.XTP)
        found = profiles.find("a")
        with found.account.make() as user:
            found.check_options(user)
        written("b", self.XTP.replace("交易地址", "交易地止"))
        found = profiles.find("b")
        with found.account.make() as user, pytest.raises(UsageError, match="是不是 交易地址"):
            found.check_options(user)

    def test_a_plain_password_in_chinese_is_a_secret(self) -> None:
        file = written("a", self.XTP.replace("env:XTP_PWD", SECRET))
        assert SECRET not in f"{profiles.find('a').shown()}"
        assert SECRET not in str(UsageError("密码", SECRET, "不对"))
        if os.name != "nt":
            file.chmod(0o644)
            with pytest.raises(UsageError, match="chmod 600"):
                profiles.find("a")

    def test_the_config_file_is_the_path_of_the_command_line(self) -> None:
        written("a", "broker = 'XTP'\n[connect]\npath = 'connect_xtp.json'\n")
        assert profiles.find("a").connect == {"config": "connect_xtp.json"}

    @pytest.mark.parametrize("broker", ["中泰XTP", "ib", "FEMAS", "vnpy", "ccxt"])
    def test_a_new_profile_has_the_fields(
        self, broker: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["profile", "init", "new", "--broker", broker]) == 0
        text = profiles.file_of("new").read_text(encoding="utf-8")
        found = profiles.find("new")
        assert found.broker == broker
        if broker == "中泰XTP":
            assert list(found.connect) == ["账号", "密码", "交易地址"]
            assert '# "行情协议" = "TCP"   # TCP、UDP' in text
        if broker in ("vnpy", "ccxt"):
            assert found.account.use
        assert main(["profile", "init", "bad", "--broker", "中泰XPT"]) == 2
        assert "是不是 中泰XTP" in capsys.readouterr().err

    def test_two_accounts_of_one_gateway_are_two(self, monkeypatch: pytest.MonkeyPatch) -> None:
        from easytrader.jobs.lock import key_of

        monkeypatch.setenv("XTP_PWD", SECRET)
        keys = set()
        for name, text in {
            "a": self.XTP,
            "b": self.XTP.replace("53191001", "53191002"),
            "c": "broker = 'ccxt'\nuse = { exchange = 'okx' }\n",
            "d": "broker = 'ccxt'\nuse = { exchange = 'htx' }\n",
        }.items():
            written(name, text)
            keys.add(key_of(profiles.find(name).account))
        assert len(keys) == 4
        assert SECRET not in str(keys)
