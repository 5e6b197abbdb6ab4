"""本库自己的文件放在哪里；一个客户端文件夹只有一种写法。"""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from typing import Final, NamedTuple

from easytrader.errors import UsageError

_HOME: Final = "EASYTRADER_HOME"
_LONGEST: Final = "accounts/0123456789abcdef/owners/0123456789abcdef.lock"
"""我们在里面建的文件，路径最长的。"""


def canonical(path: str | os.PathLike[str]) -> str:
    """一个文件夹的唯一写法：同一个文件夹怎么写都得到同一个字符串。

    解开 ``~``、符号链接、``..``、末尾的分隔符；Windows 上还有大小写、8.3 短名、subst 与映射的盘符。
    凡是「是不是同一个客户端」都比较它：会话 id、委托记录、模拟服务。

    Args:
        path: 文件夹，可以还不存在。
    """
    return os.path.normcase(os.path.realpath(os.path.expanduser(path)))  # noqa: PTH111


class AccountKey(NamedTuple):
    """一个客户端上的一个账号；用 `of` 得到。

    Attributes:
        place: 客户端文件夹的 `canonical` 写法。
        account_id: 资金账号。
    """

    place: str
    account_id: str

    @classmethod
    def of(cls, path: str | os.PathLike[str], account_id: str) -> AccountKey:
        """文件夹的随便哪种写法 → 键。"""
        return cls(canonical(path), account_id)


def home() -> Path:
    """``EASYTRADER_HOME``，否则是各平台的用户数据目录；可能还不存在。

    Raises:
        UsageError: ``EASYTRADER_HOME`` 不能作文件夹。
    """
    told = os.environ.get(_HOME, "").strip()
    if told:
        return _checked(told)
    import platformdirs

    return Path(platformdirs.user_data_dir("easytrader", appauthor=False))


def _checked(told: str) -> Path:
    try:
        found = Path(told).expanduser().absolute()
    except RuntimeError:
        raise UsageError(_HOME, told, "没有 ~ 所指的用户；请写完整的路径") from None
    try:
        (found / _LONGEST).stat()
    except NotADirectoryError:
        raise UsageError(_HOME, told, "这个环境变量应是文件夹，这里是文件") from None
    except OSError as exc:
        if exc.errno == errno.ENAMETOOLONG:
            raise UsageError(_HOME, told, "这个环境变量里的路径太长，请换短的") from None
    return found  # 看不了、写不了：用到的时候各有各的说法


def folder_name(account_id: str) -> str:
    """账号作文件夹名；有特殊字符的换成摘要。"""
    if account_id.isascii() and account_id.isalnum():
        return account_id
    return hashlib.blake2b(account_id.encode(), digest_size=8).hexdigest()


def key_folder(key: AccountKey) -> Path:
    """一个客户端的一个账号：委托记录、程序化交易计数放在这里。"""
    text = f"{key.place}\0{key.account_id}"
    return home() / "accounts" / hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def account_folder(miniqmt_path: str, account_id: str) -> Path:
    """同 `key_folder`，路径怎么写都行。"""
    return key_folder(AccountKey.of(miniqmt_path, account_id))
