// `stint cloud …`: the embedded AWS. Each verb is a file of cloud/, loaded when it is asked for.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Io } from '../command.ts';

type Values = Readonly<Record<string, string | boolean | number | undefined>>;

function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`a whole number from ${least} to ${most} is needed`);
  };
}

const examples = (...lines: readonly string[]): string =>
  `\nExamples:\n${lines.map((line) => `  ${line}`).join('\n')}\n`;

const startExamples = [
  'stint cloud start',
  'stint cloud start --port 0 --state ./aws --json',
  'stint cloud start --detach && eval "$(stint cloud env dev)"',
  `eval "$(stint cloud env dev)" && aws sts get-caller-identity`,
];

export function register(program: Command, io: Io): void {
  const cloud = program.command('cloud').description('the embedded AWS, which enforces IAM, on this machine');
  cloud.addHelpText('after', examples(...startExamples));
  registerStart(cloud, io);
  registerClock(cloud, io);
  registerPropagation(cloud, io);
  registerViews(cloud, io);
  registerFaults(cloud, io);
  registerKeys(cloud, io);
  registerTokens(cloud, io);
  registerExec(cloud, io);
}

/** A verb that speaks to a running embedded AWS, found by its credentials file. */
function verb(parent: Command, usage: string, summary: string, ...shown: readonly string[]): Command {
  return parent
    .command(usage)
    .description(summary)
    .option('--credentials-file <file>', 'credentials file of the embedded AWS')
    .option('--state <dir>', 'state directory of the embedded AWS, whose credentials file is meant')
    .addHelpText('after', examples(...shown));
}

function registerStart(cloud: Command, io: Io): void {
  cloud
    .command('start')
    .description('run the embedded AWS, in the foreground unless --detach')
    .addOption(new Option('--port <port>', '0 picks a free one').default(4566).argParser(wholeNumber(0, 65_535)))
    .option('--host <address>', 'address to listen on', '127.0.0.1')
    .addOption(new Option('--state <dir>', 'keep the state in this directory').conflicts('memory'))
    .option('--memory', 'keep the state in memory (the default)')
    .option('--org <file>', 'organisation to start with, YAML or JSON')
    .option('--credentials-file <file>', 'where to write the credentials')
    .addOption(new Option('--enforce <mode>', 'what IAM decides').choices(['on', 'report', 'off']).default('on'))
    .option('--outside-issuers', 'let STS fetch keys of identity providers from hosts beyond this machine')
    .option('--region <region>', 'region of the credentials file and of what it prints', 'us-east-1')
    .option('--json', 'print one line of JSON when ready')
    .option('--quiet', 'no banner')
    .option('--detach', 'go on in the background; returns when it answers')
    .addHelpText('after', examples(...startExamples))
    .action(async (values: Values) =>
      values['detach'] === true
        ? (await import('./cloud/detach.ts')).startDetached(io, values)
        : (await import('./cloud/start.ts')).start(io, values),
    );
}

function registerClock(cloud: Command, io: Io): void {
  verb(
    cloud,
    'advance [duration]',
    'let time pass on the emulated clock',
    'stint cloud advance 30m',
    'stint cloud advance --to 2027-01-01T00:00:00Z',
  )
    .option('--to <time>', 'set the clock to this time instead')
    .option('--json', 'print JSON')
    .action(async (duration: string | undefined, values: Values) =>
      (await import('./cloud/verbs.ts')).advance(io, duration, values),
    );
  verb(cloud, 'freeze', 'stop the emulated clock', 'stint cloud freeze', 'stint cloud freeze --off')
    .option('--off', 'let it run again')
    .option('--json', 'print JSON')
    .action(async (values: Values) => (await import('./cloud/verbs.ts')).freeze(io, values));
}

function registerPropagation(cloud: Command, io: Io): void {
  verb(
    cloud,
    'propagation [kind=delay...]',
    'show or set how long writes take until authorization sees them',
    'stint cloud propagation iam=2s organizations=5s',
    'stint cloud propagation iam=0',
  )
    .option('--json', 'print JSON')
    .action(async (delays: string[], values: Values) =>
      (await import('./cloud/verbs.ts')).propagation(io, delays, values),
    );
}

function registerViews(cloud: Command, io: Io): void {
  verb(
    cloud,
    'reset',
    'back to the start state; the same credentials stay valid',
    'stint cloud reset',
    'stint cloud reset --state ./aws',
  ).action(async (values: Values) => (await import('./cloud/verbs.ts')).reset(io, values));
  verb(
    cloud,
    'events',
    'list the calls: who, what, and what was decided',
    'stint cloud events',
    'stint cloud events --after 120 --json',
  )
    .addOption(
      new Option('--after <seq>', 'only events after this one').argParser(wholeNumber(0, Number.MAX_SAFE_INTEGER)),
    )
    .addOption(new Option('--limit <n>', 'at most so many').argParser(wholeNumber(1, 1000)))
    .option('--json', 'print JSON')
    .action(async (values: Values) => (await import('./cloud/verbs.ts')).events(io, values));
  verb(
    cloud,
    'explain <id>',
    'say why a call was refused, and what would allow it',
    'stint cloud explain 4fJ2…',
    'stint cloud explain 4fJ2… --json',
  )
    .option('--json', 'print JSON')
    .action(async (id: string, values: Values) => (await import('./cloud/verbs.ts')).explain(io, id, values));
  verb(cloud, 'status', 'say whether it runs, and how', 'stint cloud status', 'stint cloud status --json')
    .option('--json', 'print JSON')
    .action(async (values: Values) => (await import('./cloud/verbs.ts')).status(io, values));
  verb(
    cloud,
    'stop',
    'end it; a state directory keeps what it holds',
    'stint cloud stop',
    'stint cloud stop --state ./aws',
  ).action(async (values: Values) => (await import('./cloud/verbs.ts')).stop(io, values));
}

function registerFaults(cloud: Command, io: Io): void {
  const faults = verb(
    cloud,
    'faults',
    'list, order and remove faults',
    'stint cloud faults',
    'stint cloud faults add iam CreateUser --nth 2 --error Throttling',
  )
    .option('--json', 'print JSON')
    .action(async (values: Values) => (await import('./cloud/faults.ts')).listFaults(io, values));
  verb(
    faults,
    'add <service> <operation>',
    'order a fault',
    'stint cloud faults add sts AssumeRole --delay 2s',
    'stint cloud faults add iam CreateUser --after --hang',
    'stint cloud faults add ec2 "*" --throttle 5/20',
  )
    .option('--account <id>', 'only calls of this account')
    .addOption(new Option('--nth <n>', 'the n-th call from now on').argParser(wholeNumber(1, 1_000_000)))
    .addOption(new Option('--count <n>', 'so many calls').argParser(wholeNumber(1, 1_000_000)))
    .option('--after', 'when the call has taken effect, instead of before')
    .option('--error <code[:status]>', 'answer with this error')
    .option('--hang', 'never answer')
    .option('--delay <duration>', 'answer late')
    .option('--throttle <rate[/burst]>', 'let so many calls a second pass, for each account')
    .option('--json', 'print JSON')
    .action(async (service: string, operation: string, _values: Values, command: Command) =>
      (await import('./cloud/faults.ts')).addFault(io, service, operation, command.optsWithGlobals()),
    );
  verb(
    faults,
    'remove [id]',
    'remove a fault, or all',
    'stint cloud faults remove',
    'stint cloud faults remove fault-8Hq2…',
  ).action(async (id: string | undefined, _values: Values, command: Command) =>
    (await import('./cloud/faults.ts')).removeFault(io, id, command.optsWithGlobals()),
  );
}

function registerKeys(cloud: Command, io: Io): void {
  verb(
    cloud,
    'env <account>',
    'print export lines for an account, by name or id',
    'eval "$(stint cloud env dev)"',
    'eval "$(stint cloud env central --root)"',
  )
    .option('--root', 'the keys of the root user instead of the user `admin`')
    .addOption(new Option('--shell <shell>', 'kind of lines').choices(['sh', 'fish', 'pwsh']).default('sh'))
    .action(async (account: string, values: Values) => (await import('./cloud/keys.ts')).env(io, account, values));
  verb(
    cloud,
    'profiles',
    'write a profile for each account',
    'stint cloud profiles',
    'stint cloud profiles --config-file ~/.aws/config',
  )
    .option('--config-file <file>', 'AWS configuration file to put them in; printed without it')
    .action(async (values: Values) => (await import('./cloud/keys.ts')).profiles(io, values));
}

function registerTokens(cloud: Command, io: Io): void {
  verb(
    cloud,
    'token',
    'sign a web identity token as any issuer, for AssumeRoleWithWebIdentity',
    'stint cloud token --issuer https://token.actions.githubusercontent.com --subject repo:acme/app:ref:refs/heads/main --audience sts.amazonaws.com',
    'stint cloud token --subject alice --audience my-app --claim email=alice@example.com --expires-in 5m',
  )
    .requiredOption('--subject <subject>', 'claim `sub`')
    .requiredOption('--audience <audience>', 'claim `aud`')
    .option('--issuer <url>', 'claim `iss`; the test issuer of the embedded AWS itself unless given')
    .option('--claim <name=value>', 'a further claim; a value that is JSON is taken as JSON', collected)
    .option('--expires-in <duration>', 'how long the token is good', '1h')
    .option('--json', 'print JSON')
    .action(async (values: TokenValues) => (await import('./cloud/token.ts')).token(io, values));
}

type TokenValues = Readonly<Record<string, string | boolean | readonly string[] | undefined>>;

function collected(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

function registerExec(cloud: Command, io: Io): void {
  verb(
    cloud,
    'exec <instance-or-role>',
    'run a command as if on a running instance, with the keys of its profile; or, given the ARN of a role, as an ECS task with it',
    'stint cloud exec i-0123456789abcdef0 -- aws s3 ls',
    'stint cloud exec arn:aws:iam::222222222222:role/app -- python3 app.py',
  )
    .argument('[command...]', 'everything after `--`')
    .action(async (place: string, command: string[], values: Values) =>
      (await import('./cloud/exec.ts')).exec(io, place, command, values),
    );
}
