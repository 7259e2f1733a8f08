// The rows of `stint ls` as they are kept for the next time: by columns, which is half as long and read twice as fast as
// objects, and without their sessions, which are looked up anew.
import { cliModule } from './place.ts';
import type { TargetRow } from './target-rows.ts';

/** So many rows are made as fast as they are read. */
const fewRows = 500;

const columns = ['target', 'kind', 'account', 'role', 'source', 'mfa', 'region', 'stage', 'problem'] as const;

interface Packed {
  /** The program that made them: another version may make other rows of the same files. */
  readonly program: string;
  readonly columns: readonly (readonly unknown[])[];
}

/** The file that stands for this version of Stint: an update replaces it. */
export function program(): string {
  return process.getBuiltinModule('node:url').fileURLToPath(cliModule('main'));
}

/** True for many rows, and for those of a definition, which loads far more than it has. */
export function isWorthKeeping(rows: readonly TargetRow[]): boolean {
  return rows.length >= fewRows || rows.some(({ kind }) => kind === 'defined');
}

export function pack(rows: readonly TargetRow[]): Packed {
  return { program: program(), columns: columns.map((name) => rows.map((row) => row[name])) };
}

/** The rows, none of them with a session; undefined for anything that `pack` does not give. */
export function unpack(list: unknown): readonly TargetRow[] | undefined {
  const packed = list as Partial<Packed> | undefined;
  if (packed?.program !== program() || packed.columns?.length !== columns.length) return undefined;
  type Columns = { readonly [Name in keyof TargetRow]: readonly TargetRow[Name][] };
  const at = Object.fromEntries(columns.map((name, index) => [name, packed.columns![index]!])) as unknown as Columns;
  return at.target.map((target, row) => ({
    target,
    kind: at.kind[row]!,
    account: at.account[row]!,
    role: at.role[row]!,
    source: at.source[row]!,
    mfa: at.mfa[row]!,
    region: at.region[row]!,
    stage: at.stage[row]!,
    session: null,
    problem: at.problem[row]!,
  }));
}
