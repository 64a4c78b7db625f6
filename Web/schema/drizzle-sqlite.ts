// Written by `meterstone sql --schema drizzle-sqlite`.
import { integer, numeric, sqliteTable, sqliteView, primaryKey, text } from 'drizzle-orm/sqlite-core';

export const mirrorState = sqliteTable('mirror_state', {
  id: integer('id').primaryKey(),
  version: integer('version'),
  watermark: integer('watermark'),
  lastFact: text('last_fact'),
  defaultTimeZone: text('default_time_zone'),
  updatedAt: text('updated_at'),
});

export const events = sqliteTable('events', {
  sequence: integer('sequence').primaryKey(),
  id: text('id'),
  source: text('source'),
  subject: text('subject'),
  subjectNumber: integer('subject_number'),
  teams: text('teams', { mode: 'json' }),
  type: text('type'),
  subtype: text('subtype'),
  status: text('status'),
  occurredAt: text('occurred_at'),
  occurredMs: integer('occurred_ms'),
  recordedAt: text('recorded_at'),
  durationMs: integer('duration_ms'),
  errorMessage: text('error_message'),
  project: text('project'),
  scene: text('scene'),
  session: text('session'),
  costBillionths: integer('cost_billionths'),
  plan: text('plan'),
  credits: integer('credits'),
  quantities: text('quantities', { mode: 'json' }),
  dimensions: text('dimensions', { mode: 'json' }),
  properties: text('properties', { mode: 'json' }),
  overages: text('overages', { mode: 'json' }),
  reservation: text('reservation'),
  closedAt: text('closed_at'),
  counts: integer('counts', { mode: 'boolean' }),
  countsWhenAborted: integer('counts_when_aborted', { mode: 'boolean' }),
  voided: integer('voided', { mode: 'boolean' }),
  correctedAt: text('corrected_at'),
  correctedBy: text('corrected_by'),
  correctionReason: text('correction_reason'),
});

export const corrections = sqliteTable('corrections', {
  sequence: integer('sequence').primaryKey(),
  eventSequence: integer('event_sequence'),
  eventId: text('event_id'),
  subject: text('subject'),
  subjectNumber: integer('subject_number'),
  kind: text('kind'),
  author: text('author'),
  reason: text('reason'),
  recordedAt: text('recorded_at'),
  quantitiesBefore: text('quantities_before', { mode: 'json' }),
  quantitiesAfter: text('quantities_after', { mode: 'json' }),
});

export const usage = sqliteTable('usage', {
  sequence: integer('sequence').notNull(),
  meter: text('meter').notNull(),
  level: integer('level').notNull(),
  subject: text('subject'),
  subjectNumber: integer('subject_number'),
  day: text('day'),
  occurredAt: text('occurred_at'),
  occurredMs: integer('occurred_ms'),
  subtype: text('subtype'),
  quantity: integer('quantity'),
  value: text('value'),
}, (table) => [primaryKey({ columns: [table.sequence, table.meter, table.level] })]);

export const days = sqliteTable('days', {
  zone: text('zone').notNull(),
  day: text('day').notNull(),
  startsAt: text('starts_at'),
  endsAt: text('ends_at'),
}, (table) => [primaryKey({ columns: [table.zone, table.day] })]);

export const subjects = sqliteTable('subjects', {
  number: integer('number').primaryKey(),
  id: text('id'),
  name: text('name'),
  parent: text('parent'),
  timeZone: text('time_zone'),
  calendar: text('calendar'),
  plan: text('plan'),
  blocked: integer('blocked', { mode: 'boolean' }),
  metadata: text('metadata', { mode: 'json' }),
  email: text('email'),
  image: text('image'),
  externalIds: text('external_ids', { mode: 'json' }),
  active: integer('active', { mode: 'boolean' }),
  lastLoginAt: text('last_login_at'),
  preferences: text('preferences', { mode: 'json' }),
  variables: text('variables', { mode: 'json' }),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
});

export const subscriptions = sqliteTable('subscriptions', {
  subjectNumber: integer('subject_number').notNull(),
  place: integer('place').notNull(),
  subject: text('subject'),
  plan: text('plan'),
  status: text('status'),
  startsAt: text('starts_at'),
  expiresAt: text('expires_at'),
  givesPlanUntil: text('gives_plan_until'),
  givesPlan: integer('gives_plan', { mode: 'boolean' }),
  isScheduled: integer('is_scheduled', { mode: 'boolean' }),
  externalIds: text('external_ids', { mode: 'json' }),
  metadata: text('metadata', { mode: 'json' }),
}, (table) => [primaryKey({ columns: [table.subjectNumber, table.place] })]);

export const subjectOverrides = sqliteTable('subject_overrides', {
  subjectNumber: integer('subject_number').notNull(),
  limitKey: text('limit_key').notNull(),
  subject: text('subject'),
  allowance: integer('allowance'),
}, (table) => [primaryKey({ columns: [table.subjectNumber, table.limitKey] })]);

export const meters = sqliteTable('meters', {
  key: text('key').primaryKey(),
  aggregation: text('aggregation'),
  unit: text('unit'),
  description: text('description'),
  definition: text('definition', { mode: 'json' }),
});

export const usageTypes = sqliteTable('usage_types', {
  usageType: text('usage_type').primaryKey(),
  meter: text('meter'),
});

export const plans = sqliteTable('plans', {
  key: text('key').primaryKey(),
  name: text('name'),
  rank: integer('rank'),
  isDefault: integer('is_default', { mode: 'boolean' }),
  priceMillionths: integer('price_millionths'),
  billingPeriod: text('billing_period'),
  description: text('description'),
  features: text('features', { mode: 'json' }),
  definition: text('definition', { mode: 'json' }),
});

export const limits = sqliteTable('limits', {
  key: text('key').primaryKey(),
  meter: text('meter'),
  period: text('period'),
  mode: text('mode'),
  active: integer('active', { mode: 'boolean' }),
  defaultAllowance: integer('default_allowance'),
  description: text('description'),
  definition: text('definition', { mode: 'json' }),
});

export const limitAllowances = sqliteTable('limit_allowances', {
  limitKey: text('limit_key').notNull(),
  plan: text('plan').notNull(),
  allowance: integer('allowance'),
}, (table) => [primaryKey({ columns: [table.limitKey, table.plan] })]);

export const limitSubjects = sqliteTable('limit_subjects', {
  limitKey: text('limit_key').notNull(),
  pattern: text('pattern').notNull(),
  taken: integer('taken', { mode: 'boolean' }),
  matching: text('matching'),
}, (table) => [primaryKey({ columns: [table.limitKey, table.pattern] })]);

export const ledger = sqliteTable('ledger', {
  sequence: integer('sequence').primaryKey(),
  subject: text('subject'),
  subjectNumber: integer('subject_number'),
  kind: text('kind'),
  amount: integer('amount'),
  balanceAfter: integer('balance_after'),
  spent: integer('spent'),
  earned: integer('earned'),
  source: text('source'),
  recurrence: text('recurrence'),
  reference: text('reference'),
  note: text('note'),
  author: text('author'),
  occurredAt: text('occurred_at'),
  recordedAt: text('recorded_at'),
});

export const changes = sqliteTable('changes', {
  sequence: integer('sequence').primaryKey(),
  recordedAt: text('recorded_at'),
  author: text('author'),
  kind: text('kind'),
  key: text('key'),
  before: text('before', { mode: 'json' }),
  after: text('after', { mode: 'json' }),
});

export const UsageLimits = sqliteView('UsageLimits', {
  id: text('id').notNull(),
  maxChats: integer('maxChats'),
  maxListsGenerated: integer('maxListsGenerated'),
  maxListsSaved: integer('maxListsSaved'),
  maxExports: integer('maxExports'),
  isActive: integer('isActive', { mode: 'boolean' }),
  createdAt: text('createdAt'),
  updatedAt: text('updatedAt'),
}).existing();

export const UsageTracking = sqliteView('UsageTracking', {
  id: text('id').notNull(),
  shop: text('shop'),
  totalChatsCreated: integer('totalChatsCreated'),
  totalListsGenerated: integer('totalListsGenerated'),
  totalListsSaved: integer('totalListsSaved'),
  totalExports: integer('totalExports'),
  isBlocked: integer('isBlocked', { mode: 'boolean' }),
  createdAt: text('createdAt'),
  updatedAt: text('updatedAt'),
}).existing();

export const chatRequests = sqliteView('chat_requests', {
  id: text('id').notNull(),
  userId: text('user_id'),
  sessionId: text('session_id'),
  prompt: text('prompt'),
  response: text('response'),
  model: text('model'),
  tokensUsed: integer('tokens_used'),
  cost: integer('cost'),
  duration: integer('duration'),
  status: text('status'),
  errorMessage: text('error_message'),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  startedAt: text('started_at'),
  completedAt: text('completed_at'),
  createdAt: text('created_at'),
}).existing();

export const creditTransactions = sqliteView('credit_transactions', {
  id: integer('id').notNull(),
  userId: text('user_id'),
  amount: integer('amount'),
  balanceAfter: integer('balance_after'),
  transactionType: text('transaction_type'),
  description: text('description'),
  referenceId: text('reference_id'),
  metadata: text('metadata'),
  createdAt: text('created_at'),
}).existing();

export const dailyTokenUsage = sqliteView('daily_token_usage', {
  id: text('id').notNull(),
  userId: text('userId'),
  date: text('date'),
  tokensUsed: integer('tokensUsed'),
  tokenLimit: integer('tokenLimit'),
  userType: text('userType'),
  lastUpdated: text('lastUpdated'),
  resetAt: text('resetAt'),
}).existing();

export const requestAnalytics = sqliteView('request_analytics', {
  id: text('id').notNull(),
  userId: text('user_id'),
  requestId: text('request_id'),
  requestType: text('request_type'),
  category: text('category'),
  complexity: text('complexity'),
  responseTime: integer('response_time'),
  tokensInput: integer('tokens_input'),
  tokensOutput: integer('tokens_output'),
  userRating: integer('user_rating'),
  wasSuccessful: integer('was_successful', { mode: 'boolean' }),
  createdAt: text('created_at'),
}).existing();

export const requests = sqliteView('requests', {
  sequence: integer('sequence'),
  id: text('id').notNull(),
  subject: text('subject'),
  session: text('session'),
  model: text('model'),
  status: text('status'),
  startedAt: text('started_at'),
  endedAt: text('ended_at'),
  durationMs: integer('duration_ms'),
  errorMessage: text('error_message'),
  costBillionths: integer('cost_billionths'),
  voided: integer('voided', { mode: 'boolean' }),
  prompt: text('prompt'),
  response: text('response'),
  tokensInput: integer('tokens_input'),
  tokensOutput: integer('tokens_output'),
  tokensUsed: integer('tokens_used'),
  userRating: integer('user_rating'),
  ipAddress: text('ip_address'),
  userAgent: text('user_agent'),
  requestType: text('request_type'),
  category: text('category'),
  complexity: text('complexity'),
  cost: integer('cost'),
}).existing();

export const subjectLimits = sqliteView('subject_limits', {
  subject: text('subject').notNull(),
  limitKey: text('limit_key').notNull(),
  meter: text('meter'),
  period: text('period'),
  mode: text('mode'),
  plan: text('plan'),
  allowance: integer('allowance'),
}).existing();

export const subjectPlans = sqliteView('subject_plans', {
  number: integer('number'),
  subject: text('subject').notNull(),
  plan: text('plan'),
}).existing();

export const tokenUsageHistory = sqliteView('token_usage_history', {
  id: text('id').notNull(),
  userId: text('userId'),
  year: integer('year'),
  month: integer('month'),
  dailyUsage: text('dailyUsage', { mode: 'json' }),
  totalMonthlyTokens: integer('totalMonthlyTokens'),
  averageDailyUsage: numeric('averageDailyUsage'),
  peakUsageDate: text('peakUsageDate'),
  peakUsageTokens: integer('peakUsageTokens'),
  userType: text('userType'),
  createdAt: text('createdAt'),
  updatedAt: text('updatedAt'),
}).existing();

export const usageByDay = sqliteView('usage_by_day', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  day: text('day').notNull(),
  quantity: integer('quantity'),
  events: integer('events'),
  firstUsedAt: text('first_used_at'),
  lastUsedAt: text('last_used_at'),
}).existing();

export const usageByMonth = sqliteView('usage_by_month', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  month: text('month').notNull(),
  quantity: integer('quantity'),
  events: integer('events'),
  firstUsedAt: text('first_used_at'),
  lastUsedAt: text('last_used_at'),
}).existing();

export const usageEvents = sqliteView('usage_events', {
  id: integer('id').notNull(),
  userId: text('user_id'),
  eventType: text('event_type'),
  eventSubtype: text('event_subtype'),
  projectId: text('project_id'),
  sceneId: text('scene_id'),
  tokensUsed: integer('tokens_used'),
  creditsUsed: integer('credits_used'),
  durationMs: integer('duration_ms'),
  status: text('status'),
  errorMessage: text('error_message'),
  metadata: text('metadata', { mode: 'json' }),
  createdAt: text('created_at'),
}).existing();

export const usageLifetime = sqliteView('usage_lifetime', {
  subject: text('subject').notNull(),
  meter: text('meter').notNull(),
  quantity: integer('quantity'),
  events: integer('events'),
  firstUsedAt: text('first_used_at'),
  lastUsedAt: text('last_used_at'),
}).existing();

export const usageLimitsConfig = sqliteView('usage_limits_config', {
  id: integer('id').notNull(),
  limitType: text('limit_type'),
  freeTierLimit: integer('free_tier_limit'),
  proTierLimit: integer('pro_tier_limit'),
  teamTierLimit: integer('team_tier_limit'),
  description: text('description'),
  isActive: integer('is_active', { mode: 'boolean' }),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userUsageByMonth = sqliteView('userUsage', {
  userId: text('user_id').notNull(),
  month: text('month').notNull(),
  conversations: integer('conversations'),
  seconds: integer('seconds'),
  realtimeSessions: integer('realtime_sessions'),
  ankiExportsUsed: integer('anki_exports_used'),
  customPhrasesCreated: integer('custom_phrases_created'),
  advancedVoiceSeconds: integer('advanced_voice_seconds'),
  sessionExtensionsUsed: integer('session_extensions_used'),
  completedSessions: integer('completed_sessions'),
  averageSessionLength: integer('average_session_length'),
  longestSession: integer('longest_session'),
  overageSeconds: integer('overage_seconds'),
  tierWhenUsed: text('tier_when_used'),
  lastConversationAt: text('last_conversation_at'),
  lastRealtimeAt: text('last_realtime_at'),
}).existing();

export const userCredits = sqliteView('user_credits', {
  id: integer('id').notNull(),
  userId: text('user_id'),
  balance: integer('balance'),
  lifetimeEarned: integer('lifetime_earned'),
  lifetimeSpent: integer('lifetime_spent'),
  lastRefillAt: text('last_refill_at'),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userDashboardData = sqliteView('user_dashboard_data', {
  id: text('id').notNull(),
  userId: text('user_id'),
  totalRequests: integer('total_requests'),
  totalTokensUsed: integer('total_tokens_used'),
  totalCost: integer('total_cost'),
  averageResponseTime: integer('average_response_time'),
  requestsByCategory: text('requests_by_category', { mode: 'json' }),
  requestsThisMonth: integer('requests_this_month'),
  requestsToday: integer('requests_today'),
  lastCalculatedAt: text('last_calculated_at'),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userLifetimeStats = sqliteView('user_lifetime_stats', {
  userId: text('user_id').notNull(),
  totalConversations: integer('total_conversations'),
  totalSeconds: integer('total_seconds'),
  totalRealtimeSessions: integer('total_realtime_sessions'),
  totalAnkiExports: integer('total_anki_exports'),
  totalCustomPhrases: integer('total_custom_phrases'),
  totalAdvancedVoiceSeconds: integer('total_advanced_voice_seconds'),
  totalSessionExtensions: integer('total_session_extensions'),
  daysActive: numeric('days_active'),
  longestStreak: integer('longest_streak'),
  currentStreak: integer('current_streak'),
  averageSessionsPerMonth: integer('average_sessions_per_month'),
  firstConversationAt: text('first_conversation_at'),
  lastActiveAt: text('last_active_at'),
  monthsSubscribed: integer('months_subscribed'),
  totalRevenue: numeric('total_revenue'),
  highestTierReached: text('highest_tier_reached'),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userPlans = sqliteView('user_plans', {
  id: text('id').notNull(),
  userId: text('user_id'),
  planName: text('plan_name'),
  monthlyRequests: integer('monthly_requests'),
  dailyRequests: integer('daily_requests'),
  maxTokensPerRequest: integer('max_tokens_per_request'),
  features: text('features', { mode: 'json' }),
  isActive: integer('is_active', { mode: 'boolean' }),
  pricePerMonth: integer('price_per_month'),
  billingCycle: text('billing_cycle'),
  startsAt: text('starts_at'),
  expiresAt: text('expires_at'),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userSubscriptions = sqliteView('user_subscriptions', {
  id: integer('id').notNull(),
  userId: text('user_id'),
  tier: text('tier'),
  stripeCustomerId: text('stripe_customer_id'),
  stripeSubscriptionId: text('stripe_subscription_id'),
  status: text('status'),
  startedAt: text('started_at'),
  expiresAt: text('expires_at'),
  metadata: text('metadata', { mode: 'json' }),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const userUsage = sqliteView('user_usage', {
  id: integer('id').notNull(),
  userId: text('user_id'),
  usageType: text('usage_type').notNull(),
  usageDate: text('usage_date'),
  count: integer('count'),
  metadata: text('metadata', { mode: 'json' }),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();

export const users = sqliteView('users', {
  id: text('id').notNull(),
  email: text('email'),
  name: text('name'),
  image: text('image'),
  githubId: text('github_id'),
  plan: text('plan'),
  planExpiresAt: text('plan_expires_at'),
  requestsUsed: integer('requests_used'),
  requestsLimit: integer('requests_limit'),
  isActive: integer('is_active', { mode: 'boolean' }),
  lastLoginAt: text('last_login_at'),
  createdAt: text('created_at'),
  updatedAt: text('updated_at'),
}).existing();
