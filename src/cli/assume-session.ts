// Wires the room `assume` to this process: files, environment, clock, terminal. Shared by the verbs with a TARGET.
import { isFailure, systemClock, type Secret } from '../base/index.ts';
import {
  askNobody,
  askOnTerminal,
  baseEnvironment,
  httpSender,
  keepReady,
  keptSession,
  loadProfiles,
  mfaAsker,
  mfaFolder,
  MfaMemory,
  obtainSession,
  readOrigin,
  resolveCurrent,
  resolveTarget,
  SessionCache,
  type Sealing,
  sessionFolder,
  StsClient,
  systemUser,
  Watch,
  watchedSource,
  type Credentials,
  type Environment,
  type SessionRequest,
  type SessionTools,
  type TargetContext,
  type TargetSource,
} from '../assume/index.ts';
import { UsageError, type AssumeChoices } from './assume-options.ts';
import type { Io } from './command.ts';
import { lentTargets } from './lent-targets.ts';
import { printFailure, say } from './output.ts';
import { cliModule, libraryUrl } from './place.ts';
import { sourceTools, wait } from './sign-in.ts';

/** The text of a file, undefined when there is none. Throws what the system throws otherwise. */
export function readText(path: string): string | undefined {
  try {
    return process.getBuiltinModule('node:fs').readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** The definition in the folder or named by `config`, loaded when a name could be one of its targets. */
function definitionSource(io: Io, env: Environment, config: string | undefined): TargetSource {
  let loaded: Promise<TargetSource> | undefined;
  const load = async (): Promise<TargetSource> => {
    const { definitionTargets } = (await import(
      cliModule('definition-targets').href
    )) as typeof import('./definition-targets.ts');
    return definitionTargets({ cwd: io.cwd, env, config, library: libraryUrl() });
  };
  const source = (): Promise<TargetSource> => (loaded ??= load());
  let decided: ReturnType<NonNullable<TargetSource['decidedBy']>>;
  const opened = async (): Promise<TargetSource> => {
    const definition = await source();
    decided = definition.decidedBy?.();
    return definition;
  };
  return {
    label: config ?? 'stint.config',
    find: async (name) => (await opened()).find(name),
    list: async () => (await opened()).list(),
    decidedBy: () =>
      decided === undefined
        ? undefined
        : { ...decided, files: [...decided.files, ...definitionFiles(io.cwd)], cwd: here(io) },
  };
}

/** What a server lends; the calls that ask it are loaded when they are made. */
function lentSource(io: Io): TargetSource {
  return lentTargets(io, loadLentCalls);
}

/** The calls of the server about what it lends. */
export async function loadLentCalls(): Promise<typeof import('./lent-calls.ts')> {
  return (await import(cliModule('lent-calls').href)) as typeof import('./lent-calls.ts');
}

const definitionFiles = (folder: string): readonly string[] =>
  ['ts', 'yaml', 'yml', 'json'].map((extension) => `${folder}/stint.config.${extension}`);

/** The working directory by the name that the shell has for it, which may lead through a link. */
function here({ cwd, env }: Io): string {
  const named = env['PWD'];
  if (named === undefined || named === cwd) return cwd;
  const { realpathSync, existsSync } = process.getBuiltinModule('node:fs');
  return existsSync(named) && realpathSync.native(named) === cwd ? named : cwd;
}

/** The working directory, when a definition in it adds targets; the name that lists of targets are kept under. */
export function definingFolder(io: Io): string | undefined {
  const fs = process.getBuiltinModule('node:fs');
  return definitionFiles(io.cwd).some((file) => fs.existsSync(file)) ? here(io) : undefined;
}

/** What targets are looked up in, seen from `env`: the profiles, and the definition if there is one. */
export function targetContext(io: Io, given: Environment, config: string | undefined, watch?: Watch): TargetContext {
  const env = watch?.env ?? given;
  const defined = config !== undefined || definingFolder(io) !== undefined;
  const definition = defined ? [definitionSource(io, env, config)] : [];
  const sources = [...definition, lentSource(Object.create(io, { env: { value: env } }) as Io)];
  let user: string | undefined;
  return {
    env,
    // Once for a list of 10,000 profiles.
    user: () => (user ??= systemUser()),
    profiles: loadProfiles(env, watch?.reading(readText) ?? readText),
    sources: watch === undefined ? sources : sources.map((source) => watchedSource(source, watch)),
  };
}

/** What encrypts kept sessions. At once and not by `import()`, since whoever opens the cache does not wait. */
export function loadKeeping(): typeof import('./keeping.ts') {
  const { createRequire } = process.getBuiltinModule('node:module');
  const { fileURLToPath } = process.getBuiltinModule('node:url');
  return createRequire(import.meta.url)(fileURLToPath(cliModule('keeping'))) as typeof import('./keeping.ts');
}

function sealingOf(folder: string, env: Environment, note: (line: string) => void): Sealing | undefined {
  const keyring = env['STINT_KEYRING'] || 'none';
  return keyring === 'none' ? undefined : loadKeeping().openSealing(folder, env, note);
}

/**
 * The kept sessions of this person; undefined without a home. `note` hears why a keyring cannot be used.
 * @throws Failure `setting-invalid` for a STINT_KEYRING that names none.
 */
export function openCache(env: Environment, note: (line: string) => void = () => undefined): SessionCache | undefined {
  const folder = sessionFolder(env);
  return folder === undefined ? undefined : new SessionCache(folder, systemClock, sealingOf(folder, env, note));
}

/** STS as the request and the environment say. */
export function openSts(request: SessionRequest, env: Environment): StsClient {
  return new StsClient(request.sts, { send: httpSender(env), clock: systemClock, wait }, request.places);
}

function sessionTools(io: Io, env: Environment, cache: SessionCache | undefined, choices: AssumeChoices): SessionTools {
  const { mfaCode: code, mfaCommand: command, unattended = false, aroundMfa } = choices;
  const sources = sourceTools(io, env, { ...choices, browser: true, attended: !unattended });
  const memory = new MfaMemory(mfaFolder(env), systemClock, wait);
  const askPerson = (serial: string): Promise<Secret> =>
    unattended ? askNobody(serial) : askOnTerminal(serial, io.signal);
  const asker = mfaAsker({ ...sources, askPerson, memory, code, command, unattended });
  const askMfa: SessionTools['askMfa'] = (need) =>
    aroundMfa === undefined ? asker(need) : aroundMfa(() => asker(need));
  return {
    ...sources,
    cache,
    sts: (request) => {
      io.onCall?.();
      return openSts(request, env);
    },
    askMfa,
    refresh: choices.refresh,
  };
}

export interface Assumed {
  readonly request: SessionRequest;
  readonly session: Credentials;
}

async function sessionFor(
  io: Io,
  env: Environment,
  request: SessionRequest,
  choices: AssumeChoices,
  cache: SessionCache | undefined,
): Promise<Assumed> {
  if (!choices.refresh && !choices.explain) {
    const kept = keptSession(request, cache);
    if (kept !== undefined) return { request, session: kept.credentials };
  }
  return { request, session: await obtainSession(request, sessionTools(io, env, cache, choices)) };
}

/** The kept sessions; why they cannot be kept is told the person. */
function toldCache(io: Io, env: Environment, { quiet }: AssumeChoices): SessionCache | undefined {
  return openCache(env, (line) => quiet || say(io, `note: ${line}`));
}

/** True when the session an earlier `stint assume` put here is all there is to begin with. */
function chainsFromShell(io: Io, { source }: SessionRequest): boolean {
  return readOrigin(io.env)?.base === 'keys' && source.kind === 'keys' && source.profile === undefined;
}

/**
 * Credentials of the target as it is seen from this process's environment (without an earlier session of Stint).
 * Who asks for many targets hands in one context for all.
 * @throws the failures of the room `assume`.
 */
export async function assumeTarget(
  io: Io,
  target: string,
  choices: AssumeChoices,
  context?: TargetContext,
): Promise<Assumed> {
  const env = context?.env ?? baseEnvironment(io.env);
  const watch = context === undefined && isPlain(choices) ? new Watch(env) : undefined;
  const known = context ?? targetContext(io, env, choices.config, watch);
  const request = await resolveTarget(target, choices.session, known);
  if (!choices.quiet && chainsFromShell(io, request)) {
    say(
      io,
      `note: assuming from the session of \`${io.env['STINT_TARGET'] ?? ''}\`: it replaced the keys this shell had`,
    );
    say(io, 'hint: set the keys again to begin anew; `stint exec` leaves them in place, and so does a profile');
  }
  // As the watch sees it: which keyring is meant decides as well.
  const cache = toldCache(io, known.env, choices);
  const assumed = await sessionFor(io, env, request, choices, cache);
  if (watch !== undefined && cache !== undefined) keepReady(request, watch, cache, systemClock);
  return assumed;
}

/** True when nothing but the target says which session is meant. */
function isPlain({ session, config }: AssumeChoices): boolean {
  return config === undefined && Object.values(session).every((value) => value === undefined);
}

/** The credentials that SDKs would use in this process. @throws the failures of the room `assume`. */
export async function currentCredentials(io: Io, choices: AssumeChoices): Promise<Assumed> {
  const request = resolveCurrent(choices.session, targetContext(io, io.env, choices.config));
  return sessionFor(io, io.env, request, choices, toldCache(io, io.env, choices));
}

/** Runs the work of a verb and turns its failures into text and exit code: 2 for what was typed wrongly, else 1. */
export async function runVerb(io: Io, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const failed = error instanceof UsageError ? error.failure : error;
    printFailure(io, failed);
    const usage = error instanceof UsageError || (isFailure(failed) && failed.code === 'invalid-option');
    io.exit(usage ? 2 : isFailure(failed) && failed.code === 'interrupted' ? 130 : 1);
  }
}

/** A target whose session is yet to be fetched, and with what. */
export interface Prepared {
  readonly request: SessionRequest;
  readonly tools: SessionTools;
  readonly context: TargetContext;
}

/**
 * The request of the target, or without one of the credentials that SDKs would use here; nothing asked of AWS yet.
 * @throws the failures of the room `assume`.
 */
export async function prepareTarget(io: Io, target: string | undefined, choices: AssumeChoices): Promise<Prepared> {
  const env = target === undefined ? io.env : baseEnvironment(io.env);
  const context = targetContext(io, env, choices.config);
  const request =
    target === undefined
      ? resolveCurrent(choices.session, context)
      : await resolveTarget(target, choices.session, context);
  return { request, context, tools: sessionTools(io, env, toldCache(io, env, choices), choices) };
}
