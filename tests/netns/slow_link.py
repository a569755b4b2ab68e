#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""slow_link.py MLBENCH [--runs N]: three machines of two ranks each, in turn healthy and with one
link at half of the rate of its twins, whose name `mlbench links` must tell.

What is slow changes from run to run: a machine's link, in both directions or in one, or the way
between two machines. Prints a line a run and counts; fails when a sick one was not found, was taken
for another, or when anybody healthy was accused."""
import argparse
import json
import subprocess
import sys
import time

import machines

RATE = "1gbit"
HALF = "500mbit"
MACHINES, RANKS = 3, 2


class Sick:
    """Half the rate for a machine ("both", "sends", "receives") or a pair of machines ("link")."""

    def __init__(self, what, first, second=None):
        self.what, self.first, self.second = what, first, second

    def __str__(self):
        between = f" and {self.second}" if self.second is not None else ""
        return f"{self.what} of {self.first}{between}"

    def verdict(self):
        """The entry that the record's links.suspects must have, as far as it is fixed."""
        if self.what == "link":
            return {"kind": "link", "machine": self.first, "other_machine": self.second}
        return {"kind": "machine", "machine": self.first}

    def directions(self):
        """Is it slow in what it sends, in what it receives?"""
        return self.what != "receives", self.what != "sends"


SICK = [Sick("both", 0), Sick("both", 1), Sick("both", 2), Sick("link", 0, 2), Sick("sends", 1),
        Sick("receives", 2), Sick("link", 1, 2)]


def tbf(rate):
    per_ms = machines.bits(rate) / 8e3
    return ["tbf", "rate", rate, "burst", str(max(int(2 * per_ms), 1 << 17)),
            "limit", str(int(50 * per_ms))]


def slow_way(network, sender, receiver):
    """What one machine sends to another goes at half its rate; the rest shares the whole."""
    dev = ["-n", network.names[sender]]
    rates = {"1": RATE, "2": HALF}
    machines.run("tc", *dev, "qdisc", "replace", "dev", "eth0", "root", "handle", "1:", "htb",
                 "default", "1")
    for number, rate in rates.items():
        machines.run("tc", *dev, "class", "add", "dev", "eth0", "parent", "1:", "classid",
                     f"1:{number}", "htb", "rate", rate, "burst", "131072", "cburst", "131072")
    machines.run("tc", *dev, "filter", "add", "dev", "eth0", "parent", "1:", "protocol", "ip",
                 "u32", "match", "ip", "dst", f"10.0.0.{receiver + 1}/32", "flowid", "1:2")


def make_ill(network, sick):
    name = network.names[sick.first]
    if sick.what in ("both", "receives"):
        machines.run("tc", "qdisc", "replace", "dev", name, "root", *tbf(HALF))
    if sick.what in ("both", "sends"):
        machines.run("tc", "-n", name, "qdisc", "replace", "dev", "eth0", "root", *tbf(HALF))
    if sick.what == "link":
        slow_way(network, sick.first, sick.second)
        slow_way(network, sick.second, sick.first)


def heal(network):
    for name in network.names:
        machines.run("tc", "-n", name, "qdisc", "del", "dev", "eth0", "root")
        network.shape(name, RATE)


def survey(network, program):
    """The record, the exit code, and the time of one `mlbench links`."""
    words = network.mpirun([program, "links", "--oversubscribe", "--no-record", "--format", "json"])
    began = time.monotonic()
    job = subprocess.run(words, env=network.environment, capture_output=True, text=True)
    took = time.monotonic() - began
    try:
        return json.loads(job.stdout), job, took
    except json.JSONDecodeError:
        sys.exit(f"no record, code {job.returncode}: {job.stderr}")


def slow(share):
    return share < 0.9


def is_right(sick, found):
    if len(found) != 1 or not sick.verdict().items() <= found[0].items():
        return False
    return sick.directions() == (slow(found[0]["sends_share"]), slow(found[0]["receives_share"]))


def judge_one(network, program, sick):
    """Right or not; prints a line, and the survey where it was not."""
    record, job, took = survey(network, program)
    links = record["links"]
    found = [one for one in links["suspects"] if one["confirmed"]]
    cleared = len(links["suspects"]) - len(found)
    good = is_right(sick, found) if sick else not found
    good = good and job.returncode == (4 if sick else 0) and "wrong" not in links
    if sick and sick.what != "link":
        good = good and network.names[sick.first] in job.stderr
    words = "; ".join(note["text"] for note in record["health"] if note["level"] == "sick")
    print(f"{'ok  ' if good else 'BAD '} {sick or 'healthy'}: {words or 'nobody accused'} "
          f"({cleared} cleared, survey {links['wall_s']:.2f} s, job {took:.1f} s)", flush=True)
    if not good:
        print(json.dumps({**links, "stderr": job.stderr[-400:]}, indent=1), flush=True)
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=1)
    options = parser.parse_args()
    machines.enter()
    network = machines.Network(MACHINES, RANKS, RATE)
    found = well = 0
    for i in range(options.runs):
        well += judge_one(network, options.program, None)
        sick = SICK[i % len(SICK)]
        make_ill(network, sick)
        found += judge_one(network, options.program, sick)
        heal(network)
    print(f"found {found} of {options.runs}; nobody accused in {well} of {options.runs} healthy")
    return 0 if found == well == options.runs else 1


if __name__ == "__main__":
    sys.exit(main())
