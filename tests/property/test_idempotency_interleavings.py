"""Whatever is sent with a key, in whatever order and however often: one effect per key."""

from decimal import Decimal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from tests.support.portfolio import HttpBook, exact

ROUTES = ("orders", "deposits", "withdrawals", "close")
BODIES = {
    "orders": ['{"side":"BUY","qty":1}', '{"qty":1.0,"side":"BUY"}', '{"side":"SELL","qty":2}',
               '{"side":"BUY","qty":1,"note":"n"}', '{"side":"BUY","qty":100000}'],
    "deposits": ['{"amount":5}', '{"amount":"5"}', '{"amount":7.5}'],
    "withdrawals": ['{"amount":5}', '{"amount":5.0}', '{"amount":100000}'],
    "close": ['{"fraction":0.5}', '{"fraction":0.50}', '{"fraction":0.25}'],
}  # fmt: skip
SAME = {
    '{"qty":1.0,"side":"BUY"}': '{"side":"BUY","qty":1}',
    '{"amount":5.0}': '{"amount":5}',
    '{"amount":"5"}': '{"amount":5}',
    '{"fraction":0.50}': '{"fraction":0.5}',
}


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, str, str]:
    route = draw(st.sampled_from(ROUTES))
    return route, draw(st.sampled_from(("k1", "k2", "k3"))), draw(st.sampled_from(BODIES[route]))


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(st.lists(requests(), min_size=2, max_size=14))
def test_any_interleaving_has_at_most_one_effect_per_key(
    app_client: TestClient, sent: list[tuple[str, str, str]]
) -> None:
    book = HttpBook(app_client)
    position_id = book.cell(qty=50, cash=5000, anchor_price=100, plan=None)
    first: dict[tuple[str, str], tuple[str, int, bytes]] = {}
    cash = Decimal(5000)
    orders = 0
    for route, key, body in sent:
        answer = app_client.post(
            f"/api/v1/positions/{position_id}/{route}",
            content=body,
            headers={"Idempotency-Key": key, "Content-Type": "application/json"},
        )
        told = first.get((route, key))
        meaning = SAME.get(body, body)
        if told is None:
            assert answer.status_code in (201, 409, 422)
            if answer.status_code == 409:
                assert answer.json()["code"] == "insufficient_cash"
                continue
            first[route, key] = (meaning, answer.status_code, answer.content)
            if route in ("orders", "close"):
                orders += 1
            else:
                amount = Decimal(str(exact(answer)["cash"])) - cash
                cash += amount
        elif told[0] != meaning:
            assert answer.status_code == 409
            assert answer.json()["code"] == "idempotency_signature_mismatch"
        else:
            assert answer.status_code == (200 if told[1] == 201 else told[1])
            assert answer.content == told[2]
            assert answer.headers["Idempotency-Replayed"] == "true"
    stored = book.get(f"/positions/{position_id}/orders", count="exact").json()
    assert stored["total"] == orders
    assert book.position(position_id)["cash"] == cash
