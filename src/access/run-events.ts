// What a run tells while it goes on, for a table on a terminal or for programs. Never holds a secret.

export type RunEvent =
  /** The accounts of the run, before the first of them is looked at. */
  | { readonly type: 'reading'; readonly accounts: number }
  | { readonly type: 'reading-back'; readonly accounts: number }
  /** Roles that a wave has made or opened are assumed, until AWS lets them be. */
  | { readonly type: 'proving'; readonly roles: number }
  /** How that ended: how many were assumed, and the ids of those that were not let in in time. */
  | { readonly type: 'proved'; readonly assumed: number; readonly notReady: readonly string[] }
  /** A wave begins. `wave` is the position of its stage. */
  | {
      readonly type: 'wave';
      readonly wave: number;
      readonly accounts: readonly { readonly id: string; readonly steps: number }[];
    }
  /** An account begins, has ended, or stopped before its end. */
  | { readonly type: 'account'; readonly account: string; readonly state: 'begun' | 'done' | 'stopped' }
  /** A call was made; `outcome` is `done` or AWS's code. */
  | { readonly type: 'step'; readonly account: string; readonly step: string; readonly outcome: string };
