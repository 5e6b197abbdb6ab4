"""说中文的 argparse。"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from easytrader._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_HEADINGS: Final = {"positional arguments": "参数", "options": "选项", "optional arguments": "选项"}

_MESSAGES: Final = (
    (r"the following arguments are required: (.+)", r"缺少参数 \1"),
    (r"unrecognized arguments: (.+)", r"不认识的参数 \1"),
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", r"参数 \1 不对：\2。可选：\3"),
    (r"argument (.+?): invalid \S+ value: (.+)", r"参数 \1 不对：\2。应为数"),
    (r"argument (.+?): expected (?:one|at least one) argument", r"参数 \1 后面要跟一个值"),
    (r"argument (.+?): ignored explicit argument (.+)", r"参数 \1 后面不跟值，多了 \2"),
    (r"argument (.+?): (.+)", r"参数 \1 不对：\2"),
)


class Parser(argparse.ArgumentParser):
    """用法、分组标题和报错都是中文；不许缩写选项；每个命令都认 ``-h`` 与 ``--debug``。"""

    def __init__(self, **options: Any) -> None:
        options.setdefault("formatter_class", _Formatter)
        super().__init__(allow_abbrev=False, add_help=False, **options)
        self.add_argument("-h", "--help", action="help", help="显示这段说明")
        self.add_argument(
            "--debug", action="store_true", default=argparse.SUPPRESS, help="出错时显示完整回溯"
        )
        self.set_defaults(own_output=True)

    def add_version(self) -> None:
        """``--version``，以及全局默认值。"""
        self.add_argument("--version", action="version", version=__version__, help="显示版本后退出")
        self.set_defaults(debug=False)

    def add_commands(self) -> argparse._SubParsersAction[Parser]:
        """下一级命令，必须选一个。"""
        return self.add_subparsers(title="可用的命令", metavar="命令", required=True)

    def runs(self, command: Callable[[argparse.Namespace], int]) -> None:
        """解析到这里就执行它。"""
        self.set_defaults(command=command)

    def error(self, message: str) -> NoReturn:
        """报错并以 2 退出。"""
        for pattern, chinese in _MESSAGES:
            if re.fullmatch(pattern, message, re.DOTALL):
                message = re.sub(pattern, chinese, message, count=1, flags=re.DOTALL)
                break
        self.exit(2, f"{self.format_usage()}错误：{message}\n")


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section(_HEADINGS.get(heading or "", heading))


def whole_number(least: int | None = None) -> Callable[[str], int]:
    """整数参数。"""

    def parse(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            number = None
        if number is None or (least is not None and number < least):
            limit = "" if least is None else f"不小于 {least} 的"
            raise argparse.ArgumentTypeError(f"{text!r}，应为{limit}整数")
        return number

    return parse
