# shellcheck shell=sh
# What is on a disk, read by our own eyes: magic numbers at their places, without mounting, assembling or asking the
# kernel. Works on a device and on an image file. Needs device bytes only, so that nothing can be changed by looking.

# number FILE OFFSET LENGTH: little-endian unsigned integer. cmp -l is the one tool of the installer that prints bytes.
number() {
	dd if="$1" bs=1 skip="$2" count="$3" 2>/dev/null >"$WORK/number"
	cmp -l "$WORK/number" /dev/zero 2>/dev/null | awk '
		function octal(text,   i, value) {
			for (i = 1; i <= length(text); i++) value = value * 8 + substr(text, i, 1)
			return value + 0
		}
		{ byte[$1] = octal($2) }
		END {
			for (i = 8; i >= 1; i--) sum = sum * 256 + byte[i]
			printf "%.0f\n", sum
		}'
}

# magic FILE OFFSET BYTES: whether the bytes (printf notation) stand there.
magic() {
	# shellcheck disable=SC2059 # the bytes are a printf format on purpose
	printf "$3" >"$WORK/wanted"
	[ -s "$WORK/wanted" ] || return 1
	dd if="$1" bs=1 skip="$2" count="$(wc -c <"$WORK/wanted")" 2>/dev/null | cmp -s - "$WORK/wanted"
}

# Signatures near the start: offset, bytes, what they mean.
STARTS='
0 LUKS\272\276 LUKS
16384 SKUL\272\276 LUKS2 (second header)
32768 SKUL\272\276 LUKS2 (second header)
0 XFSB XFS
0 bluestore\040block\040device Ceph OSD (BlueStore)
1080 \123\357 ext2/3/4
65600 _BHRfS_M btrfs
3 NTFS\040\040\040\040 NTFS
3 EXFAT\040\040\040 exFAT
3 \055FVE-FS- BitLocker
54 FAT12\040\040\040 FAT
54 FAT16\040\040\040 FAT
82 FAT32\040\040\040 FAT
4086 SWAPSPACE2 swap
4086 SWAP-SPACE swap
8182 SWAPSPACE2 swap
16374 SWAPSPACE2 swap
65526 SWAPSPACE2 swap
4086 S1SUSPEND hibernation image
512 LABELONE LVM
0 LABELONE LVM
1024 LABELONE LVM
1536 LABELONE LVM
0 \374\116\053\251 Linux RAID (metadata 1.1)
4096 \374\116\053\251 Linux RAID (metadata 1.2)
4120 \306\205\163\366\116\032\105\312 bcache
4120 \306\205\163\366\146\316\220\251 bcachefs
516 !Stra0tis\206\377\002^ Stratis
1024 \020\040\365\362 F2FS
65588 ReIsErFs ReiserFS
65588 ReIsEr2Fs ReiserFS
65588 ReIsEr3Fs ReiserFS
65588 ReIsEr4 Reiser4
32768 JFS1 JFS
32769 CD001 ISO 9660
32769 BEA01 UDF
65536 \001\026\031\160 GFS2
1024 OCFSV2 OCFS2
2048 OCFSV2 OCFS2
4096 OCFSV2 OCFS2
8192 OCFSV2 OCFS2
1030 \064\064 NILFS2
32 NXSB APFS
1024 H+ HFS+
1024 HX HFS+
1024 BD HFS
0 hsqs squashfs
'

# scan FILE START LENGTH: names out of the table above. One pass over the bytes that are not zero: a program per
# signature would take a minute on a slow machine.
scan() {
	sectors=$(($3 / 512))
	[ "$sectors" -le 132 ] || sectors=132
	dd if="$1" bs=512 skip=$(($2 / 512)) count="$sectors" 2>/dev/null >"$WORK/region"
	printf '%s\n' "$STARTS" >"$WORK/signatures"
	cmp -l "$WORK/region" /dev/zero 2>/dev/null | awk '
		function octal(text,   i, value) {
			for (i = 1; i <= length(text); i++) value = value * 8 + substr(text, i, 1)
			return value + 0
		}
		BEGIN { for (i = 32; i < 127; i++) code[sprintf("%c", i)] = i }
		NR == FNR {
			if (NF < 3) next
			offset[++count] = $1
			bytes[count] = $2
			name[count] = $0
			sub(/^[^ ]+ [^ ]+ /, "", name[count])
			next
		}
		{ stored[$1 - 1] = octal($2) }
		END {
			for (n = 1; n <= count; n++) {
				at = offset[n]
				for (i = 1; i <= length(bytes[n]); i++) {
					char = substr(bytes[n], i, 1)
					if (char == "\\") {
						want = octal(substr(bytes[n], i + 1, 3))
						i += 3
					} else
						want = code[char]
					if (stored[at] + 0 != want) break
					at++
				}
				if (i > length(bytes[n])) print name[n]
			}
		}' "$WORK/signatures" -
}

# signatures_at FILE START LENGTH: names of what starts or ends in this range, one a line.
signatures_at() {
	scan "$1" "$2" "$3"
	magic "$1" $(($2 + 1048576)) '\015\320\001\300' && echo VMFS
	magic "$1" $(($2 + 2097152)) '\136\361\253\057' && echo VMFS
	signatures_at_end "$1" "$2" "$3"
	zfs_at "$1" "$2" "$3"
}

signatures_at_end() {
	[ "$3" -ge 1048576 ] || return 0
	end=$(($2 + $3))
	sectors=$(($3 / 512))
	# md superblock: 0.90 in the last whole 64 KiB block but one, 1.0 eight sectors before the end, rounded to 4 KiB
	raid09=$(($2 + ($3 / 65536 - 1) * 65536))
	raid10=$(($2 + ((sectors - 16) / 8) * 8 * 512))
	magic "$1" "$raid09" '\374\116\053\251' && echo "Linux RAID (metadata 0.90)"
	magic "$1" "$raid09" '\251\053\116\374' && echo "Linux RAID (metadata 0.90, big-endian)"
	magic "$1" "$raid10" '\374\116\053\251' && echo "Linux RAID (metadata 1.0)"
	magic "$1" $((end - 1024)) 'Intel\040Raid\040ISM\040Cfg\040Sig.' && echo "Intel RAID"
	magic "$1" $((end - 512)) '\336\021\336\021' && echo "DDF RAID"
	for mark in '\203\164\002\153' '\203\164\002\154' '\203\164\002\155'; do
		magic "$1" $((end - 4096 + 60)) "$mark" && echo "DRBD (metadata at the end)"
	done
	return 0
}

# Four labels of 256 KiB, two at the start and two at the end; the name-value list in each names the pool.
zfs_at() {
	[ "$3" -ge 67108864 ] || return 0
	tail=$(($2 + $3 / 262144 * 262144))
	for label in "$2" $(($2 + 262144)) $((tail - 524288)) $((tail - 262144)); do
		dd if="$1" bs=4096 skip=$(((label + 16384) / 4096)) count=28 2>/dev/null | tr -cd '\040-\176' |
			grep -q 'pool_guid' && { echo "ZFS"; return 0; }
	done
	return 0
}

# partitions FILE BYTES: the table on the disk, one line "start length type" a partition in bytes; GPT also when only
# the copy at the end is left. Sectors of 512 and of 4096 bytes.
partitions() {
	for sector in 512 4096; do
		gpt_at "$1" "$sector" "$sector" && return 0
	done
	for sector in 512 4096; do
		gpt_at "$1" $(($2 - sector)) "$sector" && return 0
	done
	magic "$1" 510 '\125\252' || return 0
	# A FAT or NTFS boot sector ends in the same two bytes: there, only proper entries count.
	for entry in 446 462 478 494; do
		type=$(number "$1" $((entry + 4)) 1)
		status=$(number "$1" "$entry" 1)
		start=$(number "$1" $((entry + 8)) 4)
		size=$(number "$1" $((entry + 12)) 4)
		case $status/$type in
		*/0 | */238) continue ;;
		0/* | 128/*) [ "$size" -gt 0 ] && echo "$((start * 512)) $((size * 512)) dos-$type" ;;
		esac
	done
	return 0
}

# gpt_at FILE HEADER SECTOR: fails when no header stands there.
gpt_at() {
	magic "$1" "$2" 'EFI\040PART' || return 1
	table=$(($(number "$1" $(($2 + 72)) 8) * $3))
	entries=$(number "$1" $(($2 + 80)) 4)
	entry_bytes=$(number "$1" $(($2 + 84)) 4)
	if [ "$entries" -lt 1 ] || [ "$entries" -gt 256 ] || [ "$entry_bytes" -lt 128 ] || [ "$entry_bytes" -gt 4096 ]; then
		echo "0 0 gpt-unreadable"
		return 0
	fi
	dd if="$1" bs=512 skip=$((table / 512)) count=$((entries * entry_bytes / 512)) 2>/dev/null >"$WORK/entries"
	# Non-zero bytes only: an unused entry has no line at all.
	used=$(cmp -l "$WORK/entries" /dev/zero 2>/dev/null | awk -v size="$entry_bytes" '
		{ i = int(($1 - 1) / size); if (($1 - 1) % size < 16 && !(i in seen)) { seen[i]; print i } }')
	for entry in $used; do
		first=$(number "$WORK/entries" $((entry * entry_bytes + 32)) 8)
		last=$(number "$WORK/entries" $((entry * entry_bytes + 40)) 8)
		echo "$((first * $3)) $(((last - first + 1) * $3)) gpt"
	done
	return 0
}

# contents FILE BYTES: everything recognisable on the disk, one finding a line; nothing for a blank one.
contents() {
	signatures_at "$1" 0 "$2"
	partitions "$1" "$2" >"$WORK/partitions"
	row=0
	while read -r start length type; do
		row=$((row + 1))
		inside=$([ "$length" -gt 0 ] && signatures_at "$1" "$start" "$length" | sort -u | tr '\n' ',' | sed 's/,$//; s/,/, /g')
		echo "partition $row ($((length / 1000000)) MB${inside:+, $inside}${type:+, $type})"
	done <"$WORK/partitions"
	# Whatever the installer's blkid knows beyond our table.
	if [ "${BLKID:=$(command -v blkid)}" ] && [ ! -s "$WORK/partitions" ]; then
		"$BLKID" -p -o value -s TYPE "$1" 2>/dev/null
		[ $? -eq 8 ] && echo "several overlapping signatures"
	fi
	return 0
}

# Whether the tools at hand read what is written: a guard that cannot see must not say that a disk is blank.
self_test() {
	printf '\001\002\000\200LUKS\272\276' >"$WORK/sample"
	[ "$(number "$WORK/sample" 0 4)" = 2147484161 ] || return 1
	magic "$WORK/sample" 4 'LUKS\272\276' || return 1
	magic "$WORK/sample" 4 'LUKS\272\277' && return 1
	{
		dd if=/dev/zero bs=512 count=1
		dd if="$WORK/sample" bs=1 skip=4
		dd if=/dev/zero bs=512 count=7
	} 2>/dev/null >"$WORK/sample.region"
	[ "$(scan "$WORK/sample.region" 512 3072)" = LUKS ]
}
