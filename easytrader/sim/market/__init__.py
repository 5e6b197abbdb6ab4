"""行情从哪里来：合成的（`synthetic`，由 `anchors` `noise` `closes` 推出），或回放的

（`replay`，数据在 `library` `tables` `columns`）。
"""
