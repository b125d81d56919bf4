# shellcheck shell=sh
# Disks: which there are, what they are called in the factory, and which of them the machine's rules name.
# A disk is handled by its kernel name below /sys/block (sda, nvme0n1, cciss!c0d0).

# The disks chosen for this system, as kept by partman.sh.
system_disks() {
	cat "$MUSTER/system-disks"
}

sys() {
	echo "${SYS:-/sys}/block/$1"
}

device() {
	echo "${DEV:-/dev}/$(echo "$1" | tr '!' '/')"
}

# trimmed FILE [BYTES TO SKIP]: printable text of a sysfs attribute without the padding around it.
trimmed() {
	[ -r "$1" ] || return 0
	dd if="$1" bs=1 skip="${2:-0}" count=128 2>/dev/null | tr -cd '\040-\176' | sed 's/^ *//; s/ *$//'
}

first_of() {
	for text; do
		[ -n "$text" ] && { printf '%s\n' "$text"; return 0; }
	done
	echo
}

serial_of() {
	# virtio; NVMe and MMC; SCSI and SATA by vital product data page 80, whose header has 4 bytes
	first_of "$(trimmed "$(sys "$1")/serial")" "$(trimmed "$(sys "$1")/device/serial")" \
		"$(trimmed "$(sys "$1")/device/vpd_pg80" 4)"
}

# World wide name as bare lower-case hexadecimal digits.
wwn_of() {
	first_of "$(trimmed "$(sys "$1")/wwid")" "$(trimmed "$(sys "$1")/device/wwid")" | wwn_digits
}

wwn_digits() {
	# shellcheck disable=SC2018,SC2019 # the installer's tr knows no classes
	LC_ALL=C tr A-Z a-z | sed 's/^\(naa\|eui\|uuid\)\.//; s/^0x//; /^t10\.\|^nvme\./d'
}

model_of() {
	first_of "$(trimmed "$(sys "$1")/device/model")" "$(trimmed "$(sys "$1")/device/name")"
}

bytes_of() {
	sectors=$(cat "$(sys "$1")/size" 2>/dev/null)
	echo "$((${sectors:-0} * 512))"
}

# Disks an operating system can be installed on: no memory, no optical or removable media, nothing without a size.
candidates() {
	for entry in "${SYS:-/sys}"/block/*; do
		name=${entry##*/}
		case $name in
		loop* | ram* | zram* | md* | dm-* | sr* | fd* | nbd* | mtd* | zd* | drbd* | *boot[0-9] | *rpmb) continue ;;
		esac
		[ -e "$entry/size" ] || continue
		[ "$(cat "$entry/removable" 2>/dev/null)" = 1 ] && continue
		[ "$(cat "$entry/hidden" 2>/dev/null)" = 1 ] && continue
		[ "$(bytes_of "$name")" -gt 0 ] || continue
		echo "$name"
	done
}

# The disk in words, for reports.
describe() {
	serial=$(serial_of "$1")
	wwn=$(wwn_of "$1")
	model=$(model_of "$1")
	size=$(($(bytes_of "$1") / 1000000))
	printf '%s\n' "$(device "$1") ($((size / 1000)).$(printf '%03d' $((size % 1000))) GB${model:+, $model}, serial ${serial:-none}${wwn:+, WWN $wwn})"
}

# Identity on one line, as the appliance records it: serial|wwn|model|bytes
identity() {
	printf '%s\n' "$(serial_of "$1")|$(wwn_of "$1")|$(model_of "$1")|$(bytes_of "$1")"
}

# matches NAME RULE: whether every given field of the rule fits. Fields as in src/domain/install/disk-criteria.ts.
matches() {
	printf '%s\n' "$2" | (
		IFS='|' read -r _ serial wwn path model rotational least most
		[ -z "$serial" ] || [ "$serial" = "$(serial_of "$1")" ] || exit 1
		[ -z "$wwn" ] || [ "$(printf '%s\n' "$wwn" | wwn_digits)" = "$(wwn_of "$1")" ] || exit 1
		[ -z "$path" ] || [ "$(readlink -f "${ROOTFS:-}$path")" = "$(readlink -f "$(device "$1")")" ] || exit 1
		[ -z "$rotational" ] || [ "$rotational" = "$(cat "$(sys "$1")/queue/rotational" 2>/dev/null)" ] || exit 1
		[ -z "$least" ] || [ "$(bytes_of "$1")" -ge "$least" ] || exit 1
		[ -z "$most" ] || [ "$(bytes_of "$1")" -le "$most" ] || exit 1
		[ -z "$model" ] && exit 0
		case $(model_of "$1") in *"$model"*) exit 0 ;; esac
		exit 1
	)
}

# pick RULE ROOM NAME…: the one disk among NAME… that the rule singles out. ROOM is how many equal ones are welcome:
# more than one when further rules will take the others. Prints the name, or nothing and the reason on stderr.
pick() {
	rule=$1
	room=$2
	shift 2
	found=
	for name; do
		matches "$name" "$rule" && found="$found $name"
	done
	[ -n "$found" ] || { echo "no disk fits the rule" >&2; return 1; }
	case ${rule%%|*} in
	largest) best=$(for name in $found; do bytes_of "$name"; done | sort -n | tail -n 1) ;;
	smallest) best=$(for name in $found; do bytes_of "$name"; done | sort -n | head -n 1) ;;
	*) best= ;;
	esac
	# shellcheck disable=SC2046 # names of block devices hold no spaces
	set -- $(for name in $found; do
		[ -n "$best" ] && [ "$(bytes_of "$name")" != "$best" ] && continue
		echo "$name"
	done)
	if [ $# -gt "$room" ]; then
		echo "the rule fits $# disks" >&2
		return 1
	fi
	echo "$1"
}

# select_disks: names of the system disks, in the order of the rules. Fails with the reason on stderr.
select_disks() {
	left=$(candidates)
	count=$(printf '%s\n' "$DISK_RULES" | wc -l)
	number=1
	while [ "$number" -le "$count" ]; do
		rule=$(printf '%s\n' "$DISK_RULES" | sed -n "${number}p")
		# shellcheck disable=SC2086
		chosen=$(pick "$rule" $((count - number + 1)) $left) || return 1
		echo "$chosen"
		left=$(echo "$left" | grep -vx "$chosen")
		number=$((number + 1))
	done
}
