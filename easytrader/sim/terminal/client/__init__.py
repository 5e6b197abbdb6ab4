"""内置 Python：在 CPython 3.6 里跑，只用标准库，不导入 easytrader 的任何东西。"""
