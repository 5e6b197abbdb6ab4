"""本库自己的文件放在哪里。"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path


def home() -> Path:
    """``EASYTRADER_HOME``，否则是各平台的用户数据目录。"""
    told = os.environ.get("EASYTRADER_HOME", "").strip()
    if told:
        return Path(told).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_data_dir("easytrader", appauthor=False))


def folder_name(account_id: str) -> str:
    """账号作文件夹名；有特殊字符的换成摘要。"""
    if account_id.isascii() and account_id.isalnum():
        return account_id
    return hashlib.blake2b(account_id.encode(), digest_size=8).hexdigest()


def account_folder(miniqmt_path: str, account_id: str) -> Path:
    """一个客户端的一个账号：委托记录、程序化交易计数放在这里。"""
    place = os.path.normcase(os.path.abspath(miniqmt_path))  # noqa: PTH100  不解开符号链接
    digest = hashlib.blake2b(f"{place}\0{account_id}".encode(), digest_size=8).hexdigest()
    return home() / "accounts" / digest
