#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# nvcc-resources.sh NVCC ARGUMENTS...
# Compiles, and moves what ptxas tells about each kernel (-Xptxas=-v: registers, spills) from the
# terminal to OBJECT.resources. Everything else, ptxas' performance warnings too, is shown.
object=
previous=
for word; do
    if [ "$previous" = -o ]; then
        object=$word
    fi
    previous=$word
done
if [ -z "$object" ]; then
    exec "$@"
fi
"$@" 2>"$object.resources"
code=$?
grep -vE '^ptxas info +: [^(]|^ +[0-9]+ bytes (stack frame|gmem)' "$object.resources" >&2
exit $code
