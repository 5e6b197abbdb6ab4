"""主机：占着文件夹的线程（`host`）与租约（`lease`），会话与投递（`delivery`），

套接字两头（`server` `links`），嵌在本进程里的柜台（`hub`），故障（`faults`），单步（`stepping`）。
"""
