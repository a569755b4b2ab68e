# SPDX-License-Identifier: Apache-2.0
"""Records of machines that do not exist, from one that this machine made: for the tests of cost."""
import copy
import glob
import hashlib
import json
import os

from program import SMALL, run

GEMM = ("gemm[cuda,dtype=bf16,m=8192,n=8192,k=8192]", "gemm",
        {"dtype": "bf16", "m": "8192", "n": "8192", "k": "8192", "model": "none"})
LAYER = ("gemm[cuda,dtype=bf16,m=8192,n=28672,k=4096,model=llama3-8b]", "gemm",
         {"dtype": "bf16", "m": "8192", "n": "28672", "k": "4096", "model": "llama3-8b"})
COPY = ("memory[cuda,op=copy,dtype=f32]", "memory", {"op": "copy", "dtype": "f32"})
REDUCE = ("all_reduce[cuda,bytes=1GiB,dtype=bf16,scope=all]", "all_reduce",
          {"bytes": "1GiB", "dtype": "bf16", "scope": "all"})


def template(folder):
    """A record of the program's own, whose shape is that of all others."""
    result = run("run", "memory", "op=copy", "bytes=1MiB", "--device", "cpu", "-O", folder, *SMALL)
    assert result.returncode == 0, result.stderr
    path = glob.glob(os.path.join(folder, "*.json"))[0]
    with open(path) as file:
        record = json.load(file)
    os.unlink(path)
    return record


def row(model, case, work, seconds):
    """A measured row: `seconds` a step, in an interval of 1 % to both sides."""
    made = copy.deepcopy(model)
    made.update(id=case[0], workload=case[1], label=case[0], device="cuda", params=case[2])
    for key in ("telemetry", "per_rank", "details", "rates", "shares", "percentiles_ns", "reason"):
        made.pop(key, None)
    made["status"] = "measured"
    made["work"] = {"formula": case[1], **work}
    time = seconds * 1e9
    samples = [time * (1 + 0.01 * (i - 3) / 3) for i in range(7)]
    made["samples"] = dict(made["samples"], time_ns=samples)
    made["time_ns"] = dict(made["time_ns"], n=7, median=time, min=samples[0], max=samples[-1],
                           q1=samples[1], q3=samples[5], ci_low=samples[0], ci_high=samples[-1])
    return made


def write(folder, model, stem, launches, speed, gpus=8, price=None, rows=None, **provider):
    """`launches` records, each 0.1 % slower than the one before, from `speed` FLOP/s a GPU on."""
    for launch in range(launches):
        slow = 1 + 0.001 * launch
        record = copy.deepcopy(model)
        record.pop("price", None)
        record.update(run_id=hashlib.md5(f"{stem}{launch}".encode()).hexdigest(), ranks=gpus,
                      ranks_per_node=gpus, nodes=1, host_kind=f"{gpus}x-some-gpu", health=[],
                      complete=True, solo=False, oversubscribed=False, data="normal")
        record["device"] = {"kind": "cuda", "name": "Some GPU", "count": gpus, "index": 0,
                            "memory_bytes": 85899345920, "last_cache_bytes": 0, "units": 100}
        for key in ("places", "links", "topology", "fabric", "provider"):
            record.pop(key, None)
        if provider:
            record["provider"] = dict({"method": "user"}, **provider)
        if price:
            record["price"] = {"usd_per_hour": price, "source": "told"}
        kinds = {
            "gemm": (GEMM, {"flop": 1e13}, 1e13 / speed * slow),
            "layer": (LAYER, {"flop": 1e13}, 1.1e13 / speed * slow),
            "copy": (COPY, {"bytes": 1e10}, 1e10 / (speed / 250) * slow),
            "reduce": (REDUCE, {"bytes": 2**30, "bus_factor": 1.75, "ranks": gpus, "nodes": 1},
                       2**30 / (speed / 2500) * slow),
        }
        del record["rows"]  # they stand last, as the program writes them
        record["rows"] = [row(model["rows"][0], *kinds[kind]) for kind in rows or kinds]
        with open(os.path.join(folder, f"{stem}-{launch}.json"), "w") as file:
            json.dump(record, file)
