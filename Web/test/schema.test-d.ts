// The rows that the video studio's document reads, by their types.
import * as postgres from '../schema/drizzle-postgres';
import * as sqlite from '../schema/drizzle-sqlite';

type Row<T extends { $inferSelect: unknown }> = T['$inferSelect'];

declare const limit: Row<typeof postgres.usageLimitsConfig>;
export const free: number | null = limit.freeTierLimit;
export const isActive: boolean | null = limit.isActive;

declare const usage: Row<typeof postgres.userUsage>;
export const day: string | null = usage.usageDate;
export const since: Date | null = usage.createdAt;

declare const event: Row<typeof postgres.usageEvents>;
export const id: number = event.id;

declare const credits: Row<typeof sqlite.userCredits>;
export const refilled: string | null = credits.lastRefillAt;

declare const subscription: Row<typeof sqlite.userSubscriptions>;
export const tier: string | null = subscription.tier;

declare const spent: Row<typeof sqlite.creditTransactions>;
export const amount: number | null = spent.amount;
