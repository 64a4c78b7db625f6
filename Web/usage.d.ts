import type { Client, SubjectLimits } from './client.js';

export interface Strings {
  heading: string;
  resets(time: string): string;
  unlimited: string;
  of(used: string, allowance: string): string;
  loading: string;
  failed: string;
  empty: string;
}

export const strings: Strings;

/** `<meterstone-usage>`. Tells `meterstone-limits` and `meterstone-error` with what came in `detail`. */
export class MeterstoneUsage extends HTMLElement {
  client: Client | null;
  /** With it the element asks nobody. */
  data: SubjectLimits | null;
  get strings(): Strings;
  set strings(value: Partial<Strings>);
}

declare global {
  interface HTMLElementTagNameMap { 'meterstone-usage': MeterstoneUsage }
}
