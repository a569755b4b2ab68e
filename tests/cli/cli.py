#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The program from the outside, as a user meets it: words, suites, runs, resume."""
import glob
import json
import os
import re
import resource
import signal
import subprocess
import time

from program import ENVIRONMENT, PROGRAM, SMALL, SOURCE, Case, call, main, run


class Words(Case):
    def test_wrong_words(self):
        for words, parts in [
            (["rn"], ["unknown command 'rn'", "did you mean 'run'"]),
            (["run", "--sute", "x"], ["unknown option '--sute'", "did you mean '--suite'"]),
            (["run", "--sui", "x"], ["unknown option '--sui'"]),
            (["run", "-Z"], ["unknown option '-Z'"]),
            (["run", "--suite"], ["'--suite' needs a value"]),
            (["run", "--solo=1"], ["'--solo' takes no value"]),
            (["run", "-s", "nosuch"], ["unknown suite 'nosuch'", "quick", "smoke"]),
            (["run", "gem"], ["unknown workload 'gem'", "did you mean 'gemm'"]),
            (["run", "gemm", "dtyp=f32"], ["unknown key 'dtyp'", "did you mean 'dtype'"]),
            (["run", "gemm", "dtype=f33"], ["dtype = f33", "bf16"]),
            (["run", "gemm", "m=5"], ["m, n and k belong together"]),
            (["run", "size=5"], ["stands before any workload"]),
            (["run", "--target", "99%"], ["target = 99%", "out of range"]),
            (["run", "--threads", "-1"], ["threads = -1"]),
            (["run", "--seed", "x"], ["seed = x"]),
            (["run", "--format", "xml"], ["format = xml", "markdown"]),
            (["run", "--budget", "soon"], ["--budget soon", "90s"]),
            (["run", "--budget", "$2"], ["needs --price-per-hour"]),
            (["run", "--budget", "0s"], ["must be more than nothing"]),
            (["run", "--require", "net=eva"], ["'net=eva' is not known", "net=efa|ib"]),
            (["run", "-s", "smoke", "--device", "tpu"], ["match", "--device tpu"]),
            (["run", "-s", "smoke", "--only", "nothing"], ["match", "--only nothing"]),
            (["run", "-s", "smoke", "gemm"], ["one of the two"]),
            (["run", "-s", "smoke", "-s", "quick"], ["--suite twice"]),
            (["verify", "--only", "gemm*", "-o", "memory*"], ["--only twice"]),
            (["cost", "--price", "aws/p5=1", "--price", "gcp/a3=2"],
             ["--price twice", "with commas between"]),
            (["run", "memory", "bytes=8,16,,32"], ["'bytes=8,16,,32'", "missing"]),
            (["list", "--solo"], ["takes no option '--solo'"]),
            (["verify", "--format", "json"], ["takes no option '--format'"]),
            (["info", "extra"], ["unexpected 'extra'"]),
            (["info", "--format", "csv"], ["text and json"]),
            (["help", "nothing"], ["no command and no option 'nothing'"]),
            (["help", "--completion", "tcsh"], ["bash is known"]),
        ]:
            with self.subTest(words=words):
                self.one_line_error(run(*words), 2, *parts)

    def test_help_is_fast_and_whole(self):
        best = 9.0
        for _ in range(20):
            began = time.monotonic()
            result = run("--help")
            best = min(best, time.monotonic() - began)
        self.assertEqual(result.returncode, 0)
        for word in ["run", "verify", "--suite", "--budget", "--max-time", "exit codes",
                     "examples"]:
            self.assertIn(word, result.stdout)
        if "sanit" not in run("version").stdout:
            self.assertLess(best, 0.05)

    def test_help_of_each(self):
        for word in ["run", "list", "info", "verify", "links", "prices", "cost", "decide",
                     "compare", "help", "version", "budget", "target"]:
            result = run("help", word)
            self.assertEqual((result.returncode, result.stderr), (0, ""), word)
            self.assertGreater(len(result.stdout), 20)
        for word in ["cost", "decide", "compare", "links"]:
            self.assertIn("exit codes", run("help", word).stdout)

    def test_man_and_completion(self):
        man = run("help", "--man").stdout
        for part in [".SH OPTIONS", "mlbench compare before/", "(cost, decide)"]:
            self.assertIn(part, man)
        script = self.file("c.bash", run("help", "--completion", "bash").stdout)
        for words, expected in [("run --sol", "--solo"), ("run --format j", "json"),
                                ("prices i", "import"), ("prices show ", ""), ("--sol", "--solo"),
                                ("cost --us", "--use"), ("compare --pric", ""),
                                ("decide --pric", "--prices --price"), ("com", "compare")]:
            typed = " ".join(f"'{word}'" for word in words.split(" "))
            ask = (f"source {script}; COMP_WORDS=(mlbench {typed}); "
                   f"COMP_CWORD={len(words.split(' '))}; _mlbench mlbench; echo ${{COMPREPLY[@]}}")
            self.assertEqual(call(["bash", "-c", ask]).stdout, expected + "\n", words)

    def test_list_and_info(self):
        result = run("list")
        self.assertEqual(result.returncode, 0)
        for word in ["quick", "smoke", "full", "gemm", "memory", "all_reduce", "onednn"]:
            self.assertIn(word, result.stdout)
        self.assertNotIn("unusable", result.stdout)
        info = json.loads(run("info", "--format", "json").stdout)
        self.assertEqual(
            sorted(set(info) - {"provider"}),
            ["devices", "environment", "fabric", "libraries", "topology"])
        self.assertIn("NUMA node 0", run("info").stdout)

    def test_replayed_machine(self):
        machine = dict(ENVIRONMENT, HWLOC_SYNTHETIC="pack:2 numa:2 l3:1 core:8 pu:2")
        result = subprocess.run([PROGRAM, "info"], capture_output=True, text=True, env=machine)
        self.assertEqual(result.returncode, 0)
        self.assertIn("2 packages, 4 NUMA nodes, 32 cores", result.stdout)


class Suites(Case):
    def suite(self, text):
        return self.file("s.jsonc", text)

    def test_bad_files(self):
        for text, line, part in [
            ('{"cases": [{"workload": "gemm",\n"sise": 1}]}', 2, "unknown key 'sise'"),
            ('{"cases": [\n{"workload": "gemm", "size": "big"}]}', 2, "size = big"),
            ('{"cases": [\n\n{"workload": "gmm"}]}', 3, "unknown workload 'gmm'"),
            ('{"cases": [{"workload": "gemm"}],\n"casse": 1}', 2, "unknown key 'casse'"),
            ('{"cases":\n[{"workload": "gemm"},\n ', 3, "unexpected end of file"),
            ("[" * 10_000_000, 1, "nested deeper"),
            ('{"cases": 3}', 1, "'cases'"),
            ("", 1, "nothing in it"),
        ]:
            with self.subTest(part=part):
                path = self.suite(text)
                self.one_line_error(run("run", "-s", path), 2, f"{path}:{line}: ", part)

    def test_groups_of_gpu_check_are_the_whole_suite(self):
        with open(os.path.join(SOURCE, "scripts/gpu-check")) as file:
            words = re.search(r"^VERIFY=\((.*?)\)", file.read(), re.S | re.M).group(1)

        def cases(*only):
            done = run("verify", "-s", "variants", "-d", "cuda", *only)
            return [int(n) for n in re.findall(r"\d+", done.stdout.splitlines()[-1])]
        if cases("--only", "launch[")[3] == 0:
            self.skipTest("there is a GPU")
        groups = re.findall(r"'([^']*)'", words)
        self.assertEqual(sum(cases("--only", group)[3] for group in groups), cases()[3])

    def test_half_of_every_suite(self):
        for path in glob.glob(os.path.join(SOURCE, "configs/suites/*.jsonc")):
            with open(path) as file:
                text = file.read()
            half = text[:text.rindex("\n", 0, len(text) // 2)]  # not in the middle of a word
            cut = self.suite(half)
            self.one_line_error(run("run", "-s", cut), 2, cut + ":", "end of file")

    def test_unreadable(self):
        missing = run("run", "-s", self.path + "/none.json")
        self.one_line_error(missing, 2, "none.json", "No such file")
        self.one_line_error(run("run", "-s", self.path + "/"), 2, self.path)


class Runs(Case):
    def test_smoke(self):
        result = run("run", "-s", "smoke", "-O", self.path)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(result.stderr, "")
        self.assertIn("verified", result.stdout)
        self.assertNotIn("\r", result.stdout)
        record = self.record()
        self.assertEqual(record["schema"], 1)
        self.assertTrue(record["complete"])
        rows = {row["id"]: row for row in record["rows"]}
        measured = [row for row in rows.values() if row["status"] == "measured"]
        self.assertGreaterEqual(len(measured), 4)
        for row in measured:
            self.assertTrue(row["verification"]["passed"])
            self.assertEqual(len(row["samples"]["time_ns"]), row["time_ns"]["n"])
        for row in rows.values():
            self.assertIn(row["status"], ["measured", "skipped", "untrusted"])
            if row["status"] == "skipped":
                self.assertTrue(row["reason"])
        self.assertEqual(self.found("*.journal"), [])

    def test_search(self):
        result = run("run", "gemm", "size=64", "device=cpu", "--threads", "1", "--search",
                     "--search-time", "1s", "-O", self.path, *SMALL)
        self.assertIn(result.returncode, [0, 3], result.stderr)  # 3: too busy to measure
        row = self.record()["rows"][0]
        self.assertIn("gemm[cpu,search,dtype=f32", row["id"])
        self.assertIn("m=64,n=64,k=64", row["id"])  # where it began: the same for every run
        details = row["details"]
        self.assertGreaterEqual(details["search_shapes_measured"], 1)
        self.assertIn(details["search_ended_by"], ["the time", "the search"])
        shape = [row["params"][size] for size in "mnk"]
        self.assertIn("x".join(shape), row["label"])
        self.assertTrue(row["verification"]["passed"])

    def test_search_refused(self):
        self.one_line_error(run("run", "memory", "--search"), 2, "memory has no sizes to look for")
        of_model = run("run", "gemm", "model=llama3-8b", "layer=o", "device=cpu", "--search",
                       "--no-record")
        self.assertEqual(of_model.returncode, 2, of_model.stderr)
        self.assertIn("model = llama3-8b sets the shape", of_model.stderr)

    def test_no_name_and_no_secret_in_the_record(self):
        secret = "hunter2-is-the-word"
        environment = dict(ENVIRONMENT, AWS_SECRET_ACCESS_KEY=secret, USER="somebody-here")
        subprocess.run([PROGRAM, "run", "gemm", "size=64", "-O", self.path, *SMALL],
                       capture_output=True, env=environment, timeout=60)
        with open(self.found("*.json")[0]) as file:
            text = file.read()
        for word in [secret, "somebody-here", f'"{os.uname().nodename}"', self.path]:
            self.assertNotIn(word, text)

    def test_formats(self):
        words = ["run", "gemm", "size=64", "dtype=f32", "--no-record", *SMALL]
        self.assertEqual(len(json.loads(run(*words, "-f", "json").stdout)["rows"]), 1)
        self.assertEqual(len(run(*words, "-f", "csv").stdout.splitlines()), 2)
        self.assertIn("| ---", run(*words, "-f", "markdown").stdout.replace("|---", "| ---"))
        self.assertEqual(self.found("*"), [])

    def test_sustain(self):
        words = ["run", "gemm", "size=64", "dtype=f32", "-O", self.path, *SMALL]
        result = run(*words, "--sustain", "400ms")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn("= sustained ", result.stdout)
        self.assertIn("burst from rest: ", result.stdout)
        row = self.record()["rows"][0]
        self.assertTrue(row["id"].endswith(",sustain=0.4s]") or ",sustain=" in row["id"], row["id"])
        sustain = row["sustain"]
        self.assertGreaterEqual(len(sustain["block_ns"]), 2)
        self.assertGreater(sustain["burst"]["rates"]["flop_per_s"]["value"], 0)
        self.assertGreater(sustain["sustained"]["rates"]["flop_per_s"]["value"], 0)
        self.one_line_error(run(*words, "--sustain", "2h"), 2, "sustain = 2h", "out of range")

    def test_budget(self):
        began = time.monotonic()
        result = run("run", "gemm", "size=64,80,96,112,128,144", "--budget", "3s", "-O", self.path,
                     "--min-time", "9s", "--max-time", "20s", "--max-samples", "1M")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertLess(time.monotonic() - began, 9) # one case alone would take so long
        stops = [row["samples"]["stop_reason"] for row in self.record()["rows"] if "samples" in row]
        self.assertIn("budget", stops)

    def test_budget_leaves_out(self):
        result = run("run", "-s", "smoke", "--budget", "20ms", "-O", self.path)
        self.assertIn("budget of 20.0 ms", " ".join(result.stdout.split()))
        record = self.record()
        self.assertFalse(record["complete"])
        left = [row for row in record["rows"] if "left out" in row.get("reason", "")]
        self.assertGreater(len(left), 0)

    def test_money(self):
        money = run("run", "-s", "smoke", "--budget", "$2", "-p", "3600", "--no-record")
        self.assertIn("per 10^18 FLOP", money.stdout)

    def test_output_folder(self):
        for folder, part in [("/proc/nothing", "/proc/nothing"),
                             (self.file("plain", ""), "not a folder")]:
            self.one_line_error(run("run", "-s", "smoke", "-O", folder), 2, part)

    def test_progress_on_a_terminal(self):
        """Case, k of n and a time left that does not grow while a case runs; wiped at the end."""
        terminal, end = os.openpty()
        process = subprocess.Popen([PROGRAM, "run", "gemm", "size=32,64", "dtype=f32",
                                    "--no-record", "--min-time", "600ms"], stdin=subprocess.DEVNULL,
                                   stdout=end, stderr=end, env=ENVIRONMENT)
        os.close(end)
        shown = b""
        try:
            while part := os.read(terminal, 65536):
                shown += part
        except OSError: # a terminal without a program
            pass
        self.assertEqual(process.wait(timeout=60), 0)
        os.close(terminal)
        lines = shown.decode().split("\r\x1b[K")
        self.assertTrue(lines[-1].startswith("mlbench "), lines[-1])
        for k in "12":
            left = [line for line in lines if line.startswith(k + " of 2  f32 ")]
            self.assertGreater(len(left), 1, lines)
            times = [float(re.search(r"about (\S+) s left", line)[1]) for line in left
                     if " s left" in line]
            self.assertEqual(times, sorted(times, reverse=True))

    def test_each_run_has_its_record(self):
        """Runs of one second: the later ones take another name."""
        words = ["run", "gemm", "size=32", "dtype=f32", "-O", self.path, *SMALL]
        for _ in range(4):
            self.assertEqual(run(*words).returncode, 0)
        self.assertEqual(len(self.found("*.json")), 4)

    def test_nothing_measured(self):
        result = run("run", "all_reduce", "-O", self.path)
        self.assertEqual(result.returncode, 3)
        self.assertIn("no case was measured", result.stderr)
        self.assertIn("needs 2 ranks", result.stdout)

    def test_full_disk(self):
        """The journal stops at the limit; what was measured is still told, and the code is 2."""
        def limit():
            resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        result = subprocess.run([PROGRAM, "run", "-s", "smoke", "-O", self.path], text=True,
                                capture_output=True, env=ENVIRONMENT, preexec_fn=limit, timeout=60)
        self.assertEqual(result.returncode, 2, result.stderr)
        self.assertIn(".journal: ", result.stderr)
        self.assertIn("verified", result.stdout)

    def test_closed_stdout(self):
        with open("/dev/full", "w") as full:
            result = subprocess.run([PROGRAM, "run", "gemm", "size=64", "-O", self.path, *SMALL],
                                    stdout=full, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT)
        self.assertEqual(result.returncode, 2)
        self.assertIn("stdout: No space left", result.stderr)
        self.assertEqual(len(self.found("*.json")), 1)

    def test_first_sample_soon(self):
        began = time.monotonic()
        self.assertEqual(run("run", "gemm", "size=64", "--no-record", *SMALL).returncode, 0)
        self.assertLess(time.monotonic() - began, 10)


class Resume(Case):
    def interrupted(self, words=()):
        """A run that was asked to end after a few rows; its journal."""
        process = subprocess.Popen([PROGRAM, "run", "gemm", "size=32,48,64,96,128,160,192,224",
                                    "dtype=f32", "--min-time", "400ms", "-O", self.path, *words],
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                   env=ENVIRONMENT)
        journal = None
        for _ in range(600):
            time.sleep(0.05)
            journals = self.found("*.journal")
            if journals:
                with open(journals[0]) as file:
                    if len(file.readlines()) >= 3:
                        journal = journals[0]
                        break
        self.assertTrue(journal)
        return process, journal

    def test_after_a_kill(self):
        process, journal = self.interrupted()
        process.kill()
        process.communicate()
        before = self.rows(journal)
        self.assertGreaterEqual(len(before), 2)
        result = run("run", "--resume", journal, timeout=120)
        self.assertEqual(result.returncode, 0, result.stderr)
        record = self.record()
        self.assertEqual(len(record["rows"]), 8)
        for old, new in zip(before, record["rows"]):
            self.assertEqual(old["samples"]["time_ns"], new["samples"]["time_ns"])
        self.assertEqual(self.found("*.journal"), [])

    def test_after_an_interrupt(self):
        process, journal = self.interrupted()
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 3, errors)
        self.assertIn("--resume " + journal, errors)
        self.assertIn("verified", output)
        self.assertEqual(run("run", "--resume", journal, timeout=120).returncode, 0)
        self.assertEqual(len(self.record()["rows"]), 8)

    def test_options_come_back(self):
        process, journal = self.interrupted(["--seed", "7", "--threads", "1"])
        process.kill()
        process.communicate()
        self.assertEqual(run("run", "--resume", journal, timeout=120).returncode, 0)
        record = self.record()
        self.assertEqual(record["seed"], 7)
        self.assertIn("--threads=1", record["options"])

    def test_on_the_same_kind_of_machine(self):
        process, journal = self.interrupted(["--provider", "aws", "--instance", "p5.48xlarge"])
        process.kill()
        process.communicate()
        other = run("run", "--resume", journal, "--provider", "aws", "--instance", "p4d.24xlarge")
        self.one_line_error(other, 2, "begun on aws p5.48xlarge, this is aws p4d.24xlarge")
        self.assertEqual(run("run", "--resume", journal, timeout=120).returncode, 0)
        self.assertEqual(self.record()["provider"]["instance"], "p5.48xlarge")

    def test_suite_of_a_file(self):
        suite = self.file("own.jsonc", '{"cases": [{"workload": "gemm", "device": "cpu", '
                          '"dtype": "f32", "size": [32, 48, 64, 96]}]}')
        words = ["-s", suite, "--seed", "7", "--min-time", "400ms", "--target", "2%"]
        process = subprocess.Popen([PROGRAM, "run", *words, "-O", self.path], env=ENVIRONMENT,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(600):
            time.sleep(0.05)
            if any(self.rows(path) for path in self.found("*.journal")):
                break
        process.kill()
        process.wait()
        journal = self.found("*.journal")[0]
        self.one_line_error(run("run", "--resume", journal), 2, "its suite was a file", "--suite")
        words[2:4] = []
        result = run("run", "--resume", journal, *words)
        self.assertEqual(result.returncode, 0, result.stderr)
        record = self.record()
        self.assertEqual((record["seed"], len(record["rows"])), (7, 4))

    def test_torn_line(self):
        process, journal = self.interrupted()
        process.kill()
        process.communicate()
        with open(journal) as file:
            text = file.read()
        with open(journal, "w") as file:
            file.write(text[:-40])
        self.assertEqual(run("run", "--resume", journal, timeout=120).returncode, 0)
        self.assertEqual(len(self.record()["rows"]), 8)

    def test_refused(self):
        process, journal = self.interrupted()
        process.kill()
        process.communicate()
        with open(journal) as file:
            lines = file.readlines()
        other = run("run", "gemm", "size=32", "--resume", journal)
        self.one_line_error(other, 2, "cannot go on", "plan")
        for words in [["--seed", "5"], ["--threads", "1"], ["--data", "zeros"], ["--solo"],
                      ["--only", "size=32"], ["--device", "cuda"]]:
            with self.subTest(words=words):
                other = run("run", "--resume", journal, *words)
                self.one_line_error(other, 2, "cannot go on", words[0])
        for name, text, parts in [
            ("of_another_build.journal",
             re.sub('"git":"[^"]*"', '"git":"0000000"', lines[0]) + lines[1], ["(0000000)"]),
            ("foreign.journal", "root:x:0:0:\n", [":1:", "not a journal"]),
            ("empty.journal", "", [":1:", "no row"]),
            ("newer.journal", lines[0].replace('"schema":1', '"schema":99') + lines[1], ["newer"]),
            ("corrupt.journal",
             lines[0] + lines[1].replace("time_ns", "time_xs", 1) + lines[2], [":2:"]),
        ]:
            with self.subTest(name=name):
                self.one_line_error(run("run", "--resume", self.file(name, text)), 2, name, *parts)
        self.one_line_error(run("run", "--resume", self.path + "/none"), 2, "No such file")


if __name__ == "__main__":
    main()
