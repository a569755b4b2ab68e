#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench compare as a user calls it, on records made of one short run by other times."""
import copy
import csv
import glob
import io
import json
import os
import random
import tempfile

from program import SMALL, Case, main, run

CASES = ["gemm", "dtype=f32,s8", "size=64", "memory", "op=copy,read", "bytes=64KiB", "rmsnorm",
         "tokens=64", "hidden=64", "adamw", "count=4096", "attention", "heads=1", "head_dim=64",
         "seq=64", "pass=fwd,bwd", "launch"]
TIMES = ["median", "ci_low", "ci_high", "min", "q1", "q3", "max"]


def scaled(row, factor):
    for key in TIMES:
        if key in row["time_ns"]:
            row["time_ns"][key] *= factor
    row["samples"]["time_ns"] = [t * factor for t in row["samples"]["time_ns"]]


class Compare(Case):
    @classmethod
    def setUpClass(cls):
        with tempfile.TemporaryDirectory() as folder:
            result = run("run", "--output", folder, *SMALL, *CASES)
            paths = glob.glob(os.path.join(folder, "*.json"))
            assert len(paths) == 1, result.stderr
            with open(paths[0]) as file:
                cls.template = json.load(file)
        for row in cls.template["rows"]:  # a busy machine is not what is tested
            assert "time_ns" in row, row
            row["status"] = "measured"
            row.pop("reason", None)

    def setUp(self):
        super().setUp()
        self.random = random.Random(1)

    def side(self, name, launches, slower=None, spread=0.002, change=None):
        """A folder of launches; `slower` maps the beginning of an id to a factor of its times."""
        folder = os.path.join(self.path, name)
        os.mkdir(folder)
        for launch in range(launches):
            record = copy.deepcopy(self.template)
            record["run_id"] = "%032x" % self.random.getrandbits(128)
            for row in record["rows"]:
                factor = self.random.gauss(1.0, spread)
                for begin, by in (slower or {}).items():
                    factor *= by if row["id"].startswith(begin) else 1.0
                scaled(row, factor)
            if change:
                change(record)
            with open(os.path.join(folder, "%02d.json" % launch), "w") as file:
                json.dump(record, file)
        return folder

    def verdicts(self, *words):
        result = run("compare", "--format", "json", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        document = json.loads(result.stdout)
        return document, {case["id"]: case for case in document["cases"]}

    def test_slower_and_faster(self):
        base = self.side("base", 10)
        other = self.side("new", 10, {"gemm[cpu,dtype=s8": 1.08, "memory[cpu,op=copy": 0.9})
        text = run("compare", base, "--", other)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        self.assertIn("1 slower, 1 faster", text.stdout)
        self.assertIn("slower, clear", text.stdout)
        self.assertLessEqual(max(map(len, text.stdout.splitlines())), 100)
        document, cases = self.verdicts(base, "--", other)
        self.assertEqual(document["kind"], "compare")
        worse = [case for case in cases.values() if case["verdict"] == "worse"]
        self.assertEqual(len(worse), 1)
        self.assertTrue(worse[0]["clear"])
        self.assertAlmostEqual(worse[0]["change_fraction"], 1 / 1.08 - 1, delta=0.005)
        self.assertLess(worse[0]["p_adjusted"], 0.05)
        self.assertTrue(all(case["p"] > 0 for case in cases.values() if "p" in case))
        self.assertEqual(document["count_worse"] + document["count_better"], 2)

    def test_all_formats_tell_the_same(self):
        base, other = self.side("base", 6), self.side("new", 6, {"attention": 1.05})
        words = [base, other]  # two words are a side each
        _, cases = self.verdicts(*words)
        rows = list(csv.DictReader(io.StringIO(run("compare", "-f", "csv", *words).stdout)))
        self.assertEqual({row["id"]: row["verdict"] for row in rows},
                         {id: case["verdict"] for id, case in cases.items()})
        markdown = run("compare", "-f", "markdown", *words).stdout
        for word in ["| case |", "slower, clear", "not judged"]:
            self.assertIn(word, markdown)

    def test_gate(self):
        base, same = self.side("base", 10), self.side("same", 10)
        slower = self.side("slower", 10, {"rmsnorm": 1.06})
        one, rough = self.side("one", 1), self.side("rough", 6, spread=0.05)
        self.assertEqual(run("compare", "--gate", base, "--", same).returncode, 0)
        self.assertEqual(run("compare", "--gate", slower, "--", base).returncode, 0)
        for other, code, part in [(slower, 1, "gate: 1 case is slower; most: rmsnorm"),
                                  (one, 3, "cases are unsure"), (rough, 3, "unsure")]:
            result = run("compare", "--gate", base, "--", other)
            self.assertEqual(result.returncode, code)
            self.assertIn(part, result.stderr)
            self.assertIn("verdict", result.stdout)
            self.assertEqual(run("compare", base, "--", other).returncode, 0)

    def test_gate_of_what_is_not_judged(self):
        words = ["compare", "--gate", "--only", "launch*", self.side("a", 10), self.side("b", 10)]
        self.assertIn("no case was judged", run(*words).stderr)
        self.assertEqual(run(*words).returncode, 3)
        self.assertEqual(run(*words, "--all").returncode, 0)

    def test_margin_alpha_only_sort_all(self):
        base, other = self.side("base", 10), self.side("new", 10, {"gemm": 1.03, "launch": 1.2})
        _, usual = self.verdicts(base, "--", other)
        _, wide = self.verdicts("--margin", "5%", base, "--", other)
        gemm = [id for id in usual if id.startswith("gemm")]
        self.assertEqual({usual[id]["verdict"] for id in gemm}, {"worse"})
        self.assertEqual({wide[id]["verdict"] for id in gemm}, {"small"})
        self.assertEqual(usual["launch[cpu,op=kernel,mode=round-trip,nodes=1]"]["verdict"],
                         "not_judged")
        document, cases = self.verdicts("--all", "--sort", "change", base, "--", other)
        self.assertEqual(document["tested"], len(cases))
        self.assertTrue(document["cases"][0]["id"].startswith("launch"))
        document, cases = self.verdicts("--only", "gemm*", "--alpha", "0.001", base, "--", other)
        self.assertEqual(sorted(cases), sorted(gemm))
        self.assertEqual(document["alpha"], 0.001)

    def test_few_launches(self):
        result = run("compare", self.side("a", 1), "--", self.side("b", 1, {"gemm": 1.5}))
        self.assertEqual(result.returncode, 0)
        self.assertIn("cannot show a change, since nothing tells how much launches differ",
                      result.stdout)
        self.assertIn("-33", result.stdout)
        self.assertNotIn("slower, ", result.stdout.split("verdict")[1].split("\n\n")[0])

    def test_what_is_not_compared(self):
        def other_work(record):
            for row in record["rows"]:
                if row["id"].startswith("adamw[cpu"):
                    row["work"]["formula"] = "adamw.30p"
                if row["id"].startswith("attention[cpu"):
                    row["status"], row["reason"] = "untrusted", "throttled"

        base, other = self.side("base", 5), self.side("new", 5, change=other_work)
        _, cases = self.verdicts(base, "--", other)
        refused = [case for case in cases.values() if case["verdict"] == "refused"]
        self.assertEqual([case["reason"] for case in refused],
                         ["formula adamw.28p against adamw.30p"])
        missing = [case for case in cases.values() if case["verdict"] == "missing"]
        self.assertEqual(len(missing), 2)
        self.assertEqual(run("compare", "--gate", base, "--", other).returncode, 3)

    def test_what_differs(self):
        def newer(record):
            record["environment"]["kernel"] = "Linux 7.1.0 x86_64"

        document, _ = self.verdicts(self.side("a", 4), "--", self.side("b", 4, change=newer))
        self.assertIn({"what": "kernel", "base": self.template["environment"]["kernel"],
                       "base_values": 1, "new": "Linux 7.1.0 x86_64", "new_values": 1},
                      document["differences"])

    def test_wrong_words(self):
        a = self.side("a", 1)
        zeros = self.side("zeros", 1, change=lambda record: record.update(data="zeros"))
        newer = self.side("newer", 1, change=lambda record: record.update(schema=99))
        for words, code, parts in [
            ([], 2, ["both sides of '--'"]),
            ([a], 2, ["both sides of '--'"]),
            (["--", a], 2, ["both sides of '--'"]),
            ([a, "--", zeros, "--gate"], 2, ["'--gate' stands behind", "go before"]),
            ([a, "--", a], 2, ["00.json"]),
            ([a, "--", os.path.join(self.path, "none")], 2, ["none"]),
            ([a, "--", newer], 2, ["newer"]),
            ([a, "--", zeros], 3, ["data: normal in", "zeros in"]),
            (["--margin", "90%", a, "--", zeros], 2, ["margin"]),
            (["--sort", "size", a, "--", zeros], 2, ["record", "change", "name"]),
        ]:
            with self.subTest(words=words):
                self.one_line_error(run("compare", *words), code, *parts)
        result = run("compare", "--only", "nothing*", a, "--", self.side("c", 1))
        self.assertEqual(result.returncode, 3)
        self.assertIn("no case was measured on both sides that matches --only", result.stderr)


main()
