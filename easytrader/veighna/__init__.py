"""我们的交易口作 VeighNa 的接口：``main_engine.add_gateway(EasytraderGateway)``。"""

from __future__ import annotations
