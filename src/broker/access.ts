// Who is calling and whether they may: the token and ACL checks of the pipeline, over the stored
// tokens, identities and policies.
import type { Clock, Secret } from '../base/index.ts';
import { capabilitiesOn, decideAnySpelling, reaches, readableKeys, type AclDecision } from './acl.ts';
import { compileAcl, type Acl } from './acl-index.ts';
import { tokenOf, type Call, type Granted } from './call.ts';
import { brokerFailure } from './failures.ts';
import { severalErrors } from './go-errors.ts';
import type { Caller } from './identity/identity.ts';
import type { Token } from './model.ts';
import type { Policies } from './policies.ts';
import type { Version } from './storage/store.ts';
import type { Tokens } from './tokens.ts';

// Vault's text, with which its clients recognise the refusal.
const denied = severalErrors('permission denied');
/** Rules in all compiled ACLs that are kept. A token of 100 policies with 100 rules each takes 10,000. */
const rulesKept = 500_000;

interface AccessParts {
  readonly tokens: Tokens;
  readonly policies: Policies;
  /** The entity of this id; undefined when it is gone. */
  readonly caller: (entityId: string) => Promise<Caller | undefined>;
  readonly clock: Clock;
}

interface Kept {
  readonly acl: Acl | undefined;
  /** True: another caller with the same policies may get other rules. */
  readonly templated: boolean;
  readonly size: number;
}

export class Access {
  readonly #parts: AccessParts;
  #epoch = '';
  #kept = new Map<string, Kept>();
  #keptRules = 0;

  constructor(parts: AccessParts) {
    this.#parts = parts;
  }

  /**
   * @throws Failure `permission-denied` when the token is missing, unknown, has ended or is bound to
   *   other addresses; which of them is not told.
   */
  async checkToken(id: Secret | undefined, address: string): Promise<Token> {
    const token = await this.tokenOf(id, address);
    if (token !== undefined) return token;
    throw brokerFailure('permission-denied', 'permission denied', {
      hint: 'send a token that lives in `X-Vault-Token`; `stint login` stores one',
    });
  }

  /** The token with this id, or undefined; takes a use. */
  tokenOf(id: Secret | undefined, address: string): Promise<Token | undefined> {
    return id === undefined ? Promise.resolve(undefined) : this.#parts.tokens.use(id.reveal(), address);
  }

  /**
   * What the policies grant, and the body as they let it through: a rule may shorten the page of a list.
   * @throws Failure `permission-denied` naming the rule that decided and who could change it.
   */
  async checkAcl(call: Call, sudo: boolean): Promise<{ readonly granted: Granted; readonly body: Call['body'] }> {
    const { operation, body } = call;
    const token = tokenOf(call);
    const path = operation === 'list' ? `${call.path}/` : call.path;
    const caller = token.entityId === '' ? undefined : await this.#callerOf(token);
    const acl = await this.#compiled(token, caller);
    const decision = decideAnySpelling(acl, {
      operation,
      path,
      sudo,
      data: body,
      wrapSeconds: call.wrapTtlSeconds ?? 0,
    });
    const identityPolicies = caller?.policies ?? [];
    if (!decision.allowed) throw refusal(call, sudo, decision, [...token.policies, ...identityPolicies]);
    const { grantedBy, keysFilterPath } = decision;
    const granted = {
      identityPolicies,
      grantedBy,
      ...(keysFilterPath === undefined
        ? {}
        : { shownKeys: (keys: readonly string[]) => readableKeys(acl, keysFilterPath, path, keys) }),
    };
    return { granted, body: decision.limit === undefined ? body : { ...body, limit: decision.limit } };
  }

  async capabilities(token: Token, path: string): Promise<readonly string[]> {
    return capabilitiesOn(await this.acl(token), path);
  }

  /** True when the token's policies allow something on the mount's path or below it. */
  async mayTouch(token: Token, mountPath: string): Promise<boolean> {
    return reaches(await this.acl(token), `${mountPath}/`);
  }

  /**
   * What the token may do: by its own policies and those of its entity and groups, as they are now.
   * @throws Failure `permission-denied` when its entity is disabled or gone.
   */
  async acl(token: Token): Promise<Acl> {
    return this.#compiled(token, await this.#callerOf(token));
  }

  async #compiled(token: Token, caller: Caller | undefined): Promise<Acl> {
    const more = caller?.policies ?? [];
    const names = more.length === 0 ? token.policies : [...new Set([...token.policies, ...more])];
    const epoch = await this.#parts.policies.epoch();
    this.#dropUnless(epoch);
    // SECURITY: a name may hold any character: joined by one of them, one name could read as two.
    const shared = JSON.stringify(names);
    const own = `${shared}${caller?.key ?? ''}`;
    const now = this.#parts.clock.now();
    const first = this.#kept.get(shared);
    const kept = first?.templated === true ? this.#kept.get(own) : first;
    if (kept?.acl !== undefined && now < kept.acl.validUntil) return kept.acl;
    const { policies, templated } = await this.#parts.policies.rules(names, caller?.template);
    const acl = compileAcl(policies, now);
    const size = policies.reduce((sum, { rules }) => sum + rules.length, 1);
    // Policies may have changed since, and another request may have seen it first.
    if (epoch !== this.#epoch) return acl;
    if (templated) this.#keep(shared, { acl: undefined, templated, size: 1 });
    this.#keep(templated ? own : shared, { acl, templated, size });
    return acl;
  }

  async #callerOf({ entityId }: Token): Promise<Caller | undefined> {
    if (entityId === '') return undefined;
    const caller = await this.#parts.caller(entityId);
    if (caller !== undefined && !caller.disabled) return caller;
    throw brokerFailure('permission-denied', 'permission denied', {
      hint: `the entity \`${entityId}\` of the token is ${caller === undefined ? 'gone' : 'disabled'}`,
    });
  }

  #dropUnless(epoch: Version): void {
    if (epoch === this.#epoch) return;
    this.#epoch = epoch;
    this.#kept = new Map();
    this.#keptRules = 0;
  }

  #keep(key: string, kept: Kept): void {
    this.#keptRules += kept.size - (this.#kept.get(key)?.size ?? 0);
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const [oldest, { size }] of this.#kept) {
      if (this.#keptRules <= rulesKept || oldest === key) return;
      this.#kept.delete(oldest);
      this.#keptRules -= size;
    }
  }
}

function refusal({ operation, path }: Call, sudo: boolean, decision: AclDecision, policies: readonly string[]): Error {
  const needed = sudo ? `\`${operation}\` and \`sudo\`` : `\`${operation}\``;
  return brokerFailure('permission-denied', denied, {
    hint: `${whyNot(decision, policies)}: ask whoever writes policies for ${needed} on \`${path}\``,
  });
}

function whyNot({ decidedBy, reason }: AclDecision, policies: readonly string[]): string {
  const whose = `policies ${[...new Set(policies)].join(', ')}`;
  if (decidedBy === undefined) return `no rule of ${whose} covers this path`;
  return `the rule \`${decidedBy}\` of ${whose} ${reason ?? 'does not allow it'}`;
}
