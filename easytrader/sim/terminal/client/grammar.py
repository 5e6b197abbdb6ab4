"""没有 CPython 3.6 的机器上：比它新的语法、模块、函数照样不许用。

语法由 ``ast`` 按 3.6 读；模块与函数是一张表，只列写策略的人会碰到的。
"""

import ast
import sys

MODULES = "dataclasses contextvars zoneinfo graphlib tomllib"
"""3.6 没有的模块。"""
NAMES = {
    "asyncio": "run create_task to_thread Runner TaskGroup timeout",
    "time": "time_ns monotonic_ns perf_counter_ns process_time_ns thread_time",
    "math": "prod dist comb perm isqrt lcm nextafter",
    "functools": "cache cached_property singledispatchmethod",
    "itertools": "pairwise batched",
    "contextlib": "nullcontext aclosing chdir AbstractAsyncContextManager",
    "socket": "create_server has_dualstack_ipv6",
    "typing": "Protocol Final Literal TypedDict get_origin get_args Annotated",
    "importlib": "resources metadata",
    "threading": "excepthook get_native_id",
    "sys": "addaudithook audit unraisablehook stdlib_module_names",
}
"""模块 → 3.6 的这个模块里没有的名字。"""


def check(source: bytes) -> None:
    """按 3.6 的语法读一遍；读不了是 SyntaxError。运行着的就是 3.6、3.7 的不用读。"""
    if sys.version_info < (3, 8):
        return
    tree = ast.parse(source, "<string>", feature_version=(3, 6))
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.ImportFrom) and node.module == "__future__":
            if any(each.name == "annotations" for each in node.names):
                raise SyntaxError("future feature annotations is not defined", _at(line))
        elif isinstance(node, ast.Name) and node.id in ("breakpoint", "aiter", "anext"):
            raise SyntaxError("name '%s' is not defined in Python 3.6" % node.id, _at(line))


def _at(line: int) -> "tuple[str, int, int, str]":
    return "<string>", line, 0, ""
