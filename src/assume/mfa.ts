// Where the code of an MFA device comes from: given, printed by a command, or typed. A code is sent once and never
// again, by no process, since AWS takes each once and a second try would only be refused.
import type { Clock, Millis, Secret } from '../base/index.ts';
import { isFailure, Secret as SecretText } from '../base/index.ts';
import { failure } from './failures.ts';
import { isMfaCode, withTerminal } from './mfa-prompt.ts';
import type { MfaMemory } from './mfa-memory.ts';
import type { Environment, MfaCommand } from './model.ts';
import { settingOf, type Profile } from './profiles.ts';
import { runProgram, shellProgram, type Program } from './sources/command.ts';

/** A code to send. */
export interface MfaAnswer {
  readonly code: Secret;
  /** A refused code may be asked for again. */
  readonly again: boolean;
  /** Takes back that the code is spent: it never reached AWS. */
  readonly unsent: () => Promise<void>;
}

/** Which device, and what its profile says of its codes. */
export interface MfaNeed {
  readonly serial: string;
  readonly command?: MfaCommand | undefined;
}

export interface MfaTools {
  readonly env: Environment;
  readonly clock: Clock;
  readonly wait: (millis: Millis) => Promise<void>;
  readonly note: (line: string) => void;
  /** Asks the person. Rejects with Failure `mfa-needed` where there is nobody, `interrupted` when they do not want to. */
  readonly askPerson: (serial: string) => Promise<Secret>;
  readonly memory: MfaMemory;
  /** From the command line. */
  readonly code?: Secret | undefined;
  readonly command?: MfaCommand | undefined;
  /** Nobody is there to touch a YubiKey. */
  readonly unattended?: boolean;
}

/** A code lives so long. https://datatracker.ietf.org/doc/html/rfc6238#section-5.2 */
const stepMillis: Millis = 30_000;
/** How often a command may print a code that is spent. */
const drawings = 3;

/** The command that a profile names for its codes. `mfa_process` is aws-vault's, `mfa_ykman` ours. */
export function profileMfaCommand(profile: Profile): MfaCommand | undefined {
  const line = settingOf(profile, 'mfa_process');
  if (line !== undefined) return { kind: 'process', line, place: profile.placeOf('mfa_process') };
  const account = settingOf(profile, 'mfa_ykman');
  if (account === undefined || account === 'false') return undefined;
  return { kind: 'ykman', account: account === 'true' ? undefined : account, place: profile.placeOf('mfa_ykman') };
}

/** The person's own choice, the profile's, or what people have from aws-vault; undefined to ask on the terminal. */
function chooseCommand(need: MfaNeed, tools: MfaTools): MfaCommand | undefined {
  const chosen = wantedCommand(need, tools);
  return chosen?.kind === 'ykman' && tools.unattended === true ? undefined : chosen;
}

function wantedCommand({ command }: MfaNeed, tools: MfaTools): MfaCommand | undefined {
  if (tools.command !== undefined) return tools.command;
  if (command !== undefined) return command;
  return tools.env['AWS_VAULT_PROMPT'] === 'ykman' ? { kind: 'ykman', place: 'AWS_VAULT_PROMPT' } : undefined;
}

function programOf(command: MfaCommand, serial: string, env: Environment): Pick<Program, 'command' | 'args'> {
  if (command.kind === 'process') return shellProgram(command.line);
  const device = env['YKMAN_OATH_DEVICE_SERIAL'];
  const account = command.account ?? (env['YKMAN_OATH_CREDENTIAL_NAME'] || serial);
  const which = device ? ['--device', device] : [];
  return { command: 'ykman', args: [...which, 'oath', 'accounts', 'code', '--single', account] };
}

/** Runs the command; its questions ("touch your YubiKey") go to the terminal, whatever our own stderr is. */
async function drawCode(command: MfaCommand, serial: string, env: Environment): Promise<Secret> {
  const { problem, output, cause } = await withTerminal((terminal) =>
    runProgram({ ...programOf(command, serial, env), env: { ...env, AWS_MFA_SERIAL: serial }, terminal }),
  );
  const what = command.kind === 'ykman' ? 'ykman' : 'the mfa_process';
  const hint =
    command.kind === 'ykman'
      ? `try \`ykman oath accounts list\`: the account must be there, named like the device or by mfa_ykman`
      : 'run the command by itself; it must end with 0 and print six digits';
  if (problem !== undefined) throw failure('process-failed', `${command.place}: ${what} ${problem}`, { hint, cause });
  // SECURITY: what it printed may be another secret, so it is not repeated.
  if (!isMfaCode(output))
    throw failure('process-failed', `${command.place}: ${what} did not print six digits`, { hint });
  return new SecretText(output.trim());
}

function untilNextCode(clock: Clock): Millis {
  // A second more than the step, for the clock of whoever makes the code.
  return stepMillis - (clock.now() % stepMillis) + 1000;
}

function seconds(millis: Millis): string {
  return `${Math.ceil(millis / 1000)} s`;
}

function spent(serial: string, clock: Clock): Error {
  return failure('mfa-reused', `that code of \`${serial}\` was sent already, and AWS takes each once`, {
    hint: `wait ${seconds(untilNextCode(clock))} for the next one`,
  });
}

class Asker {
  readonly #tools: MfaTools;

  constructor(tools: MfaTools) {
    this.#tools = tools;
  }

  async ask(need: MfaNeed): Promise<MfaAnswer> {
    const { code } = this.#tools;
    if (code !== undefined) return this.#given(need.serial, code);
    const command = chooseCommand(need, this.#tools);
    if (command === undefined) return this.#typed(need.serial);
    // Who asks for a command on the command line means it; a profile may be read where its YubiKey is not.
    const drawn = this.#drawn(need.serial, command);
    return command === this.#tools.command ? drawn : this.#orTyped(need.serial, drawn);
  }

  async #orTyped(serial: string, drawn: Promise<MfaAnswer>): Promise<MfaAnswer> {
    try {
      return await drawn;
    } catch (error) {
      if (!isFailure(error) || error.code !== 'process-failed') throw error;
      this.#tools.note(`${error.message}: asking on the terminal instead`);
      return this.#typed(serial).catch((second: unknown) => {
        // With nobody to ask, what is wrong is the command.
        throw isFailure(second) && second.code === 'mfa-needed' ? error : second;
      });
    }
  }

  #answer(serial: string, code: Secret, again: boolean): MfaAnswer {
    return { code, again, unsent: () => this.#tools.memory.release(serial, code) };
  }

  async #given(serial: string, code: Secret): Promise<MfaAnswer> {
    if (!(await this.#tools.memory.claim(serial, code))) throw spent(serial, this.#tools.clock);
    return this.#answer(serial, code, false);
  }

  async #typed(serial: string): Promise<MfaAnswer> {
    for (;;) {
      const code = await this.#tools.askPerson(serial);
      if (await this.#tools.memory.claim(serial, code)) return this.#answer(serial, code, true);
      this.#tools.note('that code was sent already, and AWS takes each once: wait for the next one');
    }
  }

  async #drawn(serial: string, command: MfaCommand): Promise<MfaAnswer> {
    const { env, clock, wait, note, memory } = this.#tools;
    for (let drawing = 1; ; drawing++) {
      const code = await drawCode(command, serial, env);
      if (await memory.claim(serial, code)) return this.#answer(serial, code, false);
      if (drawing === drawings) throw spent(serial, clock);
      const pause = untilNextCode(clock);
      note(`the code of ${serial} was sent already: waiting ${seconds(pause)} for the next one`);
      await wait(pause);
    }
  }
}

/**
 * How codes are had here: from the command line, else by the person's command, the profile's, or the terminal.
 * The promise rejects with Failure `mfa-needed` when nobody can be asked, `mfa-reused`, `process-failed`, `interrupted`.
 */
export function mfaAsker(tools: MfaTools): (need: MfaNeed) => Promise<MfaAnswer> {
  const asker = new Asker(tools);
  return (need) => asker.ask(need);
}
