"""连接：引擎（`engine`）、看护与重连（`supervisor`、`backoff`）、心跳（`heartbeat`）、一条线（`line`）。"""
