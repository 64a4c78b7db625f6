import type { Client, ClientOptions, Credits, TrackedStatistics } from './client.js';

export interface HookOptions extends ClientOptions { client?: Client }

export interface UsageLimit {
  allowed: boolean;
  current: number;
  /** −1 is unlimited. */
  limit: number;
  resetAt?: Date;
}

export interface UsageLimits {
  limits: { prompts?: UsageLimit; exports?: UsageLimit; tier?: string } & Record<string, UsageLimit | string | undefined>;
  stats: Partial<TrackedStatistics>;
  isLoading: boolean;
  isFreeTier: boolean;
  canExport: boolean;
  canGenerate: boolean;
  error: Error | null;
}

export function useUsageLimits(options?: HookOptions): UsageLimits;
export function useUsage(meter: string, options?: HookOptions & { window?: string; from?: string; until?: string }): {
  points: { from: string; until: string; quantity: number }[];
  timeZone?: string;
  isLoading: boolean;
  error: Error | null;
};
export function useCredits(options?: HookOptions): {
  balance: number;
  grants: Credits['grants'];
  credits: Credits | null;
  isLoading: boolean;
  error: Error | null;
};
