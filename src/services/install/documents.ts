/** Install documents by ticket, for installers; and by machine with credentials masked, for people. */
import { NotFoundError } from "../../domain/errors.ts";
import type { Machine } from "../../domain/machine.ts";
import type { MachineLookup } from "../ports.ts";
import { composeDocument, INSTALL_DOCUMENTS, type InstallDocumentName } from "./compose-documents.ts";
import { createInstallPlans, type InstallPlansOptions, naming } from "./install-plans.ts";
import type { Templates } from "./ports.ts";

/** Judges tickets; src/services/tickets.ts is one. */
export interface TicketResolver {
  resolve(
    ticket: string,
    use: { readonly for: "fetch" },
  ): Promise<
    | { readonly ok: true; readonly machine: Machine; readonly generation: number }
    | { readonly ok: false; readonly reason: string }
  >;
}

export interface InstallDocument {
  readonly name: InstallDocumentName;
  readonly contentType: string;
  readonly text: string;
  readonly machine: string;
}

/** `unknown-document` and `refused` look the same to whoever asks; the difference is for the log. */
export type DocumentOutcome =
  | { readonly kind: "document"; readonly document: InstallDocument }
  | { readonly kind: "refused"; readonly reason: string }
  | { readonly kind: "unknown-document" };

export interface InstallDocuments {
  /** The document an installer asks for. @throws RenderError when it cannot be made. */
  get(ticket: string, document: string): Promise<DocumentOutcome>;
  /** What that machine would be served, every credential masked. @throws NotFoundError, RenderError */
  render(machine: string, document: string): InstallDocument;
}

export interface InstallDocumentsOptions extends InstallPlansOptions {
  readonly machines: MachineLookup;
  readonly tickets: TicketResolver;
  readonly templates: Templates;
}

const CONTENT_TYPES: Partial<Record<InstallDocumentName, string>> = {
  "user-data": "text/cloud-config; charset=utf-8",
};

export function createInstallDocuments(options: InstallDocumentsOptions): InstallDocuments {
  const { machines, tickets, templates } = options;
  const plans = createInstallPlans(options);
  return {
    async get(ticket, document) {
      const name = INSTALL_DOCUMENTS.find((known) => known === document);
      if (!name) return { kind: "unknown-document" };
      const check = await tickets.resolve(ticket, { for: "fetch" });
      if (!check.ok) return { kind: "refused", reason: check.reason };
      const { machine, generation } = check;
      const plan = await plans.planFor({ machine, generation, ticket });
      const text = naming(machine, () => composeDocument(plan, name, templates));
      return { kind: "document", document: documentOf(name, text, machine) };
    },
    render(machineName, document) {
      const machine = machines.byName(machineName);
      if (!machine) throw new NotFoundError(`there is no machine ${machineName}`);
      const name = INSTALL_DOCUMENTS.find((known) => known === document);
      if (!name) {
        throw new NotFoundError(
          `there is no document ${document}; there are ${INSTALL_DOCUMENTS.join(", ")}`,
        );
      }
      const plan = plans.maskedPlan(machine);
      return documentOf(
        name,
        naming(machine, () => composeDocument(plan, name, templates)),
        machine,
      );
    },
  };
}

function documentOf(name: InstallDocumentName, text: string, machine: Machine): InstallDocument {
  const contentType = CONTENT_TYPES[name] ?? "text/plain; charset=utf-8";
  return { name, contentType, text, machine: machine.name };
}
