// Refusals that can be asked about later: by their id, and by the encoded message that EC2 hands out.
// Keeps the request as it was decided; the explanation is worked out only when somebody asks.
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { randomText, type Random, type Secret } from '../base/index.ts';
import { explain, type AuthorizationRequest, type Decision, type Trace } from '../policy/index.ts';

/** Refusals kept; older ones are forgotten. Their policies are shared with the live ones, so one costs about 2 KB. */
const kept = 2000;

export type Explanation = { readonly id: string } & Trace;

export class Explanations {
  readonly #random: Random;
  readonly #key: Uint8Array;
  readonly #refused = new Map<string, AuthorizationRequest | Trace>();

  /** `secret` is what encoded messages are sealed with: they can be read as long as it stays the same. */
  constructor(random: Random, secret: Secret) {
    this.#random = random;
    this.#key = new Uint8Array(hkdfSync('sha256', secret.reveal(), '', 'authorization-message', 32));
  }

  /** Keeps a refused request; returns its explain id. */
  record(request: AuthorizationRequest): string {
    return this.#keep(request);
  }

  /** Keeps a refusal by a rule of the service, which no policy has a say in; returns its explain id. */
  recordRule(request: Trace['request'], reason: string, hint: string | undefined): string {
    const cure = hint ?? `no policy can allow it, the service says: ${reason}`;
    return this.#keep({
      request,
      decision: 'deny',
      decidedBy: { type: 'service', explicit: false },
      policies: [],
      cure,
    });
  }

  #keep(refused: AuthorizationRequest | Trace): string {
    const id = randomText(this.#random, 20);
    this.#refused.set(id, refused);
    if (this.#refused.size > kept) this.#refused.delete(this.#refused.keys().next().value!);
    return id;
  }

  find(id: string): Explanation | undefined {
    const refused = this.#refused.get(id);
    if (refused === undefined) return undefined;
    return { id, ...('cure' in refused ? refused : explain(refused)) };
  }

  clear(): void {
    this.#refused.clear();
  }

  /** The text after EC2's `Encoded authorization failure message:`; complete in itself, readable by this server for the caller's account only. */
  encode(id: string, request: AuthorizationRequest, decision: Decision): string {
    const clear = deflateRawSync(JSON.stringify(messageOf(id, request, decision)));
    const nonce = this.#random.bytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce);
    cipher.setAAD(Buffer.from('account' in request.principal ? request.principal.account : ''));
    const text = Buffer.concat([cipher.update(clear), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), text]).toString('base64url');
  }

  /** The JSON text that `encode` sealed for a caller of `account`; undefined when `encoded` is not its work. */
  decode(encoded: string, account: string): string | undefined {
    const sealed = Buffer.from(encoded, 'base64url');
    if (sealed.length < 28) return undefined;
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, sealed.subarray(0, 12), { authTagLength: 16 });
      decipher.setAAD(Buffer.from(account));
      decipher.setAuthTag(sealed.subarray(12, 28));
      const clear = Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]);
      return inflateRawSync(clear, { maxOutputLength: 1_048_576 }).toString('utf8');
    } catch {
      return undefined;
    }
  }
}

/** The members that AWS shows. Source: AWS CLI reference, decode-authorization-message; `explainId` is ours. */
function messageOf(id: string, request: AuthorizationRequest, decision: Decision): object {
  const { principal } = request;
  const explicit = decision.decision === 'deny' && decision.explicit ? decision.by : undefined;
  const statement = explicit?.attached.policy.document.statements[explicit.index];
  return {
    allowed: decision.decision === 'allow',
    explicitDeny: explicit !== undefined,
    matchedStatements: items(
      statement === undefined
        ? []
        : [
            {
              statementId: statement.sid ?? '',
              effect: statement.effect.toUpperCase(),
              // Of a session its role: the id before the session's name.
              principals: items([{ value: idOf(request).split(':')[0]! }]),
              principalGroups: items([]),
              [statement.action.not ? 'notActions' : 'actions']: values(statement.action.values),
              resources: values(statement.resource?.values ?? []),
              conditions: items(statement.conditions.map((one) => ({ key: one.key, values: values(one.values) }))),
            },
          ],
    ),
    failures: items([]),
    context: {
      principal: {
        id: idOf(request),
        ...(principal.type === 'User' ? { name: principal.userName } : {}),
        ...('arn' in principal ? { arn: principal.arn } : {}),
      },
      action: request.action,
      resource: request.resource.arn,
      conditions: items([...request.context].map(([key, value]) => ({ key, values: values([value].flat()) }))),
    },
    explainId: id,
  };
}

function idOf({ context }: AuthorizationRequest): string {
  return [context.get('aws:userid') ?? ''].flat()[0]!;
}

const items = (list: readonly object[]): object => ({ items: list });
const values = (list: readonly string[]): object => items(list.map((value) => ({ value })));
