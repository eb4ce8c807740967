"""Examples of what a schema describes, put together from those of its parts."""

from __future__ import annotations

from typing import Any, Final

_PLAIN: Final = {"string": "text", "integer": 3, "number": 1.5, "boolean": True, "null": None}


def example(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    """Return a value that a schema allows: examples where there are some, else something plain.

    Args:
        schema: the schema.
        components: those it refers to, by name.
    """
    for key in ("examples", "enum"):
        if schema.get(key):
            return schema[key][0]
    if "$ref" in schema:
        return example(components[schema["$ref"].rpartition("/")[2]], components)
    if "const" in schema:
        return schema["const"]
    if "anyOf" in schema:
        some = [one for one in schema["anyOf"] if one.get("type") != "null"]
        return example(some[0], components) if some else None
    if "properties" in schema:
        return {name: example(part, components) for name, part in schema["properties"].items()}
    if "prefixItems" in schema:
        return [example(part, components) for part in schema["prefixItems"]]
    return _plain(schema, components)


def _plain(schema: dict[str, Any], components: dict[str, Any]) -> Any:
    kind = schema.get("type")
    if kind == "array":
        items = schema.get("items")
        return [example(items, components)] if isinstance(items, dict) else []
    if kind == "object":
        values = schema.get("additionalProperties")
        return {"name": example(values, components)} if isinstance(values, dict) else {}
    return _PLAIN.get(str(kind), {})
