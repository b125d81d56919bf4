import assert from "node:assert/strict";
import { test } from "node:test";
import {
  chooseArchives,
  parseDeb822Sources,
  parseSourcesList,
} from "../../../../src/domain/assets/apt-sources.ts";

test("a .sources file gives Debian's archive and its security archive", () => {
  const sources = parseDeb822Sources(
    [
      "Types: deb deb-src",
      "URIs: http://mirror.example/debian/",
      "Suites: trixie trixie-updates",
      "Components: main non-free-firmware",
      "",
      "Types: deb",
      "URIs: http://mirror.example/debian-security",
      "Suites: trixie-security",
      "Components: main",
    ].join("\n"),
  );
  assert.deepEqual(chooseArchives(sources), {
    debian: "http://mirror.example/debian",
    debianSecurity: "http://mirror.example/debian-security",
  });
});

test("a .list file is read with and without options", () => {
  const sources = parseSourcesList(
    [
      "# deb http://commented.example/debian trixie main",
      "deb-src http://source.example/debian trixie main",
      "deb [arch=amd64 signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] https://own.example/deb bookworm main contrib # x",
    ].join("\n"),
  );
  assert.equal(sources.length, 1);
  assert.equal(chooseArchives(sources).debian, "https://own.example/deb");
});

test("other vendors with Debian's suite names, disabled entries and local media are not taken", () => {
  const list = [
    "deb https://vendor.example/linux/thing bookworm main",
    "deb https://vendor.example/linux/debian bookworm stable",
    "deb cdrom:[Debian]/ bookworm main",
    "deb file:/srv/debian bookworm main",
  ].join("\n");
  const disabled =
    "Enabled: no\nTypes: deb\nURIs: http://off.example/debian\nSuites: trixie\nComponents: main\n";
  const archives = chooseArchives([...parseSourcesList(list), ...parseDeb822Sources(disabled)]);
  assert.deepEqual(archives, { debian: undefined, debianSecurity: undefined });
});
