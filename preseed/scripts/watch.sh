#!/bin/sh
# Runs beside the installer and reads its own log: main-menu writes there when a step begins and when it has failed,
# and a failed step otherwise only waits for somebody at the keyboard.
MUSTER=${MUSTER:-/var/lib/muster}
. "$MUSTER/lib.sh"

syslog=${SYSLOG:-/var/log/syslog}
read_lines=0
while :; do
	sleep "${WATCH_PAUSE:-5}"
	[ -e "$MUSTER/failed" ] && exit 0
	[ -e "$MUSTER/finishing" ] && exit 0
	lines=$(wc -l <"$syslog" 2>/dev/null) || continue
	[ "$lines" -lt "$read_lines" ] && read_lines=0
	[ "$lines" -gt "$read_lines" ] || continue
	sed -n "$((read_lines + 1)),${lines}p" "$syslog" >"$MUSTER/news"
	read_lines=$lines
	failed=$(sed -n "s/.*main-menu\[[0-9]*\]: .*Menu item '\([^']*\)' failed.*/\1/p" "$MUSTER/news" | head -n 1)
	[ -n "$failed" ] && fail "the installer's step '$failed' failed"
	# These stand at a dialogue before main-menu hears of them.
	failed=$(sed -n 's/.*\(base-installer\|grub-installer\): error: \(.*\)/\1: \2/p' "$MUSTER/news" | head -n 1)
	[ -n "$failed" ] && fail "the installer stopped with an error: $failed"
	grep -q "main-menu\[[0-9]*\]: .*Menu item '[^']*\(grub-installer\|systemd-boot-installer\)' selected" "$MUSTER/news" &&
		stage bootloader
done
