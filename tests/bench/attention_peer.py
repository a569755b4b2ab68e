# SPDX-License-Identifier: Apache-2.0
"""Our attention on the CPU beside PyTorch's scaled_dot_product_attention: same shape, type, memory
layout and threads, in turns. Prints the ratio of the rates, ours / PyTorch's; below 0.97 is a
failure, and no verdict (exit code 77) when the machine is too busy to tell or PyTorch is not there.

    attention_peer.py PROGRAM [--threads 1,2] [--all] [--only TEXT]

PROGRAM is our side, built from attention_peer.c."""
import argparse
import itertools
import os
import statistics
import subprocess
import sys
import time

SKIPPED = 77
LEAST = 0.97  # what turns on a shared machine can tell apart
QUIET = 1.3  # median over best of PyTorch's steps
ROUNDS = 12
ROUND_S = 0.1  # of each side, so that both see the same weather on a shared machine
CASE_S = 6.0   # at most, on a machine that is busy with something else

# heads, kv_heads, seq, head_dim
SHORT = [(16, 16, 1024, 64), (16, 16, 1024, 128)]
LONG = SHORT + [(16, 16, 2048, 64), (8, 8, 2048, 128), (4, 4, 4096, 64), (4, 4, 4096, 128),
                (16, 4, 1024, 128), (8, 8, 333, 64)]


class Ours:
    """The program that runs our steps; it waits while PyTorch has its turn."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        universal_newlines=True)

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            sys.exit("attention_peer: our side ended with code %d" % self.process.wait())
        return answer.strip()

    def open(self, case, threads):
        heads, kv_heads, seq, dim = case["shape"]
        return self.ask("open %d dtype=%s pass=%s causal=%s layout=bhsd batch=1 heads=%d "
                        "kv_heads=%d seq=%d head_dim=%d" % (
                            threads, case["dtype"], case["pass"], str(case["causal"]).lower(),
                            heads, kv_heads, seq, dim))

    def run(self, steps):
        return [float(word) for word in self.ask("run %d" % steps).split()]


class Theirs:
    """PyTorch's steps. Backward is the gradient alone: the forward pass is done once."""

    def __init__(self, torch, case, threads):
        heads, kv_heads, seq, dim = case["shape"]
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[case["dtype"]]
        backward = case["pass"] == "bwd"
        torch.set_num_threads(threads)
        torch.set_grad_enabled(backward)

        def make(count):
            return torch.randn(1, count, seq, dim, dtype=dtype, requires_grad=backward)

        q, k, v = make(heads), make(kv_heads), make(kv_heads)
        forward = lambda: torch.nn.functional.scaled_dot_product_attention(
            q, k, v, is_causal=case["causal"], enable_gqa=heads != kv_heads)
        self.step = forward
        if backward:
            out = forward()
            grad = torch.randn_like(out)
            self.step = lambda: torch.autograd.grad(out, (q, k, v), grad, retain_graph=True)

    def run(self, steps):
        times = []
        for _ in range(steps):
            began = time.perf_counter()
            self.step()
            times.append(time.perf_counter() - began)
        return times


def take_turns(ours, theirs):
    """Times of the steps of both; who begins changes from round to round."""
    sides = {ours: [], theirs: []}
    once = min(theirs.run(2) + ours.run(2))
    steps = max(1, int(ROUND_S / once))
    end = time.perf_counter() + CASE_S
    for turn in range(ROUNDS):
        for side in (ours, theirs) if turn % 2 else (theirs, ours):
            # The first step wakes threads and caches that the other side has put to sleep.
            sides[side] += side.run(steps + 1)[1:]
        if turn >= 2 and time.perf_counter() > end:
            break
    return sides[ours], sides[theirs]


def flop(case):
    """As kernels/attention/attention.c counts."""
    heads, _, seq, dim = case["shape"]
    visible = seq * (seq + 1) / 2 if case["causal"] else seq * seq
    return 2.0 * heads * visible * 2 * dim * (2.5 if case["pass"] == "bwd" else 1)


def compare(torch, ours, case, threads, only):
    """Prints a line; None when there is no verdict, else whether we are fast enough."""
    label = ours.open(case, threads)
    if only not in label:
        return True
    mine, their = take_turns(ours, Theirs(torch, case, threads))
    by_median = statistics.median(their) / statistics.median(mine)
    by_best = min(their) / min(mine)
    busy = statistics.median(their) / min(their) > QUIET
    good = by_median >= LEAST
    verdict = "ok" if good else "no verdict: the machine is busy" if busy else "TOO SLOW"
    print("%-42s %d thread%s  median %7.1f  best %7.1f GFLOP/s  ours/PyTorch: median %.2f  best "
          "%.2f  %s" % (label, threads, " " if threads == 1 else "s",
                        1e-9 * flop(case) / statistics.median(mine),
                        1e-9 * flop(case) / min(mine), by_median, by_best, verdict), flush=True)
    return True if good else None if busy else False


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("--threads", default=str(len(os.sched_getaffinity(0))),
                        help="counts with commas between [all cores]")
    parser.add_argument("--all", action="store_true", help="more shapes, several minutes")
    parser.add_argument("--only", default="", help="cases with this text in their label")
    asked = parser.parse_args()
    try:
        import torch
    except ImportError as error:
        print("skipped: %s has no PyTorch (%s)" % (sys.executable, error))
        sys.exit(SKIPPED)
    print("PyTorch %s, %s" % (torch.__version__, torch.backends.cpu.get_cpu_capability()))
    ours = Ours(asked.program)
    found = []
    for shape, dtype, causal, what, threads in itertools.product(
            LONG if asked.all else SHORT, ("f32", "bf16"), (False, True), ("fwd", "bwd"),
            [int(word) for word in asked.threads.split(",")]):
        case = {"shape": shape, "dtype": dtype, "causal": causal, "pass": what}
        found.append(compare(torch, ours, case, threads, asked.only))
    sys.exit(1 if False in found else SKIPPED if None in found else 0)


if __name__ == "__main__":
    main()
