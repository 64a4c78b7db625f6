/** One limit of a subject. `allowance` and `remaining` are −1 when there is no bound. */
export interface LimitStatus {
  limit: string;
  meter: string;
  window: string;
  allowance: number;
  used: number;
  remaining: number;
  resetsAt: string | null;
  mode: 'enforce' | 'soft' | 'shadow' | 'off';
  /** What to do while no server answers; absent: closed. */
  failMode?: 'open';
  /** The team above that it is a limit of. */
  subject?: string;
  overage?: number;
  base?: number;
  additions?: { id: string; add?: number; set?: number; atLeast?: number; until?: string }[];
}

export interface SubjectLimits {
  subject: string;
  limits: LimitStatus[];
  overLimit: string[];
  blockedBy: string[];
}

export interface Credits {
  balance: number;
  held: number;
  debt: number;
  shortfall: number;
  lifetimeEarned: number;
  lifetimeSpent: number;
  expired: number;
  voided: number;
  grants: { id: string; amount: number; remaining: number; held: number; expiresAt?: string; source: string }[];
}

export interface UsageSeries {
  subject: string;
  meter: string;
  window: string;
  timeZone: string;
  points: { from: string; until: string; quantity: number }[];
}

/** By day and by type, as an application's own log calls them. */
export interface TrackedStatistics {
  daily: Record<string, Record<string, number>>;
  totals: Record<string, number>;
  recentEvents: Record<string, unknown>[];
}

export interface Statistics {
  subject: string;
  timeZone: string;
  days: number;
  daily: Record<string, Record<string, number>>;
  totals: Record<string, number>;
  recentEvents: Record<string, unknown>[];
}

export interface ClientOptions {
  /** Where the server is; empty: where the page is. */
  base?: string;
  /** A subject's token, or how to get one that is still good. Without it the browser's cookie speaks. */
  token?: string | (() => string | Promise<string>);
  /** With a key: whom to ask about. Without it: the token's own subject. */
  subject?: string;
  fetch?: typeof globalThis.fetch;
  retryMilliseconds?: number;
}

export interface Asking { signal?: AbortSignal }

export interface Client {
  subject(options?: Asking): Promise<Record<string, unknown>>;
  limits(options?: Asking): Promise<SubjectLimits>;
  lifetime(options?: Asking): Promise<Record<string, unknown> & { plan?: string }>;
  pace(options?: Asking): Promise<Record<string, unknown>>;
  credits(options?: Asking): Promise<Credits>;
  statistics(options?: Asking & { days?: number }): Promise<Statistics>;
  tracked(what: 'limits' | 'stats', values: { userId: string; days?: number }, options?: Asking): Promise<Record<string, unknown>>;
  events(options?: Asking & { count?: number; cursor?: string }): Promise<{ events: Record<string, unknown>[]; nextCursor: string | null }>;
  usage(meter: string, options?: Asking & { window?: string; from?: string; until?: string }): Promise<UsageSeries>;
  live(told: (limits: SubjectLimits) => void, options?: Asking & { failed?: (error: Error) => void }): Promise<void>;
}

export class MeterstoneError extends Error {
  status: number;
  code: string;
  problem: Record<string, unknown> | null;
}

export function createClient(options?: ClientOptions): Client;
export function timeUntil(instant: string | number | Date, now?: number): string;
