"""审计记录：链条看得出改、少、乱、截；轮换、重启、被杀、磁盘满都接得上；里面没有秘密。"""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import threading
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import pytest
from support import eventually

from easytrader.errors import EasytraderError
from easytrader.server.audit import Audit, verify, verify_told

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "审 计"


@pytest.fixture
def audit(folder: Path) -> Iterator[Audit]:
    found = Audit(folder)
    yield found
    found.close()


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("audit-*.jsonl"))


def rows(folder: Path) -> list[dict[str, Any]]:
    text = b"".join(each.read_bytes() for each in files(folder))
    return [json.loads(line) for line in text.splitlines()]


def fill(folder: Path, lines: int, **options: Any) -> None:
    audit = Audit(folder, **options)
    for number in range(lines):
        audit.write(event="call", verb="buy", number=number)
    audit.close()


def test_every_line_carries_the_one_before(audit: Audit, folder: Path) -> None:
    for number in range(5):
        audit.write(event="call", token="alice", verb="buy", number=number)
    lines = files(folder)[0].read_bytes().splitlines()
    told = [json.loads(each) for each in lines]
    assert [each["n"] for each in told] == [1, 2, 3, 4, 5]
    assert told[0]["prev"] == "0" * 64
    for before, after in itertools.pairwise(range(5)):
        assert told[after]["prev"] == sha256(lines[before]).hexdigest()
    assert told[2]["token"] == "alice"
    assert told[2]["at"].endswith("+08:00")
    assert verify(folder) == (True, 5, 1, ())


@pytest.mark.skipif(os.name != "posix", reason="Windows 靠用户目录")
def test_files_are_private(audit: Audit, folder: Path) -> None:
    audit.write(event="x")
    assert folder.stat().st_mode & 0o777 == 0o700
    for each in (*files(folder), folder / "audit.head"):
        assert each.stat().st_mode & 0o777 == 0o600


def test_a_folder_is_written_by_one(audit: Audit, folder: Path) -> None:
    with pytest.raises(EasytraderError, match="另一个服务器正在写"):
        Audit(folder)
    audit.close()
    audit.close()
    with pytest.raises(OSError, match="关上"):
        audit.write(event="x")
    Audit(folder).close()


# ---- 篡改


def _change(path: Path, work: Callable[[list[bytes]], list[bytes]]) -> None:
    path.write_bytes(b"".join(work(path.read_bytes().splitlines(keepends=True))))


def _flip(at: int) -> Callable[[list[bytes]], list[bytes]]:
    def work(lines: list[bytes]) -> list[bytes]:
        lines[at] = lines[at].replace(b"buy", b"bUy")
        return lines

    return work


def _without(first: int, last: int) -> Callable[[list[bytes]], list[bytes]]:
    return lambda lines: lines[:first] + lines[last:]


def _swap(lines: list[bytes]) -> list[bytes]:
    return [*lines[:4], lines[5], lines[4], *lines[6:]]


def _twice(lines: list[bytes]) -> list[bytes]:
    return [*lines[:5], lines[4], *lines[5:]]


def _forged(lines: list[bytes]) -> list[bytes]:
    """改一行，连下一行的摘要也改对：再下一行对不上。"""
    lines[4] = lines[4].replace(b"buy", b"bUy")
    told = json.loads(lines[5])
    told["prev"] = sha256(lines[4][:-1]).hexdigest()
    lines[5] = json.dumps(told, separators=(",", ":")).encode() + b"\n"
    return lines


TAMPERED: list[tuple[str, Callable[[list[bytes]], list[bytes]], str]] = [
    ("改第一行", _flip(0), "第 1 行被改过"),
    ("改中间", _flip(4), "第 5 行被改过"),
    ("改最后一行", _flip(9), "第 10 行被改过"),
    ("改一行也改下一行", _forged, "第 6 行被改过"),
    ("少第一行", _without(0, 1), "第 1 行不见了"),
    ("少中间三行", _without(3, 6), "第 4 到 6 行不见了"),
    ("少最后两行", _without(8, 10), "第 9 到 10 行不见了"),
    ("截掉半行", lambda lines: [*lines[:9], lines[9][:20]], "第 10 行不见了"),
    ("一行不剩", lambda lines: [], "第 1 到 10 行不见了"),
    ("换次序", _swap, "次序乱了"),
    ("重一行", _twice, "次序乱了"),
    ("插一行", lambda lines: [*lines[:5], b'{"n":6}\n', *lines[5:]], "读不懂"),
    ("不是 JSON", lambda lines: [*lines[:5], b"\xff\n", *lines[6:]], "读不懂"),
    ("两行并一行", lambda lines: [*lines[:4], lines[4][:-1], *lines[5:]], "读不懂"),
    ("末尾多一行", lambda lines: [*lines, b'{"n":11,"prev":"0"}\n'], "第 10 行被改过"),
]


@pytest.mark.parametrize(("name", "work", "told"), TAMPERED)
def test_tampering_is_found(
    folder: Path, name: str, work: Callable[[list[bytes]], list[bytes]], told: str
) -> None:
    fill(folder, 10)
    assert verify(folder).ok
    _change(files(folder)[0], work)
    verdict = verify(folder)
    assert not verdict.ok
    assert any(told in each for each in verdict.problems), (name, verdict.problems)
    assert told in verify_told(folder)
    # 服务器再开一次，也盖不过去
    fill(folder, 3)
    assert not verify(folder).ok


def test_any_single_byte_matters(folder: Path) -> None:
    fill(folder, 4)
    path = files(folder)[0]
    whole = path.read_bytes()
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        assert not verify(folder).ok, at
    path.write_bytes(whole)
    assert verify(folder).ok


def test_a_file_gone_is_found(folder: Path) -> None:
    fill(folder, 40, max_bytes=1000)
    found = files(folder)
    assert len(found) > 4
    for gone in (found[0], found[2], found[-1]):
        whole = gone.read_bytes()
        gone.unlink()
        assert any(gone.name in each for each in verify(folder).problems)
        gone.write_bytes(whole)
        assert verify(folder).ok


@pytest.mark.parametrize("data", [None, b"", b"x" * 100, b"[1,2]"])
def test_the_head_gone_is_found(folder: Path, data: bytes | None) -> None:
    fill(folder, 5)
    head = folder / "audit.head"
    head.unlink()
    if data is not None:
        head.write_bytes(data)
    assert "audit.head" in verify_told(folder)
    fill(folder, 1)
    assert not verify(folder).ok  # 重新开过也记着


def test_everything_gone_is_found_after_a_restart(folder: Path) -> None:
    fill(folder, 5)
    for each in files(folder):
        each.unlink()
    assert not verify(folder).ok
    fill(folder, 1)
    assert "不见了" in verify_told(folder)
    assert rows(folder)[-1]["n"] == 7


def test_nothing_written_yet(folder: Path) -> None:
    folder.mkdir()
    assert verify(folder) == (True, 0, 0, ())
    with pytest.raises(EasytraderError, match="读不了"):
        verify_told(folder / "没有")


# ---- 轮换、重启、被杀


def test_rotation_goes_on_with_the_chain_and_keeps_some(folder: Path) -> None:
    fill(folder, 100, max_bytes=1000, keep=3)
    found = files(folder)
    assert len(found) == 3
    assert all(each.stat().st_size < 1500 for each in found)
    assert rows(folder)[0]["n"] > 1
    assert rows(folder)[-1]["n"] == 100
    verdict = verify(folder)
    assert verdict.ok, verdict.problems
    assert verdict.files == 3
    # 轮换过的，最前面少了也看得出
    _change(found[0], lambda lines: lines[1:])
    assert not verify(folder).ok


def test_a_restart_goes_on(folder: Path) -> None:
    for _ in range(5):
        fill(folder, 7, max_bytes=1000, keep=100)
    assert [each["n"] for each in rows(folder)] == list(range(1, 36))
    assert verify(folder).ok


_WRITER = """
import sys
from easytrader.server.audit import Audit
audit = Audit(sys.argv[1], max_bytes=3000, keep=1000)
print("ready", flush=True)
number = 0
while True:
    number += 1
    audit.write(event="call", verb="buy", number=number, pad="x" * (number % 90))
"""


def test_killed_at_any_moment_the_chain_holds(folder: Path) -> None:
    seen = 0
    for _ in range(5):
        process = subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(folder)], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        for _ in range(3):
            verify(folder)  # 写着的时候核对
        eventually(lambda before=seen: verify(folder).lines > before)
        process.kill()
        process.communicate(timeout=60)
        verdict = verify(folder)
        assert verdict.ok, verdict.problems
        assert verdict.lines > seen
        seen = verdict.lines


def test_half_a_line_left_by_a_crash_is_explained(folder: Path) -> None:
    fill(folder, 3)
    with files(folder)[0].open("ab") as file:
        file.write(b'{"n":4,"at":"20')  # 写到一半被杀
    assert verify(folder).ok
    fill(folder, 2)
    assert verify(folder).ok
    assert len(files(folder)) == 2
    # 事后去掉那半行就对不上了
    _change(files(folder)[0], lambda lines: [*lines[:3], b"abc"])
    assert not verify(folder).ok


def test_killed_while_rotating(folder: Path) -> None:
    fill(folder, 3)
    (folder / "audit-00000002.jsonl").touch()
    assert verify(folder).ok
    fill(folder, 2)
    assert [each["n"] for each in rows(folder)] == [1, 2, 3, 4, 5]
    assert verify(folder).ok


def test_killed_before_the_head_was_written(folder: Path) -> None:
    fill(folder, 3)
    head = (folder / "audit.head").read_bytes()
    fill(folder, 1)
    (folder / "audit.head").write_bytes(head)
    assert verify(folder).ok
    fill(folder, 1)
    assert verify(folder) == (True, 5, 1, ())


def test_threads_write_whole_lines(audit: Audit, folder: Path) -> None:
    def work(name: int) -> None:
        for number in range(200):
            audit.write(event="call", name=name, number=number)

    threads = [threading.Thread(target=work, args=(each,)) for each in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(rows(folder)) == 1200
    assert verify(folder).ok


@pytest.mark.skipif(sys.platform == "win32", reason="没有 RLIMIT_FSIZE")
def test_a_full_disk_raises_and_leaves_no_half_line(folder: Path) -> None:
    import resource

    audit = Audit(folder)
    audit.write(event="a", pad="x" * 100)
    size = files(folder)[0].stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
    try:
        for _ in range(3):
            with pytest.raises(OSError):  # noqa: PT011  EFBIG 或 ENOSPC
                audit.write(event="b", pad="x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert files(folder)[0].stat().st_size == size
    audit.write(event="c")  # 腾出地方就接着来
    audit.close()
    assert [each["event"] for each in rows(folder)] == ["a", "c"]
    assert verify(folder).ok


@pytest.mark.skipif(sys.platform == "win32", reason="没有 RLIMIT_FSIZE")
def test_a_half_line_that_cannot_be_taken_back_is_explained(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource

    audit = Audit(folder)
    audit.write(event="a")
    size = files(folder)[0].stat().st_size
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)

    def broken(*_: Any) -> None:
        raise OSError("坏盘")

    monkeypatch.setattr("easytrader.server.audit.os.ftruncate", broken)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, hard))
    try:
        with pytest.raises(OSError):  # noqa: PT011
            audit.write(event="b", pad="x" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    audit.write(event="c")
    audit.close()
    assert len(files(folder)) == 2
    verdict = verify(folder)
    assert verdict.ok, verdict.problems


# ---- 没有秘密，什么都写得下


CANARY = "金丝雀7f3a"


def test_secrets_are_not_written(audit: Audit, folder: Path) -> None:
    token = "et_0a0a0a0a_" + "5ec2e7" * 10 + "abcd"
    audit.write(
        event="call",
        token="alice",
        verb="bank.transfer_in",
        arguments={
            "bank_pwd": CANARY,
            "fund_pwd": CANARY,
            "Password": CANARY,
            "token": CANARY,
            "deep": [{"cookie": {"a": CANARY}, "X-Token": CANARY, "amount": 3}],
            "authorization": f"Bearer {CANARY}",
        },
        remark=f"看 {token} 与 {token[:40]}",
        password=CANARY,
        list=[token],
        path=f"/?token={token}",
    )
    # 一样一样地写，也没有
    for key in ("bank_pwd", "PASSWORD", "token", "X-Token", "api_key", "Set-Cookie", "密码",
                "旧令牌", "client_secret", "Proxy-Authorization", "passwd"):  # fmt: skip
        audit.write(event="x", arguments={key: CANARY})
        audit.write(event="x", token="alice", arguments=[{"deep": {key: [CANARY]}}])
    audit.write(event="x", remark=token)
    text = files(folder)[0].read_text(encoding="utf-8")
    assert CANARY not in text
    assert "5ec2e7" not in text
    told = rows(folder)[0]
    assert told["token"] == "alice"
    assert told["arguments"]["deep"][0]["amount"] == 3
    assert "et_0a0a0a0a_***" in told["remark"]  # 认得出是哪一个


class Odd:
    def __repr__(self) -> str:
        raise RuntimeError("写不出来")


def test_anything_can_be_written(audit: Audit, folder: Path) -> None:
    deep: Any = []
    for _ in range(100):
        deep = [deep]
    audit.write(
        event="call", n=7, prev="x", at="y",  # 自己的三样改不了
        nan=float("nan"), inf=float("inf"), decimal=Decimal("1.10"), day=date(2026, 11, 30),
        lone="\udce9", zero="\x00\n\r\u2028", big=10**400, wide=2**64, deep=deep, odd=Odd(),
        many=list(range(10_000)), long="长" * 100_000, raw=b"\xff", keys={1: 2, None: 3, (1,): 4},
        wide_dict={str(each): each for each in range(10_000)},
    )  # fmt: skip
    audit.write(event="next")
    told = rows(folder)
    assert [each["n"] for each in told] == [1, 2]
    assert told[0]["decimal"] == "1.10"
    assert told[0]["keys"]["1"] == 2
    assert files(folder)[0].stat().st_size < 40_000
    assert verify(folder).ok
