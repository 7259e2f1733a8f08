// Embedded AWS: what `stint cloud` runs and tests import.
import { AdjustableClock, systemClock, systemRandom, version } from '../base/index.ts';
import { Authorizer, type Enforcement } from './authorize.ts';
import { callerEnvironment, clientConfig, type CallerOptions, type ClientConfig } from './callers.ts';
import { type ControlTargets } from './control.ts';
import { writeCredentialsFile, type AccountCredentials, type CloudCredentials } from './credentials-file.ts';
import { Events } from './events.ts';
import { Explanations } from './explain.ts';
import { Faults } from './faults.ts';
import { MetadataServices } from './imds.ts';
import { IssuerKeys } from './issuer-keys.ts';
import { listen, type Listener } from './listener.ts';
import { defaultOrganization, type Organization } from './organization.ts';
import { Propagation } from './propagation.ts';
import { createAnswerer, type Parts } from './server.ts';
import { serviceIds, Services } from './services/index.ts';
import { resetState, restoreClock, saveClock, setUp, worldOf, type Setup } from './setup.ts';
import { SigningKeys } from './signature.ts';
import { State } from './state.ts';
import { Tasks } from './tasks.ts';
import { TestIssuer } from './test-issuer.ts';
import { Trail } from './trail.ts';
import type { World } from './world.ts';

export { AdjustableClock } from '../base/index.ts';
export { cloudFailure } from './failures.ts';
export type { Enforcement } from './authorize.ts';
export { callerEnvironment, type CallerOptions, type ClientConfig } from './callers.ts';
export {
  defaultCredentialsFile,
  readCredentialsFile,
  type AccountCredentials,
  type CloudCredentials,
} from './credentials-file.ts';
export type { Organization } from './organization.ts';

export interface CloudOptions {
  /** 0, the default, picks a free port. */
  readonly port?: number | undefined;
  /** 127.0.0.1 unless given. */
  readonly host?: string | undefined;
  /** Directory that keeps the state; without it the state ends with the process. */
  readonly state?: string | undefined;
  /** Absent: that of the state directory, else the default one (central, dev, test, prod). */
  readonly organization?: Organization | undefined;
  /** File to write the credentials to; without it none is written. */
  readonly credentialsFile?: string | undefined;
  /** `on` unless given. */
  readonly enforce?: Enforcement | undefined;
  /** us-east-1 unless given. */
  readonly region?: string | undefined;
  /** Whether keys of identity providers may be fetched from hosts beyond this machine; not unless told so. */
  readonly outsideIssuers?: boolean | undefined;
  /** The emulated clock; one of its own unless given. */
  readonly clock?: AdjustableClock | undefined;
  /** Is given `stop`, to call it when the test ends: `t.after` of node:test, `onTestFinished` of Vitest, `afterAll` of Jest. */
  readonly after?: ((stop: () => Promise<void>) => void) | undefined;
  /** Is told of errors that are defects; they are answered 500 without detail. */
  readonly onDefect?: ((error: unknown) => void) | undefined;
}

/** A running embedded AWS. */
export interface Cloud extends AsyncDisposable {
  /** What `AWS_ENDPOINT_URL` expects. */
  readonly endpoint: string;
  readonly credentialsFile?: string | undefined;
  /** Content of the credentials file, written or not. */
  readonly credentials: CloudCredentials;
  /** What the control routes want in the header `x-stint-control`. */
  readonly controlToken: string;
  readonly clock: AdjustableClock;
  /** What a client of the AWS SDK is made with to call as the user `admin` of an account, by name or id. */
  clientConfig(account: string, options?: CallerOptions): ClientConfig;
  /** The same as environment variables, for a child process. */
  env(account: string, options?: CallerOptions): Readonly<Record<string, string>>;
  /** Resolves when it was stopped, by `stop` or by the control route. */
  readonly stopped: Promise<void>;
  /** Ends it: calls being answered are answered, the state is kept, port and files are free again. */
  stop(): Promise<void>;
}

/**
 * Starts an embedded AWS and resolves when it answers:
 *
 *     await using cloud = await startCloud();
 *     const iam = new IAMClient(cloud.clientConfig('dev'));
 *
 * @throws Failure of the table in failures.ts: `port-in-use`, `state-in-use`, `organization-mismatch`…
 */
export async function startCloud(options: CloudOptions = {}): Promise<Cloud> {
  const state = await openState(options.state);
  try {
    return await start(state, options);
  } catch (error) {
    await state.close();
    throw error;
  }
}

async function openState(directory: string | undefined): Promise<State> {
  if (directory === undefined) return new State();
  const { openStateFile } = await import('./state-file.ts');
  return new State(openStateFile(directory));
}

async function start(state: State, options: CloudOptions): Promise<Cloud> {
  const {
    host = '127.0.0.1',
    port = 0,
    region = 'us-east-1',
    credentialsFile,
    clock = new AdjustableClock(),
  } = options;
  restoreClock(state, clock, systemClock);
  const { organization } = options;
  const setupOptions = { organization, fallback: defaultOrganization, region, clock, random: systemRandom };
  const setup = await setUp(state, setupOptions);
  const propagation = new Propagation(state, clock, setup.organization.propagation);
  const world = worldOf(state, setup, region, propagation);
  const stopped = Promise.withResolvers<void>();
  const parts = partsOf({ state, world, setup, propagation }, options, clock, {
    hosts: new Set(['127.0.0.1', 'localhost', '[::1]', host.includes(':') ? `[${host}]` : host]),
    reset: () => resetState(state, setup, setupOptions, () => propagation.reset()),
    stop: () => void stop().catch((error: unknown) => parts.onDefect(error)),
  });
  const { metadata } = parts;
  const listener = await listen(host, port, createAnswerer(parts));
  await metadata.reload();
  const stop = once(async () => {
    await endOf(listener, metadata, state);
    stopped.resolve();
  });
  try {
    const address = host.includes(':') ? `[${host}]` : host;
    const credentials = credentialsOf(setup, world, `http://${address}:${listener.port}`);
    if (credentialsFile !== undefined) writeCredentialsFile(credentialsFile, credentials);
    const { endpoint, controlToken } = credentials;
    options.after?.(stop);
    return {
      controlToken,
      endpoint,
      credentialsFile,
      credentials,
      clock,
      clientConfig: (account, of) => clientConfig(credentials, account, of),
      env: (account, of) => callerEnvironment(credentials, account, of),
      stopped: stopped.promise,
      stop,
      [Symbol.asyncDispose]: stop,
    };
  } catch (error) {
    await listener.stop();
    await metadata.stop();
    throw error;
  }
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}

async function endOf(listener: Listener, metadata: MetadataServices, state: State): Promise<void> {
  await listener.stop();
  await metadata.stop();
  await state.close();
}

/** What only the running server can say of itself. */
interface Running {
  readonly hosts: ReadonlySet<string>;
  reset(): Promise<void>;
  stop(): void;
}

interface Grounds {
  readonly state: State;
  readonly world: World;
  readonly setup: Setup;
  readonly propagation: Propagation;
}

function partsOf(
  { state, world, setup, propagation }: Grounds,
  options: CloudOptions,
  clock: AdjustableClock,
  running: Running,
): Parts {
  const random = systemRandom;
  const onDefect = options.onDefect ?? ((error: unknown) => process.emitWarning(String(error)));
  const explanations = new Explanations(random, setup.controlToken);
  const issuer = new TestIssuer(setup.seed, clock, random);
  const parts = {
    state,
    world,
    clock,
    wall: systemClock,
    random,
    signingKeys: new SigningKeys(),
    authorizer: new Authorizer(options.enforce ?? 'on', explanations),
    explanations,
    events: new Events(),
    trail: new Trail(),
    faults: new Faults(random, clock),
    propagation,
    metadata: new MetadataServices({ state, world: world.seen, clock, random, onDefect }),
    issuerKeys: new IssuerKeys({ own: issuer.publicKey, outside: options.outsideIssuers === true, wall: systemClock }),
    services: new Services(),
    onDefect,
  };
  return { ...parts, control: controlOf(parts, { token: setup.controlToken, clock, issuer }, running) };
}

type Controlled = Pick<ControlTargets, 'token' | 'clock' | 'issuer'>;

function controlOf(parts: Omit<Parts, 'control'>, controlled: Controlled, running: Running): ControlTargets {
  const { state, world, random, services, metadata, faults, events, trail, explanations, propagation } = parts;
  const { clock } = controlled;
  return {
    ...controlled,
    version,
    enforce: parts.authorizer.enforce,
    faults,
    propagation,
    events,
    explanations,
    hosts: running.hosts,
    services: serviceIds,
    operationsOf: async (service) => Object.keys((await services.get(service))?.operations ?? {}),
    saveClock: () => saveClock(state, clock, parts.wall),
    async reset() {
      clock.reset();
      faults.remove();
      events.clear();
      trail.clear();
      explanations.clear();
      await running.reset();
      await metadata.reload();
    },
    instances: () => metadata.view(),
    tasks: new Tasks({ state, world: world.seen, clock, random, explanations, hosts: running.hosts }),
    stop: () => running.stop(),
  };
}

function credentialsOf(setup: Setup, world: World, endpoint: string): CloudCredentials {
  const accounts = setup.organization.accounts.map(({ id, name, stage }): readonly [string, AccountCredentials] => {
    const { admin, root } = setup.keys[id]!;
    return [
      id,
      {
        name,
        stage,
        accessKeyId: admin.accessKeyId,
        secretAccessKey: admin.secretAccessKey.reveal(),
        arn: `arn:${world.partition}:iam::${id}:user/admin`,
        root: { accessKeyId: root.accessKeyId, secretAccessKey: root.secretAccessKey.reveal() },
      },
    ];
  });
  return {
    version: 1,
    endpoint,
    region: world.region,
    controlToken: setup.controlToken.reveal(),
    managementAccount: setup.organization.management,
    accounts: Object.fromEntries(accounts),
  };
}
