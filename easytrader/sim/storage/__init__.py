"""落盘：SQLite 账本的表（`schema`）与一步一个事务的读写（`store`）。"""
