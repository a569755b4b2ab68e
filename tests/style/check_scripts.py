# SPDX-License-Identifier: Apache-2.0
"""Shell scripts: bash reads them, they can be run, and shellcheck has nothing to say."""
import os
import shutil
import subprocess
import sys

import tree


def main():
    root = tree.root_from_arguments()
    scripts = [n for n in tree.files(root)
               if (tree.lines(root, n) or [""])[0].startswith(("#!/bin/sh", "#!/usr/bin/env bash"))]
    libraries = [n for n in tree.files(root) if n.endswith(".sh") and n not in scripts]
    breaches = []
    for name in scripts + libraries:
        done = subprocess.run(["bash", "-n", name], cwd=root, stderr=subprocess.PIPE)
        if done.returncode:
            breaches.append(done.stderr.decode().strip())
    for name in scripts:
        if not os.access(os.path.join(root, name), os.X_OK):
            breaches.append("%s: is not executable" % name)
    shellcheck = shutil.which("shellcheck")
    if shellcheck and scripts:
        command = [shellcheck, "--external-sources"] + scripts + libraries
        done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE)
        if done.returncode:
            breaches.append(done.stdout.decode())
    if breaches or shellcheck:
        tree.finish(breaches)
    print("skipped: there is no shellcheck; bash reads all %d" % len(scripts + libraries))
    sys.exit(tree.SKIPPED)


main()
