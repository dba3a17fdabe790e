#!/bin/sh
# etcd on a disk that takes longer: each time it is told to sync its files, it goes on DISK_DELAY_US microseconds later.
# With -D, etcd is the process that was started, and strace the one beside it.
: "${DISK_DELAY_US:?}" "${SLOW_ETCD:?}"
exec strace -D -f --seccomp-bpf -qq -o /dev/null -e trace=fdatasync,fsync \
  -e "inject=fdatasync,fsync:delay_exit=$DISK_DELAY_US" "$SLOW_ETCD" "$@"
