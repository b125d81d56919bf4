import assert from "node:assert/strict";
import { test } from "node:test";
import { RenderError } from "../../../../src/domain/errors.ts";
import type { Machine } from "../../../../src/domain/machine.ts";
import { INSTALL_DOCUMENTS } from "../../../../src/services/install/compose-documents.ts";
import { createInstallDocuments } from "../../../../src/services/install/documents.ts";
import type { Templates } from "../../../../src/services/install/ports.ts";
import { APPLIANCE, CREDENTIALS, shippedTemplates } from "../../../support/install-plans.ts";
import { aMachine, anInstalledMachine } from "../../../support/machines.ts";

const shipped = shippedTemplates();

function documents(machine: Machine, templates: Templates = shipped) {
  return createInstallDocuments({
    machines: { byName: (name) => (name === machine.name ? machine : undefined), byMac: () => undefined },
    tickets: {
      resolve: (ticket) =>
        Promise.resolve(
          ticket === CREDENTIALS.ticket
            ? { ok: true as const, machine, generation: machine.generation }
            : { ok: false as const, reason: "no such ticket was ever handed out" },
        ),
    },
    templates,
    secrets: { secretFor: (name, generation) => Promise.resolve(`secret of ${name} ${generation}`) },
    appliance: () => APPLIANCE,
  });
}

test("H-15 a ticket fetches every document of its machine, and nothing else", async () => {
  const service = documents(aMachine({ state: "installing", generation: 1 }));
  for (const name of INSTALL_DOCUMENTS) {
    const outcome = await service.get(CREDENTIALS.ticket, name);
    assert.equal(outcome.kind, "document", name);
    assert.equal(outcome.document.machine, "kube0");
    assert.doesNotMatch(outcome.document.text, /undefined|\[object|NaN/, name);
  }
  assert.equal((await service.get(CREDENTIALS.ticket, "../settings.sh")).kind, "unknown-document");
  assert.equal((await service.get("mti_other", "preseed.cfg")).kind, "refused");
});

test("PRESEED both releases, every layout: the preseed file names machine, mirror and release", async () => {
  for (const version of ["12", "13"] as const) {
    for (const layout of ["regular", "lvm", "raid1"] as const) {
      const disk = layout === "raid1" ? ([{ serial: "a" }, { serial: "b" }] as [object, object]) : {};
      const machine = aMachine({
        generation: 1,
        spec: { os: { name: "debian", version }, install: { layout, disk } },
      });
      const outcome = await documents(machine).get(CREDENTIALS.ticket, "preseed.cfg");
      assert.equal(outcome.kind, "document");
      const { text } = outcome.document;
      assert.match(
        text,
        new RegExp(`^d-i mirror/suite string ${version === "12" ? "bookworm" : "trixie"}$`, "m"),
      );
      assert.match(text, /^d-i mirror\/http\/hostname string 192\.0\.2\.1:8080$/m);
      assert.match(text, /^d-i mirror\/http\/directory string \/mirror\/debian$/m);
      assert.match(text, /^d-i apt-setup\/security_host string 192\.0\.2\.1:8080\/mirror$/m);
      assert.equal(/partman-auto-lvm/.test(text), layout === "lvm");
      assert.equal(/partman-md/.test(text), layout === "raid1");
    }
  }
});

test("PRESEED a locale without a country answers the questions it leaves open", () => {
  const shown = (locale: string) =>
    documents(aMachine({ spec: { locale } })).render("kube0", "preseed.cfg").text;
  assert.match(shown("C.UTF-8"), /^d-i debian-installer\/country string US$/m);
  assert.doesNotMatch(shown("de_DE.UTF-8"), /debian-installer\/country/);
});

test("DESIGN-3.7 a shown document holds no credential at all", () => {
  const service = documents(anInstalledMachine());
  for (const name of INSTALL_DOCUMENTS) {
    const { text } = service.render("kube0", name);
    assert.doesNotMatch(text, /mti_(?!MASKED)[A-Za-z0-9_-]{8}/, name);
    assert.doesNotMatch(text, /secret of kube0/, name);
    assert.doesNotMatch(text, /0123456789abcdef/, name);
  }
  assert.throws(() => service.render("nobody", "preseed.cfg"), /no machine nobody/);
  assert.throws(
    () => service.render("kube0", "kickstart.cfg"),
    /no document kickstart\.cfg; there are preseed\.cfg/,
  );
});

test("DESIGN-7 a template error names template, line and machine", () => {
  const broken: Templates = {
    source: (name) => shipped.source(name),
    render: () => {
      throw new RenderError(
        "template preseed/debian.cfg, line 3: attempted to output null or undefined value",
      );
    },
  };
  assert.throws(
    () => documents(aMachine(), broken).render("kube0", "preseed.cfg"),
    (error) =>
      error instanceof RenderError &&
      /machine kube0: template preseed\/debian\.cfg, line 3/.test(error.message),
  );
});

test("DESIGN-7 a rendered line that the installer would refuse is never served", async () => {
  const wrong: Templates = { source: (name) => shipped.source(name), render: () => "d-i oops\n" };
  const service = documents(aMachine({ generation: 1 }), wrong);
  await assert.rejects(service.get(CREDENTIALS.ticket, "preseed.cfg"), /machine kube0: preseed\.cfg, line 1/);
});

test("DESIGN-5.11 the marker differs by machine, generation and registration", async () => {
  const markerOf = async (machine: Machine) => {
    const outcome = await documents(machine).get(CREDENTIALS.ticket, "start.sh");
    assert.equal(outcome.kind, "document");
    return /^MARKER='([0-9a-f]{32})'$/m.exec(outcome.document.text)?.[1];
  };
  const markers = await Promise.all([
    markerOf(aMachine({ generation: 1 })),
    markerOf(aMachine({ generation: 2 })),
    markerOf(aMachine({ generation: 1, createdAt: 5 })),
    markerOf(aMachine({ generation: 1 })),
  ]);
  assert.equal(new Set(markers).size, 3);
  assert.equal(markers[0], markers[3], "a repeated attempt writes the same marker");
});
