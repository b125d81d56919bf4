#!/bin/sh
# Last hook before the restart: file systems are unmounted, the network still stands. The machine restarts only when
# the appliance knows that the disk may boot from now on; otherwise it would be installed again.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"
[ -s "$MUSTER/report.finished" ] || fail "the installer reached its end without finishing the system"
sync
report_until_acknowledged "$MUSTER/report.finished" "Installed"
log "the appliance knows that $MACHINE is installed"
exit 0
