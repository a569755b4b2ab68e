# SPDX-License-Identifier: Apache-2.0
"""Function bodies of at most 80 lines, nested at most 3 deep.

Rests on the format (checked beside this): a function's braces stand alone in the first column."""
import re

import tree

LINES = 80
NESTING = 3
BLOCK = re.compile(r"(\)|\belse|\bdo|\bswitch\b.*\))\s*$")


def functions(blanked):
    """(line of the opening brace, lines of the body) of every function, lines counted from 1."""
    start = None
    for number, line in enumerate(blanked, 1):
        if line.rstrip() == "{" and start is None:
            start = number
        elif line.startswith("}") and start is not None:
            yield start, blanked[start:number - 1]
            start = None


def deepest(body):
    """Deepest nesting of if, for, while, do and switch blocks; initializers do not count."""
    stack, depth = [], 0
    for line in body:
        for at, char in enumerate(line):
            if char == "{":
                stack.append(bool(BLOCK.search(line[:at])))
                depth = max(depth, sum(stack))
            elif char == "}" and stack:
                stack.pop()
    return depth


def name_of(blanked, start):
    """The function's name: the word before the last '(' at the left of its head."""
    head = ""
    for line in reversed(blanked[:start - 1]):
        head = line + " " + head
        if line and not line[0].isspace():
            break
    match = re.search(r"(\w+)\s*\(", head)
    return match.group(1) if match else "?"


def main():
    root = tree.root_from_arguments()
    breaches, sizes = [], []
    for name in tree.sources(root):
        blanked = tree.blanked(tree.lines(root, name) or [])
        for start, body in functions(blanked):
            sizes.append(len(body))
            function, depth = name_of(blanked, start), deepest(body)
            if len(body) > LINES:
                breaches.append("%s:%d: %s has %d lines; at most %d"
                                % (name, start, function, len(body), LINES))
            if depth > NESTING:
                breaches.append("%s:%d: %s is nested %d deep; at most %d"
                                % (name, start, function, depth, NESTING))
    sizes.sort()
    if sizes:
        print("%d functions, median %d lines, nine in ten under %d, longest %d"
              % (len(sizes), sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10] + 1, sizes[-1]))
    tree.finish(breaches)


main()
