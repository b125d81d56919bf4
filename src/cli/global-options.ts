/** Options that every command takes. */

export const OUTPUT_FORMATS = ["table", "json", "yaml"] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** As commander hands them over. */
export interface GlobalOptions {
  readonly config?: string;
  readonly url?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly output?: OutputFormat;
  readonly quiet?: boolean;
  readonly color: boolean;
}
