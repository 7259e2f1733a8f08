// The organisation that the embedded AWS starts with.
import type { AccountInfo } from './world.ts';
import type { Delays } from './propagation.ts';
import type { QuotaName } from './quotas.ts';

/** What an organisation file says, complete. */
export interface Organization {
  /** `o-…`. */
  readonly id: string;
  readonly management: string;
  /** The management account among them. */
  readonly accounts: readonly AccountInfo[];
  /** Only those that differ from AWS's. */
  readonly quotas: Readonly<Partial<Record<QuotaName, number>>>;
  /** Only what is delayed. */
  readonly propagation?: Delays | undefined;
}

/** An account with the mail address that AWS would want of it (RFC 2606: never delivered). */
export function accountInfo(account: Omit<AccountInfo, 'email'>): AccountInfo {
  return { ...account, email: `aws-${account.name}@example.com` };
}

/** Central, dev, test and prod, as the tutorial has them. */
export const defaultOrganization: Organization = {
  id: 'o-stintlocal',
  management: '111111111111',
  accounts: [
    accountInfo({ id: '111111111111', name: 'central', stage: 'central', ou: '' }),
    accountInfo({ id: '222222222222', name: 'dev', stage: 'dev', ou: 'Workloads/Dev' }),
    accountInfo({ id: '333333333333', name: 'test', stage: 'test', ou: 'Workloads/Test' }),
    accountInfo({ id: '444444444444', name: 'prod', stage: 'prod', ou: 'Workloads/Prod' }),
  ],
  quotas: {},
};
