# SPDX-License-Identifier: Apache-2.0
"""check_schema.py WRITER: results/schema.json judges what the program writes, and refuses what it
should not: each of BROKEN is a change of a good record that has to fail.

Exits with 77 (skipped) when there is no validator: python3-jsonschema, 4.0 or later."""
import copy
import json
import pathlib
import subprocess
import sys
import tempfile

SCHEMA = pathlib.Path(__file__).resolve().parents[2] / "results" / "schema.json"

ON_GPU = ("gpu", 0)
MEASURED, UNTRUSTED, FAILED, SKIPPED = ("cpu", 0), ("cpu", 1), ("cpu", 2), ("cpu", 3)
COLLECTIVE, NODES = ("gpu", 4), ("nodes", 0)

# name of a record, path of the key, new value (REMOVE takes it away)
REMOVE = object()
BROKEN = [
    ("gpu", ["schema"], 2),
    ("gpu", ["schema"], REMOVE),
    ("gpu", ["run_id"], "my run"),
    ("gpu", ["started_utc"], "2026-11-20 23:41:07"),
    ("gpu", ["started_utc"], "2026-11-20T23:41:07+01:00"),
    ("gpu", ["seed"], -1),
    ("gpu", ["seed"], "12"),
    ("gpu", ["data"], "random"),
    ("gpu", ["ranks"], 0),
    ("gpu", ["suite", "hash"], "xyz"),
    ("gpu", ["price"], {"usd_per_hour": 0}),
    ("gpu", ["price"], None),
    ("gpu", ["provider", "method"], "guess"),
    ("gpu", ["provider", "host"], "x"),
    ("gpu", ["provider", "zone"], ""),
    ("gpu", ["budget_s"], 0),
    ("gpu", ["environment", "os"], 12),
    ("cpu", ["health", 0, "level"], "fatal"),
    ("gpu", ["device", "clock_hz"], 0),
    ("gpu", ["device", "uuid"], ""),
    ("gpu", ["topology", "gpu_nic_distance", 0, 0], "near"),
    ("gpu", ["topology", "numa_nodes", 0, "cpus"], "all"),
    ("gpu", ["fabric", "nics", 0, "state"], "sleepy"),
    ("gpu", ["fabric", "gpudirect_rdma", "evidence"], REMOVE),
    ("gpu", ["fabric", "machines", 0, "machines"], "node7"),
]


def row(at, *keys):
    name, index = at
    return name, ["rows", index, *keys]


BROKEN += [
    (*row(MEASURED, "status"), "green"),
    (*row(MEASURED, "samples"), REMOVE),
    (*row(MEASURED, "time_ns"), REMOVE),
    (*row(MEASURED, "work"), REMOVE),
    (*row(MEASURED, "verification"), REMOVE),
    (*row(MEASURED, "verification", "passed"), False),
    (*row(MEASURED, "verification", "wrong"), 1),
    (*row(MEASURED, "verification", "checked"), 0),
    (*row(MEASURED, "reason"), "none"),
    (*row(MEASURED, "samples", "time_ns"), []),
    (*row(MEASURED, "samples", "time_ns", 0), None),
    (*row(MEASURED, "samples", "time_ns", 0), -1),
    (*row(MEASURED, "samples", "stop_reason"), "bored"),
    (*row(MEASURED, "time_ns", "ci_high"), REMOVE),
    (*row(MEASURED, "time_ns", "coverage"), 1.5),
    (*row(MEASURED, "work", "op"), 5),
    (*row(MEASURED, "rates"), {}),
    (*row(MEASURED, "rates", "flop_per_s", "low"), REMOVE),
    (*row(MEASURED, "params", "dtype"), 32),
    (*row(MEASURED, "telemetry", "steal_fraction"), None),
    (*row(MEASURED, "telemetry", "source"), REMOVE),
    (*row(ON_GPU, "telemetry", "throttle"), "maybe"),
    (*row(ON_GPU, "telemetry", "clock_source"), "guess"),
    (*row(ON_GPU, "telemetry", "steps"), -1),
    (*row(ON_GPU, "samples", "launch"), "thrown"),
    (*row(ON_GPU, "details", "algorithm"), []),
    (*row(ON_GPU, "energy", "source"), REMOVE),
    (*row(ON_GPU, "shares"), {}),
    (*row(ON_GPU, "shares", "of_bound"), 0),
    (*row(ON_GPU, "energy", "j_per_flop"), REMOVE),
    (*row(ON_GPU, "energy", "j_per_byte"), 1),
    (*row(ON_GPU, "sustain", "burst"), REMOVE),
    (*row(ON_GPU, "sustain", "sustained", "time_ns"), REMOVE),
    (*row(ON_GPU, "sustain", "block_ns"), []),
    (*row(UNTRUSTED, "reason"), REMOVE),
    (*row(UNTRUSTED, "reason"), ""),
    (*row(UNTRUSTED, "verification"), REMOVE),
    (*row(FAILED, "reason"), REMOVE),
    (*row(FAILED, "rates"), {"flop_per_s": {"value": 1e12}}),
    (*row(SKIPPED, "reason"), REMOVE),
    (*row(SKIPPED, "samples"), {"time_ns": [1]}),
    (*row(COLLECTIVE, "rates", "alg_bytes_per_s"), REMOVE),
    (*row(NODES, "work", "ranks"), 0),
    (*row(NODES, "shares"), {"of_published": 0}),
    (*row(NODES, "shares"), {"of_the_best": 0.9}),
    (*row(COLLECTIVE, "ports"), []),
    (*row(COLLECTIVE, "ports", 0, "kind"), "carrier pigeon"),
    (*row(COLLECTIVE, "ports", 0, "sent_bytes"), REMOVE),
    (*row(COLLECTIVE, "ports_steps"), REMOVE),
    ("links", ["places", 0, "machine"], REMOVE),
    ("links", ["links", "pairs", 0, "a_to_b_bytes_per_s"], None),
    ("links", ["links", "inside", 0, "machine"], REMOVE),
    ("links", ["links", "suspects", 0, "kind"], "bad"),
    ("links", ["links", "suspects", 0, "local"], 1),
    ("links", ["links", "suspects", 1, "other_machine"], REMOVE),
    ("links", ["links", "suspects", 0, "gain"], 0),
]

# Objects whose keys are the machine's or a workload's.
OPEN = {"environment", "params", "details", "settings"}


def change(record, path, value):
    target = record
    for step in path[:-1]:
        target = target[step]
    if value is REMOVE:
        del target[path[-1]]
    else:
        target[path[-1]] = value


def objects(value, path=()):
    """The path of every object that is not open."""
    if isinstance(value, dict):
        yield path
        for key, child in value.items():
            if key not in OPEN:
                yield from objects(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from objects(child, (*path, index))


def broken_records(records):
    for name, path, value in BROKEN:
        record = copy.deepcopy(records[name])
        change(record, path, value)
        yield f"{name}: {path} = {'removed' if value is REMOVE else value!r}", record
    for name, good in records.items():
        for path in objects(good):
            record = copy.deepcopy(good)
            change(record, [*path, "key_of_nobody"], 1)
            yield f"{name}: a key of nobody in {list(path)}", record


def write_records(writer):
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([writer, folder], check=True)
        files = sorted(pathlib.Path(folder).glob("*.json"))
        return {file.stem: json.loads(file.read_text()) for file in files}


def main():
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        print("skipped: no JSON Schema validator; install python3-jsonschema (4.0 or later)")
        return 77
    schema = json.loads(SCHEMA.read_text())
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    records = write_records(sys.argv[1])
    wrong = 0
    for name, record in records.items():
        for error in validator.iter_errors(record):
            wrong += 1
            print(f"{name}: {list(error.absolute_path)}: {error.message[:300]}")
    refused = 0
    for what, record in broken_records(records):
        if validator.is_valid(record):
            wrong += 1
            print(f"should be refused: {what}")
        refused += 1
    print(f"{len(records)} records, {refused} broken ones, {wrong} wrong judgements")
    return 1 if wrong or not records else 0


if __name__ == "__main__":
    sys.exit(main())
