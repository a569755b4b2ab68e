#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checkpoints from the outside: the record names no folder, and nothing is left in it."""
import os
import signal
import subprocess
import time

from program import ENVIRONMENT, PROGRAM, Case, call, main, mpirun, run

SHORT = ["--min-time", "1ms", "--max-time", "1s", "--max-warmup", "10ms", "--min-samples", "6",
         "--target", "50%"]


class Checkpoint(Case):
    def setUp(self):
        super().setUp()
        self.store = os.path.join(self.path, "somebodys-store")
        os.mkdir(self.store)

    def test_two_ranks_write_one_checkpoint(self):
        result = call(mpirun(2, "run", "checkpoint", "bytes=1MiB", "op=write,read", "--device",
                             "cpu", "--checkpoint-folder", self.store, "-O", self.path, *SHORT))
        self.assertEqual(result.returncode, 0, result.stderr)
        rows = self.record()["rows"]
        self.assertEqual([row["status"] for row in rows], ["measured"] * 2)
        for row in rows:
            self.assertEqual(row["samples"]["across_ranks"], "max")
            self.assertEqual(row["work"]["bytes"], 2 * 2**20)
            self.assertEqual(row["work"]["ranks"], 2)
            self.assertIn("2 x 1 MiB, ", row["label"])
            self.assertTrue(row["details"]["file_system"])
            self.assertEqual(row["verification"]["checked"], 2 * 2**20 // 8)
        with open(self.found("*.json")[0]) as file:
            self.assertNotIn("somebodys", file.read())
        self.assertEqual(os.listdir(self.store), [])

    def test_without_a_folder(self):
        result = run("run", "checkpoint", "bytes=1MiB", "--no-record")
        self.assertEqual(result.returncode, 3, result.stderr)
        self.assertIn("needs --checkpoint-folder", result.stdout)

    def test_no_such_folder(self):
        gone = os.path.join(self.store, "gone")
        file = os.path.join(self.path, "file")
        with open(file, "w"):
            pass
        for folder, why in [(gone, "No such file or directory"), (file, "Not a directory")]:
            with self.subTest(why):
                result = run("run", "checkpoint", "bytes=1MiB", "--checkpoint-folder", folder,
                             "--no-record")
                self.one_line_error(result, 2, "--checkpoint-folder", why)
                self.assertEqual(result.stdout, "")

    def test_interrupted(self):
        words = [PROGRAM, "run", "checkpoint", "bytes=8MiB", "--checkpoint-folder", self.store,
                 "--no-record", "--min-time", "60s", "--max-time", "60s"]
        with subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL) as job:
            end = time.monotonic() + 30
            while not os.listdir(self.store) and time.monotonic() < end:
                time.sleep(0.01)
            self.assertTrue(os.listdir(self.store))
            job.send_signal(signal.SIGTERM)
            self.assertEqual(job.wait(30), 3)
        self.assertEqual(os.listdir(self.store), [])


if __name__ == "__main__":
    main()
