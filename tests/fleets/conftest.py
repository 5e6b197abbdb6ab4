"""公用：PostgreSQL 的库（没有的跳过）。"""

from fleets.pg_server import pg_dsn, pg_server, pg_session

__all__ = ["pg_dsn", "pg_server", "pg_session"]
