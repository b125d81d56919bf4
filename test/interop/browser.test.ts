/** The web page in a real browser: its forms, its live tiles, its confirmations. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { Browser } from "../support/browser.ts";
import { type FakeControl, fakeControl } from "../support/control-services.ts";
import { needsPrograms } from "../support/netns.ts";

const FINISHED = {
  type: "install-finished",
  disks: [{ path: "/dev/vda", sizeBytes: 8_000_000_000 }],
} as const;

async function website(t: TestContext): Promise<{ readonly control: FakeControl; readonly url: string }> {
  const directory = mkdtempSync(path.join(tmpdir(), "muster-page-"));
  t.after(() => rmSync(directory, { recursive: true }));
  const files = ["-keyout", `${directory}/key.pem`, "-out", `${directory}/cert.pem`];
  const kind = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost";
  execFileSync("openssl", [...kind.split(" "), ...files], { stdio: "ignore" });
  const control = await fakeControl();
  const server = createServer(
    { key: readFileSync(`${directory}/key.pem`), cert: readFileSync(`${directory}/cert.pem`) },
    control.app({ web: true }),
  );
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { control, url: `https://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test("a person logs in, registers a machine, watches its tile change by itself and reimages it by typing its name", async (t) => {
  if (needsPrograms(t, "chromium", "openssl")) return;
  const { control, url } = await website(t);
  const { registry } = control;
  const browser = await Browser.open(t);
  await browser.go(`${url}/`);
  await browser.until('location.pathname === "/login"');
  await browser.submit('form[action="/login"]', { token: await control.token("operator") });
  await browser.submit('form[action="/register"]', { mac: "52:54:00:12:34:01", name: "kube0" });
  await browser.until('document.querySelector("#machine-kube0")?.dataset.state === "registered"');
  assert.equal(registry.byName("kube0")?.spec.mac, "52:54:00:12:34:01");

  await browser.value("window.stayed = true");
  const apply = async (event: Parameters<typeof registry.apply>[1]): Promise<void> => {
    const outcome = await registry.apply("kube0", event, "test");
    assert.ok(outcome.ok);
  };
  await apply({ type: "installer-booted" });
  await apply({ type: "stage-reported", stage: "partitioning" });
  await browser.until(
    'document.querySelector("#machine-kube0 .state").textContent.includes("preparing the disk")',
  );
  await apply(FINISHED);
  await apply({ type: "node-reported", generation: 1 });
  await browser.until('document.querySelector("#machine-kube0").dataset.state === "installed"');
  await browser.until('document.querySelector("#counts").textContent === "1 installed"');
  assert.equal(await browser.value("window.stayed"), true, "the page was never loaded again");

  await browser.value('document.querySelector("#machine-kube0 a").click()');
  const form = 'form[action="/machines/kube0/reimage"]';
  await browser.until(`document.querySelector('${form}') !== null`);
  await browser.submit(form, { confirm: "kube1" });
  await browser.until('document.querySelector("[role=alert]") !== null');
  assert.equal(registry.byName("kube0")?.generation, 1, "another name confirms nothing");
  await browser.submit(form, { confirm: "kube0" });
  await browser.until('document.querySelector(".tile").dataset.state === "registered"');
  assert.equal(registry.byName("kube0")?.generation, 2);
});
