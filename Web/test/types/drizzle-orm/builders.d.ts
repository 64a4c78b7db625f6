// What Web/schema uses of Drizzle ORM, as far as types of rows go.
export interface Column<Value> {
  readonly value: Value | null;
  notNull(): NotNull<Value>;
  primaryKey(): NotNull<Value>;
}
export interface NotNull<Value> {
  readonly value: Value;
}
export type Columns = Record<string, { readonly value: unknown }>;
export type Row<C extends Columns> = { [Name in keyof C]: C[Name]['value'] };
export interface Table<C extends Columns> {
  readonly $inferSelect: Row<C>;
}
export interface ViewBuilder<C extends Columns> {
  existing(): Table<C>;
}
export interface Key {
  readonly columns: readonly unknown[];
}
export function table<C extends Columns>(
  name: string, columns: C, extra?: (table: C) => readonly Key[]): Table<C>;
export function view<C extends Columns>(name: string, columns: C): ViewBuilder<C>;
export function primaryKey(of: { columns: readonly unknown[] }): Key;
export function text(name: string): Column<string>;
export function text(name: string, mode: { mode: 'json' }): Column<unknown>;
export function numeric(name: string): Column<string>;
