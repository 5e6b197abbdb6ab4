"""存储的地址：``postgresql://…`` 或 ``sqlite:///路径``，给出来的 `Store`。

密码不写出来；别的机器上的 PostgreSQL 一定要认证书的 TLS。
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from easytrader.fleets.store import Store


def open_store(dsn: object, timeout_s: float = 5.0) -> Store:
    """地址 → 存储；还没有连。

    Args:
        dsn: ``postgresql://用户@主机:端口/库?sslmode=verify-full``；
            ``env:变量名``、``keyring:服务/用户名`` 也行；``sqlite:///路径`` 只给一台机器用。
        timeout_s: 连接最多等这么久。

    Raises:
        UsageError: 写得不对，明文连别的机器。
        MissingDependencyError: 没有装 psycopg。
    """
    raise NotImplementedError
