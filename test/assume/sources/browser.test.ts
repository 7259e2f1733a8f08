import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Environment } from '../../../src/assume/model.ts';
import { hasBrowser, openAddress } from '../../../src/assume/sources/browser.ts';

const desks: readonly (readonly [string, NodeJS.Platform, Environment, boolean])[] = [
  ['a Linux desktop', 'linux', { DISPLAY: ':0' }, true],
  ['a Wayland desktop', 'linux', { WAYLAND_DISPLAY: 'wayland-0' }, true],
  ['a machine without a display', 'linux', {}, false],
  ['an empty DISPLAY', 'linux', { DISPLAY: '' }, false],
  ['SSH with a forwarded display', 'linux', { DISPLAY: 'localhost:10', SSH_CONNECTION: 'a 1 b 22' }, false],
  ['SSH to a Mac', 'darwin', { SSH_TTY: '/dev/ttys001' }, false],
  ['a Mac', 'darwin', {}, true],
  ['Windows', 'win32', {}, true],
  ['WSL', 'linux', { WSL_DISTRO_NAME: 'Debian' }, true],
  [
    'an editor that forwards ports and sets BROWSER',
    'linux',
    { SSH_CONNECTION: 'a 1 b 22', BROWSER: '/x/browser.sh' },
    true,
  ],
];

for (const [name, platform, env, expected] of desks) {
  test(`a browser ${expected ? 'is' : 'is not'} counted on: ${name}`, () =>
    assert.equal(hasBrowser(platform, env), expected));
}

test('a program that is not there is passed over, and when none is, that is said', async () => {
  const url = 'https://x.example/?a=1&b=$(id)';
  assert.equal(await openAddress(url, 'linux', { PATH: '/nowhere', BROWSER: '/nowhere/x:/bin/true' }), undefined);
  assert.match((await openAddress(url, 'linux', { PATH: '/nowhere' })) ?? '', /^no browser was opened: `xdg-open`/);
  assert.match((await openAddress(url, 'linux', { STINT_BROWSER: '"open' })) ?? '', /STINT_BROWSER/);
});
