// Things that were there before Stint: foreign, then observed (as wanted, but not marked), then adopted by name.
// Adopting writes marks and nothing else; what differs in meaning is no adoption but a change.
import { ranks, tagList, type StepDraft, type StepScope } from './calls.ts';
import { changeDetails, type Detail } from './details.ts';
import type { Finding } from './findings.ts';
import { isOwned, mostTags, ownerOf, ownerText } from './ownership.ts';
import type { AccountRef, Resource, SeenResource, Tags } from './resources.ts';
import { wantedSteps } from './steps.ts';
import { tagChanges } from './tag-steps.ts';

/** What to take over, and whether it may be changed with it. */
export interface Adoption {
  /** `dev/role/reader`: account, kind and name. */
  readonly ids: ReadonlySet<string>;
  readonly withChanges: boolean;
}

/** Marks that another tool leaves on what it manages: such a thing has a master already. */
export function managedElsewhere(tags: Tags): string | undefined {
  const found = Object.entries(tags).find(
    ([key, value]) =>
      (/^(?:managed[-_ ]?by|provisioner|iac)$/i.test(key) && /terraform|tofu|pulumi|cloudformation|cdk/i.test(value)) ||
      (/^terraform$/i.test(key) && /^(?:true|yes|1)$/i.test(value)) ||
      key === 'aws:cloudformation:stack-name',
  );
  return found === undefined ? undefined : `${found[0]}=${found[1]}`;
}

/** What is wanted, without the marks of ownership: what is left to differ is meaning. */
function unmarked(want: Resource, had: SeenResource): Resource {
  const tags = 'tags' in had && 'tags' in want ? { tags: had.tags } : {};
  const path = want.kind === 'group' && had.kind === 'group' ? { path: had.path } : {};
  return { ...want, ...tags, ...path };
}

/** Calls that would change what the thing means; none when it is as wanted. */
function differingSteps(want: Resource, had: SeenResource, scope: StepScope): StepDraft[] {
  const bare = unmarked(want, had);
  const moved = bare.name !== had.name || ('path' in bare && 'path' in had && bare.path !== had.path);
  const steps = wantedSteps(bare, had, scope);
  return moved && steps.length === 0 ? [{ operation: 'move', input: {}, rank: ranks.setting, inverse: [] }] : steps;
}

/** What to say of a wanted thing that exists and is not Stint's: observed when it is as wanted, else in the way. */
export function foreignFinding(account: AccountRef, want: Resource, had: SeenResource, scope: StepScope): Finding {
  const resource = `${want.kind}/${want.name}`;
  const place = { account: account.name, resource };
  const steps = differingSteps(want, had, scope);
  const theirs = ownerOf(had) !== undefined;
  const importable = `\`stint import ${account.name}/${resource}\``;
  if (steps.length === 0 && !theirs) {
    const elsewhere = 'tags' in had ? managedElsewhere(had.tags) : undefined;
    return {
      severity: 'info',
      code: 'observed',
      ...place,
      message:
        elsewhere === undefined
          ? 'is as wanted, but was not made by Stint: it is only watched'
          : `is as wanted, but \`${elsewhere}\` says that another tool manages it: it is only watched`,
      hint:
        elsewhere === undefined ? `${importable} takes it over` : 'take it out of that tool before it is taken over',
    };
  }
  const details = changeDetails(had, unmarked(want, had), scope.resolve).map(({ sign, text }) => `${sign} ${text}`);
  const shown = details.length === 0 ? '' : ` (wanted: ${details.slice(0, 5).join('; ')})`;
  return {
    severity: 'error',
    code: 'foreign-resource',
    ...place,
    message: `\`${had.name}\` exists already and ${ownerText(had)}: Stint changes and deletes only what it made${shown}`,
    hint: theirs
      ? 'choose another name, or remove the existing one by hand'
      : `make the definition say what is there, then ${importable} takes it over; or choose another name`,
  };
}

/** Named one by one while they are few. */
const observedShown = 5;

/** Many things that are only watched are one finding for each account, or nothing else would be seen. */
export function foldObserved(findings: readonly Finding[]): Finding[] {
  const observed = findings.filter(({ code, hint }) => code === 'observed' && hint?.includes('stint import') === true);
  if (observed.length <= observedShown) return [...findings];
  const names = observed.map(({ resource }) => resource!);
  const { account } = observed[0]!;
  const folded: Finding = {
    severity: 'info',
    code: 'observed',
    account,
    message: `${names.length} things are as wanted, but were not made by Stint: they are only watched (${names.slice(0, observedShown).join(', ')} and ${names.length - observedShown} more)`,
    hint: `\`stint import ${account}/${names[0]}\` takes one over`,
  };
  return [...findings.filter((it) => !observed.includes(it)), folded];
}

/** The calls by which a thing becomes Stint's, beside those that tag it: groups move, policies are tagged only once. */
function adoptionSteps(want: Resource, had: SeenResource): StepDraft[] {
  if (want.kind === 'group' && had.kind === 'group' && want.path !== had.path) {
    const move = (NewPath: string): StepDraft['inverse'][number] => ({
      operation: 'updateGroup',
      input: { GroupName: want.name, NewPath },
    });
    return [{ ...move(want.path), rank: ranks.tag, inverse: [move(had.path)] }];
  }
  if (want.kind !== 'policy' || had.kind !== 'policy' || had.arn === undefined) return [];
  const { set } = tagChanges(want.tags, had.tags);
  if (Object.keys(set).length === 0) return [];
  const PolicyArn = had.arn;
  const inverse = [{ operation: 'untagPolicy', input: { PolicyArn, TagKeys: Object.keys(set) } }];
  return [{ operation: 'tagPolicy', input: { PolicyArn, Tags: tagList(set) }, rank: ranks.tag, inverse }];
}

/** That there is no room for the marks, where there is none. */
function tagCrowd(want: Resource, had: SeenResource): string | undefined {
  if (!('tags' in want) || !('tags' in had)) return undefined;
  const all = new Set([...Object.keys(had.tags), ...Object.keys(want.tags)]).size;
  if (all <= mostTags) return undefined;
  const spare = all - mostTags;
  return `it has ${Object.keys(had.tags).length} tags, and AWS takes ${mostTags} with those by which Stint knows its own: ${spare} too many`;
}

/** Why a thing cannot be taken over as it is; undefined when nothing but marks would be written. */
function adoptionRefusal(
  want: Resource,
  had: SeenResource,
  { withChanges }: Adoption,
  scope: StepScope,
): string | undefined {
  const elsewhere = 'tags' in had ? managedElsewhere(had.tags) : undefined;
  if (elsewhere !== undefined) return `\`${elsewhere}\` says that another tool manages it`;
  if (ownerOf(had) !== undefined) return ownerText(had);
  const crowd = tagCrowd(want, had);
  if (crowd !== undefined) return crowd;
  if (withChanges || differingSteps(want, had, scope).length === 0) return undefined;
  const details = changeDetails(had, unmarked(want, had), scope.resolve).map(({ sign, text }) => `${sign} ${text}`);
  return `it is not as the definition says: ${details.slice(0, 5).join('; ') || 'its path'}`;
}

function notAdopted(account: AccountRef, want: Resource, why: string): Finding {
  return {
    severity: 'error',
    code: 'not-adopted',
    account: account.name,
    resource: `${want.kind}/${want.name}`,
    message: `cannot be taken over: ${why}`,
    hint: /another tool|belongs to/.test(why)
      ? 'take it out of there first'
      : why.endsWith('too many')
        ? 'take tags away that nobody needs'
        : 'make the definition say what is there, or give `--with-changes`',
  };
}

/** The calls that take a wanted thing over, when it is meant; else what is to be said of it. */
export function adopt(
  account: AccountRef,
  want: Resource,
  had: SeenResource | undefined,
  definition: string,
  adoption: Adoption,
  scope: StepScope,
): { readonly steps: StepDraft[]; readonly details?: readonly Detail[]; readonly findings: Finding[] } {
  const nothing = { steps: [], findings: [] };
  if (!adoption.ids.has(`${account.name}/${want.kind}/${want.name}`)) return nothing;
  if (had === undefined) {
    return { steps: [], findings: [notAdopted(account, want, 'AWS has no such thing; `stint apply` makes it')] };
  }
  if (isOwned(had, definition)) return nothing;
  const refused = adoptionRefusal(want, had, adoption, scope);
  if (refused !== undefined) return { steps: [], findings: [notAdopted(account, want, refused)] };
  const marks = adoptionSteps(want, had);
  const mark =
    want.kind === 'group' ? `moved to the path ${want.path}, by which Stint knows its own` : 'tags of the definition';
  const details = marks.length === 0 ? [] : [{ sign: '+', text: mark } as const];
  return { steps: [...wantedSteps(want, had, scope), ...marks], details, findings: [] };
}
