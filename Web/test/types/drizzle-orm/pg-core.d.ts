import { Column } from './builders';
export { table as pgTable, view as pgView, primaryKey, text, numeric } from './builders';
export function bigint(name: string, mode: { mode: 'number' }): Column<number>;
export function integer(name: string): Column<number>;
export function boolean(name: string): Column<boolean>;
export function date(name: string): Column<string>;
export function json(name: string): Column<unknown>;
export function timestamp(name: string, options: { withTimezone: true }): Column<Date>;
