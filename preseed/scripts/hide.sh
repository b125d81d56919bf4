# shellcheck shell=sh
# Takes disks out of the installer's sight. What it cannot see it cannot format, swap on, assemble or mount.

# release NAME: stops what the kernel built on top of a disk or of its partitions.
release() {
	for holder in "$(sys "$1")"/holders/* "$(sys "$1")"/"$1"*/holders/*; do
		[ -e "$holder" ] || continue
		top=${holder##*/}
		release "$top"
		case $top in
		md*) echo clear >"$(sys "$top")/md/array_state" 2>/dev/null || true ;;
		dm-*) dmsetup remove "$(cat "$(sys "$top")/dm/name")" 2>/dev/null || true ;;
		esac
	done
}

# hide NAME: the kernel forgets the disk until the next start. SCSI and SATA disks are deleted; of others the driver
# lets go. Where neither works the disk is made read-only and its node removed.
hide() {
	release "$1"
	entry=$(sys "$1")
	words=$(describe "$1")
	if [ -e "$entry/device/delete" ]; then
		echo 1 >"$entry/device/delete"
	else
		unbind "$entry/device" || shares_controller "$1" || unbind "$entry/device/device" || true
	fi
	tries=0
	while [ -e "$entry/size" ] && [ "$tries" -lt 10 ]; do
		tries=$((tries + 1))
		sleep 1
	done
	if [ ! -e "$entry/size" ]; then
		log "hidden from the installer: $words"
		return 0
	fi
	blockdev --setro "$(device "$1")" || fail "$words is not a system disk and could not be hidden or made read-only"
	for partition in "$entry/$1"*/dev; do
		[ -e "$partition" ] || continue
		partition=${partition%/dev}
		blockdev --setro "$(device "${partition##*/}")" || fail "$words could not be made read-only"
	done
	log "made read-only for the installer: $words"
}

# An NVMe controller may hold a system disk beside this one.
shares_controller() {
	controller=$(readlink -f "$(sys "$1")/device/device")
	for chosen in $(system_disks); do
		[ "$(readlink -f "$(sys "$chosen")/device/device")" = "$controller" ] && return 0
	done
	return 1
}

unbind() {
	[ -e "$1/driver/unbind" ] || return 1
	name=$(readlink -f "$1")
	echo "${name##*/}" >"$1/driver/unbind"
}

# clear_disk NAME: takes every old signature off a disk that may be overwritten, so that no old array or volume group
# rises from the new partitions.
clear_disk() {
	release "$1"
	node=$(device "$1")
	disk_bytes=$(bytes_of "$1")
	partitions "$node" "$disk_bytes" >"$WORK/partitions"
	while read -r start length _; do
		[ "$length" -ge 1048576 ] || continue
		zero "$node" "$start" 1048576 || return 1
		zero "$node" $((start + length - 1048576)) 1048576 || return 1
	done <"$WORK/partitions"
	zero "$node" $((disk_bytes - 1048576)) 1048576 || return 1
	zero "$node" 0 2097152 || return 1
	sync
	blockdev --rereadpt "$node" 2>/dev/null || true
	udevadm settle 2>/dev/null || true
}

# zero NODE START LENGTH: in whole blocks of 4096 bytes around the range.
zero() {
	dd if=/dev/zero of="$1" bs=4096 seek=$(($2 / 4096)) count=$((($3 + 4095) / 4096)) conv=notrunc 2>/dev/null
}
