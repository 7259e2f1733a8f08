// The list of commands. Loads only the file of the command that was asked for; touches no more of its process than
// the `Io` it is given.
import { Command, type CommanderError } from 'commander';
import { isFailure, nearestName, version, type Failure } from '../base/index.ts';
import type { CommandModule, Io } from './command.ts';
import { cliFailure } from './failures.ts';
import { printData, printFailure } from './output.ts';
import { cliModule } from './place.ts';
import { addTalkOptions, subcommandMissing, talkingIo, usageFailure, withDoubleDashes } from './usage.ts';

interface Entry {
  readonly summary: string;
  /** Base name of the file in `commands/` when it serves several verbs. */
  readonly file?: string;
  /** A verb of Vault's tools: its options may be spelt with one dash. */
  readonly vault?: true;
}

// One row per verb; the row's order is the order of the help page.
const commands: Readonly<Record<string, Entry>> = {
  init: { summary: 'write a definition: a first one, or one of what is there' },
  plan: { summary: 'show what an apply would change, and who would gain what' },
  apply: { summary: 'make AWS as the definition says' },
  lint: { summary: 'find what is wrong with policies and definitions' },
  output: { summary: 'print the outputs of the definition' },
  drift: { summary: 'show what AWS has otherwise than the definition says, and who made it so' },
  undo: { summary: 'take back what a run did, as far as AWS still shows it' },
  destroy: { summary: 'remove everything that the definition made' },
  import: { summary: 'take over what was there before Stint, by name' },
  export: { summary: 'write the definition as Terraform' },
  can: { summary: 'may a person, group or role do something?' },
  'who-can': { summary: 'who may do something, also by way of roles?' },
  diff: { summary: 'what the difference of two definitions, plans or policies means' },
  explain: { summary: 'what an id means: of a change, a finding, an error or a refusal' },
  assume: { summary: 'put a session of a target into this shell' },
  exec: { summary: 'run a command with a session of a target' },
  metadata: { summary: 'run a command that finds a session of a target at a local ECS or IMDSv2 server' },
  credentials: { summary: 'print a session of a target for credential_process' },
  console: { summary: 'sign in to the AWS console with a session of a target' },
  ls: { summary: 'list targets: profiles, and the roles of the definition' },
  sso: { summary: 'sign in to IAM Identity Center and out, list its roles, make profiles of them' },
  whoami: { summary: 'ask AWS who the current credentials belong to' },
  forget: { summary: 'remove kept sessions from this machine' },
  cloud: { summary: 'the embedded AWS, which enforces IAM, on this machine' },
  shell: { summary: 'print the shell function that makes `stint assume` work' },
  server: { summary: 'lend AWS credentials under leases, over the HTTP API of Vault' },
  status: { summary: 'say how the server is', file: 'lend', vault: true },
  login: { summary: 'log in with a token or an auth method, and keep the token', vault: true },
  read: { summary: 'read a path of the server', file: 'lend', vault: true },
  write: { summary: 'write to a path of the server', file: 'lend', vault: true },
  list: { summary: 'list below a path of the server', file: 'lend', vault: true },
  delete: { summary: 'delete a path of the server', file: 'lend', vault: true },
  unwrap: { summary: 'print what was wrapped in a token', file: 'lend', vault: true },
  'path-help': { summary: 'say what a path of the server is for', file: 'lend', vault: true },
  secrets: { summary: 'enable, disable, list, tune and move engines', vault: true },
  auth: { summary: 'enable, disable, list and tune auth methods', vault: true },
  policy: { summary: 'write, read, list and delete policies', vault: true },
  token: { summary: 'create, look up, renew and revoke tokens', vault: true },
  lease: { summary: 'look up, list, renew and revoke leases', vault: true },
  operator: { summary: 'open, close and keep a server: init, unseal, seal, rekey, snapshot', vault: true },
  audit: { summary: 'audit devices, and the check of their files', vault: true },
  doctor: { summary: 'the rights of the server’s key in AWS, and what the server left there' },
};

/** Loads a command's file: the source beside this one in a clone, its own bundle when built. */
async function loadCommand(verb: string, entry: Entry): Promise<CommandModule> {
  return (await import(cliModule(`commands/${entry.file ?? verb}`).href)) as CommandModule;
}

function helpPage(): string {
  const width = Math.max(0, ...Object.keys(commands).map((verb) => verb.length));
  const rows = Object.entries(commands).map(([verb, { summary }]) => `  ${verb.padEnd(width)}  ${summary}`);
  return ['stint: AWS access that ends on time', '', 'usage: stint <command> [options]', '', ...rows, ''].join('\n');
}

/** Failures of what was typed, which end with exit code 2. */
const usageCodes: readonly string[] = [
  'usage',
  'unknown-command',
  'invalid-option',
  'value-invalid',
  'missing-target',
  'missing-command',
  'missing-argument',
  'invalid-duration',
  'invalid-region',
  'unknown-shell',
  'dev-required',
];

function unknownCommand(verb: string): Failure {
  if (verb.startsWith('-')) {
    return cliFailure('usage', `\`stint\` has no option \`${verb}\``, { hint: '`stint --help` lists the commands' });
  }
  const near = nearestName(verb, Object.keys(commands));
  return cliFailure('unknown-command', `there is no command \`${verb}\``, {
    hint: near === undefined ? '`stint --help` lists the commands' : `did you mean \`stint ${near}\`?`,
  });
}

/** Runs one command line; resolves when the command has ended. */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  const [verb, ...rest] = argv;
  if (verb === 'help' && rest.length > 0) return run([...rest, '--help'], io);
  if (verb === '--help' || verb === '-h' || verb === 'help') return void io.stdout.write(helpPage());
  if (verb === '--version') return printData(io, version);
  if (verb === undefined) {
    io.stderr.write(helpPage());
    return io.exit(2);
  }
  const entry = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (entry !== undefined) return runVerb(verb, entry, argv, io);
  printFailure(io, unknownCommand(verb));
  io.exit(2);
}

async function runVerb(verb: string, entry: Entry, argv: readonly string[], io: Io): Promise<void> {
  const talk = { quiet: false, verbose: false };
  const talking = talkingIo(io, talk);
  const program = new Command('stint').exitOverride().configureOutput({
    writeOut: (text) => io.stdout.write(text),
    // What commander would say of a wrong line is told below, as every other failure.
    writeErr: () => undefined,
  });
  try {
    (await loadCommand(verb, entry)).register(program, talking);
    addTalkOptions(program, talk);
    const words = entry.vault === true ? withDoubleDashes(program, argv) : argv;
    await program.parseAsync(words, { from: 'user' });
  } catch (error) {
    const failed = asFailure(program, argv, error);
    if (failed === undefined) return;
    printFailure(talking, failed);
    io.exit(isFailure(failed) && usageCodes.includes(failed.code) ? 2 : 1);
  }
}

/** Commander's errors as ours; undefined for a help page, which is no error. */
function asFailure(program: Command, argv: readonly string[], error: unknown): unknown {
  if (!(error instanceof Error) || error.name !== 'CommanderError') return error;
  const ended = error as CommanderError;
  if (ended.exitCode === 0) return undefined;
  return ended.code === 'commander.help' ? subcommandMissing(program, argv) : usageFailure(program, argv, ended);
}
