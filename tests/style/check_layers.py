# SPDX-License-Identifier: Apache-2.0
"""Include arrows only point down: who may include whom, as a table over #include "..."."""
import os
import re

import tree

BASE = ["harness/base"]
MEASURE = BASE + ["harness/device", "harness/system", "harness/measure"]
REPORT = MEASURE + ["harness/catalog", "harness/analysis", "harness/report"]

# Folder -> folders it may include, itself aside. The longest folder that a file lies in counts.
MAY_INCLUDE = {
    "harness/base": [],
    "harness/device": BASE,
    "harness/system": BASE + ["harness/device"],
    "harness/measure": MEASURE,
    "harness/catalog": BASE,
    "harness/analysis": MEASURE + ["harness/catalog"],
    "harness/report": REPORT,
    "harness/app": REPORT,
    "harness": REPORT + ["harness/app"],
    "kernels": MEASURE + ["kernels/tensorcore"],
    "collectives": MEASURE,
}
# Libraries that only one part of the house knows.
ONLY_IN = {
    r"mpi\.h": ["collectives"],
    r"nccl\.h": ["collectives"],
    r"hwloc(/.*)?\.h": ["harness/system"],
    r"curl/.*\.h": ["harness/system"],
    r"(oneapi/)?dnnl.*\.h": ["kernels"],
    r"cublas.*\.h|cudnn.*\.h": ["kernels"],
}
INCLUDE = re.compile(r'\s*#\s*include\s*(["<])([^">]+)[">]')


def inside(folder, name):
    return name.startswith(folder + "/")


def home(name):
    """The row of MAY_INCLUDE that a file belongs to; None for tests."""
    homes = [folder for folder in MAY_INCLUDE if inside(folder, name)]
    return max(homes, key=len) if homes else None


def breach_of_project(root, name, header):
    if not os.path.isfile(os.path.join(root, header)):
        return "'%s' is not a file from the root, as in \"harness/base/units.h\"" % header
    folder = home(name)
    if folder is None or (folder == "harness" and inside("harness", header)):
        return None
    if folder == "kernels":
        # A kernel sees what all kernels share (kernels/x.h) and its own folder, no other kernel's.
        own = os.path.dirname(name)
        allowed = MAY_INCLUDE[folder] + [own]
        if os.path.dirname(header) == "kernels":
            return None
    else:
        allowed = MAY_INCLUDE[folder] + [folder]
    if any(inside(f, header) for f in allowed):
        return None
    return "%s may not include '%s'; it may include: %s" % (folder, header, ", ".join(allowed))


def breach_of_library(name, header):
    folder = home(name)
    for pattern, places in ONLY_IN.items():
        if folder and re.fullmatch(pattern, header) and not any(inside(p, name) for p in places):
            return "<%s> belongs to %s alone" % (header, ", ".join(places))
    return None


def main():
    root = tree.root_from_arguments()
    breaches = []
    for name in tree.sources(root):
        for number, line in enumerate(tree.lines(root, name) or [], 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            mark, header = match.groups()
            if mark == '"':
                what = breach_of_project(root, name, header)
            else:
                what = breach_of_library(name, header)
            if what:
                breaches.append("%s:%d: %s" % (name, number, what))
    tree.finish(breaches)


main()
