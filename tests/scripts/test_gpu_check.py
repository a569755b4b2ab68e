#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""scripts/gpu-check, gpu-carry and gpu_peer.py on a machine without a GPU.

What needs one has stand-ins. The scripts are copied to a folder of their own, so that what they
take for the checkout is ours.
"""
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile
import unittest

ROOT = sys.argv.pop(1)
GPU_HERE = os.path.isdir("/proc/driver/nvidia/gpus") and os.listdir("/proc/driver/nvidia/gpus")

GEMM = {"dtype": "bf16", "pass": "fwd", "m": "8192", "n": "8192", "k": "4096", "model": "none"}
ATTENTION = {"dtype": "bf16", "pass": "bwd", "causal": "true", "batch": "1", "seq": "2048",
             "seq_kv": "2048", "heads": "64", "kv_heads": "8", "head_dim": "128",
             "head_dim_v": "128", "layout": "bshd"}


def row(workload, params, ns=None, device="cuda", **more):
    made = {"id": f"{workload}[{','.join(params.values())}]", "workload": workload,
            "label": " ".join(params.values())[:40], "device": device, "params": params,
            "status": "measured" if ns else "skipped", "work": {"bytes": 2e9}}
    if ns:
        made["time_ns"] = {"median": ns}
    made.update(more)
    return made


class Folder(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(os.path.join(ROOT, "scripts"), os.path.join(self.root, "scripts"))

    def stub(self, path, body):
        path = os.path.join(self.root, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write("#!/bin/bash\n" + body)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def write(self, path, value):
        path = os.path.join(self.root, path)
        with open(path, "w", encoding="utf-8") as file:
            json.dump(value, file)
        return path

    def call(self, *words):
        environment = dict(os.environ, PATH=f"{self.root}/bin:{os.environ['PATH']}")
        return subprocess.run(words, cwd=self.root, env=environment, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              universal_newlines=True, timeout=60)


class Check(Folder):
    """The steps of scripts/gpu-check."""

    def check(self, *words):
        return self.call(os.path.join(self.root, "scripts/gpu-check"), "--out",
                         os.path.join(self.root, "out"), *words)

    def report(self):
        with open(os.path.join(self.root, "out/gpu-check.json"), encoding="utf-8") as file:
            return json.load(file)

    GOOD = 'echo "2 verified, 0 wrong, 0 failed, 1 skipped"\n'

    def one_gpu(self, program=GOOD, sanitizer="exit 0"):
        self.stub("bin/nvidia-smi", 'case $* in --list-gpus) echo "GPU 0: A \\"B\\"" ;;\n'
                  "*name*) echo 'GPU \"B\"' ;; *compute_cap*) echo 9.0 ;; *) echo 580.1 ;; esac\n")
        self.stub("build/release/mlbench", program)
        self.stub("bin/compute-sanitizer", sanitizer)
        # A python that has no torch.
        self.stub("bin/python3", f'case $1 in -c) exit 1 ;; *) exec {sys.executable} "$@" ;; esac')

    def test_wrong_words(self):
        for words, part in [(["nosuch"], "unknown word 'nosuch'"),
                            (["--minutes", "0"], "whole number from 1 on, not '0'"),
                            (["--carry"], "'--carry' needs a value"),
                            (["--carry", "/nowhere"], "holds no usr.tar.gz")]:
            done = self.check(*words)
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(part, done.stdout)

    def test_carried_for_another_machine(self):
        os.makedirs(os.path.join(self.root, "carry"))
        for what, part in [("processor sparc\nglibc 2.1\n", "is for sparc"),
                           (f"processor {os.uname().machine}\nglibc 9.9\n", "needs glibc 9.9")]:
            for name, text in [("usr.tar.gz", "x"), ("machine.txt", what)]:
                with open(os.path.join(self.root, "carry", name), "w", encoding="utf-8") as file:
                    file.write(text)
            done = self.check("--carry", os.path.join(self.root, "carry"))
            self.assertEqual(done.returncode, 2, done.stdout)
            self.assertIn(part, done.stdout)

    @unittest.skipIf(GPU_HERE, "there is a GPU")
    def test_no_gpu(self):
        self.stub("bin/nvidia-smi", "exit 9")
        done = self.check("verify")
        self.assertEqual(done.returncode, 3, done.stdout)
        self.assertIn("no NVIDIA GPU", done.stdout)
        self.assertEqual(self.report()["steps"], [])

    def test_collectives_on_one_gpu_are_the_test_of_ranks_that_share_it(self):
        for code, status in ((0, "good"), (1, "failed")):
            self.one_gpu()
            self.stub("bin/mpirun", "exit 0")
            self.stub("tests/collectives/one_device.sh", f'echo "$@"; exit {code}')
            done = self.check("collectives")
            self.assertEqual(done.returncode, code, done.stdout)
            self.assertIn("release/mlbench mpirun --bind-to none --oversubscribe", done.stdout)
            self.assertEqual(self.report()["steps"][0]["status"], status)

    def test_steps_in_order_and_their_reasons(self):
        self.one_gpu(self.GOOD + 'case $1 in run)\n'
                     'for i; do [ "$a" = --output ] && d=$i; a=$i; done\n'
                     'mkdir -p "$d"; echo \'{"rows": []}\' >"$d/r.json" ;; esac\n')
        done = self.check("peer", "measure", "sanitize", "verify")
        self.assertEqual(done.returncode, 0, done.stdout)
        report = self.report()
        self.assertEqual([s["step"] for s in report["steps"]],
                         ["verify", "sanitize", "measure", "peer"])
        self.assertEqual([s["status"] for s in report["steps"]],
                         ["good", "good", "good", "skipped"])
        self.assertIn("PyTorch", report["steps"][3]["reason"])
        self.assertEqual(report["record"], {"rows": []})
        self.assertEqual(report["gpu"], 'GPU "B"')

    def test_a_wrong_result_is_no_success_and_the_rest_goes_on(self):
        self.one_gpu('[ "$1" != verify ] || { echo "WRONG gemm"; exit 1; }')
        done = self.check("verify", "sanitize")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertEqual([s["status"] for s in self.report()["steps"]], ["failed", "good"])
        with open(os.path.join(self.root, "out/gpu-check.log"), encoding="utf-8") as file:
            self.assertIn("WRONG gemm", file.read())

    def test_a_group_that_hangs_or_is_skipped_keeps_no_other_from_it(self):
        self.one_gpu('case $* in *wgmma*) echo hung; exit 3 ;;\n'
                     '*p2p*) echo "0 verified, 0 wrong, 0 failed, 4 skipped"; exit 3 ;; esac\n'
                     'echo "$*" >>"$0.calls"\n' + self.GOOD)
        done = self.check("verify")
        self.assertEqual(done.returncode, 1, done.stdout)
        step = self.report()["steps"][0]
        self.assertEqual(step["reason"],
                         "not verified: gemm[cuda,wgmma* attention[cuda,wgmma*")
        with open(os.path.join(self.root, "build/release/mlbench.calls"), encoding="utf-8") as file:
            self.assertEqual(len(file.readlines()), 13)

    def test_nothing_verified_is_no_success(self):
        self.one_gpu('echo "0 verified, 0 wrong, 0 failed, 9 skipped"; exit 3')
        self.assertEqual(self.check("verify").returncode, 1)
        self.assertIn("nothing was verified", self.report()["steps"][0]["reason"])

    def test_sanitizer_errors_and_machines_it_does_not_know(self):
        self.one_gpu(sanitizer="echo '= Invalid __global__ write'; exit 99")
        self.assertEqual(self.check("sanitize").returncode, 1)
        self.one_gpu(sanitizer="echo 'Error: Device not supported'; exit 1")
        done = self.check("sanitize")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("does not support", self.report()["steps"][0]["reason"])

    def test_sanitizer_without_the_time_to_end(self):
        for found, status, part in [("", "skipped", "racecheck found nothing in the"),
                                    ("========= Invalid __global__ read", "failed",
                                     "memcheck found errors"),
                                    ("WRONG     gemm", "failed", "memcheck found errors")]:
            self.one_gpu()
            self.stub("bin/timeout", 'case $* in *compute-sanitizer*)\n'
                      f'echo "{found}"; exit 124 ;; *) shift 2; exec "$@" ;; esac')
            self.check("sanitize")
            step = self.report()["steps"][0]
            self.assertEqual(step["status"], status)
            self.assertIn(part, step["reason"])

    def test_answers_of_the_interface_are_no_memory_errors(self):
        self.one_gpu(sanitizer='case $* in *memcheck*--report-api-errors\\ no*) ;;\n'
                     '*report-api*) exit 9 ;; *racecheck*) ;; *) exit 9 ;; esac')
        done = self.check("sanitize")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_steps_leave_time_for_those_that_come(self):
        self.one_gpu('echo "called: $*"; for i; do [ "$a" = --output ] && d=$i; a=$i; done\n'
                     '[ -z "$d" ] || { mkdir -p "$d"; echo \'{"rows": []}\' >"$d/r.json"; }\n'
                     'case $* in *peer*) exit 4 ;; esac')
        self.stub("bin/python3", 'case $1 in -c) exit 0 ;; esac\ncase $2 in\n'
                  'measure) echo "torch: $5"; echo \'{"rows": []}\' >"$4" ;;\n'
                  f'*) exec {sys.executable} "$@" ;; esac')
        done = self.check("sanitize", "measure", "peer", "--minutes", "31")
        for part in ["memcheck: 20[0-5] s at most", "suite full --device cuda --budget 7[5-9].s",
                     "suite peer --device cuda --budget 6[234].s", "torch: 3[56].", "case   "]:
            self.assertRegex(done.stdout, part)
        # Rows that failed are told, after the others were compared.
        self.assertEqual([s["status"] for s in self.report()["steps"]], ["good", "good", "failed"])
        self.assertEqual(self.report()["peer"], {"rows": []})

    def test_a_build_that_fails_ends_it(self):
        self.one_gpu()
        self.stub("bin/cmake", "echo 'no rule to make sense'; exit 1")
        done = self.check()
        self.assertEqual(done.returncode, 2, done.stdout)
        self.assertEqual([s["step"] for s in self.report()["steps"]], ["build"])


class Carry(Folder):
    """scripts/gpu-carry, from the packages of this machine."""

    @unittest.skipUnless(shutil.which("dpkg"), "no dpkg on this machine")
    def test_what_is_packed(self):
        folder = os.path.join(self.root, "carry")
        done = self.call(os.path.join(self.root, "scripts/gpu-carry"), "--no-install", folder)
        self.assertEqual(done.returncode, 0, done.stdout)
        with tarfile.open(os.path.join(folder, "usr.tar.gz")) as tar:
            names = tar.getnames()
        for part in ["/mpi.h", "/hwloc.h", "/cJSON.h", "/dnnl.h", "/cmocka.h", "usr/bin/mpicc",
                     "usr/bin/mpirun", "/pkg-config", "/libmpi.so", "/libhwloc.so", "/libdnnl.so",
                     "/mca_pml_ob1.so", "/autogen/config.h"]:
            self.assertTrue(any(name.endswith(part) for name in names), part)
        self.assertFalse(any("/libc.so" in name for name in names))
        with open(os.path.join(folder, "machine.txt"), encoding="utf-8") as file:
            self.assertIn(f"processor {os.uname().machine}\nglibc ", file.read())

    def test_wrong_words(self):
        for words in [("--nosuch",), ("a", "b")]:
            done = self.call(os.path.join(self.root, "scripts/gpu-carry"), *words)
            self.assertEqual(done.returncode, 2, done.stdout)


class Peer(Folder):
    """The mapping to PyTorch and the ratios; nothing here imports torch."""

    def peer(self, *words):
        return self.call(sys.executable, os.path.join(self.root, "scripts/gpu_peer.py"), *words)

    def test_which_call(self):
        rows = [row("gemm", GEMM), row("gemm", dict(GEMM, dtype="e4m3")),
                row("gemm", dict(GEMM, dtype="s8", **{"pass": "wgrad"})),
                row("gemm", dict(GEMM, dtype="nvfp4")), row("attention", ATTENTION),
                row("memory", {"op": "copy", "dtype": "f32"}),
                row("memory", {"op": "triad", "dtype": "f32"}),
                row("gemm", GEMM, device="cpu"), row("adamw", {})]
        done = self.peer("plan", self.write("r.json", {"rows": rows}))
        self.assertEqual(done.returncode, 0, done.stdout)
        parts = ["torch matmul", "torch _scaled_mm", "contiguous along k", "no product of nvfp4",
                 "torch FLASH_ATTENTION CUDNN_ATTENTION EFFICIENT_ATTENTION", "torch copy_ clone",
                 "only copy", "not on a GPU", "no counterpart of adamw"]
        for line, part in zip(done.stdout.splitlines(), parts):
            self.assertIn(part, line)
        self.assertEqual(len(done.stdout.splitlines()), len(parts))

    def test_ratio(self):
        gemm, attention = row("gemm", GEMM, 1e6), row("attention", ATTENTION, 2e6)
        peer = {"rows": [
            {"id": gemm["id"], "label": "a gemm", "time_ns": {"matmul": 1.1e6}, "unavailable": {}},
            {"id": attention["id"], "label": "an attention", "unavailable": {"X": "not built"},
             "time_ns": {"FLASH_ATTENTION": 3e6, "CUDNN_ATTENTION": 1.8e6}},
            {"id": "x", "label": "adamw", "no_peer": "no counterpart"}]}
        files = [self.write("before.json", {"rows": [gemm, attention]}),
                 self.write("after.json", {"rows": [dict(gemm, time_ns={"median": 1.2e6}),
                                                    attention]}),
                 self.write("peer.json", peer)]
        done = self.peer("compare", *files)
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = done.stdout.splitlines()
        self.assertIn(" 1.000  matmul  (turns differ)", lines[1])
        self.assertIn(" 0.900  CUDNN_ATTENTION", lines[2])
        self.assertNotIn("turns differ", lines[2])
        self.assertIn("no counterpart", lines[3])
        with open(files[2], encoding="utf-8") as file:
            self.assertAlmostEqual(json.load(file)["rows"][1]["ratio"], 0.9)

    def test_wrong_use(self):
        self.assertEqual(self.peer("compare", "a").returncode, 2)
        done = self.peer("plan", "/nowhere.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn("/nowhere.json", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
