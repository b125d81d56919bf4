# shellcheck shell=sh
# The marker: 4 KiB of text just below the first MiB of a system disk, where a GPT disk has nothing else. It names the
# installation that owns the disk, the disk itself (so that a copied one does not count) and, once it is partitioned,
# a digest of the partition table (so that a disk put to another use does not count either).

MARKER_OFFSET=1044480

# Disk GUID and all entries of the first GPT; empty while there is none.
table_digest() {
	for sector in 512 4096; do
		if magic "$1" "$sector" 'EFI\040PART'; then
			dd if="$1" bs=512 skip="$((sector / 512))" count=$((sector / 512 + 32)) 2>/dev/null >"$WORK/table"
			{
				dd if="$WORK/table" bs=1 skip=56 count=16 2>/dev/null
				dd if="$WORK/table" bs="$sector" skip=1 2>/dev/null
			} | sha256sum | cut -c 1-64
			return 0
		fi
	done
}

marker_field() {
	dd if="$1" bs=4096 skip=$((MARKER_OFFSET / 4096)) count=1 2>/dev/null | tr -d '\000' >"$WORK/block"
	[ "$(head -n 1 "$WORK/block")" = 'MUSTER SYSTEM DISK 1' ] && sed -n "s/^$2=//p" "$WORK/block" | head -n 1
}

# marker_write NAME: after partitioning with the digest of its table, before with none.
marker_write() {
	disk_device=$(device "$1")
	{
		printf 'MUSTER SYSTEM DISK 1\nmachine=%s\ngeneration=%s\nmarker=%s\ndisk=%s\ntable=%s\n' \
			"$MACHINE" "$GENERATION" "$MARKER" "$(identity "$1")" "$(table_digest "$disk_device")"
	} >"$WORK/marker"
	dd if="$WORK/marker" bs=4096 count=1 conv=sync of="$disk_device" seek=$((MARKER_OFFSET / 4096)) conv=notrunc 2>/dev/null || return 1
	sync
	[ "$(marker_field "$disk_device" marker)" = "$MARKER" ]
}

# own NAME: whether this is this machine's own earlier system disk. When it is not, the reason is on stdout, if there
# is a marker at all.
own() {
	disk_device=$(device "$1")
	found=$(marker_field "$disk_device" marker)
	[ -n "$found" ] || return 1
	owner="$(marker_field "$disk_device" machine), generation $(marker_field "$disk_device" generation)"
	if [ "$found" != "$MARKER" ] && { [ -z "$EARLIER_MARKER" ] || [ "$found" != "$EARLIER_MARKER" ]; }; then
		echo "it is marked as a system disk of $owner"
		return 1
	fi
	if [ "$(marker_field "$disk_device" disk)" != "$(identity "$1")" ]; then
		echo "its marker was made for another disk"
		return 1
	fi
	table=$(marker_field "$disk_device" table)
	# An installation that lost power while it partitioned left a marker without a digest; only its own repetition may go on.
	if [ "$found" = "$MARKER" ] && [ -z "$table" ]; then
		return 0
	fi
	if [ "$table" != "$(table_digest "$disk_device")" ]; then
		echo "its partition table was changed since $owner was installed"
		return 1
	fi
	[ "$found" = "$MARKER" ] && return 0
	printf '%s\n' "$KNOWN_DISKS" | grep -qxF -- "$(identity "$1")" && return 0
	echo "it is not among the disks recorded when $owner was installed"
	return 1
}
