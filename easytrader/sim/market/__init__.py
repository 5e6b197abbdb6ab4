"""行情从哪里来：合成的（`synthetic`，由 `anchors` `noise` `closes` `conditions` 推出），或回放的

（`replay`，数据在 `library` `tables` `columns` `quick`，一根 K 线里怎样走见 `bar_path`）。
"""
