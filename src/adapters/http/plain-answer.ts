import type { ServerResponse } from "node:http";

export interface PlainAnswer {
  readonly status: number;
  /** One sentence for a person in front of a console. */
  readonly text: string;
  readonly headers?: Readonly<Record<string, string | number>>;
}

/** Answers with a line of text and its exact length: boot firmware copes badly with anything else. */
export function plainAnswer(response: ServerResponse, { status, text, headers = {} }: PlainAnswer): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    ...headers,
    "Content-Type": "text/plain; charset=utf-8",
    "Content-Length": body.length,
    "Cache-Control": "no-store",
  });
  response.end(body);
}
