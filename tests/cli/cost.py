#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mlbench cost from the outside: who wins, what it is told, golden outputs.

Machines and prices are made up: "acme" does 800 TFLOP/s a GPU, "bulk" 400, "corp" as acme does.
"""
import csv
import datetime
import io
import json
import math
import os
import re

import market
from program import SOURCE, Case, main, run

GOLDEN = os.path.join(SOURCE, "tests", "cli", "golden")
ACME, BULK, CORP = "acme/a8=80", "bulk/b8=20", "corp/c8=72"


class Cost(Case):
    def setUp(self):
        super().setUp()
        self.model = market.template(self.path)

    def acme(self, launches=6, **more):
        market.write(self.path, self.model, "acme", launches, 8e14, name="acme", instance="a8",
                     **more)

    def bulk(self, launches=6, **more):
        market.write(self.path, self.model, "bulk", launches, 4e14, name="bulk", instance="b8",
                     **more)

    def corp(self, launches=6, **more):
        market.write(self.path, self.model, "corp", launches, 8e14, name="corp", instance="c8",
                     **more)

    def cost(self, *prices, words=()):
        words = [*words, *(["--price", ",".join(prices)] if prices else [])]
        return run("cost", self.path, *words)

    def json(self, *prices, words=()):
        result = self.cost(*prices, words=["--format", "json", *words])
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def near(self, value, expected):
        self.assertLess(abs(value / expected - 1), 1e-9, value)

    def unit(self, document, work, provider):
        return next(row for row in document["units"]
                    if row["work"] == work and row["provider"] == provider)

    def test_by_hand(self):
        """8 x 800 TFLOP/s at $80 an hour: 10^21 FLOP take 156,250 s, $3472.22."""
        self.acme(1)
        self.bulk(1)
        document = self.json(ACME, BULK)
        self.near(self.unit(document, "gemm bf16 large", "acme")["usd_per_unit"],
                  80 / 3600 * 1e21 / 6.4e15)
        self.near(self.unit(document, "gemm bf16 layers", "acme")["usd_per_unit"],
                  80 / 3600 * 1.1e21 / 6.4e15)
        self.near(self.unit(document, "memory", "bulk")["usd_per_unit"],
                  20 / 3600 * 3600e12 / (8 * 4e14 / 250))
        self.near(self.unit(document, "all_reduce 1x8", "bulk")["usd_per_unit"],
                  20 / 3600 * 1e15 / (4e14 / 2500))
        ranking = document["ranking"]
        self.assertEqual([row["provider"] for row in ranking], ["bulk", "acme"])
        # Half as fast at a quarter of the price: twice the work for the money.
        self.near(ranking[1]["cost_to_first"], 2.0)
        self.near(ranking[1]["break_even_usd_per_gpu_hour"], 5.0)
        self.near(ranking[0]["break_even_usd_per_gpu_hour"], 5.0)
        self.assertNotIn("probability_first", ranking[0])
        self.assertEqual(document["lead"], "unknown")

    def test_price_twice_costs_twice(self):
        self.acme(1)
        once = self.json("acme/a8=80")["units"]
        twice = self.json("acme/a8=160")["units"]
        for a, b in zip(once, twice):
            self.near(b["usd_per_unit"], 2 * a["usd_per_unit"])

    def test_break_even_makes_equal(self):
        self.acme()
        self.bulk()
        even = self.json(ACME, BULK)["ranking"][1]["break_even_usd_per_gpu_hour"] * 8
        ranking = self.json(f"acme/a8={even!r}", BULK)["ranking"]
        self.near(ranking[1]["cost_to_first"], 1.0)

    def test_certainty(self):
        self.acme()
        self.bulk()
        document = self.json(ACME, BULK)
        self.assertEqual(document["lead"], "clear")
        self.assertEqual(document["ranking"][0]["probability_first"], 1)
        self.corp()
        document = self.json(ACME, "corp/c8=80", words=["--only", "gemm*"])
        self.assertEqual(document["lead"], "tie")
        self.assertIn("a tie", document["answer"])
        self.assertIn("measuring does not settle it", document["measurement_changes_list_order"])

    def test_lists_against_measurement(self):
        """The cheapest GPU-hour is not the cheapest work."""
        self.acme()
        market.write(self.path, self.model, "slow", 6, 1e14, name="slow", instance="s8")
        document = self.json(ACME, "slow/s8=40")
        self.assertIn("measuring changes the answer", document["measurement_changes_list_order"])
        self.assertEqual([row["rank_by_price"] for row in document["lists"]], [2, 1])
        self.assertEqual([row["rank_by_measurement"] for row in document["lists"]], [1, 2])
        self.assertIn("in 100 % of the resamples", document["measurement_changes_list_order"])

    def edit(self, name, change):
        path = os.path.join(self.path, name)
        with open(path) as file:
            record = json.load(file)
        change(record)
        with open(path, "w") as file:
            json.dump(record, file)

    def test_another_suite_takes_nothing_from_the_others(self):
        self.acme(3)
        self.bulk(3)
        before = self.json(ACME, BULK)
        self.corp(1, rows=["gemm", "layer"])

        def other_sizes(record):
            for row in record["rows"]:
                row["id"] = row["id"].replace("m=8192", "m=4096")
                row["params"]["m"] = "4096"
        self.edit("corp-0.json", other_sizes)
        document = self.json(ACME, BULK, CORP)
        for key in ("answer", "judged_by"):
            self.assertEqual(document[key], before[key])
        self.assertEqual(document["ranking"], before["ranking"])
        self.assertIn("1 of 2 cases", " ".join(document["units_notes"]))
        self.assertIn("corp c8", " ".join(note["text"] for note in document["notes"]))
        self.corp(1, rows=["copy"])  # one kind of work in common with the others
        self.assertEqual(self.json(ACME, BULK, CORP)["judged_by"], "memory")

    def test_most_that_have_work_in_common_are_ranked(self):
        self.acme(3, rows=["gemm", "reduce"])
        self.bulk(3, rows=["gemm", "copy"])
        self.corp(1, rows=["copy"])
        document = self.json(ACME, BULK, CORP)
        self.assertEqual([row["provider"] for row in document["ranking"]], ["bulk", "acme"])
        self.assertIn("corp c8 is in no ranking", " ".join(n["text"] for n in document["notes"]))

    def test_a_cpu_beside_gpus_is_left_out(self):
        self.acme(3)
        before = self.json(ACME)["units"]
        market.write(self.path, self.model, "host", 1, 1e12, price=1.2)

        def on_cpu(record):
            record["device"]["kind"] = "cpu"
            for row in record["rows"]:
                row["device"] = "cpu"
                row["id"] = row["id"].replace("[cuda", "[cpu")
        self.edit("host-0.json", on_cpu)
        document = self.json(ACME)
        self.assertEqual([row["usd_per_unit"] for row in document["units"]],
                         [row["usd_per_unit"] for row in before])
        self.assertIn("1 record left out: computed on the CPU",
                      " ".join(note["text"] for note in document["notes"]))
        os.unlink(os.path.join(self.path, "host-0.json"))

    def test_a_price_of_another_region_is_flagged(self):
        market.write(self.path, self.model, "gcp", 1, 7e14, name="gcp", instance="a3-highgpu-8g")
        row = self.json(words=["--purchase", "on_demand"])["ranking"][0]
        self.assertIn("any", row["flags"])

    STATE = ["--checkpoint", "2.3TB", "--checkpoint-rate", "57GB/s", "--restart", "10min"]

    def test_interruptions_count_in_the_order(self):
        """A spot machine at 70 % of the price that loses 40 % of its time is the dearer one."""
        self.acme(1)
        prices = ["acme/a8=80", "acme/a8:spot=56"]
        self.assertEqual(self.json(*prices)["ranking"][0]["purchase"], "spot")
        life = 1800.0
        document = self.json(*prices, words=[*self.STATE, "--node-life", "30min"])
        write = 2.3e12 / 57e9
        # The exact form, its interval by search: e^((T + C) / M) (1 - T / M) = 1.
        lost = min(1 - t / ((life + 600) * math.expm1((t + write) / life))
                   for t in range(1, 1800))
        first, second = document["ranking"][:2]
        self.assertEqual((first["purchase"], second["purchase"]), ("on_demand", "spot"))
        self.assertLess(abs(second["cost_to_first"] - 56 / 80 / (1 - lost)), 1e-5)
        self.assertLess(abs(second["break_even_usd_per_gpu_hour"] - 10 * (1 - lost)), 1e-4)
        self.assertEqual(second["flags"], "yours, net")
        self.assertIn("with its interruptions", document["answer"])

    def test_what_makes_no_progress_is_in_no_order(self):
        self.acme(1)
        words = [*self.STATE, "--node-life", "10s"]
        document = self.json("acme/a8=80", "acme/a8:spot=1", words=words)
        self.assertEqual([row["purchase"] for row in document["ranking"]], ["on_demand"])
        self.assertEqual(document["spot"][0]["verdict"], "makes no progress")
        self.one_line_error(self.cost("acme/a8:spot=1", words=words), 3, "makes no progress")

    def test_use_counts_in_the_order(self):
        self.acme(1)
        prices = ["acme/a8=80", "acme/a8:reserved_1y=60"]
        self.assertEqual(self.json(*prices)["ranking"][0]["purchase"], "reserved_1y")
        document = self.json(*prices, words=["--use", "60%"])
        self.assertEqual(document["ranking"][0]["purchase"], "on_demand")
        self.near(document["ranking"][1]["cost_to_first"], 60 / 0.6 / 80)
        self.assertEqual(document["commitment"][0]["purchase"], "reserved_1y")

    def test_a_price_of_nothing_is_told(self):
        self.acme(1)
        document = self.json(ACME, "acme/a9=5", "acme/a8:spot=7", words=["--purchase", "on_demand"])
        self.assertIn("acme/a9, acme/a8:spot:", document["unused_prices"])
        self.assertNotIn("unused_prices", self.json("acme/a8:on_demand=80"))

    def test_old_prices_are_marked_everywhere(self):
        """The catalog's spot prices of p5 and SageMaker's are old; one machine is one line."""
        for stem, name in [("p5", "p5.48xlarge"), ("ml", "ml.p5.48xlarge")]:
            market.write(self.path, self.model, stem, 1, 7e14, name="aws", instance=name,
                         region="us-east-1", **({"service": "sagemaker"} if stem == "ml" else {}))
        old = os.path.join(self.path, "old.prices")
        with open(old, "w") as file:
            json.dump({"schema": 1, "prices": [
                {"provider": "aws", "instance": "p5.48xlarge", "region": "us-east-1",
                 "purchase": "reserved_1y", "amount_per_hour": 40, "currency": "USD",
                 "as_of": "2020-01-01", "source": "test"}]}, file)
        result = self.cost(words=["--prices", old, "--use", "70%", *self.STATE])
        self.assertEqual(result.returncode, 0, result.stderr)
        for sheet in ["Spot, with", "Reserved, at", "Managed services"]:
            part = result.stdout.split(sheet)[1].split("\n\n")[0]
            self.assertRegex(part, r"[0-9] old", sheet)
        self.assertIn("(old price) per GPU-hour", result.stdout)
        services = result.stdout.split("Managed services")[1].split("\n\n")[0]
        self.assertEqual(services.count("both prices"), 1, services)

    def test_job_and_hours(self):
        self.acme(1)
        job = self.json(ACME, words=["--gpus", "20", "--hours", "10"])["job"][0]
        self.assertEqual((job["machines"], job["gpus"], job["usd_per_hour"], job["usd"]),
                         (3, 24, 240, 2400))

    def test_idle_gpus_of_a_job_are_paid(self):
        self.acme(1)
        full = self.json(ACME)["units"][0]["usd_per_unit"]
        part = self.json(ACME, words=["--gpus", "12"])["units"][0]["usd_per_unit"]
        self.near(part / full, 16 / 12)

    def test_tokens_are_a_bound(self):
        self.acme(1)
        document = self.json(ACME, words=["--flop-per-token", "4.8e10"])
        self.near(document["tokens"][0]["usd_per_1e9_tokens_at_least"],
                  80 / 3600 * 4.8e19 / 6.4e15)
        self.assertIn("no forecast", document["tokens_notes"][0])

    def test_told_price_and_unknown_machine(self):
        market.write(self.path, self.model, "mine", 1, 8e14, price=16)
        document = self.json()
        row = document["ranking"][0]
        self.assertEqual((row["provider"], row["instance"], row["usd_per_gpu_hour"], row["flags"]),
                         ("unknown", "8x-some-gpu", 2, "told"))

    def test_no_price(self):
        market.write(self.path, self.model, "mine", 1, 8e14)
        self.one_line_error(self.cost(), 3, "nothing measured has a price",
                            "--price 'unknown/8x-some-gpu=USD_PER_HOUR'")
        result = self.cost("unknown/8x-some-gpu=16")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_priced_beside_unpriced(self):
        self.acme(1)
        self.bulk(1)
        result = self.cost(ACME)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("--price 'bulk/b8=USD_PER_HOUR'", result.stdout)

    def test_nothing_that_counts(self):
        self.acme(1)
        self.one_line_error(self.cost(ACME, words=["--only", "attention*"]), 3, "attention*")

    def test_other_data_and_turns_are_left_out(self):
        self.acme(2)
        path = os.path.join(self.path, "acme-1.json")
        with open(path) as file:
            record = json.load(file)
        record["data"] = "zeros"
        with open(path, "w") as file:
            json.dump(record, file)
        document = self.json(ACME)
        self.assertEqual(document["ranking"][0]["launches"], 1)
        self.assertIn("1 record left out", " ".join(n["text"] for n in document["notes"]))

    def test_wrong_words(self):
        self.acme(1)
        for words, code, part in [
            (["--purchase", "lease"], 2, "no way of buying"),
            (["--price", "acme/a8"], 2, "PROVIDER/INSTANCE"),
            (["--price", "acme/a8=-5"], 2, "above 0"),
            (["--price", "acme/a8=1e9"], 2, "cannot be"),
            (["--price", ACME, "--price", BULK], 2, "with commas between"),
            (["--price", ACME, "--node-life", "24h"], 2, "needs --checkpoint"),
            (["--price", ACME, "--checkpoint-rate", "1XB"], 2, "needs --checkpoint"),
            (["--price", ACME, "--store", "24h"], 2, "needs --data-set"),
            (["--gpus", "-3"], 2, "gpus"),
            (["--hours", "x"], 2, "hours"),
            (["--gpus", "0"], 2, "gpus = 0: out of range"),
            (["--hours", "0"], 2, "hours = 0: out of range"),
            (["--use", "0%"], 2, "use = 0%: out of range"),
            (["--checkpoint", "1TB", "--notice", "0s"], 2, "notice = 0s: out of range"),
            (["--prices", "/nowhere.json"], 2, "/nowhere.json"),
        ]:
            with self.subTest(words=words):
                self.one_line_error(run("cost", self.path, *words), code, part)

    def test_region_and_ways(self):
        market.write(self.path, self.model, "p5", 1, 7e14, name="aws", instance="p5.48xlarge",
                     region="us-east-1")
        rows = self.json(words=["--purchase", "spot,on_demand"])["ranking"]
        self.assertEqual({row["purchase"] for row in rows}, {"spot", "on_demand"})
        self.one_line_error(self.cost(words=["--region", "mars-1"]), 3, "has a price")

    def test_where_it_is_rented_decides(self):
        """The catalog's spot prices reach from below a reservation's to that on demand."""
        market.write(self.path, self.model, "p5", 1, 7e14, name="aws", instance="p5.48xlarge",
                     region="us-east-1")
        document = self.json(words=["--purchase", "spot,reserved_3y"])
        self.assertIn("p5.48xlarge spot would be number 2", document["where_decides"])

    def test_selected(self):
        self.acme(1)
        self.bulk(1)
        result = run("cost", "provider=bulk", "--records", self.path, "--price", f"{ACME},{BULK}",
                     "--format", "json")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual([row["provider"] for row in json.loads(result.stdout)["ranking"]],
                         ["bulk"])

    def check_golden(self, name, text):
        path = os.path.join(GOLDEN, name)
        text = text.replace(datetime.date.today().isoformat(), "YYYY-MM-DD")
        if os.environ.get("MLBENCH_UPDATE_GOLDEN") == "1":
            with open(path, "w") as file:
                file.write(text)
        with open(path) as file:
            self.assertEqual(text, file.read())

    def test_golden(self):
        self.acme()
        self.bulk(4, price=20)
        self.corp(1)
        words = ["--gpus", "16", "--hours", "24", "--flop-per-token", "4.8e10"]
        text = self.cost(ACME, "acme/a8:spot=22", CORP, words=words)
        self.assertEqual(text.stderr, "")
        for line in text.stdout.splitlines():
            self.assertLessEqual(len(line), 100, line)
        self.check_golden("cost.txt", text.stdout)
        for form, name in [("csv", "cost.csv"), ("markdown", "cost.md")]:
            result = self.cost(ACME, "acme/a8:spot=22", CORP, words=[*words, "--format", form])
            self.check_golden(name, result.stdout)

    def test_formats_agree(self):
        self.acme()
        self.bulk()
        table = list(csv.DictReader(io.StringIO(
            self.cost(ACME, BULK, words=["--format", "csv"]).stdout)))
        document = self.json(ACME, BULK)
        for a, b in zip(table, document["ranking"]):
            self.assertEqual(a["provider"], b["provider"])
            self.near(float(a["usd_per_gpu_hour"]), b["usd_per_gpu_hour"])
            self.near(float(a["cost_to_first"]), b["cost_to_first"])
        first = re.search(r"first: (\S+ \S+)", self.cost(ACME, BULK).stdout).group(1)
        self.assertEqual(first, f"{table[0]['provider']} {table[0]['instance']}")


if __name__ == "__main__":
    main()
