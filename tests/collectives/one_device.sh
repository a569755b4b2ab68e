#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# one_device.sh KIND MLBENCH MPIRUN...: three ranks verify every collective to the bit, in and out
# of place, on one device of that kind. Over NCCL they share a GPU and everything goes through its
# network. Skipped (77) without a GPU; with MLBENCH_REQUIRE_GPU=1 that is a failure.
kind=$1
mlbench=$2
shift 2
if [[ $kind == cuda ]] && ! nvidia-smi -L 2>/dev/null | grep -q '^GPU'; then
    echo "no GPU"
    exit $((MLBENCH_REQUIRE_GPU == 1 ? 1 : 77))
fi
export CUDA_VISIBLE_DEVICES=0
suite=$(mktemp --suffix=.json)
trap 'rm -f "$suite"' EXIT
sizes='"bytes": [48, 786432], "dtype": ["f32", "bf16", "s32"]'
cases=()
for name in all_reduce reduce_scatter reduce all_gather broadcast gather scatter; do
    cases+=("{\"workload\": \"$name\", \"device\": \"$kind\", $sizes, \"in_place\": [false, true]}")
done
for name in alltoall sendrecv; do
    cases+=("{\"workload\": \"$name\", \"device\": \"$kind\", $sizes}")
done
printf '{"summary": "all on one device", "cases": [\n%s]}\n' \
    "$(printf '%s,\n' "${cases[@]}" | sed '$s/,$//')" >"$suite"
said=$("$@" -n 3 "$mlbench" verify --suite "$suite" --oversubscribe --timeout 60s 2>&1)
is=$?
printf '%s\n' "$said"
if ((is != 0)) || ! grep -q '^96 verified, 0 wrong, 0 failed, 0 skipped$' <<<"$said"; then
    echo "exit code $is; all 96 cases should be verified with 0"
    exit 1
fi
