"""读一个 TOML 设置文件：写错的说出哪一行、哪一项、想写的多半是哪一个；里面有密码的，只许本人读。"""

from __future__ import annotations

import os
import re
import sys
from contextlib import contextmanager
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics.references import is_reference
from easytrader.basics.scrub import scrubbed
from easytrader.errors import UsageError, is_secret

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

_LINE: Final = re.compile(r"at line (\d+)")


def read(path: str | os.PathLike[str], argument: str) -> dict[str, Any]:
    """文件 → 里面写的。

    Args:
        path: 文件。
        argument: 错误里说是哪个参数。

    Raises:
        UsageError: 读不了，不是 UTF-8，不是 TOML（说出第几行）。
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib  # type: ignore[import-not-found,unused-ignore]  # 3.10 才装

    file = Path(path).expanduser()
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise UsageError(argument, str(file), f"应为读得了的文件：{exc.strerror or exc}") from None
    except UnicodeDecodeError:
        raise UsageError(argument, str(file), "应为 UTF-8 编码的文件：另存为 UTF-8") from None
    try:
        found: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        told = f"应为 TOML：{exc}{_shown_line(text, str(exc))}（路径用单引号）"
        raise UsageError(argument, str(file), told) from None
    return found


def check_keys(told: Mapping[str, Any], known: Collection[str], where: str = "") -> None:
    """只许有认得的名字。

    Args:
        told: 写了的。
        known: 认得的。
        where: 名字前面加什么，如 ``account.``。

    Raises:
        UsageError: 有不认得的；说出是不是哪一个，有的是哪些。
    """
    for each in told:
        if each not in known:
            near = get_close_matches(each, known, 1)
            asked = f"是不是 {near[0]}？" if near else ""
            listed = "、".join(sorted(known))
            shown = told[each] if isinstance(told[each], (int, float)) else "…"  # 可能是密码
            raise UsageError(f"{where}{each}", shown, f"没有这一项。{asked}有的是：{listed}")


def holds_secret(options: object) -> bool:
    """里面有没有直接写着的密码；写成 ``env:…``、``keyring:…`` 的不算。"""
    if isinstance(options, dict):
        return any(_is_plain(name, each) or holds_secret(each) for name, each in options.items())
    if isinstance(options, (list, tuple)):
        return any(map(holds_secret, options))
    return False


def starred(options: Any) -> Any:
    """照样子给人看：直接写着的密码换成星号，``env:…``、``keyring:…`` 照写。"""
    if isinstance(options, dict):
        return {
            name: "***" if _is_plain(name, each) else starred(each)
            for name, each in options.items()
        }
    if isinstance(options, (list, tuple)):
        return [starred(each) for each in options]
    return scrubbed(options) if isinstance(options, str) else options


def check_private(path: str | os.PathLike[str], argument: str) -> None:
    """里面有密码：别人读得到的不收（Windows 上看文件夹的权限，这里不看）。

    Raises:
        UsageError: 别人读得到。
    """
    file = Path(path).expanduser()
    if os.name != "nt" and file.stat().st_mode & 0o077:
        told = f'里面有密码，不能让别人读到：chmod 600 "{file}"；或把密码写成 env:变量名'
        raise UsageError(argument, str(file), told)


@contextmanager
def within(where: str) -> Iterator[None]:
    """这一段里的 `UsageError` 多说一句是哪里的，如「第 2 个 [[account]]」。"""
    try:
        yield
    except UsageError as exc:
        if where in exc.expected:
            raise
        raise UsageError(exc.argument, exc.value, f"{exc.expected}（{where}）") from None


def _is_plain(name: str, value: object) -> bool:
    """这一项是直接写着的密码；请求头都算。"""
    text = name.lower()
    secret = is_secret(text) or text.endswith(("key", "auth_code", "webhook", "url"))
    if text == "headers" and isinstance(value, dict):
        return any(not is_reference(each) for each in value.values())
    return secret and isinstance(value, str) and not is_reference(value)


def _shown_line(text: str, told: str) -> str:
    """写错的那一行；等号后面的可能是密码，不写出来。"""
    found = _LINE.search(told)
    lines = text.splitlines()
    if found is None or not 0 < int(found[1]) <= len(lines):
        return ""
    name, equals, _ = lines[int(found[1]) - 1].partition("=")
    return f"：{name.strip()[:40]}{' = …' if equals else ''}"
