// Checks of policy variables: `${key}` and `${key, 'default'}`.
import { analyzer, eachStatement, found, type Check, type Found } from '../check.ts';
import type { LintStatement, TextSpot } from '../lint-document.ts';

/** Every text in which a variable means something. */
function places({ resource, conditions }: LintStatement): TextSpot[] {
  return [...(resource?.items ?? []), ...conditions.flatMap(({ values }) => values)];
}

/** The insides of the variables of a text. */
function insides(text: string): string[] {
  return Array.from(text.matchAll(/\$\{([^}]*)\}/g), ([, inside]) => inside!);
}

const eachInside = (judge: (inside: string) => string | undefined): Check['find'] =>
  eachStatement((statement) =>
    places(statement).flatMap((place) =>
      insides(place.text).flatMap((inside) => {
        const message = judge(inside);
        return message === undefined ? [] : [found(place, message)];
      }),
    ),
  );

function unclosed({ text }: TextSpot): boolean {
  const last = text.lastIndexOf('${');
  return last >= 0 && !text.slice(last).includes('}');
}

function keyOf(inside: string): string {
  return inside.split(',', 1)[0]!;
}

function unquoted(inside: string): string | undefined {
  const comma = inside.indexOf(',');
  if (comma < 0) return undefined;
  const fallback = inside.slice(comma + 1).trim();
  return /^'[^']*'$/.test(fallback) ? undefined : `the default of \`\${${inside}}\` does not stand in single quotes`;
}

/** Elements in which AWS takes a variable for plain text. */
function misplaced({ action, sid, principal }: LintStatement): Found[] {
  const texts = [
    ...(action?.items ?? []),
    ...(sid === undefined ? [] : [sid]),
    ...(principal?.types.flatMap(({ items }) => items) ?? []),
  ];
  return texts
    .filter(({ text }) => insides(text).length > 0)
    .map((place) => found(place, `\`${place.text}\` is taken to the letter here`));
}

/** Operators that compare texts or ARNs; in all others a variable is plain text. */
const textual = /^(?:String|Arn)/;

export const variableChecks: readonly Check[] = [
  {
    id: 'missing-brace-in-variable',
    severity: 'error',
    title: 'a variable that does not end',
    cure: 'close it with `}`',
    sources: [analyzer('Missing brace in variable')],
    find: eachStatement((statement) =>
      places(statement)
        .filter(unclosed)
        .map((place) => found(place, `a variable in \`${place.text}\` has no closing brace`)),
    ),
  },
  {
    id: 'empty-variable',
    severity: 'error',
    title: 'a variable without a name',
    cure: 'name a condition key, as in `${aws:username}`',
    sources: [analyzer('Empty variable')],
    find: eachInside((inside) => (keyOf(inside).trim() === '' ? `\`\${${inside}}\` names no key` : undefined)),
  },
  {
    id: 'unsupported-space-in-variable',
    severity: 'error',
    title: 'a space in the name of a variable',
    cure: 'write the key without spaces',
    sources: [analyzer('Unsupported space in variable')],
    find: eachInside((inside) => {
      const key = keyOf(inside);
      // The key of a tag may hold spaces.
      const checked = key.includes('/') ? key.slice(0, key.indexOf('/')) : key;
      return checked.trim() !== '' && /\s/.test(checked) ? `\`\${${inside}}\` has a space in its name` : undefined;
    }),
  },
  {
    id: 'missing-quote-in-variable',
    severity: 'error',
    title: 'a default that does not stand in single quotes',
    cure: "write it as in `${aws:PrincipalTag/team, 'none'}`",
    sources: [analyzer('Missing quote in variable')],
    find: eachInside(unquoted),
  },
  {
    id: 'variable-unsupported-in-element',
    severity: 'error',
    title: 'a variable where AWS knows none',
    cure: 'variables work in `Resource` and in the values of conditions only',
    sources: [analyzer('Variable unsupported in element')],
    find: eachStatement(misplaced),
  },
  {
    id: 'invalid-variable-for-operator',
    severity: 'error',
    title: 'a variable for an operator that compares neither texts nor ARNs',
    cure: 'use a `String…` or `Arn…` operator',
    sources: [analyzer('Invalid variable for operator')],
    find: eachStatement(({ conditions }) =>
      conditions
        .filter(({ known }) => known !== undefined && !textual.test(known.name) && known.name !== 'Bool')
        .flatMap((condition) =>
          condition.values
            .filter(({ text }) => insides(text).some((inside) => !/^[*?$]$/.test(inside)))
            .map((value) => found(value, `\`${condition.operator}\` takes \`${value.text}\` to the letter`)),
        ),
    ),
  },
];
