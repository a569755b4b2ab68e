#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Jobs over several machines: rates of shaped links, and networks that fail. Times are bounded
loosely, as in ../cli; a rate that a busy machine spoiled gets more tries, and then no verdict."""
import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "cli"))

import machines
import slow_link
from program import PROGRAM, Case, main

TRIES = 4
WITHIN = 0.03


class Machines(Case):
    """A network a test: its process owns the namespaces, and takes the machines away again."""

    def setUp(self):
        super().setUp()
        os.environ["TMPDIR"] = "/run/tmp"

    def network(self, *words, **options):
        network = machines.Network(*words, **options)
        self.addCleanup(network.close)
        return network

    def job(self, network, *words, options=(), timeout=60):
        return subprocess.run(network.mpirun([PROGRAM, *words], options), env=network.environment,
                              capture_output=True, text=True, timeout=timeout,
                              stdin=subprocess.DEVNULL)


class Rates(Machines):
    @classmethod
    def setUpClass(cls):
        """Shaped links are kept full by the CPU: ahead of what else runs, where that is allowed."""
        try:
            os.nice(-15)
        except PermissionError:
            pass

    busy = False  # the hypervisor took time of the cores

    def rate_of(self, network, *words, options=()):
        """Bytes a second of the one row that the words give, by its fastest sample: what another
        process takes from the two ends makes a sample slower, never faster. A row that was
        disturbed is untrusted, and the code 3."""
        with_record = [*words, "-O", self.path, "--no-links", "--data", "zeros",
                       "--max-warmup", "1s"]
        result = self.job(network, "run", *with_record, options=options)
        self.assertIn(result.returncode, (0, 3), result.stderr)
        record = self.record()
        row = record["rows"][0]
        os.remove(self.found("*.json")[0])
        self.assertIn(row["status"], ("measured", "untrusted"), row)
        self.busy |= any(note["code"] == "steal" for note in record["health"])
        return row["work"]["bytes"] * row["work"]["bus_factor"] / (row["time_ns"]["min"] * 1e-9)

    def check_rate(self, network, rate, *words, options=(), mtu=1500):
        expected = machines.bits(rate) / 8 * machines.payload_share(mtu)
        found = []
        for _ in range(TRIES):
            found.append(self.rate_of(network, *words, options=options))
            if abs(found[-1] / expected - 1) < WITHIN:
                break
        shares = ", ".join(f"{share / expected:.4f}" for share in found)
        print(f"{rate}: {shares} of {expected / 1e6:.2f} MB/s", file=sys.stderr)
        off = abs(found[-1] / expected - 1)
        if off >= WITHIN and (self.busy or os.getloadavg()[0] > os.cpu_count() + 2):
            self.skipTest(f"others keep this machine busy: {shares} of {rate}")
        self.assertLess(off, WITHIN, shares)

    def test_100_mbit(self):
        """Three machines, each sends to the next: every link is full in both directions."""
        self.check_rate(self.network(3, rate="100mbit"), "100mbit", "sendrecv", "bytes=8MiB",
                        "scope=rail", "--min-samples", "6", "--max-time", "1s")

    def test_1_gbit(self):
        self.check_rate(self.network(3, rate="1gbit"), "1gbit", "sendrecv", "bytes=32MiB",
                        "scope=rail", "--min-samples", "6", "--max-time", "2s")

    def test_5_gbit(self):
        """One way between two machines: two cores do not copy 10 Gbit/s in and out at once."""
        self.check_rate(self.network(2, rate="5gbit"), "5gbit", "scatter", "bytes=128MiB",
                        "--min-samples", "6", "--max-time", "2s")

    def test_two_ways_on_one_connection(self):
        """Two ranks that send to each other: Open MPI's connections between them decide. With one
        the offer of a message waits behind the other message, and the two go one after the other;
        with two they go at once."""
        self.check_rate(self.network(2, rate="1gbit"), "1gbit", "sendrecv", "bytes=32MiB",
                        "--min-samples", "6", "--max-time", "2s",
                        options=("--mca", "btl_tcp_links", "2"))


class Unequal(Machines):
    def test_ranks_on_a_machine(self):
        """Said in the head of the report and among its health notes; no name of a machine."""
        network = self.network(3, ranks=[1, 2, 1])
        result = self.job(network, "run", "sendrecv", "bytes=4KiB", "--oversubscribe",
                          "--max-time", "100ms", "-O", self.path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("UNEQUAL ranks", result.stdout)
        notes = [note["text"] for note in self.record()["health"] if note["code"] == "unequal"]
        self.assertEqual(len(notes), 1)
        self.assertIn("rank 1 (machine 1) and 1 more", notes[0])
        self.assertNotIn("node", notes[0])


class Links(Machines):
    """One of each; slow_link.py counts how many of many are found."""
    def network_of_twins(self):
        return self.network(slow_link.MACHINES, ranks=slow_link.RANKS, rate=slow_link.RATE)

    def test_nobody_healthy_is_accused(self):
        self.assertTrue(slow_link.judge_one(self.network_of_twins(), PROGRAM, None))

    def test_slow_machine_is_named(self):
        network = self.network_of_twins()
        sick = slow_link.Sick("both", 1)
        slow_link.make_ill(network, sick)
        self.assertTrue(slow_link.judge_one(network, PROGRAM, sick))


class Trouble(Machines):
    """--timeout 5s: the job is over within it, the watchdog's and the launcher's few seconds."""
    MANY = ["run", "sendrecv", "bytes=" + ",".join(f"{n}KiB" for n in range(64, 74)),
            "--no-links", "--min-time", "300ms", "--max-time", "500ms", "--max-warmup", "50ms",
            "--timeout", "5s"]

    def check_end(self, result, took, code, pattern):
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertRegex(result.stderr, pattern)
        self.assertLess(took, 30)

    def trouble(self, network, code, pattern, *options):
        began = time.monotonic()
        result = self.job(network, *self.MANY, "--no-record", options=options)
        self.check_end(result, time.monotonic() - began, code, pattern)

    def test_link_goes_down(self):
        """The machine that lost its link is named, and what was measured before is kept."""
        network = self.network(3, rate="1gbit")
        process = subprocess.Popen(network.mpirun([PROGRAM, *self.MANY, "-O", self.path]),
                                   env=network.environment, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL)
        while process.poll() is None and sum(len(self.rows(j)) for j in self.found("*")) < 2:
            time.sleep(0.05)
        network.link("node3", "down")
        began = time.monotonic()
        output, errors = process.communicate(timeout=60)
        result = subprocess.CompletedProcess([], process.returncode, output, errors)
        self.check_end(result, time.monotonic() - began, 3,
                       r"rank 2\b.*\bnode3\b( was up at the start and is down now| did not come)")
        journal = self.found("*.journal")[0]
        before = self.rows(journal)
        self.assertGreaterEqual(len(before), 2)
        network.link("node3", "up")
        result = self.job(network, "run", "--resume", journal, timeout=90)
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.record()["rows"]
        self.assertEqual(rows[:len(before)], before)
        self.assertEqual(len(rows), 10)

    def test_machine_does_not_answer(self):
        """Its launcher does, but no packet of MPI arrives: the start of MPI has a deadline. Open
        MPI 5 ends the job by itself before, with a code of its own."""
        network = self.network(3)
        network.link("node3", "down")
        began = time.monotonic()
        result = self.job(network, *self.MANY, "--no-record")
        self.check_end(result, time.monotonic() - began, result.returncode or 3,
                       r"rank \d .* on node\d has not moved .*'the start of MPI'"
                       r".*btl_tcp_if_include|connect\(\) to 10\.0\.0\.\d:\d+ failed")

    def test_interface_is_down(self):
        network = self.network(3)
        machines.run("ip", "-n", "node3", "link", "set", "eth0", "down")
        self.trouble(network, 3, r"rank \d on node\d: mpi: .* is an interface down")

    def test_address_families_differ(self):
        network = self.network(3)
        machines.run("ip", "-n", "node3", "address", "flush", "dev", "eth0")
        machines.run("ip", "-n", "node3", "address", "add", "fd00::3/64", "dev", "eth0", "nodad")
        self.trouble(network, 3, r"rank \d on node\d: mpi: .* IPv4 here and IPv6 there")

    def test_no_such_machine(self):
        """The launcher's own end, in time and with a code; no rank has been started."""
        network = self.network(2)
        network.names.append("node9")
        network.ranks.append(1)
        began = time.monotonic()
        result = self.job(network, *self.MANY, "--no-record")
        self.assertNotEqual(result.returncode, 0)
        self.assertIn("node9", result.stderr)
        self.assertLess(time.monotonic() - began, 30)

    def test_launcher_waits_for_a_deaf_machine(self):
        """Open MPI itself waits for ever where the agent hangs: `timeout` before mpirun."""
        network = self.network(2)
        network.environment["MLB_TEST_DEAF"] = "node2"
        began = time.monotonic()
        words = ["timeout", "-k", "5", "3", *network.mpirun([PROGRAM, *self.MANY, "--no-record"])]
        result = subprocess.run(words, env=network.environment, stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL, timeout=60)
        self.assertNotEqual(result.returncode, 0)
        self.assertLess(time.monotonic() - began, 30)


if __name__ == "__main__":
    machines.enter()
    main()
