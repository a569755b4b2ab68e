# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone, and twice. check_headers.py --compiler CC [-I DIR]...

A list that is included several times says so in its first comment and is left out."""
import argparse
import os
import re
import subprocess

import tree

FLAGS = ["-std=c17", "-D_GNU_SOURCE", '-DMLB_TEST_SOURCE_DIR=""', "-fsyntax-only", "-Wall",
         "-Wextra", "-Wstrict-prototypes", "-Wshadow", "-Wconversion", "-Werror", "-x", "c", "-"]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root")
    parser.add_argument("--compiler", default="cc")
    parser.add_argument("--cuda", action="store_true", help="CUDA's headers are among the folders")
    parser.add_argument("-I", dest="folders", action="append", default=[])
    return parser.parse_args()


def main():
    asked = arguments()
    root = tree.root_from_arguments()
    folders = ["-I" + root]
    for folder in asked.folders:
        folders += ["-isystem", folder]
    breaches, guards, compiled, left = [], {}, 0, 0
    for name in tree.sources(root):
        if not name.endswith(".h"):
            continue
        text = "\n".join(tree.lines(root, name) or [])
        if "No include guard: the file\n * that includes it" in text[:400]:
            continue
        if not asked.cuda and re.search(r"#\s*include <(cuda|cublas|nccl|cudnn)", text):
            left += 1
            continue
        program = '#include "%s"\n#include "%s"\ntypedef int not_empty;\n' % (name, name)
        done = subprocess.run([asked.compiler] + folders + FLAGS, input=program.encode(), cwd=root,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        compiled += 1
        if done.returncode:
            breaches.append("%s: does not compile alone:\n%s" % (name, done.stdout.decode()))
        guard = re.search(r"#ifndef (MLB_\w+_H)\n#define (\w+)\n", text)
        if not guard or guard.group(1) != guard.group(2):
            breaches.append("%s: has no include guard MLB_..._H" % name)
        elif guard.group(1) in guards:
            breaches.append("%s: its guard is that of %s" % (name, guards[guard.group(1)]))
        else:
            guards[guard.group(1)] = name
    print("%d headers compiled%s" % (compiled, ", %d need CUDA's" % left if left else ""))
    if not compiled:
        breaches.append("no headers under " + os.path.abspath(root))
    tree.finish(breaches)


main()
