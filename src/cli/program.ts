// The list of commands. Loads only the file of the command that was asked for; touches no more of its process than
// the `Io` it is given.
import { Command, type CommanderError } from 'commander';
import { nearestName } from '../base/index.ts';
import type { CommandModule, Io } from './command.ts';
import { printFailure, say } from './output.ts';

interface Entry {
  readonly summary: string;
  /** Base name of the file in `commands/` when it serves several verbs. */
  readonly file?: string;
}

// One row per verb; the row's order is the order of the help page.
const commands: Readonly<Record<string, Entry>> = {
  plan: { summary: 'show what an apply would change, and who would gain what' },
  apply: { summary: 'make AWS as the definition says' },
  output: { summary: 'print the outputs of the definition' },
  destroy: { summary: 'remove everything that the definition made' },
  assume: { summary: 'put a session of a target into this shell' },
  exec: { summary: 'run a command with a session of a target' },
  credentials: { summary: 'print a session of a target for credential_process' },
  ls: { summary: 'list targets: profiles, and the roles of the definition' },
  whoami: { summary: 'ask AWS who the current credentials belong to' },
  forget: { summary: 'remove kept sessions from this machine' },
  cloud: { summary: 'the embedded AWS, which enforces IAM, on this machine' },
  shell: { summary: 'print the shell function that makes `stint assume` work' },
  server: { summary: 'lend AWS credentials under leases, over the HTTP API of Vault' },
  status: { summary: 'say how the server is', file: 'lend' },
  login: { summary: 'check a token and keep it', file: 'lend' },
  read: { summary: 'read a path of the server', file: 'lend' },
  write: { summary: 'write to a path of the server', file: 'lend' },
  list: { summary: 'list below a path of the server', file: 'lend' },
  delete: { summary: 'delete a path of the server', file: 'lend' },
  secrets: { summary: 'enable, disable, list and tune engines', file: 'lend' },
  lease: { summary: 'look up, list, renew and revoke leases', file: 'lend' },
};

/** Loads a command's file: the source beside this one in a clone, its own bundle when built. */
async function loadCommand(verb: string, entry: Entry): Promise<CommandModule> {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return (await import(
    new URL(`./commands/${entry.file ?? verb}.${extension}`, import.meta.url).href
  )) as CommandModule;
}

function helpPage(): string {
  const width = Math.max(0, ...Object.keys(commands).map((verb) => verb.length));
  const rows = Object.entries(commands).map(([verb, { summary }]) => `  ${verb.padEnd(width)}  ${summary}`);
  return ['stint: AWS access that ends on time', '', 'usage: stint <command> [options]', '', ...rows, ''].join('\n');
}

/** Runs one command line; resolves when the command has ended. */
export async function run(argv: readonly string[], io: Io): Promise<void> {
  const verb = argv[0];
  if (verb === undefined || verb === '--help' || verb === '-h' || verb === 'help') {
    io.stdout.write(helpPage());
    return io.exit(verb === undefined ? 2 : 0);
  }
  const entry = Object.hasOwn(commands, verb) ? commands[verb] : undefined;
  if (entry === undefined) {
    const near = nearestName(verb, Object.keys(commands));
    say(io, `error[unknown-command]: there is no command \`${verb}\``);
    say(io, `hint: ${near === undefined ? '`stint --help` lists the commands' : `did you mean \`stint ${near}\`?`}`);
    return io.exit(2);
  }
  const program = new Command('stint')
    .exitOverride()
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) });
  try {
    (await loadCommand(verb, entry)).register(program, io);
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (error instanceof Error && error.name === 'CommanderError') {
      return io.exit((error as CommanderError).exitCode === 0 ? 0 : 2);
    }
    printFailure(io, error);
    io.exit(1);
  }
}
