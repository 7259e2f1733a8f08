// `stint audit …`: the audit devices of a server, and the check of their files, which needs no server.
import type { Command } from 'commander';
import { askServer, type Connection } from '../broker-client.ts';
import type { Io } from '../command.ts';
import type { VerifyOptions } from '../lend/audit-verify.ts';
import { closed } from '../lend/mounts.ts';
import { addConnection, addReply, examples, type ReplyOptions } from '../lend/options.ts';
import { printTable, printValue } from '../lend/reply.ts';
import { bodyOf } from '../lend/values.ts';
import { say } from '../output.ts';

export function register(program: Command, io: Io): void {
  const audit = program
    .command('audit')
    .description('audit devices of the server, and the check of their files')
    .addHelpText(
      'after',
      examples('stint audit enable file file_path=/var/log/stint/audit.log', 'stint audit verify audit.log'),
    );
  registerEnable(audit, io);
  registerList(audit, io);
  addConnection(audit.command('disable'))
    .description('forget an audit device; its file stays')
    .argument('<path>')
    .addHelpText('after', examples('stint audit disable file', 'stint audit disable team/file'))
    .action(async (path: string, options: Connection) => {
      await askServer(io, 'DELETE', `sys/audit/${closed(path)}`, {}, options);
      say(io, `disabled, if it was there: ${path}`);
    });
  registerVerify(audit, io);
}

interface EnableOptions extends Connection {
  readonly path?: string;
  readonly description: string;
  readonly local?: true;
}

function registerEnable(audit: Command, io: Io): void {
  addConnection(audit.command('enable'))
    .description('record every request and every answer on a device')
    .argument('<type>', 'file or socket')
    .argument('[values...]', 'options of the device, as file_path=/var/log/stint/audit.log')
    .option('--path <path>', 'its name; the type unless given')
    .option('--description <text>', 'for people', '')
    .option('--local', 'as Vault has it; this server does not replicate')
    .addHelpText(
      'after',
      examples(
        'stint audit enable file file_path=stdout',
        'stint audit enable -path=siem socket address=10.0.0.7:9090',
      ),
    )
    .action(async (type: string, values: string[], { path = type, description, local, ...options }: EnableOptions) => {
      const body = { type, description, local: local === true, options: await bodyOf(io, values) };
      await askServer(io, 'PUT', `sys/audit/${closed(path)}`, { body }, options);
      say(io, `enabled the audit device ${type} at ${closed(path)}/`);
    });
}

interface ShownDevice {
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
}

function registerList(audit: Command, io: Io): void {
  addReply(audit.command('list'))
    .description('list the audit devices')
    .option('--detailed', 'with their options')
    .addHelpText('after', examples('stint audit list', 'stint audit list --detailed'))
    .action(async (options: ReplyOptions & { readonly detailed?: true }) => {
      const devices = (await askServer(io, 'GET', 'sys/audit', {}, options)).body['data'] as Record<
        string,
        ShownDevice
      >;
      if (options.json === true || options.format !== undefined) return printValue(io, devices, {}, options);
      if (Object.keys(devices).length === 0) return say(io, 'no audit device is enabled: nothing is recorded');
      printTable(
        io,
        Object.fromEntries(Object.entries(devices).map(([path, device]) => [path, rowOf(device, options)])),
      );
    });
}

function rowOf({ type, description, options }: ShownDevice, { detailed }: { readonly detailed?: true }): string {
  const shown = detailed === true ? Object.entries(options).map(([key, value]) => `${key}=${value}`) : [];
  return [type, ...shown, description].join('  ').trimEnd();
}

function registerVerify(audit: Command, io: Io): void {
  audit
    .command('verify')
    .description('check the chain of audit files, offline: exit code 0 intact, 1 broken')
    .argument('<files...>', 'in the order in which they were written, as audit.log.1 audit.log')
    .option('--key <key>', 'the public key that must have signed; `stint read stint/audit/DEVICE` shows it')
    .option('--head <seq:hash>', 'where the chain had come to; the head file beside the last file unless given')
    .option('--prefix <text>', 'what stands in front of every line')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      examples('stint audit verify /var/log/stint/audit.log', 'stint audit verify --key MCow… audit.log.1 audit.log'),
    )
    .action(async (files: string[], options: VerifyOptions) =>
      (await import('../lend/audit-verify.ts')).verify(io, files, options),
    );
}
