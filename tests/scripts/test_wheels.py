#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""cmake/wheels.cmake: libraries of Python's wheels, and what goes before them."""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

CMAKE = sys.argv.pop(2)
ROOT = sys.argv.pop(1)
NAME = "libnosuch.so.7"
SCRIPT = """
cmake_minimum_required(VERSION 3.22)
include({root}/cmake/wheels.cmake)
set(MLBENCH_CUDA_RPATH {toolkit})
set(MLBENCH_CUDA_WHEELS "")
mlbench_cuda_wheel(nosuch {name})
message(STATUS "wheels <${{MLBENCH_CUDA_WHEELS}}>")
"""


class Wheels(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)

    def put(self, folder):
        folder = os.path.join(self.root, folder)
        os.makedirs(folder)
        with open(os.path.join(folder, NAME), "w", encoding="utf-8"):
            pass
        return folder

    def wheels(self, toolkit="toolkit/lib"):
        script = os.path.join(self.root, "script.cmake")
        with open(script, "w", encoding="utf-8") as file:
            file.write(SCRIPT.format(root=ROOT, name=NAME,
                                     toolkit=os.path.join(self.root, toolkit)))
        done = subprocess.run([CMAKE, "-P", script], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, universal_newlines=True, timeout=30,
                              env=dict(os.environ, VIRTUAL_ENV=os.path.join(self.root, "venv")))
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout.split("wheels <")[1].split(">")[0]

    def test_nowhere(self):
        self.assertEqual(self.wheels(), "")

    def test_in_pythons_packages(self):
        folder = self.put("venv/lib/python3.9/site-packages/nvidia/nosuch/lib")
        self.assertEqual(self.wheels(), folder)

    def test_beside_a_toolkit_of_wheels_first(self):
        self.put("venv/lib/python3.9/site-packages/nvidia/nosuch/lib")
        folder = self.put("other/nvidia/nosuch/lib")
        self.assertEqual(self.wheels("other/nvidia/cu13/lib"), folder)

    def test_the_toolkit_has_it(self):
        self.put("venv/lib/python3.9/site-packages/nvidia/nosuch/lib")
        self.put("toolkit/lib")
        self.assertEqual(self.wheels(), "")


if __name__ == "__main__":
    unittest.main(verbosity=2)
