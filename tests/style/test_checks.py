# SPDX-License-Identifier: Apache-2.0
"""The checks themselves: on a small clean tree they pass, and each planted breach is named."""
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
SPDX = "/* SPDX-License-Identifier: Apache-2.0 */\n"
HEADER = SPDX + "#ifndef MLB_%s_H\n#define MLB_%s_H\n#endif\n"
CLEAN = {
    "harness/base/units.h": HEADER % ("BASE_UNITS", "BASE_UNITS"),
    "harness/device/device.h": HEADER % ("DEVICE_DEVICE", "DEVICE_DEVICE"),
    "harness/analysis/cost.h": HEADER % ("ANALYSIS_COST", "ANALYSIS_COST"),
    "kernels/gemm/gemm.h": HEADER % ("KERNELS_GEMM_GEMM", "KERNELS_GEMM_GEMM"),
    "harness/base/README.md": "units.h\n",
    "harness/device/README.md": "device.h\n",
    "harness/analysis/README.md": "cost.h\n",
    "kernels/gemm/README.md": "gemm.h\n",
}
LONG = "int f(void)\n{\n" + "    f();\n" * 81 + "}\n"
DEEP = "int f(int n)\n{\n" + "".join("%sif (n) {\n" % ("    " * i) for i in range(1, 5)) \
    + "    " * 5 + "n++;\n" + "".join("%s}\n" % ("    " * i) for i in range(4, 0, -1)) + "}\n"

# (check, file, its text, what must be printed)
BREACHES = [
    ("layers", "harness/base/x.c", SPDX + '#include "harness/device/device.h"\n',
     "harness/base/x.c:2: harness/base may not include 'harness/device/device.h'"),
    ("layers", "kernels/gemm/x.c", SPDX + '\n#include "harness/analysis/cost.h"\n',
     "kernels/gemm/x.c:3: kernels may not include 'harness/analysis/cost.h'"),
    ("layers", "collectives/x.c", SPDX + '#include "kernels/gemm/gemm.h"\n',
     "collectives/x.c:2: collectives may not include"),
    ("layers", "kernels/memory/x.cu", SPDX + '#include "kernels/gemm/gemm.h"\n',
     "kernels/memory/x.cu:2: kernels may not include"),
    ("layers", "harness/report/x.c", SPDX + '#include "kernels/gemm/gemm.h"\n',
     "harness/report/x.c:2: harness/report may not include"),
    ("layers", "harness/base/x.c", SPDX + '#include "units.h"\n',
     "harness/base/x.c:2: 'units.h' is not a file from the root"),
    ("layers", "harness/measure/x.c", SPDX + "#include <mpi.h>\n",
     "harness/measure/x.c:2: <mpi.h> belongs to collectives alone"),
    ("text", "harness/base/units.c", "int x;\n", "harness/base/units.c:1: the first line is not"),
    ("text", "harness/base/units.c", SPDX + "int x; /* %s */\n" % ("y" * 90),
     "units.c:2: 103 columns; at most 100"),
    ("text", "harness/base/units.c", SPDX + "\tint x;\n", "units.c:2: a tab"),
    ("text", "harness/base/units.c", SPDX + "/* TO" "DO */\n", "belongs in an issue"),
    ("text", "harness/base/units.c", SPDX + "// /ho" "me/somebody/x\n", "a path of one machine"),
    ("text", "harness/base/units.c", SPDX + "assert_int" "_equal(1, 2);\n", "use check_close"),
    ("text", "harness/base/units.c", SPDX * 501, "501 lines; at most 500"),
    ("text", "harness/base/clock.c", SPDX, "harness/base/README.md: does not name clock.c"),
    ("text", "harness/new/clock.c", SPDX, "harness/new/: no README.md"),
    ("functions", "harness/base/x.c", SPDX + LONG, "x.c:3: f has 81 lines; at most 80"),
    ("functions", "harness/base/x.c", SPDX + DEEP, "x.c:3: f is nested 4 deep; at most 3"),
    ("format", "harness/base/x.c", SPDX + "int   x;\n", "x.c:2"),
    ("headers", "harness/base/x.h", HEADER % ("BASE_X", "BASE_X") + "int f(size_t n);\n",
     "harness/base/x.h: does not compile alone"),
    ("headers", "harness/base/x.h", SPDX, "harness/base/x.h: has no include guard"),
    ("headers", "harness/base/x.h", HEADER % ("BASE_UNITS", "BASE_UNITS"),
     "harness/base/x.h: its guard is that of harness/base/units.h"),
    ("scripts", "scripts/x", "#!/bin/sh\n# %sif\n" % SPDX[3:-3], "scripts/x: is not executable"),
    ("scripts", "scripts/x", "#!/bin/sh\nif then\n", "scripts/x: line 2"),
]


def plant(root, name, text):
    path = os.path.join(root, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(text)


def run(check, root):
    command = [sys.executable, os.path.join(HERE, "check_%s.py" % check), "--root", root]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


def in_clean_tree(check, name=None, text=None):
    with tempfile.TemporaryDirectory() as root:
        for path, content in CLEAN.items():
            plant(root, path, content)
        with open(os.path.join(HERE, "../../.clang-format"), encoding="utf-8") as stream:
            plant(root, ".clang-format", stream.read())
        if name:
            plant(root, name, text)
        return run(check, root)


def main():
    failed = 0
    for check in sorted({row[0] for row in BREACHES}):
        code, out = in_clean_tree(check)
        if code not in (0, 77):
            print("check_%s on a clean tree: exit code %d\n%s" % (check, code, out))
            failed += 1
    for check, name, text, expected in BREACHES:
        code, out = in_clean_tree(check, name, text)
        if code == 77:
            print("check_%s skips itself here: %s" % (check, expected))
        elif code != 1 or expected not in out:
            print("check_%s did not say '%s' (exit code %d):\n%s" % (check, expected, code, out))
            failed += 1
    print("%d planted breaches, %d not named" % (len(BREACHES), failed))
    sys.exit(1 if failed else 0)


main()
