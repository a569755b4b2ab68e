#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a price per hour leaves out, from the outside: spot, reservations, data, services.

Machines and prices are made up; the providers' names are real, since notices and prices of data
are theirs.
"""
import json

import market
from program import Case, main, run

PRICES = "aws/a8=80,aws/a8:spot=20,aws/a8:reserved_1y=48,gcp/g8=120"
SPOT = ["--checkpoint", "120GB", "--checkpoint-rate", "2GB/s", "--restart", "10min", "--node-life",
        "4h"]
ALL = [*SPOT, "--use", "80%", "--data-set", "100TB", "--store", "365h"]


class Terms(Case):
    def setUp(self):
        super().setUp()
        model = market.template(self.path)
        market.write(self.path, model, "aws", 1, 8e14, name="aws", instance="a8")
        market.write(self.path, model, "gcp", 1, 8e14, name="gcp", instance="g8")

    def cost(self, *words):
        return run("cost", self.path, "--price", PRICES, *words)

    def json(self, *words):
        result = self.cost("--format", "json", *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        return json.loads(result.stdout)

    def near(self, value, expected, tolerance=1e-9):
        self.assertLess(abs(value / expected - 1), tolerance, value)

    def test_all_sheets(self):
        document = self.json(*ALL)
        spot, checkpoint = document["spot"][0], document["checkpoints"][0]
        interval = (2 * 60 * 14400) ** 0.5
        lost = 60 / interval + (interval / 2 + 600) / 14400
        self.near(checkpoint["interval_s"], interval)
        self.near(spot["lost_fraction"], lost)
        self.near(spot["usd_per_progress_hour"], 20 / (1 - lost))
        self.assertEqual(spot["verdict"], "saves 71 %")
        self.assertTrue(checkpoint["fits_in_notice"])
        reserved = document["commitment"][0]
        self.near(reserved["pays_from_use"], 0.6)
        self.near(reserved["usd_per_used_hour"], 60)
        aws, gcp = document["data"]
        self.near(aws["egress_usd"], 7800)
        # As fast at 120 as at 80 $/h: 40 $/h are saved.
        self.near(gcp["saved_usd_per_hour"], 40, 1e-6)
        self.near(gcp["pays_after_s"], gcp["egress_usd"] / 40 * 3600, 1e-6)
        self.assertNotIn("not_asked", [note["code"] for note in document["notes"]])

    def test_nothing_asked_is_said(self):
        document = self.json()
        for sheet in ("spot", "checkpoints", "commitment", "data"):
            self.assertNotIn(sheet, document)
        text = next(n["text"] for n in document["notes"] if n["code"] == "not_asked")
        for option in ("--checkpoint", "--use", "--data-set"):
            self.assertIn(option, text)

    def test_lines(self):
        result = self.cost(*ALL)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        for line in result.stdout.splitlines():
            self.assertLessEqual(len(line), 100, line)
        for title in ("Spot, with its interruptions", "Its checkpoints",
                      "Reserved, at the expected use", "The data set"):
            self.assertIn(f"\n{title}", result.stdout)

    def test_wrong_words(self):
        for words, part in [
            (["--checkpoint", "much"], "checkpoint = much: not a size"),
            ([*SPOT, "--checkpoint-rate", "2"], None),
            ([*SPOT, "--checkpoint-rate", "fast"], "checkpoint-rate = fast: not a rate"),
            ([*SPOT, "--interrupted", "10%"], "give one"),
            (["--use", "120%"], "use = 120%: out of range"),
            (["--node-life", "-1h"], "node-life"),
            (["--data-set", "lots"], "data-set = lots: not a size"),
        ]:
            with self.subTest(words=words):
                if part:
                    self.one_line_error(self.cost(*words), 2, part)
                else:
                    self.assertEqual(self.cost(*words).returncode, 0)


if __name__ == "__main__":
    main()
