# SPDX-License-Identifier: Apache-2.0
"""What the tests of the program from the outside share: PROGRAM SOURCE_DIR [unittest words].

Needs Python's standard library and, for ranks, mpirun. Times are bounded loosely: a shared machine
is slow now and then; what is asserted is that nothing hangs and nothing is lost.
"""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

PROGRAM, SOURCE = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
ENVIRONMENT = dict(os.environ, OMPI_ALLOW_RUN_AS_ROOT="1", OMPI_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   PRTE_ALLOW_RUN_AS_ROOT="1", PRTE_ALLOW_RUN_AS_ROOT_CONFIRM="1",
                   OMP_WAIT_POLICY="passive", MLBENCH_METADATA="off")
SMALL = ["--min-time", "1ms", "--max-time", "50ms", "--max-warmup", "10ms", "--min-samples", "6"]


def mpirun(ranks, *words):
    return ["mpirun", "--oversubscribe", "-n", str(ranks), PROGRAM, *words, "--oversubscribe"]


def call(words, timeout=120, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=timeout, env=ENVIRONMENT,
                          stdin=subprocess.DEVNULL, **options)


def run(*words, **options):
    return call([PROGRAM, *words], **options)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = self.folder.name

    def file(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w") as file:
            file.write(text)
        return path

    def found(self, pattern):
        return sorted(glob.glob(os.path.join(self.path, pattern)))

    def one_line_error(self, result, code, *parts):
        """The code, nothing on stdout, one line on stderr that holds the parts."""
        self.assertEqual(result.returncode, code, result.stderr)
        self.assertEqual(result.stdout, "")
        lines = [line for line in result.stderr.splitlines() if line.startswith("mlbench: ")]
        self.assertEqual(len(lines), 1, result.stderr)
        for part in parts:
            self.assertIn(part, lines[0])

    def rows(self, journal):
        with open(journal) as file:
            lines = file.readlines()[1:]
        return [json.loads(line)["row"] for line in lines if line.endswith("}\n")]

    def record(self):
        paths = self.found("*.json")
        self.assertEqual(len(paths), 1)
        with open(paths[0]) as file:
            return json.load(file)


def main():
    unittest.main(argv=[sys.argv[0], *sys.argv[3:]], verbosity=2)
