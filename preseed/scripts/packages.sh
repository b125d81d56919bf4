#!/bin/sh
# Hook before packages are chosen: the base system stands.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"
stage packages
# Other disks' systems are none of GRUB's business, neither now nor after the next kernel.
mkdir -p /target/etc/default/grub.d
echo 'GRUB_DISABLE_OS_PROBER=true' >/target/etc/default/grub.d/muster.cfg
