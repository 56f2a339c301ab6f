"""Examples for the published document: the declared ones first, else what a field's name suggests.

Every request example is valid against its own model (a test sends each of them through it), so
what `Try it out` shows can be sent after the ids are replaced.
"""

from collections.abc import Mapping
from typing import Any

Json = Any
Schemas = Mapping[str, Mapping[str, Any]]

INSTANT = "2026-01-05T15:00:00Z"
DAY = "2026-01-05"
UUID = "0190b6f0c4d57c1e8a54c0ffee000001"
DEPTH_MAX = 8

_PREFIXES = {
    "account": "acc", "actor": "usr", "aggregate": "pos", "cause": "fil", "client_order": "ord",
    "credential": "tok", "dividend": "div", "entitlement": "ent", "evaluation": "evl",
    "fill": "fil", "flow": "flw", "job": "job", "series": "ser", "holder": "pos",
    "order": "ord", "position": "pos",
    "proposal": "evl", "request": "req", "session": "ses", "split": "spl", "token": "tok",
    "transfer": "trf", "user": "usr",
}  # fmt: skip

_TEXTS = {
    "access_token": "eyJhbGciOiJIUzI1NiJ9.e30.c2lnbmF0dXJl", "action": "BUY",
    "actor": f"usr_{UUID}",
    "adjustment": "split", "after_seq": 128, "aggregate_type": "position", "api_version": "v1",
    "asset": "USD", "base": "ZIM", "base_currency": "USD", "book": "real", "bucket": "cash",
    "calendar": "XNYS", "code": "order_notional", "currency": "USD",
    "data_hash": "9f86d081884c7d65",
    "description": "What it is, in a sentence.", "detail": "What was found, in a sentence.",
    "display_name": "Owner", "engine_version": "0.1.0", "fee_currency": "USD",
    "from_bucket": "cash", "hash": "9f86d081884c7d65", "instrument": "ZIM", "intent": "open",
    "interval": "1d", "intervals": "1d", "kind": "data_import", "leg": "cash",
    "liquidity": "unknown", "message": "What happened, in a sentence.", "mode": "paper",
    "name": "Main", "new_password": "brass lantern over the quay", "origin": "manual",
    "password": "brass lantern over the quay", "current_password": "seven grey herons waiting",
    "platform": "linux", "price_source": "bundled", "python": "3.11.9", "quote": "USD",
    "reason": "Why, in a sentence.", "reason_code": "inside_thresholds",
    "refresh_token": "rft_example",
    "schema_revision": "0001", "scope": "", "series": UUID, "settle": "USD", "settlement": "cash",
    "source": "bundled", "step": "apply", "ticker": "ZIM", "title": "Position not found",
    "to_bucket": "cash", "token": "blt_example", "type": "order_filled", "unit": "candles",
    "user_agent": "curl/8.5.0", "username": "owner", "venue": "manual", "version": "0.1.0",
    "via": "api_token", "address": "127.0.0.1", "addresses": "127.0.0.1", "timeframe": "1d",
    "feed_status": "manual", "exit_reason": "take_profit",
    "severity": "warning", "symbol": "ZIM", "uri": "otpauth://totp/Ballast:owner",
    "secret": "JBSWY3DPEHPK3PXP", "from_holder": "external", "to_holder": f"acc_{UUID}",
    "status": "open", "phase": "settled", "attributions": "Example data vendor", "pattern": "1d",
    "column": "close", "sha256": "9f86d081884c7d65",
}  # fmt: skip

_ORDER_WORDS = ("Order", "Submitted", "Cancelled", "Filled")

_NUMBERS = {
    "starting_equity": 100000, "commission_rate": 0.0001, "slippage": 0.0005, "reserved": 0,
    "available": 10000, "position_cash": 8480, "remaining_qty": 0, "avg_fill_price": 15.2,
    "raw_qty": 16.6, "notional": 1520, "completeness": 1, "latency_p50_s": 0.002, "progress": 0.5,
    "latency_p99_s": 0.011, "uptime_s": 3600.5, "USD": 0,
    "amount": 250, "avg_cost": 15.2, "anchor_price": 15.2, "cash": 10000, "dps": 0.42,
    "equity": 25200, "fraction": 1, "gross": 42, "limit": 25000, "multiplier": 1, "net": 31.5,
    "price": 15.2, "qty": 100, "ratio": 4, "stock_fraction": 0.5, "tax": 10.5, "value": 25200,
    "withholding_rate": 0.25, "filled_qty": 100, "limit_price": 15, "stop_price": 14,
    "tick_size": 0.01, "lot_step": 1, "max": 0.75, "min": 0.25, "commission": 1,
}  # fmt: skip


def example_of(schema: Mapping[str, Any], schemas: Schemas, name: str = "", depth: int = 0) -> Json:
    """A value of the schema; optional request fields without an example are left out."""
    if "$ref" in schema:
        target = str(schema["$ref"]).rpartition("/")[2]
        if name and schema.get("examples"):
            return schema["examples"][0]
        return example_of(schemas[target], schemas, name, depth + 1)
    for keyword in ("example", "const"):
        if keyword in schema:
            return schema[keyword]
    if schema.get("examples"):
        return schema["examples"][0]
    if "default" in schema:
        return schema["default"]
    if "enum" in schema:
        return schema["enum"][0]
    for keyword in ("anyOf", "oneOf"):
        if keyword in schema:
            return _of_choice(schema[keyword], schemas, name, depth)
    return _of_type(schema, schemas, name, depth)


def _of_choice(choices: list[Mapping[str, Any]], schemas: Schemas, name: str, depth: int) -> Json:
    """Absent is the plainest value of what may be absent, unless its name has one of its own."""
    can_be_null = depth > 0 and any(choice.get("type") == "null" for choice in choices)
    first = next((choice for choice in choices if choice.get("type") != "null"), {})
    if can_be_null and (first.get("type") != "number" or depth > DEPTH_MAX):
        return None
    return example_of(first, schemas, name, depth)


def _of_type(schema: Mapping[str, Any], schemas: Schemas, name: str, depth: int) -> Json:
    kind = schema.get("type")
    if kind == "object" or "properties" in schema:
        return _of_object(schema, schemas, name, depth)
    if kind == "array":
        item = schema.get("items")
        return [] if not item or depth > DEPTH_MAX else [example_of(item, schemas, name, depth + 1)]
    if kind == "boolean":
        return name in ("ok", "valid", "usable", "enabled", "is_active", "within", "accepted")
    if kind == "integer":
        return max(1, int(schema.get("minimum", 1)))
    if kind == "number":
        return _NUMBERS.get(name, 1)
    return _text(schema, name) if kind == "string" else {}


def _of_object(schema: Mapping[str, Any], schemas: Schemas, name: str, depth: int) -> Json:
    properties: Mapping[str, Any] = schema.get("properties", {})
    if not properties:
        values = schema.get("additionalProperties")
        if not isinstance(values, Mapping) or depth > DEPTH_MAX:
            return {}
        return {"USD" if name == "sums" else "store": example_of(values, schemas, name, depth + 1)}
    owner = str(schema.get("title", ""))
    required = set(schema.get("required", ()))
    shown = [k for k, field in properties.items() if k in required or _is_shown(field, owner)]
    return {
        key: _own(owner, key) or example_of(properties[key], schemas, key, depth + 1)
        for key in shown or list(properties)[:1]
    }


def _is_shown(field: Mapping[str, Any], owner: str) -> bool:
    """Answers show every field; requests what is required or has an example."""
    return not owner.endswith("In") or bool(field.get("examples"))


def _own(owner: str, key: str) -> str | None:
    """What a field of this very object holds, where its name alone says too little."""
    word = owner.removesuffix("Out")
    if key == "status" and word.startswith(_ORDER_WORDS):
        return "working"
    if key != "id":
        return None
    if word.startswith("Instrument"):
        return "ZIM"
    event = "evt" if "Event" in word else None
    noun = next((p for noun, p in _PREFIXES.items() if word.lower().startswith(noun)), "evt")
    return f"{event or noun}_{UUID}"


def with_nulls(example: Json, schema: Mapping[str, Any], schemas: Schemas) -> Json:
    """A declared example with the nulls it was published without: required fields may be null."""
    if "$ref" in schema:
        return with_nulls(example, schemas[str(schema["$ref"]).rpartition("/")[2]], schemas)
    if isinstance(example, list) and "items" in schema:
        return [with_nulls(item, schema["items"], schemas) for item in example]
    if not isinstance(example, dict) or "properties" not in schema:
        return example
    fields: Mapping[str, Any] = schema["properties"]
    absent = {name: None for name in schema.get("required", ()) if name not in example}
    return absent | {
        name: with_nulls(value, fields.get(name, {}), schemas) for name, value in example.items()
    }


def _text(schema: Mapping[str, Any], name: str) -> Json:
    form = schema.get("format")
    if form == "date-time":
        return INSTANT
    if form == "date":
        return DAY
    if schema.get("pattern") == "^[0-9]{6}$":
        return "123456"
    if name in _TEXTS:
        return _TEXTS[name]
    if name.endswith(("_id", "_by")) or name == "id":
        return f"{_PREFIXES.get(name[:-3], 'evt')}_{UUID}"
    return name.replace("_", " ") or "text"
