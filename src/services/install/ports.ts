/** What rendering install documents needs from the outside. */

/** Named texts shipped with the program (`preseed/…`, `boot-templates/…`). Names are paths below the package. */
export interface Templates {
  /** The template filled in. @throws RenderError naming template and line, also for a value that is missing. */
  render(name: string, context: Readonly<Record<string, unknown>>): string;
  /** The text as it is shipped. @throws RenderError when there is none of this name. */
  source(name: string): string;
}

/** Secrets by which an installed machine proves at first boot that it is the one this appliance installed. */
export interface EnrolmentSecrets {
  /** Always the same for one machine and generation, and printable. */
  secretFor(machine: string, generation: number): Promise<string>;
}
