#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Stands in for ssh under mpirun: `other_host.sh [options] HOST COMMAND...` runs the command on this
# machine under another host name, so that the ranks take themselves for ranks of several machines.
while [[ $1 == -* ]]; do
    shift
done
host=$1
shift
exec unshare --uts bash -c "hostname $host; $*"
