// The server's own state: seal, version, keys of AWS mounts and their age, audit devices.
import { useEffect, useRef, useState, type ReactNode } from 'react';
import { askData, type Outcome } from '../api.ts';
import type { Session } from '../session.ts';
import { auditText, keyAge, sealText, type AuditState, type RootKey, type SealStatus } from '../view/server.ts';
import { exactTime } from '../view/time.ts';
import { Refused } from './notices.tsx';

/** Version of the Stint that built this page, which is the one that serves it. */
declare const STINT_VERSION: string;

interface Props {
  readonly status: SealStatus;
  readonly session: Session;
}

interface Mounted {
  readonly secret: Readonly<Record<string, { readonly type: string }>>;
}

interface MountKeys {
  readonly mount: string;
  readonly keys: Outcome<readonly RootKey[]>;
}

export function Server({ status, session: { token, who } }: Props): ReactNode {
  const audit = useOnce(() => askData<{ devices: readonly AuditState[] }>({ path: 'stint/audit', token }));
  const mounts = useOnce(() => readKeys(token));
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section>
      <h2 ref={heading} tabIndex={-1}>
        Server
      </h2>
      <dl>
        <Fact name="State">{sealText(status)}</Fact>
        <Fact name="Seal">
          {status.type}
          {status.recovery_seal ? ', opens by itself' : `, ${status.t} of ${status.n} shares`}
        </Fact>
        <Fact name="Version">
          Stint {STINT_VERSION}, speaks the API of Vault {status.version}
        </Fact>
        <Fact name="Signed in as">
          {who.display_name}, policies {who.policies.join(', ')}
          {who.expire_time === null ? '' : `, until ${exactTime(who.expire_time)}`}
        </Fact>
      </dl>
      <h3>Audit devices</h3>
      <Answered outcome={audit}>{({ devices }) => <Devices devices={devices} />}</Answered>
      <h3>Keys the server acts with in AWS</h3>
      <Answered outcome={mounts}>{(all) => <Keys mounts={all} />}</Answered>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ReactNode }): ReactNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** What `work` answered, once for each time the part is shown; undefined until then. */
function useOnce<T>(work: () => Promise<Outcome<T>>): Outcome<T> | undefined {
  const [outcome, setOutcome] = useState<Outcome<T>>();
  const first = useRef(work);
  useEffect(() => {
    let shown = true;
    void first.current().then((answer) => {
      if (shown) setOutcome(answer);
    });
    return () => {
      shown = false;
    };
  }, []);
  return outcome;
}

interface AnsweredProps<T> {
  readonly outcome: Outcome<T> | undefined;
  readonly children: (value: T) => ReactNode;
}

function Answered<T>({ outcome, children }: AnsweredProps<T>): ReactNode {
  if (outcome === undefined) return <p role="status">Asking…</p>;
  return outcome.ok ? children(outcome.value) : <Refused refusal={outcome.refusal} />;
}

function Devices({ devices }: { readonly devices: readonly AuditState[] }): ReactNode {
  if (devices.length === 0) return <p className="notice bad">There is none: nobody records what this server does.</p>;
  return (
    <ul className="plain">
      {devices.map((device) => (
        <li key={device.path}>
          <span className={device.state === 'ok' ? 'chip good' : 'chip bad'}>{device.state}</span> {device.path} (
          {device.type}): {auditText(device)}
        </li>
      ))}
    </ul>
  );
}

/** The mounts of the AWS engine that the token may touch, each with its keys or the refusal. */
async function readKeys(token: string): Promise<Outcome<readonly MountKeys[]>> {
  const mounted = await askData<Mounted>({ path: 'sys/internal/ui/mounts', token });
  if (!mounted.ok) return mounted;
  const paths = Object.entries(mounted.value.secret).filter(([, { type }]) => type === 'aws');
  const all = await Promise.all(
    paths.map(async ([path]): Promise<MountKeys> => {
      const segments = path.split('/').filter((segment) => segment !== '');
      const asked = await askData<RootKey & { readonly accounts: Readonly<Record<string, RootKey>> }>({
        path: `${segments.map(encodeURIComponent).join('/')}/stint/root`,
        token,
      });
      if (!asked.ok) return { mount: path, keys: asked };
      const { accounts, ...own } = asked.value;
      const others = Object.entries(accounts).map(([account, key]) => ({ account, ...key }));
      return { mount: path, keys: { ...asked, value: [own, ...others] } };
    }),
  );
  return { ok: true, value: all, warnings: [] };
}

function Keys({ mounts }: { readonly mounts: readonly MountKeys[] }): ReactNode {
  if (mounts.length === 0) return <p>No mount of AWS that you may use.</p>;
  return mounts.map(({ mount, keys }) => (
    <div key={mount}>
      <h4>{mount}</h4>
      <Answered outcome={keys}>
        {(all) => (
          <ul className="plain">
            {all.map((key) => (
              <KeyLine key={key.account ?? ''} of={key} />
            ))}
          </ul>
        )}
      </Answered>
    </div>
  ));
}

function KeyLine({ of }: { readonly of: RootKey }): ReactNode {
  const { text, old } = keyAge(of);
  return (
    <li>
      {of.account === undefined ? '' : `account ${of.account}: `}
      <span className={old ? 'bad' : undefined}>{text}</span>
      {of.arn === undefined ? '' : ` (${of.arn})`}
    </li>
  );
}
