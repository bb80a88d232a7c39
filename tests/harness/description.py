"""GET /api/openapi.json, held against what the server really answers."""
import copy
import functools
import json
import pathlib
import re

import jsonschema

DOCUMENT = pathlib.Path(__file__).parents[2] / "server" / "api" / "openapi.json"


def strict(schema):
    """The schema, without room for fields that it does not name."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    out = {key: strict(value) for key, value in schema.items()}
    if out.get("type") == "object" and out.get("properties") and "additionalProperties" not in out:
        out["additionalProperties"] = False
    return out


@functools.cache
def document():
    return strict(json.loads(DOCUMENT.read_text()))


@functools.cache
def paths():
    """Pattern and operations of every path, those without parameters first."""
    found = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path) + "$"), operations) for path, operations in document()["paths"].items()]
    return sorted(found, key=lambda entry: entry[0].pattern.count("[^/]+"))


def routes():
    return {(method.upper(), path) for path, operations in document()["paths"].items() for method in operations}


@functools.cache
def validator(schema_text):
    schema = json.loads(schema_text)
    return jsonschema.Draft202012Validator({**schema, "components": document()["components"]})


def check(method, target, status, body):
    """Fails when the answer is not what the document says of it. Unknown paths are nobody's business."""
    path = target.split("?")[0]
    operations = next((operations for pattern, operations in paths() if pattern.match(path)), None)
    if operations is None or method.lower() not in operations:
        return
    responses = operations[method.lower()]["responses"]
    response = responses.get(str(status)) or responses.get("default")
    assert response, f"{method} {path}: {status} is not described"
    if "$ref" in response:
        response = document()["components"]["responses"][response["$ref"].rsplit("/", 1)[1]]
    if method == "HEAD" or "application/json" not in response.get("content", {}):
        return
    schema = copy.copy(response["content"]["application/json"]["schema"])
    problems = [f"{'/'.join(map(str, p.absolute_path))}: {p.message}" for p in validator(json.dumps(schema)).iter_errors(body)]
    assert not problems, f"{method} {path} answered {status} with what openapi.json does not say: {problems[:3]}"
