/** What disks hold when they are not empty: the bytes that tell, at the places where their makers put them. */
import { MIB, type Patch } from "./installer-bench.ts";

const u32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes;
};
const RAID = u32(0xa92b4efc);
const zfsLabel = (at: number): Patch => ({
  at: at + 16384,
  bytes:
    "\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x24\x00\x00\x00\x20\x00\x00\x00\x09pool_guid\x00",
});
const SIZE = 96 * MIB;

/** A GUID partition table of one entry (and its copy at the end), with the given content at the partition's start. */
export function gpt(contents: readonly Patch[] = [], guid = 0x11): readonly Patch[] {
  const first = 2048;
  const last = SIZE / 512 - 2048;
  const header = (entries: number) => {
    const bytes = Buffer.alloc(92);
    bytes.write("EFI PART", "latin1");
    bytes.fill(guid, 56, 72);
    bytes.writeBigUInt64LE(BigInt(entries), 72);
    bytes.writeUInt32LE(128, 80);
    bytes.writeUInt32LE(128, 84);
    return bytes;
  };
  const entry = Buffer.alloc(128);
  entry.fill(0xaf, 0, 16);
  entry.fill(guid, 16, 32);
  entry.writeBigUInt64LE(BigInt(first), 32);
  entry.writeBigUInt64LE(BigInt(last), 40);
  return [
    { at: 510, bytes: "\x55\xaa" },
    { at: 450, bytes: "\xee" },
    { at: 458, bytes: u32(SIZE / 512 - 1) },
    { at: 512, bytes: header(2) },
    { at: 1024, bytes: entry },
    { at: -512, bytes: header(SIZE / 512 - 33) },
    { at: -33 * 512, bytes: entry },
    ...contents.map(({ at, bytes }) => ({ at: first * 512 + at, bytes })),
  ];
}

/** A DOS partition table with one partition at 1 MiB. */
export function dosTable(type: number, contents: readonly Patch[] = []): readonly Patch[] {
  const entry = Buffer.alloc(16);
  entry[4] = type;
  entry.writeUInt32LE(2048, 8);
  entry.writeUInt32LE(SIZE / 512 - 4096, 12);
  return [
    { at: 446, bytes: entry },
    { at: 510, bytes: "\x55\xaa" },
    ...contents.map(({ at, bytes }) => ({ at: MIB + at, bytes })),
  ];
}

const ext4: Patch = { at: 1080, bytes: "\x53\xef" };

/** Name of what is on the disk, the word a report must hold, and the bytes. */
export const DIRTY_DISKS: readonly (readonly [string, RegExp, readonly Patch[]])[] = [
  ["LVM physical volume", /LVM/, [{ at: 512, bytes: "LABELONE\x01\x00\x00\x00\x00\x00\x00\x00" }]],
  ["LVM physical volume in a partition", /LVM/, gpt([{ at: 512, bytes: "LABELONE" }])],
  ["ZFS label at the start", /ZFS/, [zfsLabel(0)]],
  ["ZFS label only at the end", /ZFS/, [zfsLabel(SIZE - 262_144)]],
  ["Ceph OSD with BlueStore", /Ceph/, [{ at: 0, bytes: "bluestore block device\n" }]],
  ["mdraid 0.90", /RAID.*0\.90/, [{ at: SIZE - 65_536, bytes: RAID }]],
  ["mdraid 1.0", /RAID.*1\.0/, [{ at: SIZE - 8192, bytes: RAID }]],
  ["mdraid 1.1", /RAID.*1\.1/, [{ at: 0, bytes: RAID }]],
  ["mdraid 1.2", /RAID.*1\.2/, [{ at: 4096, bytes: RAID }]],
  ["mdraid 1.2 in a partition", /RAID.*1\.2/, gpt([{ at: 4096, bytes: RAID }])],
  ["LUKS1", /LUKS/, [{ at: 0, bytes: "LUKS\xba\xbe\x00\x01" }]],
  ["LUKS2", /LUKS/, [{ at: 0, bytes: "LUKS\xba\xbe\x00\x02" }]],
  ["LUKS2 whose first header is gone", /LUKS2/, [{ at: 16_384, bytes: "SKUL\xba\xbe\x00\x02" }]],
  [
    "NTFS",
    /NTFS/,
    [
      { at: 3, bytes: "NTFS    " },
      { at: 510, bytes: "\x55\xaa" },
    ],
  ],
  ["NTFS in a partition", /NTFS/, dosTable(7, [{ at: 3, bytes: "NTFS    " }])],
  [
    "FAT32",
    /FAT/,
    [
      { at: 82, bytes: "FAT32   " },
      { at: 510, bytes: "\x55\xaa" },
    ],
  ],
  ["exFAT", /exFAT/, [{ at: 3, bytes: "EXFAT   " }]],
  ["ext4 without a partition table", /ext/, [ext4]],
  ["ext4 in a GPT partition", /ext/, gpt([ext4])],
  ["ext4 in a DOS partition", /ext/, dosTable(0x83, [ext4])],
  ["XFS", /XFS/, [{ at: 0, bytes: "XFSB" }]],
  ["btrfs", /btrfs/, [{ at: 65_600, bytes: "_BHRfS_M" }]],
  ["swap", /swap/, [{ at: 4086, bytes: "SWAPSPACE2" }]],
  ["swap with 64 KiB pages", /swap/, [{ at: 65_526, bytes: "SWAPSPACE2" }]],
  ["a partition whose content nobody knows", /partition/, gpt([{ at: 0, bytes: "who knows" }])],
  ["only the copy of a partition table", /partition/, gpt().filter(({ at }) => at < 0)],
  ["bcache", /bcache/, [{ at: 4120, bytes: "\xc6\x85\x73\xf6\x4e\x1a\x45\xca" }]],
  ["BitLocker", /BitLocker/, [{ at: 3, bytes: "-FVE-FS-" }]],
  ["VMFS", /VMFS/, [{ at: MIB, bytes: "\x0d\xd0\x01\xc0" }]],
  ["Intel RAID", /Intel/, [{ at: -1024, bytes: "Intel Raid ISM Cfg Sig. " }]],
  ["DRBD", /DRBD/, [{ at: -4096 + 60, bytes: "\x83\x74\x02\x6d" }]],
];
