"""中转的三条线：只在本机、独占；文件夹里只动自己的；管道的逻辑在假的 kernel32 上看。"""

from __future__ import annotations

import ctypes
import errno
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from agent_world import Outside, SpoolEnd, TcpEnd, inside, order_row, settings, submit

from easytrader.bigqmt import agent

if TYPE_CHECKING:
    from agent_world import Rig
    from conftest import Rigs


# ---- TCP


def test_it_listens_on_this_machine_only(rig: Rig) -> None:
    (tcp,) = rig.agent._wires
    assert tcp._sock.getsockname()[0] == "127.0.0.1"
    with socket.socket() as other, pytest.raises(OSError, match=r"\[(Errno|WinError)"):
        other.bind(("127.0.0.1", rig.ports[0]))


def test_a_taken_port_is_passed_over(world: Rigs) -> None:
    told = settings()
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", told.ports[0]))
        squatter.listen()
        rig = world.rig(told)
        assert rig.ports != told.ports[:1]
        assert world.inside(rig).ask("find", tags=[])["ok"]


def test_taken_ports_are_tried_again(world: Rigs) -> None:
    told = settings()
    held = [socket.socket() for _ in told.ports]
    for each, port in zip(held, told.ports, strict=True):
        each.bind(("127.0.0.1", port))
        each.listen()
    rig = world.rig(told)
    assert rig.agent.wires["tcp"].startswith("OSError")
    for each in held:
        each.close()
    rig.tick(60)
    assert rig.agent.wires["tcp"] == "ok"
    assert world.inside(rig).greeting["wires"]["tcp"] == "ok"


def test_a_rerun_listens_on_the_same_port(rig: Rig, outside: Outside) -> None:
    before = rig.ports
    rig.load()
    assert rig.ports == before


@pytest.mark.parametrize("words", ["非法IP:127.0.0.1", "Forbidden: Module<socket>"])
def test_a_refusal_is_kept_in_the_terminals_words(
    world: Rigs, tmp_path: Path, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise PermissionError(words)

    told = settings(spool=str(tmp_path))
    monkeypatch.setattr(socket, "socket", refuse)
    rig = world.rig(told)
    monkeypatch.undo()
    outside = world.inside(rig, SpoolEnd(str(tmp_path)))
    assert outside.greeting["wires"]["tcp"] == f"PermissionError: {words}"
    assert outside.greeting["wires"]["spool"] == "ok"
    assert outside.greeting["wires"]["pipe"] == "no pipe given"


def test_every_wire_closed_is_not_a_crash(world: Rigs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: Any) -> None:
        raise PermissionError("非法IP")

    told = settings(spool="\0")
    monkeypatch.setattr(socket, "socket", refuse)
    rig = world.rig(told)
    monkeypatch.undo()
    assert set(rig.agent.wires) == {"tcp", "pipe", "spool"}
    assert "ok" not in rig.agent.wires.values()
    rig.tick(100)
    assert "非法IP" in rig.output[0]
    assert rig.agent.trouble == ""


def test_a_log_that_cannot_say_it_is_not_a_crash(world: Rigs) -> None:
    said: list[str] = []

    def narrow(text: str) -> None:
        said.append(text.encode("ascii").decode())

    rig = world.rig(print=narrow)
    rig.module["_say"]("非法IP")
    assert said[-1] == r"'\u975e\u6cd5IP'"
    rig.module["print"] = None
    rig.module["_say"]("x")


# ---- 文件夹


@pytest.fixture
def spool(tmp_path: Path) -> str:
    """有空格、有汉字的文件夹，还没有建。"""
    return str(tmp_path / "数 据" / "1000")


def test_a_folder_carries_the_same_frames(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    rig.tables["ORDER"] = [order_row(number) for number in range(300)]
    end = _end(spool)
    outside = world.inside(rig, end)
    assert outside.ask("submit", **submit())["v"]["state"] == "dispatched"
    assert outside.ask("rows", kind="ORDER")["v"]["count"] == 300
    rig.call_back("order_callback", order_row(1))
    assert [each["k"] for each in outside.events()] == ["order"]
    assert list((end.place / "in").iterdir()) == []  # 读过的都收走了


def _end(spool: str, name: str = "c-0a1b") -> SpoolEnd:
    return SpoolEnd(spool, name)


def test_two_peers_have_folders_of_their_own(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    one, other = inside(rig, _end(spool, "c-1")), inside(rig, _end(spool, "c-2"))
    one.ask("submit", **submit())
    assert other.ask("submit", **submit())["v"]["again"] is True
    one.close()
    assert other.ask("find", tags=[])["ok"]
    rig.tick(2)
    assert len(rig.agent._channels) == 1
    other.close()


def test_files_hold_whole_frames(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    end = _end(spool)
    outside = world.inside(rig, end)
    rig.tables["ORDER"] = [order_row(number) for number in range(1500)]
    outside.post("rows", kind="ORDER")
    rig.tick(10)
    files = list((end.place / "out").glob("*.bin"))
    assert files
    for each in files:
        data = each.read_bytes()
        while data:
            size = int.from_bytes(data[:4], "big")
            assert len(data) >= 4 + size
            data = data[4 + size :]


def test_a_peer_that_leaves_takes_its_folder(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    outside = inside(rig, _end(spool))
    outside.close()
    rig.tick(2)
    assert rig.agent._channels == []


def test_a_dead_peers_folder_is_cleared(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    end = _end(spool)
    inside(rig, end)
    rig.tick(600)  # 一分钟没有人读
    assert rig.agent._channels == []
    assert not end.place.exists()


def test_what_an_earlier_agent_left_is_cleared_and_nothing_else(world: Rigs, spool: str) -> None:
    stale, waiting = _end(spool, "c-old"), _end(spool, "c-new")
    (stale.place / "out" / "3.bin").write_bytes(b"x")
    foreign = _end(spool, "mine")
    (foreign.place / "out" / "3.bin").write_bytes(b"x")
    (stale.place / "notes.txt").write_text("我的")
    rig = world.rig(settings(spool=spool))
    assert (foreign.place / "out" / "3.bin").exists()
    assert (stale.place / "notes.txt").exists()
    assert not (stale.place / "out").exists()
    assert world.inside(rig, waiting).ask("find", tags=[])["ok"]  # 先到、等着的


def test_a_linked_folder_is_not_followed(world: Rigs, spool: str, tmp_path: Path) -> None:
    target = SpoolEnd(str(tmp_path), "elsewhere")
    Path(spool).mkdir(parents=True)
    try:
        (Path(spool) / "c-link").symlink_to(target.place)
    except OSError:
        pytest.skip("这里不许建符号链接")
    rig = world.rig(settings(spool=spool))
    rig.tick(3)
    assert rig.agent._channels == []


def test_no_file_may_be_written(world: Rigs, spool: str) -> None:
    def forbidden(*args: Any, **options: Any) -> None:
        raise PermissionError("Foribdden FileIO")

    rig = world.rig(settings(spool=spool), open=forbidden)
    assert rig.agent.wires["spool"] == "PermissionError: Foribdden FileIO"
    assert rig.agent.wires["tcp"] == "ok"


def test_a_stranger_in_the_folder_needs_the_token(world: Rigs, spool: str) -> None:
    rig = world.rig(settings(spool=spool))
    outside = Outside(rig, _end(spool), token="0" * 64)
    assert outside.enter()["code"] == "token"
    assert outside.gone()
    assert rig.calls == []


# ---- 命名管道


class FakeKernel:
    """Windows 的命名管道，够中转用的几个函数；``code`` 是最近的错误号。

    客户端那头用 `connect`、`PipeEnd`。
    """

    LISTENING, CONNECTED, NO_DATA, BROKEN, BUSY, DENIED = 536, 535, 232, 109, 231, 5

    def __init__(self) -> None:
        self.code = 0
        self.instances: dict[int, dict[str, Any]] = {}
        self.made: list[tuple[Any, ...]] = []
        self.freed = 0
        self.next = 100
        self.sddl = ""
        self.room = 1 << 16
        names = ("CreateNamedPipeW", "ConnectNamedPipe", "DisconnectNamedPipe", "PeekNamedPipe")
        names += ("ReadFile", "WriteFile", "CloseHandle", "GetCurrentProcess", "LocalFree")
        self.kernel32 = SimpleNamespace(**{each: self._function(each) for each in names})
        names = ("OpenProcessToken", "GetTokenInformation", "ConvertSidToStringSidW")
        names += ("ConvertStringSecurityDescriptorToSecurityDescriptorW",)
        self.advapi32 = SimpleNamespace(**{each: self._function(each) for each in names})
        self.pipes = agent.Pipes(self.kernel32, self.advapi32, lambda: self.code)

    def _function(self, name: str) -> Any:
        work = getattr(self, name)

        def call(*args: Any) -> Any:  # 普通的函数，收得下 restype
            return work(*args)

        return call

    def GetCurrentProcess(self) -> int:  # noqa: N802
        return -1

    def OpenProcessToken(self, me: Any, rights: int, token: Any) -> int:  # noqa: N802
        token._obj.value = 77
        return 1

    def GetTokenInformation(self, token: Any, what: int, space: Any, *rest: Any) -> int:  # noqa: N802
        ctypes.c_void_p.from_buffer(space).value = 4711
        return 1

    def ConvertSidToStringSidW(self, sid: Any, text: Any) -> int:  # noqa: N802
        assert sid.value == 4711
        text._obj.value = "S-1-5-21-1-2-3-1001"
        return 1

    def ConvertStringSecurityDescriptorToSecurityDescriptorW(  # noqa: N802
        self, words: Any, revision: int, held: Any, size: Any
    ) -> int:
        self.sddl = words.value
        held._obj.value = 99
        return 1

    def LocalFree(self, held: Any) -> None:  # noqa: N802
        self.freed += 1

    def CreateNamedPipeW(self, name: Any, mode: int, kind: int, most: int, *rest: Any) -> int:  # noqa: N802
        live = [each for each in self.instances.values() if not each["closed"]]
        if mode & 0x00080000 and live:
            self.code = self.DENIED
            return -1
        if len(live) >= most:
            self.code = self.BUSY
            return -1
        self.made.append((name.value, mode, kind))
        self.next += 1
        self.instances[self.next] = {
            "state": "new", "in": bytearray(), "out": bytearray(), "closed": False,
        }  # fmt: skip
        return self.next

    def _of(self, handle: Any) -> dict[str, Any]:
        return self.instances[handle.value]

    def ConnectNamedPipe(self, handle: Any, overlapped: Any) -> int:  # noqa: N802
        one = self._of(handle)
        if one["state"] == "new":
            one["state"] = "listening"
            return 1
        self.code = {
            "listening": self.LISTENING, "connected": self.CONNECTED, "left": self.NO_DATA,
        }[one["state"]]  # fmt: skip
        return 0

    def DisconnectNamedPipe(self, handle: Any) -> int:  # noqa: N802
        one = self._of(handle)
        one.update(state="new", **{"in": bytearray(), "out": bytearray()})
        return 1

    def PeekNamedPipe(self, handle: Any, a: Any, b: Any, c: Any, there: Any, d: Any) -> int:  # noqa: N802
        one = self._of(handle)
        if one["state"] == "left" and not one["in"]:
            self.code = self.BROKEN
            return 0
        there._obj.value = len(one["in"])
        return 1

    def ReadFile(self, handle: Any, space: Any, size: int, got: Any, overlapped: Any) -> int:  # noqa: N802
        one = self._of(handle)
        data = bytes(one["in"][:size])
        assert data, "读空的管道会立刻失败：先要看有多少"
        del one["in"][:size]
        space[: len(data)] = data
        got._obj.value = len(data)
        return 1

    def WriteFile(self, handle: Any, data: bytes, size: int, done: Any, overlapped: Any) -> int:  # noqa: N802
        one = self._of(handle)
        if one["state"] == "left":
            self.code = self.NO_DATA
            return 0
        fits = len(one["out"]) + size <= self.room  # 放得下才放，放不下一个字节也不放
        one["out"] += data if fits else b""
        done._obj.value = size if fits else 0
        return 1

    def CloseHandle(self, handle: Any) -> int:  # noqa: N802
        if handle.value in self.instances:
            self._of(handle)["closed"] = True
        return 1

    def connect(self) -> PipeEnd:
        for one in self.instances.values():
            if one["state"] == "listening" and not one["closed"]:
                one["state"] = "connected"
                return PipeEnd(one)
        raise AssertionError("没有在等的管道")


class PipeEnd:
    """脚本那头的管道。"""

    def __init__(self, one: dict[str, Any]) -> None:
        self.one = one

    def send(self, data: bytes) -> None:
        self.one["in"] += data

    def pull(self) -> bytes:
        if self.one["closed"] and not self.one["out"]:
            raise EOFError
        data = bytes(self.one["out"])
        self.one["out"].clear()
        return data

    def close(self) -> None:
        self.one["state"] = "left"


@pytest.fixture
def piped(world: Rigs) -> tuple[Rig, FakeKernel]:
    """只开着管道的终端。"""
    kernel = FakeKernel()
    rig = world.rig(settings(ports=(), pipe=r"\\.\pipe\easytrader-1"))
    assert rig.agent.wires["pipe"] in ("not Windows", "ok")
    wire = rig.module["PipeWire"](kernel.pipes)
    rig.agent.close()
    rig.agent._try(wire)
    assert rig.agent.wires["pipe"] == "ok"
    return rig, kernel


def test_the_pipe_is_for_this_user_on_this_machine(piped: tuple[Rig, FakeKernel]) -> None:
    _, kernel = piped
    ((name, mode, kind),) = kernel.made
    assert name == r"\\.\pipe\easytrader-1"
    assert mode == 0x00080003  # 双向，第一个
    assert kind & 0x8  # PIPE_REJECT_REMOTE_CLIENTS
    assert kind & 0x1  # PIPE_NOWAIT
    assert kernel.sddl == "D:P(D;;GA;;;NU)(A;;GA;;;S-1-5-21-1-2-3-1001)"


def test_a_pipe_carries_the_same_frames(piped: tuple[Rig, FakeKernel]) -> None:
    rig, kernel = piped
    rig.tables["ORDER"] = [order_row(number) for number in range(1000)]
    one = inside(rig, kernel.connect())
    other = inside(rig, kernel.connect())  # 每条线有自己的一个实例
    assert one.ask("submit", **submit())["v"]["state"] == "dispatched"
    assert other.ask("submit", **submit())["v"]["again"] is True
    assert other.ask("rows", kind="ORDER")["v"]["count"] == 1000
    one.close()
    rig.tick(2)
    assert len(rig.agent._channels) == 1


def test_a_squatted_pipe_name_is_refused(piped: tuple[Rig, FakeKernel]) -> None:
    _, kernel = piped
    with pytest.raises(OSError, match="error 5"):
        kernel.pipes.create(r"\\.\pipe\easytrader-1", True)


def test_a_caller_that_came_and_went_leaves_the_pipe_usable(
    piped: tuple[Rig, FakeKernel],
) -> None:
    rig, kernel = piped
    kernel.connect().close()
    rig.tick(3)
    assert inside(rig, kernel.connect()).ask("find", tags=[])["ok"]


def test_handles_are_given_back(piped: tuple[Rig, FakeKernel]) -> None:
    rig, kernel = piped
    for _ in range(agent.CHANNELS * 3):
        outside = inside(rig, kernel.connect())
        outside.close()
        rig.tick(2)
    live = [each for each in kernel.instances.values() if not each["closed"]]
    assert len(live) == 1  # 只有在等的那一个
    assert kernel.freed == 2 * len(kernel.made)


def test_closing_the_agent_closes_every_handle(piped: tuple[Rig, FakeKernel]) -> None:
    rig, kernel = piped
    inside(rig, kernel.connect())
    rig.agent.close()
    assert all(each["closed"] for each in kernel.instances.values())


def test_a_terminal_whose_ctypes_is_refused(world: Rigs) -> None:
    rig = world.rig(settings(pipe=r"\\.\pipe\x"))
    rig.module["ctypes"] = None
    rig.module["REFUSED"]["ctypes"] = "ImportError: Forbidden: Module<ctypes> not in whitelist!"
    rig.agent._try(rig.module["PipeWire"]())
    words = "ImportError: Forbidden: Module<ctypes> not in whitelist!"
    assert rig.agent.wires["pipe"] == words


def test_which_errors_mean_taken() -> None:
    assert errno.EADDRINUSE in agent.TAKEN


def test_the_tcp_end_of_a_test_reaches_nobody_without_a_port() -> None:
    with pytest.raises(AssertionError):
        TcpEnd(())
