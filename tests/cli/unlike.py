#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ranks that are not alike: another build, other words."""
import os
import re
import shutil
import subprocess

from program import PROGRAM, SMALL, Case, call, main


class Unlike(Case):
    def pair(self, program, *words, second=("run", "gemm", "size=64", "dtype=f32")):
        """Rank 0 runs `words`, rank 1 is `program` with the words `second`."""
        return call(["mpirun", "--oversubscribe", "-n", "1", PROGRAM, *words, "--no-record", ":",
                     "-n", "1", program, *second, "--no-record"])

    def other_build(self):
        """A copy of the program whose build id differs in one bit."""
        notes = subprocess.run(["readelf", "-n", PROGRAM], capture_output=True, text=True).stdout
        found = re.search(r"Build ID: ([0-9a-f]+)", notes)
        if not found:
            self.skipTest("the linker made no build id")
        build = bytes.fromhex(found[1])
        copy = os.path.join(self.path, "mlbench")
        shutil.copy(PROGRAM, copy)
        with open(copy, "r+b") as file:
            data = file.read()
            file.seek(data.index(build))
            file.write(bytes([build[0] ^ 1]))
        return copy

    def test_another_build(self):
        words = ("run", "gemm", "size=64", "dtype=f32")
        result = self.pair(self.other_build(), *words)
        self.one_line_error(result, 2, "rank 1 on ", "is not like rank 0", "build ",
                            "install one build on all machines")

    def test_another_suite(self):
        result = self.pair(PROGRAM, "run", "-s", "smoke")
        self.one_line_error(result, 2, "rank 1 on ", "gemm size=64 dtype=f32'", "--suite=smoke")

    def test_another_budget(self):
        words = ("run", "gemm", "size=64", "dtype=f32")
        result = self.pair(PROGRAM, *words, second=(*words, "--budget", "5s"))
        self.one_line_error(result, 2, "--budget 5s")

    def test_another_price(self):
        """It decides nothing of what is measured: the first rank's counts, and nobody waits."""
        words = ("run", "gemm", "size=64", "dtype=f32", *SMALL)
        for first, second in [(("--price-per-hour", "5"), ()), ((), ("--price-per-hour", "5"))]:
            result = self.pair(PROGRAM, *words, *first, second=(*words, *second))
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertEqual("$5.00 per hour" in result.stdout, bool(first), result.stdout)


if __name__ == "__main__":
    main()
