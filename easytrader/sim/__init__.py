"""模拟 MiniQMT：在厂商自己的 Python 代码之下，随处可跑。"""
