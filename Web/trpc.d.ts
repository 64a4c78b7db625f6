export interface UsageLimiterOptions {
  /** Where the Meterstone server is. */
  base: string;
  /** A key that may ask about anybody. */
  key?: string;
  /** tRPC's own, from `@trpc/server`. */
  TRPCError: new (options: {
    code: 'TOO_MANY_REQUESTS' | 'FORBIDDEN' | 'UNAUTHORIZED' | 'INTERNAL_SERVER_ERROR';
    message?: string;
    cause?: unknown;
  }) => Error;
  fetch?: typeof globalThis.fetch;
}

/** What is in the `cause` of a refusal by a limit. */
export interface LimitReached {
  limitType: string;
  current: number;
  limit: number;
  resetAt: string | null;
}

export interface UsageLimiter {
  /**
   * Whether somebody may; throws a `TRPCError` when they may not, unless `throwOnExceed` is `false`. While no
   * server answers, what was last told of the action decides: with `failMode: open` it may go on.
   */
  checkActionAllowed(check: { userId: string; action: string; throwOnExceed?: boolean }): Promise<boolean>;

  /** For `t.middleware`. */
  middleware<Context>(
    action: string, user: (options: { ctx: Context }) => string | null | undefined | Promise<string | null | undefined>,
  ): <Result>(options: { ctx: Context; next: () => Promise<Result> }) => Promise<Result>;
}

export function createUsageLimiter(options: UsageLimiterOptions): UsageLimiter;
