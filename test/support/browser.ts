/** Chromium without a screen, driven over its DevTools protocol: opens pages, runs expressions in them, waits for what they show. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** As root, on a test's own certificate, with nothing fetched that the test did not ask for. */
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--ignore-certificate-errors",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--remote-debugging-port=0",
];
const PATIENCE = 120_000;

export class Browser {
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #session: string | undefined;
  #asked = 0;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", (message) => {
      const answer = JSON.parse(String(message.data)) as Answer;
      this.#waiting.get(answer.id ?? -1)?.(answer);
    });
  }

  /** Starts Chromium with a profile of its own; both are gone at the end of the test. */
  static async open(t: TestContext): Promise<Browser> {
    const profile = mkdtempSync(path.join(tmpdir(), "muster-browser-"));
    const chromium = spawn("chromium", [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    t.after(async () => {
      const ended = once(chromium, "close");
      chromium.kill("SIGKILL");
      await ended;
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
    });
    const socket = new WebSocket(await endpointOf(chromium));
    await once(socket, "open");
    const browser = new Browser(socket);
    const { targetId } = await browser.#ask("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.#ask("Target.attachToTarget", { targetId, flatten: true });
    browser.#session = sessionId as string;
    return browser;
  }

  async go(url: string): Promise<void> {
    await this.#ask("Page.navigate", { url });
    await this.until(
      `location.href.startsWith(${JSON.stringify(url)}) && document.readyState === "complete"`,
    );
  }

  /** Looks at pages as on a screen of this width (CSS pixels), with light or dark preferred. */
  async screen({
    width,
    scheme,
  }: {
    readonly width: number;
    readonly scheme: "light" | "dark";
  }): Promise<void> {
    const metrics = { width, height: 900, deviceScaleFactor: 1, mobile: width < 600 };
    await this.#ask("Emulation.setDeviceMetricsOverride", metrics);
    const features = [{ name: "prefers-color-scheme", value: scheme }];
    await this.#ask("Emulation.setEmulatedMedia", { features });
  }

  /** The whole page as a PNG. */
  async picture(): Promise<Buffer> {
    const { data } = await this.#ask("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data as string, "base64");
  }

  /** The value of an expression in the page; undefined while it is between two documents. */
  async value(expression: string): Promise<unknown> {
    try {
      const { result } = await this.#ask("Runtime.evaluate", { expression, returnByValue: true });
      return (result as { readonly value?: unknown } | undefined)?.value;
    } catch {
      return undefined;
    }
  }

  /** Waits until an expression is true in the page. @throws what the page shows, when it never is. */
  async until(expression: string): Promise<void> {
    for (const deadline = performance.now() + PATIENCE; performance.now() < deadline; ) {
      if ((await this.value(expression)) === true) return;
      await delay(100);
    }
    throw new Error(`never: ${expression}\n${String(await this.value("document.body.innerText"))}`);
  }

  /** Fills fields by name inside the first form that fits the selector, and sends it by its button. */
  async submit(form: string, fields: Readonly<Record<string, string>>): Promise<void> {
    await this.until(`document.querySelector(${JSON.stringify(form)}) !== null`);
    await this.value(`{
      const form = document.querySelector(${JSON.stringify(form)});
      for (const [name, value] of Object.entries(${JSON.stringify(fields)})) form.elements[name].value = value;
      form.querySelector("button").click();
    }`);
  }

  #ask(method: string, params: object): Promise<Record<string, unknown>> {
    const id = ++this.#asked;
    const session = this.#session === undefined ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...session }));
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) => {
        this.#waiting.delete(id);
        if (error) reject(new Error(error.message));
        else resolve(result ?? {});
      });
    });
  }
}

function endpointOf(chromium: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = "";
    chromium.stderr?.on("data", (chunk: Buffer) => {
      said += chunk.toString();
      const found = /DevTools listening on (ws:\S+)/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    chromium.once("close", () => reject(new Error(`Chromium ended:\n${said}`)));
    chromium.once("error", reject);
  });
}
