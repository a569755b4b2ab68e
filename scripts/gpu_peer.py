#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rows of a record through PyTorch, and the ratio of the two, row by row.

    gpu_peer.py plan RECORD                    which call each row is compared with; needs no torch
    gpu_peer.py measure RECORD PEER.json TIME  times those calls on the GPU, none begun after TIME s
    gpu_peer.py compare BEFORE AFTER PEER.json prints the table; adds the ratios to PEER.json

A ratio is PyTorch's time divided by mlbench's: 1.05 means that mlbench ran it in 5 % less. Mlbench
was measured before and after PyTorch, and its time is the mean of the two; where they differ by
more than 2 % the line says so.

Times are taken as mlbench takes them: operands as large in sum as three times the L2 cache take
turns, batches of 10 ms or more between two events, medians. Where PyTorch has several ways for the
same thing (backends of attention, ways to copy), each is timed and the best one counts.
"""
import json
import statistics
import sys
import time

WARM_S, BATCH_S, BATCHES = 0.5, 0.010, 30
TURNS_DIFFER = 0.02
DTYPES = {"f64": "float64", "f32": "float32", "tf32": "float32", "bf16": "bfloat16",
          "f16": "float16", "s8": "int8", "e4m3": "float8_e4m3fn", "e5m2": "float8_e5m2"}


class NoPeer(Exception):
    """This row has no counterpart; the text says why."""


# -------------------------------------------------------------------------- which call, from params

def number(params, key):
    return int(params[key])


def plan_gemm(params):
    """torch's call for the product; operands as mlbench stores them."""
    dtype, which = params["dtype"], params["pass"]
    m, n, k = (number(params, key) for key in "mnk")
    if dtype not in DTYPES:
        raise NoPeer(f"PyTorch has no product of {dtype}")
    if int(params.get("batch", "1")) > 1:
        raise NoPeer("a batch of products")
    if params.get("out", "same") != "same":
        raise NoPeer("PyTorch gives the type of its operands")
    a, b = {"fwd": ((m, k), (n, k)), "dgrad": ((m, k), (k, n)), "wgrad": ((k, m), (k, n))}[which]
    call = {"s8": "_int_mm", "e4m3": "_scaled_mm", "e5m2": "_scaled_mm"}.get(dtype, "matmul")
    if call != "matmul" and which != "fwd":
        raise NoPeer(f"torch.{call} wants both operands contiguous along k")
    return {"calls": [call], "dtype": dtype, "pass": which, "shapes": [a, b],
            "fast": params.get("accumulate") != "precise"}


def plan_attention(params):
    dtype = params["dtype"]
    if dtype not in ("bf16", "f16"):
        raise NoPeer(f"PyTorch's fused attention does not take {dtype}")
    batch, seq, seq_kv = (number(params, key) for key in ("batch", "seq", "seq_kv"))
    heads, kv = number(params, "heads"), number(params, "kv_heads")
    d, dv = number(params, "head_dim"), number(params, "head_dim_v")
    return {"calls": ["FLASH_ATTENTION", "CUDNN_ATTENTION", "EFFICIENT_ATTENTION"],
            "dtype": dtype, "pass": params["pass"], "causal": params["causal"] == "true",
            "bshd": params.get("layout", "bshd") == "bshd",
            "shapes": [(batch, seq, heads, d), (batch, seq_kv, kv, d), (batch, seq_kv, kv, dv)]}


def plan_memory(params, work):
    if params["op"] != "copy":
        raise NoPeer("only copy has a counterpart")
    return {"calls": ["copy_", "clone"], "dtype": params["dtype"], "pass": "copy",
            "bytes": int(work["bytes"] / 2)}


def plan_row(row):
    params = row["params"]
    if row["device"] != "cuda":
        raise NoPeer("not on a GPU")
    if row["workload"] == "gemm":
        return plan_gemm(params)
    if row["workload"] == "attention":
        return plan_attention(params)
    if row["workload"] == "memory":
        return plan_memory(params, row["work"])
    raise NoPeer(f"no counterpart of {row['workload']}")


# -------------------------------------------------------------------------------- timing, on a GPU

def time_steps(torch, step):
    """Median over batches of one step, in ns. `step(i)` enqueues step number i."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))

    def batch(first, count):
        start.record()
        for i in range(count):
            step(first + i)
        end.record()
        end.synchronize()
        return start.elapsed_time(end) * 1e-3

    once_s = max(batch(0, 3) / 3, 1e-7)
    count, warm_s = max(1, round(BATCH_S / once_s)), 0.0
    while warm_s < WARM_S:
        warm_s += max(batch(0, count), 1e-4)
    return statistics.median(batch(i * count, count) / count for i in range(BATCHES)) * 1e9


def random(torch, shape, dtype):
    if dtype == "s8":
        return torch.randint(-127, 128, shape, dtype=torch.int8, device="cuda")
    return torch.randn(shape, device="cuda", dtype=torch.float32).to(getattr(torch, DTYPES[dtype]))


def sets_of(torch, make):
    """Operands that take turns: three times the L2 cache or more in sum."""
    first = make()
    size = sum(t.numel() * t.element_size() for t in first)
    l2 = torch.cuda.get_device_properties(0).L2_cache_size
    return [first] + [make() for _ in range(min(255, -(-3 * l2 // size) - 1))]


def gemm_step(torch, plan, call):
    dtype, which = plan["dtype"], plan["pass"]
    types = ["e4m3", "e4m3"] if dtype == "e4m3" else [dtype, "e4m3" if dtype == "e5m2" else dtype]
    torch.backends.cuda.matmul.allow_tf32 = dtype == "tf32"
    sets = sets_of(torch, lambda: [random(torch, s, t) for s, t in zip(plan["shapes"], types)])
    one = torch.ones((), device="cuda")
    if call == "_scaled_mm":
        return lambda i: torch._scaled_mm(
            sets[i % len(sets)][0], sets[i % len(sets)][1].t(), scale_a=one, scale_b=one,
            out_dtype=torch.bfloat16, use_fast_accum=plan["fast"])
    if call == "_int_mm":
        return lambda i: torch._int_mm(sets[i % len(sets)][0], sets[i % len(sets)][1].t())
    turned = [((a.t() if which == "wgrad" else a), (b.t() if which == "fwd" else b))
              for a, b in sets]
    return lambda i: torch.matmul(*turned[i % len(turned)])


def attention_step(torch, plan, backend):
    from torch.nn.attention import SDPBackend, sdpa_kernel
    backward = plan["pass"] == "bwd"

    def heads_first(shape):
        b, s, h, d = shape
        if plan["bshd"]:
            return random(torch, shape, plan["dtype"]).transpose(1, 2)
        return random(torch, (b, h, s, d), plan["dtype"])

    def forward(q, k, v):
        with sdpa_kernel([getattr(SDPBackend, backend)]):
            return torch.nn.functional.scaled_dot_product_attention(
                q, k, v, is_causal=plan["causal"], enable_gqa=q.shape[1] != k.shape[1])

    sets = sets_of(torch, lambda: [heads_first(s).requires_grad_(backward) for s in plan["shapes"]])
    if not backward:
        return lambda i: forward(*sets[i % len(sets)])
    made = [(forward(*s), s) for s in sets]
    ups = [torch.randn_like(o) for o, _ in made]

    def step(i):
        o, leaves = made[i % len(made)]
        torch.autograd.grad(o, leaves, ups[i % len(made)], retain_graph=True)
    return step


def copy_step(torch, plan, call):
    dtype = getattr(torch, DTYPES[plan["dtype"]])
    count = plan["bytes"] // torch.empty((), dtype=dtype).element_size()
    source = torch.randn(count, device="cuda", dtype=torch.float32).to(dtype)
    target = torch.empty_like(source)
    if call == "copy_":
        return lambda i: target.copy_(source)
    return lambda i: source.clone()


STEPS = {"gemm": gemm_step, "attention": attention_step, "memory": copy_step}


def measure_row(torch, row):
    """{call: ns} of those that run, and {call: reason} of the others."""
    times, reasons = {}, {}
    plan = plan_row(row)
    for call in plan["calls"]:
        try:
            step = STEPS[row["workload"]](torch, plan, call)
            step(0)
            torch.cuda.synchronize()
            times[call] = time_steps(torch, step)
        except (RuntimeError, ValueError, TypeError) as error:
            reasons[call] = str(error).splitlines()[0][:160] if str(error) else repr(error)
        step = None
        torch.cuda.empty_cache()
    return times, reasons


# -------------------------------------------------------------------------------------------- verbs

def load_rows(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)["rows"]


def plan(record):
    for row in load_rows(record):
        try:
            what = plan_row(row)
            print(f"{row['workload']:10} {row['label']:52} torch {' '.join(what['calls'])}")
        except NoPeer as why:
            print(f"{row['workload']:10} {row['label']:52} - {why}")


def measure(record, to, limit_s):
    end_s = time.monotonic() + float(limit_s)
    import torch
    result = {"torch": torch.__version__, "cuda": torch.version.cuda,
              "cudnn": torch.backends.cudnn.version(),
              "device": torch.cuda.get_device_name(0), "rows": []}
    for row in load_rows(record):
        entry = {"id": row["id"], "label": f"{row['workload']} {row['label']}"}
        try:
            if time.monotonic() > end_s:
                raise NoPeer(f"the {limit_s} s for PyTorch were over")
            entry["time_ns"], entry["unavailable"] = measure_row(torch, row)
        except NoPeer as why:
            entry["no_peer"] = str(why)
        print(entry["label"], entry.get("time_ns") or entry.get("no_peer") or
              entry.get("unavailable"), flush=True)
        result["rows"].append(entry)
    with open(to, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


def medians(path):
    return {row["id"]: row["time_ns"]["median"] for row in load_rows(path)
            if row["status"] == "measured"}


def compare(before, after, peer):
    with open(peer, encoding="utf-8") as file:
        result = json.load(file)
    first, second = medians(before), medians(after)
    print(f"{'case':58} {'mlbench':>11} {'PyTorch':>11}  ratio  by")
    for entry in result["rows"]:
        times = entry.get("time_ns")
        both = [t[entry["id"]] for t in (first, second) if entry["id"] in t]
        if not times or not both:
            why = entry.get("no_peer") or ("mlbench did not measure it" if times else
                                           "; ".join(entry.get("unavailable", {}).values()))
            print(f"{entry['label'][:58]:58} {'-':>11} {'-':>11}      -  {why[:60]}")
            continue
        ours, (name, theirs) = statistics.mean(both), min(times.items(), key=lambda t: t[1])
        entry["mlbench_ns"], entry["ratio"] = both, theirs / ours
        differ = len(both) < 2 or abs(both[1] - both[0]) > TURNS_DIFFER * ours
        print(f"{entry['label'][:58]:58} {ours / 1e3:9.2f}us {theirs / 1e3:9.2f}us "
              f"{theirs / ours:6.3f}  {name}{'  (turns differ)' if differ else ''}")
    with open(peer, "w", encoding="utf-8") as file:
        json.dump(result, file, indent=1)


VERBS = {"plan": (plan, 1), "measure": (measure, 3), "compare": (compare, 3)}


def main(words):
    if len(words) < 1 or words[0] not in VERBS or len(words) - 1 != VERBS[words[0]][1]:
        print(__doc__, file=sys.stderr)
        return 2
    try:
        VERBS[words[0]][0](*words[1:])
    except (OSError, KeyError, ValueError) as error:
        print(f"gpu_peer.py: {words[-1]}: {error!r}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
