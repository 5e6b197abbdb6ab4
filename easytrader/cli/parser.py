"""说中文的 argparse。"""

from __future__ import annotations

import argparse
import re
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, NoReturn

from easytrader._version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_PLAIN: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,12})?")
_LONGEST_S: Final = 86400.0
_HEADINGS: Final = {"positional arguments": "参数", "options": "选项", "optional arguments": "选项"}

_MESSAGES: Final = (
    (r"the following arguments are required: (.+)", r"缺少参数 \1"),
    (r"one of the arguments (.+) is required", r"缺少参数：\1 要写一样"),
    (r"argument (.+?): not allowed with argument (.+)", r"参数 \1 不能与 \2 同用"),
    (r"unrecognized arguments: (.+)", r"不认识的参数 \1"),
    (r"argument (.+?): invalid choice: (.+?) \(choose from (.+)\)", r"参数 \1 不对：\2。可选：\3"),
    (r"argument (.+?): invalid \S+ value: (.+)", r"参数 \1 不对：\2。应为数"),
    (r"argument (.+?): expected (?:one|at least one) argument", r"参数 \1 后面要跟一个值"),
    (r"argument (.+?): ignored explicit argument (.+)", r"参数 \1 后面不跟值，多了 \2"),
    (r"argument (.+?): (.+)", r"参数 \1 不对：\2"),
)


class WrongUsage(SystemExit):
    """命令行写错了；``reason`` 是错在哪里。"""

    def __init__(self, reason: str) -> None:
        super().__init__(2)
        self.reason = reason


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

    def add_commands(self) -> Rooms:
        """下一级命令，必须选一个。"""
        rooms = self.add_subparsers(title="可用的命令", metavar="命令", required=True, action=Rooms)
        assert isinstance(rooms, Rooms)
        return rooms

    def runs(self, command: Callable[[argparse.Namespace], int]) -> None:
        """解析到这里就执行它。"""
        self.set_defaults(command=command)

    def _check_value(self, action: argparse.Action, value: Any) -> None:
        if isinstance(action, Rooms) and value not in (action.choices or ()):
            raise argparse.ArgumentError(None, action.unknown(str(value)))
        super()._check_value(action, value)

    def error(self, message: str) -> NoReturn:
        """报错并以 2 退出。"""
        for pattern, chinese in _MESSAGES:
            if re.fullmatch(pattern, message, re.DOTALL):
                message = re.sub(pattern, chinese, message, count=1, flags=re.DOTALL)
                break
        self._print_message(f"{self.format_usage()}错误：{message}\n", sys.stderr)
        raise WrongUsage(message)


if TYPE_CHECKING:
    _Actions = argparse._SubParsersAction[Parser]  # noqa: SLF001
else:
    _Actions = argparse._SubParsersAction  # noqa: SLF001  只在类型标注里才有参数


class Rooms(_Actions):
    """一级命令。"""

    def mention(self, name: str, told: str) -> None:
        """帮助里列出 ``name``，它的解析器用到时再 ``add_parser``（不必再写 ``help``）。"""
        self._choices_actions.append(self._ChoicesPseudoAction(name, (), told))

    def unknown(self, value: str) -> str:
        """没有 ``value`` 这个命令：说出像的那个，与有哪些。"""
        from difflib import get_close_matches

        names = list(dict.fromkeys([*(each.dest for each in self._choices_actions), *self.choices]))
        near = get_close_matches(value, names, 1)
        asked = f"是不是 {near[0]}？" if near else ""
        return f"没有命令 {value!r}。{asked}有的是：{'、'.join(names)}"


class _Formatter(argparse.RawDescriptionHelpFormatter):
    def add_usage(
        self,
        usage: str | None,
        actions: Iterable[argparse.Action],
        groups: Iterable[argparse._MutuallyExclusiveGroup],
        prefix: str | None = None,
    ) -> None:
        super().add_usage(usage, actions, groups, "用法：" if prefix is None else prefix)

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        for each in self._iter_indented_subactions(action):  # argparse 算列宽时漏了命令的缩进
            wide = len(self._format_action_invocation(each)) + self._current_indent
            self._action_max_length = max(
                self._action_max_length, wide + 2 * self._indent_increment
            )

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


def seconds(text: str) -> float:
    """秒数参数，大于 0。"""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number <= _LONGEST_S:
        raise argparse.ArgumentTypeError(f"{text!r}，应为大于 0 的秒数，例如 10")
    return number


def plain_number(unit: str, example: str) -> Callable[[str], Decimal]:
    """大于 0 的数参数，原样留成十进制：不收逗号、单位、正负号、指数、NaN。"""

    def parse(text: str) -> Decimal:
        if _PLAIN.fullmatch(text) and (number := Decimal(text)) > 0:
            return number
        form = f"应为大于 0 的数（{unit}），只写数字与小数点，例如 {example}"
        raise argparse.ArgumentTypeError(f"{text!r}，{form}")

    return parse
