import { Column } from './builders';
export { table as sqliteTable, view as sqliteView, primaryKey, text, numeric } from './builders';
export function integer(name: string): Column<number>;
export function integer(name: string, mode: { mode: 'boolean' }): Column<boolean>;
