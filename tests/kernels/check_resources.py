# SPDX-License-Identifier: Apache-2.0
"""check_resources.py BUILD TABLE: kernels take of an SM what their design says.

Reads what ptxas told about each kernel (BUILD/**/*.resources, by cmake/nvcc-resources.sh), holds it
to TABLE and prints it; BUILD/kernels.resources gets the same. A warning of ptxas about performance
(C75xx: wgmma serialised, setmaxnreg ignored) is a breach in any kernel."""
import os
import re
import sys

SKIPPED = 77
ENTRY = re.compile(r"Compiling entry function '(\w+)' for '(\w+)'")
SPILL = re.compile(r"(\d+) bytes spill stores, (\d+) bytes spill loads")
USED = re.compile(r"Used (\d+) registers")
WARNING = re.compile(r"\(C75\d\d\).*")


def reports(build):
    for folder, _, names in os.walk(build):
        for name in sorted(names):
            if name.endswith(".resources") and name != "kernels.resources":
                yield os.path.join(folder, name)


def kernels(path):
    """Of one object: (name, architecture, registers, spilled bytes) of each kernel; warnings."""
    found, warnings, now = [], [], None
    with open(path, encoding="utf-8") as stream:
        for line in stream:
            entry, spill, used = ENTRY.search(line), SPILL.search(line), USED.search(line)
            warning = WARNING.search(line)
            if warning:
                warnings.append("%s: %s" % (os.path.basename(path), warning.group()))
            if entry:
                now = [entry.group(1), entry.group(2), 0, 0]
                found.append(now)
            elif spill and now:
                now[3] = max(int(spill.group(1)), int(spill.group(2)))
            elif used and now:
                now[2] = int(used.group(1))
    return found, warnings


def table(path):
    with open(path, encoding="utf-8") as stream:
        rows = [line.split() for line in stream if line.strip() and not line.startswith("#")]
    return [(name, arch, int(registers), int(spill)) for name, arch, registers, spill in rows]


def breaches(found, rows):
    used = set()
    for name, arch, registers, spill in found:
        allowed = [row for row in rows if row[0] in name and row[1] == arch]
        used.update(allowed)
        most, most_spill = allowed[0][2:] if allowed else (255, 0)
        if registers > most:
            yield "%s for %s: %d registers, at most %d" % (name, arch, registers, most)
        if spill > most_spill:
            yield "%s for %s: %d bytes spilled, at most %d" % (name, arch, spill, most_spill)
    built = {arch for _, arch, _, _ in found}
    for row in rows:
        if row[1] in built and row not in used:
            yield "%s for %s: in the table, but there is no such kernel" % row[:2]


def main():
    build, path = sys.argv[1:]
    found, told = [], []
    for report in reports(build):
        of_object, warnings = kernels(report)
        found += of_object
        told += warnings
    if not found:
        print("skipped: no reports under " + build)
        sys.exit(SKIPPED)
    text = "".join("%-8s %3d registers %4d spilled  %s\n" % (arch, registers, spill, name)
                   for name, arch, registers, spill in sorted(set(map(tuple, found))))
    with open(os.path.join(build, "kernels.resources"), "w", encoding="utf-8") as stream:
        stream.write(text)
    told += list(breaches(found, table(path)))
    print(text + "".join(line + "\n" for line in told) + "%d breach(es)" % len(told))
    sys.exit(1 if told else 0)


main()
