// Ways up: from a principal, step by step, to whatever it can become. The shortest way first.
import type { Directory } from '../access/directory.ts';
import type { Subject } from '../access/subjects.ts';
import { edgesFrom, type Edge } from './edges.ts';
import type { Method } from './method.ts';
import { boundaryOf, statementsOf, EscalationWorld } from './world.ts';

/** What a way ends in. */
export type Gain =
  /** Any permission in the account, within a boundary of the one who has it in the end. */
  | 'any-permission'
  /** Becomes a principal that may give itself any permission. */
  | 'administrator'
  /** Becomes another principal, or joins a group. */
  | 'principal'
  /** Loses a boundary or a denial. */
  | 'guard-rail'
  /** Reads secrets, or takes over keys and buckets. */
  | 'data';

export interface EscalationPath {
  readonly from: Subject;
  /** Who he is in the end; absent when that is himself. */
  readonly to?: Subject | undefined;
  readonly gain: Gain;
  /** Nothing but what is known is needed. */
  readonly certain: boolean;
  readonly steps: readonly Edge[];
}

/**
 * Calls by which somebody gives himself, or anybody, any permission. Making keys is none of them: an organisation that
 * denies it to everybody takes no administrator anything that counts.
 */
const adminCalls: readonly (readonly [string, string])[] = [
  ['iam:AttachUserPolicy', 'user/probe'],
  ['iam:AttachRolePolicy', 'role/probe'],
  ['iam:PutRolePolicy', 'role/probe'],
  ['iam:CreatePolicyVersion', 'policy/probe'],
  ['iam:UpdateAssumeRolePolicy', 'role/probe'],
];

function isUnlimited({ document }: NonNullable<ReturnType<typeof boundaryOf>>): boolean {
  const texts = (value: unknown): unknown[] => [value].flat();
  return (
    document !== undefined &&
    statementsOf(document).every(({ Effect }) => Effect === 'Allow') &&
    statementsOf(document).some(
      ({ Action, Resource, Condition }) =>
        Condition === undefined && texts(Action).includes('*') && texts(Resource).includes('*'),
    )
  );
}

/** The ways up within one set of details. Edges are found when first asked for. */
export class Escalations {
  readonly directory: Directory;
  readonly #world: EscalationWorld;
  readonly #edges = new Map<Subject, readonly Edge[]>();
  readonly #admins = new Map<Subject, boolean>();

  constructor(directory: Directory) {
    this.directory = directory;
    this.#world = new EscalationWorld(directory);
  }

  /**
   * Whether somebody may already write any permission in the account: what is gained by a step there is nothing new.
   * A boundary that leaves less than everything makes it no.
   */
  isAdministrator(subject: Subject): boolean {
    const known = this.#admins.get(subject);
    if (known !== undefined) return known;
    const { id, partition } = subject.account;
    const boundary = boundaryOf(subject);
    const found =
      (boundary === undefined || isUnlimited(boundary)) &&
      adminCalls.every(
        ([action, name]) =>
          this.#world.mayAnywhere(subject, action) &&
          this.#world.directory.ask(subject, {
            action,
            resource: `arn:${partition}:iam::${id}:${name}`,
            // Something new: what is protected by its tags is protected from administrators too.
            absent: ['aws:ResourceTag/', 'iam:ResourceTag/'],
            ...(subject.kind === 'role' ? {} : { context: { 'aws:MultiFactorAuthPresent': 'true' } }),
          }).answer === 'allowed',
      );
    this.#admins.set(subject, found);
    return found;
  }

  /** The steps of one principal. An administrator's are only those into other accounts. */
  edgesFrom(subject: Subject): readonly Edge[] {
    const known = this.#edges.get(subject);
    if (known !== undefined) return known;
    const all = (): boolean => true;
    const assume = ({ id }: Method): boolean => id === 'assume';
    const edges = edgesFrom(this.#world, subject, this.isAdministrator(subject) ? assume : all);
    this.#edges.set(subject, edges);
    return edges;
  }

  /**
   * The shortest way from `subject` to each of what it can become or gain; where a certain way exists, that one. To
   * become one of many is told of the one whose step it is, not of everybody who can become that one; and nothing is
   * told of what a single assumption of a role gives: that is what the role's trust is for.
   */
  pathsFrom(subject: Subject): readonly EscalationPath[] {
    if (this.isAdministrator(subject)) return [];
    const found = new Map<string, EscalationPath>();
    for (const certain of [true, false]) {
      for (const path of this.#search(subject, certain)) {
        const key = `${path.gain} ${path.to?.arn ?? ''}`;
        if (!found.has(key)) found.set(key, path);
      }
    }
    const byRight = this.#accountsByRight(subject);
    return [...found.values()]
      .filter(({ gain, steps, to }) =>
        gain === 'administrator' || gain === 'any-permission'
          ? !byRight.has((to ?? subject).account.id) && (steps.length > 1 || !isAssumption(steps[0]!))
          : steps.length === 1 && !isAssumption(steps[0]!),
      )
      .sort((a, b) => gains.indexOf(a.gain) - gains.indexOf(b.gain) || a.steps.length - b.steps.length);
  }

  /** Accounts in which somebody may become an administrator by assuming a role. */
  #accountsByRight(subject: Subject): ReadonlySet<string> {
    const roles = this.edgesFrom(subject).flatMap((edge) => (isAssumption(edge) && edge.certain ? [edge.to!] : []));
    return new Set(roles.filter((role) => this.isAdministrator(role)).map(({ account }) => account.id));
  }

  /** Everybody that `subject` can become, by certain steps or also by those that hang on something. */
  closure(subject: Subject, certain: boolean): ReadonlySet<Subject> {
    const reached = new Set<Subject>([subject]);
    for (const next of reached) {
      for (const { to, certain: sure } of this.edgesFrom(next))
        if (to !== undefined && (sure || !certain)) reached.add(to);
    }
    reached.delete(subject);
    return reached;
  }

  /** All ways up, of everybody who is no administrator. */
  all(): readonly EscalationPath[] {
    return this.#world.directory.subjects
      .filter(({ kind, role }) => kind !== 'group' && role?.path.startsWith('/aws-service-role/') !== true)
      .flatMap((subject) => this.pathsFrom(subject));
  }

  *#search(start: Subject, certain: boolean): Generator<EscalationPath> {
    const seen = new Set<Subject>([start]);
    let front: { readonly at: Subject; readonly steps: readonly Edge[] }[] = [{ at: start, steps: [] }];
    while (front.length > 0) {
      const next: typeof front = [];
      for (const { at, steps } of front) {
        for (const edge of this.edgesFrom(at)) {
          if (certain && !edge.certain) continue;
          const way = [...steps, edge];
          const { outcome } = edge.method;
          if (outcome === 'becomes' || outcome === 'joins') {
            if (seen.has(edge.to!)) continue;
            seen.add(edge.to!);
            next.push({ at: edge.to!, steps: way });
          }
          yield this.#path(start, way);
        }
      }
      front = next;
    }
  }

  #path(from: Subject, steps: readonly Edge[]): EscalationPath {
    const last = steps.at(-1)!;
    const { outcome } = last.method;
    const to = last.to ?? (last.from === from ? undefined : last.from);
    return {
      from,
      ...(to === undefined ? {} : { to }),
      gain: this.#gain(outcome, to ?? from, last),
      certain: steps.every((step) => step.certain),
      steps,
    };
  }

  #gain(outcome: Method['outcome'], end: Subject, last: Edge): Gain {
    if (outcome === 'any') return 'any-permission';
    if (outcome === 'sheds') return 'guard-rail';
    if (outcome === 'takes') return 'data';
    return last.to !== undefined && this.isAdministrator(end) ? 'administrator' : 'principal';
  }
}

const isAssumption = ({ method }: Edge): boolean => method.id === 'assume';

const gains: readonly Gain[] = ['any-permission', 'administrator', 'guard-rail', 'principal', 'data'];
