#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program from the outside, over MPI: agreed errors, ranks killed and stopped, many ranks."""
import os
import signal
import subprocess
import time

from program import ENVIRONMENT, PROGRAM, SMALL, Case, call, main, mpirun


class Ranks(Case):
    def test_two_ranks(self):
        result = call(mpirun(2, "run", "-s", "smoke", "-O", self.path))
        self.assertEqual(result.returncode, 0, result.stderr)
        record = self.record()
        self.assertEqual(record["ranks"], 2)
        calls = [row for row in record["rows"]
                 if "bus_factor" in row.get("work", {}) and row["status"] != "skipped"]
        self.assertEqual({row["workload"] for row in calls}, {
            "all_reduce", "all_gather", "reduce_scatter", "broadcast", "reduce", "alltoall",
            "sendrecv", "gather", "scatter"})
        for row in calls:
            pipelined = row["params"]["mode"] == "pipelined"
            self.assertEqual(row["samples"]["steps_per_sample"] > 1, pipelined, row["label"])
            many = row["time_ns"]["n"] >= 100
            self.assertEqual("p99" in row.get("percentiles_ns", {}), many and not pipelined)
        reduced = [row for row in calls if row["workload"] == "all_reduce"]
        self.assertEqual(len(reduced), 4)
        for row in reduced:
            rates = row["rates"]
            self.assertEqual(row["samples"]["across_ranks"], "max")
            self.assertAlmostEqual(rates["bus_bytes_per_s"]["value"],
                                   rates["alg_bytes_per_s"]["value"])
            self.assertEqual(len(row["per_rank"]["median_ns"]), 2)

    def test_overlap(self):
        words = ["run", "overlap", "collective=all_reduce,all_gather,reduce_scatter", "bytes=64KiB",
                 "bucket=16KiB", "m=64", "n=64", "k=64", "gemm_dtype=f32", "-O", self.path,
                 "--target", "50%", "--min-time", "1ms", "--max-time", "2s", "--max-warmup", "10ms"]
        result = call(mpirun(2, *words))
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.record()["rows"]
        self.assertEqual([row["status"] for row in rows], ["measured"] * 3)
        for details in (row["details"] for row in rows):
            self.assertEqual(details["buckets"], 4)
            self.assertGreaterEqual(details["both_ns"], details["gemm_beside_ns"])
            self.assertGreaterEqual(details["both_ns"], details["collective_beside_ns"])
            hidden = 1 - details["exposed_ns"] / details["collective_alone_ns"]
            self.assertAlmostEqual(details["hidden_share"], hidden)
        self.assertRegex(result.stdout, "exposed of a collective of .* the GEMMs take")

    def test_solo(self):
        words = ["run", "gemm", "size=64", "dtype=f32", "--solo", "-O", self.path, *SMALL]
        result = call(mpirun(2, *words))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(self.record()["solo"])

    def test_verify(self):
        result = call(mpirun(2, "verify", "-s", "smoke"))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertRegex(result.stdout, r"\n\d+ verified, 0 wrong, 0 failed, \d+ skipped\n")

    def test_one_error_for_all_ranks(self):
        result = call(mpirun(3, "run", "gemm", "dtype=f33"))
        self.assertEqual(result.returncode, 2)
        self.assertEqual(result.stderr.count("mlbench: "), 1, result.stderr)

    def test_too_many_ranks(self):
        many = 4 * os.cpu_count()
        result = call(["mpirun", "--oversubscribe", "-n", str(many), PROGRAM, "run", "-s", "smoke"])
        self.assertEqual(result.returncode, 2)
        self.assertIn(f"{many} ranks on a node that has", result.stderr)
        self.assertIn("--oversubscribe", result.stderr)

    def test_64_ranks(self):
        result = call(mpirun(64, "run", "all_reduce", "bytes=8,64KiB", "--max-time", "500ms", "-O",
                             self.path, "--timeout", "100s"), timeout=280)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.record()["ranks"], 64)

    def test_links(self):
        """Ranks of one machine: every pair has its rates, shared memory is nobody's fault."""
        result = call(mpirun(3, "links", "-O", self.path))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("within machine 0, by local rank", result.stdout)
        record = self.record()
        self.assertEqual(record["rows"], [])
        self.assertEqual([(one["a"], one["b"]) for one in record["links"]["inside"]],
                         [(0, 1), (0, 2), (1, 2)])
        self.assertGreater(record["links"]["checked"], 0)
        self.assertNotIn("wrong", record["links"])
        self.assertEqual([place["local"] for place in record["places"]], [0, 1, 2])

    def test_links_of_one_rank(self):
        result = call([PROGRAM, "links", "--no-record"])
        self.assertEqual(result.returncode, 3)
        self.assertIn("a job of one rank has no links", result.stderr)

    def lose(self, how, seconds):
        words = mpirun(3, "run", "gemm", "size=96,128,160,192,224,256", "dtype=f32", "--min-time",
                       "1500ms", "--timeout", "5s", "-O", self.path)
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=ENVIRONMENT)
        for _ in range(600):
            time.sleep(0.05)
            if any(len(self.rows(path)) >= 1 for path in self.found("*.journal")):
                break
        children = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True)
        victim = int(children.stdout.split()[1])
        began = time.monotonic()
        os.kill(victim, how)
        output, errors = process.communicate(timeout=60)
        self.assertLess(time.monotonic() - began, seconds)
        return process.returncode, output, errors

    def test_killed_rank(self):
        code, _, errors = self.lose(signal.SIGKILL, 30)
        self.assertNotEqual(code, 0)
        self.assertRegex(errors, r"rank 1\b")
        journal = self.found("*.journal")[0]
        self.assertIn("--resume " + journal, errors)
        result = call(mpirun(3, "run", "--resume", journal))
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(len(self.record()["rows"]), 6)

    def test_asked_rank(self):
        """SIGTERM to one rank ends the job as an interrupt of all does."""
        code, output, errors = self.lose(signal.SIGTERM, 30)
        self.assertEqual(code, 3, errors)
        self.assertIn("rank 1: interrupted", errors)
        self.assertIn("--resume " + self.found("*.journal")[0], errors)
        self.assertIn("verified", output)

    def test_stopped_rank(self):
        code, output, errors = self.lose(signal.SIGSTOP, 30)
        self.assertEqual(code, 3, errors)
        self.assertRegex(errors, r"rank 1 .*stopped")
        self.assertIn("verified", output)


if __name__ == "__main__":
    main()
