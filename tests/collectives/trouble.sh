#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# trouble.sh CODE TEXT -- COMMAND...: the command (mpirun of the program `trouble`) must end within
# 30 s with that exit code and have said TEXT (a regular expression) on stderr or stdout.
code=$1
text=$2
shift 3
begin=$(date +%s)
said=$(timeout --kill-after=5 60 "$@" 2>&1)
is=$?
took=$(($(date +%s) - begin))
printf '%s\n' "$said"
printf 'ended with %d after %d s\n' "$is" "$took"
if ((is != code)); then
    echo "exit code is $is, should be $code"
    exit 1
fi
if ((took > 30)); then
    echo "the end took $took s, should be within 30 s"
    exit 1
fi
if ! grep -qE -- "$text" <<<"$said"; then
    echo "not said: $text"
    exit 1
fi
