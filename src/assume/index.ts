// From a target to AWS credentials in the hands of the right program. Read session.ts first: it is the flow.
export type { Credentials, Environment, MfaCommand, SessionRequest, BorrowWishes } from './model.ts';
export { loadProfiles, profileFiles } from './profiles.ts';
export { isRegion, partitionOfRegion } from './endpoints.ts';
export { failure as assumeFailure } from './failures.ts';
export { chainOf, type ProfileChain } from './profile-chain.ts';
export type { Profile } from './profiles.ts';
export { parseRoleArn } from './arn.ts';
export { baseEnvironment, mfaFolder, readOrigin, sessionFolder, systemUser } from './environment.ts';
export { checkOptions, type SessionOptions } from './options.ts';
export { resolveCurrent, resolveTarget, type DefinedTarget, type TargetContext, type TargetSource } from './targets.ts';
export { SessionCache, type KeptEntry } from './cache.ts';
export { keptSession, obtainSession, type SessionTools } from './session.ts';
export { mfaAsker, type MfaAnswer } from './mfa.ts';
export { MfaMemory } from './mfa-memory.ts';
export type { SignInTools, SourceTools } from './sources/source.ts';
export { askNobody, askOnTerminal, parseMfaCode } from './mfa-prompt.ts';
export { forgetKey, openSealing, type Sealing } from './keeping/index.ts';
export { httpSender } from './http.ts';
export { StsClient } from './sts.ts';
export { consoleDestination, customSignin, signinEndpoints, type ConsolePlace } from './console-place.ts';
export { consoleSession, type ConsoleSession } from './console-session.ts';
export { consoleSeconds, signinLink, signinToken } from './console-signin.ts';
export { browserCommands, containerAddress, openBrowser } from './console-browser.ts';
export {
  changedEnvironment,
  clearingChange,
  processJson,
  quoteFor,
  sessionChange,
  shellLines,
  type Shell,
} from './exporters.ts';
export { endAs, execCommand } from './exec.ts';
export type { ManyOutcome, NamedTarget, Sink } from './many/index.ts';
/** One command for many targets; loaded by who has many. */
export const loadMany = (): Promise<typeof import('./many/index.ts')> => import('./many/index.ts');
/** The servers for programs that look for credentials as in a task or on an instance; loaded by who needs them. */
export const loadMetadata = (): Promise<typeof import('./metadata/index.ts')> => import('./metadata/index.ts');

export { languageOf, shellNames, type ShellName } from './shell-function.ts';
export { signRequest } from './signer.ts';
export { takeLock } from './lock.ts';
export { replaceFile } from './own-files.ts';
export { checkSectionName } from './credentials-file-text.ts';
export { checkProfileFree, cleanSections, writeSection, type CredentialsFileTools } from './credentials-file.ts';
export { exportFormats, exportText, type ExportFormat } from './export-formats.ts';

/** What the verbs of `stint sso` need, loaded when one is used. */
export type SsoVerbs = typeof import('./sources/sso-verbs.ts');
export const loadSso = (): Promise<SsoVerbs> => import('./sources/sso-verbs.ts');
// What shells, and programs that start nothing else, use of kept sessions.
export { becomeCommand } from './become.ts';
/** The picker, which loads what terminals need. */
export const loadPicker = (): Promise<typeof import('./pick.ts')> => import('./pick.ts');
export type { ReadyEntry } from './ready-entry.ts';
export { keepNames, keepReady, watchedSource } from './ready-session.ts';
export { KeptList } from './kept-list.ts';
export { KeptMarks } from './kept-marks.ts';
export { readyChange, readyFor } from './ready-use.ts';
export { noteRecent, recentTargets } from './recent.ts';
export { Watch } from './watch.ts';
