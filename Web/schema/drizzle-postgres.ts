// Written by `meterstone sql --schema drizzle`.
import { bigint, boolean, date, integer, json, numeric, pgTable, pgView, primaryKey, text, timestamp } from 'drizzle-orm/pg-core';

export const mirrorState = pgTable('mirror_state', {
  id: bigint('id', { mode: 'number' }).primaryKey(),
  version: bigint('version', { mode: 'number' }),
  watermark: bigint('watermark', { mode: 'number' }),
  lastFact: text('last_fact'),
  defaultTimeZone: text('default_time_zone'),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
});

export const events = pgTable('events', {
  sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
  id: text('id'),
  source: text('source'),
  subject: text('subject'),
  subjectNumber: bigint('subject_number', { mode: 'number' }),
  teams: json('teams'),
  type: text('type'),
  subtype: text('subtype'),
  status: text('status'),
  occurredAt: timestamp('occurred_at', { withTimezone: true }),
  occurredMs: bigint('occurred_ms', { mode: 'number' }),
  recordedAt: timestamp('recorded_at', { withTimezone: true }),
  durationMs: bigint('duration_ms', { mode: 'number' }),
  errorMessage: text('error_message'),
  project: text('project'),
  scene: text('scene'),
  session: text('session'),
  costBillionths: bigint('cost_billionths', { mode: 'number' }),
  plan: text('plan'),
  credits: bigint('credits', { mode: 'number' }),
  quantities: json('quantities'),
  dimensions: json('dimensions'),
  properties: json('properties'),
  overages: json('overages'),
  reservation: text('reservation'),
  closedAt: timestamp('closed_at', { withTimezone: true }),
  counts: boolean('counts'),
  countsWhenAborted: boolean('counts_when_aborted'),
  voided: boolean('voided'),
  correctedAt: timestamp('corrected_at', { withTimezone: true }),
  correctedBy: text('corrected_by'),
  correctionReason: text('correction_reason'),
});

export const corrections = pgTable('corrections', {
  sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
  eventSequence: bigint('event_sequence', { mode: 'number' }),
  eventId: text('event_id'),
  subject: text('subject'),
  subjectNumber: bigint('subject_number', { mode: 'number' }),
  kind: text('kind'),
  author: text('author'),
  reason: text('reason'),
  recordedAt: timestamp('recorded_at', { withTimezone: true }),
  quantitiesBefore: json('quantities_before'),
  quantitiesAfter: json('quantities_after'),
});

export const usage = pgTable('usage', {
  sequence: bigint('sequence', { mode: 'number' }).notNull(),
  meter: text('meter').notNull(),
  level: bigint('level', { mode: 'number' }).notNull(),
  subject: text('subject'),
  subjectNumber: bigint('subject_number', { mode: 'number' }),
  day: date('day'),
  occurredAt: timestamp('occurred_at', { withTimezone: true }),
  occurredMs: bigint('occurred_ms', { mode: 'number' }),
  subtype: text('subtype'),
  quantity: bigint('quantity', { mode: 'number' }),
  value: text('value'),
}, (table) => [primaryKey({ columns: [table.sequence, table.meter, table.level] })]);

export const days = pgTable('days', {
  zone: text('zone').notNull(),
  day: date('day').notNull(),
  startsAt: timestamp('starts_at', { withTimezone: true }),
  endsAt: timestamp('ends_at', { withTimezone: true }),
}, (table) => [primaryKey({ columns: [table.zone, table.day] })]);

export const subjects = pgTable('subjects', {
  number: bigint('number', { mode: 'number' }).primaryKey(),
  id: text('id'),
  name: text('name'),
  parent: text('parent'),
  timeZone: text('time_zone'),
  calendar: text('calendar'),
  plan: text('plan'),
  blocked: boolean('blocked'),
  metadata: json('metadata'),
  email: text('email'),
  image: text('image'),
  externalIds: json('external_ids'),
  active: boolean('active'),
  lastLoginAt: timestamp('last_login_at', { withTimezone: true }),
  preferences: json('preferences'),
  variables: json('variables'),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
});

export const subscriptions = pgTable('subscriptions', {
  subjectNumber: bigint('subject_number', { mode: 'number' }).notNull(),
  place: bigint('place', { mode: 'number' }).notNull(),
  subject: text('subject'),
  plan: text('plan'),
  status: text('status'),
  startsAt: timestamp('starts_at', { withTimezone: true }),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  givesPlanUntil: timestamp('gives_plan_until', { withTimezone: true }),
  givesPlan: boolean('gives_plan'),
  isScheduled: boolean('is_scheduled'),
  externalIds: json('external_ids'),
  metadata: json('metadata'),
}, (table) => [primaryKey({ columns: [table.subjectNumber, table.place] })]);

export const subjectOverrides = pgTable('subject_overrides', {
  subjectNumber: bigint('subject_number', { mode: 'number' }).notNull(),
  limitKey: text('limit_key').notNull(),
  subject: text('subject'),
  allowance: bigint('allowance', { mode: 'number' }),
}, (table) => [primaryKey({ columns: [table.subjectNumber, table.limitKey] })]);

export const meters = pgTable('meters', {
  key: text('key').primaryKey(),
  aggregation: text('aggregation'),
  unit: text('unit'),
  description: text('description'),
  definition: json('definition'),
});

export const usageTypes = pgTable('usage_types', {
  usageType: text('usage_type').primaryKey(),
  meter: text('meter'),
});

export const plans = pgTable('plans', {
  key: text('key').primaryKey(),
  name: text('name'),
  rank: bigint('rank', { mode: 'number' }),
  isDefault: boolean('is_default'),
  priceMillionths: bigint('price_millionths', { mode: 'number' }),
  billingPeriod: text('billing_period'),
  description: text('description'),
  features: json('features'),
  definition: json('definition'),
});

export const limits = pgTable('limits', {
  key: text('key').primaryKey(),
  meter: text('meter'),
  period: text('period'),
  mode: text('mode'),
  active: boolean('active'),
  defaultAllowance: bigint('default_allowance', { mode: 'number' }),
  description: text('description'),
  definition: json('definition'),
});

export const limitAllowances = pgTable('limit_allowances', {
  limitKey: text('limit_key').notNull(),
  plan: text('plan').notNull(),
  allowance: bigint('allowance', { mode: 'number' }),
}, (table) => [primaryKey({ columns: [table.limitKey, table.plan] })]);

export const limitSubjects = pgTable('limit_subjects', {
  limitKey: text('limit_key').notNull(),
  pattern: text('pattern').notNull(),
  taken: boolean('taken'),
  matching: text('matching'),
}, (table) => [primaryKey({ columns: [table.limitKey, table.pattern] })]);

export const ledger = pgTable('ledger', {
  sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
  subject: text('subject'),
  subjectNumber: bigint('subject_number', { mode: 'number' }),
  kind: text('kind'),
  amount: bigint('amount', { mode: 'number' }),
  balanceAfter: bigint('balance_after', { mode: 'number' }),
  spent: bigint('spent', { mode: 'number' }),
  earned: bigint('earned', { mode: 'number' }),
  source: text('source'),
  recurrence: text('recurrence'),
  reference: text('reference'),
  note: text('note'),
  author: text('author'),
  occurredAt: timestamp('occurred_at', { withTimezone: true }),
  recordedAt: timestamp('recorded_at', { withTimezone: true }),
});

export const changes = pgTable('changes', {
  sequence: bigint('sequence', { mode: 'number' }).primaryKey(),
  recordedAt: timestamp('recorded_at', { withTimezone: true }),
  author: text('author'),
  kind: text('kind'),
  key: text('key'),
  before: json('before'),
  after: json('after'),
});

export const UsageLimits = pgView('UsageLimits', {
  id: text('id').notNull(),
  maxChats: bigint('maxChats', { mode: 'number' }),
  maxListsGenerated: bigint('maxListsGenerated', { mode: 'number' }),
  maxListsSaved: bigint('maxListsSaved', { mode: 'number' }),
  maxExports: bigint('maxExports', { mode: 'number' }),
  isActive: boolean('isActive'),
  createdAt: timestamp('createdAt', { withTimezone: true }),
  updatedAt: timestamp('updatedAt', { withTimezone: true }),
}).existing();

export const UsageTracking = pgView('UsageTracking', {
  id: text('id').notNull(),
  shop: text('shop'),
  totalChatsCreated: bigint('totalChatsCreated', { mode: 'number' }),
  totalListsGenerated: bigint('totalListsGenerated', { mode: 'number' }),
  totalListsSaved: bigint('totalListsSaved', { mode: 'number' }),
  totalExports: bigint('totalExports', { mode: 'number' }),
  isBlocked: boolean('isBlocked'),
  createdAt: timestamp('createdAt', { withTimezone: true }),
  updatedAt: timestamp('updatedAt', { withTimezone: true }),
}).existing();

export const chatRequests = pgView('chat_requests', {
  id: text('id').notNull(),
  userId: text('user_id'),
  sessionId: text('session_id'),
  prompt: text('prompt'),
  response: text('response'),
  model: text('model'),
  tokensUsed: bigint('tokens_used', { mode: 'number' }),
  cost: bigint('cost', { mode: 'number' }),
  duration: bigint('duration', { mode: 'number' }),
  status: text('status'),
  errorMessage: text('error_message'),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  startedAt: timestamp('started_at', { withTimezone: true }),
  completedAt: timestamp('completed_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }),
}).existing();

export const creditTransactions = pgView('credit_transactions', {
  id: bigint('id', { mode: 'number' }).notNull(),
  userId: text('user_id'),
  amount: bigint('amount', { mode: 'number' }),
  balanceAfter: bigint('balance_after', { mode: 'number' }),
  transactionType: text('transaction_type'),
  description: text('description'),
  referenceId: text('reference_id'),
  metadata: text('metadata'),
  createdAt: timestamp('created_at', { withTimezone: true }),
}).existing();

export const dailyTokenUsage = pgView('daily_token_usage', {
  id: text('id').notNull(),
  userId: text('userId'),
  date: text('date'),
  tokensUsed: bigint('tokensUsed', { mode: 'number' }),
  tokenLimit: bigint('tokenLimit', { mode: 'number' }),
  userType: text('userType'),
  lastUpdated: timestamp('lastUpdated', { withTimezone: true }),
  resetAt: timestamp('resetAt', { withTimezone: true }),
}).existing();

export const requestAnalytics = pgView('request_analytics', {
  id: text('id').notNull(),
  userId: text('user_id'),
  requestId: text('request_id'),
  requestType: text('request_type'),
  category: text('category'),
  complexity: text('complexity'),
  responseTime: bigint('response_time', { mode: 'number' }),
  tokensInput: bigint('tokens_input', { mode: 'number' }),
  tokensOutput: bigint('tokens_output', { mode: 'number' }),
  userRating: bigint('user_rating', { mode: 'number' }),
  wasSuccessful: boolean('was_successful'),
  createdAt: timestamp('created_at', { withTimezone: true }),
}).existing();

export const requests = pgView('requests', {
  sequence: bigint('sequence', { mode: 'number' }),
  id: text('id').notNull(),
  subject: text('subject'),
  session: text('session'),
  model: text('model'),
  status: text('status'),
  startedAt: timestamp('started_at', { withTimezone: true }),
  endedAt: timestamp('ended_at', { withTimezone: true }),
  durationMs: bigint('duration_ms', { mode: 'number' }),
  errorMessage: text('error_message'),
  costBillionths: bigint('cost_billionths', { mode: 'number' }),
  voided: boolean('voided'),
  prompt: text('prompt'),
  response: text('response'),
  tokensInput: bigint('tokens_input', { mode: 'number' }),
  tokensOutput: bigint('tokens_output', { mode: 'number' }),
  tokensUsed: bigint('tokens_used', { mode: 'number' }),
  userRating: bigint('user_rating', { mode: 'number' }),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  requestType: text('request_type'),
  category: text('category'),
  complexity: text('complexity'),
  cost: bigint('cost', { mode: 'number' }),
}).existing();

export const subjectLimits = pgView('subject_limits', {
  subject: text('subject').notNull(),
  limitKey: text('limit_key').notNull(),
  meter: text('meter'),
  period: text('period'),
  mode: text('mode'),
  plan: text('plan'),
  allowance: bigint('allowance', { mode: 'number' }),
}).existing();

export const subjectPlans = pgView('subject_plans', {
  number: bigint('number', { mode: 'number' }),
  subject: text('subject').notNull(),
  plan: text('plan'),
}).existing();

export const tokenUsageHistory = pgView('token_usage_history', {
  id: text('id').notNull(),
  userId: text('userId'),
  year: integer('year'),
  month: integer('month'),
  dailyUsage: json('dailyUsage'),
  totalMonthlyTokens: bigint('totalMonthlyTokens', { mode: 'number' }),
  averageDailyUsage: numeric('averageDailyUsage'),
  peakUsageDate: text('peakUsageDate'),
  peakUsageTokens: bigint('peakUsageTokens', { mode: 'number' }),
  userType: text('userType'),
  createdAt: timestamp('createdAt', { withTimezone: true }),
  updatedAt: timestamp('updatedAt', { withTimezone: true }),
}).existing();

export const usageByDay = pgView('usage_by_day', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  day: date('day').notNull(),
  quantity: bigint('quantity', { mode: 'number' }),
  events: bigint('events', { mode: 'number' }),
  firstUsedAt: timestamp('first_used_at', { withTimezone: true }),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
}).existing();

export const usageByMonth = pgView('usage_by_month', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  month: text('month').notNull(),
  quantity: bigint('quantity', { mode: 'number' }),
  events: bigint('events', { mode: 'number' }),
  firstUsedAt: timestamp('first_used_at', { withTimezone: true }),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
}).existing();

export const usageEvents = pgView('usage_events', {
  id: bigint('id', { mode: 'number' }).notNull(),
  userId: text('user_id'),
  eventType: text('event_type'),
  eventSubtype: text('event_subtype'),
  projectId: text('project_id'),
  sceneId: text('scene_id'),
  tokensUsed: bigint('tokens_used', { mode: 'number' }),
  creditsUsed: bigint('credits_used', { mode: 'number' }),
  durationMs: bigint('duration_ms', { mode: 'number' }),
  status: text('status'),
  errorMessage: text('error_message'),
  metadata: json('metadata'),
  createdAt: timestamp('created_at', { withTimezone: true }),
}).existing();

export const usageLifetime = pgView('usage_lifetime', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  quantity: bigint('quantity', { mode: 'number' }),
  events: bigint('events', { mode: 'number' }),
  firstUsedAt: timestamp('first_used_at', { withTimezone: true }),
  lastUsedAt: timestamp('last_used_at', { withTimezone: true }),
}).existing();

export const usageLimitsConfig = pgView('usage_limits_config', {
  id: bigint('id', { mode: 'number' }).notNull(),
  limitType: text('limit_type'),
  freeTierLimit: bigint('free_tier_limit', { mode: 'number' }),
  proTierLimit: bigint('pro_tier_limit', { mode: 'number' }),
  teamTierLimit: bigint('team_tier_limit', { mode: 'number' }),
  description: text('description'),
  isActive: boolean('is_active'),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userUsageByMonth = pgView('userUsage', {
  userId: text('user_id').notNull(),
  month: text('month').notNull(),
  conversations: bigint('conversations', { mode: 'number' }),
  seconds: bigint('seconds', { mode: 'number' }),
  realtimeSessions: bigint('realtime_sessions', { mode: 'number' }),
  ankiExportsUsed: bigint('anki_exports_used', { mode: 'number' }),
  customPhrasesCreated: bigint('custom_phrases_created', { mode: 'number' }),
  advancedVoiceSeconds: bigint('advanced_voice_seconds', { mode: 'number' }),
  sessionExtensionsUsed: bigint('session_extensions_used', { mode: 'number' }),
  completedSessions: bigint('completed_sessions', { mode: 'number' }),
  averageSessionLength: bigint('average_session_length', { mode: 'number' }),
  longestSession: bigint('longest_session', { mode: 'number' }),
  overageSeconds: bigint('overage_seconds', { mode: 'number' }),
  tierWhenUsed: text('tier_when_used'),
  lastConversationAt: timestamp('last_conversation_at', { withTimezone: true }),
  lastRealtimeAt: timestamp('last_realtime_at', { withTimezone: true }),
}).existing();

export const userCredits = pgView('user_credits', {
  id: bigint('id', { mode: 'number' }).notNull(),
  userId: text('user_id'),
  balance: bigint('balance', { mode: 'number' }),
  lifetimeEarned: bigint('lifetime_earned', { mode: 'number' }),
  lifetimeSpent: bigint('lifetime_spent', { mode: 'number' }),
  lastRefillAt: timestamp('last_refill_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userDashboardData = pgView('user_dashboard_data', {
  id: text('id').notNull(),
  userId: text('user_id'),
  totalRequests: bigint('total_requests', { mode: 'number' }),
  totalTokensUsed: bigint('total_tokens_used', { mode: 'number' }),
  totalCost: bigint('total_cost', { mode: 'number' }),
  averageResponseTime: bigint('average_response_time', { mode: 'number' }),
  requestsByCategory: json('requests_by_category'),
  requestsThisMonth: bigint('requests_this_month', { mode: 'number' }),
  requestsToday: bigint('requests_today', { mode: 'number' }),
  lastCalculatedAt: timestamp('last_calculated_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userLifetimeStats = pgView('user_lifetime_stats', {
  userId: text('user_id').notNull(),
  totalConversations: bigint('total_conversations', { mode: 'number' }),
  totalSeconds: bigint('total_seconds', { mode: 'number' }),
  totalRealtimeSessions: bigint('total_realtime_sessions', { mode: 'number' }),
  totalAnkiExports: bigint('total_anki_exports', { mode: 'number' }),
  totalCustomPhrases: bigint('total_custom_phrases', { mode: 'number' }),
  totalAdvancedVoiceSeconds: bigint('total_advanced_voice_seconds', { mode: 'number' }),
  totalSessionExtensions: bigint('total_session_extensions', { mode: 'number' }),
  daysActive: numeric('days_active'),
  longestStreak: bigint('longest_streak', { mode: 'number' }),
  currentStreak: bigint('current_streak', { mode: 'number' }),
  averageSessionsPerMonth: bigint('average_sessions_per_month', { mode: 'number' }),
  firstConversationAt: timestamp('first_conversation_at', { withTimezone: true }),
  lastActiveAt: timestamp('last_active_at', { withTimezone: true }),
  monthsSubscribed: integer('months_subscribed'),
  totalRevenue: numeric('total_revenue'),
  highestTierReached: text('highest_tier_reached'),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userPlans = pgView('user_plans', {
  id: text('id').notNull(),
  userId: text('user_id'),
  planName: text('plan_name'),
  monthlyRequests: bigint('monthly_requests', { mode: 'number' }),
  dailyRequests: bigint('daily_requests', { mode: 'number' }),
  maxTokensPerRequest: bigint('max_tokens_per_request', { mode: 'number' }),
  features: json('features'),
  isActive: boolean('is_active'),
  pricePerMonth: bigint('price_per_month', { mode: 'number' }),
  billingCycle: text('billing_cycle'),
  startsAt: timestamp('starts_at', { withTimezone: true }),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userSubscriptions = pgView('user_subscriptions', {
  id: bigint('id', { mode: 'number' }).notNull(),
  userId: text('user_id'),
  tier: text('tier'),
  stripeCustomerId: text('stripe_customer_id'),
  stripeSubscriptionId: text('stripe_subscription_id'),
  status: text('status'),
  startedAt: timestamp('started_at', { withTimezone: true }),
  expiresAt: timestamp('expires_at', { withTimezone: true }),
  metadata: json('metadata'),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const userUsage = pgView('user_usage', {
  id: bigint('id', { mode: 'number' }).notNull(),
  userId: text('user_id'),
  usageType: text('usage_type').notNull(),
  usageDate: date('usage_date'),
  count: bigint('count', { mode: 'number' }),
  metadata: json('metadata'),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();

export const users = pgView('users', {
  id: text('id').notNull(),
  email: text('email'),
  name: text('name'),
  image: text('image'),
  githubId: text('github_id'),
  plan: text('plan'),
  planExpiresAt: timestamp('plan_expires_at', { withTimezone: true }),
  requestsUsed: bigint('requests_used', { mode: 'number' }),
  requestsLimit: bigint('requests_limit', { mode: 'number' }),
  isActive: boolean('is_active'),
  lastLoginAt: timestamp('last_login_at', { withTimezone: true }),
  createdAt: timestamp('created_at', { withTimezone: true }),
  updatedAt: timestamp('updated_at', { withTimezone: true }),
}).existing();
