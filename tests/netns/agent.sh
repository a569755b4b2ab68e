#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stands in for ssh under mpirun: `agent.sh [options] HOST COMMAND...` runs the command in the
# network namespace HOST under that host name. Hosts of MLB_TEST_DEAF never answer.
while [[ $1 == -* ]]; do
    shift
done
host=$1
shift
if [[ " $MLB_TEST_DEAF " == *" $host "* ]]; then
    exec sleep infinity
fi
exec ip netns exec "$host" unshare --uts bash -c "hostname $host; $*"
