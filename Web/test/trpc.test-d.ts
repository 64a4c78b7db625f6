// A middleware fits where tRPC takes one; what it asks of a middleware is declared here in short.
import { createUsageLimiter } from '../trpc';

interface Context { session: { user: { id: string } } | null }
type Result<Out> = { marker: 'result'; ok: true; data: unknown; out?: Out } | { marker: 'result'; ok: false; error: Error };
interface Next {
  (): Promise<Result<object>>;
  <Out>(options: { ctx: Out } | { input: unknown; ctx?: Out }): Promise<Result<Out>>;
  <Out extends object>(ctx: Out): Promise<Result<Out>>;
}
interface Middleware<Out> {
  (options: { ctx: Context; type: string; path: string; input: unknown; meta: object | undefined; next: Next }): Promise<Result<Out>>;
}

declare class TRPCError extends Error {
  constructor(options: { code: 'TOO_MANY_REQUESTS' | 'FORBIDDEN' | 'UNAUTHORIZED' | 'INTERNAL_SERVER_ERROR' | 'NOT_FOUND'; message?: string; cause?: unknown });
}
declare function middleware<Out>(gate: Middleware<Out>): Out;

const limiter = createUsageLimiter({ base: 'https://meterstone.example.com', key: 'mk', TRPCError });
export const gate: object = middleware(limiter.middleware('export_video', ({ ctx }: { ctx: Context }) => ctx.session?.user.id));
export const allowed: Promise<boolean> = limiter.checkActionAllowed({ userId: 'u1', action: 'export_video' });
