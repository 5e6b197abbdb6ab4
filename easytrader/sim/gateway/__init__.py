"""厂商口径的边界：动作表（`verbs`）、翻译（`translator`）、行与字段（`rows` `fields`）、

线上的话（`wire`）、请求的分派（`dispatch`）、以前的日子（`history`）。
"""
