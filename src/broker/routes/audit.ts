// sys/audit, sys/audit-hash and sys/config/auditing: Vault's audit devices, with its shapes; and where a
// device's chain stands.
import type { Audit } from '../audit/audit.ts';
import { done, enveloped, envelopedTwice, param, served } from '../call.ts';
import { brokerFailure } from '../failures.ts';
import type { WireValue } from '../http/wire.ts';
import type { Handlers } from '../pipeline.ts';

type Names = 'audits' | 'audit' | 'auditHash' | 'auditHeaders' | 'auditHeader' | 'auditStates' | 'auditHead';

export function auditHandlers({ audit }: { readonly audit: Audit }): Pick<Handlers, Names> {
  return { ...deviceHandlers(audit), ...headerHandlers(audit) };
}

const deviceFields = {
  path: 'string',
  type: 'string',
  description: 'string',
  options: 'map',
  local: 'boolean',
} as const;

function deviceHandlers(audit: Audit): Pick<Handlers, 'audits' | 'audit' | 'auditHash' | 'auditStates' | 'auditHead'> {
  return {
    audits: served('List the enabled audit devices.', {}, async (call) =>
      envelopedTwice(
        call,
        Object.fromEntries(
          audit
            .list()
            .map(({ path, type, description, options, local }) => [
              path,
              { path, type, description, options, local } satisfies WireValue,
            ]),
        ),
      ),
    ),
    audit: served('Enable or disable an audit device.', deviceFields, async (call, values) => {
      const path = closed(param(call, 'path'));
      if (call.operation === 'delete') await audit.disable(path);
      else {
        const { type = '', description = '', options = {}, local = false } = values;
        await audit.enable({ path, type, description, options, local });
      }
      return done();
    }),
    auditHash: served(
      'The hash with which an audit device records a text.',
      { path: 'string', input: 'string' },
      async (call, { input = '' }) => {
        if (input === '') throw brokerFailure('bad-request', 'the "input" parameter is empty');
        return envelopedTwice(call, { hash: audit.hash(closed(param(call, 'path')), input) });
      },
    ),
    auditStates: served('Which audit devices there are, and how each does.', {}, async (call) =>
      enveloped(call, { data: { devices: audit.states().map((device) => ({ ...device })) } }),
    ),
    auditHead: served('Where the chain of an audit device stands.', { path: 'string' }, async (call) => {
      const head = audit.headOf(closed(param(call, 'path')));
      if (head === undefined) throw brokerFailure('not-found', '');
      return enveloped(call, { data: { seq: head.seq, hash: head.hash, key: head.key } });
    }),
  };
}

const headerFields = { header: 'string', hmac: 'boolean' } as const;

function headerHandlers({ headers }: Audit): Pick<Handlers, 'auditHeaders' | 'auditHeader'> {
  return {
    auditHeaders: served('List the request headers that audit records.', {}, async (call) => {
      const shown = Object.fromEntries(Object.entries(headers.all).map(([name, hmac]) => [name, { hmac }]));
      return envelopedTwice(call, { headers: shown });
    }),
    auditHeader: served('A request header that audit records.', headerFields, async (call, { hmac = false }) => {
      const name = param(call, 'header');
      if (call.operation === 'update') await headers.set(name, hmac);
      else if (call.operation === 'delete') await headers.remove(name);
      else {
        const known = Object.entries(headers.all).find(([header]) => header === name.toLowerCase())?.[1];
        if (known === undefined) throw brokerFailure('bad-request', 'Could not find header in config');
        return envelopedTwice(call, { [name]: { hmac: known } });
      }
      return done();
    }),
  };
}

function closed(path: string): string {
  return `${path.replace(/\/+$/, '')}/`;
}
