#!/bin/sh
# The command of the demo: pretends to back something up for $2 steps of 0.2 s, each of which appends a line to the file
# $1, which all machines share. Who runs, and with which fencing token, it has from etcdlocker.
echo "runs $$ $ETCDLOCKER_FENCING_TOKEN"
step=0
while [ "$step" -lt "$2" ]; do
  echo "$ETCDLOCKER_ID $ETCDLOCKER_FENCING_TOKEN" >>"$1"
  sleep 0.2
  step=$((step + 1))
done
echo "done"
