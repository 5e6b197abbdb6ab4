"""密码不写在文件里：写 ``env:变量名`` 或 ``keyring:服务/用户名``，用到的那一刻才去取。"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from easytrader.basics import scrub
from easytrader.basics.threads import AbandonedError, call_aside
from easytrader.errors import MissingDependencyError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ENV: Final = "env:"
_KEYRING: Final = "keyring:"
_UNLOCK_S: Final = 30.0
"""钥匙串可能弹出窗口要人解锁：没有人看着的，等这么久。"""


def is_reference(value: object) -> bool:
    """是不是「去哪里取」的写法。"""
    return isinstance(value, str) and value.startswith((_ENV, _KEYRING))


def resolved(value: Any, name: str, where: str) -> Any:
    """``env:``、``keyring:`` 的换成取到的；字典、列表里的一并换。取到的以后在日志里都是星号。

    Args:
        value: 一项设置的值。
        name: 这一项叫什么，写在错误里。
        where: 是哪个设置，写在错误里。

    Raises:
        UsageError: 没有这个变量、这一条，或写得不对。
        MissingDependencyError: 没有装 keyring，或这台机器上没有钥匙串。
    """
    if isinstance(value, dict):
        return {key: resolved(each, f"{name}.{key}", where) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [resolved(each, name, where) for each in value]
    if not is_reference(value):
        return value
    if value.startswith(_ENV):
        found = _from_environment(value, name, where)
    else:
        found = _from_keyring(value, name, where)
    scrub.remember(found)
    return found


@contextmanager
def hidden(*values: object) -> Iterator[None]:
    """这一段里抛出的异常，文字里没有这些取来的值（后端可能把参数写进错误里），连同它的起因。"""
    try:
        yield
    except Exception as exc:
        told = sorted({each for each in values if isinstance(each, str) and each}, key=len)
        seen: set[int] = set()
        error: BaseException | None = exc
        while error is not None and id(error) not in seen:
            seen.add(id(error))
            for each in reversed(told):
                _hide(error, each)
            error = error.__cause__ or error.__context__
        raise


def _hide(error: BaseException, secret: str) -> None:
    error.args = tuple(
        each.replace(secret, "***") if isinstance(each, str) else each for each in error.args
    )
    if isinstance(error, UsageError):
        error.expected = error.expected.replace(secret, "***")
        if secret in str(error.value):
            error.value = "***"


def _from_environment(value: str, name: str, where: str) -> str:
    variable = value[len(_ENV) :].strip()
    if not variable or "=" in variable:
        raise UsageError(name, value, f"应为 env:变量名，例如 env:EASYTRADER_TOKEN（{where}）")
    found = os.environ.get(variable)
    if not found:
        told = "没有这个环境变量" if found is None else "这个环境变量是空的"
        raise UsageError(name, value, f"{told}：先设好 {variable} 再运行（{where}）")
    return found


def _from_keyring(value: str, name: str, where: str) -> str:
    service, slash, user = value[len(_KEYRING) :].strip().rpartition("/")
    if not slash or not service or not user:
        raise UsageError(name, value, f"应为 keyring:服务/用户名（{where}）")
    try:
        import keyring
        from keyring.errors import KeyringError, NoKeyringError
    except ImportError as exc:
        told = f'{where} 的 {name} 在钥匙串里：pip install "easytrader[keyring]"'
        raise MissingDependencyError(told) from exc
    try:
        found = call_aside(lambda: keyring.get_password(service, user), _UNLOCK_S)
    except NoKeyringError as exc:
        told = f"这台机器上没有可用的钥匙串；{where} 的 {name} 改成 env:变量名"
        raise MissingDependencyError(told) from exc
    except KeyringError as exc:
        raise UsageError(name, value, f"钥匙串没有给：{type(exc).__name__}（{where}）") from exc
    except AbandonedError:
        told = f"钥匙串 {_UNLOCK_S:g} 秒没有回答，多半锁着，先解锁（{where}）"
        raise UsageError(name, value, told) from None
    if not found:
        told = f"钥匙串里没有这一条，先存进去：keyring set {service} {user}（{where}）"
        raise UsageError(name, value, told)
    return found
