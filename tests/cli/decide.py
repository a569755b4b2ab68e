#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench decide as a user meets it: the example, all formats, bad files, what is not measured."""
import csv
import io
import json
import os

from program import PROGRAM, SOURCE, Case, call, main, run

# A record of 8 GPUs of the tests of printers.
RECORD = os.path.join(SOURCE, "tests/report/golden/gpu.json")
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
        self.assertIn("turned by: AWS's score for 'compute' below 5, however little, puts GCP "
                      "first", " ".join(tie.stdout.split()))

    def test_errors_quote_no_controls(self):
        path = self.file("choice.json", '{"ti\\u001btle": 1}')
        self.one_line_error(self.decide(path), 2, "unknown key 'ti?tle'")

    def test_ours_by_name(self):
        named, path = self.decide("example"), self.decide(EXAMPLE)
        self.assertEqual((named.returncode, named.stderr), (0, ""))
        self.assertEqual(named.stdout, path.stdout)
        self.one_line_error(self.decide("exmple"), 2, "unknown decision 'exmple'",
                            "there are: example")
        with open(EXAMPLE) as file:
            bare = self.file("example", file.read().replace("Reserved H100", "My own"))
        own = call([PROGRAM, "decide", "example"], cwd=self.path)
        self.assertIn("My own", own.stdout, bare)

    def test_options_that_would_do_nothing(self):
        for words in [["--price", "aws/p5.48xlarge=1"], ["--only", "gemm*"], ["--prices", EXAMPLE]]:
            self.one_line_error(self.decide(EXAMPLE, *words), 2, words[0], "records")

    def test_what_is_not_measured_needs_a_score(self):
        path = self.decision(('"compute": 5, ', ""))
        self.one_line_error(self.decide(path), 3, path, "'AWS' has no score for 'compute'",
                            "mlbench run gemm, on aws p5.48xlarge", "1 more score is missing")

    def record(self, provider, instance, launch=0, slower=1.0, **provided):
        """A record of that instance with all times longer by `slower`; its path."""
        with open(RECORD) as file:
            record = json.load(file)
        record["run_id"] = f"{hash((instance, launch, slower)) & (1 << 128) - 1:032x}"
        record["provider"] = dict({"name": provider, "instance": instance, "method": "user"},
                                  **provided)
        del record["price"]
        for number, row in enumerate(record["rows"]):
            # Ids as a run gives them when no variant is named: of large products.
            row["params"].update(m="8192", n="8192", k="8192", number=str(number))
            words = ",".join(f"{key}={value}" for key, value in row["params"].items())
            row["id"] = f"{row['workload']}[cuda,{words}]"
            for key in {"median", "min", "q1", "q3", "max", "ci_low", "ci_high"} & \
                    set(row.get("time_ns", {})):
                row["time_ns"][key] *= slower
        return self.file(f"{instance}-{launch}.json", json.dumps(record))

    def three_records(self):
        return [self.record("aws", "p5.48xlarge"), self.record("gcp", "a3-megagpu-8g", 0, 1.25),
                self.record("azure", "ND96isr_H100_v5", 0, 2.5)]

    def test_scores_from_records(self):
        self.three_records()
        prices = "aws/p5.48xlarge=40,gcp/a3-megagpu-8g=40,azure/Standard_ND96isr_H100_v5=10"
        words = [self.path, "--price", prices]
        document = json.loads(self.decide(EXAMPLE, *words, "-f", "json").stdout)
        scores = {row["dimension"]: row for row in document["scores"]}
        for name in ["compute", "memory", "interconnect"]:
            self.assertAlmostEqual(scores[name]["score_aws"], 5)
            self.assertAlmostEqual(scores[name]["score_gcp"], 4)
            self.assertAlmostEqual(scores[name]["score_azure"], 2)
        # A FLOP takes 1, 1.25 and 2.5 at 4, 4 and 1 dollars: 4, 5 and 2.5.
        self.assertAlmostEqual(scores["cost"]["score_azure"], 5)
        self.assertAlmostEqual(scores["cost"]["score_aws"], 5 * 2.5 / 4)
        self.assertAlmostEqual(scores["cost"]["score_gcp"], 2.5)
        self.assertEqual(scores["capacity"]["score_aws"], 4)
        measured = {(row["dimension"], row["option"]): row for row in document["measured"]}
        with open(RECORD) as file:
            rows = [row for row in json.load(file)["rows"] if row["params"].get("dtype") == "bf16"
                    and row["workload"] == "gemm"]
        flop = sum(row["work"]["flop"] for row in rows)
        seconds = sum(row["time_ns"]["median"] for row in rows) * 1e-9
        compute = measured["compute", "AWS"]
        self.assertAlmostEqual(compute["value"] / (flop / seconds), 1)
        self.assertLess(compute["low"], compute["value"])
        self.assertEqual((compute["launches"], compute["interval_of"]), (1, "one_launch"))
        self.assertAlmostEqual(measured["cost", "AWS"]["value"] /
                               (40 / 3600 * 1e21 / 8 / (flop / seconds)), 1)
        self.assertIn("one_launch", [note["code"] for note in document["notes"]])
        text = self.decide(EXAMPLE, *words).stdout
        self.assertLessEqual(max(map(len, text.splitlines())), 100)
        self.assertIn("AWS: $40.00/h, on_demand, your own price", text)

    def test_options_bought_in_ways_of_their_own(self):
        """The same machine twice, the second time for half the price."""
        self.record("aws", "p5.48xlarge")
        path = self.decision(
            ('"provider": "gcp", "instance": "a3-megagpu-8g"',
             '"provider": "aws", "instance": "p5.48xlarge", "purchase": "reserved_1y"'))
        prices = "aws/p5.48xlarge=40,aws/p5.48xlarge:reserved_1y=20"
        result = self.decide(path, self.path, "--price", prices, "-f", "json")
        document = json.loads(result.stdout)
        cost = next(row for row in document["scores"] if row["dimension"] == "cost")
        self.assertAlmostEqual(cost["score_gcp"], 5)
        self.assertAlmostEqual(cost["score_aws"], 2.5)
        self.assertAlmostEqual(document["scores"][0]["score_aws"], 5)
        self.assertIn("$20.00/h, reserved_1y, your own price",
                      [row.get("price") for row in document["measured"]])
        wrong = self.decision(('"provider": "gcp",', '"provider": "gcp", "purchase": "leased",'))
        self.one_line_error(self.decide(wrong), 2, "'purchase' is 'leased'", "allowed: on_demand")

    def test_one_measured_option_is_no_comparison(self):
        self.record("aws", "p5.48xlarge")
        self.record("aws", "p4d.24xlarge")
        result = self.decide(EXAMPLE, self.path)
        self.assertEqual(result.returncode, 0)
        self.assertIn("1 of 2 records belongs to no option", result.stdout)
        self.assertIn("GCP 131 and AWS 129 of 145", result.stdout)
        path = self.decision(('"compute": 5, ', ""))
        self.one_line_error(self.decide(path, self.path), 3, "'GCP' has no score for 'compute'")

    def test_an_option_without_records_has_the_files_score(self):
        records = self.three_records()
        document = json.loads(self.decide(EXAMPLE, *records[:2], "-f", "json").stdout)
        compute = document["scores"][0]
        self.assertEqual((compute["score_aws"], compute["score_azure"]), (5, 4))
        self.assertAlmostEqual(compute["score_gcp"], 4)
        self.assertNotIn("Azure", [row["option"] for row in document["measured"]])

    def test_bad_records(self):
        records = self.three_records()
        with open(records[0]) as file:
            cut = self.file("cut.json", file.read()[:5000])
        self.one_line_error(self.decide(EXAMPLE, *records, cut), 2, cut + ":")
        self.one_line_error(self.decide(EXAMPLE, self.path, "provider=awz"), 2, "providers: ")

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
        self.one_line_error(run("decide"), 2, "decide: needs a file")
        self.one_line_error(self.decide(self.decision(('"name": "GCP"', '"name": "  "'))), 2,
                            "'name' must be a text, not empty")
        self.one_line_error(self.decide("/nowhere.jsonc"), 2, "/nowhere.jsonc: cannot read")


main()
