// From a target to AWS credentials in the hands of the right program. Read session.ts first: it is the flow.
export type { Credentials, Environment, MfaCommand, SessionRequest } from './model.ts';
export { loadProfiles } from './profiles.ts';
export { profileChain } from './profile-chain.ts';
export { parseRoleArn } from './arn.ts';
export { baseEnvironment, mfaFolder, readOrigin, sessionFolder } from './environment.ts';
export { checkOptions, type SessionOptions } from './options.ts';
export { resolveCurrent, resolveTarget, type DefinedTarget, type TargetContext, type TargetSource } from './targets.ts';
export { SessionCache, type KeptSession } from './cache.ts';
export { keptSession, obtainSession, type SessionTools } from './session.ts';
export { mfaAsker } from './mfa.ts';
export { MfaMemory } from './mfa-memory.ts';
export { parseMfaCode } from './mfa-prompt.ts';
export { httpSender } from './http.ts';
export { StsClient } from './sts.ts';
export { changedEnvironment, clearingChange, processJson, sessionChange, shellLines, type Shell } from './exporters.ts';
export { execCommand } from './exec.ts';
export { languageOf, shellFunction, shellNames, type ShellName } from './shell-function.ts';
export { signRequest } from './signer.ts';
