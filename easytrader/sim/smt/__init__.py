"""约券：券源、申请、合约、展期、归还。"""

from easytrader.sim.smt.line import smt_business

__all__ = ["smt_business"]
