"""Compares two AsyncAPI 3 documents: who consumes by the older one still finds and reads every message."""

from collections.abc import Iterator

from schemas.compatibility.json_schema import SchemaComparison, Use
from schemas.compatibility.node import Breaking, Node

_FIXED = {"contentType": "content type", "name": "message name"}


def asyncapi_changes(old: Node, new: Node) -> Iterator[Breaking]:
    """Yield what breaks consumers; a finding may come more than once."""
    schemas = SchemaComparison()
    if old.get("defaultContentType") != new.get("defaultContentType"):
        yield Breaking(old["defaultContentType"].path, "another content type")
    for name, channel in old["channels"].items():
        if name not in new["channels"]:
            yield Breaking(channel.path, "channel removed")
            continue
        before, after = channel.resolved(), new["channels"][name].resolved()
        if before.get("address") != after.get("address"):
            yield Breaking(before["address"].path, f"the address is now {after.get('address')}")
        yield from _messages(before["messages"], after["messages"], schemas)
    for name, operation in old["operations"].items():
        if new["operations"][name].get("action") != operation.get("action"):
            yield Breaking(operation.path, "operation removed or turned round")


def _messages(old: Node, new: Node, schemas: SchemaComparison) -> Iterator[Breaking]:
    for name, reference in old.items():
        if name not in new:
            yield Breaking(reference.path, "message removed")
            continue
        before, after = reference.resolved(), new[name].resolved()
        for member, meaning in _FIXED.items():
            if before.get(member) != after.get(member):
                yield Breaking(before[member].path, f"another {meaning}: {after.get(member)}")
        yield from schemas.compare(before["headers"], after["headers"], Use.EVENT)
        yield from schemas.compare(before["payload"], after["payload"], Use.EVENT)
        key_before, key_after = (node["bindings"]["kafka"]["key"] for node in (before, after))
        yield from schemas.compare(key_before, key_after, Use.EVENT)
