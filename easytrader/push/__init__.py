"""推送的交付：排队、理顺次序、去重、交给用户的回调。"""

from easytrader.push.courier import Courier

__all__ = ["Courier"]
