"""找一个 CPython 3.6：完整版客户端的内置 Python 就是它。

没有的话用正在跑的，装进去之前先查一遍 3.6 认不认（`complaints`）。

找的次序：点名的、环境变量 ``EASYTRADER_PYTHON36``、pyenv、PATH、Windows 的 ``py`` 启动器。
环境变量写 ``none`` 是不找。
"""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from easytrader.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


VARIABLE: Final = "EASYTRADER_PYTHON36"
_NOT_WANTED: Final = "none"
_ASK_S: Final = 10.0
_ASK: Final = "import sys; print('%d.%d.%d' % sys.version_info[:3]); print(sys.executable)"
QUIET: Final = getattr(subprocess, "CREATE_NO_WINDOW", 0)
"""Windows 上不弹出黑窗口。"""


class Interpreter(NamedTuple):
    """一个解释器。

    Attributes:
        path: 可执行文件。
        version: ``3.6.15``。
    """

    path: str
    version: str

    @property
    def real(self) -> bool:
        """是不是 3.6：不是的，装进去之前要用 `complaints` 查一遍。"""
        return self.version.startswith("3.6.")

    def describe(self) -> str:
        """给人看的一句话。"""
        kind = "" if self.real else "（代替 3.6：语法与模块另外查过）"
        return f"Python {self.version}{kind}"


def find(named: str | None = None) -> Interpreter:
    """用哪一个。

    Args:
        named: 点名要的；可以不是 3.6。

    Raises:
        UsageError: 点名的（``--python`` 或环境变量）跑不起来，或太旧。
    """
    if named:
        return _told("--python", named)
    told = os.environ.get(VARIABLE, "").strip()
    if told and told.lower() != _NOT_WANTED:
        return _told(VARIABLE, told)
    for candidate in () if told else _candidates():
        found = _look(candidate)
        if found is not None and found.real:
            return found
    return Interpreter(sys.executable, ".".join(map(str, sys.version_info[:3])))


def _told(argument: str, path: str) -> Interpreter:
    found = _look([path])
    if found is None:
        raise UsageError(argument, path, "应为一个跑得起来的 python（完整版客户端用的是 3.6）")
    if tuple(map(int, found.version.split(".")[:2])) < (3, 6):
        raise UsageError(argument, path, f"它是 {found.version}，应为 3.6 或更新")
    return found


def _candidates() -> Iterator[list[str]]:
    """可能是 3.6 的，由近到远。"""
    for root in _pyenv_roots():
        for folder in sorted(root.glob("3.6.*"), reverse=True):
            for name in ("bin/python3.6", "python.exe"):
                if (folder / name).is_file():
                    yield [str(folder / name)]
    for name in ("python3.6", "python36"):
        on_path = shutil.which(name)
        if on_path:
            yield [on_path]
    launcher = shutil.which("py") if sys.platform == "win32" else None
    if launcher:
        yield [launcher, "-3.6"]


def _pyenv_roots() -> list[Path]:
    roots = [os.environ.get("PYENV_ROOT"), os.environ.get("PYENV")]
    home = Path.home()
    found = [Path(root) / "versions" for root in roots if root]
    return [*found, home / ".pyenv" / "versions", home / ".pyenv" / "pyenv-win" / "versions"]


def _look(command: list[str]) -> Interpreter | None:
    """跑一下，问它是谁；跑不起来为 None。"""
    try:
        done = subprocess.run(  # noqa: S603  自己找到的、用户点名的解释器
            [*command, "-E", "-s", "-c", _ASK],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_ASK_S,
            check=True,
            creationflags=QUIET,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    version, _, path = done.stdout.decode(errors="replace").strip().partition("\n")
    return Interpreter(path.strip() or command[0], version.strip())


# 3.6 没有的 ---------------------------------------------------------------

_MODULES: Final = frozenset(
    {
        "contextvars",
        "dataclasses",
        "graphlib",
        "importlib.metadata",
        "importlib.resources",
        "tomllib",
        "zoneinfo",
    }
)
_NAMES: Final = {
    "asyncio": "TaskGroup create_task get_running_loop run timeout to_thread",
    "contextlib": "AsyncExitStack asynccontextmanager chdir nullcontext",
    "functools": "cache cached_property singledispatchmethod",
    "itertools": "batched pairwise",
    "math": "cbrt comb dist exp2 isqrt lcm nextafter perm prod sumprod ulp",
    "os": "add_dll_directory memfd_create posix_spawn",
    "shlex": "join",
    "socket": "create_server has_dualstack_ipv6",
    "statistics": "NormalDist fmean geometric_mean multimode quantiles",
    "threading": "excepthook get_native_id",
    "time": "monotonic_ns perf_counter_ns thread_time time_ns",
    "typing": "Annotated Final ForwardRef Literal ParamSpec Protocol Self TypeAlias TypedDict "
    "final get_args get_origin runtime_checkable",
    "unittest": "IsolatedAsyncioTestCase",
}
_LACKING: Final = {module: frozenset(names.split()) for module, names in _NAMES.items()}
_METHODS: Final = frozenset({"fromisoformat", "removeprefix", "removesuffix"})
_GENERIC: Final = frozenset({"dict", "frozenset", "list", "set", "tuple", "type"})
_FUTURE: Final = frozenset({"annotations"})
_KEYWORDS: Final = {"run": {"capture_output", "text"}, "Popen": {"text"}, "unlink": {"missing_ok"}}


def complaints(source: bytes, name: str = "strategy") -> list[str]:
    """这份源文件在 3.6 里会错在哪里，一处一句（带行号）；没有为空。"""
    try:
        tree = ast.parse(source, name, feature_version=(3, 6))
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None) or 1
        return [f"第 {line} 行：{getattr(error, 'msg', error)}"]
    guarded = _guarded(tree)
    found = {
        f"第 {getattr(node, 'lineno', 1)} 行：3.6 没有 {what}"
        for node in ast.walk(tree)
        if node not in guarded
        for kind, look in _LOOKS.items()
        if isinstance(node, kind)
        for what in look(node)
    }
    return sorted(found, key=lambda told: (int(told.split()[1]), told))


def _guarded(tree: ast.AST) -> set[ast.AST]:
    """导不进来也有准备的导入：``try`` 里的，接住 ImportError 的。"""
    found: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Try) and any(_catches(each.type) for each in node.handlers):
            found.update(each for part in node.body for each in ast.walk(part))
    return found


def _catches(kind: ast.expr | None) -> bool:
    names = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(
        each is None or (isinstance(each, ast.Name) and each.id in _IMPORT_ERRORS) for each in names
    )


_IMPORT_ERRORS: Final = ("ImportError", "ModuleNotFoundError", "Exception", "BaseException")


def _of_import(node: Any) -> Iterator[str]:
    yield from (f"模块 {each.name}" for each in node.names if each.name in _MODULES)


def _of_attribute(node: Any) -> Iterator[str]:
    if isinstance(node.value, ast.Name) and node.attr in _LACKING.get(node.value.id, ()):
        yield f"{node.value.id}.{node.attr}"
    elif node.attr in _METHODS:
        yield f"方法 {node.attr}"


def _of_subscript(node: Any) -> Iterator[str]:
    if isinstance(node.value, ast.Name) and node.value.id in _GENERIC:
        yield f"{node.value.id}[…]"


def _of_call(node: Any) -> Iterator[str]:
    if isinstance(node.func, ast.Name) and node.func.id == "breakpoint":
        yield "breakpoint()"
    called = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    given = {each.arg for each in node.keywords}
    yield from (f"{called}({each}=…)" for each in _KEYWORDS.get(called, set()) & given)


def _of_argument(node: Any) -> Iterator[str]:
    if isinstance(node.annotation, ast.BinOp):
        yield "X | Y 这种标注"


def _of_import_from(node: Any) -> Iterator[str]:
    module = node.module or ""
    if module in _MODULES:
        yield f"模块 {module}"
    lacking = _FUTURE if module == "__future__" else _LACKING.get(module, frozenset())
    for each in node.names:
        if each.name in lacking or f"{module}.{each.name}" in _MODULES:
            yield f"{module}.{each.name}"


_LOOKS: Final[dict[type[ast.AST], Callable[[Any], Iterator[str]]]] = {
    ast.Import: _of_import,
    ast.ImportFrom: _of_import_from,
    ast.Attribute: _of_attribute,
    ast.Subscript: _of_subscript,
    ast.Call: _of_call,
    ast.arg: _of_argument,
}
