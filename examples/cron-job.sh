#!/bin/sh
# Cron starts this through etcdlocker, on every machine at the same minute:
#
#   0 3 * * *  etcdlocker -k /cron/backup -t 30 -- /srv/jobs/cron-job.sh
#
# One machine after the other runs it. The first does the work, and notes it; the others see that it has been done.
set -eu

ETCDCTL_ENDPOINTS=${ETCD_LOCK_HOST:-localhost:2379}
export ETCDCTL_ENDPOINTS

# Not below the name of the lock: whatever is there is somebody in its line.
note=/cron-done/backup
today=$(date -u +%F)

last=$(etcdctl get --print-value-only "$note")
if [ "$last" = "$today" ]; then
  echo "the backup of $today has been made"
  exit
fi

echo "making the backup of $today"
# tar, pg_dump, ...

etcdctl put "$note" "$today" >/dev/null
