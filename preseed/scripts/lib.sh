# shellcheck shell=sh
# Common to every script that runs inside the Debian installer (busybox sh, GNU wget, nothing else to rely on).
# MUSTER is the directory of these scripts; settings.sh stands beside them.

: "${MUSTER:=/var/lib/muster}"
. "$MUSTER/settings.sh"
WORK=$MUSTER/work
mkdir -p "$WORK"

log() {
	logger -t muster -- "$*" 2>/dev/null || echo "muster: $*" >&2
}

# A person in front of any of the machine's screens reads this.
announce() {
	log "$*"
	for console in /dev/tty1 /dev/tty4 /dev/console; do
		[ -c "$console" ] && printf '\r\n*** muster: %s\r\n' "$*" >"$console"
	done 2>/dev/null || true
}

# Text on stdin as the inside of a JSON string. Control characters are dropped, line ends kept.
json_text() {
	tr -d '\000-\010\013-\037\177' | sed 's/\\/\\\\/g; s/"/\\"/g; s/	/\\t/g' | awk '{ printf "%s%s", sep, $0; sep = "\\n" }'
}

json_string() {
	printf '"%s"' "$(printf '%s' "$1" | json_text)"
}

# post FILE: sends a report. 0 acknowledged, 1 not reached, 2 refused; the status line is left in $MUSTER/answer.
post() {
	if wget -q -S -T 20 -t 1 -O "$MUSTER/answer.body" --header='Content-Type: application/json' \
		--post-file="$1" "$BASE_URL/report" 2>"$MUSTER/answer"; then
		return 0
	fi
	if grep -q 'HTTP/1\.[01] 4' "$MUSTER/answer"; then
		return 2
	fi
	return 1
}

# fetch DOCUMENT FILE: no limit; says on the console what it waits for.
fetch() {
	tries=0
	until wget -q -T 20 -t 1 -O "$2.part" "$BASE_URL/$1" && [ -s "$2.part" ]; do
		tries=$((tries + 1))
		[ $((tries % 4)) -eq 1 ] && announce "waiting for $BASE_URL/$1"
		sleep 15
	done
	mv -f "$2.part" "$2"
}

answer() {
	sed -n 's/^ *HTTP\/1\.[01] //p' "$MUSTER/answer" | tail -n 1
}

# stage NAME: tells where the installation stands. Best effort: a stage that does not get through is not worth a stop.
stage() {
	printf '%s\n' "$1" >"$MUSTER/stage"
	log "stage $1"
	printf '{"report":"stage","stage":"%s"}\n' "$1" >"$MUSTER/report.$1"
	for pause in 1 2 4 0; do
		post "$MUSTER/report.$1" && return 0
		[ $? -eq 2 ] && break
		sleep "$pause"
	done
	log "stage $1 was not acknowledged: $(answer)"
	return 0
}

current_stage() {
	cat "$MUSTER/stage" 2>/dev/null || echo installer-started
}

# report_until_acknowledged FILE WHAT: no limit; says on the console what it waits for.
report_until_acknowledged() {
	tries=0
	until post "$1"; do
		tries=$((tries + 1))
		[ $((tries % 4)) -eq 1 ] && announce "$2; waiting for the appliance to take note ($(answer))"
		sleep 15
	done
}

# fail REASON: the installation ends here. The appliance is told, then the machine restarts into a boot script that
# shows the reason and waits for a person. Does not return.
fail() {
	if [ -e "$MUSTER/failed" ]; then
		while :; do sleep 3600; done
	fi
	printf '%s\n' "$*" >"$MUSTER/failed"
	announce "The installation of $MACHINE stopped: $*"
	{
		printf '{"report":"failed","stage":"%s","reason":%s,"log":"' "$(current_stage)" "$(json_string "$*")"
		tail -n 40 /var/log/syslog 2>/dev/null | json_text
		printf '"}\n'
	} >"$MUSTER/report.failed"
	report_until_acknowledged "$MUSTER/report.failed" "The installation stopped: $*"
	announce "The appliance knows. This machine restarts in ${FAILURE_PAUSE:-60} seconds. Reason: $*"
	sleep "${FAILURE_PAUSE:-60}"
	network_first
	sync
	reboot -f
	while :; do sleep 3600; done
}

# A clock that lost its battery would make every certificate invalid: take the appliance's time when ours is far off.
set_clock() {
	there=$(wget -q -S --spider -T 10 -t 1 "$HEALTH_URL" 2>&1 | sed -n 's/^ *[Dd]ate: *[A-Z][a-z][a-z], *//p' | tail -n 1)
	# 21 Nov 2026 10:00:00 GMT
	# shellcheck disable=SC2086
	set -- $there
	[ $# -ge 4 ] || return 1
	month=$(awk -v name="$2" 'BEGIN { printf "%02d", (index("JanFebMarAprMayJunJulAugSepOctNovDec", name) + 2) / 3 }')
	[ "$month" != 00 ] || return 1
	wanted=$(date -u -d "$3-$month-$1 $4" +%s 2>/dev/null) || return 1
	off=$((wanted - $(date -u +%s)))
	if [ "$off" -gt 120 ] || [ "$off" -lt -120 ]; then
		date -u -s "$3-$month-$1 $4" >/dev/null || return 1
		hwclock -u -w 2>/dev/null || true
		log "clock set to the appliance's: it was off by $off seconds"
	fi
}

firmware() {
	if [ -d "${SYS:-/sys}/firmware/efi" ]; then echo uefi; else echo bios; fi
}

# Lets programs of the installed system see the kernel and, on UEFI, the firmware's boot entries.
mount_firmware() {
	mount -t proc proc /target/proc 2>/dev/null || true
	mount -t sysfs sysfs /target/sys 2>/dev/null || true
	mount -t efivarfs efivarfs /target/sys/firmware/efi/efivars 2>/dev/null || true
}

# On UEFI the installer puts the disk first; the network must come first again, or no reimage would ever start.
network_first() {
	[ "$(firmware)" = uefi ] && [ -x /target/usr/bin/efibootmgr ] || return 0
	mount_firmware
	chroot /target efibootmgr -v >"$MUSTER/boot-entries" 2>/dev/null || return 0
	order=$(boot_order_network_first <"$MUSTER/boot-entries")
	[ -n "$order" ] && chroot /target efibootmgr -q -o "$order" && log "boot order: $order"
}

# Output of efibootmgr -v on stdin, the wanted order on stdout: the network entry that this installer came by, or where
# the firmware does not say, every IPv4 network entry; then the rest as it was, the disk foremost.
boot_order_network_first() {
	awk '
		/^BootCurrent: / { current = $2 }
		/^BootOrder: / { count = split($2, order, ",") }
		/^Boot[0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f][0-9A-Fa-f]/ {
			line = tolower($0)
			if (line !~ /hd\(|file\(/ && line ~ /mac\(|mac:|pxe|ipv4|ipv6|http|network|ethernet|nic/)
				network[substr($1, 5, 4)] = line ~ /pxev6|httpv6|ipv6|ip6/ ? 6 : 4
		}
		function first(number) {
			if (current in network) return number == current
			return (number in network) && network[number] == 4
		}
		END {
			for (round = 1; round <= 2; round++)
				for (i = 1; i <= count; i++)
					if (first(order[i]) == (round == 1)) {
						printf "%s%s", separator, order[i]
						separator = ","
					}
		}'
}
