# SPDX-License-Identifier: Apache-2.0
"""Plain rules of the text: SPDX line, width, tabs, words that do not belong, folder READMEs."""
import os
import re

import tree

WIDTH = 100
FILE_LINES = 500
SPDX = "SPDX-License-Identifier: Apache-2.0"
CODE = tree.SOURCES + (".py", ".cmake", ".sh", ".in")
# Files of others' format: their lines are as long as they are.
WIDE = (".md", ".json", ".jsonc", ".xml", ".txt", ".csv", ".supp", ".golden")

# Written with a class here and there, so that this file does not name itself.
FORBIDDEN = [
    (r"(?-i:\b(T[O]DO|F[I]XME|X[X]X)\b)", "unfinished work belongs in an issue"),
    (r"\bn[o]t (yet )?implemented\b|\bf[o]r now\b|\bp[l]aceholder\b",
     "say what is, not what is to come"),
    (r"\bassert_(f[l]oat|i[n]t)_(not_)?equal\b",
     "use check_close, check_i64, check_u64 of tests/check.h"),
    (r"(?<![\w.])/(h[o]me/(?!user\b)|U[s]ers/)\w+|(?<![\w.-])/(r[o]ot|w[o]rk)/",
     "a path of one machine"),
    (r"\b(a[s] requested|a[s] discussed|t[h]e brief|t[h]is workplace)\b",
     "the project speaks of itself alone"),
]
FORBIDDEN = [(re.compile(pattern, re.IGNORECASE), why) for pattern, why in FORBIDDEN]


def is_code(name):
    base = os.path.basename(name)
    script = os.path.dirname(name) in ("scripts", ".ci") and "." not in base
    return name.endswith(CODE) or base == "CMakeLists.txt" or script


def breaches_of_file(name, lines):
    if is_code(name):
        # A script's first line is its interpreter's.
        head = lines[1:2] if lines and lines[0].startswith("#!") else lines[:1]
        if not head or SPDX not in head[0]:
            yield 1, "the first line is not '%s'" % SPDX
        if len(lines) > FILE_LINES:
            yield len(lines), "%d lines; at most %d" % (len(lines), FILE_LINES)
    for number, line in enumerate(lines, 1):
        if is_code(name) and not name.endswith(WIDE) and len(line) > WIDTH:
            yield number, "%d columns; at most %d" % (len(line), WIDTH)
        if is_code(name) and "\t" in line:
            yield number, "a tab"
        if line != line.rstrip() and not name.endswith(".md"):
            yield number, "blanks or a carriage return at the end"
        for pattern, why in FORBIDDEN:
            match = pattern.search(line)
            if match and not (why.startswith("use check_") and name == "tests/check.h"):
                yield number, "'%s': %s" % (match.group(), why)


def breaches_of_readmes(root, names):
    """Every folder with code has a README.md that names each of its files."""
    folders = {}
    for name in names:
        if is_code(name) and os.path.basename(name) != "CMakeLists.txt":
            folders.setdefault(os.path.dirname(name), []).append(os.path.basename(name))
    for folder, members in sorted(folders.items()):
        readme = os.path.join(folder, "README.md")
        if readme not in names:
            yield "%s/: no README.md that lists its files in reading order" % (folder or ".")
            continue
        text = "\n".join(tree.lines(root, readme) or [])
        for member in members:
            stem = os.path.splitext(member)[0]
            # "stats.h" or "stats.c, stats.h" or "stats.{h,c}" or "stats" in code marks.
            if not re.search(r"(?<![\w-])%s(\.|\b(?![\w-]))" % re.escape(stem), text):
                yield "%s: does not name %s" % (readme, member)


def main():
    root = tree.root_from_arguments()
    names = tree.files(root)
    breaches = []
    for name in names:
        lines = tree.lines(root, name)
        if lines is None or os.path.basename(name) == "LICENSE":
            continue
        breaches += ["%s:%d: %s" % (name, at, what) for at, what in breaches_of_file(name, lines)]
    breaches += breaches_of_readmes(root, names)
    tree.finish(breaches)


main()
