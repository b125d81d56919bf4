#!/bin/sh
# Hook at the end of partitioning: the tables are on the disks, the file systems made and mounted.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"
. "$MUSTER/disks.sh"
. "$MUSTER/signatures.sh"
. "$MUSTER/marker.sh"
for disk in $(system_disks); do
	marker_write "$disk" || fail "the marker could not be written to $(device "$disk")"
done
stage base-system
