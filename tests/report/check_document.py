# SPDX-License-Identifier: Apache-2.0
"""results/document.schema.json judges what golden documents are, knows every kind that the program
prints, and refuses broken ones: each of BROKEN is a change of a good document that has to fail.

Exits with 77 (skipped) when there is no validator: python3-jsonschema, 4.0 or later."""
import copy
import json
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "results" / "document.schema.json"
GOLDEN = ROOT / "tests" / "report" / "golden"

# Key of the document, new value (None takes it away).
BROKEN = [
    ("program", "another"),
    ("schema", 2),
    ("schema", None),
    ("kind", None),
    ("title", None),
    ("notes", None),
    ("notes", ["a text"]),
    ("notes", [{"code": "A B", "text": ""}]),
    ("fact", {"nested": 1}),
    ("rows", [{"unknown": None}]),
    ("rows", [1, 2]),
    ("rows_notes", []),
    ("rows_notes", [1]),
]


def documents():
    """Golden documents by name; records lie there too, and inputs with comments."""
    found = {}
    for path in sorted(GOLDEN.glob("*.json")):
        text = path.read_text()
        content = json.loads(text) if '"program"' in text else {}
        if "kind" in content and "title" in content:
            found[path.name] = content
    return found


def kinds():
    """Of the documents that the program's sources begin."""
    found = set()
    for path in (ROOT / "harness").rglob("*.c"):
        found.update(re.findall(r'mlb_document_new\(\s*"(\w+)"', path.read_text()))
    return found


def broken(document):
    for key, value in BROKEN:
        changed = copy.deepcopy(document)
        changed[key] = value
        if value is None:
            del changed[key]
        yield f"{key} = {value}", changed


def main():
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("skipped: no JSON Schema validator; install python3-jsonschema (4.0 or later)")
        return 77
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    good, wrong = documents(), 0
    for name, document in good.items():
        for error in validator.iter_errors(document):
            wrong += 1
            print(f"{name}: {list(error.absolute_path)}: {error.message[:300]}")
    printed = kinds()
    for kind in printed:
        if not validator.is_valid(dict(good["sheet.json"], kind=kind)):
            wrong += 1
            print(f"kind '{kind}' is refused")
    if not {"compare", "cost", "decide", "prices"} <= printed:
        wrong += 1
        print(f"kinds that were found in the sources: {sorted(printed)}")
    for what, document in broken(good["sheet.json"]):
        if validator.is_valid(document):
            wrong += 1
            print(f"should be refused: {what}")
    print(f"{len(good)} documents, {len(BROKEN)} broken ones, {wrong} wrong judgements")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
