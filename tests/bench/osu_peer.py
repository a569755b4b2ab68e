# SPDX-License-Identifier: Apache-2.0
"""Our collectives over MPI beside the OSU micro-benchmarks, on the same MPI and the same ranks, in
turns (A B, B A, ...). Prints the ratio of the times, ours / OSU's, for each size.

    osu_peer.py MLBENCH FOLDER LIBRARY [--ranks N] [--rounds N] [--op all_reduce,...] [--sizes A:B]

FOLDER holds osu_allreduce, osu_allgather and osu_alltoall, built against the MPI that mpirun is of;
LIBRARY is osu_watch, built from osu_watch.c.

What differs between the two, and what is done about it:
  statistic  OSU prints the mean over ranks and calls, mlbench the median over calls of the slowest
             rank. LIBRARY takes ours of OSU's calls, from within OSU's own process, so that both
             sides have the same one; OSU's printed mean stands beside it.
  meeting    OSU's ranks come from an MPI_Barrier, ours leave together within a microsecond.
  calls      OSU takes 100 after 10, here it is asked for 300; ours as many as fill a time, after a
             steady warm-up.
  data       OSU's floats are all the same; ours are normal random numbers.
  pages      Ours are huge ones, as far as the kernel has them; OSU's memory comes from malloc,
             which is made to ask for them too (a tunable of glibc from 2.35 on; --small-pages: it
             is not). On one machine OSU took 1.5 to 2 times as long with small ones from 2 MiB on.
  sizes      OSU's size of allgather and alltoall is one rank's block, ours all n blocks; here it
             is OSU's.
Each turn is a job of its own, with memory of its own. Turns that follow each other are compared,
and the median of their ratios is told with its interval of at least 95 %: on a machine whose cores
are moved about below it a turn may take three times as long as the last one, but neighbours mostly
see the same machine. Verdict from 64 KiB on: good when the median is within 5 %, FAR when all of
the interval is beyond, none (exit code 77) otherwise."""
import argparse
import json
import math
import os
import statistics
import subprocess
import sys

SKIPPED = 77
TOLERANCE = 0.05
LEAST_BYTES = 65536
OSU_NAMES = {"all_reduce": "osu_allreduce", "all_gather": "osu_allgather",
             "alltoall": "osu_alltoall"}
AS_ROOT = {name: "1" for name in ("OMPI_ALLOW_RUN_AS_ROOT", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM",
                                  "PRTE_ALLOW_RUN_AS_ROOT", "PRTE_ALLOW_RUN_AS_ROOT_CONFIRM")}
UNITS = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}


def parse_size(text):
    for unit in sorted(UNITS, key=len, reverse=True):
        if text.endswith(unit):
            return int(text[:-len(unit)]) * UNITS[unit]
    return int(text)


def print_size(size):
    for unit in ("GiB", "MiB", "KiB"):
        if size % UNITS[unit] == 0:
            return "%d %s" % (size // UNITS[unit], unit)
    return "%d B" % size


def run(arguments, command):
    full = ["mpirun", "-n", str(arguments.ranks)] + arguments.mpirun.split() + command
    done = subprocess.run(full, env={**os.environ, **AS_ROOT}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, universal_newlines=True)
    if done.returncode:
        sys.exit("osu_peer: %s ended with code %d\n%s" % (" ".join(full), done.returncode,
                                                          done.stderr))
    return done.stdout


def osu_turn(arguments, op, sizes):
    """Median of the slowest rank, and the mean that OSU prints, in us by size."""
    out = run(arguments, ["env", "LD_PRELOAD=" + os.path.abspath(arguments.library),
                          "GLIBC_TUNABLES=glibc.malloc.hugetlb=%d" % (not arguments.small_pages),
                          os.path.join(arguments.folder, OSU_NAMES[op]), "-i", "300", "-m",
                          "%d:%d" % (sizes[0], sizes[-1])])
    rows = [line.split() for line in out.splitlines()]
    return ({int(row[1]): float(row[2]) for row in rows if row and row[0] == "watch"},
            {int(row[0]): float(row[1]) for row in rows if row and row[0].isdigit()})


def our_turn(arguments, op, sizes):
    """Median of the slowest rank, in us by size."""
    blocks = 1 if op == "all_reduce" else arguments.ranks
    asked = ",".join(str(size * blocks) for size in sizes)
    out = run(arguments, [arguments.program, "run", op, "bytes=" + asked, "--device", "cpu",
                          "--no-record", "--format", "json", "--quiet", "--min-time", "0",
                          "--max-time", "0.3s", "--max-warmup", "0.1s", "--min-samples", "100"]
              + (["--oversubscribe"] if arguments.ranks > os.cpu_count() else []))
    medians = {}
    for row in json.loads(out)["rows"]:
        if row["status"] not in ("measured", "untrusted") or "samples" not in row:
            sys.exit("osu_peer: %s: %s" % (row["label"], row.get("reason", "")))
        medians[int(row["work"]["bytes"]) // blocks] = row["time_ns"]["median"] * 1e-3
    return medians


def take_turns(arguments, op, sizes):
    turns = {"watched": [], "printed": [], "ours": []}

    def osu():
        watched, printed = osu_turn(arguments, op, sizes)
        turns["watched"].append(watched)
        turns["printed"].append(printed)

    def ours():
        turns["ours"].append(our_turn(arguments, op, sizes))

    for index in range(arguments.rounds):
        for side in ((osu, ours) if index % 2 == 0 else (ours, osu)):
            side()
    return turns


def interval(ratios):
    """Order statistics that hold the median with at least 95 % (n = 12: the 3rd and the 10th)."""
    n, k, tail = len(ratios), 0, 0.0
    while k < n // 2 and tail + math.comb(n, k) / 2.0 ** n <= 0.025:
        tail += math.comb(n, k) / 2.0 ** n
        k += 1
    return (ratios[k - 1], ratios[n - k]) if k else (0.0, math.inf)


def verdict(ratio, low, high):
    if abs(ratio - 1.0) <= TOLERANCE:
        return "good"
    return "FAR" if low > 1.0 + TOLERANCE or high < 1.0 - TOLERANCE else "no verdict"


def compare(arguments, op, sizes):
    """Verdicts, each with what it is of."""
    turns = take_turns(arguments, op, sizes)
    print("%s, %d ranks, %d rounds; us" % (op, arguments.ranks, arguments.rounds))
    print("  %9s   %10s %10s   %11s   %s" % ("size", "OSU", "ours", "OSU prints",
                                             "ours / OSU [interval]"))
    verdicts = []
    for size in sizes:
        osu, ours = ([turn[size] for turn in turns[side]] for side in ("watched", "ours"))
        ratios = sorted(our / their for our, their in zip(ours, osu))
        ratio, (low, high) = statistics.median(ratios), interval(ratios)
        said = verdict(ratio, low, high) if size >= LEAST_BYTES else "small"
        print("  %9s   %10.2f %10.2f   %11.2f   %.3f [%.3f, %.3f]  %s" % (
            print_size(size), statistics.median(osu), statistics.median(ours),
            statistics.median(turn[size] for turn in turns["printed"]), ratio, low, high, said),
            flush=True)
        verdicts.append((said, "%s %s: %.3f" % (op, print_size(size), ratio)))
    return verdicts


def main():
    parser = argparse.ArgumentParser(description="our collectives beside the OSU benchmarks")
    parser.add_argument("program")
    parser.add_argument("folder")
    parser.add_argument("library")
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--op", default=",".join(OSU_NAMES))
    parser.add_argument("--sizes", default="64KiB:16MiB")
    parser.add_argument("--small-pages", action="store_true", help="OSU's memory as it comes")
    parser.add_argument("--mpirun", default="--oversubscribe", help="more options of mpirun")
    arguments = parser.parse_args()
    smallest, largest = (parse_size(text) for text in arguments.sizes.split(":"))
    sizes = [smallest]
    while sizes[-1] * 2 <= largest:
        sizes.append(sizes[-1] * 2)
    verdicts = []
    for op in arguments.op.split(","):
        if not os.path.exists(os.path.join(arguments.folder, OSU_NAMES[op])):
            print("skipped: no %s in %s" % (OSU_NAMES[op], arguments.folder))
            sys.exit(SKIPPED)
        verdicts += compare(arguments, op, sizes)
    for said in ("no verdict", "FAR"):
        texts = [text for other, text in verdicts if other == said]
        if texts:
            print("%s: %s" % (said, "; ".join(texts)))
    said = [said for said, _ in verdicts]
    sys.exit(1 if "FAR" in said else SKIPPED if "no verdict" in said else 0)


main()
