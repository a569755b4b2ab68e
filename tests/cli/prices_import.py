#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench prices import: price lists of providers as a user brings them."""
import csv
import gzip
import io
import json
import os

from program import Case, main, run

HEADER = "InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrice,Region,AvailabilityZone\n"
LINES = ("p5.48xlarge,H100,8,55.04,14.2461,us-east-1,use1-az1\n"
         "p5.48xlarge,H100,8,55.04,55.04,us-east-1,use1-az2\n"
         "p5.48xlarge,H100,8,0,-1,us-east-2,use2-az1\n"
         "m5.large,,,0.096,0.04,us-east-1,use1-az1\n")


class PricesImport(Case):
    def prices(self, name="prices.json"):
        with open(os.path.join(self.path, name)) as file:
            return json.load(file)["prices"]

    def take(self, *words):
        return run("prices", "import", *words, cwd=self.path)

    def test_a_report_of_what_was_taken_and_refused(self):
        self.file("aws.csv", HEADER + LINES)
        result = self.take("aws.csv", "--as-of", "2025-07-01")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertLessEqual(max(len(line) for line in result.stdout.splitlines()), 100)
        for part in ["3 prices of 1 instance\n", "prices.json: 3 new", "skypilot-csv",
                     "a price of zero", "a negative price", "aws.csv:4: aws p5.48xlarge us-east-2",
                     "spot at or above on demand", "of instances that are not in the catalog"]:
            self.assertIn(part, result.stdout)
        prices = self.prices()
        self.assertEqual([price["amount_per_hour"] for price in prices], [55.04, 14.2461, 55.04])
        self.assertEqual(prices[1]["zone"], "use1-az1")
        self.assertEqual(prices[1]["source"], "SkyPilot catalog, aws.csv, given 2025-07-01")
        self.assertIn("at or above", prices[2]["note"])
        self.assertEqual(self.found("*"), [os.path.join(self.path, "aws.csv"),
                                           os.path.join(self.path, "prices.json")])

    def test_what_is_written_is_used(self):
        self.file("aws.csv", HEADER + LINES.replace("us-east-1,", "xx-test-1,"))
        self.assertEqual(self.take("aws.csv", "--into", "mine.json").returncode, 0)
        shown = run("prices", "list", "region=xx-test-1", "--prices", "mine.json",
                    "--format", "csv", cwd=self.path)
        rows = list(csv.DictReader(io.StringIO(shown.stdout)))
        self.assertEqual(sorted(float(row["usd_per_hour"]) for row in rows),
                         [14.2461, 55.04, 55.04])

    def test_a_price_file_is_added_to(self):
        self.file("aws.csv", HEADER + LINES)
        self.take("aws.csv", "--as-of", "2025-07-01")
        self.file("aws.csv", HEADER + "p5.48xlarge,H100,8,50,,us-east-1,use1-az1\n"
                                      "p5.48xlarge,H100,8,66,,eu-west-1,euw1-az1\n")
        result = self.take("aws.csv", "--as-of", "2025-08-01", "--format", "json")
        document = json.loads(result.stdout)
        self.assertEqual(document["kind"], "prices_import")
        self.assertEqual([document[key] for key in ["added", "changed", "confirmed", "kept"]],
                         [1, 1, 0, 2])
        self.assertEqual(document["files"][0]["as_of_is"], "given")
        self.assertEqual(sorted(price["amount_per_hour"] for price in self.prices()),
                         [14.2461, 50, 55.04, 66])
        before = self.prices()
        result = self.take("aws.csv", "--as-of", "2025-06-01")
        self.assertEqual(result.returncode, 0)
        self.assertIn("Nothing is newer than what prices.json holds", result.stdout)
        self.assertEqual(self.prices(), before)

    def test_all_formats_of_the_report(self):
        self.file("aws.csv", HEADER + LINES)
        rows = list(csv.DictReader(io.StringIO(self.take("aws.csv", "--format", "csv").stdout)))
        self.assertEqual(rows[0]["format"], "skypilot-csv")
        self.assertIn("| file |", self.take("aws.csv", "--format", "markdown").stdout)

    def test_nothing_is_written_where_nothing_was_taken(self):
        self.file("aws.csv", HEADER + "m5.large,,,0.096,0.04,us-east-1,use1-az1\n")
        result = self.take("aws.csv")
        self.assertEqual(result.returncode, 2)
        self.assertIn("0 prices of 0 instances", result.stdout)
        self.assertIn("no price was taken, and nothing is written", result.stderr)
        self.assertEqual(self.found("*.json"), [])

    def test_another_file_is_never_written_over(self):
        self.file("aws.csv", HEADER + LINES)
        for text in ["my notes\n", "{\"schema\": 1, \"instances\": []}\n", ""]:
            path = self.file("prices.json", text)
            self.one_line_error(self.take("aws.csv"), 2, "prices.json", "it is left as it is",
                                "--into names another file")
            with open(path) as file:
                self.assertEqual(file.read(), text)

    def test_what_is_no_plain_file_is_left_alone(self):
        """A pipe would be waited for."""
        self.file("aws.csv", HEADER + LINES)
        os.mkfifo(os.path.join(self.path, "pipe"))
        os.mkdir(os.path.join(self.path, "folder"))
        for target in ["pipe", "folder", "/dev/null"]:
            self.one_line_error(self.take("aws.csv", "--into", target), 2, target,
                                "not a plain file; it is left as it is")
        self.one_line_error(self.take("aws.csv", "--into", ""), 2, "--into: the path is empty")
        self.one_line_error(self.take("aws.csv", "--into", "aws.csv"), 2, "it is left as it is")
        self.one_line_error(self.take("pipe"), 2, "pipe: not a plain file")

    def test_files_that_cannot_be_taken(self):
        self.file("aws.csv", HEADER + LINES)
        with gzip.open(os.path.join(self.path, "aws.csv.gz"), "wb") as file:
            file.write((HEADER + LINES).encode())
        self.file("vms.csv", HEADER + LINES)
        self.file("spot.json", "{\"SpotPriceHistory\": [\n{\"AvailabilityZone\": \"us-e")
        self.file("other.csv", "a,b\n1,2\n")
        self.file("empty.csv", "")
        for words, parts in [
            (["aws.csv", "aws.csv.gz"], ["aws.csv.gz", "unpack it first"]),
            (["vms.csv"], ["vms.csv: whose prices", "provider=NAME"]),
            (["vms.csv", "provider=awz"], ["provider=awz"]),
            (["aws.csv", "spot.json"], ["spot.json:2: cut off"]),
            (["other.csv"], ["not a price file of a known format", "azure-retail"]),
            (["empty.csv"], ["empty.csv: empty"]),
            (["nosuch.csv"], ["nosuch.csv: cannot read: No such file"]),
            (["provider=aws"], ["no file"]),
            (["aws.csv", "--as-of", "yesterday"], ["--as-of yesterday", "2026-08-11"]),
        ]:
            with self.subTest(words=words):
                self.one_line_error(self.take(*words), 2, *parts)
                self.assertFalse(os.path.exists(os.path.join(self.path, "prices.json")))
        self.assertEqual(self.take("vms.csv", "provider=aws").returncode, 0)


if __name__ == "__main__":
    main()
