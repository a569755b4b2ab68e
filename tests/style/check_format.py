# SPDX-License-Identifier: Apache-2.0
"""clang-format has nothing to change. Other versions than 14 format otherwise: a visible skip."""
import re
import shutil
import subprocess
import sys

import tree

VERSION = "14"


def clang_format():
    """A clang-format of the right version, or the reason why there is none."""
    found = []
    for name in ("clang-format-" + VERSION, "clang-format"):
        path = shutil.which(name)
        if not path:
            continue
        text = subprocess.run([path, "--version"], stdout=subprocess.PIPE).stdout.decode()
        match = re.search(r"version (\d+)", text)
        if match and match.group(1) == VERSION:
            return path, None
        found.append(text.strip())
    return None, "; ".join(found) or "there is no clang-format"


def main():
    root = tree.root_from_arguments()
    path, reason = clang_format()
    if not path:
        print("skipped: needs clang-format %s; %s" % (VERSION, reason))
        sys.exit(tree.SKIPPED)
    names = tree.sources(root)
    if not names:
        print("no sources under " + root)
        sys.exit(1)
    code = subprocess.run([path, "--dry-run", "-Werror"] + names, cwd=root).returncode
    print("%d files, clang-format %s" % (len(names), VERSION))
    sys.exit(1 if code else 0)


main()
