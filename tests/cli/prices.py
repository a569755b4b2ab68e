#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench prices: the shipped catalog as a user sees it."""
import csv
import io
import json
import re

from program import SMALL, Case, main, run

MINE = """{"schema": 1, "prices": [
{"provider": "aws", "instance": "p5.48xlarge", "purchase": "on_demand", "region": "us-east-1",
 "amount_per_hour": %s, "currency": "%s", "as_of": "%s", "source": "a contract"}]}
"""


class Prices(Case):
    def test_list_is_filtered_and_fits_a_terminal(self):
        result = run("prices", "list", "provider=aws", "instance=P5*", "gpu=h100")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertLessEqual(max(len(line) for line in result.stdout.splitlines()), 100)
        self.assertRegex(result.stdout, r"aws p5\.48xlarge +8 H100 +on_demand +55\.04 +6\.88 ")
        self.assertIn("use1-az5", result.stdout)
        self.assertRegex(result.stdout, r"stale: \d+ days")
        self.assertNotIn("p4d", result.stdout)
        self.assertIn("ND96isr_H100_v5", run("prices", "list", "instance=nd96isr_h1*").stdout)
        whole = run("prices", "list").stdout
        self.assertLessEqual(max(len(line) for line in whole.splitlines()), 100)
        self.assertIn("not measured by mlbench", " ".join(whole.split()))

    def test_list_for_machines(self):
        rows = list(csv.DictReader(io.StringIO(
            run("prices", "list", "gpu=H100", "--format", "csv").stdout)))
        self.assertTrue(all(row["source"] and row["as_of"] and row["region"] for row in rows))
        document = json.loads(run("prices", "list", "gpu=H100", "--format", "json").stdout)
        self.assertEqual(document["kind"], "prices")
        self.assertEqual(len(document["prices"]), len(rows))
        first = document["prices"][0]
        self.assertAlmostEqual(first["usd_per_gpu_hour"] * first["gpus"], first["usd_per_hour"])
        self.assertIn("| instance |",
                      run("prices", "list", "gpu=H100", "--format", "markdown").stdout)

    def test_show_names_the_sources(self):
        result = run("prices", "show", "aws/p5.48xlarge")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertLessEqual(max(len(line) for line in result.stdout.splitlines()), 100)
        for part in ["8 H100, 80 GiB, SXM5", "efa, 32 ports", "3200 Gb/s (400 GB/s)",
                     "AWS price sheet, survey of 2026-09-19", "skypilot-catalog v8 aws@",
                     "sagemaker", "use1-az5", "spot costs as much as on demand"]:
            self.assertIn(part, result.stdout)
        self.assertEqual(run("prices", "show", "p5.48xlarge").stdout, result.stdout)
        self.assertEqual(run("prices", "show", "AWS/ml.p5.48xlarge").stdout, result.stdout)
        self.assertIn("Not measured by mlbench", run("prices", "show", "gcp/tpu-v5p-8").stdout)
        self.assertIn("No published price", run("prices", "show", "a4x-highgpu-4g").stdout)

    def test_own_files_are_read_after_the_catalog(self):
        mine = self.file("mine.json", MINE % ("44", "USD", "2026-11-01"))
        result = run("prices", "show", "p5.48xlarge", "--prices", mine)
        self.assertRegex(result.stdout, r"on_demand +44\.00 +5\.50 +us-east-1 +2026-11-01")
        self.assertIn("a contract", result.stdout)
        older = self.file("older.json", MINE % ("44", "USD", "2024-11-01"))
        self.assertNotIn("44.00", run("prices", "show", "p5.48xlarge", "--prices", older).stdout)

    def test_the_later_file_counts_of_one_day(self):
        cheap = self.file("cheap.json", MINE % ("44", "USD", "2026-09-19"))
        dear = self.file("dear.json", MINE % ("66", "USD", "2026-09-19"))
        for files, amount in [([cheap], 44), ([cheap, dear], 66), ([dear, cheap], 44)]:
            with self.subTest(files=files):
                result = run("prices", "list", "instance=p5.48xlarge", "region=us-east-1",
                             "purchase=on_demand", "service=", "--prices", ",".join(files),
                             "--format", "json")
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                prices = json.loads(result.stdout)["prices"]
                self.assertEqual([price["usd_per_hour"] for price in prices], [amount])

    def test_every_source_has_its_number(self):
        one = json.loads(MINE % ("44", "USD", "2026-09-19"))
        price = one["prices"][0]
        one["prices"] = [dict(price, region=f"xx-{i:03}", source=f"sheet {i}") for i in range(90)]
        many = self.file("many.json", json.dumps(one))
        shown = run("prices", "show", "p5.48xlarge", "--prices", many).stdout
        for i in (0, 60, 89):
            number = re.search(rf"xx-{i:03} .*(\[\d+\])$", shown, re.MULTILINE).group(1)
            self.assertIn(f"{number} sheet {i}\n", shown)

    def test_errors(self):
        for words, parts in [
            (["prices"], ["write one of list, show"]),
            (["prices", "lst"], ["prices 'lst'", "list, show"]),
            (["prices", "list", "H100"], ["'H100' is no filter", "gpu="]),
            (["prices", "list", "gpus=H100"], ["'gpus=H100' is no filter"]),
            (["prices", "list", "gpu=H100", "gpu=A100"], ["gpu= stands twice"]),
            (["prices", "show"], ["write one instance"]),
            (["prices", "show", "a", "b"], ["write one instance"]),
            (["prices", "show", "aws/p5.48xlrge"], ["no instance", "did you mean 'p5.48xlarge'"]),
            (["prices", "show", "gcp/p5.48xlarge"], ["no instance 'gcp/p5.48xlarge'"]),
            (["prices", "list", "--price", "a/b=1"], ["takes no option '--price'"]),
            (["prices", "list", "--prices", "/nowhere"], ["/nowhere"]),
        ]:
            with self.subTest(words=words):
                self.one_line_error(run(*words), 2, *parts)
        self.one_line_error(run("prices", "list", "gpu=H900"), 3, "no price matches")
        for values, part in [(("0", "USD", "2026-11-01"), "above 0"),
                             (("9e9", "USD", "2026-11-01"), "cannot be"),
                             (("44", "EUR", "2026-11-01"), "only USD"),
                             (("44", "USD", "2126-11-01"), "in the future"),
                             (("44", "USD", "soon"), "a day or a month")]:
            with self.subTest(values=values):
                mine = self.file("bad.json", MINE % values)
                result = run("prices", "list", "--prices", mine)
                self.one_line_error(result, 2, f"{mine}:3: ", part)

    def run_on(self, *words):
        result = run("run", "memory", "bytes=64KiB", "--output", self.path, *SMALL, *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result, self.record()

    def test_a_run_takes_the_price_of_its_machine(self):
        result, record = self.run_on("--provider", "aws", "--instance", "p5.4xlarge",
                                     "--budget", "$2")
        self.assertEqual(record["price"]["usd_per_hour"], 6.88)
        self.assertRegex(record["price"]["source"],
                         r"^catalog: aws p5\.4xlarge on_demand us-east-1, as of 20")
        self.assertIn("at $6.88 per hour (catalog: aws", result.stdout)

    def test_a_run_says_why_it_has_no_price(self):
        _, record = self.run_on("--provider", "aws", "--instance", "p5.48xlarge")
        self.assertNotIn("price", record)
        notes = [note["text"] for note in record["health"] if note["code"] == "price"]
        self.assertEqual(len(notes), 1)
        self.assertIn("the region is not known", notes[0])

    def test_the_users_own_price_counts_first(self):
        _, record = self.run_on("--provider", "aws", "--instance", "p5.4xlarge", "-p", "3")
        self.assertEqual(record["price"], {"usd_per_hour": 3, "source": "--price-per-hour 3"})


if __name__ == "__main__":
    main()
