#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench decide as a user meets it: the example, all formats, bad files, what is not measured."""
import csv
import io
import json
import os

from program import SOURCE, Case, main, run

EXAMPLE = os.path.join(SOURCE, "configs/decisions/example.jsonc")


class Decide(Case):
    def decision(self, *changes):
        """The example with texts replaced."""
        with open(EXAMPLE) as file:
            text = file.read()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        return self.file("choice.jsonc", text)

    def decide(self, path, *words):
        return run("decide", path, "--records", self.path, *words)

    def test_the_example_is_a_near_tie(self):
        result = self.decide(EXAMPLE)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        text = " ".join(result.stdout.split())
        self.assertIn("GCP 131 and AWS 129 of 145: a near tie; one point on 'compute' (weight 5) "
                      "turns it", text)
        self.assertIn("3 Azure 110 75.9 %", text)
        self.assertIn("file's scores count: compute, memory, interconnect, cost", text)
        self.assertLessEqual(max(map(len, result.stdout.splitlines())), 100)

    def test_formats_agree(self):
        document = json.loads(self.decide(EXAMPLE, "--format", "json").stdout)
        self.assertEqual(document["kind"], "decide")
        self.assertEqual(document["verdict"], "near_tie")
        self.assertEqual((document["margin"], document["maximum"]), (2, 145))
        rows = list(csv.DictReader(io.StringIO(self.decide(EXAMPLE, "-f", "csv").stdout)))
        self.assertEqual([(row["option"], float(row["total"])) for row in rows],
                         [("GCP", 131), ("AWS", 129), ("Azure", 110)])
        self.assertEqual([row["total"] for row in document["options"]], [131, 129, 110])
        self.assertIn("| 1 | GCP | 131 |", self.decide(EXAMPLE, "-f", "markdown").stdout)

    def test_a_clear_decision_and_an_exact_tie(self):
        path = self.decision(('"cost": 4, "capacity": 4', '"cost": 5, "capacity": 5'),
                             ('"data": 4, "compliance": 4}', '"data": 5, "compliance": 5}'))
        clear = self.decide(path)
        self.assertEqual(clear.returncode, 0)
        text = " ".join(clear.stdout.split())
        self.assertIn("AWS 142 of 145: first, 11 before GCP; no point on one score turns it", text)
        self.assertIn("turned by: AWS's score for 'compute' below 2.8 instead of 5", text)
        tie = self.decide(self.decision(('"cost", "weight": 4', '"cost", "weight": 2')))
        self.assertEqual(tie.returncode, 0)
        self.assertIn("AWS 121 and GCP 121 of 135: an exact tie", tie.stdout)

    def test_what_is_not_measured_needs_a_score(self):
        path = self.decision(('"compute": 5, ', ""))
        self.one_line_error(self.decide(path), 3, path, "'AWS' has no score for 'compute'",
                            "mlbench run gemm, on aws p5.48xlarge", "1 more score is missing")

    def test_bad_files(self):
        for old, new, line, part in [
            ('"weight": 5,', '"weigth": 5,', 11, "did you mean 'weight'?"),
            ('"weight": 5,', '"weight": 6,', 11, "from 1 to 5"),
            ('"capacity": 4,', "", 21, "'AWS' has no score for 'capacity'"),
            ('"options"', '"option"', 20, "did you mean 'options'?"),
            ('"name": "GCP"', '"name": "AWS"', 26, "'AWS' stands twice"),
        ]:
            with self.subTest(part=part):
                path = self.decision((old, new))
                self.one_line_error(self.decide(path), 2, f"{path}:{line}: ", part)
        self.one_line_error(run("decide"), 2, "decide needs a file")
        self.one_line_error(self.decide("/nowhere.jsonc"), 2, "/nowhere.jsonc: cannot read")


main()
