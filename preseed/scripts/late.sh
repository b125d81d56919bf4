#!/bin/sh
# Hook near the end of finish-install: the system is installed below /target. Makes it this machine's own.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"
. "$MUSTER/disks.sh"
. "$MUSTER/finished.sh"

inside() {
	chroot /target "$@" || fail "'$*' failed in the installed system"
}

mount_firmware
fetch target-files.sh "$MUSTER/target-files.sh"
ROOT=/target sh -e "$MUSTER/target-files.sh" || fail "the machine's own files could not be written"
rm -f "$MUSTER/target-files.sh"

if [ -d "/target/home/$LOGIN_USER/.ssh" ]; then
	chmod 700 "/target/home/$LOGIN_USER/.ssh"
	inside chown -R "$LOGIN_USER:$LOGIN_USER" "/home/$LOGIN_USER/.ssh"
fi
[ -e /target/etc/sudoers.d/90-muster ] && inside visudo -cqf /etc/sudoers.d/90-muster
inside systemctl enable systemd-networkd.service systemd-resolved.service muster-report.service
ln -sf ../run/systemd/resolve/stub-resolv.conf /target/etc/resolv.conf

if [ "$(firmware)" = uefi ]; then
	[ "$LAYOUT" = raid1 ] && . "$MUSTER/esp.sh"
else
	# Some BIOSes only boot a disk whose protective partition is marked active.
	for disk in $(system_disks); do
		printf '\200' | dd of="$(device "$disk")" bs=1 seek=446 conv=notrunc 2>/dev/null
	done
fi
network_first
finished_report >"$MUSTER/report.finished"
: >"$MUSTER/finishing"
exit 0
