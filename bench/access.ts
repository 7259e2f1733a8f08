// Access as code over many accounts, against the embedded AWS as a process of its own: seconds, calls, processor and
// memory of each command, each in a process of its own, as people run them. Each role: trust for the central account, an inline policy,
// a managed policy, and a group in the central account that may become it. Terraform beside it where the machine has it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  applyDefinition,
  compileDefinition,
  makePlan,
  openJournal,
  planText,
  type Wanted,
} from '../src/access/index.ts';
import { definitionSchema } from '../src/access/model.ts';
import { openAccounts } from '../src/aws/index.ts';
import { systemClock, systemRandom } from '../src/base/index.ts';
import { startStint } from './contestants.ts';
import { benchTerraform } from './terraform.ts';

const { values } = parseArgs({
  allowNegative: true,
  options: {
    main: { type: 'string', default: join(import.meta.dirname, '../src/cli/main.ts') },
    sizes: { type: 'string', default: '5x20,20x50,200x50' },
    /** `--no-terraform`: without Terraform, which takes minutes, beside the smallest size. */
    terraform: { type: 'boolean', default: true },
    /** Only within: the size and the command that this process measures. */
    child: { type: 'string' },
    command: { type: 'string' },
  },
});

export interface Size {
  readonly accounts: number;
  readonly roles: number;
}

const sizeOf = (text: string): Size => {
  const [accounts = 0, roles = 0] = text.split('x').map(Number);
  return { accounts, roles };
};

const central = '111111111111';
const idOf = (index: number): string => String(200_000_000_000 + index);

function definitionOf({ accounts, roles }: Size): object {
  const names = Array.from({ length: accounts }, (_, index) => index);
  const each = Array.from({ length: roles }, (_, index) => index);
  return {
    version: 1,
    organization: 'o-accessbench',
    accounts: {
      central: { id: central, stage: 'central', central: true },
      ...Object.fromEntries(names.map((index) => [`account-${index}`, { id: idOf(index), stage: 'dev' }])),
    },
    stages: ['central', 'dev'],
    people: { alice: { groups: each.slice(0, 5).map((index) => `group_${index}`) } },
    groups: Object.fromEntries(each.map((index) => [`group_${index}`, {}])),
    roles: Object.fromEntries(
      each.map((index) => [
        `role_${index}`,
        {
          in: { stage: 'dev' },
          trust: [{ group: `group_${index}` }],
          managed: ['ReadOnlyAccess'],
          statements: [{ Effect: 'Allow', Action: 's3:GetObject', Resource: `arn:aws:s3:::bucket-${index}/*` }],
        },
      ]),
    ),
  };
}

function organizationFile(folder: string, { accounts }: Size): string {
  const members = Array.from({ length: accounts }, (_, index) => ({
    id: idOf(index),
    name: `account-${index}`,
    stage: 'dev',
  }));
  const all = [{ id: central, name: 'central', stage: 'central' }, ...members];
  const file = join(folder, 'organization.json');
  writeFileSync(file, JSON.stringify({ version: 1, id: 'o-accessbench', management: central, accounts: all }));
  return file;
}

const commands = ['first plan', 'apply from nothing', 'plan without changes', 'destroy'] as const;

type Command = (typeof commands)[number];

interface Row {
  readonly compileSeconds: number;
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly calls: number;
  readonly reads: number;
  /** The most of it, in MiB. */
  readonly memory: number;
}

/** Measures one command, in this process; prints JSON. */
async function measure(size: Size, command: Command): Promise<void> {
  const began = performance.now();
  const definition = definitionSchema.parse(definitionOf(size));
  const wanted: Wanted = compileDefinition(definition, systemClock.now());
  const compileSeconds = (performance.now() - began) / 1000;
  const folder = mkdtempSync(join(tmpdir(), 'stint-access-'));
  const sleep = async (millis: number): Promise<void> => pause(millis);
  const accounts = openAccounts({ env: process.env, clock: systemClock, random: systemRandom, sleep });
  const apply = async (mode: 'apply' | 'destroy'): Promise<number> => {
    const { outcome } = await applyDefinition({
      mode,
      wanted,
      accounts,
      // Told whole, as the command tells it before it asks.
      confirm: async (plan) => void planText(plan),
      openJournal: (header) => openJournal(folder, mode, header, systemClock),
      holder: { host: 'bench', pid: process.pid },
      hasEnded: () => false,
      clock: systemClock,
      random: systemRandom,
      sleep,
    });
    return outcome?.done ?? 0;
  };
  const plan = async (): Promise<number> => {
    planText((await makePlan({ wanted, accounts })).plan);
    return 0;
  };
  const work = {
    'first plan': plan,
    'plan without changes': plan,
    'apply from nothing': () => apply('apply'),
    destroy: () => apply('destroy'),
  };
  const callsBefore = await ask();
  const [start, cpu] = [performance.now(), process.cpuUsage()];
  const writes = await work[command]();
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - start) / 1000;
  const calls = (await ask()) - callsBefore;
  rmSync(folder, { recursive: true, force: true });
  const memory = process.resourceUsage().maxRSS / 1024;
  const row: Row = { compileSeconds, seconds, cpuSeconds: (user + system) / 1e6, calls, reads: calls - writes, memory };
  process.stdout.write(JSON.stringify(row));
}

/** Calls that the embedded AWS has answered so far: asked of the parent, which knows the control token. */
async function ask(): Promise<number> {
  process.send?.('calls');
  const [answer] = (await once(process, 'message')) as [number];
  return answer;
}

/** The number of the last event of an embedded AWS. */
async function lastEvent(endpoint: string, token: string): Promise<number> {
  const response = await fetch(`${endpoint}/_stint/events?after=1000000000`, {
    headers: { 'x-stint-control': token },
  });
  const { next } = (await response.json()) as { next: number };
  return next;
}

type Cloud = Awaited<ReturnType<typeof startStint>>;

/** Runs one command in a process of its own. */
async function runCommand(cloud: Cloud, size: string, command: Command): Promise<Row> {
  const child = spawn(process.execPath, [import.meta.filename, '--child', size, '--command', command], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      PATH: process.env['PATH'],
      NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'],
      AWS_ENDPOINT_URL: cloud.endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: cloud.keys.accessKeyId,
      AWS_SECRET_ACCESS_KEY: cloud.keys.secretAccessKey,
    },
  });
  child.on('message', () => void lastEvent(cloud.endpoint, cloud.controlToken).then((last) => child.send(last)));
  let output = '';
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  await once(child, 'close');
  return JSON.parse(output) as Row;
}

async function report(text: string): Promise<void> {
  const size = sizeOf(text);
  const folder = mkdtempSync(join(tmpdir(), 'stint-access-'));
  using cloud = await startStint(values.main, '--org', organizationFile(folder, size));
  console.log(`\n${text}: ${size.accounts} accounts and the central one, ${size.roles} roles each`);
  for (const command of commands) {
    const { compileSeconds, seconds, cpuSeconds, calls, reads, memory } = await runCommand(cloud, text, command);
    const perAccount = (reads / (size.accounts + 1)).toFixed(1);
    console.log(
      `  ${command.padEnd(22)} ${seconds.toFixed(2).padStart(7)} s after ${compileSeconds.toFixed(2)} s of compiling  ${cpuSeconds.toFixed(2).padStart(6)} s of processor  ${String(calls).padStart(6)} calls, ${perAccount} beside steps an account  ${String(Math.round(memory)).padStart(4)} MiB`,
    );
  }
  if (values.terraform && size.accounts <= 5) await benchTerraform(cloud.endpoint, cloud.keys, size, idOf);
  rmSync(folder, { recursive: true, force: true });
}

if (values.child === undefined) for (const text of values.sizes.split(',')) await report(text);
else await measure(sizeOf(values.child), values.command as Command).finally(() => process.disconnect());
