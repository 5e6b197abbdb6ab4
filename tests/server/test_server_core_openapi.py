"""OpenAPI：写得对，一个动词不漏，真的回答合得上。"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import schemathesis
from jsonschema import Draft202012Validator

from easytrader.server.desk import CONTROLS, ONLY_SOCKET
from easytrader.wire import verbs
from easytrader.wire.verbs import Effect

if TYPE_CHECKING:
    from server_world import World


def described(world: World) -> dict[str, Any]:
    status, told, _ = world.http("GET", "/v1/openapi.json")
    assert status == 200
    found: dict[str, Any] = told
    return found


def test_every_verb_is_described(sim_world: World) -> None:
    document = described(sim_world)
    offered = verbs.offered(sim_world.desks["main"].trader)
    assert {each.name for each in offered if each.group == "server"} == CONTROLS.keys()
    for verb in offered:
        path = document["paths"].get(f"/v1/accounts/{{account}}/{verb.name}")
        if verb.name in ONLY_SOCKET:
            assert path is None
            continue
        assert path["post"]["summary"]
        assert ("get" in path) <= (verb.effect is Effect.QUERY)
        if verb.group != "server":
            answer = path["post"]["responses"]["200"]["content"]["application/json"]["schema"]
            assert answer["properties"]["result"], verb.name


def test_the_description_is_valid(sim_world: World) -> None:
    document = described(sim_world)
    for schema in document["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    loaded = schemathesis.openapi.from_dict(document)
    operations = [each.ok() for each in loaded.get_all_operations()]
    assert len(operations) > len(verbs.TABLE)
    assert len({each.definition.raw["operationId"] for each in operations}) == len(operations)


def test_real_answers_fit(sim_world: World) -> None:
    document = described(sim_world)
    sim_world.call("main", "buy", security="600036", price=10.01, amount=100)

    def fits(verb: str, **kwargs: Any) -> None:
        status, told = sim_world.call("main", verb, **kwargs)
        assert status == 200, told
        operation = document["paths"][f"/v1/accounts/{{account}}/{verb}"]["post"]
        schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
        whole = {**schema, "components": document["components"]}
        Draft202012Validator(whole).validate(told)

    for verb in ("balance", "position", "today_entrusts", "today_trades", "server.status"):
        fits(verb)
    fits("market_buy", security="600036", amount=100)
    fits("find_entrust", key="none")
    fits("quote", codes=["600036", "510300"])
    fits("cancel_all")


def test_errors_fit(sim_world: World) -> None:
    document = described(sim_world)
    error = {**document["components"]["schemas"]["Error"], "components": document["components"]}
    responses = document["components"]["responses"]
    cases = [
        sim_world.http("GET", "/v1/accounts", token=None)[:2],
        sim_world.http("GET", "/v1/nothing")[:2],
        sim_world.http("DELETE", "/v1/accounts")[:2],
        sim_world.call("main", "buy", security="x", price=1, amount=1),
        sim_world.call("main", "buy", sim_world.scoped["read"], security="x", price=1, amount=1),
        sim_world.call("main", "find_entrust", key=12345678),
    ]
    for status, told in cases[:5]:
        assert f"E{status}" in responses
        Draft202012Validator(error).validate(told)
