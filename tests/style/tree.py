# SPDX-License-Identifier: Apache-2.0
"""What the style checks share: the files of the project, and how a breach is told."""
import argparse
import os
import re
import subprocess
import sys

SKIPPED = 77  # the exit code that ctest shows as a skip
SOURCES = (".c", ".h", ".cu", ".cuh", ".cpp", ".hpp")


def root_from_arguments():
    """The project's folder: --root DIR, or the one this file lies in."""
    here = os.path.dirname(os.path.abspath(__file__))
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", default=os.path.dirname(os.path.dirname(here)))
    return os.path.abspath(parser.parse_known_args()[0].root)


def files(root):
    """Tracked files, as paths from the root; without git (a tarball) all but builds and caches."""
    if os.path.exists(os.path.join(root, ".git")):
        command = ["git", "-c", "safe.directory=" + root, "-C", root, "ls-files", "-z"]
        try:
            listed = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
            names = listed.decode().split("\0")
            return sorted(n for n in names if n and os.path.isfile(os.path.join(root, n)))
        except (OSError, subprocess.CalledProcessError) as error:
            print("git ls-files failed (%s); taking every file" % error)
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [f for f in folders if not re.match(r"build|\.git$|\.cache$|__pycache__$", f)]
        found += [os.path.relpath(os.path.join(folder, n), root) for n in names]
    return sorted(found)


def sources(root):
    return [name for name in files(root) if name.endswith(SOURCES)]


def lines(root, name):
    """The lines of a text file without their ends; None when it is not text."""
    try:
        with open(os.path.join(root, name), encoding="utf-8", newline="") as stream:
            text = stream.read()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    return text.split("\n")[:-1] if text.endswith("\n") else text.split("\n")


def blanked(source_lines):
    """The same lines with comments, strings and characters blanked out, so that braces count."""
    out, in_comment = [], False
    token = re.compile(r'/\*|//|"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'')
    for line in source_lines:
        kept, at = "", 0
        while at < len(line):
            if in_comment:
                end = line.find("*/", at)
                if end < 0:
                    break
                in_comment, at = False, end + 2
                continue
            match = token.search(line, at)
            if not match:
                kept += line[at:]
                break
            kept += line[at:match.start()] + " "
            at = match.end()
            if match.group() == "//":
                break
            in_comment = match.group() == "/*"
        out.append(kept)
    return out


def finish(breaches):
    """Prints each "file:line: what" and ends: 0 without a breach, 1 with."""
    for breach in breaches:
        print(breach)
    print("%d breach(es)" % len(breaches))
    sys.exit(1 if breaches else 0)
