// What the page says about the server. Pure.
import { span } from './time.ts';

/** Body of `GET sys/seal-status`, as far as it is shown. */
export interface SealStatus {
  readonly type: string;
  readonly initialized: boolean;
  readonly sealed: boolean;
  /** Shares needed, and how many there are. */
  readonly t: number;
  readonly n: number;
  /** Shares given so far. */
  readonly progress: number;
  /** The Vault whose API the server speaks. */
  readonly version: string;
  /** It opens by itself; its shares only recover it. */
  readonly recovery_seal: boolean;
}

export function sealText({ initialized, sealed, recovery_seal: opensItself, progress, t }: SealStatus): string {
  if (!initialized) return 'not initialised';
  if (!sealed) return 'unsealed';
  if (opensItself) return 'sealed';
  return `sealed, ${progress} of ${t} shares given`;
}

/** Data of `GET <mount>/stint/root`. */
export interface RootKey {
  readonly account?: string;
  readonly arn?: string;
  readonly access_key?: string | null;
  readonly age_seconds?: number | null;
  readonly error?: string;
}

/** AWS's own advice is to change keys of users within 90 days. */
const oldSeconds = 90 * 86_400;

export function keyAge({ access_key, age_seconds: age, error }: RootKey): {
  readonly text: string;
  readonly old: boolean;
} {
  if (error !== undefined) return { text: `cannot be read: ${error}`, old: false };
  if (access_key === null || access_key === undefined)
    return { text: 'no key of a user: changes by itself', old: false };
  if (age === null || age === undefined) return { text: `${access_key}, age unknown`, old: false };
  const old = age >= oldSeconds;
  return { text: `${access_key}, ${span(age * 1000)} old${old ? ': rotate it' : ''}`, old };
}

/** Data of `GET stint/audit`. */
export interface AuditState {
  readonly path: string;
  readonly type: string;
  readonly state: 'ok' | 'failing' | 'blocked';
  readonly waiting: number;
}

export function auditText({ state, waiting }: AuditState): string {
  const queue = waiting === 0 ? '' : `, ${waiting} records wait`;
  if (state === 'ok') return `takes records${queue}`;
  return state === 'failing' ? `refuses records${queue}` : `blocked: it takes no records${queue}`;
}
