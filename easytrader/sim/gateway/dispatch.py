"""分派：把请求交给 Engine，几个请求合一次提交；Engine 出错时也给出像样的应答。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from easytrader.errors import SimulatorError
from easytrader.sim.gateway.rows import CancelAnswer, OrderAnswer
from easytrader.sim.gateway.verbs import UNSUPPORTED, VERBS
from easytrader.sim.gateway.wire import QUERY_FAILED, Request
from easytrader.sim.ledger.events import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from easytrader.sim.gateway.translator import Translator
    from easytrader.sim.gateway.verbs import Verb
    from easytrader.sim.ledger.events import AccountQuery


_FAILED: Final = -1


class Dispatcher:
    """只由主机线程使用。"""

    def __init__(self, engine: Translator) -> None:
        self._engine = self.desk = engine
        self.advance = engine.advance
        self.close = engine.close
        self._verbs: dict[str, Callable[[Any], Outcome]] = {
            name: self._doer(verb) for name, verb in VERBS.items()
        }

    def _doer(self, verb: Verb) -> Callable[[Any], Outcome]:
        """办这个动作的函数。"""
        name, engine = verb.name, self._engine
        if verb.kind == "session":
            return self._known
        if verb.kind == "business":
            return lambda args: engine.ask(name, args)
        if verb.kind == "action":
            return lambda args: engine.act(name, args)
        if name == UNSUPPORTED:
            return lambda args: Outcome(("not_simulated", args[0]))
        if verb.args:
            return lambda args: getattr(engine, name)(args)
        return lambda args: getattr(engine, name)()

    def handle(self, requests: list[Request]) -> list[Outcome]:
        """办完并提交；返回时结果都已落盘。出错的那些得到失败的应答，不抛异常。"""
        if len(requests) == 1:
            return [self._one(requests[0])]
        outcomes: list[Outcome] = []
        try:
            with self._engine.transaction():
                for request in requests:
                    outcomes.append(self._verbs[request.verb](request.args))  # noqa: PERF401
        except Exception as error:  # noqa: BLE001  一批出错，主机照常
            if len(outcomes) == len(requests):  # 卡在提交上：到底写没写成说不准，不可重做
                _log("提交", error)
                return [failed(request, error) for request in requests]
            # 还没到提交，谁也没有生效：一个一个重来，别让出错的那个连累别人
            return [self._one(request) for request in requests]
        return outcomes

    def walk(self) -> Outcome:
        """推进一段，走到的时刻也落盘。"""
        return self._engine.walk()

    def next_wakeup(self) -> float | None:
        """几秒后值得再推进；说不出来就一秒。"""
        try:
            return self._engine.next_wakeup()
        except Exception as error:  # noqa: BLE001  主机要活着
            _log("估计下一跳", error)
            return 1.0

    def _one(self, request: Request) -> Outcome:
        try:
            return self._verbs[request.verb](request.args)
        except Exception as error:  # noqa: BLE001  一个请求出错，主机和别的请求照常
            _log(request.verb, error)
            return failed(request, error)

    def _known(self, args: AccountQuery) -> Outcome:
        return Outcome(0 if self._engine.has_account(args[0], args[1]) else _FAILED)


def failed(request: Request, error: BaseException) -> Outcome:
    """柜台办不了时的应答：下单 -1 带原因，撤单、订阅 -1，查询说失败（不能说成没有）。"""
    args: Any = request.args
    failure = {"error_id": _FAILED, "error_msg": str(error)}
    if request.verb == "submit":
        return Outcome(
            OrderAnswer(
                args.account_type,
                args.account_id,
                _FAILED,
                args.strategy_name,
                args.order_remark,
                **failure,
            )
        )
    if request.verb == "cancel":
        return Outcome(
            CancelAnswer(
                args.account_type, args.account_id, _FAILED, args.order_id, args.sysid, **failure
            )
        )
    if request.verb in ("subscribe", "unsubscribe"):
        return Outcome(_FAILED)
    return Outcome((QUERY_FAILED, str(error)))


def _log(what: str, error: BaseException) -> None:
    if isinstance(error, SimulatorError):
        logger.error("模拟柜台办不了 {}：{}", what, error)
    else:
        logger.exception("模拟柜台处理 {} 时出错", what)
