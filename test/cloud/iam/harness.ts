// A world of its own for tests of handlers: real tables, the default accounts, no server and no authorization.
import { Trail } from '../../../src/cloud/trail.ts';
import { AdjustableClock, systemClock, systemRandom } from '../../../src/base/index.ts';
import type { Call, ServiceId } from '../../../src/cloud/call.ts';
import type { Credential } from '../../../src/cloud/credential.ts';
import { IssuerKeys } from '../../../src/cloud/issuer-keys.ts';
import { defaultQuotas, type Quotas } from '../../../src/cloud/quotas.ts';
import { findCredential, iam, principalOf, seedAccount } from '../../../src/cloud/services/iam/index.ts';
import { seedOrganization } from '../../../src/cloud/services/organizations/seed.ts';
import { sts } from '../../../src/cloud/services/sts/index.ts';
import { State } from '../../../src/cloud/state.ts';
import type { AccountKeys, World } from '../../../src/cloud/world.ts';

const services = { iam, sts };
export const central = '111111111111';
export const dev = '222222222222';

export interface TestWorld {
  readonly world: World;
  readonly clock: AdjustableClock;
  readonly keys: Readonly<Record<string, AccountKeys>>;
  readonly credential: (accessKeyId: string) => Credential;
  /** Runs an operation's permissions and handler as the credential's owner. */
  readonly run: <Output = object>(
    credential: Credential,
    service: ServiceId,
    operation: string,
    input: object,
  ) => Promise<Output>;
}

export async function makeTestWorld(quotas: Partial<Quotas> = {}): Promise<TestWorld> {
  const state = new State();
  const clock = new AdjustableClock();
  const accounts = [
    { id: central, name: 'central', stage: 'central', email: 'central@example.com', ou: '' },
    { id: dev, name: 'dev', stage: 'dev', email: 'dev@example.com', ou: 'Workloads/Dev' },
  ];
  const world: World = {
    organizationId: 'o-stintlocal',
    managementAccount: central,
    partition: 'aws',
    region: 'us-east-1',
    quotas: { ...defaultQuotas, ...quotas },
    accounts: () => accounts,
    account: (id) => accounts.find((account) => account.id === id),
    table: (name) => state.table(name),
    get seen() {
      return this;
    },
  };
  const options = { random: systemRandom, clock };
  const keys = await state.transaction(() => {
    seedOrganization(world, accounts);
    return Object.fromEntries(accounts.map((account) => [account.id, seedAccount(world, account, options)]));
  });
  return {
    world,
    clock,
    keys,
    credential: (id) => findCredential(id, world)!,
    run: (credential, service, name, input) =>
      state.transaction(async () => {
        const call: Call = {
          requestId: 'test',
          service,
          operation: name,
          account: credential.account,
          partition: 'aws',
          region: 'us-east-1',
          principal: principalOf(credential, world),
          credential,
          world,
          ...options,
          refusal: () => undefined,
          decodeAuthorizationMessage: () => undefined,
          issuerKeys: new IssuerKeys({ own: {}, outside: false, wall: systemClock }),
          trail: new Trail(),
          http: {
            host: 'localhost',
            sourceIp: '127.0.0.1',
            userAgent: 'test',
            secure: false,
            signing: () => undefined,
          },
        };
        const operation = (services as Record<string, typeof iam>)[service]!.operations[name]!;
        const prepared = (await operation.prepare?.(input as never, call)) as never;
        operation.permissions(input as never, call, prepared);
        return (await operation.handle(input as never, call, prepared)) as never;
      }),
  };
}
