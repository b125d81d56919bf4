import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveResources } from "../../../../src/domain/cluster/resource-set.ts";
import { readDocuments } from "../../../../src/services/resources/read-documents.ts";

function resolve(text: string) {
  const { resources, faults } = readDocuments([{ name: "rack.yaml", text }]);
  assert.deepEqual(faults, []);
  return resolveResources(resources);
}

const document = (kind: string, name: string, spec: string): string =>
  `apiVersion: muster/v1\nkind: ${kind}\nmetadata: { name: ${name} }\nspec: ${spec}\n---\n`;

test("DESIGN-3.4 a machine inherits from its cluster, then its profile, and what it says itself wins", () => {
  const { machines, faults } = resolve(
    document("Cluster", "lab", "{ defaults: { timezone: Europe/Berlin, os: debian-12, packages: [htop] } }") +
      document(
        "Profile",
        "rack",
        "{ os: { name: debian, version: '13' }, install: { layout: lvm, wipe: true } }",
      ) +
      document(
        "Machine",
        "kube0",
        "{ mac: '525400123401', cluster: lab, profile: rack, roles: [worker], install: { wipe: false }, packages: [atop] }",
      ),
  );
  assert.deepEqual(faults, []);
  const [machine] = machines;
  assert.ok(machine);
  const { timezone, os, install, packages, profile } = machine.spec;
  assert.deepEqual(
    { timezone, os: os.version, layout: install.layout, wipe: install.wipe, packages, profile },
    { timezone: "Europe/Berlin", os: "13", layout: "lvm", wipe: false, packages: ["atop"], profile: "rack" },
  );
});

test("DESIGN-3.4 null takes back what was inherited", () => {
  const { machines } = resolve(
    document("Profile", "rack", "{ install: { layout: lvm, swap: 2GB } }") +
      document("Machine", "kube0", "{ mac: '525400123401', profile: rack, install: { swap: null } }"),
  );
  assert.deepEqual(machines[0]?.spec.install.swap, undefined);
  assert.equal(machines[0]?.spec.install.layout, "lvm");
});

test("S0-03 names are counted from a pattern, addresses from the first", () => {
  const { machines, faults } = resolve(
    document(
      "Cluster",
      "saw",
      "{ machines: [{ names: saw-k8s-m-##, roles: [control-plane], addresses: 192.168.100.151, macs: ['525400000001', '525400000002', '525400000003'] }] }",
    ),
  );
  assert.deepEqual(faults, []);
  assert.deepEqual(
    machines.map(({ name, spec }) => [name, spec.address, spec.mac]),
    [
      ["saw-k8s-m-01", "192.168.100.151", "52:54:00:00:00:01"],
      ["saw-k8s-m-02", "192.168.100.152", "52:54:00:00:00:02"],
      ["saw-k8s-m-03", "192.168.100.153", "52:54:00:00:00:03"],
    ],
  );
});

test("S0-03 a profile selects machines by cluster, role and name, below what they name themselves", () => {
  const { machines } = resolve(
    document(
      "Profile",
      "disks",
      "{ selector: { roles: [worker], names: 'w-*' }, packages: [smartmontools], locale: de_DE.UTF-8 }",
    ) +
      document("Profile", "base", "{ locale: fr_FR.UTF-8 }") +
      document("Cluster", "lab", "{ profile: base }") +
      document("Machine", "w-1", "{ mac: '525400000001', cluster: lab, roles: [worker] }") +
      document("Machine", "w-2", "{ mac: '525400000002', cluster: lab, roles: [worker], profile: base }") +
      document("Machine", "m-1", "{ mac: '525400000003', cluster: lab, roles: [control-plane] }"),
  );
  assert.deepEqual(
    machines.map(({ name, spec }) => [name, spec.packages, spec.locale]),
    [
      ["w-1", ["smartmontools"], "de_DE.UTF-8"],
      ["w-2", ["smartmontools"], "fr_FR.UTF-8"],
      ["m-1", [], "fr_FR.UTF-8"],
    ],
  );
});

const WRONG: readonly (readonly [name: string, text: string, line: number, words: RegExp])[] = [
  [
    "an unknown key of a cluster",
    document("Cluster", "lab", "\n  endpiont: {}"),
    5,
    /unknown key "endpiont"; did you mean "endpoint"\?/,
  ],
  ["an unknown key of a profile", document("Profile", "p", "\n  instal: {}"), 5, /did you mean "install"\?/],
  [
    "an unknown key of a machine",
    document("Machine", "m", "\n  mac: '525400000001'\n  adress: 10.0.0.1"),
    6,
    /did you mean "address"\?/,
  ],
  [
    "an unknown key that machines of a cluster would inherit",
    document("Cluster", "lab", "\n  defaults:\n    timezon: UTC"),
    6,
    /did you mean "timezone"\?/,
  ],
  [
    "an unknown key of a group",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: m\n      macs: ['525400000001']\n      roles: [worker]\n      spec: { sise: 1 }",
    ),
    9,
    /unknown key "sise"; did you mean "size"\?/,
  ],
  [
    "a role that there is not",
    document("Machine", "m", "\n  mac: '525400000001'\n  roles: [master]"),
    6,
    /expected control-plane, worker, .* or admin, found "master"/,
  ],
  [
    "a MAC that is a group's",
    document("Machine", "m", "\n  mac: 'ff:ff:ff:ff:ff:ff'"),
    5,
    /ff:ff:ff:ff:ff:ff is no machine's own address/,
  ],
  [
    "a public key that is none",
    document("Machine", "m", "\n  mac: '525400000001'\n  access: { sshKeys: [ssh-ed25519 forgotten] }"),
    6,
    /expected one whole line of a public key/,
  ],
  [
    "a MAC that is none, in a group",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: m#\n      roles: [worker]\n      macs:\n        - '525400000001'\n        - nonsense",
    ),
    10,
    /"nonsense" is not a MAC address/,
  ],
  [
    "a profile that there is not",
    document("Profile", "rack-a", "{}") +
      document("Machine", "m", "\n  mac: '525400000001'\n  profile: rack-b"),
    11,
    /there is no Profile named "rack-b"; did you mean "rack-a"\?/,
  ],
  [
    "a cluster that there is not",
    document("Machine", "m", "\n  mac: '525400000001'\n  cluster: lab"),
    6,
    /there is no Cluster named "lab"/,
  ],
  [
    "a pattern without room for its ordinals",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: m#\n      first: 9\n      roles: [worker]\n      macs: ['525400000001', '525400000002']",
    ),
    6,
    /no room for 10; write ##/,
  ],
  [
    "a pattern without an ordinal for several machines",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: m\n      roles: [worker]\n      macs: ['525400000001', '525400000002']",
    ),
    6,
    /needs a # where the ordinal goes/,
  ],
  [
    "too few addresses",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: m#\n      addresses: [10.0.0.1]\n      roles: [worker]\n      macs: ['525400000001', '525400000002']",
    ),
    7,
    /1 addresses for 2 machines/,
  ],
  [
    "a name that is no label",
    document(
      "Cluster",
      "lab",
      "\n  machines:\n    - names: M_#\n      roles: [worker]\n      macs: ['525400000001']",
    ),
    6,
    /a name is a DNS label/,
  ],
  [
    "a machine written twice",
    document("Machine", "m1", "{ mac: '525400000009' }") +
      document(
        "Cluster",
        "lab",
        "\n  machines:\n    - names: m#\n      roles: [worker]\n      macs: ['525400000001']",
      ),
    13,
    /another machine named m1, in Machine m1/,
  ],
];

for (const [name, text, line, words] of WRONG) {
  test(`DESIGN-7 ${name} is refused with its line`, () => {
    const { faults } = resolve(text);
    const [fault] = faults;
    assert.match(fault?.message ?? "", words);
    assert.deepEqual([fault?.file, fault?.line], ["rack.yaml", line], JSON.stringify(faults));
  });
}

test("DESIGN-7 a slip in a profile is told once, however many machines inherit it", () => {
  const { faults } = resolve(
    document("Profile", "p", "\n  install: { layout: lvmm }") +
      document("Machine", "a", "{ mac: '525400000001', profile: p }") +
      document("Machine", "b", "{ mac: '525400000002', profile: p }"),
  );
  assert.deepEqual(
    faults.map(({ path, line }) => [path, line]),
    [["Profile p, install.layout", 5]],
  );
});

test("DESIGN-7 what is no document is refused: its kind, its version, its YAML, its twin", () => {
  const read = (text: string) => readDocuments([{ name: "rack.yaml", text }]).faults;
  assert.match(
    read("apiVersion: muster/v1\nkind: Clutser\nmetadata: { name: a }")[0]?.message ?? "",
    /Cluster, Profile, Machine/,
  );
  assert.match(read("apiVersion: v1\nkind: Cluster\nmetadata: { name: a }")[0]?.message ?? "", /muster\/v1/);
  assert.match(
    read("kind: Cluster\nmeta: { name: a }")
      .map(({ message }) => message)
      .join(),
    /unknown key "meta"/,
  );
  const [broken] = read("a: [1\nb: 2");
  assert.equal(broken?.file, "rack.yaml");
  const twins = read(document("Profile", "p", "{}") + document("Profile", "p", "{}"));
  assert.match(twins[0]?.message ?? "", /is written twice, at rack\.yaml:4/);
  assert.deepEqual(read("# nothing\n---\n---\n"), []);
  const rest = Array.from(
    { length: 9 },
    (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}, *a${index}]`,
  );
  const bomb = read(["a0: &a0 [x, x]", ...rest].join("\n"));
  assert.match(bomb[0]?.message ?? "", /alias/i);
});
