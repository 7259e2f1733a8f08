import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isFailure } from '../../src/base/index.ts';
import { checkCredentialsText, withoutExpired, withSection } from '../../src/assume/credentials-file-text.ts';
import { parseIni } from '../../src/assume/ini.ts';
import { content, end, section } from './credentials-file-support.ts';

/** Files as people have them; each must survive byte for byte. */
const files: Readonly<Record<string, string>> = {
  'an empty file': '',
  'one section': '[a]\naws_access_key_id = A\n',
  'comments, blank lines and odd spacing':
    '# mine\n\n[ a ]   # why\n  ; x\naws_access_key_id=A\n\taws = 1\n\n\n; end\n[b]\nk\t=\tv ; c\n\n\n',
  'the line ends of Windows': '[a]\r\naws_access_key_id = A\r\n\r\n# c\r\n',
  'mixed line ends': '[a]\r\nx = 1\n\r\n[b]\ny = 2\r\n',
  'a byte order mark': '\u00EF\u00BB\u00BF[a]\nx = 1\n',
  'letters that are no UTF-8': '[a]\nx = \u00FF\u00FE\u00E9\n',
  'duplicate sections and keys': '[a]\nx = 1\nx = 2\n[a]\nx = 3\n',
  'a section of another tool':
    '[lent-too]\nmanager = awsume\naws_access_key_id = A\nexpiration = 2020-01-01 00:00:00\n',
  'what would break a format string': '[a]\nx = 50%%\ny = %(x)s ${z} $(id)\n',
};

for (const [what, text] of Object.entries(files)) {
  test(`a section is added to, changed in and taken from ${what}, and the rest stays byte for byte`, () => {
    const eol = /^[^\n]*\r\n/.test(text) ? '\r\n' : '\n';
    const first = withSection(text, content(), 'f');
    assert.ok(first.startsWith(text));
    assert.ok(first.endsWith(section('1', eol)));
    assert.equal(withSection(first, content('lent', '2'), 'f'), first.replace(section('1', eol), section('2', eol)));
    const { text: after, removed } = withoutExpired(first, end);
    assert.deepEqual(removed, ['lent']);
    assert.equal(after, text);
    assert.equal(withoutExpired(first, end - 1).text, first);
  });
}

test('a section in the middle changes in its place', () => {
  const around = (middle: string): string => `[a]\nx = 1\n\n${middle}# about b\n[b]\ny = 2\n`;
  assert.equal(withSection(around(section('1')), content('lent', '2'), 'f'), around(section('2')));
  assert.equal(withoutExpired(around(section('1')), end).text, '[a]\nx = 1\n# about b\n[b]\ny = 2\n');
});

test('a file without a last line end gets one, and nothing else', () => {
  assert.equal(withSection('[a]\nx = 1', content(), 'f'), `[a]\nx = 1\n\n${section()}`);
  const owned = section().trimEnd();
  assert.equal(withSection(owned, content('lent', '2'), 'f'), section('2'));
  assert.equal(withSection('[lent]\nmanager=stint', content(), 'f'), section());
});

test('lines of others inside a section of Stint stay', () => {
  const mixed = section().replace('region', 'output = json\n# mine\ns3 =\n  max = 1\nregion');
  const changed = withSection(mixed, content('lent', '2'), 'f');
  assert.equal(changed, `${section('2')}output = json\n# mine\ns3 =\n  max = 1\n`);
  assert.equal(withoutExpired(mixed, end).text, '[lent]\noutput = json\n# mine\ns3 =\n  max = 1\n');
});

test('a value that goes on in indented lines goes as a whole', () => {
  const folded = '[lent]\nmanager = stint\naws_session_token = a\n  b\n\tc\noutput = json\n';
  assert.equal(withSection(folded, content(), 'f'), `${section()}output = json\n`);
});

const foreign: Readonly<Record<string, string>> = {
  'without a manager': '[a]\n\n[lent]\naws_access_key_id = A\n',
  'of another manager': '[a]\n\n[lent]\nmanager = awsume\n',
  'with a comment as manager': '[a]\n\n[lent]\n# manager = stint\n',
  'of two managers': '[lent]\nmanager = x\nmanager = stint\n',
  'that is there twice, once not ours': `${section()}[a]\n[lent]\nx = 1\n`,
};
for (const [what, text] of Object.entries(foreign)) {
  test(`55 (Noovolari/leapp#228, #260, #416): a section ${what} is never touched`, () => {
    assert.throws(
      () => withSection(text, content(), 'f'),
      (error) =>
        isFailure(error) && error.code === 'section-foreign' && /^f:\d+: `\[lent\]` was not/.test(error.message),
    );
    const { text: after } = withoutExpired(text, end + 1);
    assert.ok(text.endsWith(after) || after === text);
  });
}

/** The sections of others, without blank lines: what a change may never touch. A comment that follows a section which went stays, below another. */
function foreignParts(text: string, comments = true): readonly string[] {
  return text
    .split(/^(?=\[)/m)
    .filter((part) => !/^[ \t]*manager = stint\r?$/m.test(part))
    .map((part) => part.replaceAll(comments ? /^\r?\n/gm : /^(?:[#;].*)?\r?\n/gm, '').trimEnd())
    .filter((part) => part !== '');
}

/** True when `parts` are among `all`, in that order. */
function holds(all: readonly string[], parts: readonly string[]): boolean {
  let next = 0;
  for (const part of all) if (part === parts[next]) next++;
  return next === parts.length;
}

test('what Stint writes stands as deep as what others put into its section', () => {
  const text = `[lent]\n\tmanager = stint\n\tregion = x\n\tcolour = red\n`;
  const after = withSection(text, content(), 'f');
  assert.match(after, /^\[lent\]\n\tmanager = stint\n(?:\t\w+ = [^\n]*\n)+\tcolour = red\n$/);
  const [lent] = [...parseIni(after, 'f')];
  assert.equal(lent!.settings.get('colour')!.value, 'red');
  assert.equal(lent!.settings.get('region')!.value, 'eu-west-1');
  assert.equal(withSection(after, content(), 'f'), after);
});

test('55 (Noovolari/leapp#228, #260, #416): whatever a file holds, sections of others come out as they went in', () => {
  const pieces = [
    '[a]',
    '[lent]',
    '[lent ] # x',
    'manager = stint',
    'manager = x',
    'k = v',
    '  c = d',
    '# c',
    ';',
    '',
    'expiration = 2020-01-01T00:00:00Z',
    'aws_access_key_id = 1',
    'region',
    '\tregion = x',
  ];
  let seed = 7;
  const next = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  let written = 0;
  for (let round = 0; round < 5000; round++) {
    const lines = Array.from(
      { length: next(14) },
      () => pieces[next(pieces.length)]! + (next(4) === 0 ? '\r\n' : '\n'),
    );
    const text = lines.join('');
    try {
      checkCredentialsText(text, 'f');
    } catch (error) {
      assert.ok(isFailure(error) && error.code === 'config-syntax');
      continue;
    }
    const before = foreignParts(text);
    assert.ok(
      holds(foreignParts(withoutExpired(text, end).text, false), foreignParts(text, false)),
      JSON.stringify(text),
    );
    let changed: string;
    try {
      changed = withSection(text, content(), 'f');
    } catch (error) {
      assert.ok(isFailure(error) && error.code === 'section-foreign', JSON.stringify(text));
      continue;
    }
    assert.deepEqual(foreignParts(changed), before, JSON.stringify(text));
    assert.equal(withSection(changed, content(), 'f'), changed);
    written++;
  }
  assert.ok(written > 500, String(written));
});
