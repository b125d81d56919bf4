/** What `muster doctor` finds: one thing each, with what to do about it. */

export interface Check {
  readonly name: string;
  readonly state: "ok" | "warn" | "fail";
  /** What was found, in one sentence. */
  readonly message: string;
  /** What to do; only where something is to be done. */
  readonly advice?: string;
}

/** Looks at one thing; several checks when it has several parts. */
export type Examination = () => Promise<readonly Check[]>;

/** Runs all examinations at once. One that fails to run is a finding of its own, not the end of the others. */
export async function examine(
  examinations: Readonly<Record<string, Examination>>,
): Promise<readonly Check[]> {
  const results = await Promise.all(
    Object.entries(examinations).map(async ([name, run]): Promise<readonly Check[]> => {
      try {
        return await run();
      } catch (error) {
        return [{ name, state: "fail", message: `could not be checked: ${(error as Error).message}` }];
      }
    }),
  );
  return results.flat();
}
